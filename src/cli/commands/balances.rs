//! `papertally balances`: PaperCut's balances beside the ledger, and the changes that are due.

use serde_json::{Value, json};

use super::{Access, Context, site_of};
use crate::cli::args::BalancesArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::{Notes, Ui, counted};
use crate::config::{PapercutConfig, SiteConfig};
use crate::domain::{Finding, Holder, Money, Severity};
use crate::ledger::{BalanceChange, DeliveryState, SiteId, Snapshot};
use crate::outputs::mirror::FindingJson;
use crate::run::books::Books;
use crate::run::papercut::adjust::{Adjusted, adjust, waiting};
use crate::run::papercut::holders::HolderBook;
use crate::run::papercut::movements::{BalanceLine, Comparison, Readings, compare};
use crate::run::papercut::server::server;
use crate::run::papercut::settle::settle;
use crate::run::papercut::snapshot::read_balances;

/// What is shown of a site.
struct SiteBalances<'a> {
    site: &'a SiteConfig,
    last: Option<Snapshot>,
    comparison: Comparison,
    changes: Vec<(BalanceChange, Option<String>)>,
    /// The last delivery that is in the ledger.
    known: i64,
    adjusted: Option<Adjusted>,
    findings: Vec<Finding>,
    calls: u64,
}

pub(super) fn run(args: &BalancesArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    // To show what is due it is written down: without `--adjust` in a copy that is thrown away.
    let access = if args.adjust { Access::Write } else { Access::Copy };
    let (books, _lock) = context.books(&config, access)?;
    let wanted: Vec<&SiteConfig> = match &args.site {
        Some(name) => vec![site_of(&config, Some(name))?],
        None => config.sites.iter().filter(|site| site.papercut.is_some()).collect(),
    };
    let mut sites = Vec::new();
    for site in wanted {
        let Some(papercut) = &site.papercut else {
            return Err(no_server(format!("site `{}` has no PaperCut server", site.name)));
        };
        sites.push(site_balances(context, &books, (site, papercut), args.adjust)?);
    }
    if sites.is_empty() {
        return Err(no_server("no site has a PaperCut server".to_owned()));
    }
    for site in &sites {
        show(context.ui, site, args.differences);
    }
    context.ui.json(&json!({ "sites": sites.iter().map(site_json).collect::<Vec<Value>>() }));
    let open = sites.iter().flat_map(|site| &site.changes);
    let is_settled = open.into_iter().all(|(change, _)| change.delivery.state == DeliveryState::Pending);
    let waits = sites.iter().flat_map(|site| &site.findings).any(|one| one.severity != Severity::Note);
    Ok(match (is_settled, waits) {
        (false, _) => Exit::Delivery,
        (true, true) => Exit::Findings,
        (true, false) => Exit::Done,
    })
}

fn no_server(message: String) -> Failure {
    Failure::usage(message).hint("describe it under `[site.papercut]`; README says how")
}

fn site_balances<'c>(
    context: &mut Context<'_, '_>,
    books: &Books<'_>,
    (site, papercut): (&'c SiteConfig, &PapercutConfig),
    adjusts: bool,
) -> Result<SiteBalances<'c>, Failure> {
    let Some(server) = server(site, books.environment)? else { return Err(no_server(site.name.clone())) };
    let site_id = books.ledger.known_site(&site.name)?.map(|(site_id, _)| site_id);
    let known = books.ledger.last_delivery()?;
    let mut findings = match site_id {
        Some(site_id) => settle(books, (site, papercut), site_id)?,
        None => Vec::new(),
    };
    let adjusted = match site_id.filter(|_| adjusts) {
        Some(site_id) => Some(adjust(books, (site, papercut), site_id, &server)?),
        None => None,
    };
    let mut bar = context.ui.progress(&format!("balances of {}", site.name));
    let begun_second = books.second(site);
    let (readings, failed) = read_balances(papercut, &server, &|| books.second(site), &mut || bar.row())
        .map_err(|error| Failure::of("papercut", Exit::Failed, &error).while_doing(unread(site)))?;
    drop(bar);
    let mut after = Readings { begun_second, ..Readings::default() };
    for reading in &readings {
        after.add(reading.second, reading.balance, &reading.holder, reading.restricted);
    }
    let (last, comparison, changes) = beside(books, papercut, site, site_id, &after)?;
    findings.extend(comparison.findings());
    findings.extend(adjusted.iter().flat_map(|adjusted| adjusted.findings.iter().cloned()));
    findings.extend(
        failed
            .iter()
            .map(|error| Finding::new(Severity::Warning, "balance-not-read", format!("not read: {error}"))),
    );
    // What was written into a copy has no number yet.
    let known = if adjusts { i64::MAX } else { known };
    Ok(SiteBalances {
        site,
        last,
        comparison,
        changes,
        known,
        adjusted,
        findings,
        calls: server.web().calls(),
    })
}

