//! What is due: after a long pause, through both clock changes, and without a first period.

use serde_json::Value;

use crate::space::{HEADER, Space};

/// A report of one job a month that speaks for whole months.
fn month(year_month: &str, last_day: u32) -> String {
    format!(
        "# From date = {year_month}-01 00:00:00, To date = {year_month}-{last_day} 23:59:59\n{HEADER}\
         {year_month}-05 10:00:00,ann,MFD,plan.pdf,3,0,0.30\n"
    )
}

fn batches(document: &Value) -> Vec<&str> {
    let issued = document["sites"][0]["issued"].as_array().unwrap();
    issued.iter().map(|batch| batch["batch"].as_str().unwrap()).collect()
}

#[test]
fn months_that_were_missed_are_billed_in_order_each_once() {
    let space = Space::empty().with("as_of = \"2026-11-02T06:00:00\"", "");
    for (name, last_day) in [("2026-10", 31), ("2026-11", 30), ("2026-12", 31)] {
        space.write(&format!("inbox/{name}.csv"), month(name, last_day));
    }
    let (code, document) = space.json(&["--as-of", "2027-01-20T03:00:00", "run"]);
    assert_eq!(code, Some(0), "{document}");
    assert_eq!(batches(&document), ["main-2026-10", "main-2026-11", "main-2026-12"]);
    let (code, document) = space.json(&["--as-of", "2027-01-20T03:05:00", "run"]);
    assert_eq!((code, &document["has_news"]), (Some(0), &false.into()), "{document}");
    assert_eq!(space.sum("SELECT sum(net) FROM invoice_line"), 900_000);
    assert_eq!(space.mails(), 1, "one summary tells of all three");
}

#[test]
fn a_month_with_a_gap_is_held_and_does_not_stop_the_next() {
    let space = Space::empty().with("as_of = \"2026-11-02T06:00:00\"", "");
    space.write("inbox/2026-10.csv", month("2026-10", 20));
    space.write("inbox/2026-11.csv", month("2026-11", 30));
    let (code, document) = space.json(&["--as-of", "2026-12-20T03:00:00", "run"]);
    assert_eq!(code, Some(3), "{document}");
    assert_eq!(batches(&document), ["main-2026-11"]);
    assert!(document["sites"][0]["findings"].to_string().contains("2026-10-21"), "{document}");
    // Exit 3 stays: a month that cannot be billed is not forgotten after one night.
    assert_eq!(space.run(&["--as-of", "2026-12-21T03:00:00", "run"]).code, Some(3));
    space.write("inbox/2026-10-rest.csv", month("2026-10", 31));
    let (code, document) = space.json(&["--as-of", "2026-12-22T03:00:00", "run"]);
    assert_eq!((code, batches(&document)), (Some(0), vec!["main-2026-10"]), "{document}");
    assert_eq!(space.sum("SELECT sum(net) FROM invoice_line"), 600_000);
}

#[test]
fn a_month_is_due_at_the_sites_own_hour_and_not_a_second_before() {
    let check = |as_of: &str, schedule: &str, zone: &str, due: bool| {
        let space = Space::new()
            .with("as_of = \"2026-11-02T06:00:00\"", "")
            .with("0 6 2 * *", schedule)
            .with("Europe/London", zone);
        let (code, document) = space.json(&["--as-of", as_of, "run"]);
        assert_eq!(code, Some(0), "{document}");
        assert_eq!(!batches(&document).is_empty(), due, "{as_of} {schedule} {zone}: {document}");
    };
    check("2026-11-02T05:59:59", "0 6 2 * *", "Europe/London", false);
    check("2026-11-02T06:00:00", "0 6 2 * *", "Europe/London", true);
    check("2026-11-02T05:59:59Z", "0 6 2 * *", "Europe/London", false);
    check("2026-11-02T05:00:00Z", "0 6 2 * *", "Europe/Berlin", true);
    check("2026-11-02T04:59:59Z", "0 6 2 * *", "Europe/Berlin", false);
    check("2026-11-01T10:59:59Z", "0 0 2 * *", "Pacific/Auckland", false);
    check("2026-11-01T11:00:00Z", "0 0 2 * *", "Pacific/Auckland", true);
}

#[test]
fn a_schedule_in_the_hour_that_is_skipped_or_repeated_bills_once() {
    // London: 2026-03-29 01:00 → 02:00, 2026-10-25 02:00 → 01:00. Due on the day of each change, at 01:30.
    for (month_text, last_day, first_period, nights) in [
        ("2026-02", 28, "2026-02", ["2026-03-29T00:59:59Z", "2026-03-29T01:30:00Z", "2026-03-29T03:00:00Z"]),
        ("2026-09", 30, "2026-09", ["2026-10-24T23:59:59Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]),
    ] {
        let day = if month_text == "2026-02" { "29" } else { "25" };
        let space = Space::empty()
            .with("as_of = \"2026-11-02T06:00:00\"", "")
            .with("first_period = \"2026-10\"", &format!("first_period = \"{first_period}\""))
            .with("0 6 2 * *", &format!("30 1 {day} * *"));
        space.write("inbox/month.csv", month(month_text, last_day));
        let issued: Vec<usize> = nights
            .iter()
            .map(|night| {
                let (code, document) = space.json(&["--as-of", night, "run"]);
                assert_eq!(code, Some(0), "{night}: {document}");
                batches(&document).len()
            })
            .collect();
        assert_eq!(issued.iter().sum::<usize>(), 1, "{month_text}: once: {issued:?}");
        assert_eq!(issued[0], 0, "{month_text}: not before its hour: {issued:?}");
    }
}

#[test]
fn a_day_with_a_clock_change_at_midnight_ends_all_the_same() {
    // Azores end summer time at 01:00 → 00:00; Beirut starts it at 00:00 → 01:00.
    for (zone, as_of) in [("Atlantic/Azores", "2026-11-02T06:00:00"), ("Asia/Beirut", "2026-11-02T06:00:00")] {
        let space = Space::new().with("Europe/London", zone);
        let (code, document) = space.json(&["--as-of", as_of, "run"]);
        assert_eq!((code, batches(&document).len()), (Some(0), 1), "{zone}: {document}");
    }
}

#[test]
fn without_a_first_period_nothing_is_billed_by_itself() {
    let space = Space::new().with("first_period = \"2026-10\"\n", "");
    let (code, document) = space.json(&["run"]);
    assert_eq!((code, batches(&document).len()), (Some(0), 0), "{document}");
    assert_eq!(space.sum("SELECT count(*) FROM job"), 2, "taken in all the same");
    space.json(&["schedule"]);
    let (code, document) = space.json(&["bill", "--period", "2026-10", "--issue"]);
    assert_eq!((code, &document["state"]), (Some(0), &"issued".into()), "{document}");
    let (code, document) = space.json(&["bill", "--period", "2026-10", "--issue"]);
    assert_eq!((code, &document["state"]), (Some(0), &"nothing-due".into()), "{document}");
}
