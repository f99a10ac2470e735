//! Bad, odd and moving files in the inbox. Each is one finding; the good ones beside it are billed.

use std::fs;
use std::io::Write;

use crate::space::{HEADER, Space, october};

/// Puts a bad file beside October's report: October is billed, the bad one is told of once, exit 3, and without
/// it, or mended, the next run is content.
#[track_caller]
fn refused(name: &str, bytes: impl AsRef<[u8]>, says: &[&str]) {
    let space = Space::new();
    space.write(&format!("inbox/{name}"), bytes);
    space.run(&["run"]).exits(3).says(&[name, "not taken in: "]).says(says);
    space.is_billed();
    assert_eq!(space.sum("SELECT count(*) FROM report"), 1, "nothing of it is kept");
    let before = (space.ledger(), space.outputs());
    space.run(&["run"]).exits(0);
    assert_eq!((space.ledger(), space.outputs()), before, "told once");
    let path = format!("inbox/{name}");
    let (code, document) = space.json(&["check", &path]);
    assert_eq!(code, Some(1), "{document}");
    assert_eq!(document["refused"].as_array().map(Vec::len), Some(1), "{document}");
    let code = document["refused"][0]["code"].as_str().unwrap();
    assert!(!code.is_empty() && !document["refused"][0]["message"].as_str().unwrap().is_empty());
    space.write(&path, november());
    space.run(&["run"]).exits(0);
    assert_eq!(space.sum("SELECT count(*) FROM job"), 3, "mended, it is taken in");
}

/// A good report of one job in November.
fn november() -> String {
    format!("{HEADER}2026-11-01 10:00:00,ann,MFD,plan.pdf,1,0,0.10\n")
}

#[test]
fn what_is_no_report_is_refused() {
    refused("empty.csv", "", &["empty"]);
    refused("blank.csv", "\n\n\r\n", &["empty"]);
    refused("letter.txt", "Dear Ann,\nhere is the report.\n", &["not a report"]);
    refused("photo.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00".as_slice(), &["NUL byte"]);
    let noise: Vec<u8> =
        (0..50_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0] | 1).collect();
    refused("noise.bin", noise, &["noise.bin"]);
    refused("book.xlsx", b"PK\x03\x04not really a workbook".as_slice(), &["book.xlsx"]);
    refused("one-line.csv", "x".repeat(10_000_000), &["one-line.csv"]);
}

#[test]
fn a_report_with_a_damaged_frame_is_refused_whole() {
    let rows = "2026-10-07 10:00:00,ann,MFD,a.pdf,1,0,0.10\n";
    refused("quote.csv", format!("{HEADER}{rows}2026-10-07 11:00:00,ann,MFD,\"cut h"), &["row 3", "quote"]);
    let long = format!("{HEADER}{rows}2026-10-07 11:00:00,ann,MFD,\"{}\",1,0,0.10\n", "x".repeat(10_000_000));
    refused("long.csv", long, &["row 3"]);
    refused("no-cost-no-pages.csv", "Date,Username,Printer Name,Document\n", &["no column for", "Cost"]);
    let twice = "Date,Username,Username,Printer Name,Document,Total Printed Pages,Cost\n\
                 2026-10-07 10:00:00,ann,ben,MFD,a.pdf,1,0.10\n";
    refused("twice.csv", twice, &["Username", "differ"]);
    let nul = format!("{HEADER}2026-10-07 10:00:00,ann,MFD,a\0b.pdf,1,0,0.10\n");
    refused("nul.csv", nul, &["NUL byte at byte"]);
    let wide = format!("{HEADER}{}\n", ",".repeat(20_000));
    refused("wide.csv", wide, &["row 2"]);
    let mixed = format!(
        "{HEADER}2026-10-07 10:00:00,ann,MFD,a.pdf,1,0,\"1,5\"\n2026-10-07 10:00:00,ann,MFD,b.pdf,1,0,2.5\n"
    );
    refused("mixed-marks.csv", mixed, &["decimal mark is mixed", "row 3"]);
}

#[test]
fn our_own_output_in_the_inbox_is_refused_by_name() {
    let source = Space::new();
    source.run(&["run"]).exits(0);
    for (name, bytes) in source.outputs() {
        let leaf = name.rsplit('/').next().unwrap();
        refused(leaf, bytes, &[]);
    }
}

#[test]
fn an_output_folder_inside_an_inbox_is_refused() {
    let space = Space::new().with("folder = \"out\"", "folder = \"inbox/out\"");
    space.fails(&["run"], 78, "configuration", &["output.folder", "inbox"]);
}

