//! From the ledger to a draft, and from a draft to an issued batch: all of it in one transaction.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use chrono::{Days, NaiveDate};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::books::{Books, aliases};
use super::error::RunError;
use super::facts::{Exclusions, PeriodFacts, frozen_terms, gather, gather_moved, link_change};
use super::plan::{Draft, Facts, plan};
use super::rejected::rejected_in;
use super::resolve::Resolver;
use super::sums::{across, beside};
use crate::config::{Config, SiteConfig};
use crate::domain::{BalanceMode, Finding, InvoiceLine, LineClass, PayerId, Period, Severity, fold_name};
use crate::ledger::{
    DeliveryKind, Issue, IssuedBatch, JobFact, Marks, NameTable, NewBatch, NewDelivery, Role, SiteId,
};
use crate::outputs::{Coverage, file_name, report_page, statements};

/// A batch that could be issued, with what it was made from.
#[derive(Debug)]
pub struct Drafted<'a> {
    /// The batch.
    pub draft: Draft,
    facts: Facts<'a>,
    place: &'a SiteConfig,
    site: SiteId,
    exclusions: Exclusions,
    marks: Marks,
    seen: Marks,
    digest: [u8; 32],
    covered: Vec<Period>,
}

/// What came of issuing.
#[derive(Debug)]
pub enum IssueOutcome {
    /// The batch is in the ledger.
    Issued {
        /// Its number there.
        batch_row: i64,
        /// What receivers hold back.
        findings: Vec<Finding>,
    },
    /// A receiver cannot take the batch as it is; nothing was issued.
    Held(Vec<Finding>),
}

/// Which obstacles a batch is issued in spite of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Despite {
    /// None.
    Nothing,
    /// Gaps in the reports: the configuration says so once and for all.
    Gaps,
    /// Gaps, issued jobs that have lost their payer, and months that were billed from other reports: a person asks for
    /// this batch. A configuration never does,
    /// since a row that is deleted by mistake would be credited the same night.
    Asked,
}

impl Despite {
    /// What the configuration allows without being asked.
    pub fn unasked(config: &Config) -> Despite {
        if config.billing.despite_gaps { Despite::Gaps } else { Despite::Nothing }
    }

    fn overrules(self, code: &str) -> bool {
        match self {
            Despite::Nothing => false,
            Despite::Gaps => code == "period-not-covered",
            Despite::Asked => {
                ["period-not-covered", "issued-jobs-without-payer", "bill-from-changed"].contains(&code)
            }
        }
    }
}

impl Drafted<'_> {
    /// Whether there is anything to issue.
    pub fn is_empty(&self) -> bool {
        self.draft.batch.lines.is_empty()
    }

    /// Days of the period that no report speaks for.
    pub fn gaps(&self) -> &[Period] {
        &self.facts.gaps
    }

    /// What stops the batch from being issued unasked.
    pub fn obstacles(&self, despite: Despite) -> Vec<&Finding> {
        let stops =
            |finding: &&Finding| finding.severity == Severity::Error && !despite.overrules(finding.code);
        self.draft.batch.findings.iter().filter(stops).collect()
    }
}

