//! An OpenDocument sheet's tags, looked at before its parser: it waits for ends that never come, and makes as many
//! cells, rows and blanks as a number in the file says.
//!
//! Only tags that the parser counts on are looked at, and they have to stand within each other as they should. What
//! could hide a tag from one of the two, such as a comment, is refused: no program writes it there.

use std::io::Read;

use super::super::error::ReadError;
use super::super::limits::{CELLS_MAX, CHUNK_BYTES, PART_BYTES_MAX, ROW_BYTES_MAX, SHEET_CELLS_MAX};
use super::{ODS, broken};

/// More rows than a sheet can have.
const ROWS_MAX: u64 = 1 << 20;

/// Rows that only repeat the one above, over all sheets. A few jobs may be equal; a million of them from a few bytes are
/// no report, and cost as much time as one.
const REPEATED_ROWS_MAX: u64 = 1 << 16;

/// What has to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Table,
    Row,
    Cell,
    Note,
}

/// Where a look at the tags stands.
#[derive(Default)]
struct Look {
    open: Vec<Open>,
    /// Rows of the open sheet down to the last that has a cell, its widest row, and the empty rows below.
    rows: u64,
    width: u64,
    empty_rows: u64,
    /// Of the open row: how often it stands there, its cells, the empty ones behind them, and its text in bytes.
    repeats: u64,
    cells: u64,
    empty_cells: u64,
    row_bytes: u64,
    /// Of the open cell: how often it stands there if something is in it, and its text.
    filled: Option<u64>,
    text: u64,
    /// Cells and text that all sheets need.
    all_cells: u64,
    all_bytes: u64,
    repeated_rows: u64,
}

/// Refuses what the parser would wait for without end, or need too much memory for.
pub(super) fn check(mut content: impl Read) -> Result<(), ReadError> {
    let mut look = Look::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut tag, mut quote, mut is_tag, mut is_first) = (Vec::new(), None, false, true);
    loop {
        let count = content.read(&mut chunk).map_err(|error| broken(ODS, error))?;
        for byte in chunk.get(..count).unwrap_or_default() {
            match (is_tag, quote, *byte) {
                (false, _, b'<') => is_tag = true,
                (false, ..) => look.text += 1,
                (true, None, b'>') => {
                    match tag.first() {
                        Some(b'!') => return Err(broken(ODS, "it has comments among its sheets")),
                        Some(b'?') if !is_first => {
                            return Err(broken(ODS, "it has comments among its sheets"));
                        }
                        _ => look.tag(&tag)?,
                    }
                    (is_tag, is_first) = (false, false);
                    tag.clear();
                }
                (true, ..) if tag.len() > ROW_BYTES_MAX => return Err(broken(ODS, "a tag has no end")),
                (true, open, sign) => {
                    // The declaration ends at the next sign, whatever quotes it has.
                    let has_quotes = tag.first() != Some(&b'?');
                    quote = match open {
                        Some(open) if open == sign => None,
                        None if has_quotes && matches!(sign, b'"' | b'\'') => Some(sign),
                        open => open,
                    };
                    tag.push(sign);
                }
            }
        }
        if count == 0 {
            return if look.open.is_empty() && !is_tag {
                Ok(())
            } else {
                Err(broken(ODS, "a sheet has no end"))
            };
        }
    }
}

impl Look {
    fn tag(&mut self, tag: &[u8]) -> Result<(), ReadError> {
        let (is_end, tag) = tag.strip_prefix(b"/").map_or((false, tag), |tag| (true, tag));
        let (is_empty, tag) = match tag.strip_suffix(b"/") {
            Some(tag) if !is_end => (true, tag),
            _ => (false, tag),
        };
        let is_blank = |byte: &u8| b" \t\r\n".contains(byte);
        // To the parser, all of an end tag is its name.
        let end = match is_end {
            true => tag.iter().rposition(|byte| !is_blank(byte)).map_or(0, |last| last + 1),
            false => tag.iter().position(is_blank).unwrap_or(tag.len()),
        };
        let (name, attributes) = tag.split_at(end);
        let one = match name {
            b"table:table" => Open::Table,
            b"table:table-row" => Open::Row,
            b"table:table-cell" | b"table:covered-table-cell" => Open::Cell,
            b"office:annotation" => Open::Note,
            b"text:s" => {
                self.text = self.text.saturating_add(number(attributes, b"text:c")?);
                return Ok(());
            }
            _ => return Ok(()),
        };
        if !is_end {
            self.open.push(one);
            self.start(one, attributes)?;
        }
        if is_end || is_empty {
            if self.open.pop() != Some(one) {
                return Err(broken(ODS, "its sheets, rows and cells do not stand within each other"));
            }
            self.end(one)?;
        }
        Ok(())
    }

