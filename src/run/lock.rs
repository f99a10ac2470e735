//! One run at a time: a lock on a file beside the ledger that dies with its process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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

/// The lock file of a ledger.
fn path_of(ledger: &Path) -> PathBuf {
    PathBuf::from(format!("{}.lock", ledger.display()))
}

/// When the lock was last taken: whether cron still comes, also on nights without news.
pub fn last_taken(ledger: &Path) -> Option<SystemTime> {
    std::fs::metadata(path_of(ledger)).ok()?.modified().ok()
}

/// Takes the lock of a ledger, `<ledger>.lock`, or says who is in the way without waiting.
pub fn take(ledger: &Path, clock: SystemTime) -> Result<Lock, LockError> {
    let path = path_of(ledger);
    let failed = |source| LockError::Io { path: path.clone(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {
            // Only a trace for `status`: a file system that keeps no such times does no harm.
            let _ = file.set_modified(clock);
            Ok(Lock { _file: file })
        }
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
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        assert_eq!(last_taken(&ledger), None);
        let first = take(&ledger, at).unwrap();
        assert!(matches!(take(&ledger, at), Err(LockError::Held { .. })));
        assert_eq!(last_taken(&ledger), Some(at));
        drop(first);
        assert!(take(&ledger, at).is_ok());
    }
}