/// Makes the draft of a period, with corrections of every issued one that has news. Changes nothing.
///
/// `None` where the ledger has never heard of the site.
pub fn draft<'a>(
    books: &'a Books<'a>,
    site: &'a SiteConfig,
    period: Period,
) -> Result<Option<Drafted<'a>>, RunError> {
    let ledger = &books.ledger;
    let Some((site_id, _)) = ledger.known_site(&site.name)? else { return Ok(None) };
    let batches = ledger.batches(site_id)?;
    refuse_overlap(&batches, period)?;
    let names = Rc::new(ledger.names(site_id)?);
    let exclusions = Exclusions::of_site(&names, site);
    let digest = policy_digest(books, site);
    let seen = batches.last().map(|batch| batch.marks).unwrap_or_default();
    let gathering = Gathering { books, place: site, site: site_id, names, exclusions: &exclusions };
    let mut periods = vec![gathering.period(period)?];
    for issued in issued_periods(&batches) {
        let policy_changed = batches.last().is_some_and(|batch| batch.directory_digest != digest);
        if issued != period && (policy_changed || ledger.arrived_since(site_id, issued, seen)?) {
            periods.push(gathering.period(issued)?);
        }
    }
    let covered = ledger.covered(site_id, site.reports.bill_from)?;
    let invoice_date = books.invoice_date(site, period);
    let mut facts = Facts {
        site: &site.name,
        currency: site.currency,
        period,
        sequence: sequence_of(&batches, period),
        periods,
        gaps: period.uncovered(&covered),
        invoice_date,
        due_date: due_date(invoice_date, books.config.billing.due_days),
        invoice_prefix: books.invoice_prefix(site),
    };
    let mut draft = plan(&mut facts);
    draft.batch.findings.extend(ledger.lookalikes(site_id, &aliases(site))?);
    for (issued, _) in facts.periods.iter().filter(|(issued, _)| !issued.issued.is_empty()) {
        if ledger.billed_otherwise(site_id, issued.period, site.reports.bill_from)? > 0 {
            draft.batch.findings.push(source_changed(issued.period));
        }
    }
    draft.batch.findings.extend(across(books, site, site_id, period)?);
    draft.batch.findings.extend(beside(books, site, site_id, |own| period.contains(own.last_day()))?);
    draft.batch.findings.extend(rejected_in(ledger, site_id, period)?);
    draft.batch.findings.sort();
    draft.batch.findings.dedup();
    let marks = ledger.marks()?;
    Ok(Some(Drafted { draft, facts, place: site, site: site_id, exclusions, marks, seen, digest, covered }))
}

/// Issues a draft: lines, links, terms, proofs and deliveries hold together or not at all. Nothing leaves the
/// process here.
pub fn issue(books: &Books<'_>, drafted: &mut Drafted<'_>) -> Result<IssueOutcome, RunError> {
    let now = books.now_text();
    let batch = &drafted.draft.batch;
    let new = NewBatch {
        site: drafted.site,
        batch,
        sequence: i64::from(drafted.facts.sequence),
        issued_at: &now,
        marks: drafted.marks,
        directory_digest: drafted.digest,
        proofs: &drafted.draft.proofs,
        terms: &drafted.draft.terms,
        reverses: None,
    };
    let issue = books.ledger.begin_issue(&new)?;
    let lines: HashMap<(Period, PayerId, LineClass), Uuid> =
        batch.lines.iter().map(|line| ((line.period, line.payer.id.clone(), line.class), line.id)).collect();
    for (facts, resolver) in &mut drafted.facts.periods {
        let linking = Linking {
            books,
            site: drafted.site,
            exclusions: &drafted.exclusions,
            issue: &issue,
            lines: &lines,
        };
        linking.period(facts, resolver, drafted.seen)?;
        let lines = batch.lines.iter().filter(|line| line.period == facts.period);
        for line in lines {
            say_what_becomes_of_balances(books, drafted.place, resolver, line, &issue)?;
        }
    }
    let coverage = Coverage { covered: drafted.covered.clone(), gaps: drafted.facts.gaps.clone() };
    let findings = write_deliveries(books, batch, &coverage, &issue)?;
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Ok(IssueOutcome::Held(findings));
    }
    let batch_row = issue.batch_row();
    issue.commit()?;
    Ok(IssueOutcome::Issued { batch_row, findings })
}

