//! Inputs that people really meet, each with the result that is right, through the built command.
//!
//! `cases/cases.toml` describes them; each input is exact to the byte. Files are given to one `check` call in
//! the order in which they stand there, as if into one ledger.

#![expect(clippy::unwrap_used, reason = "a test stops where its own data is wrong")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use papertally::domain::{Money, fold_name};
use regex::RegexBuilder;
use serde_json::Value as Json;
use toml::{Table, Value};

/// Expectations about invoice lines and written files, which `check` has no say in, and about card numbers, which
/// papertally does not keep.
const OF_OTHER_COMMANDS: [&str; 7] =
    ["lines", "lines_total", "billed_after_first", "billed_later", "harmless", "output_refused", "cards"];

/// One case, as far as this test needs it.
struct Case {
    id: String,
    files: Vec<PathBuf>,
    settings: Table,
    expect: Table,
}

#[test]
fn every_case_gives_what_is_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let text = std::fs::read_to_string(folder.join("cases.toml")).unwrap();
    let document: Table = text.parse().unwrap();
    let cases = document["case"].as_array().unwrap();
    let mut faults = Vec::new();
    // Answers of a server are read by `papercut/cases.rs`.
    let reports = cases.iter().filter(|case| case["kind"].as_str() != Some("xmlrpc"));
    for case in reports {
        let case = Case::of(case.as_table().unwrap(), document["defaults"].as_table().unwrap(), &folder);
        for fault in case.faults() {
            faults.push(format!("{}: {fault}", case.id));
        }
    }
    assert!(cases.len() > 50, "only {} cases", cases.len());
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

impl Case {
    fn of(case: &Table, defaults: &Table, folder: &Path) -> Case {
        let mut settings = defaults.clone();
        settings.extend(case.get("settings").and_then(Value::as_table).cloned().unwrap_or_default());
        Case {
            id: case["id"].as_str().unwrap().to_owned(),
            files: case["files"]
                .as_array()
                .unwrap()
                .iter()
                .map(|file| folder.join(file.as_str().unwrap()))
                .collect(),
            settings,
            expect: case["expect"].as_table().unwrap().clone(),
        }
    }

    /// What differs from the expectations.
    fn faults(&self) -> Vec<String> {
        let in_order: Vec<&PathBuf> = self.files.iter().collect();
        let mut faults = self.compare(&self.check(&in_order), &self.expect);
        if let Some(Value::Table(expect)) = self.expect.get("after_first") {
            let first = self.check(&in_order[..1]);
            faults.extend(
                self.compare(&first, expect).into_iter().map(|fault| format!("after the first: {fault}")),
            );
        }
        if self.expect.get("any_order").is_some() {
            for order in permutations(&in_order) {
                let faults_here = self.compare(&self.check(&order), &self.expect);
                faults.extend(faults_here.into_iter().map(|fault| format!("in order {order:?}: {fault}")));
            }
        }
        faults
    }

