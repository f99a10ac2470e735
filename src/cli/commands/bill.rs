//! `papertally bill`: the batch of a period, its proof, and issuing it.

use serde_json::{Value, json};

use super::deliver::delivery_json;
use super::{Access, Context, period_of, site_of};
use crate::cli::args::BillArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::json;
use crate::cli::ui::{Notes, Ui, counted};
use crate::domain::{Batch, Exact, Finding, Period, Proof, Severity, SuspenseItem};
use crate::ledger::{Delivery, DeliveryKind};
use crate::outputs::mirror::{FindingJson, LineJson, ProofJson};
use crate::run::bill::{Drafted, Gaps, IssueOutcome, charged_payers, draft, issue};
use crate::run::books::{Books, aliases};
use crate::run::deliver::deliver;

/// What a bill came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Draft,
    Issued,
    NothingDue,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            State::Draft => "draft",
            State::Issued => "issued",
            State::NothingDue => "nothing-due",
        }
    }
}

pub(super) fn run(args: &BillArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let site = site_of(&config, args.site.as_deref())?;
    let access = if args.issue { Access::Write } else { Access::Read };
    let (books, _lock) = context.books(&config, access)?;
    let period = period_of(args.period.as_deref().unwrap_or("last-month"), books.today(site))?;
    if args.issue {
        let site_id = books.ledger.site(&site.name, site.currency, site.time_zone.name())?;
        books.ledger.rename_users(site_id, &aliases(site))?;
    }
    let Some(mut drafted) = draft(&books, site, period)? else {
        return Ok(nothing(context.ui, period, &site.name));
    };
    if drafted.is_empty() {
        return Ok(show_empty(context.ui, &drafted, period));
    }
    if !args.issue {
        return Ok(show_draft(context.ui, &drafted));
    }
    let gaps = if args.despite_gaps || config.billing.despite_gaps { Gaps::Ignore } else { Gaps::Stop };
    issue_and_show(context.ui, &books, &mut drafted, gaps)
}

/// The site has no ledger entry yet.
fn nothing(ui: &mut Ui<'_>, period: Period, site: &str) -> Exit {
    ui.line(format!("Nothing to bill for {period}: the ledger has no reports of {site}."));
    ui.status("hint: `papertally ingest` takes in what lies in the inbox");
    ui.json(&json!({
        "period": period.to_string(), "state": State::NothingDue.as_str(), "batch": Value::Null, "lines": [],
        "proof": ProofJson::of(&Proof::default(), 2), "findings": [], "deliveries": [],
    }));
    Exit::Done
}

/// Everything is billed, or nothing was printed.
fn show_empty(ui: &mut Ui<'_>, drafted: &Drafted<'_>, period: Period) -> Exit {
    let batch = &drafted.draft.batch;
    ui.line(format!(
        "No line to issue for {period}: what was printed is billed already, or nobody pays for it yet."
    ));
    show_exceptions(ui, batch);
    show_findings(ui, &batch.findings);
    ui.json(&document(batch, State::NothingDue, &batch.findings, &[]));
    exit_of(&batch.findings)
}

fn show_draft(ui: &mut Ui<'_>, drafted: &Drafted<'_>) -> Exit {
    let batch = &drafted.draft.batch;
    show_batch(ui, batch);
    show_findings(ui, &batch.findings);
    ui.status(format!("A draft: `papertally bill --period {} --issue` issues it.", batch.period));
    ui.json(&document(batch, State::Draft, &batch.findings, &[]));
    exit_of(&batch.findings)
}

fn issue_and_show(
    ui: &mut Ui<'_>,
    books: &Books<'_>,
    drafted: &mut Drafted<'_>,
    gaps: Gaps,
) -> Result<Exit, Failure> {
    let obstacles = drafted.obstacles(gaps).len();
    let outcome = if obstacles > 0 { IssueOutcome::Held(Vec::new()) } else { issue(books, drafted)? };
    let batch = &drafted.draft.batch;
    let mut findings = batch.findings.clone();
    match outcome {
        IssueOutcome::Held(more) => {
            findings.extend(more);
            show_batch(ui, batch);
            show_findings(ui, &findings);
            ui.warn(format!(
                "Not issued: {} to be mended first.",
                counted(i64::try_from(obstacles.max(1)).unwrap_or(1), "finding has", "findings have")
            ));
            ui.json(&document(batch, State::Draft, &findings, &[]));
            Ok(Exit::Findings)
        }
        IssueOutcome::Issued { batch_row, findings: more } => {
            findings.extend(more);
            deliver(books, DeliveryKind::File)?;
            let deliveries = books.ledger.batch_deliveries(batch_row)?;
            show_batch(ui, batch);
            show_findings(ui, &findings);
            for delivery in &deliveries {
                ui.line(books.config.output.folder.join(&delivery.target).display().to_string());
            }
            let lines = batch.charged_lines().count();
            ui.status(format!(
                "Issued batch {}: {} for {}, net {} {}.",
                batch.id,
                counted(i64::try_from(lines).unwrap_or(i64::MAX), "line", "lines"),
                counted(
                    i64::try_from(charged_payers(batch.charged_lines())).unwrap_or(i64::MAX),
                    "payer",
                    "payers"
                ),
                batch.net().to_text(batch.currency.decimals()),
                batch.currency
            ));
            ui.json(&document(batch, State::Issued, &findings, &deliveries));
            let settled = deliveries.iter().all(|one| one.state == crate::ledger::DeliveryState::Delivered);
            Ok(if settled { exit_of(&findings) } else { Exit::Delivery })
        }
    }
}

