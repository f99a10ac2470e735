//! Whose a job is: asked once for each user, account and day, remembered for the rest of the run.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use chrono::NaiveDate;

use crate::domain::{Basis, Directory, Payer, PayerId, Period, PersonalJobs, Plan, Terms};
use crate::ledger::{JobFact, NameTable};

/// The directory and plans as billing asks them.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The site: what its server knows of names holds for it alone.
    pub site: &'a str,
    /// Members, teams and account rules.
    pub directory: &'a Directory,
    /// Plans.
    pub plans: &'a [Plan],
    /// The plan of payers whose row names none.
    pub default_plan: Option<&'a str>,
    /// Who pays personal jobs of a team's members.
    pub personal: PersonalJobs,
}

impl Policy<'_> {
    /// The terms under which a payer's period is billed for the first time, or why there are none.
    ///
    /// The plan is the one that holds on the last day of the period on which the payer's rows name one.
    pub fn terms(&self, payer: &PayerId, period: Period) -> Result<Terms, String> {
        let days: Vec<NaiveDate> = period.days().collect();
        let named = days.iter().rev().find_map(|day| self.directory.plan_name(payer, *day));
        let Some(name) = named.or(self.default_plan) else {
            return Err(format!(
                "{payer} has no plan; name one in its `plan` column, or set `billing.default_plan`"
            ));
        };
        let Some(plan) = self.plans.iter().find(|plan| plan.name == name) else {
            return Err(format!("{payer} has the plan `{name}`, which the configuration does not describe"));
        };
        let seats = match payer {
            PayerId::Team(team) => i64::from(self.directory.seats(team, period)),
            PayerId::Member(_) => 1,
        };
        Ok(Terms { plan: plan.clone(), seats })
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

/// Whose a job is, by the resolver's own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A payer: see [`Resolver::payer_at`].
    Payer(usize),
    /// Nobody yet: see [`Resolver::reason_at`].
    Nobody(usize),
}

/// What decides whose a job is: its shared account or, on the personal one, its user; the day; and whether
/// its report has costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Question {
    subject: Subject,
    day: i64,
    cost: CostKind,
}

/// What a job's cost lets a plan do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CostKind {
    /// The report kind has none.
    Unknown,
    /// Below zero: a credit, whose pages must not be billed once more.
    Credit,
    /// Zero or more.
    Charge,
}

fn cost_kind(job: &JobFact) -> CostKind {
    match job.cost {
        None => CostKind::Unknown,
        Some(cost) if cost.is_negative() => CostKind::Credit,
        Some(_) => CostKind::Charge,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Account(i64),
    User(i64),
}

/// Answers whose a job is, with memory. Grows with users, accounts and days, not with jobs.
#[derive(Debug)]
pub struct Resolver<'a> {
    policy: Policy<'a>,
    names: Rc<NameTable>,
    period: Period,
    /// The terms under which payers were billed before.
    frozen: BTreeMap<PayerId, Terms>,
    terms: HashMap<PayerId, Result<Terms, String>>,
    known: HashMap<Question, Owner>,
    payers: Vec<(PayerId, PlanBasis)>,
    reasons: Vec<String>,
}

const DAY_SECONDS: i64 = 86_400;

