//! Balance changes: what issued lines settle of each balance, and what was done about it on the server.

use rusqlite::{OptionalExtension, Row, ToSql, Transaction, named_params};
use uuid::Uuid;

use super::deliveries::{Delivery, DeliveryKind, DeliveryState, NewDelivery, insert_delivery};
use super::holders::holder_of;
use super::invoices::Issue;
use super::jobs::Marks;
use super::stored::day_start;
use super::{Ledger, LedgerError, SiteId};
use crate::domain::{Holder, Money, Period, fold_name};

/// Which balance of the ledger's users and accounts: a user's personal one, or a shared account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BalanceOf {
    /// The personal balance of the user of that number.
    User(i64),
    /// The balance of the shared account of that number.
    Account(i64),
}

impl BalanceOf {
    /// The balance that pays for jobs of a user on a shared account, or on none.
    pub const fn job(user: i64, account: Option<i64>) -> BalanceOf {
        match account {
            Some(account) => BalanceOf::Account(account),
            None => BalanceOf::User(user),
        }
    }

    /// User and account as columns have them: 0 for none.
    const fn columns(self) -> (i64, i64) {
        match self {
            BalanceOf::User(user) => (user, 0),
            BalanceOf::Account(account) => (0, account),
        }
    }

    fn of_columns(user: i64, account: i64) -> BalanceOf {
        if account == 0 { BalanceOf::User(user) } else { BalanceOf::Account(account) }
    }
}

/// A balance change to write down.
#[derive(Clone, Debug)]
pub struct NewChange<'a> {
    /// Whose jobs it settles.
    pub balance: BalanceOf,
    /// Whose balance it changes on the server.
    pub holder: &'a Holder,
    /// PaperCut's account-id of a shared account, where it is known.
    pub server_id: &'a str,
    /// The personal account that is meant, or empty.
    pub personal_account: &'a str,
    /// `invoiced`, `target` or `overage`.
    pub mode: &'a str,
    /// What is added; below zero, taken away.
    pub amount: Money,
    /// What the server keeps as the reason; holds our id.
    pub comment: &'a str,
    /// The first day on which it may be made, as `2026-11-12`.
    pub not_before: &'a str,
    /// The balance that was read for billing, and when.
    pub billing: Option<(i64, Money)>,
}

/// A balance change as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceChange {
    /// Its delivery: number, state, attempts, answer.
    pub delivery: Delivery,
    /// The batch whose lines it belongs to.
    pub batch: i64,
    /// Name of that batch.
    pub batch_name: String,
    /// Whose balance it changes on the server.
    pub holder: Holder,
    /// PaperCut's account-id of a shared account, where it was known.
    pub server_id: String,
    /// The personal account that is meant, or empty.
    pub personal_account: String,
    /// Whose jobs it settles.
    pub balance: BalanceOf,
    /// `invoiced`, `target` or `overage`.
    pub mode: String,
    /// What is added.
    pub amount: Money,
    /// What the server keeps as the reason.
    pub comment: String,
    /// The first day on which it may be made.
    pub not_before: String,
    /// The balance that was read for billing, and when.
    pub billing: Option<(i64, Money)>,
    /// The latest snapshot when it was sent.
    pub snapshot: Option<i64>,
    /// The balance just before the call, and when.
    pub before: Option<(i64, Money)>,
    /// The balance after it.
    pub after: Option<(i64, Money)>,
}

const CHANGE: &str = "SELECT delivery.id, delivery.key, target, sha256, state, attempt, answer, batch_id, batch.name,
    balance_change.kind, balance_change.name, server_id, personal_account, user_id, account_id, mode, amount, comment,
    not_before, billing_second, billing_balance, before_second, before_balance, after_second, after_balance, snapshot_id
    FROM balance_change JOIN delivery ON delivery.id = delivery_id JOIN batch ON batch.id = batch_id";

