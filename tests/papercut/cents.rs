//! What could double, lose or misplace a cent: each of these once did, or was thought to.

use crate::double::Double;
use crate::harbour::{Harbour, people};
use crate::server::{Holder, Kind};
use crate::steps::{INVOICED, adjust, ann, ben, bill, ingest, key_of, lab, overage_month, relog};
use crate::trouble::{Trouble, What};

const ADJUST_USER: &str = "api.adjustUserAccountBalance";

fn target() -> Harbour {
    let h = Harbour::at(Double::start(people()), "balance_changes = \"target\"\nbalance_target = \"30.00\"");
    h.double.server().post(&ann(), 30_000_000, "quota", Kind::Quota);
    h.double.server().post(&ben(), 80_000_000, "paid in", Kind::Quota);
    h.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 12_500_000);
    h.job("ben", "", "2026-10-06 10:00:00", "memo.pdf", 1_000_000);
    h.report("2026-10-01", "2026-10-31");
    h
}

#[test]
fn a_target_that_gave_nothing_takes_nothing_when_its_line_is_taken_back() {
    let h = target();
    h.run("2026-11-02T06:00:00").exits(0);
    assert_eq!(h.changes(), ["user ann 12.5"]);
    h.space.run(&["--as-of", "2026-11-03T06:00:00", "reverse", &key_of(&h, "member:M2")]);
    adjust(&h, "2026-11-03T07:00:00");
    assert_eq!(h.balance(&ben()), 79_000_000, "nothing was given to ben, nothing is to be taken");
}

#[test]
fn a_target_that_gave_nothing_takes_nothing_when_a_job_is_refunded() {
    let h = target();
    h.run("2026-11-02T06:00:00").exits(0);
    relog(&h, "1,NOT_REFUNDED\n", "1,REFUNDED\n");
    h.double.server().post(&ben(), 1_000_000, "refund", Kind::Job);
    h.report("2026-10-01", "2026-10-31");
    ingest(&h, "2026-11-05T06:00:00");
    bill(&h, "2026-11-05T06:10:00");
    adjust(&h, "2026-11-05T06:20:00");
    assert_eq!(h.balance(&ben()), 80_000_000, "ben's refund is his");
}

#[test]
fn what_was_left_out_is_never_taken_back() {
    let h = Harbour::new(&format!("{INVOICED}\nexclude_accounts = [\"Acme\"]"));
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.changes(), ["user ann 0.3"]);
    h.space.edit("exclude_accounts = [\"Acme\"]", "");
    relog(&h, "12.3456,NOT_REFUNDED", "12.3456,REFUNDED");
    h.double.server().post(&lab(), 12_345_600, "refund", Kind::Job);
    h.report("2026-10-01", "2026-10-31");
    ingest(&h, "2026-11-05T06:00:00");
    bill(&h, "2026-11-05T06:10:00");
    adjust(&h, "2026-11-05T06:20:00");
    assert_eq!(h.balance(&lab()), 0, "it never got a credit, so none is taken back");
}

#[test]
fn what_was_given_up_is_never_taken_back() {
    let h = Harbour::new(&format!("{INVOICED}\naccount_change_max = \"10\""));
    h.run("2026-11-02T06:00:00");
    let id = h.space.sum("SELECT id FROM delivery WHERE target LIKE 'account:%'").to_string();
    h.space.run(&["--as-of", "2026-11-02T07:00:00", "deliver", "--resolve", &id, "--as", "given-up"]);
    h.space.edit("account_change_max = \"10\"", "");
    relog(&h, "12.3456,NOT_REFUNDED", "12.3456,REFUNDED");
    h.double.server().post(&lab(), 12_345_600, "refund", Kind::Job);
    h.report("2026-10-01", "2026-10-31");
    ingest(&h, "2026-11-05T06:00:00");
    bill(&h, "2026-11-05T06:10:00");
    adjust(&h, "2026-11-05T06:20:00");
    assert_eq!(h.balance(&lab()), 0, "its credit was given up, so none is taken back");
}

fn pages_plan(h: &Harbour) {
    h.space.edit("basis = \"cost\"", "basis = \"pages\"\nmono = \"0.05\"\ncolour = \"0.20\"");
}

