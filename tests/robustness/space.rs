//! A small space in a temporary folder, and the program run on it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rusqlite::types::ValueRef;
use serde_json::Value;

/// One site, two members at PaperCut's cost, October 2026 due; mail into a folder.
pub(crate) const CONFIG: &str = r#"
as_of = "2026-11-02T06:00:00"
[ledger]
path = "books/ledger.sqlite"
[output]
folder = "out"
[[site]]
name = "main"
time_zone = "Europe/London"
currency = "GBP"
inbox = ["inbox"]
quiet_seconds = 0
[directory]
members = "members.csv"
teams = "teams.csv"
[[tax]]
name = "VAT 20%"
percent = "20"
[[plan]]
name = "standard"
basis = "cost"
tax = "VAT 20%"
[billing]
default_plan = "standard"
first_period = "2026-10"
schedule = "0 6 2 * *"
[[receiver]]
name = "xero"
format = "xero-sales-csv"
account_code = "200"
date_order = "dmy"
[receiver.tax_types]
"VAT 20%" = "20% (VAT on Income)"
[[receiver]]
name = "lines"
format = "csv"
[[receiver]]
name = "lines-json"
format = "json"
[mail]
transport = "folder"
from = "papertally@space.example"
to = ["finance@space.example"]
attach = ["lines"]
"#;

/// The header of the space's print logs.
pub(crate) const HEADER: &str =
    "Date,Username,Printer Name,Document,Total Printed Pages,Total Color Pages,Cost\n";

/// A folder with a configuration, a directory and an inbox. Gone when dropped.
pub(crate) struct Space {
    folder: tempfile::TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// stdout.
    pub out: String,
    /// stderr.
    pub err: String,
}

impl Ran {
    fn of(output: Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// Asserts that stderr holds each of these texts.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Ran {
        for part in parts {
            assert!(self.err.contains(part), "no `{part}` in\n{}", self.err);
        }
        self
    }

    /// stdout as exactly one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Space {
    /// A space without reports.
    pub(crate) fn empty() -> Space {
        let space = Space { folder: tempfile::tempdir().unwrap() };
        space.write("papertally.toml", CONFIG);
        space.write("members.csv", "id,name,usernames\nM1,Ann Kestrel,ann\nM2,Ben Lark,ben\n");
        space.write("teams.csv", "id,name\n");
        fs::create_dir(space.path("inbox")).unwrap();
        space
    }

    /// A space with October's report, 1.55 in two jobs.
    pub(crate) fn new() -> Space {
        let space = Space::empty();
        space.write("inbox/october.csv", &october());
        space
    }