fn change(row: &Row<'_>) -> Result<BalanceChange, LedgerError> {
    let state: String = row.get(4)?;
    let read = |second: usize, balance: usize| -> Result<Option<(i64, Money)>, LedgerError> {
        let (second, balance): (Option<i64>, Option<i64>) = (row.get(second)?, row.get(balance)?);
        Ok(second.zip(balance.map(Money::from_millionths)))
    };
    Ok(BalanceChange {
        delivery: Delivery {
            id: row.get(0)?,
            key: row.get(1)?,
            kind: DeliveryKind::Balance,
            target: row.get(2)?,
            sha256: row.get(3)?,
            state: DeliveryState::parse(&state)
                .ok_or(LedgerError::Unreadable { what: "a delivery's state", found: state })?,
            attempts: row.get(5)?,
            answer: row.get(6)?,
        },
        batch: row.get(7)?,
        batch_name: row.get(8)?,
        holder: holder_of(&row.get::<_, String>(9)?, &row.get::<_, String>(10)?)?,
        server_id: row.get(11)?,
        personal_account: row.get(12)?,
        balance: BalanceOf::of_columns(row.get(13)?, row.get(14)?),
        mode: row.get(15)?,
        amount: Money::from_millionths(row.get(16)?),
        comment: row.get(17)?,
        not_before: row.get(18)?,
        billing: read(19, 20)?,
        snapshot: row.get(25)?,
        before: read(21, 22)?,
        after: read(23, 24)?,
    })
}

/// An open link of a job, with what is done about its balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BilledBy {
    /// The batch of the line.
    pub batch: i64,
    /// `invoiced`, `target` or `overage`; `None` where the line changes no balance.
    pub mode: Option<String>,
    /// The balance to come to, of a `target`.
    pub target: Option<Money>,
}

/// What was settled of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledCost {
    /// The balance that had paid.
    pub balance: BalanceOf,
    /// What was given back of the cost; below zero, taken.
    pub cost: Money,
    /// Whether no change gives it: left out by the operator, given up, or part of a target.
    pub is_waived: bool,
}

/// By what a job is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettledBy {
    /// A balance change.
    Change(i64),
    /// What is due for several jobs of a balance came to nothing.
    Nothing,
    /// The operator leaves the balance out, or it goes by targets: neither given nor ever taken.
    Waiver,
}

/// Issued jobs on their way to balance changes. Dropped before [`Settling::commit`], it leaves no trace.
#[derive(Debug)]
pub struct Settling<'l> {
    transaction: Transaction<'l>,
    site: SiteId,
}

impl Issue<'_> {
    /// Says that the balances of a line's jobs are changed, and how.
    pub fn balance_line(&self, line: Uuid, mode: &str, target: Option<Money>) -> Result<(), LedgerError> {
        let line_row = self.line_row(line)?;
        self.transaction().execute(
            "INSERT INTO balance_line (line_id, mode, target) VALUES (?1, ?2, ?3)",
            (line_row, mode, target.map(Money::millionths)),
        )?;
        Ok(())
    }
}

impl Ledger {
    /// Begins to settle what was issued at a site.
    pub fn begin_settling(&self, site: SiteId) -> Result<Settling<'_>, LedgerError> {
        Ok(Settling { transaction: self.connection.unchecked_transaction()?, site })
    }

    /// Whether any line of a site changes balances, or a balance was changed for it.
    pub fn has_balance_lines(&self, site: SiteId) -> Result<bool, LedgerError> {
        Ok(self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM balance_line JOIN invoice_line ON invoice_line.id = line_id
             JOIN batch ON batch.id = batch_id WHERE site_id = ?1)",
            [site.0],
            |row| row.get(0),
        )?)
    }
}

