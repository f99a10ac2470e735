//! What several tests need: the samples in a folder of their own, so that nothing is written into the repository.

use std::fs;
use std::path::Path;

/// Copies `sample-reports` into `folder`, without what somebody's own run wrote there.
pub(crate) fn copy_samples(folder: &Path) {
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-reports"), folder);
}

/// Copies a folder where there is one, without sub-folders named `out`.
pub(crate) fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        return;
    }
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        match path.is_dir() {
            true if name == "out" => {}
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}
