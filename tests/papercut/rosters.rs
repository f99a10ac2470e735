//! Users, accounts and balances of the server beside the directory and the ledger.

use crate::double::Double;
use crate::harbour::{Harbour, people};
use crate::server::{Holder, Kind};
use crate::trouble::{Trouble, What};

fn ann() -> Holder {
    Holder::user("ann")
}

/// Findings of a run's JSON with a code.
fn findings(document: &serde_json::Value, code: &str) -> Vec<String> {
    let all = document["sites"][0]["findings"].as_array().unwrap().iter();
    all.filter(|one| one["code"] == code).map(|one| one["message"].as_str().unwrap().to_owned()).collect()
}

fn run(harbour: &Harbour, at: &str) -> serde_json::Value {
    harbour.space.json(&["--as-of", at, "run"]).1
}

#[test]
fn a_user_is_the_member_with_its_address() {
    let mut server = people().with_user("akestrel", 0);
    let user = server.users.get_mut("akestrel").unwrap();
    user.email = "kestrel@home.example".to_owned();
    user.other_emails = "old@space.example, ANN@space.example".to_owned();
    let harbour = Harbour::at(Double::start(server), "");
    harbour.job("akestrel", "", "2026-10-05 10:00:00", "plan.pdf", 300_000);
    harbour.report("2026-10-01", "2026-10-31");
    let document = run(&harbour, "2026-11-02T06:00:00");
    assert_eq!(document["sites"][0]["issued"][0]["net"], "0.30", "{document}");
    assert!(findings(&document, "suspense").is_empty(), "{document}");
}

#[test]
fn who_is_on_one_side_only_is_told() {
    let server = people().with_user("guest", 0).with_account("Nobody's", 9, 0);
    let harbour = Harbour::at(Double::start(server), "");
    harbour
        .space
        .write("members.csv", "id,name,usernames\nM1,Ann Kestrel,ann\nM2,Ben Lark,ben\nM3,Cleo Wren,cleo\n");
    harbour.space.write("teams.csv", "id,name,accounts\nT1,Acme Ltd,Acme\nT2,Birch,Birch Works\n");
    let document = run(&harbour, "2026-11-02T06:00:00");
    let told = |code: &str| findings(&document, code).concat();
    assert!(told("users-not-in-directory").contains("`guest`"), "{document}");
    assert!(told("accounts-not-in-directory").contains("`Nobody's`"), "{document}");
    assert!(told("members-not-on-server").contains("`M3 (cleo)`"), "{document}");
    assert!(told("accounts-not-on-server").contains("`Birch Works`"), "{document}");
}

#[test]
fn a_renamed_account_keeps_its_payer_and_gets_its_credit_under_its_new_name() {
    let harbour = Harbour::at(Double::start(people()), "balance_changes = \"invoiced\"");
    harbour.job("ben", "Acme\\Lab", "2026-10-06 10:00:00", "memo.pdf", 1_500_000);
    harbour.report("2026-10-01", "2026-10-31");
    run(&harbour, "2026-11-01T06:00:00");
    // The team's account is taken out of its parent.
    assert!(harbour.double.server().rename_account("Acme\\Lab", "Workbench"));
    harbour.double.server().charge(&Holder::account("Workbench"), 400_000);
    let row = "2026-11-05 10:00:00,ben,Workbench,MFD,x.pdf,1,0,0.40,NOT_REFUNDED\n";
    harbour.double.server().config.entry("log".to_owned()).or_default().push_str(row);
    let document = run(&harbour, "2026-11-02T06:00:00");
    assert!(
        findings(&document, "account-renamed").concat().contains("is called `Workbench` now"),
        "{document}"
    );
    assert_eq!(harbour.changes(), ["account Workbench 1.5"]);
    harbour.report("2026-11-01", "2026-11-30");
    let document = run(&harbour, "2026-12-02T06:00:00");
    assert_eq!(document["sites"][0]["issued"][0]["net"], "0.40", "{document}");
    assert_eq!(harbour.balance(&Holder::account("Workbench")), 0);
}

#[test]
fn a_new_user_with_the_address_of_one_who_is_gone_is_proposed_as_an_alias() {
    let harbour = Harbour::at(Double::start(people()), "");
    run(&harbour, "2026-11-02T06:00:00");
    assert!(harbour.double.server().rename_user("ann", "ann.kestrel"));
    let document = run(&harbour, "2026-11-03T06:00:00");
    let told = findings(&document, "user-maybe-renamed-on-server").concat();
    assert!(told.contains("`\"ann\" = \"ann.kestrel\"` into `[site.alias]`"), "{document}");
    harbour.space.edit("[site.papercut]", "[site.alias]\n\"ann\" = \"ann.kestrel\"\n[site.papercut]");
    let document = run(&harbour, "2026-11-04T06:00:00");
    assert!(findings(&document, "user-maybe-renamed-on-server").is_empty(), "{document}");
}

