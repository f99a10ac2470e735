//! A workbook or page taken apart: its sheets or tables, with their rows put aside.

use std::fmt::Write;

use super::cells::{RowText, Typed};
use super::error::ReadError;
use super::limits::{CELLS_MAX, ROW_BYTES_MAX};
use super::numbers::{Epoch, moment_of, write_moment, write_number};
use super::spool::{Columns, Merge, Spool, SpoolWriter, cell_name};
use crate::domain::Finding;

/// Sheets of a workbook, or tables of a page.
#[derive(Debug)]
pub(super) struct Grid {
    /// In words, such as `XLSX workbook`.
    pub(super) container: &'static str,
    pub(super) sheets: Vec<Sheet>,
    /// What was left out of it.
    pub(super) findings: Vec<Finding>,
    /// What a day of its rows was taken from, and the day.
    pub(super) day: Option<(chrono::NaiveDate, &'static str)>,
    spool: Spool,
}

/// A sheet or table that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sheet {
    /// Its place among all sheets, hidden ones too.
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) merges: Vec<Merge>,
    /// The row in which it ends without its end.
    pub(super) unfinished: Option<u64>,
}

impl Grid {
    pub(super) fn new(
        container: &'static str,
        sheets: Vec<Sheet>,
        findings: Vec<Finding>,
        spool: Spool,
    ) -> Grid {
        Grid { container, sheets, findings, day: None, spool }
    }

    /// Hands over the rows of a sheet that have cells.
    pub(super) fn read<E: From<ReadError>>(
        &mut self,
        sheet: usize,
        take: impl FnMut(&RowText<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.sheets.get(sheet) {
            Some(sheet) => self.spool.read(sheet.number, &sheet.merges, take),
            None => Ok(()),
        }
    }
}

impl Grid {
    /// What the columns of a sheet hold; `None` where merged cells hold for rows that do not have them, or it has no end.
    pub(super) fn columns(&self, sheet: usize) -> Option<&Columns> {
        let sheet =
            self.sheets.get(sheet).filter(|sheet| sheet.merges.is_empty() && sheet.unfinished.is_none())?;
        self.spool.columns(sheet.number)
    }
}

/// A value in a cell, whatever library found it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    /// A number without a date format.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A number with a date format.
    Moment(f64),
    /// A date or time as ISO 8601.
    Iso(&'a str),
    /// Why there is no value.
    Broken(&'static str),
}

/// Takes the cells of sheets in, in their order, and puts them aside as rows.
pub(super) struct CellWriter {
    pub(super) spool: SpoolWriter,
    container: &'static str,
    epoch: Epoch,
    sheet: u32,
    /// The row that is open, counted from 0.
    row: Option<u32>,
    last_column: Option<u32>,
    number: String,
    moment: String,
}

impl CellWriter {
    pub(super) fn new(container: &'static str) -> CellWriter {
        CellWriter {
            spool: SpoolWriter::new(),
            container,
            epoch: Epoch::Of1900,
            sheet: 0,
            row: None,
            last_column: None,
            number: String::new(),
            moment: String::new(),
        }
    }

    /// Begins a sheet.
    pub(super) fn sheet(&mut self, number: u32, epoch: Epoch) -> Result<(), ReadError> {
        self.end_row()?;
        self.sheet = number;
        self.epoch = epoch;
        Ok(())
    }

    /// Takes a cell; row and column count from 0.
    pub(super) fn cell(&mut self, row: u32, column: u32, value: Value<'_>) -> Result<(), ReadError> {
        self.go_to(row, column)?;
        let (number, moment) = (&mut self.number, &mut self.moment);
        match value {
            Value::Text(text) if text.trim().is_empty() => {}
            Value::Text(text) => self.spool.cell(column, Typed::Text, text, ""),
            Value::Broken(why) => self.spool.cell(column, Typed::Broken, why, ""),
            Value::Integer(value) => {
                number.clear();
                let _ = write!(number, "{value}");
                write_moment(moment_of(number, self.epoch), moment);
                self.spool.cell(column, Typed::Number, number, moment);
            }
            Value::Number(value) => {
                write_number(value, number);
                write_moment(moment_of(number, self.epoch), moment);
                self.spool.cell(column, Typed::Number, number, moment);
            }
            Value::Moment(value) => {
                write_number(value, number);
                write_moment(moment_of(number, self.epoch), moment);
                if moment.is_empty() {
                    self.spool.cell(column, Typed::Number, number, "");
                } else {
                    self.spool.cell(column, Typed::Moment, moment, number);
                }
            }
            Value::Iso(text) => {
                moment.clear();
                moment.push_str(text);
                if moment.as_bytes().get(10) == Some(&b'T') {
                    moment.replace_range(10..11, " ");
                }
                self.spool.cell(column, Typed::Text, moment, "");
            }
        }
        if self.spool.size_bytes() > ROW_BYTES_MAX {
            return Err(ReadError::RowTooLong { row: u64::from(row) + 1 });
        }
        Ok(())
    }

    /// Opens the cell's row; cells come in order, or the file is damaged.
    fn go_to(&mut self, row: u32, column: u32) -> Result<(), ReadError> {
        let columns = usize::try_from(column).unwrap_or(usize::MAX);
        if columns >= CELLS_MAX {
            return Err(ReadError::CellTooFar { cell: cell_name(columns, u64::from(row) + 1) });
        }
        if self.row == Some(row) {
            if self.last_column.is_some_and(|last| last >= column) {
                return Err(self.disorder(row, columns));
            }
        } else {
            if self.row.is_some_and(|last| last > row) {
                return Err(self.disorder(row, columns));
            }
            self.end_row()?;
            self.row = Some(row);
            self.spool.start(self.sheet, u64::from(row) + 1);
        }
        self.last_column = Some(column);
        Ok(())
    }

    fn disorder(&self, row: u32, column: usize) -> ReadError {
        let reason =
            format!("the cell {} comes after cells behind it", cell_name(column, u64::from(row) + 1));
        ReadError::Damaged { container: self.container, reason }
    }

    fn end_row(&mut self) -> Result<(), ReadError> {
        self.last_column = None;
        if self.row.take().is_some() {
            self.spool.end()?;
        }
        Ok(())
    }

    /// Ends the last sheet.
    pub(super) fn finish(mut self) -> Result<Spool, ReadError> {
        self.end_row()?;
        self.spool.finish()
    }
}
