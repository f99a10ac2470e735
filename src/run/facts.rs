//! What billing looks at, read from the ledger once: who used what on which day, and what was issued before.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::resolve::{Owner, PlanBasis, Resolver};
use crate::config::SiteConfig;
use crate::domain::{
    DetailItem, Exact, HasColour, JobState, LineClass, NotBillableItem, PayerId, Period, Proof, Source,
    SuspenseItem, Terms, UsageItem, fold_name, is_within,
};
use crate::ledger::{IssuedLine, JobFact, Ledger, LedgerError, NameTable, OpenLink, SiteId};

/// A period as the ledger has it.
#[derive(Clone, Debug)]
pub struct PeriodFacts {
    /// The period.
    pub period: Period,
    /// What each payer used.
    pub usage: BTreeMap<PayerId, Vec<UsageItem>>,
    /// Who used what, by payer, user, account and type.
    pub detail: Vec<DetailItem>,
    /// What nobody pays yet, by user, account and reason.
    pub suspense: Vec<SuspenseItem>,
    /// What is never billed.
    pub not_billable: Vec<NotBillableItem>,
    /// Cost of all its jobs.
    pub reported: Exact,
    /// Lines issued for it so far, oldest first.
    pub issued: Vec<IssuedLine>,
    /// What those lines proved, together.
    pub issued_proof: Proof,
    /// Payers and classes whose jobs are not those behind their lines.
    pub moved: BTreeMap<(PayerId, LineClass), Moved>,
}

/// How the jobs of a payer and class differ from those behind its lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Jobs that no line bills yet.
    pub added: i64,
    /// Jobs that a line bills and that are not the payer's any more.
    pub removed: i64,
    /// Those of them that have no payer now, although nothing was refunded: their row in the directory is gone.
    pub orphaned: i64,
}

/// What bills are made from, and what the operator leaves out of every one, by number.
#[derive(Clone, Debug, Default)]
pub struct Exclusions {
    /// Jobs, or one family of sums.
    pub source: Source,
    accounts: HashSet<i64>,
    printers: HashSet<i64>,
    former_users: HashSet<i64>,
}

impl Exclusions {
    /// What the configuration says for a site.
    pub fn of_site(names: &NameTable, site: &SiteConfig) -> Exclusions {
        Exclusions::new(names, site.reports.bill_from, &site.exclude_accounts, &site.ignore_printers)
    }

    /// The numbers of the configured names; letter case does not count, and an account stands for its
    /// sub-accounts too.
    pub fn new(names: &NameTable, source: Source, accounts: &[String], printers: &[String]) -> Exclusions {
        let folded =
            |names: &[String]| -> HashSet<String> { names.iter().map(|name| fold_name(name)).collect() };
        let (accounts, printers) = (folded(accounts), folded(printers));
        let is_account = |(_, name): &(&i64, &String)| is_within(&fold_name(name), &accounts);
        let is_printer = |(_, name): &(&i64, &String)| printers.contains(&fold_name(name));
        Exclusions {
            source,
            accounts: names.accounts.iter().filter(is_account).map(|(id, _)| *id).collect(),
            printers: names.printers.iter().filter(is_printer).map(|(id, _)| *id).collect(),
            former_users: names.former_users.keys().copied().collect(),
        }
    }

    /// Why a job is never billed, where it is not.
    pub fn reason(&self, job: &JobFact) -> Option<&'static str> {
        if job.source != self.source {
            return Some("billed from another kind of report");
        }
        match job.state {
            JobState::Refunded => return Some("refunded"),
            JobState::Denied => return Some("denied"),
            JobState::NotPrinted => return Some("not printed"),
            JobState::Charged => {}
        }
        if self.former_users.contains(&job.user) {
            return Some("counted under the user's present name");
        }
        if job.account.is_some_and(|account| self.accounts.contains(&account)) {
            return Some("account excluded by the configuration");
        }
        self.printers.contains(&job.printer).then_some("printer excluded by the configuration")
    }
}

/// Counts of some jobs.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    jobs: i64,
    mono_pages: i64,
    colour_pages: i64,
    cost: i128,
}

impl Tally {
    fn add(&mut self, job: &JobFact) {
        self.jobs += job.jobs;
        self.mono_pages += job.pages - job.colour_pages;
        self.colour_pages += job.colour_pages;
        self.cost += i128::from(job.cost.map_or(0, |cost| cost.millionths()));
    }

    fn pages(&self) -> i64 {
        self.mono_pages + self.colour_pages
    }

    fn exact_cost(&self) -> Exact {
        Exact::from_parts(self.cost * i128::from(crate::domain::MILLIONTHS))
    }
}

