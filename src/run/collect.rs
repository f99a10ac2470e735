//! The report files that lie in a site's inboxes. They are read where they are and never changed or moved:
//! what was taken in is known by its bytes.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use super::error::RunError;
use crate::config::SiteConfig;

/// Folders deeper than this below an inbox are not looked into: Print Logger's are two deep.
const DEPTH_MAX: usize = 6;

/// A file of an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Its path below the inbox, for people.
    pub name: String,
}

/// The files of a site's inboxes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// To be read now, in the order of their paths.
    pub ready: Vec<Found>,
    /// Written to a moment ago: perhaps still being copied, left for the next run.
    pub unsettled: Vec<Found>,
}

/// Lists the files of a site's inboxes. `clock` is the real time, by which a file's age is told.
///
/// Hidden files and folders are left out, and what lies in the output folder: papertally never reads where it
/// writes.
pub fn collect(site: &SiteConfig, output: &Path, clock: SystemTime) -> Result<Collected, RunError> {
    let mut collected = Collected::default();
    let quiet = Duration::from_secs(u64::from(site.quiet_seconds));
    for inbox in &site.inbox {
        let failed = |source: std::io::Error| RunError::Inbox { path: inbox.clone(), source };
        std::fs::read_dir(inbox).map_err(failed)?;
        let walk = WalkDir::new(inbox).max_depth(DEPTH_MAX).sort_by_file_name().into_iter();
        let visible = walk.filter_entry(|entry| {
            let hidden = entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
            !hidden && entry.path() != output
        });
        for entry in visible {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(inbox).to_owned();
                RunError::Inbox { path, source: error.into() }
            })?;
            // A link to a file is as good as the file; what it names twice is known by its bytes.
            if !(entry.file_type().is_file() || entry.path_is_symlink() && entry.path().is_file()) {
                continue;
            }
            let below = entry.path().strip_prefix(inbox).unwrap_or(entry.path());
            let name = below.display().to_string().replace(char::is_control, "\u{fffd}");
            let found = Found { path: entry.path().to_owned(), name };
            // A date far in the future comes from a clock that is wrong, not from a copy that goes on.
            let apart = |changed| clock.duration_since(changed).unwrap_or_else(|ahead| ahead.duration());
            let metadata = entry.path().metadata().ok();
            let moments = metadata.as_ref().map(moments).unwrap_or_default();
            let age = moments.into_iter().map(apart).min().unwrap_or_default();
            if age < quiet { collected.unsettled.push(found) } else { collected.ready.push(found) }
        }
    }
    Ok(collected)
}

/// When a file was last written to, by each clock that it has. A copy that keeps the date of its original is still
/// young by the others.
fn moments(metadata: &Metadata) -> Vec<SystemTime> {
    let mut moments: Vec<SystemTime> =
        [metadata.modified(), metadata.created()].into_iter().flatten().collect();
    moments.extend(changed(metadata));
    moments
}

/// The last change of the file or its name and rights, which no copying program can set.
#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;
    u64::try_from(metadata.ctime()).ok().map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<SystemTime> {
    None
}
