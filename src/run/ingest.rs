//! One report file into the ledger: known bytes are a success, an unreadable file is refused as a whole, and
//! everything else is one transaction.

use std::collections::HashSet;
use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime};

use super::books::{Books, aliases, read_settings};
use super::lookalike::{Kind, lookalikes};
use super::sums::SumBook;
use super::taking::Taking;
use crate::config::{DocumentNames, SiteConfig};
use crate::domain::{
    Finding, JobState, Money, Period, ReportFacts, ReportKind, Severity, fold_name, is_within,
};
use crate::ledger::{Documents, Ingested, Ledger, LedgerError, ReportOrigin, RowIs, SiteId, StoredReport};
use crate::sources::{self, ReadError, ReadSettings};

/// How the reports of a site are taken in.
#[derive(Debug)]
pub struct Intake<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The site.
    pub site: SiteId,
    /// What the operator says where a file does not decide.
    pub settings: ReadSettings,
    /// Old and new usernames.
    pub aliases: Vec<(String, String)>,
    /// Accounts that are never billed.
    pub exclude_accounts: &'a [String],
    /// Printers that are never billed.
    pub ignore_printers: &'a [String],
    /// Whether document names are kept.
    pub documents: Documents,
    /// Now, RFC 3339.
    pub now: String,
    /// Today at the site: no report speaks for a day that is not over.
    pub today: NaiveDate,
    /// How many jobs of the file to list.
    pub jobs_listed: usize,
}

impl<'a> Intake<'a> {
    /// Intake into the ledger as the configuration says for a site. Renamed users count under their present names
    /// from here on.
    pub fn of_site(books: &'a Books<'_>, site: &'a SiteConfig) -> Result<Intake<'a>, LedgerError> {
        let ledger = &books.ledger;
        let site_id = ledger.site(&site.name, site.currency, site.time_zone.name())?;
        let aliases = aliases(site);
        ledger.rename_users(site_id, &aliases)?;
        Ok(Intake {
            ledger,
            site: site_id,
            settings: read_settings(site),
            aliases,
            exclude_accounts: &site.exclude_accounts,
            ignore_printers: &site.ignore_printers,
            documents: match books.config.document_names {
                DocumentNames::Keep => Documents::Keep,
                DocumentNames::Drop => Documents::Drop,
            },
            now: books.now_text(),
            today: books.today(site),
            jobs_listed: 0,
        })
    }
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
    /// The reading thread ended for a reason of its own: a fault in papertally.
    #[error("the file's reader ended early; nothing of the file was kept")]
    Reader,
}

/// Takes one file in, or says why not. `progress` is told of every row. Reports of sums and balances go into
/// `sums`, or are refused where there is no such book.
pub fn ingest(
    intake: &Intake<'_>,
    path: &Path,
    name: &str,
    sums: Option<&mut SumBook>,
    progress: &mut dyn FnMut(u64),
) -> Result<Outcome, IngestError> {
    let report = sources::examine(path, &intake.settings)?;
    let facts = report.facts().clone();
    if let Some(stored) = intake.ledger.known_report(&facts.sha256)? {
        return Ok(Outcome::Known { facts: Box::new(facts), stored });
    }
    let origin = ReportOrigin {
        site: intake.site,
        facts: &facts,
        name,
        ingested_at: &intake.now,
        aliases: &intake.aliases,
        documents: intake.documents,
    };
    let mut taking = Taking::new(intake, intake.ledger.begin_ingest(&origin)?, sums);
    taking.read(report, progress)?;
    taking.end_sums(intake);
    let Taking { ingest, jobs, mut findings, users, accounts, days, .. } = taking;
    let covered = covered(&facts, days, intake.today);
    let ingested = ingest.finish(covered)?;
    let mut all = facts.findings.clone();
    all.append(&mut findings);
    all.extend(ingested.findings.iter().cloned());
    all.extend(lookalikes(Kind::Users, users.iter().map(|(name, _)| name.as_str())));
    all.extend(lookalikes(Kind::Accounts, accounts.iter().map(|account| account.name.as_str())));
    if !accounts.is_empty() {
        all.extend(unmatched(intake, &accounts.iter().map(|account| fold_name(&account.name)).collect()));
    }
    Ok(Outcome::Taken(Box::new(TakenReport { facts, ingested, jobs, findings: all })))
}

/// The days that a report speaks for: its own period, else from its first job to its last; never a day that
/// is not over when it is taken in.
fn covered(facts: &ReportFacts, days: Option<(NaiveDate, NaiveDate)>, today: NaiveDate) -> Option<Period> {
    let span = facts.period.or_else(|| days.and_then(|(first, last)| Period::of_days(first, last)))?;
    let yesterday = today.pred_opt()?;
    Period::of_days(span.first_day(), span.last_day().min(yesterday))
}

/// Names in the exclusion list that no row has: a typing mistake would bill what should be free.
pub(super) fn unmatched(intake: &Intake<'_>, seen: &HashSet<String>) -> Vec<Finding> {
    let missing = intake.exclude_accounts.iter().filter(|account| {
        let excluded = HashSet::from([fold_name(account)]);
        !seen.iter().any(|account| is_within(account, &excluded))
    });
    missing
        .map(|account| {
            let message = format!("`exclude_accounts` names `{account}`, which no row of this report has");
            Finding::new(Severity::Note, "exclusion-unmatched", message)
        })
        .collect()
}
