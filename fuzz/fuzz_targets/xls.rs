//! Old workbooks: their records in a sound compound file, or a whole file whose sectors are changed too.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use papertally_fuzz::{check, settings, workbook};

/// How each compound file begins.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((settings, bytes)) = settings(data) else { return Corpus::Reject };
    if bytes.starts_with(COMPOUND) {
        check(bytes, &settings);
        return Corpus::Keep;
    }
    let Some(book) = workbook::xls(bytes) else { return Corpus::Reject };
    check(&book, &settings);
    Corpus::Keep
});
