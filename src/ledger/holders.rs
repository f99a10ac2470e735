//! Snapshots of a server: who has a balance, and what it was when it was read.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, Transaction, named_params};

use super::{Ledger, LedgerError, SiteId};
use crate::domain::{Holder, Money, fold_name};

/// A user or shared account as the server described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose balance it is.
    pub holder: Holder,
    /// PaperCut's account-id; empty for a user.
    pub server_id: String,
    /// Full name; empty for a shared account.
    pub full_name: String,
    /// E-mail; empty for a shared account.
    pub email: String,
    /// Other addresses, as the server joins them.
    pub other_emails: String,
    /// Whether nobody may print below the limit.
    pub restricted: bool,
    /// The balance.
    pub balance: Money,
    /// When it was read, in wall-clock seconds of the site.
    pub second: i64,
}

/// Once through all users and shared accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its number.
    pub id: i64,
    /// When it began, RFC 3339.
    pub begun_at: String,
    /// The same in wall-clock seconds of the site.
    pub begun_second: i64,
    /// When it ended, in wall-clock seconds; an open one was broken off.
    pub ended_second: Option<i64>,
    /// Calls that it took.
    pub calls: i64,
    /// Up to which change of a job the ledger had come.
    pub change_mark: i64,
    /// The earlier snapshot since which its balances were explained.
    pub compared_with: Option<i64>,
}

/// A user or shared account as last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHolder {
    /// Its number.
    pub id: i64,
    /// Whose balance it is.
    pub holder: Holder,
    /// PaperCut's account-id; empty for a user.
    pub server_id: String,
    /// Full name; empty for a shared account.
    pub full_name: String,
    /// E-mail; empty for a shared account.
    pub email: String,
    /// Other addresses, as the server joins them.
    pub other_emails: String,
    /// Whether nobody may print below the limit.
    pub restricted: bool,
    /// The snapshots in which it was first and last read.
    pub snapshots: (i64, i64),
    /// The snapshot in which the server last named it, whether or not it could be read.
    pub listed: i64,
    /// Names that it had before, as they were.
    pub former_names: Vec<String>,
}

const SNAPSHOT: &str =
    "SELECT id, begun_at, begun_second, ended_second, call_count, change_mark, compared_with
    FROM snapshot";

fn snapshot(row: &Row<'_>) -> rusqlite::Result<Snapshot> {
    Ok(Snapshot {
        id: row.get(0)?,
        begun_at: row.get(1)?,
        begun_second: row.get(2)?,
        ended_second: row.get(3)?,
        calls: row.get(4)?,
        change_mark: row.get(5)?,
        compared_with: row.get(6)?,
    })
}

impl Ledger {
    /// Begins a snapshot.
    pub fn begin_snapshot(&self, site: SiteId, at: &str, second: i64) -> Result<Snapshot, LedgerError> {
        self.connection.execute(
            "INSERT INTO snapshot (site_id, begun_at, begun_second, change_mark)
             VALUES (:site, :at, :second, (SELECT coalesce(max(id), 0) FROM job_change))",
            named_params! { ":site": site.0, ":at": at, ":second": second },
        )?;
        self.snapshot(self.connection.last_insert_rowid())
    }

    /// The snapshot of that number.
    pub fn snapshot(&self, id: i64) -> Result<Snapshot, LedgerError> {
        let sql = [SNAPSHOT, "WHERE id = ?1"].join(" ");
        Ok(self.connection.query_row(&sql, [id], snapshot)?)
    }

