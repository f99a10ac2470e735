//! Jobs handed out one by one: for billing, totals and explanations.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use rusqlite::{Row, named_params};

use super::stored::{day_start, source_number, source_of, state_of, time_of};
use super::{BalanceOf, Ledger, LedgerError, SiteId};
use crate::domain::{JobState, Money, Period, Source};

/// Names of a site by number, for whoever streams jobs.
#[derive(Debug, Default)]
pub struct NameTable {
    /// Users, as first seen.
    pub users: HashMap<i64, String>,
    /// Users that were renamed: their jobs are the same again.
    pub former_users: HashMap<i64, i64>,
    /// Shared accounts, as first seen.
    pub accounts: HashMap<i64, String>,
    /// Printers.
    pub printers: HashMap<i64, String>,
    /// Job types.
    pub job_types: HashMap<i64, String>,
    /// Paper sizes.
    pub paper_sizes: HashMap<i64, String>,
}

/// What billing and totals need of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobFact {
    /// Number of the job: counts arrivals.
    pub id: i64,
    /// Wall-clock second of the site.
    pub second: i64,
    /// User.
    pub user: i64,
    /// Shared account; `None` for the personal account.
    pub account: Option<i64>,
    /// Printer.
    pub printer: i64,
    /// Job type; `None` is a print.
    pub job_type: Option<i64>,
    /// Paper size.
    pub paper_size: Option<i64>,
    /// Pages, copies included.
    pub pages: i64,
    /// Colour pages among them.
    pub colour_pages: i64,
    /// PaperCut's cost; `None` where the report kind has none.
    pub cost: Option<Money>,
    /// State.
    pub state: JobState,
    /// Jobs that it stands for: one, or those of a sum.
    pub jobs: i64,
    /// What it is one of.
    pub source: Source,
}

/// A job with its report row, for explanations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredJob {
    /// The facts.
    pub fact: JobFact,
    /// When, on the site's clock.
    pub time: NaiveDateTime,
    /// File name of the report that brought it.
    pub report: String,
    /// Line of that file.
    pub row: i64,
    /// Document name, where it is kept.
    pub document: Option<String>,
    /// What later reports changed, as sentences.
    pub changes: Vec<String>,
}

const FACT: &str = "SELECT id, second, user_id, account_id, printer_id, job_type_id, paper_size_id, pages,
    colour_pages, cost, state, job_count, source FROM job
    WHERE site_id = :site AND second >= :first AND second < :end AND source = :source
    ORDER BY second, fingerprint, user_id, occurrence";

const FACT_BILLED_OTHERWISE: &str =
    "SELECT id, second, user_id, account_id, printer_id, job_type_id, paper_size_id,
    pages, colour_pages, cost, state, job_count, source FROM job JOIN line_job ON job_id = id AND open = 1
    WHERE site_id = :site AND second >= :first AND second < :end AND source <> :source
    GROUP BY id ORDER BY id";

const FACT_SETTLED_OTHERWISE: &str =
    "SELECT job.id, second, job.user_id, job.account_id, printer_id, job_type_id, paper_size_id, pages, colour_pages,
    job.cost, state, job_count, source FROM job JOIN settlement ON settlement.job_id = job.id
    WHERE site_id = :site AND second >= :first AND second < :end AND source <> :source
    AND NOT EXISTS (SELECT 1 FROM line_job WHERE line_job.job_id = job.id AND open = 1) GROUP BY job.id ORDER BY job.id";

/// Reads the thirteen columns that every query here begins with.
fn fact(row: &Row<'_>) -> Result<JobFact, LedgerError> {
    Ok(JobFact {
        id: row.get(0)?,
        second: row.get(1)?,
        user: row.get(2)?,
        account: row.get(3)?,
        printer: row.get(4)?,
        job_type: row.get(5)?,
        paper_size: row.get(6)?,
        pages: row.get(7)?,
        colour_pages: row.get(8)?,
        cost: row.get::<_, Option<i64>>(9)?.map(Money::from_millionths),
        state: state_of(row.get(10)?)?,
        jobs: row.get(11)?,
        source: source_of(row.get(12)?)?,
    })
}

/// The days of two seconds.
fn days_of(first: Option<i64>, last: Option<i64>) -> Result<Option<Period>, LedgerError> {
    match (first, last) {
        (Some(first), Some(last)) => Ok(Period::of_days(time_of(first)?.date(), time_of(last)?.date())),
        _ => Ok(None),
    }
}

impl Ledger {
    /// Hands out every job, or every sum of the source, of a site and period, in order of time. A sum lies on the last
    /// day of its report.
    pub fn each_job<E: From<LedgerError>>(
        &self,
        site: SiteId,
        period: Period,
        source: Source,
        take: impl FnMut(JobFact) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_fact(FACT, site, period, source, take)
    }

