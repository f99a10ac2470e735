//! Whole months of the built program beside a server: read, billed, given back.

use crate::harbour::{Harbour, log, people};
use crate::server::{Holder, Kind};

const INVOICED: &str = "balance_changes = \"invoiced\"";

fn ann() -> Holder {
    Holder::user("ann")
}

fn lab() -> Holder {
    Holder::account("Acme\\Lab")
}

#[test]
fn a_month_is_billed_and_given_back_exactly_once() {
    let harbour = Harbour::new(INVOICED);
    harbour.run("2026-11-02T06:00:00").exits(0).says(&["Changed 2 balances: 12.6456 given back."]);
    // The exact cost, whatever the invoice was rounded to; never set.
    assert_eq!(harbour.changes(), ["account Acme\\Lab 12.3456", "user ann 0.3"]);
    assert_eq!((harbour.balance(&ann()), harbour.balance(&lab())), (0, 0));
    assert_eq!(harbour.states(), ["account:Acme\\Lab delivered", "user:ann delivered"]);
    let comment = harbour.double.server().postings_of(Kind::Adjust)[0].comment.clone();
    assert!(comment.starts_with("papertally main-2026-10 ") && comment.len() < 60, "{comment}");
    harbour.run("2026-11-02T07:00:00").exits(0).says(&["Nothing new."]);
    harbour.run("2026-11-03T06:00:00").exits(0);
    assert_eq!(harbour.changes().len(), 2);
    let mail = harbour.space.outputs().into_iter().find(|(name, _)| name.ends_with(".eml")).unwrap().1;
    let mail = String::from_utf8(mail).unwrap();
    assert!(mail.contains("main: 2 changed, GBP 12.6456 given back"), "{mail}");
}

#[test]
fn without_a_mode_no_balance_is_changed() {
    let harbour = Harbour::new("");
    harbour.run("2026-11-02T06:00:00").exits(0);
    assert!(harbour.changes().is_empty() && harbour.states().is_empty());
    assert_eq!(harbour.space.sum("SELECT count(*) FROM settlement"), 0);
    // Switched on later, only what is issued from then on is given back.
    harbour.space.edit("[site.papercut]", "[site.papercut]\nbalance_changes = \"invoiced\"");
    harbour.job("ann", "", "2026-11-20 10:00:00", "late.pdf", 500_000);
    harbour.report("2026-11-01", "2026-11-30");
    harbour.run("2026-12-02T06:00:00");
    assert_eq!(harbour.changes(), ["user ann 0.5"]);
}

#[test]
fn a_dry_run_asks_the_server_for_nothing() {
    let harbour = Harbour::new(INVOICED);
    harbour.space.run(&["--as-of", "2026-11-02T06:00:00", "run", "--dry-run"]).exits(0);
    assert_eq!(harbour.double.server().calls.len(), 0);
}

#[test]
fn jobs_printed_between_reading_and_writing_survive() {
    let harbour = Harbour::new(INVOICED);
    // One arrives just before the call that changes the balance, and one after it.
    harbour.double.order(crate::trouble::Trouble::at(
        "api.adjustUserAccountBalance",
        crate::trouble::What::job(ann(), 110_000),
    ));
    harbour.run("2026-11-02T06:00:00").exits(0);
    assert_eq!(harbour.balance(&ann()), -110_000);
    assert_eq!(harbour.states(), ["account:Acme\\Lab delivered", "user:ann delivered"]);
    let (_, document) = harbour.space.json(&["--as-of", "2026-11-02T06:10:00", "balances"]);
    assert_eq!(document["sites"][0]["balances"][1]["name"], "ann", "{document}");
}

