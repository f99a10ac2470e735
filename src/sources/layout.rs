//! A header row to a layout: which column holds what, and which kind of report that makes.

use std::sync::Arc;

use crate::domain::{ReportKind, Source};

use super::cells::RowText;
use super::date::Written;
use super::error::ReadError;
use super::field::Field;
use super::headers::{Headers, key};
use super::limits::QUOTED_CHARS_MAX;
use super::profile::{ColumnRule, Profile, Profiles, RowsAre};

/// The columns of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// How the rows are read.
    pub(super) profile: Arc<Profile>,
    pub(super) kind: ReportKind,
    /// Header texts, trimmed, without the unnamed columns at the end; the fields' words where the file has no header.
    pub(super) headers: Vec<String>,
    /// What each column means.
    pub(super) fields: Vec<Option<Field>>,
    /// Cells of the header, unnamed ones at its end too.
    pub(super) width: usize,
    /// The sheet, where a report has several: a message names it with the column.
    pub(super) sheet: Option<String>,
}

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
    /// `delimiter` is the sign between the cells, where they have one.
    pub(super) fn of(
        row: &RowText<'_>,
        known: &Profiles,
        wanted: Option<ReportKind>,
        delimiter: Option<u8>,
    ) -> HeaderFit {
        let headers = headers_of(row);
        let fields: Vec<Option<Field>> = headers.iter().map(|header| known.headers.field(header)).collect();
        let fitting = || {
            known.all(wanted).filter(|profile| profile.may_have(delimiter)).filter_map(|profile| {
                let fields = match &profile.columns {
                    None => profile.fits(&headers, &fields).then(|| fields.clone()),
                    Some(ColumnRule::ByHeader(columns)) => own_columns(profile, columns, &headers),
                    Some(ColumnRule::ByPosition(_)) => None,
                };
                Some((profile, fields?))
            })
        };
        let fit = fitting().find(|(profile, _)| Some(profile.kind) == wanted).or_else(|| fitting().next());
        match fit {
            Some((profile, _)) if profile.rows == RowsAre::Named => HeaderFit::Named(profile.kind),
            Some((profile, fields)) => HeaderFit::Layout(Layout {
                profile: Arc::clone(profile),
                kind: profile.kind,
                width: row.len().max(headers.len()),
                headers,
                fields,
                sheet: None,
            }),
            None => {
                let own = known.own().iter().map(|profile| profile.found_headers(&headers)).max();
                HeaderFit::Partly(fields.iter().flatten().count().max(own.unwrap_or_default()))
            }
        }
    }

    /// Takes a row for the first of a file without a header, by the cells that stand in its columns. Otherwise says what
    /// does not fit; `None` where the layout has a header.
    pub(super) fn without_header(
        row: &RowText<'_>,
        profile: &Arc<Profile>,
    ) -> Option<Result<Layout, ReadError>> {
        let Some(ColumnRule::ByPosition(columns)) = &profile.columns else { return None };
        let count = row.len();
        let unlike = |found: String, expected: String| ReadError::LayoutUnlike {
            row: row.row,
            layout: profile.name.clone(),
            found,
            expected,
        };
        if count < columns.len() || count > columns.len() && !profile.more_columns {
            let expected = format!("{}, one for each of its columns", columns.len());
            return Some(Err(unlike(format!("{count} cells"), expected)));
        }
        let rest = (columns.len()..count).map(|_| None);
        let fields: Vec<Option<Field>> = columns.iter().copied().chain(rest).collect();
        let is_split = columns.contains(&Some(Field::TimeOfDay));
        let word = |(at, field): (usize, &Option<Field>)| match field {
            Some(Field::Time) if is_split => "date".to_owned(),
            Some(Field::TimeOfDay) => "time".to_owned(),
            Some(field) => field.name().to_owned(),
            None => format!("column {}", at + 1),
        };
        let headers: Vec<String> = fields.iter().enumerate().map(word).collect();
        let layout = Layout {
            profile: Arc::clone(profile),
            kind: profile.kind,
            headers,
            fields,
            width: count,
            sheet: None,
        };
        if !layout.has_filtered_columns() {
            return Some(Err(unlike(
                format!("{count} cells"),
                "the columns that its filters name".to_owned(),
            )));
        }
        Some(match layout.misfit(row) {
            None => Ok(layout),
            Some((column, expected)) => {
                let cell = row.get(column).map(clean).unwrap_or_default();
                let cell: String = cell.chars().take(QUOTED_CHARS_MAX).collect();
                Err(unlike(format!("`{cell}` as `{}`", layout.header(Some(column))), expected))
            }
        })
    }

    /// Whether the columns that the layout's filters name are there: a filter on nothing would leave out nothing, or all.
    fn has_filtered_columns(&self) -> bool {
        self.profile.filtered().all(|column| self.column_named(column).is_some())
    }

    /// The first cell of a row that does not look like what its column holds, and what that is.
    fn misfit(&self, row: &RowText<'_>) -> Option<(usize, String)> {
        let day_apart = self.column(Field::TimeOfDay).is_some();
        let has_digit = |cell: &str| cell.is_empty() || cell.contains(|sign: char| sign.is_ascii_digit());
        self.fields.iter().enumerate().find_map(|(column, field)| {
            let cell = row.get(column).map(clean).unwrap_or_default();
            let moment = row.moment(column).unwrap_or_default();
            let (fits, expected) = match (field, &self.profile.date_format) {
                (Some(Field::Time), Some(format)) => {
                    let beside = self.column(Field::TimeOfDay).and_then(|column| row.moment(column));
                    let fits = super::date::read_parts(cell, beside, format).is_some();
                    (fits, format!("a date in the form `{format}`"))
                }
                (Some(Field::Time), None) => {
                    let fits = Written::read(moment).is_some() && !(day_apart && cell.contains(':'));
                    (fits, "a date".to_owned())
                }
                (Some(Field::TimeOfDay), None) => {
                    (super::date::is_time_only(moment), "a time of day".to_owned())
                }
                (
                    Some(Field::Pages | Field::CopyPages | Field::Copies | Field::ColourPages | Field::Jobs),
                    _,
                ) => (has_digit(cell), "a whole number".to_owned()),
                (Some(Field::Cost | Field::Balance), _) => (has_digit(cell), "an amount".to_owned()),
                _ => return None,
            };
            (!fits).then_some((column, expected))
        })
    }

    /// The column that a filter names: by its header, its field, or its number from 1 on.
    pub(super) fn column_named(&self, name: &str) -> Option<usize> {
        let by_header = self.headers.iter().position(|header| key(header) == key(name));
        let by_field = || Field::parse(name).and_then(|field| self.column(field));
        by_header
            .or_else(by_field)
            .or_else(|| name.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < self.headers.len()))
    }

    /// What its rows are of.
    pub(super) fn source(&self) -> Source {
        match (self.profile.rows, self.column(Field::User)) {
            (RowsAre::Sums, Some(_)) => Source::UserSums,
            (RowsAre::Sums, None) => Source::AccountSums,
            _ => Source::Jobs,
        }
    }

    /// The first column of a field.
    pub(super) fn column(&self, field: Field) -> Option<usize> {
        self.fields.iter().position(|found| *found == Some(field))
    }

    /// The header of a column, for a message.
    pub(super) fn header(&self, column: Option<usize>) -> String {
        let header = column.and_then(|column| self.headers.get(column)).cloned().unwrap_or_default();
        match &self.sheet {
            Some(sheet) => format!("{sheet}!{header}"),
            None => header,
        }
    }

    /// The headers of a field's columns, for a message.
    pub(super) fn headers_of(&self, field: Field) -> String {
        let of_field = |(at, (found, header)): (usize, (&Option<Field>, &String))| {
            (*found == Some(field)).then(|| format!("`{header}` (column {})", at + 1))
        };
        self.fields
            .iter()
            .zip(&self.headers)
            .enumerate()
            .filter_map(of_field)
            .collect::<Vec<_>>()
            .join(" and ")
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

/// A row's cells as headers.
fn headers_of(row: &RowText<'_>) -> Vec<String> {
    let mut headers: Vec<String> = row.iter().map(|cell| clean(cell).to_owned()).collect();
    while headers.last().is_some_and(String::is_empty) {
        headers.pop();
    }
    headers
}

/// The fields of a layout that names its headers, where all of them are there.
fn own_columns(
    profile: &Profile,
    columns: &[(String, Field)],
    headers: &[String],
) -> Option<Vec<Option<Field>>> {
    if !profile.missing_headers(headers).is_empty() {
        return None;
    }
    let field =
        |header: &String| columns.iter().find(|(name, _)| key(name) == key(header)).map(|(_, field)| *field);
    Some(headers.iter().map(field).collect())
}

/// A refusal that says which columns a header lacks, and which of those that nobody knows may be meant.
pub(super) fn missing_columns(row: &RowText<'_>, known: &Profiles, wanted: Option<ReportKind>) -> ReadError {
    let headers = headers_of(row);
    let fields: Vec<Option<Field>> = headers.iter().map(|header| known.headers.field(header)).collect();
    // An own layout of which more headers are there than the table knows is what was meant.
    let own = known.own().iter().max_by_key(|profile| profile.found_headers(&headers));
    let own = own.filter(|profile| profile.found_headers(&headers) >= fields.iter().flatten().count().max(2));
    let shown = headers.iter().filter(|header| !header.is_empty()).take(HEADERS_SHOWN_MAX);
    let shown = shown.map(|header| format!("`{header}`")).collect::<Vec<_>>().join(", ");
    if let Some(profile) = own {
        let missing = profile.missing_headers(&headers);
        let missing: Vec<String> = missing.iter().map(|header| format!("`{header}`")).collect();
        return ReadError::LayoutMissing {
            row: row.row,
            layout: profile.name.clone(),
            missing: missing.join(" and "),
            headers: shown,
        };
    }
    // A kind that is known by a header of its own is not what this was meant to be.
    let read =
        || known.all(wanted).filter(|profile| profile.rows != RowsAre::Named && profile.is_by_headers());
    // One that lacks nothing was refused for a column too many, and is not what was meant.
    let nearest = |profile: &&Arc<Profile>| profile.missing(&fields).len();
    let lacking = || read().filter(|profile| !profile.missing(&fields).is_empty());
    let profile =
        lacking().find(|profile| Some(profile.kind) == wanted).or_else(|| lacking().min_by_key(nearest));
    let Some(profile) = profile else { return ReadError::NotAReport { layout: None } };
    let needed = |field: &Field| {
        let known: Vec<String> =
            Headers::examples(*field).iter().map(|header| format!("`{header}`")).collect();
        format!("{} (known as {})", field.name(), known.join(", "))
    };
    ReadError::ColumnMissing {
        row: row.row,
        kind: profile.kind,
        missing: profile.missing(&fields).iter().map(needed).collect::<Vec<_>>().join(" and "),
        headers: shown,
        nearest: nearest_headers(&headers, &fields),
        columns: columns_to_name(&headers, &fields, &profile.missing(&fields)),
    }
}

/// A line of the configuration for each missing field: the unknown header that looks most like it, or the first.
fn columns_to_name(headers: &[String], fields: &[Option<Field>], missing: &[Field]) -> String {
    let unknown = || {
        headers
            .iter()
            .zip(fields)
            .filter(|(header, field)| field.is_none() && !header.is_empty())
            .take(HEADERS_COMPARED_MAX)
    };
    let line = |field: &Field| {
        let is_near = |header: &str| Headers::nearest(header).is_some_and(|(_, near)| near == *field);
        let (header, _) = unknown().find(|(header, _)| is_near(header)).or_else(|| unknown().next())?;
        let header = header.replace('\\', "\\\\").replace('"', "\\\"");
        Some(format!("\"{header}\" = \"{}\"", field.name()))
    };
    missing.iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

/// Headers of a row that are compared with the known ones: a report has a few dozen, and a sheet may have thousands.
const HEADERS_COMPARED_MAX: usize = 256;

/// Headers of a row that a message lists.
const HEADERS_SHOWN_MAX: usize = 30;

/// For each unknown header the known one that looks most like it, as the end of a sentence.
pub(super) fn nearest_headers(headers: &[String], fields: &[Option<Field>]) -> String {
    let unknown = headers.iter().zip(fields).filter(|(header, field)| field.is_none() && !header.is_empty());
    let unknown = unknown.take(HEADERS_COMPARED_MAX);
    let near = unknown.filter_map(|(header, _)| {
        let (known, field) = Headers::nearest(header)?;
        Some(format!("; `{header}` looks like `{known}` ({})", field.name()))
    });
    near.take(HEADERS_SHOWN_MAX).collect()
}

/// A header or first cell without blanks and byte order marks around it.
pub(super) fn clean(cell: &str) -> &str {
    cell.trim_matches(super::date::is_blank)
}