/// The findings, but for those on suspense: they are listed with their sums already.
fn show_findings(ui: &mut Ui<'_>, findings: &[Finding]) {
    ui.findings(findings.iter().filter(|finding| finding.code != "suspense"), Notes::Counted);
}

/// 3 where a finding needs a person.
pub(super) fn exit_of(findings: &[Finding]) -> Exit {
    if findings.iter().any(|finding| finding.severity >= Severity::Warning) {
        Exit::Findings
    } else {
        Exit::Done
    }
}

/// Lines, exceptions and proof for people.
pub(super) fn show_batch(ui: &mut Ui<'_>, batch: &Batch) {
    let decimals = batch.currency.decimals();
    let rows = batch.charged_lines().map(|line| {
        vec![
            line.invoice_number.clone(),
            line.payer.name.clone(),
            line.description.clone(),
            line.quantity.to_string(),
            line.unit_price.to_text(decimals),
            line.net.to_text(decimals),
            line.tax.to_text(decimals),
        ]
    });
    ui.line(format!("Batch {} ({})", batch.id, batch.currency));
    ui.table(&["INVOICE", "PAYER", "DESCRIPTION", "QUANTITY", "PRICE", "NET", "TAX"], &[3, 4, 5, 6], rows);
    let included = batch.lines.len() - batch.charged_lines().count();
    if included > 0 {
        ui.line(format!(
            "and {} of nothing, wholly within an allowance or free.",
            counted(i64::try_from(included).unwrap_or(i64::MAX), "line", "lines")
        ));
    }
    show_exceptions(ui, batch);
    show_proof(ui, &batch.proof, decimals);
}

/// What is not billed, and why.
fn show_exceptions(ui: &mut Ui<'_>, batch: &Batch) {
    for item in &batch.not_billable {
        ui.line(format!(
            "Not billable: {}, cost {}: {}.",
            counted(item.jobs, "job", "jobs"),
            item.cost,
            item.reason
        ));
    }
    if !batch.suspense.is_empty() {
        let total: Exact = batch.suspense.iter().map(|item| Exact::from(item.cost)).sum();
        let mut items: Vec<&SuspenseItem> = batch.suspense.iter().collect();
        items.sort_by_key(|item| std::cmp::Reverse(item.cost));
        let rows = items.iter().map(|item| {
            vec![item.jobs.to_string(), item.pages.to_string(), item.cost.to_string(), item.reason.clone()]
        });
        ui.line(format!("In suspense, cost {total}: billed once the directory is mended"));
        ui.table(&["JOBS", "PAGES", "COST", "REASON"], &[0, 1, 2], rows);
    }
}

/// The proof as a sum that a person can follow.
pub(super) fn show_proof(ui: &mut Ui<'_>, proof: &Proof, decimals: u32) {
    let row = |sign: &str, what: &str, amount: Exact| {
        vec![sign.to_owned(), what.to_owned(), amount.to_text(decimals)]
    };
    let rows = vec![
        row("", "reported by PaperCut", proof.reported),
        row("-", "not billable", proof.not_billable),
        row("-", "in suspense", proof.suspense),
        row("-", "covered by allowances", proof.allowance),
        row("+", "mark-up and price differences", proof.markup),
        row("+", "rounding of the lines", proof.rounding),
        row("=", "billed", proof.billed),
        row("", "difference", proof.difference()),
    ];
    ui.line("Proof");
    ui.table(&["", "", "AMOUNT"], &[2], rows);
}

fn document(batch: &Batch, state: State, findings: &[Finding], deliveries: &[Delivery]) -> Value {
    let has_batch = state != State::NothingDue;
    json!({
        "period": batch.period.to_string(),
        "site": batch.site,
        "currency": batch.currency.code(),
        "state": state.as_str(),
        "batch": has_batch.then_some(&batch.id),
        "lines": batch.charged_lines().map(|line| LineJson::of(line, batch)).collect::<Vec<_>>(),
        "included_lines": batch.lines.iter().filter(|line| line.net.is_zero())
            .map(|line| LineJson::of(line, batch)).collect::<Vec<_>>(),
        "proof": ProofJson::of(&batch.proof, batch.currency.decimals()),
        "not_billable": batch.not_billable.iter().map(|item| json!({
            "reason": item.reason, "jobs": item.jobs, "pages": item.pages, "cost": item.cost.to_string(),
        })).collect::<Vec<Value>>(),
        "suspense": json::suspense(&batch.suspense),
        "findings": findings.iter().map(FindingJson::of).collect::<Vec<_>>(),
        "deliveries": deliveries.iter().map(delivery_json).collect::<Vec<Value>>(),
    })
}
