//! `papertally run`: everything that is due, and what came of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::balances::{change_json, show_adjusted};
use super::bill::{amounts, show_batch, show_files};
use super::deliver::delivery_json;
use super::{Access, Context};
use crate::cli::args::RunArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::{Notes, Ui, counted};
use crate::config::Config;
use crate::domain::{Finding, Severity};
use crate::ledger::RunRecord;
use crate::outputs::mirror::{FindingJson, ProofJson};
use crate::run::books::Books;
use crate::run::night::{Mode, Night, SiteNight};
use crate::run::nightly::run as run_night;
use crate::run::papercut::visit::visit;

pub(super) fn run(args: &RunArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let (mode, access) = if args.dry_run { (Mode::Dry, Access::Copy) } else { (Mode::Real, Access::Write) };
    let (mut books, _lock) = context.books(&config, access)?;
    let clock = context.outside.clock;
    let mut bar = (String::new(), context.ui.progress(""));
    let mut progress = |name: &str| {
        if bar.0 != name {
            bar = (name.to_owned(), context.ui.progress(name));
        }
        bar.1.row();
    };
    // A dry run asks no server: it goes by what the last run has read.
    let visits = match mode {
        Mode::Real => visit(&books, &mut progress)?,
        Mode::Dry => BTreeMap::new(),
    };
    books.learn_names()?;
    let night = run_night(&books, &visits, mode, clock, &mut progress)?;
    drop(bar);
    let exit = exit_of(&night);
    show(context.ui, &books, &night, mode);
    let record = RunRecord {
        started_at: books.now_text(),
        command: "run".to_owned(),
        outcome: outcome(&night),
        exit_code: i64::from(exit.code()),
    };
    if mode == Mode::Real && has_news(&night) {
        books.ledger.add_run(&record)?;
    }
    context.ui.json(&document(&config, &night, mode, exit));
    Ok(exit)
}

fn exit_of(night: &Night<'_>) -> Exit {
    let adjusted = night.sites.iter().all(|site| site.adjusted.is_settled());
    if !night.files.is_settled() || !night.mails.is_settled() || !adjusted {
        return Exit::Delivery;
    }
    if night.told.urgent.is_empty() { Exit::Done } else { Exit::Findings }
}

/// A run with nothing to say leaves no trace: run twice, the ledger stays as it was.
fn has_news(night: &Night<'_>) -> bool {
    night.told.has_news
        || !night.files.delivered.is_empty()
        || !night.files.is_settled()
        || !night.mails.is_settled()
        || night.sites.iter().any(|site| !site.adjusted.delivered.is_empty() || !site.adjusted.is_settled())
}

fn outcome(night: &Night<'_>) -> String {
    let reports: usize = night.sites.iter().map(|site| site.taken.len()).sum();
    let batches: usize = night.sites.iter().map(|site| site.issued.len()).sum();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    format!(
        "{}, {}, {}",
        counted(count(reports), "report taken in", "reports taken in"),
        counted(count(batches), "batch issued", "batches issued"),
        counted(count(night.told.urgent.len()), "finding", "findings")
    )
}

fn show(ui: &mut Ui<'_>, books: &Books<'_>, night: &Night<'_>, mode: Mode) {
    let would = if mode == Mode::Dry { "Would take in" } else { "Took in" };
    for site in &night.sites {
        for (name, report) in &site.taken {
            let rows = &report.ingested.counted;
            let count = |number: u64| i128::from(number);
            ui.status(format!(
                "{would} {name}: {} = {} new, {} repeated, {} not billable, {} rejected.",
                counted(count(rows.rows), "row", "rows"),
                rows.new,
                rows.repeated,
                rows.not_billable,
                rows.rejected
            ));
        }
        for file in &site.unsettled {
            ui.status(format!("Left {} for the next run: it was written to a moment ago.", file.name));
        }
        let held = site.held.iter().filter(|drafted| night.told.has_news && !drafted.is_empty());
        for drafted in site.issued.iter().chain(held) {
            show_batch(ui, &drafted.draft.batch);
        }
    }
    show_findings(ui, night);
    show_deliveries(ui, books, night, mode);
    if mode == Mode::Dry {
        ui.status("A dry run: nothing was written.");
    } else if !has_news(night) && night.told.urgent.is_empty() && ui.says_nothing_new() {
        ui.status("Nothing new.");
        let open = books.ledger.open_findings().unwrap_or_default();
        let waiting = open.iter().filter(|finding| finding.severity != Severity::Note.as_str()).count();
        if waiting > 0 {
            let count = counted(i64::try_from(waiting).unwrap_or(i64::MAX), "finding was", "findings were");
            ui.status(format!("{count} told before: `papertally status` lists what is open."));
        }
    }
}

