//! `papertally explain`: from a number to the rows of the report files.

use serde_json::{Value, json};
use uuid::Uuid;

use super::balances::change_json;
use super::{Access, Context, period_of, site_of};
use crate::cli::args::ExplainArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::{Ui, counted, grouped};
use crate::domain::{Exact, InvoiceLine, Money};
use crate::ledger::BalanceChange;
use crate::outputs::mirror::{ProofJson, UsageJson};
use crate::run::books::Books;
use crate::run::explain::{Explained, ExplainedJob, explain, subject_of};

pub(super) fn run(args: &ExplainArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let (books, _) = context.books(&config, Access::Read)?;
    let site = match site_of_line(&books, &args.subject)? {
        Some(name) => site_of(&config, Some(&name))?,
        None => site_of(&config, args.site.as_deref())?,
    };
    let period = args.period.as_deref().map(|text| period_of(text, books.today(site))).transpose()?;
    let unknown = || {
        Failure::usage(format!(
            "`{}` is no line id, payer, user or account that the ledger of {} knows",
            args.subject, site.name
        ))
        .hint("a payer is written `team:T1` or `member:M1`, an account as PaperCut does: `parent\\sub`, a balance change `change:7`")
    };
    let (site_id, _) = books.ledger.known_site(&site.name)?.ok_or_else(unknown)?;
    let subject = subject_of(&books.ledger, site_id, &args.subject)?.ok_or_else(unknown)?;
    let explained = explain(&books, site, site_id, &subject, period)?;
    let decimals = site.currency.decimals();
    show(context.ui, &explained, decimals);
    context.ui.json(&json!({
        "subject": args.subject,
        "period": period.map(|period| period.to_string()),
        "change": explained.change.as_ref().map(change_json),
        "lines": explained.lines.iter().map(|one| line_json(&one.line, Some(&one.batch), decimals)).collect::<Vec<Value>>(),
        "drafts": explained.drafts.iter().map(|one| line_json(one, None, decimals)).collect::<Vec<Value>>(),
        "jobs": explained.jobs.iter().map(job_json).collect::<Vec<Value>>(),
    }));
    Ok(Exit::Done)
}

/// The site of a line, where the subject is a line's id.
fn site_of_line(books: &Books<'_>, subject: &str) -> Result<Option<String>, Failure> {
    let Ok(key) = Uuid::parse_str(subject) else { return Ok(None) };
    Ok(books.ledger.issued_line(key)?.map(|(_, site)| site))
}

fn show(ui: &mut Ui<'_>, explained: &Explained, decimals: u32) {
    if let Some(change) = &explained.change {
        show_change(ui, change);
    }
    for issued in &explained.lines {
        show_line(ui, &issued.line, &format!("batch {}", issued.batch), decimals);
    }
    for line in &explained.drafts {
        show_line(ui, line, "not issued yet", decimals);
    }
    let rows = explained.jobs.iter().map(|one| {
        let fact = &one.job.fact;
        let mut notes = vec![one.role.to_owned(), one.reason.clone()];
        notes.extend(one.settled.map(|settled| format!("gives back {settled}")));
        notes.extend(one.job.changes.iter().cloned());
        notes.retain(|note| !note.is_empty());
        vec![
            one.job.time.to_string(),
            one.user.clone(),
            one.account.clone(),
            one.job_type.clone(),
            (fact.pages - fact.colour_pages).to_string(),
            fact.colour_pages.to_string(),
            fact.cost.map_or("-".to_owned(), |cost| cost.to_string()),
            fact.state.to_string(),
            one.payer.clone(),
            format!("{}:{}", one.job.report, one.job.row),
            one.job.document.clone().unwrap_or_default(),
            notes.join("; "),
        ]
    });
    let head = [
        "TIME",
        "USER",
        "ACCOUNT",
        "TYPE",
        "MONO",
        "COLOUR",
        "COST",
        "STATE",
        "PAYER",
        "REPORT:ROW",
        "DOCUMENT",
        "NOTE",
    ];
    ui.table(&head, &[4, 5, 6], rows);
    let cost: Exact = explained.jobs.iter().filter_map(|one| one.job.fact.cost).map(Exact::from).sum();
    let pages: i64 = explained.jobs.iter().map(|one| one.job.fact.pages).sum();
    let count = i64::try_from(explained.jobs.len()).unwrap_or(i64::MAX);
    ui.line(format!("{}, {} pages, PaperCut cost {cost}.", counted(count, "job", "jobs"), grouped(pages)));
}