#[test]
fn late_jobs_refunds_and_reversals_are_settled_by_differences() {
    let harbour = Harbour::new(INVOICED);
    harbour.run("2026-11-02T06:00:00").exits(0);
    // A job of October that comes late, and a refund of one that was billed: PaperCut gives its cost back itself.
    harbour.job("ann", "", "2026-10-30 10:00:00", "late.pdf", 200_000);
    {
        let mut server = harbour.double.server();
        let log = server.config.get_mut("log").unwrap();
        *log = log.replace("12.3456,NOT_REFUNDED", "12.3456,REFUNDED");
        server.post(&lab(), 12_345_600, "refund", Kind::Job);
    }
    assert_eq!(harbour.balance(&lab()), 12_345_600, "given back twice for now");
    harbour.report("2026-10-01", "2026-10-31");
    let ran = harbour.space.run(&["--as-of", "2026-11-05T06:00:00", "ingest"]);
    assert!(ran.code == Some(0) || ran.code == Some(3), "{ran:?}");
    harbour.space.run(&["--as-of", "2026-11-05T06:00:00", "bill", "--period", "2026-10", "--issue"]);
    harbour.space.run(&["--as-of", "2026-11-05T06:00:00", "balances", "--adjust"]);
    assert_eq!(
        harbour.changes(),
        ["account Acme\\Lab 12.3456", "user ann 0.3", "account Acme\\Lab -12.3456", "user ann 0.2"]
    );
    assert_eq!((harbour.balance(&ann()), harbour.balance(&lab())), (0, 0));
    // A person takes the first line back: what it gave is taken back; billed anew, it is given again.
    let key: String = {
        let db = rusqlite::Connection::open(harbour.space.ledger_path()).unwrap();
        let sql = "SELECT key FROM invoice_line WHERE payer = 'member:M1' ORDER BY id LIMIT 1";
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    harbour.space.run(&["--as-of", "2026-11-06T06:00:00", "reverse", &key]);
    harbour.space.run(&["--as-of", "2026-11-06T06:00:00", "balances", "--adjust"]);
    assert_eq!(harbour.balance(&ann()), -300_000, "the job is on no line any more");
    harbour.space.run(&["--as-of", "2026-11-07T06:00:00", "bill", "--period", "2026-10", "--issue"]);
    harbour.space.run(&["--as-of", "2026-11-07T06:00:00", "balances", "--adjust"]);
    assert_eq!(harbour.balance(&ann()), 0);
}

#[test]
fn nothing_is_given_back_before_the_files_are_handed_out() {
    let harbour = Harbour::new(INVOICED);
    // The receiver's file cannot be written: something else is in its place.
    harbour.space.write("out/main-2026-10/main-2026-10-xero.csv", "somebody's own file");
    harbour.run("2026-11-02T06:00:00").exits(4);
    assert!(harbour.changes().is_empty());
    let (code, document) = harbour.space.json(&["--as-of", "2026-11-02T06:30:00", "balances"]);
    assert_eq!(code, Some(3), "{document}");
    let told = document["sites"][0]["findings"].to_string();
    assert!(
        told.contains("no balance is changed for the lines of batch main-2026-10 yet")
            && told.contains("xero.csv` is failed"),
        "{told}"
    );
    std::fs::remove_file(harbour.space.path("out/main-2026-10/main-2026-10-xero.csv")).unwrap();
    harbour.space.run(&["--as-of", "2026-11-02T07:00:00", "deliver", "--retry"]).exits(0);
    assert_eq!((harbour.balance(&ann()), harbour.balance(&lab())), (0, 0));
}

#[test]
fn without_a_receiver_nobody_has_the_lines() {
    let harbour = Harbour::new(INVOICED);
    let config = std::fs::read_to_string(harbour.space.path("papertally.toml")).unwrap();
    let (before, after) = config.split_once("[[receiver]]").unwrap();
    let mail = after.split_once("[mail]").unwrap().1.replace("attach = [\"lines\"]", "");
    harbour.space.write("papertally.toml", format!("{before}[mail]{mail}"));
    harbour.run("2026-11-02T06:00:00").exits(3).says(&["no receiver took its lines"]);
    assert!(harbour.changes().is_empty());
}

#[test]
fn holds_caps_and_exclusions_keep_changes_back() {
    let harbour = Harbour::new(&format!("{INVOICED}\nhold_days = 10\naccount_change_max = \"10\""));
    harbour
        .run("2026-11-02T06:00:00")
        .exits(0)
        .says(&["2 balance changes wait (held for refunds until 2026-11-12"]);
    // What waits for its day is not late.
    harbour.space.run(&["--as-of", "2026-11-03T06:00:00", "deliver"]).exits(0);
    harbour.space.run(&["--as-of", "2026-11-03T06:00:00", "status"]).exits(0);
    harbour.run("2026-11-12T06:00:00").exits(3).says(&["larger than `account_change_max` (10.00)"]);
    assert_eq!(harbour.changes(), ["user ann 0.3"]);
    harbour.space.edit("account_change_max = \"10\"", "run_change_max = \"10\"");
    harbour.run("2026-11-13T06:00:00").exits(3).says(&["reach `run_change_max` (10.00)"]);
    harbour.space.edit("run_change_max = \"10\"", "exclude_accounts = [\"acme\"]");
    harbour.run("2026-11-14T06:00:00").says(&["the configuration excludes it"]);
    assert_eq!(harbour.changes(), ["user ann 0.3"]);
    harbour.space.edit("exclude_accounts = [\"acme\"]", "exclude_users = [\"ann\"]");
    harbour.run("2026-11-15T06:00:00").exits(0);
    assert_eq!(harbour.changes(), ["user ann 0.3", "account Acme\\Lab 12.3456"]);
}

#[test]
fn a_plan_goes_before_the_site() {
    let harbour = Harbour::new(INVOICED);
    harbour
        .space
        .write("members.csv", "id,name,email,usernames,plan\nM1,Ann Kestrel,,ann,kept\nM2,Ben Lark,,ben,\n");
    harbour.space.edit(
        "[billing]",
        "[[plan]]\nname = \"kept\"\nbasis = \"cost\"\ntax = \"VAT 20%\"\nbalance_changes = \"none\"\n[billing]",
    );
    harbour.run("2026-11-02T06:00:00").exits(0);
    assert_eq!(harbour.changes(), ["account Acme\\Lab 12.3456"]);
}

#[test]
fn a_target_is_reached_by_the_difference_to_the_balance_read_for_billing() {
    let harbour = Harbour::at(
        crate::double::Double::start(people()),
        "balance_changes = \"target\"\nbalance_target = \"30.00\"",
    );
    harbour.double.server().post(&ann(), 30_000_000, "quota", Kind::Quota);
    harbour.double.server().post(&Holder::user("ben"), 80_000_000, "paid in", Kind::Quota);
    harbour.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 12_500_000);
    harbour.job("ben", "", "2026-10-06 10:00:00", "memo.pdf", 1_000_000);
    harbour.report("2026-10-01", "2026-10-31");
    harbour.double.order(crate::trouble::Trouble::at(
        "api.adjustUserAccountBalance",
        crate::trouble::What::job(ann(), 250_000),
    ));
    harbour.run("2026-11-02T06:00:00").exits(0);
    // Ben has more than the target, by his own money: nobody takes it away.
    assert_eq!(harbour.changes(), ["user ann 12.5"]);
    assert_eq!(harbour.balance(&ann()), 29_750_000, "the job since survives");
    let (_, document) = harbour.space.json(&["--as-of", "2026-11-02T06:01:00", "status"]);
    assert!(document["deliveries"].as_array().unwrap().is_empty(), "{document}");
    // A late job in a second batch of the month: the reading of before is not used once more.
    harbour.job("ann", "", "2026-10-31 10:00:00", "late.pdf", 100_000);
    harbour.report("2026-10-31", "2026-10-31");
    harbour.space.run(&["--as-of", "2026-11-02T08:00:00", "ingest"]);
    let bill = ["--as-of", "2026-11-02T08:00:00", "bill", "--period", "2026-10", "--issue"];
    harbour.space.run(&bill);
    let adjust = ["--as-of", "2026-11-02T08:10:00", "balances", "--adjust"];
    harbour.space.run(&adjust).exits(0);
    harbour.run("2026-11-03T06:00:00");
    assert_eq!(
        harbour.changes(),
        ["user ann 12.5"],
        "once for a month: the late job is in the next one's balance"
    );
}

