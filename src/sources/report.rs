//! A report file, read in two passes: [`examine`] looks at everything and decides, [`Report::read`] hands
//! the rows over.
//!
//! The second pass reads the same bytes by the same handle. Memory holds one row, not the file; rows of a workbook or
//! page are put aside in between.

use std::path::Path;

use crate::domain::{Finding, Period, ReportFacts, ReportKind, Row, Severity};

use super::cells::RowText;
use super::content::{Content, Part};
use super::csv::Tail;
use super::date::is_time_only;
use super::error::{ReadError, ReadRowsError, title};
use super::field::Field;
use super::handover::{Handover, ReadTotals};
use super::input::Bytes;
use super::layout::{Layout, clean, nearest_headers};
use super::preamble::{PeriodLine, is_comment, read_period};
use super::profile::{Profiles, RowsAre};
use super::row::{Manner, RowReader};
use super::settings::ReadSettings;
use super::sniff::Start;
use super::survey::Survey;

/// A report whose every row has been looked at, ready to hand its rows over.
pub struct Report {
    content: Content,
    /// At least one.
    parts: Vec<Part>,
    known: Profiles,
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
    let known = Profiles::new(settings)?;
    let (mut content, parts, findings) = Content::open(path, settings, &known)?;
    let first = parts.first().map(|part| part.start.clone()).ok_or(ReadError::NotAReport { layout: None })?;
    if let (Some(_), None) = (first.layout.column(Field::SubAccount), first.layout.column(Field::Account)) {
        return Err(without_parents(&first));
    }
    let kind = first.layout.kind;
    let mut notes = Notes { findings, ..Notes::default() };
    notes.understood(&parts, &content);
    let periods: Vec<PeriodLine> = parts.iter().map(|part| first_period(&part.start, settings)).collect();
    let own_period = periods
        .iter()
        .find_map(|line| if let PeriodLine::Read(period) = line { Some(*period) } else { None });
    let own_period = own_period.filter(|_| parts.len() == 1);
    let mut survey = Survey::new(first.layout.clone(), &known, first.delimiter, own_period);
    let may_lack_day = content.grid().is_some_and(|grid| grid.day.is_none());
    for part in &parts {
        survey.set_layout(&part.start.layout);
        if let Some((moment, numbers)) = survey.columns()
            && content.is_typed(part, moment, &numbers)?
        {
            survey.saw_typed();
            continue;
        }
        let tail = tail(&part.start.layout, &content);
        let unfinished = content.each_row(part, tail, |row| {
            if may_lack_day {
                check_day(row, &survey)?;
            }
            survey.look(row)
        })?;
        if let Some(row) = unfinished {
            let message = "the last line has no line end yet and is left for the next reading";
            notes.findings.push(Finding::new(Severity::Note, "line-unfinished", message).at_row(row));
        }
    }
    notes.findings.extend(survey.half_made_dates());
    let (date_order, reason) = survey.date_order(settings.date_order.or(first.layout.profile.date_order))?;
    notes.reasons.extend(reason);
    let (decimal_mark, reason) =
        survey.decimal_mark(settings.decimal_mark.or(first.layout.profile.decimal_mark))?;
    notes.reasons.extend(reason);
    let lines = periods.into_iter().chain(std::mem::take(&mut survey.later_periods)).collect();
    let period = notes.period(&first, lines, settings.period)?;
    let manner =
        Manner { date_order, decimal_mark, currency: settings.currency, time_zone: settings.time_zone };
    let encoding = match (content.bytes(), content.grid()) {
        (Some(bytes), _) => bytes.encoding.name(),
        (None, grid) => grid.map_or("", |grid| grid.container),
    };
    let facts = ReportFacts {
        kind,
        sha256: content.sha256,
        size_bytes: content.size_bytes(),
        encoding: encoding.to_owned(),
        delimiter: first.delimiter.map(char::from),
        date_order,
        decimal_mark,
        period,
        columns: columns(&first.layout),
        source: first.layout.source(),
        has_printer: says(&first.layout, Field::Printer),
        has_document: says(&first.layout, Field::Document),
        reasons: notes.reasons,
        findings: notes.findings,
    };
    Ok(Report { content, parts, known, manner, facts })
}

