//! One sheet in the making: a header that stays in view, typed cells, and a total row of values.
//!
//! Amounts are decimal texts until the last step, where the cell's double is read from the text: no arithmetic
//! is done with it. What a double cannot hold to the last digit is written as text. Totals are values and not
//! formulas, so that a reader that does not calculate shows them too. Text is always a string cell, which no
//! program runs as a formula.

use chrono::{Datelike, NaiveDate};
use rust_xlsxwriter::{
    Color, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use crate::domain::{Currency, Exact};

/// Significant digits that a double holds for certain.
const DIGITS_MAX: usize = 15;

/// Letters of a cell; the format's limit is 32,767, and a longer one is cut with `…`.
const CELL_CHARS_MAX: usize = 32_000;

/// A cell by its type.
pub(super) enum Cell<'a> {
    /// Nothing.
    Blank,
    /// A text, whatever it starts with.
    Text(&'a str),
    /// A whole number.
    Count(i64),
    /// An amount, shown with the currency's decimals.
    Amount(Exact),
    /// A price or a part of a proof, shown with all its decimals.
    Price(Exact),
    /// A day.
    Day(NaiveDate),
}

/// A column: its header, its width in characters, and on which side its cells and header stand.
pub(super) struct Column {
    header: &'static str,
    width: u16,
    is_number: bool,
}

impl Column {
    /// A column of texts.
    pub(super) const fn text(header: &'static str, width: u16) -> Column {
        Column { header, width, is_number: false }
    }

    /// A column of numbers or days.
    pub(super) const fn number(header: &'static str, width: u16) -> Column {
        Column { header, width, is_number: true }
    }
}

/// Height of the header row in points: two lines. A height that nobody states is one line in some programs, and
/// the second line of a long header then covers the first row of numbers.
const HEADER_POINTS: u16 = 32;

/// The looks of all sheets of a workbook.
pub(super) struct Looks {
    text_header: Format,
    number_header: Format,
    plain: [Format; 5],
    total: [Format; 5],
}

impl Looks {
    /// Looks for amounts of a currency.
    pub(super) fn new(currency: Currency) -> Looks {
        let decimals = usize::try_from(currency.decimals()).unwrap_or(2);
        let fraction = if decimals == 0 { String::new() } else { format!(".{}", "0".repeat(decimals)) };
        let amount = format!("#,##0{fraction}");
        let point = if decimals == 0 { "." } else { "" };
        let price = format!("{amount}{point}{}", "#".repeat(6 - decimals.min(6)));
        let looks = |base: Format| {
            [
                // Indented, so that a text does not touch the number to its left.
                base.clone().set_align(FormatAlign::Top).set_align(FormatAlign::Left).set_indent(1),
                base.clone().set_num_format("#,##0"),
                base.clone().set_num_format(amount.as_str()),
                base.clone().set_num_format(price.as_str()),
                base.set_num_format("yyyy-mm-dd"),
            ]
        };
        let header = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Bottom)
            .set_background_color(Color::RGB(0xE9_EDF2))
            .set_border_bottom(FormatBorder::Thin);
        Looks {
            text_header: header.clone().set_align(FormatAlign::Left).set_indent(1),
            number_header: header.set_align(FormatAlign::Right),
            plain: looks(Format::new()),
            total: looks(Format::new().set_bold().set_border_top(FormatBorder::Thin)),
        }
    }
}

/// A sheet that is filled from top to bottom.
pub(super) struct Sheet<'a> {
    sheet: &'a mut Worksheet,
    looks: &'a Looks,
    columns: u16,
    row: u32,
}

impl<'a> Sheet<'a> {
    /// Adds a sheet with its header row.
    pub(super) fn new(
        workbook: &'a mut Workbook,
        name: &str,
        columns: &[Column],
        looks: &'a Looks,
    ) -> Result<Sheet<'a>, XlsxError> {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name)?.set_freeze_panes(1, 0)?.set_repeat_rows(0, 0)?;
        // A4, sideways, as many pages down as it takes.
        sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        sheet.set_row_height(0, HEADER_POINTS)?;
        for (column, Column { header, width, is_number }) in (0_u16..).zip(columns) {
            let look = if *is_number { &looks.number_header } else { &looks.text_header };
            sheet.write_string_with_format(0, column, *header, look)?;
            sheet.set_column_width(column, *width)?;
        }
        let columns = u16::try_from(columns.len()).unwrap_or(u16::MAX);
        Ok(Sheet { sheet, looks, columns, row: 1 })
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), XlsxError> {
        self.write(cells, &self.looks.plain)
    }

    /// Adds a row that stands out: a result.
    pub(super) fn emphasis(&mut self, cells: &[Cell<'_>]) -> Result<(), XlsxError> {
        self.write(cells, &self.looks.total)
    }

    /// Ends the table: the filter covers the rows so far, and the total row below is not sorted among them.
    pub(super) fn total(&mut self, cells: &[Cell<'_>]) -> Result<(), XlsxError> {
        self.filter()?;
        self.emphasis(cells)
    }

    /// Lets people filter the rows so far.
    pub(super) fn filter(&mut self) -> Result<(), XlsxError> {
        if self.row > 1 {
            self.sheet.autofilter(0, 0, self.row - 1, self.columns.saturating_sub(1))?;
        }
        Ok(())
    }

    /// Leaves a row empty.
    pub(super) fn skip(&mut self) {
        self.row += 1;
    }

    fn write(&mut self, cells: &[Cell<'_>], looks: &[Format; 5]) -> Result<(), XlsxError> {
        let [text_look, count_look, amount_look, price_look, day_look] = looks;
        let row = self.row;
        for (column, cell) in (0_u16..).zip(cells) {
            match cell {
                Cell::Blank => self.sheet.write_blank(row, column, text_look)?,
                Cell::Text(text) => self.sheet.write_string_with_format(row, column, cut(text), text_look)?,
                Cell::Count(count) => self.number(column, &count.to_string(), count_look)?,
                Cell::Amount(amount) => self.number(column, &amount.to_text(0), amount_look)?,
                Cell::Price(price) => self.number(column, &price.to_text(0), price_look)?,
                Cell::Day(day) => match excel_day(*day) {
                    Some(day) => self.sheet.write_datetime_with_format(row, column, &day, day_look)?,
                    None => self.sheet.write_string_with_format(row, column, day.to_string(), text_look)?,
                },
            };
        }
        self.row += 1;
        Ok(())
    }

    /// A number cell from a decimal text; a text cell where the double would lose a digit.
    fn number(&mut self, column: u16, text: &str, look: &Format) -> Result<&mut Worksheet, XlsxError> {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        match text.parse::<f64>() {
            Ok(number) if digits <= DIGITS_MAX => {
                self.sheet.write_number_with_format(self.row, column, number, look)
            }
            _ => self.sheet.write_string_with_format(self.row, column, text, look),
        }
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= CELL_CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(CELL_CHARS_MAX).chain(['…']).collect()
}

/// A day as the workbook counts it; `None` outside its calendar, which begins in 1900.
pub(super) fn excel_day(day: NaiveDate) -> Option<ExcelDateTime> {
    let year = u16::try_from(day.year()).ok()?;
    let (month, of_month) = (u8::try_from(day.month()).ok()?, u8::try_from(day.day()).ok()?);
    ExcelDateTime::from_ymd(year, month, of_month).ok()
}
