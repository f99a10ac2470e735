//! A job as a report states it, and what makes two rows the same job.

use std::fmt;

use chrono::NaiveDateTime;
use sha2::{Digest, Sha256};

use super::money::Money;

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobState {
    /// Printed and charged: the only state that is billed.
    Charged,
    /// Wholly refunded.
    Refunded,
    /// Not allowed, for lack of credit or by a filter.
    Denied,
    /// Cancelled or deleted before it printed.
    NotPrinted,
}

impl JobState {
    /// The word used in JSON, tables and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            JobState::Charged => "charged",
            JobState::Refunded => "refunded",
            JobState::Denied => "denied",
            JobState::NotPrinted => "not-printed",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<JobState> {
        [JobState::Charged, JobState::Refunded, JobState::Denied, JobState::NotPrinted]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The job types that PaperCut is known to write, in papertally's words.
///
/// Any other text is kept as it is (in lower case) and becomes a finding, not a guess.
pub const JOB_TYPES: [&str; 4] = ["print", "copy", "scan", "fax"];

/// One job as one row of a report states it. Borrowed from the reader's row buffer.
///
/// `None` means that the report has no such column, an empty text that the row's cell is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow<'a> {
    /// Line of the file in which the row starts (the first is 1), or row of the sheet.
    pub row: u64,
    /// Wall-clock time of the site, as written.
    pub time: NaiveDateTime,
    /// PaperCut username, as written, trimmed.
    pub user: &'a str,
    /// Charged shared account as `parent\sub`; empty for the personal account.
    pub account: Option<&'a str>,
    /// Printer or device name.
    pub printer: &'a str,
    /// Document name: personal data.
    pub document: Option<&'a str>,
    /// `print`, `copy`, `scan`, `fax`, or what the file says in lower case. `None` is a print.
    pub job_type: Option<&'a str>,
    /// Paper size as the file names it, such as `A4`.
    pub paper_size: Option<&'a str>,
    /// Printed pages, copies included.
    pub pages: u32,
    /// Colour pages among `pages`; never more than them.
    pub colour_pages: Option<u32>,
    /// Whether the job was printed on both sides.
    pub duplex: Option<bool>,
    /// Whether the job was grayscale.
    pub grayscale: Option<bool>,
    /// PaperCut's cost after partial refunds. `None` where the report kind has no costs.
    pub cost: Option<Money>,
    /// What became of the job.
    pub state: JobState,
    /// The row's place in a file that is followed. Such rows are events of their own: equal ones at two places are two
    /// jobs, in whichever files they stand.
    pub chain: Option<RowChain>,
}

impl JobRow<'_> {
    /// Colour pages of the job, zero where the report does not say.
    pub fn colour_pages(&self) -> u32 {
        self.colour_pages.unwrap_or(0)
    }
}

/// What makes two rows of one second and one user the same job: printer, document and pages.
///
/// Cost, state, account and the other columns are left out: a later report may show them changed, or
/// not at all. Time, user and site are compared beside it, so that an alias can join a renamed user's jobs.
/// Two jobs that are equal in all of it are told apart by their occurrence number within one report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of a row: half of the SHA-256 of its length-prefixed parts.
    ///
    /// Sixteen bytes, so that nobody can make two documents whose jobs count as one.
    pub fn of(printer: &str, document: &str, pages: u32) -> Fingerprint {
        let mut hash = Sha256::new();
        for part in [printer.as_bytes(), document.as_bytes()] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        hash.update(pages.to_le_bytes());
        let digest = hash.finalize();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Fingerprint(half)
    }

    /// The sixteen bytes, as the ledger keeps them.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A row of a file that is followed, together with all rows before it: half of a SHA-256 over them.
///
/// The same line of a file that grew, was renamed or was cut has the same chain; equal lines at two places do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowChain([u8; 16]);

impl RowChain {
    /// The chain with one more row.
    pub fn with<'a>(&self, cells: impl Iterator<Item = &'a str>) -> RowChain {
        let mut hash = Sha256::new();
        hash.update(self.0);
        for cell in cells {
            hash.update(u64::try_from(cell.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(cell);
        }
        let digest = hash.finalize();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        RowChain(half)
    }

    /// The sixteen bytes, as the ledger keeps them.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(Fingerprint::of("ab", "c", 1), Fingerprint::of("a", "bc", 1));
        assert_ne!(Fingerprint::of("a", "b", 1), Fingerprint::of("a", "b", 2));
        assert_eq!(Fingerprint::of("a", "b", 1), Fingerprint::of("a", "b", 1));
    }

    #[test]
    fn every_state_has_its_own_word() {
        for state in [JobState::Charged, JobState::Refunded, JobState::Denied, JobState::NotPrinted] {
            assert_eq!(JobState::parse(state.as_str()), Some(state));
        }
    }
}
