//! Binary workbooks: the records of a sheet, of its texts and styles, and of the list of sheets.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use papertally_fuzz::{check, parts, settings, workbook};

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((settings, rest)) = settings(data) else { return Corpus::Reject };
    let Some(book) = parts(rest, 4).try_into().ok().and_then(workbook::xlsb) else { return Corpus::Reject };
    check(&book, &settings);
    Corpus::Keep
});
