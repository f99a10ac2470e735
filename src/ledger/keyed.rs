//! A job as ingestion takes it, its names being the ledger's numbers already; what of it is no part of its
//! identity, and how a later report changes that.

use super::stored::state_number;
use crate::domain::{Fingerprint, JobState, Money, RowChain, Source};

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
    /// Its place in a file that is followed.
    pub chain: Option<RowChain>,
    /// What the row is of; jobs but for sums.
    pub source: Source,
    /// Jobs that it stands for.
    pub jobs: u32,
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

/// The columns that are not part of a job's identity. `None`: the report does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) account_id: Option<i64>,
    pub(super) job_type_id: Option<i64>,
    pub(super) paper_size_id: Option<i64>,
    pub(super) colour_pages: i64,
    pub(super) duplex: Option<bool>,
    pub(super) grayscale: Option<bool>,
    pub(super) cost: Option<i64>,
    pub(super) state: i64,
}

impl Attributes {
    /// What is known once a later report has said `now`: columns that it does not have stay.
    pub(super) fn overlaid(self, now: Attributes, row: &KeyedJob<'_>) -> Attributes {
        Attributes {
            account_id: if row.has_account { now.account_id } else { self.account_id },
            job_type_id: now.job_type_id.or(self.job_type_id),
            paper_size_id: now.paper_size_id.or(self.paper_size_id),
            colour_pages: if row.colour_pages.is_some() { now.colour_pages } else { self.colour_pages },
            duplex: now.duplex.or(self.duplex),
            grayscale: now.grayscale.or(self.grayscale),
            cost: now.cost.or(self.cost),
            state: now.state,
        }
    }

    /// Whether a later report that says `now` changes nothing.
    pub(super) fn agree(self, now: &Attributes, row: &KeyedJob<'_>) -> bool {
        self.overlaid(*now, row) == self
    }

    /// Name, former and present value of each column that differs.
    pub(super) fn differences(self, became: &Attributes) -> Vec<(&'static str, String, String)> {
        let number = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
        let flag = |value: Option<bool>| value.map_or_else(String::new, |value| value.to_string());
        let all = [
            ("account_id", number(self.account_id), number(became.account_id)),
            ("job_type_id", number(self.job_type_id), number(became.job_type_id)),
            ("paper_size_id", number(self.paper_size_id), number(became.paper_size_id)),
            ("colour_pages", self.colour_pages.to_string(), became.colour_pages.to_string()),
            ("duplex", flag(self.duplex), flag(became.duplex)),
            ("grayscale", flag(self.grayscale), flag(became.grayscale)),
            ("cost", number(self.cost), number(became.cost)),
            ("state", self.state.to_string(), became.state.to_string()),
        ];
        all.into_iter().filter(|(_, was, became)| was != became).collect()
    }
}
