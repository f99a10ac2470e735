//! Stored jobs that rows of a report may be, fetched a handful of seconds ahead.
//!
//! A report lists jobs in order of time, and so does the index: one query then serves many rows. How far to read
//! ahead follows from how many rows the last query served, so that a report in another order costs a short
//! query a row and no more.

use rusqlite::{Connection, Statement, params};

use super::keyed::Attributes;
use super::{LedgerError, SiteId};

/// Jobs that one query fetches at least, and at most.
const FETCH_MIN: usize = 4;
const FETCH_MAX: usize = 1024;

/// A stored job that a row may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) id: i64,
    second: i64,
    fingerprint: [u8; 16],
    pub(super) user_id: i64,
    pub(super) occurrence: i64,
    pub(super) attributes: Attributes,
}

/// The stored jobs of a span of seconds.
#[derive(Debug)]
pub(super) struct ReadAhead<'l> {
    fetch: Statement<'l>,
    site: SiteId,
    /// The span that `jobs` holds completely, its end excluded.
    span: (i64, i64),
    /// In the order of second and fingerprint.
    jobs: Vec<Candidate>,
    /// Rows that the last query served.
    served: usize,
}

const FETCH: &str =
    "SELECT id, second, fingerprint, user_id, occurrence, account_id, job_type_id, paper_size_id,
    colour_pages, duplex, grayscale, cost, state FROM job WHERE site_id = ?1 AND second >= ?2
    ORDER BY second, fingerprint, user_id, occurrence LIMIT ?3";

impl<'l> ReadAhead<'l> {
    pub(super) fn new(db: &'l Connection, site: SiteId) -> Result<ReadAhead<'l>, LedgerError> {
        Ok(ReadAhead { fetch: db.prepare(FETCH)?, site, span: (0, 0), jobs: Vec::new(), served: 0 })
    }

    /// The stored jobs of that second and fingerprint, by user and occurrence. Jobs that the report itself has
    /// added may be missing.
    pub(super) fn candidates(
        &mut self,
        second: i64,
        fingerprint: &[u8; 16],
    ) -> Result<&[Candidate], LedgerError> {
        if second < self.span.0 || second >= self.span.1 {
            self.fill(second)?;
        }
        self.served += 1;
        let key = |job: &Candidate| (job.second, job.fingerprint);
        let wanted = (second, *fingerprint);
        let first = self.jobs.partition_point(|job| key(job) < wanted);
        let count = self.jobs[first..].iter().take_while(|job| key(job) == wanted).count();
        Ok(&self.jobs[first..first + count])
    }

    fn fill(&mut self, second: i64) -> Result<(), LedgerError> {
        let mut limit = (self.served * 2).clamp(FETCH_MIN, FETCH_MAX);
        self.served = 0;
        loop {
            self.query(second, limit)?;
            let last = match self.jobs.last() {
                Some(last) if self.jobs.len() == limit => last.second,
                _ => i64::MAX,
            };
            // The last second may go on behind the limit: it is left to the next query.
            if last > second {
                self.jobs.retain(|job| job.second < last);
                self.span = (second, last);
                return Ok(());
            }
            // A second with more jobs than that, such as a log without times of day: take all of it.
            limit = limit.saturating_mul(4);
        }
    }

    fn query(&mut self, second: i64, limit: usize) -> Result<(), LedgerError> {
        self.jobs.clear();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = self.fetch.query(params![self.site.0, second, limit])?;
        while let Some(row) = rows.next()? {
            self.jobs.push(Candidate {
                id: row.get(0)?,
                second: row.get(1)?,
                fingerprint: row.get(2)?,
                user_id: row.get(3)?,
                occurrence: row.get(4)?,
                attributes: Attributes {
                    account_id: row.get(5)?,
                    job_type_id: row.get(6)?,
                    paper_size_id: row.get(7)?,
                    colour_pages: row.get(8)?,
                    duplex: row.get(9)?,
                    grayscale: row.get(10)?,
                    cost: row.get(11)?,
                    state: row.get(12)?,
                },
            });
        }
        Ok(())
    }
}
