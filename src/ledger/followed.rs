//! Files that are followed: which of their rows were taken in before, whatever they are called by now.
//!
//! A row is known by a hash over it and all rows before it. A file that grew begins with known rows; so does one that
//! was renamed or cut. A file that was changed in its middle does not go on where the known one ended, and is refused:
//! its later rows would count twice.

use rusqlite::{Connection, OptionalExtension, Statement, named_params, params};

use super::{LedgerError, SiteId};
use crate::domain::RowChain;

/// New rows that may equal stored ones where rows have a day and no time: more are a copy, if the new rows begin with
/// them or they are more than half of them.
const LIKE_ROWS_MAX: u64 = 2;

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
    /// New rows that equal stored ones, and whether no other came between so far.
    like: u64,
    is_like_run: bool,
    row: u64,
}

/// What a row of a followed file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It was there before, and its job with it.
    Taken(i64),
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
            like: 0,
            is_like_run: true,
            row: 0,
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
        self.row = row_number;
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
            return Ok(job.map_or(Place::Passed, Place::Taken));
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

    /// Looks at a new row: `is_like` says whether a stored job equals it, `is_older` whether stored jobs are younger.
    ///
    /// The same second, user, printer, document and pages again are the same event, unless the line before is known and
    /// the two stand at the end of what was. A day without a time says less: some equal lines may be new ones.
    pub(super) fn saw(&mut self, is_like: bool, is_older: bool, second: i64) -> Result<(), LedgerError> {
        const DAY_SECONDS: i64 = 24 * 60 * 60;
        let has_time = second % DAY_SECONDS != 0;
        let is_fresh = self.generation.is_none_or(|generation| generation == self.report);
        if is_like && has_time && (is_fresh || is_older) {
            return Err(LedgerError::FollowedCopy { row: self.row });
        }
        self.is_like_run &= is_like;
        self.like += u64::from(is_like);
        if self.is_like_run && self.like > LIKE_ROWS_MAX {
            return Err(LedgerError::FollowedCopy { row: self.row });
        }
        Ok(())
    }

    /// Looks at the whole.
    pub(super) fn finish(&self) -> Result<(), LedgerError> {
        if self.like > LIKE_ROWS_MAX && self.like * 2 > self.new {
            return Err(LedgerError::FollowedCopy { row: self.row });
        }
        Ok(())
    }
}
