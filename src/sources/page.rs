//! Pages with tables: HTML logs, and HTML that calls itself a workbook.
//!
//! Streams the tokens of the HTML standard and keeps one row; no tree is built. A table is to the rest what a sheet
//! is. End tags of rows and cells may be missing, as the standard allows; a table's own may not, because a page that
//! is cut off would otherwise give half an amount. Styles, scripts and links are not looked at.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{IoReader, StartTag, Token, Tokenizer};

use super::cells::Typed;
use super::date::{Written, is_time_only};
use super::error::ReadError;
use super::grid::{Grid, Sheet};
use super::limits::{
    COLUMN_SPAN_MAX, ROW_BYTES_MAX, ROW_SPAN_MAX, SPANNED_CELLS_MAX, TABLE_DEPTH_MAX, TABLES_MAX,
    TOKEN_BYTES_MAX,
};
use super::numbers::{Epoch, moment_of, write_moment};
use super::spool::SpoolWriter;

pub(super) const PAGE: &str = "HTML page";

/// Takes a page apart.
pub(super) fn read_page(text: impl Read) -> Result<Grid, ReadError> {
    read(Page::new(LineBreaks::default()), text)
}

fn read(mut page: Page, text: impl Read) -> Result<Grid, ReadError> {
    let since_token = Arc::new(AtomicUsize::new(0));
    let reader = Counting { text, at: 0, breaks: page.breaks.clone(), since_token: since_token.clone() };
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(IoReader::new(reader), emitter) {
        if since_token.swap(0, Ordering::Relaxed) > TOKEN_BYTES_MAX {
            return Err(damaged("a tag or text in it has no end"));
        }
        match token? {
            Token::StartTag(tag) => page.open(&tag)?,
            Token::EndTag(tag) => page.close(&tag.name)?,
            Token::String(text) => page.text(&text.value)?,
            _ => {}
        }
    }
    page.finish()
}

/// Where the lines of the text end, as far as they have been read and not been passed.
#[derive(Clone, Default)]
struct LineBreaks(Arc<Mutex<VecDeque<usize>>>);

/// Notes line ends while the tokeniser reads ahead.
struct Counting<R> {
    text: R,
    at: usize,
    breaks: LineBreaks,
    /// Bytes read since the last token.
    since_token: Arc<AtomicUsize>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.text.read(into)?;
        let fresh = into.get(..count).unwrap_or_default();
        if let Ok(mut breaks) = self.breaks.0.lock() {
            breaks.extend(
                fresh.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| self.at + at),
            );
        }
        self.at += count;
        if self.since_token.fetch_add(count, Ordering::Relaxed) + count > TOKEN_BYTES_MAX {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        Ok(count)
    }
}

/// What is open around the current place.
struct Page {
    breaks: LineBreaks,
    line: u64,
    writer: SpoolWriter,
    /// The tables that are open, outermost first.
    open: Vec<Table>,
    sheets: Vec<Sheet>,
    /// The element whose text is of no interest, if one is open.
    silent: Option<&'static str>,
    in_title: bool,
    title: String,
    /// The text outside of tables, as far as a date may stand in it.
    prose: String,
    day: Day,
    /// Cells so far that stood in a further row because they span it.
    spanned: usize,
}

/// The day that a page states.
#[derive(Default)]
struct Day {
    found: Option<(chrono::NaiveDate, &'static str)>,
    is_looked_for: bool,
}

/// A table that is open.
struct Table {
    number: u32,
    row: Option<TableRow>,
    spans: Spans,
}

/// A row that is open.
#[derive(Default)]
struct TableRow {
    line: u64,
    cells: Vec<TableCell>,
    is_cell_open: bool,
}

#[derive(Clone, Default)]
struct TableCell {
    text: String,
    /// The number behind the text, where a spreadsheet wrote it beside.
    number: Option<String>,
    columns: usize,
    rows: usize,
}

/// Cells that go on in the next rows, by their columns: of a column there is one at most, because a cell never begins
/// where one of the rows above stands.
type Spans = BTreeMap<usize, Span>;

/// A cell that goes on in the next rows.
struct Span {
    rows_left: usize,
    cell: TableCell,
}

impl Page {
    fn new(breaks: LineBreaks) -> Page {
        Page {
            breaks,
            line: 1,
            writer: SpoolWriter::new(),
            open: Vec::new(),
            sheets: Vec::new(),
            silent: None,
            in_title: false,
            title: String::new(),
            prose: String::new(),
            day: Day::default(),
            spanned: 0,
        }
    }

