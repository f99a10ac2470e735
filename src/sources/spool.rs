//! The rows of a workbook or page, put aside: both passes read them, and neither holds the sheet in memory.
//!
//! A workbook is taken apart once, which costs far more than reading its rows again. Small ones stay in memory,
//! larger ones go to an unnamed temporary file.

use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

use super::cells::{RowBuffer, RowText, Typed};
use super::error::ReadError;
use super::limits::{MEMORY_BYTES_MAX, PADDING_CELLS_MAX, ROW_BYTES_MAX, SPOOL_BYTES_MAX};

/// A cell merged over rows: its value holds for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Merge {
    /// The row that has the value.
    pub(super) first_row: u64,
    pub(super) last_row: u64,
    /// Counted from 0.
    pub(super) column: usize,
}

/// What stands before a row: its sheet and number, and the sizes of its cells and texts.
const HEAD_BYTES: usize = 20;

/// What is said of a cell: its column, the sizes of its texts, its type.
const CELL_BYTES: usize = 13;

/// Takes rows in.
pub(super) struct SpoolWriter {
    file: BufWriter<SpooledTempFile>,
    /// The open row: column, sizes of both texts and type of each cell, and the texts one after the other.
    cells: Vec<u8>,
    text: Vec<u8>,
    open: Vec<(u32, Typed, bool)>,
    row: u64,
    /// All rows so far, and what they may be together.
    size_bytes: u64,
    most: u64,
    sheet: u32,
    places: Places,
    columns: BTreeMap<u32, Columns>,
}

/// What a sheet's columns hold, counted on the way: a column of numbers need not be looked at again.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub(super) rows: u64,
    /// Cells that are moments, by column.
    moments: Vec<u64>,
    /// Cells that are texts or have no value, by column.
    texts: Vec<u64>,
}

impl Columns {
    fn count(&mut self, column: u32, typed: Typed, has_second: bool) {
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        let counts = match typed {
            Typed::Text | Typed::Broken => &mut self.texts,
            Typed::Moment => &mut self.moments,
            Typed::Number if has_second => &mut self.moments,
            Typed::Number => return,
        };
        if counts.len() <= column {
            counts.resize(column.saturating_add(1), 0);
        }
        if let Some(count) = counts.get_mut(column) {
            *count += 1;
        }
    }

    pub(super) fn moments(&self, column: usize) -> u64 {
        self.moments.get(column).copied().unwrap_or_default()
    }

    pub(super) fn texts(&self, column: usize) -> u64 {
        self.texts.get(column).copied().unwrap_or_default()
    }
}

/// Where the first row of a sheet begins and its last one ends: looking through all sheets for the rows of each of them
/// would take the square of their number.
type Places = BTreeMap<u32, (u64, u64)>;

/// Rows that were put aside.
#[derive(Debug)]
pub(super) struct Spool {
    file: SpooledTempFile,
    places: Places,
    columns: BTreeMap<u32, Columns>,
}

impl SpoolWriter {
    pub(super) fn new() -> SpoolWriter {
        let file = BufWriter::new(SpooledTempFile::new(MEMORY_BYTES_MAX));
        SpoolWriter {
            file,
            cells: Vec::new(),
            text: Vec::new(),
            open: Vec::new(),
            row: 0,
            size_bytes: 0,
            most: SPOOL_BYTES_MAX,
            sheet: 0,
            places: Places::new(),
            columns: BTreeMap::new(),
        }
    }

    /// Begins a row of a sheet.
    pub(super) fn start(&mut self, sheet: u32, row: u64) {
        self.sheet = sheet;
        self.row = row;
        self.cells.clear();
        self.text.clear();
        self.open.clear();
    }

    /// Adds a cell; columns in between are empty.
    pub(super) fn cell(&mut self, column: u32, typed: Typed, text: &str, second: &str) {
        let size = |part: &str| u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes();
        self.cells.extend(column.to_le_bytes());
        self.cells.extend(size(text));
        self.cells.extend(size(second));
        self.cells.push(match typed {
            Typed::Text => 0,
            Typed::Number => 1,
            Typed::Moment => 2,
            Typed::Broken => 3,
        });
        self.text.extend(text.as_bytes());
        self.text.extend(second.as_bytes());
        self.open.push((column, typed, !second.is_empty()));
    }