/// A balance change with its arithmetic.
fn show_change(ui: &mut Ui<'_>, change: &BalanceChange) {
    ui.line(format!(
        "change:{} {} {} (batch {}, {}, {})",
        change.delivery.id,
        change.holder,
        change.amount,
        change.batch_name,
        change.mode,
        change.delivery.state.as_str()
    ));
    if let Some((_, balance)) = change.billing {
        ui.line(format!("  {} − {balance}, which was read for billing", target_of(change.amount, balance)));
    }
    if let Some((_, before)) = change.before {
        let after = change.after.map(|(_, after)| format!(", {after} after")).unwrap_or_default();
        ui.line(format!("  {before} before the call{after}"));
    }
    if !change.delivery.answer.is_empty() {
        ui.line(format!("  {}", change.delivery.answer));
    }
}

/// The balance that a change was to come to.
fn target_of(amount: Money, read: Money) -> Exact {
    Exact::from(amount) + read.into()
}

/// A line with its arithmetic.
fn show_line(ui: &mut Ui<'_>, line: &InvoiceLine, place: &str, decimals: u32) {
    let proof = &line.proof;
    ui.line(format!("{} {} ({place})", line.id, line.invoice_number));
    ui.line(format!(
        "  {} · {} × {} = {} net, {} tax",
        line.description,
        line.quantity,
        line.unit_price.to_text(decimals),
        line.net.to_text(decimals),
        line.tax.to_text(decimals)
    ));
    ui.line(format!(
        "  PaperCut cost {} − allowance {} + mark-up and price difference {} + rounding {} = {}",
        proof.reported, proof.allowance, proof.markup, proof.rounding, proof.billed
    ));
    if let Some(original) = line.adjusts {
        ui.line(format!("  corrects {original}"));
    }
}

fn line_json(line: &InvoiceLine, batch: Option<&str>, decimals: u32) -> Value {
    json!({
        "id": line.id.to_string(),
        "batch": batch,
        "invoice_number": line.invoice_number,
        "payer": line.payer.id.to_string(),
        "class": line.class.as_str(),
        "period": line.period.to_string(),
        "description": line.description,
        "quantity": line.quantity.to_string(),
        "unit_price": line.unit_price.to_text(decimals),
        "net": line.net.to_text(decimals),
        "tax": line.tax.to_text(decimals),
        "adjusts": line.adjusts.map(|key| key.to_string()),
        "usage": UsageJson::of(&line.usage),
        "proof": ProofJson::of(&line.proof, decimals),
    })
}

fn job_json(one: &ExplainedJob) -> Value {
    let fact = &one.job.fact;
    json!({
        "time": one.job.time.format("%Y-%m-%dT%H:%M:%S").to_string(),
        "user": one.user,
        "account": one.account,
        "printer": one.printer,
        "type": one.job_type,
        "paper_size": one.paper_size,
        "pages": fact.pages,
        "colour_pages": fact.colour_pages,
        "cost": fact.cost.map(|cost| cost.to_string()),
        "state": fact.state.as_str(),
        "payer": one.payer,
        "reason": one.reason,
        "role": one.role,
        "gives_back": one.settled.map(|settled| settled.to_string()),
        "report": one.job.report,
        "row": one.job.row,
        "document": one.job.document,
        "changes": one.job.changes,
    })
}
