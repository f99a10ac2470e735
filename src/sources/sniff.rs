//! The first look at a file: other formats by their signs, then delimiter and header row by their content.
//!
//! Neither the name nor its extension counts.

use crate::domain::ReportKind;

use super::csv::{Rows, Tail};
use super::date::read_iso;
use super::error::ReadError;
use super::layout::{HeaderFit, Layout, clean, missing_columns};
use super::limits::HEADER_ROWS_MAX;
use super::profile::Headers;

/// Delimiters in the order in which they are preferred when equally many headers are known.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What the start of a file says.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) delimiter: u8,
    pub(super) layout: Layout,
    /// The line in which the header starts.
    pub(super) header_row: u64,
    /// The lines above it.
    pub(super) preamble: Vec<String>,
}

/// Refuses files of other formats by their first bytes.
pub(super) fn refuse_other_formats(head: &[u8]) -> Result<(), ReadError> {
    let text_start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let container = if head.starts_with(b"PK\x03\x04") {
        "an Excel workbook (.xlsx), an OpenDocument sheet or another ZIP archive"
    } else if head.starts_with(b"\xd0\xcf\x11\xe0") {
        "an old Excel workbook (.xls)"
    } else if head.starts_with(b"\x1f\x8b") {
        "a gzip archive"
    } else if head.starts_with(b"%PDF") {
        "a PDF document"
    } else if text_start.starts_with(b"<") {
        "an HTML or XML page"
    } else {
        return Ok(());
    };
    Err(ReadError::Container { container })
}

/// Finds delimiter and header row in the start of the text, or says what the file is instead.
pub(super) fn find_header(
    text: &str,
    names: &Headers,
    wanted: Option<ReportKind>,
) -> Result<Start, ReadError> {
    if clean(text).is_empty() {
        return Err(ReadError::Empty);
    }
    refuse_own_output(text)?;
    let fixed = separator_line(text);
    let mut best: Option<(usize, Start)> = None;
    let mut named = None;
    let mut partly = Partly::default();
    for delimiter in DELIMITERS.into_iter().filter(|one| fixed.is_none_or(|fixed| fixed == *one)) {
        let mut rows = Rows::new(text.as_bytes(), delimiter, Tail::Row);
        let mut preamble = Vec::new();
        for _ in 0..HEADER_ROWS_MAX {
            // What is wrong with the text is told when all of it is read.
            if !matches!(rows.advance(), Ok(true)) || rows.unwrap_line().is_err() {
                break;
            }
            let row = rows.row()?;
            match Layout::of(&row, names, wanted) {
                HeaderFit::Layout(layout) => {
                    let known = layout.fields.iter().flatten().count();
                    if best.as_ref().is_none_or(|(most, _)| known > *most) {
                        best = Some((known, Start { delimiter, layout, header_row: row.row, preamble }));
                    }
                    break;
                }
                HeaderFit::Named(kind) => named = named.or(Some(kind)),
                HeaderFit::Partly(known) => partly.keep(known, delimiter, row.row),
            }
            preamble.push(row.line().to_owned());
        }
    }
    match (best, named) {
        (Some((_, start)), _) => Ok(start),
        (None, Some(kind)) => Err(ReadError::KindNotRead(kind)),
        (None, None) => Err(why_not(text, names, wanted, &partly)),
    }
}

/// The row that has most of a header.
#[derive(Default)]
struct Partly {
    known: usize,
    delimiter: u8,
    row: u64,
}

impl Partly {
    fn keep(&mut self, known: usize, delimiter: u8, row: u64) {
        if known > self.known {
            *self = Partly { known, delimiter, row };
        }
    }
}

/// No row is a header: what the file may be.
fn why_not(text: &str, names: &Headers, wanted: Option<ReportKind>, partly: &Partly) -> ReadError {
    if is_server_log(text) {
        return ReadError::KindNotRead(ReportKind::ServerLog);
    }
    if partly.known < 2 {
        return ReadError::NotAReport;
    }
    let mut rows = Rows::new(text.as_bytes(), partly.delimiter, Tail::Row);
    while matches!(rows.advance(), Ok(true)) {
        match rows.row() {
            Ok(row) if row.row == partly.row => return missing_columns(&row, names, wanted),
            _ => {}
        }
    }
    ReadError::NotAReport
}

