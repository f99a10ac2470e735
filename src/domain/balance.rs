//! PaperCut balances: how they should have moved, and what an unknown change came to. Pure.
//!
//! A balance falls by jobs and rises by credits. What is known of both is compared with what was read; what is not
//! explained is told, never corrected.

use std::fmt;

use super::money::{Exact, Money};
use super::name::fold_name;

/// How balances are changed after billing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BalanceMode {
    /// Not at all.
    #[default]
    None,
    /// Each account is given back what its jobs on issued lines had cost there.
    Invoiced,
    /// Each account whose jobs are on issued lines is brought up to a balance, by the difference to the one that was
    /// read for billing.
    Target(Money),
    /// What was below zero at the period's end is what was billed, and is given back.
    Overage,
}

impl BalanceMode {
    /// The word in the configuration, the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            BalanceMode::None => "none",
            BalanceMode::Invoiced => "invoiced",
            BalanceMode::Target(_) => "target",
            BalanceMode::Overage => "overage",
        }
    }
}

/// Whose balance it is.
///
/// ```
/// use papertally::domain::Holder;
/// assert_eq!(Holder::Account(r"Acme\Lab".into()).to_string(), r"account:Acme\Lab");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A user's personal account.
    User(String),
    /// A shared account, by its full name.
    Account(String),
}

impl Holder {
    /// `user` or `account`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Holder::User(_) => "user",
            Holder::Account(_) => "account",
        }
    }

    /// The name on the server.
    pub fn name(&self) -> &str {
        match self {
            Holder::User(name) | Holder::Account(name) => name,
        }
    }

    /// What tells it from others: letter case does not.
    pub fn key(&self) -> HolderKey {
        HolderKey { kind: self.kind(), folded: fold_name(self.name()) }
    }

    /// A holder of that kind and name.
    pub fn of(kind: &str, name: &str) -> Option<Holder> {
        match kind {
            "user" => Some(Holder::User(name.to_owned())),
            "account" => Some(Holder::Account(name.to_owned())),
            _ => None,
        }
    }
}

/// Kind and folded name of a [`Holder`], to find it by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HolderKey {
    kind: &'static str,
    folded: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.name())
    }
}

/// What is known of a balance between two moments at which it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Movement {
    /// What was read first.
    pub before: Money,
    /// Cost of the charged jobs in between.
    pub charged: Money,
    /// What reports say was given back since for jobs before it: refunds and lowered costs.
    pub refunded: Money,
    /// What papertally added, and took away.
    pub changed: Money,
    /// What was read last.
    pub after: Money,
}

impl Movement {
    /// What the balance should be.
    pub fn expected(&self) -> Money {
        let sum = Exact::from(self.before) - self.charged.into() + self.refunded.into() + self.changed.into();
        sum.to_money()
    }

    /// What is not explained: above zero, somebody added to the account; below, jobs are missing or somebody took away.
    pub fn difference(&self) -> Money {
        (Exact::from(self.after) - self.expected().into()).to_money()
    }
}

/// What is known of a balance change whose answer never came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The balance just before the call.
    pub before: Money,
    /// What the call was to add.
    pub amount: Money,
    /// The balance now.
    pub now: Money,
    /// Charged jobs that surely lie in between.
    pub charged: Money,
    /// Costs of jobs so near to one of the two moments that they may lie on either side of it; below zero, refunds of which
    /// the same is true.
    pub near: Vec<Money>,
    /// Whether reports speak for the whole time in between.
    pub is_covered: bool,
    /// Whether the call can no longer be under way at the server.
    pub is_settled: bool,
    /// Whether PaperCut may have booked a quota of the same amount in between.
    pub may_hold_quota: bool,
}

/// What the evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The change was made.
    Applied,
    /// It was not, and may be sent again.
    NotApplied,
    /// The numbers allow both, or neither.
    Unknown(&'static str),
}

/// Jobs beside the two moments of which all combinations are tried; more leave it to a person.
const NEAR_JOBS_MAX: usize = 10;

impl Evidence {
    /// What the balance would be now if the change was made.
    pub fn if_applied(&self) -> Money {
        (Exact::from(self.if_not_applied()) + self.amount.into()).to_money()
    }

    /// What the balance would be now if it was not.
    pub fn if_not_applied(&self) -> Money {
        (Exact::from(self.before) - self.charged.into()).to_money()
    }

