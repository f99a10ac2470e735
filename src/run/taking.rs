//! A file on its way in: one thread reads, this one writes, and names are asked for once.

use std::collections::HashSet;
use std::sync::mpsc::{SyncSender, sync_channel};

use chrono::NaiveDate;

use super::balances::BalanceBook;
use super::batch::{Batch, NameKind, OwnedBalance, OwnedSum, Packed, PackedJob, PackedSum, Packer};
use super::intake::{IngestError, Intake, ListedJob, ListedSum};
use super::rejected::{FINDINGS_PER_FILE_MAX, rejected};
use super::sums::SumBook;
use crate::domain::{
    Finding, Money, Period, Rejection, Row, RowChain, Severity, Source, fold_name, is_within,
};
use crate::ledger::{Ingest, JobNames, KeyedJob, LedgerError, Place, RowIs};
use crate::sources::{ReadRowsError, Report};

/// Batches that the reader may be ahead of the writer: enough to even out, too few to hold much memory.
const BATCHES_AHEAD: usize = 4;

/// An account or printer of the report.
#[derive(Debug)]
pub(super) struct Named<Id> {
    pub(super) name: String,
    id: Id,
    excluded: bool,
}

/// A file on its way in.
pub(super) struct Taking<'l, 's> {
    pub(super) ingest: Ingest<'l>,
    pub(super) sums: SumBook,
    pub(super) balances: Option<&'s mut BalanceBook>,
    pub(super) report_name: String,
    pub(super) bill_from: Source,
    pub(super) today: NaiveDate,
    /// The place of the next row, where the file is followed.
    place: Option<RowChain>,
    /// Sums of other days that share some with this report's.
    pub(super) overlap: Option<(Period, Period, String)>,
    /// Names of the sums of this report.
    pub(super) seen_users: Vec<String>,
    pub(super) seen_accounts: Vec<String>,
    pub(super) period: Option<Period>,
    pub(super) exclude_accounts: HashSet<String>,
    ignore_printers: HashSet<String>,
    pub(super) jobs_listed: usize,
    pub(super) jobs: Vec<ListedJob>,
    pub(super) listed_sums: Vec<ListedSum>,
    pub(super) findings: Vec<Finding>,
    pub(super) users: Vec<(String, i64)>,
    pub(super) accounts: Vec<Named<Option<i64>>>,
    printers: Vec<Named<i64>>,
    job_types: Vec<(String, Option<i64>)>,
    paper_sizes: Vec<Option<i64>>,
    pub(super) days: Option<(NaiveDate, NaiveDate)>,
}

impl<'l, 's> Taking<'l, 's> {
    /// Begins to take a file in.
    pub(super) fn new(
        intake: &Intake<'_>,
        ingest: Ingest<'l>,
        report_name: &str,
        sums: SumBook,
        balances: Option<&'s mut BalanceBook>,
    ) -> Taking<'l, 's> {
        let folded = |names: &[String]| names.iter().map(|name| fold_name(name)).collect();
        Taking {
            ingest,
            sums,
            balances,
            report_name: report_name.to_owned(),
            bill_from: intake.bill_from,
            today: intake.today,
            place: None,
            overlap: None,
            seen_users: Vec::new(),
            seen_accounts: Vec::new(),
            period: None,
            exclude_accounts: folded(intake.exclude_accounts),
            ignore_printers: folded(intake.ignore_printers),
            jobs_listed: intake.jobs_listed,
            jobs: Vec::new(),
            listed_sums: Vec::new(),
            findings: Vec::new(),
            users: Vec::new(),
            accounts: Vec::new(),
            printers: Vec::new(),
            job_types: Vec::new(),
            paper_sizes: Vec::new(),
            days: None,
        }
    }

