//! An old workbook's records, looked at before its parser makes room for what they claim.
//!
//! The parser holds a sheet as a rectangle around all of its cells: a stray cell in the far corner would make it
//! hundreds of megabytes, a damaged size more than there is.

use std::io::{Cursor, Read};

use super::super::error::ReadError;
use super::super::limits::{BOOK_CELLS_MAX, PART_BYTES_MAX, SHEET_CELLS_MAX, SHEETS_OVERLAP_MAX};
use super::super::spool::cell_name;
use super::broken;

/// Records with a cell: row and column stand first.
const CELLS: [u16; 8] = [0x0006, 0x00bd, 0x00d6, 0x00fd, 0x0203, 0x0204, 0x0205, 0x027e];
/// A row of them: the last column stands last.
const NUMBERS: u16 = 0x00bd;
const DIMENSIONS: u16 = 0x0200;
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000a;
/// Where a sheet begins.
const SHEET: u16 = 0x0085;

/// The rectangle around the cells of a sheet.
#[derive(Clone, Copy)]
struct Extent {
    first: (u16, u16),
    last: (u16, u16),
}

/// Refuses what its parser would need too much memory for, and workbooks with a password.
pub(super) fn check(bytes: &[u8], container: &'static str) -> Result<(), ReadError> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes)).map_err(|error| broken(container, error))?;
    if file.is_stream("/EncryptedPackage") {
        return Err(ReadError::Protected { container });
    }
    let name = if file.is_stream("/Workbook") { "/Workbook" } else { "/Book" };
    if !file.is_stream(name) {
        return Err(ReadError::Container { container: "an Office document without sheets" });
    }
    let mut records = Vec::new();
    let stream = file.open_stream(name).map_err(|error| broken(container, error))?;
    stream.take(PART_BYTES_MAX).read_to_end(&mut records).map_err(|error| broken(container, error))?;
    check_records(&records, container)
}

/// Goes the way of the parser: a sheet's records begin where the list of sheets says, and that may be anywhere.
fn check_records(stream: &[u8], container: &'static str) -> Result<(), ReadError> {
    let list = records(stream).take_while(|(kind, _)| *kind != END);
    let places = list.filter(|(kind, _)| *kind == SHEET).filter_map(|(_, record)| record.first_chunk());
    let (mut cells, mut size_bytes) = (0u64, 0usize);
    for place in places {
        let place = usize::try_from(u32::from_le_bytes(*place)).unwrap_or(usize::MAX);
        let sheet = room_of_sheet(stream.get(place..).unwrap_or_default(), container)?;
        cells = cells.saturating_add(sheet.0);
        size_bytes = size_bytes.saturating_add(sheet.1);
        if cells > BOOK_CELLS_MAX {
            return Err(broken(
                container,
                format!("its sheets need room for more than {BOOK_CELLS_MAX} cells"),
            ));
        }
        if size_bytes / SHEETS_OVERLAP_MAX > stream.len() {
            return Err(broken(container, "its sheets stand one upon the other"));
        }
    }
    Ok(())
}

