//! What became of a balance change whose answer never came: the balance, and the jobs since.

use super::books::Books;
use super::error::RunError;
use super::movements::{covered_through, each_charge};
use crate::config::SiteConfig;
use crate::domain::{Evidence, Exact, Holder, Money, Period, Source, Verdict};
use crate::ledger::{BalanceChange, LedgerError, SiteId, Snapshot};
use crate::papercut::{CallError, Server};

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
        Ok(Looking { books, site, site_id, server, covered, snapshots })
    }

    /// The balance of a change's holder at this moment.
    pub fn balance(&self, change: &BalanceChange) -> Result<(i64, Money), CallError> {
        let balance = match &change.holder {
            Holder::User(name) => self.server.user_balance(name, &change.personal_account)?,
            Holder::Account(name) => self.server.account_balance(name)?,
        };
        Ok((self.books.second(self.site), balance))
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
            Ok(live) => Some(live),
            Err(error) => {
                let text = format!("{}; the balance now is not known: {error}", sent(change, before));
                return Ok(Looked { verdict: Verdict::Unknown("not read"), text, now: None });
            }
        };
        let mut looked = self.judge(change, before, live)?;
        if matches!(looked.verdict, Verdict::Unknown(_))
            && let Some(stored) = self.covered_reading(change, before)?
        {
            let judged = self.judge(change, before, Some(stored))?;
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
            is_covered: is_over,
            is_settled: is_over,
            ..Evidence::default()
        };
        shown(&sent, &evidence, now)
    }

    fn judge(
        &self,
        change: &BalanceChange,
        before: (i64, Money),
        now: Option<(i64, Money)>,
    ) -> Result<Looked, RunError> {
        let Some(now) = now else {
            return Ok(Looked { verdict: Verdict::Unknown("not read"), text: sent(change, before), now });
        };
        let (mut charged, mut near) = (Exact::ZERO, Vec::new());
        let span = (before.0 - NEAR_SECONDS, now.0 + NEAR_SECONDS);
        each_charge(self.books, self.site_id, span, |balance, second, cost| {
            let is_near = [before.0, now.0].iter().any(|moment| (second - moment).abs() <= NEAR_SECONDS);
            match (balance == change.balance, is_near) {
                (true, true) => near.push(cost),
                (true, false) => charged += cost.into(),
                (false, _) => {}
            }
        })?;
        let evidence = Evidence {
            before: before.1,
            amount: change.amount,
            now: now.1,
            charged: charged.to_money(),
            near,
            is_covered: covered_through(&self.covered, before.0, now.0),
            is_settled: now.0 - before.0 >= SETTLED_SECONDS,
        };
        Ok(shown(&sent(change, before), &evidence, now))
    }

    /// The latest reading of the balance after the call up to which reports speak for every day.
    fn covered_reading(
        &self,
        change: &BalanceChange,
        before: (i64, Money),
    ) -> Result<Option<(i64, Money)>, RunError> {
        let after = self.snapshots.iter().rev().filter_map(|snapshot| {
            let ended = snapshot.ended_second.filter(|_| snapshot.begun_second > before.0)?;
            covered_through(&self.covered, before.0, ended).then_some((snapshot, ended))
        });
        for (snapshot, ended) in after {
            let holders = self.books.ledger.holders(self.site_id)?;
            let stored = holders.iter().find(|stored| stored.holder.key() == change.holder.key());
            let Some(stored) = stored else { continue };
            let balances = self.books.ledger.balances_as_of(self.site_id, snapshot.id)?;
            if let Some((second, balance)) = balances.get(&stored.id) {
                // A reading that did not move is as old as its first time; it held until the snapshot ended.
                let second = if *second > before.0 { *second } else { ended };
                return Ok(Some((second, *balance)));
            }
        }
        Ok(None)
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

/// A wall-clock second as people read it.
pub(super) fn clock(second: i64) -> String {
    chrono::DateTime::from_timestamp(second, 0)
        .map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}
