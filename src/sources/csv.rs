//! Delimited text to rows of cells: the container of CSV, TSV and their relatives.
//!
//! Takes UTF-8 bytes in any chunks and lends one row at a time out of one buffer. The `csv` crate is not used
//! here: it ends an unclosed quote silently at the end of the file, does not count a lone CR as a line, and
//! does not tell whether the last line was finished, all of which decide whether a row may be billed.
//!
//! A quote opens a quoted cell only at the cell's start; inside a bare cell it is text. Lines end with LF, CRLF
//! or CR. This file knows nothing of headers, dates or amounts.

use std::io::Read;

use super::cells::{Cell, RowText};
use super::error::ReadError;
use super::limits::{CELLS_MAX, CHUNK_BYTES, ROW_BYTES_MAX};

/// What a last line without its line end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// A row like any other: the report is finished.
    Row,
    /// Still being written: the next reading takes it.
    LeftForLater,
}

/// Splits a stream of UTF-8 text into rows.
pub(super) struct Rows<R> {
    source: R,
    splitter: Splitter,
    buffer: Vec<u8>,
    /// Where the current row lies in the buffer, without its line end.
    row: std::ops::Range<usize>,
    /// Where the next row starts.
    next: usize,
    filled: usize,
    at_end: bool,
    line: u64,
    next_line: u64,
    tail: Tail,
    /// The line that was left for later.
    unfinished: Option<u64>,
    broken_quote: bool,
    /// A line that was wrapped whole in quotes, split again.
    unwrapped: Option<Vec<u8>>,
}

/// The signs that end a cell, and the cells found.
struct Splitter {
    delimiter: u8,
    /// The sign that opens a quoted cell; NUL, which no text has, where nothing does.
    quote: u8,
    stops: [bool; 256],
    cells: Vec<Cell>,
}

/// What was found from a row's start on.
enum Split {
    /// The row's end, where the next starts, lines taken, whether the line end was there.
    Row { end: usize, next: usize, lines: u64, ended: bool, broken_quote: bool },
    /// The bytes end before the row does.
    More,
    /// They end for good inside a quote that was opened so many lines after the row's start; `cut` where no
    /// line break follows the quote.
    Unclosed { lines: u64, cut: bool },
    /// More cells than any row has.
    TooWide,
}

impl<R: Read> Rows<R> {
    /// Starts before the first row.
    pub(super) fn new(source: R, delimiter: u8, tail: Tail) -> Rows<R> {
        Rows {
            source,
            splitter: Splitter::new(delimiter),
            buffer: vec![0; CHUNK_BYTES],
            row: 0..0,
            next: 0,
            filled: 0,
            at_end: false,
            line: 0,
            next_line: 1,
            tail,
            unfinished: None,
            broken_quote: false,
            unwrapped: None,
        }
    }

    /// Takes quotes for text like any other: in a format that does not quote.
    pub(super) fn without_quotes(mut self) -> Rows<R> {
        self.splitter.quote = 0;
        self
    }

    /// Goes to the next row; `false` after the last.
    pub(super) fn advance(&mut self) -> Result<bool, ReadError> {
        self.unwrapped = None;
        loop {
            if self.next == self.filled && self.at_end {
                return Ok(false);
            }
            let bytes = self.buffer.get(..self.filled).unwrap_or_default();
            match self.splitter.split(bytes, self.next, self.at_end) {
                Split::Row { ended: false, .. } | Split::Unclosed { cut: true, .. }
                    if self.tail == Tail::LeftForLater =>
                {
                    self.unfinished = Some(self.next_line);
                    return Ok(false);
                }
                Split::Row { end, next, lines, broken_quote, .. } => {
                    self.row = self.next..end;
                    self.next = next;
                    self.line = self.next_line;
                    self.next_line += lines;
                    self.broken_quote = broken_quote;
                    self.splitter.finish(&mut self.buffer, self.row.start);
                    return Ok(true);
                }
                Split::More => self.fill()?,
                Split::Unclosed { lines, .. } => {
                    return Err(ReadError::UnclosedQuote { row: self.next_line + lines });
                }
                Split::TooWide => return Err(ReadError::RowTooLong { row: self.next_line }),
            }
        }
    }

    /// The line that was left for later, after the last row.
    pub(super) fn unfinished(&self) -> Option<u64> {
        self.unfinished
    }