fn unread(site: &SiteConfig) -> String {
    format!("cannot read the balances of site `{}`", site.name)
}

type Beside = (Option<Snapshot>, Comparison, Vec<(BalanceChange, Option<String>)>);

/// The balances beside the latest snapshot and the ledger.
fn beside(
    books: &Books<'_>,
    papercut: &PapercutConfig,
    site: &SiteConfig,
    site_id: Option<SiteId>,
    after: &Readings,
) -> Result<Beside, Failure> {
    let Some(site_id) = site_id else {
        let lines = after.balances.values().map(|(second, balance, holder, is_restricted)| {
            BalanceLine::first(holder.clone(), *second, *balance, *is_restricted)
        });
        return Ok((None, Comparison { lines: lines.collect() }, Vec::new()));
    };
    let book = HolderBook::load(&books.ledger, site_id)?;
    let last = book.snapshot().cloned();
    let before = match &last {
        Some(snapshot) => Some(Readings::of_snapshot(books, site_id, &book, snapshot)?),
        None => None,
    };
    let comparison = compare(books, papercut, (site_id, &book), before.as_ref(), after)?;
    Ok((last, comparison, waiting(books, (site, papercut), site_id)?))
}

fn show(ui: &mut Ui<'_>, site: &SiteBalances<'_>, only_differences: bool) {
    let currency = site.site.currency.code();
    match &site.last {
        Some(snapshot) => ui.line(format!(
            "Site {}, {currency}: balances now beside those of {}.",
            site.site.name, snapshot.begun_at
        )),
        None => ui.line(format!("Site {}, {currency}: balances now; none were kept yet.", site.site.name)),
    }
    let lines = site.comparison.lines.iter().filter(|line| !only_differences || !line.difference.is_zero());
    let rows = lines.map(|line| {
        let movement = &line.movement;
        let is_new = line.seconds.0.is_none();
        let amount = |amount: Money| if is_new { String::new() } else { amount.to_string() };
        vec![
            line.holder.to_string(),
            amount(movement.before),
            amount(-movement.charged),
            amount(movement.changed),
            amount(movement.refunded),
            amount(movement.expected()),
            movement.after.to_string(),
            amount(line.difference),
            remark(line),
        ]
    });
    let header =
        ["BALANCE OF", "LAST", "JOBS", "OUR CHANGES", "REFUNDS", "EXPECTED", "ACTUAL", "DIFFERENCE", ""];
    ui.table(&header, &[1, 2, 3, 4, 5, 6, 7], rows);
    ui.status(format!("{} to the server.", counted(i128::from(site.calls), "call", "calls")));
    show_waiting(ui, &site.changes, site.known);
    if let Some(adjusted) = &site.adjusted {
        show_adjusted(ui, adjusted);
    }
    ui.findings(&site.findings, Notes::Listed);
}

/// What a difference looks like, and whether it counts already.
fn remark(line: &BalanceLine) -> String {
    match (line.seconds.0, line.difference.is_zero(), line.is_covered) {
        (None, ..) => "not read before".to_owned(),
        (_, true, _) => String::new(),
        (_, false, true) => line.other.as_str().to_owned(),
        (_, false, false) => "reports do not reach here yet".to_owned(),
    }
}

