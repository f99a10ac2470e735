//! `papertally bill`: the batch of a period, its proof, and issuing it.

use serde_json::{Value, json};

use super::deliver::delivery_json;
use super::{Access, Context, period_of, site_of};
use crate::cli::args::BillArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::json;
use crate::cli::ui::{Notes, Ui, counted};
use crate::config::SiteConfig;
use crate::domain::{Batch, Exact, Finding, Period, Proof, Severity, SuspenseItem};
use crate::ledger::{Delivery, DeliveryKind};
use crate::outputs::mirror::{FindingJson, LineJson, ProofJson};
use crate::run::bill::{Despite, Drafted, IssueOutcome, charged_payers, draft, issue};
use crate::run::books::{Books, aliases};
use crate::run::deliver::{deliver, places};
use crate::run::pages::issued_batch;

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
    if drafted.is_empty() && !args.issue {
        return show_settled(context.ui, &books, site, &drafted);
    }
    if drafted.is_empty() {
        return Ok(show_nothing(context.ui, &drafted));
    }
    if !args.issue {
        return Ok(show_draft(context.ui, &drafted));
    }
    let despite = if args.despite_gaps { Despite::Asked } else { Despite::unasked(&config) };
    issue_and_show(context.ui, &books, &mut drafted, despite)
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

/// No line can be issued.
fn show_nothing(ui: &mut Ui<'_>, drafted: &Drafted<'_>) -> Exit {
    let batch = &drafted.draft.batch;
    ui.line(format!(
        "No line to issue for {}: it is billed, nobody printed, or nobody pays yet.",
        batch.period
    ));
    show_exceptions(ui, batch);
    show_findings(ui, &batch.findings);
    ui.json(&document(batch, State::NothingDue, &batch.findings, &[]));
    exit_of(&batch.findings)
}

/// Nothing is left to issue: the batches that the period has, or that nothing can be billed.
fn show_settled(
    ui: &mut Ui<'_>,
    books: &Books<'_>,
    site: &SiteConfig,
    drafted: &Drafted<'_>,
) -> Result<Exit, Failure> {
    let draft = &drafted.draft.batch;
    let issued = issued_batches(books, site, drafted)?;
    let Some((last, deliveries)) = issued.last() else {
        return Ok(show_nothing(ui, drafted));
    };
    for (batch, deliveries) in &issued {
        show_batch(ui, batch);
        show_files(ui, books, deliveries);
    }
    show_findings(ui, &draft.findings);
    ui.status(format!("Nothing more to issue for {}.", draft.period));
    // For scripts the period as a whole: all its lines, and the last batch's name.
    let all = Batch {
        lines: issued.iter().flat_map(|(batch, _)| batch.lines.iter().cloned()).collect(),
        proof: issued.iter().fold(Proof::default(), |sum, (batch, _)| sum.plus(&batch.proof)),
        findings: Vec::new(),
        ..last.clone()
    };
    ui.json(&document(&all, State::Issued, &draft.findings, deliveries));
    Ok(exit_of(&draft.findings))
}

/// The period's issued batches with their deliveries.
fn issued_batches(
    books: &Books<'_>,
    site: &SiteConfig,
    drafted: &Drafted<'_>,
) -> Result<Vec<(Batch, Vec<Delivery>)>, Failure> {
    let Some((site_id, _)) = books.ledger.known_site(&site.name)? else { return Ok(Vec::new()) };
    let period = drafted.draft.batch.period;
    let issued = books.ledger.batches(site_id)?.into_iter().filter(|batch| batch.period == period);
    issued.map(|batch| Ok((issued_batch(books, drafted, &batch)?, files_of(books, batch.id)?))).collect()
}

/// The files of a batch; balance changes are no files.
fn files_of(books: &Books<'_>, batch: i64) -> Result<Vec<Delivery>, Failure> {
    let mut deliveries = books.ledger.batch_deliveries(batch)?;
    deliveries.retain(|delivery| delivery.kind == DeliveryKind::File);
    Ok(deliveries)
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
    despite: Despite,
) -> Result<Exit, Failure> {
    let obstacles = drafted.obstacles(despite).len();
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
            let deliveries = files_of(books, batch_row)?;
            show_batch(ui, batch);
            show_findings(ui, &findings);
            show_files(ui, books, &deliveries);
            let lines = batch.charged_lines().count();
            ui.status(format!(
                "Issued batch {}: {} for {}, {}.",
                batch.id,
                counted(i64::try_from(lines).unwrap_or(i64::MAX), "line", "lines"),
                counted(
                    i64::try_from(charged_payers(batch.charged_lines())).unwrap_or(i64::MAX),
                    "payer",
                    "payers"
                ),
                amounts(batch)
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

/// `net 148.52 + tax 29.70 = 178.22 GBP`
pub(super) fn amounts(batch: &Batch) -> String {
    let text = |amount: Exact| amount.to_text(batch.currency.decimals());
    let (net, tax) = (batch.net(), batch.tax());
    format!("net {} + tax {} = {} {}", text(net), text(tax), text(net + tax), batch.currency)
}

/// Where the files of deliveries are.
pub(super) fn show_files(ui: &mut Ui<'_>, books: &Books<'_>, deliveries: &[Delivery]) {
    for (path, count) in places(books, deliveries) {
        ui.line(if count == 1 { path } else { format!("{path} ({count} files)") });
    }
}

/// Lines, exceptions and proof for people.
pub(super) fn show_batch(ui: &mut Ui<'_>, batch: &Batch) {
    let decimals = batch.currency.decimals();
    let mut rows: Vec<Vec<String>> = batch
        .charged_lines()
        .map(|line| {
            vec![
                line.invoice_number.clone(),
                line.payer.name.clone(),
                line.description.clone(),
                line.quantity.to_string(),
                line.unit_price.to_text(decimals),
                line.net.to_text(decimals),
                line.tax.to_text(decimals),
            ]
        })
        .collect();
    let mut total = vec![String::new(); 7];
    total[0] = "TOTAL".to_owned();
    total[5] = batch.net().to_text(decimals);
    total[6] = batch.tax().to_text(decimals);
    rows.push(total);
    ui.line(format!("Batch {} ({})", batch.id, batch.currency));
    ui.table(&["INVOICE", "PAYER", "DESCRIPTION", "QUANTITY", "PRICE", "NET", "TAX"], &[3, 4, 5, 6], rows);
    let included = batch.lines.len() - batch.charged_lines().count();
    if included > 0 {
        ui.line(format!(
            "and {} of 0.00, wholly within an allowance or free.",
            counted(i64::try_from(included).unwrap_or(i64::MAX), "line", "lines")
        ));
    }
    show_exceptions(ui, batch);
    show_proof(ui, &batch.proof, decimals);
}

/// What is not billed, and why.
fn show_exceptions(ui: &mut Ui<'_>, batch: &Batch) {
    // A correction's lines and proof are differences; what stands beside them is of the whole period.
    let corrects = batch.lines.iter().any(|line| line.adjusts.is_some());
    if corrects && !(batch.not_billable.is_empty() && batch.suspense.is_empty()) {
        ui.line(format!("In {} as a whole, of which this batch corrects a part:", batch.period));
    }
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
