//! What is wrong before any work begins: command line, configuration, directory, output.

use std::fs;
use std::process::Stdio;

use crate::space::{Space, october};

#[test]
fn a_wrong_configuration_names_all_its_faults_and_touches_nothing() {
    let space = Space::new().with("quiet_seconds = 0", "quiet_secnds = 0\ncurency = \"GBP\"");
    space.fails(&["run"], 78, "configuration", &["quiet_secnds", "quiet_seconds", "curency", "currency"]);
    assert!(!space.ledger_path().exists() && !space.path("out").exists(), "nothing is made before it is right");
    space.edit("quiet_secnds = 0\ncurency = \"GBP\"", "quiet_seconds = 0");
    space.run(&["run"]).exits(0);
    space.is_billed();
}

#[test]
fn a_configuration_that_is_not_there_or_no_toml_is_78() {
    let space = Space::new();
    fs::rename(space.path("papertally.toml"), space.path("kept.toml")).unwrap();
    let ran = space.run(&["run"]).exits(78).says(&["papertally.toml", "hint: ", "papertally init"]);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    for text in [&b"[ledger\npath = 1"[..], b"\xff\xfe\x00", b"\x00"] {
        space.write("papertally.toml", text);
        let ran = space.run(&["--json", "run"]).exits(78);
        assert_eq!(ran.json()["error"]["kind"], "configuration");
    }
    fs::copy(space.path("kept.toml"), space.path("papertally.toml")).unwrap();
    space.run(&["run"]).exits(0);
}

#[test]
fn wrong_usage_is_2_also_as_json() {
    let space = Space::new();
    let cases: [&[&str]; 6] = [
        &["bil"],
        &["--as-of", "yesterday", "run"],
        &["--as-of", "2026-10-25T01:30:00", "run"],
        &["bill", "--period", "2026-13"],
        &["deliver", "--resolve", "1"],
        &["explain", "--period", "x", "ann"],
    ];
    for arguments in cases {
        let (code, document) = space.json(arguments);
        assert_eq!((code, &document["error"]["kind"]), (Some(2), &"usage".into()), "{arguments:?}: {document}");
    }
}

#[test]
fn a_directory_that_cannot_be_read_stops_before_anything_is_billed() {
    let cases: [(&str, &str, &[&str]); 4] = [
        ("members.csv", "", &["members.csv"]),
        ("members.csv", "id,name,usernames,usernames\nM1,Ann,ann,ben\n", &["members.csv", "usernames"]),
        ("members.csv", "id,name\nM1,Ann\n", &["members.csv", "usernames"]),
        ("members.csv", "id,name,usernames\nM1,\"Ann,ann\n", &["members.csv"]),
    ];
    for (file, text, says) in cases {
        let space = Space::new();
        let good = fs::read(space.path(file)).unwrap();
        space.write(file, text);
        let ran = space.run(&["run"]);
        assert!(matches!(ran.code, Some(1 | 3 | 78)), "{text:?}: {ran:?}");
        let ran = ran.says(says);
        assert!(!space.path("out/main-2026-10").exists(), "{text:?} was billed: {ran:?}");
        space.json(&["run"]);
        space.write(file, good);
        space.run(&["run"]);
        space.is_billed();
    }
}

#[test]
fn a_missing_inbox_or_one_that_is_a_file_is_named_and_nothing_is_billed() {
    let space = Space::new();
    fs::rename(space.path("inbox"), space.path("elsewhere")).unwrap();
    space.fails(&["run"], 1, "inbox", &["inbox", "hint: "]);
    space.write("inbox", "a file");
    space.fails(&["run"], 1, "inbox", &["inbox", "hint: "]);
    fs::remove_file(space.path("inbox")).unwrap();
    fs::rename(space.path("elsewhere"), space.path("inbox")).unwrap();
    space.run(&["run"]).exits(0);
    space.is_billed();
}

