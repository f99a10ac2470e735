//! A report file, read in two passes: [`examine`] looks at everything and decides, [`Report::read`] hands
//! the rows over.

use std::path::Path;

use crate::domain::{ReportFacts, Row};

use super::error::{ReadError, ReadRowsError};
use super::settings::ReadSettings;

/// A report whose every row has been looked at, ready to hand its rows over.
#[derive(Debug)]
pub struct Report {
    facts: ReportFacts,
}

/// What [`Report::read`] handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadTotals {
    /// Jobs, sums and balances.
    pub taken: u64,
    /// Rows that could not be read.
    pub rejected: u64,
}

/// Looks at the whole file and decides how it is to be read, or refuses it.
pub fn examine(path: &Path, settings: &ReadSettings) -> Result<Report, ReadError> {
    let _ = (path, settings);
    Err(ReadError::NotAReport { near: String::new() })
}

impl Report {
    /// What the file is and how it was understood.
    pub fn facts(&self) -> &ReportFacts {
        &self.facts
    }

    /// Hands the rows over in the order of the file. Stops at the taker's first error.
    pub fn read<E>(
        &mut self,
        take: impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<ReadTotals, ReadRowsError<E>> {
        let _ = take;
        Ok(ReadTotals::default())
    }
}