fn show_waiting(ui: &mut Ui<'_>, changes: &[(BalanceChange, Option<String>)], known: i64) {
    let rows = changes.iter().map(|(change, reason)| {
        vec![
            if change.delivery.id <= known { change.delivery.id.to_string() } else { "new".to_owned() },
            change.holder.to_string(),
            change.amount.to_string(),
            change.batch_name.clone(),
            change.delivery.state.as_str().to_owned(),
            reason.clone().unwrap_or_else(|| change.delivery.answer.clone()),
        ]
    });
    if !changes.is_empty() {
        ui.table(&["CHANGE", "BALANCE OF", "ADDS", "BATCH", "STATE", ""], &[0, 2], rows);
        let is_due = |change: &BalanceChange| change.delivery.state == DeliveryState::Pending;
        let due = changes.iter().filter(|(change, reason)| reason.is_none() && is_due(change)).count();
        let due = i64::try_from(due).unwrap_or(i64::MAX);
        ui.status(format!("{} due.", counted(due, "change is", "changes are")));
    }
}

/// What was done to balances.
pub(super) fn show_adjusted(ui: &mut Ui<'_>, adjusted: &Adjusted) {
    let count = |list: usize| i64::try_from(list).unwrap_or(i64::MAX);
    if !adjusted.delivered.is_empty() {
        let (back, taken) = adjusted.sums();
        let taken = if taken.is_zero() { String::new() } else { format!(", {taken} taken back") };
        ui.status(format!(
            "Changed {}: {back} given back{taken}.",
            counted(count(adjusted.delivered.len()), "balance", "balances")
        ));
    }
    if !adjusted.waiting.is_empty() {
        let reason = adjusted.waiting.first().map(|(_, reason)| reason.clone()).unwrap_or_default();
        ui.status(format!(
            "{} ({reason}{}).",
            counted(count(adjusted.waiting.len()), "balance change waits", "balance changes wait"),
            if adjusted.waiting.len() > 1 { ", …" } else { "" }
        ));
    }
}

fn site_json(site: &SiteBalances<'_>) -> Value {
    json!({
        "site": site.site.name,
        "currency": site.site.currency.code(),
        "last_snapshot": site.last.as_ref().map(|snapshot| json!({
            "at": snapshot.begun_at, "calls": snapshot.calls,
        })),
        "calls": site.calls,
        "balances": site.comparison.lines.iter().map(line_json).collect::<Vec<Value>>(),
        "changes": site.changes.iter().map(|(change, reason)| {
            let mut json = change_json(change);
            if change.delivery.id > site.known {
                json["id"] = Value::Null;
            }
            json["waits_because"] = reason.as_ref().map_or(Value::Null, |reason| reason.as_str().into());
            json
        }).collect::<Vec<Value>>(),
        "adjusted": site.adjusted.as_ref().map(|adjusted| json!({
            "made": adjusted.delivered.iter().map(change_json).collect::<Vec<Value>>(),
            "failed": adjusted.failed.iter().map(change_json).collect::<Vec<Value>>(),
            "uncertain": adjusted.uncertain.iter().map(change_json).collect::<Vec<Value>>(),
        })),
        "findings": site.findings.iter().map(FindingJson::of).collect::<Vec<_>>(),
    })
}

fn line_json(line: &BalanceLine) -> Value {
    let movement = &line.movement;
    json!({
        "kind": line.holder.kind(),
        "name": line.holder.name(),
        "last": line.seconds.0.map(|_| movement.before.to_string()),
        "charged": movement.charged.to_string(),
        "changes": movement.changed.to_string(),
        "refunded": movement.refunded.to_string(),
        "expected": movement.expected().to_string(),
        "actual": movement.after.to_string(),
        "difference": line.difference.to_string(),
        "looks_like": line.other.as_str(),
        "covered": line.is_covered,
        "restricted": line.is_restricted,
    })
}

/// A balance change for scripts.
pub(super) fn change_json(change: &BalanceChange) -> Value {
    let read = |reading: Option<(i64, Money)>| reading.map(|(_, balance)| balance.to_string());
    json!({
        "id": change.delivery.id,
        "kind": change.holder.kind(),
        "name": change.holder.name(),
        "personal_account": matches!(change.holder, Holder::User(_)).then_some(change.personal_account.as_str()),
        "batch": change.batch_name,
        "mode": change.mode,
        "amount": change.amount.to_string(),
        "comment": change.comment,
        "state": change.delivery.state.as_str(),
        "attempts": change.delivery.attempts,
        "not_before": change.not_before,
        "balance_read_for_billing": read(change.billing),
        "balance_before": read(change.before),
        "balance_after": read(change.after),
        "answer": change.delivery.answer,
    })
}
