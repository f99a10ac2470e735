//! What became of a balance change whose answer never came: the balance, and the jobs since.

use super::holders::HolderBook;
use super::moments::{clock, covered_through, each_charge, quota_between};
use crate::config::SiteConfig;
use crate::domain::{Evidence, Exact, Holder, Money, Period, Source, Verdict};
use crate::ledger::{BalanceChange, BalanceOf, LedgerError, SiteId, Snapshot};
use crate::papercut::{CallError, Server};
use crate::run::books::Books;
use crate::run::error::RunError;

/// A call that was sent so long ago, in seconds, is not under way any more.
const SETTLED_SECONDS: i64 = 600;

/// A job so near to the moment of reading, in seconds, may have been charged before or after it: printers tell the server
/// of a page when it is out, and clocks differ.
const NEAR_SECONDS: i64 = 120;

/// What a look has shown.
#[derive(Clone, Debug)]
pub struct Looked {
    /// What the numbers say.
    pub verdict: Verdict,
    /// The evidence as a sentence.
    pub text: String,
    /// The balance that was looked at, and when it was read.
    pub now: Option<(i64, Money)>,
}

/// Looks at balance changes of a site.
pub struct Looking<'a, 'b> {
    books: &'a Books<'b>,
    site: &'a SiteConfig,
    site_id: SiteId,
    server: &'a Server,
    covered: Vec<Period>,
    snapshots: Vec<Snapshot>,
    pub(super) book: HolderBook,
}

impl<'a, 'b> Looking<'a, 'b> {
    /// Prepares to look.
    pub fn new(
        books: &'a Books<'b>,
        site: &'a SiteConfig,
        site_id: SiteId,
        server: &'a Server,
    ) -> Result<Looking<'a, 'b>, LedgerError> {
        let covered = books.ledger.covered(site_id, Source::Jobs)?;
        let snapshots = books.ledger.snapshots(site_id)?;
        let book = HolderBook::load(&books.ledger, site_id)?;
        Ok(Looking { books, site, site_id, server, covered, snapshots, book })
    }

    /// The balance of a change's holder at this moment.
    pub fn balance(&self, change: &BalanceChange) -> Result<(i64, Money), CallError> {
        let balance = match &change.holder {
            Holder::User(name) => self.server.user_balance(name, &change.personal_account)?,
            Holder::Account(_) => self.server.account_balance(&self.account_name(change))?,
        };
        Ok((self.books.second(self.site), balance))
    }

    /// The name that a change's shared account has now: it may have been renamed since it was written down.
    pub fn account_name(&self, change: &BalanceChange) -> String {
        let stored = self.book.of_id(&change.server_id);
        stored.map_or(change.holder.name(), |stored| stored.holder.name()).to_owned()
    }

    /// Looks at a change of an earlier run: first at the balance as it is, then at the latest reading up to which reports
    /// tell all jobs.
    pub fn look(&self, change: &BalanceChange) -> Result<Looked, RunError> {
        let Some(before) = change.before else {
            // Written down as being sent, without a reading: the call cannot have gone out.
            return Ok(Looked {
                verdict: Verdict::NotApplied,
                text: "it was never sent".to_owned(),
                now: None,
            });
        };
        let live = match self.balance(change) {
            Ok(live) => live,
            Err(error) => {
                let text = format!("{}; the balance now is not known: {error}", sent(change, before));
                return Ok(Looked { verdict: Verdict::Unknown("not read"), text, now: None });
            }
        };
        let mut looked = self.judge(change, before, live)?;
        if matches!(looked.verdict, Verdict::Unknown(_))
            && let Some(stored) = self.covered_reading(change, before)?
        {
            let judged = self.judge(change, before, stored)?;
            if !matches!(judged.verdict, Verdict::Unknown(_)) {
                looked = judged;
            }
        }
        Ok(looked)
    }

    /// Looks right after a call that ended without an answer: the balance may show that it was made.
    pub fn look_at_once(&self, change: &BalanceChange, why: &str) -> Looked {
        self.look_now(change, why, false)
    }

    /// Looks right after the server's answer: the call is over, and no job in between is likely enough to be mistaken for
    /// it.
    pub fn look_after_answer(&self, change: &BalanceChange, answer: &str) -> Looked {
        self.look_now(change, answer, true)
    }

