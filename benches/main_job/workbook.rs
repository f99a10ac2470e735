//! A generated log as somebody saved it in a spreadsheet: dates and numbers are the spreadsheet's own.

use std::io;
use std::path::Path;

use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, XlsxError};

/// Writes the rows of a CSV log into an XLSX workbook.
pub(crate) fn write(log: &Path, path: &Path) -> io::Result<()> {
    save(log, path).map_err(io::Error::other)
}

fn save(log: &Path, path: &Path) -> Result<(), XlsxError> {
    let failed = |error: csv::Error| XlsxError::CustomError(error.to_string());
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .from_path(log)
        .map_err(failed)?;
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let moment = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    let mut number = 0;
    for record in rows.records() {
        let record = record.map_err(failed)?;
        // The period line stands in quotes, so that it is no comment to the CSV reader.
        if record.len() < 2 {
            continue;
        }
        for (column, cell) in (0u16..).zip(&record) {
            if column == 0 && number > 0 {
                let time = ExcelDateTime::parse_from_str(&cell.replace(' ', "T"))?;
                sheet.write_datetime_with_format(number, column, time, &moment)?;
            } else if let Ok(amount) = cell.parse::<f64>() {
                sheet.write_number(number, column, amount)?;
            } else if !cell.is_empty() {
                sheet.write_string(number, column, cell)?;
            }
        }
        number += 1;
    }
    workbook.save(path)
}