#[test]
fn with_several_personal_accounts_no_sum_is_given_to_one_of_them() {
    let mut server = people();
    server.users.get_mut("ann").unwrap().balances = [("Paid".to_owned(), 0), ("Free".to_owned(), 0)].into();
    let harbour = Harbour::at(
        crate::double::Double::start(server),
        &format!("{INVOICED}\npersonal_account = \"Paid\""),
    );
    harbour.double.server().users.get_mut("ben").unwrap().balances = [("Paid".to_owned(), 0)].into();
    {
        let mut server = harbour.double.server();
        server.charge(&Holder::purse("ann", "Paid"), 300_000);
        server.charge(&Holder::purse("ann", "Free"), 200_000);
        server.charge(&Holder::purse("ben", "Paid"), 700_000);
        let rows = "2026-10-05 10:00:00,ann,,MFD,a.pdf,1,0,0.50,NOT_REFUNDED\n\
                    2026-10-06 10:00:00,ben,,MFD,b.pdf,1,0,0.70,NOT_REFUNDED\n";
        server.config.insert("log".to_owned(), rows.to_owned());
    }
    harbour.report("2026-10-01", "2026-10-31");
    harbour.run("2026-11-02T06:00:00").exits(4).says(&["which of them paid for the jobs is not known"]);
    assert_eq!(harbour.changes(), ["user ben/Paid 0.7"]);
}

