//! Speed of the main job: import, the same rows by other bytes, and the bill of one month.
//!
//! `cargo bench` measures a generated print log and prints a table. It measures through the command line, as
//! cron does, and asserts no time: a slow machine is no failure. Beside that it makes the files for
//! `against-sqlite3.sh` and `against-polars.sh`:
//!
//! ```text
//! cargo bench --bench main_job -- generate ROWS FILE [--variant]
//! cargo bench --bench main_job -- space FOLDER
//! cargo bench --bench main_job -- workbook LOG FILE
//! cargo bench --bench main_job -- read FILE
//! ```

mod print_log;
mod space;
mod workbook;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use papertally::cli::{World, run};
use papertally::sources::{self, ReadSettings};

use print_log::Bytes;

/// Rows of `cargo bench`: enough for a steady figure, few enough to wait for.
const ROWS: u64 = 200_000;

/// The month that is billed: one of the twelve of the generated year.
const PERIOD: &str = "2025-06";

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is a program of its own: argv and stdout are read here"
)]
fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Cargo adds `--bench`; without it, it is only trying whether the benchmark builds and starts.
    let is_measured = arguments.iter().any(|argument| argument == "--bench");
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    match words[..] {
        ["generate", rows, file] => print_log::write(Path::new(file), count(rows)?, Bytes::First),
        ["generate", rows, file, "--variant"] => {
            print_log::write(Path::new(file), count(rows)?, Bytes::Other)
        }
        ["space", folder] => space::write(Path::new(folder)),
        ["workbook", log, file] => workbook::write(Path::new(log), Path::new(file)),
        ["read", file] => writeln!(io::stdout(), "{}", seconds(read(Path::new(file))?)),
        [] if is_measured => measure(&mut io::stdout()),
        [] => Ok(()),
        _ => Err(io::Error::other(
            "expected nothing, `generate ROWS FILE [--variant]`, `space FOLDER`, `workbook LOG FILE` or `read FILE`",
        )),
    }
}

fn count(text: &str) -> io::Result<u64> {
    text.parse().map_err(|_| io::Error::other(format!("found `{text}`, expected a number of rows")))
}

/// Reads a report, both passes and every row, without a ledger.
fn read(path: &Path) -> io::Result<Duration> {
    let start = Instant::now();
    let mut report = sources::examine(path, &ReadSettings::default()).map_err(io::Error::other)?;
    let mut rows = 0_u64;
    let read = report.read(|_| {
        rows += 1;
        Ok::<(), io::Error>(())
    });
    read.map_err(|error| io::Error::other(error.to_string()))?;
    if rows == 0 { Err(io::Error::other("the report has no rows")) } else { Ok(start.elapsed()) }
}

/// Makes two logs of the same rows and measures each step once, in the order of a real month.
fn measure(out: &mut dyn Write) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (first, other) = (folder.path().join("first.csv"), folder.path().join("other.csv"));
    print_log::write(&first, ROWS, Bytes::First)?;
    print_log::write(&other, ROWS, Bytes::Other)?;
    space::write(folder.path())?;
    let size_bytes = std::fs::metadata(&first)?.len();
    writeln!(out, "{ROWS} rows, {} MB", size_bytes / 1_000_000)?;
    writeln!(out, "{:<24} {:>9} {:>11} {:>7}", "step", "seconds", "rows/s", "MB/s")?;
    let import = papertally(folder.path(), &["ingest", "first.csv"])?;
    line(out, "import", import, size_bytes)?;
    let again = papertally(folder.path(), &["ingest", "other.csv"])?;
    line(out, "same rows, other bytes", again, size_bytes)?;
    let bill = papertally(folder.path(), &["--json", "bill", "--period", PERIOD])?;
    writeln!(out, "{:<24} {:>9}", "bill of one month", seconds(bill))
}

fn line(out: &mut dyn Write, step: &str, took: Duration, size_bytes: u64) -> io::Result<()> {
    let microseconds = took.as_micros().max(1);
    let rows = u128::from(ROWS) * 1_000_000 / microseconds;
    let megabytes = u128::from(size_bytes) / microseconds;
    writeln!(out, "{step:<24} {:>9} {rows:>11} {megabytes:>7}", seconds(took))
}

fn seconds(took: Duration) -> String {
    format!("{}.{:03}", took.as_secs(), took.subsec_millis())
}

/// Runs one command in the folder and says how long it took. Findings are no failure here.
fn papertally(folder: &Path, words: &[&str]) -> io::Result<Duration> {
    let arguments: Vec<OsString> = ["papertally"].iter().chain(words).map(OsString::from).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut world = World {
        // The configuration fixes "now".
        clock: SystemTime::UNIX_EPOCH,
        environment: &|_| None,
        folder: folder.to_owned(),
        is_terminal: false,
        out: &mut out,
        err: &mut err,
    };
    let start = Instant::now();
    let code = run(&arguments, &mut world);
    let took = start.elapsed();
    match code {
        0 | 3 => Ok(took),
        _ => Err(io::Error::other(format!(
            "papertally {} ended with {code}: {}",
            words.join(" "),
            String::from_utf8_lossy(&err)
        ))),
    }
}