/// Two nights with October 5 in between; the balances of the second beside those of the first.
fn moved(between: impl Fn(&Harbour)) -> (Harbour, serde_json::Value) {
    let harbour = Harbour::at(Double::start(people()), "");
    run(&harbour, "2026-10-05T03:00:00");
    harbour.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 300_000);
    between(&harbour);
    run(&harbour, "2026-10-06T03:00:00");
    harbour.report("2026-10-05", "2026-10-06");
    let document = run(&harbour, "2026-10-07T03:00:00");
    (harbour, document)
}

#[test]
fn what_jobs_explain_is_no_finding_and_what_they_do_not_is() {
    let (harbour, document) = moved(|_| {});
    assert!(findings(&document, "balance-unexplained").is_empty(), "{document}");
    harbour.space.run(&["--as-of", "2026-10-07T04:00:00", "balances"]).exits(0);

    let (_, document) = moved(|harbour| {
        harbour.double.server().post(&ann(), 20_000_000, "card", Kind::Quota);
    });
    let told = findings(&document, "balance-unexplained").concat();
    assert!(told.contains("user:ann rose by 20.00 more than jobs and our changes explain"), "{document}");
    assert!(told.contains("money paid in"), "{document}");

    let (_, document) = moved(|harbour| harbour.double.server().charge(&Holder::user("ben"), 900_000));
    let told = findings(&document, "balance-unexplained").concat();
    assert!(told.contains("user:ben fell by 0.90") && told.contains("jobs that no report has"), "{document}");

    // The server gave the job back, and no report says so yet.
    let (_, document) = moved(|harbour| {
        harbour.double.server().post(&ann(), 300_000, "refund", Kind::Job);
    });
    assert!(findings(&document, "balance-unexplained").is_empty(), "{document}");
    assert!(
        findings(&document, "balance-named").concat().contains("refunds that no report says"),
        "{document}"
    );
}

#[test]
fn quota_is_named_and_a_night_without_its_report_says_nothing() {
    let harbour = Harbour::at(Double::start(people()), "");
    run(&harbour, "2026-10-31T23:00:00");
    for user in ["ann", "ben"] {
        harbour.double.server().post(&Holder::user(user), 30_000_000, "quota", Kind::Quota);
    }
    run(&harbour, "2026-11-01T03:00:00");
    let document = run(&harbour, "2026-11-02T03:00:00");
    assert!(findings(&document, "balance-named").is_empty(), "no report speaks for these days: {document}");
    harbour.report("2026-10-31", "2026-11-01");
    let document = run(&harbour, "2026-11-02T04:00:00");
    assert!(findings(&document, "balance-unexplained").is_empty(), "{document}");
    let told = findings(&document, "balance-named").concat();
    assert!(told.contains("2 balances rose by 60.00 together, by the look of it quota"), "{document}");
}

#[test]
fn balances_shows_each_account_beside_the_last_snapshot() {
    let harbour = Harbour::new("balance_changes = \"invoiced\"\nhold_days = 3");
    harbour.run("2026-11-02T06:00:00").exits(0);
    harbour.double.server().charge(&ann(), 110_000);
    let (code, document) = harbour.space.json(&["--as-of", "2026-11-02T09:00:00", "balances"]);
    assert_eq!(code, Some(0), "{document}");
    let ann = document["sites"][0]["balances"].as_array().unwrap();
    let ann = ann.iter().find(|one| one["name"] == "ann").unwrap();
    assert_eq!((&ann["last"], &ann["actual"]), (&"-0.30".into(), &"-0.41".into()), "{ann}");
    assert_eq!((&ann["difference"], &ann["covered"]), (&"-0.11".into(), &false.into()), "{ann}");
    let change = &document["sites"][0]["changes"][1];
    assert_eq!((&change["name"], &change["amount"]), (&"ann".into(), &"0.30".into()), "{change}");
    let ran = harbour.space.run(&["--as-of", "2026-11-02T09:00:00", "balances"]).exits(0);
    assert!(ran.out.contains("reports do not reach here yet"), "{ran:?}");
    // Nothing is written without `--adjust`, and nothing is made before its day.
    let before = std::fs::read(harbour.space.ledger_path()).unwrap();
    harbour.space.run(&["--as-of", "2026-11-04T09:00:00", "balances"]).exits(0);
    assert!(std::fs::read(harbour.space.ledger_path()).unwrap() == before);
    harbour.space.run(&["--as-of", "2026-11-05T09:00:00", "balances", "--adjust"]).exits(0);
    assert_eq!(harbour.balance(&Holder::user("ann")), -110_000);
}