/// A first line `sep=;`, as spreadsheets write it.
fn separator_line(text: &str) -> Option<u8> {
    let line = text.lines().next()?.trim().trim_matches('"');
    let sign = line.get(..4).filter(|head| head.eq_ignore_ascii_case("sep=")).and(line.as_bytes().get(4))?;
    DELIMITERS.contains(sign).then_some(*sign)
}

fn refuse_own_output(text: &str) -> Result<(), ReadError> {
    let first = text.lines().next().unwrap_or_default();
    let start = clean(text);
    let what = if first.starts_with("Invoice Number,Payer ID,") {
        "papertally's own CSV of invoice lines"
    } else if start.starts_with(['{', '[']) && text.contains("\"papertally\"") {
        "papertally's own JSON of invoice lines"
    } else if first.trim_start_matches('"').starts_with("*ContactName") {
        "a sales-invoice import file for Xero, such as papertally writes"
    } else {
        return Ok(());
    };
    Err(ReadError::OwnOutput(what))
}

/// `2024-03-01`, TAB, `1:05:09 PM`: the server's text log has no header.
fn is_server_log(text: &str) -> bool {
    let mut cells = text.lines().next().unwrap_or_default().split('\t');
    let day = cells.next().unwrap_or_default();
    let time = cells.next().unwrap_or_default();
    read_iso(&format!("{day} 00:00:00")).is_some() && time.contains(':') && cells.count() >= 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::ReadSettings;

    fn start(text: &str, wanted: Option<ReportKind>) -> String {
        let names = Headers::new(&ReadSettings::default()).unwrap();
        match find_header(text, &names, wanted) {
            Ok(start) => {
                format!("{} {:?} in row {}", start.layout.kind, char::from(start.delimiter), start.header_row)
            }
            Err(error) => format!("{}: {error}", error.code()),
        }
    }

    #[test]
    fn kind_and_delimiter_are_found_by_content() {
        let check = |text: &str, expected: &str| assert_eq!(start(text, None), expected, "{text}");
        check("# Print logs\n\"# a, b\"\nDate,Username,Cost\n", "print-log ',' in row 3");
        check("sep=;\nDate;Username;Cost\n", "print-log ';' in row 2");
        check("Date\tUsername\tCost\n", "print-log '\\t' in row 1");
        check("Date|Username|Document|Cost\n", "print-log '|' in row 1");
        check("\"Date,Username,Cost\"\n", "print-log ',' in row 1");
        check("\n\nTime,User,Pages,Copies,Printer\n", "print-logger ',' in row 3");
        check("Username,Full Name,Total Printed Pages,Jobs,Cost\n", "user-summary ',' in row 1");
        check("Shared Account Parent Name,Cost\n", "account-summary ',' in row 1");
        check("Shared Account Parent Name,Code,Balance\n", "balance-list ',' in row 1");
        check("Username,Full Name,Balance,Total Printed Pages,Jobs\n", "balance-list ',' in row 1");
    }

    #[test]
    fn what_is_not_read_is_named() {
        let check = |text: &str, code: &str, part: &str| {
            let refusal = start(text, None);
            assert!(refusal.starts_with(code) && refusal.contains(part), "{refusal}");
        };
        check("User Email,Transaction type,Amount,Date\n", "kind-not-read", "Hive");
        check("user,server,printer,time,cost,total-pages\n", "kind-not-read", "job import");
        check("Shared Account Parent Name,Job Type,Total Printed Pages\n", "kind-not-read", "job type");
        check(
            "2024-03-01\t1:05:09 PM\tsrv\tMFD\tann\tann\tPC\tx.pdf\t1\n",
            "kind-not-read",
            "server text log",
        );
        check("InvoiceNumber,ContactName,Description,Quantity\n1,2,3,4\n", "not-a-report", "report");
        check("Invoice Number,Payer ID,Payer\n", "own-output", "papertally");
        check("{\"by\": \"papertally\"}\n", "own-output", "papertally");
        check("*ContactName,EmailAddress\n", "own-output", "Xero");
        check(" \n\n", "empty-file", "empty");
    }

    #[test]
    fn missing_columns_are_named_together() {
        insta::assert_snapshot!(start("Datum;Username;Pris\n", Some(ReportKind::PrintLogger)), @"");
        insta::assert_snapshot!(start("Date,Username,Price\n", None), @"");
    }
}
