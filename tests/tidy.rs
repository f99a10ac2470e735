//! Reads the repository itself: layers keep to themselves, each crate stays with its owner, and what README
//! promises to describe is described. What a compiler or clippy can check is not checked here.

#![expect(clippy::unwrap_used, reason = "a test stops where the repository's own files are missing")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use papertally::cli::{World, run};
use papertally::config::KEYS;
use papertally::outputs::templates::EMBEDDED;
use regex::Regex;

/// Each layer with those that it may name.
const LAYERS: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("ledger", &["domain"]),
    ("sources", &["domain"]),
    ("papercut", &["domain"]),
    ("outputs", &["domain"]),
    ("config", &["domain", "ledger", "sources", "papercut", "outputs"]),
    ("run", &["domain", "ledger", "sources", "papercut", "outputs", "config"]),
    ("cli", &["domain", "ledger", "sources", "papercut", "outputs", "config", "run"]),
];

/// Crates that belong to some layers only. An entry after `+` is for that layer's tests.
const CRATES: [(&str, &[&str]); 16] = [
    ("calamine", &["sources", "+outputs"]),
    ("clap", &["cli"]),
    ("comfy_table", &["cli"]),
    ("cron", &["domain"]),
    ("csv", &["sources", "outputs"]),
    ("indicatif", &["cli"]),
    ("lettre", &["outputs"]),
    ("minijinja", &["outputs"]),
    ("reqwest", &["papercut"]),
    ("roxmltree", &["papercut"]),
    ("rusqlite", &["ledger"]),
    ("rust_xlsxwriter", &["outputs"]),
    ("rustls", &["papercut"]),
    ("strsim", &["sources", "config"]),
    ("toml", &["sources", "config"]),
    ("walkdir", &["run"]),
];

/// What pure code cannot name.
const NOT_IN_DOMAIN: [&str; 6] = ["serde", "std::fs", "std::io", "std::net", "SystemTime", "std::process"];

/// Longest file without its tests: past it, a second idea lives there.
const FILE_LINES_MAX: usize = 600;

/// The commands that are agreed, and `directory`, in their order.
const COMMANDS: [&str; 15] = [
    "init",
    "check",
    "directory",
    "ingest",
    "totals",
    "bill",
    "run",
    "deliver",
    "balances",
    "reverse",
    "report",
    "explain",
    "status",
    "doctor",
    "schedule",
];

/// A source file.
struct Source {
    /// Its path from the repository's root.
    path: PathBuf,
    text: String,
}

impl Source {
    /// The code without comments, above and below the line where its tests begin.
    fn code(&self) -> (String, String) {
        let without_comments = |text: &str| {
            let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            lines.collect::<Vec<_>>().join("\n")
        };
        let at = self.text.find("#[cfg(test)]\nmod tests").unwrap_or(self.text.len());
        (without_comments(&self.text[..at]), without_comments(&self.text[at..]))
    }

    fn layer(&self) -> &str {
        let second = self.path.iter().nth(1).and_then(|name| name.to_str()).unwrap();
        second.trim_end_matches(".rs")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below a folder, by their paths from the root; what a run of the samples wrote is left out.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root()).unwrap().to_owned();
        if !path.is_dir() {
            found.push(name);
        } else if name != Path::new("sample-reports/out") {
            found.extend(files(name.to_str().unwrap()));
        }
    }
    found.sort();
    found
}

