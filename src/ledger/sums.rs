//! Sums of periods, as reports of sums gave them: kept as rows of the job table that stand for many jobs.

use rusqlite::named_params;

use super::stored::{period_of, source_number, source_of};
use super::{Ledger, LedgerError, SiteId};
use crate::domain::{Finding, Money, Period, Severity, Source};

/// A period's sum of one user or one shared account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSum {
    /// Whose it is.
    pub source: Source,
    /// The report's own period.
    pub period: Option<Period>,
    /// The user as first seen; empty where it is an account's.
    pub user: String,
    /// The shared account as first seen; empty where it is a user's.
    pub account: String,
    /// Job type, where the report splits by it; else empty.
    pub job_type: String,
    /// Pages.
    pub pages: i64,
    /// PaperCut's cost.
    pub cost: Money,
    /// File name of the report.
    pub report: String,
}

impl Ledger {
    /// All sums of a site, in the order in which they came. They are asked for by the last second of their reports' days,
    /// since the jobs beside them are many.
    pub fn sums(&self, site: SiteId) -> Result<Vec<StoredSum>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT job.source, period_first, period_last, user.name, coalesce(account.name, ''),
             coalesce(job_type.name, ''), pages, coalesce(job.cost, 0), report.name FROM report
             CROSS JOIN job ON job.site_id = report.site_id AND second = unixepoch(period_last) + 86399
             AND job.report_id = report.id AND job.source <> 0
             JOIN user ON user.id = user_id LEFT JOIN account ON account.id = account_id
             LEFT JOIN job_type ON job_type.id = job_type_id
             WHERE report.site_id = :site AND report.source <> 0 AND user.current_id IS NULL ORDER BY job.id",
        )?;
        let mut rows = statement.query(named_params! { ":site": site.0 })?;
        let mut sums = Vec::new();
        while let Some(row) = rows.next()? {
            let days: (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
            let period = match days {
                (Some(first), Some(last)) => Some(period_of(&first, &last)?),
                _ => None,
            };
            sums.push(StoredSum {
                source: source_of(row.get(0)?)?,
                period,
                user: row.get(3)?,
                account: row.get(4)?,
                job_type: row.get(5)?,
                pages: row.get(6)?,
                cost: Money::from_millionths(row.get(7)?),
                report: row.get(8)?,
            });
        }
        Ok(sums)
    }

    /// What reports of such sums, of days that end in the period, say otherwise than earlier ones of the same days.
    pub fn sum_findings(
        &self,
        site: SiteId,
        source: Source,
        period: Period,
    ) -> Result<Vec<Finding>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT code, message, name FROM report_finding JOIN report ON report.id = report_id
             WHERE site_id = :site AND source = :source AND period_last BETWEEN :first AND :last
             AND code IN ('sum-differs', 'sum-missing', 'sum-late') ORDER BY report_finding.id",
        )?;
        let values = named_params! {
            ":site": site.0,
            ":source": source_number(source),
            ":first": period.first_day().to_string(),
            ":last": period.last_day().to_string(),
        };
        let rows = statement.query_map(values, |row| {
            let (code, message, name): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Finding::new(Severity::Warning, Finding::kept_code(&code), message).in_file(&name))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Reports of sums that end in the period and do not lie wholly in it: their sums cannot be divided.
    pub fn sums_across(
        &self,
        site: SiteId,
        period: Period,
        source: Source,
    ) -> Result<Vec<(String, Period)>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT name, period_first, period_last FROM report WHERE site_id = :site AND source = :source
             AND new_count > 0 AND period_last >= :first AND period_first <= :last
             AND (period_first < :first OR period_last > :last) ORDER BY id",
        )?;
        let mut rows = statement.query(named_params! {
            ":site": site.0,
            ":source": source_number(source),
            ":first": period.first_day().to_string(),
            ":last": period.last_day().to_string(),
        })?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push((row.get(0)?, period_of(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?)?));
        }
        Ok(found)
    }
}
