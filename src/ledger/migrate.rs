//! Brings a ledger to this program's version, step by step, with a back-up copy first.
//!
//! Steps are only ever added. A ledger that a newer papertally wrote is refused: an old program cannot know
//! what the new columns mean.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::error::LedgerError;

/// Every step ever shipped, in order; `user_version` counts those that a ledger has.
pub const STEPS: [&str; 1] = [include_str!("migrations/0001_ledger.sql")];

/// Applies the missing steps, each in a transaction of its own.
///
/// An existing ledger is copied to `<name>.before-v<n>` first; the copy's path is returned.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<Option<PathBuf>, LedgerError> {
    let (found, known) = (refuse_others(connection)?, STEPS.len());
    let mut backup = None;
    if found > 0 && found < known && !path.as_os_str().is_empty() {
        let copy = PathBuf::from(format!("{}.before-v{}", path.display(), found + 1));
        connection.backup("main", &copy, None::<fn(rusqlite::backup::Progress)>)?;
        backup = Some(copy);
    }
    for (index, step) in STEPS.iter().enumerate().skip(found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        let version = i64::try_from(index + 1).unwrap_or(i64::MAX);
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(backup)
}

/// The version of a ledger that this program may write to; a newer one and other programs' databases are refused.
/// Changes nothing.
pub(super) fn refuse_others(connection: &Connection) -> Result<usize, LedgerError> {
    let known = STEPS.len();
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    if found > known {
        return Err(LedgerError::Newer { found, known });
    }
    if found == 0 && has_tables(connection)? {
        return Err(LedgerError::NotALedger);
    }
    Ok(found)
}

/// Whether the file already holds tables: version 0 with tables is some other program's database.
pub(super) fn has_tables(connection: &Connection) -> Result<bool, LedgerError> {
    let count: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(count > 0)
}
