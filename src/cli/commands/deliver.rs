//! `papertally deliver`: what is outstanding, another try, or a person's word on it.

use serde_json::{Value, json};

use super::balances::change_json;
use super::bill::exit_of;
use super::{Access, Context};
use crate::cli::args::{DeliverArgs, OutcomeArg};
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::{Notes, Ui};
use crate::domain::Finding;
use crate::ledger::{BalanceChange, Delivery, DeliveryKind, DeliveryState};
use crate::outputs::mirror::FindingJson;
use crate::run::books::Books;
use crate::run::deliver::deliver;
use crate::run::papercut::adjust::{adjust, waiting};
use crate::run::papercut::evidence::Looking;
use crate::run::papercut::server::server;
use crate::run::papercut::settle::settle;

pub(super) fn run(args: &DeliverArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let writes = args.retry || args.outcome.is_some();
    let (books, _lock) = context.books(&config, if writes { Access::Write } else { Access::Read })?;
    match (args.resolve, args.outcome) {
        (Some(id), Some(outcome)) => resolve(&books, id, outcome)?,
        (Some(id), None) => return look(context.ui, &books, id),
        (None, _) => {}
    }
    let mut findings = Vec::new();
    if args.retry {
        deliver(&books, DeliveryKind::File)?;
        findings = retry_changes(&books)?;
        deliver(&books, DeliveryKind::Mail)?;
    }
    let mut open = books.ledger.open_deliveries()?;
    say_why_they_wait(&books, &mut open)?;
    drop(books);
    show(context.ui, &open, &findings);
    Ok(if open.iter().any(is_outstanding) { Exit::Delivery } else { exit_of(&findings) })
}

/// Whether a delivery is late: a balance change that was only written down waits for its day.
pub(super) fn is_outstanding(delivery: &Delivery) -> bool {
    delivery.kind != DeliveryKind::Balance || delivery.state != DeliveryState::Pending
}

/// Balance changes that were only written down have no answer yet: what they wait for stands in its place.
fn say_why_they_wait(books: &Books<'_>, open: &mut [Delivery]) -> Result<(), Failure> {
    for site in &books.config.sites {
        let known = books.ledger.known_site(&site.name)?;
        let Some((papercut, (site_id, _))) = site.papercut.as_ref().zip(known) else { continue };
        for (change, reason) in waiting(books, (site, papercut), site_id)? {
            let pending =
                |one: &&mut Delivery| one.id == change.delivery.id && one.state == DeliveryState::Pending;
            if let Some(delivery) = open.iter_mut().find(pending) {
                delivery.answer =
                    reason.map_or_else(|| "due".to_owned(), |reason| format!("waits: {reason}"));
            }
        }
    }
    Ok(())
}

/// Makes the balance changes that are due, at every site with a server.
fn retry_changes(books: &Books<'_>) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for site in &books.config.sites {
        let known = books.ledger.known_site(&site.name)?;
        let Some((papercut, (site_id, _))) = site.papercut.as_ref().zip(known) else { continue };
        findings.extend(settle(books, (site, papercut), site_id)?);
        if books.ledger.open_balance_changes(site_id)?.is_empty() {
            continue;
        }
        if let Some(server) = server(site, books.environment)? {
            findings.extend(adjust(books, (site, papercut), site_id, &server)?.findings);
        }
    }
    Ok(findings)
}

/// A delivery that is not settled.
fn open_delivery(books: &Books<'_>, id: i64) -> Result<Delivery, Failure> {
    let Some(delivery) = books.ledger.delivery(id)? else {
        return Err(Failure::usage(format!("no delivery has the number {id}"))
            .hint("`papertally deliver` lists the outstanding ones"));
    };
    if matches!(delivery.state, DeliveryState::Delivered | DeliveryState::GivenUp) {
        return Err(Failure::usage(format!("delivery {id} is settled: {}", delivery.state.as_str())));
    }
    Ok(delivery)
}

