//! `papertally check`: what taking files in would do, in a ledger that is thrown away.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::Context;
use super::reading::{Documents, FileResult, file_json, message, page, refused_json, sentence};
use crate::cli::args::CheckArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::counted;
use crate::config::{SiteConfig, load_sites};
use crate::domain::{Currency, Exact, Finding, Severity, fold_name};
use crate::ledger::{self, Ledger, LedgerError, SiteId};
use crate::run::books::{aliases, read_settings};
use crate::run::facts::Exclusions;
use crate::run::ingest::{Intake, Outcome, ingest};
use crate::sources::ReadSettings;

/// What files are checked by: options, or a site of the configuration.
struct Rules {
    settings: ReadSettings,
    zone: Tz,
    currency: Currency,
    aliases: Vec<(String, String)>,
    exclude_accounts: Vec<String>,
    ignore_printers: Vec<String>,
}

pub(super) fn run(args: &CheckArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let rules = rules(args, context)?;
    let ledger = Ledger::temporary()?;
    let site = ledger.site("check", rules.currency, rules.zone.name())?;
    let now = chrono::DateTime::<chrono::Utc>::from(context.outside.clock).with_timezone(&rules.zone);
    let now_text = now.fixed_offset().to_rfc3339();
    let intake = Intake {
        ledger: &ledger,
        site,
        settings: &rules.settings,
        aliases: &rules.aliases,
        exclude_accounts: &rules.exclude_accounts,
        ignore_printers: &rules.ignore_printers,
        documents: ledger::Documents::Drop,
        now: &now_text,
        today: now.date_naive(),
        jobs_listed: args.rows.0,
    };
    let mut results = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        let mut progress = context.ui.progress(&name);
        let outcome = ingest(&intake, &context.outside.folder.join(file), &name, &mut |_| progress.row());
        drop(progress);
        results.push(FileResult { name, outcome });
    }
    let totals = totals(&ledger, site, &rules)?;
    show(context, &results, &totals);
    Ok(exit(&results))
}

fn rules(args: &CheckArgs, context: &Context<'_, '_>) -> Result<Rules, Failure> {
    let zone: Tz = args.read.time_zone.parse().map_err(|_| {
        Failure::usage(format!(
            "`--time-zone`: found `{}`, expected a zone such as Europe/London",
            args.read.time_zone
        ))
    })?;
    let options = ReadSettings {
        kind: args.read.kind,
        encoding: args.read.encoding.clone(),
        date_order: args.read.date_order.map(Into::into),
        decimal_mark: args.read.decimal_mark.map(Into::into),
        currency: args.read.currency,
        time_zone: Some(zone),
        ..ReadSettings::default()
    };
    let unknown = Currency::new("XXX").ok_or_else(|| Failure::usage("no currency"))?;
    let Some(name) = &args.site else {
        return Ok(Rules {
            currency: args.read.currency.unwrap_or(unknown),
            settings: options,
            zone,
            aliases: Vec::new(),
            exclude_accounts: Vec::new(),
            ignore_printers: Vec::new(),
        });
    };
    let sites = load_sites(&context.config_path(), &context.shared.set)?;
    let site: &SiteConfig = sites
        .iter()
        .find(|site| site.name == *name)
        .ok_or_else(|| Failure::usage(format!("no site is named `{name}`")))?;
    let mut settings = read_settings(site);
    settings.kind = options.kind.or(settings.kind);
    settings.encoding = options.encoding.or(settings.encoding);
    settings.date_order = options.date_order.or(settings.date_order);
    settings.decimal_mark = options.decimal_mark.or(settings.decimal_mark);
    Ok(Rules {
        settings,
        zone: site.time_zone,
        currency: site.currency,
        aliases: aliases(site),
        exclude_accounts: site.exclude_accounts.clone(),
        ignore_printers: site.ignore_printers.clone(),
    })
}

