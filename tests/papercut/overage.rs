//! Overage: what was below zero at the month's end, read before the quota, is billed and given back.

use crate::double::Double;
use crate::harbour::{Harbour, people};
use crate::server::{Holder, Kind};
use crate::steps::{ann, overage_month};
use crate::trouble::{Trouble, What};

#[test]
fn what_is_below_zero_is_billed_given_back_and_the_quota_follows() {
    let harbour = overage_month();
    harbour.run("2026-11-01T00:05:00").exits(0).says(&["Took in overage of 2026-10: 2 rows"]);
    assert_eq!(
        harbour.space.sum("SELECT sum(net) FROM invoice_line"),
        20_000_000,
        "a positive balance is no charge"
    );
    assert_eq!(harbour.changes(), ["user ann 20"]);
    for user in ["ann", "ben"] {
        let balance = harbour.balance(&Holder::user(user));
        harbour.double.server().post(&Holder::user(user), 30_000_000 - balance.max(0), "quota", Kind::Quota);
    }
    assert_eq!(harbour.balance(&ann()), 30_000_000);
    harbour.run("2026-11-01T06:00:00").exits(0);
    harbour.run("2026-11-02T06:00:00").exits(0);
    assert_eq!(harbour.changes().len(), 1);
    // The rows behind the number say what was read, and when.
    let report = std::fs::read_to_string(harbour.space.path("out/main-overage/2026-10-1.csv")).unwrap();
    assert!(report.contains("ann,-20.00,2026-11-01 00:05:"), "{report}");
    assert!(report.contains(",0.00,20.00"), "{report}");
}

#[test]
fn a_balance_read_after_the_quota_is_refused() {
    let harbour = overage_month();
    for user in ["ann", "ben"] {
        harbour.double.server().post(&Holder::user(user), 30_000_000, "quota", Kind::Quota);
    }
    harbour
        .run("2026-11-01T00:45:00")
        .exits(3)
        .says(&["no balance was read between the end of 2026-10 and 00:30"]);
    assert_eq!(harbour.space.sum("SELECT count(*) FROM invoice_line"), 0);
    assert!(harbour.changes().is_empty());
}

#[test]
fn what_is_still_to_be_given_back_is_not_billed_twice() {
    let harbour = overage_month();
    harbour.space.edit("[site.papercut]", "[site.papercut]\nhold_days = 40");
    harbour.run("2026-11-01T00:05:00").exits(0);
    assert!(harbour.changes().is_empty());
    harbour.double.server().post(&ann(), 30_000_000, "quota", Kind::Quota);
    // −20 + 30 and 15 used: −5 on the server, of which 20 are billed already.
    harbour.job("ann", "", "2026-11-05 10:00:00", "more.pdf", 15_000_000);
    assert_eq!(harbour.balance(&ann()), -5_000_000);
    harbour.run("2026-12-01T00:05:00").exits(0);
    assert_eq!(harbour.space.sum("SELECT sum(net) FROM invoice_line"), 20_000_000);
    harbour.run("2026-12-11T06:00:00");
    assert_eq!(harbour.changes(), ["user ann 20"]);
    assert_eq!(harbour.balance(&ann()), 15_000_000);
}

#[test]
fn a_snapshot_that_is_not_whole_in_time_bills_nobody_and_the_next_one_does() {
    let harbour = overage_month();
    let shut = What::Meanwhile(Box::new(|server| server.is_address_allowed = false));
    harbour.double.order(Trouble::at("api.getUserProperties", shut).after(1));
    harbour.run("2026-11-01T00:05:00").exits(3).says(&["PaperCut was not read"]);
    assert_eq!(harbour.space.sum("SELECT count(*) FROM invoice_line"), 0);
    harbour.double.server().is_address_allowed = true;
    harbour.run("2026-11-01T00:15:00").exits(0);
    assert_eq!(harbour.changes(), ["user ann 20"]);
}

#[test]
fn overage_needs_its_own_source() {
    let harbour = Harbour::at(Double::start(people()), "balance_changes = \"overage\"");
    harbour.space.run(&["schedule"]).exits(78).says(&["site.main.reports.bill_from", "user-sums"]);
}
