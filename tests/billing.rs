//! From jobs to issued lines: the worked month, its late refund, late jobs, mended directories, reversals.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::NaiveDateTime;
use papertally::config::Config;
use papertally::domain::{Fingerprint, InvoiceLine, JobState, Period, ReportFacts, ReportKind, Source};
use papertally::ledger::{DeliveryKind, Documents, JobNames, KeyedJob, Ledger, ReportOrigin};
use papertally::run::bill::{Despite, IssueOutcome, draft, issue};
use papertally::run::books::Books;
use papertally::run::deliver::deliver;
use papertally::run::reverse::reverse;

/// A space with two payers, as files in a folder.
struct Space {
    folder: tempfile::TempDir,
}

const CONFIG: &str = r#"
[ledger]
path = "ledger.sqlite"
[output]
folder = "out"
[[site]]
name = "main"
time_zone = "Europe/London"
currency = "GBP"
inbox = ["inbox"]
[directory]
members = "members.csv"
teams = "teams.csv"
personal_jobs = "team"
[[tax]]
name = "VAT 20%"
percent = "20"
[[plan]]
name = "pool"
basis = "pages"
mono = "0.08"
colour = "0.36"
tax = "VAT 20%"
[plan.allowance]
mono_pages = 20
colour_pages = 5
per = "seat"
[[plan]]
name = "cost"
basis = "cost"
markup_percent = "25"
tax = "VAT 20%"
[billing]
due_days = 14
[[receiver]]
name = "xero"
format = "xero-sales-csv"
account_code = "200"
date_order = "dmy"
[receiver.tax_types]
"VAT 20%" = "20% (VAT on Income)"
[[receiver]]
name = "lines"
format = "csv"
"#;

const MEMBERS: &str = "id,name,email,usernames,team,plan\n\
    M001,Ann Kestrel,ann@kestrel.example,m001,T100,\n\
    M002,Ben Lark,ben@kestrel.example,m002,T100,\n\
    M003,Lynx Studio,post@lynx.example,m003,,cost\n";

const TEAMS: &str =
    "id,name,email,plan,accounts\nT100,\"Kestrel & Lark, Ltd\",accounts@kestrel.example,pool,Kestrel\n";

/// User, time, account, pages, colour pages, cost and state of a job.
type Job = (&'static str, &'static str, &'static str, u32, u32, &'static str, JobState);

const JOBS: [Job; 10] = [
    ("m001", "2026-03-02T09:14:00", "", 18, 0, "0.90", JobState::Charged),
    ("m002", "2026-03-05T11:02:00", "Kestrel\\Pitch", 14, 6, "1.90", JobState::Charged),
    ("m001", "2026-03-11T16:40:00", "Kestrel\\Pitch", 25, 0, "1.25", JobState::Charged),
    ("m002", "2026-03-12T10:05:00", "", 9, 9, "2.25", JobState::Refunded),
    ("m001", "2026-03-19T14:30:00", "", 13, 7, "2.05", JobState::Charged),
    ("m002", "2026-03-31T23:58:00", "", 4, 0, "0.20", JobState::Charged),
    ("m003", "2026-03-09T08:00:00", "", 2, 0, "0.10", JobState::Charged),
    ("m003", "2026-03-17T08:00:00", "", 2, 0, "0.10", JobState::Charged),
    ("m003", "2026-03-24T12:12:00", "", 10, 3, "1.10", JobState::Charged),
    ("m002", "2026-04-01T00:20:00", "", 5, 0, "0.25", JobState::Charged),
];

/// J3 after its late refund.
const J3_REFUNDED: Job = ("m001", "2026-03-11T16:40:00", "Kestrel\\Pitch", 25, 0, "1.25", JobState::Refunded);