    fn start(&mut self, one: Open, attributes: &[u8]) -> Result<(), ReadError> {
        match one {
            Open::Table => (self.rows, self.width, self.empty_rows) = (0, 0, 0),
            Open::Row => {
                self.repeats = number(attributes, b"table:number-rows-repeated")?.min(ROWS_MAX);
                (self.cells, self.empty_cells, self.row_bytes) = (0, 0, 0);
            }
            Open::Cell => {
                let repeats = number(attributes, b"table:number-columns-repeated")?;
                let has = |name: &[u8]| attributes.windows(name.len()).any(|window| window == name);
                let is_filled = has(b"office:") || has(b"calcext:") || has(b"table:formula");
                self.text = size(attributes);
                self.filled = is_filled.then_some(repeats);
                if !is_filled {
                    self.empty_cells = self.empty_cells.saturating_add(repeats);
                }
            }
            Open::Note => {}
        }
        Ok(())
    }

    fn end(&mut self, one: Open) -> Result<(), ReadError> {
        match one {
            Open::Cell => {
                let Some(repeats) = self.filled.take() else { return Ok(()) };
                if self.text > size_of(ROW_BYTES_MAX) {
                    return Err(broken(ODS, "a cell has too long a text"));
                }
                let before = self.cells;
                let cells = before.saturating_add(self.empty_cells).saturating_add(repeats);
                self.cells = cells.min(size_of(CELLS_MAX));
                self.empty_cells = 0;
                let copies = repeats.min(size_of(CELLS_MAX));
                self.row_bytes = self.row_bytes.saturating_add(copies.saturating_mul(self.text));
                self.all_bytes = self.all_bytes.saturating_add(copies.saturating_mul(self.text));
                self.all_cells = self.all_cells.saturating_add(self.cells - before);
            }
            Open::Row if self.cells == 0 => {
                self.empty_rows = self.empty_rows.saturating_add(self.repeats).min(ROWS_MAX);
            }
            Open::Row => {
                self.rows = self.rows.saturating_add(self.empty_rows).saturating_add(self.repeats);
                self.width = self.width.max(self.cells);
                self.repeated_rows = self.repeated_rows.saturating_add(self.repeats.saturating_sub(1));
                self.empty_rows = 0;
                let bytes = self.repeats.saturating_mul(self.row_bytes);
                self.all_bytes = self.all_bytes.saturating_add(bytes);
            }
            Open::Table => {
                self.all_cells = self.all_cells.saturating_add(self.rows.saturating_mul(self.width));
            }
            Open::Note => {}
        }
        // Once as they are read, once in their rectangle.
        if self.all_cells > 2 * SHEET_CELLS_MAX || self.rows.saturating_mul(self.width) > SHEET_CELLS_MAX {
            return Err(broken(ODS, format!("its sheets need room for more than {SHEET_CELLS_MAX} cells")));
        }
        if self.repeated_rows > REPEATED_ROWS_MAX {
            return Err(broken(ODS, "its rows are repeated too often"));
        }
        if self.all_bytes > PART_BYTES_MAX {
            return Err(broken(ODS, "its sheets repeat too much text"));
        }
        Ok(())
    }
}

fn size(bytes: &[u8]) -> u64 {
    size_of(bytes.len())
}