#[test]
fn a_bad_row_is_rejected_with_its_place_and_its_money_and_the_rest_counts() {
    let space = Space::empty();
    let rows = "2026-10-07 10:00:00,ann,MFD,a.pdf,1,0,0.10\n\
                2026-10-07 10:01:00,ann,MFD,b.pdf,many,0,0.20\n\
                2026-10-32 10:02:00,ann,MFD,c.pdf,1,0,0.40\n\
                2026-10-07 10:03:00,,MFD,d.pdf,1,0,0.80\n\
                2026-10-07 10:04:00,ann,MFD,e.pdf,1,0,1.6.0\n\
                2026-10-07 10:05:00,ann,MFD,f.pdf,1,0,99999999999999999999\n\
                2026-10-07 10:06:00,ann,MFD,g.pdf,1\n\
                2026-10-07 10:07:00,ann,MFD,h.pdf,1,2,3.20\n\
                2026-10-07 10:08:00,ann,MFD,i.pdf,-1,0,6.40\n\
                2026-10-07 10:09:00,ann,MFD,j.pdf,4294967296,0,12.80\n\
                2026-10-07 10:10:00,ann,MFD,k.pdf,1,0,EUR 1.00\n";
    space.write("inbox/bad.csv", format!("{HEADER}{rows}"));
    let ran = space.run(&["run"]).exits(3);
    let (_, document) = space.json(&["check", "inbox/bad.csv", "--currency", "GBP"]);
    let file = &document["files"][0];
    let count = |what: &str| file[what].as_i64().unwrap();
    assert_eq!(count("rows"), count("new") + count("repeated") + count("not_billable") + count("rejected"));
    assert_eq!(count("rows"), 11, "{file}");
    assert!(count("rejected") >= 8, "{file}");
    assert_eq!(space.sum("SELECT count(*) FROM rejection"), count("rejected"));
    ran.says(&[
        "bad.csv, row 3, column `Total Printed Pages`: found `many`, expected a whole number",
        "bad.csv, row 4, column `Date`: found `2026-10-32 10:02:00`",
        "bad.csv, row 6, column `Cost`: found `1.6.0`",
        "bad.csv, row 7, column `Cost`",
        "bad.csv, row 12, column `Cost`: found `EUR 1.00`",
    ]);
}

#[test]
fn a_file_cut_in_a_number_or_without_its_last_line_end() {
    // A finished export has no line end after its last row now and then: the row counts.
    let space = Space::empty();
    let text = october();
    space.write("inbox/october.csv", text.trim_end());
    space.run(&["run"]).exits(0);
    space.is_billed();
    // Cut in its last cells, a row lacks columns and is told of.
    let space = Space::empty();
    space.write("inbox/october.csv", text.trim_end().rsplit_once(",1,1.25").unwrap().0);
    space.run(&["run"]).exits(3).says(&["october.csv, row 4"]);
    assert_eq!(space.sum("SELECT count(*) FROM rejection"), 1);
    // A log that is still written to keeps its unfinished line for the next night.
    let space = Space::empty();
    let log = "PaperCut Print Logger - http://www.papercut.com/\n\
               Time,User,Pages,Copies,Printer,Document Name,Client,Paper Size,Language,Height,Width,Duplex,Grayscale,Size\n\
               2026-10-05 10:00:00,ann,1,1,MFD,\"plan.pdf\",PC,A4,PCL6,,,NOT DUPLEX,GRAYSCALE,19kb,\n";
    space.write("inbox/log.csv", format!("{log}2026-10-05 11:00:00,ben,5,1,MFD,\"half wr"));
    let (_, document) = space.json(&["run"]);
    assert_eq!(document["sites"][0]["reports"][0]["new"], 1, "{document}");
    let whole =
        "2026-10-05 11:00:00,ben,5,1,MFD,\"half written.pdf\",PC,A4,PCL6,,,NOT DUPLEX,GRAYSCALE,19kb,\n";
    space.write("inbox/log.csv", format!("{log}{whole}"));
    let (_, document) = space.json(&["run"]);
    let report = &document["sites"][0]["reports"][0];
    assert_eq!((&report["new"], &report["repeated"]), (&1.into(), &1.into()), "{document}");
    assert_eq!(space.sum("SELECT count(*) FROM job"), 2);
}

#[test]
fn the_same_bytes_under_another_name_count_once_and_a_shorter_file_takes_nothing_away() {
    let space = Space::new();
    space.write("inbox/copy of october.csv", october());
    space.run(&["run"]).exits(0);
    assert_eq!(space.sum("SELECT count(*) FROM report"), 1);
    let shorter = october();
    space.write("inbox/october.csv", shorter.rsplit_once("2026-10-06").unwrap().0);
    space.run(&["run"]);
    assert_eq!(space.sum("SELECT count(*) FROM job"), 2, "the second job stays");
    space.is_still_billed();
}

