//! An old workbook's records, looked at before its parser makes room for what they claim.
//!
//! The parser holds a sheet as a rectangle around all of its cells: a stray cell in the far corner would make it
//! hundreds of megabytes, a damaged size more than there is.

use std::io::{Cursor, Read};

use super::super::error::ReadError;
use super::super::limits::{PART_BYTES_MAX, SHEET_CELLS_MAX};
use super::super::spool::cell_name;
use super::broken;

/// Records with a cell: row and column stand first.
const CELLS: [u16; 8] = [0x0006, 0x00bd, 0x00d6, 0x00fd, 0x0203, 0x0204, 0x0205, 0x027e];
const DIMENSIONS: u16 = 0x0200;
const BEGIN: u16 = 0x0809;

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

fn check_records(mut rest: &[u8], container: &'static str) -> Result<(), ReadError> {
    let mut extent: Option<Extent> = None;
    while let Some((head, after)) = rest.split_at_checked(4) {
        let (Some(kind), Some(size)) = (short(head, 0), short(head, 2)) else { break };
        let Some((record, after)) = after.split_at_checked(usize::from(size)) else { break };
        rest = after;
        match kind {
            BEGIN => extent = None,
            DIMENSIONS if !is_possible(record) => {
                return Err(broken(container, "a sheet claims more rows than there can be"));
            }
            kind if CELLS.contains(&kind) => {
                if let (Some(row), Some(column)) = (short(record, 0), short(record, 2)) {
                    let extent = extent.get_or_insert(Extent { first: (row, column), last: (row, column) });
                    extent.include(row, column);
                    extent.check(row, column)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

impl Extent {
    fn include(&mut self, row: u16, column: u16) {
        self.first = (self.first.0.min(row), self.first.1.min(column));
        self.last = (self.last.0.max(row), self.last.1.max(column));
    }

    fn check(&self, row: u16, column: u16) -> Result<(), ReadError> {
        let side = |first: u16, last: u16| u64::from(last - first) + 1;
        let cells = side(self.first.0, self.last.0) * side(self.first.1, self.last.1);
        if cells > SHEET_CELLS_MAX {
            return Err(ReadError::CellTooFar { cell: cell_name(usize::from(column), u64::from(row) + 1) });
        }
        Ok(())
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
            check_records(&records.concat(), "XLS workbook").map_err(|error| error.to_string())
        };
        assert_eq!(check(vec![number(0, 0), number(65_535, 14), number(2, 2)]), Ok(()));
        let far = check(vec![number(0, 0), number(65_535, 255)]).unwrap_err();
        assert!(far.contains("IV65536"), "{far}");
        assert_eq!(check(vec![number(0, 0), record(BEGIN, &[]), number(65_535, 255)]), Ok(()));
        let dimensions = |rows: u32| {
            record(DIMENSIONS, &[&0u32.to_le_bytes()[..], &rows.to_le_bytes(), &[0, 0, 9, 0, 0, 0]].concat())
        };
        assert_eq!(check(vec![dimensions(65_536)]), Ok(()));
        assert!(check(vec![dimensions(4_000_000_000)]).unwrap_err().contains("more rows"));
        assert_eq!(check(vec![vec![1, 2, 3]]), Ok(()));
    }
}
