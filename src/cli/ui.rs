//! What a person sees: sentences on stderr, data on stdout, tables that read without colour.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::args::Shared;
use super::failure::Failure;
use super::json;
use crate::domain::{Finding, Severity};

/// Rows after which a progress bar says where it is.
const PROGRESS_STEP: u64 = 10_000;

/// Who may be looking at stderr.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watching {
    /// A person at a terminal: progress bars make sense.
    pub(super) is_terminal: bool,
    /// A person or a script that a person started: not cron.
    pub(super) is_watched: bool,
}

/// Which findings are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notes {
    /// All.
    Listed,
    /// Notes are counted, and listed with `--verbose`.
    Counted,
}

/// Output of one command.
pub(super) struct Ui<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    broken: Option<io::Error>,
    is_json: bool,
    is_quiet: bool,
    is_verbose: bool,
    watching: Watching,
}

impl<'a> Ui<'a> {
    pub(super) fn new(
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        shared: &Shared,
        watching: Watching,
    ) -> Ui<'a> {
        Ui {
            out,
            err,
            broken: None,
            is_json: shared.json,
            is_quiet: shared.quiet,
            is_verbose: shared.verbose,
            watching,
        }
    }

    /// Whether a night without news is worth a word: under cron it is not.
    pub(super) fn says_nothing_new(&self) -> bool {
        self.watching.is_watched || self.is_verbose
    }

    /// A line of data.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        if !self.is_json {
            self.write_out(&printable(text.as_ref()));
        }
    }

    /// The JSON document, where it was asked for.
    pub(super) fn json(&mut self, document: &impl Serialize) {
        if self.is_json {
            let text = json::text(document);
            self.write_out(&text);
        }
    }

    /// A sentence on what was done.
    pub(super) fn status(&mut self, text: impl AsRef<str>) {
        if !self.is_quiet {
            self.write_err(text.as_ref());
        }
    }

    /// A sentence that is always said.
    pub(super) fn warn(&mut self, text: impl AsRef<str>) {
        self.write_err(text.as_ref());
    }

    /// Findings, the gravest first.
    pub(super) fn findings<'f>(&mut self, findings: impl IntoIterator<Item = &'f Finding>, notes: Notes) {
        let mut sorted: Vec<&Finding> = findings.into_iter().collect();
        sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let mut unlisted = 0;
        for finding in sorted {
            let text = format!("{}: {finding}", finding.severity);
            match finding.severity {
                Severity::Warning | Severity::Error => self.warn(text),
                Severity::Note if notes == Notes::Listed || self.is_verbose => self.status(text),
                Severity::Note => unlisted += 1,
            }
        }
        if unlisted > 0 {
            self.status(format!("{}; `--verbose` lists them.", counted(unlisted, "note", "notes")));
        }
    }

    /// A table; the columns in `right` are numbers.
    pub(super) fn table(
        &mut self,
        head: &[&str],
        right: &[usize],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) {
        let mut rows = rows.into_iter().peekable();
        if self.is_json || rows.peek().is_none() {
            return;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(head.iter().map(|text| (*text).to_owned()));
        for row in rows {
            // A control sign in a name could move the cursor, and a line break would tear the table.
            let clean = row.into_iter().map(|cell| cell.replace(char::is_control, " "));
            table.add_row(clean);
        }
        for index in right {
            if let Some(column) = table.column_mut(*index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for line in table.lines() {
            let line = line.trim_end().to_owned();
            self.write_out(line.strip_prefix(' ').unwrap_or(&line));
        }
    }

    /// A failure: to stderr for people, and as JSON where that was asked for.
    pub(super) fn failure(&mut self, failure: &Failure) {
        if self.is_json {
            let text = json::failure(failure);
            self.write_out(&text);
            return;
        }
        self.write_err(&format!("error: {}", failure.message));
        for cause in &failure.causes {
            self.write_err(&format!("  caused by: {cause}"));
        }
        for hint in &failure.hints {
            self.write_err(&format!("hint: {hint}"));
        }
    }

    /// Progress of a long import; says nothing off a terminal.
    pub(super) fn progress(&self, name: &str) -> Progress {
        let wanted = self.watching.is_terminal && !self.is_quiet && !self.is_json;
        let target = if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {human_pos} rows, {per_sec}") {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        Progress { bar, rows: 0 }
    }

    /// Makes sure that everything arrived.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self.broken.take() {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    fn write_err(&mut self, text: &str) {
        let _ = writeln!(self.err, "{}", printable(text));
    }

    fn write_out(&mut self, text: &str) {
        if self.broken.is_none()
            && let Err(error) = writeln!(self.out, "{text}")
        {
            self.broken = Some(error);
        }
    }
}

/// A text without the control signs that a file name or a cell may hold: they could move the cursor or change
/// what stands on the screen. Our own line breaks stay.
fn printable(text: &str) -> String {
    text.replace(|sign: char| sign.is_control() && sign != '\n', "\u{fffd}")
}

/// A progress bar.
pub(super) struct Progress {
    bar: ProgressBar,
    rows: u64,
}

impl Progress {
    /// One more row.
    pub(super) fn row(&mut self) {
        self.rows += 1;
        if self.rows.is_multiple_of(PROGRESS_STEP) {
            self.bar.set_position(self.rows);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `1 job`, `1,204 jobs`.
pub(super) fn counted(count: impl Into<i128>, one: &str, many: &str) -> String {
    let count = count.into();
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A whole number with commas between its thousands.
pub(super) fn grouped(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}