    /// The current row. Bytes that are no longer UTF-8 are another file than the one that was examined.
    #[inline]
    pub(super) fn row(&self) -> Result<RowText<'_>, ReadError> {
        let bytes = match &self.unwrapped {
            Some(line) => line.as_slice(),
            None => self.buffer.get(self.row.clone()).unwrap_or_default(),
        };
        let text = std::str::from_utf8(bytes).map_err(|_| ReadError::FileChanged)?;
        Ok(RowText {
            row: self.line,
            broken_quote: self.broken_quote,
            has_broken: false,
            text,
            cells: &self.splitter.cells,
            seconds: &[],
        })
    }

    /// Whether the row has one text only, and that in quotes.
    #[inline]
    pub(super) fn may_be_wrapped(&self) -> bool {
        self.splitter.cells.first().is_some_and(|cell| cell.quoted)
            && self.splitter.cells.iter().skip(1).all(|cell| cell.start == cell.end)
    }

    /// Splits the current row again where it is one quoted cell that holds a whole line.
    ///
    /// Programs that save a text file as a one-column table wrap lines so; a comment line stays as it is.
    pub(super) fn unwrap_line(&mut self) -> Result<(), ReadError> {
        let row = self.row()?;
        let cell = row.get(0).unwrap_or_default();
        let wrapped = row.is_quoted(0)
            && row.is_single()
            && cell.as_bytes().contains(&self.splitter.delimiter)
            && !cell.starts_with('#');
        if !wrapped {
            return Ok(());
        }
        let mut line = cell.as_bytes().to_vec();
        match self.splitter.split(&line, 0, true) {
            Split::Row { end, broken_quote, .. } => {
                self.splitter.finish(&mut line, 0);
                line.truncate(end);
                self.broken_quote = broken_quote;
                self.unwrapped = Some(line);
                Ok(())
            }
            _ => Err(ReadError::UnclosedQuote { row: self.line }),
        }
    }

    /// Reads on, keeping what the current row has so far.
    fn fill(&mut self) -> Result<(), ReadError> {
        self.buffer.copy_within(self.next..self.filled, 0);
        self.filled -= self.next;
        self.next = 0;
        if self.filled > ROW_BYTES_MAX {
            return Err(self.too_long());
        }
        if self.filled + CHUNK_BYTES > self.buffer.len() && self.filled > CHUNK_BYTES / 2 {
            self.buffer.resize(self.filled + CHUNK_BYTES, 0);
        }
        let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
        match self.source.read(free) {
            Ok(0) => self.at_end = true,
            Ok(count) => self.filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ReadError::Io(error)),
        }
        Ok(())
    }

    /// A row without end: nearly always a quote that was opened and not closed.
    fn too_long(&mut self) -> ReadError {
        let bytes = self.buffer.get(..self.filled).unwrap_or_default();
        match self.splitter.split(bytes, 0, true) {
            Split::Unclosed { lines, .. } => ReadError::UnclosedQuote { row: self.next_line + lines },
            _ => ReadError::RowTooLong { row: self.next_line },
        }
    }
}

impl Splitter {
    fn new(delimiter: u8) -> Splitter {
        let mut stops = [false; 256];
        for stop in [delimiter, b'\n', b'\r'] {
            if let Some(entry) = stops.get_mut(usize::from(stop)) {
                *entry = true;
            }
        }
        Splitter { delimiter, quote: b'"', stops, cells: Vec::new() }
    }

    /// Finds the cells of the row that starts at `start`; `last` says that no bytes follow.
    fn split(&mut self, bytes: &[u8], start: usize, last: bool) -> Split {
        self.cells.clear();
        let mut at = start;
        let mut lines = 0;
        let mut broken_quote = false;
        loop {
            if bytes.get(at) == Some(&self.quote) {
                match self.quoted(bytes, at, last, &mut lines) {
                    Quoted::Cell(end) => at = end,
                    Quoted::Broken(end) => {
                        at = end;
                        broken_quote = true;
                    }
                    Quoted::Stop(split) => return split,
                }
            } else {
                let rest = bytes.get(at..).unwrap_or_default();
                let length = rest.iter().position(|byte| self.is_stop(*byte)).unwrap_or(rest.len());
                self.cells.push(Cell { start: at, end: at + length, quoted: false, escaped: false });
                at += length;
            }
            if self.cells.len() > CELLS_MAX {
                return Split::TooWide;
            }
            let (next, ended) = match bytes.get(at) {
                Some(byte) if *byte == self.delimiter => {
                    at += 1;
                    continue;
                }
                Some(b'\n') => (at + 1, true),
                Some(_) => match bytes.get(at + 1) {
                    Some(b'\n') => (at + 2, true),
                    None if !last => return Split::More,
                    _ => (at + 1, true),
                },
                None if last => (at, false),
                None => return Split::More,
            };
            return Split::Row { end: at, next, lines: lines + 1, ended, broken_quote };
        }
    }

