//! Overage: what is below zero at a period's end is billed, and given back afterwards.
//!
//! PaperCut adds the quota of the new month half an hour into it. Until then a balance below zero is what was used beyond
//! the allowance; after it the two cannot be told apart. So a balance counts only when it was read between the end of the
//! period and that time. What was read becomes a report of its own, a user summary whose costs are the amounts below
//! zero, and is billed, corrected and explained like any other. A positive balance is unused allowance: never a charge.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use chrono::NaiveDateTime;

use super::holders::HolderBook;
use super::moments::clock;
use super::settle::is_excluded;
use crate::config::{PapercutConfig, SiteConfig};
use crate::domain::{Exact, Finding, Holder, HolderKey, Money, Period, Severity, Source};
use crate::ledger::{DeliveryState, SiteId, Snapshot};
use crate::outputs::formats::sheet;
use crate::outputs::write_whole;
use crate::run::books::Books;
use crate::run::error::RunError;

/// A reading so many seconds before the period's end still stands for it: cron begins a little early, and what is printed
/// in between is billed now instead of a month later, once.
const EARLY_SECONDS: i64 = 900;

/// The columns of the report.
const HEADER: [&str; 5] = ["Username", "Amount Read", "Read At", "Still To Come", "Cost"];

/// Balances by the number of their holder: the second and the amount.
type Balances = HashMap<i64, (i64, Money)>;

/// What there is to bill.
#[derive(Debug, Default)]
pub struct Overage {
    /// The report that was made, and its period.
    pub report: Option<(PathBuf, Period)>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
}

/// Makes the report of the month that has ended, where its balances were read in time.
pub fn overage(
    books: &Books<'_>,
    (site, papercut): (&SiteConfig, &PapercutConfig),
    site_id: SiteId,
) -> Result<Overage, RunError> {
    let mut overage = Overage::default();
    let this_month = Period::month_of(books.today(site));
    let Some(day) = this_month.first_day().pred_opt() else { return Ok(overage) };
    let period = Period::month_of(day);
    let is_before = books.config.billing.first_period.is_none_or(|first| period < first);
    let sums = books.ledger.sums(site_id)?;
    let is_there = sums.iter().any(|sum| sum.source == Source::UserSums && sum.period == Some(period));
    if is_before || is_there {
        return Ok(overage);
    }
    let midnight = second_of(this_month.first_day().and_time(chrono::NaiveTime::MIN));
    let quota = second_of(NaiveDateTime::new(this_month.first_day(), papercut.changes.quota_time));
    let in_time = |snapshot: &&Snapshot| {
        let ended = snapshot.ended_second.is_some_and(|ended| ended < quota);
        ended && snapshot.begun_second >= midnight - EARLY_SECONDS
    };
    let snapshots = books.ledger.snapshots(site_id)?;
    match snapshots.iter().rev().find(in_time) {
        Some(snapshot) => {
            overage.report =
                Some((write(books, site, site_id, (period, snapshot), &mut overage.findings)?, period));
        }
        None if books.second(site) < quota => {}
        None => {
            let message = format!(
                "no balance was read between the end of {period} and {}, when PaperCut books its quota: what was below \
                 zero cannot be told from it any more, and {period} is not billed; let cron run papertally at five past \
                 midnight on the 1st",
                papercut.changes.quota_time.format("%H:%M")
            );
            overage.findings.push(Finding::new(Severity::Warning, "overage-not-read", message));
        }
    }
    Ok(overage)
}

/// Whether PaperCut has not booked this month's quota yet.
pub(super) fn is_before_quota(books: &Books<'_>, site: &SiteConfig, papercut: &PapercutConfig) -> bool {
    let first = Period::month_of(books.today(site)).first_day();
    books.second(site) < second_of(NaiveDateTime::new(first, papercut.changes.quota_time))
}

