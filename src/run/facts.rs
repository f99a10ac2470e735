//! What billing looks at, read from the ledger once: who used what on which day, and what was issued before.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::resolve::{Owner, Resolver, owner_of};
use crate::domain::{
    Exact, HasColour, JobState, LineClass, NotBillableItem, PayerId, Period, Proof, Terms, UsageItem,
    fold_name,
};
use crate::ledger::{IssuedLine, JobFact, Ledger, LedgerError, NameTable, OpenLink, SiteId};

/// Jobs of one user on one account and day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerUsage {
    /// Whose they are.
    pub owner: Owner,
    /// Pages and cost by type, size and colour.
    pub items: Vec<UsageItem>,
}

/// A period as the ledger has it.
#[derive(Clone, Debug)]
pub struct PeriodFacts {
    /// The period.
    pub period: Period,
    /// Billable use, ordered by owner.
    pub usage: Vec<OwnerUsage>,
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
}

/// What the operator leaves out of every bill, by number.
#[derive(Clone, Debug, Default)]
pub struct Exclusions {
    accounts: HashSet<i64>,
    printers: HashSet<i64>,
    former_users: HashSet<i64>,
}

impl Exclusions {
    /// The numbers of the configured names; letter case does not count.
    pub fn new(names: &NameTable, accounts: &[String], printers: &[String]) -> Exclusions {
        let ids = |table: &HashMap<i64, String>, wanted: &[String]| {
            let wanted: HashSet<String> = wanted.iter().map(|name| fold_name(name)).collect();
            table.iter().filter(|(_, name)| wanted.contains(&fold_name(name))).map(|(id, _)| *id).collect()
        };
        Exclusions {
            accounts: ids(&names.accounts, accounts),
            printers: ids(&names.printers, printers),
            former_users: names.former_users.keys().copied().collect(),
        }
    }

    /// Why a job is never billed, where it is not.
    pub fn reason(&self, job: &JobFact) -> Option<&'static str> {
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

/// Key of a usage item while jobs are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ItemKey {
    owner: Owner,
    job_type: Option<i64>,
    paper_size: Option<i64>,
    colour: HasColour,
}

/// Counts under an item key.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    jobs: i64,
    mono_pages: i64,
    colour_pages: i64,
    cost: i128,
}

/// Reads a period: one pass over its jobs, sums in memory.
pub fn gather(
    ledger: &Ledger,
    site: SiteId,
    period: Period,
    names: &NameTable,
    exclusions: &Exclusions,
) -> Result<PeriodFacts, LedgerError> {
    let mut items: HashMap<ItemKey, Tally> = HashMap::new();
    let mut left_out: BTreeMap<&'static str, NotBillableTally> = BTreeMap::new();
    let mut reported: i128 = 0;
    ledger.each_job(site, period, |job| {
        let cost = i128::from(job.cost.map_or(0, |cost| cost.millionths()));
        reported += cost;
        if let Some(reason) = exclusions.reason(&job) {
            let tally = left_out.entry(reason).or_default();
            tally.jobs += 1;
            tally.pages += job.pages;
            tally.cost += cost;
            return Ok::<(), LedgerError>(());
        }
        let tally = items.entry(key_of(&job)?).or_default();
        tally.jobs += 1;
        tally.mono_pages += job.pages - job.colour_pages;
        tally.colour_pages += job.colour_pages;
        tally.cost += cost;
        Ok(())
    })?;
    Ok(PeriodFacts {
        period,
        usage: by_owner(items, names),
        not_billable: left_out.into_iter().map(|(reason, tally)| tally.item(reason)).collect(),
        reported: exact(reported),
        issued: ledger.issued_lines(site, period)?,
        issued_proof: ledger.issued_proof(site, period)?,
        moved: BTreeMap::new(),
    })
}

