//! Paths of the configuration: relative to its folder, never to the working directory.

use std::path::{Component, Path, PathBuf};

use super::raw::{Section, join};
use super::site::SiteConfig;

/// The folder of the configuration file.
pub(super) struct Paths {
    folder: PathBuf,
}

impl Paths {
    pub(super) fn new(folder: &Path) -> Paths {
        Paths { folder: folder.to_owned() }
    }

    /// A path as it was written, seen from the configuration's folder.
    pub(super) fn at(&self, written: &str) -> PathBuf {
        self.folder.join(written.strip_prefix("./").unwrap_or(written))
    }

    /// A path that may be absent.
    pub(super) fn optional(&self, section: &Section<'_>, key: &str) -> Option<PathBuf> {
        section.text(key).map(|written| self.at(&written))
    }

    /// A path that has to be given.
    pub(super) fn needed(&self, section: &Section<'_>, key: &str, expected: &str) -> PathBuf {
        self.at(&section.needed_text(key, expected))
    }
}

/// Takes `.` and `..` out by their text, to compare paths only: on disk a link may lead elsewhere.
fn tidy(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidied.components().next_back(), Some(Component::Normal(_))) => {
                tidied.pop();
            }
            other => tidied.push(other),
        }
    }
    tidied
}

/// What is written must never be taken for a report, and no report must belong to two sites.
pub(super) fn check_inboxes(root: &Section<'_>, sites: &[SiteConfig], written: &[(&str, &Path)]) {
    for (nth, site) in sites.iter().enumerate() {
        let inbox_key = join(&join("site", &site.name), "inbox");
        for inbox in &site.inbox {
            let inside = tidy(inbox);
            for (key, path) in written {
                if tidy(path).starts_with(&inside) {
                    let found = format!("`{}` in the inbox `{}`", path.display(), inbox.display());
                    root.problem_at((*key).to_owned(), found, "a place that no report is read from");
                }
            }
            for other in &sites[..nth] {
                let mut theirs = other.inbox.iter().map(|one| tidy(one));
                if theirs.any(|one| one.starts_with(&inside) || inside.starts_with(&one)) {
                    let found = format!("`{}`, which site `{}` reads too", inbox.display(), other.name);
                    root.problem_at(inbox_key.clone(), found, "folders of its own for each site");
                }
            }
        }
    }
}

/// A report that was asked for is taken where it appears, after its days were compared; what lies in an inbox is taken
/// whatever its days.
pub(super) fn check_pick_ups(root: &Section<'_>, sites: &[SiteConfig], written: &[(&str, &Path)]) {
    let inboxes = || sites.iter().flat_map(|site| &site.inbox).map(|inbox| tidy(inbox));
    for site in sites {
        let key = join(&join(&join("site", &site.name), "papercut"), "report");
        for order in site.papercut.iter().flat_map(|papercut| &papercut.reports) {
            let folder = tidy(&order.pick_up);
            let found = format!("the `pick_up` folder `{}`", order.pick_up.display());
            if inboxes().any(|inbox| folder.starts_with(&inbox) || inbox.starts_with(&folder)) {
                let expected =
                    "a folder beside the inboxes: what lies in an inbox is taken without asking for its days";
                root.problem_at(
                    key.clone(),
                    format!("{found}, which is in an inbox or has one in it"),
                    expected,
                );
            }
            if written.iter().any(|(_, path)| tidy(path).starts_with(&folder)) {
                root.problem_at(key.clone(), found, "a folder in which papertally writes nothing");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_configurations_folder() {
        let check = |folder: &str, written: &str, expected: &str| {
            assert_eq!(Paths::new(Path::new(folder)).at(written), Path::new(expected));
        };
        check("/etc/papertally", "./inbox", "/etc/papertally/inbox");
        check("/etc/papertally", "/srv/reports", "/srv/reports");
        check("sample-reports", "../x", "sample-reports/../x");
        check("", "x", "x");
    }

    #[test]
    fn paths_compare_without_their_detours() {
        assert_eq!(tidy(Path::new("/a/./b/../c")), Path::new("/a/c"));
        assert_eq!(tidy(Path::new("../../x")), Path::new("../../x"));
        assert!(tidy(Path::new("out")).starts_with(tidy(Path::new("."))));
        assert!(!tidy(Path::new("inbox-old/x")).starts_with(tidy(Path::new("inbox"))));
    }
}