/// Writes down what a person knows of a delivery.
fn resolve(books: &Books<'_>, id: i64, outcome: OutcomeArg) -> Result<(), Failure> {
    open_delivery(books, id)?;
    let (state, answer) = match outcome {
        OutcomeArg::Delivered => (DeliveryState::Delivered, "settled by hand: it arrived"),
        OutcomeArg::NotDelivered => (DeliveryState::Pending, "settled by hand: it did not arrive"),
        OutcomeArg::GivenUp => (DeliveryState::GivenUp, "settled by hand: given up"),
    };
    Ok(books.ledger.delivery_ends(id, state, answer, &books.now_text())?)
}

/// Shows what is known of one delivery; of a balance change, with a look at the balance.
fn look(ui: &mut Ui<'_>, books: &Books<'_>, id: i64) -> Result<Exit, Failure> {
    let delivery = open_delivery(books, id)?;
    let change = books.ledger.balance_change(id)?;
    let evidence = match &change {
        Some(change) if change.delivery.state != DeliveryState::Pending => Some(evidence(books, change)?),
        _ => None,
    };
    let text = evidence.clone().unwrap_or_else(|| delivery.answer.clone());
    ui.line(format!("{} {} is {}.", delivery.kind.as_str(), delivery.target, delivery.state.as_str()));
    if let Some(change) = &change {
        ui.line(format!("It adds {} for batch {}: {}", change.amount, change.batch_name, change.comment));
    }
    if !text.is_empty() {
        ui.line(text);
    }
    ui.status(format!(
        "If you know what became of it: `papertally deliver --resolve {id} --as delivered`, `--as not-delivered` (it goes \
         out again) or `--as given-up`."
    ));
    ui.json(&json!({
        "delivery": delivery_json(&delivery),
        "change": change.as_ref().map(change_json),
        "evidence": evidence,
    }));
    Ok(Exit::Delivery)
}

/// The balance and the jobs since, as a sentence.
fn evidence(books: &Books<'_>, change: &BalanceChange) -> Result<String, Failure> {
    let name = books.ledger.balance_change_site(change.delivery.id)?;
    let gone =
        || Failure::usage(format!("site `{name}` has no PaperCut server in the configuration any more"));
    let site = books.config.site(&name).ok_or_else(gone)?;
    let (Some(server), Some((site_id, _))) =
        (server(site, books.environment)?, books.ledger.known_site(&name)?)
    else {
        return Err(gone());
    };
    Ok(Looking::new(books, site, site_id, &server)?.look(change)?.text)
}

/// The outstanding deliveries as a table or JSON.
pub(super) fn show(ui: &mut Ui<'_>, open: &[Delivery], findings: &[Finding]) {
    if open.is_empty() {
        ui.line("Nothing is outstanding.");
    } else {
        let rows = open.iter().map(|one| {
            vec![
                one.id.to_string(),
                one.kind.as_str().to_owned(),
                one.state.as_str().to_owned(),
                one.attempts.to_string(),
                one.target.clone(),
                one.answer.clone(),
            ]
        });
        ui.table(&["ID", "KIND", "STATE", "TRIES", "TARGET", "ANSWER"], &[0, 3], rows);
    }
    let uncertain = |kind| open.iter().any(|one| one.state == DeliveryState::Uncertain && one.kind == kind);
    if uncertain(DeliveryKind::Mail) {
        ui.status(
            "An uncertain mail may have arrived: ask a recipient, then `papertally deliver --resolve ID --as delivered` \
             or `--as not-delivered`.",
        );
    }
    if uncertain(DeliveryKind::Balance) {
        ui.status(
            "An uncertain balance change may have been made: `papertally deliver --resolve ID` shows the evidence; look at \
             the account's transactions in PaperCut, then add `--as delivered` or `--as not-delivered`.",
        );
    }
    ui.findings(findings, Notes::Listed);
    ui.json(&json!({
        "deliveries": open.iter().map(delivery_json).collect::<Vec<Value>>(),
        "findings": findings.iter().map(FindingJson::of).collect::<Vec<_>>(),
    }));
}

/// A delivery for scripts.
pub(super) fn delivery_json(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "kind": delivery.kind.as_str(),
        "target": delivery.target,
        "state": delivery.state.as_str(),
        "attempts": delivery.attempts,
        "answer": delivery.answer,
    })
}