    /// Reads in one thread and writes in this one. Either may stop the other: a reader that fails sends no more,
    /// and a writer that fails hangs up.
    pub(super) fn read(&mut self, report: Report, progress: &mut dyn FnMut(u64)) -> Result<(), IngestError> {
        let kind = report.facts().kind;
        self.period = report.facts().period;
        let takes_balances = self.balances.is_some();
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(BATCHES_AHEAD);
            let reader = scope.spawn(move || read_batches(report, takes_balances, &sender));
            let written = receiver.iter().try_for_each(|batch| self.batch(&batch, progress));
            drop(receiver);
            let read = reader.join().map_err(|_| IngestError::Reader)?;
            written?;
            match read {
                Ok(()) => Ok(()),
                Err(ReadRowsError::Report(error)) => Err(IngestError::Read(error)),
                Err(ReadRowsError::Taker(Stop::NoJobs)) => Err(IngestError::NoJobs(kind)),
                Err(ReadRowsError::Taker(Stop::HungUp)) => Err(IngestError::Reader),
            }
        })
    }

    fn batch(&mut self, batch: &Batch, progress: &mut dyn FnMut(u64)) -> Result<(), IngestError> {
        for row in &batch.rows {
            match row {
                Packed::Job(job) => {
                    progress(job.row);
                    self.job(job, batch.document(job))?;
                }
                Packed::Name(kind, name) => self.name(*kind, name)?,
                Packed::Rejected(rejection) if self.pass(rejection.row)? != Place::New => {
                    // It is told once; a file that grows every night is no news of an old line.
                    self.ingest.tally(RowIs::Repeated, rejection.cost);
                }
                Packed::Rejected(rejection) => self.reject(rejection)?,
                Packed::Finding(finding) => self.note(finding.clone()),
                Packed::Sum(PackedSum::Sum(sum)) => self.sum(&sum.row())?,
                Packed::Sum(PackedSum::Balance(balance)) => self.balance(&balance.row()),
                Packed::Place(chain) => self.place = Some(*chain),
                Packed::LeftOut(row, cost) => {
                    // A row whose job is there is billed, whatever the layout says now.
                    let is = match self.pass(*row)? {
                        Place::Taken(_) => RowIs::Repeated,
                        Place::Passed | Place::New => RowIs::NotBillable,
                    };
                    self.ingest.tally(is, *cost);
                }
            }
        }
        Ok(())
    }

    /// Takes notice of a row that gives no job, where the file is followed.
    fn pass(&mut self, row: u64) -> Result<Place, LedgerError> {
        match self.place.take() {
            Some(chain) => self.ingest.pass(chain, row),
            None => Ok(Place::New),
        }
    }

    fn name(&mut self, kind: NameKind, name: &str) -> Result<(), LedgerError> {
        let text = name.to_owned();
        match kind {
            NameKind::User => self.users.push((text, self.ingest.user(name)?)),
            NameKind::Account => {
                let excluded = is_within(&fold_name(name), &self.exclude_accounts);
                self.accounts.push(Named { name: text, id: self.ingest.account(name)?, excluded });
            }
            NameKind::Printer => {
                let excluded = self.ignore_printers.contains(&fold_name(name));
                self.printers.push(Named { name: text, id: self.ingest.printer(name)?, excluded });
            }
            NameKind::JobType => self.job_types.push((text, self.ingest.job_type(name)?)),
            NameKind::PaperSize => self.paper_sizes.push(self.ingest.paper_size(name)?),
        }
        Ok(())
    }

    fn job(&mut self, job: &PackedJob, document: Option<&str>) -> Result<(), LedgerError> {
        let account = job.account.map(|number| &self.accounts[number]);
        let printer = &self.printers[job.printer];
        let exclusion = match (account.is_some_and(|account| account.excluded), printer.excluded) {
            (true, _) => Some("not billed: the account is excluded by `exclude_accounts`"),
            (false, true) => Some("not billed: the printer is ignored by `ignore_printers`"),
            (false, false) => None,
        };
        let names = JobNames {
            user: self.users[job.user].1,
            account: account.and_then(|account| account.id),
            printer: printer.id,
            job_type: job.job_type.and_then(|number| self.job_types[number].1),
            paper_size: job.paper_size.and_then(|number| self.paper_sizes[number]),
        };
        let keyed = KeyedJob {
            row: job.row,
            second: job.time.and_utc().timestamp(),
            fingerprint: job.fingerprint,
            names,
            has_account: job.account.is_some(),
            document,
            pages: job.pages,
            colour_pages: job.colour_pages,
            duplex: job.duplex,
            grayscale: job.grayscale,
            cost: job.cost,
            state: job.state,
            chain: self.place.take(),
            source: Source::Jobs,
            jobs: 1,
        };
        let is = self.ingest.keyed(&keyed, exclusion.is_some())?;
        let day = job.time.date();
        self.days = Some(self.days.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
        if self.jobs.len() < self.jobs_listed {
            self.jobs.push(self.listed(job, document, is));
        }
        if let Some(why) = exclusion {
            self.note(Finding::new(Severity::Note, "excluded", why).at_row(job.row));
        }
        Ok(())
    }

    fn listed(&self, job: &PackedJob, document: Option<&str>, is: RowIs) -> ListedJob {
        ListedJob {
            row: job.row,
            time: job.time,
            user: self.users[job.user].0.clone(),
            account: job.account.map(|number| self.accounts[number].name.clone()).unwrap_or_default(),
            printer: self.printers[job.printer].name.clone(),
            document: document.map(str::to_owned),
            job_type: job
                .job_type
                .map_or_else(|| "print".to_owned(), |number| self.job_types[number].0.clone()),
            pages: job.pages,
            colour_pages: job.colour_pages.unwrap_or(0),
            grayscale: job.grayscale,
            cost: job.cost.unwrap_or(Money::ZERO),
            state: job.state,
            is,
        }
    }

    fn reject(&mut self, rejection: &Rejection) -> Result<(), LedgerError> {
        self.note(rejected(rejection));
        self.ingest.reject(rejection)
    }

    pub(super) fn note(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_PER_FILE_MAX {
            self.findings.push(finding);
        } else if self.findings.len() == FINDINGS_PER_FILE_MAX {
            let text = format!(
                "more than {FINDINGS_PER_FILE_MAX} findings in this file: the rest is counted, not listed"
            );
            self.findings.push(Finding::new(Severity::Warning, "findings-cut", text));
        }
    }
}