impl Space {
    fn new() -> Space {
        let folder = tempfile::tempdir().unwrap();
        let space = Space { folder };
        space.write("papertally.toml", CONFIG);
        space.write("members.csv", MEMBERS);
        space.write("teams.csv", TEAMS);
        std::fs::create_dir(space.path("inbox")).unwrap();
        space
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn config(&self) -> Config {
        Config::load(&self.path("papertally.toml"), &[]).unwrap()
    }

    /// Takes a report of these jobs in; its number is its identity.
    fn take(&self, number: u8, jobs: &[Job], period: &str) {
        let config = self.config();
        let ledger = Ledger::open(&config.ledger).unwrap();
        let site = &config.sites[0];
        let site_id = ledger.site(&site.name, site.currency, "Europe/London").unwrap();
        let period = Period::parse(period, Default::default()).unwrap();
        let facts = ReportFacts {
            kind: ReportKind::PrintLog,
            sha256: [number; 32],
            size_bytes: 1,
            encoding: "UTF-8".to_owned(),
            delimiter: Some(','),
            date_order: None,
            decimal_mark: None,
            period: Some(period),
            columns: Vec::new(),
            source: Source::Jobs,
            has_printer: true,
            has_document: true,
            reasons: Vec::new(),
            findings: Vec::new(),
        };
        let origin = ReportOrigin {
            site: site_id,
            facts: &facts,
            identity: &facts.sha256,
            settings: &[0; 32],
            name: "march.csv",
            ingested_at: "2026-04-02T06:00:00+01:00",
            aliases: &[],
            documents: Documents::Keep,
        };
        let mut ingest = ledger.begin_ingest(&origin).unwrap();
        for (index, (user, time, account, pages, colour, cost, state)) in jobs.iter().enumerate() {
            let names = JobNames {
                user: ingest.user(user).unwrap(),
                account: ingest.account(account).unwrap(),
                printer: ingest.printer("MFD-1").unwrap(),
                job_type: None,
                paper_size: None,
            };
            let job = KeyedJob {
                row: u64::try_from(index).unwrap() + 4,
                second: time.parse::<NaiveDateTime>().unwrap().and_utc().timestamp(),
                fingerprint: Fingerprint::of("MFD-1", "plan.pdf", *pages),
                names,
                has_account: true,
                document: Some("plan.pdf"),
                pages: *pages,
                colour_pages: Some(*colour),
                duplex: None,
                grayscale: None,
                cost: Some(cost.parse().unwrap()),
                state: *state,
                chain: None,
                source: Source::Jobs,
                jobs: 1,
            };
            ingest.keyed(&job, false).unwrap();
        }
        ingest.finish(Some(period), &[]).unwrap();
    }

    /// Works with the books at a moment.
    fn with<T>(&self, work: impl FnOnce(&Books<'_>) -> T) -> T {
        let config = self.config();
        let ledger = Ledger::open(&config.ledger).unwrap();
        let now = papertally::config::parse_when("2026-05-02T06:00:00", chrono_tz::Europe::London).unwrap();
        let books = Books::open(&config, ledger, now, &|_| None).unwrap();
        work(&books)
    }

    /// The lines that a period's next batch has; issued where `real`.
    fn bill(&self, period: &str, real: bool) -> Vec<InvoiceLine> {
        self.with(|books| {
            let site = &books.config.sites[0];
            let period = Period::parse(period, Default::default()).unwrap();
            let mut drafted = draft(books, site, period).unwrap().unwrap();
            let batch = drafted.draft.batch.clone();
            assert!(batch.proof.difference().is_zero(), "the proof adds up");
            assert_eq!(batch.net(), batch.proof.billed, "the proof is the lines'");
            for line in &batch.lines {
                assert!(line.proof.difference().is_zero());
            }
            if real && !drafted.is_empty() {
                assert!(drafted.obstacles(Despite::Nothing).is_empty(), "{:?}", batch.findings);
                assert!(matches!(issue(books, &mut drafted).unwrap(), IssueOutcome::Issued { .. }));
            }
            assert!(books.ledger.integrity().unwrap().is_empty());
            batch.lines
        })
    }

    /// Files of the deliveries that are written down.
    fn delivery(&self, ending: &str) -> String {
        self.with(|books| {
            let open = books.ledger.open_deliveries().unwrap();
            let found =
                open.iter().find(|one| one.target.ends_with(ending)).expect("a delivery of that name");
            String::from_utf8(books.ledger.delivery_body(found.id).unwrap().unwrap()).unwrap()
        })
    }
}

fn shown(lines: &[InvoiceLine]) -> Vec<String> {
    lines
        .iter()
        .map(|line| {
            format!(
                "{} {} r{} {} x {} = {} tax {} | {}",
                line.invoice_number,
                line.class.as_str(),
                line.revision,
                line.quantity,
                line.unit_price,
                line.net,
                line.tax,
                line.description
            )
        })
        .collect()
}

#[test]
fn the_worked_month_gives_its_lines_keys_and_receivers_bytes() {
    let space = Space::new();
    space.take(1, &JOBS, "2026-03");
    let lines = space.bill("2026-03", true);
    assert_eq!(
        shown(&lines),
        [
            "PRT-2026-03-T100 mono r0 21 x 0.08 = 1.68 tax 0.34 | Print 2026-03: mono 61 pages - 40 included",
            "PRT-2026-03-T100 colour r0 3 x 0.36 = 1.08 tax 0.22 | Print 2026-03: colour 13 pages - 10 included",
            "PRT-2026-03-M003 cost r0 1 x 1.63 = 1.63 tax 0.33 | Print 2026-03: 14 pages at cost + 25%",
        ]
    );
    let keys: Vec<String> = lines.iter().map(|line| line.id.to_string()).collect();
    assert_eq!(
        keys,
        [
            "9872dc6f-dda4-5e9b-877f-eaf9ae2364a4",
            "23395170-4999-51d4-afc7-e4d72c381b84",
            "2e311b2a-cc74-52da-b7a4-5c387219398e",
        ]
    );
    let xero = space.delivery("xero.csv");
    assert_eq!(xero.len(), 833);
    assert_eq!(sha256(xero.as_bytes()), "ebc048c0332927001d15426604243fa6570bbdfe0b224fe060ad8167476a7762");
    assert!(space.bill("2026-03", true).is_empty(), "billing twice issues nothing twice");
}

#[test]
fn two_receivers_of_one_format_have_a_file_each() {
    let space = Space::new();
    space.write("papertally.toml", &format!("{CONFIG}[[receiver]]\nname = \"archive\"\nformat = \"csv\"\n"));
    space.take(1, &JOBS, "2026-03");
    space.bill("2026-03", true);
    assert_eq!(space.delivery("-lines.csv"), space.delivery("-lines-archive.csv"));
    space.with(|books| {
        let open = books.ledger.open_deliveries().unwrap();
        let targets: BTreeSet<&str> = open.iter().map(|one| one.target.as_str()).collect();
        assert_eq!(targets.len(), open.len(), "{targets:?}");
        let handed = deliver(books, DeliveryKind::File).unwrap();
        assert!(handed.is_settled());
    });
}

#[test]
fn the_proof_of_the_worked_month_says_where_the_money_went() {
    let space = Space::new();
    space.take(1, &JOBS, "2026-03");
    space.with(|books| {
        let period = Period::parse("2026-03", Default::default()).unwrap();
        let drafted = draft(books, &books.config.sites[0], period).unwrap().unwrap();
        let proof = drafted.draft.batch.proof;
        let parts = [
            proof.reported,
            proof.not_billable,
            proof.suspense,
            proof.allowance,
            proof.markup,
            proof.rounding,
            proof.billed,
        ];
        let texts = parts.map(|part| part.to_string());
        assert_eq!(texts, ["9.85", "2.25", "0.00", "6.80", "3.585", "0.005", "4.39"]);
    });
}

#[test]
fn a_late_refund_is_the_difference_within_the_allowance_and_names_its_line() {
    let space = Space::new();
    space.take(1, &JOBS, "2026-03");
    let march = space.bill("2026-03", true);
    space.take(2, &[J3_REFUNDED], "2026-04");
    let april = space.bill("2026-04", true);
    assert_eq!(
        shown(&april),
        [
            "PRT-2026-04-T100 mono r1 -21 x 0.08 = -1.68 tax -0.34 | Print 2026-03 corrected: mono 36 pages - 36 included",
            "PRT-2026-04-T100 mono r0 1 x 0.00 = 0.00 tax 0.00 | Print 2026-04: mono 5 pages - 5 included",
        ]
    );
    assert_eq!(april[0].id.to_string(), "0a7b48df-d989-5589-91a0-b547b2c56437");
    assert_eq!(april[0].adjusts, Some(march[0].id));
    assert!(space.bill("2026-04", true).is_empty());
    assert!(space.bill("2026-03", true).is_empty());
}

#[test]
fn a_late_job_is_billed_with_the_next_batch_or_with_one_more_of_its_period() {
    let late: Job = ("m003", "2026-03-30T10:00:00", "", 4, 0, "0.40", JobState::Charged);
    let expected = "cost r1 1 x 0.50 = 0.50 tax 0.10 | Print 2026-03 corrected: 18 pages at cost + 25%";
    for (period, number) in [("2026-04", "PRT-2026-04-M003"), ("2026-03", "PRT-2026-03-M003-A1")] {
        let space = Space::new();
        space.take(1, &JOBS, "2026-03");
        space.bill("2026-03", true);
        space.take(2, &[late], "2026-04");
        let lines = shown(&space.bill(period, true));
        assert!(lines.contains(&format!("{number} {expected}")), "{lines:?}");
        assert!(space.bill(period, true).is_empty());
    }
}

#[test]
fn billing_in_two_steps_ends_where_billing_once_does() {
    let totals = |steps: &[&[Job]]| {
        let space = Space::new();
        let mut sums = std::collections::BTreeMap::new();
        for (index, jobs) in steps.iter().enumerate() {
            space.take(u8::try_from(index).unwrap(), jobs, "2026-03");
            for line in space.bill("2026-03", true) {
                *sums.entry((line.payer.id.clone(), line.class)).or_insert(0) += line.net.millionths();
            }
        }
        sums
    };
    let once = totals(&[&JOBS]);
    for cut in 1..JOBS.len() {
        assert_eq!(totals(&[&JOBS[..cut], &JOBS[cut..]]), once, "cut after {cut} jobs");
    }
    let mut refunded = JOBS;
    refunded[2] = J3_REFUNDED;
    assert_eq!(totals(&[&JOBS, &refunded]), {
        let mut sums = totals(&[&refunded]);
        sums.retain(|_, net| *net != 0);
        let mut with_zero = sums.clone();
        for key in once.keys() {
            with_zero.entry(key.clone()).or_insert(0);
        }
        with_zero
    });
}

#[test]
fn jobs_of_an_unknown_user_wait_and_are_billed_when_the_directory_is_mended() {
    let space = Space::new();
    let stranger: Job = ("visitor", "2026-03-15T10:00:00", "", 4, 0, "0.40", JobState::Charged);
    let mut jobs = JOBS.to_vec();
    jobs.push(stranger);
    space.take(1, &jobs, "2026-03");
    space.with(|books| {
        let period = Period::parse("2026-03", Default::default()).unwrap();
        let batch = draft(books, &books.config.sites[0], period).unwrap().unwrap().draft.batch;
        assert_eq!(batch.suspense.len(), 1);
        assert_eq!(batch.proof.suspense.to_string(), "0.40");
        assert!(batch.findings.iter().any(|finding| finding.code == "suspense"));
    });
    assert_eq!(space.bill("2026-03", true).len(), 3);
    space.take(2, &[], "2026-04");
    space.write("members.csv", &format!("{MEMBERS}M004,Vera Visitor,vera@example.org,visitor,,cost\n"));
    let lines = shown(&space.bill("2026-04", true));
    assert!(
        lines.contains(
            &"PRT-2026-04-M004 cost r0 1 x 0.50 = 0.50 tax 0.10 | Print 2026-03: 4 pages at cost + 25%"
                .to_owned()
        ),
        "{lines:?}"
    );
}

#[test]
fn a_remapped_user_is_credited_to_the_one_and_charged_to_the_other() {
    let space = Space::new();
    space.take(1, &JOBS, "2026-03");
    space.bill("2026-03", true);
    let moved = MEMBERS.replace("m003,,cost", "m003x,,cost") + "M005,Mona Moss,mona@example.org,m003,,cost\n";
    space.write("members.csv", &moved);
    let nets: Vec<(String, String)> = space
        .bill("2026-03", true)
        .iter()
        .map(|line| (line.payer.id.to_string(), line.net.to_string()))
        .collect();
    assert_eq!(
        nets,
        [("member:M003".to_owned(), "-1.63".to_owned()), ("member:M005".to_owned(), "1.63".to_owned())]
    );
    assert!(space.bill("2026-03", true).is_empty());
}

#[test]
fn a_new_price_does_not_change_what_was_issued() {
    let space = Space::new();
    space.take(1, &JOBS, "2026-03");
    space.bill("2026-03", true);
    space.write("papertally.toml", &CONFIG.replace("mono = \"0.08\"", "mono = \"0.10\""));
    assert!(space.bill("2026-03", false).is_empty());
    let april = space.bill("2026-04", false);
    assert!(april.iter().all(|line| line.period.to_string() == "2026-04"), "{:?}", shown(&april));
}

#[test]
fn a_reversed_line_frees_its_jobs_and_they_are_billed_anew() {
    let space = Space::new();
    space.take(1, &JOBS, "2026-03");
    let lines = space.bill("2026-03", true);
    let reversed = space.with(|books| reverse(books, &lines[2].id.to_string()).unwrap());
    assert_eq!(
        shown(&reversed.batch.lines),
        [
            "PRT-2026-03-M003-A1 cost r1 -1 x 1.63 = -1.63 tax -0.33 | Taken back: Print 2026-03: 14 pages at cost + 25%"
        ]
    );
    space.with(|books| assert!(reverse(books, &lines[2].id.to_string()).is_err(), "only once"));
    space.write("papertally.toml", &CONFIG.replace("markup_percent = \"25\"", "markup_percent = \"10\""));
    assert_eq!(
        shown(&space.bill("2026-03", true)),
        ["PRT-2026-03-M003-A2 cost r2 1 x 1.43 = 1.43 tax 0.29 | Print 2026-03: 14 pages at cost + 10%"]
    );
}

#[test]
fn issued_lines_and_batches_cannot_be_changed_or_deleted() {
    let space = Space::new();
    space.take(1, &JOBS, "2026-03");
    space.bill("2026-03", true);
    let database = rusqlite::Connection::open(space.path("ledger.sqlite")).unwrap();
    for sql in [
        "UPDATE invoice_line SET net = 0",
        "DELETE FROM invoice_line",
        "UPDATE batch SET due_date = '2030-01-01'",
        "DELETE FROM batch",
    ] {
        let error = database.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("an issued"), "{sql}: {error}");
    }
    let twice = "INSERT INTO line_job SELECT (SELECT max(id) FROM invoice_line), job_id, role, class, open
                 FROM line_job WHERE class = 'mono' LIMIT 1";
    assert!(database.execute(twice, []).is_err(), "a job is billed by one line of a class");
}

#[test]
fn a_period_with_gaps_is_not_issued_unasked() {
    let space = Space::new();
    space.take(1, &JOBS[..9], "2026-03-01..2026-03-24");
    space.with(|books| {
        let period = Period::parse("2026-03", Default::default()).unwrap();
        let drafted = draft(books, &books.config.sites[0], period).unwrap().unwrap();
        let obstacles = drafted.obstacles(Despite::Nothing);
        assert_eq!(obstacles.len(), 1);
        assert!(obstacles[0].message.contains("2026-03-25 to 2026-03-31"), "{}", obstacles[0].message);
        assert!(drafted.obstacles(Despite::Gaps).is_empty());
    });
}

#[test]
fn a_batch_that_is_not_committed_leaves_no_trace() {
    let space = Space::new();
    space.take(1, &JOBS, "2026-03");
    let before = std::fs::read(space.path("ledger.sqlite")).unwrap();
    // A payer's name has a letter that the receiver's encoding lacks, so its file cannot be made.
    space.write(
        "papertally.toml",
        &CONFIG.replace("date_order = \"dmy\"", "date_order = \"dmy\"\nencoding = \"ascii\""),
    );
    space.write("members.csv", &MEMBERS.replace("Lynx Studio", "Lÿnx Studio"));
    space.with(|books| {
        let period = Period::parse("2026-03", Default::default()).unwrap();
        let mut drafted = draft(books, &books.config.sites[0], period).unwrap().unwrap();
        assert!(issue(books, &mut drafted).is_err());
    });
    assert_eq!(std::fs::read(space.path("ledger.sqlite")).unwrap(), before);
}

#[test]
fn the_rest_of_a_half_billed_month_is_due() {
    let space = Space::new();
    let config = CONFIG
        .replace("due_days = 14", "due_days = 14\nfirst_period = \"2026-03\"\nschedule = \"0 6 2 * *\"");
    space.write("papertally.toml", &config);
    space.take(1, &JOBS, "2026-03");
    space.bill("2026-03-01..2026-03-15", true);
    space.with(|books| {
        let agenda = papertally::run::due::agenda(books, &books.config.sites[0]).unwrap();
        let due: Vec<String> = agenda.now.iter().map(|due| due.period.to_string()).collect();
        assert_eq!(due, ["2026-03-16..2026-03-31", "2026-04"]);
    });
    let rest = space.bill("2026-03-16..2026-03-31", true);
    assert_eq!(rest[0].invoice_number, "PRT-260316X16-T100");
}

#[test]
fn a_member_whose_row_is_gone_is_not_credited_unasked() {
    let space = Space::new();
    space.take(1, &JOBS, "2026-03");
    space.bill("2026-03", true);
    space.write("members.csv", &MEMBERS.replace("M003,Lynx Studio,post@lynx.example,m003,,cost\n", ""));
    space.with(|books| {
        let period = Period::parse("2026-03", Default::default()).unwrap();
        let drafted = draft(books, &books.config.sites[0], period).unwrap().unwrap();
        let obstacles: Vec<&str> =
            drafted.obstacles(Despite::Nothing).iter().map(|finding| finding.code).collect();
        assert_eq!(obstacles, ["issued-jobs-without-payer"]);
        let unattended: Vec<&str> =
            drafted.obstacles(Despite::Gaps).iter().map(|finding| finding.code).collect();
        assert_eq!(unattended, obstacles, "`despite_gaps` in the configuration is about gaps only");
        assert!(drafted.obstacles(Despite::Asked).is_empty(), "a person may ask for it");
    });
    space.write("members.csv", MEMBERS);
    assert!(space.bill("2026-03", false).is_empty(), "the row is back, and nothing happened");
}

#[test]
fn a_new_member_who_printed_nothing_changes_no_issued_month() {
    let space = Space::new();
    space.take(1, &JOBS, "2026-03");
    space.bill("2026-03", true);
    space.write("members.csv", &format!("{MEMBERS}M009,Nora New,nora@example.org,nora,T100,\n"));
    assert!(space.bill("2026-03", false).is_empty(), "seats that are counted stay as they were");
}

#[test]
fn reversed_jobs_are_named_until_the_next_batch_bills_them() {
    let space = Space::new();
    space.take(1, &JOBS, "2026-03");
    let lines = space.bill("2026-03", true);
    space.with(|books| reverse(books, &lines[2].id.to_string()).unwrap());
    space.with(|books| {
        let told = papertally::run::reconcile::taken_back(books, &books.config.sites[0]).unwrap().unwrap();
        assert!(told.message.starts_with("3 jobs (cost 1.30) taken back and on no line"), "{}", told.message);
    });
    space.take(2, &[], "2026-04");
    let april = shown(&space.bill("2026-04", true));
    assert!(april.iter().any(|line| line.contains("M003 cost r2 1 x 1.63 = 1.63")), "{april:?}");
    space.with(|books| {
        let told = papertally::run::reconcile::taken_back(books, &books.config.sites[0]).unwrap();
        assert_eq!(told, None);
    });
}

#[test]
fn a_credit_row_is_not_billed_by_the_page() {
    let space = Space::new();
    let credit: Job = ("m001", "2026-03-11T17:00:00", "", 25, 0, "-1.25", JobState::Charged);
    let mut jobs = JOBS.to_vec();
    jobs.push(credit);
    space.take(1, &jobs, "2026-03");
    let lines = shown(&space.bill("2026-03", false));
    assert!(lines[0].contains("21 x 0.08 = 1.68"), "the pages are not counted again: {lines:?}");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