    /// The row's size so far.
    pub(super) fn size_bytes(&self) -> usize {
        self.cells.len() + self.text.len()
    }

    /// Ends the row; one without cells is not kept.
    pub(super) fn end(&mut self) -> Result<(), ReadError> {
        if self.cells.is_empty() {
            return Ok(());
        }
        let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        let size_bytes = u64::try_from(HEAD_BYTES + self.size_bytes()).unwrap_or(u64::MAX);
        let place = self.places.entry(self.sheet).or_insert((self.size_bytes, 0));
        self.size_bytes = self.size_bytes.saturating_add(size_bytes);
        place.1 = self.size_bytes;
        if self.size_bytes > self.most {
            return Err(ReadError::TooLarge { found: self.size_bytes, most: self.most });
        }
        let columns = self.columns.entry(self.sheet).or_default();
        columns.rows += 1;
        for (column, typed, has_second) in self.open.drain(..) {
            columns.count(column, typed, has_second);
        }
        self.file.write_all(&self.sheet.to_le_bytes())?;
        self.file.write_all(&self.row.to_le_bytes())?;
        self.file.write_all(&size(&self.cells))?;
        self.file.write_all(&size(&self.text))?;
        self.file.write_all(&self.cells)?;
        Ok(self.file.write_all(&self.text)?)
    }

    /// Ends the whole.
    pub(super) fn finish(self) -> Result<Spool, ReadError> {
        let file = self.file.into_inner().map_err(|error| ReadError::Io(error.into_error()))?;
        Ok(Spool { file, places: self.places, columns: self.columns })
    }
}

impl Spool {
    /// What the columns of a sheet hold.
    pub(super) fn columns(&self, sheet: u32) -> Option<&Columns> {
        self.columns.get(&sheet)
    }

    /// Hands over the rows of one sheet, merged cells filled in.
    pub(super) fn read<E: From<ReadError>>(
        &mut self,
        sheet: u32,
        merges: &[Merge],
        mut take: impl FnMut(&RowText<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some((start, end)) = self.places.get(&sheet).copied() else { return Ok(()) };
        self.file.seek(SeekFrom::Start(start)).map_err(ReadError::Io)?;
        let file = (&mut self.file).take(end - start);
        let mut records = Records::new(BufReader::with_capacity(1 << 18, file));
        let mut filler = Filler { merges, next: 0, active: Vec::new() };
        let mut buffer = RowBuffer::default();
        let mut padding = 0usize;
        while let Some(head) = records.next()? {
            let is_wanted = head.sheet == sheet;
            buffer.start(head.row);
            for (column, typed, text, second) in records.cells().take_while(|_| is_wanted) {
                padding = padding.saturating_add(column.saturating_sub(buffer.len()));
                if padding > PADDING_CELLS_MAX {
                    return Err(ReadError::CellTooFar { cell: cell_name(column, head.row) }.into());
                }
                filler.fill(&mut buffer, column);
                buffer.pad(column);
                buffer.push(text, typed, second);
                if buffer.size_bytes() > ROW_BYTES_MAX {
                    return Err(ReadError::RowTooLong { row: head.row }.into());
                }
            }
            if is_wanted {
                filler.fill(&mut buffer, usize::MAX);
                filler.learn(&buffer.row())?;
                if buffer.size_bytes() > ROW_BYTES_MAX {
                    return Err(ReadError::RowTooLong { row: head.row }.into());
                }
                take(&buffer.row())?;
            }
        }
        Ok(())
    }
}

/// `C12`, as people name a cell; the column counts from 0.
pub(super) fn cell_name(column: usize, row: u64) -> String {
    let mut letters = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        left -= 1;
        letters.push(char::from(b'A' + u8::try_from(left % 26).unwrap_or_default()));
        left /= 26;
    }
    letters.iter().rev().collect::<String>() + &row.to_string()
}

/// The start of a row's record.
struct Head {
    sheet: u32,
    row: u64,
}

