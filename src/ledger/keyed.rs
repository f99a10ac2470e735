//! A job as ingestion takes it: its names are the ledger's numbers already.

use super::attributes::Attributes;
use super::stored::state_number;
use crate::domain::{Fingerprint, JobState, Money};

/// Names of a job by the ledger's numbers, asked for once for each name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobNames {
    /// User, after aliases.
    pub user: i64,
    /// Shared account; `None` for the personal account.
    pub account: Option<i64>,
    /// Printer.
    pub printer: i64,
    /// Job type.
    pub job_type: Option<i64>,
    /// Paper size.
    pub paper_size: Option<i64>,
}

/// A job of the report with its names by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyedJob<'a> {
    /// Line of the file.
    pub row: u64,
    /// Wall-clock second of the site.
    pub second: i64,
    /// What makes two rows of one second and user the same job.
    pub fingerprint: Fingerprint,
    /// Names.
    pub names: JobNames,
    /// Whether the report says which account is charged.
    pub has_account: bool,
    /// Document name.
    pub document: Option<&'a str>,
    /// Pages.
    pub pages: u32,
    /// Colour pages, where the report says.
    pub colour_pages: Option<u32>,
    /// Both sides, where the report says.
    pub duplex: Option<bool>,
    /// Grayscale, where the report says.
    pub grayscale: Option<bool>,
    /// Cost, where the report kind has it.
    pub cost: Option<Money>,
    /// State.
    pub state: JobState,
}

impl KeyedJob<'_> {
    /// The columns that are not part of its identity.
    pub(super) fn attributes(&self) -> Attributes {
        Attributes {
            account_id: self.names.account,
            job_type_id: self.names.job_type,
            paper_size_id: self.names.paper_size,
            colour_pages: i64::from(self.colour_pages.unwrap_or(0).min(self.pages)),
            duplex: self.duplex,
            grayscale: self.grayscale,
            cost: self.cost.map(|cost| cost.millionths()),
            state: state_number(self.state),
        }
    }
}
