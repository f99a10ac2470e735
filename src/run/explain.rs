//! The jobs behind a number, down to the row of the report file.

use std::collections::HashSet;
use std::rc::Rc;

use uuid::Uuid;

use super::bill::draft;
use super::books::Books;
use super::error::RunError;
use super::facts::{Exclusions, frozen_terms};
use super::resolve::{Owner, Resolver};
use crate::config::SiteConfig;
use crate::domain::{Holder, InvoiceLine, Money, PayerId, Period, fold_name, is_within};
use crate::ledger::{BalanceChange, IssuedLine, JobFact, Ledger, LedgerError, NameTable, SiteId, StoredJob};

/// What is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An issued line.
    Line(Uuid),
    /// A payer.
    Payer(PayerId),
    /// A user, by the ledger's number.
    User(i64),
    /// A shared account with its sub-accounts, by the ledger's numbers.
    Accounts(Vec<i64>),
    /// A balance change, by the number of its delivery.
    Change(i64),
}

/// A job with everything that a person may ask of it.
#[derive(Clone, Debug)]
pub struct ExplainedJob {
    /// The job and its report row.
    pub job: StoredJob,
    /// User.
    pub user: String,
    /// Account, or empty.
    pub account: String,
    /// Printer.
    pub printer: String,
    /// Type.
    pub job_type: String,
    /// Paper size.
    pub paper_size: String,
    /// Who pays; empty where nobody does.
    pub payer: String,
    /// Why nobody pays.
    pub reason: String,
    /// The line's use of the job, for a line.
    pub role: &'static str,
    /// What the change gives back of its cost, for a balance change.
    pub settled: Option<Money>,
}

/// The answer.
#[derive(Debug, Default)]
pub struct Explained {
    /// The balance change that was asked for.
    pub change: Option<BalanceChange>,
    /// Issued lines of the subject.
    pub lines: Vec<IssuedLine>,
    /// Lines that the next batch would add, with their own arithmetic.
    pub drafts: Vec<InvoiceLine>,
    /// The jobs.
    pub jobs: Vec<ExplainedJob>,
}

/// Finds out what a text means: a line's id, a payer, a user or an account.
pub fn subject_of(ledger: &Ledger, site: SiteId, text: &str) -> Result<Option<Subject>, LedgerError> {
    if let Ok(key) = Uuid::parse_str(text) {
        return Ok(ledger.issued_line(key)?.map(|_| Subject::Line(key)));
    }
    if let Some(payer) = PayerId::parse(text) {
        return Ok(Some(Subject::Payer(payer)));
    }
    if let Some(number) = text.strip_prefix("change:") {
        let change = number.parse().ok().map(|id| ledger.balance_change(id)).transpose()?.flatten();
        return Ok(change.map(|change| Subject::Change(change.delivery.id)));
    }
    // As balances are written; a name may hold a colon itself.
    let holder = text.split_once(':').and_then(|(kind, name)| Holder::of(kind, name));
    let (name, is_account) = match &holder {
        Some(holder) => (holder.name(), matches!(holder, Holder::Account(_))),
        None => (text, false),
    };
    let names = ledger.names(site)?;
    let wanted = fold_name(name);
    let user = names.users.iter().find(|(_, name)| fold_name(name) == wanted).map(|(id, _)| *id);
    let user = user.filter(|_| !is_account);
    let wanted = HashSet::from([wanted]);
    let within = names.accounts.iter().filter(|(_, name)| is_within(&fold_name(name), &wanted));
    let accounts: Vec<i64> = within.map(|(id, _)| *id).collect();
    Ok(user.map(Subject::User).or_else(|| (!accounts.is_empty()).then_some(Subject::Accounts(accounts))))
}

/// Explains a subject; without a period, all of it.
pub fn explain(
    books: &Books<'_>,
    site: &SiteConfig,
    site_id: SiteId,
    subject: &Subject,
    period: Option<Period>,
) -> Result<Explained, RunError> {
    let ledger = &books.ledger;
    let names = Rc::new(ledger.names(site_id)?);
    let exclusions = Exclusions::of_site(&names, site);
    let mut explained = Explained::default();
    if let Subject::Line(key) = subject {
        if let Some((line, _)) = ledger.issued_line(*key)? {
            let mut asking = Asking::new(books, (site, site_id), &names, &exclusions, line.line.period)?;
            for link in ledger.line_jobs(line.row_id)? {
                let job = ledger.stored_job(link.job_id)?;
                explained.jobs.push(asking.job(job, link.role.as_str()));
            }
            explained.lines.push(line);
        }
        return Ok(explained);
    }
    if let Subject::Change(delivery) = subject {
        return explain_change(books, (site, site_id), (&names, &exclusions), *delivery);
    }
    for month in months(ledger, site_id, period)? {
        let mut asking = Asking::new(books, (site, site_id), &names, &exclusions, month)?;
        let mut wanted: Vec<i64> = Vec::new();
        ledger.each_job(site_id, month, exclusions.source, |fact| {
            if asking.concerns(&fact, subject) {
                wanted.push(fact.id);
            }
            Ok::<(), LedgerError>(())
        })?;
        for id in wanted {
            let job = ledger.stored_job(id)?;
            explained.jobs.push(asking.job(job, ""));
        }
        if let Subject::Payer(payer) = subject {
            let lines = ledger.issued_lines(site_id, month)?;
            explained.lines.extend(lines.into_iter().filter(|issued| issued.line.payer.id == *payer));
            if let Some(drafted) = draft(books, site, month)? {
                let drafts = drafted.draft.batch.lines.into_iter();
                explained
                    .drafts
                    .extend(drafts.filter(|line| line.payer.id == *payer && line.period == month));
            }
        }
    }
    Ok(explained)
}