/// Rows as they were put aside, one at a time: read and looked at as a whole, since a sheet has millions of cells.
struct Records<R> {
    file: R,
    cells: Vec<u8>,
    text: String,
}

impl<R: Read> Records<R> {
    fn new(file: R) -> Records<R> {
        Records { file, cells: Vec::new(), text: String::new() }
    }

    /// The next row; `None` after the last.
    fn next(&mut self) -> Result<Option<Head>, ReadError> {
        let mut head = [0; HEAD_BYTES];
        if self.file.read(&mut head[..1])? == 0 {
            return Ok(None);
        }
        self.file.read_exact(&mut head[1..])?;
        let size = |from: usize| usize::try_from(number(&head, from)).unwrap_or_default();
        self.cells.resize(size(12), 0);
        self.file.read_exact(&mut self.cells)?;
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        bytes.resize(size(16), 0);
        self.file.read_exact(&mut bytes)?;
        self.text = String::from_utf8(bytes).unwrap_or_default();
        let row = u64::from(number(&head, 4)) | u64::from(number(&head, 8)) << 32;
        Ok(Some(Head { sheet: number(&head, 0), row }))
    }

    /// Column, type and both texts of each cell of the row.
    fn cells(&self) -> impl Iterator<Item = (usize, Typed, &str, &str)> {
        let mut at = 0usize;
        self.cells.chunks_exact(CELL_BYTES).map(move |cell| {
            let size = |from: usize| usize::try_from(number(cell, from)).unwrap_or_default();
            let (column, middle) = (size(0), at + size(4));
            let (start, end) = (at, middle + size(8));
            at = end;
            let typed = match cell.last() {
                Some(1) => Typed::Number,
                Some(2) => Typed::Moment,
                Some(3) => Typed::Broken,
                _ => Typed::Text,
            };
            let text = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default();
            (column, typed, text(start, middle), text(middle, end))
        })
    }
}

/// The number that stands in four bytes.
fn number(bytes: &[u8], from: usize) -> u32 {
    let four = bytes.get(from..from + 4).and_then(|four| four.try_into().ok());
    u32::from_le_bytes(four.unwrap_or_default())
}

/// Fills merged cells in, row after row.
struct Filler<'m> {
    /// In order of their first row.
    merges: &'m [Merge],
    next: usize,
    active: Vec<Filled>,
}

struct Filled {
    column: usize,
    last_row: u64,
    typed: Typed,
    text: String,
    second: String,
}

