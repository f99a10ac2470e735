//! How the reports of a site are taken in, and why a file is not.

use std::collections::HashSet;

use chrono::{NaiveDate, NaiveDateTime};

use super::books::{Books, aliases, read_settings};
use super::sums::{SumBook, SumRules};
use crate::config::{DocumentNames, SiteConfig};
use crate::domain::{Finding, JobState, Money, Period, ReportKind, Severity, Source, fold_name, is_within};
use crate::ledger::{Documents, Ledger, LedgerError, RowIs, SiteId};
use crate::sources::{ReadError, ReadSettings};

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
    /// What the site is billed from.
    pub bill_from: Source,
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
    /// The days that were asked for, where the report was made for us.
    pub wanted: Option<WantedDays>,
}

/// The days that a report has to be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedDays {
    /// The days.
    pub period: Period,
    /// Whether they go on: the report may say the whole month, or have jobs of today.
    pub is_open: bool,
}

impl WantedDays {
    /// Refuses a report of other days, by what it says of itself, else by its jobs.
    pub(super) fn check(
        &self,
        stated: Option<Period>,
        jobs: Option<(NaiveDate, NaiveDate)>,
    ) -> Result<(), IngestError> {
        let WantedDays { period: wanted, is_open } = *self;
        let last = if is_open { Period::month_of(wanted.last_day()).last_day() } else { wanted.last_day() };
        let days = jobs.and_then(|(first, last)| Period::of_days(first, last));
        let (found, fits) = match (stated, days) {
            (Some(stated), _) => {
                let ends = stated.last_day() >= wanted.last_day() && stated.last_day() <= last;
                (stated, stated.first_day() == wanted.first_day() && ends)
            }
            // Its jobs lie within the days, but need not fill them.
            (None, Some(days)) => (days, days.first_day() >= wanted.first_day() && days.last_day() <= last),
            (None, None) => return Ok(()),
        };
        if fits { Ok(()) } else { Err(IngestError::OtherDays { wanted, found }) }
    }
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
            bill_from: site.reports.bill_from,
            exclude_accounts: &site.exclude_accounts,
            ignore_printers: &site.ignore_printers,
            documents: match books.config.document_names {
                DocumentNames::Keep => Documents::Keep,
                DocumentNames::Drop => Documents::Drop,
            },
            now: books.now_text(),
            today: books.today(site),
            jobs_listed: 0,
            wanted: None,
        })
    }
}

impl Intake<'_> {
    /// The sums that the ledger has of the site.
    pub(super) fn sum_book(&self) -> Result<SumBook, LedgerError> {
        SumBook::load(self.ledger, self.site, SumRules::of(self.exclude_accounts, &self.aliases))
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

/// A row of sums or balances as it was read, for the same page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSum {
    /// Line of the file.
    pub row: u64,
    /// User, or account as `parent\sub`.
    pub name: String,
    /// Job type, where the report splits by it.
    pub job_type: String,
    /// Jobs, where the report has them.
    pub jobs: Option<u32>,
    /// Pages, where the report has them.
    pub pages: Option<u32>,
    /// Cost or balance.
    pub amount: Money,
    /// What it turned out to be.
    pub is: RowIs,
}

/// Why a file was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The file cannot be read as a report; nothing of it was kept.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its kind is recognised, but has nothing to bill.
    #[error("this is a {0}: balances are looked at by `papertally check`, and not taken in")]
    NoJobs(ReportKind),
    /// A report that was made for us is about other days.
    #[error("it is about {found}, and was asked for {wanted}")]
    OtherDays {
        /// The days that were asked for.
        wanted: Period,
        /// Those that it is about.
        found: Period,
    },
    /// Sums of days that other sums have already.
    #[error(
        "its sums are of {period}, and {report} has sums of {other}: the days that they share would count twice, and a \
         sum cannot be divided"
    )]
    SumsOverlap {
        /// The report's own period.
        period: Period,
        /// The period of the sums that are there.
        other: Period,
        /// Where those came from.
        report: String,
    },
    /// Sums that are not final.
    #[error("its period {period} is not over, so its sums may still grow; today is {today}")]
    SumsUnfinished {
        /// The report's own period.
        period: Period,
        /// Today at the site.
        today: NaiveDate,
    },
    /// A file that does not go with those that were taken in before; nothing of it was kept.
    #[error(transparent)]
    Unlike(LedgerError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(LedgerError),
    /// The reading thread ended for a reason of its own: a fault in papertally.
    #[error("the file's reader ended early; nothing of the file was kept")]
    Reader,
}

impl From<LedgerError> for IngestError {
    fn from(error: LedgerError) -> IngestError {
        match error {
            LedgerError::ColumnsDiffer { .. }
            | LedgerError::FollowedChanged { .. }
            | LedgerError::FollowedCopy { .. } => IngestError::Unlike(error),
            error => IngestError::Ledger(error),
        }
    }
}

impl IngestError {
    /// The stable word for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            IngestError::Read(error) => error.code(),
            IngestError::NoJobs(_) => "no-jobs",
            IngestError::OtherDays { .. } => "period-other",
            IngestError::SumsOverlap { .. } => "sums-overlap",
            IngestError::SumsUnfinished { .. } => "sums-unfinished",
            IngestError::Unlike(LedgerError::ColumnsDiffer { .. }) => "columns-differ",
            IngestError::Unlike(_) => "followed-file-changed",
            IngestError::Ledger(_) | IngestError::Reader => "internal",
        }
    }

    /// The line of the file it is about, where there is one.
    pub const fn row(&self) -> Option<u64> {
        match self {
            IngestError::Read(error) => error.row(),
            IngestError::Unlike(LedgerError::FollowedChanged { row } | LedgerError::FollowedCopy { row }) => {
                Some(*row)
            }
            _ => None,
        }
    }

    /// What to write into the configuration, where that settles it.
    pub fn configuration(&self) -> Option<String> {
        match self {
            IngestError::Read(error) => error.configuration(),
            _ => None,
        }
    }

    /// What to do about it, as a sentence.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            IngestError::Read(error) => Some(error.hint()),
            IngestError::OtherDays { .. } => Some(
                "it may be an old file: see what the server writes, and whether `covers` is what its title means",
            ),
            IngestError::SumsOverlap { .. } => Some("export the summary of the days that are missing only"),
            IngestError::SumsUnfinished { .. } => Some("export the summary once its last day is over"),
            IngestError::Unlike(LedgerError::ColumnsDiffer { .. }) => {
                Some("export these days with the same columns, or only days that no other report has")
            }
            IngestError::Unlike(_) => {
                Some("put back the file as its writer made it; what is new in it is taken in then")
            }
            IngestError::NoJobs(_) => {
                Some("keep it out of the inbox; the print log of the same days is what is billed")
            }
            IngestError::Ledger(_) | IngestError::Reader => None,
        }
    }
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
