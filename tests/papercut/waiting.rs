//! What waits, is left out, given up or taken back, and then more is heard of it.

use crate::double::Double;
use crate::harbour::{Harbour, people};
use crate::server::Kind;
use crate::steps::{INVOICED, adjust, ann, ben, bill, bill_day, key_of, overage_month, refund};
use crate::trouble::{Trouble, What};

#[test]
fn a_late_job_and_a_refund_that_cancel_while_they_wait_stay_settled() {
    let h = Harbour::new(&format!("{INVOICED}\nhold_days = 5"));
    h.run("2026-11-02T06:00:00");
    h.run("2026-11-08T06:00:00");
    assert_eq!(h.balance(&ann()), 0);
    h.job("ann", "", "2026-10-20 10:00:00", "late.pdf", 300_000);
    bill_day(&h, "2026-11-09");
    assert_eq!(h.balance(&ann()), -300_000);
    refund(&h, "plan.pdf,1,0,0.3", 300_000);
    bill_day(&h, "2026-11-10");
    assert_eq!(h.balance(&ann()), 0);
    h.job("ben", "", "2026-10-21 10:00:00", "other.pdf", 10_000);
    bill_day(&h, "2026-11-11");
    adjust(&h, "2026-11-20T06:00:00");
    assert_eq!(h.balance(&ann()), 0, "{:?}", h.states());
}

#[test]
fn a_late_job_refunded_after_it_cancelled_another_takes_nothing_twice() {
    let h = Harbour::new(&format!("{INVOICED}\nhold_days = 5"));
    h.run("2026-11-02T06:00:00");
    h.run("2026-11-08T06:00:00");
    h.job("ann", "", "2026-10-20 10:00:00", "late.pdf", 300_000);
    bill_day(&h, "2026-11-09");
    refund(&h, "plan.pdf,1,0,0.3", 300_000);
    bill_day(&h, "2026-11-10");
    refund(&h, "late.pdf,1,0,0.3", 300_000);
    bill_day(&h, "2026-11-12");
    adjust(&h, "2026-11-20T06:00:00");
    assert_eq!(h.balance(&ann()), 0, "{:?}", h.states());
}

#[test]
fn a_taking_back_that_was_given_up_does_not_return() {
    let h = Harbour::new(&format!("{INVOICED}\nhold_days = 1"));
    h.run("2026-11-02T06:00:00");
    h.run("2026-11-04T06:00:00");
    refund(&h, "plan.pdf,1,0,0.3", 300_000);
    bill_day(&h, "2026-11-05");
    let id = h.space.sum("SELECT max(id) FROM delivery WHERE target = 'user:ann'").to_string();
    h.space
        .run(&["--as-of", "2026-11-05T07:00:00", "deliver", "--resolve", &id, "--as", "given-up"])
        .exits(0);
    h.job("ben", "", "2026-10-21 10:00:00", "other.pdf", 10_000);
    bill_day(&h, "2026-11-06");
    adjust(&h, "2026-11-20T06:00:00");
    assert_eq!(h.balance(&ann()), 300_000, "{:?}", h.states());
}

#[test]
fn what_was_left_out_does_not_come_back_with_its_user() {
    let h = Harbour::new(INVOICED);
    h.run("2026-11-02T06:00:00");
    h.space.edit(INVOICED, &format!("{INVOICED}\nexclude_users = [\"ann\"]"));
    refund(&h, "plan.pdf,1,0,0.3", 300_000);
    bill_day(&h, "2026-11-05");
    for day in ["2026-11-06", "2026-11-07"] {
        h.job("ben", "", &format!("2026-10-{} 10:00:00", &day[8..]), "other.pdf", 10_000);
        bill_day(&h, day);
    }
    h.space.edit("exclude_users = [\"ann\"]", "");
    h.job("ben", "", "2026-10-21 10:00:00", "other.pdf", 10_000);
    bill_day(&h, "2026-11-08");
    assert_eq!(h.balance(&ann()), 300_000, "{:?}", h.states());
}

