//! What issued lines settle of PaperCut's balances, and the balance changes that follow, written down before they are made.
//!
//! A balance has paid PaperCut's cost of each job. A standing line settles that cost, whatever the plan makes of it: prices,
//! mark-up, allowance and tax are the invoice's, not the balance's. For each job what is due is compared with what was
//! written down, so that the sum of all changes of a balance is always the cost of its charged jobs on standing lines: also
//! where a job was refunded, moved or priced anew and no line had to change for it.
//!
//! Only lines count whose mode said so when they were issued, and only after their files were handed out. What the operator
//! leaves out or gives up is waived: it is neither given nor ever taken back.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::handed::undelivered;
use super::holders::HolderBook;
use super::moments::quota_between;
use crate::config::{PapercutConfig, SiteConfig};
use crate::domain::{
    BalanceMode, CHARGE_NAMESPACE, Exact, Finding, Holder, HolderKey, JobState, Money, Period, Severity,
    fold_name, is_within,
};
use crate::ledger::{
    BalanceChange, BalanceOf, DeliveryKind, DeliveryState, IssuedBatch, JobFact, LedgerError, NewChange,
    NewDelivery, SettledBy, SettledCost, Settling, SiteId,
};
use crate::run::books::Books;
use crate::run::error::RunError;

/// A reading so old, in seconds, is not the balance that was read for billing.
const TARGET_READING_SECONDS: i64 = 24 * 3600;

/// Writes down the balance changes that issued lines and their jobs ask for. Returns what a person should look at.
pub fn settle(
    books: &Books<'_>,
    (site, papercut): (&SiteConfig, &PapercutConfig),
    site_id: SiteId,
) -> Result<Vec<Finding>, RunError> {
    if !books.ledger.has_balance_lines(site_id)? {
        return Ok(Vec::new());
    }
    let settling = books.ledger.begin_settling(site_id)?;
    let batches = books.ledger.batches(site_id)?;
    let mut accounts = Accounts {
        books,
        site,
        papercut,
        site_id,
        settling: &settling,
        book: HolderBook::load(&books.ledger, site_id)?,
        not_handed_out: HashSet::new(),
        findings: Vec::new(),
    };
    accounts.look_at_deliveries(&batches)?;
    let periods = accounts.periods(&batches)?;
    // The sums first, then the jobs behind them: memory grows with balances, not with jobs.
    let mut sums: BTreeMap<SumKey, Sum> = BTreeMap::new();
    for period in &periods {
        accounts.each_drift(*period, |drift| {
            sums.entry(drift.sum_key()).or_insert_with(|| Sum::of(&drift)).add(&drift);
            Ok(())
        })?;
    }
    let written = accounts.write(&batches, sums)?;
    for period in &periods {
        let mut is_whole = accounts.is_handed_out(*period, &batches);
        accounts.each_drift(*period, |drift| match written.by.get(&drift.sum_key()) {
            Some(by) => settling.settle(*by, drift.job, drift.balance, drift.cost.to_money()),
            // It waits for a reading: the next run looks again.
            None => {
                is_whole = false;
                Ok(())
            }
        })?;
        if is_whole {
            settling.end_period(*period)?;
        }
    }
    // Only now, since what is due for a job is told from what was settled so far.
    for (old, new, answer) in &written.joined {
        settling.join(*old, *new, answer, &books.now_text())?;
    }
    let Accounts { findings, .. } = accounts;
    settling.commit()?;
    Ok(findings)
}

/// Exact changes and targets of one balance are two sums.
type SumKey = (HolderKey, bool);

/// What was written down: by what the jobs of each sum are settled, and the changes that became part of another.
#[derive(Default)]
struct Written {
    by: HashMap<SumKey, SettledBy>,
    joined: Vec<(i64, Option<i64>, String)>,
}

/// What is due for one job beyond what was written down.
struct Drift {
    job: i64,
    key: HolderKey,
    balance: BalanceOf,
    cost: Exact,
    /// How the line of the job says; an earlier line's, where no line bills it any more.
    mode: Mode,
    batch: i64,
}

