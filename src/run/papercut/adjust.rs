//! Balance changes on the server, one at a time: written down, called once, read back.
//!
//! A change goes out only after its batch's files were handed out, after its hold, and within the caps. What may have
//! been made is looked at, by the balance and the jobs since; where the numbers leave it open a person decides. One
//! balance that fails does not stop the others.

use std::collections::BTreeSet;

use super::evidence::{Looked, Looking};
use super::holders::HolderBook;
use super::settle::is_excluded;
use crate::config::{ChangeConfig, PapercutConfig, SiteConfig};
use crate::domain::{Exact, Finding, Holder, HolderKey, Money, Severity, Verdict, fold_name};
use crate::ledger::{BalanceChange, DeliveryState, LedgerError, SiteId};
use crate::papercut::{Acted, CallError, CallFault, Server};
use crate::run::books::Books;
use crate::run::error::RunError;

/// An account that was last seen so long before a job, in seconds, did not pay for it.
const DAY_SECONDS: i64 = 86_400;

/// What became of the balance changes of a site.
#[derive(Debug, Default)]
pub struct Adjusted {
    /// Made now, or found to have been made.
    pub delivered: Vec<BalanceChange>,
    /// Not made; the next run tries again. The answer says why.
    pub failed: Vec<BalanceChange>,
    /// Perhaps made. The answer shows the evidence.
    pub uncertain: Vec<BalanceChange>,
    /// Not due yet, or held back; with the reason.
    pub waiting: Vec<(BalanceChange, String)>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
}

impl Adjusted {
    /// What was given back, and what was taken, each without its sign.
    pub fn sums(&self) -> (Exact, Exact) {
        let (mut back, mut taken) = (Exact::ZERO, Exact::ZERO);
        for change in &self.delivered {
            if change.amount.is_negative() {
                taken -= change.amount.into();
            } else {
                back += change.amount.into();
            }
        }
        (back, taken)
    }

    /// Whether nothing failed and nothing is uncertain.
    pub fn is_settled(&self) -> bool {
        self.failed.is_empty() && self.uncertain.is_empty()
    }
}

/// Makes the balance changes of a site that are due.
pub fn adjust(
    books: &Books<'_>,
    (site, papercut): (&SiteConfig, &PapercutConfig),
    site_id: SiteId,
    server: &Server,
) -> Result<Adjusted, RunError> {
    let open = books.ledger.open_balance_changes(site_id)?;
    let mut adjusting = Adjusting {
        books,
        site,
        papercut,
        looking: Looking::new(books, site, site_id, server)?,
        server,
        parked: BTreeSet::new(),
        sum: Exact::ZERO,
        outcome: Adjusted::default(),
        failure: None,
    };
    // What is uncertain comes first: until it is settled, its balance is left alone.
    let (unclear, clear): (Vec<_>, Vec<_>) = open.into_iter().partition(|change| {
        matches!(change.delivery.state, DeliveryState::Sending | DeliveryState::Uncertain)
    });
    for change in unclear {
        adjusting.look(change)?;
    }
    for change in clear {
        adjusting.make(change)?;
    }
    Ok(adjusting.outcome)
}

/// The balance changes that are open, with the reason why one does not go out yet; nothing is called.
pub fn waiting(
    books: &Books<'_>,
    (site, papercut): (&SiteConfig, &PapercutConfig),
    site_id: SiteId,
) -> Result<Vec<(BalanceChange, Option<String>)>, RunError> {
    let book = HolderBook::load(&books.ledger, site_id)?;
    let mut open = Vec::new();
    for change in books.ledger.open_balance_changes(site_id)? {
        let found = hindrance(books, site, &papercut.changes, &book, &change)?;
        open.push((change, found.map(|found| found.reason)));
    }
    Ok(open)
}

/// Why a change does not go out yet.
struct Hindrance {
    reason: String,
    /// Whether it goes away by itself.
    is_waiting: bool,
}

