//! One row of cells, however its container wrote it: the form that all containers give and everything else reads.
//!
//! Delimited text lends its own buffer; workbooks and pages fill a [`RowBuffer`]. A spreadsheet's cell may have a
//! second reading beside its text: a number may be a date, a date is a number underneath. Which one counts is
//! known only where the column's meaning is.

/// Where a cell lies in its row's text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quoted: bool,
    /// Doubled quotes are still in it.
    pub(super) escaped: bool,
}

/// What a spreadsheet says of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Typed {
    /// A text. Its second reading is a moment, where one is known.
    #[default]
    Text,
    /// A number, in digits with a decimal point. Its second reading is a moment.
    Number,
    /// A moment, as ISO 8601. Its second reading is the number underneath.
    Moment,
    /// No value: an error, a formula that was never calculated. The text says so.
    Broken,
}

/// A cell's type, and where its second reading lies in the row's text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Second {
    typed: Typed,
    start: usize,
    end: usize,
}

/// One row, borrowed from its container.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowText<'a> {
    /// The line in which the row starts, or the row of the sheet; the first is 1.
    pub(super) row: u64,
    /// Whether a quoted cell goes on after its closing quote.
    pub(super) broken_quote: bool,
    /// Whether a cell has no value.
    pub(super) has_broken: bool,
    pub(super) text: &'a str,
    pub(super) cells: &'a [Cell],
    /// Empty where all cells are plain texts.
    pub(super) seconds: &'a [Second],
}

impl<'a> RowText<'a> {
    /// Number of cells; a blank line has one, which is empty.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The cell's text without its quotes; `None` where the row is too short.
    #[inline]
    pub(super) fn get(&self, column: usize) -> Option<&'a str> {
        let cell = self.cells.get(column)?;
        self.text.get(cell.start..cell.end)
    }

    /// The cell where a moment is expected.
    #[inline]
    pub(super) fn moment(&self, column: usize) -> Option<&'a str> {
        match self.seconds.get(column) {
            Some(second) if second.typed != Typed::Moment && second.start < second.end => {
                self.text.get(second.start..second.end)
            }
            _ => self.get(column),
        }
    }

    /// The cell where an amount or a count is expected.
    #[inline]
    pub(super) fn amount(&self, column: usize) -> Option<&'a str> {
        match self.seconds.get(column) {
            Some(second) if second.typed == Typed::Moment => self.text.get(second.start..second.end),
            _ => self.get(column),
        }
    }

    /// Whether the cell's amount is a number of the container's own: then its decimal mark is a point.
    #[inline]
    pub(super) fn is_number(&self, column: usize) -> bool {
        matches!(self.seconds.get(column), Some(Second { typed: Typed::Number | Typed::Moment, .. }))
    }

    /// Whether the container leaves empty cells out at the end of a row.
    #[inline]
    pub(super) fn is_ragged(&self) -> bool {
        !self.seconds.is_empty()
    }

    /// Whether the cell has no value.
    pub(super) fn is_broken(&self, column: usize) -> bool {
        matches!(self.seconds.get(column), Some(Second { typed: Typed::Broken, .. }))
    }

    /// Whether the cell stands in quotes.
    pub(super) fn is_quoted(&self, column: usize) -> bool {
        self.cells.get(column).is_some_and(|cell| cell.quoted)
    }

    /// The cells in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let text = self.text;
        self.cells.iter().map(move |cell| text.get(cell.start..cell.end).unwrap_or_default())
    }

    /// The row as one text: its only cell, or the line as it stands.
    pub(super) fn line(&self) -> &'a str {
        match self.cells {
            [only] => self.text.get(only.start..only.end).unwrap_or_default(),
            _ => self.text,
        }
    }

    /// Whether something stands right of so many columns.
    #[inline]
    pub(super) fn has_surplus(&self, columns: usize) -> bool {
        self.len() > columns && self.iter().skip(columns).any(|cell| !cell.trim().is_empty())
    }

    /// Whether nothing stands right of the first cell.
    pub(super) fn is_single(&self) -> bool {
        self.iter().skip(1).all(|cell| cell.trim().is_empty())
    }
}

/// A row that a workbook or page fills, cell by cell.
#[derive(Debug, Default)]
pub(super) struct RowBuffer {
    row: u64,
    text: String,
    cells: Vec<Cell>,
    seconds: Vec<Second>,
    has_broken: bool,
}

impl RowBuffer {
    /// Begins an empty row.
    pub(super) fn start(&mut self, row: u64) {
        self.row = row;
        self.text.clear();
        self.cells.clear();
        self.seconds.clear();
        self.has_broken = false;
    }

    /// The number of cells so far.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The text so far, in bytes.
    pub(super) fn size_bytes(&self) -> usize {
        self.text.len()
    }

    /// Adds empty cells up to so many.
    pub(super) fn pad(&mut self, columns: usize) {
        while self.cells.len() < columns {
            self.push("", Typed::Text, "");
        }
    }

    /// Adds a cell. Between the texts stands a comma, so that a title that was split at its commas reads on.
    pub(super) fn push(&mut self, text: &str, typed: Typed, second: &str) {
        if !self.cells.is_empty() {
            self.text.push(',');
        }
        let start = self.text.len();
        self.text.push_str(text);
        let end = self.text.len();
        self.text.push_str(second);
        self.cells.push(Cell { start, end, quoted: false, escaped: false });
        self.seconds.push(Second { typed, start: end, end: self.text.len() });
        self.has_broken |= typed == Typed::Broken;
    }

    /// The row as it stands.
    pub(super) fn row(&self) -> RowText<'_> {
        RowText {
            row: self.row,
            broken_quote: false,
            has_broken: self.has_broken,
            text: &self.text,
            cells: &self.cells,
            seconds: &self.seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_the_reading_that_its_column_needs() {
        let mut buffer = RowBuffer::default();
        buffer.start(7);
        buffer.push("45352.375", Typed::Number, "2024-03-01 09:00:00");
        buffer.pad(2);
        buffer.push("2024-03-01 09:00:00", Typed::Moment, "45352.375");
        buffer.push("14:30:00", Typed::Text, "2024-05-21 14:30:00");
        buffer.push("x", Typed::Broken, "");
        let row = buffer.row();
        let readings = |column| {
            (
                row.get(column).unwrap(),
                row.moment(column).unwrap(),
                row.amount(column).unwrap(),
                row.is_number(column),
            )
        };
        let (moment, number) = ("2024-03-01 09:00:00", "45352.375");
        assert_eq!(readings(0), (number, moment, number, true));
        assert_eq!(readings(1), ("", "", "", false));
        assert_eq!(readings(2), (moment, moment, number, true));
        assert_eq!(readings(3), ("14:30:00", "2024-05-21 14:30:00", "14:30:00", false));
        assert!(row.has_broken && row.is_broken(4) && !row.is_broken(3));
        assert_eq!((row.row, row.len(), row.get(5)), (7, 5, None));
        buffer.start(8);
        buffer.push("# From = 1", Typed::Text, "");
        buffer.push(" 2024", Typed::Text, "");
        assert_eq!((buffer.row().line(), buffer.row().has_broken), ("# From = 1, 2024", false));
    }
}
