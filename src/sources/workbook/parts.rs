//! A workbook's ZIP, looked at before its parser: nothing that is unpacked into memory may be larger than it should
//! be, whatever sizes the file claims, and a damaged part is found by its checksum.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::super::archive::ZipKind;
use super::super::error::ReadError;
use super::super::limits::{
    ARCHIVE_FILES_MAX, CHUNK_BYTES, PART_BYTES_MAX, UNPACKED_BYTES_FREE, UNPACKED_RATIO_MAX,
};
use super::broken;

/// The smallest text in the table of texts, in bytes: `<si/>`.
const TEXT_BYTES_MIN: u64 = 5;

/// The parts that have rows.
pub(super) struct Parts {
    container: &'static str,
    /// Places in the archive.
    sheets: Vec<usize>,
}

impl Parts {
    /// Reads all parts but the sheets through, and finds the sheets.
    pub(super) fn look(bytes: &[u8], kind: ZipKind, container: &'static str) -> Result<Parts, ReadError> {
        let mut parts = Parts { container, sheets: Vec::new() };
        let mut zip = parts.open(bytes)?;
        if zip.len() > ARCHIVE_FILES_MAX {
            return Err(broken(container, format!("found {} parts", zip.len())));
        }
        for index in 0..zip.len() {
            let entry = zip.by_index(index).map_err(|error| broken(container, error))?;
            let name = entry.name().map_err(|error| broken(container, error))?;
            let name = name.replace('\\', "/").to_ascii_lowercase();
            let is_sheet = match kind {
                ZipKind::Ods => name == "content.xml",
                _ => name.starts_with("xl/worksheets/") && !name.ends_with(".rels"),
            };
            let has_records = ["xl/workbook.bin", "xl/sharedstrings.bin"].contains(&name.as_str());
            if is_sheet {
                // What unpacks to more than this size says is an error of the archive.
                let most =
                    entry.compressed_size().saturating_mul(UNPACKED_RATIO_MAX).max(UNPACKED_BYTES_FREE);
                if entry.size() > most {
                    return Err(ReadError::ArchiveTooLarge { container, most });
                }
                parts.sheets.push(index);
            } else if kind == ZipKind::Xlsb && has_records {
                parts.merges_rows(entry)?;
            } else if [".xml", ".bin", ".rels"].iter().any(|end| name.ends_with(end)) || name == "mimetype" {
                parts.read_through(entry, &name)?;
            }
        }
        Ok(parts)
    }

    /// Whether a sheet has these bytes.
    pub(super) fn sheets_mention(&self, bytes: &[u8], needle: &[u8]) -> Result<bool, ReadError> {
        self.any_sheet(bytes, needle, 0, |_| true)
    }

    /// Whether a cell spans several rows.
    pub(super) fn ods_merges_rows(&self, bytes: &[u8]) -> Result<bool, ReadError> {
        self.any_sheet(bytes, b"number-rows-spanned=", 3, |value| {
            !matches!(value, [b'"' | b'\'', b'1', b'"' | b'\''])
        })
    }

    /// Refuses what the parser would wait for without end, or need too much memory for.
    pub(super) fn check_ods(&self, bytes: &[u8]) -> Result<(), ReadError> {
        let mut zip = self.open(bytes)?;
        for index in &self.sheets {
            super::ods::check(zip.by_index(*index).map_err(|error| broken(self.container, error))?)?;
        }
        Ok(())
    }

