//! `papertally status`: what a person on duty wants to know first.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::deliver::{delivery_json, is_outstanding};
use super::{Access, Context};
use crate::cli::failure::{Exit, Failure};
use crate::cli::json;
use crate::cli::ui::{counted, grouped};
use crate::config::SiteConfig;
use crate::domain::{Finding, Period, SuspenseItem};
use crate::ledger::{IssuedBatch, StoredFinding, StoredReport};
use crate::run::books::Books;
use crate::run::lock::last_taken;
use crate::run::reconcile::{suspense, taken_back};

/// Runs that are listed.
const RUNS_LISTED: u32 = 5;
/// Rejected rows that are listed.
const REJECTIONS_LISTED: u32 = 20;

/// What is known of a site.
struct SiteStatus<'a> {
    site: &'a SiteConfig,
    reports: Vec<StoredReport>,
    covered: Vec<Period>,
    suspense: Vec<SuspenseItem>,
    taken_back: Option<Finding>,
    batches: Vec<IssuedBatch>,
    rejections: Vec<crate::ledger::StoredRejection>,
    faults: Vec<String>,
}

pub(super) fn run(context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let (books, _) = context.books(&config, Access::Read)?;
    let sites: Vec<SiteStatus<'_>> =
        config.sites.iter().map(|site| site_status(&books, site)).collect::<Result<_, Failure>>()?;
    let runs = books.ledger.last_runs(RUNS_LISTED)?;
    let open = books.ledger.open_deliveries()?;
    let findings = books.ledger.open_findings()?;
    let mut faults = books.ledger.integrity()?;
    faults.extend(sites.iter().flat_map(|site| site.faults.iter().cloned()));
    let taken = last_taken(&config.ledger).map(|time| {
        DateTime::<Utc>::from(time).with_timezone(&books.now.timezone()).format("%Y-%m-%d %H:%M").to_string()
    });
    let ui = &mut *context.ui;
    if runs.is_empty() {
        ui.line("No run yet.");
    }
    ui.table(
        &["RUN", "EXIT", "DID"],
        &[1],
        runs.iter().map(|run| vec![run.started_at.clone(), run.exit_code.to_string(), run.outcome.clone()]),
    );
    if let Some(taken) = &taken {
        ui.line(format!("The ledger was last worked on at {taken}, whether there was news or not."));
    }
    for site in &sites {
        show_site(ui, site);
    }
    for delivery in &open {
        let answer =
            if delivery.answer.is_empty() { String::new() } else { format!(": {}", delivery.answer) };
        ui.line(format!(
            "Delivery {} ({}) is {}{answer}",
            delivery.id,
            delivery.target,
            delivery.state.as_str()
        ));
    }
    for finding in findings.iter().filter(|finding| is_open(finding)) {
        ui.line(format!("Open since {}: {}: {}", finding.first_seen_at, finding.severity, finding.message));
    }
    for fault in &faults {
        ui.warn(format!("error: {fault}"));
    }
    if faults.is_empty() {
        ui.line("The ledger is consistent.");
    }
    ui.json(&json!({
        "runs": runs.iter().map(|run| json!({
            "started_at": run.started_at, "command": run.command, "outcome": run.outcome, "exit_code": run.exit_code,
        })).collect::<Vec<Value>>(),
        "last_worked_on": last_taken(&config.ledger).map(|time| DateTime::<Utc>::from(time).to_rfc3339()),
        "sites": sites.iter().map(site_json).collect::<Vec<Value>>(),
        "deliveries": open.iter().map(delivery_json).collect::<Vec<Value>>(),
        "findings": findings.iter().map(|finding| json!({
            "severity": finding.severity, "code": finding.code, "message": finding.message,
            "first_seen_at": finding.first_seen_at,
        })).collect::<Vec<Value>>(),
        "integrity": faults,
    }));
    let waits = findings.iter().any(|finding| finding.severity != "note")
        || sites.iter().any(|site| !site.suspense.is_empty() || site.taken_back.is_some());
    Ok(match (faults.is_empty(), !open.iter().any(is_outstanding), waits) {
        (false, ..) => Exit::Failed,
        (true, false, _) => Exit::Delivery,
        (true, true, true) => Exit::Findings,
        (true, true, false) => Exit::Done,
    })
}

