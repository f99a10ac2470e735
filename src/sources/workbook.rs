//! Workbooks: XLSX, XLSB, XLS and ODS to sheets of rows.
//!
//! Visible sheets are read, hidden ones are named. An XLSX sheet streams; the other formats are held whole by their
//! parser, so what they claim is looked at before (`workbook/parts.rs`, `workbook/ods.rs`, `workbook/records.rs`). What
//! a merged cell covers is told by XLSX and XLS only; in the other formats, cells merged over rows are refused.

mod batch;
mod ods;
mod parts;
mod records;

use std::io::Cursor;
use std::sync::mpsc::sync_channel;

use calamine::{
    CellErrorType, Data, DataRef, Dimensions, ExcelDateTime, Ods, Reader, Sheet as BookSheet, SheetType,
    SheetVisible, Xls, Xlsb, Xlsx,
};

use self::batch::{Sender, WAITING_MAX, write_all};
use self::parts::Parts;
use super::archive::ZipKind;
use super::error::ReadError;
use super::grid::{CellWriter, Grid, Sheet, Value};
use super::guard::guarded;
use super::limits::{MERGES_MAX, SHEETS_MAX};
use super::numbers::Epoch;
use super::spool::Merge;
use crate::domain::{Finding, Severity};

/// What stands in the place of a value that a formula never had.
const NO_RESULT: &str = "a formula without a calculated result";

const XLSX: &str = "XLSX workbook";
const XLSB: &str = "XLSB workbook";
const ODS: &str = "ODS workbook";
const XLS: &str = "XLS workbook";

type Bytes<'a> = Cursor<&'a [u8]>;

/// Takes a workbook in a ZIP apart.
pub(super) fn read_zipped(bytes: &[u8], kind: ZipKind) -> Result<Grid, ReadError> {
    let container = match kind {
        ZipKind::Xlsx => XLSX,
        ZipKind::Xlsb => XLSB,
        ZipKind::Ods => ODS,
        ZipKind::Archive => return Err(ReadError::NotAReport { layout: None }),
    };
    let parts = Parts::look(bytes, kind, container)?;
    let read = || match kind {
        ZipKind::Xlsb => read_xlsb(bytes, &parts),
        ZipKind::Ods => read_ods(bytes, &parts),
        ZipKind::Xlsx | ZipKind::Archive => read_xlsx(bytes, &parts),
    };
    guarded(read).unwrap_or_else(|| Err(broken(container, "a record is too short")))
}

/// Takes an old workbook apart.
pub(super) fn read_xls(bytes: &[u8]) -> Result<Grid, ReadError> {
    let read = || {
        records::check(bytes, XLS)?;
        let mut book: Xls<Bytes<'_>> = Xls::new(Cursor::new(bytes)).map_err(|error| match error {
            calamine::XlsError::Password => ReadError::Protected { container: XLS },
            error => broken(XLS, error),
        })?;
        let epoch = epoch(book.has_1904_epoch());
        let (sheets, mut findings) = chosen(book.sheets_metadata(), XLS)?;
        let mut writer = CellWriter::new(XLS);
        let mut kept = Vec::new();
        for (number, name) in sheets {
            writer.sheet(number, epoch)?;
            write_range(&mut book, &name, XLS, &mut writer)?;
            let merged = book.merge_cells_by_sheet_name(&name).map_err(|error| broken(XLS, error))?;
            kept.push(Sheet { number, name, merges: merges(&merged)?, unfinished: None });
        }
        findings.extend(merged_note(&kept));
        Ok(Grid::new(XLS, kept, findings, writer.finish()?))
    };
    guarded(read).unwrap_or_else(|| Err(broken(XLS, "a record is too short")))
}

fn read_xlsx(bytes: &[u8], parts: &Parts) -> Result<Grid, ReadError> {
    let mut book: Xlsx<Bytes<'_>> = Xlsx::new(Cursor::new(bytes)).map_err(xlsx_error)?;
    let epoch = epoch(book.has_1904_epoch());
    let (sheets, mut findings) = chosen(book.sheets_metadata(), XLSX)?;
    let mut writer = CellWriter::new(XLSX);
    // Merged cells are told behind the rows: a second look at the sheets says whether there are any.
    let merged = std::thread::scope(|scope| {
        let merged = scope.spawn(|| parts.sheets_mention(bytes, b"mergeCell "));
        for (number, name) in &sheets {
            writer.sheet(*number, epoch)?;
            stream_sheet(&mut book, name, &mut writer)?;
        }
        merged.join().unwrap_or(Ok(true))
    })?;
    let mut kept = Vec::new();
    for (number, name) in sheets {
        let merges = match merged {
            true => merges(&book.merge_cells_by_sheet_name(&name).map_err(xlsx_error)?)?,
            false => Vec::new(),
        };
        kept.push(Sheet { number, name, merges, unfinished: None });
    }
    findings.extend(merged_note(&kept));
    Ok(Grid::new(XLSX, kept, findings, writer.finish()?))
}

