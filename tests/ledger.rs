//! The ledger as its users see it: identity, changes, refusals, and what survives.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use std::path::Path;

use chrono::NaiveDateTime;
use papertally::domain::{
    Currency, Fingerprint, JobState, Money, Period, Rejection, ReportFacts, ReportKind, Source,
};
use papertally::ledger::{
    Documents, Ingested, JobNames, KeyedJob, Ledger, LedgerError, ReportOrigin, SiteId,
};
use proptest::prelude::*;

/// A row of a made-up report: a letter for the document, and what may change later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    document: char,
    user: &'static str,
    cost: i64,
    state: JobState,
}

fn row(document: char) -> Row {
    Row { document, user: "ann", cost: 100_000, state: JobState::Charged }
}

fn time() -> NaiveDateTime {
    "2026-10-05T10:00:00".parse().unwrap()
}

fn ledger() -> (Ledger, SiteId) {
    let ledger = Ledger::temporary().unwrap();
    let site = ledger.site("harbour", Currency::new("GBP").unwrap(), "Europe/London").unwrap();
    (ledger, site)
}

fn facts(number: u8) -> ReportFacts {
    ReportFacts {
        kind: ReportKind::PrintLog,
        sha256: [number; 32],
        size_bytes: 1,
        encoding: "UTF-8".to_owned(),
        delimiter: Some(','),
        date_order: None,
        decimal_mark: None,
        period: None,
        columns: Vec::new(),
        source: Source::Jobs,
        has_printer: true,
        has_document: true,
        reasons: Vec::new(),
        findings: Vec::new(),
    }
}

fn take(ledger: &Ledger, site: SiteId, number: u8, rows: &[Row], aliases: &[(String, String)]) -> Ingested {
    take_of(ledger, site, facts(number), rows, aliases)
}

/// Takes in a report whose own period is October up to that day.
fn take_until(ledger: &Ledger, site: SiteId, day: u8, rows: &[Row]) -> Ingested {
    let period = Period::parse(&format!("2026-10-01..2026-10-{day:02}"), time().date()).unwrap();
    take_of(ledger, site, ReportFacts { period: Some(period), ..facts(day) }, rows, &[])
}

fn take_of(
    ledger: &Ledger,
    site: SiteId,
    facts: ReportFacts,
    rows: &[Row],
    aliases: &[(String, String)],
) -> Ingested {
    let number = facts.sha256[0];
    let origin = ReportOrigin {
        site,
        facts: &facts,
        identity: &facts.sha256,
        settings: &[0; 32],
        name: &format!("report-{number}.csv"),
        ingested_at: "2026-11-02T06:00:00+00:00",
        aliases,
        documents: Documents::Keep,
    };
    let mut ingest = ledger.begin_ingest(&origin).unwrap();
    for (index, row) in rows.iter().enumerate() {
        let document = row.document.to_string();
        let names = JobNames {
            user: ingest.user(row.user).unwrap(),
            account: None,
            printer: ingest.printer("MFD-1").unwrap(),
            job_type: None,
            paper_size: None,
        };
        let job = KeyedJob {
            row: u64::try_from(index).unwrap() + 2,
            second: time().and_utc().timestamp(),
            fingerprint: Fingerprint::of("MFD-1", &document, 2),
            names,
            has_account: true,
            document: Some(&document),
            pages: 2,
            colour_pages: Some(0),
            duplex: None,
            grayscale: None,
            cost: Some(Money::from_millionths(row.cost)),
            state: row.state,
            chain: None,
            source: Source::Jobs,
            jobs: 1,
        };
        ingest.keyed(&job, false).unwrap();
    }
    ingest.finish(None, &[]).unwrap()
}

