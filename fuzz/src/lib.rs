//! What all targets share: settings from the first bytes of an input, parts from the rest, and the reading itself with
//! all that has to hold for it.
//!
//! An input is `settings`, then one part or several with [`SEPARATOR`] between them. A target builds the file that its
//! reader expects around the parts, so that the fuzzer changes sheets and texts and not the checksums around them.

pub mod workbook;

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::OnceLock;

use papertally::domain::{Currency, DateOrder, DecimalMark, Period, ReportKind, Row};
use papertally::sources::{ColumnsText, LayoutText, ReadSettings, examine};

/// Stands between two parts of an input. No text has these bytes, and a sheet hardly ever.
pub const SEPARATOR: &[u8] = b"\xff\xfepart\xfe\xff";

/// Bytes of an input that choose settings.
const SETTINGS_BYTES: usize = 2;

/// Encodings that an operator may name: none, one byte a letter, two, and some of both.
const ENCODINGS: [Option<&str>; 8] = [
    None,
    Some("windows-1252"),
    Some("iso-8859-2"),
    Some("koi8-r"),
    Some("utf-16"),
    Some("shift_jis"),
    Some("gb18030"),
    Some("iso-2022-jp"),
];

/// Takes the settings from the start of an input; `None` where it is too short.
pub fn settings(data: &[u8]) -> Option<(ReadSettings, &[u8])> {
    let (&[first, second], rest) = data.split_first_chunk::<SETTINGS_BYTES>()?;
    let (first, second) = (usize::from(first), usize::from(second));
    let settings = ReadSettings {
        date_order: [None, Some(DateOrder::Ymd), Some(DateOrder::Dmy), Some(DateOrder::Mdy)][first & 3],
        decimal_mark: [None, Some(DecimalMark::Point), Some(DecimalMark::Comma), None][first >> 2 & 3],
        encoding: ENCODINGS[first >> 4 & 7].map(str::to_owned),
        aliases: match first >> 7 {
            0 => Vec::new(),
            _ => vec![("Druckkosten".to_owned(), "cost".to_owned())],
        },
        kind: ReportKind::ALL.get((second & 15).wrapping_sub(1)).copied(),
        currency: if second & 16 == 0 { None } else { Currency::new("EUR") },
        time_zone: if second & 32 == 0 { None } else { "Europe/Belgrade".parse().ok() },
        period: if second & 64 == 0 { None } else { period() },
        layouts: if second & 128 == 0 { Vec::new() } else { layouts() },
        sheets: Vec::new(),
    };
    Some((settings, rest))
}

/// Layouts of an operator's: with a header and without, followed, filtered, with dates in a form of their own.
fn layouts() -> Vec<LayoutText> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    let kiosk = LayoutText {
        name: "kiosk".to_owned(),
        columns: ColumnsText::ByHeader(
            [pair("Wann", "time"), pair("Konto", "account"), pair("Betrag", "cost")].into(),
        ),
        constants: [pair("printer", "Kiosk"), pair("pages", "1")].into(),
        types: [pair("KOP", "copy")].into(),
        date_format: "%d.%m.%y %Hh%M".to_owned(),
        only: [("Art".to_owned(), words(&["KOP", "*druck*", ""]))].into(),
        charges: "negative".to_owned(),
        ..LayoutText::default()
    };
    let gateway = LayoutText {
        name: "gateway".to_owned(),
        columns: ColumnsText::ByPosition(words(&[
            "account", "date", "time", "user", "-", "pages", "cost", "document",
        ])),
        delimiter: "|".to_owned(),
        more_columns: true,
        quotes: Some(false),
        follow: true,
        leave_out: [("document".to_owned(), words(&["top up*"]))].into(),
        personal: "user".to_owned(),
        ..LayoutText::default()
    };
    let sums = LayoutText {
        name: "sums".to_owned(),
        rows: "sums".to_owned(),
        columns: ColumnsText::ByPosition(words(&["user", "pages", "cost"])),
        ..LayoutText::default()
    };
    vec![kiosk, gateway, sums]
}

/// A month that most samples lie in.
fn period() -> Option<Period> {
    Period::parse("2024-09", "2024-10-05".parse().ok()?).ok()
}

/// The parts of an input, at most `count`; those that are missing are empty.
pub fn parts(mut data: &[u8], count: usize) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while parts.len() + 1 < count {
        let Some(at) = data.windows(SEPARATOR.len()).position(|window| window == SEPARATOR) else { break };
        parts.push(&data[..at]);
        data = &data[at + SEPARATOR.len()..];
    }
    parts.push(data);
    parts.resize(count, b"");
    parts
}

/// A part, or what stands for it where it is empty.
pub fn or<'p>(part: &'p [u8], default: &'p [u8]) -> &'p [u8] {
    if part.is_empty() { default } else { part }
}

/// The folder of this process, in memory where the system has such a place.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = root.join(format!("papertally-fuzz-{}", process::id()));
        fs::create_dir_all(&folder).expect("the fuzzer needs a folder that it can write to");
        let _ = tempfile::env::override_temp_dir(&folder);
        folder
    })
}

/// Writes a file of this process anew and gives its path.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("the fuzzer needs a folder that it can write to");
    path
}

/// Reads a report twice and checks what has to hold for any bytes.
pub fn check(bytes: &[u8], settings: &ReadSettings) {
    let path = file("report", bytes);
    let (once, twice) = (outcome(&path, settings), outcome(&path, settings));
    assert_eq!(once, twice, "the same bytes were read in two ways");
}

/// What became of a report: what it is and all that was handed over, or why it was refused.
fn outcome(path: &Path, settings: &ReadSettings) -> Result<String, String> {
    let mut report = examine(path, settings).map_err(|error| {
        // Messages and hints are made from the bytes too.
        let configuration = error.configuration();
        format!("{} at {:?}: {error}; {}; {configuration:?}", error.code(), error.row(), error.hint())
    })?;
    let facts = format!("{:?}", report.facts());
    let (mut taken, mut rejected) = (0, 0);
    let mut digest = Digest(DefaultHasher::new());
    let totals = report.read(|row| {
        match &row {
            Row::Job(_) | Row::Sum(_) | Row::Balance(_) | Row::LeftOut { .. } => taken += 1,
            Row::Place(_) => {}
            Row::Rejected(rejection) => {
                rejected += 1;
                let _ = digest.write_str(&rejection.message());
            }
            Row::Finding(finding) => {
                let _ = write!(digest, "{finding}");
            }
        }
        write!(digest, "{row:?}")
    });
    let totals = match totals {
        Ok(totals) => totals,
        Err(error) => panic!("the report was examined and could not be read: {error}"),
    };
    assert_eq!((totals.taken, totals.rejected), (taken, rejected), "rows were handed over and not counted");
    Ok(format!("{facts} {totals:?} {:x}", digest.0.finish()))
}

/// Rows are compared by their hash: a million of them would not fit.
struct Digest(DefaultHasher);

impl std::fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