#[test]
fn a_lower_cost_is_settled_though_no_line_changes() {
    let h = Harbour::new(INVOICED);
    pages_plan(&h);
    h.run("2026-11-02T06:00:00");
    assert_eq!((h.balance(&ann()), h.balance(&lab())), (0, 0));
    // A partial refund: PaperCut lowers the cost and gives back the difference.
    relog(&h, "12.3456,NOT_REFUNDED", "10.3456,NOT_REFUNDED");
    h.double.server().post(&lab(), 2_000_000, "partial refund", Kind::Job);
    h.report("2026-10-01", "2026-10-31");
    ingest(&h, "2026-11-05T06:00:00");
    bill(&h, "2026-11-05T06:10:00");
    adjust(&h, "2026-11-05T06:20:00");
    assert_eq!(h.balance(&lab()), 0, "2.00 given back twice");
}

#[test]
fn a_refund_of_the_invoiced_amount_is_not_taken_for_the_change() {
    let h = Harbour::new(&format!("{INVOICED}\ntimeout_seconds = 1"));
    h.double.order(Trouble::at(ADJUST_USER, What::DropBefore));
    h.run("2026-11-02T06:00:00").exits(4);
    // ann's only job of the month is refunded in PaperCut.
    relog(&h, "plan.pdf,1,0,0.3,NOT_REFUNDED", "plan.pdf,1,0,0.3,REFUNDED");
    h.double.server().post(&ann(), 300_000, "refund", Kind::Job);
    h.report("2026-10-01", "2026-10-31");
    h.report("2026-11-01", "2026-11-02");
    h.run("2026-11-03T06:00:00");
    bill(&h, "2026-11-03T06:10:00");
    adjust(&h, "2026-11-03T06:20:00");
    assert_eq!(h.balance(&ann()), 0, "{:?} {:?}", h.changes(), h.states());
}

#[test]
fn a_quota_of_the_target_is_not_taken_for_the_change() {
    let h = Harbour::at(
        Double::start(people()),
        "balance_changes = \"target\"\nbalance_target = \"30.00\"\ntimeout_seconds = 1",
    );
    h.double.server().post(&ann(), 30_000_000, "quota", Kind::Quota);
    h.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 30_000_000);
    h.report("2026-10-01", "2026-10-31");
    h.double.order(Trouble::at(ADJUST_USER, What::DropBefore));
    h.run("2026-11-02T06:00:00").exits(4);
    h.double.server().post(&ann(), 30_000_000, "top-up", Kind::Quota);
    h.run("2026-11-02T07:00:00");
    assert_eq!(h.states(), ["user:ann uncertain"]);
}

#[test]
fn a_general_fault_is_looked_at_before_anything_is_repeated() {
    let h = Harbour::new(INVOICED);
    h.double.order(Trouble::at(
        ADJUST_USER,
        What::Meanwhile(Box::new(|server| {
            server.post(&Holder::user("ann"), 300_000, "papertally ...", Kind::Adjust);
        })),
    ));
    h.double.order(Trouble::at(
        ADJUST_USER,
        What::Fault(257, "An unknown error occurred while writing the account transaction"),
    ));
    h.run("2026-11-02T06:00:00");
    h.run("2026-11-03T06:00:00");
    assert_eq!(h.balance(&ann()), 0, "{:?} {:?}", h.changes(), h.states());
}

#[test]
fn a_fault_that_speaks_of_a_token_is_looked_at_too() {
    let h = Harbour::new(INVOICED);
    h.double.order(Trouble::at(
        ADJUST_USER,
        What::Meanwhile(Box::new(|server| {
            server.post(&Holder::user("ann"), 300_000, "papertally ...", Kind::Adjust);
        })),
    ));
    h.double.order(Trouble::at(
        ADJUST_USER,
        What::Fault(257, "SQLException: Unexpected token: COMMIT in statement"),
    ));
    h.run("2026-11-02T06:00:00");
    h.run("2026-11-03T06:00:00");
    assert_eq!(h.balance(&ann()), 0, "{:?} {:?}", h.changes(), h.states());
}

#[test]
fn a_server_that_repeats_the_token_does_not_spread_it() {
    let h = Harbour::new(INVOICED);
    h.double.order(Trouble::at(
        ADJUST_USER,
        What::Fault(257, "General error in adjustUserAccountBalance(secret, ann, 0.3)"),
    ));
    let ran = h.run("2026-11-02T06:00:00");
    assert!(!ran.err.contains("secret"), "{}", ran.err);
}

#[test]
fn overage_counts_a_change_that_came_after_the_reading() {
    let h = overage_month();
    h.space.edit("[site.papercut]", "[site.papercut]\nhold_days = 29");
    h.run("2026-11-01T00:05:00").exits(0);
    // Not due before 2026-11-30. Cron runs at 23:50: the snapshot is of before the change.
    h.run("2026-11-30T23:50:00");
    assert_eq!(h.changes(), ["user ann 20"]);
    assert_eq!(h.balance(&ann()), 0);
    h.run("2026-12-01T23:50:00");
    assert_eq!(h.space.sum("SELECT sum(net) FROM invoice_line"), 20_000_000, "{:?}", h.changes());
}