/// What a person should look at, but for suspense that stands in a batch's own table.
fn show_findings(ui: &mut Ui<'_>, night: &Night<'_>) {
    let all: Vec<&Finding> = match night.told.has_news {
        true => night.sites.iter().flat_map(|site| &site.findings).collect(),
        false => night.told.urgent.iter().collect(),
    };
    let in_table = |finding: &Finding| {
        let batches = night.sites.iter().flat_map(|site| &site.issued);
        batches.into_iter().any(|drafted| drafted.draft.batch.findings.contains(finding))
    };
    ui.findings(all.into_iter().filter(|one| one.code != "suspense" || !in_table(one)), Notes::Counted);
}

fn show_deliveries(ui: &mut Ui<'_>, books: &Books<'_>, night: &Night<'_>, mode: Mode) {
    let issued = if mode == Mode::Dry { "Would issue" } else { "Issued" };
    for site in &night.sites {
        for drafted in &site.issued {
            let batch = &drafted.draft.batch;
            ui.status(format!("{issued} batch {}: {}.", batch.id, amounts(batch)));
        }
    }
    show_files(ui, books, &night.files.delivered);
    for delivery in &night.mails.delivered {
        let where_to = match books.config.mail.as_ref().map(|mail| &mail.transport) {
            Some(crate::config::MailTransport::Folder(folder)) => format!("into {}", folder.display()),
            _ => "to the mail server".to_owned(),
        };
        ui.line(format!("Summary mail {where_to} ({})", delivery.target));
    }
    for site in &night.sites {
        show_adjusted(ui, &site.adjusted);
    }
    let open = [&night.files.failed, &night.files.uncertain, &night.mails.failed, &night.mails.uncertain];
    let changes =
        night.sites.iter().flat_map(|site| site.adjusted.failed.iter().chain(&site.adjusted.uncertain));
    for delivery in open.into_iter().flatten().chain(changes.map(|change| &change.delivery)) {
        ui.warn(format!(
            "error: {} {} is {}: {}",
            delivery.kind.as_str(),
            delivery.target,
            delivery.state.as_str(),
            delivery.answer
        ));
    }
}

fn document(config: &Config, night: &Night<'_>, mode: Mode, exit: Exit) -> Value {
    let deliveries = [&night.files, &night.mails];
    let of = |pick: fn(&crate::run::deliver::Handed) -> &Vec<crate::ledger::Delivery>| -> Vec<Value> {
        deliveries.iter().flat_map(|handed| pick(handed)).map(delivery_json).collect()
    };
    json!({
        "dry_run": mode == Mode::Dry,
        "has_news": night.told.has_news,
        "exit_code": exit.code(),
        "output_folder": config.output.folder.display().to_string(),
        "sites": night.sites.iter().map(site_json).collect::<Vec<Value>>(),
        "delivered": of(|handed| &handed.delivered),
        "failed": of(|handed| &handed.failed),
        "uncertain": of(|handed| &handed.uncertain),
    })
}

fn site_json(night: &SiteNight<'_>) -> Value {
    let batch = |drafted: &crate::run::bill::Drafted<'_>| {
        let batch = &drafted.draft.batch;
        json!({
            "batch": batch.id,
            "period": batch.period.to_string(),
            "currency": batch.currency.code(),
            "lines": batch.charged_lines().count(),
            "net": batch.net().to_text(batch.currency.decimals()),
            "tax": batch.tax().to_text(batch.currency.decimals()),
            "proof": ProofJson::of(&batch.proof, batch.currency.decimals()),
        })
    };
    json!({
        "site": night.site.name,
        "reports": night.taken.iter().map(|(name, report)| {
            let rows = &report.ingested.counted;
            json!({
                "file": name, "kind": report.facts.kind.as_str(), "rows": rows.rows, "new": rows.new,
                "repeated": rows.repeated, "not_billable": rows.not_billable, "rejected": rows.rejected,
            })
        }).collect::<Vec<Value>>(),
        "already_ingested": night.known,
        "left_for_next_run": night.unsettled.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
        "issued": night.issued.iter().map(batch).collect::<Vec<Value>>(),
        "held": night.held.iter().map(batch).collect::<Vec<Value>>(),
        "findings": night.findings.iter().map(FindingJson::of).collect::<Vec<_>>(),
        "balance_changes": {
            "made": night.adjusted.delivered.iter().map(change_json).collect::<Vec<Value>>(),
            "failed": night.adjusted.failed.iter().map(change_json).collect::<Vec<Value>>(),
            "uncertain": night.adjusted.uncertain.iter().map(change_json).collect::<Vec<Value>>(),
            "waiting": night.adjusted.waiting.iter().map(|(change, why)| {
                let mut json = change_json(change);
                json["waits_because"] = why.as_str().into();
                json
            }).collect::<Vec<Value>>(),
        },
        "next": night.agenda.next.as_ref().map(|due| json!({
            "period": due.period.to_string(), "at": due.at.fixed_offset().to_rfc3339(),
        })),
    })
}