    /// Hands out what other sources have in the period and a line bills: the site was billed from them before.
    pub fn each_billed_otherwise<E: From<LedgerError>>(
        &self,
        site: SiteId,
        period: Period,
        source: Source,
        take: impl FnMut(JobFact) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_fact(FACT_BILLED_OTHERWISE, site, period, source, take)
    }

    /// Hands out what other sources have in the period, balances were changed for, and no line bills any more.
    pub fn each_settled_otherwise<E: From<LedgerError>>(
        &self,
        site: SiteId,
        period: Period,
        source: Source,
        take: impl FnMut(JobFact) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each_fact(FACT_SETTLED_OTHERWISE, site, period, source, take)
    }

    /// Hands out what one of this module's queries finds.
    fn each_fact<E: From<LedgerError>>(
        &self,
        sql: &'static str,
        site: SiteId,
        period: Period,
        source: Source,
        mut take: impl FnMut(JobFact) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.connection.prepare(sql).map_err(LedgerError::from)?;
        let values = named_params! {
            ":site": site.0,
            ":first": day_start(period.first_day()),
            ":end": day_start(period.day_after()),
            ":source": source_number(source),
        };
        let mut rows = statement.query(values).map_err(LedgerError::from)?;
        while let Some(row) = rows.next().map_err(LedgerError::from)? {
            take(fact(row)?)?;
        }
        Ok(())
    }

    /// How many rows of other sources a line bills in the period: the site was billed from them before.
    pub fn billed_otherwise(&self, site: SiteId, period: Period, source: Source) -> Result<i64, LedgerError> {
        let mut count = 0;
        self.each_billed_otherwise(site, period, source, |_| {
            count += 1;
            Ok::<(), LedgerError>(())
        })?;
        Ok(count)
    }

    /// The first and last second of a site's jobs, as the period of their days.
    pub fn job_days(&self, site: SiteId) -> Result<Option<Period>, LedgerError> {
        let (first, last): (Option<i64>, Option<i64>) = self.connection.query_row(
            "SELECT (SELECT min(second) FROM job WHERE site_id = :site),
             (SELECT max(second) FROM job WHERE site_id = :site)",
            named_params! { ":site": site.0 },
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        days_of(first, last)
    }

    /// The days of the jobs of a site that arrived after a mark.
    pub fn days_after(&self, site: SiteId, mark: Marks) -> Result<Option<Period>, LedgerError> {
        let (first, last): (Option<i64>, Option<i64>) = self.connection.query_row(
            "SELECT min(second), max(second) FROM job WHERE id > :job AND site_id = :site",
            named_params! { ":job": mark.job, ":site": site.0 },
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        days_of(first, last)
    }

    /// A job with its report row and its changes.
    pub fn stored_job(&self, id: i64) -> Result<StoredJob, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT job.id, second, user_id, account_id, printer_id, job_type_id, paper_size_id, pages, colour_pages,
             job.cost, state, job_count, job.source, report.name, row_number, document FROM job JOIN report ON report.id = job.report_id
             WHERE job.id = :id",
        )?;
        let mut rows = statement.query(named_params! { ":id": id })?;
        let Some(row) = rows.next()? else {
            return Err(LedgerError::Unreadable { what: "a job number", found: id.to_string() });
        };
        let fact = fact(row)?;
        Ok(StoredJob {
            time: time_of(fact.second)?,
            report: row.get(13)?,
            row: row.get(14)?,
            document: row.get(15)?,
            changes: self.changes(id)?,
            fact,
        })
    }