#[test]
fn an_overage_report_that_was_left_behind_stops_nothing() {
    let h = overage_month();
    // What a run leaves that was killed between writing the sheet and taking it in.
    h.space.write("out/main-overage/2026-10.csv", "Username,Amount Read,Read At,Still To Come,Cost\nann,-20.00,2026-11-01 00:04:00,0.00,20.00\nben,20.00,2026-11-01 00:04:00,0.00,0.00\n");
    let ran = h.run("2026-11-01T00:10:00");
    assert_eq!(ran.code, Some(0));
    assert_eq!(h.changes(), ["user ann 20"]);
}

#[test]
fn a_refund_explains_one_movement() {
    let h = Harbour::new("");
    h.run("2026-11-02T04:00:00");
    for (day, next) in [
        ("2026-11-02", "2026-11-03"),
        ("2026-11-03", "2026-11-04"),
        ("2026-11-04", "2026-11-05"),
        ("2026-11-05", "2026-11-06"),
        ("2026-11-06", "2026-11-07"),
    ] {
        if day == "2026-11-03" {
            relog(&h, "12.3456,NOT_REFUNDED", "12.3456,REFUNDED");
            h.double.server().post(&lab(), 12_345_600, "refund", Kind::Job);
            h.report("2026-10-01", "2026-10-31");
        }
        h.report(day, day);
        let ran = h.run(&format!("{next}T04:00:00"));
        assert!(!ran.err.contains("more than jobs"), "{next}: {}", ran.err);
    }
}

#[test]
fn a_target_never_goes_by_an_old_reading() {
    let h = Harbour::at(Double::start(people()), "balance_changes = \"target\"\nbalance_target = \"30.00\"");
    h.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 12_500_000);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-10-20T06:00:00");
    h.double.server().post(&ann(), 30_000_000, "quota", Kind::Quota);
    h.double.server().is_address_allowed = false;
    h.report("2026-10-15", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    h.double.server().is_address_allowed = true;
    h.run("2026-11-03T06:00:00");
    assert!(h.balance(&ann()) <= 30_000_000);
}

#[test]
fn a_mode_that_was_switched_off_still_takes_back_what_was_refunded() {
    let h = Harbour::new(INVOICED);
    h.run("2026-11-02T06:00:00");
    h.space.edit("balance_changes = \"invoiced\"", "balance_changes = \"none\"");
    relog(&h, "12.3456,NOT_REFUNDED", "12.3456,REFUNDED");
    h.double.server().post(&lab(), 12_345_600, "refund", Kind::Job);
    h.report("2026-10-01", "2026-10-31");
    ingest(&h, "2026-11-05T06:00:00");
    bill(&h, "2026-11-05T06:10:00");
    adjust(&h, "2026-11-05T06:20:00");
    assert_eq!(h.balance(&lab()), 0, "the server has given back what papertally had given");
}

#[test]
fn a_refund_within_the_hold_is_never_given() {
    let h = Harbour::new(&format!("{INVOICED}\nhold_days = 10"));
    h.run("2026-11-02T06:00:00");
    relog(&h, "12.3456,NOT_REFUNDED", "12.3456,REFUNDED");
    h.double.server().post(&lab(), 12_345_600, "refund", Kind::Job);
    h.report("2026-10-01", "2026-10-31");
    ingest(&h, "2026-11-05T06:00:00");
    bill(&h, "2026-11-05T06:10:00");
    h.run("2026-11-12T06:00:00");
    assert_eq!(h.balance(&lab()), 0, "refunded within the hold: no credit goes out");
}

#[test]
fn overage_never_goes_on_with_a_reading_of_before_a_change() {
    let h = overage_month();
    h.space.edit("[site.papercut]", "[site.papercut]\nhold_days = 30\ncalls_in_flight = 1");
    h.run("2026-11-01T00:05:00").exits(0);
    // 2026-12-01 00:05: due; the snapshot breaks off after ann.
    h.double.order(
        Trouble::at(
            "api.getUserProperties",
            What::Fault(0, "Access denied. Your IP address is not allowed to access the Web Services API."),
        )
        .after(1),
    );
    h.run("2026-12-01T00:05:00");
    h.run("2026-12-01T00:15:00");
    assert_eq!(h.space.sum("SELECT sum(net) FROM invoice_line"), 20_000_000, "{:?}", h.changes());
}

