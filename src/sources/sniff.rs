//! The first look at the rows: delimiter and header row by their content.
//!
//! Neither the name of a file nor that of a sheet counts.

use crate::domain::ReportKind;

use super::cells::RowText;
use super::csv::{Rows, Tail};
use super::date::{is_time_only, read_iso};
use super::error::ReadError;
use super::layout::{HeaderFit, Layout, SERVER_LOG, clean, missing_columns};
use super::limits::HEADER_ROWS_MAX;
use super::profile::Headers;

/// Delimiters in the order in which they are preferred when equally many headers are known.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What the start of a text or sheet says.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// Only text has one.
    pub(super) delimiter: Option<u8>,
    pub(super) layout: Layout,
    /// The line in which the header starts.
    pub(super) header_row: u64,
    /// The lines above it.
    pub(super) preamble: Vec<String>,
}

/// Looks for a header row, and remembers what comes closest to one.
pub(super) struct Search<'n> {
    names: &'n Headers,
    wanted: Option<ReportKind>,
    named: Option<ReportKind>,
    /// How many columns of a row are known, and what it lacks.
    partly: Option<(usize, ReadError)>,
}

impl<'n> Search<'n> {
    pub(super) fn new(names: &'n Headers, wanted: Option<ReportKind>) -> Search<'n> {
        Search { names, wanted, named: None, partly: None }
    }

    /// Takes a row for a header.
    pub(super) fn look(&mut self, row: &RowText<'_>) -> Option<Layout> {
        match Layout::of(row, self.names, self.wanted) {
            HeaderFit::Layout(layout) => return Some(layout),
            HeaderFit::Named(kind) => self.named = self.named.or(Some(kind)),
            HeaderFit::Partly(known) => {
                if known >= 2 && self.partly.as_ref().is_none_or(|(most, _)| known > *most) {
                    self.partly = Some((known, missing_columns(row, self.names, self.wanted)));
                }
            }
        }
        None
    }

    /// No row is a header: what the rows are instead.
    pub(super) fn why_not(self) -> ReadError {
        match (self.named, self.partly) {
            (Some(kind), _) => ReadError::KindNotRead(kind),
            (None, Some((_, error))) => error,
            (None, None) => ReadError::NotAReport,
        }
    }
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
    let mut search = Search::new(names, wanted);
    for delimiter in DELIMITERS.into_iter().filter(|one| fixed.is_none_or(|fixed| fixed == *one)) {
        let mut rows = Rows::new(text.as_bytes(), delimiter, Tail::Row);
        let mut preamble = Vec::new();
        for _ in 0..HEADER_ROWS_MAX {
            // What is wrong with the text is told when all of it is read.
            if !matches!(rows.advance(), Ok(true)) || rows.unwrap_line().is_err() {
                break;
            }
            let row = rows.row()?;
            if let Some(layout) = search.look(&row) {
                let known = layout.fields.iter().flatten().count();
                if best.as_ref().is_none_or(|(most, _)| known > *most) {
                    let start = Start { delimiter: Some(delimiter), layout, header_row: row.row, preamble };
                    best = Some((known, start));
                }
                break;
            }
            preamble.push(row.line().to_owned());
        }
    }
    match (best, server_log_columns(text)) {
        (Some((_, start)), _) => Ok(start),
        (None, Some(columns)) if columns >= SERVER_LOG.len() => {
            let layout = Layout::of_server_log(columns);
            Ok(Start { delimiter: Some(b'\t'), layout, header_row: 0, preamble: Vec::new() })
        }
        (None, Some(_)) if search.named.is_none() => Err(ReadError::KindNotRead(ReportKind::ServerLog)),
        (None, _) => Err(search.why_not()),
    }
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

/// The columns of a server's text log, which has no header: `2024-03-01`, TAB, `1:05:09 PM`, and more.
fn server_log_columns(text: &str) -> Option<usize> {
    let cells: Vec<&str> = text.lines().next()?.split('\t').collect();
    let [day, time, ..] = cells.as_slice() else { return None };
    let is_log = read_iso(&format!("{day} 00:00:00")).is_some() && is_time_only(time) && cells.len() >= 6;
    is_log.then_some(cells.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::ReadSettings;

    fn start(text: &str, wanted: Option<ReportKind>) -> String {
        let names = Headers::new(&ReadSettings::default()).unwrap();
        match find_header(text, &names, wanted) {
            Ok(start) => {
                let delimiter = char::from(start.delimiter.unwrap());
                format!("{} {delimiter:?} in row {}", start.layout.kind, start.header_row)
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
        check("user,server,printer,time,cost,total-pages\n", "job-import ',' in row 1");
        check("2024-03-01\t1:05:09 PM\ts\tp\tu\ta\tc\td\t1\t0\n", "server-log '\\t' in row 0");
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
        check("user,server,printer,total-pages\n", "kind-not-read", "job import");
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
        let check = |text: &str, wanted: Option<ReportKind>, expected: &str| {
            assert_eq!(start(text, wanted), format!("column-missing: {expected}"), "{text}");
        };
        check(
            "# Print logs\nDate,Username,Price,\n",
            None,
            "row 2: taken for a print log, but it has no column for cost (known as `Cost`, `Charged Cost`, `Kosten`); \
             its headers are `Date`, `Username`, `Price`",
        );
        check(
            "Time;User;Sheets\n",
            Some(ReportKind::PrintLogger),
            "row 1: taken for a Print Logger log, but it has no column for copy-pages (known as `Pages`, `Páginas`, \
             `Paginas`) and copies (known as `Copies`, `Copias`, `Cópias`); its headers are `Time`, `User`, `Sheets`",
        );
    }
}
