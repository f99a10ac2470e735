//! What can go wrong with the ledger, told apart by SQLite's extended codes, never by message text.

use std::io;

use rusqlite::ffi;

/// A failure of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A newer papertally has written to it.
    #[error("the ledger has version {found}, this papertally knows versions up to {known}")]
    Newer {
        /// The ledger's version.
        found: usize,
        /// The newest version that this program knows.
        known: usize,
    },
    /// An older papertally wrote it, and it was opened for reading only.
    #[error("the ledger has version {found}, and has to be brought to version {known} first")]
    Older {
        /// The ledger's version.
        found: usize,
        /// This program's version.
        known: usize,
    },
    /// The file is a database of another program.
    #[error("the file is an SQLite database, but not a papertally ledger")]
    NotALedger,
    /// The file is no database at all, or damaged.
    #[error("the file is not an SQLite database, or it is damaged")]
    Damaged(#[source] rusqlite::Error),
    /// Another program holds it.
    #[error("another program holds the ledger")]
    Locked(#[source] rusqlite::Error),
    /// It cannot be written to.
    #[error("the ledger, or its folder, is read-only")]
    ReadOnly(#[source] rusqlite::Error),
    /// It cannot be opened.
    #[error("the ledger cannot be opened")]
    CannotOpen(#[source] rusqlite::Error),
    /// The disk is full, or the file system failed.
    #[error("the disk is full or failed while writing the ledger; nothing of this step was kept")]
    Disk(#[source] rusqlite::Error),
    /// The folder for it cannot be made.
    #[error("the ledger's folder cannot be made")]
    Folder(#[source] io::Error),
    /// The site is in the ledger with another currency.
    #[error("site `{site}` is in the ledger with currency {stored}, the configuration says {configured}")]
    Currency {
        /// The site.
        site: String,
        /// In the ledger.
        stored: String,
        /// In the configuration.
        configured: String,
    },
    /// A report whose counts or sums do not add up; it was rolled back.
    #[error("the report's rows do not add up ({0}); nothing of it was kept")]
    DoesNotAddUp(String),
    /// Two reports of the same days whose jobs cannot be told apart.
    #[error(
        "{other} has days in common with it, and only one of the two has a column for the {column}: which jobs are the \
         same cannot be told, and they would count twice"
    )]
    ColumnsDiffer {
        /// The earlier report.
        other: String,
        /// `printer` or `document`.
        column: &'static str,
    },
    /// A followed file that does not go on where the known one ended.
    #[error(
        "row {row}: this file begins with rows that were taken in, but this row is another one than then: a file that \
         is followed may grow, be renamed or be cut, and never be changed in its middle"
    )]
    FollowedChanged {
        /// The first row that differs.
        row: u64,
    },
    /// A followed file that has the lines of a known one at another place.
    #[error(
        "row {row}: this line was taken in from another file, or from another place of this one: a file that is \
         followed may grow, be renamed or begin anew, and never lose its beginning or hold another file's lines"
    )]
    FollowedCopy {
        /// The row.
        row: u64,
    },
    /// Something stored cannot be understood.
    #[error("the ledger holds {what} that cannot be understood: `{found}`")]
    Unreadable {
        /// Which thing.
        what: &'static str,
        /// What stands there.
        found: String,
    },
    /// Anything else that SQLite reports.
    #[error("the ledger refused a step")]
    Other(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> LedgerError {
        let Some(code) = error.sqlite_error().map(|inner| inner.extended_code & 0xff) else {
            return LedgerError::Other(error);
        };
        match code {
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => LedgerError::Locked(error),
            ffi::SQLITE_READONLY | ffi::SQLITE_PERM => LedgerError::ReadOnly(error),
            ffi::SQLITE_NOTADB | ffi::SQLITE_CORRUPT => LedgerError::Damaged(error),
            ffi::SQLITE_CANTOPEN => LedgerError::CannotOpen(error),
            ffi::SQLITE_FULL | ffi::SQLITE_IOERR => LedgerError::Disk(error),
            _ => LedgerError::Other(error),
        }
    }
}
