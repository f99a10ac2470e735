//! A run that is stopped at any moment, or whose disk is full at any byte, and is run again: the ledger and
//! everything handed out are those of a run that nothing disturbed, and nothing was handed out twice.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::space::Space;

/// What a space holds in the end: ledger rows and files; of mails, their number and what they say.
#[derive(PartialEq, Eq)]
struct Held {
    ledger: BTreeMap<String, Vec<String>>,
    files: BTreeMap<String, Vec<u8>>,
    mails: Vec<Vec<String>>,
}

fn held(space: &Space) -> Held {
    let (mails, files): (BTreeMap<_, _>, BTreeMap<_, _>) =
        space.outputs().into_iter().partition(|(name, _)| name.ends_with(".eml"));
    let mails = mails.into_values().map(|mail| {
        let text = String::from_utf8(mail).unwrap();
        // MIME boundaries are drawn anew for each mail, and split long lines elsewhere.
        text.lines().filter(|line| line.starts_with("Subject") || line.contains("148.52")).map(str::to_owned).collect()
    });
    Held { ledger: ledger(space), files, mails: mails.collect() }
}

/// The ledger's rows without numbers that only count arrivals of what is told, and without the mail's body
/// hash, which its boundaries change.
fn ledger(space: &Space) -> BTreeMap<String, Vec<String>> {
    let mut ledger = space.ledger();
    for table in ["finding", "delivery"] {
        let rows = ledger.remove(table).unwrap_or_default();
        let kept = rows.into_iter().map(|row| {
            let cells = row.split(' ').filter(|cell| !cell.starts_with("id="));
            let mail = row.contains("kind=mail");
            cells.filter(|cell| !(mail && cell.starts_with("sha256="))).collect::<Vec<_>>().join(" ")
        });
        let mut kept: Vec<String> = kept.collect();
        kept.sort();
        ledger.insert(table.to_owned(), kept);
    }
    ledger
}

#[track_caller]
fn same(stopped: &Held, whole: &Held, how: &str) {
    for (table, rows) in &whole.ledger {
        let found = stopped.ledger.get(table).map(Vec::as_slice).unwrap_or_default();
        let missing: Vec<_> = rows.iter().filter(|row| !found.contains(row)).collect();
        let extra: Vec<_> = found.iter().filter(|row| !rows.contains(row)).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{how}: {table}: missing {missing:#?}, extra {extra:#?}");
        assert_eq!(found.len(), rows.len(), "{how}: {table}");
    }
    let names = |held: &Held| held.files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(stopped), names(whole), "{how}");
    for (name, bytes) in &whole.files {
        assert!(stopped.files[name] == *bytes, "{how}: {name} differs");
    }
    assert_eq!(stopped.mails, whole.mails, "{how}");
}

/// A run that nothing disturbs, and how long it takes.
fn undisturbed() -> (Held, Duration) {
    let space = Space::samples();
    let start = Instant::now();
    space.run(&["run"]).exits(3);
    let length = start.elapsed();
    (held(&space), length)
}

/// Looks into a ledger that was just left in the middle, as a worried operator does, and runs again.
#[track_caller]
fn mended(space: &Space, whole: &Held, how: &str) {
    for arguments in [&["status"][..], &["bill", "--period", "2026-10"], &["run", "--dry-run"], &["deliver"]] {
        let (code, document) = space.json(arguments);
        assert!(matches!(code, Some(0 | 3 | 4)), "{how}: {arguments:?}: {document}");
    }
    let (code, document) = space.json(&["run"]);
    assert!(matches!(code, Some(0 | 3)), "{how}: {document}");
    same(&held(space), whole, how);
    let (code, document) = space.json(&["run"]);
    assert_eq!((code, &document["has_news"]), (Some(0), &false.into()), "{how}: {document}");
    same(&held(space), whole, how);
}

#[test]
fn killed_at_any_moment_and_run_again() {
    const MOMENTS: u32 = 24;
    let (whole, length) = undisturbed();
    let mut killed = 0;
    for moment in 0..MOMENTS {
        let space = Space::samples();
        let mut run = space.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(length * moment / MOMENTS);
        run.kill().unwrap();
        killed += u32::from(run.wait().unwrap().code().is_none());
        mended(&space, &whole, &format!("killed after {moment} of {MOMENTS} parts of {length:?}"));
    }
    assert!(killed > MOMENTS / 3, "only {killed} of {MOMENTS} were still running when they were killed");
}

#[test]
fn killed_as_soon_as_a_file_appears_and_run_again() {
    let (whole, _) = undisturbed();
    for name in whole.files.keys().map(String::as_str).step_by(4).chain(["mail"]) {
        let space = Space::samples();
        let mut run = space.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let watched = space.path("out").join(name);
        while !watched.exists() && run.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        let _ = run.kill();
        run.wait().unwrap();
        mended(&space, &whole, &format!("killed when {name} appeared"));
    }
}

/// Runs under a limit on the size of any one file: the write that passes it fails (`ignore`), or the system
/// kills the process there. The limit is counted in units of the shell's own, 512 or 1024 bytes.
fn run_limited(space: &Space, units: u32, ignore: &str) -> Option<i32> {
    let script = format!("{ignore} ulimit -c 0; ulimit -f {units}; exec \"$@\"");
    let mut command = space.command_under(&["/bin/sh", "-c", &script, "sh"], &["--json", "run"]);
    // stdout is a pipe, which has no size.
    let output = command.output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!err.contains("panicked"), "{units}: {err}");
    if output.status.code().is_some() {
        let text = String::from_utf8(output.stdout).unwrap();
        let document: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{units}: {error}: {text} {err}"));
        if output.status.code() == Some(1) {
            let kind = document["error"]["kind"].as_str().unwrap();
            assert!(matches!(kind, "disk" | "ledger-open"), "{units}: {document}");
            assert!(!document["error"]["hints"].as_array().unwrap().is_empty(), "{units}: {document}");
        }
    }
    output.status.code()
}

#[test]
fn a_disk_that_is_full_at_any_byte_is_told_and_later_made_up_for() {
    let (whole, _) = undisturbed();
    let mut told = BTreeMap::new();
    for units in [0, 1, 8, 64, 128, 200, 256, 300, 350, 400, 450, 500, 550, 600, 700, 800] {
        for ignore in ["trap '' XFSZ;", ""] {
            let space = Space::samples();
            let code = run_limited(&space, units, ignore);
            *told.entry(code).or_insert(0) += 1;
            mended(&space, &whole, &format!("no file over {units} units, `{ignore}`: {code:?}"));
        }
    }
    assert!(told.contains_key(&Some(1)) && told.contains_key(&None), "the limits never bit: {told:?}");
}

#[test]
fn run_twice_changes_no_byte() {
    let space = Space::samples();
    let first = space.run(&["run"]).exits(3);
    assert!(first.out.contains("148.52"), "{first:?}");
    let bytes = std::fs::read(space.ledger_path()).unwrap();
    let before = held(&space);
    let again = space.run(&["run"]).exits(0).says(&["Nothing new."]);
    assert_eq!(again.out, "");
    assert!(std::fs::read(space.ledger_path()).unwrap() == bytes, "the ledger's bytes changed");
    same(&held(&space), &before, "run twice");
}