fn size_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// How often something stands there: once, if nothing is said.
fn number(attributes: &[u8], name: &[u8]) -> Result<u64, ReadError> {
    let Some(at) = attributes.windows(name.len()).position(|window| window == name) else { return Ok(1) };
    let value = attributes.get(at + name.len()..).unwrap_or_default();
    let value = value.trim_ascii_start().strip_prefix(b"=").unwrap_or_default().trim_ascii_start();
    let digits = value.get(1..).unwrap_or_default().split(|byte| matches!(byte, b'"' | b'\'')).next();
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| broken(ODS, "a number of repeats is none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_that_would_never_end_are_refused() {
        let check = |rows: &str| {
            let content = format!("<?xml version=\"1.0\"?><office:spreadsheet>{rows}</office:spreadsheet>");
            check(content.as_bytes()).map_err(|error| error.to_string())
        };
        let cell = "<table:table-cell office:value-type=\"string\"><text:p>a</text:p></table:table-cell>";
        let row = format!("<table:table-row>{cell}<table:table-cell a='>'/></table:table-row>");
        assert_eq!(check(&format!("<table:table>{row}</table:table><table:table/>")), Ok(()));
        let refusals = [
            (format!("</table:table><table:table>{row}"), "within each other"),
            (format!("<table:table>{row}<a b=\"</table:table>\"/>"), "no end"),
            (format!("<table:table>{row}<a b=c\"></table:table>\"/>"), "no end"),
            (format!("<table:table>{row}</table:table a>"), "no end"),
            (format!("<table:table>{row}</table:table/>"), "no end"),
            (format!("<table:table>{row}</a \"></table:table>\">"), "no end"),
            (format!("<table:table>{row}<!-- </table:table> -->"), "comments"),
            (format!("<table:table>{row}<? ></table:table> ?>"), "comments"),
            (
                "<table:table><table:table-row><table:table-cell></table:table></table:table-cell></table:table-row>"
                    .to_owned(),
                "within each other",
            ),
            (
                "<table:table><table:table-row><table:table-cell><office:annotation></table:table-cell>".to_owned(),
                "within each other",
            ),
            ("<table:table><table:table-row".to_owned(), "no end"),
        ];
        for (rows, expected) in refusals {
            let refused = check(&rows).unwrap_err();
            assert!(refused.contains(expected), "{rows}: {refused}");
        }
    }

    #[test]
    fn repeats_are_counted_before_they_are_made() {
        let check = |rows: &[(u64, u64, &str)]| {
            let rows: String = rows
                .iter()
                .map(|(rows, columns, cell)| {
                    format!("<table:table-row table:number-rows-repeated=\"{rows}\"><table:table-cell table:number-columns-repeated = '{columns}' {cell}</table:table-row>")
                })
                .collect();
            check(format!("<table:table>{rows}</table:table>").as_bytes()).map_err(|error| error.to_string())
        };
        let (filled, empty) = ("office:value=\"1\"/>", "/>");
        assert_eq!(check(&[(3, 3, filled), (1, 16_384, empty), (1_048_576, 16_384, empty)]), Ok(()));
        assert_eq!(check(&[(40_000, 1, filled), (25_000, 1, filled)]), Ok(()));
        assert!(check(&[(40_000, 1, filled), (30_000, 1, filled)]).unwrap_err().contains("too often"));
        assert!(check(&[(513, 16_384, filled)]).unwrap_err().contains("8388608 cells"));
        assert!(
            check(&[(1, 9, filled), (1_048_570, 1, empty), (1, 1, filled)]).unwrap_err().contains("cells")
        );
        let long = format!("office:string-value=\"{}\"/>", "x".repeat(1 << 17));
        assert!(check(&[(1, 16_384, &long)]).unwrap_err().contains("too much text"));
        let blanks = "office:value-type=\"string\"><text:s text:c=\"9999999\"/></table:table-cell>";
        assert!(check(&[(1, 1, blanks)]).unwrap_err().contains("too long a text"));
        assert!(check(&[(1, 1, "table:number-columns-repeated=\"&#57;\"/>")]).is_ok());
    }
}
