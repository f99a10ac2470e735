//! What the own periods of reports tell of the order in which they were made.
//!
//! Reports may come in any order. One whose own period ends later was made later, so what it says of a day
//! holds, and what it does not have any more was refunded, or is left out by a filter.

use rusqlite::{Connection, named_params};

use super::bits::Bits;
use super::stored::{day_start, period_of};
use super::{LedgerError, SiteId};
use crate::domain::{Exact, Finding, MILLIONTHS, Period, Severity};

/// A report among those of its site.
#[derive(Debug)]
pub(super) struct Order {
    period: Option<(Period, Span)>,
    /// Own periods of known reports that end later.
    newer: Vec<Span>,
    /// Rows whose job lies in the report's own period.
    in_period: i64,
    /// Rows that show an older state than a newer report did.
    pub(super) outdated: u64,
    /// Jobs that were refunded, denied or unprinted, and are charged in this report.
    pub(super) revived: (u64, Exact),
    /// Jobs that a newer report of their day does not have, and their cost.
    pub(super) absent: (u64, Exact),
}

impl Order {
    pub(super) fn new(
        db: &Connection,
        site: SiteId,
        report_id: i64,
        period: Option<Period>,
    ) -> Result<Order, LedgerError> {
        let newer = newer_periods(db, site, report_id, period)?;
        Ok(Order {
            period: period.map(|period| (period, Span::of(period))),
            newer: newer.into_iter().map(Span::of).collect(),
            in_period: 0,
            outdated: 0,
            revived: (0, Exact::ZERO),
            absent: (0, Exact::ZERO),
        })
    }

    /// Counts a job of the report.
    pub(super) fn saw(&mut self, second: i64) {
        if self.period.is_some_and(|(_, span)| span.holds(second)) {
            self.in_period += 1;
        }
    }

    /// Whether a report that was made later speaks for that second.
    pub(super) fn is_outdated(&self, second: i64) -> bool {
        self.newer.iter().any(|span| span.holds(second))
    }

    /// What a person should know of the order, and of what is missing.
    pub(super) fn findings(
        &self,
        db: &Connection,
        site: SiteId,
        matched: &Bits,
    ) -> Result<Vec<Finding>, LedgerError> {
        let mut findings = Vec::new();
        if self.outdated > 0 {
            let message = format!(
                "{} rows show an older state or cost than a report that ends later did: the later report holds",
                self.outdated
            );
            findings.push(Finding::new(Severity::Note, "older-report", message));
        }
        let (jobs, cost) = self.revived;
        if jobs > 0 {
            let message = format!(
                "{jobs} jobs (cost {cost}) that an earlier report shows refunded, denied or not printed are charged here, \
                 and are billed: if this is an older export, take a newer one in"
            );
            findings.push(Finding::new(Severity::Warning, "jobs-charged-again", message));
        }
        let (jobs, cost) = self.absent;
        if jobs > 0 {
            let message = format!(
                "{jobs} jobs (cost {cost}) were taken in that a report which ends later, and covers their days, does \
                 not have: they may have been refunded since; export the period once more"
            );
            findings.push(Finding::new(Severity::Warning, "jobs-absent-later", message));
        }
        findings.extend(self.missing(db, site, matched)?);
        Ok(findings)
    }

    /// Stored jobs of the report's own period that it does not have: PaperCut leaves refunded jobs out of its
    /// logs. A report of one printer or group lacks many, which is worth a note only.
    fn missing(&self, db: &Connection, site: SiteId, matched: &Bits) -> Result<Option<Finding>, LedgerError> {
        let Some((period, span)) = self.period else { return Ok(None) };
        // Whether a newer report has those jobs was asked when it came.
        if self.newer.iter().any(|newer| newer.first < span.end && span.first < newer.end) {
            return Ok(None);
        }
        // Counted by the index alone, sums and all: no more than were in the report means that none is missing.
        let span = named_params! { ":site": site.0, ":first": span.first, ":end": span.end };
        let stored: i64 = db.query_row(
            "SELECT count(*) FROM job WHERE site_id = :site AND second >= :first AND second < :end",
            span,
            |row| row.get(0),
        )?;
        if stored <= self.in_period {
            return Ok(None);
        }
        let mut statement = db.prepare(
            "SELECT id, cost FROM job WHERE site_id = :site AND second >= :first AND second < :end AND state = 0
             AND source = 0",
        )?;
        let mut rows = statement.query(span)?;
        let (mut jobs, mut cost) = (0_i64, 0_i128);
        while let Some(row) = rows.next()? {
            if !matched.get(row.get(0)?) {
                jobs += 1;
                cost += i128::from(row.get::<_, Option<i64>>(1)?.unwrap_or(0));
            }
        }
        let cost = Exact::from_parts(cost * i128::from(MILLIONTHS));
        let severity = if jobs <= self.in_period { Severity::Warning } else { Severity::Note };
        Ok((jobs > 0).then(|| {
            let message = format!(
                "{jobs} jobs (cost {cost}) that earlier reports have in {period} are not in this one: refunded since, or \
                 this report is of some users or printers only; they stay billed until a report shows them refunded"
            );
            Finding::new(severity, "jobs-missing", message)
        }))
    }
}

/// Own periods of a site's other reports that end later than `period` does; none without a period.
fn newer_periods(
    db: &Connection,
    site: SiteId,
    report_id: i64,
    period: Option<Period>,
) -> Result<Vec<Period>, LedgerError> {
    let Some(period) = period else { return Ok(Vec::new()) };
    let mut statement = db.prepare(
        "SELECT period_first, period_last FROM report
         WHERE site_id = :site AND source = 0 AND id <> :report AND period_last > :last AND period_first <= :last",
    )?;
    let last = period.last_day().to_string();
    let mut rows = statement.query(named_params! { ":site": site.0, ":report": report_id, ":last": last })?;
    let mut periods = Vec::new();
    while let Some(row) = rows.next()? {
        periods.push(period_of(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?)?);
    }
    Ok(periods)
}

/// The seconds of a span of days, its end excluded.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: i64,
    end: i64,
}

impl Span {
    fn of(period: Period) -> Span {
        Span { first: day_start(period.first_day()), end: day_start(period.day_after()) }
    }

    fn holds(self, second: i64) -> bool {
        self.first <= second && second < self.end
    }
}
