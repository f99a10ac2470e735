//! What taking a report in comes to: rows and money by what they turned out to be.

use crate::domain::{Exact, Finding};

/// What a row turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowIs {
    /// A job that the ledger did not have.
    New,
    /// A job that it had.
    Repeated,
    /// A job that is never billed, new or not.
    NotBillable,
}

/// Rows of a report by what they turned out to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// All rows.
    pub rows: u64,
    /// New jobs.
    pub new: u64,
    /// Jobs that were known.
    pub repeated: u64,
    /// Refunded, denied, unprinted and excluded.
    pub not_billable: u64,
    /// Unreadable.
    pub rejected: u64,
}

/// The same in PaperCut's cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// All rows.
    pub all: Exact,
    /// New jobs.
    pub new: Exact,
    /// Jobs that were known.
    pub repeated: Exact,
    /// Refunded, denied, unprinted and excluded.
    pub not_billable: Exact,
    /// Unreadable rows, as far as their money can be read.
    pub rejected: Exact,
}

/// A finished report.
#[derive(Debug)]
pub struct Ingested {
    /// Rows.
    pub counted: Counted,
    /// Money.
    pub sums: Sums,
    /// Jobs that the report shows changed.
    pub changed: u64,
    /// What a person should look at.
    pub findings: Vec<Finding>,
}