fn sources(folder: &str) -> Vec<Source> {
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "rs");
    let paths = files(folder).into_iter().filter(is_rust);
    paths.map(|path| Source { text: text(path.to_str().unwrap()), path }).collect()
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_layer_names_another_beside_or_above_it() {
    let named = Regex::new(r"crate::([a-z_]+|\{)").unwrap();
    let mut faults = Vec::new();
    for source in sources("src").iter().filter(|source| source.path.components().count() > 2) {
        let (_, below) = LAYERS.iter().find(|(layer, _)| *layer == source.layer()).unwrap();
        let (code, tests) = source.code();
        for found in named.captures_iter(&format!("{code}\n{tests}")) {
            // `use crate::{…}` would hide from this test what it names.
            if &found[1] != source.layer() && !below.contains(&&found[1]) {
                faults.push(format!("{}: names `crate::{}`", source.path.display(), &found[1]));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn each_crate_stays_with_its_owner() {
    let sources = sources("src");
    let codes: Vec<(&Source, (String, String))> =
        sources.iter().map(|source| (source, source.code())).collect();
    let mut faults = Vec::new();
    for (name, owners) in CRATES {
        let used = Regex::new(&format!(r"\b{name}::")).unwrap();
        for (source, (code, tests)) in codes.iter().filter(|(source, _)| !owners.contains(&source.layer())) {
            let in_tests = owners.contains(&format!("+{}", source.layer()).as_str());
            if used.is_match(code) || (used.is_match(tests) && !in_tests) {
                faults.push(format!("{}: uses {name}, which belongs to {owners:?}", source.path.display()));
            }
        }
    }
    for (source, (code, _)) in codes.iter().filter(|(source, _)| source.layer() == "domain") {
        for name in NOT_IN_DOMAIN.iter().filter(|name| code.contains(*name)) {
            faults.push(format!("{}: names {name}, but the domain is pure", source.path.display()));
        }
    }
    assert_none(&faults);
}

#[test]
fn files_have_a_head_and_one_idea() {
    let mut faults = Vec::new();
    for source in ["src", "tests", "benches"].iter().flat_map(|folder| sources(folder)) {
        if !source.text.starts_with("//! ") {
            faults.push(format!("{}: no `//!` head says what it is for", source.path.display()));
        }
        let at = source.text.find("#[cfg(test)]\nmod tests").unwrap_or(source.text.len());
        let lines = source.text[..at].lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("{}: {lines} lines", source.path.display()));
        }
    }
    assert_none(&faults);
}

#[test]
fn no_file_has_words_that_belong_nowhere() {
    // Put together here, so that this file has none of them.
    let words = [
        ["to", "do!("].concat(),
        ["un", "implemented!("].concat(),
        ["FIX", "ME"].concat(),
        ["/wo", "rk/"].concat(),
    ];
    let mut paths: Vec<PathBuf> = ["src", "tests", "benches", "templates", "sample-reports"]
        .iter()
        .flat_map(|folder| files(folder))
        .collect();
    paths.extend(["Cargo.toml", "README.md", "CHANGELOG.md", "crontab.example"].map(PathBuf::from));
    let mut faults = Vec::new();
    for path in paths {
        let bytes = fs::read(root().join(&path)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for word in words.iter().filter(|word| text.contains(word.as_str())) {
            faults.push(format!("{}: {word}", path.display()));
        }
    }
    assert_none(&faults);
}

/// What the command line lists as its commands.
fn commands() -> Vec<String> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut world = World {
        clock: SystemTime::UNIX_EPOCH,
        environment: &|_| None,
        folder: PathBuf::new(),
        is_terminal: false,
        out: &mut out,
        err: &mut err,
    };
    assert_eq!(run(&["papertally".into(), "--help".into()], &mut world), 0);
    let help = String::from_utf8(out).unwrap();
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect()
}

#[test]
fn commands_are_those_agreed_and_readme_has_them() {
    assert_eq!(commands(), COMMANDS);
    let readme = text("README.md");
    let missing = COMMANDS.iter().filter(|name| !readme.contains(&format!("\n| `{name}` | ")));
    assert_none(&missing.map(|name| format!("README.md: no line on `{name}`")).collect::<Vec<_>>());
}

#[test]
fn readme_has_each_key_exit_code_and_template() {
    let readme = text("README.md");
    let mut faults = Vec::new();
    for key in KEYS.iter().filter(|key| !readme.contains(&format!("`{key}`"))) {
        faults.push(format!("README.md: no line on the key `{key}`"));
    }
    let codes = Regex::new(r"Exit::\w+ => (\d+),").unwrap();
    let failure = text("src/cli/failure.rs");
    let codes: BTreeSet<&str> =
        codes.captures_iter(&failure).map(|found| found.get(1).unwrap().as_str()).collect();
    assert_eq!(codes, BTreeSet::from(["0", "1", "2", "3", "4", "75", "78"]));
    let crontab = text("crontab.example");
    for code in codes {
        if !readme.contains(&format!("\n| {code} | ")) {
            faults.push(format!("README.md: no line on exit code {code}"));
        }
        if !crontab.contains(&format!("\n#   {code} ")) {
            faults.push(format!("crontab.example: no line on exit code {code}"));
        }
    }
    for (name, _) in EMBEDDED.iter().filter(|(name, _)| !readme.contains(&format!("`{name}`"))) {
        faults.push(format!("README.md: no word on the template {name}"));
    }
    assert_none(&faults);
}

#[test]
fn readme_leads_to_what_is_there() {
    let readme = text("README.md");
    let anchors: BTreeSet<String> = readme
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
        .map(|title| title.to_lowercase().replace(' ', "-"))
        .collect();
    let mut faults = Vec::new();
    for found in Regex::new(r"\]\(([^)]+)\)").unwrap().captures_iter(&readme) {
        let leads = match found[1].strip_prefix('#') {
            Some(anchor) => anchors.contains(anchor),
            None => found[1].starts_with("https://") || root().join(&found[1]).exists(),
        };
        if !leads {
            faults.push(format!("README.md: nothing is at {}", &found[1]));
        }
    }
    assert_none(&faults);
}

/// Reports in `inbox` are counted by `samples.rs`; a file in another place that nothing names is used by nobody.
#[test]
fn each_sample_and_each_case_is_used() {
    let samples = ["sample-reports/papertally.toml", "tests/samples.rs", "README.md"].map(text).concat();
    let cases = text("tests/cases/cases.toml");
    let mut faults = Vec::new();
    for path in files("sample-reports") {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap();
        if !path.starts_with("sample-reports/inbox") && !samples.contains(name) {
            faults.push(format!("{}: nothing uses it", path.display()));
        }
    }
    for path in files("tests/cases").iter().filter(|path| !path.ends_with("cases.toml")) {
        let below = path.strip_prefix("tests/cases").unwrap().display().to_string();
        if !cases.contains(&below) {
            faults.push(format!("{}: no case uses it", path.display()));
        }
    }
    assert_none(&faults);
}
