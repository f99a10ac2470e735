//! Sites, users, accounts, printers and types, kept once and meant by number.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, named_params};

use super::{Ledger, LedgerError};
use crate::domain::{Currency, fold_name};

/// A site's number in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SiteId(pub(super) i64);

impl Ledger {
    /// The site's number, adding the site where it is new.
    ///
    /// A site keeps its currency: amounts of two currencies in one ledger could never be told apart again.
    pub fn site(&self, name: &str, currency: Currency, time_zone: &str) -> Result<SiteId, LedgerError> {
        if let Some((site, stored)) = self.known_site(name)? {
            if stored != currency.code() {
                return Err(LedgerError::Currency {
                    site: name.to_owned(),
                    stored,
                    configured: currency.code().to_owned(),
                });
            }
            return Ok(site);
        }
        self.connection.execute(
            "INSERT INTO site (name, currency, time_zone) VALUES (:name, :currency, :zone)",
            named_params! { ":name": name, ":currency": currency.code(), ":zone": time_zone },
        )?;
        Ok(SiteId(self.connection.last_insert_rowid()))
    }

    /// Lets users that the configuration names as renamed count under their present names.
    pub fn rename_users(&self, site: SiteId, aliases: &[(String, String)]) -> Result<(), LedgerError> {
        let transaction = self.connection.unchecked_transaction()?;
        apply_aliases(&transaction, site, aliases)?;
        Ok(transaction.commit()?)
    }

    /// The site's number and currency, where the ledger knows it.
    pub fn known_site(&self, name: &str) -> Result<Option<(SiteId, String)>, LedgerError> {
        let found = self
            .connection
            .query_row(
                "SELECT id, currency FROM site WHERE name = :name",
                named_params! { ":name": name },
                |row| Ok((SiteId(row.get(0)?), row.get(1)?)),
            )
            .optional()?;
        Ok(found)
    }
}

/// Moves the jobs of renamed users to their present names.
///
/// A job that the present name has too, from a report made after the renaming, stays where it is: it is the
/// same job, and whoever reads jobs leaves out those of a former name.
pub(super) fn apply_aliases(
    db: &Connection,
    site: SiteId,
    aliases: &[(String, String)],
) -> Result<(), LedgerError> {
    let mut names = Names::default();
    for (old, new) in aliases {
        if fold_name(old) == fold_name(new) {
            continue;
        }
        let old_id = names.user(db, site, old)?;
        let new_id = names.user(db, site, new)?;
        let current: Option<i64> = db.query_row(
            "SELECT current_id FROM user WHERE id = :id",
            named_params! { ":id": old_id },
            |row| row.get(0),
        )?;
        if current == Some(new_id) {
            continue;
        }
        db.execute(
            "UPDATE job SET user_id = :new WHERE site_id = :site AND user_id = :old AND NOT EXISTS (
                 SELECT 1 FROM job AS other WHERE other.site_id = job.site_id AND other.second = job.second
                 AND other.fingerprint = job.fingerprint AND other.user_id = :new
                 AND other.occurrence = job.occurrence)",
            named_params! { ":new": new_id, ":site": site.0, ":old": old_id },
        )?;
        // Two sums of one report are two: what one of them was before the other had its name is not the same again.
        db.execute(
            "UPDATE job SET user_id = :new, occurrence = (
                 SELECT max(occurrence) + 1 FROM job AS other WHERE other.site_id = job.site_id
                 AND other.second = job.second AND other.fingerprint = job.fingerprint
                 AND other.user_id IN (:new, :old))
             WHERE site_id = :site AND user_id = :old AND source <> 0 AND EXISTS (
                 SELECT 1 FROM job AS other WHERE other.site_id = job.site_id AND other.second = job.second
                 AND other.fingerprint = job.fingerprint AND other.user_id = :new
                 AND other.report_id = job.report_id)",
            named_params! { ":new": new_id, ":site": site.0, ":old": old_id },
        )?;
        db.execute(
            "UPDATE user SET current_id = :new WHERE id = :old",
            named_params! { ":new": new_id, ":old": old_id },
        )?;
    }
    Ok(())
}

