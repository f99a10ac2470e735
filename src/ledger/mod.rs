//! The ledger: every job exactly once, every issued line for ever, in one SQLite file.
//!
//! The only code that knows SQL. It keeps facts and hands them out; it decides nothing: what is new, what is
//! owed and what is sent is decided by `domain` and `run`.

mod bits;
mod changes;
mod deliveries;
mod error;
mod followed;
mod holders;
mod ingest;
mod ingested;
mod invoices;
mod jobs;
mod keyed;
mod migrate;
mod names;
mod order;
mod read_ahead;
mod reports;
mod runs;
mod stored;
mod sums;
mod terms;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

pub use changes::{
    BalanceChange, BalanceOf, BilledBy, NewChange, SettledBy, SettledCost, SettledJob, Settling,
};
pub use deliveries::{Delivery, DeliveryKind, DeliveryState, NewDelivery};
pub use error::LedgerError;
pub use followed::Place;
pub use holders::{Reading, Snapshot, StoredHolder};
pub use ingest::Ingest;
pub use ingested::{Counted, Ingested, RowIs, Sums};
pub use invoices::{Issue, IssuedBatch, IssuedLine, LineJob, NewBatch, OpenLink, Role};
pub use jobs::{JobFact, Marks, NameTable, StoredJob};
pub use keyed::{JobNames, KeyedJob};
pub use migrate::STEPS;
pub use names::SiteId;
pub use reports::{Documents, ReportOrigin, StoredRejection, StoredReport};
pub use runs::{RunRecord, StoredFinding};
pub use sums::StoredSum;

/// How long to wait for another program's lock before saying that the ledger is locked.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages of the cache, in KiB (SQLite's negative form): enough that a month's import rarely spills, and far
/// below the 200 MB that a run may use.
const CACHE_KIB: i64 = -48_000;

/// An open ledger of this program's version.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    backup: Option<PathBuf>,
}

impl Ledger {
    /// Opens the ledger for writing, makes it where there is none, and migrates it where it is older.
    pub fn open(path: &Path) -> Result<Ledger, LedgerError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(LedgerError::Folder)?;
        }
        let connection = Connection::open(path)?;
        Ledger::prepare(connection, path)
    }

    /// Opens an existing ledger for reading; `None` where there is none yet. An older one is refused, since
    /// reading changes no byte. The one exception: the half step of a run that was broken off is rolled back,
    /// without which nobody can read.
    pub fn open_read_only(path: &Path) -> Result<Option<Ledger>, LedgerError> {
        if !path.exists() {
            return Ok(None);
        }
        let connection = connect_read_only(path)?;
        match migrate::version(&connection, STEPS.len())? {
            // The first run was broken off before its first step was done.
            0 => return Ok(None),
            found if found < STEPS.len() => return Err(LedgerError::Older { found, known: STEPS.len() }),
            _ => {}
        }
        Ok(Some(Ledger { connection, backup: None }))
    }

    /// An empty ledger for `check`: SQLite's private temporary database, which spills to a file of its own
    /// when it grows and is gone when it is closed.
    pub fn temporary() -> Result<Ledger, LedgerError> {
        Ledger::prepare(Connection::open("")?, Path::new(""))
    }

    /// A temporary copy of a ledger, so that a dry run goes through all steps and changes nothing.
    pub fn temporary_copy(path: &Path) -> Result<Ledger, LedgerError> {
        let mut copy = Connection::open("")?;
        if path.exists() {
            let source = connect_read_only(path)?;
            let backup = rusqlite::backup::Backup::new(&source, &mut copy)?;
            backup.run_to_completion(4096, Duration::ZERO, None)?;
        }
        Ledger::prepare(copy, Path::new(""))
    }

    /// The copy that was made before a migration, where there was one.
    pub fn backup(&self) -> Option<&Path> {
        self.backup.as_deref()
    }

    fn prepare(mut connection: Connection, path: &Path) -> Result<Ledger, LedgerError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Before anything is set: the journal mode is written into the file, and that may not be ours.
        migrate::version(&connection, STEPS.len())?;
        // A rollback journal writes appended pages once, where a write-ahead log would write them twice.
        connection.pragma_update(None, "journal_mode", "DELETE")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", CACHE_KIB)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        let backup = migrate::migrate(&mut connection, path, &STEPS)?;
        Ok(Ledger { connection, backup })
    }
}

/// Opens for reading. A run that was broken off in the middle of a step leaves a journal, which has to be rolled
/// back by somebody who may write.
fn connect_read_only(path: &Path) -> Result<Connection, LedgerError> {
    let open = |flags| -> Result<Connection, rusqlite::Error> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.query_row("PRAGMA user_version", [], |_| Ok(()))?;
        Ok(connection)
    };
    match open(OpenFlags::SQLITE_OPEN_READ_ONLY) {
        Err(error) if is_half_done(&error) => {
            drop(open(OpenFlags::SQLITE_OPEN_READ_WRITE)?);
            Ok(open(OpenFlags::SQLITE_OPEN_READ_ONLY)?)
        }
        result => Ok(result?),
    }
}

fn is_half_done(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|inner| inner.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}