    #[inline]
    fn is_stop(&self, byte: u8) -> bool {
        self.stops.get(usize::from(byte)).copied().unwrap_or_default()
    }

    /// Takes the quoted cell whose opening quote is at `open`.
    fn quoted(&mut self, bytes: &[u8], open: usize, last: bool, lines: &mut u64) -> Quoted {
        let lines_before = *lines;
        let unclosed = |cut| Quoted::Stop(Split::Unclosed { lines: lines_before, cut });
        let mut at = open + 1;
        let mut escaped = false;
        let close = loop {
            match bytes.get(at) {
                None => {
                    return if last { unclosed(*lines == lines_before) } else { Quoted::Stop(Split::More) };
                }
                Some(b'"') => match bytes.get(at + 1) {
                    Some(b'"') => {
                        escaped = true;
                        at += 1;
                    }
                    None if !last => return Quoted::Stop(Split::More),
                    _ => break at,
                },
                Some(b'\n') => *lines += 1,
                Some(b'\r') if bytes.get(at + 1) != Some(&b'\n') => *lines += 1,
                Some(_) => {}
            }
            at += 1;
        };
        let rest = bytes.get(close + 1..).unwrap_or_default();
        let more = rest.iter().position(|byte| self.is_stop(*byte)).unwrap_or(rest.len());
        if more == 0 {
            self.cells.push(Cell { start: open + 1, end: close, quoted: true, escaped });
            return Quoted::Cell(close + 1);
        }
        // Over a line break this is the next quoted cell's quote: the one that opened was never closed.
        if *lines > lines_before {
            return unclosed(false);
        }
        self.cells.push(Cell { start: open, end: close + 1 + more, quoted: false, escaped: false });
        Quoted::Broken(close + 1 + more)
    }

    /// Makes the cells relative to the row and takes the doubling out of their quotes, in place.
    fn finish(&mut self, buffer: &mut [u8], row_start: usize) {
        for cell in &mut self.cells {
            if cell.escaped
                && let Some(bytes) = buffer.get_mut(cell.start..cell.end)
            {
                cell.end = cell.start + undouble(bytes);
            }
            cell.start -= row_start;
            cell.end -= row_start;
        }
    }
}

/// The end of a quoted cell, or why there is none.
enum Quoted {
    Cell(usize),
    Broken(usize),
    Stop(Split),
}