impl Drift {
    fn sum_key(&self) -> SumKey {
        (self.key.clone(), matches!(self.mode, Mode::Target(_)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    /// By the job's own cost.
    Exactly,
    /// The balance comes to a target; the cost only says whose jobs they were.
    Target(Money),
}

/// What is due for one balance.
struct Sum {
    balance: BalanceOf,
    mode: Mode,
    cost: Exact,
    batch: i64,
}

impl Sum {
    fn of(drift: &Drift) -> Sum {
        Sum { balance: drift.balance, mode: drift.mode, cost: Exact::ZERO, batch: drift.batch }
    }

    fn add(&mut self, drift: &Drift) {
        self.cost += drift.cost;
        self.mode = self.mode.max(drift.mode);
        self.batch = self.batch.max(drift.batch);
    }
}

struct Accounts<'a, 'b> {
    books: &'a Books<'b>,
    site: &'a SiteConfig,
    papercut: &'a PapercutConfig,
    site_id: SiteId,
    settling: &'a Settling<'a>,
    book: HolderBook,
    /// Batches whose lines did not all leave the house: what they bill waits.
    not_handed_out: HashSet<i64>,
    findings: Vec<Finding>,
}

impl Accounts<'_, '_> {
    /// Finds the batches whose lines were not handed out.
    fn look_at_deliveries(&mut self, batches: &[IssuedBatch]) -> Result<(), RunError> {
        for batch in batches {
            if let Some(reason) = undelivered(self.books, batch.id)? {
                let message =
                    format!("no balance is changed for the lines of batch {} yet: {reason}", batch.name);
                self.findings.push(Finding::new(Severity::Warning, "balance-change-held", message));
                self.not_handed_out.insert(batch.id);
            }
        }
        Ok(())
    }

    /// The issued periods with news since they were settled.
    fn periods(&self, batches: &[IssuedBatch]) -> Result<Vec<Period>, RunError> {
        let mut periods: Vec<Period> = batches.iter().map(|batch| batch.period).collect();
        periods.sort();
        periods.dedup();
        let mut wanted = Vec::new();
        for period in periods {
            let has_news = match self.settling.settled_up_to(period)? {
                Some(marks) => self.books.ledger.arrived_since(self.site_id, period, marks)?,
                None => true,
            };
            if has_news {
                wanted.push(period);
            }
        }
        Ok(wanted)
    }

    /// Whether all lines for jobs of a period were handed out. A correction of it may stand in another period's batch.
    fn is_handed_out(&self, period: Period, batches: &[IssuedBatch]) -> bool {
        let of_period = |batch: &&IssuedBatch| batch.period >= period;
        batches.iter().filter(of_period).all(|batch| !self.not_handed_out.contains(&batch.id))
    }

    /// Hands out every job of a period of which something else is due than was written down.
    fn each_drift(
        &self,
        period: Period,
        mut take: impl FnMut(Drift) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let ledger = &self.books.ledger;
        let source = self.site.reports.bill_from;
        let mut look = |job: JobFact| {
            for drift in self.drifts(&job)? {
                take(drift)?;
            }
            Ok::<(), LedgerError>(())
        };
        ledger.each_job(self.site_id, period, source, &mut look)?;
        ledger.each_billed_otherwise(self.site_id, period, source, &mut look)?;
        ledger.each_settled_otherwise(self.site_id, period, source, &mut look)
    }

    /// What is due for a job, balance by balance.
    fn drifts(&self, job: &JobFact) -> Result<Vec<Drift>, LedgerError> {
        let billed = self.settling.billed_by(job.id)?;
        let settled = self.settling.settled(job.id)?;
        let line = billed.iter().find(|link| link.mode.is_some());
        let is_charged = job.state == JobState::Charged;
        if settled.is_empty() && (line.is_none() || !is_charged) {
            return Ok(Vec::new());
        }
        // Billed by a line that changes no balance: what was given stays, unless PaperCut took the job back itself.
        if !billed.is_empty() && line.is_none() && is_charged {
            return Ok(Vec::new());
        }
        if billed.iter().any(|link| self.not_handed_out.contains(&link.batch)) {
            return Ok(Vec::new());
        }
        let own = BalanceOf::job(job.user, job.account);
        let due = if billed.is_empty() || !is_charged { Money::ZERO } else { job.cost.unwrap_or_default() };
        let target = line.and_then(|link| link.target);
        let batch = billed.iter().map(|link| link.batch).max().unwrap_or_default();
        let mut balances: BTreeMap<HolderKey, (BalanceOf, Vec<SettledCost>)> = BTreeMap::new();
        for one in settled {
            if let Some(holder) = self.book.holder(one.balance) {
                balances.entry(holder.key()).or_insert((one.balance, Vec::new())).1.push(one);
            }
        }
        let own_key = self.book.holder(own).map(|holder| holder.key());
        if let Some(key) = own_key.clone() {
            balances.entry(key).or_insert((own, Vec::new())).0 = own;
        }
        let drifts = balances.into_iter().filter_map(|(key, (balance, settled))| {
            let due = if Some(&key) == own_key.as_ref() { due } else { Money::ZERO };
            let cost = drift(due, &settled, target.is_some());
            let mode = target.filter(|_| settled.is_empty()).map_or(Mode::Exactly, Mode::Target);
            (!cost.is_zero()).then_some(Drift { job: job.id, key, balance, cost, mode, batch })
        });
        Ok(drifts.collect())
    }

    /// Writes the changes down.
    fn write(&mut self, batches: &[IssuedBatch], sums: BTreeMap<SumKey, Sum>) -> Result<Written, RunError> {
        let mut changes: HashMap<HolderKey, Vec<BalanceChange>> = HashMap::new();
        for change in self.books.ledger.balance_changes(self.site_id)? {
            // By whose jobs they are: an alias may have given them another name since.
            let holder = self.book.holder(change.balance).unwrap_or_else(|| change.holder.clone());
            changes.entry(holder.key()).or_default().push(change);
        }
        let mut written = Written::default();
        for ((key, is_target), sum) in sums {
            let Some(holder) = self.book.holder(sum.balance) else { continue };
            let own = changes.get(&key).map_or(&[][..], Vec::as_slice);
            let by = match sum.mode {
                Mode::Exactly => self.write_exactly(&holder, &sum, own, batches, &mut written)?,
                Mode::Target(_) if is_excluded(self.site, &holder) => SettledBy::Waiver,
                Mode::Target(target) => match self.write_target(&holder, (target, &sum), own, batches)? {
                    Some(by) => by,
                    None => continue,
                },
            };
            written.by.insert((key, is_target), by);
        }
        Ok(written)
    }

    /// The exact cost. A change that was never sent becomes part of it: a refund within the hold is never given and taken.
    fn write_exactly(
        &self,
        holder: &Holder,
        sum: &Sum,
        own: &[BalanceChange],
        batches: &[IssuedBatch],
        written: &mut Written,
    ) -> Result<SettledBy, RunError> {
        let unsent = |change: &&BalanceChange| {
            change.delivery.state == DeliveryState::Pending
                && change.delivery.attempts == 0
                && change.mode != "target"
        };
        let open = own.iter().find(unsent);
        if open.is_none() && is_excluded(self.site, holder) {
            return Ok(SettledBy::Waiver);
        }
        let amount = open.map_or(Exact::ZERO, |open| open.amount.into()) + sum.cost;
        let not_before = open.map(|open| open.not_before.clone());
        let new = match amount.is_zero() {
            true => None,
            false => Some(self.insert(holder, sum, amount.to_money(), None, not_before, batches)?),
        };
        if let Some(open) = open {
            let answer = match new {
                Some(new) => format!("never sent: part of change {new} now"),
                None => "never sent: nothing is left to change".to_owned(),
            };
            written.joined.push((open.delivery.id, new, answer));
        }
        Ok(new.map_or(SettledBy::Nothing, SettledBy::Change))
    }

    /// The difference to the balance that was read for billing. Only ever upwards: what is above the target is somebody's
    /// own money, or not used yet. Once for a period: what comes late is in the next one's balance.
    fn write_target(
        &mut self,
        holder: &Holder,
        (target, sum): (Money, &Sum),
        own: &[BalanceChange],
        batches: &[IssuedBatch],
    ) -> Result<Option<SettledBy>, LedgerError> {
        let period = |id: i64| batches.iter().find(|batch| batch.id == id).map(|batch| batch.period);
        let is_same =
            |change: &&BalanceChange| change.mode == "target" && period(change.batch) == period(sum.batch);
        if own.iter().any(|change| is_same(&change)) {
            return Ok(Some(SettledBy::Waiver));
        }
        let reading = match self.reading_for(holder, own) {
            Ok(reading) => reading,
            Err(why) => {
                let message = format!("the balance of {holder} is not brought to {target} yet: {why}");
                self.findings.push(Finding::new(Severity::Warning, "balance-target", message));
                let is_gone = self.book.is_gone(holder);
                return Ok(is_gone.then_some(SettledBy::Waiver));
            }
        };
        let amount = Exact::from(target) - reading.1.into();
        if amount.is_negative() || amount.is_zero() {
            return Ok(Some(SettledBy::Waiver));
        }
        let id = self.insert(holder, sum, amount.to_money(), Some(reading), None, batches)?;
        Ok(Some(SettledBy::Change(id)))
    }

    /// The reading that a target change goes by, or why none will do.
    fn reading_for(&self, holder: &Holder, own: &[BalanceChange]) -> Result<(i64, Money), String> {
        let Some((snapshot, second, balance)) = self.book.last_reading(holder) else {
            let why = match self.book.is_gone(holder) {
                true => "it is on the server no more",
                false => "the last run did not read it; `papertally run` does",
            };
            return Err(why.to_owned());
        };
        let now = self.books.second(self.site);
        if now - snapshot.begun_second > TARGET_READING_SECONDS {
            return Err("it was read more than a day ago".to_owned());
        }
        if quota_between(snapshot.begun_second, now, self.papercut.changes.quota_time) {
            return Err("PaperCut has booked its quota since it was read".to_owned());
        }
        // A change that goes out after the reading would be made twice.
        for change in own {
            let is_open = !matches!(change.delivery.state, DeliveryState::Delivered | DeliveryState::GivenUp);
            let is_later = change.delivery.state == DeliveryState::Delivered
                && change.snapshot.is_some_and(|at| at >= snapshot.id);
            if is_open || is_later {
                return Err(format!("its change {} came after the reading, or waits", change.delivery.id));
            }
        }
        Ok((second.max(snapshot.begun_second), balance))
    }

    fn insert(
        &self,
        holder: &Holder,
        sum: &Sum,
        amount: Money,
        billing: Option<(i64, Money)>,
        not_before: Option<String>,
        batches: &[IssuedBatch],
    ) -> Result<i64, LedgerError> {
        // A job that no line bills any more belongs to the batch that took it back: the latest.
        let batch = batches.iter().find(|batch| batch.id == sum.batch).or(batches.last());
        let (batch, name) = batch.map_or((0, ""), |batch| (batch.id, batch.name.as_str()));
        let key = format!("{name}/balance/{holder}/{}", self.settling.change_count()?);
        let id = Uuid::new_v5(&CHARGE_NAMESPACE, key.as_bytes()).simple().to_string();
        let comment = format!("papertally {name} {}", id.get(..12).unwrap_or(&id));
        let today = self.books.today(self.site);
        let hold = Days::new(self.papercut.changes.hold_days.into());
        let held: NaiveDate = today.checked_add_days(hold).unwrap_or(today);
        let personal =
            self.papercut.personal_account.as_deref().filter(|_| matches!(holder, Holder::User(_)));
        let mode = if billing.is_some() {
            "target"
        } else if self.papercut.changes.mode == BalanceMode::Overage {
            "overage"
        } else {
            "invoiced"
        };
        let new = NewChange {
            balance: sum.balance,
            holder,
            server_id: self.book.server_id(holder).unwrap_or(""),
            personal_account: personal.unwrap_or(""),
            mode,
            amount,
            comment: &comment,
            not_before: &not_before.unwrap_or_else(|| held.to_string()),
            billing,
        };
        let body = format!("{amount} {comment}");
        let delivery = NewDelivery {
            key: &key,
            kind: DeliveryKind::Balance,
            target: &holder.to_string(),
            body: body.as_bytes(),
            at: &self.books.now_text(),
        };
        self.settling.write(&new, batch, &delivery)
    }
}

/// What is due beyond what was settled. Of what was waived nothing is given, and nothing is ever taken back.
fn drift(due: Money, settled: &[SettledCost], is_target: bool) -> Exact {
    let sum = |is_waived: bool| -> Exact {
        settled.iter().filter(|one| one.is_waived == is_waived).map(|one| Exact::from(one.cost)).sum()
    };
    let (given, waived, due) = (sum(false), sum(true), Exact::from(due));
    // Once a job was part of a target, its balance goes by targets.
    if is_target && !settled.is_empty() && given.is_zero() {
        return Exact::ZERO;
    }
    let left = due - waived;
    let goal = if due.is_zero() || due.is_negative() != waived.is_negative() {
        // A part was not taken back, or not given where nothing is due any more: whatever was given in between is right.
        given.clamp(left.min(due), left.max(due))
    } else {
        // A part was not given: what is left of it is due, and never less than nothing.
        left.clamp(due.min(Exact::ZERO), due.max(Exact::ZERO))
    };
    goal - given
}

/// Whether the operator has said that this balance is never changed; an account stands for its sub-accounts too.
pub(super) fn is_excluded(site: &SiteConfig, holder: &Holder) -> bool {
    let Some(papercut) = &site.papercut else { return false };
    match holder {
        Holder::User(name) => {
            papercut.changes.exclude_users.iter().any(|user| fold_name(user) == fold_name(name))
        }
        Holder::Account(name) => {
            let excluded: HashSet<String> =
                papercut.changes.exclude_accounts.iter().map(|account| fold_name(account)).collect();
            is_within(&fold_name(name), &excluded)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_waived_is_neither_given_nor_taken() {
        let check = |due: &str, given: &str, waived: &str, expected: &str| {
            let row = |cost: &str, is_waived| SettledCost {
                balance: BalanceOf::User(1),
                cost: cost.parse().unwrap(),
                is_waived,
            };
            let settled = [row(given, false), row(waived, true)];
            let expected: Money = expected.parse().unwrap();
            assert_eq!(
                drift(due.parse().unwrap(), &settled, false),
                expected.into(),
                "{due} {given} {waived}"
            );
        };
        check("5", "0", "0", "5");
        check("5", "5", "0", "0");
        check("3", "5", "0", "-2");
        check("0", "5", "0", "-5");
        // Left out or given up: nothing to take back when it is refunded.
        check("0", "0", "5", "0");
        check("3", "0", "5", "0");
        check("6", "0", "5", "1");
        check("0", "1", "5", "-1");
        // A credit among the jobs.
        check("-2", "0", "0", "-2");
        check("0", "-2", "0", "2");
        check("0", "0", "-2", "0");
        // What was not taken back is not taken later.
        check("0", "5", "-5", "0");
        check("0", "5", "-3", "-2");
        check("5", "5", "-5", "0");
        check("6", "5", "-5", "1");
        check("0", "-2", "2", "0");
    }
}
