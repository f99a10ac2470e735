//! Which jobs nobody pays yet: in the months that are not billed, and in billed ones that left some behind.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::books::Books;
use super::error::RunError;
use super::facts::{Exclusions, frozen_terms, gather};
use super::resolve::Resolver;
use crate::config::SiteConfig;
use crate::domain::{Exact, Period, SuspenseItem};
use crate::ledger::SiteId;

/// Everything in suspense at a site, by user, account and reason.
pub fn suspense(books: &Books<'_>, site: &SiteConfig) -> Result<Vec<SuspenseItem>, RunError> {
    let ledger = &books.ledger;
    let Some((site_id, _)) = ledger.known_site(&site.name)? else { return Ok(Vec::new()) };
    let names = Rc::new(ledger.names(site_id)?);
    let exclusions = Exclusions::new(&names, &site.exclude_accounts, &site.ignore_printers);
    let mut items: BTreeMap<(String, String, String), SuspenseItem> = BTreeMap::new();
    for period in open_periods(books, site_id)? {
        let frozen = frozen_terms(ledger, site_id, period)?;
        let mut resolver = Resolver::new(books.policy(), Rc::clone(&names), period, frozen);
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
    let mut month = Period::month_of(days.first_day());
    if let Some(first) = books.config.billing.first_period {
        month = month.max(Period::month_of(first.first_day()));
    }
    while month.first_day() <= days.last_day() {
        if batches.iter().all(|batch| !batch.period.overlaps(&month)) {
            periods.push(month);
        }
        month = month.next_month();
    }
    Ok(periods)
}