/// The terms under which the payers of an issued period were billed.
///
/// A payer all of whose lines were taken back has none: what is billed anew goes by the plans of today.
pub fn frozen_terms(
    ledger: &Ledger,
    site: SiteId,
    facts: &PeriodFacts,
) -> Result<BTreeMap<PayerId, Terms>, LedgerError> {
    let mut terms = BTreeMap::new();
    let reversed: HashSet<_> = facts.issued.iter().filter_map(|issued| issued.reverses).collect();
    for issued in &facts.issued {
        let line = &issued.line;
        if issued.reverses.is_some() || reversed.contains(&line.id) || terms.contains_key(&line.payer.id) {
            continue;
        }
        if let Some(found) = ledger.billed_terms(site, facts.period, &line.payer.id)? {
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
    ledger.each_job(site, facts.period, |job| {
        let change = link_change(&job, &ledger.open_links(job.id)?, resolver, exclusions);
        for (payer, class) in change.opened {
            moved.entry((payer, class)).or_default().added += 1;
        }
        for link in change.closed {
            if let Some(payer) = PayerId::parse(&link.payer) {
                moved.entry((payer, link.class)).or_default().removed += 1;
            }
        }
        Ok::<(), LedgerError>(())
    })
}

/// What has to happen to a job's links so that the right lines bill it.
#[derive(Debug, Default)]
pub struct LinkChange {
    /// Payer and class that should bill the job and do not.
    pub opened: Vec<(PayerId, LineClass)>,
    /// Links that should not be there.
    pub closed: Vec<OpenLink>,
}

/// Compares the lines that bill a job with those that should.
pub fn link_change(
    job: &JobFact,
    links: &[OpenLink],
    resolver: &mut Resolver<'_>,
    exclusions: &Exclusions,
) -> LinkChange {
    let payer = if exclusions.reason(job).is_some() { None } else { resolver.payer(job) };
    let classes = classes_of(job, payer.as_ref());
    let billed = |link: &OpenLink| {
        payer.as_ref().is_some_and(|(payer, _)| payer.to_string() == link.payer)
            && classes.contains(&link.class)
    };
    let (right, closed): (Vec<OpenLink>, Vec<OpenLink>) = links.iter().cloned().partition(billed);
    let missing = classes.iter().filter(|class| right.iter().all(|link| link.class != **class));
    let opened =
        missing.filter_map(|class| payer.as_ref().map(|(payer, _)| (payer.clone(), *class))).collect();
    LinkChange { opened, closed }
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

/// Whether a payer's plan asks PaperCut's cost or its own prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanBasis {
    /// PaperCut's cost.
    Cost,
    /// The plan's prices per page.
    Pages,
}

/// Jobs that are left out for one reason.
#[derive(Clone, Copy, Debug, Default)]
struct NotBillableTally {
    jobs: i64,
    pages: i64,
    cost: i128,
}

impl NotBillableTally {
    fn item(self, reason: &str) -> NotBillableItem {
        NotBillableItem {
            reason: reason.to_owned(),
            jobs: self.jobs,
            pages: self.pages,
            cost: exact(self.cost).to_money(),
        }
    }
}

fn exact(millionths: i128) -> Exact {
    Exact::from_parts(millionths * i128::from(crate::domain::MILLIONTHS))
}

fn key_of(job: &JobFact) -> Result<ItemKey, LedgerError> {
    let owner = owner_of(job)
        .ok_or_else(|| LedgerError::Unreadable { what: "a time", found: job.second.to_string() })?;
    Ok(ItemKey {
        owner,
        job_type: job.job_type,
        paper_size: job.paper_size,
        colour: if job.colour_pages > 0 { HasColour::Yes } else { HasColour::No },
    })
}

/// The sums by owner, in the order of user, account and day by name: numbers depend on who printed first.
fn by_owner(items: HashMap<ItemKey, Tally>, names: &NameTable) -> Vec<OwnerUsage> {
    let name = |table: &HashMap<i64, String>, id: Option<i64>| {
        id.and_then(|id| table.get(&id)).cloned().unwrap_or_default()
    };
    let mut owners: HashMap<Owner, Vec<UsageItem>> = HashMap::new();
    for (key, tally) in items {
        let job_type = name(&names.job_types, key.job_type);
        owners.entry(key.owner).or_default().push(UsageItem {
            job_type: if job_type.is_empty() { "print".to_owned() } else { job_type },
            paper_size: name(&names.paper_sizes, key.paper_size),
            colour: key.colour,
            jobs: tally.jobs,
            mono_pages: tally.mono_pages,
            colour_pages: tally.colour_pages,
            cost: exact(tally.cost),
        });
    }
    let mut usage: Vec<OwnerUsage> =
        owners.into_iter().map(|(owner, items)| OwnerUsage { owner, items }).collect();
    for one in &mut usage {
        one.items.sort();
    }
    usage.sort_by_cached_key(|one| {
        let owner = one.owner;
        (name(&names.users, Some(owner.user)), name(&names.accounts, owner.account), owner.day, owner.costs)
    });
    usage
}