/// Parses a sheet here and puts its rows aside there.
fn stream_sheet(book: &mut Xlsx<Bytes<'_>>, name: &str, writer: &mut CellWriter) -> Result<(), ReadError> {
    std::thread::scope(|scope| {
        let (to, from) = sync_channel(WAITING_MAX);
        let written = scope.spawn(move || write_all(&from, writer));
        let mut sender = Sender::new(&to);
        let mut cells = book.worksheet_cells_reader(name).map_err(xlsx_error)?;
        while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(xlsx_error)? {
            let (row, column) = cell.pos;
            let value = match &cell.value {
                DataRef::Empty if cell.formula.is_some() => Some(Value::Broken(NO_RESULT)),
                value => value_of(value),
            };
            if value.is_some_and(|value| !sender.cell(row, column, value)) {
                break;
            }
        }
        sender.finish();
        drop(to);
        written.join().unwrap_or_else(|_| Err(broken(XLSX, "its cells cannot be kept")))
    })
}

fn read_xlsb(bytes: &[u8], parts: &Parts) -> Result<Grid, ReadError> {
    if parts.xlsb_merges_rows(bytes)? {
        return Err(ReadError::MergedRows { container: XLSB });
    }
    let mut book: Xlsb<Bytes<'_>> = Xlsb::new(Cursor::new(bytes)).map_err(|error| match error {
        calamine::XlsbError::Password => ReadError::Protected { container: XLSB },
        error => broken(XLSB, error),
    })?;
    let epoch = epoch(book.has_1904_epoch());
    let (sheets, findings) = chosen(book.sheets_metadata(), XLSB)?;
    let mut writer = CellWriter::new(XLSB);
    let mut kept = Vec::new();
    for (number, name) in sheets {
        writer.sheet(number, epoch)?;
        let mut cells = book.worksheet_cells_reader(&name).map_err(|error| broken(XLSB, error))?;
        while let Some(cell) = cells.next_cell().map_err(|error| broken(XLSB, error))? {
            let (row, column) = cell.get_position();
            if let Some(value) = value_of(cell.get_value()) {
                writer.cell(row, column, value)?;
            }
        }
        kept.push(Sheet { number, name, merges: Vec::new(), unfinished: None });
    }
    Ok(Grid::new(XLSB, kept, findings, writer.finish()?))
}

fn read_ods(bytes: &[u8], parts: &Parts) -> Result<Grid, ReadError> {
    parts.check_ods(bytes)?;
    if parts.ods_merges_rows(bytes)? {
        return Err(ReadError::MergedRows { container: ODS });
    }
    let mut book: Ods<Bytes<'_>> = Ods::new(Cursor::new(bytes)).map_err(|error| match error {
        calamine::OdsError::Password => ReadError::Protected { container: ODS },
        error => broken(ODS, error),
    })?;
    let (sheets, findings) = chosen(book.sheets_metadata(), ODS)?;
    let mut writer = CellWriter::new(ODS);
    let mut kept = Vec::new();
    for (number, name) in sheets {
        writer.sheet(number, Epoch::Of1900)?;
        write_range(&mut book, &name, ODS, &mut writer)?;
        kept.push(Sheet { number, name, merges: Vec::new(), unfinished: None });
    }
    Ok(Grid::new(ODS, kept, findings, writer.finish()?))
}

/// Writes the cells of a sheet that its parser holds as a whole.
fn write_range<'b, B>(
    book: &mut B,
    name: &str,
    container: &'static str,
    writer: &mut CellWriter,
) -> Result<(), ReadError>
where
    B: Reader<Bytes<'b>>,
    B::Error: std::fmt::Display,
{
    let formulas = book.worksheet_formula(name).map_err(|error| broken(container, error))?;
    let range = book.worksheet_range(name).map_err(|error| broken(container, error))?;
    let (Some((first_row, first_column)), false) = (range.start(), range.is_empty()) else { return Ok(()) };
    for (row, cells) in (first_row..).zip(range.rows()) {
        for (column, data) in (first_column..).zip(cells) {
            let is_formula = || formulas.get_value((row, column)).is_some_and(|formula| !formula.is_empty());
            match value_of_held(data) {
                Some(value) => writer.cell(row, column, value)?,
                None if is_formula() => writer.cell(row, column, Value::Broken(NO_RESULT))?,
                None => {}
            }
        }
    }
    Ok(())
}

