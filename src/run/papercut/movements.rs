//! Balances beside the ledger: what was read, what jobs and papertally explain of it, and what is left.
//!
//! Balances are compared between two readings, over the jobs in between. A reading of this night is explained once reports
//! speak for the day on which it was made, which is mostly a night later.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveTime;

use super::holders::HolderBook;
use super::moments::{clock, covered_through, each_charge, quota_between};
use crate::config::PapercutConfig;
use crate::domain::{Exact, Finding, Holder, HolderKey, Money, Movement, Severity, Source};
use crate::ledger::{BalanceChange, BalanceOf, DeliveryState, LedgerError, SiteId, Snapshot};
use crate::run::books::Books;
use crate::run::error::RunError;

/// Differences that are told one by one.
const TOLD_MAX: usize = 20;

/// Jobs of so many seconds before are looked at for one whose refund a balance shows.
const REFUND_SECONDS: i64 = 31 * 86_400;

/// What a movement that no report explains looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// There is none.
    None,
    /// Several balances rose by the same amount over the time at which quota is booked.
    Quota,
    /// It rose by the cost of one of its jobs: refunded, and no report says so yet.
    Refund,
    /// It rose by something else: money paid in, or an adjustment.
    Credit,
    /// It fell: jobs that no report has, or an adjustment.
    Debit,
}

impl Other {
    /// The word in JSON and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Other::None => "",
            Other::Quota => "quota",
            Other::Refund => "refund",
            Other::Credit => "credit",
            Other::Debit => "debit",
        }
    }
}

/// One balance between two readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceLine {
    /// Whose it is.
    pub holder: Holder,
    /// When it was read first and last; a new one has no first reading.
    pub seconds: (Option<i64>, i64),
    /// What is known of it. The first reading of a new one is its last.
    pub movement: Movement,
    /// What is not explained, and what it looks like.
    pub difference: Money,
    /// What that looks like.
    pub other: Other,
    /// Whether reports speak for all days in between.
    pub is_covered: bool,
    /// Whether nobody may print below the limit.
    pub is_restricted: bool,
}

impl BalanceLine {
    /// A balance that was never read before: nothing can be said of how it moved.
    pub fn first(holder: Holder, second: i64, balance: Money, is_restricted: bool) -> BalanceLine {
        BalanceLine {
            holder,
            seconds: (None, second),
            movement: Movement { before: balance, after: balance, ..Movement::default() },
            difference: Money::ZERO,
            other: Other::None,
            is_covered: false,
            is_restricted,
        }
    }
}

/// The balances of a site between two readings.
#[derive(Debug, Default)]
pub struct Comparison {
    /// By kind and name.
    pub lines: Vec<BalanceLine>,
}

/// Balances at one moment.
#[derive(Debug, Default)]
pub struct Readings {
    /// The snapshot; none was kept of what is read just now.
    pub snapshot: Option<i64>,
    /// When they were begun to be read.
    pub begun_second: i64,
    /// Up to which change of a job the ledger had come.
    pub change_mark: i64,
    /// The second, the amount, the name as the server writes it, and whether it is restricted.
    pub balances: BTreeMap<HolderKey, (i64, Money, Holder, bool)>,
}

impl Readings {
    /// The balances of a stored snapshot.
    pub fn of_snapshot(
        books: &Books<'_>,
        site: SiteId,
        book: &HolderBook,
        snapshot: &Snapshot,
    ) -> Result<Readings, LedgerError> {
        let stored = books.ledger.balances_as_of(site, snapshot.id)?;
        let mut readings = Readings {
            snapshot: Some(snapshot.id),
            begun_second: snapshot.begun_second,
            change_mark: snapshot.change_mark,
            balances: BTreeMap::new(),
        };
        let there = book.holders().iter().filter(|holder| holder.snapshots.1 >= snapshot.id);
        for holder in there {
            if let Some((second, balance)) = stored.get(&holder.id) {
                readings.add(*second, *balance, &holder.holder, holder.restricted);
            }
        }
        Ok(readings)
    }

    /// Adds a balance.
    pub fn add(&mut self, second: i64, balance: Money, holder: &Holder, is_restricted: bool) {
        // One that has not moved was as it is when it was looked at again.
        let second = second.max(self.begun_second);
        self.balances.insert(holder.key(), (second, balance, holder.clone(), is_restricted));
    }
}

