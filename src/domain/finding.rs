//! Something a person should look at. Data, not an error: the run goes on and says so at its end.

use std::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; changes no exit code.
    Note,
    /// Needs a person: exit code 3.
    Warning,
    /// Needs a person before anything is billed: exit code 3, and the period is not issued unasked.
    Error,
}

impl Severity {
    /// The word used in JSON, tables and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }

    /// The severity of that word.
    pub fn parse(word: &str) -> Option<Severity> {
        [Severity::Note, Severity::Warning, Severity::Error].into_iter().find(|one| one.as_str() == word)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Codes of findings that a report brings with it: what the ledger keeps of them comes back under these.
const REPORT_CODES: [&str; 32] = [
    "account-none",
    "all-left-out",
    "byte-replaced",
    "cells-merged",
    "column-unknown",
    "dates-half-made",
    "deleted-with-balance",
    "exclusion-unmatched",
    "findings-cut",
    "id-damaged",
    "job-type-unknown",
    "jobs-absent-later",
    "jobs-charged-again",
    "jobs-missing",
    "left-out",
    "line-unfinished",
    "names-alike",
    "not-billable",
    "older-report",
    "outside-period",
    "period-unreadable",
    "sheet-hidden",
    "sheet-not-chosen",
    "sheet-not-read",
    "sheet-other-kind",
    "sum-differs",
    "sum-late",
    "sum-missing",
    "sums-overlap",
    "sums-unfinished",
    "total-differs",
    "total-row",
];

/// A finding with its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// A stable word for scripts, such as `row-rejected` or `user-unknown`.
    pub code: &'static str,
    /// One sentence: what was found, what was expected, what to do. Never a document name.
    pub message: String,
    /// The file it was found in.
    pub file: Option<String>,
    /// The line of the file, or row of the sheet.
    pub row: Option<u64>,
    /// The column's header.
    pub column: Option<String>,
}

impl Finding {
    /// A finding without a place.
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Finding {
        Finding { severity, code, message: message.into(), file: None, row: None, column: None }
    }

    /// The code of a finding that was kept as text; one that is not known here is a `report-finding`.
    pub fn kept_code(text: &str) -> &'static str {
        REPORT_CODES.into_iter().find(|code| *code == text).unwrap_or("report-finding")
    }

    /// The same finding in a row of a file.
    pub fn at_row(mut self, row: u64) -> Finding {
        self.row = Some(row);
        self
    }

    /// The same finding in a column.
    pub fn in_column(mut self, column: impl Into<String>) -> Finding {
        self.column = Some(column.into());
        self
    }

    /// The same finding in a file.
    pub fn in_file(mut self, file: impl Into<String>) -> Finding {
        self.file = Some(file.into());
        self
    }
}

/// `march.csv, row 9, column Cost: found …`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.row.map(|row| format!("row {row}"));
        let column = self.column.as_ref().map(|column| format!("column `{column}`"));
        let place: Vec<String> = [self.file.clone(), row, column].into_iter().flatten().collect();
        if !place.is_empty() {
            write!(f, "{}: ", place.join(", "))?;
        }
        f.write_str(&self.message)
    }
}