/// Makes `""` to `"` and gives the new length. What is left over becomes blanks, so that all stays UTF-8.
fn undouble(bytes: &mut [u8]) -> usize {
    let (mut from, mut to) = (0, 0);
    while let Some(&byte) = bytes.get(from) {
        if let Some(place) = bytes.get_mut(to) {
            *place = byte;
        }
        to += 1;
        from += if byte == b'"' { 2 } else { 1 };
    }
    if let Some(rest) = bytes.get_mut(to..) {
        rest.fill(b' ');
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hands bytes out in small pieces, so that every row crosses a border.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(self.0.len()).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn rows(text: &str, piece: usize) -> Result<Vec<(u64, Vec<String>)>, String> {
        let mut rows = Rows::new(Drops(text.as_bytes(), piece), b',', Tail::Row);
        let mut all = Vec::new();
        while rows.advance().map_err(|error| error.to_string())? {
            let row = rows.row().unwrap();
            all.push((row.row, row.iter().map(str::to_owned).collect()));
        }
        Ok(all)
    }

    #[test]
    fn rows_and_their_lines() {
        let check = |text: &str, expected: &[(u64, &[&str])]| {
            let expected: Vec<(u64, Vec<String>)> = expected
                .iter()
                .map(|(row, cells)| (*row, cells.iter().map(|cell| (*cell).to_owned()).collect()))
                .collect();
            for piece in [1, 2, 3, 1000] {
                assert_eq!(rows(text, piece), Ok(expected.clone()), "{text:?} in pieces of {piece}");
            }
        };
        check("", &[]);
        check("a,b\nc", &[(1, &["a", "b"]), (2, &["c"])]);
        check("a\r\n\r\nb\r\n", &[(1, &["a"]), (2, &[""]), (3, &["b"])]);
        check("a,\rb\r", &[(1, &["a", ""]), (2, &["b"])]);
        check("\"a\r\nb\",c\nd\n", &[(1, &["a\r\nb", "c"]), (3, &["d"])]);
        check("\"a\"\"é\"\"\",\"\"\nd\n", &[(1, &["a\"é\"", ""]), (2, &["d"])]);
        check("5\" binder,19\" rack\n", &[(1, &["5\" binder", "19\" rack"])]);
        check("\"5\" binder\",x\n", &[(1, &["\"5\" binder\"", "x"])]);
    }

    #[test]
    fn a_quote_that_stays_open_is_named_by_its_line() {
        let refusal = |row: u64| Err(format!("row {row}: a quote is opened in this line and never closed"));
        for piece in [1, 7, 1000] {
            assert_eq!(rows("a,b\nc,\"d\ne,f\n", piece), refusal(2));
            assert_eq!(rows("\"a\nb\",\"c\n", piece), refusal(2));
            assert_eq!(rows("a,\"b\nc,\"d\"\n", piece), refusal(1));
        }
        let long = format!("a,b\nc,\"{}", "x\n".repeat(ROW_BYTES_MAX));
        assert_eq!(rows(&long, usize::MAX), refusal(2));
        let wide = format!("a\n{}", "x".repeat(ROW_BYTES_MAX + CHUNK_BYTES * 2));
        assert_eq!(
            rows(&wide, usize::MAX),
            Err("row 2: longer than 1048576 bytes or more than 16384 cells".to_owned())
        );
    }

    #[test]
    fn a_line_that_is_still_being_written_is_left_for_later() {
        let check = |text: &str, expected: Result<(usize, Option<u64>), u64>| {
            let mut rows = Rows::new(Drops(text.as_bytes(), 3), b',', Tail::LeftForLater);
            let mut count = 0;
            let read = loop {
                match rows.advance() {
                    Ok(true) => count += 1,
                    Ok(false) => break Ok((count, rows.unfinished())),
                    Err(error) => break Err(error.row().unwrap()),
                }
            };
            assert_eq!(read, expected, "{text:?}");
        };
        check("a\nb\n", Ok((2, None)));
        check("a\nb", Ok((1, Some(2))));
        check("a\nb,\"c, d", Ok((1, Some(2))));
        check("a\nb,\"c\n\n", Err(2));
    }

    #[test]
    fn a_line_in_quotes_is_a_line() {
        let text = "\"a,\"\"b, c\"\",d,\"\n\"# x, y\"\n";
        let mut rows = Rows::new(text.as_bytes(), b',', Tail::Row);
        assert!(rows.advance().unwrap());
        rows.unwrap_line().unwrap();
        assert_eq!(rows.row().unwrap().iter().collect::<Vec<_>>(), ["a", "b, c", "d", ""]);
        assert!(rows.advance().unwrap());
        rows.unwrap_line().unwrap();
        assert_eq!(rows.row().unwrap().iter().collect::<Vec<_>>(), ["# x, y"]);
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(cells in prop::collection::vec(
            prop::collection::vec("[a\",\r\né ]{0,6}", 1..4), 0..6), piece in 1usize..9) {
            let quote = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let text: String = cells.iter()
                .map(|row| row.iter().map(quote).collect::<Vec<_>>().join(",") + "\n").collect();
            let read = rows(&text, piece).unwrap();
            prop_assert_eq!(read.into_iter().map(|(_, cells)| cells).collect::<Vec<_>>(), cells);
        }

        #[test]
        fn no_text_breaks_it(text in "[a\",\r\n]{0,40}", piece in 1usize..9) {
            prop_assert_eq!(rows(&text, piece), rows(&text, usize::MAX));
        }
    }
}
