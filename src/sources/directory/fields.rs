//! Rows of cells as records with named fields, noting everything that is wrong.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::table::{self, Cell};
use super::{DirectoryReadError, SheetProblem};
use crate::domain::Place;

/// The columns of one kind of file.
pub(super) struct Layout {
    /// Each field with the other headers that mean it.
    pub(super) fields: &'static [(&'static str, &'static [&'static str])],
    /// The fields whose column has to be there.
    pub(super) needed: &'static [&'static str],
    /// Whether other columns are identifiers; else they are ignored.
    pub(super) identifiers: bool,
}

/// What a column holds.
#[derive(Clone, Debug)]
enum Column {
    Field(&'static str),
    Identifier(String),
    Nothing,
}

/// A file that is being read.
pub(super) struct Reader<'a> {
    file: &'a str,
    headers: Vec<String>,
    columns: Vec<Column>,
    rows: table::Rows,
    problems: Vec<SheetProblem>,
}

/// One row, by field names.
pub(super) struct Record<'r> {
    file: &'r str,
    row: u64,
    fields: HashMap<&'static str, (&'r str, &'r Cell)>,
    others: Vec<(&'r str, &'r str, &'r Cell)>,
    problems: &'r mut Vec<SheetProblem>,
}

impl<'a> Reader<'a> {
    /// Reads the header; missing and doubled columns are one error.
    pub(super) fn new(
        file: &'a str,
        bytes: &[u8],
        layout: &Layout,
    ) -> Result<Reader<'a>, DirectoryReadError> {
        let refused = |found: String, expected: String| DirectoryReadError::File {
            file: file.to_owned(),
            found,
            expected,
        };
        let mut rows = table::rows(bytes).map_err(|(found, expected)| refused(found, expected.to_owned()))?;
        // Comment lines may stand before the header, and there only: `#2-lab` may be an id.
        let is_comment =
            |cells: &[Cell]| matches!(cells.first(), Some(Cell::Text(text)) if text.starts_with('#'));
        let comments = rows.iter().take_while(|(_, cells)| is_comment(cells)).count();
        rows.drain(..comments);
        if rows.is_empty() {
            return Err(refused("no header".to_owned(), format!("the columns {}", quoted(layout.needed))));
        }
        let (row, header) = rows.remove(0);
        let headers: Vec<String> = header.iter().map(header_text).collect();
        let mut problems = Vec::new();
        let columns = columns(&headers, layout, row, &mut problems);
        let has =
            |field: &str| columns.iter().any(|column| matches!(column, Column::Field(one) if *one == field));
        let missing: Vec<&str> = layout.needed.iter().copied().filter(|field| !has(field)).collect();
        if !missing.is_empty() {
            let known: Vec<&str> =
                headers.iter().map(String::as_str).filter(|header| !header.is_empty()).collect();
            problems.push(SheetProblem {
                row,
                column: String::new(),
                found: format!("the columns {}", quoted(&known)),
                expected: format!("{} beside them", quoted(&missing)),
            });
        }
        if !problems.is_empty() {
            return Err(DirectoryReadError::Rows { file: file.to_owned(), problems });
        }
        Ok(Reader { file, headers, columns, rows, problems })
    }

    /// Reads each row; one that is wrong gives nothing, and its problems are kept.
    pub(super) fn each<T>(&mut self, mut read: impl FnMut(&mut Record<'_>) -> Option<T>) -> Vec<T> {
        let mut records = Vec::with_capacity(self.rows.len());
        for (row, cells) in &self.rows {
            let mut record = Record {
                file: self.file,
                row: *row,
                fields: HashMap::new(),
                others: Vec::new(),
                problems: &mut self.problems,
            };
            for (index, cell) in cells.iter().enumerate() {
                let header = self.headers.get(index).map_or("", String::as_str);
                match self.columns.get(index) {
                    Some(Column::Field(field)) => {
                        record.fields.insert(field, (header, cell));
                    }
                    Some(Column::Identifier(name)) => record.others.push((name, header, cell)),
                    Some(Column::Nothing) if !header.is_empty() => {}
                    Some(Column::Nothing) | None if cell.is_empty() => {}
                    Some(Column::Nothing) | None => {
                        let column = format!("{}", index + 1);
                        let expected = "no cell without a header above it".to_owned();
                        record.problems.push(SheetProblem {
                            row: *row,
                            column,
                            found: shown(cell),
                            expected,
                        });
                    }
                }
            }
            records.extend(read(&mut record));
        }
        records
    }

    /// The records, where nothing was wrong.
    pub(super) fn finish<T>(self, records: Vec<T>) -> Result<Vec<T>, DirectoryReadError> {
        if self.problems.is_empty() {
            Ok(records)
        } else {
            Err(DirectoryReadError::Rows { file: self.file.to_owned(), problems: self.problems })
        }
    }
}

