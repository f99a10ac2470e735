//! Takes one report's rows into the ledger: all of them or none.
//!
//! A row meets the stored jobs of its site, second, fingerprint and user. The first of them that this report
//! has not matched yet is the same job (one whose other columns are equal is preferred); where all are
//! matched, the row is one more occurrence. So the stored number of equal jobs is the largest number in any
//! one report, in whatever order reports come. What has been matched is one bit for each stored job.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Statement, Transaction, named_params, params};

use super::bits::Bits;
use super::followed::{Followed, Place};
use super::ingested::{Counted, Ingested, RowIs, Sums};
use super::keyed::KeyedJob;
use super::names::{Names, SiteId, apply_aliases};
use super::order::Order;
use super::read_ahead::{Candidate, ReadAhead};
use super::reports::{
    Documents, ReportOrigin, insert_report, keep_findings, lookalike_finding, update_report,
    with_other_columns,
};
use super::stored::{source_number, state_number};
use super::{Ledger, LedgerError};
use crate::domain::{Exact, Finding, JobState, Money, Period, Rejection, RowChain, Source, fold_name};

/// One report on its way into the ledger. Dropped before [`Ingest::finish`], it leaves no trace.
#[derive(Debug)]
pub struct Ingest<'l> {
    transaction: Transaction<'l>,
    stored: ReadAhead<'l>,
    insert: Statement<'l>,
    site: SiteId,
    report_id: i64,
    documents: Documents,
    names: Names,
    aliases: HashMap<String, String>,
    /// Names as they stand in rows → number, after aliases.
    users: HashMap<String, i64>,
    /// Up to this second stored jobs may be the same as rows of this report.
    known_until: i64,
    matched: Bits,
    order: Order,
    counted: Counted,
    sums: Sums,
    changed: u64,
    /// Where the report is a file that is followed.
    followed: Option<Followed<'l>>,
    connection: &'l rusqlite::Connection,
    report_source: Source,
    /// The first and last second of its jobs.
    seconds: Option<(i64, i64)>,
    /// Stored user and row's user of jobs that differ in nothing else → how many.
    lookalikes: BTreeMap<(i64, i64), u64>,
}

const INSERT: &str = "INSERT INTO job (site_id, second, fingerprint, user_id, occurrence, account_id, printer_id,
    job_type_id, paper_size_id, pages, colour_pages, duplex, grayscale, cost, state, report_id, row_number, document)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
    ON CONFLICT (site_id, second, fingerprint, user_id, occurrence) DO NOTHING";

impl Ledger {
    /// Begins to take in a report that the ledger does not have.
    pub fn begin_ingest(&self, origin: &ReportOrigin<'_>) -> Result<Ingest<'_>, LedgerError> {
        // The keys of a job row come from this module's own tables; checking seven of them again for each of
        // a million rows would cost a third of the import. `status` checks them all.
        self.connection.pragma_update(None, "foreign_keys", false)?;
        let db = &self.connection;
        let transaction = db.unchecked_transaction()?;
        apply_aliases(db, origin.site, origin.aliases)?;
        let report_id = insert_report(db, origin)?;
        let mut aliases = HashMap::new();
        for (old, new) in origin.aliases {
            aliases.insert(fold_name(old), new.clone());
        }
        let known_until = db.query_row(
            "SELECT max(second) FROM job WHERE site_id = :site",
            named_params! { ":site": origin.site.0 },
            |row| row.get::<_, Option<i64>>(0),
        )?;
        let jobs: i64 = db.query_row("SELECT coalesce(max(id), 0) FROM job", [], |row| row.get(0))?;
        Ok(Ingest {
            stored: ReadAhead::new(db, origin.site)?,
            insert: db.prepare(INSERT)?,
            transaction,
            site: origin.site,
            report_id,
            documents: origin.documents,
            names: Names::default(),
            aliases,
            users: HashMap::new(),
            known_until: known_until.unwrap_or(i64::MIN),
            matched: Bits::up_to(jobs),
            order: Order::new(db, origin.site, report_id, origin.facts.period)?,
            counted: Counted::default(),
            sums: Sums::default(),
            changed: 0,
            followed: None,
            connection: db,
            report_source: Source::Jobs,
            seconds: None,
            lookalikes: BTreeMap::new(),
        })
    }
}

impl Ingest<'_> {
    /// Takes a job whose names were asked for before. `excluded` says that the operator leaves it out of all
    /// bills.
    pub fn keyed(&mut self, job: &KeyedJob<'_>, excluded: bool) -> Result<RowIs, LedgerError> {
        // Behind the last stored second nothing of another report can be: the row is new, and only its
        // occurrence is asked for.
        let added = match job.chain {
            Some(chain) => self.follow(job, chain)?,
            None if job.second <= self.known_until => self.place(job)?,
            None => self.add(job, 1)?,
        };
        self.order.saw(job.second);
        let (first, last) = self.seconds.unwrap_or((job.second, job.second));
        self.seconds = Some((first.min(job.second), last.max(job.second)));
        Ok(self.count(job, excluded, added))
    }

