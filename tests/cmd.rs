//! The command line as a person meets it: what each command says on the samples, and every message that they can
//! run into. README's console blocks are among the cases, so what it shows is what happens.
//!
//! Each case gets a fresh copy of the samples, and of `cmd/CASE.in` beside it where there is one: the sample run
//! never writes into the repository. After a change of texts, `TRYCMD=overwrite cargo test --test cmd` corrects the
//! copies below the build folder's `tmp/cmd`; look at them, and copy back what is right.

#![expect(clippy::unwrap_used, reason = "a test stops where its own files are missing")]

mod support;

use std::fs;
use std::path::Path;

use support::{copy, copy_samples};

#[test]
fn every_command_says_what_its_case_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let stage = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cmd");
    if stage.exists() {
        fs::remove_dir_all(&stage).unwrap();
    }
    fs::create_dir_all(&stage).unwrap();
    let mut cases = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("tests/cmd")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "trycmd") {
            cases.push(path);
        }
    }
    assert!(cases.len() > 5, "{cases:?}");
    for case in &cases {
        let staged = stage.join(case.file_name().unwrap());
        fs::copy(case, &staged).unwrap();
        let folder = staged.with_extension("in");
        copy_samples(&folder.join("sample-reports"));
        copy(&case.with_extension("in"), &folder);
    }
    trycmd::TestCases::new()
        // A terminal's name: without one a run is taken for cron's, which is silent when there is nothing to say.
        .env("TERM", "dumb")
        .env("COLUMNS", "100")
        .env("PAPERTALLY_CONFIG", "sample-reports/papertally.toml")
        .case(stage.join("*.trycmd"))
        .case(stage.join("*.md"))
        .run();
}