/// The jobs whose cost a balance change gives back, or takes.
fn explain_change(
    books: &Books<'_>,
    (site, site_id): (&SiteConfig, SiteId),
    (names, exclusions): (&Rc<NameTable>, &Exclusions),
    delivery: i64,
) -> Result<Explained, RunError> {
    let ledger = &books.ledger;
    let mut explained = Explained { change: ledger.balance_change(delivery)?, ..Explained::default() };
    let Some(change) = &explained.change else { return Ok(explained) };
    for settled in ledger.settled_by(change.delivery.id)? {
        let job = ledger.stored_job(settled.job)?;
        let mut asking =
            Asking::new(books, (site, site_id), names, exclusions, Period::month_of(job.time.date()))?;
        let job = asking.job(job, "");
        explained.jobs.push(ExplainedJob { settled: Some(settled.cost), ..job });
    }
    Ok(explained)
}

/// The months that the question is about: the allowance of one is not that of another.
fn months(ledger: &Ledger, site: SiteId, period: Option<Period>) -> Result<Vec<Period>, LedgerError> {
    if let Some(period) = period {
        return Ok(vec![period]);
    }
    let Some(days) = ledger.job_days(site)? else { return Ok(Vec::new()) };
    let issued: Vec<Period> = ledger.batches(site)?.iter().map(|batch| batch.period).collect();
    let mut periods = Period::months_beside(days.first_day(), days.last_day(), &issued);
    periods.extend(issued);
    periods.sort();
    periods.dedup();
    Ok(periods)
}

/// Answers for the jobs of one period.
struct Asking<'a> {
    names: Rc<NameTable>,
    exclusions: &'a Exclusions,
    resolver: Resolver<'a>,
}

impl<'a> Asking<'a> {
    fn new(
        books: &'a Books<'_>,
        (site, site_id): (&'a SiteConfig, SiteId),
        names: &Rc<NameTable>,
        exclusions: &'a Exclusions,
        period: Period,
    ) -> Result<Asking<'a>, RunError> {
        let frozen = frozen_terms(&books.ledger, site_id, period)?;
        let resolver = Resolver::new(books.policy(site), Rc::clone(names), period, frozen);
        Ok(Asking { names: Rc::clone(names), exclusions, resolver })
    }

    fn concerns(&mut self, fact: &JobFact, subject: &Subject) -> bool {
        match subject {
            Subject::User(user) => fact.user == *user,
            Subject::Accounts(accounts) => fact.account.is_some_and(|account| accounts.contains(&account)),
            Subject::Payer(payer) => self.resolver.payer(fact).is_some_and(|(found, _)| found == *payer),
            Subject::Line(_) | Subject::Change(_) => false,
        }
    }

    fn job(&mut self, job: StoredJob, role: &'static str) -> ExplainedJob {
        let fact = job.fact;
        let (payer, reason) = match self.exclusions.reason(&fact) {
            Some(reason) => (String::new(), format!("not billed: {reason}")),
            None => match self.resolver.owner(&fact) {
                Owner::Payer(number) => (self.resolver.payer_at(number).0.to_string(), String::new()),
                Owner::Nobody(number) => {
                    (String::new(), format!("in suspense: {}", self.resolver.reason_at(number)))
                }
            },
        };
        let name = |table: &std::collections::HashMap<i64, String>, id: Option<i64>| {
            id.and_then(|id| table.get(&id)).cloned().unwrap_or_default()
        };
        let job_type = name(&self.names.job_types, fact.job_type);
        ExplainedJob {
            user: name(&self.names.users, Some(fact.user)),
            account: name(&self.names.accounts, fact.account),
            printer: name(&self.names.printers, Some(fact.printer)),
            job_type: if job_type.is_empty() { "print".to_owned() } else { job_type },
            paper_size: name(&self.names.paper_sizes, fact.paper_size),
            payer,
            reason,
            role,
            settled: None,
            job,
        }
    }
}