    /// Runs the command.
    fn check(&self, files: &[&PathBuf]) -> Json {
        let scratch = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_papertally"));
        command.current_dir(scratch.path()).env_remove("PAPERTALLY_CONFIG");
        let text = |key: &str| self.settings.get(key).and_then(Value::as_str).filter(|text| *text != "auto");
        command.env("TZ", text("process_tz").unwrap());
        let config = self.config();
        if let Some(config) = &config {
            let path = scratch.path().join("case.toml");
            std::fs::write(&path, config).unwrap();
            command.arg("--config").arg(path);
        }
        if let Some(today) = text("today") {
            command.arg("--as-of").arg(format!("{today}T12:00:00Z"));
        }
        command.args(["--json", "check", "--rows", "all"]);
        if config.is_some() {
            command.args(["--site", "main"]);
        }
        let options = [
            ("time_zone", "--time-zone"),
            ("currency", "--currency"),
            ("date_order", "--date-order"),
            ("decimal_mark", "--decimal-mark"),
            ("encoding", "--encoding"),
            ("report_kind", "--kind"),
        ];
        if let Some(period) = self.settings.get("bill_period") {
            let day = |end: &str| period[end].as_str().unwrap();
            command.arg("--period").arg(format!("{}..{}", day("from"), day("to")));
        }
        for (key, option) in options {
            if let Some(value) = text(key) {
                command.args([option, value]);
            }
        }
        let output = command.args(files).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{}: no JSON ({error}): {}", self.id, String::from_utf8_lossy(&output.stderr))
        })
    }

    /// A configuration, where the case has settings that are no options.
    fn config(&self) -> Option<String> {
        let keys = ["exclude_accounts", "ignore_printers"];
        let layout = self.layout();
        let lists = keys.iter().filter_map(|key| Some(format!("{key} = {}\n", self.settings.get(*key)?)));
        let lists: String = lists.collect();
        let alias = self.settings.get("alias").and_then(Value::as_table);
        if lists.is_empty() && alias.is_none() && layout.is_none() {
            return None;
        }
        let (zone, currency) = (&self.settings["time_zone"], &self.settings["currency"]);
        let mut text = format!(
            "[ledger]\npath = \"ledger.sqlite\"\n[output]\nfolder = \"out\"\n[[site]]\nname = \"main\"\ntime_zone = {zone}\ncurrency = {currency}\n{lists}"
        );
        for (old, new) in alias.into_iter().flatten() {
            text += &format!("[site.alias]\n\"{old}\" = {new}\n");
        }
        Some(text + &layout.unwrap_or_default())
    }

    /// A layout of the operator's, where the case has one.
    fn layout(&self) -> Option<String> {
        let columns = self.settings.get("columns")?;
        let mut text = format!("[[site.layout]]\nname = \"case\"\ncolumns = {columns}\n");
        if let Some(delimiter) = self.settings.get("delimiter") {
            text += &format!("delimiter = {delimiter}\n");
        }
        Some(text)
    }

    fn compare(&self, found: &Json, expect: &Table) -> Vec<String> {
        let refusals: Vec<String> =
            list(&found["refused"]).iter().map(|refusal| text(&refusal["message"])).collect();
        if let Some(patterns) = expect.get("refused") {
            let taken = found["totals"]["jobs"].as_u64();
            let kept = (taken != Some(0)).then(|| format!("a refused file gave {taken:?} jobs"));
            return unmatched(patterns, &refusals).into_iter().chain(kept).collect();
        }
        if let Some(patterns) = expect.get("or_refused")
            && !refusals.is_empty()
        {
            return unmatched(patterns, &refusals);
        }
        if !refusals.is_empty() {
            return vec![format!("refused: {}", refusals.join("; "))];
        }
        let outcome = Outcome::of(found);
        if outcome.files.is_empty() {
            return vec!["no file was read".to_owned()];
        }
        let faults = expect.iter().filter_map(|(key, expected)| {
            let wrong = outcome.differs(key, expected)?;
            Some(format!("`{key}`: {wrong}"))
        });
        faults.collect()
    }
}

/// What the command said, in the form of the expectations.
struct Outcome<'a> {
    found: &'a Json,
    files: &'a [Json],
    jobs: Vec<&'a Json>,
    findings: Vec<&'a Json>,
}

