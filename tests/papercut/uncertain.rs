//! Answers that never came: nothing is repeated before somebody has looked, and one balance does not stop the others.

use std::time::Duration;

use crate::harbour::Harbour;
use crate::server::{Holder, Kind};
use crate::trouble::{Trouble, What};

const KEYS: &str = "balance_changes = \"invoiced\"\ntimeout_seconds = 1";
const ADJUST_USER: &str = "api.adjustUserAccountBalance";
const ADJUST_ACCOUNT: &str = "api.adjustSharedAccountAccountBalance";

fn ann() -> Holder {
    Holder::user("ann")
}

/// Runs October with a trouble at ann's change.
fn troubled(what: What) -> (Harbour, crate::space::Ran) {
    let harbour = Harbour::new(KEYS);
    harbour.double.order(Trouble::at(ADJUST_USER, what));
    let ran = harbour.run("2026-11-02T06:00:00");
    // The other account was given back whatever happened to ann's.
    assert_eq!(harbour.balance(&Holder::account("Acme\\Lab")), 0, "{ran:?}");
    (harbour, ran)
}

/// How often ann's balance was changed on the server.
fn made(harbour: &Harbour) -> usize {
    harbour.changes().iter().filter(|change| change.starts_with("user ann")).count()
}

#[test]
fn an_answer_that_was_lost_after_the_deed_is_found_by_looking() {
    for what in
        [What::DropAfter, What::HalfAnswer, What::HtmlAfter(504), What::DelayAnswer(Duration::from_secs(3))]
    {
        let (harbour, ran) = troubled(what);
        let ran = ran.exits(0);
        assert_eq!(made(&harbour), 1, "{ran:?}");
        assert_eq!(harbour.states(), ["account:Acme\\Lab delivered", "user:ann delivered"]);
        harbour.run("2026-11-02T07:00:00").exits(0);
        assert_eq!((made(&harbour), harbour.balance(&ann())), (1, 0));
    }
}

#[test]
fn a_call_that_was_lost_before_the_deed_waits_until_reports_prove_it() {
    for what in [What::DropBefore, What::Html(503)] {
        let (harbour, ran) = troubled(what);
        ran.exits(4).says(&["user:ann is uncertain", "the call may still be under way"]);
        assert_eq!(made(&harbour), 0);
        // Minutes later nobody knows yet: a job of just that amount may have been printed.
        harbour.run("2026-11-02T06:30:00").exits(4).says(&["no report speaks for the time since"]);
        // The next night a report speaks for the whole day on which it was read again: it was not made.
        harbour.run("2026-11-03T05:00:00").exits(4);
        assert_eq!(made(&harbour), 0, "not repeated blindly");
        harbour.report("2026-11-01", "2026-11-02");
        harbour.run("2026-11-03T06:00:00").exits(0);
        assert_eq!((made(&harbour), harbour.balance(&ann())), (1, 0));
    }
}

#[test]
fn a_job_of_the_same_amount_makes_both_answers_possible() {
    // The change is made and its answer lost; before the look a job takes just as much.
    let harbour = Harbour::new(KEYS);
    harbour.double.order(Trouble::at(ADJUST_USER, What::DropAfter));
    // The balance is read for the snapshot with the properties; by this method before the call and after it.
    harbour.double.order(Trouble::at("api.getUserAccountBalance", What::job(ann(), 300_000)).after(1));
    harbour.run("2026-11-02T06:00:00").exits(4).says(&["user:ann is uncertain"]);
    assert_eq!(made(&harbour), 1);
    for hour in ["07", "08", "09"] {
        harbour.run(&format!("2026-11-02T{hour}:00:00")).exits(4);
    }
    assert_eq!(made(&harbour), 1, "never repeated");
    // The report of that day has the job: now one answer is left.
    {
        let mut server = harbour.double.server();
        let row = "2026-11-02 06:30:00,ann,,MFD,x.pdf,1,0,0.30,NOT_REFUNDED\n";
        server.config.entry("log".to_owned()).or_default().push_str(row);
    }
    harbour.report("2026-11-01", "2026-11-02");
    harbour.run("2026-11-03T06:00:00").exits(0);
    assert_eq!(harbour.states()[1], "user:ann delivered");
    assert_eq!((made(&harbour), harbour.balance(&ann())), (1, -300_000));
}

#[test]
fn a_balance_that_was_not_read_is_no_evidence() {
    // The change is made, its answer lost, and the look after it fails.
    let harbour = Harbour::new(&format!("{KEYS}\ncalls_in_flight = 1"));
    let fault = || What::Fault(257, "An unknown error occurred");
    harbour.double.order(Trouble::at(ADJUST_USER, What::DropAfter));
    harbour.double.order(Trouble::at("api.getUserAccountBalance", fault()).after(1));
    harbour.run("2026-11-02T06:00:00").exits(4).says(&["user:ann is uncertain"]);
    assert_eq!(made(&harbour), 1);
    // In the evening's snapshot the server names ann and fails to tell her balance: that of the morning says nothing.
    harbour.double.order(Trouble::at("api.getUserProperties", fault()));
    harbour.run("2026-11-02T20:00:00").exits(4).says(&["not read"]);
    harbour.report("2026-11-01", "2026-11-02");
    harbour.run("2026-11-03T06:00:00").exits(4);
    assert_eq!(made(&harbour), 1, "never repeated");
    harbour.report("2026-11-01", "2026-11-03");
    harbour.run("2026-11-04T06:00:00").exits(0);
    assert_eq!(harbour.states()[1], "user:ann delivered");
    assert_eq!((made(&harbour), harbour.balance(&ann())), (1, 0));
}

