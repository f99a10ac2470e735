//! Spaces that get summaries only, and summaries beside jobs.

use crate::space::{HEADER, Space};

/// A user summary of those days, in the words of a period line.
fn summary(from: &str, to: &str, rows: &[&str]) -> String {
    format!(
        "# User printing - summary\n\"# From date = {from} 12:00:00 AM, To date = {to} 11:59:59 PM\"\n\
         Username,Total Printed Pages,Color Pages,Jobs,Cost\n{}\n",
        rows.join("\n")
    )
}

fn october(rows: &[&str]) -> String {
    summary("Oct 1, 2026", "Oct 31, 2026", rows)
}

fn by_sums() -> Space {
    Space::empty()
        .with("quiet_seconds = 0\n", "quiet_seconds = 0\n[site.reports]\nbill_from = \"user-sums\"\n")
}

#[test]
fn a_space_with_summaries_only_is_billed_once_and_for_each_sum() {
    let space = by_sums();
    space.write("inbox/october.csv", october(&["ann,10,2,4,1.00", "ben,5,0,2,0.55"]));
    space.run(&["run"]).exits(0);
    let (_, bill) = space.json(&["bill", "--period", "2026-10"]);
    let lines: Vec<&str> =
        bill["lines"].as_array().unwrap().iter().map(|line| line["net"].as_str().unwrap()).collect();
    assert_eq!((lines, bill["proof"]["difference"].as_str()), (vec!["1.00", "0.55"], Some("0.00")));
    let (_, totals) = space.json(&["totals", "--period", "2026-10"]);
    assert_eq!(totals["total"]["jobs"], 6);
    // Equal sums in other bytes are repeated, and nothing is due.
    space.write("inbox/again.csv", october(&["ben,5,0,2,0.55", "ann,10,2,4,1.00"]));
    space.run(&["run"]).exits(0);
    let (_, bill) = space.json(&["bill", "--period", "2026-10"]);
    assert_eq!(bill["lines"].as_array().unwrap().len(), 2);
    space.run(&["explain", "ann"]).exits(0);
}

#[test]
fn a_second_summary_replaces_nothing_and_is_told() {
    let space = by_sums();
    space.write("inbox/a.csv", october(&["ann,10,2,4,1.00"]));
    space.run(&["run"]).exits(0);
    space.write("inbox/b.csv", october(&["ann,12,2,5,1.20"]));
    let ran = space.run(&["run"]).exits(3);
    assert!(ran.out.contains("had cost 1.00") || ran.err.contains("had cost 1.00"), "{ran:?}");
    let (_, totals) = space.json(&["totals", "--period", "2026-10"]);
    assert_eq!(totals["total"]["cost"], "1.00");
    space.write("inbox/c.csv", summary("Oct 15, 2026", "Nov 14, 2026", &["ann,1,0,1,0.10"]));
    let (code, document) = space.json(&["ingest"]);
    assert_eq!((code, document["refused"][0]["code"].as_str()), (Some(1), Some("sums-overlap")));
}

#[test]
fn a_summary_of_days_that_are_not_over_is_not_taken_for_the_whole() {
    let space = by_sums();
    space.write("inbox/a.csv", summary("Nov 1, 2026", "Nov 30, 2026", &["ann,12,2,5,1.20"]));
    let (code, document) = space.json(&["ingest"]);
    assert_eq!((code, document["refused"][0]["code"].as_str()), (Some(1), Some("sums-unfinished")));
}

#[test]
fn a_renamed_user_in_a_second_summary_holds_the_batch_until_an_alias_says_so() {
    let space = by_sums();
    space.write("inbox/a.csv", october(&["benny,5,0,2,0.55", "ann,10,2,4,1.00"]));
    space.write("inbox/b.csv", october(&["ben,5,0,2,0.55", "ann,10,2,4,1.00"]));
    let ran = space.run(&["run"]).exits(3);
    assert!(format!("{ran:?}").contains("[site.alias]"), "{ran:?}");
    assert_eq!(space.json(&["bill", "--period", "2026-10"]).1["state"], "draft");
    space.edit("quiet_seconds = 0\n", "quiet_seconds = 0\nalias = { benny = \"ben\" }\n");
    space.run(&["run"]).exits(0);
    let (_, bill) = space.json(&["bill", "--period", "2026-10"]);
    assert_eq!((bill["state"].as_str(), bill["proof"]["billed"].as_str()), (Some("issued"), Some("1.55")));
}