/// Document, user, cost and state of every stored job, sorted.
fn stored(ledger: &Ledger, site: SiteId) -> Vec<(String, String, i64, &'static str)> {
    let names = ledger.names(site).unwrap();
    let october = Period::parse("2026-10", time().date()).unwrap();
    let mut ids = Vec::new();
    ledger
        .each_job(site, october, Source::Jobs, |job| {
            ids.push(job.id);
            Ok::<(), LedgerError>(())
        })
        .unwrap();
    let mut jobs: Vec<_> = ids
        .into_iter()
        .map(|id| ledger.stored_job(id).unwrap())
        .map(|job| {
            let user = names.users[&job.fact.user].clone();
            let cost = job.fact.cost.unwrap().millionths();
            (job.document.unwrap(), user, cost, job.fact.state.as_str())
        })
        .collect();
    jobs.sort();
    jobs
}

#[test]
fn overlapping_reports_add_only_what_is_new_and_equal_jobs_all_count() {
    let (ledger, site) = ledger();
    let first = take(&ledger, site, 1, &[row('a'), row('a'), row('b')], &[]);
    assert_eq!((first.counted.new, first.counted.repeated), (3, 0));
    let second = take(&ledger, site, 2, &[row('a'), row('a'), row('a'), row('c')], &[]);
    assert_eq!((second.counted.new, second.counted.repeated), (2, 2));
    assert_eq!(stored(&ledger, site).len(), 5);
}

#[test]
fn a_later_report_changes_a_stored_job_and_the_change_is_kept() {
    let (ledger, site) = ledger();
    take(&ledger, site, 1, &[row('a'), row('a')], &[]);
    let refunded = Row { state: JobState::Refunded, ..row('a') };
    let second = take(&ledger, site, 2, &[refunded, row('a')], &[]);
    assert_eq!((second.counted.not_billable, second.counted.repeated, second.changed), (1, 1, 1));
    let states: Vec<&str> = stored(&ledger, site).iter().map(|job| job.3).collect();
    assert_eq!(states, ["charged", "refunded"]);
    let changed = ledger.stored_job(1).unwrap().changes;
    assert_eq!(changed, ["state was charged, became refunded in report-2.csv, row 2"]);
}