/// Sums of a period while its jobs go by. Grows with payers, users and accounts, not with jobs.
#[derive(Debug, Default)]
struct Sums {
    reported: Tally,
    not_billable: BTreeMap<&'static str, Tally>,
    /// By payer, type, size and colour.
    usage: HashMap<(usize, Option<i64>, Option<i64>, HasColour), Tally>,
    /// By payer, user, account and type.
    detail: HashMap<(usize, i64, Option<i64>, Option<i64>), Tally>,
    /// By user or account, whichever has no payer, and reason.
    suspense: HashMap<(Option<i64>, Option<i64>, usize), Tally>,
}

impl Sums {
    fn add(&mut self, job: &JobFact, resolver: &mut Resolver<'_>, exclusions: &Exclusions) {
        self.reported.add(job);
        if let Some(reason) = exclusions.reason(job) {
            self.not_billable.entry(reason).or_default().add(job);
            return;
        }
        match resolver.owner(job) {
            Owner::Payer(payer) => {
                let colour = if job.colour_pages > 0 { HasColour::Yes } else { HasColour::No };
                self.usage.entry((payer, job.job_type, job.paper_size, colour)).or_default().add(job);
                self.detail.entry((payer, job.user, job.account, job.job_type)).or_default().add(job);
            }
            Owner::Nobody(reason) => {
                // A job on a shared account waits for the account's payer, whoever printed it.
                let user = if job.account.is_some() { None } else { Some(job.user) };
                self.suspense.entry((user, job.account, reason)).or_default().add(job);
            }
        }
    }
}

/// Reads a period: one pass over its jobs, sums in memory.
pub fn gather(
    ledger: &Ledger,
    site: SiteId,
    period: Period,
    resolver: &mut Resolver<'_>,
    exclusions: &Exclusions,
) -> Result<PeriodFacts, LedgerError> {
    let mut sums = Sums::default();
    ledger.each_job(site, period, exclusions.source, |job| {
        sums.add(&job, resolver, exclusions);
        Ok::<(), LedgerError>(())
    })?;
    let not_billable = sums.not_billable.iter().map(|(reason, tally)| NotBillableItem {
        reason: (*reason).to_owned(),
        jobs: tally.jobs,
        pages: tally.pages(),
        cost: tally.exact_cost().to_money(),
    });
    Ok(PeriodFacts {
        period,
        usage: usage_items(&sums, resolver),
        detail: detail_items(&sums, resolver),
        suspense: suspense_items(&sums, resolver),
        not_billable: not_billable.collect(),
        reported: sums.reported.exact_cost(),
        issued: ledger.issued_lines(site, period)?,
        issued_proof: ledger.issued_proof(site, period)?,
        moved: BTreeMap::new(),
    })
}

/// The name of a number, or an empty text.
fn name(table: &HashMap<i64, String>, id: Option<i64>) -> String {
    id.and_then(|id| table.get(&id)).cloned().unwrap_or_default()
}

/// A job type's name; a report without types has prints.
fn type_name(names: &NameTable, id: Option<i64>) -> String {
    let name = name(&names.job_types, id);
    if name.is_empty() { "print".to_owned() } else { name }
}

fn usage_items(sums: &Sums, resolver: &Resolver<'_>) -> BTreeMap<PayerId, Vec<UsageItem>> {
    let names = resolver.names();
    let mut usage: BTreeMap<PayerId, Vec<UsageItem>> = BTreeMap::new();
    for ((payer, job_type, paper_size, colour), tally) in &sums.usage {
        usage.entry(resolver.payer_at(*payer).0.clone()).or_default().push(UsageItem {
            job_type: type_name(names, *job_type),
            paper_size: name(&names.paper_sizes, *paper_size),
            colour: *colour,
            jobs: tally.jobs,
            mono_pages: tally.mono_pages,
            colour_pages: tally.colour_pages,
            cost: tally.exact_cost(),
        });
    }
    for items in usage.values_mut() {
        items.sort();
    }
    usage
}

fn detail_items(sums: &Sums, resolver: &Resolver<'_>) -> Vec<DetailItem> {
    let names = resolver.names();
    let items = sums.detail.iter().map(|((payer, user, account, job_type), tally)| DetailItem {
        payer: resolver.payer_at(*payer).0.clone(),
        user: name(&names.users, Some(*user)),
        account: name(&names.accounts, *account),
        job_type: type_name(names, *job_type),
        jobs: tally.jobs,
        mono_pages: tally.mono_pages,
        colour_pages: tally.colour_pages,
        cost: tally.exact_cost().to_money(),
    });
    let mut items: Vec<DetailItem> = items.collect();
    items.sort_by(|one, other| {
        (&one.payer, &one.user, &one.account, &one.job_type).cmp(&(
            &other.payer,
            &other.user,
            &other.account,
            &other.job_type,
        ))
    });
    items
}

