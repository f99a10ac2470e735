//! Any spreadsheet file as rows of cells: CSV in whatever form a spreadsheet saved it, or XLSX.

use std::borrow::Cow;
use std::io::Cursor;

use calamine::{Data, DataRef, Reader as _, SheetType, SheetVisible, Xlsx};
use chrono::NaiveDate;
use encoding_rs::{Encoding, WINDOWS_1252};

use super::super::guard::guarded;
use super::super::limits::SHEET_CELLS_MAX;

/// Longest cell, in bytes: what a spreadsheet cell holds at most (32,767 characters of up to four bytes).
const CELL_SIZE_BYTES_MAX: usize = 4 * 32_767;

/// Most digits of a whole number that a workbook's number cell keeps exactly.
const EXACT_DIGITS_MAX: usize = 15;

/// A cell as it stands in the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// A text, trimmed; a workbook's whole number without decimals.
    Text(String),
    /// A workbook's date.
    Day(NaiveDate),
    /// What has no single reading, described.
    Unreadable(String),
}

impl Cell {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Cell::Text(text) if text.is_empty())
    }
}

/// The rows that are not wholly empty, each with its line or row number.
pub(super) type Rows = Vec<(u64, Vec<Cell>)>;

/// What a file is instead of a table: found and expected.
pub(super) type Refusal = (String, &'static str);

pub(super) fn rows(bytes: &[u8]) -> Result<Rows, Refusal> {
    if bytes.is_empty() {
        return Err(("an empty file".to_owned(), "a header and rows"));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        // As of reports: what the parser panics at is a damaged file.
        let damaged = || Err(("a workbook that is damaged".to_owned(), "CSV or XLSX"));
        return guarded(|| workbook(bytes)).unwrap_or_else(damaged);
    }
    if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        return Err(("an old workbook (XLS)".to_owned(), "CSV or XLSX: save it as one of them"));
    }
    let text = decode(bytes);
    if text.contains('\0') {
        return Err(("a file that is no text".to_owned(), "CSV or XLSX"));
    }
    csv_rows(&text)
}

/// By byte order mark, else UTF-8 where it is that, else what spreadsheets on Windows save.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(bytes.get(length..).unwrap_or_default()).0;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

fn csv_rows(text: &str) -> Result<Rows, Refusal> {
    let delimiter = delimiter(text);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut rows = Rows::new();
    let mut lines = Lines { bytes: text.as_bytes(), at: 0, line: 1 };
    let mut last = (0, String::new());
    for record in reader.records() {
        let record = record.map_err(|error| (format!("CSV that cannot be read ({error})"), "a table"))?;
        let start = record.position().and_then(|position| usize::try_from(position.byte()).ok());
        let row = lines.line_at(start.unwrap_or(text.len()));
        let cells: Vec<Cell> = record.iter().map(text_cell).collect();
        last = (row, record.iter().next_back().unwrap_or_default().to_owned());
        if !cells.iter().all(Cell::is_empty) {
            rows.push((row, cells));
        }
    }
    // A quote that is never closed takes the rest of the file into one cell, and the rows in it are lost.
    let (row, cell) = last;
    let takes_rest = cell.contains(['\n', '\r']) || text.ends_with(&format!("\"{cell}"));
    if takes_rest && text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err((format!("a quote in row {row} that is never closed"), "a quote at the cell's end too"));
    }
    Ok(rows)
}

/// Counts lines up to the start of each record: the csv crate's own count stands before the line end of the
/// record before, and before blank lines.
struct Lines<'t> {
    bytes: &'t [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first byte at or after `start` that is no line end. CRLF, LF and CR end a line.
    fn line_at(&mut self, start: usize) -> u64 {
        while let Some(byte) = self.bytes.get(self.at) {
            if self.at >= start && !matches!(byte, b'\n' | b'\r') {
                break;
            }
            let half = *byte == b'\r' && self.bytes.get(self.at + 1) == Some(&b'\n');
            if matches!(byte, b'\n' | b'\r') && !half {
                self.line += 1;
            }
            self.at += 1;
        }
        self.line
    }
}

fn text_cell(text: &str) -> Cell {
    if text.len() > CELL_SIZE_BYTES_MAX {
        return Cell::Unreadable(
            "a cell longer than a spreadsheet's: a quote may be missing before it".to_owned(),
        );
    }
    Cell::Text(text.trim().to_owned())
}