    /// The line of a place that lies behind all places asked for before.
    fn line_at(&mut self, place: usize) -> u64 {
        if let Ok(mut breaks) = self.breaks.0.lock() {
            while breaks.front().is_some_and(|at| *at < place) {
                breaks.pop_front();
                self.line += 1;
            }
        }
        self.line
    }

    fn open(&mut self, tag: &StartTag<usize>) -> Result<(), ReadError> {
        match &*tag.name.0 {
            b"style" => self.silent = Some("style"),
            b"script" => self.silent = Some("script"),
            b"title" => self.in_title = true,
            b"table" => {
                self.text(b" ")?;
                let number = u32::try_from(self.sheets.len()).unwrap_or(u32::MAX);
                if self.open.len() >= TABLE_DEPTH_MAX || number >= TABLES_MAX {
                    return Err(damaged("it has too many tables"));
                }
                self.sheets.push(Sheet {
                    number,
                    name: format!("table {}", number + 1),
                    merges: Vec::new(),
                    unfinished: None,
                });
                self.open.push(Table { number, row: None, spans: Spans::new() });
            }
            b"tr" => {
                self.end_row()?;
                let line = self.line_at(tag.span.start);
                if let Some(table) = self.open.last_mut() {
                    table.row = Some(TableRow { line, ..TableRow::default() });
                }
            }
            b"td" | b"th" => {
                let line = self.line_at(tag.span.start);
                let span = |name: &[u8], most: usize| {
                    let value = tag.attributes.get(name).and_then(|value| std::str::from_utf8(value).ok());
                    value.and_then(|value| value.trim().parse().ok()).unwrap_or(1usize).clamp(1, most)
                };
                let cell = TableCell {
                    text: String::new(),
                    number: number_behind(tag),
                    columns: span(b"colspan", COLUMN_SPAN_MAX),
                    rows: span(b"rowspan", ROW_SPAN_MAX),
                };
                if let Some(table) = self.open.last_mut() {
                    let row = table.row.get_or_insert_with(|| TableRow { line, ..TableRow::default() });
                    row.cells.push(cell);
                    row.is_cell_open = true;
                }
            }
            b"br" | b"p" | b"div" | b"li" => self.text(b" ")?,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &[u8]) -> Result<(), ReadError> {
        match name {
            b"title" => self.in_title = false,
            b"td" | b"th" => {
                if let Some(row) = self.open.last_mut().and_then(|table| table.row.as_mut()) {
                    row.is_cell_open = false;
                }
            }
            b"tr" | b"thead" | b"tbody" | b"tfoot" => self.end_row()?,
            b"table" => {
                self.end_row()?;
                self.open.pop();
            }
            _ if self.silent.is_some_and(|silent| silent.as_bytes() == name) => self.silent = None,
            _ => {}
        }
        Ok(())
    }

    /// Takes text to where it belongs, with its white space as a browser shows it.
    fn text(&mut self, text: &[u8]) -> Result<(), ReadError> {
        let text = String::from_utf8_lossy(text);
        if self.silent.is_some() {
            return Ok(());
        }
        if self.in_title {
            note(&mut self.title, &text);
        } else if let Some(table) = self.open.last_mut() {
            let Some(row) = &mut table.row else { return Ok(()) };
            let line = row.line;
            if let Some(cell) = row.cells.last_mut().filter(|_| row.is_cell_open) {
                join(&mut cell.text, &text);
                if cell.text.len() > ROW_BYTES_MAX {
                    return Err(ReadError::RowTooLong { row: line });
                }
            }
        } else if note(&mut self.prose, &text) {
            self.prose.push(' ');
        }
        Ok(())
    }

    /// Puts the innermost table's row aside.
    fn end_row(&mut self) -> Result<(), ReadError> {
        let day = self.day.of(&self.title, &self.prose);
        let Some(table) = self.open.last_mut() else { return Ok(()) };
        let Some(row) = table.row.take() else { return Ok(()) };
        self.writer.start(table.number, row.line);
        let carried = std::mem::take(&mut table.spans);
        self.spanned = self.spanned.saturating_add(carried.len());
        if self.spanned > SPANNED_CELLS_MAX {
            return Err(damaged("its cells span too many rows"));
        }
        let mut columns = Columns { next: 0, carried, kept: Spans::new() };
        for cell in row.cells {
            columns.carry(&mut self.writer, day);
            let column = columns.next;
            write(&mut self.writer, column, &cell, day);
            if cell.rows > 1 {
                columns.kept.insert(column, Span { rows_left: cell.rows - 1, cell: cell.clone() });
            }
            columns.next = column.saturating_add(cell.columns);
            if self.writer.size_bytes() > ROW_BYTES_MAX || columns.next > super::limits::CELLS_MAX {
                return Err(ReadError::RowTooLong { row: row.line });
            }
        }
        columns.carry(&mut self.writer, day);
        table.spans = columns.end(&mut self.writer, day);
        if self.writer.size_bytes() > ROW_BYTES_MAX {
            return Err(ReadError::RowTooLong { row: row.line });
        }
        self.writer.end()
    }

    /// Ends the page. A table that is still open was cut off, or is still being written.
    fn finish(mut self) -> Result<Grid, ReadError> {
        let line = self.line_at(usize::MAX);
        for table in &self.open {
            let at = table.row.as_ref().map_or(line, |row| row.line);
            if let Some(sheet) = self.sheets.iter_mut().find(|sheet| sheet.number == table.number) {
                sheet.unfinished = Some(at);
            }
        }
        let day = self.day.of(&self.title, &self.prose);
        let mut grid = Grid::new(PAGE, self.sheets, Vec::new(), self.writer.finish()?);
        grid.day = day;
        Ok(grid)
    }
}

/// Text outside of tables that is searched for the day: once so much has come, what follows is not.
const PROSE_BYTES_MAX: usize = 4096;

/// The longest text in one piece that is searched; a heading is shorter.
const PIECE_BYTES_MAX: usize = 64 << 10;

impl Day {
    /// The day in the title, else in the text above the first table; looked for once.
    fn of(&mut self, title: &str, prose: &str) -> Option<(chrono::NaiveDate, &'static str)> {
        if !self.is_looked_for {
            self.is_looked_for = true;
            let in_title = day_in(title).map(|day| (day, "the title"));
            self.found = in_title.or_else(|| day_in(prose).map(|day| (day, "the text above the table")));
        }
        self.found
    }
}

/// The only day that stands in a text and has one reading.
fn day_in(text: &str) -> Option<chrono::NaiveDate> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found = None;
    let mut from = 0;
    while from < words.len() {
        let read = (1..=6.min(words.len() - from)).rev().find_map(|count| {
            let part = words.get(from..from + count)?.join(" ");
            let written = Written::read(part.trim_matches([',', '.', '(', ')', '[', ']', ';', ':']))?;
            Some((count, written.only_day()?))
        });
        match read {
            Some((_, day)) if found.is_some_and(|other| other != day) => return None,
            Some((count, day)) => {
                found = Some(day);
                from += count;
            }
            None => from += 1,
        }
    }
    found
}

/// The columns of a row while it is put aside: cells of rows above may stand between its own.
struct Columns {
    next: usize,
    carried: Spans,
    kept: Spans,
}

impl Columns {
    /// Writes the cells of rows above that stand at the next column.
    fn carry(&mut self, writer: &mut SpoolWriter, day: Option<(chrono::NaiveDate, &'static str)>) {
        while let Some(span) = self.carried.remove(&self.next) {
            let column = self.next;
            write(writer, column, &span.cell, day);
            self.next = column.saturating_add(span.cell.columns);
            self.keep(column, span);
        }
    }

    /// Writes those that stand right of the last cell, and gives what goes on below.
    fn end(mut self, writer: &mut SpoolWriter, day: Option<(chrono::NaiveDate, &'static str)>) -> Spans {
        for (column, span) in std::mem::take(&mut self.carried) {
            if column > self.next {
                write(writer, column, &span.cell, day);
            }
            self.keep(column, span);
        }
        self.kept
    }

    /// Keeps what goes on below.
    fn keep(&mut self, column: usize, mut span: Span) {
        span.rows_left -= 1;
        if span.rows_left > 0 {
            self.kept.insert(column, span);
        }
    }
}

/// Puts one cell aside.
fn write(
    writer: &mut SpoolWriter,
    column: usize,
    cell: &TableCell,
    day: Option<(chrono::NaiveDate, &'static str)>,
) {
    let column = u32::try_from(column).unwrap_or(u32::MAX);
    let text = cell.text.trim();
    let mut second = String::new();
    match (&cell.number, day) {
        (Some(number), _) => {
            write_moment(moment_of(number, Epoch::Of1900), &mut second);
            // A date that a spreadsheet shows as one; any other number counts as it was typed, not as shown.
            if second.is_empty() || Written::read(text).is_none() {
                writer.cell(column, Typed::Number, number, &second);
            } else {
                writer.cell(column, Typed::Moment, &second, number);
            }
        }
        (None, Some((day, _))) if is_time_only(text) => {
            writer.cell(column, Typed::Text, text, &format!("{day} {text}"));
        }
        (None, _) if !text.is_empty() => writer.cell(column, Typed::Text, text, ""),
        (None, _) => {}
    }
}

/// The number that Excel (`x:num`) and LibreOffice (`sdval`) write beside the text that they show.
fn number_behind(tag: &StartTag<usize>) -> Option<String> {
    let value = [&b"x:num"[..], b"sdval"].into_iter().find_map(|name| tag.attributes.get(name))?;
    let value = std::str::from_utf8(value).ok()?.trim();
    let number: f64 = value.parse().ok().filter(|number: &f64| number.is_finite())?;
    let mut text = String::new();
    super::numbers::write_number(number, &mut text);
    Some(text)
}

/// Adds text that is searched for the day, as far as that goes.
fn note(whole: &mut String, text: &str) -> bool {
    let is_taken = whole.len() < PROSE_BYTES_MAX && text.len() <= PIECE_BYTES_MAX;
    if is_taken {
        join(whole, text);
    }
    is_taken
}

/// Adds text, with every run of white space as one blank.
fn join(whole: &mut String, text: &str) {
    for sign in text.chars() {
        if !sign.is_ascii_whitespace() {
            whole.push(sign);
        } else if !whole.is_empty() && !whole.ends_with(' ') {
            whole.push(' ');
        }
    }
}

fn damaged(reason: &str) -> ReadError {
    ReadError::Damaged { container: PAGE, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tables(html: &str) -> Vec<String> {
        let mut grid = read_page(html.as_bytes()).unwrap();
        let mut lines = Vec::new();
        for at in 0..grid.sheets.len() {
            let sheet = grid.sheets[at].clone();
            grid.read(at, |row| -> Result<(), ReadError> {
                let cells: Vec<&str> = (0..row.len()).map(|column| row.moment(column).unwrap()).collect();
                lines.push(format!("{}:{} {}", sheet.number, row.row, cells.join("|")));
                Ok(())
            })
            .unwrap();
            lines.extend(sheet.unfinished.map(|row| format!("unfinished at {row}")));
        }
        lines
    }

    #[test]
    fn rows_and_cells_are_found_in_any_dress() {
        let check = |html: &str, expected: &[&str]| assert_eq!(tables(html), expected, "{html}");
        check(
            "<table>\n<tr><th>A</th><th>B</th></tr>\n<tr><td>1&amp;2 \n x</td><td>&eacute;</td></tr></table>",
            &["0:2 A|B", "0:3 1&2 x|é"],
        );
        check("<TABLE><TR><TD>a<TD>b<TR><TD>c</TABLE>", &["0:1 a|b", "0:1 c"]);
        check("<table><td>a<td>b</table>", &["0:1 a|b"]);
        check("<table><tr><td>a<br>b<td><b>c</b>d<script>var x='<td>'</script></table>", &["0:1 a b|cd"]);
        check("<table><tr><td colspan=2>a<td>b</table>", &["0:1 a||b"]);
        check("<table><tr><td rowspan=2>a<td>b<tr><td>c<tr><td>d</table>", &["0:1 a|b", "0:1 a|c", "0:1 d"]);
        check("<table><tr><td>a<td rowspan=3>b<tr><td>c<tr></table>", &["0:1 a|b", "0:1 c|b", "0:1 |b"]);
        check("<table><tr><td>a<table><tr><td>in</table>z<td>b</table>", &["0:1 a z|b", "1:1 in"]);
        check("<table><tr><td>a</table>text<table><tr><td>b</table>", &["0:1 a", "1:1 b"]);
        check("<table>\n<tr><td>a</td></tr>\n<tr><td>b", &["0:2 a", "unfinished at 3"]);
        check(
            "<table><tr><td x:num=\"1.005\">1.01<td sdval=\"45352.375\">01.03.24<td x:num>7</table>",
            &["0:1 1.005|2024-03-01 09:00:00|7"],
        );
        check("no table", &[]);
    }

    #[test]
    fn cells_do_not_span_rows_without_end() {
        let take = |before: usize| {
            let mut page = Page::new(LineBreaks::default());
            page.spanned = before;
            let html = "<table><tr><td rowspan=9>a<td rowspan=9><tr><tr><tr></table>";
            read(page, html.as_bytes()).map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(take(SPANNED_CELLS_MAX - 6), Ok(()));
        let refused = "the HTML page is damaged or cut off: its cells span too many rows".to_owned();
        assert_eq!(take(SPANNED_CELLS_MAX - 5), Err(refused));
    }

    #[test]
    fn a_page_is_not_held_whole() {
        let take = |start: &str, bytes: usize, end: &str| {
            let page = format!("{start}{}{end}", "21 May 2024 ".repeat(bytes / 12));
            read_page(page.as_bytes()).map(|grid| grid.day).map_err(|error| error.to_string())
        };
        let rows = "<table><tr><td>a</table>";
        assert!(take("<title>", 64, &format!("</title>{rows}")).unwrap().is_some());
        assert_eq!(take("<title>", 8 << 20, &format!("</title>{rows}")), Ok(None));
        assert_eq!(take("<p>", 8 << 20, rows), Ok(None));
        let refused = "the HTML page is damaged or cut off: a tag or text in it has no end".to_owned();
        for start in ["<title>", "<p>", "<p class='", "<!-- "] {
            assert_eq!(take(start, TOKEN_BYTES_MAX + (1 << 20), rows), Err(refused.clone()), "{start}");
        }
    }

    #[test]
    fn times_take_the_day_that_the_page_states() {
        let page = |head: &str| format!("{head}<table><tr><td>14:30:00<td>x</table>");
        let check = |head: &str, expected: &str| {
            assert_eq!(tables(&page(head)), [format!("0:1 {expected}|x")], "{head}")
        };
        check("<title>Print Logs - 21 May 2024</title>", "2024-05-21 14:30:00");
        check("<title>Print Logs - 2024-05-21</title><p>2020-01-01", "2024-05-21 14:30:00");
        check("<title>Print Logs</title><h1>Logs of May 21, 2024.</h1>", "2024-05-21 14:30:00");
        check("<title>Print Logs</title>", "14:30:00");
        check("<title>21 May 2024 to 22 May 2024</title>", "14:30:00");
        check("<title>05/06/2024</title>", "14:30:00");
    }

    proptest! {
        #[test]
        fn no_page_breaks_it(html in "(<(/?(table|tr|td|th|title|script)|td (col|row)span=[0-9]{1,7}|br/)>|[a-z0-9: &;<\n]{0,4}){0,40}") {
            let _ = read_page(html.as_bytes());
        }

        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_page(bytes.as_slice());
        }
    }
}
