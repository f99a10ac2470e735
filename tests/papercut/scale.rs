//! A large server: one call for each user and account, and one for each page of names. Run it with
//! `cargo test --release --test papercut scale -- --ignored --nocapture`.

use std::time::Instant;

use crate::double::Double;
use crate::harbour::{Harbour, people};

#[test]
#[ignore = "twenty thousand users take a while"]
fn a_university_is_read_with_one_call_for_each() {
    let mut server = people();
    for number in 0..19_998 {
        server = server.with_user(&format!("user{number:05}"), 0);
    }
    for number in 0..1_999 {
        server = server.with_account(&format!("Department {number:04}"), 100 + number, 0);
    }
    let harbour = Harbour::at(Double::start(server), "");
    let start = Instant::now();
    harbour.run("2026-10-02T03:00:00");
    let first = start.elapsed();
    // 21 pages of users (the last one empty) and 3 of accounts, the server's own count, and one call each.
    assert_eq!(harbour.double.server().calls.len(), 22_000 + 21 + 3 + 1);
    assert_eq!(harbour.space.sum("SELECT call_count FROM snapshot"), 22_025);
    harbour.double.server().calls.clear();
    let start = Instant::now();
    harbour.run("2026-10-03T03:00:00");
    let second = start.elapsed();
    // A night in which no balance moves adds no reading.
    assert_eq!(harbour.space.sum("SELECT count(*) FROM reading"), 22_000);
    eprintln!("first night {first:.1?}, second {second:.1?}");
    let start = Instant::now();
    harbour.space.run(&["--as-of", "2026-10-03T09:00:00", "--json", "balances"]).exits(0);
    eprintln!("balances {:.1?}", start.elapsed());
}

#[test]
#[ignore = "a hundred thousand jobs take a while"]
fn a_large_month_is_settled_in_one_pass() {
    const USERS: usize = 2_000;
    const JOBS: usize = 100_000;
    let mut server = people();
    let mut members = "id,name,usernames\n".to_owned();
    for number in 0..USERS {
        server = server.with_user(&format!("u{number:04}"), -1_000_000);
        members.push_str(&format!("N{number},Number {number},u{number:04}\n"));
    }
    let harbour = Harbour::at(Double::start(server), "balance_changes = \"invoiced\"");
    harbour.space.write("members.csv", members);
    let rows: String = (0..JOBS)
        .map(|number| {
            let (day, minute) = (number % 28 + 1, number % 1_440);
            let time = format!("2026-10-{day:02} {:02}:{:02}:00", minute / 60, minute % 60);
            format!("{time},u{:04},,MFD,d{number}.pdf,1,0,0.02,NOT_REFUNDED\n", number % USERS)
        })
        .collect();
    harbour.double.server().config.insert("log".to_owned(), rows);
    harbour.report("2026-10-01", "2026-10-31");
    let steps: [&[&str]; 4] =
        [&["ingest"], &["bill", "--period", "2026-10", "--issue"], &["balances", "--adjust"], &["run"]];
    for step in steps {
        let start = Instant::now();
        let ran = harbour.space.run(&[&["--as-of", "2026-11-02T06:00:00"], step].concat());
        eprintln!("{step:?} {:?} {:.2?}", ran.code, start.elapsed());
    }
    assert_eq!(harbour.changes().len(), USERS);
    assert_eq!(harbour.space.sum("SELECT count(*) FROM settlement"), 100_000);
}