/// Keeps with a line how PaperCut balances are changed for it: what the configuration says later concerns later lines.
fn say_what_becomes_of_balances(
    books: &Books<'_>,
    site: &SiteConfig,
    resolver: &mut Resolver<'_>,
    line: &InvoiceLine,
    issue: &Issue<'_>,
) -> Result<(), RunError> {
    let Ok(terms) = resolver.terms(&line.payer.id) else { return Ok(()) };
    let mode = books.config.balance_mode(site, &terms.plan.name);
    let target = match mode {
        BalanceMode::None => return Ok(()),
        BalanceMode::Target(target) => Some(target),
        BalanceMode::Invoiced | BalanceMode::Overage => None,
    };
    Ok(issue.balance_line(line.id, mode.as_str(), target)?)
}

/// Writes down everything that a batch hands out: receivers' files, statements and the reconciliation page.
pub(super) fn write_deliveries(
    books: &Books<'_>,
    batch: &crate::domain::Batch,
    coverage: &Coverage,
    issue: &Issue<'_>,
) -> Result<Vec<Finding>, RunError> {
    let now = books.now_text();
    let folder = file_name(&batch.id, "").trim_end_matches('.').to_owned();
    let mut findings = Vec::new();
    let write = |part: &str, name: &str, bytes: &[u8]| -> Result<(), RunError> {
        let key = format!("{}/{part}/{name}", batch.id);
        let target = if part == "statement" {
            format!("{folder}/statements/{name}")
        } else {
            format!("{folder}/{name}")
        };
        issue.delivery(&NewDelivery {
            key: &key,
            kind: DeliveryKind::File,
            target: &target,
            body: bytes,
            at: &now,
        })?;
        Ok(())
    };
    let mut taken = BTreeSet::new();
    for (name, receiver) in books.receivers() {
        let rendered =
            receiver.render(batch).map_err(|source| RunError::Render { receiver: name.clone(), source })?;
        for file in &rendered.files {
            write(&name, &own_name(&file.name, &name, &mut taken), &file.bytes)?;
        }
        findings.extend(rendered.findings);
    }
    if books.config.output.statements {
        for file in statements(&books.templates, batch)? {
            write("statement", &file.name, &file.bytes)?;
        }
    }
    let page = report_page(&books.templates, batch, coverage)?;
    write("report", &page.name, &page.bytes)?;
    Ok(findings)
}

/// A file's name beside those of other receivers: two of one format would write one file, and the second would replace
/// the first.
fn own_name(name: &str, receiver: &str, taken: &mut BTreeSet<String>) -> String {
    let mut own = name.to_owned();
    while !taken.insert(fold_name(&own)) {
        let (stem, ending) = own.rsplit_once('.').unwrap_or((&own, ""));
        own = file_name(&format!("{stem}-{receiver}"), ending);
    }
    own
}

/// Reads periods for a draft.
struct Gathering<'a, 'g> {
    books: &'a Books<'a>,
    place: &'a SiteConfig,
    site: SiteId,
    names: Rc<NameTable>,
    exclusions: &'g Exclusions,
}

impl<'a> Gathering<'a, '_> {
    fn period(&self, period: Period) -> Result<(PeriodFacts, Resolver<'a>), RunError> {
        let ledger = &self.books.ledger;
        let frozen = frozen_terms(ledger, self.site, period)?;
        let mut resolver =
            Resolver::new(self.books.policy(self.place), Rc::clone(&self.names), period, frozen);
        let mut facts = gather(ledger, self.site, period, &mut resolver, self.exclusions)?;
        if !facts.issued.is_empty() {
            gather_moved(ledger, self.site, &mut facts, &mut resolver, self.exclusions)?;
        }
        Ok((facts, resolver))
    }
}

/// Puts jobs behind the lines of a batch.
struct Linking<'a> {
    books: &'a Books<'a>,
    site: SiteId,
    exclusions: &'a Exclusions,
    issue: &'a Issue<'a>,
    lines: &'a HashMap<(Period, PayerId, LineClass), Uuid>,
}

