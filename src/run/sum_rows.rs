//! Rows of sums and balances on their way in: what a row is, and what is kept of it.

use super::balances::BalanceBook;
use super::intake::{IngestError, Intake, ListedSum, unmatched};
use super::lookalike::{Kind, lookalikes};
use super::sums::{Ending, subject_of};
use super::taking::Taking;
use crate::domain::{
    BalanceRow, Finding, Fingerprint, JobState, Period, Severity, Source, SumRow, fold_name,
};
use crate::ledger::{JobNames, KeyedJob, LedgerError, RowIs};

impl Taking<'_, '_> {
    /// Takes a row of sums: once for a period, and never beside sums of other days that it shares.
    pub(super) fn sum(&mut self, row: &SumRow<'_>) -> Result<(), IngestError> {
        let (source, name) = subject_of(row.user, row.account);
        if self.overlap.is_none()
            && let Some(period) = self.period
            && let Some((other, report)) = self.sums.overlapping(source, period)
        {
            if self.bill_from == source {
                return Err(IngestError::SumsOverlap { period, other, report });
            }
            self.overlap = Some((period, other, report));
        }
        if let Some(period) = self.period.filter(|period| period.last_day() >= self.today)
            && self.bill_from == source
        {
            return Err(IngestError::SumsUnfinished { period, today: self.today });
        }
        let judged = self.sums.sum(row, self.period);
        match (self.period, judged.is_kept) {
            (Some(period), true) => self.keep_sum(row, source, period, judged.is)?,
            // A reader never hands over a sum of no days.
            (None, true) => return Err(IngestError::Reader),
            (_, false) => {
                self.ingest.set_source(source);
                self.ingest.tally(judged.is, row.cost);
            }
        }
        match source {
            Source::AccountSums => self.seen_accounts.push(name.to_owned()),
            Source::UserSums | Source::Jobs => self.seen_users.push(name.to_owned()),
        }
        self.list_sum(ListedSum {
            row: row.row,
            name: name.to_owned(),
            job_type: row.job_type.unwrap_or("").to_owned(),
            jobs: row.jobs,
            pages: row.pages,
            amount: row.cost.unwrap_or_default(),
            is: judged.is,
        });
        if let Some(finding) = judged.finding {
            self.note(finding);
        }
        Ok(())
    }

    fn list_sum(&mut self, sum: ListedSum) {
        if self.listed_sums.len() < self.jobs_listed {
            self.listed_sums.push(sum);
        }
    }

    /// Keeps a sum as one row of the ledger, on the last second of its period.
    fn keep_sum(
        &mut self,
        row: &SumRow<'_>,
        source: Source,
        period: Period,
        is: RowIs,
    ) -> Result<(), LedgerError> {
        let account = row.account.unwrap_or("");
        let job_type = row.job_type.unwrap_or("");
        let end = period.day_after().and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
        let subject = format!("{period} {job_type} {}", fold_name(account));
        let names = JobNames {
            user: self.ingest.user(row.user.unwrap_or(""))?,
            account: self.ingest.account(account)?,
            printer: self.ingest.printer("")?,
            job_type: self.ingest.job_type(job_type)?,
            paper_size: None,
        };
        let sum = KeyedJob {
            row: row.row,
            second: end - 1,
            fingerprint: Fingerprint::of(source.as_str(), &subject, 0),
            names,
            has_account: row.account.is_some(),
            document: None,
            pages: row.pages.unwrap_or(0),
            colour_pages: row.colour_pages,
            duplex: None,
            grayscale: None,
            cost: row.cost,
            state: JobState::Charged,
            chain: None,
            source,
            jobs: row.jobs.unwrap_or(1),
        };
        self.ingest.sum(&sum, is)
    }

    /// Counts a balance: it stays out of the report's sums of money.
    pub(super) fn balance(&mut self, row: &BalanceRow<'_>) {
        let Some(book) = self.balances.as_deref_mut() else { return };
        let judged = book.balance(row, &self.exclude_accounts);
        self.ingest.tally(judged.is, None);
        self.list_sum(ListedSum {
            row: row.row,
            name: subject_of(row.user, row.account).1.to_owned(),
            job_type: String::new(),
            jobs: None,
            pages: None,
            amount: row.balance,
            is: judged.is,
        });
        if let Some(finding) = judged.finding {
            self.note(finding);
        }
    }

    /// Ends a report of sums or balances: differences to earlier ones, names that look alike, exclusions without a
    /// row.
    pub(super) fn end_sums(&mut self, intake: &Intake<'_>) -> Result<(), LedgerError> {
        let Ending { mut findings, renamed } = self.sums.finish_report(&self.report_name);
        for (old, new) in renamed {
            self.ingest.maybe_renamed(&old, &new)?;
        }
        if let Some((period, other, report)) = self.overlap.take() {
            let message = format!(
                "these sums are of {period}, and {report} has sums of {other}: what both hold cannot be told apart"
            );
            findings.push(Finding::new(Severity::Warning, "sums-overlap", message));
        }
        let has_sums = !self.seen_users.is_empty() || !self.seen_accounts.is_empty();
        if let Some(period) = self.period.filter(|period| has_sums && period.last_day() >= self.today) {
            let message = format!("the period {period} is not over, so these sums may still grow");
            findings.push(Finding::new(Severity::Warning, "sums-unfinished", message));
        }
        let mut seen = self.sums.seen_accounts();
        seen.extend(self.balances.as_deref().map(BalanceBook::seen_accounts).unwrap_or_default());
        let (users, accounts) =
            (std::mem::take(&mut self.seen_users), std::mem::take(&mut self.seen_accounts));
        if users.is_empty() && accounts.is_empty() && seen.is_empty() {
            return Ok(());
        }
        findings.extend(lookalikes(Kind::Users, users.iter().map(String::as_str)));
        findings.extend(lookalikes(Kind::Accounts, accounts.iter().map(String::as_str)));
        findings.extend(unmatched(intake, &seen));
        self.findings.append(&mut findings);
        Ok(())
    }
}
