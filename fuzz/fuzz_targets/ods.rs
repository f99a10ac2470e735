//! OpenDocument sheets: their content, and what the manifest says of it.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use papertally_fuzz::{check, parts, settings, workbook};

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((settings, rest)) = settings(data) else { return Corpus::Reject };
    let Some(book) = parts(rest, 2).try_into().ok().and_then(workbook::ods) else { return Corpus::Reject };
    check(&book, &settings);
    Corpus::Keep
});
