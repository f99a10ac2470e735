//! Whose a job is: asked once for each user, account and day, remembered for the rest of the run.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use chrono::NaiveDate;

use super::facts::PlanBasis;
use crate::domain::{Basis, Directory, Payer, PayerId, Period, PersonalJobs, Plan, Terms};
use crate::ledger::{JobFact, NameTable};

/// What decides whose a job is. Numbers are the ledger's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The user.
    pub user: i64,
    /// The shared account; `None` for the personal one.
    pub account: Option<i64>,
    /// The day of the job at the site.
    pub day: NaiveDate,
    /// Whether the report had costs.
    pub costs: Costs,
}

/// Whether a job's report had costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Costs {
    /// PaperCut's cost is known.
    Known,
    /// The report kind has none.
    Unknown,
}

/// The directory and plans as billing asks them.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
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

/// Answers whose a job is, with memory. Grows with users, accounts and days, not with jobs.
#[derive(Debug)]
pub struct Resolver<'a> {
    policy: Policy<'a>,
    names: Rc<NameTable>,
    period: Period,
    /// The terms under which payers were billed before.
    frozen: BTreeMap<PayerId, Terms>,
    terms: HashMap<PayerId, Result<Terms, String>>,
    known: HashMap<Owner, Result<(PayerId, PlanBasis), String>>,
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
        Resolver { policy, names, period, frozen, terms: HashMap::new(), known: HashMap::new() }
    }

    /// Who pays for the jobs of `owner`, and by what kind of plan; or why nobody does yet.
    pub fn resolve(&mut self, owner: Owner) -> Result<(PayerId, PlanBasis), String> {
        if let Some(known) = self.known.get(&owner) {
            return known.clone();
        }
        let answer = self.ask(owner);
        self.known.insert(owner, answer.clone());
        answer
    }

    /// Who pays for a job.
    pub fn payer(&mut self, job: &JobFact) -> Option<(PayerId, PlanBasis)> {
        self.resolve(owner_of(job)?).ok()
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

    /// Whether the payer's period was billed before, so that its terms are those of then.
    pub fn is_frozen(&self, payer: &PayerId) -> bool {
        self.frozen.contains_key(payer)
    }

    /// The payer as the directory has it now.
    pub fn payer_details(&self, payer: &PayerId) -> Option<Payer> {
        self.policy.directory.payer(payer).cloned()
    }

    /// Name of a user.
    pub fn user(&self, owner: Owner) -> &str {
        self.names.users.get(&owner.user).map_or("", String::as_str)
    }

    /// Name of an account; empty for the personal one.
    pub fn account(&self, owner: Owner) -> &str {
        owner.account.and_then(|id| self.names.accounts.get(&id)).map_or("", String::as_str)
    }

    fn ask(&mut self, owner: Owner) -> Result<(PayerId, PlanBasis), String> {
        let Policy { directory, personal, .. } = self.policy;
        let payer = directory
            .payer_of(self.user(owner), self.account(owner), owner.day, personal)
            .map_err(|reason| reason.to_string())?;
        let terms = self.terms(&payer.id)?;
        match (terms.plan.basis, owner.costs) {
            (Basis::Cost { .. }, Costs::Unknown) => Err(format!(
                "the plan `{}` charges PaperCut's cost, but the report has none; give {} a plan with prices per page",
                terms.plan.name, payer.id
            )),
            (Basis::Cost { .. }, Costs::Known) => Ok((payer.id.clone(), PlanBasis::Cost)),
            (Basis::Pages(_), _) => Ok((payer.id.clone(), PlanBasis::Pages)),
        }
    }
}

/// The owner of a job, where its time is one.
pub fn owner_of(job: &JobFact) -> Option<Owner> {
    Some(Owner {
        user: job.user,
        account: job.account,
        day: chrono::DateTime::from_timestamp(job.second.div_euclid(DAY_SECONDS) * DAY_SECONDS, 0)?
            .date_naive(),
        costs: if job.cost.is_some() { Costs::Known } else { Costs::Unknown },
    })
}
