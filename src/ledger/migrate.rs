//! Brings a ledger to this program's version, step by step, with a back-up copy first.
//!
//! Steps are only ever added. A ledger that a newer papertally wrote is refused: an old program cannot know
//! what the new columns mean.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::error::LedgerError;

/// Every step ever shipped, in order; `user_version` counts those that a ledger has.
pub const STEPS: [&str; 3] = [
    include_str!("migrations/0001_ledger.sql"),
    include_str!("migrations/0002_sums.sql"),
    include_str!("migrations/0003_balances.sql"),
];

/// The ledger's version, or why this program must not touch it.
pub(super) fn version(connection: &Connection, known: usize) -> Result<usize, LedgerError> {
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

/// Applies those of `steps` that are missing, each in a transaction of its own; those of a new ledger in one, so that it
/// is there as a whole or not at all.
///
/// An existing ledger is copied to `<name>.before-v<n>` first; the copy's path is returned. A ledger without a
/// path is temporary and needs none.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    steps: &[&str],
) -> Result<Option<PathBuf>, LedgerError> {
    let found = version(connection, steps.len())?;
    let mut backup = None;
    if found > 0 && found < steps.len() && !path.as_os_str().is_empty() {
        let copy = PathBuf::from(format!("{}.before-v{}", path.display(), found + 1));
        connection.backup("main", &copy, None::<fn(rusqlite::backup::Progress)>)?;
        backup = Some(copy);
    }
    let missing = steps.get(found..).unwrap_or_default();
    let at_once = if found == 0 { missing.len() } else { 1 };
    for (nth, together) in missing.chunks(at_once.max(1)).enumerate() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        together.iter().try_for_each(|step| transaction.execute_batch(step))?;
        let version = i64::try_from(found + nth * at_once + together.len()).unwrap_or(i64::MAX);
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(backup)
}

/// Whether the file already holds tables: version 0 with tables is some other program's database.
fn has_tables(connection: &Connection) -> Result<bool, LedgerError> {
    let count: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (7)";
    const NEW: &str = "ALTER TABLE a ADD COLUMN y INTEGER";
    const BROKEN: &str = "CREATE TABLE b (x INTEGER) STRICT; this is no SQL";

    #[test]
    fn an_older_ledger_is_copied_and_then_brought_up_step_by_step() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        let mut connection = Connection::open(&path).unwrap();
        assert_eq!(migrate(&mut connection, &path, &[OLD]).unwrap(), None, "a new ledger needs no copy");
        let copy = migrate(&mut connection, &path, &[OLD, NEW]).unwrap().unwrap();
        assert_eq!(copy, folder.path().join("ledger.sqlite.before-v2"));
        let kept = Connection::open(&copy).unwrap();
        let columns = |db: &Connection| db.prepare("SELECT * FROM a").unwrap().column_count();
        assert_eq!((columns(&kept), columns(&connection)), (1, 2));
        assert_eq!(kept.query_row("SELECT x FROM a", [], |row| row.get::<_, i64>(0)).unwrap(), 7);
        assert_eq!(migrate(&mut connection, &path, &[OLD, NEW]).unwrap(), None, "once is enough");
        assert!(matches!(version(&connection, 1), Err(LedgerError::Newer { found: 2, known: 1 })));
    }

    #[test]
    fn a_step_that_fails_leaves_the_ledger_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        let mut connection = Connection::open(&path).unwrap();
        assert!(migrate(&mut connection, &path, &[OLD, BROKEN]).is_err());
        assert_eq!(version(&connection, 2).unwrap(), 0, "a new ledger is whole or not there");
        migrate(&mut connection, &path, &[OLD]).unwrap();
        assert!(migrate(&mut connection, &path, &[OLD, BROKEN]).is_err());
        assert_eq!(version(&connection, 2).unwrap(), 1);
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
        migrate(&mut connection, &path, &[OLD, NEW]).unwrap();
        assert_eq!(version(&connection, 2).unwrap(), 2);
    }
}
