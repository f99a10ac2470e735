//! One report file into the ledger: known bytes are a success, an unreadable file is refused as a whole, and
//! everything else is one transaction.

use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

use chrono::{NaiveDate, NaiveDateTime};

use super::batch::{Batch, NameKind, OwnedBalance, OwnedSum, Packed, PackedJob, PackedSum, Packer};
use super::books::{Books, aliases, read_settings};
use super::lookalike::{Kind, lookalikes};
use super::sums::SumBook;
use crate::config::{DocumentNames, SiteConfig};
use crate::domain::{
    Finding, JobState, Money, Period, Rejection, ReportFacts, ReportKind, Row, Severity, fold_name, is_within,
};
use crate::ledger::{
    Documents, Ingest, Ingested, JobNames, KeyedJob, Ledger, LedgerError, ReportOrigin, RowIs, SiteId,
    StoredRejection, StoredReport,
};
use crate::sources::{self, ReadError, ReadRowsError, ReadSettings, Report};

/// Most findings that one file adds; the counts go on, so nothing is lost but the repetition.
const FINDINGS_PER_FILE_MAX: usize = 1_000;

/// Batches that the reader may be ahead of the writer: enough to even out, too few to hold much memory.
const BATCHES_AHEAD: usize = 4;

/// How the reports of a site are taken in.
#[derive(Debug)]
pub struct Intake<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The site.
    pub site: SiteId,
    /// What the operator says where a file does not decide.
    pub settings: ReadSettings,
    /// Old and new usernames.
    pub aliases: Vec<(String, String)>,
    /// Accounts that are never billed.
    pub exclude_accounts: &'a [String],
    /// Printers that are never billed.
    pub ignore_printers: &'a [String],
    /// Whether document names are kept.
    pub documents: Documents,
    /// Now, RFC 3339.
    pub now: String,
    /// Today at the site: no report speaks for a day that is not over.
    pub today: NaiveDate,
    /// How many jobs of the file to list.
    pub jobs_listed: usize,
}

impl<'a> Intake<'a> {
    /// Intake into the ledger as the configuration says for a site. Renamed users count under their present names
    /// from here on.
    pub fn of_site(books: &'a Books<'_>, site: &'a SiteConfig) -> Result<Intake<'a>, LedgerError> {
        let ledger = &books.ledger;
        let site_id = ledger.site(&site.name, site.currency, site.time_zone.name())?;
        let aliases = aliases(site);
        ledger.rename_users(site_id, &aliases)?;
        Ok(Intake {
            ledger,
            site: site_id,
            settings: read_settings(site),
            aliases,
            exclude_accounts: &site.exclude_accounts,
            ignore_printers: &site.ignore_printers,
            documents: match books.config.document_names {
                DocumentNames::Keep => Documents::Keep,
                DocumentNames::Drop => Documents::Drop,
            },
            now: books.now_text(),
            today: books.today(site),
            jobs_listed: 0,
        })
    }
}

/// A job as it was read, for the page that `check` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedJob {
    /// Line of the file.
    pub row: u64,
    /// Wall-clock time.
    pub time: NaiveDateTime,
    /// User as written.
    pub user: String,
    /// Account as `parent\sub`, or empty.
    pub account: String,
    /// Printer.
    pub printer: String,
    /// Document, where the file has one.
    pub document: Option<String>,
    /// Type.
    pub job_type: String,
    /// Pages.
    pub pages: u32,
    /// Colour pages.
    pub colour_pages: u32,
    /// Grayscale, where the file says.
    pub grayscale: Option<bool>,
    /// Cost.
    pub cost: Money,
    /// State.
    pub state: JobState,
    /// What it turned out to be.
    pub is: RowIs,
}

/// A report that is in the ledger now.
#[derive(Debug)]
pub struct TakenReport {
    /// What the file is.
    pub facts: ReportFacts,
    /// Rows and money by what they turned out to be.
    pub ingested: Ingested,
    /// The first jobs, as many as were asked for.
    pub jobs: Vec<ListedJob>,
    /// What a person should look at, in file order.
    pub findings: Vec<Finding>,
}

/// What became of a file.
#[derive(Debug)]
pub enum Outcome {
    /// Its bytes were taken in before.
    Known {
        /// What the file is.
        facts: Box<ReportFacts>,
        /// The report as it was taken in.
        stored: StoredReport,
    },
    /// It was taken in now.
    Taken(Box<TakenReport>),
}

