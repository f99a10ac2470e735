//! What a batch settles of PaperCut's balances, and the balance changes that follow: written down with its lines, in the
//! same transaction.
//!
//! A balance has paid PaperCut's cost of each job. A line that bills the job settles that cost, whatever the plan makes of
//! it: prices, mark-up, allowance and tax are the invoice's, not the balance's. A line that takes the job back takes back
//! what was settled. So the sum of all changes of a balance is always the cost of its jobs on standing lines.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use chrono::{Days, NaiveDate};
use uuid::Uuid;

use super::books::Books;
use super::error::RunError;
use super::holders::HolderBook;
use crate::config::SiteConfig;
use crate::domain::{
    BalanceMode, CHARGE_NAMESPACE, Exact, Finding, Holder, Money, PayerId, Severity, fold_name, is_within,
};
use crate::ledger::{
    BalanceOf, DeliveryKind, DeliveryState, Issue, JobFact, LedgerError, NewChange, NewDelivery, SiteId,
};

/// Settles the jobs of one batch.
pub(super) struct Settling<'a> {
    books: &'a Books<'a>,
    site: &'a SiteConfig,
    site_id: SiteId,
    issue: &'a Issue<'a>,
    /// How the balances of a payer's jobs are changed, by the payer as text.
    modes: RefCell<HashMap<String, BalanceMode>>,
}

/// What one line has to do with a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled<'l> {
    /// The line of the batch.
    pub(super) line: Uuid,
    /// Who pays the job now; nobody where it is taken back.
    pub(super) payer: Option<&'l PayerId>,
    /// The plan by which the payer pays.
    pub(super) plan: &'l str,
}

