//! What is wrong with a configuration: everything at once, each with its key.

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong, at one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The key's path, list entries by name: `site.harbour.papercut.url`.
    pub key: String,
    /// What stands there. Values of unknown keys are never shown: they may be secrets in the wrong place.
    pub found: String,
    /// What should stand there.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: found {}, expected {}", self.key, self.found, self.expected)
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The configuration file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is larger than any configuration.
    #[error("found {size_bytes} bytes in `{}`, expected a configuration of at most {size_bytes_max}", path.display())]
    TooLarge {
        /// The configuration file.
        path: PathBuf,
        /// Its size.
        size_bytes: u64,
        /// The limit.
        size_bytes_max: u64,
    },
    /// The file is not TOML.
    #[error("`{}`, line {line}, column {column}: {message}", path.display())]
    Syntax {
        /// The configuration file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What the TOML reader says.
        message: String,
    },
    /// `--set` arguments that name no place.
    #[error("cannot apply `--set`:{}", listed(.0))]
    Override(Vec<Problem>),
    /// Keys that are wrong.
    #[error("`{}` has {}:{}", path.display(), counted(.problems.len()), listed(.problems))]
    Problems {
        /// The configuration file.
        path: PathBuf,
        /// Everything that is wrong, in the order of the keys.
        problems: Vec<Problem>,
    },
}

fn counted(count: usize) -> String {
    if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") }
}

/// One problem on the same line, several on lines of their own.
fn listed(problems: &[Problem]) -> String {
    match problems {
        [one] => format!(" {one}"),
        many => many.iter().map(|problem| format!("\n  {problem}")).collect(),
    }
}