/// Why a file was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The file cannot be read as a report; nothing of it was kept.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its kind is recognised, but holds no jobs to bill.
    #[error("this is a {0}: papertally bills from print logs; its sums are not taken in")]
    NoJobs(ReportKind),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The reading thread ended for a reason of its own: a fault in papertally.
    #[error("the file's reader ended early; nothing of the file was kept")]
    Reader,
}

/// Takes one file in, or says why not. `progress` is told of every row. Reports of sums and balances go into
/// `sums`, or are refused where there is no such book.
pub fn ingest(
    intake: &Intake<'_>,
    path: &Path,
    name: &str,
    sums: Option<&mut SumBook>,
    progress: &mut dyn FnMut(u64),
) -> Result<Outcome, IngestError> {
    let report = sources::examine(path, &intake.settings)?;
    let facts = report.facts().clone();
    if let Some(stored) = intake.ledger.known_report(&facts.sha256)? {
        return Ok(Outcome::Known { facts: Box::new(facts), stored });
    }
    let origin = ReportOrigin {
        site: intake.site,
        facts: &facts,
        name,
        ingested_at: &intake.now,
        aliases: &intake.aliases,
        documents: intake.documents,
    };
    let mut taking = Taking::new(intake, intake.ledger.begin_ingest(&origin)?, sums);
    taking.read(report, progress)?;
    taking.end_sums(intake);
    let Taking { ingest, jobs, mut findings, users, accounts, days, .. } = taking;
    let covered = covered(&facts, days, intake.today);
    let ingested = ingest.finish(covered)?;
    let mut all = facts.findings.clone();
    all.append(&mut findings);
    all.extend(ingested.findings.iter().cloned());
    all.extend(lookalikes(Kind::Users, users.iter().map(|(name, _)| name.as_str())));
    all.extend(lookalikes(Kind::Accounts, accounts.iter().map(|account| account.name.as_str())));
    if !accounts.is_empty() {
        all.extend(unmatched(intake, &accounts.iter().map(|account| fold_name(&account.name)).collect()));
    }
    Ok(Outcome::Taken(Box::new(TakenReport { facts, ingested, jobs, findings: all })))
}

/// An account or printer of the report.
#[derive(Debug)]
struct Named<Id> {
    name: String,
    id: Id,
    excluded: bool,
}

/// A file on its way in.
struct Taking<'l, 's> {
    ingest: Ingest<'l>,
    sums: Option<&'s mut SumBook>,
    period: Option<Period>,
    exclude_accounts: HashSet<String>,
    ignore_printers: HashSet<String>,
    jobs_listed: usize,
    jobs: Vec<ListedJob>,
    findings: Vec<Finding>,
    users: Vec<(String, i64)>,
    accounts: Vec<Named<Option<i64>>>,
    printers: Vec<Named<i64>>,
    job_types: Vec<(String, Option<i64>)>,
    paper_sizes: Vec<Option<i64>>,
    days: Option<(NaiveDate, NaiveDate)>,
}

