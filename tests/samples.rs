//! The samples through the built command: the month comes out as worked by hand, a second run changes nothing, a
//! dry run writes nothing, and nothing private gets into what a run says.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use papertally::domain::{Exact, Money};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A copy of the samples.
struct Samples {
    folder: tempfile::TempDir,
}

/// What a command said.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Samples {
    fn new() -> Samples {
        let folder = tempfile::tempdir().unwrap();
        support::copy_samples(folder.path());
        Samples { folder }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Runs a command in an environment like cron's, from another folder.
    fn say(&self, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_papertally"))
            .env_clear()
            .env("PAPERTALLY_CONFIG", self.path("papertally.toml"))
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.say(&[&["--json"], arguments].concat());
        serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{arguments:?}: {} {}", said.out, said.err))
    }

    /// The hash of each file by its path.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        hash_below(self.folder.path(), &mut files);
        files
    }
}

fn hash_below(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // An empty folder would be a change too.
            files.insert(path.clone(), Vec::new());
            hash_below(&path, files);
        } else {
            let hash = Sha256::digest(fs::read(&path).unwrap()).to_vec();
            files.insert(path, hash);
        }
    }
}

/// Rows of a CSV file as maps by header.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

fn sum(amounts: impl Iterator<Item = String>) -> Exact {
    amounts.map(|amount| Exact::from(amount.parse::<Money>().unwrap())).sum()
}

#[test]
fn the_month_comes_out_as_worked_by_hand() {
    let samples = Samples::new();
    let run = samples.json(&["run"]);
    assert_eq!(run["exit_code"], 3);
    let issued = &run["sites"][0]["issued"][0];
    assert_eq!(issued["batch"], "harbour-2026-10");
    assert_eq!(issued["proof"]["difference"], "0.00");
    let columns = |names: [&str; 6], row: &BTreeMap<String, String>| names.map(|name| row[name].clone());
    let expected: BTreeSet<[String; 6]> = rows(&samples.path("expected-lines.csv"))
        .iter()
        .map(|row| columns(["payer", "class", "quantity", "unit_price", "net", "tax"], row))
        .collect();
    let lines = rows(&samples.path("out/harbour-2026-10/harbour-2026-10-lines.csv"));
    let found: BTreeSet<[String; 6]> = lines
        .iter()
        .map(|row| columns(["Payer ID", "Class", "Quantity", "Unit Price", "Net", "Tax"], row))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(lines.len(), expected.len());
    // The files that go to Xero and to people say the same sum as the proof.
    let billed = issued["proof"]["billed"].as_str().unwrap();
    assert_eq!(sum(lines.iter().map(|row| row["Net"].clone())).to_string(), billed);
    let xero = rows(&samples.path("out/harbour-2026-10/harbour-2026-10-xero.csv"));
    assert_eq!(xero.len(), lines.len());
    // Every report of the inbox is taken in, and rows read are rows accounted for.
    let reports = run["sites"][0]["reports"].as_array().unwrap();
    assert_eq!(reports.len(), fs::read_dir(samples.path("inbox")).unwrap().count());
    for report in reports {
        let count = |key: &str| report[key].as_u64().unwrap();
        let parts = count("new") + count("repeated") + count("not_billable") + count("rejected");
        assert_eq!(count("rows"), parts, "{report}");
    }
}

/// Reported by hand from the reports: what the ledger holds is what the files hold, each job once.
#[test]
fn what_is_reported_is_what_the_reports_hold() {
    let samples = Samples::new();
    let run = samples.json(&["run"]);
    let proof = &run["sites"][0]["issued"][0]["proof"];
    let amount = |key: &str| Exact::from(proof[key].as_str().unwrap().parse::<Money>().unwrap());
    let totals = samples.json(&["totals", "--period", "2026-10"]);
    let billable: Money = totals["total"]["cost"].as_str().unwrap().parse().unwrap();
    assert_eq!(amount("reported"), Exact::from(billable) + amount("not_billable"));
    let by_payer = samples.json(&["totals", "--period", "2026-10", "--by", "payer"]);
    let nobody =
        by_payer["rows"].as_array().unwrap().iter().find(|row| row["key"] == "(nobody yet)").unwrap();
    assert_eq!(nobody["cost"], proof["suspense"]);
    for by in ["user", "account", "member", "printer", "day", "kind"] {
        assert_eq!(
            samples.json(&["totals", "--period", "2026-10", "--by", by])["total"],
            totals["total"],
            "{by}"
        );
    }
}

#[test]
fn a_second_run_has_nothing_to_say_and_changes_no_byte() {
    let samples = Samples::new();
    assert_eq!(samples.say(&["run"]).code, 3);
    let before = samples.files();
    let again = samples.say(&["run"]);
    assert_eq!((again.code, again.out.as_str(), again.err.as_str()), (0, "", ""));
    assert_eq!(samples.files(), before);
    // Nor do commands that only look.
    let looks: [&[&str]; 8] = [
        &["status"],
        &["schedule"],
        &["totals"],
        &["bill"],
        &["deliver"],
        &["doctor"],
        &["explain", "team:T101"],
        &["check", "papertally.toml"],
    ];
    for look in looks {
        samples.say(look);
        assert_eq!(samples.files(), before, "{look:?}");
    }
}