    /// All snapshots of a site, oldest first.
    pub fn snapshots(&self, site: SiteId) -> Result<Vec<Snapshot>, LedgerError> {
        let sql = [SNAPSHOT, "WHERE site_id = ?1 ORDER BY id"].join(" ");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map([site.0], snapshot)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps what was read for a snapshot, in one transaction.
    pub fn add_readings(
        &self,
        site: SiteId,
        snapshot: i64,
        readings: &[Reading],
        calls: i64,
    ) -> Result<(), LedgerError> {
        let transaction = self.connection.unchecked_transaction()?;
        for reading in readings {
            let holder = keep_holder(&transaction, site, snapshot, reading)?;
            keep_balance(&transaction, holder, snapshot, reading)?;
        }
        transaction.execute(
            "UPDATE snapshot SET call_count = call_count + :calls WHERE id = :id",
            named_params! { ":calls": calls, ":id": snapshot },
        )?;
        Ok(transaction.commit()?)
    }

    /// Says that a snapshot is whole, and who was named in it but could not be read.
    pub fn end_snapshot(
        &self,
        id: i64,
        at: &str,
        second: i64,
        unread: &[&Holder],
    ) -> Result<(), LedgerError> {
        let transaction = self.connection.unchecked_transaction()?;
        for holder in unread {
            // Of several accounts that had the name, the one that had it last.
            transaction.execute(
                "UPDATE holder SET last_listed = :id WHERE id = (SELECT id FROM holder
                 WHERE site_id = (SELECT site_id FROM snapshot WHERE id = :id) AND kind = :kind AND folded = :folded
                 ORDER BY last_snapshot DESC LIMIT 1)",
                named_params! { ":id": id, ":kind": holder.kind(), ":folded": fold_name(holder.name()) },
            )?;
        }
        // What was read before says nothing of now: without this, it would look as if it had not moved.
        transaction.execute(
            "INSERT INTO reading (holder_id, snapshot_id, second, balance)
             SELECT holder.id, :id, :second, NULL FROM holder
             WHERE site_id = (SELECT site_id FROM snapshot WHERE id = :id) AND last_snapshot < :id
             AND (SELECT balance FROM reading WHERE holder_id = holder.id ORDER BY snapshot_id DESC LIMIT 1)
             IS NOT NULL",
            named_params! { ":second": second, ":id": id },
        )?;
        transaction.execute(
            "UPDATE snapshot SET ended_at = :at, ended_second = :second WHERE id = :id",
            named_params! { ":at": at, ":second": second, ":id": id },
        )?;
        Ok(transaction.commit()?)
    }

    /// Says that the balances of a snapshot were explained since an earlier one.
    pub fn snapshot_compared(&self, id: i64, with: i64) -> Result<(), LedgerError> {
        self.connection.execute(
            "UPDATE snapshot SET compared_with = :with WHERE id = :id",
            named_params! { ":with": with, ":id": id },
        )?;
        Ok(())
    }

    /// Everyone who ever had a balance at a site, by kind and name.
    pub fn holders(&self, site: SiteId) -> Result<Vec<StoredHolder>, LedgerError> {
        let mut former: HashMap<i64, Vec<String>> = HashMap::new();
        let mut statement = self.connection.prepare(
            "SELECT holder_id, former_name.name FROM former_name JOIN holder ON holder.id = holder_id
             WHERE site_id = ?1 ORDER BY snapshot_id",
        )?;
        let mut rows = statement.query([site.0])?;
        while let Some(row) = rows.next()? {
            former.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
        let mut statement = self.connection.prepare(
            "SELECT id, kind, name, server_id, full_name, email, other_emails, restricted, first_snapshot,
             last_snapshot, last_listed FROM holder WHERE site_id = ?1 ORDER BY kind, folded",
        )?;
        let mut rows = statement.query([site.0])?;
        let mut holders = Vec::new();
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            holders.push(StoredHolder {
                id,
                holder: holder_of(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?)?,
                server_id: row.get(3)?,
                full_name: row.get(4)?,
                email: row.get(5)?,
                other_emails: row.get(6)?,
                restricted: row.get(7)?,
                snapshots: (row.get(8)?, row.get(9)?),
                listed: row.get(10)?,
                former_names: former.remove(&id).unwrap_or_default(),
            });
        }
        Ok(holders)
    }