/// Billable jobs of all files together.
#[derive(Default)]
struct Totals {
    jobs: i64,
    pages: i64,
    cost: Exact,
    users: BTreeMap<String, Exact>,
    accounts: BTreeMap<String, Exact>,
}

fn totals(ledger: &Ledger, site: SiteId, rules: &Rules) -> Result<Totals, LedgerError> {
    let mut totals = Totals::default();
    let Some(days) = ledger.job_days(site)? else { return Ok(totals) };
    let names = ledger.names(site)?;
    let exclusions = Exclusions::new(&names, &rules.exclude_accounts, &rules.ignore_printers);
    let mut users: BTreeMap<i64, Exact> = BTreeMap::new();
    let mut accounts: BTreeMap<i64, Exact> = BTreeMap::new();
    ledger.each_job(site, days, |job| {
        if exclusions.reason(&job).is_none() {
            let cost = job.cost.map(Exact::from).unwrap_or_default();
            totals.jobs += 1;
            totals.pages += job.pages;
            totals.cost += cost;
            *users.entry(job.user).or_default() += cost;
            if let Some(account) = job.account {
                *accounts.entry(account).or_default() += cost;
            }
        }
        Ok::<(), LedgerError>(())
    })?;
    let named = |sums: BTreeMap<i64, Exact>, table: &std::collections::HashMap<i64, String>| {
        sums.into_iter().filter_map(|(id, cost)| table.get(&id).map(|name| (name.clone(), cost))).collect()
    };
    totals.users = named(users, &names.users);
    totals.users.retain(|name, _| !fold_name(name).is_empty());
    totals.accounts = named(accounts, &names.accounts);
    Ok(totals)
}

fn show(context: &mut Context<'_, '_>, results: &[FileResult], totals: &Totals) {
    for result in results {
        match &result.outcome {
            Ok(Outcome::Taken(report)) => page(context.ui, &result.name, report),
            Ok(known) => context.ui.line(sentence("Read", &result.name, known)),
            Err(error) => {
                context.ui.warn(format!("refused: {}: {}", result.name, message(error)));
                if let crate::run::ingest::IngestError::Read(error) = error {
                    context.ui.warn(format!("hint: {}", error.hint()));
                }
            }
        }
    }
    context.ui.line(format!(
        "Together: {}, {}, cost {}.",
        counted(totals.jobs, "job", "jobs"),
        counted(totals.pages, "page", "pages"),
        totals.cost
    ));
    let texts = |sums: &BTreeMap<String, Exact>| -> BTreeMap<String, String> {
        sums.iter().map(|(name, cost)| (name.clone(), cost.to_string())).collect()
    };
    let files: Vec<Value> = results
        .iter()
        .filter_map(|result| {
            result.outcome.as_ref().ok().map(|outcome| file_json(&result.name, outcome, Documents::Shown))
        })
        .collect();
    let refused: Vec<Value> = results
        .iter()
        .filter_map(|result| result.outcome.as_ref().err().map(|error| refused_json(&result.name, error)))
        .collect();
    context.ui.json(&json!({
        "files": files,
        "refused": refused,
        "totals": {
            "jobs": totals.jobs,
            "pages": totals.pages,
            "cost": totals.cost.to_string(),
            "users": texts(&totals.users),
            "accounts": texts(&totals.accounts),
        },
    }));
}

/// 1 where a file was refused, 3 where a row was rejected or a finding needs a person.
pub(super) fn exit(results: &[FileResult]) -> Exit {
    let mut exit = Exit::Done;
    for result in results {
        let this = match &result.outcome {
            Err(_) => return Exit::Failed,
            Ok(Outcome::Taken(report)) if report.findings.iter().any(needs_person) => Exit::Findings,
            Ok(_) => Exit::Done,
        };
        exit = exit.max(this);
    }
    exit
}

/// Whether a person has to look.
pub(super) fn needs_person(finding: &Finding) -> bool {
    finding.severity >= Severity::Warning
}