/// Two spaces with the same reports end with the same files, whichever way they went.
#[test]
fn by_hand_or_by_night_the_invoices_are_the_same() {
    let (by_night, by_hand) = (Samples::new(), Samples::new());
    by_night.say(&["run"]);
    let mut reports: Vec<PathBuf> =
        fs::read_dir(by_hand.path("inbox")).unwrap().map(|entry| entry.unwrap().path()).collect();
    reports.sort();
    for report in reports.iter().rev() {
        by_hand.say(&["ingest", report.to_str().unwrap()]);
    }
    assert_eq!(by_hand.say(&["bill", "--period", "2026-10", "--issue"]).code, 3);
    for file in ["harbour-2026-10-xero.csv", "harbour-2026-10-lines.csv", "harbour-2026-10-lines.json"] {
        let bytes = |samples: &Samples| fs::read(samples.path("out/harbour-2026-10").join(file)).unwrap();
        assert!(bytes(&by_night) == bytes(&by_hand), "{file} differs");
    }
}

#[test]
fn a_dry_run_changes_no_byte() {
    let samples = Samples::new();
    let before = samples.files();
    let dry = samples.say(&["run", "--dry-run"]);
    assert_eq!(dry.code, 3);
    assert!(dry.out.contains("148.52") && dry.err.contains("Would issue"), "{}{}", dry.out, dry.err);
    assert_eq!(samples.files(), before);
    samples.say(&["run"]);
    let before = samples.files();
    samples.say(&["run", "--dry-run", "--as-of", "2026-12-03T08:00:00"]);
    assert_eq!(samples.files(), before);
}

#[test]
fn a_month_later_the_next_month_is_due_and_waits_for_its_reports() {
    let samples = Samples::new();
    samples.say(&["run"]);
    let periods = |agenda: &Value, key: &str| {
        let due = agenda["sites"][0][key].as_array().unwrap().iter();
        due.map(|due| due["period"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let agenda = samples.json(&["schedule"]);
    assert_eq!(periods(&agenda, "due"), Vec::<String>::new());
    assert_eq!(agenda["sites"][0]["next"]["at"], "2026-12-02T06:00:00+00:00");
    let agenda = samples.json(&["schedule", "--as-of", "2027-01-03T08:00:00"]);
    assert_eq!(periods(&agenda, "due"), ["2026-11", "2026-12"]);
    assert_eq!(agenda["sites"][0]["next"]["period"], "2027-01");
    let night = samples.json(&["run", "--as-of", "2026-12-03T08:00:00"]);
    assert_eq!(night["exit_code"], 3);
    assert_eq!(night["sites"][0]["issued"].as_array().unwrap().len(), 0);
    let codes: Vec<&str> = night["sites"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"period-not-covered"), "{codes:?}");
}

/// Everything that the reports call a document.
fn documents(samples: &Samples) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(samples.path("inbox")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
        let mut column = None;
        for record in reader.records() {
            let record = record.unwrap();
            match column {
                None => column = record.iter().position(|cell| cell == "Document"),
                Some(column) => drop(names.insert(record.get(column).unwrap_or("").trim().to_owned())),
            }
        }
    }
    // What the device itself calls its copies, scans and faxes is no name that a person gave.
    names.retain(|name| name.len() > 4 && !name.starts_with("Scan") && !name.starts_with("Fax"));
    names
}

#[test]
fn what_a_run_says_and_hands_out_names_no_document_and_no_address() {
    let samples = Samples::new();
    let documents = documents(&samples);
    assert!(documents.len() > 100, "{}", documents.len());
    let commands: [&[&str]; 10] = [
        &["run", "--dry-run", "--verbose"],
        &["run", "--verbose"],
        &["run"],
        &["ingest", "--verbose"],
        &["bill", "--period", "2026-10", "--verbose"],
        &["status"],
        &["schedule"],
        &["deliver"],
        &["doctor"],
        &["--json", "run", "--as-of", "2026-12-03T08:00:00"],
    ];
    for command in commands {
        let said = samples.say(command);
        let log = format!("{}{}", said.out, said.err);
        for name in &documents {
            assert!(!log.contains(name.as_str()), "{command:?} names the document {name:?}");
        }
        for word in log.split(|sign: char| sign.is_whitespace() || "()\"`,;".contains(sign)) {
            let is_message_id = word.len() > 36 && word.ends_with("@harbour.example");
            let is_id =
                is_message_id && word.chars().take(36).all(|sign| sign.is_ascii_hexdigit() || sign == '-');
            assert!(!word.contains('@') || is_id, "{command:?} names the address {word:?}");
        }
    }
    for path in samples.files().into_keys().filter(|path| path.starts_with(samples.path("out"))) {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
        if ["csv", "json", "html"].contains(&ending) {
            let text = fs::read_to_string(&path).unwrap();
            for name in &documents {
                assert!(!text.contains(name.as_str()), "{} names the document {name:?}", path.display());
            }
        }
    }
}
