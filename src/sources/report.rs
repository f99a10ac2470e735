//! A report file, read in two passes: [`examine`] looks at everything and decides, [`Report::read`] hands
//! the rows over.
//!
//! The second pass reads the same bytes by the same handle. Memory holds one row, not the file.

use std::io::Read;
use std::path::Path;

use crate::domain::{Finding, Period, ReportFacts, ReportKind, Row, Severity};

use super::csv::{Rows, Tail};
use super::error::{ReadError, ReadRowsError, title};
use super::field::Field;
use super::handover::{Handover, ReadTotals};
use super::input::{Bytes, Input};
use super::layout::Layout;
use super::limits::{CHUNK_BYTES, HEADER_BYTES_MAX};
use super::preamble::{PeriodLine, is_comment, read_period};
use super::profile::Headers;
use super::row::{Manner, RowReader};
use super::settings::ReadSettings;
use super::sniff::{Start, find_header, refuse_other_formats};
use super::survey::Survey;

/// A report whose every row has been looked at, ready to hand its rows over.
pub struct Report {
    input: Input,
    bytes: Bytes,
    start: Start,
    names: Headers,
    manner: Manner,
    facts: ReportFacts,
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report").field("facts", &self.facts).finish_non_exhaustive()
    }
}

/// Looks at the whole file and decides how it is to be read, or refuses it.
pub fn examine(path: &Path, settings: &ReadSettings) -> Result<Report, ReadError> {
    let names = Headers::new(settings)?;
    let mut input = Input::open(path)?;
    refuse_other_formats(&input.head(CHUNK_BYTES)?)?;
    let bytes = input.survey(settings.encoding.as_deref())?;
    let start = find_header(&head_text(&mut input, &bytes)?, &names, settings.kind)?;
    let kind = start.layout.kind;
    let mut notes = Notes::default();
    notes.understood(&start, &bytes);
    let period = first_period(&start, settings);
    let known = if let PeriodLine::Read(period) = &period { Some(*period) } else { None };
    let mut survey = Survey::new(start.layout.clone(), &names, start.delimiter, known);
    let mut rows = Rows::new(input.text(&bytes)?, start.delimiter, tail(kind));
    while rows.advance()? {
        let row = open_row(&mut rows, &start)?;
        if row.row > start.header_row {
            survey.look(&row)?;
        }
    }
    if let Some(row) = rows.unfinished() {
        let message = "the last line has no line end yet and is left for the next reading";
        notes.findings.push(Finding::new(Severity::Note, "line-unfinished", message).at_row(row));
    }
    let (date_order, reason) = survey.date_order(settings.date_order)?;
    notes.reasons.extend(reason);
    let (decimal_mark, reason) = survey.decimal_mark(settings.decimal_mark)?;
    notes.reasons.extend(reason);
    let lines = std::iter::once(period).chain(std::mem::take(&mut survey.later_periods)).collect();
    let period = notes.period(kind, lines, settings.period)?;
    let manner =
        Manner { date_order, decimal_mark, currency: settings.currency, time_zone: settings.time_zone };
    let facts = ReportFacts {
        kind,
        sha256: bytes.sha256,
        size_bytes: input.size_bytes,
        encoding: bytes.encoding.name().to_owned(),
        delimiter: Some(char::from(start.delimiter)),
        date_order,
        decimal_mark,
        period,
        columns: columns(&start.layout),
        reasons: notes.reasons,
        findings: notes.findings,
    };
    Ok(Report { input, bytes, start, names, manner, facts })
}

impl Report {
    /// What the file is and how it was understood.
    pub fn facts(&self) -> &ReportFacts {
        &self.facts
    }

    /// Hands the rows over in the order of the file. Stops at the taker's first error, or when the file is not
    /// the one that was examined any more; then nothing that was taken may be kept.
    pub fn read<E>(
        &mut self,
        mut take: impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<ReadTotals, ReadRowsError<E>> {
        let kind = self.facts.kind;
        let reader = RowReader::new(self.start.layout.clone(), self.manner);
        let mut handover = Handover::new(reader, &self.names, self.facts.period);
        let mut rows = Rows::new(self.input.text(&self.bytes)?, self.start.delimiter, tail(kind));
        while rows.advance()? {
            let row = open_row(&mut rows, &self.start)?;
            if row.row > self.start.header_row {
                handover.row(&row, &mut take).map_err(ReadRowsError::Taker)?;
            }
        }
        let totals = handover.finish(&mut take).map_err(ReadRowsError::Taker)?;
        self.input.check_unchanged(&self.bytes, tail(kind) == Tail::LeftForLater)?;
        Ok(totals)
    }
}

/// The current row, out of the quotes that it may be wrapped in as a whole.
#[inline]
fn open_row<'r, R: Read>(rows: &'r mut Rows<R>, start: &Start) -> Result<super::csv::RowText<'r>, ReadError> {
    if start.layout.headers.len() > 1 && rows.may_be_wrapped() {
        rows.unwrap_line()?;
    }
    rows.row()
}

