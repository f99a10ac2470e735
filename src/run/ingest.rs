//! One report file into the ledger: known bytes are a success, an unreadable file is refused as a whole, and
//! everything else is one transaction.

use std::collections::HashSet;
use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime};

use super::lookalike::lookalikes;
use crate::domain::{
    Finding, JobRow, JobState, Money, Period, Rejection, ReportFacts, ReportKind, Row, Severity, fold_name,
};
use crate::ledger::{
    Documents, Ingest, Ingested, Ledger, LedgerError, ReportOrigin, RowIs, SiteId, StoredReport,
};
use crate::sources::{self, ReadError, ReadRowsError, ReadSettings, Report};

/// Most findings that one file adds; the counts go on, so nothing is lost but the repetition.
const FINDINGS_PER_FILE_MAX: usize = 1_000;

/// How the reports of a site are taken in.
#[derive(Debug)]
pub struct Intake<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The site.
    pub site: SiteId,
    /// What the operator says where a file does not decide.
    pub settings: &'a ReadSettings,
    /// Old and new usernames.
    pub aliases: &'a [(String, String)],
    /// Accounts that are never billed.
    pub exclude_accounts: &'a [String],
    /// Printers that are never billed.
    pub ignore_printers: &'a [String],
    /// Whether document names are kept.
    pub documents: Documents,
    /// Now, RFC 3339.
    pub now: &'a str,
    /// Today at the site: no report speaks for a day that is not over.
    pub today: NaiveDate,
    /// How many jobs of the file to list.
    pub jobs_listed: usize,
}

/// A job as it was read, for the page that `check` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedJob {
    /// Line of the file.
    pub row: u64,
    /// Wall-clock time.
    pub time: NaiveDateTime,
    /// User as written.
    pub user: String,
    /// Account as `parent\sub`, or empty.
    pub account: String,
    /// Printer.
    pub printer: String,
    /// Document, where the file has one.
    pub document: Option<String>,
    /// Type.
    pub job_type: String,
    /// Pages.
    pub pages: u32,
    /// Colour pages.
    pub colour_pages: u32,
    /// Grayscale, where the file says.
    pub grayscale: Option<bool>,
    /// Cost.
    pub cost: Money,
    /// State.
    pub state: JobState,
    /// What it turned out to be.
    pub is: RowIs,
}

/// A report that is in the ledger now.
#[derive(Debug)]
pub struct TakenReport {
    /// What the file is.
    pub facts: ReportFacts,
    /// Rows and money by what they turned out to be.
    pub ingested: Ingested,
    /// The first jobs, as many as were asked for.
    pub jobs: Vec<ListedJob>,
    /// What a person should look at, in file order.
    pub findings: Vec<Finding>,
}

/// What became of a file.
#[derive(Debug)]
pub enum Outcome {
    /// Its bytes were taken in before.
    Known {
        /// What the file is.
        facts: Box<ReportFacts>,
        /// The report as it was taken in.
        stored: StoredReport,
    },
    /// It was taken in now.
    Taken(Box<TakenReport>),
}

/// Why a file was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The file cannot be read as a report; nothing of it was kept.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its kind is recognised, but holds no jobs to bill.
    #[error("this is a {0}: papertally bills from print logs; its sums are not taken in")]
    NoJobs(ReportKind),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Takes one file in, or says why not. `progress` is told of every row.
pub fn ingest(
    intake: &Intake<'_>,
    path: &Path,
    name: &str,
    progress: &mut dyn FnMut(u64),
) -> Result<Outcome, IngestError> {
    let report = sources::examine(path, intake.settings)?;
    let facts = report.facts().clone();
    if let Some(stored) = intake.ledger.known_report(&facts.sha256)? {
        return Ok(Outcome::Known { facts: Box::new(facts), stored });
    }
    let origin = ReportOrigin {
        site: intake.site,
        facts: &facts,
        name,
        ingested_at: intake.now,
        aliases: intake.aliases,
        documents: intake.documents,
    };
    let mut taking = Taking::new(intake, intake.ledger.begin_ingest(&origin)?);
    taking.read(report, progress)?;
    let Taking { ingest, jobs, mut findings, users, accounts, seconds, .. } = taking;
    let covered = covered(&facts, seconds, intake.today);
    let ingested = ingest.finish(covered)?;
    let mut all = facts.findings.clone();
    all.append(&mut findings);
    all.extend(ingested.findings.iter().cloned());
    all.extend(lookalikes("users", users.iter().map(String::as_str)));
    all.extend(lookalikes("accounts", accounts.iter().map(String::as_str)));
    all.extend(unmatched(intake, &accounts));
    Ok(Outcome::Taken(Box::new(TakenReport { facts, ingested, jobs, findings: all })))
}

/// A file on its way in.
struct Taking<'l> {
    ingest: Ingest<'l>,
    exclude_accounts: HashSet<String>,
    ignore_printers: HashSet<String>,
    jobs_listed: usize,
    jobs: Vec<ListedJob>,
    findings: Vec<Finding>,
    users: HashSet<String>,
    accounts: HashSet<String>,
    seconds: Option<(NaiveDate, NaiveDate)>,
}