/// A cell that streams; `None` where nothing stands in it.
fn value_of<'d>(data: &'d DataRef<'_>) -> Option<Value<'d>> {
    Some(match data {
        DataRef::Empty => return None,
        DataRef::String(text) | DataRef::DurationIso(text) => Value::Text(text),
        DataRef::SharedString(text) => Value::Text(text),
        DataRef::Float(number) => Value::Number(*number),
        DataRef::Int(number) => Value::Integer(*number),
        DataRef::Bool(flag) => flag_of(*flag),
        DataRef::DateTime(moment) => moment_of(moment),
        DataRef::DateTimeIso(text) => Value::Iso(text),
        DataRef::Error(error) => Value::Broken(error_text(error)),
    })
}

/// The same of a sheet that is held as a whole.
fn value_of_held(data: &Data) -> Option<Value<'_>> {
    Some(match data {
        Data::Empty => return None,
        Data::String(text) | Data::DurationIso(text) => Value::Text(text),
        Data::Float(number) => Value::Number(*number),
        Data::Int(number) => Value::Integer(*number),
        Data::Bool(flag) => flag_of(*flag),
        Data::DateTime(moment) => moment_of(moment),
        Data::DateTimeIso(text) => Value::Iso(text),
        Data::Error(error) => Value::Broken(error_text(error)),
    })
}

const fn flag_of<'a>(flag: bool) -> Value<'a> {
    if flag { Value::Text("TRUE") } else { Value::Text("FALSE") }
}

fn moment_of<'a>(moment: &ExcelDateTime) -> Value<'a> {
    if moment.is_datetime() { Value::Moment(moment.as_f64()) } else { Value::Number(moment.as_f64()) }
}

const fn error_text(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "the formula error #DIV/0!",
        CellErrorType::NA => "the formula error #N/A",
        CellErrorType::Name => "the formula error #NAME?",
        CellErrorType::Null => "the formula error #NULL!",
        CellErrorType::Num => "the formula error #NUM!",
        CellErrorType::Ref => "the formula error #REF!",
        CellErrorType::Value => "the formula error #VALUE!",
        _ => "a formula error",
    }
}

/// Sheets with their places, and what is said of the others.
type Chosen = (Vec<(u32, String)>, Vec<Finding>);

/// The visible sheets, with their places, and a word on those that are left out.
fn chosen(all: &[BookSheet], container: &'static str) -> Result<Chosen, ReadError> {
    if all.len() > SHEETS_MAX {
        let reason = format!("found {} sheets, expected at most {SHEETS_MAX}", all.len());
        return Err(broken(container, reason));
    }
    let mut sheets = Vec::new();
    let mut findings = Vec::new();
    for (number, sheet) in (0u32..).zip(all) {
        match (sheet.visible, sheet.typ) {
            (SheetVisible::Visible, SheetType::WorkSheet) => sheets.push((number, sheet.name.clone())),
            (_, SheetType::WorkSheet) => {
                let message = format!("the sheet `{}` is hidden and was not read", sheet.name);
                findings.push(Finding::new(Severity::Warning, "sheet-hidden", message));
            }
            _ => {}
        }
    }
    Ok((sheets, findings))
}

/// The merged cells that cover several rows, in order.
fn merges(all: &[Dimensions]) -> Result<Vec<Merge>, ReadError> {
    let of_rows = all.iter().filter(|merged| merged.end.0 > merged.start.0);
    let mut merges: Vec<Merge> = of_rows
        .map(|merged| Merge {
            first_row: u64::from(merged.start.0) + 1,
            last_row: u64::from(merged.end.0) + 1,
            column: usize::try_from(merged.start.1).unwrap_or(usize::MAX),
        })
        .collect();
    if merges.len() > MERGES_MAX {
        let reason = format!("found {} merged cells, expected at most {MERGES_MAX}", merges.len());
        return Err(ReadError::Damaged { container: XLSX, reason });
    }
    merges.sort_by_key(|merge| merge.first_row);
    Ok(merges)
}

fn merged_note(sheets: &[Sheet]) -> Option<Finding> {
    let merge = sheets.iter().flat_map(|sheet| &sheet.merges).next()?;
    let message = format!(
        "cells are merged over rows, the first over rows {} to {}; each holds for all of its rows",
        merge.first_row, merge.last_row
    );
    Some(Finding::new(Severity::Note, "cells-merged", message).at_row(merge.first_row))
}

const fn epoch(is_1904: bool) -> Epoch {
    if is_1904 { Epoch::Of1904 } else { Epoch::Of1900 }
}

fn xlsx_error(error: calamine::XlsxError) -> ReadError {
    match error {
        calamine::XlsxError::Password => ReadError::Protected { container: XLSX },
        error => broken(XLSX, error),
    }
}

fn broken(container: &'static str, reason: impl std::fmt::Display) -> ReadError {
    let reason: String = reason.to_string().chars().take(200).collect();
    ReadError::Damaged { container, reason }
}