    /// Whether it was made, where the numbers allow one answer only.
    ///
    /// Any other answer waits for reports that tell every job, since a refund may be just as much as what was invoiced; and
    /// that it was not made also for the call to be over, since it leads to a second one.
    pub fn verdict(&self) -> Verdict {
        if self.near.len() > NEAR_JOBS_MAX {
            return Verdict::Unknown("too many jobs lie close to the moments of reading");
        }
        let sums = sums(&self.near);
        let fits =
            |expected: Money| sums.iter().any(|sum| Exact::from(expected) - *sum == Exact::from(self.now));
        match (fits(self.if_applied()), fits(self.if_not_applied())) {
            (true, true) => Verdict::Unknown("jobs or refunds close to it allow both answers"),
            (false, true) if !self.is_settled => {
                Verdict::Unknown("the call may still be under way: the next run looks again")
            }
            _ if !self.is_covered => {
                Verdict::Unknown("no report speaks for the time since yet: the next run looks again")
            }
            (true, false) if self.may_hold_quota => {
                Verdict::Unknown("it may be PaperCut's quota that is as much")
            }
            (true, false) => Verdict::Applied,
            (false, true) => Verdict::NotApplied,
            (false, false) => Verdict::Unknown("the balance moved by something else too"),
        }
    }
}

/// The sums of all subsets.
fn sums(costs: &[Money]) -> Vec<Exact> {
    costs.iter().fold(vec![Exact::ZERO], |sums, cost| {
        let with = sums.iter().map(|sum| *sum + Exact::from(*cost)).collect::<Vec<_>>();
        [sums, with].concat()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn a_balance_moves_by_jobs_refunds_and_our_changes() {
        let movement = Movement {
            before: money("-5"),
            charged: money("3.25"),
            refunded: money("0.25"),
            changed: money("5"),
            after: money("7"),
        };
        assert_eq!(movement.expected(), money("-3"));
        assert_eq!(movement.difference(), money("10"));
    }

    #[test]
    fn an_unknown_change_is_decided_only_where_one_answer_fits() {
        let check =
            |now: &str, charged: &str, near: &[&str], covered: bool, settled: bool, expected: &str| {
                let evidence = Evidence {
                    before: money("-5"),
                    amount: money("5"),
                    now: money(now),
                    charged: money(charged),
                    near: near.iter().map(|cost| money(cost)).collect(),
                    is_covered: covered,
                    is_settled: settled,
                    may_hold_quota: false,
                };
                let verdict = match evidence.verdict() {
                    Verdict::Applied => "applied",
                    Verdict::NotApplied => "not applied",
                    Verdict::Unknown(why) => why,
                };
                assert!(verdict.starts_with(expected), "{evidence:?}: {verdict}");
            };
        check("0", "0", &[], true, false, "applied");
        check("0", "0", &[], false, true, "no report");
        // All of it was refunded just then.
        check("0", "0", &["-5"], true, true, "jobs or refunds");
        check("-1.5", "1.5", &[], true, true, "applied");
        check("-5", "0", &[], true, true, "not applied");
        check("-6.5", "1.5", &[], true, true, "not applied");
        check("-5", "0", &[], false, true, "no report");
        check("-5", "0", &[], true, false, "the call may");
        check("-1", "0", &[], false, true, "no report");
        check("-1", "0", &[], true, true, "the balance moved by something else");
        // A job of just the amount beside the moment of reading: applied and printed, or neither.
        check("-5", "0", &["5"], true, true, "jobs or refunds");
        check("0", "0", &["5"], true, true, "applied");
        check("-0.5", "0", &["0.5"], true, true, "applied");
        check("-5.5", "0", &["0.5", "0.25"], true, true, "not applied");
        check("-5", "0", &["0.1"; 11], true, true, "too many");
    }

    proptest! {
        /// Whatever happened, the verdict is never the wrong one while nobody else moves the balance.
        #[test]
        fn the_verdict_is_right_or_none(
            before in -100_000_000i64..100_000_000, amount in 1i64..50_000_000, applied: bool,
            charged in 0i64..50_000_000, near in prop::collection::vec((1i64..20_000_000, any::<bool>()), 0..5),
        ) {
            let between: i64 = near.iter().filter(|(_, inside)| *inside).map(|(cost, _)| cost).sum();
            let evidence = Evidence {
                before: Money::from_millionths(before),
                amount: Money::from_millionths(amount),
                now: Money::from_millionths(before - charged - between + if applied { amount } else { 0 }),
                charged: Money::from_millionths(charged),
                near: near.iter().map(|(cost, _)| Money::from_millionths(*cost)).collect(),
                is_covered: true,
                is_settled: true,
                may_hold_quota: false,
            };
            match evidence.verdict() {
                Verdict::Applied => prop_assert!(applied),
                Verdict::NotApplied => prop_assert!(!applied),
                Verdict::Unknown(_) => {}
            }
        }
    }
}