/// Whether the name by which the ledger knows a change's jobs meant another account when they were printed: whose balance
/// paid for them is not known then.
fn is_ambiguous(books: &Books<'_>, book: &HolderBook, change: &BalanceChange) -> Result<bool, LedgerError> {
    let (Some(named), Some(first)) =
        (book.named(change.balance), books.ledger.first_job_of(change.delivery.id)?)
    else {
        return Ok(false);
    };
    for other in book.others(&named) {
        if books.ledger.snapshot(other.snapshots.1)?.begun_second >= first - DAY_SECONDS {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Why a change does not go out yet, apart from what only the run knows.
fn hindrance(
    books: &Books<'_>,
    site: &SiteConfig,
    rules: &ChangeConfig,
    book: &HolderBook,
    change: &BalanceChange,
) -> Result<Option<Hindrance>, LedgerError> {
    let waits = |reason: String| Ok(Some(Hindrance { reason, is_waiting: true }));
    let held = |reason: String| Ok(Some(Hindrance { reason, is_waiting: false }));
    if is_excluded(site, &change.holder) {
        return waits("the configuration excludes it".to_owned());
    }
    if change.not_before > books.today(site).to_string() {
        return waits(format!("held for refunds until {}", change.not_before));
    }
    if let Some(most) = rules.account_max.filter(|most| change.amount.abs() > *most) {
        return held(format!("larger than `account_change_max` ({most})"));
    }
    if is_ambiguous(books, book, change)? {
        return held(
            "the server has had several accounts of this name, and which of them paid is not known"
                .to_owned(),
        );
    }
    Ok(None)
}

struct Adjusting<'a, 'b> {
    books: &'a Books<'b>,
    site: &'a SiteConfig,
    papercut: &'a PapercutConfig,
    looking: Looking<'a, 'b>,
    server: &'a Server,
    /// Balances with a change that is not settled: nothing else is done to them.
    parked: BTreeSet<HolderKey>,
    /// What this run has changed so far, without signs.
    sum: Exact,
    outcome: Adjusted,
    /// Why the server as a whole cannot be spoken to: the rest waits.
    failure: Option<String>,
}

impl Adjusting<'_, '_> {
    /// Looks at a change whose outcome is not known.
    fn look(&mut self, mut change: BalanceChange) -> Result<(), RunError> {
        let looked = self.looking.look(&change)?;
        match looked.verdict {
            Verdict::Applied => {
                self.ends(&mut change, DeliveryState::Delivered, &looked.text, looked.now)?;
                self.outcome.delivered.push(change);
            }
            Verdict::NotApplied => {
                self.ends(&mut change, DeliveryState::Pending, &looked.text, looked.now)?;
                self.make(change)?;
            }
            Verdict::Unknown(_) => self.unclear(change, &looked)?,
        }
        Ok(())
    }

    fn unclear(&mut self, mut change: BalanceChange, looked: &Looked) -> Result<(), RunError> {
        self.ends(&mut change, DeliveryState::Uncertain, &looked.text, looked.now)?;
        self.park(&change);
        self.outcome.uncertain.push(change);
        Ok(())
    }

    /// Makes a change that surely was not made, if it is due.
    fn make(&mut self, change: BalanceChange) -> Result<(), RunError> {
        if let Some(reason) = self.hindrance(&change)? {
            self.outcome.waiting.push((change, reason));
            return Ok(());
        }
        match self.balance(&change.holder, &change) {
            Ok(before) => self.call(change, before),
            Err(text) => self.fail(change, &text),
        }
    }

    fn hindrance(&mut self, change: &BalanceChange) -> Result<Option<String>, RunError> {
        if let Some(failure) = &self.failure {
            return Ok(Some(failure.clone()));
        }
        let rules = &self.papercut.changes;
        if let Some(Hindrance { reason, is_waiting }) =
            hindrance(self.books, self.site, rules, &self.looking.book, change)?
        {
            if !is_waiting {
                let message = format!(
                    "balance change {} of {} ({}) waits: {reason}; mend it, or settle it with `papertally deliver \
                     --resolve {} --as delivered` (if you have made it yourself) or `--as given-up`",
                    change.delivery.id, change.holder, change.amount, change.delivery.id
                );
                self.outcome.findings.push(Finding::new(Severity::Warning, "balance-change-held", message));
            }
            return Ok(Some(reason));
        }
        if self.parked.contains(&change.holder.key()) {
            return Ok(Some("an earlier change of this balance is not settled".to_owned()));
        }
        let sum = self.sum + Exact::from(change.amount.abs());
        Ok(match rules.run_max {
            Some(most) if sum > Exact::from(most) => {
                let message = format!(
                    "the balance changes of this run reach `run_change_max` ({most}): the others wait for the next run"
                );
                let finding = Finding::new(Severity::Warning, "balance-change-held", message);
                if !self.outcome.findings.contains(&finding) {
                    self.outcome.findings.push(finding);
                }
                Some(format!("`run_change_max` ({most}) is reached"))
            }
            _ => None,
        })
    }

    /// The balance as it is now, after everything was compared that would make the change go to the wrong place.
    fn balance(&mut self, holder: &Holder, change: &BalanceChange) -> Result<(i64, Money), String> {
        let balance = match holder {
            Holder::User(name) => {
                self.refuse_if_old_name_paid(name)?;
                let named = &change.personal_account;
                let balance =
                    self.server.user_balance(name, named).map_err(|error| told(&mut self.failure, &error))?;
                if !named.is_empty() {
                    let all = self
                        .server
                        .user_balance(name, "")
                        .map_err(|error| told(&mut self.failure, &error))?;
                    if all != balance && change.mode == "invoiced" {
                        return Err(format!(
                            "the personal account `{named}` has {balance}, all of {name}'s together {all}: which of \
                             them paid for the jobs is not known, so nothing is given back to one of them"
                        ));
                    }
                }
                balance
            }
            Holder::Account(_) => {
                let name = &self.looking.account_name(change);
                let found = self.server.account(name).map_err(|error| told(&mut self.failure, &error))?;
                let Some(account) = found else {
                    return Err(format!("the server has no shared account `{name}`"));
                };
                if !change.server_id.is_empty() && account.id != change.server_id {
                    return Err(format!(
                        "the shared account `{name}` has the id {} now, and had {} when it was billed: it is another one",
                        account.id, change.server_id
                    ));
                }
                account.balance
            }
        };
        Ok((self.books.second(self.site), balance))
    }

    /// Where an alias says that two users are one and the old one still has a balance of its own on the server, which of them
    /// paid for a job is not known.
    fn refuse_if_old_name_paid(&mut self, name: &str) -> Result<(), String> {
        let folded = fold_name(name);
        let olds =
            self.site.alias.iter().filter(|(old, new)| fold_name(new) == folded && fold_name(old) != folded);
        for (old, _) in olds {
            let found = self.server.user(old).map_err(|error| told(&mut self.failure, &error))?;
            if found.is_some_and(|old| !old.balance.is_zero()) {
                return Err(format!(
                    "`{old}`, an alias of `{name}`, has a balance of its own on the server, and which of them paid is not \
                     known: bring it to zero by hand"
                ));
            }
        }
        Ok(())
    }

    fn call(&mut self, mut change: BalanceChange, before: (i64, Money)) -> Result<(), RunError> {
        let at = self.books.now_text();
        self.books.ledger.balance_change_begins(change.delivery.id, before, &at)?;
        change.before = Some(before);
        change.delivery.attempts += 1;
        self.sum += change.amount.abs().into();
        let (amount, comment) = (change.amount, change.comment.as_str());
        let answer = match &change.holder {
            Holder::User(name) => self.server.adjust_user(name, amount, comment, &change.personal_account),
            Holder::Account(_) => {
                self.server.adjust_account(&self.looking.account_name(&change), amount, comment)
            }
        };
        match answer {
            Ok(true) => self.made(change, before),
            Ok(false) => self.answered_no(change, "the server answered that it did not"),
            Err(error) if error.fault.acted() == Acted::No => {
                if error.fault.is_of_the_server() {
                    self.failure = Some(format!("the server cannot be spoken to: {error}"));
                }
                self.fail(change, &error.to_string())
            }
            // A fault without a known meaning: the call is over, and the balance says what it did.
            Err(error) if matches!(error.fault, CallFault::Fault(_)) => {
                self.answered_no(change, &error.to_string())
            }
            Err(error) => {
                let looked = self.looking.look_at_once(&change, &error.to_string());
                if looked.verdict == Verdict::Applied {
                    self.ends(&mut change, DeliveryState::Delivered, &looked.text, looked.now)?;
                    self.outcome.delivered.push(change);
                    return Ok(());
                }
                self.unclear(change, &looked)
            }
        }
    }

    /// The server says that it made the change: read back what it came to.
    fn made(&mut self, mut change: BalanceChange, (_, before): (i64, Money)) -> Result<(), RunError> {
        let (after, text) = match self.looking.balance(&change) {
            Ok(after) => {
                let moved = Exact::from(after.1) - before.into();
                let other = moved - change.amount.into();
                let text = if other.is_zero() {
                    format!("{before} before, {} after", after.1)
                } else {
                    format!("{before} before, {} after: {other} by something else meanwhile", after.1)
                };
                (Some(after), text)
            }
            Err(error) => (None, format!("{before} before; not read back: {error}")),
        };
        self.ends(&mut change, DeliveryState::Delivered, &text, after)?;
        self.outcome.delivered.push(change);
        Ok(())
    }

    /// The call is over and the server says no, or something unknown: one look decides.
    fn answered_no(&mut self, change: BalanceChange, answer: &str) -> Result<(), RunError> {
        let looked = self.looking.look_after_answer(&change, answer);
        match looked.verdict {
            Verdict::NotApplied => self.fail(change, &looked.text),
            _ => self.unclear(change, &looked),
        }
    }

    fn fail(&mut self, mut change: BalanceChange, text: &str) -> Result<(), RunError> {
        self.ends(&mut change, DeliveryState::Failed, text, None)?;
        self.park(&change);
        self.outcome.failed.push(change);
        Ok(())
    }

    fn park(&mut self, change: &BalanceChange) {
        self.parked.insert(change.holder.key());
    }

    fn ends(
        &self,
        change: &mut BalanceChange,
        state: DeliveryState,
        answer: &str,
        after: Option<(i64, Money)>,
    ) -> Result<(), RunError> {
        let at = self.books.now_text();
        self.books.ledger.balance_change_ends(change.delivery.id, (state, answer), after, &at)?;
        change.delivery.state = state;
        change.delivery.answer = answer.to_owned();
        change.after = after.or(change.after);
        Ok(())
    }
}

/// A failed call as a sentence. One that every other call would share is kept: the rest waits.
fn told(failure: &mut Option<String>, error: &CallError) -> String {
    if error.fault.is_of_the_server() {
        *failure = Some(format!("the server cannot be spoken to: {error}"));
    }
    error.to_string()
}