/// Whether a finding has to be listed beside suspense and rejected rows, which have lists of their own.
fn is_open(finding: &StoredFinding) -> bool {
    finding.severity != "note" && !["suspense", "row-rejected", "taken-back"].contains(&finding.code.as_str())
}

fn site_status<'c>(books: &Books<'_>, site: &'c SiteConfig) -> Result<SiteStatus<'c>, Failure> {
    let mut status = SiteStatus {
        site,
        reports: Vec::new(),
        covered: Vec::new(),
        suspense: Vec::new(),
        taken_back: None,
        batches: Vec::new(),
        rejections: Vec::new(),
        faults: Vec::new(),
    };
    if let Some((site_id, _)) = books.ledger.known_site(&site.name)? {
        status.reports = books.ledger.reports(site_id)?;
        status.covered = joined(books.ledger.covered(site_id, site.reports.bill_from)?);
        status.suspense = suspense(books, site)?;
        status.taken_back = taken_back(books, site)?;
        status.batches = books.ledger.batches(site_id)?;
        status.rejections = books.ledger.rejections(site_id, REJECTIONS_LISTED)?;
        for batch in &status.batches {
            let difference = books.ledger.batch_proof(batch.id)?.difference();
            if !difference.is_zero() {
                status.faults.push(format!("the proof of batch {} is off by {difference}", batch.name));
            }
        }
    }
    Ok(status)
}

/// Spans that touch or overlap become one.
fn joined(mut spans: Vec<Period>) -> Vec<Period> {
    spans.sort();
    let mut joined: Vec<Period> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.first_day() <= last.day_after() => {
                if let Some(longer) = Period::of_days(last.first_day(), last.last_day().max(span.last_day()))
                {
                    *last = longer;
                }
            }
            _ => joined.push(span),
        }
    }
    joined
}

fn show_site(ui: &mut crate::cli::ui::Ui<'_>, status: &SiteStatus<'_>) {
    let jobs: i64 = status.reports.iter().map(|report| report.new).sum();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    ui.line(format!(
        "Site {}: {}, {} new jobs, {}.",
        status.site.name,
        counted(count(status.reports.len()), "report", "reports"),
        grouped(jobs),
        counted(count(status.batches.len()), "batch issued", "batches issued")
    ));
    let spans: Vec<String> =
        status.covered.iter().map(|span| format!("{} to {}", span.first_day(), span.last_day())).collect();
    ui.line(format!(
        "  Covered by reports: {}",
        if spans.is_empty() { "no day".to_owned() } else { spans.join(", ") }
    ));
    for item in &status.suspense {
        ui.line(format!(
            "  In suspense: {}, cost {}: {}",
            counted(item.jobs, "job", "jobs"),
            item.cost,
            item.reason
        ));
    }
    if let Some(finding) = &status.taken_back {
        ui.line(format!("  {finding}"));
    }
    for row in &status.rejections {
        ui.line(format!(
            "  Rejected: {}, row {}, column `{}`: found {}, expected {}",
            row.report, row.row, row.column, row.found, row.expected
        ));
    }
}

fn site_json(status: &SiteStatus<'_>) -> Value {
    json!({
        "site": status.site.name,
        "reports": status.reports.iter().map(|report| json!({
            "name": report.name, "kind": report.kind, "ingested_at": report.ingested_at, "rows": report.rows,
            "new": report.new, "repeated": report.repeated, "not_billable": report.not_billable,
            "rejected": report.rejected, "cost": report.cost.to_string(),
        })).collect::<Vec<Value>>(),
        "covered": status.covered.iter().map(|span| json!({
            "from": span.first_day().to_string(), "to": span.last_day().to_string(),
        })).collect::<Vec<Value>>(),
        "suspense": json::suspense(&status.suspense),
        "batches": status.batches.iter().map(|batch| json!({
            "batch": batch.name, "period": batch.period.to_string(), "issued_at": batch.issued_at,
        })).collect::<Vec<Value>>(),
        "taken_back": status.taken_back.as_ref().map(|finding| finding.message.clone()),
        "rejected": status.rejections.iter().map(|row| json!({
            "report": row.report, "row": row.row, "column": row.column, "found": row.found, "expected": row.expected,
        })).collect::<Vec<Value>>(),
    })
}
