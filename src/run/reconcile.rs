//! Which jobs nobody pays yet: in the months that are not billed, and in billed ones that left some behind.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::books::Books;
use super::error::RunError;
use super::facts::{Exclusions, frozen_terms, gather};
use super::resolve::{Resolver, day_of};
use crate::config::SiteConfig;
use crate::domain::{Exact, Finding, Period, Severity, SuspenseItem};
use crate::ledger::{JobFact, SiteId};

/// Everything in suspense at a site, by user, account and reason.
pub fn suspense(books: &Books<'_>, site: &SiteConfig) -> Result<Vec<SuspenseItem>, RunError> {
    let ledger = &books.ledger;
    let Some((site_id, _)) = ledger.known_site(&site.name)? else { return Ok(Vec::new()) };
    let names = Rc::new(ledger.names(site_id)?);
    let exclusions = Exclusions::of_site(&names, site);
    let mut items: BTreeMap<(String, String, String), SuspenseItem> = BTreeMap::new();
    for period in open_periods(books, site_id)? {
        let frozen = frozen_terms(ledger, site_id, period)?;
        let mut resolver = Resolver::new(books.policy(site), Rc::clone(&names), period, frozen);
        for item in gather(ledger, site_id, period, &mut resolver, &exclusions)?.suspense {
            let key = (item.user.clone(), item.account.clone(), item.reason.clone());
            match items.get_mut(&key) {
                Some(sum) => {
                    sum.jobs += item.jobs;
                    sum.pages += item.pages;
                    sum.cost = (Exact::from(sum.cost) + Exact::from(item.cost)).to_money();
                }
                None => {
                    items.insert(key, item);
                }
            }
        }
    }
    Ok(items.into_values().collect())
}

/// Jobs whose line was taken back: on no line until the next batch bills them anew.
pub fn taken_back(books: &Books<'_>, site: &SiteConfig) -> Result<Option<Finding>, RunError> {
    let Some((site_id, _)) = books.ledger.known_site(&site.name)? else { return Ok(None) };
    let (jobs, cost) = books.ledger.taken_back(site_id, site.reports.bill_from)?;
    Ok((jobs > 0).then(|| {
        let counted = if jobs == 1 { "1 job".to_owned() } else { format!("{jobs} jobs") };
        let message = format!(
            "{counted} (cost {cost}) taken back and on no line: the next batch, or `papertally bill --period` of the \
             month with `--issue`, bills what is still charged and has a payer"
        );
        Finding::new(Severity::Warning, "taken-back", message)
    }))
}

/// Jobs that `run` never bills, because they lie before the first period that it bills: told, not lost.
pub fn before_first_period(books: &Books<'_>, site: &SiteConfig) -> Result<Option<Finding>, RunError> {
    let ledger = &books.ledger;
    let (Some(first), Some((site_id, _))) =
        (books.config.billing.first_period, ledger.known_site(&site.name)?)
    else {
        return Ok(None);
    };
    let Some(days) = ledger.job_days(site_id)? else { return Ok(None) };
    let Some(before) = first
        .first_day()
        .pred_opt()
        .and_then(|last| Period::of_days(days.first_day(), last.min(days.last_day())))
    else {
        return Ok(None);
    };
    let batches = ledger.batches(site_id)?;
    let exclusions = Exclusions::of_site(&ledger.names(site_id)?, site);
    let billed =
        |job: &JobFact| day_of(job).is_some_and(|day| batches.iter().any(|batch| batch.period.contains(day)));
    let (mut jobs, mut cost) = (0_i64, Exact::ZERO);
    ledger.each_job(site_id, before, exclusions.source, |job| {
        if exclusions.reason(&job).is_none() && !billed(&job) {
            jobs += job.jobs;
            cost += job.cost.map(Exact::from).unwrap_or_default();
        }
        Ok::<(), RunError>(())
    })?;
    Ok((jobs > 0).then(|| {
        let (counted, lie) = if jobs == 1 { ("1 job".to_owned(), "lies") } else { (format!("{jobs} jobs"), "lie") };
        let days = match (before.first_day(), before.last_day()) {
            (first, last) if first == last => format!("of {first}"),
            (first, last) => format!("of {first} to {last}"),
        };
        Finding::new(
            Severity::Warning,
            "before-first-period",
            format!(
                "{counted} (cost {cost}) {days} {lie} before `billing.first_period`, which `run` bills first: \
                 `papertally bill --period` of the month shows them, and `--issue` bills them"
            ),
        )
    }))
}

/// The periods in which jobs may be in suspense: billed ones with a remainder, and the months from the first
/// that `run` bills to the last with jobs that no batch has billed.
fn open_periods(books: &Books<'_>, site: SiteId) -> Result<Vec<Period>, RunError> {
    let ledger = &books.ledger;
    let batches = ledger.batches(site)?;
    let mut periods = Vec::new();
    for batch in &batches {
        let waits = !ledger.issued_proof(site, batch.period)?.suspense.is_zero();
        if waits && !periods.contains(&batch.period) {
            periods.push(batch.period);
        }
    }
    let Some(days) = ledger.job_days(site)? else { return Ok(periods) };
    let mut first = days.first_day();
    if let Some(period) = books.config.billing.first_period {
        first = first.max(period.first_day());
    }
    let billed: Vec<Period> = batches.iter().map(|batch| batch.period).collect();
    periods.extend(Period::months_beside(first, days.last_day(), &billed));
    Ok(periods)
}
