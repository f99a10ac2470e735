//! A header row to a layout: which column holds what, and which kind of report that makes.

use crate::domain::ReportKind;

use super::cells::RowText;
use super::error::ReadError;
use super::field::Field;
use super::profile::{Headers, KindRule, kinds};

/// The columns of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) kind: ReportKind,
    /// Header texts, trimmed, without the unnamed columns at the end.
    pub(super) headers: Vec<String>,
    /// What each column means.
    pub(super) fields: Vec<Option<Field>>,
}

/// The columns of the server's text log, as the product's manual lists them. What stands right of them is not known.
pub(super) const SERVER_LOG: [(&str, Option<Field>); 10] = [
    ("date", Some(Field::Time)),
    ("time", Some(Field::TimeOfDay)),
    ("server", Some(Field::Other)),
    ("printer", Some(Field::Printer)),
    ("user", Some(Field::User)),
    ("account", Some(Field::Account)),
    ("client", Some(Field::Other)),
    ("document", Some(Field::Document)),
    ("pages", Some(Field::Pages)),
    ("colour pages", Some(Field::ColourPages)),
];

/// What a row is when it is taken for a header.
pub(super) enum HeaderFit {
    /// The header of a report that can be read.
    Layout(Layout),
    /// The header of a kind that is recognised but not read.
    Named(ReportKind),
    /// So many columns are known, but no kind has these.
    Partly(usize),
}

impl Layout {
    /// Takes a row for a header. `wanted` decides between kinds where the columns fit several.
    pub(super) fn of(row: &RowText<'_>, names: &Headers, wanted: Option<ReportKind>) -> HeaderFit {
        let mut headers: Vec<String> = row.iter().map(|cell| clean(cell).to_owned()).collect();
        while headers.last().is_some_and(String::is_empty) {
            headers.pop();
        }
        let fields: Vec<Option<Field>> = headers.iter().map(|header| names.field(header)).collect();
        let fitting = || kinds().iter().filter(|rule| rule.fits(&headers, &fields));
        let rule = fitting().find(|rule| Some(rule.kind) == wanted).or_else(|| fitting().next());
        match rule {
            Some(rule) if rule.is_read => HeaderFit::Layout(Layout { kind: rule.kind, headers, fields }),
            Some(rule) => HeaderFit::Named(rule.kind),
            None => HeaderFit::Partly(fields.iter().flatten().count()),
        }
    }

    /// The columns of the server's text log, which has no header: those that are known, and what follows.
    pub(super) fn of_server_log(columns: usize) -> Layout {
        let known = SERVER_LOG.iter().map(|(header, field)| ((*header).to_owned(), *field));
        let rest = (SERVER_LOG.len()..columns).map(|at| (format!("column {}", at + 1), None));
        let (headers, fields) = known.chain(rest).unzip();
        Layout { kind: ReportKind::ServerLog, headers, fields }
    }

    /// The first column of a field.
    pub(super) fn column(&self, field: Field) -> Option<usize> {
        self.fields.iter().position(|found| *found == Some(field))
    }

    /// The header of a column, for a message.
    pub(super) fn header(&self, column: Option<usize>) -> String {
        column.and_then(|column| self.headers.get(column)).cloned().unwrap_or_default()
    }

    /// The headers of a field's columns, for a message.
    pub(super) fn headers_of(&self, field: Field) -> String {
        let of_field = |(found, header): (&Option<Field>, &String)| {
            (*found == Some(field)).then(|| format!("`{header}`"))
        };
        self.fields.iter().zip(&self.headers).filter_map(of_field).collect::<Vec<_>>().join(" and ")
    }

    /// Pairs of columns for one thing. Ids and columns that are not needed may come more than once.
    pub(super) fn twice(&self) -> Vec<(Field, usize, usize)> {
        let mut pairs = Vec::new();
        for (second, field) in self.fields.iter().enumerate() {
            match field {
                None | Some(Field::Other | Field::Id) => {}
                Some(field) => match self.column(*field) {
                    Some(first) if first < second => pairs.push((*field, first, second)),
                    _ => {}
                },
            }
        }
        pairs
    }

    /// The last column that is read; a row that ends before it is cut off.
    pub(super) fn last_read(&self) -> usize {
        let is_read = |field: &Option<Field>| !matches!(field, None | Some(Field::Other | Field::Id));
        self.fields.iter().rposition(is_read).unwrap_or_default()
    }
}

/// A refusal that says which columns a header lacks.
pub(super) fn missing_columns(row: &RowText<'_>, names: &Headers, wanted: Option<ReportKind>) -> ReadError {
    let headers: Vec<String> = row.iter().map(|cell| clean(cell).to_owned()).collect();
    let fields: Vec<Option<Field>> = headers.iter().map(|header| names.field(header)).collect();
    // A kind that is known by a header of its own is not what this was meant to be.
    let read = || kinds().iter().filter(|rule| rule.is_read && rule.marks.is_empty());
    let nearest = |rule: &&KindRule| rule.missing(&fields).len();
    let rule = read().find(|rule| Some(rule.kind) == wanted).or_else(|| read().min_by_key(nearest));
    let Some(rule) = rule else { return ReadError::NotAReport };
    let needed = |field: &Field| {
        let known: Vec<String> =
            Headers::examples(*field).iter().map(|header| format!("`{header}`")).collect();
        format!("{} (known as {})", field.name(), known.join(", "))
    };
    let shown = headers.iter().filter(|header| !header.is_empty()).take(30);
    ReadError::ColumnMissing {
        row: row.row,
        kind: rule.kind,
        missing: rule.missing(&fields).iter().map(needed).collect::<Vec<_>>().join(" and "),
        headers: shown.map(|header| format!("`{header}`")).collect::<Vec<_>>().join(", "),
    }
}

/// A header or first cell without blanks and byte order marks around it.
pub(super) fn clean(cell: &str) -> &str {
    cell.trim_matches(super::date::is_blank)
}