impl Report {
    /// What the file is and how it was understood.
    pub fn facts(&self) -> &ReportFacts {
        &self.facts
    }

    /// Whether its rows are sums of a period.
    pub fn has_sums(&self) -> bool {
        self.parts.first().is_some_and(|part| part.start.layout.profile.rows == RowsAre::Sums)
    }

    /// Hands the rows over in the order of the file. Stops at the taker's first error, or when the file is not
    /// the one that was examined any more; then nothing that was taken may be kept.
    pub fn read<E>(
        &mut self,
        mut take: impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<ReadTotals, ReadRowsError<E>> {
        let first = self.parts.first().ok_or(ReadError::NotAReport { layout: None })?;
        let tail = tail(&first.start.layout, &self.content);
        let reader = RowReader::new(first.start.layout.clone(), self.manner);
        let mut handover = Handover::new(reader, &self.known, self.facts.period);
        for part in &self.parts {
            handover.set_part(&part.start.layout, part.name.as_deref());
            self.content
                .each_row(part, tail, |row| handover.row(row, &mut take).map_err(ReadRowsError::Taker))?;
        }
        let totals = handover.finish(&mut take).map_err(ReadRowsError::Taker)?;
        self.content.check_unchanged(tail)?;
        Ok(totals)
    }
}

/// Sub-accounts without their parents: their jobs would count as personal.
fn without_parents(start: &Start) -> ReadError {
    let headers = start.layout.headers.iter().filter(|header| !header.is_empty());
    ReadError::ColumnMissing {
        row: start.header_row,
        kind: start.layout.kind,
        missing: "account, the parents of its sub-accounts (known as `Shared Account Parent Name`)"
            .to_owned(),
        headers: headers.map(|header| format!("`{header}`")).collect::<Vec<_>>().join(", "),
        nearest: nearest_headers(&start.layout.headers, &start.layout.fields),
        columns: String::new(),
    }
}

/// A time without a day in a page that states none.
fn check_day(row: &RowText<'_>, survey: &Survey<'_>) -> Result<(), ReadError> {
    match survey.time(row).map(clean).filter(|time| is_time_only(time)) {
        Some(time) => Err(ReadError::DayUnknown { row: row.row, found: time.to_owned() }),
        None => Ok(()),
    }
}

/// What becomes of a last line without its end: a file that is still written to is read again later.
///
/// An archive is finished: its last line is one like the others.
fn tail(layout: &Layout, content: &Content) -> Tail {
    if layout.profile.growing && !content.is_unpacked() { Tail::LeftForLater } else { Tail::Row }
}

fn first_period(start: &Start, settings: &ReadSettings) -> PeriodLine {
    let comments = start.preamble.iter().filter(|line| is_comment(line));
    let mut lines = comments.map(|line| read_period(line, settings.date_order));
    // Somebody may have taken the sign away that makes a comment of it.
    let bare = || {
        let lines = start.preamble.iter().map(|line| read_period(line, settings.date_order));
        lines.into_iter().find(|line| matches!(line, PeriodLine::Read(_)))
    };
    lines.find(|line| *line != PeriodLine::Absent).or_else(bare).unwrap_or(PeriodLine::Absent)
}

fn says(layout: &Layout, field: Field) -> bool {
    layout.column(field).is_some() || layout.profile.constant(field).is_some()
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
    fn understood(&mut self, parts: &[Part], content: &Content) {
        let Some(Start { layout, header_row, delimiter, .. }) = parts.first().map(|part| &part.start) else {
            return;
        };
        let what = match layout.kind {
            ReportKind::Mapped => format!("A mapped report by the layout `{}`", layout.profile.name),
            kind => format!("A {}", title(kind)),
        };
        self.reasons.push(match header_row {
            0 => format!("{what}: it has no header, and its rows have the cells of the layout."),
            row => format!("{what}: row {row} has its columns."),
        });
        for container in content.containers() {
            self.reasons.push(format!("It came in a container: {container}."));
        }
        let sheets: Vec<String> =
            parts.iter().filter_map(|part| Some(format!("`{}`", part.name.as_deref()?))).collect();
        if !sheets.is_empty() {
            self.reasons.push(format!("Its rows stand in several sheets: {}.", sheets.join(", ")));
        }
        match delimiter {
            Some(b'\t') => self.reasons.push("The cells are separated by a TAB.".to_owned()),
            Some(other) => {
                self.reasons.push(format!("The cells are separated by `{}`.", char::from(*other)));
            }
            None => {}
        }
        if let Some((day, from)) = content.grid().and_then(|grid| grid.day) {
            self.reasons.push(format!("Times without a day are of {day}, from {from}."));
        }
        if let Some(bytes) = content.bytes() {
            self.encoding(bytes);
        }
        let named = layout.headers.iter().zip(&layout.fields);
        let unknown = named.filter(|(header, field)| field.is_none() && !header.is_empty());
        let unknown: Vec<String> = unknown.map(|(header, _)| format!("`{header}`")).collect();
        // A layout of its own says which columns are read.
        if !unknown.is_empty() && layout.profile.columns.is_none() {
            let near = nearest_headers(&layout.headers, &layout.fields);
            let message = format!("unknown columns are left out: {}{near}", unknown.join(", "));
            // A column that was meant to be read may say who pays, or that nobody does.
            let severity = if near.is_empty() { Severity::Note } else { Severity::Warning };
            self.findings.push(Finding::new(severity, "column-unknown", message).at_row(*header_row));
        }
    }

    fn encoding(&mut self, bytes: &Bytes) {
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
    }

    /// The report's period from all its period lines; several are one where they leave no gap.
    fn period(
        &mut self,
        Start { layout, preamble, .. }: &Start,
        lines: Vec<PeriodLine>,
        setting: Option<Period>,
    ) -> Result<Option<Period>, ReadError> {
        let kind = layout.kind;
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
                return match setting {
                    Some(wanted) if wanted != hull => {
                        Err(ReadError::PeriodOther { kind, found: hull, wanted })
                    }
                    _ => Ok(Some(hull)),
                };
            }
            fault = "is there several times with days missing between".to_owned();
            let message = format!("the period line {fault}");
            self.findings.push(Finding::new(Severity::Warning, "period-unreadable", message));
        }
        let is_sum = layout.profile.rows == RowsAre::Sums;
        match setting {
            Some(period) if is_sum => {
                self.reasons.push(format!("The period is {period}, as was said."));
                Ok(Some(period))
            }
            None if is_sum => Err(ReadError::PeriodUnknown { kind, fault: fault + &shown(preamble) }),
            _ => Ok(None),
        }
    }
}