    /// Takes a sum that no report gave before, for one user or one shared account. It counts as `is`.
    pub fn sum(&mut self, sum: &KeyedJob<'_>, is: RowIs) -> Result<(), LedgerError> {
        self.report_source = sum.source;
        self.add(sum, 1)?;
        // Jobs are many and have these columns' defaults; sums are few.
        self.transaction
            .prepare_cached("UPDATE job SET source = ?2, job_count = ?3 WHERE id = ?1")?
            .execute(params![self.transaction.last_insert_rowid(), source_number(sum.source), sum.jobs])?;
        self.tally(is, sum.cost);
        Ok(())
    }

    /// Notes that a user of the report may be one whom an earlier report has by another name.
    pub fn maybe_renamed(&mut self, stored: &str, row: &str) -> Result<(), LedgerError> {
        let pair = (self.user(stored)?, self.user(row)?);
        if pair.0 != pair.1 {
            *self.lookalikes.entry(pair).or_default() += 1;
        }
        Ok(())
    }

    /// Says what the report's rows are of, where it has none.
    pub fn set_source(&mut self, source: Source) {
        self.report_source = source;
    }

    /// The number of a user, after aliases.
    pub fn user(&mut self, name: &str) -> Result<i64, LedgerError> {
        if let Some(id) = self.users.get(name) {
            return Ok(*id);
        }
        let current = self.aliases.get(&fold_name(name)).map_or(name, String::as_str);
        let id = self.names.user(&self.transaction, self.site, current)?;
        self.users.insert(name.to_owned(), id);
        Ok(id)
    }

    /// The number of a shared account; an empty name is the personal account.
    pub fn account(&mut self, name: &str) -> Result<Option<i64>, LedgerError> {
        if name.is_empty() {
            return Ok(None);
        }
        self.names.account(&self.transaction, self.site, name).map(Some)
    }

    /// The number of a printer.
    pub fn printer(&mut self, name: &str) -> Result<i64, LedgerError> {
        self.names.printer(&self.transaction, self.site, name)
    }

    /// The number of a job type; an empty name is none.
    pub fn job_type(&mut self, name: &str) -> Result<Option<i64>, LedgerError> {
        if name.is_empty() {
            return Ok(None);
        }
        self.names.job_type(&self.transaction, name).map(Some)
    }

    /// The number of a paper size; an empty name is none.
    pub fn paper_size(&mut self, name: &str) -> Result<Option<i64>, LedgerError> {
        if name.is_empty() {
            return Ok(None);
        }
        self.names.paper_size(&self.transaction, name).map(Some)
    }

    /// Counts a row that gives no job of its own: a sum, a balance, one that is left out or was told before.
    pub fn tally(&mut self, is: RowIs, cost: Option<Money>) {
        let cost = cost.map(Exact::from).unwrap_or_default();
        self.counted.rows += 1;
        self.sums.all += cost;
        let (rows, sum) = match is {
            RowIs::New => (&mut self.counted.new, &mut self.sums.new),
            RowIs::Repeated => (&mut self.counted.repeated, &mut self.sums.repeated),
            RowIs::NotBillable => (&mut self.counted.not_billable, &mut self.sums.not_billable),
        };
        *rows += 1;
        *sum += cost;
    }

