//! `papertally ingest`: files, or what lies in the inboxes, into the ledger.

use serde_json::{Value, json};

use super::check::exit;
use super::reading::{Documents, FileResult, file_json, message, refused_json, sentence};
use super::{Access, Context, site_of};
use crate::cli::args::IngestArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::Notes;
use crate::config::SiteConfig;
use crate::domain::Finding;
use crate::run::books::Books;
use crate::run::collect::{Found, collect};
use crate::run::ingest::{IngestError, Intake, Outcome, ingest};

pub(super) fn run(args: &IngestArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let named: Vec<Found> = args
        .files
        .iter()
        .map(|file| Found { path: context.outside.folder.join(file), name: file.display().to_string() })
        .collect();
    let (books, lock) = context.books(&config, Access::Write)?;
    let mut results = Vec::new();
    let mut unsettled = Vec::new();
    if named.is_empty() {
        let sites: Vec<&SiteConfig> = match &args.site {
            Some(name) => vec![site_of(&config, Some(name))?],
            None => config.sites.iter().collect(),
        };
        for site in sites {
            let found = collect(site, &config.output.folder, context.outside.clock).map_err(Failure::from)?;
            unsettled.extend(found.unsettled);
            results.extend(take(&books, context, site, &found.ready)?);
        }
    } else {
        let site = site_of(&config, args.site.as_deref())?;
        results = take(&books, context, site, &named)?;
    }
    drop((books, lock));
    show(context, &results, &unsettled);
    Ok(exit(&results))
}

fn take(
    books: &Books<'_>,
    context: &Context<'_, '_>,
    site: &SiteConfig,
    files: &[Found],
) -> Result<Vec<FileResult>, Failure> {
    let intake = Intake::of_site(books, site)?;
    let mut results = Vec::new();
    for file in files {
        let mut progress = context.ui.progress(&file.name);
        let outcome = ingest(&intake, &file.path, &file.name, &mut |_| progress.row());
        drop(progress);
        if let Err(IngestError::Ledger(error)) = outcome {
            return Err(Failure::from(error).while_doing(format!("cannot take in `{}`", file.name)));
        }
        results.push(FileResult { name: file.name.clone(), outcome });
    }
    Ok(results)
}

fn show(context: &mut Context<'_, '_>, results: &[FileResult], unsettled: &[Found]) {
    for result in results {
        match &result.outcome {
            Ok(outcome) => {
                context.ui.line(sentence("Took in", &result.name, outcome));
                if let Outcome::Taken(report) = outcome {
                    let findings: Vec<Finding> =
                        report.findings.iter().cloned().map(|one| one.in_file(&result.name)).collect();
                    context.ui.findings(&findings, Notes::Counted);
                }
            }
            Err(error) => {
                context.ui.warn(format!("refused: {}: {}", result.name, message(error)));
                if let IngestError::Read(error) = error {
                    context.ui.warn(format!("hint: {}", error.hint()));
                }
            }
        }
    }
    for file in unsettled {
        context.ui.status(format!("Left {} for the next run: it was written to a moment ago.", file.name));
    }
    if results.is_empty() && unsettled.is_empty() {
        context.ui.line("The inboxes are empty.");
    }
    let files: Vec<Value> = results
        .iter()
        .filter_map(|result| {
            result.outcome.as_ref().ok().map(|outcome| file_json(&result.name, outcome, Documents::Hidden))
        })
        .collect();
    let refused: Vec<Value> = results
        .iter()
        .filter_map(|result| result.outcome.as_ref().err().map(|error| refused_json(&result.name, error)))
        .collect();
    let left: Vec<&str> = unsettled.iter().map(|file| file.name.as_str()).collect();
    context.ui.json(&json!({ "files": files, "refused": refused, "left_for_next_run": left }));
}
