//! The one place where an error gets its kind, its hints and its exit code.

use std::error::Error;

use crate::config::ConfigError;
use crate::ledger::LedgerError;
use crate::run::error::RunError;
use crate::run::intake::IngestError;
use crate::run::lock::LockError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// 0: done.
    Done,
    /// 1: failed, nothing issued.
    Failed,
    /// 2: wrong usage.
    Usage,
    /// 3: done, with findings that need a person.
    Findings,
    /// 4: a delivery failed or is uncertain.
    Delivery,
    /// 75: another run holds the lock.
    Locked,
    /// 78: configuration.
    Configuration,
}

impl Exit {
    /// The number that the process ends with.
    pub(super) const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Findings => 3,
            Exit::Delivery => 4,
            Exit::Locked => 75,
            Exit::Configuration => 78,
        }
    }
}

/// An error as it is told: what, why, and what to do.
#[derive(Debug)]
pub(super) struct Failure {
    /// A stable word for scripts.
    pub kind: &'static str,
    /// Exit code.
    pub exit: Exit,
    /// What could not be done.
    pub message: String,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What to do.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure of what was typed.
    pub(super) fn usage(message: impl Into<String>) -> Failure {
        Failure {
            kind: "usage",
            exit: Exit::Usage,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A failure with the error's own causes.
    pub(super) fn of(kind: &'static str, exit: Exit, error: &dyn Error) -> Failure {
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        Failure { kind, exit, message: error.to_string(), causes, hints: Vec::new() }
    }

    /// The same with a hint.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    /// The same with what was being done in front; the former message becomes a cause.
    pub(super) fn while_doing(mut self, message: impl Into<String>) -> Failure {
        self.causes.insert(0, std::mem::replace(&mut self.message, message.into()));
        self
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Failure {
        let failure = |kind, hint: &str| Failure::of(kind, Exit::Failed, &error).hint(hint);
        match &error {
            LedgerError::Newer { .. } => {
                failure("ledger-newer", "install the papertally that wrote it, or a later one")
            }
            LedgerError::Older { .. } => failure(
                "ledger-older",
                "run `papertally ingest` or `papertally run` once: they copy the ledger first and then bring it up",
            ),
            LedgerError::NotALedger => {
                failure("ledger-foreign", "let `ledger.path` name another file; this one was left as it is")
            }
            LedgerError::Damaged(_) => failure(
                "ledger-damaged",
                "restore the ledger from a back-up; reports and inboxes can be taken in again",
            ),
            LedgerError::Locked(_) => {
                failure("ledger-locked", "close the program that has the ledger open, then run again")
            }
            LedgerError::ReadOnly(_) => {
                failure("ledger-read-only", "give this user the right to write to the ledger and its folder")
            }
            LedgerError::CannotOpen(_) | LedgerError::Folder(_) => {
                failure("ledger-open", "check `ledger.path` and the rights on its folder")
            }
            LedgerError::Disk(_) => {
                failure("disk", "make room on the disk, then run again: nothing was half done")
            }
            LedgerError::Currency { .. } => {
                failure("currency", "a site keeps its currency; give the new one a site of its own")
            }
            LedgerError::ColumnsDiffer { .. }
            | LedgerError::FollowedChanged { .. }
            | LedgerError::FollowedCopy { .. } => {
                failure("report-refused", "put back the report as it was made")
            }
            LedgerError::DoesNotAddUp(_) | LedgerError::Unreadable { .. } | LedgerError::Other(_) => {
                failure("ledger", "run `papertally status`, and report this as a fault of papertally")
            }
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        let of = |kind, exit| Failure::of(kind, exit, &error);
        match error {
            RunError::Ledger(error) => error.into(),
            RunError::Lock(LockError::Held { .. }) => of("locked", Exit::Locked)
                .hint("wait until it has ended; the lock goes with its process, also after a crash"),
            RunError::Lock(LockError::Io { .. }) => {
                of("lock", Exit::Failed).hint("check the rights on the ledger's folder")
            }
            RunError::Directory(_) => of("directory", Exit::Failed)
                .hint("mend the directory files; `papertally doctor` checks them again"),
            RunError::Render { .. } => of("receiver", Exit::Failed).hint("nothing was issued"),
            RunError::Template(_) => of("template", Exit::Configuration),
            RunError::Mail(_) => of("mail", Exit::Configuration).hint("check `mail.from` and `mail.to`"),
            RunError::Secret(_) | RunError::CaFile { .. } => of("secret", Exit::Configuration),
            RunError::File(_) => of("file", Exit::Failed),
            RunError::Trust { .. } => of("papercut", Exit::Configuration)
                .hint("check `ca_file` and `certificate_sha256` of the site"),
            RunError::Overlap { .. } => of("period", Exit::Usage).hint(
                "a job lies in one billed period only: name the issued period, or one that does not touch it",
            ),
            RunError::BodyGone { .. } => of("delivery", Exit::Failed),
            RunError::Inbox { .. } => {
                of("inbox", Exit::Failed).hint("check `inbox` of the site and the rights on the folder")
            }
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        let missing = matches!(error, ConfigError::Read { .. });
        let failure = Failure::of("configuration", Exit::Configuration, &error);
        if missing {
            failure.hint(
                "name it with `--config FILE` or $PAPERTALLY_CONFIG, or let `papertally init` write one",
            )
        } else {
            failure
        }
    }
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Failure {
        match error {
            IngestError::Ledger(error) => error.into(),
            other => Failure::of("report", Exit::Failed, &other),
        }
    }
}
