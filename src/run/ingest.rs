//! One report file into the ledger: known bytes are a success, an unreadable file is refused as a whole, and
//! everything else is one transaction.

use std::path::Path;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::balances::BalanceBook;
use super::intake::{IngestError, Intake, ListedJob, ListedSum, unmatched};
use super::lookalike::{Kind, lookalikes};
use super::sums::SumBook;
use super::taking::Taking;
use crate::domain::{Finding, Period, ReportFacts, fold_name};
use crate::ledger::{Ingested, ReportOrigin, StoredReport};
use crate::sources;

/// A report that is in the ledger now.
#[derive(Debug)]
pub struct TakenReport {
    /// What the file is.
    pub facts: ReportFacts,
    /// Rows and money by what they turned out to be.
    pub ingested: Ingested,
    /// The first jobs, as many as were asked for.
    pub jobs: Vec<ListedJob>,
    /// The first sums or balances, as many.
    pub sums: Vec<ListedSum>,
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

/// Takes one file in, or says why not. `progress` is told of every row. Balances go into
/// `balances`, or are refused where there is no such book.
pub fn ingest(
    intake: &Intake<'_>,
    path: &Path,
    name: &str,
    balances: Option<&mut BalanceBook>,
    progress: &mut dyn FnMut(u64),
) -> Result<Outcome, IngestError> {
    let report = sources::examine(path, &intake.settings)?;
    let facts = report.facts().clone();
    if let Some(wanted) = &intake.wanted {
        wanted.check(facts.period, None)?;
    }
    let settings: [u8; 32] = Sha256::digest(format!("{:?}", intake.settings)).into();
    let mut identity = facts.sha256;
    if let Some(stored) = intake.ledger.known_report(intake.site, &identity)? {
        if !stored.may_be_read_otherwise(&settings) {
            return Ok(Outcome::Known { facts: Box::new(facts), stored });
        }
        // The same bytes by other settings: what was taken then is repeated, what could not be read may be now.
        identity = Sha256::new().chain_update(identity).chain_update(settings).finalize().into();
        if let Some(stored) = intake.ledger.known_report(intake.site, &identity)? {
            return Ok(Outcome::Known { facts: Box::new(facts), stored });
        }
    }
    let origin = ReportOrigin {
        site: intake.site,
        facts: &facts,
        identity: &identity,
        settings: &settings,
        name,
        ingested_at: &intake.now,
        aliases: &intake.aliases,
        documents: intake.documents,
    };
    // Only a report of sums is compared with those that are there.
    let sums = if report.has_sums() { intake.sum_book()? } else { SumBook::default() };
    let mut ingest = intake.ledger.begin_ingest(&origin)?;
    ingest.set_source(facts.source);
    let mut taking = Taking::new(intake, ingest, name, sums, balances);
    taking.read(report, progress)?;
    taking.end_sums(intake)?;
    let Taking { ingest, jobs, listed_sums: sums, mut findings, users, accounts, days, .. } = taking;
    if let Some(wanted) = &intake.wanted {
        wanted.check(facts.period, days)?;
    }
    let covered = covered(&facts, days, intake.today);
    let mut all = facts.findings.clone();
    all.append(&mut findings);
    all.extend(lookalikes(Kind::Users, users.iter().map(|(name, _)| name.as_str())));
    all.extend(lookalikes(Kind::Accounts, accounts.iter().map(|account| account.name.as_str())));
    if !accounts.is_empty() {
        all.extend(unmatched(intake, &accounts.iter().map(|account| fold_name(&account.name)).collect()));
    }
    // Rejected rows are kept as such, and rows that the operator excludes are counted: to tell of each is no news.
    let kept: Vec<Finding> = all
        .iter()
        .filter(|one| !["row-rejected", "excluded", "left-out"].contains(&one.code))
        .cloned()
        .collect();
    let ingested = ingest.finish(covered, &kept)?;
    all.extend(ingested.findings.iter().cloned());
    Ok(Outcome::Taken(Box::new(TakenReport { facts, ingested, jobs, sums, findings: all })))
}

/// The days that a report speaks for: its own period, else from its first job to its last; never a day that
/// is not over when it is taken in.
fn covered(facts: &ReportFacts, days: Option<(NaiveDate, NaiveDate)>, today: NaiveDate) -> Option<Period> {
    let span = facts.period.or_else(|| days.and_then(|(first, last)| Period::of_days(first, last)))?;
    let yesterday = today.pred_opt()?;
    Period::of_days(span.first_day(), span.last_day().min(yesterday))
}