#[test]
fn a_log_that_grows_while_it_is_read_loses_and_doubles_nothing() {
    let space = Space::empty();
    let row = |n: u32| {
        format!(
            "2026-10-05 {:02}:{:02}:{:02},ann,MFD,doc-{n}.pdf,1,0,0.10\n",
            n / 3600 % 24,
            n / 60 % 60,
            n % 60
        )
    };
    space.write("inbox/log.csv", HEADER);
    let path = space.path("inbox/log.csv");
    let writer = std::thread::spawn(move || {
        let mut log = fs::OpenOptions::new().append(true).open(path).unwrap();
        for n in 0..20_000 {
            log.write_all(row(n).as_bytes()).unwrap();
        }
    });
    while !writer.is_finished() {
        let ran = space.run(&["ingest"]);
        assert!(matches!(ran.code, Some(0 | 1 | 3)), "{ran:?}");
        assert!(!ran.err.contains("panicked"), "{ran:?}");
    }
    writer.join().unwrap();
    space.json(&["ingest"]);
    assert_eq!(space.sum("SELECT count(*) FROM job"), 20_000);
    assert_eq!(space.sum("SELECT sum(cost) FROM job"), 20_000 * 100_000);
    assert_eq!(space.sum("SELECT count(*) FROM job WHERE occurrence > 1"), 0);
}

#[cfg(unix)]
#[test]
fn odd_names_loops_pipes_and_folders_do_not_stop_a_run() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let space = Space::new();
    fs::create_dir(space.path("inbox/folder.csv")).unwrap();
    fs::create_dir(space.path("inbox/deep")).unwrap();
    symlink(space.path("inbox"), space.path("inbox/deep/loop")).unwrap();
    symlink(space.path("inbox/nowhere"), space.path("inbox/dangling.csv")).unwrap();
    symlink(space.path("inbox/self.csv"), space.path("inbox/self.csv")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(space.path("inbox/pipe.csv")).status();
    assert!(made.unwrap().success());
    space.run(&["run"]).exits(0);
    space.is_billed();
    let names: [&[u8]; 5] =
        [b"a b 'c' \"d\".csv", b"line\nbreak.csv", b"bell\x07\x1b[31mred.csv", b"caf\xe9.csv", b"-rf.csv"];
    for (number, name) in names.into_iter().enumerate() {
        let row = format!("{HEADER}2026-11-01 10:00:00,ann,MFD,{number}.pdf,1,0,0.10\n");
        fs::write(space.path("inbox").join(OsStr::from_bytes(name)), row).unwrap();
    }
    let ran = space.run(&["run"]).exits(0);
    assert!(
        !ran.err.contains('\x1b') && !ran.err.contains('\x07'),
        "no control sign reaches the terminal: {ran:?}"
    );
    assert!(!ran.err.contains("line\nbreak"), "a name stays on its line: {ran:?}");
    assert_eq!(space.sum("SELECT count(*) FROM report"), 6);
    space.json(&["status"]);
}

#[cfg(unix)]
#[test]
fn a_report_behind_a_link_is_taken_in_or_told_of() {
    let space = Space::empty();
    space.write("elsewhere/october.csv", october());
    std::os::unix::fs::symlink(space.path("elsewhere/october.csv"), space.path("inbox/october.csv")).unwrap();
    let (_, document) = space.json(&["run"]);
    let taken = document["sites"][0]["reports"].as_array().unwrap().len();
    let told = document["sites"][0]["findings"].to_string().contains("october.csv");
    assert!(taken == 1 || told, "silently left out: {document}");
}

#[test]
fn a_file_that_is_still_being_copied_waits() {
    let space = Space::new().with("quiet_seconds = 0", "quiet_seconds = 3600");
    let (code, document) = space.json(&["run"]);
    assert_eq!(document["sites"][0]["left_for_next_run"], serde_json::json!(["october.csv"]), "{code:?}");
    assert_eq!(space.sum("SELECT count(*) FROM batch"), 0);
    space.edit("quiet_seconds = 3600", "quiet_seconds = 0");
    space.run(&["run"]);
    space.is_still_billed();
}

#[test]
fn an_encoding_that_nobody_knows_is_said_to_be_so() {
    let space =
        Space::new().with("quiet_seconds = 0", "quiet_seconds = 0\n[site.reports]\nencoding = \"klingon\"");
    space.fails(&["run"], 78, "configuration", &["klingon", "encoding"]);
    let (code, document) = space.json(&["check", "--encoding", "klingon", "inbox/october.csv"]);
    assert_ne!(code, Some(0), "{document}");
    assert!(document.to_string().contains("klingon"), "{document}");
}