impl Record<'_> {
    pub(super) fn place(&self) -> Place {
        Place { file: self.file.to_owned(), row: self.row }
    }

    /// Notes that a field is wrong.
    pub(super) fn wrong<T>(&mut self, field: &str, found: String, expected: &str) -> Option<T> {
        let column = self.fields.get(field).map_or(field, |(header, _)| header).to_owned();
        self.problems.push(SheetProblem { row: self.row, column, found, expected: expected.to_owned() });
        None
    }

    /// A text; an empty cell is none.
    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        match self.fields.get(field)?.1 {
            Cell::Text(text) => (!text.is_empty()).then(|| text.clone()),
            other => {
                let found = shown(other);
                self.wrong(field, found, "a text")
            }
        }
    }

    /// A text that has to be there.
    pub(super) fn needed_text(&mut self, field: &str) -> Option<String> {
        if self.fields.get(field).is_none_or(|(_, cell)| cell.is_empty()) {
            return self.wrong(field, "nothing".to_owned(), "a text");
        }
        self.text(field)
    }

    /// Several names in one cell, with `;` or line breaks between them.
    pub(super) fn names(&mut self, field: &str) -> Vec<String> {
        let text = self.text(field).unwrap_or_default();
        let names = text.split([';', '\n', '\r']).map(str::trim).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    }

    /// A whole number that is not negative.
    pub(super) fn whole(&mut self, field: &str) -> Option<u32> {
        let text = self.text(field)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(number) if digits => Some(number),
            _ => self.wrong(field, format!("`{text}`"), "a whole number"),
        }
    }

    /// A day; an empty cell is an open end. The outer `None` means that the cell is wrong.
    ///
    /// Only `2026-10-12` and a workbook's dates: `10/12/2026` is two days, and one of them is wrong.
    pub(super) fn day(&mut self, field: &str) -> Option<Option<NaiveDate>> {
        let Some((_, cell)) = self.fields.get(field) else { return Some(None) };
        match cell {
            Cell::Day(day) => Some(Some(*day)),
            Cell::Text(text) if text.is_empty() => Some(None),
            other => {
                let iso = |text: &str| (text.len() == 10).then(|| text.parse::<NaiveDate>().ok()).flatten();
                let day = if let Cell::Text(text) = other { iso(text) } else { None };
                let found = shown(other);
                match day {
                    Some(day) => Some(Some(day)),
                    None => self.wrong(field, found, "a day such as `2026-10-12`"),
                }
            }
        }
    }

    /// The cells of all other columns that are not empty, by their headers in snake case.
    pub(super) fn identifiers(&mut self) -> BTreeMap<String, String> {
        let mut identifiers = BTreeMap::new();
        for (name, header, cell) in &self.others {
            match cell {
                Cell::Text(text) if text.is_empty() => {}
                Cell::Text(text) => {
                    identifiers.insert((*name).to_owned(), text.clone());
                }
                Cell::Day(day) => {
                    identifiers.insert((*name).to_owned(), day.to_string());
                }
                Cell::Unreadable(found) => self.problems.push(SheetProblem {
                    row: self.row,
                    column: (*header).to_owned(),
                    found: found.clone(),
                    expected: "a text".to_owned(),
                }),
            }
        }
        identifiers
    }
}

/// Which column is which field. A field's own name goes before its other headers; two columns for one field, or
/// with one header, are a problem.
fn columns(headers: &[String], layout: &Layout, row: u64, problems: &mut Vec<SheetProblem>) -> Vec<Column> {
    let folded: Vec<String> = headers.iter().map(|header| snake_case(header)).collect();
    let mut columns: Vec<Column> = vec![Column::Nothing; headers.len()];
    let mut taken = vec![false; headers.len()];
    for (field, others) in layout.fields {
        let own: Vec<usize> = (0..folded.len()).filter(|&index| folded[index] == *field).collect();
        let aliased = || (0..folded.len()).filter(|&index| others.contains(&folded[index].as_str()));
        // A column whose header is another field's own name is that field.
        let is_own = |index: &usize| layout.fields.iter().any(|(field, _)| folded[*index] == *field);
        let found = if own.is_empty() { aliased().filter(|index| !is_own(index)).collect() } else { own };
        if let [first, second, ..] = found[..] {
            problems.push(SheetProblem {
                row,
                column: headers[second].clone(),
                found: format!("it beside `{}`", headers[first]),
                expected: format!("one column for {field}"),
            });
        }
        for index in found {
            columns[index] = Column::Field(field);
            taken[index] = true;
        }
    }
    for index in (0..headers.len()).filter(|&index| !taken[index] && !folded[index].is_empty()) {
        if !layout.identifiers {
            continue;
        }
        if let Some(first) = folded[..index].iter().position(|other| *other == folded[index]) {
            problems.push(SheetProblem {
                row,
                column: headers[index].clone(),
                found: format!("it beside `{}`", headers[first]),
                expected: "each header once".to_owned(),
            });
        }
        columns[index] = Column::Identifier(folded[index].clone());
    }
    columns
}

fn header_text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.split_whitespace().collect::<Vec<&str>>().join(" "),
        Cell::Day(day) => day.to_string(),
        Cell::Unreadable(found) => found.clone(),
    }
}

/// `Xero contact` as `xero_contact`.
fn snake_case(header: &str) -> String {
    let words = header.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<String>>().join("_")
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) if text.is_empty() => "nothing".to_owned(),
        Cell::Text(text) => format!("`{text}`"),
        Cell::Day(day) => format!("the date {day}"),
        Cell::Unreadable(found) => found.clone(),
    }
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