#[test]
fn sums_across_months_are_not_billed_by_one_of_them() {
    let space = by_sums();
    space.write("inbox/a.csv", summary("Sep 16, 2026", "Oct 15, 2026", &["ann,1,0,1,0.10"]));
    space.write("inbox/b.csv", summary("Oct 16, 2026", "Oct 31, 2026", &["ann,1,0,1,0.20"]));
    let (code, bill) = {
        space.run(&["ingest"]).exits(0);
        space.json(&["bill", "--period", "2026-10", "--issue"])
    };
    assert_eq!(code, Some(3));
    assert_eq!(bill["state"], "draft");
    assert!(bill["findings"].to_string().contains("cannot be divided"), "{}", bill["findings"]);
    let (code, bill) = space.json(&["bill", "--period", "2026-09-16..2026-10-15", "--issue"]);
    assert_eq!((code, bill["proof"]["billed"].as_str()), (Some(0), Some("0.10")));
}

#[test]
fn beside_jobs_a_summary_is_a_control_and_never_billed() {
    let space = Space::new();
    space.write("inbox/summary.csv", october(&["ann,9,0,1,1.35", "ben,2,0,1,0.30"]));
    let ran = space.run(&["run"]).exits(3);
    assert!(format!("{ran:?}").contains("the summary of 2026-10 says"), "{ran:?}");
    let (_, bill) = space.json(&["bill", "--period", "2026-10"]);
    assert_eq!((bill["state"].as_str(), bill["proof"]["billed"].as_str()), (Some("issued"), Some("1.55")));
}

#[test]
fn a_space_that_turns_from_sums_to_jobs_is_credited_the_one_and_charged_the_other() {
    let space = by_sums();
    space.write("inbox/a.csv", october(&["ann,10,2,4,1.00"]));
    space.run(&["run"]).exits(0);
    space.edit("bill_from = \"user-sums\"", "bill_from = \"jobs\"");
    let jobs = format!(
        "{HEADER}2026-10-05 10:00:00,ann,MFD-1,a.pdf,10,2,0.80\n2026-10-31 10:00:00,ben,MFD-1,b.pdf,1,0,0.10\n"
    );
    space.write("inbox/jobs.csv", jobs);
    space.run(&["ingest"]).exits(0);
    let (_, bill) = space.json(&["bill", "--period", "2026-10", "--issue", "--despite-gaps"]);
    let nets: Vec<&str> =
        bill["lines"].as_array().unwrap().iter().map(|line| line["net"].as_str().unwrap()).collect();
    assert_eq!((bill["proof"]["difference"].as_str(), nets), (Some("0.00"), vec!["-0.20", "0.10"]), "{bill}");
    let (_, again) = space.json(&["bill", "--period", "2026-10", "--issue", "--despite-gaps"]);
    assert_eq!(again["lines"], serde_json::json!([]), "nothing is left to correct");
}

#[test]
fn two_users_of_one_summary_who_are_one_are_billed_for_both() {
    let space = by_sums();
    space.write("inbox/a.csv", october(&["ann,10,2,4,1.00", "anna,20,0,3,2.00"]));
    space.run(&["ingest"]).exits(0);
    space.edit("quiet_seconds = 0\n", "quiet_seconds = 0\nalias = { anna = \"ann\" }\n");
    space.run(&["ingest"]).exits(0);
    let (_, bill) = space.json(&["bill", "--period", "2026-10", "--issue"]);
    assert_eq!(
        (bill["proof"]["billed"].as_str(), bill["proof"]["reported"].as_str()),
        (Some("3.00"), Some("3.00"))
    );
}

#[test]
fn months_that_were_billed_from_jobs_are_not_corrected_unasked() {
    let space = Space::new();
    space.run(&["run"]).exits(0);
    space.edit("quiet_seconds = 0\n", "quiet_seconds = 0\n[site.reports]\nbill_from = \"user-sums\"\n");
    space.write("inbox/november.csv", summary("Nov 1, 2026", "Nov 30, 2026", &["ann,10,2,4,1.00"]));
    let ran = space.run(&["--as-of", "2026-12-03T06:00:00", "run"]).exits(3);
    assert!(format!("{ran:?}").contains("was billed from other reports"), "{ran:?}");
    assert_eq!(space.sum("SELECT count(*) FROM batch"), 1);
}

#[test]
fn a_second_summary_with_other_users_is_told_by_the_bill() {
    let space = by_sums();
    space.write("inbox/a.csv", october(&["ann,10,2,4,1.00"]));
    space.write("inbox/b.csv", october(&["ben,12,2,5,1.20"]));
    let (_, bill) = space.json(&["ingest"]);
    assert_eq!(bill["refused"], serde_json::json!([]));
    let (code, bill) = space.json(&["bill", "--period", "2026-10", "--issue"]);
    let codes: Vec<&str> = bill["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert_eq!((code, bill["state"].as_str()), (Some(3), Some("draft")), "perhaps ann is ben now: {bill}");
    assert!(codes.contains(&"sum-missing") && codes.contains(&"sum-late"), "{codes:?}");
    assert!(codes.contains(&"user-maybe-renamed"), "{codes:?}");
}