#[test]
fn jobs_of_a_renamed_user_are_held_until_an_alias_makes_them_one() {
    let report = |user: &str| october().replace(",ann,", &format!(",{user},"));
    // However the second report came in: in the same run, or by hand before it.
    for before in [&["status"][..], &["ingest"]] {
        let space = Space::empty();
        space.write("members.csv", "id,name,usernames\nM1,Ann Kestrel,ann;ann.kestrel\nM2,Ben Lark,ben\n");
        space.write("inbox/1.csv", report("ann"));
        space.write("inbox/2.csv", report("ann.kestrel"));
        space.run(before);
        for _ in 0..2 {
            space.run(&["run"]).exits(3).says(&["error: ", "`ann.kestrel`", "[site.alias]"]);
            assert_eq!(space.sum("SELECT count(*) FROM batch"), 0, "{before:?}: held");
        }
        space.edit("quiet_seconds = 0", "quiet_seconds = 0\n[site.alias]\n\"ann\" = \"ann.kestrel\"");
        space.run(&["run"]).exits(0);
        space.is_still_billed();
        assert_eq!(space.sum("SELECT count(*) FROM finding WHERE open = 1 AND severity = 'error'"), 0);
    }
}

#[test]
fn rows_that_were_rejected_before_a_run_are_in_its_summary() {
    let space = Space::new();
    space.write(
        "inbox/november.csv",
        format!("{}2026-11-01 11:00:00,ann,MFD,b.pdf,many,0,0.20\n", november()),
    );
    space.run(&["ingest"]).exits(3);
    space.run(&["run"]).exits(3).says(&["november.csv, row 3, column `Total Printed Pages`: found `many`"]);
    space.run(&["run"]).exits(0);
    space.is_billed();
}

#[test]
fn what_a_report_brought_before_a_run_is_in_its_summary() {
    let space = Space::new();
    let typed = november().replace("Cost\n", "Cost,Job Type\n").replace("0.10\n", "0.10,PLOT\n");
    space.write("inbox/november.csv", typed);
    space.run(&["ingest"]).exits(3).says(&["`plot`"]);
    space.run(&["run"]).exits(3).says(&["november.csv, row 2", "`plot`"]);
    space.run(&["run"]).exits(0);
}

#[test]
fn a_copy_that_keeps_the_date_of_its_original_is_young_all_the_same() {
    let space = Space::new().with("quiet_seconds = 0", "quiet_seconds = 3600");
    let file = fs::OpenOptions::new().append(true).open(space.path("inbox/october.csv")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000)).unwrap();
    let (_, document) = space.json(&["run"]);
    assert_eq!(document["sites"][0]["left_for_next_run"], serde_json::json!(["october.csv"]));
}

#[test]
fn a_file_whose_date_is_far_in_the_future_does_not_wait_for_it() {
    let space = Space::new().with("quiet_seconds = 0", "quiet_seconds = 1");
    let file = fs::OpenOptions::new().append(true).open(space.path("inbox/october.csv")).unwrap();
    let far = std::time::UNIX_EPOCH + std::time::Duration::from_secs(7_258_118_400);
    file.set_modified(far).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    space.run(&["run"]).exits(0);
    space.is_billed();
}

#[test]
fn rows_that_could_not_be_read_are_looked_at_again_when_the_settings_change() {
    let space = Space::empty();
    let date = |day: u32| format!("{day:02}/10/2026 10:00:00,ann,MFD-1,a{day}.pdf,1,0,0.10\n");
    space.write(
        "inbox/october.csv",
        HEADER.to_owned() + &date(13) + &date(14) + "15/10/2026 10:00:00,ann,MFD-1,b.pdf,1,0,x\n",
    );
    let (_, document) = space.json(&["ingest"]);
    assert_eq!(
        (document["files"][0]["new"].as_i64(), document["files"][0]["rejected"].as_i64()),
        (Some(2), Some(1))
    );
    let (_, document) = space.json(&["ingest"]);
    assert_eq!(document["files"][0]["new"], 0, "nothing has changed");
    space.edit("quiet_seconds = 0\n", "quiet_seconds = 0\n[site.reports.columns]\n\"Other\" = \"other\"\n");
    let (_, document) = space.json(&["ingest"]);
    let file = &document["files"][0];
    let counts = ["new", "repeated", "rejected"].map(|key| file[key].as_i64().unwrap());
    assert_eq!(counts, [0, 2, 1], "read once more, and nothing counts twice");
    space.run(&["ingest"]).exits(0);
}