/// One row for each user: the balance, when it was read, what is still to be given back for earlier months, and what is
/// below zero of both together.
fn write(
    books: &Books<'_>,
    site: &SiteConfig,
    site_id: SiteId,
    (period, snapshot): (Period, &Snapshot),
    findings: &mut Vec<Finding>,
) -> Result<PathBuf, RunError> {
    let book = HolderBook::load(&books.ledger, site_id)?;
    let balances = books.ledger.balances_as_of(site_id, snapshot.id)?;
    let last_balances = books.ledger.last_balances(site_id, snapshot.id)?;
    let mut to_come: HashMap<HolderKey, Exact> = HashMap::new();
    let mut unclear: HashSet<HolderKey> = HashSet::new();
    for change in books.ledger.balance_changes(site_id)? {
        let is_seen = match change.delivery.state {
            // It is in the balance, unless it came after the reading.
            DeliveryState::Delivered => change.snapshot.is_none_or(|at| at < snapshot.id),
            // Billed for good: what was given up comes by no other way. One without jobs became part of another.
            DeliveryState::GivenUp => books.ledger.first_job_of(change.delivery.id)?.is_none(),
            _ => false,
        };
        if !is_seen {
            *to_come.entry(change.holder.key()).or_default() += change.amount.into();
        }
        if matches!(change.delivery.state, DeliveryState::Sending | DeliveryState::Uncertain) {
            unclear.insert(change.holder.key());
        }
    }
    // What was read for an earlier month and is on no line is billed with that month, not once more with this one.
    for (balance, cost) in books.ledger.unbilled_sums(site_id, period)? {
        if let Some(holder) = book.holder(balance) {
            *to_come.entry(holder.key()).or_default() += cost.into();
        }
    }
    findings.extend(not_read(&book, (&balances, &last_balances), snapshot));
    let mut rows = Vec::new();
    let there = book.holders().iter().filter(|stored| stored.snapshots.1 >= snapshot.id);
    for stored in there.filter(|stored| matches!(stored.holder, Holder::User(_))) {
        let Some((second, balance)) = balances.get(&stored.id) else { continue };
        // Nobody would give it back, and the same minus would be billed each month.
        if is_excluded(site, &stored.holder) {
            continue;
        }
        let key = stored.holder.key();
        if unclear.contains(&key) {
            let message = format!(
                "whether an earlier change of {} was made is not known: its overage is left to the next month",
                stored.holder
            );
            findings.push(Finding::new(Severity::Warning, "overage-unclear", message));
            continue;
        }
        let to_come = to_come.get(&key).copied().unwrap_or_default();
        let effective = Exact::from(*balance) + to_come;
        let below = if effective.is_negative() { -effective } else { Exact::ZERO };
        rows.push(vec![
            stored.holder.name().to_owned(),
            balance.to_string(),
            clock((*second).max(snapshot.begun_second)),
            to_come.to_string(),
            below.to_string(),
        ]);
    }
    // By the snapshot too: a run that was broken off before it took the file in leaves it, and the next makes its own.
    let name = format!("{}-overage/{period}-{}.csv", site.name, snapshot.id);
    let path = books.config.output.folder.join(name);
    let failed = |source| RunError::Render { receiver: "overage".to_owned(), source };
    write_whole(&path, &sheet(&HEADER, &rows).map_err(failed)?)?;
    Ok(path)
}

/// Users whom the snapshot lacks and whose last balance was below zero: they could not be read, or are gone.
fn not_read(book: &HolderBook, (read, last): (&Balances, &Balances), snapshot: &Snapshot) -> Vec<Finding> {
    let users = book.holders().iter().filter(|stored| matches!(stored.holder, Holder::User(_)));
    let missing = users.filter(|stored| stored.snapshots.0 < snapshot.id && !read.contains_key(&stored.id));
    let owing = missing.filter_map(|stored| {
        let (_, balance) = last.get(&stored.id).filter(|(_, balance)| balance.is_negative())?;
        let message = format!(
            "{} was not read at the end of the month; its last balance was {balance}: its overage is left to the next month",
            stored.holder
        );
        Some(Finding::new(Severity::Warning, "overage-unclear", message))
    });
    owing.collect()
}

fn second_of(time: NaiveDateTime) -> i64 {
    time.and_utc().timestamp()
}