#[test]
fn a_person_settles_what_the_numbers_leave_open() {
    let (harbour, ran) = troubled(What::DropBefore);
    ran.exits(4);
    let id: i64 = harbour.space.sum("SELECT id FROM delivery WHERE target = 'user:ann'");
    let id = id.to_string();
    let (code, document) =
        harbour.space.json(&["--as-of", "2026-11-02T06:30:00", "deliver", "--resolve", &id]);
    assert_eq!(code, Some(4), "{document}");
    let evidence = document["evidence"].as_str().unwrap();
    for part in [
        "with -0.30 there, to add 0.30",
        "-0.30 at 2026-11-02 06:30",
        "made it would be 0.00, not made -0.30",
    ] {
        assert!(evidence.contains(part), "no `{part}` in {evidence}");
    }
    let settle = |outcome: &str| {
        harbour.space.run(&["--as-of", "2026-11-02T06:40:00", "deliver", "--resolve", &id, "--as", outcome])
    };
    settle("not-delivered").exits(0);
    harbour.run("2026-11-02T07:00:00").exits(0);
    assert_eq!((made(&harbour), harbour.balance(&ann())), (1, 0));
    settle("delivered").exits(2).says(&["is settled"]);

    let (harbour, _) = troubled(What::DropBefore);
    let settled = harbour.space.run(&["deliver", "--resolve", &id, "--as", "delivered"]);
    settled.exits(0);
    harbour.run("2026-11-02T07:00:00").exits(0);
    assert_eq!(made(&harbour), 0, "a person has said that it was made");
}

#[test]
fn a_call_that_arrives_after_the_look_is_not_made_twice() {
    // The server takes the call up later than papertally waits.
    let (harbour, ran) = troubled(What::Delay(Duration::from_secs(3)));
    ran.exits(4);
    harbour.double.wait_until(|server| {
        !server.postings_of(Kind::Adjust).is_empty() && server.balance(&ann()) == Some(0)
    });
    // It looks made, but somebody may have paid in as much: reports decide.
    harbour.run("2026-11-02T06:20:00").exits(4);
    harbour.report("2026-11-01", "2026-11-02");
    harbour.run("2026-11-03T06:00:00").exits(0);
    assert_eq!((made(&harbour), harbour.balance(&ann())), (1, 0));
}

#[test]
fn what_the_server_refuses_is_parked_and_told_until_it_is_mended() {
    let harbour = Harbour::new(KEYS);
    let gone = harbour.double.server().users.remove("ann").unwrap();
    harbour
        .run("2026-11-02T06:00:00")
        .exits(4)
        .says(&["user:ann is failed", "deleted or renamed on the server"]);
    assert_eq!(harbour.balance(&Holder::account("Acme\\Lab")), 0);
    harbour.run("2026-11-03T06:00:00").exits(4);
    harbour.double.server().users.insert("ann".to_owned(), gone);
    harbour.run("2026-11-04T06:00:00").exits(0);
    assert_eq!(harbour.balance(&ann()), 0);

    let (harbour, ran) = troubled(What::False);
    ran.exits(4).says(&["user:ann is failed", "the server answered that it did not"]);
    let (harbour_two, ran) = troubled(What::Fault(257, "Unknown error"));
    ran.exits(4).says(&["user:ann is failed", "Unknown error"]);
    for harbour in [harbour, harbour_two] {
        harbour.run("2026-11-03T06:00:00").exits(0);
        assert_eq!((made(&harbour), harbour.balance(&ann())), (1, 0));
    }
}

#[test]
fn a_server_that_is_down_stops_nothing_but_its_own_part() {
    let harbour = Harbour::new(KEYS);
    harbour.double.server().is_address_allowed = false;
    harbour.run("2026-11-02T06:00:00").exits(4).says(&["allowed-addresses", "1 balance change waits"]);
    assert_eq!(harbour.space.sum("SELECT count(*) FROM batch"), 1, "billed all the same");
    harbour.double.server().is_address_allowed = true;
    harbour.double.server().token = "changed".to_owned();
    harbour.run("2026-11-03T06:00:00").says(&["auth-token"]);
    harbour.double.server().token = "secret".to_owned();
    harbour.run("2026-11-04T06:00:00").exits(0);
    assert_eq!(harbour.balance(&ann()), 0);
    let all = std::fs::read(harbour.space.ledger_path()).unwrap();
    assert!(!all.windows(6).any(|bytes| bytes == b"secret"), "the token is in the ledger");
}

#[test]
fn an_account_that_is_another_one_now_gets_nothing() {
    let harbour = Harbour::new(KEYS);
    harbour.double.order(Trouble::at(ADJUST_ACCOUNT, What::Fault(257, "Shared account cannot be found")));
    harbour.run("2026-11-02T06:00:00").exits(4);
    // Somebody deletes the account and makes a new one of the same name.
    harbour.double.server().accounts.get_mut("Acme\\Lab").unwrap().id = 99;
    harbour.run("2026-11-03T06:00:00").exits(3).says(&["has had several accounts of this name"]);
    assert_eq!(harbour.changes(), ["user ann 0.3"]);
}
