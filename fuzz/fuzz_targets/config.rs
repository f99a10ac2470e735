//! Configuration: TOML text, and assignments of the command line that are put into it.
#![no_main]

use std::path::Path;

use libfuzzer_sys::{Corpus, fuzz_target};
use papertally::config::Config;
use papertally_fuzz::parts;

fuzz_target!(|data: &[u8]| -> Corpus {
    let parts = parts(data, 2);
    let texts: Vec<&str> = parts.iter().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    let [text, assignments] = texts.as_slice() else { return Corpus::Reject };
    let overrides: Vec<String> = assignments.lines().map(str::to_owned).collect();
    let outcome = || {
        Config::parse(Path::new("/etc/papertally/papertally.toml"), text, &overrides)
            .map_err(|error| error.to_string())
    };
    assert_eq!(outcome(), outcome(), "the same text was read in two ways");
    Corpus::Keep
});
