//! `papertally doctor`: tries out what a run needs, and says what to mend.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::counted;
use crate::config::{Config, MailTransport, SiteConfig};
use crate::ledger::Ledger;
use crate::papercut::probe;
use crate::run::books::Books;
use crate::run::error::RunError;
use crate::run::papercut::server::server;

/// One thing that was tried.
struct Trial {
    what: String,
    outcome: Result<String, String>,
}

pub(super) fn run(context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let path = context.config_path();
    let config = context.config()?;
    let mut trials =
        vec![Trial { what: format!("configuration {}", path.display()), outcome: Ok("read".to_owned()) }];
    for site in &config.sites {
        for inbox in &site.inbox {
            let outcome = std::fs::read_dir(inbox)
                .map(|entries| format!("{} entries", entries.count()))
                .map_err(|error| format!("{error}; make the folder, or name another in `inbox`"));
            trials.push(Trial { what: format!("inbox {} of {}", inbox.display(), site.name), outcome });
        }
    }
    for site in &config.sites {
        trials.extend(papercut(context, site));
    }
    trials.push(writable("output folder", &config.output.folder));
    trials.push(ledger(&config));
    trials.extend(books(context, &config));
    let failed = trials.iter().filter(|trial| trial.outcome.is_err()).count();
    let rows = trials.iter().map(|trial| match &trial.outcome {
        Ok(text) => vec!["ok".to_owned(), trial.what.clone(), text.clone()],
        Err(text) => vec!["FAILS".to_owned(), trial.what.clone(), text.clone()],
    });
    context.ui.table(&["", "WHAT", "FOUND"], &[], rows);
    context.ui.json(&json!({
        "trials": trials.iter().map(|trial| json!({
            "what": trial.what,
            "ok": trial.outcome.is_ok(),
            "found": trial.outcome.as_ref().map_or_else(Clone::clone, Clone::clone),
        })).collect::<Vec<Value>>(),
    }));
    if failed == 0 {
        context.ui.status("Everything is in its place.");
        return Ok(Exit::Done);
    }
    Ok(Exit::Findings)
}

/// The way to a site's PaperCut server, step by step, and the folders of its reports.
fn papercut(context: &Context<'_, '_>, site: &SiteConfig) -> Vec<Trial> {
    let Some(papercut) = &site.papercut else { return Vec::new() };
    let named = |what: &str| format!("PaperCut of {}: {what}", site.name);
    let mut trials = Vec::new();
    match server(site, context.outside.environment) {
        Ok(Some(server)) => {
            let now = DateTime::<Utc>::from(context.outside.clock);
            let found = probe(&server, now, !papercut.reports.is_empty());
            trials.extend(
                found.trials.into_iter().map(|one| Trial { what: named(one.what), outcome: one.outcome }),
            );
        }
        Ok(None) => {}
        Err(error) => {
            let what = if matches!(error, RunError::Secret(_)) { "token" } else { "connection" };
            trials.push(Trial { what: named(what), outcome: Err(told(&Failure::from(error))) });
        }
    }
    for order in &papercut.reports {
        let folder = order.pick_up.display();
        let outcome = std::fs::read_dir(&order.pick_up)
            .map(|entries| format!("{} entries", entries.count()))
            .map_err(|error| {
                format!("{error}; make or mount the folder into which the server writes `{}`", order.save_as)
            });
        trials.push(Trial { what: named(&format!("pick-up folder {folder} of `{}`", order.name)), outcome });
    }
    trials
}

/// Whether a file can be made in a folder, or in the nearest folder above that exists.
fn writable(what: &str, folder: &Path) -> Trial {
    let existing = folder.ancestors().find(|above| above.is_dir()).unwrap_or(folder);
    let outcome = tempfile::Builder::new()
        .prefix(".papertally-")
        .tempfile_in(existing)
        .map(|_| "can be written".to_owned())
        .map_err(|error| format!("{error}; give this user the right to write there"));
    Trial { what: format!("{what} {}", folder.display()), outcome }
}

fn ledger(config: &Config) -> Trial {
    let what = format!("ledger {}", config.ledger.display());
    let outcome = match Ledger::open_read_only(&config.ledger) {
        Ok(None) => {
            return writable("folder of the ledger", config.ledger.parent().unwrap_or(Path::new(".")));
        }
        Ok(Some(ledger)) => match ledger.integrity() {
            Ok(faults) if faults.is_empty() => Ok("consistent".to_owned()),
            Ok(faults) => Err(faults.join("; ")),
            Err(error) => Err(told(&Failure::from(error))),
        },
        Err(error) => Err(told(&Failure::from(error))),
    };
    Trial { what, outcome }
}

/// Directory, plans, templates and mail.
fn books(context: &Context<'_, '_>, config: &Config) -> Vec<Trial> {
    let opened = Ledger::temporary().map_err(Failure::from).and_then(|ledger| {
        let now = context.now(config)?;
        Books::open(config, ledger, now, context.outside.environment).map_err(Failure::from)
    });
    let books = match opened {
        Ok(books) => books,
        Err(failure) => {
            return vec![Trial { what: "directory and templates".to_owned(), outcome: Err(told(&failure)) }];
        }
    };
    let directory = &books.directory;
    let mut trials = vec![Trial {
        what: format!("directory {}", config.directory.members.display()),
        outcome: match directory.findings() {
            [] => Ok(format!(
                "{}, {}",
                counted(length(directory.members()), "member row", "member rows"),
                counted(length(directory.teams()), "team row", "team rows")
            )),
            findings => Err(findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        },
    }];
    let unknown: Vec<String> = directory
        .plans_named()
        .filter(|(plan, _)| config.plan(plan).is_none())
        .map(|(plan, place)| {
            format!("{place} names the plan `{plan}`, which the configuration does not describe")
        })
        .collect();
    trials.push(Trial {
        what: "plans".to_owned(),
        outcome: if unknown.is_empty() {
            Ok(format!("{} described", config.plans.len()))
        } else {
            Err(unknown.join("; "))
        },
    });
    if config.mail.is_some() {
        let outcome = books
            .mail_transport()
            .map_err(|error| told(&Failure::from(error)))
            .and_then(|transport| transport.probe())
            .map(|()| match config.mail.as_ref().map(|mail| &mail.transport) {
                Some(MailTransport::Folder(folder)) => format!("goes into {}", folder.display()),
                _ => "the server can be reached".to_owned(),
            });
        trials.push(Trial { what: "mail".to_owned(), outcome });
    }
    trials
}

fn length<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

/// A failure in one line.
fn told(failure: &Failure) -> String {
    let mut parts = vec![failure.message.clone()];
    parts.extend(failure.causes.iter().cloned());
    parts.extend(failure.hints.iter().cloned());
    parts.join("; ")
}
