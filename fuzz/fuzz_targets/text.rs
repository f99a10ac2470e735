//! Delimited text: encodings, header, cells, dates, amounts and rows, with no container around them.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use papertally_fuzz::{check, settings};

/// Starts of files that other readers take; their own targets have them.
const OTHERS: [&[u8]; 6] =
    [b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"%PDF", b"{\\rtf"];

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((settings, text)) = settings(data) else { return Corpus::Reject };
    if OTHERS.iter().any(|start| text.starts_with(start)) || text.trim_ascii_start().starts_with(b"<") {
        return Corpus::Reject;
    }
    check(text, &settings);
    Corpus::Keep
});