    fn look_now(&self, change: &BalanceChange, why: &str, is_over: bool) -> Looked {
        let Some(before) = change.before else {
            return Looked { verdict: Verdict::NotApplied, text: why.to_owned(), now: None };
        };
        let sent = format!("{why}; {}", sent(change, before));
        let now = match self.balance(change) {
            Ok(now) => now,
            Err(error) => {
                let text = format!("{sent}; the balance now is not known: {error}");
                return Looked { verdict: Verdict::Unknown("not read"), text, now: None };
            }
        };
        let evidence = Evidence {
            before: before.1,
            amount: change.amount,
            now: now.1,
            // Seconds have passed: neither a refund nor quota is likely to be just as much.
            is_covered: true,
            is_settled: is_over,
            ..Evidence::default()
        };
        shown(&sent, &evidence, now)
    }

    fn judge(
        &self,
        change: &BalanceChange,
        before: (i64, Money),
        now: (i64, Money),
    ) -> Result<Looked, RunError> {
        let key = change.holder.key();
        let is_own = |balance: BalanceOf| self.book.holder(balance).is_some_and(|holder| holder.key() == key);
        let (mut charged, mut near) = (Exact::ZERO, Vec::new());
        let span = (before.0 - NEAR_SECONDS, now.0 + NEAR_SECONDS);
        each_charge(self.books, (self.site_id, &self.book), span, |balance, second, cost| {
            let is_near = [before.0, now.0].iter().any(|moment| (second - moment).abs() <= NEAR_SECONDS);
            match (is_own(balance), is_near) {
                (true, true) => near.push(cost),
                (true, false) => charged += cost.into(),
                (false, _) => {}
            }
        })?;
        // A refund that reports have told since may lie before or after the call.
        let mark =
            self.snapshots.iter().find(|one| Some(one.id) == change.snapshot).map(|one| one.change_mark);
        for (balance, _, amount) in self.books.ledger.given_back(self.site_id, mark.unwrap_or(0))? {
            if is_own(balance) && !amount.is_zero() {
                near.push(-amount);
            }
        }
        let evidence = Evidence {
            before: before.1,
            amount: change.amount,
            now: now.1,
            charged: charged.to_money(),
            near,
            is_covered: covered_through(&self.covered, before.0, now.0),
            is_settled: now.0 - before.0 >= SETTLED_SECONDS,
            may_hold_quota: change.mode != "invoiced"
                && self.quota_time().is_some_and(|time| quota_between(before.0, now.0, time)),
        };
        Ok(shown(&sent(change, before), &evidence, now))
    }

    fn quota_time(&self) -> Option<chrono::NaiveTime> {
        self.site.papercut.as_ref().map(|papercut| papercut.changes.quota_time)
    }

    /// The latest reading of the balance after the call up to which reports speak for every day.
    fn covered_reading(
        &self,
        change: &BalanceChange,
        before: (i64, Money),
    ) -> Result<Option<(i64, Money)>, RunError> {
        let after = self.snapshots.iter().rev().find(|snapshot| {
            let ended = snapshot.ended_second.filter(|_| snapshot.begun_second > before.0);
            ended.is_some_and(|ended| covered_through(&self.covered, before.0, ended))
        });
        let Some(snapshot) = after else { return Ok(None) };
        let Some(stored) = self.book.of_id(&change.server_id).or_else(|| self.book.stored(&change.holder))
        else {
            return Ok(None);
        };
        let balances = self.books.ledger.balances_as_of(self.site_id, snapshot.id)?;
        // One that has not moved was as it is when the snapshot began.
        Ok(balances.get(&stored.id).map(|(second, balance)| ((*second).max(snapshot.begun_second), *balance)))
    }
}

fn sent(change: &BalanceChange, (second, before): (i64, Money)) -> String {
    format!("sent at {} with {before} there, to add {}", clock(second), change.amount)
}

fn shown(sent: &str, evidence: &Evidence, now: (i64, Money)) -> Looked {
    let verdict = evidence.verdict();
    let jobs = Exact::from(evidence.charged);
    let near = match evidence.near.len() {
        0 => String::new(),
        count => format!(", and {count} close to the moments of reading"),
    };
    let end = match verdict {
        Verdict::Applied => "it was made",
        Verdict::NotApplied => "it was not made",
        Verdict::Unknown(why) => why,
    };
    let text = format!(
        "{sent}; {} at {}, jobs since {jobs}{near}; made it would be {}, not made {}: {end}",
        now.1,
        clock(now.0),
        evidence.if_applied(),
        evidence.if_not_applied()
    );
    Looked { verdict, text, now: Some(now) }
}
