//! A print log of any length that looks like a busy year: 15 columns, in the order of time, always the same bytes.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

/// Users of the generated space.
pub(crate) const USERS: u64 = 800;

/// Teams of the generated space; each has a shared account with sub-accounts.
pub(crate) const TEAMS: u64 = 60;

const SUB_ACCOUNTS: u64 = 8;
const PRINTERS: u64 = 12;
const CLIENTS: u64 = 900;

/// 2025-01-01 00:00:00, the first second of the log.
const FIRST_SECOND: i64 = 1_735_689_600;

const YEAR_SECONDS: u64 = 365 * 24 * 60 * 60;

const HEADER: &str = "Date,Username,Full Name,Shared Account Parent Name,Shared Account Sub Name,Printer Name,\
                      Document,Total Printed Pages,Total Color Pages,Duplex Pages,Grayscale,Paper Size,Job Type,\
                      Client,Cost";

const DOCUMENTS: [&str; 8] = [
    "Lease draft",
    "Ground floor plan",
    "Minutes of the board",
    "Übersicht Frühjahr",
    "Galley proof",
    "Price list",
    "\"Tickets, outward and return\"",
    "Microsoft Word - Tender",
];

/// Which of two files with the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bytes {
    First,
    /// One more filter in the comment line, so that the report is another one and each row is looked up.
    Other,
}

/// Writes the log.
pub(crate) fn write(path: &Path, rows: u64, bytes: Bytes) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let filter = match bytes {
        Bytes::First => "",
        Bytes::Other => ", Printer = [All printers]",
    };
    writeln!(out, "# Print logs by user")?;
    writeln!(out, "\"# From date = Jan 1, 2025 12:00:00 AM, To date = Dec 31, 2025 11:59:59 PM{filter}\"")?;
    writeln!(out, "{HEADER}")?;
    let mut random = Random(0x5eed);
    let mut row = String::new();
    for number in 0..rows {
        // Now and then two equal jobs in one second: a member pressed the button twice.
        let is_twin = number > 0 && random.below(2_000) == 0;
        if !is_twin {
            row = job(second(number, rows), &mut random);
        }
        writeln!(out, "{row}")?;
    }
    out.flush()
}

/// The rows are spread evenly over the year.
fn second(number: u64, rows: u64) -> DateTime<Utc> {
    let seconds = u128::from(number) * u128::from(YEAR_SECONDS) / u128::from(rows);
    let since = TimeDelta::seconds(i64::try_from(seconds).unwrap_or_default());
    DateTime::from_timestamp(FIRST_SECOND, 0).unwrap_or_default() + since
}

fn job(time: DateTime<Utc>, random: &mut Random) -> String {
    let user = random.below(USERS);
    let account = match random.below(3) {
        0 => format!("Team {:02},Project {}", random.below(TEAMS), random.below(SUB_ACCOUNTS)),
        _ => ",".to_owned(),
    };
    let printer = random.below(PRINTERS);
    let document = DOCUMENTS[usize::try_from(random.below(8)).unwrap_or_default()];
    // The number stands inside the quotes of a quoted name.
    let document = match document.strip_suffix('"') {
        Some(open) => format!("{open} {}\"", random.below(100_000)),
        None => format!("{document} {}.pdf", random.below(100_000)),
    };
    let pages = 1 + random.below(4) * random.below(8);
    let colour = if random.below(4) == 0 { random.below(pages + 1) } else { 0 };
    let duplex = if random.below(2) == 0 { pages - pages % 2 } else { 0 };
    let grayscale = if colour == 0 { 'Y' } else { 'N' };
    let job_type = if random.below(10) == 0 { "COPY" } else { "PRINT" };
    let cents = (pages - colour) * 5 + colour * 25;
    format!(
        "{},user{user:04},First{user:04} Last{user:04},{account},print-01\\mfd-{printer:02},{document},{pages},{colour},\
         {duplex},{grayscale},A4,{job_type},PC-{:04},{}.{:02}",
        time.format("%Y-%m-%d %H:%M:%S"),
        random.below(CLIENTS),
        cents / 100,
        cents % 100
    )
}

/// SplitMix64: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