impl<'a> Outcome<'a> {
    fn of(found: &'a Json) -> Outcome<'a> {
        let files = list(&found["files"]);
        let jobs =
            files.iter().flat_map(|file| list(&file["jobs"])).filter(|job| job["is"] == "new").collect();
        let of_files = files.iter().flat_map(|file| list(&file["findings"]));
        let findings = of_files.chain(list(&found["findings"])).collect();
        Outcome { found, files, jobs, findings }
    }

    /// How the outcome differs in one expectation.
    fn differs(&self, key: &str, expected: &Value) -> Option<String> {
        let first = self.files.first()?;
        let totals = &self.found["totals"];
        match key {
            "jobs" => number(&totals["jobs"], expected),
            "pages" => number(&totals["pages"], expected),
            "rows" => sum(self.of_sums(), "new", expected),
            "repeated" => sum(self.files.iter(), "repeated", expected),
            "total" => differ(&money(&totals["cost"]), &money_of(expected)),
            "users" => differ(&folded(amounts(&totals["users"])), &folded(expected_amounts(expected))),
            "accounts" => self.accounts(expected),
            "balances" => differ(&amounts(&totals["balances"]), &expected_amounts(expected)),
            "user_pages" => differ(&folded(self.by_user()), &folded(counts(expected))),
            "job_types" => differ(&self.by_type(), &folded(expected_amounts(expected))),
            "by_month" => differ(&self.by_month(), &counts(expected)),
            "times" => differ(&self.sorted("time"), &strings(expected)),
            "documents" => differ(&self.sorted("document"), &strings(expected)),
            "grayscale_jobs" => {
                let gray = self.jobs.iter().filter(|job| job["grayscale"] == true).count();
                differ(&i64::try_from(gray).ok(), &expected.as_integer())
            }
            "period" => ["from", "to"].into_iter().find_map(|end| {
                differ(&first["period"][end].as_str(), &expected.get(end).and_then(Value::as_str))
            }),
            "encoding" | "date_order" | "decimal_mark" => differ(&first[key].as_str(), &expected.as_str()),
            "rejected" => self.rejected(expected),
            "not_billable" => self.not_billable(expected),
            "findings" => {
                let messages: Vec<String> =
                    self.findings.iter().map(|finding| text(&finding["message"])).collect();
                unmatched(expected, &messages).into_iter().next()
            }
            "no_findings" => {
                let messages: Vec<String> =
                    self.findings.iter().map(|finding| text(&finding["message"])).collect();
                let said =
                    |pattern: &String| unmatched(&Value::String(pattern.clone()), &messages).is_empty();
                let wrong = strings(expected).into_iter().find(said);
                wrong.map(|pattern| format!("`{pattern}` matches one of {messages:?}"))
            }
            "or_refused" | "any_order" | "after_first" => None,
            key if OF_OTHER_COMMANDS.contains(&key) => None,
            _ => Some("an expectation that this test does not know".to_owned()),
        }
    }

    fn of_sums(&self) -> impl Iterator<Item = &'a Json> {
        let is_sum = |file: &&Json| !["print-log", "print-logger"].contains(&text(&file["kind"]).as_str());
        self.files.iter().filter(is_sum)
    }

    fn accounts(&self, expected: &Value) -> Option<String> {
        let expected = folded(expected_amounts(expected));
        let mut found = folded(amounts(&self.found["totals"]["accounts"]));
        if !expected.contains_key("") {
            found.remove("");
        }
        differ(&found, &expected)
    }

    fn by_user(&self) -> BTreeMap<String, i64> {
        let mut pages = BTreeMap::new();
        for job in &self.jobs {
            *pages.entry(text(&job["user"])).or_insert(0) += job["pages"].as_i64().unwrap();
        }
        pages
    }

    fn by_type(&self) -> BTreeMap<String, Money> {
        let mut costs: BTreeMap<String, Money> = BTreeMap::new();
        for job in &self.jobs {
            let sum = costs.entry(fold_name(&text(&job["type"]))).or_default();
            *sum = sum.checked_add(money(&job["cost"]).unwrap()).unwrap();
        }
        costs
    }

    fn by_month(&self) -> BTreeMap<String, i64> {
        let mut jobs = BTreeMap::new();
        for job in &self.jobs {
            *jobs.entry(text(&job["time"])[..7].to_owned()).or_insert(0) += 1;
        }
        jobs
    }

    fn sorted(&self, key: &str) -> Vec<String> {
        let mut texts: Vec<String> = self.jobs.iter().map(|job| text(&job[key])).collect();
        texts.sort();
        texts
    }

    fn rejected(&self, expected: &Value) -> Option<String> {
        if let Some(count) = expected.as_integer() {
            return sum(self.files.iter(), "rejected", &Value::Integer(count));
        }
        let found = self.findings.iter().filter(|finding| finding["code"] == "row-rejected");
        let found = found.map(|finding| (finding["row"].as_i64().unwrap(), text(&finding["message"])));
        let counted = sum(
            self.files.iter(),
            "rejected",
            &Value::Integer(i64::try_from(expected.as_array()?.len()).ok()?),
        );
        counted.or(rows_differ(&found.collect::<Vec<_>>(), expected))
    }