#[test]
fn a_job_refunded_while_its_waiting_user_is_left_out_is_never_given() {
    let h = Harbour::new(&format!("{INVOICED}\nhold_days = 3"));
    h.run("2026-11-02T06:00:00");
    h.space.edit(INVOICED, &format!("{INVOICED}\nexclude_users = [\"ann\"]"));
    refund(&h, "plan.pdf,1,0,0.3", 300_000);
    bill_day(&h, "2026-11-03");
    assert_eq!(h.balance(&ann()), 0);
    h.space.edit("exclude_users = [\"ann\"]", "");
    h.run("2026-11-08T06:00:00");
    h.run("2026-11-18T06:00:00");
    assert_eq!(h.balance(&ann()), 0, "{:?}", h.states());
}

#[test]
fn a_line_taken_back_within_the_hold_and_billed_anew_gives_once() {
    let h = Harbour::new(&format!("{INVOICED}\nhold_days = 5"));
    h.run("2026-11-02T06:00:00");
    let key = key_of(&h, "member:M1");
    h.space.run(&["--as-of", "2026-11-03T06:00:00", "reverse", &key]);
    adjust(&h, "2026-11-03T07:00:00");
    bill(&h, "2026-11-04T06:00:00");
    h.run("2026-11-10T06:00:00");
    h.run("2026-11-20T06:00:00");
    assert_eq!(h.balance(&ann()), 0, "{:?}", h.states());
}

#[test]
fn a_line_taken_back_after_the_source_was_changed_takes_its_credit_back() {
    let h = Harbour::at(Double::start(people()), INVOICED);
    h.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 300_000);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.balance(&ann()), 0);
    h.space.edit(INVOICED, "balance_changes = \"overage\"");
    h.space.edit("[site.papercut]", "[site.reports]\nbill_from = \"user-sums\"\n[site.papercut]");
    let key = key_of(&h, "member:M1");
    h.space.run(&["--as-of", "2026-11-05T06:00:00", "reverse", &key]);
    adjust(&h, "2026-11-05T07:00:00");
    assert_eq!(h.balance(&ann()), -300_000, "{:?}", h.states());
}

#[test]
fn overage_taken_back_is_billed_with_the_next_month_once() {
    let h = overage_month();
    h.run("2026-11-01T00:05:00");
    assert_eq!(h.balance(&ann()), 0);
    let key = key_of(&h, "member:M1");
    h.space.run(&["--as-of", "2026-11-05T06:00:00", "reverse", &key]);
    adjust(&h, "2026-11-05T07:00:00");
    let after = h.balance(&ann());
    h.run("2026-11-06T06:00:00");
    h.run("2026-12-01T00:05:00");
    assert_eq!(
        (after, h.balance(&ann()), h.space.sum("SELECT sum(net) FROM invoice_line")),
        (-20_000_000, 0, 20_000_000),
        "{:?}",
        h.states()
    );
}

#[test]
fn a_credit_note_without_a_file_holds_nobody_elses_credit() {
    let h = Harbour::at(Double::start(people()), INVOICED);
    h.space.edit("[[receiver]]\nname = \"lines\"\nformat = \"csv\"\n[[receiver]]\nname = \"lines-json\"\nformat = \"json\"\n", "");
    h.space.edit("attach = [\"lines\"]", "");
    h.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 300_000);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.balance(&ann()), 0);
    refund(&h, "plan.pdf,1,0,0.3", 300_000);
    bill_day(&h, "2026-11-03");
    h.run("2026-11-04T06:00:00");
    adjust(&h, "2026-11-04T07:00:00");
    // And a late job of somebody else, in a batch that has its file.
    h.job("ben", "", "2026-10-20 10:00:00", "late.pdf", 500_000);
    bill_day(&h, "2026-11-05");
    assert_eq!((h.balance(&ann()), h.balance(&ben())), (0, 0), "{:?}", h.states());
}

#[test]
fn a_user_not_read_in_time_is_read_by_the_next_run() {
    let h = overage_month();
    h.double.order(Trouble::at("api.getUserProperties", What::Fault(257, "An unknown error occurred")));
    let one = h.run("2026-11-01T00:05:00");
    let two = h.run("2026-11-01T00:15:00");
    assert_eq!(h.changes(), ["user ann 20"], "{one:?}\n{two:?}");
}

