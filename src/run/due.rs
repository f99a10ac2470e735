//! What is due: computed from the ledger and the schedule, so that a missed night is caught up by the next.

use chrono::DateTime;
use chrono_tz::Tz;

use super::books::Books;
use super::error::RunError;
use crate::config::SiteConfig;
use crate::domain::{Period, Schedule};

/// Most months that are looked at for being due: a century, should the first period be mistyped.
const MONTHS_MAX: usize = 1_200;

/// A period with the moment from which it is billed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The period.
    pub period: Period,
    /// From when on it is billed.
    pub at: DateTime<Tz>,
}

/// The periods of a site that are due now and not billed, and the next one to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agenda {
    /// Due and not billed, oldest first.
    pub now: Vec<Due>,
    /// The next.
    pub next: Option<Due>,
}

/// Makes a site's agenda. Without `billing.first_period` or `billing.schedule` nothing is ever due by itself.
pub fn agenda(books: &Books<'_>, site: &SiteConfig) -> Result<Agenda, RunError> {
    let billing = &books.config.billing;
    let (Some(first), Some(schedule)) = (billing.first_period, &billing.schedule) else {
        return Ok(Agenda::default());
    };
    let billed: Vec<Period> = match books.ledger.known_site(&site.name)? {
        Some((site_id, _)) => books.ledger.batches(site_id)?.iter().map(|batch| batch.period).collect(),
        None => Vec::new(),
    };
    let mut agenda = Agenda::default();
    let mut period = first;
    for _ in 0..MONTHS_MAX {
        let Some(at) = due_at(schedule, period, site.time_zone) else { break };
        if at > books.now {
            agenda.next = Some(Due { period, at });
            break;
        }
        // Where somebody billed a part of the month by hand, the rest of it is still due.
        agenda.now.extend(period.uncovered(&billed).into_iter().map(|period| Due { period, at }));
        period = period.next_month();
    }
    Ok(agenda)
}

/// The schedule's first moment after the period has ended on the site's clock.
fn due_at(schedule: &Schedule, period: Period, zone: Tz) -> Option<DateTime<Tz>> {
    let last_second = period.last_day().and_hms_opt(23, 59, 59)?;
    // A clock change at midnight makes that second twofold or absent: the day's end is the later reading.
    let end = last_second
        .and_local_timezone(zone)
        .latest()
        .or_else(|| period.last_day().and_hms_opt(22, 59, 59)?.and_local_timezone(zone).latest())?;
    schedule.next_after(end)
}