    /// Whether a record merges cells of several rows.
    pub(super) fn xlsb_merges_rows(&self, bytes: &[u8]) -> Result<bool, ReadError> {
        let mut zip = self.open(bytes)?;
        for index in &self.sheets {
            if self.merges_rows(zip.by_index(*index).map_err(|error| broken(self.container, error))?)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same of one part. A record that is longer than what is left is refused: the parser makes room for it first.
    fn merges_rows(&self, entry: impl Read) -> Result<bool, ReadError> {
        let mut part = Vec::new();
        let count = entry.take(PART_BYTES_MAX).read_to_end(&mut part);
        let count = count.map_err(|error| broken(self.container, error))?;
        if u64::try_from(count).unwrap_or(u64::MAX) >= PART_BYTES_MAX {
            return Err(ReadError::TooLarge { found: PART_BYTES_MAX, most: PART_BYTES_MAX });
        }
        merges_rows(&part).ok_or_else(|| broken(self.container, "a record is longer than its part"))
    }

    fn open<'b>(&self, bytes: &'b [u8]) -> Result<ZipArchive<Cursor<&'b [u8]>>, ReadError> {
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(self.container, error))
    }

    fn read_through(&self, mut entry: impl Read, name: &str) -> Result<(), ReadError> {
        let mut buffer = vec![0; CHUNK_BYTES];
        let mut total = 0u64;
        let mut claimed = None;
        loop {
            let count = entry.read(&mut buffer).map_err(|error| broken(self.container, error))?;
            let chunk = buffer.get(..count).unwrap_or_default();
            if total == 0 && name.ends_with("sharedstrings.xml") {
                claimed = claimed_texts(chunk);
            }
            total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            if total > PART_BYTES_MAX {
                return Err(ReadError::TooLarge { found: total, most: PART_BYTES_MAX });
            }
            if count == 0 {
                break;
            }
        }
        match claimed {
            // The parser makes room for as many.
            Some(texts) if texts > total / TEXT_BYTES_MIN => {
                Err(broken(self.container, format!("its table of texts claims {texts} texts")))
            }
            _ => Ok(()),
        }
    }

    /// Whether `is_hit` says so of the bytes behind any place where the needle stands.
    fn any_sheet(
        &self,
        bytes: &[u8],
        needle: &[u8],
        behind: usize,
        is_hit: impl Fn(&[u8]) -> bool,
    ) -> Result<bool, ReadError> {
        let mut zip = self.open(bytes)?;
        let mut buffer = vec![0; CHUNK_BYTES];
        for index in &self.sheets {
            let mut entry = zip.by_index(*index).map_err(|error| broken(self.container, error))?;
            let mut kept = 0;
            loop {
                let free = buffer.get_mut(kept..).unwrap_or_default();
                let count = entry.read(free).map_err(|error| broken(self.container, error))?;
                let text = buffer.get(..kept + count).unwrap_or_default();
                let mut windows = text.windows(needle.len() + behind);
                if windows.any(|window| {
                    window.starts_with(needle) && is_hit(window.get(needle.len()..).unwrap_or_default())
                }) {
                    return Ok(true);
                }
                if count == 0 {
                    break;
                }
                let end = text.len();
                let overlap = (needle.len() + behind - 1).min(end);
                buffer.copy_within(end - overlap..end, 0);
                kept = overlap;
            }
        }
        Ok(false)
    }
}

/// The number of texts that the table's start claims.
fn claimed_texts(start: &[u8]) -> Option<u64> {
    let start = String::from_utf8_lossy(start.get(..start.len().min(4096)).unwrap_or_default()).into_owned();
    let (_, value) = start.split_once("uniqueCount=")?;
    let digits: String = value.chars().skip(1).take_while(char::is_ascii_digit).collect();
    digits.parse().ok().or((!digits.is_empty()).then_some(u64::MAX))
}

/// Walks the records of a binary part: a type and a length of seven bits a byte, then the record. `None` where it is not
/// whole.
fn merges_rows(part: &[u8]) -> Option<bool> {
    const MERGE_CELL: usize = 0xb0;
    let mut rest = part;
    while let (Some(kind), Some(size)) = (seven_bits(2, &mut rest), seven_bits(4, &mut rest)) {
        let (record, after) = rest.split_at_checked(size)?;
        rest = after;
        if kind == MERGE_CELL && record.get(..4) != record.get(4..8) {
            return Some(true);
        }
    }
    Some(false)
}

/// A number of at most so many bytes, seven bits in each.
fn seven_bits(bytes_max: usize, rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for place in 0..bytes_max {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_of_a_binary_sheet_are_found() {
        let merge = |first: u8, last: u8| {
            [&[0xb0, 0x01, 16][..], &[first, 0, 0, 0], &[last, 0, 0, 0], &[0; 8]].concat()
        };
        let other = [0x00, 3, 1, 2, 3];
        assert_eq!(merges_rows(&[&other[..], &merge(4, 4)].concat()), Some(false));
        assert_eq!(merges_rows(&[&other[..], &merge(4, 4), &merge(4, 5)].concat()), Some(true));
        assert_eq!(merges_rows(&[0xb0, 0x01, 200, 1]), None);
        assert_eq!(merges_rows(&[0xff; 7]), None);
    }

    #[test]
    fn the_table_of_texts_says_how_many_it_has() {
        assert_eq!(claimed_texts(b"<sst count=\"9\" uniqueCount=\"12\">"), Some(12));
        assert_eq!(claimed_texts(b"<sst uniqueCount='99999999999999999999999'>"), Some(u64::MAX));
        assert_eq!(claimed_texts(b"<sst>"), None);
    }
}