    /// Rows that are not billable: by their jobs, and by findings where the report is one of sums.
    fn not_billable(&self, expected: &Value) -> Option<String> {
        let mut found: BTreeMap<i64, String> = BTreeMap::new();
        let jobs = self.files.iter().flat_map(|file| list(&file["jobs"]));
        for job in jobs.filter(|job| job["is"] == "not-billable") {
            *found.entry(job["row"].as_i64().unwrap()).or_default() += &text(&job["state"]);
        }
        for finding in self.findings.iter().filter(|finding| finding["row"].is_i64()) {
            let row = finding["row"].as_i64().unwrap();
            let of_sums = self.of_sums().next().is_some() && finding["code"] == "not-billable";
            if of_sums || found.contains_key(&row) {
                let reason = found.entry(row).or_default();
                *reason = format!("{reason} {}", text(&finding["message"]));
            }
        }
        let counted = sum(
            self.files.iter(),
            "not_billable",
            &Value::Integer(i64::try_from(expected.as_array()?.len()).ok()?),
        );
        counted.or(rows_differ(&found.into_iter().collect::<Vec<_>>(), expected))
    }
}

/// Exactly the expected lines, each with a message that fits.
fn rows_differ(found: &[(i64, String)], expected: &Value) -> Option<String> {
    let lines = |row: &Value| row["line"].as_integer();
    let expected = expected.as_array()?;
    let mut rows: Vec<i64> = found.iter().map(|(row, _)| *row).collect();
    rows.sort_unstable();
    if let Some(wrong) = differ(&rows, &expected.iter().filter_map(lines).collect()) {
        return Some(wrong);
    }
    expected.iter().find_map(|row| {
        let message =
            found.iter().find(|(line, _)| Some(*line) == lines(row)).map(|(_, message)| message.clone());
        unmatched(&row["reason"], message.as_slice()).into_iter().next()
    })
}

/// The patterns that match none of the texts.
fn unmatched(patterns: &Value, texts: &[String]) -> Vec<String> {
    let patterns = match patterns {
        Value::Array(patterns) => patterns.iter().map(|pattern| pattern.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    };
    let missing = patterns.into_iter().filter(|pattern| {
        let pattern = RegexBuilder::new(pattern).case_insensitive(true).build().unwrap();
        !texts.iter().any(|text| pattern.is_match(text))
    });
    missing.map(|pattern| format!("nothing matches `{pattern}` in {texts:?}")).collect()
}

fn differ<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Option<String> {
    (found != expected).then(|| format!("found {found:?}, expected {expected:?}"))
}

fn number(found: &Json, expected: &Value) -> Option<String> {
    differ(&found.as_i64(), &expected.as_integer())
}

fn sum<'a>(files: impl Iterator<Item = &'a Json>, key: &str, expected: &Value) -> Option<String> {
    let found: Option<i64> = files.map(|file| file[key].as_i64()).sum();
    differ(&found, &expected.as_integer())
}

fn list(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

fn money(json: &Json) -> Option<Money> {
    json.as_str()?.parse().ok()
}

fn money_of(value: &Value) -> Option<Money> {
    value.as_str()?.parse().ok()
}

fn amounts(json: &Json) -> BTreeMap<String, Money> {
    let amounts = json.as_object().into_iter().flatten();
    amounts.map(|(key, amount)| (key.clone(), money(amount).unwrap())).collect()
}

fn expected_amounts(value: &Value) -> BTreeMap<String, Money> {
    let amounts = value.as_table().into_iter().flatten();
    amounts.map(|(key, amount)| (key.clone(), money_of(amount).unwrap())).collect()
}

fn counts(value: &Value) -> BTreeMap<String, i64> {
    let counts = value.as_table().into_iter().flatten();
    counts.map(|(key, count)| (key.clone(), count.as_integer().unwrap())).collect()
}

fn folded<T>(map: BTreeMap<String, T>) -> BTreeMap<String, T> {
    map.into_iter().map(|(key, value)| (fold_name(&key), value)).collect()
}

fn strings(value: &Value) -> Vec<String> {
    let mut texts: Vec<String> =
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    texts.sort();
    texts
}

fn permutations<'a>(files: &[&'a PathBuf]) -> Vec<Vec<&'a PathBuf>> {
    let Some((first, rest)) = files.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for order in permutations(rest) {
        for place in 0..=order.len() {
            let mut order = order.clone();
            order.insert(place, *first);
            all.push(order);
        }
    }
    all
}