impl Settling<'_> {
    /// Up to which job and change a period was settled; `None` where lines have come since, or never.
    pub fn settled_up_to(&self, period: Period) -> Result<Option<Marks>, LedgerError> {
        let found = self.transaction.query_row(
            "SELECT job_mark, change_mark FROM settled WHERE site_id = :site AND period_first = :first
             AND period_last = :last AND line_mark = (SELECT coalesce(max(id), 0) FROM invoice_line
             WHERE invoice_line.period_first = :first AND invoice_line.period_last = :last)",
            self.of_period(period).as_slice(),
            |row| Ok(Marks { job: row.get(0)?, change: row.get(1)? }),
        );
        Ok(found.optional()?)
    }

    fn of_period(&self, period: Period) -> [(&'static str, Box<dyn ToSql>); 3] {
        [
            (":site", Box::new(self.site.0)),
            (":first", Box::new(period.first_day().to_string())),
            (":last", Box::new(period.last_day().to_string())),
        ]
    }

    /// Says that a period is settled up to now.
    pub fn end_period(&self, period: Period) -> Result<(), LedgerError> {
        self.transaction.execute(
            "INSERT INTO settled (site_id, period_first, period_last, job_mark, change_mark, line_mark)
             SELECT :site, :first, :last, (SELECT coalesce(max(id), 0) FROM job),
             (SELECT coalesce(max(id), 0) FROM job_change), (SELECT coalesce(max(id), 0) FROM invoice_line
             WHERE invoice_line.period_first = :first AND invoice_line.period_last = :last)
             WHERE true ON CONFLICT (site_id, period_first, period_last) DO UPDATE SET job_mark = excluded.job_mark,
             change_mark = excluded.change_mark, line_mark = excluded.line_mark",
            self.of_period(period).as_slice(),
        )?;
        Ok(())
    }

    /// The lines that bill a job now.
    pub fn billed_by(&self, job: i64) -> Result<Vec<BilledBy>, LedgerError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT batch_id, mode, target FROM line_job JOIN invoice_line ON invoice_line.id = line_job.line_id
             LEFT JOIN balance_line ON balance_line.line_id = line_job.line_id WHERE job_id = ?1 AND open = 1",
        )?;
        let rows = statement.query_map([job], |row| {
            let target: Option<i64> = row.get(2)?;
            Ok(BilledBy { batch: row.get(0)?, mode: row.get(1)?, target: target.map(Money::from_millionths) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What was settled of a job so far.
    pub fn settled(&self, job: i64) -> Result<Vec<SettledCost>, LedgerError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT settlement.user_id, settlement.account_id, cost,
             is_waived OR coalesce(state = 'given-up', 0) OR coalesce(mode = 'target', 0) FROM settlement
             LEFT JOIN delivery ON delivery.id = settlement.delivery_id
             LEFT JOIN balance_change ON balance_change.delivery_id = delivery.id WHERE job_id = ?1",
        )?;
        let rows = statement.query_map([job], |row| {
            Ok(SettledCost {
                balance: BalanceOf::of_columns(row.get(0)?, row.get(1)?),
                cost: Money::from_millionths(row.get(2)?),
                is_waived: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Says by what so much more of a job is given back.
    pub fn settle(
        &self,
        by: SettledBy,
        job: i64,
        balance: BalanceOf,
        cost: Money,
    ) -> Result<(), LedgerError> {
        let (user, account) = balance.columns();
        let (change, is_waived) = match by {
            SettledBy::Change(change) => (Some(change), false),
            SettledBy::Nothing => (None, false),
            SettledBy::Waiver => (None, true),
        };
        self.transaction
            .prepare_cached(
                "INSERT INTO settlement (delivery_id, job_id, user_id, account_id, cost, is_waived)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((change, job, user, account, cost.millionths(), is_waived))?;
        Ok(())
    }

    /// Writes a balance change down.
    pub fn write(
        &self,
        new: &NewChange<'_>,
        batch: i64,
        delivery: &NewDelivery<'_>,
    ) -> Result<i64, LedgerError> {
        let id = insert_delivery(&self.transaction, Some(batch), delivery)?;
        let (user, account) = new.balance.columns();
        self.transaction.execute(
            "INSERT INTO balance_change (delivery_id, site_id, kind, name, folded, server_id, personal_account, user_id,
             account_id, mode, amount, comment, not_before, billing_second, billing_balance)
             VALUES (:id, :site, :kind, :name, :folded, :server, :personal, :user, :account, :mode, :amount, :comment,
             :not_before, :second, :balance)",
            named_params! {
                ":id": id,
                ":site": self.site.0,
                ":kind": new.holder.kind(),
                ":name": new.holder.name(),
                ":folded": fold_name(new.holder.name()),
                ":server": new.server_id,
                ":personal": new.personal_account,
                ":user": user,
                ":account": account,
                ":mode": new.mode,
                ":amount": new.amount.millionths(),
                ":comment": new.comment,
                ":not_before": new.not_before,
                ":second": new.billing.map(|(second, _)| second),
                ":balance": new.billing.map(|(_, balance)| balance.millionths()),
            },
        )?;
        Ok(id)
    }

    /// Lets a change that was never sent go, and what it was to give back be part of another, or of a sum of nothing.
    pub fn join(&self, old: i64, new: Option<i64>, answer: &str, at: &str) -> Result<(), LedgerError> {
        self.transaction.execute(
            "UPDATE settlement SET delivery_id = :new WHERE delivery_id = :old",
            named_params! { ":new": new, ":old": old },
        )?;
        self.transaction.execute(
            "UPDATE delivery SET state = 'given-up', answer = :answer, changed_at = :at WHERE id = :old AND attempt = 0",
            named_params! { ":answer": answer, ":at": at, ":old": old },
        )?;
        Ok(())
    }

    /// How many changes were ever written down: numbers their keys.
    pub fn change_count(&self) -> Result<i64, LedgerError> {
        Ok(self.transaction.query_row("SELECT count(*) FROM balance_change", [], |row| row.get(0))?)
    }

    /// Makes it all hold.
    pub fn commit(self) -> Result<(), LedgerError> {
        Ok(self.transaction.commit()?)
    }
}

/// What a change gives back of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledJob {
    /// The job.
    pub job: i64,
    /// What is given back of its cost; below zero, taken.
    pub cost: Money,
}

impl Ledger {
    /// The jobs that are behind a balance change, in order of time.
    pub fn settled_by(&self, delivery: i64) -> Result<Vec<SettledJob>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT job_id, sum(settlement.cost) FROM settlement JOIN job ON job.id = job_id
             WHERE delivery_id = ?1 GROUP BY job_id ORDER BY second, job_id",
        )?;
        let rows = statement.query_map([delivery], |row| {
            Ok(SettledJob { job: row.get(0)?, cost: Money::from_millionths(row.get(1)?) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Number of the latest delivery.
    pub fn last_delivery(&self) -> Result<i64, LedgerError> {
        Ok(self.connection.query_row("SELECT coalesce(max(id), 0) FROM delivery", [], |row| row.get(0))?)
    }

    /// What users' sums of earlier days hold that no line bills: their line was taken back, or none was made yet.
    pub fn unbilled_sums(
        &self,
        site: SiteId,
        before: Period,
    ) -> Result<Vec<(BalanceOf, Money)>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT user_id, sum(cost) FROM job WHERE site_id = :site AND source = 1 AND state = 0 AND second < :first
             AND NOT EXISTS (SELECT 1 FROM line_job WHERE job_id = job.id AND open = 1) GROUP BY user_id",
        )?;
        let values = named_params! { ":site": site.0, ":first": day_start(before.first_day()) };
        let rows = statement.query_map(values, |row| {
            let cost: Option<i64> = row.get(1)?;
            Ok((BalanceOf::User(row.get(0)?), Money::from_millionths(cost.unwrap_or(0))))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The wall-clock second of the earliest job that is behind a balance change.
    pub fn first_job_of(&self, delivery: i64) -> Result<Option<i64>, LedgerError> {
        Ok(self.connection.query_row(
            "SELECT min(second) FROM settlement JOIN job ON job.id = job_id WHERE delivery_id = ?1",
            [delivery],
            |row| row.get(0),
        )?)
    }

    /// Balance changes of a site that are not settled, oldest first.
    pub fn open_balance_changes(&self, site: SiteId) -> Result<Vec<BalanceChange>, LedgerError> {
        self.balance_changes_where(
            "WHERE balance_change.site_id = ?1 AND state NOT IN ('delivered', 'given-up') ORDER BY delivery.id",
            site.0,
        )
    }

    /// All balance changes of a site, oldest first.
    pub fn balance_changes(&self, site: SiteId) -> Result<Vec<BalanceChange>, LedgerError> {
        self.balance_changes_where("WHERE balance_change.site_id = ?1 ORDER BY delivery.id", site.0)
    }

    /// The balance change of a delivery.
    pub fn balance_change(&self, delivery: i64) -> Result<Option<BalanceChange>, LedgerError> {
        Ok(self.balance_changes_where("WHERE delivery_id = ?1", delivery)?.pop())
    }

    /// The site of a balance change, by its name.
    pub fn balance_change_site(&self, delivery: i64) -> Result<String, LedgerError> {
        Ok(self.connection.query_row(
            "SELECT site.name FROM balance_change JOIN site ON site.id = site_id WHERE delivery_id = ?1",
            [delivery],
            |row| row.get(0),
        )?)
    }

    fn balance_changes_where(
        &self,
        condition: &'static str,
        value: i64,
    ) -> Result<Vec<BalanceChange>, LedgerError> {
        let mut statement = self.connection.prepare(&[CHANGE, condition].join(" "))?;
        let mut rows = statement.query([value])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(change(row)?);
        }
        Ok(found)
    }

    /// Writes down that a change goes out now, with the balance that was read just before.
    pub fn balance_change_begins(
        &self,
        delivery: i64,
        (second, balance): (i64, Money),
        at: &str,
    ) -> Result<(), LedgerError> {
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute(
            "UPDATE balance_change SET before_second = :second, before_balance = :balance, after_second = NULL,
             after_balance = NULL, snapshot_id = (SELECT coalesce(max(id), 0) FROM snapshot
             WHERE snapshot.site_id = balance_change.site_id) WHERE delivery_id = :id",
            named_params! { ":second": second, ":balance": balance.millionths(), ":id": delivery },
        )?;
        transaction.execute(
            "UPDATE delivery SET state = 'sending', attempt = attempt + 1, changed_at = :at WHERE id = :id",
            named_params! { ":id": delivery, ":at": at },
        )?;
        Ok(transaction.commit()?)
    }

    /// Writes down what became of a change, and the balance that was read after it.
    pub fn balance_change_ends(
        &self,
        delivery: i64,
        (state, answer): (DeliveryState, &str),
        after: Option<(i64, Money)>,
        at: &str,
    ) -> Result<(), LedgerError> {
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute(
            "UPDATE balance_change SET after_second = coalesce(:second, after_second),
             after_balance = coalesce(:balance, after_balance) WHERE delivery_id = :id",
            named_params! {
                ":second": after.map(|(second, _)| second),
                ":balance": after.map(|(_, balance)| balance.millionths()),
                ":id": delivery,
            },
        )?;
        transaction.execute(
            "UPDATE delivery SET state = :state, answer = :answer, changed_at = :at WHERE id = :id
             AND (state <> :state OR answer <> :answer)",
            named_params! { ":id": delivery, ":state": state.as_str(), ":answer": answer, ":at": at },
        )?;
        Ok(transaction.commit()?)
    }
}
