//! One run at a time: a lock on a file beside the ledger that dies with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Held while a command writes. The file stays; the lock is the operating system's and ends with the process,
/// so a crash never leaves a stale one.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds it.
    #[error("another run holds `{}`", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be made or locked.
    #[error("cannot lock `{}`", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Takes the lock of a ledger, `<ledger>.lock`, or says who is in the way without waiting.
pub fn take(ledger: &Path) -> Result<Lock, LockError> {
    let path = PathBuf::from(format!("{}.lock", ledger.display()));
    let failed = |source| LockError::Io { path: path.clone(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(LockError::Held { path }),
        Err(TryLockError::Error(source)) => Err(LockError::Io { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_and_a_third_gets_it_once_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("deep/ledger.sqlite");
        let first = take(&ledger).unwrap();
        assert!(matches!(take(&ledger), Err(LockError::Held { .. })));
        drop(first);
        assert!(take(&ledger).is_ok());
    }
}
