//! Where a password or token is, and reading it when it is needed.
//!
//! The configuration holds the place, never the secret. The environment is handed in by who reads it.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use super::raw::Section;
use crate::domain::Secret;

/// The largest secret file, in bytes: a token is one line; anything larger is the wrong file.
pub const SECRET_SIZE_BYTES_MAX: u64 = 64 * 1024;

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The first and only line of a file.
    File(PathBuf),
    /// An environment variable, by its name.
    Environment(String),
}

/// Why a secret could not be had. Never with a part of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret in `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not one line of text.
    #[error("found {found} in `{}`, expected one line with the secret", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it holds instead.
        found: &'static str,
    },
    /// The variable is not set, or empty.
    #[error("found nothing in the environment variable `{0}`, expected the secret")]
    Unset(String),
}

impl SecretSource {
    /// Reads the secret. `environment` looks up a variable.
    pub fn read(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Secret, SecretError> {
        match self {
            SecretSource::Environment(name) => match environment(name) {
                Some(text) if !text.trim().is_empty() => Ok(Secret::new(text.trim())),
                _ => Err(SecretError::Unset(name.clone())),
            },
            SecretSource::File(path) => {
                let wrong = |found| SecretError::Content { path: path.clone(), found };
                let mut bytes = Vec::new();
                File::open(path)
                    .and_then(|file| file.take(SECRET_SIZE_BYTES_MAX + 1).read_to_end(&mut bytes))
                    .map_err(|source| SecretError::Read { path: path.clone(), source })?;
                if u64::try_from(bytes.len()).is_ok_and(|length| length > SECRET_SIZE_BYTES_MAX) {
                    return Err(wrong("a large file"));
                }
                let text = String::from_utf8(bytes).map_err(|_| wrong("bytes that are not UTF-8"))?;
                match text.trim_start_matches('\u{feff}').trim() {
                    "" => Err(wrong("nothing")),
                    line if line.contains(['\n', '\r']) => Err(wrong("several lines")),
                    line => Ok(Secret::new(line)),
                }
            }
        }
    }
}

/// Reads `<name>_file` or `<name>_env`; at most one of them may stand there.
pub(super) fn source(
    section: &Section<'_>,
    name: &str,
    path: impl Fn(&str) -> PathBuf,
) -> Option<SecretSource> {
    let (file_key, variable_key) = (format!("{name}_file"), format!("{name}_env"));
    let file = section.text(&file_key).map(|file| SecretSource::File(path(&file)));
    let variable = section.text(&variable_key);
    if file.is_some() && variable.is_some() {
        section.problem(&variable_key, format!("it beside `{file_key}`"), "one of the two");
    }
    let is_name = |text: &String| {
        !text.starts_with(|first: char| first.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if variable.as_ref().is_some_and(|text| !is_name(text)) {
        // What stands here may be the secret itself: it is not shown.
        section.problem(
            &variable_key,
            "a text that is no variable's name",
            "the name of an environment variable",
        );
    }
    file.or(variable.map(SecretSource::Environment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_one_line_of_a_file_or_a_variable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let check = |bytes: &[u8], expected: Result<&str, &str>| {
            std::fs::write(&path, bytes).unwrap();
            let read = SecretSource::File(path.clone()).read(&|_| None);
            match (read, expected) {
                (Ok(secret), Ok(expected)) => assert_eq!(secret.expose(), expected),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (read, _) => panic!("{read:?}"),
            }
        };
        check(b"s3cret\r\n", Ok("s3cret"));
        check(b"\xef\xbb\xbfs3 cret", Ok("s3 cret"));
        check(b" \n", Err("found nothing"));
        check(b"one\ntwo\n", Err("found several lines"));
        check(b"\xff\xfe", Err("found bytes that are not UTF-8"));
        check(&vec![b'x'; 64 * 1024], Ok(&"x".repeat(64 * 1024)));
        check(&vec![b'x'; 64 * 1024 + 1], Err("found a large file"));

        let variable = SecretSource::Environment("TOKEN".to_owned());
        let found = variable.read(&|name| (name == "TOKEN").then(|| "s3cret\n".to_owned())).unwrap();
        assert_eq!(found.expose(), "s3cret");
        assert!(variable.read(&|_| Some(String::new())).is_err());
        assert!(matches!(
            SecretSource::File(folder.path().join("none")).read(&|_| None),
            Err(SecretError::Read { .. })
        ));
    }
}
