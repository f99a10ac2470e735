//! Files as `check` and `ingest` tell of them: the JSON of interface and the page for people.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::cli::ui::{Notes, Ui, counted, grouped};
use crate::domain::{Exact, Finding, ReportFacts, ReportKind, Source};
use crate::ledger::{Ingested, RowIs, StoredReport};
use crate::outputs::mirror::FindingJson;
use crate::run::ingest::{Outcome, TakenReport};
use crate::run::intake::{IngestError, ListedJob};
use crate::run::totals::IntakeTotals;

/// A file that was read, or refused.
pub(super) struct FileResult {
    /// As it was named.
    pub(super) name: String,
    /// What came of it.
    pub(super) outcome: Result<Outcome, IngestError>,
}

/// The word of a row.
const fn is_word(is: RowIs) -> &'static str {
    match is {
        RowIs::New => "new",
        RowIs::Repeated => "repeated",
        RowIs::NotBillable => "not-billable",
    }
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The keys that a file has from its facts.
fn facts_json(name: &str, facts: &ReportFacts) -> Map<String, Value> {
    let period = facts
        .period
        .map(|period| json!({ "from": period.first_day().to_string(), "to": period.last_day().to_string() }));
    let document = json!({
        "file": name,
        "sha256": hex(&facts.sha256),
        "kind": facts.kind.as_str(),
        "encoding": facts.encoding,
        "delimiter": facts.delimiter.map(String::from),
        "date_order": facts.date_order.map(|order| order.as_str()),
        "decimal_mark": facts.decimal_mark.map(|mark| mark.as_str()),
        "period": period,
    });
    match document {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Billable jobs of a call, for scripts.
pub(super) fn totals_json(totals: &IntakeTotals) -> Value {
    let texts = |sums: &BTreeMap<String, Exact>| -> BTreeMap<String, String> {
        sums.iter().map(|(name, cost)| (name.clone(), cost.to_string())).collect()
    };
    json!({
        "jobs": totals.total.jobs,
        "pages": totals.total.pages,
        "cost": totals.total.cost.to_string(),
        "users": texts(&totals.users),
        "accounts": texts(&totals.accounts),
    })
}

/// All files of a call, for scripts.
pub(super) fn results_json(results: &[FileResult], totals: &IntakeTotals, documents: Documents) -> Value {
    let file = |result: &FileResult| {
        result.outcome.as_ref().ok().map(|outcome| file_json(&result.name, outcome, documents))
    };
    let refused =
        |result: &FileResult| result.outcome.as_ref().err().map(|error| refused_json(&result.name, error));
    json!({
        "files": results.iter().filter_map(file).collect::<Vec<Value>>(),
        "refused": results.iter().filter_map(refused).collect::<Vec<Value>>(),
        "totals": totals_json(totals),
    })
}

/// A file that was read, for scripts. Documents are shown only where `documents` says so.
fn file_json(name: &str, outcome: &Outcome, documents: Documents) -> Value {
    match outcome {
        Outcome::Known { facts, stored } => {
            let mut map = facts_json(name, facts);
            map.extend(known_json(stored));
            Value::Object(map)
        }
        Outcome::Taken(report) => {
            let mut map = facts_json(name, &report.facts);
            map.extend(taken_json(report, documents));
            Value::Object(map)
        }
    }
}

/// Whether document names are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Documents {
    /// By `check`, which shows one person what a file says.
    Shown,
    /// Everywhere else.
    Hidden,
}

/// A file whose bytes were taken in before: all its rows are repeated, none is taken.
fn known_json(stored: &StoredReport) -> Map<String, Value> {
    let repeated = Exact::from(stored.new_cost) + Exact::from(stored.repeated_cost);
    let document = json!({
        "already_ingested": { "name": stored.name, "at": stored.ingested_at },
        "rows": stored.rows,
        "new": 0,
        "repeated": stored.new + stored.repeated,
        "not_billable": stored.not_billable,
        "rejected": stored.rejected,
        "cost": {
            "new": Exact::ZERO.to_string(),
            "repeated": repeated.to_string(),
            "not_billable": stored.not_billable_cost.to_string(),
            "rejected": stored.rejected_cost.to_string(),
        },
        "jobs": [],
        "findings": [],
    });
    match document {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn taken_json(report: &TakenReport, documents: Documents) -> Map<String, Value> {
    let (counted, sums) = (&report.ingested.counted, &report.ingested.sums);
    let document = json!({
        "rows": counted.rows,
        "new": counted.new,
        "repeated": counted.repeated,
        "not_billable": counted.not_billable,
        "rejected": counted.rejected,
        "changed": report.ingested.changed,
        "cost": {
            "new": sums.new.to_string(),
            "repeated": sums.repeated.to_string(),
            "not_billable": sums.not_billable.to_string(),
            "rejected": sums.rejected.to_string(),
        },
        "columns": report.facts.columns.iter().map(|(header, field)| json!({ "header": header, "field": field }))
            .collect::<Vec<Value>>(),
        "reasons": report.facts.reasons,
        "jobs": report.jobs.iter().map(|job| job_json(job, documents)).collect::<Vec<Value>>(),
        "findings": report.findings.iter().map(FindingJson::of).collect::<Vec<_>>(),
    });
    match document {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn job_json(job: &ListedJob, documents: Documents) -> Value {
    json!({
        "row": job.row,
        "time": job.time.format("%Y-%m-%dT%H:%M:%S").to_string(),
        "user": job.user,
        "account": job.account,
        "printer": job.printer,
        "document": match documents {
            Documents::Shown => job.document.as_deref(),
            Documents::Hidden => None,
        },
        "type": job.job_type,
        "pages": job.pages,
        "colour_pages": job.colour_pages,
        "grayscale": job.grayscale,
        "cost": job.cost.to_string(),
        "state": job.state.as_str(),
        "is": is_word(job.is),
    })
}

/// A refused file, for scripts.
fn refused_json(name: &str, error: &IngestError) -> Value {
    let (code, row, hint) = (error.code(), error.row(), error.hint());
    json!({ "file": name, "code": code, "row": row, "message": message(error), "hint": hint,
        "configuration": error.configuration() })
}

/// The error with its cause, as one sentence.
pub(super) fn message(error: &IngestError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// `Took in march.csv: 1,204 rows: 1,200 new …`
pub(super) fn sentence(verb: &str, name: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Known { stored, .. } => format!(
            "Nothing new in {name}: its bytes were taken in on {} as {}.",
            stored.ingested_at.split('T').next().unwrap_or(""),
            stored.name
        ),
        Outcome::Taken(report) => {
            let of = if report.facts.source == Source::Jobs { "" } else { " (sums)" };
            format!("{verb} {name}{of}: {}.", counts(&report.ingested))
        }
    }
}

/// `1,204 rows = 1,200 new (96.40), 2 repeated, …`
fn counts(ingested: &Ingested) -> String {
    let (rows, sums) = (&ingested.counted, &ingested.sums);
    let changed = match ingested.changed {
        0 => String::new(),
        changed => format!(", {} changed", counted(changed, "stored job", "stored jobs")),
    };
    format!(
        "{} = {} new ({}), {} repeated, {} not billable ({}), {} rejected{changed}",
        counted(rows.rows, "row", "rows"),
        grouped(rows.new),
        sums.new,
        grouped(rows.repeated),
        grouped(rows.not_billable),
        sums.not_billable,
        grouped(rows.rejected),
    )
}

/// The first rows of a report of sums or balances, as they were read.
fn list_sums(ui: &mut Ui<'_>, report: &TakenReport) {
    let number = |number: Option<u32>| number.map(grouped).unwrap_or_default();
    let rows = report.sums.iter().map(|sum| {
        vec![
            sum.row.to_string(),
            sum.name.clone(),
            sum.job_type.clone(),
            number(sum.jobs),
            number(sum.pages),
            sum.amount.to_string(),
            is_word(sum.is).to_owned(),
        ]
    });
    let amount = if report.facts.kind == ReportKind::BalanceList { "BALANCE" } else { "COST" };
    ui.table(&["ROW", "NAME", "TYPE", "JOBS", "PAGES", amount, "IS"], &[0, 3, 4, 5], rows);
}

/// Says that a file was refused, what to do, and what to write into the configuration.
pub(super) fn refused(ui: &mut Ui<'_>, name: &str, error: &IngestError) {
    ui.warn(format!("refused: {name}: {}", message(error)));
    if let Some(hint) = error.hint() {
        ui.warn(format!("hint: {hint}"));
    }
    if let Some(lines) = error.configuration() {
        ui.warn("for the configuration, to be corrected and tried by `papertally check --site NAME`:");
        for line in lines.lines() {
            ui.warn(format!("    {line}"));
        }
    }
}

/// The page on a file: what it is, why, its columns, its first jobs.
pub(super) fn page(ui: &mut Ui<'_>, name: &str, report: &TakenReport) {
    let facts = &report.facts;
    ui.line(format!("{name}: {}", facts.kind));
    let period = facts.period.map_or("none in the file".to_owned(), |period| {
        format!("{} to {}", period.first_day(), period.last_day())
    });
    let delimiter = facts.delimiter.map_or("none".to_owned(), |sign| match sign {
        '\t' => "tab".to_owned(),
        other => format!("`{other}`"),
    });
    ui.line(format!("  encoding {}, delimiter {delimiter}, period {period}", facts.encoding));
    for reason in &facts.reasons {
        ui.line(format!("  {reason}"));
    }
    if facts.source != Source::Jobs {
        ui.line("  Its rows are sums: compared with the jobs of their days, and billed only where `bill_from` says so");
    }
    let read = facts.columns.iter().filter_map(|(header, field)| Some(format!("{header} = {}", (*field)?)));
    ui.line(format!("  columns read: {}", read.collect::<Vec<_>>().join(", ")));
    let unread: Vec<&str> = facts
        .columns
        .iter()
        .filter(|(_, field)| field.is_none())
        .map(|(header, _)| header.as_str())
        .collect();
    if !unread.is_empty() {
        ui.line(format!("  columns not used: {}", unread.join(", ")));
    }
    ui.line(format!("  {}", counts(&report.ingested)));
    let rows = report.jobs.iter().map(|job| {
        vec![
            job.row.to_string(),
            job.time.to_string(),
            job.user.clone(),
            job.account.clone(),
            job.printer.clone(),
            job.document.clone().unwrap_or_default(),
            job.job_type.clone(),
            job.pages.to_string(),
            job.colour_pages.to_string(),
            job.cost.to_string(),
            job.state.to_string(),
            is_word(job.is).to_owned(),
        ]
    });
    list_sums(ui, report);
    if !report.jobs.is_empty() {
        let head = [
            "ROW", "TIME", "USER", "ACCOUNT", "PRINTER", "DOCUMENT", "TYPE", "PAGES", "COLOUR", "COST",
            "STATE", "IS",
        ];
        ui.table(&head, &[0, 7, 8, 9], rows);
    }
    let findings: Vec<Finding> = report.findings.iter().cloned().map(|one| one.in_file(name)).collect();
    ui.findings(&findings, Notes::Listed);
}
