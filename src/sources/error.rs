//! Why a file as a whole is refused.
//!
//! The file's name is not part of the text: whoever opened it knows it. A row that cannot be read is not an
//! error but a [`crate::domain::Rejection`].

use crate::domain::{Period, ReportKind};

use super::layout_text::LayoutProblem;
use super::limits::{CELLS_MAX, ROW_BYTES_MAX};

/// Why a report file is refused. Nothing of it may be kept.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system could not read it.
    #[error("the file cannot be read")]
    Io(#[from] std::io::Error),
    /// A folder, a device, a pipe.
    #[error("found something that is not a regular file, expected a report file")]
    NotAFile,
    /// No bytes, or only blank lines.
    #[error("the file is empty, expected a report with a header")]
    Empty,
    /// Larger than any report.
    #[error("found {found} bytes, expected at most {most}")]
    TooLarge {
        /// Bytes of the file, or of a part of it.
        found: u64,
        /// The limit.
        most: u64,
    },
    /// Nothing in it looks like the header of a report.
    #[error("this is not a report: none of its first rows has the column headers of a known kind of report")]
    NotAReport {
        /// A layout that may describe it, as TOML, for somebody who knows that it is one.
        layout: Option<String>,
    },
    /// A file of another format that papertally recognises and does not read.
    #[error("this is {container}; expected a report as CSV text, workbook or page with a table")]
    Container {
        /// With its article, such as `an Excel workbook (.xlsx)`.
        container: &'static str,
    },
    /// A page without any table, such as a server's login page.
    #[error("this is an HTML page without a table; expected a report, or a page with its rows in a table")]
    PageWithoutTable,
    /// None of the sheets that the settings name.
    #[error("found the sheets {found}, expected {wanted}")]
    SheetMissing {
        /// The names in the settings.
        wanted: String,
        /// Those of the workbook.
        found: String,
    },
    /// A workbook, page or archive that is not whole.
    #[error("the {container} is damaged or cut off: {reason}")]
    Damaged {
        /// Such as `XLSX workbook`.
        container: &'static str,
        /// What its reader says.
        reason: String,
    },
    /// A password is needed.
    #[error("the {container} is protected by a password")]
    Protected {
        /// Such as `XLSX workbook`.
        container: &'static str,
    },
    /// A ZIP with none or several files.
    #[error("found a ZIP archive with {names}, expected one report in it")]
    ArchiveSeveral {
        /// The names, at most a few.
        names: String,
    },
    /// An archive in an archive.
    #[error("found an archive in an archive, expected a report in it")]
    ArchiveNested,
    /// An archive whose contents grow beyond all measure.
    #[error("the {container} unpacks to more than {most} bytes, which no report of its size does")]
    ArchiveTooLarge {
        /// `gzip archive` or `ZIP archive`.
        container: &'static str,
        /// The bytes that were allowed for.
        most: u64,
    },
    /// A cell so far from the others that the sheet would not fit into memory or time.
    #[error("the cell {cell} lies too far from the others; the sheet is too large to read")]
    CellTooFar {
        /// Such as `XFD1048576`.
        cell: String,
    },
    /// Cells merged over rows in a format in which they cannot be told.
    #[error("the {container} has cells merged over several rows, which cannot be told apart in this format")]
    MergedRows {
        /// Such as `ODS workbook`.
        container: &'static str,
    },
    /// Rows with a time and no day.
    #[error(
        "row {row}: found the time `{found}` without a day, and no date stands in the title or text of the page; the CSV log has them"
    )]
    DayUnknown {
        /// The first such row.
        row: u64,
        /// The time.
        found: String,
    },
    /// A report kind that papertally recognises and does not read.
    #[error("this is a {}; this kind of report is recognised but not read", title(*.0))]
    KindNotRead(ReportKind),
    /// A file that papertally or a receiver's import template wrote.
    #[error("this is {0}, not a report")]
    OwnOutput(&'static str),
    /// Columns without which the kind cannot be read.
    #[error("row {row}: taken for a {}, but it has no column for {missing}; its headers are {headers}{nearest}", title(*.kind))]
    ColumnMissing {
        /// Row of the header.
        row: u64,
        /// What the file was taken for.
        kind: ReportKind,
        /// Every missing field with the headers known for it.
        missing: String,
        /// The headers that stand there.
        headers: String,
        /// Known headers that look like unknown ones.
        nearest: String,
        /// Which header means what, as a line of the configuration.
        columns: String,
    },
    /// Headers that a layout of the operator's names.
    #[error(
        "row {row}: nearly the layout `{layout}`, but it has no column {missing}; its headers are {headers}"
    )]
    LayoutMissing {
        /// Row of the header.
        row: u64,
        /// Name of the layout.
        layout: String,
        /// The missing headers.
        missing: String,
        /// The headers that stand there.
        headers: String,
    },
    /// A file that a layout without a header does not fit.
    #[error(
        "this is not a report, and not quite the layout `{layout}`: row {row}: found {found}, expected {expected}"
    )]
    LayoutUnlike {
        /// The first row.
        row: u64,
        /// Name of the layout.
        layout: String,
        /// What stands there.
        found: String,
        /// What the layout has there.
        expected: String,
    },
    /// A layout that makes no sense.
    #[error("layout `{layout}`: `{}`: found {}, expected {}", .problem.key, .problem.found, .problem.expected)]
    LayoutWrong {
        /// Name of the layout.
        layout: String,
        /// The first thing that is wrong.
        problem: LayoutProblem,
    },
    /// Two columns for one thing, with different values.
    #[error("row {row}: the columns {headers} both mean `{field}` and differ")]
    ColumnTwice {
        /// The first row in which they differ.
        row: u64,
        /// The headers.
        headers: String,
        /// The field.
        field: &'static str,
    },
    /// Day and month cannot be told apart.
    #[error(
        "the date order is not decided by the file: row {row}: `{found}` may be day/month or month/day, and no other date or period line tells"
    )]
    DateOrderUnknown {
        /// A row with such a date.
        row: u64,
        /// The date as written.
        found: String,
    },
    /// Some dates are day-first, others month-first.
    #[error("the date order is mixed: row {row}: `{found}` cannot be in the order of the dates before it")]
    DateOrderMixed {
        /// The first row that contradicts the ones before.
        row: u64,
        /// The date as written.
        found: String,
    },
    /// Decimal mark and grouping cannot be told apart.
    #[error(
        "the decimal mark is not decided by the file: row {row}: `{found}` may be grouped or have three decimals, and no other amount tells"
    )]
    DecimalMarkUnknown {
        /// A row with such an amount.
        row: u64,
        /// The amount as written.
        found: String,
    },
    /// Some amounts have a decimal point, others a decimal comma.
    #[error("the decimal mark is mixed: row {row}: `{found}` cannot have the mark of the amounts before it")]
    DecimalMarkMixed {
        /// The first row that contradicts the ones before.
        row: u64,
        /// The amount as written.
        found: String,
    },
    /// A quote that is opened and never closed.
    #[error("row {row}: a quote is opened in this line and never closed")]
    UnclosedQuote {
        /// The line in which it opens.
        row: u64,
    },
    /// A byte that no text has.
    #[error("the text has a NUL byte{at}; the file is damaged or is not text")]
    NulByte {
        /// ` at byte …`
        at: String,
    },
    /// A row longer than any report's.
    #[error("row {row}: longer than {ROW_BYTES_MAX} bytes or more than {CELLS_MAX} cells")]
    RowTooLong {
        /// The line in which it starts.
        row: u64,
    },
    /// A report of sums without a period.
    #[error("a {} needs a period, and its period line {fault}", title(*.kind))]
    PeriodUnknown {
        /// What the file is.
        kind: ReportKind,
        /// `is missing` or `cannot be read: …`
        fault: String,
    },
    /// A report of other days than those that were asked for, such as one that was left over.
    #[error("this {} is of {found}, expected one of {wanted}", title(*.kind))]
    PeriodOther {
        /// What the file is.
        kind: ReportKind,
        /// Its own period.
        found: Period,
        /// The period that it should be of.
        wanted: Period,
    },
    /// The configured encoding does not exist.
    #[error("found `{0}`, expected the name of an encoding such as `windows-1252` or `ISO-8859-2`")]
    EncodingUnknown(String),
    /// A configured header alias names no field.
    #[error("found the field `{0}` in the column settings, expected one of {known}", known = super::field::names())]
    FieldUnknown(String),
    /// Somebody wrote to the file between the two passes.
    #[error("the file changed while it was read")]
    FileChanged,
}