#[test]
fn a_user_who_was_never_read_in_time_is_left_to_the_next_month() {
    let h = overage_month();
    h.space.edit("[site.papercut]", "[site.papercut]\ncalls_in_flight = 1");
    h.run("2026-10-31T06:00:00");
    h.double.order(Trouble::at("api.getUserProperties", What::Fault(257, "An unknown error occurred")));
    h.run("2026-11-01T00:05:00");
    h.double.server().post(&ann(), 30_000_000, "quota", Kind::Quota);
    // The balance of the day before is not that of the month's end.
    h.run("2026-11-01T06:00:00").says(&["user:ann was not read at the end of the month"]);
    assert_eq!((h.changes().len(), h.balance(&ann())), (0, 10_000_000));
    assert_eq!(h.space.sum("SELECT coalesce(sum(net), 0) FROM invoice_line"), 0);
}

#[test]
fn a_balance_that_was_not_read_comes_to_its_target_by_the_next_reading() {
    let keys = "balance_changes = \"target\"\nbalance_target = \"30.00\"\ncalls_in_flight = 1";
    let h = Harbour::at(Double::start(people()), keys);
    h.double.server().post(&ann(), 30_000_000, "quota", Kind::Quota);
    h.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 12_500_000);
    h.run("2026-10-31T06:00:00");
    h.report("2026-10-01", "2026-10-31");
    h.double.order(Trouble::at("api.getUserProperties", What::Fault(257, "An unknown error occurred")));
    h.run("2026-11-02T06:00:00").says(&["the last run did not read it"]);
    assert_eq!(h.balance(&ann()), 17_500_000);
    h.run("2026-11-02T07:00:00");
    assert_eq!(h.balance(&ann()), 30_000_000);
}

#[test]
fn overage_taken_back_is_no_use_of_the_next_allowance() {
    let h = overage_month();
    h.run("2026-11-01T00:05:00");
    h.double.server().post(&ann(), 30_000_000, "quota", Kind::Quota);
    let key = key_of(&h, "member:M1");
    h.space.run(&["--as-of", "2026-11-05T06:00:00", "reverse", &key]);
    adjust(&h, "2026-11-05T07:00:00");
    // Within her allowance: 30 of 30.
    h.job("ann", "", "2026-11-10 10:00:00", "nov.pdf", 30_000_000);
    h.run("2026-12-01T00:05:00");
    assert_eq!(
        (h.balance(&ann()), h.space.sum("SELECT sum(net) FROM invoice_line")),
        (0, 20_000_000),
        "{:?}",
        h.states()
    );
}

#[test]
fn a_refund_of_an_invoiced_month_is_taken_back_beside_a_target() {
    // October invoiced, November target: an October refund on the night on which November is settled.
    let h = Harbour::at(Double::start(people()), INVOICED);
    h.double.server().post(&ann(), 30_000_000, "quota", Kind::Quota);
    h.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 5_000_000);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.balance(&ann()), 30_000_000);
    h.space.edit(INVOICED, "balance_changes = \"target\"\nbalance_target = \"20.00\"");
    h.job("ann", "", "2026-11-05 10:00:00", "nov.pdf", 1_000_000);
    refund(&h, "plan.pdf,1,0,5", 5_000_000);
    h.report("2026-10-01", "2026-11-30");
    h.run("2026-12-02T06:00:00");
    h.run("2026-12-03T06:00:00");
    // 30 - 1 + 5 refunded by PaperCut, of which papertally had given 5 already.
    assert_eq!(h.balance(&ann()), 29_000_000, "{:?}", h.states());
}

#[test]
fn a_late_job_and_a_refund_that_cancel_in_one_night_stay_settled() {
    let h = Harbour::new(INVOICED);
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.balance(&ann()), 0);
    h.job("ann", "", "2026-10-20 10:00:00", "late.pdf", 300_000);
    refund(&h, "plan.pdf,1,0,0.3", 300_000);
    bill_day(&h, "2026-11-03");
    assert_eq!(h.balance(&ann()), 0);
    h.job("ben", "", "2026-10-21 10:00:00", "other.pdf", 10_000);
    bill_day(&h, "2026-11-04");
    assert_eq!(h.balance(&ann()), 0, "{:?}", h.states());
}