/// Compares balances of two moments.
pub fn compare(
    books: &Books<'_>,
    papercut: &PapercutConfig,
    (site_id, book): (SiteId, &HolderBook),
    before: Option<&Readings>,
    after: &Readings,
) -> Result<Comparison, RunError> {
    let covered = books.ledger.covered(site_id, Source::Jobs)?;
    let mut lines: BTreeMap<HolderKey, BalanceLine> = BTreeMap::new();
    for (key, (second, balance, holder, is_restricted)) in &after.balances {
        let first = before.and_then(|before| before.balances.get(key));
        let mut line = BalanceLine::first(holder.clone(), *second, *balance, *is_restricted);
        if let Some((begun, before, ..)) = first {
            line.seconds.0 = Some(*begun);
            line.movement.before = *before;
            line.is_covered = covered_through(&covered, *begun, *second);
        }
        lines.insert(key.clone(), line);
    }
    let mut old_costs = charge(books, site_id, book, &mut lines)?;
    for change in books.ledger.balance_changes(site_id)? {
        let is_after = change
            .snapshot
            .zip(before.and_then(|before| before.snapshot))
            .is_some_and(|(at, first)| at >= first);
        let is_before = after.snapshot.is_none_or(|last| change.snapshot.is_some_and(|at| at < last));
        if change.delivery.state == DeliveryState::Delivered && is_after && is_before {
            change_line(&change, &mut lines);
        }
    }
    if let Some(before) = before {
        refund(books, site_id, book, before.change_mark, &mut lines)?;
    }
    let mut lines: Vec<BalanceLine> = lines.into_values().collect();
    for line in &mut lines {
        line.difference = line.movement.difference();
    }
    let mut shared: HashMap<Money, usize> = HashMap::new();
    for line in lines.iter().filter(|line| spans_quota(line, papercut.changes.quota_time)) {
        *shared.entry(line.difference).or_default() += 1;
    }
    for line in &mut lines {
        let costs = old_costs.remove(&line.holder.key()).unwrap_or_default();
        let is_shared = shared.get(&line.difference).is_some_and(|count| *count > 1);
        line.other = match line.difference {
            Money::ZERO => Other::None,
            difference if difference.is_negative() => Other::Debit,
            _ if is_shared && spans_quota(line, papercut.changes.quota_time) => Other::Quota,
            difference if costs.contains(&difference) => Other::Refund,
            _ => Other::Credit,
        };
    }
    Ok(Comparison { lines })
}

/// Adds the charged jobs in between; returns the costs of jobs of the last weeks, whose refund a balance may show.
fn charge(
    books: &Books<'_>,
    site_id: SiteId,
    book: &HolderBook,
    lines: &mut BTreeMap<HolderKey, BalanceLine>,
) -> Result<HashMap<HolderKey, Vec<Money>>, RunError> {
    let mut costs: HashMap<HolderKey, Vec<Money>> = HashMap::new();
    let first = lines.values().filter_map(|line| line.seconds.0).min();
    let last = lines.values().map(|line| line.seconds.1).max();
    let (Some(first), Some(last)) = (first, last) else { return Ok(costs) };
    let mut keys: HashMap<BalanceOf, Option<HolderKey>> = HashMap::new();
    each_charge(books, (site_id, book), (first - REFUND_SECONDS, last), |balance, second, cost| {
        let key = keys.entry(balance).or_insert_with(|| book.holder(balance).map(|holder| holder.key()));
        let Some(line) = key.as_ref().and_then(|key| lines.get_mut(key)) else { return };
        let (Some(begun), ended) = line.seconds else { return };
        if second > begun && second <= ended {
            line.movement.charged = (Exact::from(line.movement.charged) + cost.into()).to_money();
        }
        if second <= ended
            && let Some(key) = key
        {
            costs.entry(key.clone()).or_default().push(cost);
        }
    })?;
    Ok(costs)
}

/// Adds what reports say was given back for jobs before the first reading. A report tells of it a night or more later, so
/// it may lie in a later time than this: it is taken where it explains what is left, and where it does not, it is not.
fn refund(
    books: &Books<'_>,
    site_id: SiteId,
    book: &HolderBook,
    mark: i64,
    lines: &mut BTreeMap<HolderKey, BalanceLine>,
) -> Result<(), RunError> {
    let mut sums: HashMap<HolderKey, Exact> = HashMap::new();
    for (balance, second, amount) in books.ledger.given_back(site_id, mark)? {
        let Some(key) = book.holder(balance).map(|holder| holder.key()) else { continue };
        if lines.get(&key).and_then(|line| line.seconds.0).is_some_and(|begun| second <= begun) {
            *sums.entry(key).or_default() += amount.into();
        }
    }
    for (key, sum) in sums {
        let Some(line) = lines.get_mut(&key) else { continue };
        let without = Exact::from(line.movement.difference());
        let with = without - sum;
        if with.parts().abs() < without.parts().abs() {
            line.movement.refunded = sum.to_money();
        }
    }
    Ok(())
}