/// The cells in the rectangle around all cells of a sheet, and the bytes of its records.
fn room_of_sheet(stream: &[u8], container: &'static str) -> Result<(u64, usize), ReadError> {
    let mut extent: Option<Extent> = None;
    let (mut cells, mut size_bytes, mut depth) = (0, 0, 0u32);
    for (kind, record) in records(stream) {
        size_bytes += 4 + record.len();
        match kind {
            BEGIN => depth += 1,
            END if depth <= 1 => break,
            END => depth -= 1,
            // A chart in the sheet.
            _ if depth > 1 => {}
            DIMENSIONS if !is_possible(record) => {
                return Err(broken(container, "a sheet claims more rows than there can be"));
            }
            kind if CELLS.contains(&kind) => {
                if let (Some(row), Some(column)) = (short(record, 0), short(record, 2)) {
                    let last =
                        if kind == NUMBERS { short(record, record.len().saturating_sub(2)) } else { None };
                    for column in [Some(column), last].into_iter().flatten() {
                        let extent =
                            extent.get_or_insert(Extent { first: (row, column), last: (row, column) });
                        extent.include(row, column);
                        cells = extent.check(row, column)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok((cells, size_bytes))
}

/// Kind and contents of each record, as far as they are whole.
fn records(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (head, after) = rest.split_at_checked(4)?;
        let (record, after) = after.split_at_checked(usize::from(short(head, 2)?))?;
        rest = after;
        Some((short(head, 0)?, record))
    })
}

impl Extent {
    fn include(&mut self, row: u16, column: u16) {
        self.first = (self.first.0.min(row), self.first.1.min(column));
        self.last = (self.last.0.max(row), self.last.1.max(column));
    }

    /// The number of its cells.
    fn check(&self, row: u16, column: u16) -> Result<u64, ReadError> {
        let side = |first: u16, last: u16| u64::from(last - first) + 1;
        let cells = side(self.first.0, self.last.0) * side(self.first.1, self.last.1);
        if cells > SHEET_CELLS_MAX {
            return Err(ReadError::CellTooFar { cell: cell_name(usize::from(column), u64::from(row) + 1) });
        }
        Ok(cells)
    }
}

/// Sixteen bits at a place.
fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

/// A sheet of this format has at most 65,536 rows and 256 columns; the record says one more than the last.
fn is_possible(record: &[u8]) -> bool {
    let wide = record.len() >= 14;
    let row = |at: usize| match wide {
        true => record.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes),
        false => short(record, at / 2).map(u32::from),
    };
    let column = |at: usize| short(record, if wide { 8 + at } else { 4 + at });
    let fits = |row: Option<u32>| row.is_none_or(|row| row <= 65_536);
    fits(row(0))
        && fits(row(4))
        && column(0).is_none_or(|first| first <= 256)
        && column(2).is_none_or(|last| last <= 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, body: &[u8]) -> Vec<u8> {
        let size = u16::try_from(body.len()).unwrap();
        [&kind.to_le_bytes()[..], &size.to_le_bytes(), body].concat()
    }

    fn number(row: u16, column: u16) -> Vec<u8> {
        record(0x0203, &[&row.to_le_bytes()[..], &column.to_le_bytes(), &[0; 10]].concat())
    }

    #[test]
    fn a_stray_cell_is_named_before_memory_is_taken_for_it() {
        let check = |records: Vec<Vec<u8>>| {
            room_of_sheet(&records.concat(), "XLS workbook").map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(check(vec![number(0, 0), number(65_535, 14), number(2, 2)]), Ok(()));
        let far = check(vec![number(0, 0), number(65_535, 255)]).unwrap_err();
        assert!(far.contains("IV65536"), "{far}");
        let begin = || record(BEGIN, &[]);
        assert_eq!(check(vec![begin(), number(0, 0), begin(), number(65_535, 255)]), Ok(()));
        assert!(check(vec![number(0, 0), begin(), number(65_535, 255)]).is_err());
        assert_eq!(check(vec![number(0, 0), record(END, &[]), number(65_535, 255)]), Ok(()));
        let row = record(NUMBERS, &[&[0, 0, 0, 0][..], &[0; 6 * 256], &[255, 0]].concat());
        assert!(check(vec![row, number(65_535, 0)]).is_err());
        let dimensions = |rows: u32| {
            record(DIMENSIONS, &[&0u32.to_le_bytes()[..], &rows.to_le_bytes(), &[0, 0, 9, 0, 0, 0]].concat())
        };
        assert_eq!(check(vec![dimensions(65_536)]), Ok(()));
        assert!(check(vec![dimensions(4_000_000_000)]).unwrap_err().contains("more rows"));
        assert_eq!(check(vec![vec![1, 2, 3]]), Ok(()));
    }

    #[test]
    fn sheets_are_looked_at_where_the_parser_reads_them() {
        let sheet = |rows: u16| [number(0, 0), number(rows - 1, 127), record(END, &[])].concat();
        let check = |sheets: &[Vec<u8>], places: &[usize]| {
            let size = places.len() * 8 + 4;
            let list =
                places.iter().flat_map(|at| record(SHEET, &u32::try_from(size + at).unwrap().to_le_bytes()));
            let stream: Vec<u8> = list.chain(record(END, &[])).chain(sheets.concat()).collect();
            check_records(&stream, "XLS workbook").map_err(|error| error.to_string())
        };
        let full = sheet(65_535);
        let length = full.len();
        assert_eq!(check(&[full.clone(), full.clone()], &[0, length]), Ok(()));
        let three = check(&[full.clone(), full.clone(), full.clone()], &[0, length, 2 * length]).unwrap_err();
        assert!(three.contains("more than 16777216 cells"), "{three}");
        let hidden = record(0xffff, &[number(0, 0), number(65_535, 255)].concat());
        assert_eq!(check(&[hidden.clone(), full.clone()], &[hidden.len()]), Ok(()));
        assert!(check(&[hidden], &[4]).unwrap_err().contains("IV65536"));
        let twice = check(&[sheet(2)], &[0; 99]).unwrap_err();
        assert!(twice.contains("one upon the other"), "{twice}");
        assert_eq!(check(&[full], &[1 << 20]), Ok(()));
    }
}