#[test]
fn overage_that_was_given_up_is_not_billed_again() {
    let h = overage_month();
    h.space.edit("[site.papercut]", "[site.papercut]\naccount_change_max = \"10\"");
    h.run("2026-11-01T00:05:00");
    let id = h.space.sum("SELECT id FROM delivery WHERE kind = 'balance'").to_string();
    h.space.run(&["--as-of", "2026-11-02T07:00:00", "deliver", "--resolve", &id, "--as", "given-up"]);
    h.run("2026-12-01T00:05:00");
    assert_eq!(h.space.sum("SELECT sum(net) FROM invoice_line"), 20_000_000, "{:?}", h.changes());
}

fn cost_of_lab(h: &Harbour, from: &str, to: &str, back: i64) {
    relog(h, &format!("{from},NOT_REFUNDED"), &format!("{to},NOT_REFUNDED"));
    h.double.server().post(&lab(), back, "partial refund", Kind::Job);
    h.report("2026-10-01", "2026-10-31");
    ingest(h, "2026-11-05T06:00:00");
    bill(h, "2026-11-05T06:10:00");
    adjust(h, "2026-11-05T06:20:00");
}

#[test]
fn a_lower_cost_within_an_allowance_is_settled() {
    let h = Harbour::new(INVOICED);
    h.space.edit(
        "tax = \"VAT 20%\"\n[billing]",
        "tax = \"VAT 20%\"\n[plan.allowance]\nmoney = \"50\"\nper = \"payer\"\n[billing]",
    );
    h.run("2026-11-02T06:00:00");
    assert_eq!((h.balance(&ann()), h.balance(&lab())), (0, 0));
    cost_of_lab(&h, "12.3456", "10.3456", 2_000_000);
    assert_eq!(h.balance(&lab()), 0);
}

#[test]
fn a_lower_cost_below_a_cent_is_settled() {
    let h = Harbour::new(INVOICED);
    h.run("2026-11-02T06:00:00");
    cost_of_lab(&h, "12.3456", "12.3466", -1_000);
    assert_eq!(h.balance(&lab()), 0);
}

#[test]
fn a_lower_cost_on_a_cost_plan_is_settled_once() {
    let h = Harbour::new(INVOICED);
    h.run("2026-11-02T06:00:00");
    cost_of_lab(&h, "12.3456", "10.3456", 2_000_000);
    assert_eq!(h.balance(&lab()), 0);
}

#[test]
fn credits_and_jobs_without_cost_come_out_even() {
    let h = Harbour::new(INVOICED);
    h.job("ann", "", "2026-10-07 10:00:00", "credit.pdf", -100_000);
    h.job("ann", "", "2026-10-08 10:00:00", "free.pdf", 0);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    assert_eq!((h.balance(&ann()), h.balance(&lab())), (0, 0), "{:?}", h.changes());
}

#[test]
fn mono_and_colour_lines_taken_back_and_billed_anew() {
    let h = Harbour::at(Double::start(people()), INVOICED);
    pages_plan(&h);
    h.space.write("inbox/a.csv", "# From date = 2026-10-01 00:00:00, To date = 2026-10-31 23:59:59\nTime,User,Shared Account,Printer,Document,Pages,Color Pages,Cost,Refunded\n2026-10-05 10:00:00,ann,,MFD,a.pdf,3,1,0.77,NOT_REFUNDED\n2026-10-06 10:00:00,ann,,MFD,b.pdf,2,2,0.40,NOT_REFUNDED\n2026-10-07 10:00:00,ann,,MFD,c.pdf,2,0,0.10,NOT_REFUNDED\n");
    h.double.server().charge(&ann(), 1_270_000);
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.balance(&ann()), 0);
    let keys: Vec<String> = {
        let db = rusqlite::Connection::open(h.space.ledger_path()).unwrap();
        let mut s = db.prepare("SELECT key FROM invoice_line ORDER BY id").unwrap();
        s.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(keys.len(), 2);
    h.space.run(&["--as-of", "2026-11-03T06:00:00", "reverse", &keys[0]]);
    adjust(&h, "2026-11-03T06:00:00");
    assert_eq!(h.balance(&ann()), -100_000, "only c.pdf is on no line now");
    h.space.run(&["--as-of", "2026-11-04T06:00:00", "reverse", &keys[1]]);
    adjust(&h, "2026-11-04T06:00:00");
    assert_eq!(h.balance(&ann()), -1_270_000);
    bill(&h, "2026-11-05T06:00:00");
    adjust(&h, "2026-11-05T06:00:00");
    assert_eq!(h.balance(&ann()), 0);
}

