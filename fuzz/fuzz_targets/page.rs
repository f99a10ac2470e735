//! HTML pages: tokens, tables within tables, spans, the day in the title, and encodings that a page states.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use papertally_fuzz::{check, settings};

/// Starts with which a file may be a page: a tag, or a byte order mark before it.
const STARTS: [&[u8]; 4] = [b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((settings, page)) = settings(data) else { return Corpus::Reject };
    if STARTS.iter().any(|start| page.starts_with(start)) {
        check(page, &settings);
    } else {
        check(&[b"<html>", page].concat(), &settings);
    }
    Corpus::Keep
});
