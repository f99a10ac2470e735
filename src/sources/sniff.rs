//! The first look at the rows: delimiter and header row by their content.
//!
//! Neither the name of a file nor that of a sheet counts.

use crate::domain::ReportKind;

use super::cells::RowText;
use super::csv::{Rows, Tail};
use super::error::ReadError;
use super::layout::{HeaderFit, Layout, clean, missing_columns};
use super::limits::HEADER_ROWS_MAX;
use super::profile::{ColumnRule, Profiles, RowsAre};
use super::sketch::sketch;

/// Delimiters in the order in which they are preferred when equally many headers are known.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What the start of a text or sheet says.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// Only text has one.
    pub(super) delimiter: Option<u8>,
    pub(super) layout: Layout,
    /// The line in which the header starts; 0 in a file without one.
    pub(super) header_row: u64,
    /// The lines above it.
    pub(super) preamble: Vec<String>,
}

impl Start {
    /// Every row from the first on is data.
    pub(super) fn without_header(delimiter: Option<u8>, layout: Layout) -> Start {
        Start { delimiter, layout, header_row: 0, preamble: Vec::new() }
    }
}

/// Looks for a header row, and remembers what comes closest to one.
pub(super) struct Search<'n> {
    known: &'n Profiles,
    wanted: Option<ReportKind>,
    named: Option<ReportKind>,
    /// How many columns of a row are known, and what it lacks.
    partly: Option<(usize, ReadError)>,
}