impl<'a> Settling<'a> {
    pub(super) fn new(
        books: &'a Books<'a>,
        site: &'a SiteConfig,
        site_id: SiteId,
        issue: &'a Issue<'a>,
    ) -> Settling<'a> {
        Settling { books, site, site_id, issue, modes: RefCell::default() }
    }

    /// Whether balances at the site are changed at all, now or for lines that were issued before.
    pub(super) fn is_needed(&self) -> bool {
        self.site.papercut.is_some()
    }

    /// Lets a line settle a job as it is now.
    pub(super) fn job(&self, job: &JobFact, settled: Settled<'_>) -> Result<(), LedgerError> {
        let before = self.issue.settled(job.id)?;
        let mut due: BTreeMap<BalanceOf, Exact> = BTreeMap::new();
        match settled.payer {
            Some(payer) => {
                let mode = self.books.config.balance_mode(self.site, settled.plan);
                self.modes.borrow_mut().insert(payer.to_string(), mode);
                match (mode, job.cost) {
                    // Not asked for any more: what was settled stays.
                    (BalanceMode::None, _) => return Ok(()),
                    (_, Some(cost)) => {
                        due.insert(BalanceOf::job(job.user, job.account), cost.into());
                    }
                    (_, None) => {}
                }
            }
            None if before.is_empty() => return Ok(()),
            None => {}
        }
        for (balance, cost) in before {
            *due.entry(balance).or_default() -= cost.into();
        }
        for (balance, cost) in due {
            if !cost.is_zero() {
                self.issue.settle(settled.line, job.id, balance, cost.to_money())?;
            }
        }
        Ok(())
    }

    /// Writes down the balance changes of the batch.
    pub(super) fn write_changes(&self, batch: &str) -> Result<Vec<Finding>, RunError> {
        let mut sums: BTreeMap<BalanceOf, (BalanceMode, Exact)> = BTreeMap::new();
        for (balance, payer, cost) in self.issue.settlements()? {
            // A payer who is gone had its jobs given back exactly: so they are taken back.
            let mode = self.modes.borrow().get(&payer).copied().unwrap_or(BalanceMode::Invoiced);
            let sum = sums.entry(balance).or_insert((mode, Exact::ZERO));
            sum.0 = mode;
            sum.1 += cost.into();
        }
        if sums.is_empty() {
            return Ok(Vec::new());
        }
        let book = HolderBook::load(&self.books.ledger, self.site_id)?;
        let mut findings = Vec::new();
        for (balance, (mode, settled)) in sums {
            let Some(holder) = book.holder(balance) else { continue };
            if is_excluded(self.site, &holder) || settled.is_zero() {
                continue;
            }
            match self.amount(&book, &holder, mode, settled)? {
                Ok((amount, billing)) if !amount.is_zero() => {
                    self.write(batch, &book, balance, &holder, (mode, amount), billing)?;
                }
                Ok(_) => {}
                Err(finding) => findings.push(finding),
            }
        }
        Ok(findings)
    }

    /// What is added to a balance, with the reading that it goes by; or why nothing is.
    #[expect(clippy::type_complexity, reason = "an amount with its reading, or a finding")]
    fn amount(
        &self,
        book: &HolderBook,
        holder: &Holder,
        mode: BalanceMode,
        settled: Exact,
    ) -> Result<Result<(Money, Option<(i64, Money)>), Finding>, LedgerError> {
        let BalanceMode::Target(target) = mode else { return Ok(Ok((settled.to_money(), None))) };
        let not = |why: &str| {
            let message = format!("the balance of {holder} is not brought to {target}: {why}");
            Ok(Err(Finding::new(Severity::Warning, "balance-target", message)))
        };
        let Some((snapshot, second, balance)) = book.last_reading(holder) else {
            return not("it was never read; `papertally run` reads it");
        };
        // A change that goes out after the reading would be made twice.
        let changes = self.books.ledger.balance_changes(self.site_id)?;
        let later = changes.iter().filter(|change| change.holder.key() == holder.key());
        for change in later {
            let is_open = !matches!(change.delivery.state, DeliveryState::Delivered | DeliveryState::GivenUp);
            let is_later = change.before.is_some_and(|(before, _)| before >= snapshot.begun_second)
                && change.delivery.state == DeliveryState::Delivered;
            if is_open || is_later {
                return not(&format!(
                    "its change {} of batch {} came after the reading, or waits; the next batch does it",
                    change.delivery.id, change.batch_name
                ));
            }
        }
        let amount = Exact::from(target) - balance.into();
        if amount.is_negative() {
            // More than the target is somebody's own money, or not used yet.
            return Ok(Ok((Money::ZERO, None)));
        }
        Ok(Ok((amount.to_money(), Some((second, balance)))))
    }

    fn write(
        &self,
        batch: &str,
        book: &HolderBook,
        balance: BalanceOf,
        holder: &Holder,
        (mode, amount): (BalanceMode, Money),
        billing: Option<(i64, Money)>,
    ) -> Result<(), LedgerError> {
        let key = format!("{batch}/balance/{holder}");
        let id = Uuid::new_v5(&CHARGE_NAMESPACE, key.as_bytes()).simple().to_string();
        let comment = format!("papertally {batch} {}", id.get(..12).unwrap_or(&id));
        let changes = self.site.papercut.as_ref().map(|papercut| &papercut.changes);
        let hold = Days::new(changes.map_or(0, |changes| changes.hold_days).into());
        let today = self.books.today(self.site);
        let not_before: NaiveDate = today.checked_add_days(hold).unwrap_or(today);
        let personal = self.site.papercut.as_ref().and_then(|papercut| papercut.personal_account.as_deref());
        let new = NewChange {
            site: self.site_id,
            balance,
            holder,
            server_id: book.server_id(holder).unwrap_or(""),
            personal_account: if matches!(holder, Holder::User(_)) { personal.unwrap_or("") } else { "" },
            mode: mode.as_str(),
            amount,
            comment: &comment,
            not_before: &not_before.to_string(),
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
        self.issue.balance_change(&new, &delivery).map(drop)
    }
}

/// Whether the operator has said that this balance is never changed; an account stands for its sub-accounts too.
pub(super) fn is_excluded(site: &SiteConfig, holder: &Holder) -> bool {
    let Some(papercut) = &site.papercut else { return false };
    let folded = |names: &[String]| names.iter().map(|name| fold_name(name)).collect();
    match holder {
        Holder::User(name) => {
            papercut.changes.exclude_users.iter().any(|user| fold_name(user) == fold_name(name))
        }
        Holder::Account(name) => is_within(&fold_name(name), &folded(&papercut.changes.exclude_accounts)),
    }
}
