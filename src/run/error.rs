//! What can go wrong in the pipeline.

use crate::config::SecretError;
use crate::domain::Period;
use crate::ledger::LedgerError;
use crate::outputs::{FileError, MailError, RenderError, TemplateError};
use crate::papercut::TrustError;
use crate::sources::directory::DirectoryReadError;

use super::lock::LockError;

/// A failure of the pipeline. What a person can mend in reports and directory is a finding, not an error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The lock cannot be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The directory cannot be read, or not be used as a whole.
    #[error(transparent)]
    Directory(#[from] DirectoryReadError),
    /// A receiver's files cannot be made.
    #[error("cannot make the files of receiver `{receiver}`")]
    Render {
        /// The receiver's name in the configuration.
        receiver: String,
        /// Why.
        #[source]
        source: RenderError,
    },
    /// A page cannot be made.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The mail cannot be made.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// A password cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// TLS to a PaperCut server cannot be prepared.
    #[error("cannot prepare the way to the PaperCut server of site `{site}`")]
    Trust {
        /// The site.
        site: String,
        /// Why.
        #[source]
        source: TrustError,
    },
    /// The certificates of a server cannot be read.
    #[error("cannot read `{}`, which `{key}` names", path.display())]
    CaFile {
        /// The key that names the file.
        key: &'static str,
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The period overlaps an issued one.
    #[error("{period} overlaps {issued}, which batch `{batch}` has billed")]
    Overlap {
        /// The period asked for.
        period: Period,
        /// The issued one.
        issued: Period,
        /// Its batch.
        batch: String,
    },
    /// A delivery has no bytes any more.
    #[error("delivery {id} is settled, its bytes are gone")]
    BodyGone {
        /// Its number.
        id: i64,
    },
    /// An inbox folder cannot be read.
    #[error("cannot read the inbox `{}`", path.display())]
    Inbox {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
