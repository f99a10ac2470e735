//! A ledger that is not ours, too new, held, damaged or out of reach; two runs at once.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use rusqlite::Connection;

use crate::space::Space;

#[test]
fn a_newer_ledger_is_refused_and_left_as_it_is() {
    let space = Space::new();
    space.run(&["run"]).exits(0);
    Connection::open(space.ledger_path()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(space.ledger_path()).unwrap();
    for arguments in [&["run"][..], &["bill"], &["status"], &["run", "--dry-run"], &["deliver", "--retry"]] {
        space.fails(arguments, 1, "ledger-newer", &["ledger.sqlite", "version 99", "hint: "]);
    }
    assert_eq!(fs::read(space.ledger_path()).unwrap(), before);
}

#[test]
fn another_programs_database_is_refused_and_left_as_it_is() {
    for mode in ["DELETE", "WAL"] {
        let space = Space::new();
        fs::create_dir(space.path("books")).unwrap();
        let db = Connection::open(space.ledger_path()).unwrap();
        db.pragma_update(None, "journal_mode", mode).unwrap();
        db.execute_batch("CREATE TABLE song (id INTEGER); INSERT INTO song VALUES (1)").unwrap();
        drop(db);
        let before = fs::read(space.ledger_path()).unwrap();
        for arguments in [&["run"][..], &["bill"], &["status"], &["run", "--dry-run"]] {
            space.fails(arguments, 1, "ledger-foreign", &["ledger.sqlite", "not a papertally ledger", "hint: "]);
        }
        assert!(fs::read(space.ledger_path()).unwrap() == before, "changed in journal mode {mode}");
    }
}

#[test]
fn a_ledger_that_is_no_database_is_refused_and_left_as_it_is() {
    let space = Space::new();
    space.write("books/ledger.sqlite", "Dear diary, ".repeat(500));
    for arguments in [&["run"][..], &["bill"], &["status"], &["run", "--dry-run"]] {
        space.fails(arguments, 1, "ledger-damaged", &["ledger.sqlite", "not an SQLite database", "hint: "]);
    }
    assert_eq!(fs::read(space.ledger_path()).unwrap(), "Dear diary, ".repeat(500).into_bytes());
}

#[test]
fn a_torn_ledger_is_an_error_and_never_a_wrong_number() {
    let space = Space::samples();
    space.run(&["run"]);
    let whole = fs::read(space.ledger_path()).unwrap();
    for at in (1..20).map(|part| whole.len() * part / 20) {
        let mut torn = whole.clone();
        torn.truncate(at);
        fs::write(space.ledger_path(), &torn).unwrap();
        for arguments in [&["run"][..], &["status"], &["bill", "--period", "2026-10"]] {
            let (code, document) = space.json(arguments);
            assert!(matches!(code, Some(0 | 1 | 3)), "cut at {at}: {document}");
            if code == Some(1) && document.get("error").is_some() {
                assert!(document["error"]["kind"].as_str().unwrap().starts_with("ledger"), "{at}: {document}");
            }
        }
    }
}

#[test]
fn a_folder_in_the_ledgers_place_or_a_file_in_its_folders_place_is_named() {
    let space = Space::new();
    fs::create_dir_all(space.ledger_path()).unwrap();
    space.fails(&["run"], 1, "ledger-open", &["ledger.sqlite", "hint: "]);
    fs::remove_dir(space.ledger_path()).unwrap();
    fs::remove_file(space.path("books/ledger.sqlite.lock")).unwrap();
    fs::remove_dir(space.path("books")).unwrap();
    space.write("books", "a file");
    space.fails(&["run"], 1, "lock", &["books", "hint: "]);
    fs::remove_file(space.path("books")).unwrap();
    space.run(&["run"]).exits(0);
    space.is_billed();
}

#[test]
fn a_ledger_that_may_not_be_written_is_said_to_be_so() {
    use std::os::unix::fs::PermissionsExt;
    let space = Space::new();
    space.run(&["bill"]);
    space.run(&["ingest"]).exits(0);
    let mode = |mode| fs::set_permissions(space.ledger_path(), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o444);
    if fs::OpenOptions::new().append(true).open(space.ledger_path()).is_ok() {
        eprintln!("skipped: this user may write to every file");
    } else {
        space.fails(&["run"], 1, "ledger-read-only", &["ledger.sqlite", "read-only", "hint: "]);
    }
    mode(0o644);
    space.run(&["run"]).exits(0);
    space.is_billed();
}

#[test]
fn an_empty_file_is_an_empty_ledger() {
    let space = Space::new();
    space.write("books/ledger.sqlite", "");
    space.run(&["status"]).exits(0);
    space.run(&["run", "--dry-run"]).exits(0);
    space.run(&["bill"]);
    space.run(&["run"]).exits(0);
    space.is_billed();
}

#[test]
fn a_ledger_that_another_program_holds_is_waited_for_and_then_named() {
    let space = Space::new();
    space.run(&["ingest"]).exits(0);
    let db = Connection::open(space.ledger_path()).unwrap();
    db.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let output = space.command(&["run"]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    for part in ["error: ", "ledger.sqlite", "another program holds the ledger", "hint: "] {
        assert!(err.contains(part), "no `{part}` in {err}");
    }
    // Held for a moment only: the run waits and goes on.
    let run = space.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    db.execute_batch("COMMIT").unwrap();
    assert_eq!(run.wait_with_output().unwrap().status.code(), Some(0));
    space.is_billed();
}

#[test]
fn a_lock_that_is_held_is_75_at_once_and_reading_goes_on() {
    let space = Space::new();
    space.run(&["ingest"]).exits(0);
    let lock = fs::OpenOptions::new().write(true).open(space.path("books/ledger.sqlite.lock")).unwrap();
    lock.lock().unwrap();
    for arguments in [&["run"][..], &["ingest"], &["bill", "--issue"], &["deliver", "--retry"], &["reverse", "x"]] {
        space.fails(arguments, 75, "locked", &["ledger.sqlite.lock", "hint: "]);
    }
    for arguments in [&["status"][..], &["bill"], &["run", "--dry-run"], &["deliver"], &["doctor"]] {
        assert_eq!(space.run(arguments).code, Some(0), "{arguments:?}");
    }
    drop(lock);
    space.run(&["run"]).exits(0);
    space.is_billed();
}

#[test]
fn of_many_runs_at_once_each_is_done_or_75_and_all_is_billed_once() {
    let space = Space::samples();
    let whole = Space::samples();
    whole.run(&["run"]);
    let start = || space.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let codes: Vec<Option<i32>> =
        (0..6).map(|_| start()).collect::<Vec<_>>().into_iter().map(|mut run| run.wait().unwrap().code()).collect();
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 3 | 75))), "{codes:?}");
    assert!(codes.iter().any(|code| *code != Some(75)), "{codes:?}");
    assert_eq!(space.ledger(), whole.ledger());
    assert_eq!(space.mails(), 1);
}
