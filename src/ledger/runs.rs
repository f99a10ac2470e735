//! Runs, and findings that were already told: a night without news stays silent.

use rusqlite::{OptionalExtension, named_params};

use super::deliveries::insert_delivery;
use super::{Ledger, LedgerError, NewDelivery};
use crate::domain::Finding;

/// What tells a finding from others: its site, code and whole sentence.
fn finding_key(site: &str, finding: &Finding) -> String {
    [site, finding.code, &finding.to_string()].join("|")
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// When it began, RFC 3339.
    pub started_at: String,
    /// The command.
    pub command: String,
    /// What it did, in a sentence.
    pub outcome: String,
    /// Its exit code.
    pub exit_code: i64,
}

/// A finding as it was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFinding {
    /// Severity word.
    pub severity: String,
    /// Code.
    pub code: String,
    /// The whole sentence with its place.
    pub message: String,
    /// When it was first seen, RFC 3339.
    pub first_seen_at: String,
}

impl Ledger {
    /// Writes down a run.
    pub fn add_run(&self, run: &RunRecord) -> Result<(), LedgerError> {
        self.connection.execute(
            "INSERT INTO run (started_at, command, outcome, exit_code) VALUES (:at, :command, :outcome, :code)",
            named_params! {
                ":at": run.started_at,
                ":command": run.command,
                ":outcome": run.outcome,
                ":code": run.exit_code,
            },
        )?;
        Ok(())
    }

    /// The latest runs, newest first.
    pub fn last_runs(&self, most: u32) -> Result<Vec<RunRecord>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT started_at, command, outcome, exit_code FROM run ORDER BY id DESC LIMIT :most",
        )?;
        let rows = statement.query_map(named_params! { ":most": most }, |row| {
            Ok(RunRecord {
                started_at: row.get(0)?,
                command: row.get(1)?,
                outcome: row.get(2)?,
                exit_code: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a finding of a site was told before and is still open.
    pub fn is_told(&self, site: &str, finding: &Finding) -> Result<bool, LedgerError> {
        let told: Option<bool> = self
            .connection
            .query_row(
                "SELECT open FROM finding WHERE key = :key",
                named_params! { ":key": finding_key(site, finding) },
                |row| row.get(0),
            )
            .optional()?;
        Ok(told == Some(true))
    }

    /// Writes down a summary: its mail, the findings that it tells, and how far it has seen. A finding of an
    /// earlier summary that is not among them is closed, unless a report brought it.
    pub fn write_summary(
        &self,
        mail: Option<&NewDelivery<'_>>,
        findings: &[(String, Finding)],
        at: &str,
    ) -> Result<(), LedgerError> {
        let transaction = self.connection.unchecked_transaction()?;
        if let Some(mail) = mail {
            insert_delivery(&transaction, None, mail)?;
        }
        transaction
            .execute(
                "UPDATE finding SET open = 0 WHERE code IN ('suspense', 'period-not-covered', 'before-first-period',
                 'taken-back', 'user-maybe-renamed', 'issued-jobs-without-payer', 'bill-from-changed', 'papercut-not-read',
                 'balance-not-read', 'balance-unexplained', 'balance-named', 'balance-change-held', 'balance-target',
                 'report-not-fetched', 'report-not-written', 'report-ambiguous', 'balance-of-gone', 'report-unfinished', 'users-not-in-directory',
                 'accounts-not-in-directory', 'members-not-on-server', 'accounts-not-on-server', 'account-renamed',
                 'user-maybe-renamed-on-server', 'overage-not-read', 'overage-unclear')",
                [],
            )?;
        for (site, finding) in findings {
            transaction.execute(
                "INSERT INTO finding (key, severity, code, message, first_seen_at, last_seen_at, open)
                 VALUES (:key, :severity, :code, :message, :at, :at, 1)
                 ON CONFLICT (key) DO UPDATE SET last_seen_at = :at, open = 1",
                named_params! {
                    ":key": finding_key(site, finding),
                    ":severity": finding.severity.as_str(),
                    ":code": finding.code,
                    ":message": finding.to_string(),
                    ":at": at,
                },
            )?;
        }
        transaction.execute(
            "INSERT INTO summary (written_at, report_mark, batch_mark)
             SELECT :at, (SELECT coalesce(max(id), 0) FROM report), (SELECT coalesce(max(id), 0) FROM batch)",
            named_params! { ":at": at },
        )?;
        Ok(transaction.commit()?)
    }

    /// How many summaries were written down.
    pub fn summary_count(&self) -> Result<i64, LedgerError> {
        Ok(self.connection.query_row("SELECT count(*) FROM summary", [], |row| row.get(0))?)
    }

    /// Up to which report and batch summaries have told.
    pub fn summary_marks(&self) -> Result<(i64, i64), LedgerError> {
        let found = self
            .connection
            .query_row("SELECT report_mark, batch_mark FROM summary ORDER BY id DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        Ok(found.unwrap_or((0, 0)))
    }

    /// Findings that are open, oldest first.
    pub fn open_findings(&self) -> Result<Vec<StoredFinding>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT severity, code, message, first_seen_at FROM finding WHERE open = 1 ORDER BY id",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(StoredFinding {
                severity: row.get(0)?,
                code: row.get(1)?,
                message: row.get(2)?,
                first_seen_at: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Looks for anything in the ledger that contradicts itself; each sentence is one fault.
    pub fn integrity(&self) -> Result<Vec<String>, LedgerError> {
        let mut faults = Vec::new();
        let quick: String = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if quick != "ok" {
            faults.push(format!("the ledger file is damaged: {quick}"));
        }
        let broken: i64 =
            self.connection
                .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
        if broken > 0 {
            faults.push(format!("{broken} rows name something that is not there"));
        }
        let checks = [
            (
                "SELECT count(*) FROM report WHERE row_count <> new_count + repeated_count + not_billable_count
                 + rejected_count OR cost <> new_cost + repeated_cost + not_billable_cost + rejected_cost",
                "reports whose rows or sums do not add up",
            ),
            (
                "SELECT count(*) FROM report WHERE rejected_count
                 <> (SELECT count(*) FROM rejection WHERE report_id = report.id)",
                "reports whose rejected rows are not all there",
            ),
            (
                "SELECT count(*) FROM (SELECT 1 FROM line_job WHERE open = 1 GROUP BY job_id, class
                 HAVING count(*) > 1)",
                "jobs that more than one line bills",
            ),
            (
                "SELECT count(*) FROM invoice_line WHERE quantity * unit_price <> net",
                "lines whose quantity times price is not their net",
            ),
        ];
        for (sql, what) in checks {
            let count: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        Ok(faults)
    }
}