impl Filler<'_> {
    /// Puts the values of merges that stand before `column` into a row.
    fn fill(&self, buffer: &mut RowBuffer, column: usize) {
        // A row may have thousands of cells and as many merged ones above: only those in between are looked at.
        let first = self.active.partition_point(|filled| filled.column < buffer.len());
        let left = self.active.get(first..).unwrap_or_default();
        for filled in left.iter().take_while(|filled| filled.column < column) {
            buffer.pad(filled.column);
            buffer.push(&filled.text, filled.typed, &filled.second);
        }
    }

    /// Forgets merges that end before the next row, and keeps the values of those that start in this one.
    ///
    /// A place is in one merged cell: a second one in its column is of no use, and thousands would hold its text as often.
    fn learn(&mut self, row: &RowText<'_>) -> Result<(), ReadError> {
        if self.active.is_empty() && self.next == self.merges.len() {
            return Ok(());
        }
        self.active.retain(|filled| filled.last_row > row.row);
        while let Some(merge) = self.merges.get(self.next).filter(|merge| merge.first_row <= row.row) {
            self.next += 1;
            let Some(text) = row.get(merge.column).filter(|_| merge.first_row == row.row) else { continue };
            if self.active.iter().any(|filled| filled.column == merge.column) {
                continue;
            }
            let typed = if row.is_broken(merge.column) {
                Typed::Broken
            } else if !row.is_number(merge.column) {
                Typed::Text
            } else if row.amount(merge.column) == Some(text) {
                Typed::Number
            } else {
                Typed::Moment
            };
            let other = match typed {
                Typed::Moment => row.amount(merge.column),
                _ => row.moment(merge.column).filter(|moment| *moment != text),
            };
            self.active.push(Filled {
                column: merge.column,
                last_row: merge.last_row,
                typed,
                text: text.to_owned(),
                second: other.unwrap_or_default().to_owned(),
            });
        }
        self.active.sort_by_key(|filled| filled.column);
        let sizes = self.active.iter().map(|filled| filled.text.len().saturating_add(filled.second.len()));
        if sizes.sum::<usize>() > ROW_BYTES_MAX {
            return Err(ReadError::RowTooLong { row: row.row });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool(rows: &[(u64, &[(u32, &str)])]) -> Spool {
        let mut writer = SpoolWriter::new();
        for (row, cells) in rows {
            writer.start(3, *row);
            for (column, text) in *cells {
                writer.cell(*column, Typed::Text, text, "");
            }
            writer.end().unwrap();
            writer.start(4, *row);
            writer.cell(0, Typed::Text, "other sheet", "");
            writer.end().unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(spool: &mut Spool, merges: &[Merge]) -> Result<Vec<String>, ReadError> {
        let mut lines = Vec::new();
        spool.read(3, merges, |row| -> Result<(), ReadError> {
            lines.push(format!("{} {}", row.row, row.iter().collect::<Vec<_>>().join("|")));
            Ok(())
        })?;
        Ok(lines)
    }

    #[test]
    fn rows_come_back_with_their_gaps_and_merges() {
        let mut spool = spool(&[
            (1, &[(0, "a"), (3, "b")]),
            (2, &[]),
            (5, &[(1, "é")]),
            (7, &[(2, "x")]),
            (9, &[(0, "z")]),
        ]);
        assert_eq!(read(&mut spool, &[]).unwrap(), ["1 a|||b", "5 |é", "7 ||x", "9 z"]);
        let merge = |first_row, last_row, column| Merge { first_row, last_row, column };
        let merges = [merge(1, 7, 0), merge(1, 5, 3), merge(2, 9, 1), merge(5, 9, 1)];
        assert_eq!(read(&mut spool, &merges).unwrap(), ["1 a|||b", "5 a|é||b", "7 a|é|x", "9 z|é"]);
    }

    #[test]
    fn cells_far_away_are_named() {
        assert_eq!(cell_name(0, 1), "A1");
        assert_eq!(cell_name(26, 3), "AA3");
        assert_eq!(cell_name(16_383, 1_048_576), "XFD1048576");
        let mut writer = SpoolWriter::new();
        let columns = u32::try_from(PADDING_CELLS_MAX).unwrap();
        writer.start(3, 2);
        writer.cell(columns + 1, Typed::Text, "x", "");
        writer.end().unwrap();
        let error = read(&mut writer.finish().unwrap(), &[]).unwrap_err();
        assert!(error.to_string().contains(&cell_name(PADDING_CELLS_MAX + 1, 2)), "{error}");
    }

    #[test]
    fn rows_that_would_fill_the_disk_are_refused() {
        let mut writer = SpoolWriter::new();
        writer.most = 110;
        let mut row = |row| {
            writer.start(3, row);
            writer.cell(0, Typed::Text, "the same text again", "");
            writer.end()
        };
        assert!(row(1).is_ok() && row(2).is_ok());
        assert!(matches!(row(3), Err(ReadError::TooLarge { found: 156, most: 110 })));
    }

    #[test]
    fn merged_cells_take_no_more_room_than_a_row() {
        let long = "x".repeat(ROW_BYTES_MAX / 2);
        let mut spool =
            spool(&[(1, &[(0, &long), (1, "b")]), (2, &[(0, "a"), (1, &long)]), (3, &[(2, "c")])]);
        let merge = |first_row, column| Merge { first_row, last_row: 9, column };
        let same = [merge(1, 0), merge(1, 0), merge(1, 0), merge(1, 1)];
        assert_eq!(read(&mut spool, &same).unwrap()[2], format!("3 {long}|b|c"));
        let together = read(&mut spool, &[merge(1, 0), merge(2, 1)]);
        assert!(matches!(together, Err(ReadError::RowTooLong { row: 3 })), "{together:?}");
    }
}
