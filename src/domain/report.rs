//! What a reader of report files tells the rest: what the file is, and its rows one by one.
//!
//! One intermediate record for every shape of report: readers make it, ingestion takes it, neither knows
//! the other.

use std::fmt;

use super::finding::Finding;
use super::job::{JobRow, RowChain};
use super::money::Money;
use super::period::Period;

/// The kinds of report that papertally knows by their content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportKind {
    /// PaperCut MF/NG: one row a job.
    PrintLog,
    /// The free PaperCut Print Logger: one row a job, without costs.
    PrintLogger,
    /// The server's plain-text log.
    ServerLog,
    /// Sums by user.
    UserSummary,
    /// Sums by shared account.
    AccountSummary,
    /// Sums by print, copy, scan and fax.
    TypeBreakdown,
    /// Balances of users or shared accounts.
    BalanceList,
    /// Account transactions.
    TransactionLog,
    /// PaperCut's job import template.
    JobImport,
    /// A PaperCut Hive export.
    Hive,
    /// A PaperCut Pocket export.
    Pocket,
    /// A layout that the configuration describes.
    Mapped,
}

impl ReportKind {
    /// All kinds, in the order in which they are listed to people.
    pub const ALL: [ReportKind; 12] = [
        ReportKind::PrintLog,
        ReportKind::PrintLogger,
        ReportKind::ServerLog,
        ReportKind::UserSummary,
        ReportKind::AccountSummary,
        ReportKind::TypeBreakdown,
        ReportKind::BalanceList,
        ReportKind::TransactionLog,
        ReportKind::JobImport,
        ReportKind::Hive,
        ReportKind::Pocket,
        ReportKind::Mapped,
    ];

    /// The word used in JSON, configuration and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            ReportKind::PrintLog => "print-log",
            ReportKind::PrintLogger => "print-logger",
            ReportKind::ServerLog => "server-log",
            ReportKind::UserSummary => "user-summary",
            ReportKind::AccountSummary => "account-summary",
            ReportKind::TypeBreakdown => "type-breakdown",
            ReportKind::BalanceList => "balance-list",
            ReportKind::TransactionLog => "transaction-log",
            ReportKind::JobImport => "job-import",
            ReportKind::Hive => "hive",
            ReportKind::Pocket => "pocket",
            ReportKind::Mapped => "mapped",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<ReportKind> {
        ReportKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for ReportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the rows of a report are of, and what a site is billed from: jobs, or one family of sums. The same pages
/// are in all of them, so two are never added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Jobs.
    #[default]
    Jobs,
    /// Sums of users.
    UserSums,
    /// Sums of shared accounts.
    AccountSums,
}

impl Source {
    /// The word used in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Source::Jobs => "jobs",
            Source::UserSums => "user-sums",
            Source::AccountSums => "account-sums",
        }
    }
}

/// The order of day, month and year in numeric dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    /// Year first.
    Ymd,
    /// Day first.
    Dmy,
    /// Month first.
    Mdy,
}

impl DateOrder {
    /// `ymd`, `dmy` or `mdy`.
    pub const fn as_str(self) -> &'static str {
        match self {
            DateOrder::Ymd => "ymd",
            DateOrder::Dmy => "dmy",
            DateOrder::Mdy => "mdy",
        }
    }

    /// The order of that word.
    pub fn parse(word: &str) -> Option<DateOrder> {
        [DateOrder::Ymd, DateOrder::Dmy, DateOrder::Mdy].into_iter().find(|order| order.as_str() == word)
    }
}

/// The sign before the decimals of an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalMark {
    /// `1.25`
    Point,
    /// `1,25`
    Comma,
}

impl DecimalMark {
    /// `point` or `comma`.
    pub const fn as_str(self) -> &'static str {
        match self {
            DecimalMark::Point => "point",
            DecimalMark::Comma => "comma",
        }
    }

    /// The mark of that word.
    pub fn parse(word: &str) -> Option<DecimalMark> {
        [DecimalMark::Point, DecimalMark::Comma].into_iter().find(|mark| mark.as_str() == word)
    }
}

/// What a report file is and how it was understood, found before its rows are taken.
#[derive(Clone, Debug)]
pub struct ReportFacts {
    /// Recognised by content.
    pub kind: ReportKind,
    /// SHA-256 of the bytes: the report's identity.
    pub sha256: [u8; 32],
    /// Bytes read.
    pub size_bytes: u64,
    /// Name of the encoding, such as `UTF-8` or `windows-1252`.
    pub encoding: String,
    /// The sign between cells, where the container has one.
    pub delimiter: Option<char>,
    /// Order of numeric dates, where the file has any.
    pub date_order: Option<DateOrder>,
    /// Decimal mark of the amounts, where the file has any.
    pub decimal_mark: Option<DecimalMark>,
    /// The report's own period, from its period line.
    pub period: Option<Period>,
    /// Header text and the field that it was taken for, in file order; an unknown column has none.
    pub columns: Vec<(String, Option<&'static str>)>,
    /// What its rows are of.
    pub source: Source,
    /// Whether it says the printer of a job, and the document: what tells jobs apart.
    pub has_printer: bool,
    /// See `has_printer`.
    pub has_document: bool,
    /// Sentences on how the file was understood and why, for the page that `check` shows.
    pub reasons: Vec<String>,
    /// What a person should look at: an unreadable period line, an unknown column.
    pub findings: Vec<Finding>,
}

/// A row that could not be read. It is stored and counted, and nothing is guessed for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Line of the file, or row of the sheet.
    pub row: u64,
    /// Header of the column, or empty where the row as a whole is wrong.
    pub column: String,
    /// What stands there; document names are never put here.
    pub found: String,
    /// What should stand there, such as `a decimal number`.
    pub expected: String,
    /// The row's money, where it can be read.
    pub cost: Option<Money>,
}

impl Rejection {
    /// The sentence shown to people, without the place.
    pub fn message(&self) -> String {
        format!("found {}, expected {}", self.found, self.expected)
    }
}

/// One row of a report of sums: a period's sum of one user or one shared account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumRow<'a> {
    /// Line of the file, or row of the sheet.
    pub row: u64,
    /// The user, where the row is a user's.
    pub user: Option<&'a str>,
    /// The shared account, where the row is an account's; empty for cost without an account.
    pub account: Option<&'a str>,
    /// Job type of the sum, where the report splits by it.
    pub job_type: Option<&'a str>,
    /// Number of jobs, where the report has it.
    pub jobs: Option<u32>,
    /// Printed pages.
    pub pages: Option<u32>,
    /// Colour pages.
    pub colour_pages: Option<u32>,
    /// PaperCut's cost.
    pub cost: Option<Money>,
}

/// One row of a balance list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceRow<'a> {
    /// Line of the file, or row of the sheet.
    pub row: u64,
    /// The user, where the row is a user's.
    pub user: Option<&'a str>,
    /// The shared account, where the row is an account's.
    pub account: Option<&'a str>,
    /// The balance; below zero means owed.
    pub balance: Money,
}

/// One row as a reader hands it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// A job.
    Job(JobRow<'a>),
    /// A sum.
    Sum(SumRow<'a>),
    /// A balance.
    Balance(BalanceRow<'a>),
    /// A row that the operator's layout leaves out.
    LeftOut {
        /// Line of the file, or row of the sheet.
        row: u64,
        /// Its money, where it can be read.
        cost: Option<Money>,
    },
    /// The place of the next row, in a file that is followed, where it gives no job.
    Place(RowChain),
    /// A row that could not be read.
    Rejected(Rejection),
    /// A finding that only the rows could tell, such as an id in scientific notation.
    Finding(Finding),
}