impl<'a> Resolver<'a> {
    /// A resolver for one period; `frozen` are the terms under which payers were billed for it before.
    pub fn new(
        policy: Policy<'a>,
        names: Rc<NameTable>,
        period: Period,
        frozen: BTreeMap<PayerId, Terms>,
    ) -> Resolver<'a> {
        Resolver {
            policy,
            names,
            period,
            frozen,
            terms: HashMap::new(),
            known: HashMap::new(),
            payers: Vec::new(),
            reasons: Vec::new(),
        }
    }

    /// Whose a job is.
    pub fn owner(&mut self, job: &JobFact) -> Owner {
        let subject = job.account.map_or(Subject::User(job.user), Subject::Account);
        let question = Question { subject, day: job.second.div_euclid(DAY_SECONDS), cost: cost_kind(job) };
        if let Some(known) = self.known.get(&question) {
            return *known;
        }
        let owner = match self.ask(job) {
            Ok(payer) => Owner::Payer(position(&mut self.payers, payer)),
            Err(reason) => Owner::Nobody(position(&mut self.reasons, reason)),
        };
        self.known.insert(question, owner);
        owner
    }

    /// The payer of a number, and what kind of plan it has.
    pub fn payer_at(&self, number: usize) -> &(PayerId, PlanBasis) {
        &self.payers[number]
    }

    /// The reason of a number.
    pub fn reason_at(&self, number: usize) -> &str {
        &self.reasons[number]
    }

    /// Who pays for a job, where somebody does.
    pub fn payer(&mut self, job: &JobFact) -> Option<(PayerId, PlanBasis)> {
        match self.owner(job) {
            Owner::Payer(number) => Some(self.payers[number].clone()),
            Owner::Nobody(_) => None,
        }
    }

    /// The terms of a payer in the period.
    pub fn terms(&mut self, payer: &PayerId) -> Result<Terms, String> {
        if let Some(terms) = self.frozen.get(payer) {
            return Ok(terms.clone());
        }
        if let Some(known) = self.terms.get(payer) {
            return known.clone();
        }
        let terms = self.policy.terms(payer, self.period);
        self.terms.insert(payer.clone(), terms.clone());
        terms
    }

    /// The terms of a payer whose jobs have moved since its period was billed: counted seats are counted anew, so
    /// that a member who is added later brings a seat for the jobs that are billed with it.
    pub fn terms_with_seats(&mut self, payer: &PayerId) -> Result<Terms, String> {
        let terms = self.terms(payer)?;
        if !self.is_frozen(payer) {
            return Ok(terms);
        }
        Ok(Terms { seats: self.seats_now(payer).unwrap_or(terms.seats), ..terms })
    }

    /// The seats of a team that gives no number: they are its members.
    fn seats_now(&self, payer: &PayerId) -> Option<i64> {
        let PayerId::Team(team) = payer else { return None };
        let directory = self.policy.directory;
        directory.payer(payer)?;
        let is_counted = directory.given_seats(team, self.period).is_none();
        is_counted.then(|| i64::from(directory.seats(team, self.period)))
    }

    /// Whether the payer's period was billed before, so that its terms are those of then.
    pub fn is_frozen(&self, payer: &PayerId) -> bool {
        self.frozen.contains_key(payer)
    }

    /// The payer as the directory has it now.
    pub fn payer_details(&self, payer: &PayerId) -> Option<Payer> {
        self.policy.directory.payer(payer).cloned()
    }

    /// The names of the site.
    pub fn names(&self) -> &NameTable {
        &self.names
    }

    fn ask(&mut self, job: &JobFact) -> Result<(PayerId, PlanBasis), String> {
        let Policy { site, directory, personal, .. } = self.policy;
        let user = self.names.users.get(&job.user).map_or("", String::as_str);
        let account = job.account.and_then(|id| self.names.accounts.get(&id)).map_or("", String::as_str);
        let day = day_of(job).ok_or_else(|| "its time is out of range".to_owned())?;
        let payer =
            directory.payer_at(site, user, account, day, personal).map_err(|reason| reason.to_string())?;
        let terms = self.terms(&payer.id)?;
        match (terms.plan.basis, cost_kind(job)) {
            (Basis::Cost { .. }, CostKind::Unknown) => Err(format!(
                "the plan `{}` charges PaperCut's cost, but the report has none; give {} a plan with prices per page",
                terms.plan.name, payer.id
            )),
            (Basis::Pages(_), CostKind::Credit) => Err(format!(
                "{} pays by the page, and these jobs have a cost below zero: take back by hand what they credit",
                payer.id
            )),
            (Basis::Cost { .. }, _) => Ok((payer.id.clone(), PlanBasis::Cost)),
            (Basis::Pages(_), _) => Ok((payer.id.clone(), PlanBasis::Pages)),
        }
    }
}

/// The number of a value in a table, adding it where it is new.
fn position<T: PartialEq>(table: &mut Vec<T>, value: T) -> usize {
    if let Some(known) = table.iter().position(|one| *one == value) {
        return known;
    }
    table.push(value);
    table.len() - 1
}

/// The day of a job at the site.
pub fn day_of(job: &JobFact) -> Option<NaiveDate> {
    Some(chrono::DateTime::from_timestamp(job.second, 0)?.date_naive())
}
