//! Rows on their way from the thread that reads to the one that writes.
//!
//! Reading a report and writing the ledger take about as long as each other, so they run side by side. Rows
//! travel by the batch; a name travels once and is a number from then on, which also spares the writer from
//! looking at the same texts again for every row.

use std::collections::HashMap;
use std::ops::Range;

use crate::domain::{BalanceRow, Finding, Fingerprint, JobRow, JobState, Money, Rejection, RowChain, SumRow};

/// Jobs of one batch: large enough that handing over costs nothing, small enough that a few batches in
/// flight stay below a megabyte or two.
pub(super) const BATCH_JOBS: usize = 4_096;

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameKind {
    User,
    Account,
    Printer,
    JobType,
    PaperSize,
}

/// A job whose names are numbers of this report.
#[derive(Clone, Debug)]
pub(super) struct PackedJob {
    pub(super) row: u64,
    pub(super) time: chrono::NaiveDateTime,
    pub(super) fingerprint: Fingerprint,
    pub(super) user: usize,
    pub(super) account: Option<usize>,
    pub(super) printer: usize,
    pub(super) job_type: Option<usize>,
    pub(super) paper_size: Option<usize>,
    document: Option<Range<usize>>,
    pub(super) pages: u32,
    pub(super) colour_pages: Option<u32>,
    pub(super) duplex: Option<bool>,
    pub(super) grayscale: Option<bool>,
    pub(super) cost: Option<Money>,
    pub(super) state: JobState,
}

/// A row of sums with texts of its own.
#[derive(Clone, Debug)]
pub(super) struct OwnedSum {
    row: u64,
    user: Option<String>,
    account: Option<String>,
    job_type: Option<String>,
    jobs: Option<u32>,
    pages: Option<u32>,
    colour_pages: Option<u32>,
    pub(super) cost: Option<Money>,
}

impl OwnedSum {
    pub(super) fn of(sum: &SumRow<'_>) -> OwnedSum {
        OwnedSum {
            row: sum.row,
            user: sum.user.map(str::to_owned),
            account: sum.account.map(str::to_owned),
            job_type: sum.job_type.map(str::to_owned),
            jobs: sum.jobs,
            pages: sum.pages,
            colour_pages: sum.colour_pages,
            cost: sum.cost,
        }
    }

    pub(super) fn row(&self) -> SumRow<'_> {
        SumRow {
            row: self.row,
            user: self.user.as_deref(),
            account: self.account.as_deref(),
            job_type: self.job_type.as_deref(),
            jobs: self.jobs,
            pages: self.pages,
            colour_pages: self.colour_pages,
            cost: self.cost,
        }
    }
}

/// A balance with texts of its own.
#[derive(Clone, Debug)]
pub(super) struct OwnedBalance {
    row: u64,
    user: Option<String>,
    account: Option<String>,
    balance: Money,
}

impl OwnedBalance {
    pub(super) fn of(balance: &BalanceRow<'_>) -> OwnedBalance {
        OwnedBalance {
            row: balance.row,
            user: balance.user.map(str::to_owned),
            account: balance.account.map(str::to_owned),
            balance: balance.balance,
        }
    }

    pub(super) fn row(&self) -> BalanceRow<'_> {
        BalanceRow {
            row: self.row,
            user: self.user.as_deref(),
            account: self.account.as_deref(),
            balance: self.balance,
        }
    }
}

/// A row of a report that has no jobs.
#[derive(Clone, Debug)]
pub(super) enum PackedSum {
    Sum(OwnedSum),
    Balance(OwnedBalance),
}

/// One thing that a row turned out to be.
#[derive(Clone, Debug)]
pub(super) enum Packed {
    /// The next name of its kind; its number is how many came before it.
    Name(NameKind, String),
    Job(PackedJob),
    Sum(PackedSum),
    /// The place of the next row, in a file that is followed: beside it, because nearly all rows have none.
    Place(RowChain),
    /// A row that the layout leaves out, with its money.
    LeftOut(u64, Option<Money>),
    Rejected(Rejection),
    Finding(Finding),
}

/// Rows in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) rows: Vec<Packed>,
    documents: String,
}

impl Batch {
    /// The document of a job of this batch.
    pub(super) fn document(&self, job: &PackedJob) -> Option<&str> {
        self.documents.get(job.document.clone()?)
    }

    /// Whether it is time to hand the batch over.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_JOBS
    }
}

/// Packs rows, with memory for the names that went before. Grows with names, not with rows.
#[derive(Debug, Default)]
pub(super) struct Packer {
    pub(super) batch: Batch,
    users: HashMap<String, usize>,
    accounts: HashMap<String, usize>,
    printers: HashMap<String, usize>,
    job_types: HashMap<String, usize>,
    paper_sizes: HashMap<String, usize>,
}

impl Packer {
    /// Packs a job.
    pub(super) fn job(&mut self, row: &JobRow<'_>) {
        let rows = &mut self.batch.rows;
        let user = number(&mut self.users, NameKind::User, row.user, rows);
        let account = row.account.map(|name| number(&mut self.accounts, NameKind::Account, name, rows));
        let printer = number(&mut self.printers, NameKind::Printer, row.printer, rows);
        let job_type = row.job_type.map(|name| number(&mut self.job_types, NameKind::JobType, name, rows));
        let paper_size =
            row.paper_size.map(|name| number(&mut self.paper_sizes, NameKind::PaperSize, name, rows));
        let document = row.document.map(|document| {
            let start = self.batch.documents.len();
            self.batch.documents.push_str(document);
            start..self.batch.documents.len()
        });
        rows.extend(row.chain.map(Packed::Place));
        rows.push(Packed::Job(PackedJob {
            row: row.row,
            time: row.time,
            fingerprint: Fingerprint::of(row.printer, row.document.unwrap_or(""), row.pages),
            user,
            account,
            printer,
            job_type,
            paper_size,
            document,
            pages: row.pages,
            colour_pages: row.colour_pages,
            duplex: row.duplex,
            grayscale: row.grayscale,
            cost: row.cost,
            state: row.state,
        }));
    }

    /// Takes the batch out.
    pub(super) fn hand_over(&mut self) -> Batch {
        std::mem::take(&mut self.batch)
    }
}

/// The number of a name; a new one is sent ahead of the job that has it.
fn number(known: &mut HashMap<String, usize>, kind: NameKind, name: &str, rows: &mut Vec<Packed>) -> usize {
    if let Some(number) = known.get(name) {
        return *number;
    }
    let number = known.len();
    known.insert(name.to_owned(), number);
    rows.push(Packed::Name(kind, name.to_owned()));
    number
}
