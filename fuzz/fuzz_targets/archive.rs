//! Archives: raw bytes of a gzip or ZIP file, and sound ones around any report or several files.
#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::{Corpus, fuzz_target};
use papertally::sources::ReadSettings;
use papertally_fuzz::{SEPARATOR, check, parts, workbook};

/// How the archives begin that papertally unpacks.
const STARTS: [&[u8]; 3] = [b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b"];

/// Most files in a ZIP that is put together here.
const FILES_MAX: usize = 8;

fuzz_target!(|data: &[u8]| -> Corpus {
    let settings = ReadSettings::default();
    if STARTS.iter().any(|start| data.starts_with(start)) {
        check(data, &settings);
        return Corpus::Keep;
    }
    let built = match data.split_first() {
        Some((b'g', rest)) => gzip(rest),
        Some((b'z', rest)) => zip(rest),
        _ => None,
    };
    let Some(archive) = built else { return Corpus::Reject };
    check(&archive, &settings);
    Corpus::Keep
});

/// One gzip member for each part, one behind the other.
fn gzip(data: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    for part in parts(data, FILES_MAX).into_iter().filter(|part| !part.is_empty()) {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(part).ok()?;
        whole.extend(encoder.finish().ok()?);
    }
    Some(whole)
}

/// A ZIP of names and contents in turn.
fn zip(data: &[u8]) -> Option<Vec<u8>> {
    let count = data.windows(SEPARATOR.len()).filter(|window| *window == SEPARATOR).count() + 1;
    let parts = parts(data, count.min(2 * FILES_MAX));
    let (pairs, _) = parts.as_chunks::<2>();
    let files: Vec<(String, &[u8])> =
        pairs.iter().map(|[name, bytes]| (String::from_utf8_lossy(name).into_owned(), *bytes)).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    workbook::zipped(&files)
}