#[test]
fn refused_and_tried_again_in_any_order() {
    let h = Harbour::new(INVOICED);
    for _ in 0..3 {
        h.double.order(Trouble::at(ADJUST_USER, What::False));
    }
    h.run("2026-11-02T06:00:00");
    h.space.run(&["--as-of", "2026-11-02T07:00:00", "deliver", "--retry"]);
    adjust(&h, "2026-11-02T08:00:00");
    h.space.run(&["--as-of", "2026-11-02T09:00:00", "deliver", "--retry"]);
    adjust(&h, "2026-11-02T10:00:00");
    h.run("2026-11-03T06:00:00");
    assert_eq!(h.changes().len(), 2);
    assert_eq!((h.balance(&ann()), h.balance(&lab())), (0, 0));
}

#[test]
fn a_bill_by_hand_lists_files_only() {
    let h = Harbour::new(INVOICED);
    ingest(&h, "2026-11-02T06:00:00");
    let ran = bill(&h, "2026-11-02T06:10:00");
    assert!(!ran.out.contains("out/user:ann"), "{}", ran.out);
    assert_eq!(ran.code, Some(0));
}

#[test]
fn of_two_new_files_none_is_taken() {
    let h = Harbour::at(Double::start(people()), "");
    let folder = h.space.path("picked");
    std::fs::create_dir(&folder).unwrap();
    h.space.edit("[directory]", &format!("[[site.papercut.report]]\nname = \"monthly\"\ntitle = \"Print log\"\nsave_as = \"{}\"\npick_up = \"picked\"\ncovers = \"last-month\"\n[directory]", folder.display()));
    h.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 300_000);
    h.double.server().reports.insert(
        "Print log".to_owned(),
        crate::reports::ReportScript::Made {
            name: "log.csv".to_owned(),
            bytes: |server| crate::harbour::log(server, "2026-10-01", "2026-10-31").into_bytes(),
        },
    );
    // While we wait a colleague drops the log of another space into the same folder.
    let path = folder.join("z-other-space.csv");
    h.double.order(Trouble::at("api.generateScheduledReport", What::Meanwhile(Box::new(move |_| {
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(400));
            std::fs::write(path, "# From date = 2026-10-01 00:00:00, To date = 2026-10-31 23:59:59\nTime,User,Shared Account,Printer,Document,Pages,Color Pages,Cost,Refunded\n2026-10-05 10:00:00,ben,,MFD,other.pdf,1,0,9.00,NOT_REFUNDED\n").unwrap();
        });
    }))));
    let ran = h.run("2026-11-02T06:00:00");
    assert_eq!(h.space.sum("SELECT coalesce(sum(net), 0) FROM invoice_line"), 0, "{}", ran.err);
    assert!(ran.err.contains("is one of several new files"), "{}", ran.err);
}

#[test]
fn a_change_found_half_made_is_settled_by_reports() {
    for (made, expect) in [(true, 0_i64), (false, 0)] {
        let h = Harbour::new(INVOICED);
        h.run("2026-11-02T06:00:00");
        let db = rusqlite::Connection::open(h.space.ledger_path()).unwrap();
        db.execute("UPDATE delivery SET state = 'sending', answer = '' WHERE target = 'user:ann'", [])
            .unwrap();
        db.execute(
            "UPDATE balance_change SET after_second = NULL, after_balance = NULL WHERE name = 'ann'",
            [],
        )
        .unwrap();
        if !made {
            h.double.server().users.get_mut("ann").unwrap().balances.insert(String::new(), -300_000);
        }
        h.job("ann", "", "2026-11-02 12:00:00", "n.pdf", 40_000);
        let first = h.run("2026-11-02T13:00:00");
        assert_eq!(first.code, Some(4));
        h.report("2026-11-01", "2026-11-02");
        h.run("2026-11-03T06:00:00");
        assert_eq!(h.states()[1], "user:ann delivered");
        assert_eq!(h.balance(&ann()), expect - 40_000);
    }
}

#[test]
fn overage_leaves_out_who_is_never_changed() {
    let h = overage_month();
    h.space.edit("[site.papercut]", "[site.papercut]\nexclude_users = [\"ann\"]");
    h.run("2026-11-01T00:05:00");
    h.run("2026-12-01T00:05:00");
    assert_eq!(h.space.sum("SELECT coalesce(sum(net), 0) FROM invoice_line"), 0, "{:?}", h.changes());
}

#[test]
fn an_overdrawn_user_who_is_gone_is_told() {
    let h = overage_month();
    h.run("2026-10-31T06:00:00");
    h.double.server().users.remove("ann");
    let ran = h.run("2026-11-01T00:05:00");
    assert!(ran.err.contains("ann"), "nobody says that ann's 20.00 below zero is not billed: {}", ran.err);
}
