//! Wall-clock seconds of a site, and what lies between two of them: days with reports, quota, charged jobs.

use chrono::{DateTime, Datelike, NaiveDateTime, NaiveTime};

use super::holders::HolderBook;
use crate::domain::{JobState, Money, Period, Source};
use crate::ledger::{BalanceOf, SiteId};
use crate::run::books::Books;
use crate::run::error::RunError;

/// A wall-clock second as people read it.
pub(super) fn clock(second: i64) -> String {
    DateTime::from_timestamp(second, 0)
        .map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}

/// Whether reports speak for every day from one second to another.
pub(super) fn covered_through(covered: &[Period], first: i64, last: i64) -> bool {
    days_between(first, last).is_some_and(|days| days.uncovered(covered).is_empty())
}

/// The days from one wall-clock second to another, both with their whole day.
fn days_between(first: i64, last: i64) -> Option<Period> {
    let day = |second: i64| DateTime::from_timestamp(second, 0).map(|time| time.date_naive());
    Period::of_days(day(first)?, day(last)?)
}

/// Whether the time at which PaperCut books quota, on the first day of a month, lies between two wall-clock seconds.
pub(super) fn quota_between(first: i64, last: i64, time: NaiveTime) -> bool {
    let at = |second: i64| DateTime::from_timestamp(second, 0).map(|time| time.naive_utc());
    let (Some(first), Some(last)) = (at(first), at(last)) else { return false };
    let firsts = first.date().iter_days().take_while(|day| *day <= last.date()).filter(|day| day.day() == 1);
    let mut moments = firsts.map(|day| NaiveDateTime::new(day, time));
    moments.any(|moment| first < moment && moment <= last)
}

/// Hands out the charged jobs of a span of wall-clock seconds, with the balance that paid.
pub(super) fn each_charge(
    books: &Books<'_>,
    (site_id, book): (SiteId, &HolderBook),
    (first, last): (i64, i64),
    mut take: impl FnMut(BalanceOf, i64, Money),
) -> Result<(), RunError> {
    let Some(days) = days_between(first, last) else { return Ok(()) };
    books.ledger.each_job(site_id, days, Source::Jobs, |job| {
        let is_within = job.second >= first && job.second <= last;
        if is_within && job.state == JobState::Charged && !book.is_former(job.user) {
            take(BalanceOf::job(job.user, job.account), job.second, job.cost.unwrap_or_default());
        }
        Ok::<(), RunError>(())
    })
}