impl<'l, 's> Taking<'l, 's> {
    fn new(intake: &Intake<'_>, ingest: Ingest<'l>, sums: Option<&'s mut SumBook>) -> Taking<'l, 's> {
        let folded = |names: &[String]| names.iter().map(|name| fold_name(name)).collect();
        Taking {
            ingest,
            sums,
            period: None,
            exclude_accounts: folded(intake.exclude_accounts),
            ignore_printers: folded(intake.ignore_printers),
            jobs_listed: intake.jobs_listed,
            jobs: Vec::new(),
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
    fn read(&mut self, report: Report, progress: &mut dyn FnMut(u64)) -> Result<(), IngestError> {
        let kind = report.facts().kind;
        self.period = report.facts().period;
        let takes_sums = self.sums.is_some();
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(BATCHES_AHEAD);
            let reader = scope.spawn(move || read_batches(report, takes_sums, &sender));
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

    fn batch(&mut self, batch: &Batch, progress: &mut dyn FnMut(u64)) -> Result<(), LedgerError> {
        for row in &batch.rows {
            match row {
                Packed::Job(job) => {
                    progress(job.row);
                    self.job(job, batch.document(job))?;
                }
                Packed::Name(kind, name) => self.name(*kind, name)?,
                Packed::Rejected(rejection) => self.reject(rejection)?,
                Packed::Finding(finding) => self.note(finding.clone()),
                Packed::Sum(sum) => self.sum(sum),
            }
        }
        Ok(())
    }

    /// Counts a row of sums or balances.
    fn sum(&mut self, row: &PackedSum) {
        let Some(book) = self.sums.as_deref_mut() else { return };
        let (judged, cost) = match row {
            PackedSum::Sum(sum) => (book.sum(&sum.row(), self.period, &self.exclude_accounts), sum.cost),
            // A balance is money that is owed, not money that was printed: it stays out of the report's sums.
            PackedSum::Balance(balance) => (book.balance(&balance.row(), &self.exclude_accounts), None),
        };
        self.ingest.tally(judged.is, cost);
        if let Some(finding) = judged.finding {
            self.note(finding);
        }
    }

    /// Ends a report of sums: differences to earlier ones, names that look alike, exclusions without a row.
    fn end_sums(&mut self, intake: &Intake<'_>) {
        let Some(book) = self.sums.as_deref_mut() else { return };
        let mut findings = book.finish_report();
        let (users, accounts) = book.names();
        if users.is_empty() && accounts.is_empty() {
            return;
        }
        findings.extend(lookalikes(Kind::Users, users.iter().copied()));
        findings.extend(lookalikes(Kind::Accounts, accounts.iter().copied()));
        findings.extend(unmatched(intake, &book.seen_accounts()));
        self.findings.append(&mut findings);
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

    fn note(&mut self, finding: Finding) {
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

/// The finding on a row that could not be read.
fn rejected(rejection: &Rejection) -> Finding {
    let message = match rejection.cost {
        Some(cost) => format!("{} (the row's cost is {cost})", rejection.message()),
        None => rejection.message(),
    };
    let finding = Finding::new(Severity::Warning, "row-rejected", message).at_row(rejection.row);
    if rejection.column.is_empty() { finding } else { finding.in_column(&rejection.column) }
}

/// The unreadable rows of reports that no summary has told of yet: also of those that a broken-off run took in.
pub(super) fn untold_rejections(ledger: &Ledger, site: SiteId) -> Result<Vec<Finding>, LedgerError> {
    let (mark, _) = ledger.summary_marks()?;
    let most = u32::try_from(FINDINGS_PER_FILE_MAX).unwrap_or(u32::MAX);
    Ok(ledger.rejections_after(site, mark, most)?.into_iter().map(stored_rejection).collect())
}

/// The unreadable rows of reports that speak for days of a period: their jobs are on no line.
pub(super) fn rejected_in(
    ledger: &Ledger,
    site: SiteId,
    period: Period,
) -> Result<Vec<Finding>, LedgerError> {
    let most = u32::try_from(FINDINGS_PER_FILE_MAX).unwrap_or(u32::MAX);
    Ok(ledger.rejections_in(site, period, most)?.into_iter().map(stored_rejection).collect())
}

fn stored_rejection(stored: StoredRejection) -> Finding {
    let rejection = Rejection {
        row: u64::try_from(stored.row).unwrap_or_default(),
        column: stored.column,
        found: stored.found,
        expected: stored.expected,
        cost: stored.cost,
    };
    rejected(&rejection).in_file(&stored.report)
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
    takes_sums: bool,
    sender: &SyncSender<Batch>,
) -> Result<(), ReadRowsError<Stop>> {
    let mut packer = Packer::default();
    report.read(|row| {
        match row {
            Row::Job(job) => packer.job(&job),
            Row::Rejected(rejection) => packer.batch.rows.push(Packed::Rejected(rejection)),
            Row::Finding(finding) => packer.batch.rows.push(Packed::Finding(finding)),
            Row::Sum(_) | Row::Balance(_) if !takes_sums => return Err(Stop::NoJobs),
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

/// The days that a report speaks for: its own period, else from its first job to its last; never a day that
/// is not over when it is taken in.
fn covered(facts: &ReportFacts, days: Option<(NaiveDate, NaiveDate)>, today: NaiveDate) -> Option<Period> {
    let span = facts.period.or_else(|| days.and_then(|(first, last)| Period::of_days(first, last)))?;
    let yesterday = today.pred_opt()?;
    Period::of_days(span.first_day(), span.last_day().min(yesterday))
}

/// Names in the exclusion list that no row has: a typing mistake would bill what should be free.
fn unmatched(intake: &Intake<'_>, seen: &HashSet<String>) -> Vec<Finding> {
    let missing = intake.exclude_accounts.iter().filter(|account| {
        let excluded = HashSet::from([fold_name(account)]);
        !seen.iter().any(|account| is_within(account, &excluded))
    });
    missing
        .map(|account| {
            let message = format!("`exclude_accounts` names `{account}`, which no row of this report has");
            Finding::new(Severity::Note, "exclusion-unmatched", message)
        })
        .collect()
}