    /// What later reports changed of a job, as sentences.
    fn changes(&self, id: i64) -> Result<Vec<String>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT field, was, became, report.name, row_number FROM job_change
             JOIN report ON report.id = report_id WHERE job_id = :id ORDER BY job_change.id",
        )?;
        let rows = statement.query_map(named_params! { ":id": id }, |row| {
            let (field, was, became): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (report, number): (String, i64) = (row.get(3)?, row.get(4)?);
            Ok((field, was, became, report, number))
        })?;
        rows.map(|row| {
            let (field, was, became, report, number) = row?;
            let (was, became) = (self.shown(&field, &was)?, self.shown(&field, &became)?);
            let field = field.trim_end_matches("_id").replace('_', " ");
            Ok(format!("{field} was {was}, became {became} in {report}, row {number}"))
        })
        .collect()
    }

    /// A changed value as a person reads it.
    fn shown(&self, field: &str, value: &str) -> Result<String, LedgerError> {
        let number = value.parse::<i64>().ok();
        let name = |sql: &'static str| -> Result<String, LedgerError> {
            let Some(id) = number else { return Ok("none".to_owned()) };
            Ok(self.connection.query_row(sql, named_params! { ":id": id }, |row| row.get(0))?)
        };
        match field {
            "account_id" => name("SELECT name FROM account WHERE id = :id"),
            "job_type_id" => name("SELECT name FROM job_type WHERE id = :id"),
            "paper_size_id" => name("SELECT name FROM paper_size WHERE id = :id"),
            "cost" => Ok(number.map_or("none".to_owned(), |cost| Money::from_millionths(cost).to_string())),
            "state" => Ok(state_of(number.unwrap_or(-1))?.to_string()),
            _ => Ok(value.to_owned()),
        }
    }

    /// The names of a site.
    pub fn names(&self, site: SiteId) -> Result<NameTable, LedgerError> {
        let table = |sql: &'static str| -> Result<HashMap<i64, String>, LedgerError> {
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement
                .query_map(named_params! { ":site": site.0 }, |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        let mut former = self
            .connection
            .prepare("SELECT id, current_id FROM user WHERE site_id = :site AND current_id IS NOT NULL")?;
        let former_users = former
            .query_map(named_params! { ":site": site.0 }, |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(NameTable {
            users: table("SELECT id, name FROM user WHERE site_id = :site")?,
            former_users,
            accounts: table("SELECT id, name FROM account WHERE site_id = :site")?,
            printers: table("SELECT id, name FROM printer WHERE site_id = :site")?,
            job_types: table("SELECT id, name FROM job_type WHERE :site > 0")?,
            paper_sizes: table("SELECT id, name FROM paper_size WHERE :site > 0")?,
        })
    }

    /// The marks up to which jobs and changes have arrived: what a batch has seen.
    pub fn marks(&self) -> Result<Marks, LedgerError> {
        Ok(self.connection.query_row(
            "SELECT (SELECT coalesce(max(id), 0) FROM job), (SELECT coalesce(max(id), 0) FROM job_change)",
            [],
            |row| Ok(Marks { job: row.get(0)?, change: row.get(1)? }),
        )?)
    }

    /// Whether jobs of the period arrived, or changed, after those marks.
    pub fn arrived_since(&self, site: SiteId, period: Period, marks: Marks) -> Result<bool, LedgerError> {
        let (first, end) = (day_start(period.first_day()), day_start(period.day_after()));
        let found: bool = self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM job WHERE id > :job AND site_id = :site AND second >= :first AND second < :end)
             OR EXISTS (SELECT 1 FROM job_change JOIN job ON job.id = job_id WHERE job_change.id > :change
                        AND site_id = :site AND second >= :first AND second < :end)",
            named_params! { ":job": marks.job, ":change": marks.change, ":site": site.0, ":first": first, ":end": end },
            |row| row.get(0),
        )?;
        Ok(found)
    }
}

impl Ledger {
    /// Jobs of the period that a later report changed after those marks.
    pub fn changed_jobs(&self, site: SiteId, period: Period, marks: Marks) -> Result<Vec<i64>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT DISTINCT job_id FROM job_change JOIN job ON job.id = job_id WHERE job_change.id > :change
             AND job.id <= :job AND site_id = :site AND second >= :first AND second < :end ORDER BY job_id",
        )?;
        let values = named_params! {
            ":change": marks.change,
            ":job": marks.job,
            ":site": site.0,
            ":first": day_start(period.first_day()),
            ":end": day_start(period.day_after()),
        };
        let rows = statement.query_map(values, |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Ledger {
    /// What changes of jobs after a mark gave back, or took: refunds, and costs that became lower or higher. With the
    /// balance that had paid, and the job's second.
    pub fn given_back(
        &self,
        site: SiteId,
        change_mark: i64,
    ) -> Result<Vec<(BalanceOf, i64, Money)>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT user_id, account_id, second, field, was, became, coalesce(cost, 0), state FROM job_change
             JOIN job ON job.id = job_id WHERE job_change.id > :mark AND site_id = :site AND source = 0
             AND field IN ('state', 'cost') ORDER BY job_change.id",
        )?;
        let mut rows = statement.query(named_params! { ":mark": change_mark, ":site": site.0 })?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (field, was, became): (String, String, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
            let (cost, state): (i64, i64) = (row.get(6)?, row.get(7)?);
            let number = |text: &str| text.parse::<i64>().unwrap_or_default();
            let amount = match (field.as_str(), number(&was), number(&became)) {
                ("state", 0, _) => cost,
                ("state", _, 0) => -cost,
                ("cost", was, became) if state == 0 => was - became,
                _ => 0,
            };
            let balance = BalanceOf::job(row.get(0)?, row.get(1)?);
            found.push((balance, row.get(2)?, Money::from_millionths(amount)));
        }
        Ok(found)
    }
}

/// How far the ledger had grown at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Number of the newest job.
    pub job: i64,
    /// Number of the newest change.
    pub change: i64,
}