/// Adds a change of ours that was made in between.
fn change_line(change: &BalanceChange, lines: &mut BTreeMap<HolderKey, BalanceLine>) {
    if let Some(line) = lines.get_mut(&change.holder.key()).filter(|line| line.seconds.0.is_some()) {
        line.movement.changed = (Exact::from(line.movement.changed) + change.amount.into()).to_money();
    }
}

/// Whether quota was booked between the two readings.
fn spans_quota(line: &BalanceLine, time: NaiveTime) -> bool {
    line.seconds.0.is_some_and(|begun| quota_between(begun, line.seconds.1, time))
}

impl Comparison {
    /// What is not explained, where reports speak for the whole time.
    pub fn findings(&self) -> Vec<Finding> {
        let differing = || {
            let covered = self.lines.iter().filter(|line| line.is_covered);
            covered.filter(|line| matches!(line.other, Other::Credit | Other::Debit))
        };
        let mut findings: Vec<Finding> = differing().take(TOLD_MAX).map(unexplained).collect();
        let more = differing().count().saturating_sub(TOLD_MAX);
        if more > 0 {
            let message =
                format!("{more} more balances moved by what no report explains: see `papertally balances`");
            findings.push(Finding::new(Severity::Warning, "balance-unexplained", message));
        }
        for (other, what) in [(Other::Quota, "quota"), (Other::Refund, "refunds that no report says yet")] {
            let named: Vec<&BalanceLine> =
                self.lines.iter().filter(|line| line.is_covered && line.other == other).collect();
            if !named.is_empty() {
                let sum: Exact = named.iter().map(|line| Exact::from(line.difference)).sum();
                let message = format!(
                    "{} balance{} rose by {sum} together, by the look of it {what}",
                    named.len(),
                    if named.len() == 1 { "" } else { "s" }
                );
                findings.push(Finding::new(Severity::Note, "balance-named", message));
            }
        }
        findings
    }
}

fn unexplained(line: &BalanceLine) -> Finding {
    let BalanceLine { holder, movement, difference, seconds, .. } = line;
    let (moved, guess) = if difference.is_negative() {
        ("fell", "jobs that no report has, or an adjustment by hand")
    } else {
        ("rose", "money paid in, a refund or an adjustment by hand")
    };
    let message = format!(
        "the balance of {holder} {moved} by {} more than jobs and our changes explain, from {} at {} to {} at {}: {guess}",
        difference.abs(),
        movement.before,
        clock(seconds.0.unwrap_or_default()),
        movement.after,
        clock(seconds.1)
    );
    Finding::new(Severity::Warning, "balance-unexplained", message)
}

/// Explains the latest snapshot that can be explained, and says what is left. Told again until a later one is explained.
pub fn explain_snapshots(
    books: &Books<'_>,
    papercut: &PapercutConfig,
    site_id: SiteId,
) -> Result<Vec<Finding>, RunError> {
    let snapshots: Vec<Snapshot> =
        books.ledger.snapshots(site_id)?.into_iter().filter(|one| one.ended_second.is_some()).collect();
    let covered = books.ledger.covered(site_id, Source::Jobs)?;
    let explained = snapshots.iter().rposition(|one| one.compared_with.is_some());
    let base = explained.unwrap_or(0);
    let Some(first) = snapshots.get(base) else { return Ok(Vec::new()) };
    let is_whole =
        |one: &&Snapshot| covered_through(&covered, first.begun_second, one.ended_second.unwrap_or(i64::MAX));
    let next = snapshots.iter().skip(base + 1).rev().find(is_whole);
    let (before, after) = match (next, explained) {
        (Some(next), _) => (first, next),
        (None, Some(_)) => {
            let with = snapshots.iter().find(|one| Some(one.id) == first.compared_with);
            (with.unwrap_or(first), first)
        }
        (None, None) => return Ok(Vec::new()),
    };
    let book = HolderBook::load(&books.ledger, site_id)?;
    let readings = |snapshot| Readings::of_snapshot(books, site_id, &book, snapshot);
    let comparison = compare(books, papercut, (site_id, &book), Some(&readings(before)?), &readings(after)?)?;
    if next.is_some() {
        books.ledger.snapshot_compared(after.id, before.id)?;
    }
    Ok(comparison.findings())
}
