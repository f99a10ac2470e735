//! Files that are followed: which of their rows were taken in before, whatever they are called by now.
//!
//! A row is known by a hash over it and all rows before it. A file that grew begins with known rows; so does one that
//! was renamed or cut. A file that was changed in its middle does not go on where the known one ended, and is refused:
//! its later rows would count twice.

use rusqlite::{Connection, OptionalExtension, Statement, named_params, params};

use super::{LedgerError, SiteId};
use crate::domain::RowChain;

/// Rows that equal stored ones, from which on a file without a known beginning is taken for a changed copy, if they are
/// more than half of it. Fewer may be chance where rows have a day and no time.
const COPIED_ROWS_MIN: u64 = 3;

/// One followed file on its way in.
#[derive(Debug)]
pub(super) struct Followed<'l> {
    find: Statement<'l>,
    keep: Statement<'l>,
    site: SiteId,
    report: i64,
    /// The file as it was first seen; `None` before the first row.
    generation: Option<i64>,
    /// Rows so far.
    ordinal: i64,
    /// Whether a row was new already: from there on all are.
    is_past_known: bool,
    new: u64,
    like_stored: u64,
}

/// What a row of a followed file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It was there before, and its job with it.
    Taken,
    /// It was there before, and gave no job then.
    Passed,
    /// It was not there before.
    New,
}

impl<'l> Followed<'l> {
    pub(super) fn new(db: &'l Connection, site: SiteId, report: i64) -> Result<Followed<'l>, LedgerError> {
        Ok(Followed {
            find: db.prepare("SELECT generation, job_id FROM followed WHERE site_id = ?1 AND chain = ?2")?,
            keep: db.prepare(
                "INSERT INTO followed (site_id, chain, generation, ordinal, job_id) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (site_id, chain) DO UPDATE SET job_id = excluded.job_id",
            )?,
            site,
            report,
            generation: None,
            ordinal: 0,
            is_past_known: false,
            new: 0,
            like_stored: 0,
        })
    }

    /// Looks for the next row; `row_number` is for the message.
    pub(super) fn next(
        &mut self,
        db: &Connection,
        chain: &RowChain,
        row_number: u64,
    ) -> Result<Place, LedgerError> {
        self.ordinal += 1;
        let known: Option<(i64, Option<i64>)> = if self.is_past_known {
            None
        } else {
            let row = self
                .find
                .query_row(params![self.site.0, chain.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)));
            row.optional()?
        };
        if let Some((generation, job)) = known {
            self.generation = Some(generation);
            return Ok(if job.is_some() { Place::Taken } else { Place::Passed });
        }
        if !self.is_past_known {
            self.is_past_known = true;
            if let Some(generation) = self.generation {
                self.check_end(db, generation, row_number)?;
            }
        }
        self.new += 1;
        Ok(Place::New)
    }

    /// What is new has to follow the last row that is known.
    fn check_end(&self, db: &Connection, generation: i64, row: u64) -> Result<(), LedgerError> {
        let last: i64 = db.query_row(
            "SELECT max(ordinal) FROM followed WHERE site_id = :site AND generation = :generation",
            named_params! { ":site": self.site.0, ":generation": generation },
            |row| row.get(0),
        )?;
        if last >= self.ordinal { Err(LedgerError::FollowedChanged { row }) } else { Ok(()) }
    }

    /// Keeps the row that was asked for last, with its job.
    pub(super) fn keep(&mut self, chain: &RowChain, job: Option<i64>) -> Result<(), LedgerError> {
        let generation = *self.generation.get_or_insert(self.report);
        self.keep.execute(params![self.site.0, chain.as_bytes(), generation, self.ordinal, job])?;
        Ok(())
    }

    /// Counts a new row that equals a stored job.
    pub(super) fn saw_like(&mut self) {
        self.like_stored += 1;
    }

    /// Refuses a copy whose beginning was changed: all of its rows would be new.
    pub(super) fn finish(&self) -> Result<(), LedgerError> {
        let is_fresh = self.generation == Some(self.report);
        if is_fresh && self.like_stored >= COPIED_ROWS_MIN && self.like_stored * 2 > self.new {
            return Err(LedgerError::FollowedCopy { like: self.like_stored, rows: self.new });
        }
        Ok(())
    }
}
