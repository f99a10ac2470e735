//! Files appear whole or not at all, and never in the place of a different one.
//!
//! A file is written beside its place under a temporary name, flushed to the disk, and then renamed. Where a
//! file of that name is already there, the same bytes mean that an earlier run got this far, and other bytes
//! are an error: papertally replaces nothing that it once handed out. It deletes nothing either.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The longest stem of a file name; with an ending it stays under the 255 bytes of common file systems, and
/// under the 143 of encrypted ones.
const STEM_CHARS_MAX: usize = 100;

/// How a file came to be in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Written now.
    New,
    /// Already there with the same bytes.
    Already,
}

/// Why a file is not in its place.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The folder cannot be made.
    #[error("cannot create the folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written: the disk is full, the folder is read-only, …
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What is there cannot be compared.
    #[error("cannot read `{}`, which is already there", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another file has that name.
    #[error("`{}` is already there with other content: move it away, papertally does not replace it", path.display())]
    FileDiffers {
        /// The file.
        path: PathBuf,
    },
}

/// Puts `bytes` at `path`, whole or not at all; folders are made as needed.
///
/// # Errors
/// See [`FileError`]. After an error the place is as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<Written, FileError> {
    if let Some(written) = compare(path, bytes)? {
        return Ok(written);
    }
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(|source| FileError::Folder { path: folder.to_owned(), source })?;
    let mut file = new_temporary(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            return compare(path, bytes)?.ok_or_else(|| failed(error.error));
        }
        // Some network drives can neither rename without replacing nor link. The place was free a moment
        // ago, and the run's lock keeps other runs away.
        Err(error) => match compare(path, bytes)? {
            Some(written) => return Ok(written),
            None => error.file.persist(path).map(drop).map_err(|error| failed(error.error))?,
        },
    }
    sync_folder(folder).map_err(failed)?;
    Ok(Written::New)
}

/// What already stands at `path`: nothing, or the same bytes, or else an error.
fn compare(path: &Path, bytes: &[u8]) -> Result<Option<Written>, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let same_size = u64::try_from(bytes.len()).is_ok_and(|size| size == found.len());
    if found.is_file() && same_size && fs::read(path).map_err(failed)? == bytes {
        return Ok(Some(Written::Already));
    }
    Err(FileError::FileDiffers { path: path.to_owned() })
}

/// A temporary file with the access that the operator's umask gives to new files: by default temporary files
/// are for their owner alone, and then the office could not open them on a shared drive.
fn new_temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".papertally-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Makes the new name itself durable, where the system can.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match fs::File::open(folder)?.sync_all() {
        // Some network drives do not know this call; the content itself is on the disk already.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        result => result,
    }
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// A file name from an id: safe on every common file system, the same for the same id, and different for
/// different ids, also where letter case does not count.
///
/// ```
/// use papertally::outputs::file_name;
/// assert_eq!(file_name("harbour-2026-10-lines", "csv"), "harbour-2026-10-lines.csv");
/// assert_eq!(file_name("../etc", "csv"), "etc-f7f9121f.csv");
/// ```
pub fn file_name(id: &str, ending: &str) -> String {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
    let replaced: String = id.chars().map(|sign| if plain(sign) { sign } else { '-' }).collect();
    let mut stem: String = replaced.trim_matches(['.', '-']).chars().take(STEM_CHARS_MAX).collect();
    if is_reserved(&stem) || stem.is_empty() {
        stem.insert(0, '_');
    }
    if stem != id {
        // Two ids must not become one name: `a/b` and `a:b`.
        stem = format!("{stem}-{}", short_hash(id));
    }
    format!("{stem}.{ending}")
}

/// Names for a set of ids that do not collide where letter case does not count.
pub(super) fn file_names<'a>(ids: impl Iterator<Item = &'a str> + Clone, ending: &str) -> Vec<String> {
    let mut seen = std::collections::BTreeMap::new();
    for id in ids.clone() {
        *seen.entry(id.to_ascii_lowercase()).or_insert(0_u32) += 1;
    }
    let name = |id: &str| match seen.get(&id.to_ascii_lowercase()) {
        Some(count) if *count > 1 => file_name(&format!("{id}-{}", short_hash(id)), ending),
        _ => file_name(id, ending),
    };
    ids.map(name).collect()
}

fn short_hash(text: &str) -> String {
    Sha256::digest(text).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// Names that Windows keeps for devices, whatever their ending.
fn is_reserved(stem: &str) -> bool {
    let device = stem.split('.').next().unwrap_or(stem).to_ascii_uppercase();
    matches!(device.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (device.len() == 4
            && (device.starts_with("COM") || device.starts_with("LPT"))
            && device.ends_with(|sign: char| sign.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/deep/lines.csv");
        assert_eq!(write_whole(&path, b"one").unwrap(), Written::New);
        assert_eq!(write_whole(&path, b"one").unwrap(), Written::Already);
        for other in [&b"two"[..], b"longer", b""] {
            assert!(matches!(write_whole(&path, other), Err(FileError::FileDiffers { .. })));
        }
        assert_eq!(fs::read(&path).unwrap(), b"one");
        let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "no temporary file is left: {names:?}");
    }

    #[test]
    fn errors_name_the_path_and_keep_the_cause() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let error = write_whole(&file.join("below/lines.csv"), b"one").unwrap_err();
        assert!(
            matches!(&error, FileError::Read { path, .. } if path.ends_with("file/below/lines.csv")),
            "{error:?}"
        );
        let error = write_whole(folder.path(), b"one").unwrap_err();
        assert!(matches!(error, FileError::FileDiffers { .. }), "{error:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_place_that_takes_no_files_is_named_with_the_systems_reason() {
        let error = write_whole(Path::new("/proc/papertally/x"), b"one").unwrap_err();
        assert_eq!(error.to_string(), "cannot create the folder `/proc/papertally`");
        assert!(std::error::Error::source(&error).is_some());
        let error = write_whole(Path::new("/proc/x"), b"one").unwrap_err();
        assert_eq!(error.to_string(), "cannot write `/proc/x`");
        assert!(std::error::Error::source(&error).is_some());
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_as_the_umask_says() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_whole(&ours, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn names_are_safe_stable_and_distinct() {
        let check = |id: &str, expected: &str| assert_eq!(file_name(id, "csv"), expected);
        check("harbour-2026-10", "harbour-2026-10.csv");
        check("harbour-2026-10-A1", "harbour-2026-10-A1.csv");
        check("team:T100", "team-T100-3e966bcf.csv");
        check("nul", "_nul-99e62427.csv");
        check("com7.x", "_com7.x-b4dc8d66.csv");
        check("", "_-e3b0c442.csv");
        check("..", "_-5ec1f7e7.csv");
        assert_ne!(file_name("a/b", "x"), file_name("a\\b", "x"));
        assert!(file_name(&"é".repeat(500), "x").len() < 143);
        assert_ne!(file_name(&"a".repeat(500), "x"), file_name(&"a".repeat(501), "x"));
    }

    #[test]
    fn letter_case_alone_does_not_tell_files_apart() {
        let names = file_names(["T1", "t1", "T2"].into_iter(), "html");
        assert_eq!(names[2], "T2.html");
        assert_ne!(names[0].to_lowercase(), names[1].to_lowercase());
    }
}