    /// The samples that come with papertally, copied.
    pub(crate) fn samples() -> Space {
        let space = Space { folder: tempfile::tempdir().unwrap() };
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-reports");
        for name in ["papertally.toml", "members.csv", "teams.csv", "accounts.csv"] {
            fs::copy(samples.join(name), space.path(name)).unwrap();
        }
        fs::create_dir(space.path("inbox")).unwrap();
        for file in fs::read_dir(samples.join("inbox")).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), space.path("inbox").join(file.file_name())).unwrap();
        }
        space
    }

    /// The same space with another configuration text.
    pub(crate) fn with(self, from: &str, to: &str) -> Space {
        self.edit(from, to);
        self
    }

    /// Replaces a text of the configuration, which has to be there.
    #[track_caller]
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let config = fs::read_to_string(self.path("papertally.toml")).unwrap();
        assert!(config.contains(from), "no `{from}` in the configuration");
        self.write("papertally.toml", &config.replace(from, to));
    }

    /// A path of the space.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the space.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A command on this space, not yet run, with an environment as bare as cron's.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_under(&[], arguments)
    }

    /// The same, started by another program with these words before ours.
    pub(crate) fn command_under(&self, starter: &[&str], arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_papertally");
        let mut words = starter.iter().copied().chain([program]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg("--config").arg(self.path("papertally.toml")).args(arguments);
        command.env_clear().env("TERM", "dumb").env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.current_dir(self.folder.path());
        command
    }

    /// Runs a command.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Runs a command with `--json`: one document on stdout, also when it fails.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let ran = Ran::of(self.command(&[&["--json"], arguments].concat()).output().unwrap());
        (ran.code, ran.json())
    }

    /// Asserts that a command fails in the same way for people and for scripts, and changes no stored row.
    #[track_caller]
    pub(crate) fn fails(&self, arguments: &[&str], code: i32, kind: &str, says: &[&str]) {
        let before = self.ledger();
        let ran = self.run(arguments).exits(code).says(says).says(&["error: "]);
        assert_eq!(ran.err.matches("error: ").count(), 1, "one clear error: {}", ran.err);
        assert_eq!(ran.out, "", "no data when it failed");
        let (json_code, document) = self.json(arguments);
        assert_eq!((json_code, &document["error"]["kind"]), (Some(code), &Value::from(kind)), "{document}");
        assert_eq!(self.ledger(), before, "a failed command changes no row");
    }

    /// Asserts that October is billed: once, whole, and handed out.
    #[track_caller]
    pub(crate) fn is_billed(&self) {
        assert_eq!(self.sum("SELECT count(*) FROM batch"), 1, "batches");
        assert_eq!(self.sum("SELECT sum(net) FROM invoice_line"), 1_550_000, "net");
        assert_eq!(self.sum("SELECT count(*) FROM delivery WHERE state <> 'delivered'"), 0, "outstanding");
        assert_eq!(self.mails(), 1, "mails");
        let lines = fs::read_to_string(self.path("out/main-2026-10/main-2026-10-lines.csv")).unwrap();
        assert_eq!(lines.lines().count(), 3, "{lines}");
    }

    /// Asserts that October's lines are still what they were, whatever came later.
    #[track_caller]
    pub(crate) fn is_still_billed(&self) {
        assert_eq!(self.sum("SELECT count(*) FROM batch"), 1, "batches");
        assert_eq!(self.sum("SELECT sum(net) FROM invoice_line"), 1_550_000, "net");
    }

    /// How many mails lie in the mail folder.
    pub(crate) fn mails(&self) -> usize {
        self.outputs().keys().filter(|name| name.ends_with(".eml")).count()
    }

    /// One number from the ledger.
    pub(crate) fn sum(&self, sql: &str) -> i64 {
        let db = rusqlite::Connection::open(self.ledger_path()).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Where the ledger is.
    pub(crate) fn ledger_path(&self) -> PathBuf {
        let config = fs::read_to_string(self.path("papertally.toml")).unwrap();
        let line = config.lines().skip_while(|line| *line != "[ledger]").nth(1).unwrap();
        self.path(line.split('"').nth(1).unwrap())
    }

    /// Every row of every table of the ledger, without what may differ between a run that was stopped and one
    /// that was not: attempts and their times, the list of runs, and when a finding was told. Nothing where
    /// there is no ledger, or none that can be read.
    pub(crate) fn ledger(&self) -> BTreeMap<String, Vec<String>> {
        let path = self.ledger_path();
        if !path.is_file() {
            return BTreeMap::new();
        }
        dump(&path).unwrap_or_default()
    }

    /// The files that were handed out, by their path in the output folder; mails without what names their run.
    pub(crate) fn outputs(&self) -> BTreeMap<String, Vec<u8>> {
        let root = self.path("out");
        let files = walkdir::WalkDir::new(&root).into_iter().filter_map(Result::ok);
        let files = files.filter(|entry| entry.file_type().is_file());
        let named = files.map(|entry| {
            let name = entry.path().strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        });
        named.filter(|(name, _)| !name.starts_with("ledger.sqlite") && !name.contains(".papertally-")).collect()
    }
}

/// October's report of the small space.
pub(crate) fn october() -> String {
    format!(
        "# From date = 2026-10-01 00:00:00, To date = 2026-10-31 23:59:59\n{HEADER}\
         2026-10-05 10:00:00,ann,MFD,plan.pdf,3,0,0.30\n2026-10-06 10:00:00,ben,MFD,memo.pdf,2,1,1.25\n"
    )
}

fn dump(path: &Path) -> rusqlite::Result<BTreeMap<String, Vec<String>>> {
    let db = rusqlite::Connection::open(path)?;
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'run' ORDER BY name")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut all = BTreeMap::new();
    for table in tables {
        // Test code of our own tables: their names need no quoting beyond this.
        let mut statement = db.prepare(&["SELECT * FROM \"", &table, "\""].concat())?;
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([])?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            let mut cells = Vec::new();
            for (index, column) in columns.iter().enumerate() {
                if !matches!(column.as_str(), "attempt" | "changed_at" | "last_seen_at") {
                    cells.push(format!("{column}={}", shown(row.get_ref(index)?)));
                }
            }
            lines.push(cells.join(" "));
        }
        lines.sort();
        all.insert(table, lines);
    }
    Ok(all)
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