/// Whether the kind is appended to while it is read.
fn tail(kind: ReportKind) -> Tail {
    match kind {
        ReportKind::PrintLogger | ReportKind::ServerLog => Tail::LeftForLater,
        _ => Tail::Row,
    }
}

/// The start of the text, in whole letters.
fn head_text(input: &mut Input, bytes: &Bytes) -> Result<String, ReadError> {
    let mut head = Vec::new();
    let limit = u64::try_from(HEADER_BYTES_MAX).unwrap_or(u64::MAX);
    input.text(bytes)?.take(limit).read_to_end(&mut head)?;
    if head.contains(&0) {
        return Err(ReadError::NulByte { at: String::new() });
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn first_period(start: &Start, settings: &ReadSettings) -> PeriodLine {
    let comments = start.preamble.iter().filter(|line| is_comment(line));
    let mut lines = comments.map(|line| read_period(line, settings.date_order));
    lines.find(|line| *line != PeriodLine::Absent).unwrap_or(PeriodLine::Absent)
}

fn columns(layout: &Layout) -> Vec<(String, Option<&'static str>)> {
    let named = layout.headers.iter().zip(&layout.fields);
    named.map(|(header, field)| (header.clone(), field.map(Field::name))).collect()
}

/// What is told about the file as a whole.
#[derive(Default)]
struct Notes {
    reasons: Vec<String>,
    findings: Vec<Finding>,
}

impl Notes {
    fn understood(&mut self, start: &Start, bytes: &Bytes) {
        let Start { layout, header_row, delimiter, .. } = start;
        self.reasons.push(format!("A {}: row {header_row} has its columns.", title(layout.kind)));
        let sign = match delimiter {
            b'\t' => "a TAB".to_owned(),
            other => format!("`{}`", char::from(*other)),
        };
        self.reasons.push(format!("The cells are separated by {sign}."));
        let why = if bytes.has_mark { "a byte order mark says so" } else { "the bytes fit" };
        self.reasons.push(format!("The text is {}: {why}.", bytes.encoding.name()));
        if let Some(at) = bytes.replaced_at {
            let message = format!(
                "a byte is not {}, the first at byte {}; it was replaced",
                bytes.encoding.name(),
                at + 1
            );
            self.findings.push(Finding::new(Severity::Note, "byte-replaced", message));
        }
        let named = layout.headers.iter().zip(&layout.fields);
        let unknown = named.filter(|(header, field)| field.is_none() && !header.is_empty());
        let unknown: Vec<String> = unknown.map(|(header, _)| format!("`{header}`")).collect();
        if !unknown.is_empty() {
            let message = format!("unknown columns are left out: {}", unknown.join(", "));
            self.findings.push(Finding::new(Severity::Note, "column-unknown", message).at_row(*header_row));
        }
    }

    /// The report's period from all its period lines; several are one where they leave no gap.
    fn period(
        &mut self,
        kind: ReportKind,
        lines: Vec<PeriodLine>,
        setting: Option<Period>,
    ) -> Result<Option<Period>, ReadError> {
        let mut spans = Vec::new();
        let mut fault = "is missing".to_owned();
        for line in lines {
            match line {
                PeriodLine::Absent => {}
                PeriodLine::Read(period) => spans.push(period),
                PeriodLine::Unreadable(text) => {
                    let text: String = text.chars().take(120).collect();
                    fault = format!("cannot be read: `{text}`");
                    let message = format!("the period line {fault}");
                    self.findings.push(Finding::new(Severity::Warning, "period-unreadable", message));
                    spans.clear();
                    break;
                }
            }
        }
        if let Some(hull) = hull(&spans) {
            if hull.uncovered(&spans).is_empty() {
                self.reasons.push(format!(
                    "The period line says {} to {}.",
                    hull.first_day(),
                    hull.last_day()
                ));
                return Ok(Some(hull));
            }
            fault = "is there several times with days missing between".to_owned();
            let message = format!("the period line {fault}");
            self.findings.push(Finding::new(Severity::Warning, "period-unreadable", message));
        }
        let is_sum = matches!(kind, ReportKind::UserSummary | ReportKind::AccountSummary);
        match setting {
            Some(period) if is_sum => {
                self.reasons.push(format!("The period is {period}, as the settings say."));
                Ok(Some(period))
            }
            None if is_sum => Err(ReadError::PeriodUnknown { kind, fault }),
            _ => Ok(None),
        }
    }
}

/// From the first to the last day of all spans.
fn hull(spans: &[Period]) -> Option<Period> {
    let first = spans.iter().map(Period::first_day).min()?;
    let last = spans.iter().map(Period::last_day).max()?;
    Period::of_days(first, last)
}