#[test]
fn a_site_that_names_no_personal_account_is_told_to() {
    let mut server = people();
    server.users.get_mut("ann").unwrap().balances =
        [("Paid".to_owned(), -300_000), ("Free".to_owned(), 0)].into();
    let harbour = Harbour::at(crate::double::Double::start(server), INVOICED);
    harbour.space.write(
        "inbox/log.csv",
        "# From date = 2026-10-01 00:00:00, To date = 2026-10-31 23:59:59\nTime,User,Printer,Document,Pages,Color Pages,Cost\n\
         2026-10-05 10:00:00,ann,MFD,a.pdf,1,0,0.30\n",
    );
    harbour.run("2026-11-02T06:00:00").exits(4).says(&["personal_account"]);
    assert!(harbour.changes().is_empty());
    assert_eq!(harbour.states(), ["user:ann failed"]);
}

#[test]
fn three_months_end_at_zero_and_every_balance_is_explained() {
    let harbour = Harbour::at(crate::double::Double::start(people()), INVOICED);
    for (month, days) in [("2026-10", 31), ("2026-11", 30), ("2026-12", 31)] {
        for day in 1..=days {
            let date = format!("{month}-{day:02}");
            harbour.job(
                "ann",
                "",
                &format!("{date} 10:00:00"),
                &format!("{date}.pdf"),
                100_000 + day * 1_111,
            );
            harbour.job("ben", "Acme\\Lab", &format!("{date} 11:00:00"), &format!("{date}.pdf"), 7_777 * day);
            let text = log(&harbour.double.server(), &date, &date);
            harbour.space.write(&format!("inbox/{date}.csv"), text);
            let next: chrono::NaiveDate = date.parse().unwrap();
            let next = next.succ_opt().unwrap();
            let ran = harbour.run(&format!("{next}T04:00:00"));
            assert!(matches!(ran.code, Some(0 | 3)), "{date}: {ran:?}");
            assert!(
                !ran.err.contains("unexplained") && !ran.err.contains("more than jobs"),
                "{date}: {ran:?}"
            );
        }
    }
    harbour.run("2027-01-02T07:00:00");
    assert_eq!((harbour.balance(&ann()), harbour.balance(&lab())), (0, 0));
    assert_eq!(harbour.changes().len(), 6);
    assert_eq!(harbour.space.sum("SELECT count(*) FROM snapshot WHERE compared_with IS NOT NULL"), 90);
}