/// The comment lines, for a message that misses a period in them.
fn shown(preamble: &[String]) -> String {
    let lines = preamble.iter().filter(|line| is_comment(line)).take(COMMENTS_SHOWN_MAX);
    let lines: Vec<String> =
        lines.map(|line| format!("`{}`", line.chars().take(120).collect::<String>())).collect();
    if lines.is_empty() { String::new() } else { format!("; its comment lines are {}", lines.join(", ")) }
}

/// Comment lines in a message: a report has two.
const COMMENTS_SHOWN_MAX: usize = 3;

/// From the first to the last day of all spans.
fn hull(spans: &[Period]) -> Option<Period> {
    let first = spans.iter().map(Period::first_day).min()?;
    let last = spans.iter().map(Period::last_day).max()?;
    Period::of_days(first, last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, DateOrder};

    /// The report as lines: what it is, its rows, its findings; or its refusal.
    fn read(text: impl AsRef<[u8]>, settings: &ReadSettings) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        std::fs::write(&path, text).unwrap();
        let mut report = match examine(&path, settings) {
            Ok(report) => report,
            Err(error) => return vec![format!("{}: {error}", error.code())],
        };
        let mut lines: Vec<String> =
            report.facts().findings.iter().map(|finding| format!("{} {finding}", finding.code)).collect();
        let read = report.read(|row| -> Result<(), ()> {
            lines.push(line(&row));
            Ok(())
        });
        read.unwrap();
        lines
    }

    fn line(row: &Row<'_>) -> String {
        match row {
            Row::Job(job) => {
                let mut text = format!("{} {} {}", job.row, job.time.format("%Y-%m-%d %H:%M:%S"), job.user);
                text += &format!(" {}p {}", job.pages, job.state);
                for part in [job.account, job.document, job.job_type].into_iter().flatten() {
                    text += &format!(" [{part}]");
                }
                text + &job.cost.map_or_else(String::new, |cost| format!(" {cost}"))
            }
            Row::Sum(sum) => format!(
                "{} {} {:?}p {}",
                sum.row,
                sum.user.or(sum.account).unwrap(),
                sum.pages.unwrap_or_default(),
                sum.cost.unwrap()
            ),
            Row::Balance(balance) => {
                format!("{} {} {}", balance.row, balance.user.or(balance.account).unwrap(), balance.balance)
            }
            Row::Rejected(rejection) => {
                let cost = rejection.cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string());
                format!("{} rejected ({cost}) {}: {}", rejection.row, rejection.column, rejection.message())
            }
            Row::Place(_) => "place".to_owned(),
            Row::LeftOut { row, cost } => {
                format!(
                    "{row} left out ({})",
                    cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string())
                )
            }
            Row::Finding(finding) => format!("{} {finding}", finding.code),
        }
    }

    fn check(text: &str, settings: &ReadSettings, expected: &[&str]) {
        assert_eq!(read(text, settings), expected, "{text}");
    }

    #[test]
    fn a_print_log_becomes_jobs_and_rejections() {
        let text = "# Print logs\n\
            \"# From date = Sep 1, 2024 12:00:00 AM, To date = Sep 30, 2024 11:59:59 PM\"\n\
            Date,Username,Shared Account Parent Name,Shared Account Sub Name,Document,Total Printed Pages,Total Color Pages,Cost,Refunded,Printed,Denied Reason,Job Type\n\
            2024-09-03 10:00:00, ann ,Acme,Lab,plan.pdf,3,1,0.30,NOT_REFUNDED,Y,,PRINT\n\
            2024-09-03 10:00:00,ann,,,\"two\nlines\",3,0,0.30,REFUNDED,Y,,PRINT\n\
            2024-09-03 10:00:00,ann,Acme,,x,3,0,0.30,,N,,PRINT\n\
            2024-09-03 10:00:00,ann,,,x,3,0,0.30,,N,,COPY\n\
            2024-10-03 10:00:00,ann,,,x,3,0,0.30,,N,NO_CREDIT,Plot\n\
            2024-09-03 10:00:00,,,,x,3,0,0.30,,Y,,PRINT\n\
            2024-09-03 10:00:00,ann,,Lab,x,3,0,0.30,,Y,,PRINT\n\
            2024-09-03 10:00:00,ann,,,x,3,4,0.30,,Y,,PRINT\n\
            2024-09-03 10:00:00,ann,,,x,3,0,,,Y,,PRINT\n\
            2024-09-03 10:00:00,ann,,,x,3,0,0.30,MAYBE,Y,,PRINT\n\
            2024-09-31 10:00:00,ann,,,x,3,0,0.30,,Y,,PRINT\n\
            2024-09-03 10:00:00,ann,,,x,y,3,0,0.30,,Y,,PRINT\n\
            2024-09-03 10:00:00,ann,,,\"x\"y,3,0,0.30,,Y,,PRINT\n\
            2024-09-03 10:00:00,ann,,,x,3,0,0.3\n";
        check(
            text,
            &ReadSettings::default(),
            &[
                "4 2024-09-03 10:00:00 ann 3p charged [Acme\\Lab] [plan.pdf] [print] 0.30",
                "5 2024-09-03 10:00:00 ann 3p refunded [] [two\nlines] [print] 0.30",
                "7 2024-09-03 10:00:00 ann 3p not-printed [Acme] [x] [print] 0.30",
                "8 2024-09-03 10:00:00 ann 3p charged [] [x] [copy] 0.30",
                "9 2024-10-03 10:00:00 ann 3p denied [] [x] [plot] 0.30",
                "job-type-unknown row 9: the job type `plot` is not known; its jobs are taken as they are",
                "10 rejected (0.30) Username: found an empty cell, expected a username",
                "11 rejected (0.30) Shared Account Parent Name: found an empty cell, expected the parent of the sub-account `Lab`",
                "12 rejected (0.30) Total Color Pages: found `4`, expected at most the 3 pages of the job",
                "13 rejected (unknown) Cost: found an empty cell, expected a decimal number",
                "14 rejected (0.30) Refunded: found `MAYBE`, expected `NOT_REFUNDED`, `REFUNDED` or `PARTIALLY_REFUNDED`",
                "15 rejected (0.30) Date: found `2024-09-31 10:00:00`, expected a date and time such as `2024-03-01 17:50:10`",
                "16 rejected (unknown) : found 13 cells, expected 12, one for each column; a separator within a text needs quotes around the text",
                "17 rejected (unknown) : found text after a closing quote, expected the end of the cell",
                "18 rejected (unknown) : found 8 cells, expected 12, one for each column",
                "outside-period row 9: 1 row lies outside the report's period 2024-09; the first is this",
            ],
        );
    }

    #[test]
    fn a_print_logger_file_multiplies_copies_and_leaves_its_last_line() {
        let text = "PaperCut Print Logger - http://www.papercut.com/\n\
            Time,User,Pages,Copies,Printer,Document Name,Grayscale,Size\n\
            2024-03-01 09:00:00,ann,3,2,MFD-2,\"a, b.pdf\",GRAYSCALE,19kb,\n\n\
            PaperCut Print Logger - http://www.papercut.com/\n\
            Time,User,Copies,Pages,Printer,Document Name,Grayscale,Size\n\
            2024-03-01 09:00:00,bob,7,1,MFD-2,c.pdf,GRAYSCALE,19kb,\n\
            2024-03-01 09:00:00,bob,7,4000000000,MFD-2,c.pdf,GRAYSCALE,19kb,\n\
            2024-03-01 09:01:00,bob,1,1,MFD-2,\"half";
        check(
            text,
            &ReadSettings::default(),
            &[
                "line-unfinished row 9: the last line has no line end yet and is left for the next reading",
                "3 2024-03-01 09:00:00 ann 6p charged [a, b.pdf]",
                "7 2024-03-01 09:00:00 bob 7p charged [c.pdf]",
                "8 rejected (unknown) Copies: found 4000000000 pages times 7, expected a number of pages",
            ],
        );
    }

    #[test]
    fn sums_need_a_period_and_balances_do_not() {
        let period = "# Du = 1 sept. 2024 00:00:00, Au = 30 sept. 2024 23:59:59\n";
        let sums = "Username;Total Printed Pages;Cost;;\nann;1.204;60,20;;\n;;;;\nTotal;1.204;60,30;;\nTotal: 1 user;;;;\n";
        check(
            &format!("{period}{sums}"),
            &ReadSettings::default(),
            &[
                "3 ann 1204p 60.20",
                "total-differs row 5: the total row says 60.30, the rows above it sum up to 60.20",
            ],
        );
        check(
            sums,
            &ReadSettings::default(),
            &["period-unknown: a user summary needs a period, and its period line is missing"],
        );
        let day = "2024-10-05".parse().unwrap();
        let given = ReadSettings { period: Period::parse("2024-09", day).ok(), ..ReadSettings::default() };
        assert_eq!(read(sums, &given)[0], "2 ann 1204p 60.20");
        check(
            "# List\nShared Account Parent Name,Code,Balance\nAcme,1E+05,-12.40\n,x,1.00\n",
            &ReadSettings::default(),
            &[
                "3 Acme -12.40",
                "id-damaged row 3, column `Code`: found `1E+05`, an id that a spreadsheet made a number of; it is kept as it stands",
                "4 rejected (1.00) Shared Account Parent Name: found an empty cell, expected an account name",
            ],
        );
    }

    #[test]
    fn times_with_an_offset_become_the_sites_wall_clock() {
        let text = "Date,Username,Cost\n2024-03-01T00:30:00Z,ann,1\n2024-07-01T00:30:00-05:00,ann,1\n";
        let zoned = ReadSettings { time_zone: "Europe/Belgrade".parse().ok(), ..ReadSettings::default() };
        check(
            text,
            &zoned,
            &["2 2024-03-01 01:30:00 ann 0p charged 1.00", "3 2024-07-01 07:30:00 ann 0p charged 1.00"],
        );
        let without = read(text, &ReadSettings::default());
        assert!(
            without[0].contains("expected a time without an offset, or the site's time zone"),
            "{without:?}"
        );
    }

    #[test]
    fn a_row_in_another_currency_is_rejected() {
        let text =
            "Date,Username,Cost\n2024-03-01,ann,$1.50\n2024-03-01,ann,\u{20ac}1.50\n2024-03-01,ann,1.50\n";
        let ours = ReadSettings { currency: Currency::new("USD"), ..ReadSettings::default() };
        let good = ["2 2024-03-01 00:00:00 ann 0p charged 1.50", "4 2024-03-01 00:00:00 ann 0p charged 1.50"];
        let with = "3 rejected (unknown) Cost: found `\u{20ac}1.50`, expected an amount in USD";
        check(text, &ours, &[good[0], with, good[1]]);
        let without = "3 rejected (unknown) Cost: found `\u{20ac}1.50`, expected an amount in `$`, like the rows before";
        check(text, &ReadSettings::default(), &[good[0], without, good[1]]);
    }

    #[test]
    fn columns_for_one_thing_must_agree() {
        let text = |second: &str| format!("Date,Username,User,Cost\n2024-03-01,ann,{second},1\n");
        assert_eq!(read(text("ann"), &ReadSettings::default()).len(), 1);
        check(
            &text("bob"),
            &ReadSettings::default(),
            &[
                "column-twice: row 2: the columns `Username` (column 2) and `User` (column 3) both mean `user` and differ",
            ],
        );
    }

    #[test]
    fn a_servers_text_log_is_read_as_the_manual_lists_it() {
        let text = "2024-03-01\t12:05:09 AM\tsrv1\tMFD-2\tines\tLABS\\Bench 2\tPC1\tplan.pdf\t3\t1\n\
            2024-03-01\t1:15:00 PM\tsrv1\tMFD-2\tomar\tomar\tPC2\tx.pdf\t1\t0\n\
            2024-03-01\t1:15:00 PM\tsrv1\tMFD-2\tomar\tomar\tPC2\tdoc\twith tab.pdf\t2\t0\n\
            2024-03-01\t1:15:30 PM\tsrv1\tMFD-2\tomar\tomar\tPC2\t\"A\" of b\t2\t0\n\
            2024-03-01\t1:16:00 PM\tsrv1\tMFD-2\tomar\tomar\tPC2\tx.p";
        check(
            text,
            &ReadSettings::default(),
            &[
                "line-unfinished row 5: the last line has no line end yet and is left for the next reading",
                "1 2024-03-01 00:05:09 ines 3p charged [LABS\\Bench 2] [plan.pdf]",
                "2 2024-03-01 13:15:00 omar 1p charged [] [x.pdf]",
                "3 rejected (unknown) : found 11 cells, expected 10, one for each column",
                "4 2024-03-01 13:15:30 omar 2p charged [] [\"A\" of b]",
            ],
        );
        let short = "2024-03-01\t12:05:09 AM\tsrv1\tMFD-2\tines\tx.pdf\t3\n";
        assert!(
            read(short, &ReadSettings::default())[0].starts_with("kind-not-read: this is a server text log")
        );
    }

    #[test]
    fn a_job_import_file_has_jobs() {
        check(
            "user,server,printer,time,cost,total-pages,total-color-pages,copies,document-name,shared-account\n\
             ines,srv,MFD-2,20240301T175010,0.30,3,1,3,a.pdf,LABS\\Bench 2\n",
            &ReadSettings::default(),
            &["2 2024-03-01 17:50:10 ines 3p charged [LABS\\Bench 2] [a.pdf] 0.30"],
        );
    }

    #[test]
    fn reports_of_ten_languages_are_recognised() {
        let headers = [
            "Date,Username,Printer Name,Document,Total Printed Pages,Cost",
            "Datum;Gebruikersnaam;Printernaam;Documentnaam;Totaal aantal afgedrukte Pagina's;Kosten",
            "Datum;Benutzername;Druckername;Dokumentname;Gedruckte Seiten gesamt;Kosten",
            "Date;Nom d'utilisateur;Nom de l\u{2019}imprimante;Nom du document;Total des pages imprimées;Coût",
            "Fecha;Nombre de usuario;Nombre de la impresora;Documento;Total de páginas impresas;Coste",
            "Data;Nome de utilizador;Nome da impressora;Documento;Total de páginas impressas;Custo",
            "Data;Nome utente;Nome stampante;Nome documento;Totale pagine stampate;Costo",
            "Datum;Användarnamn;Skrivarnamn;Dokumentnamn;Totalt antal utskrivna sidor;Kostnad",
            "Dato;Brugernavn;Printernavn;Dokumentnavn;Udskrevne sider i alt;Pris",
            "Dato;Brukernavn;Skrivernavn;Dokumentnavn;Totalt antall utskrevne sider;Kostnad",
        ];
        for header in headers {
            let sign = if header.contains(';') { ';' } else { ',' };
            let row = ["2024-03-01 10:00:00", "ann", "MFD", "x.pdf", "2", "1"].join(&sign.to_string());
            let expected = ["2 2024-03-01 10:00:00 ann 2p charged [x.pdf] 1.00"];
            check(&format!("{header}\n{row}\n"), &ReadSettings::default(), &expected);
        }
    }

    #[test]
    fn what_the_file_does_not_decide_is_asked_for() {
        check(
            "Date,Username,Cost\n03/04/2024,ann,1\n",
            &ReadSettings::default(),
            &[
                "date-order-unknown: the date order is not decided by the file: row 2: `03/04/2024` may be day/month or month/day, and no other date or period line tells",
            ],
        );
        let given = ReadSettings { date_order: Some(DateOrder::Mdy), ..ReadSettings::default() };
        check(
            "Date,Username,Cost\n03/04/2024,ann,1\n",
            &given,
            &["2 2024-03-04 00:00:00 ann 0p charged 1.00"],
        );
        check(
            "Date;Username;Cost\n2024-03-04;ann;1.250\n",
            &ReadSettings::default(),
            &[
                "decimal-mark-unknown: the decimal mark is not decided by the file: row 2: `1.250` may be grouped or have three decimals, and no other amount tells",
            ],
        );
    }

    #[test]
    fn pasted_reports_have_one_period_if_it_has_no_gap() {
        let part = |from: u8, to: u8| {
            format!(
                "# Print logs\n# From = {from:02}.09.2024 00:00:00, To = {to:02}.09.2024 23:59:59\nDate,Username,Cost\n{from:02}.09.2024,ann,1\n"
            )
        };
        let findings = |text: String| read(text, &ReadSettings::default()).len() - 2;
        assert_eq!(findings(part(1, 7) + &part(8, 14)), 0);
        assert_eq!(findings(part(1, 7) + &part(9, 14)), 1);
    }

    #[test]
    fn a_file_that_changes_between_the_passes_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        std::fs::write(&path, "Date,Username,Cost\n2024-03-01,ann,1\n").unwrap();
        let mut report = examine(&path, &ReadSettings::default()).unwrap();
        std::fs::write(&path, "Date,Username,Cost\n2024-03-01,ann,1\n2024-03-01,ann,1\n").unwrap();
        let error = report.read(|_| -> Result<(), ()> { Ok(()) }).unwrap_err();
        assert!(matches!(error, ReadRowsError::Report(ReadError::FileChanged)));
    }

    #[test]
    fn the_takers_error_stops_the_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        std::fs::write(&path, "Date,Username,Cost\n2024-03-01,ann,1\n2024-03-01,ann,1\n").unwrap();
        let mut report = examine(&path, &ReadSettings::default()).unwrap();
        let mut rows = 0;
        let error = report.read(|_| {
            rows += 1;
            Err("full")
        });
        assert!(matches!(error, Err(ReadRowsError::Taker("full"))));
        assert_eq!(rows, 1);
    }
}
