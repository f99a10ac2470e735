//! Files that something appends to: grown, renamed, packed, cut, begun anew, changed.

use std::io::Write;

use crate::space::Space;

/// A space whose gateway writes a line a charge, without a time of day and without anything that tells lines apart.
fn space() -> Space {
    Space::empty().with(
        "quiet_seconds = 0\n",
        "quiet_seconds = 0\n[[site.layout]]\nname = \"gateway\"\ndelimiter = \"|\"\nfollow = true\n\
         columns = [\"date\", \"user\", \"printer\", \"pages\", \"cost\"]\nleave_out = { \"printer\" = [\"top up*\"] }\n",
    )
}

const ANN: &str = "2026-10-05|ann|MFD-1|2|0.20\n";

/// Jobs and cost that the ledger has.
fn totals(space: &Space) -> (i64, String) {
    let (_, totals) = space.json(&["totals"]);
    (totals["total"]["jobs"].as_i64().unwrap(), totals["total"]["cost"].as_str().unwrap().to_owned())
}

/// Takes in what lies in the inbox: codes of what was refused.
fn ingest(space: &Space) -> Vec<String> {
    let (_, document) = space.json(&["ingest"]);
    document["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn equal_lines_count_once_each_while_the_file_grows_and_is_rotated() {
    let space = space();
    let first =
        [ANN, ANN, "2026-10-05|ben|Top up by card|0|5.00\n", "2026-10-05|ben|MFD-1|x|0.30\n"].concat();
    space.write("inbox/charges.log", &first);
    assert!(ingest(&space).is_empty());
    assert_eq!(totals(&space), (2, "0.40".to_owned()));
    // A line more, equal to the first ones, and one that is still being written.
    let grown = [&first, ANN, "2026-10-06|ben|MF"].concat();
    space.write("inbox/charges.log", &grown);
    let (_, document) = space.json(&["ingest"]);
    let file = &document["files"][0];
    let counts =
        ["rows", "new", "repeated", "not_billable", "rejected"].map(|key| file[key].as_i64().unwrap());
    assert_eq!(counts, [5, 1, 3, 1, 0], "the line that was rejected is not told again");
    // Renamed, packed beside it, cut to its start, and begun anew with an equal line.
    let whole = [grown.as_str(), "D-1|1|0.10\n"].concat();
    space.write("inbox/charges.log.1", &whole);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(whole.as_bytes()).unwrap();
    space.write("inbox/charges.log.1.gz", packer.finish().unwrap());
    space.write("inbox/part.log", &whole[..ANN.len() * 2]);
    space.write("inbox/charges.log", "2026-10-06|ann|MFD-1|2|0.20\n2026-10-06|ben|MFD-1|1|0.10\n");
    assert!(ingest(&space).is_empty());
    assert_eq!(totals(&space), (6, "1.00".to_owned()));
    assert!(ingest(&space).is_empty());
    assert_eq!(totals(&space), (6, "1.00".to_owned()));
}

#[test]
fn a_changed_file_is_refused_and_its_lines_do_not_count_twice() {
    let space = space();
    let day = |day: u32| format!("2026-10-0{day}|ann|MFD-1|{day}|0.20\n");
    let lines: Vec<String> = (1..6).map(day).collect();
    space.write("inbox/charges.log", lines.concat());
    assert!(ingest(&space).is_empty());
    space.write("inbox/charges.log", lines.concat().replacen("|2|0.20", "|2|0.30", 1) + &day(7));
    assert_eq!(ingest(&space), ["followed-file-changed"]);
    space.write("inbox/charges.log", lines.concat().replacen("|1|0.20", "|1|0.30", 1) + &day(7));
    assert_eq!(ingest(&space), ["followed-file-changed"]);
    assert_eq!(totals(&space), (5, "1.00".to_owned()));
    space.write("inbox/charges.log", lines.concat() + &day(7));
    assert!(ingest(&space).is_empty());
    assert_eq!(totals(&space), (6, "1.20".to_owned()));
}

#[test]
fn a_line_that_the_layout_left_out_is_taken_once_it_does_not() {
    let space = space();
    space.write("inbox/charges.log", [ANN, "2026-10-05|ben|Top up|1|0.10\n"].concat());
    ingest(&space);
    assert_eq!(totals(&space).0, 1);
    space.edit("[\"top up*\"]", "[\"nothing\"]");
    space.write("inbox/charges.log", [ANN, "2026-10-05|ben|Top up|1|0.10\n", ANN].concat());
    assert!(ingest(&space).is_empty());
    assert_eq!(totals(&space), (3, "0.50".to_owned()));
}

#[test]
fn lines_with_a_time_are_known_wherever_they_stand() {
    let space = space();
    space.edit("\"date\", \"user\"", "\"time\", \"user\"");
    let line = |minute: u32| format!("2026-10-05 10:{minute:02}:07|ann|MFD-1|{minute}|0.10\n");
    let lines = |minutes: std::ops::Range<u32>| minutes.map(line).collect::<String>();
    space.write("inbox/charges.log", lines(1..6));
    space.write("inbox/other.log", lines(20..22));
    assert!(ingest(&space).is_empty());
    // Cut at its front; another file's lines at its end. A comment moves no line.
    space.write("inbox/charges.log", lines(4..9));
    assert_eq!(ingest(&space), ["followed-file-changed"]);
    space.write("inbox/charges.log", lines(1..6) + &lines(20..22));
    assert_eq!(ingest(&space), ["followed-file-changed"]);
    space.write("inbox/charges.log", "# by the gateway\n".to_owned() + &lines(1..6) + &line(30) + &line(30));
    assert!(ingest(&space).is_empty());
    assert_eq!(totals(&space), (9, "0.90".to_owned()));
}