impl<'n> Search<'n> {
    pub(super) fn new(known: &'n Profiles, wanted: Option<ReportKind>) -> Search<'n> {
        Search { known, wanted, named: None, partly: None }
    }

    /// Takes a row for a header.
    pub(super) fn look(&mut self, row: &RowText<'_>, delimiter: Option<u8>) -> Option<Layout> {
        match Layout::of(row, self.known, self.wanted, delimiter) {
            HeaderFit::Layout(layout) => return Some(layout),
            HeaderFit::Named(kind) => self.named = self.named.or(Some(kind)),
            HeaderFit::Partly(known) => {
                if known >= 2 && self.partly.as_ref().is_none_or(|(most, _)| known > *most) {
                    self.partly = Some((known, missing_columns(row, self.known, self.wanted)));
                }
            }
        }
        None
    }

    /// Takes a row for the first one of a layout without a header.
    pub(super) fn look_without_header(&mut self, row: &RowText<'_>) -> Option<Layout> {
        let profiles = self.known.all(self.wanted).filter(|profile| profile.rows != RowsAre::Named);
        let mut fits = profiles.filter_map(|profile| Layout::without_header(row, profile)?.ok());
        fits.next()
    }

    /// No row is a header: what the rows are instead.
    pub(super) fn why_not(self) -> ReadError {
        match (self.named, self.partly) {
            (Some(kind), _) => ReadError::KindNotRead(kind),
            (None, Some((_, error))) => error,
            (None, None) => ReadError::NotAReport { layout: None },
        }
    }
}

/// Finds delimiter and header row in the start of the text, or says what the file is instead.
pub(super) fn find_header(
    text: &str,
    known: &Profiles,
    wanted: Option<ReportKind>,
) -> Result<Start, ReadError> {
    if clean(text).is_empty() {
        return Err(ReadError::Empty);
    }
    refuse_own_output(text)?;
    let fixed = separator_line(text);
    let mut best: Option<(usize, Start)> = None;
    let mut search = Search::new(known, wanted);
    let own = known.own().iter().filter_map(|profile| profile.delimiter);
    let mut delimiters = DELIMITERS.to_vec();
    delimiters.extend(own.filter(|sign| !DELIMITERS.contains(sign)));
    for delimiter in delimiters.iter().copied().filter(|one| fixed.is_none_or(|fixed| fixed == *one)) {
        let mut rows = Rows::new(text.as_bytes(), delimiter, Tail::Row);
        let mut preamble = Vec::new();
        for _ in 0..HEADER_ROWS_MAX {
            // What is wrong with the text is told when all of it is read.
            if !matches!(rows.advance(), Ok(true)) || rows.unwrap_line().is_err() {
                break;
            }
            let row = rows.row()?;
            if let Some(layout) = search.look(&row, Some(delimiter)) {
                let known = layout.fields.iter().flatten().count();
                if best.as_ref().is_none_or(|(most, _)| known > *most) {
                    let delimiter = Some(delimiter);
                    let start = Start { delimiter, layout, header_row: row.row, preamble };
                    best = Some((known, start));
                }
                break;
            }
            preamble.push(row.line().to_owned());
        }
    }
    match best {
        Some((_, start)) => Ok(start),
        None => start_without_header(text, known, wanted).map_err(|error| match (error, search.why_not()) {
            (Some(error @ ReadError::KindNotRead(_)), _) => error,
            (Some(unlike), ReadError::NotAReport { .. }) => unlike,
            (None, ReadError::NotAReport { .. }) => {
                ReadError::NotAReport { layout: sketch(text, &delimiters, &known.headers) }
            }
            (_, error) => error,
        }),
    }
}

/// Finds the first row of a layout without a header: one of the operator's before a built-in one, and one that is read
/// before one that is only recognised. Where none fits, says what is unlike the first of the operator's.
fn start_without_header(
    text: &str,
    known: &Profiles,
    wanted: Option<ReportKind>,
) -> Result<Start, Option<ReadError>> {
    let profiles =
        known.all(wanted).filter(|profile| matches!(profile.columns, Some(ColumnRule::ByPosition(_))));
    let mut unlike = None;
    for profile in profiles {
        let delimiters = profile.delimiter.map_or_else(|| DELIMITERS.to_vec(), |sign| vec![sign]);
        for delimiter in delimiters {
            let mut rows = Rows::new(text.as_bytes(), delimiter, Tail::Row);
            if !profile.quotes {
                rows = rows.without_quotes();
            }
            // A sign too many in one row is told from a further column by the other rows.
            let mut fewest: Option<Layout> = None;
            for _ in 0..HEADER_ROWS_MAX {
                if !matches!(rows.advance(), Ok(true)) {
                    break;
                }
                let Ok(row) = rows.row() else { break };
                let is_fewer = |layout: &Layout| {
                    fewest.as_ref().is_none_or(|known| layout.headers.len() < known.headers.len())
                };
                match Layout::without_header(&row, profile) {
                    Some(Ok(layout)) if is_fewer(&layout) => fewest = Some(layout),
                    // Only a layout of the operator's was meant for this file.
                    Some(Err(error)) if known.own().contains(profile) => {
                        unlike.get_or_insert(error);
                    }
                    _ => {}
                }
            }
            match fewest {
                Some(layout) if profile.rows == RowsAre::Named => {
                    return Err(Some(ReadError::KindNotRead(layout.kind)));
                }
                // What stands above the first row that fits is not skipped: such rows are rejected, and told.
                Some(layout) => return Ok(Start::without_header(Some(delimiter), layout)),
                None => {}
            }
        }
    }
    Err(unlike)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::ReadSettings;

    fn start(text: &str, wanted: Option<ReportKind>) -> String {
        let known = Profiles::new(&ReadSettings::default()).unwrap();
        match find_header(text, &known, wanted) {
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
        check("Date,User Email,Transaction type,Amount,Balance\n", "hive ',' in row 1");
        check("User,Print+Copy total pages,Print job color pages,Cost\n", "hive ',' in row 1");
        check("Username,Job Type,Total Printed Pages,Cost\n", "type-breakdown ',' in row 1");
        check(
            "Shared Account Parent Name,Job Type,Total Printed Pages,Cost\n",
            "type-breakdown ',' in row 1",
        );
    }

    #[test]
    fn what_is_not_read_is_named() {
        let check = |text: &str, code: &str, part: &str| {
            let refusal = start(text, None);
            assert!(refusal.starts_with(code) && refusal.contains(part), "{refusal}");
        };
        check("User Email,Name,Amount\n", "kind-not-read", "Hive");
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