fn codes(ingested: &Ingested) -> Vec<&str> {
    ingested.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn an_older_report_that_comes_late_does_not_undo_a_refund() {
    let refunded = Row { state: JobState::Refunded, ..row('a') };
    let cheaper = Row { cost: 40_000, ..row('b') };
    for order in [[8, 15], [15, 8]] {
        let (ledger, site) = ledger();
        for day in order {
            let rows = if day == 8 { [row('a'), row('b')] } else { [refunded.clone(), cheaper.clone()] };
            take_until(&ledger, site, day, &rows);
        }
        let states: Vec<_> = stored(&ledger, site).into_iter().map(|job| (job.2, job.3)).collect();
        assert_eq!(states, [(100_000, "refunded"), (40_000, "charged")], "in order {order:?}");
    }
}

#[test]
fn jobs_that_a_later_report_of_their_days_does_not_have_are_told() {
    let (ledger, site) = ledger();
    take_until(&ledger, site, 8, &[row('a'), row('b')]);
    let later = take_until(&ledger, site, 15, &[row('b')]);
    assert_eq!(codes(&later), ["jobs-missing"]);
    assert!(later.findings[0].message.starts_with("1 jobs (cost 0.10) that earlier reports have"));
    let (ledger, site) = self::ledger();
    take_until(&ledger, site, 15, &[row('b')]);
    let older = take_until(&ledger, site, 8, &[row('a'), row('b')]);
    assert_eq!(codes(&older), ["jobs-absent-later"]);
}

#[test]
fn equal_jobs_of_which_one_is_refunded_match_their_own_kind_first() {
    let (ledger, site) = ledger();
    let refunded = Row { state: JobState::Refunded, ..row('a') };
    take(&ledger, site, 1, &[row('a'), refunded.clone()], &[]);
    let second = take(&ledger, site, 2, &[refunded, row('a')], &[]);
    assert_eq!(second.changed, 0);
}

#[test]
fn a_renamed_user_is_told_and_counts_once_after_the_alias_is_written_down() {
    let (ledger, site) = ledger();
    take(&ledger, site, 1, &[row('a'), row('b')], &[]);
    let renamed = Row { user: "ann.lind", ..row('a') };
    let second = take(&ledger, site, 2, std::slice::from_ref(&renamed), &[]);
    assert_eq!(second.findings.len(), 1, "the rename is told");
    assert_eq!(second.findings[0].code, "user-maybe-renamed");
    assert_eq!(stored(&ledger, site).len(), 3);
    let aliases = [("ann".to_owned(), "ann.lind".to_owned())];
    ledger.rename_users(site, &aliases).unwrap();
    let names = ledger.names(site).unwrap();
    let october = Period::parse("2026-10", time().date()).unwrap();
    let mut counted = 0;
    ledger
        .each_job(site, october, Source::Jobs, |job| {
            counted += i32::from(!names.former_users.contains_key(&job.user));
            Ok::<(), LedgerError>(())
        })
        .unwrap();
    assert_eq!(counted, 2, "the job of both names is one, the other moved to the present name");
    let third = take(&ledger, site, 3, &[row('a'), row('b'), renamed], &aliases);
    assert_eq!(
        (third.counted.new, third.counted.repeated),
        (1, 2),
        "two equal rows of one user are two jobs"
    );
}

#[test]
fn rows_and_money_are_all_accounted_for() {
    let (ledger, site) = ledger();
    let facts = facts(1);
    let origin = ReportOrigin {
        site,
        facts: &facts,
        identity: &facts.sha256,
        settings: &[0; 32],
        name: "r.csv",
        ingested_at: "2026-11-02T06:00:00+00:00",
        aliases: &[],
        documents: Documents::Drop,
    };
    let mut ingest = ledger.begin_ingest(&origin).unwrap();
    let rejection = Rejection {
        row: 7,
        column: "Cost".to_owned(),
        found: "`1.2.3`".to_owned(),
        expected: "a decimal number".to_owned(),
        cost: Some(Money::from_millionths(5)),
    };
    ingest.reject(&rejection).unwrap();
    let done = ingest.finish(None, &[]).unwrap();
    assert_eq!((done.counted.rows, done.counted.rejected), (1, 1));
    assert_eq!(done.sums.rejected.to_string(), "0.000005");
    assert_eq!(ledger.rejections(site, 10).unwrap()[0].row, 7);
    assert!(ledger.integrity().unwrap().is_empty());
}

#[test]
fn a_report_that_is_not_finished_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = Ledger::open(&path).unwrap();
    let site = ledger.site("harbour", Currency::new("GBP").unwrap(), "Europe/London").unwrap();
    let facts = facts(1);
    let origin = ReportOrigin {
        site,
        facts: &facts,
        identity: &facts.sha256,
        settings: &[0; 32],
        name: "r.csv",
        ingested_at: "2026-11-02T06:00:00+00:00",
        aliases: &[],
        documents: Documents::Keep,
    };
    let before = std::fs::read(&path).unwrap();
    drop(ledger.begin_ingest(&origin).unwrap());
    assert!(ledger.known_report(site, &facts.sha256).unwrap().is_none());
    drop(ledger);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_site_keeps_its_currency() {
    let (ledger, _) = ledger();
    let error = ledger.site("harbour", Currency::new("EUR").unwrap(), "Europe/London").unwrap_err();
    assert_eq!(
        error.to_string(),
        "site `harbour` is in the ledger with currency GBP, the configuration says EUR"
    );
}

/// Runs a statement in the ledger's file beside papertally, as somebody with a database tool would.
fn with_sql(path: &Path, sql: &str) -> Result<(), rusqlite::Error> {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql)
}

#[test]
fn a_newer_ledger_and_a_foreign_database_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    drop(Ledger::open(&path).unwrap());
    with_sql(&path, "PRAGMA user_version = 99").unwrap();
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Newer { found: 99, .. })));
    assert!(matches!(Ledger::open_read_only(&path), Err(LedgerError::Newer { found: 99, .. })));
    let foreign = folder.path().join("other.sqlite");
    with_sql(&foreign, "CREATE TABLE theirs (x)").unwrap();
    let before = std::fs::read(&foreign).unwrap();
    assert!(matches!(Ledger::open(&foreign), Err(LedgerError::NotALedger)));
    assert_eq!(std::fs::read(&foreign).unwrap(), before);
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a database, but long enough to look at").unwrap();
    assert!(matches!(Ledger::open(&text), Err(LedgerError::Damaged(_))));
}