    /// Takes a row that could not be read.
    pub fn reject(&mut self, rejection: &Rejection) -> Result<(), LedgerError> {
        self.transaction
            .prepare_cached(
                "INSERT INTO rejection (report_id, row_number, column_name, found, expected, cost)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                self.report_id,
                i64::try_from(rejection.row).unwrap_or(i64::MAX),
                rejection.column,
                rejection.found,
                rejection.expected,
                rejection.cost.map(|cost| cost.millionths()),
            ])?;
        self.counted.rows += 1;
        self.counted.rejected += 1;
        let cost = rejection.cost.map(Exact::from).unwrap_or_default();
        self.sums.all += cost;
        self.sums.rejected += cost;
        Ok(())
    }

    /// Checks that nothing was lost and commits. `covered` are the days that the report speaks for.
    ///
    /// `findings` are kept beside the report until a summary has told of them.
    pub fn finish(self, covered: Option<Period>, findings: &[Finding]) -> Result<Ingested, LedgerError> {
        let Counted { rows, new, repeated, not_billable, rejected } = self.counted;
        if rows != new + repeated + not_billable + rejected {
            return Err(LedgerError::DoesNotAddUp(format!("{rows} rows")));
        }
        let parts = self.sums.new + self.sums.repeated + self.sums.not_billable + self.sums.rejected;
        if self.sums.all != parts {
            return Err(LedgerError::DoesNotAddUp(format!("cost {}", self.sums.all)));
        }
        if let Some(followed) = &self.followed {
            followed.finish()?;
        }
        if let (Source::Jobs, Some(seconds)) = (self.report_source, self.seconds)
            && let Some((other, column)) =
                with_other_columns(&self.transaction, self.site, self.report_id, seconds)?
        {
            return Err(LedgerError::ColumnsDiffer { other, column });
        }
        update_report(
            &self.transaction,
            self.report_id,
            &self.counted,
            &self.sums,
            covered,
            self.report_source,
        )?;
        self.keep_lookalikes()?;
        // Sums have no jobs that could be missing.
        let mut own = match self.report_source {
            Source::Jobs => self.order.findings(&self.transaction, self.site, &self.matched)?,
            Source::UserSums | Source::AccountSums => Vec::new(),
        };
        keep_findings(&self.transaction, self.report_id, findings.iter().chain(&own))?;
        // Users who look alike have a table of their own, from which they are told until it is settled.
        own.extend(self.lookalike_findings()?);
        drop((self.stored, self.insert, self.followed));
        self.transaction.commit()?;
        Ok(Ingested { counted: self.counted, sums: self.sums, changed: self.changed, findings: own })
    }

    fn keep_lookalikes(&self) -> Result<(), LedgerError> {
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO lookalike (report_id, stored_user_id, row_user_id, job_count) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for ((stored, row), jobs) in &self.lookalikes {
            insert.execute(params![self.report_id, stored, row, i64::try_from(*jobs).unwrap_or(i64::MAX)])?;
        }
        Ok(())
    }

    fn lookalike_findings(&self) -> Result<Vec<Finding>, LedgerError> {
        let name = |id: i64| -> Result<String, LedgerError> {
            let values = named_params! { ":id": id };
            Ok(self
                .transaction
                .query_row("SELECT name FROM user WHERE id = :id", values, |row| row.get(0))?)
        };
        let pairs = self.lookalikes.iter();
        pairs
            .map(|((stored, row), jobs)| Ok(lookalike_finding(&name(*stored)?, &name(*row)?, *jobs)))
            .collect()
    }

    /// Finds the stored job that the row is, and notes what changed; or adds it. True where it was added.
    fn place(&mut self, job: &KeyedJob<'_>) -> Result<bool, LedgerError> {
        let attributes = job.attributes();
        let candidates = self.stored.candidates(job.second, job.fingerprint.as_bytes())?;
        let of_user = |one: &&Candidate| one.user_id == job.names.user;
        let mut open = candidates.iter().filter(of_user).filter(|one| !self.matched.get(one.id));
        let first = open.clone().next();
        let same = open.find(|one| one.attributes.agree(&attributes, job));
        if let Some(candidate) = same.or(first).copied() {
            self.matched.set(candidate.id);
            if !candidate.attributes.agree(&attributes, job) {
                if self.order.is_outdated(job.second) {
                    self.order.outdated += 1;
                } else {
                    self.change(job, &candidate)?;
                }
            }
            return Ok(false);
        }
        let occurrence = candidates.iter().filter(of_user).map(|one| one.occurrence).max().unwrap_or(0);
        let others: Vec<i64> = candidates
            .iter()
            .filter(|one| one.user_id != job.names.user && !self.matched.get(one.id))
            .map(|one| one.user_id)
            .collect();
        for other in others {
            *self.lookalikes.entry((other, job.names.user)).or_default() += 1;
        }
        if job.state == JobState::Charged && self.order.is_outdated(job.second) {
            self.order.absent.0 += 1;
            self.order.absent.1 += job.cost.map(Exact::from).unwrap_or_default();
        }
        self.add(job, occurrence + 1)
    }

    /// Adds a row of a followed file that was not there before: an event of its own, whatever equals it.
    fn follow(&mut self, job: &KeyedJob<'_>, chain: RowChain) -> Result<bool, LedgerError> {
        if let Place::Taken(id) = self.place_of(&chain, job.row)? {
            self.matched.set(id);
            return Ok(false);
        }
        if job.second <= self.known_until {
            let attributes = job.attributes();
            let candidates = self.stored.candidates(job.second, job.fingerprint.as_bytes())?;
            let like = |one: &&Candidate| {
                one.user_id == job.names.user
                    && one.attributes.agree(&attributes, job)
                    && !self.matched.get(one.id)
            };
            let candidate = candidates.iter().find(like).map(|one| one.id);
            if let Some(id) = candidate {
                self.matched.set(id);
            }
            if let Some(followed) = &mut self.followed {
                followed.saw(candidate.is_some(), job.second < self.known_until, job.second)?;
            }
        }
        self.add(job, 1)?;
        let added = self.transaction.last_insert_rowid();
        if let Some(followed) = &mut self.followed {
            followed.keep(&chain, Some(added))?;
        }
        Ok(true)
    }

    /// Takes notice of a row of a followed file that gives no job.
    pub fn pass(&mut self, chain: RowChain, row: u64) -> Result<Place, LedgerError> {
        let place = self.place_of(&chain, row)?;
        if let (Place::New, Some(followed)) = (place, &mut self.followed) {
            followed.keep(&chain, None)?;
        }
        Ok(place)
    }

    fn place_of(&mut self, chain: &RowChain, row: u64) -> Result<Place, LedgerError> {
        let followed = match &mut self.followed {
            Some(followed) => followed,
            none => none.insert(Followed::new(self.connection, self.site, self.report_id)?),
        };
        followed.next(&self.transaction, chain, row)
    }

    /// Adds the job as the next occurrence from `occurrence` on. Those that are there already are this report's
    /// own, since all others were matched.
    fn add(&mut self, job: &KeyedJob<'_>, mut occurrence: i64) -> Result<bool, LedgerError> {
        while !self.try_add(job, occurrence)? {
            occurrence += 1;
        }
        Ok(true)
    }

    /// Adds the job; false where that occurrence is there already.
    fn try_add(&mut self, job: &KeyedJob<'_>, occurrence: i64) -> Result<bool, LedgerError> {
        let attributes = job.attributes();
        let document = match self.documents {
            Documents::Keep => job.document,
            Documents::Drop => None,
        };
        let added = self.insert.execute(params![
            self.site.0,
            job.second,
            job.fingerprint.as_bytes(),
            job.names.user,
            occurrence,
            attributes.account_id,
            job.names.printer,
            attributes.job_type_id,
            attributes.paper_size_id,
            job.pages,
            attributes.colour_pages,
            attributes.duplex,
            attributes.grayscale,
            attributes.cost,
            attributes.state,
            self.report_id,
            i64::try_from(job.row).unwrap_or(i64::MAX),
            document,
        ])?;
        if added == 1 {
            self.matched.set(self.transaction.last_insert_rowid());
        }
        Ok(added == 1)
    }

    /// Writes down what the later report says differently, and lets it hold.
    fn change(&mut self, row: &KeyedJob<'_>, stored: &Candidate) -> Result<(), LedgerError> {
        let was = stored.attributes;
        let became = was.overlaid(row.attributes(), row);
        let charged = state_number(JobState::Charged);
        if was.state != charged && became.state == charged {
            self.order.revived.0 += 1;
            self.order.revived.1 += row.cost.map(Exact::from).unwrap_or_default();
        }
        let db = &self.transaction;
        let mut note = db.prepare_cached(
            "INSERT INTO job_change (job_id, report_id, row_number, field, was, became)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (field, was, became) in was.differences(&became) {
            let row_number = i64::try_from(row.row).unwrap_or(i64::MAX);
            note.execute(params![stored.id, self.report_id, row_number, field, was, became])?;
        }
        db.prepare_cached(
            "UPDATE job SET account_id = ?2, job_type_id = ?3, paper_size_id = ?4, colour_pages = ?5, duplex = ?6,
             grayscale = ?7, cost = ?8, state = ?9 WHERE id = ?1",
        )?
        .execute(params![
            stored.id,
            became.account_id,
            became.job_type_id,
            became.paper_size_id,
            became.colour_pages,
            became.duplex,
            became.grayscale,
            became.cost,
            became.state,
        ])?;
        self.changed += 1;
        Ok(())
    }

    fn count(&mut self, job: &KeyedJob<'_>, excluded: bool, added: bool) -> RowIs {
        let is = if job.state != JobState::Charged || excluded {
            RowIs::NotBillable
        } else if added {
            RowIs::New
        } else {
            RowIs::Repeated
        };
        self.tally(is, job.cost);
        is
    }
}