/// The sign that stands most often in the header, outside quotes: the first line that is neither blank nor a comment.
fn delimiter(text: &str) -> u8 {
    let is_header = |line: &&str| !line.trim().is_empty() && !line.trim_start_matches('"').starts_with('#');
    let header = text.split(['\n', '\r']).find(is_header).unwrap_or_default();
    let count = |sign: u8| {
        let mut in_quotes = false;
        let outside = header.bytes().filter(|byte| {
            in_quotes ^= *byte == b'"';
            !in_quotes && *byte == sign
        });
        outside.count()
    };
    // Of signs that stand equally often the first holds.
    let signs = [b'|', b'\t', b';', b','];
    signs.into_iter().max_by_key(|sign| count(*sign)).unwrap_or(b',')
}

/// The first sheet that is not hidden.
fn workbook(bytes: &[u8]) -> Result<Rows, Refusal> {
    let wrong =
        |error: calamine::XlsxError| (format!("a workbook that cannot be read ({error})"), "CSV or XLSX");
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(wrong)?;
    let sheets = book.sheets_metadata().iter();
    let mut visible =
        sheets.filter(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet);
    let Some(name) = visible.next().map(|sheet| sheet.name.clone()) else {
        return Err(("a workbook without a visible sheet".to_owned(), "a sheet with a header and rows"));
    };
    check_room(&mut book, &name, wrong)?;
    let range = book.worksheet_range(&name).map_err(wrong)?;
    let (first_row, first_column) = range.start().unwrap_or((0, 0));
    let mut rows = Rows::new();
    for (index, cells) in (u64::from(first_row) + 1..).zip(range.rows()) {
        let blank = (0..first_column).map(|_| Cell::Text(String::new()));
        let cells: Vec<Cell> = blank.chain(cells.iter().map(workbook_cell)).collect();
        if !cells.iter().all(Cell::is_empty) {
            rows.push((index, cells));
        }
    }
    Ok(rows)
}

/// Refuses a sheet with a stray cell far from the others: its parser makes room for all cells in between.
fn check_room(
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    wrong: impl Fn(calamine::XlsxError) -> Refusal,
) -> Result<(), Refusal> {
    let mut cells = book.worksheet_cells_reader(name).map_err(&wrong)?;
    // The first row and the last, and the last column: what is empty left of the cells is made too.
    let mut extent: Option<[u32; 3]> = None;
    while let Some(cell) = cells.next_cell().map_err(&wrong)? {
        if matches!(cell.get_value(), DataRef::Empty) {
            continue;
        }
        let (row, column) = cell.get_position();
        let [top, bottom, right] = extent.unwrap_or([row, row, column]);
        let [top, bottom, right] = [top.min(row), bottom.max(row), right.max(column)];
        extent = Some([top, bottom, right]);
        if (u64::from(bottom - top) + 1) * (u64::from(right) + 1) > SHEET_CELLS_MAX {
            return Err((
                format!("a cell in row {} far from the others", u64::from(row) + 1),
                "a table without stray cells: delete the cell, its row and its column",
            ));
        }
    }
    Ok(())
}

fn workbook_cell(data: &Data) -> Cell {
    match data {
        Data::Empty => Cell::Text(String::new()),
        Data::String(text) => text_cell(text),
        Data::Int(number) => number_cell(&number.to_string()),
        Data::Float(number) => number_cell(&number.to_string()),
        Data::Bool(flag) => Cell::Text(flag.to_string()),
        Data::DateTime(moment) if moment.is_datetime() => match moment.as_datetime() {
            Some(moment) => Cell::Day(moment.date()),
            None => Cell::Unreadable("a date that no calendar has".to_owned()),
        },
        Data::DateTime(_) | Data::DurationIso(_) => Cell::Unreadable("a time span".to_owned()),
        Data::DateTimeIso(text) => match text.get(..10).and_then(|day| day.parse::<NaiveDate>().ok()) {
            Some(day) => Cell::Day(day),
            None => Cell::Unreadable(format!("`{text}`")),
        },
        Data::Error(error) => Cell::Unreadable(format!("the formula error `{error}`")),
    }
}