#[test]
fn a_missing_report_on_the_command_line_is_named_and_the_others_go_on() {
    let space = Space::new();
    let (code, document) = space.json(&["ingest", "inbox/october.csv", "inbox/november.csv"]);
    assert_ne!(code, Some(0), "{document}");
    assert_eq!(document["files"][0]["new"], 2, "{document}");
    assert_eq!(document["refused"].as_array().map(Vec::len), Some(1), "{document}");
    assert!(document["refused"][0]["file"].as_str().unwrap().contains("november.csv"), "{document}");
    assert_eq!(space.sum("SELECT count(*) FROM job"), 2);
    let (code, document) = space.json(&["check", "inbox/november.csv", "inbox", "/dev/zero", "/dev/null"]);
    assert_ne!(code, Some(0));
    assert_eq!(document["refused"].as_array().map(Vec::len), Some(4), "{document}");
}

#[test]
fn a_full_disk_behind_stdout_is_told_and_nothing_is_lost() {
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("skipped: this system has no /dev/full");
        return;
    };
    let space = Space::new();
    let output = space.command(&["run"]).stdout(Stdio::from(full)).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("error: cannot write to stdout"), "{err}");
    space.run(&["run"]).exits(0);
    space.is_billed();
}

#[test]
fn a_reader_that_hangs_up_early_is_no_error() {
    let space = Space::new();
    let mut child = space.command(&["run"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(0)), "{:?}: {err}", output.status);
    assert!(!err.contains("panicked"), "{err}");
    space.is_billed();
}

#[test]
fn an_output_place_that_is_taken_is_exit_4_and_goes_out_next_time() {
    let space = Space::new();
    space.write("out/main-2026-10", "a file where the batch's folder belongs");
    let ran = space.run(&["run"]).exits(4).says(&["main-2026-10", "error: "]);
    assert_eq!(space.sum("SELECT count(*) FROM batch"), 1, "issued all the same: {ran:?}");
    assert_eq!(space.mails(), 1, "the mail tells of it");
    let (code, document) = space.json(&["run"]);
    assert_eq!((code, &document["exit_code"]), (Some(4), &4.into()));
    fs::remove_file(space.path("out/main-2026-10")).unwrap();
    space.run(&["run"]).exits(0);
    space.is_billed();
}

#[test]
fn an_issued_file_that_someone_changed_is_not_replaced() {
    let space = Space::new();
    let (_, draft) = space.json(&["run", "--dry-run"]);
    assert_eq!(draft["dry_run"], true);
    space.write("out/main-2026-10/main-2026-10-lines.csv", "mine");
    space.run(&["run"]).exits(4).says(&["main-2026-10-lines.csv", "already there with other content"]);
    assert_eq!(fs::read(space.path("out/main-2026-10/main-2026-10-lines.csv")).unwrap(), b"mine");
    fs::remove_file(space.path("out/main-2026-10/main-2026-10-lines.csv")).unwrap();
    space.run(&["deliver", "--retry"]).exits(0);
    space.is_billed();
}

#[test]
fn a_dry_run_changes_no_byte() {
    let space = Space::new();
    let state = || {
        let files = walkdir::WalkDir::new(space.path("")).sort_by_file_name().into_iter().map(Result::unwrap);
        files.map(|file| (file.path().to_owned(), fs::read(file.path()).ok())).collect::<Vec<_>>()
    };
    let before = state();
    space.run(&["run", "--dry-run"]).exits(0);
    assert_eq!(state(), before, "before the first run");
    space.run(&["run"]).exits(0);
    space.write("inbox/again.csv", october() + "2026-10-07 10:00:00,ann,MFD,late.pdf,1,0,0.10\n");
    let before = state();
    for arguments in [&["run", "--dry-run"][..], &["bill"], &["status"], &["doctor"], &["schedule"], &["deliver"]] {
        space.run(arguments);
        assert_eq!(state(), before, "{arguments:?}");
    }
}