fn suspense_items(sums: &Sums, resolver: &Resolver<'_>) -> Vec<SuspenseItem> {
    let names = resolver.names();
    let items = sums.suspense.iter().map(|((user, account, reason), tally)| SuspenseItem {
        user: name(&names.users, *user),
        account: name(&names.accounts, *account),
        reason: resolver.reason_at(*reason).to_owned(),
        jobs: tally.jobs,
        pages: tally.pages(),
        cost: tally.exact_cost().to_money(),
    });
    let mut items: Vec<SuspenseItem> = items.collect();
    items.sort_by(|one, other| {
        (&one.user, &one.account, &one.reason).cmp(&(&other.user, &other.account, &other.reason))
    });
    items
}

/// The terms under which the payers of an issued period were billed.
///
/// A payer all of whose lines were taken back has none: what is billed anew goes by the plans of today.
pub fn frozen_terms(
    ledger: &Ledger,
    site: SiteId,
    period: Period,
) -> Result<BTreeMap<PayerId, Terms>, LedgerError> {
    let mut terms = BTreeMap::new();
    let lines = ledger.issued_lines(site, period)?;
    let reversed: HashSet<_> = lines.iter().filter_map(|issued| issued.reverses).collect();
    for issued in &lines {
        let line = &issued.line;
        if issued.reverses.is_some() || reversed.contains(&line.id) || terms.contains_key(&line.payer.id) {
            continue;
        }
        if let Some(found) = ledger.billed_terms(site, period, &line.payer.id)? {
            terms.insert(line.payer.id.clone(), found);
        }
    }
    Ok(terms)
}

/// Adds to an issued period's facts which jobs are not behind the lines that should bill them.
pub fn gather_moved(
    ledger: &Ledger,
    site: SiteId,
    facts: &mut PeriodFacts,
    resolver: &mut Resolver<'_>,
    exclusions: &Exclusions,
) -> Result<(), LedgerError> {
    let moved = &mut facts.moved;
    let mut compare = |job: JobFact| {
        let change = link_change(&job, &ledger.open_links(job.id)?, resolver, exclusions);
        for (payer, class) in change.opened {
            moved.entry((payer, class)).or_default().added += 1;
        }
        for link in change.closed {
            if let Some(payer) = PayerId::parse(&link.payer) {
                let moved = moved.entry((payer, link.class)).or_default();
                moved.removed += 1;
                moved.orphaned += i64::from(change.is_orphan);
            }
        }
        Ok::<(), LedgerError>(())
    };
    ledger.each_job(site, facts.period, exclusions.source, &mut compare)?;
    ledger.each_billed_otherwise(site, facts.period, exclusions.source, &mut compare)
}

/// What has to happen to a job's links so that the right lines bill it.
#[derive(Debug, Default)]
pub struct LinkChange {
    /// Payer and class that should bill the job and do not.
    pub opened: Vec<(PayerId, LineClass)>,
    /// Links that should not be there.
    pub closed: Vec<OpenLink>,
    /// Whether the job is billable and nobody pays for it.
    pub is_orphan: bool,
}

/// Compares the lines that bill a job with those that should.
pub fn link_change(
    job: &JobFact,
    links: &[OpenLink],
    resolver: &mut Resolver<'_>,
    exclusions: &Exclusions,
) -> LinkChange {
    let is_billable = exclusions.reason(job).is_none();
    let payer = if is_billable { resolver.payer(job) } else { None };
    let classes = classes_of(job, payer.as_ref());
    let billed = |link: &OpenLink| {
        payer.as_ref().is_some_and(|(payer, _)| payer.to_string() == link.payer)
            && classes.contains(&link.class)
    };
    let (right, closed): (Vec<OpenLink>, Vec<OpenLink>) = links.iter().cloned().partition(billed);
    let missing = classes.iter().filter(|class| right.iter().all(|link| link.class != **class));
    let opened =
        missing.filter_map(|class| payer.as_ref().map(|(payer, _)| (payer.clone(), *class))).collect();
    LinkChange { opened, closed, is_orphan: is_billable && payer.is_none() }
}

/// The classes for which a job is behind a line: cost, or mono and colour by its pages.
pub fn classes_of(job: &JobFact, payer: Option<&(PayerId, PlanBasis)>) -> Vec<LineClass> {
    match payer {
        None => Vec::new(),
        Some((_, PlanBasis::Cost)) => vec![LineClass::Cost],
        Some((_, PlanBasis::Pages)) => {
            let mono = job.pages > job.colour_pages || job.colour_pages == 0;
            let colour = job.colour_pages > 0;
            [(mono, LineClass::Mono), (colour, LineClass::Colour)]
                .into_iter()
                .filter_map(|(behind, class)| behind.then_some(class))
                .collect()
        }
    }
}