impl<'l> Taking<'l> {
    fn new(intake: &Intake<'_>, ingest: Ingest<'l>) -> Taking<'l> {
        let folded = |names: &[String]| names.iter().map(|name| fold_name(name)).collect();
        Taking {
            ingest,
            exclude_accounts: folded(intake.exclude_accounts),
            ignore_printers: folded(intake.ignore_printers),
            jobs_listed: intake.jobs_listed,
            jobs: Vec::new(),
            findings: Vec::new(),
            users: HashSet::new(),
            accounts: HashSet::new(),
            seconds: None,
        }
    }

    fn read(&mut self, mut report: Report, progress: &mut dyn FnMut(u64)) -> Result<(), IngestError> {
        let read = report.read(|row| {
            match row {
                Row::Job(job) => {
                    progress(job.row);
                    self.job(&job)?;
                }
                Row::Rejected(rejection) => self.reject(&rejection)?,
                Row::Finding(finding) => self.note(finding),
                Row::Sum(_) | Row::Balance(_) => return Err(Stop::NoJobs),
            }
            Ok(())
        });
        match read {
            Ok(_) => Ok(()),
            Err(ReadRowsError::Report(error)) => Err(IngestError::Read(error)),
            Err(ReadRowsError::Taker(Stop::Ledger(error))) => Err(IngestError::Ledger(error)),
            Err(ReadRowsError::Taker(Stop::NoJobs)) => Err(IngestError::NoJobs(report.facts().kind)),
        }
    }

    fn job(&mut self, job: &JobRow<'_>) -> Result<(), LedgerError> {
        let excluded = self.exclusion(job);
        if let Some(why) = excluded {
            self.note(Finding::new(Severity::Note, "excluded", why).at_row(job.row));
        }
        let is = self.ingest.job(job, excluded.is_some())?;
        remember(&mut self.users, job.user);
        remember(&mut self.accounts, job.account.unwrap_or(""));
        let day = job.time.date();
        self.seconds = Some(self.seconds.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
        if self.jobs.len() < self.jobs_listed {
            self.jobs.push(listed(job, is));
        }
        Ok(())
    }

    /// Why the operator leaves a job out, where it is left out.
    fn exclusion(&self, job: &JobRow<'_>) -> Option<&'static str> {
        let named = |set: &HashSet<String>, name: &str| !set.is_empty() && set.contains(&fold_name(name));
        if named(&self.exclude_accounts, job.account.unwrap_or("")) {
            return Some("not billed: the account is excluded by `exclude_accounts`");
        }
        named(&self.ignore_printers, job.printer)
            .then_some("not billed: the printer is ignored by `ignore_printers`")
    }

    fn reject(&mut self, rejection: &Rejection) -> Result<(), LedgerError> {
        let message = match rejection.cost {
            Some(cost) => format!("{} (the row's cost is {cost})", rejection.message()),
            None => rejection.message(),
        };
        let finding = Finding::new(Severity::Warning, "row-rejected", message).at_row(rejection.row);
        self.note(if rejection.column.is_empty() { finding } else { finding.in_column(&rejection.column) });
        self.ingest.reject(rejection)
    }

    fn note(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_PER_FILE_MAX {
            self.findings.push(finding);
        } else if self.findings.len() == FINDINGS_PER_FILE_MAX {
            let text = format!(
                "more than {FINDINGS_PER_FILE_MAX} findings in this file: the rest is counted, not listed"
            );
            self.findings.push(Finding::new(Severity::Warning, "findings-cut", text));
        }
    }
}

/// What stops the reading from this side.
enum Stop {
    Ledger(LedgerError),
    NoJobs,
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Stop {
        Stop::Ledger(error)
    }
}

fn remember(names: &mut HashSet<String>, name: &str) {
    if !name.is_empty() && !names.contains(name) {
        names.insert(name.to_owned());
    }
}

fn listed(job: &JobRow<'_>, is: RowIs) -> ListedJob {
    ListedJob {
        row: job.row,
        time: job.time,
        user: job.user.to_owned(),
        account: job.account.unwrap_or("").to_owned(),
        printer: job.printer.to_owned(),
        document: job.document.map(str::to_owned),
        job_type: job.job_type.unwrap_or("print").to_owned(),
        pages: job.pages,
        colour_pages: job.colour_pages(),
        grayscale: job.grayscale,
        cost: job.cost.unwrap_or(Money::ZERO),
        state: job.state,
        is,
    }
}

/// The days that a report speaks for: its own period, else from its first job to its last; never a day that
/// is not over when it is taken in.
fn covered(facts: &ReportFacts, days: Option<(NaiveDate, NaiveDate)>, today: NaiveDate) -> Option<Period> {
    let span = facts.period.or_else(|| days.and_then(|(first, last)| Period::of_days(first, last)))?;
    let yesterday = today.pred_opt()?;
    Period::of_days(span.first_day(), span.last_day().min(yesterday))
}

/// Names in the exclusion list that no row has: a typing mistake would bill what should be free.
fn unmatched(intake: &Intake<'_>, accounts: &HashSet<String>) -> Vec<Finding> {
    let seen: HashSet<String> = accounts.iter().map(|account| fold_name(account)).collect();
    let missing = intake.exclude_accounts.iter().filter(|account| !seen.contains(&fold_name(account)));
    missing
        .map(|account| {
            let message = format!("`exclude_accounts` names `{account}`, which no row of this report has");
            Finding::new(Severity::Note, "exclusion-unmatched", message)
        })
        .collect()
}
