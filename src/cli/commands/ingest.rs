//! `papertally ingest`: files, or what lies in the inboxes, into the ledger.

use serde_json::json;

use super::check::exit;
use super::reading::{Documents, FileResult, refused, results_json, sentence, totals_json};
use super::{Access, Context, period_of, site_of};
use crate::cli::args::IngestArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::Notes;
use crate::config::SiteConfig;
use crate::domain::Finding;
use crate::run::collect::{Found, collect};
use crate::run::ingest::{Outcome, ingest};
use crate::run::intake::{IngestError, Intake};
use crate::run::totals::{IntakeTotals, intake_totals};

pub(super) fn run(args: &IngestArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let named: Vec<Found> = args
        .files
        .iter()
        .map(|file| Found { path: context.outside.folder.join(file), name: file.display().to_string() })
        .collect();
    let (books, _lock) = context.books(&config, Access::Write)?;
    let sites: Vec<&SiteConfig> = match (&args.site, named.is_empty()) {
        (None, true) => config.sites.iter().collect(),
        (site, _) => vec![site_of(&config, site.as_deref())?],
    };
    let mark = books.ledger.marks()?;
    let (mut results, mut unsettled, mut totals) = (Vec::new(), Vec::new(), Vec::new());
    for site in sites {
        let mut ready = named.clone();
        if named.is_empty() {
            let found = collect(site, &config.output.folder, context.outside.clock)?;
            unsettled.extend(found.unsettled);
            ready = found.ready;
        }
        let mut intake = Intake::of_site(&books, site)?;
        let period = args.period.as_deref().map(|text| period_of(text, books.today(site)));
        intake.settings.period = period.transpose()?;
        results.extend(take(&intake, context, &ready)?);
        if context.shared.json {
            // Sums of two sites may be of two currencies, so each has its own.
            let of = intake_totals(
                &books.ledger,
                intake.site,
                mark,
                intake.bill_from,
                intake.exclude_accounts,
                intake.ignore_printers,
            )?;
            totals.push((site.name.clone(), of));
        }
    }
    show(context, &results, &unsettled, &totals);
    Ok(exit(&results))
}

fn take(intake: &Intake<'_>, context: &Context<'_, '_>, files: &[Found]) -> Result<Vec<FileResult>, Failure> {
    let mut results = Vec::new();
    for file in files {
        let mut progress = context.ui.progress(&file.name);
        let outcome = ingest(intake, &file.path, &file.name, None, &mut |_| progress.row());
        drop(progress);
        if let Err(IngestError::Ledger(error)) = outcome {
            return Err(Failure::from(error).while_doing(format!("cannot take in `{}`", file.name)));
        }
        results.push(FileResult { name: file.name.clone(), outcome });
    }
    Ok(results)
}

fn show(
    context: &mut Context<'_, '_>,
    results: &[FileResult],
    unsettled: &[Found],
    totals: &[(String, IntakeTotals)],
) {
    let mut findings: Vec<Finding> = Vec::new();
    for result in results {
        match &result.outcome {
            Ok(outcome) => {
                context.ui.line(sentence("Took in", &result.name, outcome));
                if let Outcome::Taken(report) = outcome {
                    findings.extend(report.findings.iter().cloned().map(|one| one.in_file(&result.name)));
                }
            }
            Err(error) => {
                refused(context.ui, &result.name, error);
            }
        }
    }
    context.ui.findings(&findings, Notes::Counted);
    for file in unsettled {
        context.ui.status(format!("Left {} for the next run: it was written to a moment ago.", file.name));
    }
    if results.is_empty() && unsettled.is_empty() {
        context.ui.line("The inboxes are empty.");
    }
    let left: Vec<&str> = unsettled.iter().map(|file| file.name.as_str()).collect();
    let only = match totals {
        [(_, only)] => only.clone(),
        _ => IntakeTotals::default(),
    };
    let mut document = results_json(results, &only, Documents::Hidden);
    if let Some(map) = document.as_object_mut() {
        map.insert("left_for_next_run".to_owned(), json!(left));
        if totals.len() > 1 {
            let sites = totals.iter().map(|(site, of)| json!({ "site": site, "totals": totals_json(of) }));
            map.remove("totals");
            map.insert("sites".to_owned(), sites.collect());
        }
    }
    context.ui.json(&document);
}