#[test]
fn the_directory_is_exported_to_start_from() {
    let mut server = people().with_account("Birch", 12, 0);
    server.users.get_mut("ann").unwrap().full_name = "=Ann()".to_owned();
    server.users.get_mut("ben").unwrap().full_name = "Lark, \"Ben\"".to_owned();
    let harbour = Harbour::at(Double::start(server), "");
    std::fs::remove_file(harbour.space.path("members.csv")).unwrap();
    std::fs::remove_file(harbour.space.path("teams.csv")).unwrap();
    harbour.space.run(&["directory", "export", "sheets"]).exits(0).says(&["2 members and 2 teams"]);
    let read = |name: &str| std::fs::read_to_string(harbour.space.path(name)).unwrap();
    assert_eq!(
        read("sheets/members.csv"),
        "id,name,email,usernames,team,from,to,plan\r\n\
         ann,ann,ann@space.example,ann,,,,\r\nben,\"Lark, \"\"Ben\"\"\",,ben,,,,\r\n"
    );
    assert_eq!(
        read("sheets/teams.csv"),
        "id,name,email,seats,plan,accounts\r\nAcme,Acme,,,,Acme\r\nA12,Birch,,,,Birch\r\n"
    );
    harbour.space.run(&["directory", "export", "sheets"]).exits(2).says(&["is there already"]);
    // They are a directory that works as it is.
    for name in ["members.csv", "teams.csv"] {
        harbour.space.write(name, read(&format!("sheets/{name}")));
    }
    harbour.space.run(&["--as-of", "2026-11-02T06:00:00", "bill", "--period", "2026-10"]).exits(0);
}

#[test]
fn a_snapshot_that_was_broken_off_is_gone_on_with() {
    let mut server = people();
    for number in 0..40 {
        server = server.with_user(&format!("user{number:02}"), 0);
    }
    let harbour = Harbour::at(Double::start(server), "calls_in_flight = 2");
    let shut = What::Meanwhile(Box::new(|server| server.is_address_allowed = false));
    harbour.double.order(Trouble::at("api.getUserProperties", shut).after(20));
    let document = run(&harbour, "2026-11-02T06:00:00");
    assert_eq!(findings(&document, "papercut-not-read").len(), 1, "{document}");
    assert_eq!(harbour.space.sum("SELECT count(*) FROM snapshot WHERE ended_at IS NULL"), 1);
    harbour.double.server().is_address_allowed = true;
    let before = harbour.double.server().calls_of("api.getUserProperties").len();
    run(&harbour, "2026-11-02T06:10:00");
    let more = harbour.double.server().calls_of("api.getUserProperties").len() - before;
    assert!(more < 42, "{more} calls: what was read is not read again");
    assert_eq!(harbour.space.sum("SELECT count(*) FROM snapshot"), 1);
    assert_eq!(harbour.space.sum("SELECT count(*) FROM holder"), 43);
    // After an hour it is too old to go on with.
    run(&harbour, "2026-11-02T08:00:00");
    assert_eq!(harbour.space.sum("SELECT count(*) FROM snapshot WHERE ended_at IS NOT NULL"), 2);
}

#[test]
fn names_that_a_sheet_cannot_hold_are_left_out_and_told() {
    let server = people()
        .with_user("a;b", 0)
        .with_user("Strasse", 0)
        .with_user("STRASSE", 0)
        .with_account("=Sum", 21, 0)
        .with_account("Proj-*", 22, 0);
    let harbour = Harbour::at(Double::start(server), "");
    let (code, document) = harbour.space.json(&["directory", "export", "sheets"]);
    assert_eq!(
        (code, &document["members"], &document["teams"]),
        (Some(3), &3.into(), &1.into()),
        "{document}"
    );
    let left_out = document["left_out"].to_string();
    for name in ["`a;b`", "`Strasse`", "`=Sum`", "`Proj-*`"] {
        assert!(left_out.contains(name), "{left_out}");
    }
}

#[test]
fn pages_end_at_a_short_one_and_at_one_that_repeats() {
    let mut server = people();
    for number in 0..998 {
        server = server.with_user(&format!("u{number:04}"), 0);
    }
    server.page_repeats = true;
    let harbour = Harbour::at(Double::start(server), "");
    let (code, document) = harbour.space.json(&["directory", "export", "sheets"]);
    assert_eq!((code, &document["members"]), (Some(0), &1_000.into()), "{document}");
    {
        let mut server = harbour.double.server();
        server.page_repeats = false;
        for number in 0..1_002 {
            server.users.insert(format!("v{number:04}"), crate::server::User::default());
        }
    }
    let (_, document) = harbour.space.json(&["directory", "export", "sheets2"]);
    assert_eq!(document["members"], 2_002, "{document}");
    // A server that gives fewer names than it is asked for would end after its first page.
    harbour.double.server().page_size_max = 500;
    harbour.space.fails(
        &["directory", "export", "sheets3"],
        1,
        "papercut",
        &["found a list of 500, expected the 2002"],
    );
}