impl Linking<'_> {
    fn period(&self, facts: &PeriodFacts, resolver: &mut Resolver<'_>, seen: Marks) -> Result<(), RunError> {
        let ledger = &self.books.ledger;
        let is_first = facts.issued.is_empty();
        let mut relink = |job: JobFact| {
            let links = if is_first { Vec::new() } else { ledger.open_links(job.id)? };
            let change = link_change(&job, &links, resolver, self.exclusions);
            for link in &change.closed {
                self.issue.close(link, job.id)?;
                if let Some(payer) = PayerId::parse(&link.payer) {
                    self.link(facts.period, payer, link.class, job.id, Role::TakenBack)?;
                }
            }
            for (payer, class) in change.opened {
                self.link(facts.period, payer, class, job.id, Role::Billed)?;
            }
            Ok::<(), RunError>(())
        };
        ledger.each_job(self.site, facts.period, self.exclusions.source, &mut relink)?;
        if !is_first {
            ledger.each_billed_otherwise(self.site, facts.period, self.exclusions.source, &mut relink)?;
        }
        if is_first {
            return Ok(());
        }
        for job_id in ledger.changed_jobs(self.site, facts.period, seen)? {
            for link in ledger.open_links(job_id)?.into_iter().filter(|link| !self.issue.is_own(link)) {
                if let Some(payer) = PayerId::parse(&link.payer) {
                    self.link(facts.period, payer, link.class, job_id, Role::Changed)?;
                }
            }
        }
        Ok(())
    }

    fn link(
        &self,
        period: Period,
        payer: PayerId,
        class: LineClass,
        job: i64,
        role: Role,
    ) -> Result<(), RunError> {
        if let Some(line) = self.lines.get(&(period, payer, class)) {
            self.issue.link(*line, job, class, role)?;
        }
        Ok(())
    }
}

/// An issued month whose lines were made from another kind of report than the configuration says now.
fn source_changed(period: Period) -> Finding {
    let message = format!(
        "{period} was billed from other reports than `bill_from` says now: its lines would be corrected to what these \
         come to. Set `bill_from` back, or say that you want it by `papertally bill --issue --despite-gaps`"
    );
    Finding::new(Severity::Error, "bill-from-changed", message)
}

/// Everything beside the ledger that decides who pays what: where it differs from the last batch's, issued
/// periods are priced again.
fn policy_digest(books: &Books<'_>, site: &SiteConfig) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(books.directory.digest());
    let policy = format!(
        "{:?}{:?}{:?}{:?}{:?}{:?}{:?}",
        books.config.plans,
        books.config.billing.default_plan,
        books.config.directory.personal_jobs,
        site.alias,
        site.exclude_accounts,
        site.ignore_printers,
        site.reports.bill_from
    );
    hash.update(policy);
    hash.finalize().into()
}

fn issued_periods(batches: &[IssuedBatch]) -> Vec<Period> {
    let mut periods: Vec<Period> = batches.iter().map(|batch| batch.period).collect();
    periods.sort();
    periods.dedup();
    periods
}

pub(super) fn sequence_of(batches: &[IssuedBatch], period: Period) -> u32 {
    let count = batches.iter().filter(|batch| batch.period == period).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A job lies in one billed period only, so periods may be equal but never overlap in part.
fn refuse_overlap(batches: &[IssuedBatch], period: Period) -> Result<(), RunError> {
    match batches.iter().find(|batch| batch.period != period && batch.period.overlaps(&period)) {
        Some(batch) => Err(RunError::Overlap { period, issued: batch.period, batch: batch.name.clone() }),
        None => Ok(()),
    }
}

pub(super) fn due_date(invoice_date: NaiveDate, days: u32) -> NaiveDate {
    invoice_date.checked_add_days(Days::new(u64::from(days))).unwrap_or(invoice_date)
}

/// The number of payers with a charged line.
pub fn charged_payers<'l>(lines: impl Iterator<Item = &'l InvoiceLine>) -> usize {
    lines.map(|line| &line.payer.id).collect::<std::collections::BTreeSet<_>>().len()
}