/// Numbers of the names that one report uses. Grows with names, not with rows.
#[derive(Debug, Default)]
pub(super) struct Names {
    users: HashMap<String, i64>,
    accounts: HashMap<String, i64>,
    printers: HashMap<String, i64>,
    job_types: HashMap<String, i64>,
    paper_sizes: HashMap<String, i64>,
}

impl Names {
    /// A user's number; names that fold to the same form are one user, kept as first seen.
    pub(super) fn user(&mut self, db: &Connection, site: SiteId, name: &str) -> Result<i64, LedgerError> {
        const FIND: &str = "SELECT id FROM user WHERE site_id = :site AND folded = :folded";
        const ADD: &str = "INSERT INTO user (site_id, name, folded) VALUES (:site, :name, :folded)";
        folded(&mut self.users, db, site, name, FIND, ADD)
    }

    /// A shared account's number, by the same rule.
    pub(super) fn account(&mut self, db: &Connection, site: SiteId, name: &str) -> Result<i64, LedgerError> {
        const FIND: &str = "SELECT id FROM account WHERE site_id = :site AND folded = :folded";
        const ADD: &str = "INSERT INTO account (site_id, name, folded) VALUES (:site, :name, :folded)";
        folded(&mut self.accounts, db, site, name, FIND, ADD)
    }

    /// A printer's number, by its exact name.
    pub(super) fn printer(&mut self, db: &Connection, site: SiteId, name: &str) -> Result<i64, LedgerError> {
        if let Some(id) = self.printers.get(name) {
            return Ok(*id);
        }
        let values = named_params! { ":site": site.0, ":name": name };
        let found = db
            .query_row("SELECT id FROM printer WHERE site_id = :site AND name = :name", values, |row| {
                row.get(0)
            })
            .optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                db.execute("INSERT INTO printer (site_id, name) VALUES (:site, :name)", values)?;
                db.last_insert_rowid()
            }
        };
        self.printers.insert(name.to_owned(), id);
        Ok(id)
    }

    /// A job type's number.
    pub(super) fn job_type(&mut self, db: &Connection, name: &str) -> Result<i64, LedgerError> {
        const FIND: &str = "SELECT id FROM job_type WHERE name = :name";
        exact(&mut self.job_types, db, name, FIND, "INSERT INTO job_type (name) VALUES (:name)")
    }

    /// A paper size's number.
    pub(super) fn paper_size(&mut self, db: &Connection, name: &str) -> Result<i64, LedgerError> {
        const FIND: &str = "SELECT id FROM paper_size WHERE name = :name";
        exact(&mut self.paper_sizes, db, name, FIND, "INSERT INTO paper_size (name) VALUES (:name)")
    }
}

fn folded(
    known: &mut HashMap<String, i64>,
    db: &Connection,
    site: SiteId,
    name: &str,
    find: &'static str,
    add: &'static str,
) -> Result<i64, LedgerError> {
    if let Some(id) = known.get(name) {
        return Ok(*id);
    }
    let folded = fold_name(name);
    let values = named_params! { ":site": site.0, ":folded": folded };
    let id = match db.query_row(find, values, |row| row.get(0)).optional()? {
        Some(id) => id,
        None => {
            db.execute(add, named_params! { ":site": site.0, ":name": name, ":folded": folded })?;
            db.last_insert_rowid()
        }
    };
    known.insert(name.to_owned(), id);
    Ok(id)
}

fn exact(
    known: &mut HashMap<String, i64>,
    db: &Connection,
    name: &str,
    find: &'static str,
    add: &'static str,
) -> Result<i64, LedgerError> {
    if let Some(id) = known.get(name) {
        return Ok(*id);
    }
    let values = named_params! { ":name": name };
    let id = match db.query_row(find, values, |row| row.get(0)).optional()? {
        Some(id) => id,
        None => {
            db.execute(add, values)?;
            db.last_insert_rowid()
        }
    };
    known.insert(name.to_owned(), id);
    Ok(id)
}