/// What stops the reading from the writer's side.
enum Stop {
    /// The report has no jobs.
    NoJobs,
    /// The writer failed.
    HungUp,
}

/// Reads all rows and sends them by the batch.
fn read_batches(
    mut report: Report,
    takes_balances: bool,
    sender: &SyncSender<Batch>,
) -> Result<(), ReadRowsError<Stop>> {
    let mut packer = Packer::default();
    report.read(|row| {
        match row {
            Row::Job(job) => packer.job(&job),
            Row::Place(chain) => packer.batch.rows.push(Packed::Place(chain)),
            Row::LeftOut { row, cost } => packer.batch.rows.push(Packed::LeftOut(row, cost)),
            Row::Rejected(rejection) => packer.batch.rows.push(Packed::Rejected(rejection)),
            Row::Finding(finding) => packer.batch.rows.push(Packed::Finding(finding)),
            Row::Balance(_) if !takes_balances => return Err(Stop::NoJobs),
            Row::Sum(sum) => packer.batch.rows.push(Packed::Sum(PackedSum::Sum(OwnedSum::of(&sum)))),
            Row::Balance(balance) => {
                packer.batch.rows.push(Packed::Sum(PackedSum::Balance(OwnedBalance::of(&balance))));
            }
        }
        if packer.batch.is_full() {
            sender.send(packer.hand_over()).map_err(|_| Stop::HungUp)?;
        }
        Ok(())
    })?;
    sender.send(packer.hand_over()).map_err(|_| ReadRowsError::Taker(Stop::HungUp))
}