impl ReadError {
    /// The stable word for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            ReadError::Io(_) | ReadError::NotAFile => "io",
            ReadError::Empty => "empty-file",
            ReadError::TooLarge { .. } => "file-too-large",
            ReadError::NotAReport { .. } => "not-a-report",
            ReadError::Container { .. } => "container-not-read",
            ReadError::PageWithoutTable => "page-without-table",
            ReadError::SheetMissing { .. } => "sheet-missing",
            ReadError::Damaged { .. } => "damaged-file",
            ReadError::Protected { .. } => "password",
            ReadError::ArchiveSeveral { .. } => "archive-several",
            ReadError::ArchiveNested => "archive-nested",
            ReadError::ArchiveTooLarge { .. } => "archive-too-large",
            ReadError::CellTooFar { .. } => "cell-too-far",
            ReadError::MergedRows { .. } => "cells-merged",
            ReadError::DayUnknown { .. } => "day-unknown",
            ReadError::KindNotRead(_) => "kind-not-read",
            ReadError::OwnOutput(_) => "own-output",
            ReadError::ColumnMissing { .. } => "column-missing",
            ReadError::LayoutMissing { .. } => "layout-missing",
            ReadError::LayoutUnlike { .. } => "layout-unlike",
            ReadError::LayoutWrong { .. } => "layout-wrong",
            ReadError::ColumnTwice { .. } => "column-twice",
            ReadError::DateOrderUnknown { .. } => "date-order-unknown",
            ReadError::DateOrderMixed { .. } => "date-order-mixed",
            ReadError::DecimalMarkUnknown { .. } => "decimal-mark-unknown",
            ReadError::DecimalMarkMixed { .. } => "decimal-mark-mixed",
            ReadError::UnclosedQuote { .. } => "unclosed-quote",
            ReadError::NulByte { .. } => "nul-byte",
            ReadError::RowTooLong { .. } => "row-too-long",
            ReadError::PeriodUnknown { .. } => "period-unknown",
            ReadError::PeriodOther { .. } => "period-other",
            ReadError::EncodingUnknown(_) => "encoding-unknown",
            ReadError::FieldUnknown(_) => "field-unknown",
            ReadError::FileChanged => "file-changed",
        }
    }

    /// The line of the file it is about, where there is one.
    pub const fn row(&self) -> Option<u64> {
        match self {
            ReadError::ColumnMissing { row, .. }
            | ReadError::LayoutMissing { row, .. }
            | ReadError::LayoutUnlike { row, .. }
            | ReadError::ColumnTwice { row, .. }
            | ReadError::DateOrderUnknown { row, .. }
            | ReadError::DateOrderMixed { row, .. }
            | ReadError::DecimalMarkUnknown { row, .. }
            | ReadError::DecimalMarkMixed { row, .. }
            | ReadError::DayUnknown { row, .. }
            | ReadError::UnclosedQuote { row }
            | ReadError::RowTooLong { row } => Some(*row),
            _ => None,
        }
    }

    /// What to write into the configuration, where that settles it.
    pub fn configuration(&self) -> Option<String> {
        match self {
            ReadError::NotAReport { layout } => layout.clone(),
            ReadError::ColumnMissing { columns, .. } if !columns.is_empty() => {
                Some(format!("[site.reports.columns]\n{columns}"))
            }
            ReadError::DateOrderUnknown { .. } => {
                Some("[site.reports]\ndate_order = \"dmy\"       # or \"mdy\": month first".to_owned())
            }
            ReadError::DecimalMarkUnknown { .. } => {
                Some("[site.reports]\ndecimal_mark = \"point\"   # or \"comma\"".to_owned())
            }
            _ => None,
        }
    }

    /// What to do about it, as a sentence.
    pub const fn hint(&self) -> &'static str {
        match self {
            ReadError::Io(_) | ReadError::NotAFile => "check the path and the permissions of the file",
            ReadError::Empty => "export the report again; the copy may have been cut off",
            ReadError::TooLarge { .. } => "export shorter periods, one file each",
            ReadError::NotAReport { layout: None } => {
                "give a PaperCut report or Print Logger file as it was exported, with its header row"
            }
            ReadError::NotAReport { layout: Some(_) } => {
                "give a PaperCut report or Print Logger file as it was exported, or describe its columns by a layout"
            }
            ReadError::Container { .. } => "export or save the report as CSV and give that file",
            ReadError::PageWithoutTable => {
                "open it in a browser: it may be the login page or an error page of the server"
            }
            ReadError::SheetMissing { .. } => "name one of them by `--sheet`, or in the site's settings",
            ReadError::Damaged { .. } => "export or copy the report again",
            ReadError::Protected { .. } => "save the report without a password",
            ReadError::ArchiveSeveral { .. } | ReadError::ArchiveNested => {
                "unpack the archive and give the reports one by one"
            }
            ReadError::ArchiveTooLarge { .. } => "unpack the archive yourself and look at what is in it",
            ReadError::CellTooFar { .. } => {
                "delete the cell, its row and its column, and save the sheet again"
            }
            ReadError::MergedRows { .. } => "save the sheet as .xlsx, or unmerge the cells",
            ReadError::DayUnknown { .. } => "give the CSV log of the same day",
            ReadError::KindNotRead(_) => {
                "give the print log of the same period, or describe the file by a layout of your own"
            }
            ReadError::OwnOutput(_) => "keep output files out of the folders that reports are taken from",
            ReadError::ColumnMissing { .. } => {
                "add the column to the report, or say what a header means: `\"Header\" = \"field\"` under [site.reports.columns]"
            }
            ReadError::LayoutMissing { .. } => {
                "correct the layout's headers, or export the file with these columns"
            }
            ReadError::LayoutUnlike { .. } => "correct the layout's columns, or its `date_format`",
            ReadError::LayoutWrong { .. } => "correct the layout in the configuration",
            ReadError::ColumnTwice { .. } => {
                "remove one of the columns, or name the right one in the settings"
            }
            ReadError::DateOrderUnknown { .. } => {
                "say `--date-order dmy` or `--date-order mdy`, or set it for the site"
            }
            ReadError::DateOrderMixed { .. } => {
                "export the report again; a spreadsheet may have changed some of the dates"
            }
            ReadError::DecimalMarkUnknown { .. } => {
                "say `--decimal-mark point` or `--decimal-mark comma`, or set it for the site"
            }
            ReadError::DecimalMarkMixed { .. } => {
                "export the report again; a spreadsheet may have changed some of the amounts"
            }
            ReadError::UnclosedQuote { .. } => {
                "export the report again, the row is cut off or damaged; or read it by a layout with `quotes = false`"
            }
            ReadError::NulByte { .. } => "export the report again; a disk or a copy may have damaged it",
            ReadError::RowTooLong { .. } => "look at the row: it is not a row of a report",
            ReadError::PeriodUnknown { .. } => {
                "export the report with its comment lines, or say its days: `--period 2026-10`"
            }
            ReadError::PeriodOther { .. } => {
                "export the report of the days that are wanted; the file may be left over from an earlier run"
            }
            ReadError::EncodingUnknown(_) => "use a name of the WHATWG encoding standard",
            ReadError::FieldUnknown(_) => "correct the column settings",
            ReadError::FileChanged => "try again when the file is no longer written to",
        }
    }
}

/// The kind in words, for a sentence.
pub(super) const fn title(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::PrintLog => "print log",
        ReportKind::PrintLogger => "Print Logger log",
        ReportKind::ServerLog => "server text log",
        ReportKind::UserSummary => "user summary",
        ReportKind::AccountSummary => "shared-account summary",
        ReportKind::TypeBreakdown => "breakdown by job type",
        ReportKind::BalanceList => "balance list",
        ReportKind::TransactionLog => "transaction log",
        ReportKind::JobImport => "job import file",
        ReportKind::Hive => "PaperCut Hive or Pocket export",
        ReportKind::Pocket => "PaperCut Pocket export",
        ReportKind::Mapped => "mapped report",
    }
}

/// Why reading stopped: because of the file, or because the taker of the rows said so.
#[derive(Debug, thiserror::Error)]
pub enum ReadRowsError<E> {
    /// The file.
    #[error(transparent)]
    Report(#[from] ReadError),
    /// The taker's own error, unchanged.
    #[error("the rows could not be taken")]
    Taker(E),
}