/// A number's shortest text: `42` for 42.0. One with more digits than a double keeps was damaged on saving.
fn number_cell(text: &str) -> Cell {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits > EXACT_DIGITS_MAX && !text.contains('.') {
        return Cell::Unreadable(format!("the number `{text}`, whose last digits a workbook does not keep"));
    }
    Cell::Text(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cell: &Cell) -> String {
        match cell {
            Cell::Text(text) => text.clone(),
            Cell::Day(day) => day.to_string(),
            Cell::Unreadable(found) => format!("!{found}"),
        }
    }

    #[test]
    fn a_table_is_read_in_any_form_that_a_spreadsheet_saves() {
        let check = |bytes: &[u8], expected: &str| {
            let shown = match rows(bytes) {
                Ok(rows) => {
                    let row = |(row, cells): &(u64, Vec<Cell>)| {
                        format!("{row}:{}", cells.iter().map(text).collect::<Vec<String>>().join("|"))
                    };
                    rows.iter().map(row).collect::<Vec<String>>().join(" ")
                }
                Err((found, expected)) => format!("{found} / {expected}"),
            };
            assert_eq!(shown, expected);
        };
        check(b"id,name\r\n1,Zo\xc3\xab\r\n", "1:id|name 2:1|Zo\u{eb}");
        check(b"\xef\xbb\xbfid;name\n\n1;\"a;b\"\n", "1:id|name 3:1|a;b");
        check(b"id\tname\n1\tZo\xeb\n", "1:id|name 2:1|Zo\u{eb}");
        check(b"\xff\xfei\0d\0,\0n\0\n\x001\0,\x002\0", "1:id|n 2:1|2");
        check(b"id,\"a;b;c\"\n007,\"two\nlines\"\n3,x", "1:id|a;b;c 2:007|two\nlines 4:3|x");
        check(b"id\n007\n", "1:id 2:007");
        check(b"id\r007\r\r008", "1:id 2:007 4:008");
        check(b"id,n\n1,\"x\n2,y\n", "a quote in row 2 that is never closed / a quote at the cell's end too");
        check(b"id,n\n1,\"x\n", "a quote in row 2 that is never closed / a quote at the cell's end too");
        check(b"id,n\n1,\"x", "a quote in row 2 that is never closed / a quote at the cell's end too");
        check(b"id,n\n1,5\" disk\n", "1:id|n 2:1|5\" disk");
        check(b"", "an empty file / a header and rows");
        check(b"\xd0\xcf\x11\xe0\xa1", "an old workbook (XLS) / CSV or XLSX: save it as one of them");
        check(b"a\0b", "a file that is no text / CSV or XLSX");
        assert!(rows(b"PK\x03\x04 nothing").unwrap_err().0.starts_with("a workbook that cannot be read"));
    }

    #[test]
    fn numbers_of_a_workbook_stay_what_people_see() {
        let check = |data: Data, expected: &str| assert_eq!(text(&workbook_cell(&data)), expected);
        check(Data::Float(42.0), "42");
        check(Data::Float(0.5), "0.5");
        check(Data::Int(7), "7");
        check(Data::Float(123_456_789_012_345.0), "123456789012345");
        check(
            Data::Float(1_234_567_890_123_456.0),
            "!the number `1234567890123456`, whose last digits a workbook does not keep",
        );
        check(Data::String(" 007 ".to_owned()), "007");
        check(Data::DateTimeIso("2026-10-12T00:00:00".to_owned()), "2026-10-12");
        check(Data::Error(calamine::CellErrorType::Name), "!the formula error `#NAME?`");
    }

    #[test]
    fn a_workbook_can_be_wrong_in_any_way() {
        let saved = |place: &str| {
            let relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
            let cell = |place: &str| format!("<c r='{place}' t='inlineStr'><is><t>x</t></is></c>");
            let rows = format!("<row>{}</row><row>{}</row>", cell("A1"), cell(place));
            let parts = [
                (
                    "_rels/.rels",
                    format!(
                        "<Relationships><Relationship Id='r1' Type='{relation}/officeDocument' Target='xl/workbook.xml'/></Relationships>"
                    ),
                ),
                (
                    "xl/workbook.xml",
                    format!(
                        "<workbook xmlns:r='{relation}'><sheets><sheet name='A' sheetId='1' r:id='r1'/></sheets></workbook>"
                    ),
                ),
                (
                    "xl/_rels/workbook.xml.rels",
                    format!(
                        "<Relationships><Relationship Id='r1' Type='{relation}/worksheet' Target='worksheets/sheet1.xml'/></Relationships>"
                    ),
                ),
                ("xl/worksheets/sheet1.xml", format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")),
            ];
            let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (name, part) in parts {
                writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
                std::io::Write::write_all(&mut writer, part.as_bytes()).unwrap();
            }
            writer.finish().unwrap().into_inner()
        };
        assert_eq!(rows(&saved("B2")).unwrap().len(), 2);
        let (found, _) = rows(&saved("XFD1048576")).unwrap_err();
        assert_eq!(found, "a cell in row 1048576 far from the others");
        // The parser counts such a column beyond what a number holds.
        assert_eq!(rows(&saved("inlineStr")).unwrap_err().0, "a workbook that is damaged");
    }
}