    /// Each holder's balance as a snapshot read it, by its number: the second at which it was first so, and the amount.
    /// Who was not read in it has none.
    pub fn balances_as_of(
        &self,
        site: SiteId,
        snapshot: i64,
    ) -> Result<HashMap<i64, (i64, Money)>, LedgerError> {
        // Of each group SQLite takes the row with the largest number.
        const READ_THEN: &str = "SELECT holder_id, second, balance FROM (
            SELECT holder_id, second, balance, max(snapshot_id) FROM reading JOIN holder ON holder.id = holder_id
            WHERE site_id = :site AND snapshot_id <= :snapshot GROUP BY holder_id) WHERE balance IS NOT NULL";
        self.balances(READ_THEN, site, snapshot)
    }

    /// Each holder's last balance up to a snapshot, however old.
    pub fn last_balances(
        &self,
        site: SiteId,
        snapshot: i64,
    ) -> Result<HashMap<i64, (i64, Money)>, LedgerError> {
        const READ_EVER: &str = "SELECT holder_id, second, balance, max(snapshot_id) FROM reading
            JOIN holder ON holder.id = holder_id
            WHERE site_id = :site AND snapshot_id <= :snapshot AND balance IS NOT NULL GROUP BY holder_id";
        self.balances(READ_EVER, site, snapshot)
    }

    fn balances(
        &self,
        sql: &str,
        site: SiteId,
        snapshot: i64,
    ) -> Result<HashMap<i64, (i64, Money)>, LedgerError> {
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map(named_params! { ":site": site.0, ":snapshot": snapshot }, |row| {
            Ok((row.get(0)?, (row.get(1)?, Money::from_millionths(row.get(2)?))))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// What a kind and a name in a column mean.
pub(super) fn holder_of(kind: &str, name: &str) -> Result<Holder, LedgerError> {
    Holder::of(kind, name)
        .ok_or_else(|| LedgerError::Unreadable { what: "whose balance it is", found: kind.to_owned() })
}

/// The holder's number, after it was added or brought up to date. A shared account is known by its id: under another name
/// it was renamed, and another id under the same name is another account.
fn keep_holder(
    db: &Transaction<'_>,
    site: SiteId,
    snapshot: i64,
    reading: &Reading,
) -> Result<i64, LedgerError> {
    let (kind, name) = (reading.holder.kind(), reading.holder.name());
    let folded = fold_name(name);
    if !reading.server_id.is_empty() {
        rename(db, site, snapshot, reading, &folded)?;
    }
    db.prepare_cached(
        "INSERT INTO holder (site_id, kind, name, folded, server_id, full_name, email, other_emails, restricted,
         first_snapshot, last_snapshot, last_listed)
         VALUES (:site, :kind, :name, :folded, :server, :full_name, :email, :others, :restricted, :snapshot, :snapshot,
         :snapshot)
         ON CONFLICT (site_id, kind, folded, server_id) DO UPDATE SET name = :name, full_name = :full_name,
         email = :email, other_emails = :others, restricted = :restricted, last_snapshot = :snapshot,
         last_listed = :snapshot",
    )?
    .execute(named_params! {
        ":site": site.0,
        ":kind": kind,
        ":name": name,
        ":folded": folded,
        ":server": reading.server_id,
        ":full_name": reading.full_name,
        ":email": reading.email,
        ":others": reading.other_emails,
        ":restricted": reading.restricted,
        ":snapshot": snapshot,
    })?;
    Ok(db
        .prepare_cached(
            "SELECT id FROM holder WHERE site_id = :site AND kind = :kind AND folded = :folded
             AND server_id = :server",
        )?
        .query_row(
            named_params! { ":site": site.0, ":kind": kind, ":folded": folded, ":server": reading.server_id },
            |row| row.get(0),
        )?)
}

fn rename(
    db: &Transaction<'_>,
    site: SiteId,
    snapshot: i64,
    reading: &Reading,
    folded: &str,
) -> Result<(), LedgerError> {
    let known: Option<(i64, String, String)> = db
        .prepare_cached(
            "SELECT id, name, folded FROM holder WHERE site_id = :site AND kind = :kind AND server_id = :server
             AND folded <> :folded",
        )?
        .query_row(
            named_params! {
                ":site": site.0,
                ":kind": reading.holder.kind(),
                ":server": reading.server_id,
                ":folded": folded,
            },
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let Some((id, name, before)) = known else { return Ok(()) };
    db.execute(
        "INSERT INTO former_name (holder_id, folded, name, snapshot_id) VALUES (:id, :folded, :name, :snapshot)
         ON CONFLICT (holder_id, folded) DO UPDATE SET snapshot_id = :snapshot",
        named_params! { ":id": id, ":folded": before, ":name": name, ":snapshot": snapshot },
    )?;
    db.execute(
        "UPDATE holder SET name = :name, folded = :folded WHERE id = :id",
        named_params! { ":name": reading.holder.name(), ":folded": folded, ":id": id },
    )?;
    Ok(())
}

/// Keeps the balance where it differs from the last one, or where it is the first.
fn keep_balance(
    db: &Transaction<'_>,
    holder: i64,
    snapshot: i64,
    reading: &Reading,
) -> Result<(), LedgerError> {
    db.prepare_cached(
        "INSERT INTO reading (holder_id, snapshot_id, second, balance)
         SELECT :holder, :snapshot, :second, :balance WHERE NOT EXISTS (
             SELECT 1 FROM (SELECT balance FROM reading WHERE holder_id = :holder ORDER BY snapshot_id DESC LIMIT 1)
             AS last WHERE last.balance = :balance)
         ON CONFLICT (holder_id, snapshot_id) DO UPDATE SET second = :second, balance = :balance",
    )?
    .execute(named_params! {
        ":holder": holder,
        ":snapshot": snapshot,
        ":second": reading.second,
        ":balance": reading.balance.millionths(),
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    fn reading(holder: Holder, server_id: &str, balance: &str) -> Reading {
        Reading {
            holder,
            server_id: server_id.to_owned(),
            full_name: String::new(),
            email: String::new(),
            other_emails: String::new(),
            restricted: false,
            balance: balance.parse().unwrap(),
            second: 100,
        }
    }

    fn account(name: &str, id: &str) -> Reading {
        reading(Holder::Account(name.to_owned()), id, "1")
    }

    /// A ledger with one snapshot for each list, and what it knows in the end: names with ids and former names.
    fn known(snapshots: &[&[Reading]]) -> Vec<(String, String, Vec<String>)> {
        let ledger = Ledger::temporary().unwrap();
        let site = ledger.site("harbour", Currency::new("GBP").unwrap(), "UTC").unwrap();
        for (number, readings) in snapshots.iter().enumerate() {
            let second = i64::try_from(number).unwrap() * 1_000;
            let snapshot = ledger.begin_snapshot(site, "2026-10-01T00:00:00Z", second).unwrap();
            ledger.add_readings(site, snapshot.id, readings, 1).unwrap();
            ledger.end_snapshot(snapshot.id, "2026-10-01T00:01:00Z", second + 60, &[]).unwrap();
        }
        let holders = ledger.holders(site).unwrap().into_iter();
        let mut known: Vec<_> =
            holders.map(|one| (one.holder.name().to_owned(), one.server_id, one.former_names)).collect();
        known.sort();
        known
    }

    #[test]
    fn an_account_is_its_id_and_not_its_name() {
        let check = |snapshots: &[&[Reading]], expected: &[(&str, &str, &[&str])]| {
            let expected: Vec<_> = expected
                .iter()
                .map(|(name, id, former)| {
                    let former = former.iter().map(|name| (*name).to_owned()).collect();
                    ((*name).to_owned(), (*id).to_owned(), former)
                })
                .collect();
            assert_eq!(known(snapshots), expected);
        };
        check(&[&[account("Lab", "7")], &[account("LAB", "7")]], &[("LAB", "7", &[])]);
        check(&[&[account("Lab", "7")], &[account("Bench", "7")]], &[("Bench", "7", &["Lab"])]);
        check(&[&[account("Lab", "7")], &[account("Lab", "9")]], &[("Lab", "7", &[]), ("Lab", "9", &[])]);
        check(
            &[&[account("A", "1"), account("B", "2")], &[account("B", "1"), account("A", "2")]],
            &[("A", "2", &["B"]), ("B", "1", &["A"])],
        );
        check(
            &[&[account("A", "1")], &[account("B", "1")], &[account("A", "1")]],
            &[("A", "1", &["A", "B"])],
        );
    }

    #[test]
    fn a_balance_is_kept_where_it_moved_and_known_as_of_each_snapshot() {
        let ledger = Ledger::temporary().unwrap();
        let site = ledger.site("harbour", Currency::new("GBP").unwrap(), "UTC").unwrap();
        let mut snapshots = Vec::new();
        for balance in ["1", "1", "2", "1", "1"] {
            let snapshot = ledger.begin_snapshot(site, "2026-10-01T00:00:00Z", 0).unwrap().id;
            let ann = reading(Holder::User("ann".to_owned()), "", balance);
            ledger.add_readings(site, snapshot, &[ann], 1).unwrap();
            snapshots.push(snapshot);
        }
        let count: i64 =
            ledger.connection.query_row("SELECT count(*) FROM reading", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 3);
        let as_of = |snapshot: i64| {
            let balances = ledger.balances_as_of(site, snapshot).unwrap();
            balances.into_values().next().unwrap().1.to_string()
        };
        let found: Vec<String> = snapshots.into_iter().map(as_of).collect();
        assert_eq!(found, ["1.00", "1.00", "2.00", "1.00", "1.00"]);
    }

    #[test]
    fn what_a_snapshot_did_not_read_has_no_balance_in_it() {
        let ledger = Ledger::temporary().unwrap();
        let site = ledger.site("harbour", Currency::new("GBP").unwrap(), "UTC").unwrap();
        let ann = Holder::User("ann".to_owned());
        let take = |readings: &[Reading], unread: &[&Holder]| {
            let snapshot = ledger.begin_snapshot(site, "2026-10-01T00:00:00Z", 0).unwrap().id;
            ledger.add_readings(site, snapshot, readings, 1).unwrap();
            ledger.end_snapshot(snapshot, "2026-10-01T00:01:00Z", 60, unread).unwrap();
            snapshot
        };
        let read = [reading(ann.clone(), "", "1")];
        let snapshots = [take(&read, &[]), take(&[], &[&ann]), take(&[], &[]), take(&read, &[])];
        let count = |snapshot| ledger.balances_as_of(site, snapshot).unwrap().len();
        assert_eq!(snapshots.map(count), [1, 0, 0, 1]);
        assert!(snapshots.iter().all(|id| ledger.last_balances(site, *id).unwrap().len() == 1));
        take(&[], &[]);
        let unread = take(&[], &[&ann]);
        let stored = ledger.holders(site).unwrap().remove(0);
        assert_eq!((stored.snapshots, stored.listed), ((snapshots[0], snapshots[3]), unread));
    }
}
