//! `papertally check`: what taking files in would do, in a ledger that is thrown away.

use super::reading::{Documents, FileResult, page, refused, results_json};
use super::{Context, period_of};
use crate::cli::args::CheckArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::counted;
use crate::config::{SiteConfig, load_sites};
use crate::domain::{Currency, Finding, Money, Severity, Source};
use crate::ledger::{self, Ledger, Marks};
use crate::run::balances::BalanceBook;
use crate::run::books::{aliases, read_settings};
use crate::run::ingest::{Outcome, ingest};
use crate::run::intake::Intake;
use crate::run::sums::{SumBook, SumRules};
use crate::run::totals::{IntakeTotals, intake_totals};
use crate::sources::ReadSettings;
use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde_json::json;

/// What files are checked by: options, or a site of the configuration.
struct Rules {
    settings: ReadSettings,
    zone: Tz,
    currency: Currency,
    aliases: Vec<(String, String)>,
    bill_from: Source,
    exclude_accounts: Vec<String>,
    ignore_printers: Vec<String>,
}

pub(super) fn run(args: &CheckArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let rules = rules(args, context)?;
    let ledger = Ledger::temporary()?;
    let site = ledger.site("check", rules.currency, rules.zone.name())?;
    let now = chrono::DateTime::<chrono::Utc>::from(context.outside.clock).with_timezone(&rules.zone);
    let intake = Intake {
        ledger: &ledger,
        site,
        settings: rules.settings.clone(),
        aliases: rules.aliases.clone(),
        bill_from: rules.bill_from,
        exclude_accounts: &rules.exclude_accounts,
        ignore_printers: &rules.ignore_printers,
        documents: ledger::Documents::Drop,
        now: now.fixed_offset().to_rfc3339(),
        today: now.date_naive(),
        jobs_listed: args.rows.0,
        wanted: None,
    };
    let mut balances = BalanceBook::default();
    let mut results = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        let mut progress = context.ui.progress(&name);
        let outcome =
            ingest(&intake, &context.outside.folder.join(file), &name, Some(&mut balances), &mut |_| {
                progress.row()
            });
        drop(progress);
        results.push(FileResult { name, outcome });
    }
    let totals = intake_totals(
        &ledger,
        site,
        Marks::default(),
        Source::Jobs,
        &rules.exclude_accounts,
        &rules.ignore_printers,
    )?;
    let book = SumBook::load(&ledger, site, SumRules::of(&rules.exclude_accounts, &rules.aliases))?;
    let differences = book.beside_jobs(&ledger, site, |_| true)?;
    let totals = book.or_jobs(totals);
    if let Some(Ok(Outcome::Taken(last))) = results.last_mut().map(|result| &mut result.outcome) {
        last.findings.extend(differences);
    }
    show(context, &results, &totals, &balances.balances());
    Ok(exit(&results))
}

fn rules(args: &CheckArgs, context: &Context<'_, '_>) -> Result<Rules, Failure> {
    let zone: Tz = args.read.time_zone.parse().map_err(|_| {
        Failure::usage(format!(
            "`--time-zone`: found `{}`, expected a zone such as Europe/London",
            args.read.time_zone
        ))
    })?;
    let now = chrono::DateTime::<chrono::Utc>::from(context.outside.clock);
    let today = now.with_timezone(&zone).date_naive();
    let options = ReadSettings {
        kind: args.read.kind,
        encoding: args.read.encoding.clone(),
        date_order: args.read.date_order.map(Into::into),
        decimal_mark: args.read.decimal_mark.map(Into::into),
        currency: args.read.currency,
        time_zone: Some(zone),
        sheets: args.read.sheets.clone(),
        period: args.read.period.as_deref().map(|text| period_of(text, today)).transpose()?,
        ..ReadSettings::default()
    };
    let unknown = Currency::new("XXX").ok_or_else(|| Failure::usage("no currency"))?;
    let Some(name) = &args.site else {
        return Ok(Rules {
            currency: args.read.currency.unwrap_or(unknown),
            settings: options,
            zone,
            aliases: Vec::new(),
            bill_from: Source::Jobs,
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
    settings.period = options.period;
    if !options.sheets.is_empty() {
        settings.sheets = options.sheets;
    }
    settings.kind = options.kind.or(settings.kind);
    settings.encoding = options.encoding.or(settings.encoding);
    settings.date_order = options.date_order.or(settings.date_order);
    settings.decimal_mark = options.decimal_mark.or(settings.decimal_mark);
    Ok(Rules {
        settings,
        zone: site.time_zone,
        currency: site.currency,
        aliases: aliases(site),
        bill_from: site.reports.bill_from,
        exclude_accounts: site.exclude_accounts.clone(),
        ignore_printers: site.ignore_printers.clone(),
    })
}

fn show(
    context: &mut Context<'_, '_>,
    results: &[FileResult],
    totals: &IntakeTotals,
    balances: &BTreeMap<String, Money>,
) {
    for result in results {
        match &result.outcome {
            Ok(Outcome::Taken(report)) => page(context.ui, &result.name, report),
            Ok(Outcome::Known { stored, .. }) => {
                context
                    .ui
                    .line(format!("{}: the same bytes as {}, so nothing new.", result.name, stored.name));
            }
            Err(error) => {
                refused(context.ui, &result.name, error);
            }
        }
    }
    let all = &totals.total;
    let (jobs, pages) = (counted(all.jobs, "job", "jobs"), counted(all.pages, "page", "pages"));
    context.ui.line(format!("Together: {jobs}, {pages}, cost {}.", all.cost));
    let mut document = results_json(results, totals, Documents::Shown);
    if !balances.is_empty() {
        let balances: BTreeMap<&String, String> =
            balances.iter().map(|(name, balance)| (name, balance.to_string())).collect();
        document["totals"]["balances"] = json!(balances);
    }
    context.ui.json(&document);
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