#[test]
fn a_ledger_of_the_first_version_is_brought_up_with_its_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    with_sql(&path, papertally::ledger::STEPS[0]).unwrap();
    let first = "INSERT INTO site VALUES (1, 'harbour', 'GBP', 'Europe/London');
        INSERT INTO user VALUES (1, 1, 'ann', 'ann', NULL); INSERT INTO printer VALUES (1, 1, 'MFD-1');
        INSERT INTO report (id, site_id, sha256, name, kind, size_byte, encoding, ingested_at, row_count, new_count, cost, new_cost,
            covered_first, covered_last)
            VALUES (1, 1, zeroblob(32), 'old.csv', 'print-log', 1, 'UTF-8', '2026-10-01T00:00:00Z', 1, 1, 300000, 300000,
            '2026-10-01', '2026-10-31');
        INSERT INTO job (site_id, second, fingerprint, user_id, occurrence, printer_id, pages, colour_pages, cost, state, report_id, row_number)
            VALUES (1, 1791000000, zeroblob(16), 1, 1, 1, 2, 0, 300000, 0, 1, 4);
        PRAGMA user_version = 1;";
    with_sql(&path, first).unwrap();
    let ledger = Ledger::open(&path).unwrap();
    assert_eq!(ledger.backup().unwrap(), folder.path().join("ledger.sqlite.before-v2"));
    let (site, _) = ledger.known_site("harbour").unwrap().unwrap();
    let october = Period::parse("2026-10", time().date()).unwrap();
    let mut jobs = Vec::new();
    let taken = ledger.each_job(site, october, Source::Jobs, |job| {
        jobs.push((job.pages, job.jobs, job.cost.unwrap().to_string()));
        Ok::<(), LedgerError>(())
    });
    taken.unwrap();
    assert_eq!(jobs, [(2, 1, "0.30".to_owned())]);
    assert_eq!(ledger.covered(site, Source::Jobs).unwrap(), [october]);
    assert!(ledger.integrity().unwrap().is_empty());
    // A report of today goes in beside it.
    take(&ledger, site, 7, &[row('a')], &[]);
    assert!(ledger.integrity().unwrap().is_empty());
}

#[test]
fn shipped_migrations_never_change() {
    use sha2::{Digest, Sha256};
    let digests: Vec<String> = papertally::ledger::STEPS
        .iter()
        .map(|step| Sha256::digest(step).iter().take(8).map(|byte| format!("{byte:02x}")).collect())
        .collect();
    assert_eq!(digests, SHIPPED, "a shipped step was edited: add a new one instead");
}

/// The first eight bytes of the SHA-256 of each shipped step.
const SHIPPED: [&str; 3] = ["9936d92e335c59ff", "223093ecf3c0048c", "9406a910a6a0d672"];

fn any_report() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(prop::sample::select(vec!['a', 'b', 'c']).prop_map(row), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Per key the stored number is the largest number of occurrences in any one report, in any order.
    #[test]
    fn overlap_by_occurrence_is_order_free(reports in prop::collection::vec(any_report(), 1..5), turn in 0usize..5) {
        let store = |reports: &[Vec<Row>]| {
            let (ledger, site) = ledger();
            for (index, report) in reports.iter().enumerate() {
                take(&ledger, site, u8::try_from(index).unwrap() + 1, report, &[]);
            }
            stored(&ledger, site)
        };
        let mut turned = reports.clone();
        turned.rotate_left(turn % reports.len());
        turned.reverse();
        let jobs = store(&reports);
        prop_assert_eq!(&jobs, &store(&turned));
        for document in ['a', 'b', 'c'] {
            let most = reports.iter().map(|report| report.iter().filter(|one| one.document == document).count()).max();
            let count = jobs.iter().filter(|job| job.0 == document.to_string()).count();
            prop_assert_eq!(Some(count), most);
        }
    }
}
