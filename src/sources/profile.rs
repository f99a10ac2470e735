//! Layouts: which columns make a file a report of some kind, and how its cells are read.
//!
//! The built-in kinds (`profiles/kinds.toml`) and the operator's own layouts are written in one format (`layout_text`)
//! and checked by one function. What a header means in some language is not said here but in
//! `headers.rs`.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use chrono::format::{Item, StrftimeItems};
use serde::Deserialize;

use super::error::ReadError;
use super::field::Field;
use super::headers::{Headers, key};
use super::layout_text::{ColumnsText, LayoutProblem, LayoutText};
use super::settings::ReadSettings;
use crate::domain::{DateOrder, DecimalMark, JOB_TYPES, ReportKind, fold_name};

/// What the rows of a layout are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowsAre {
    Jobs,
    Sums,
    Balances,
    /// Not read.
    Named,
}

/// Columns of an own layout, found without the table of headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ColumnRule {
    ByPosition(Vec<Option<Field>>),
    /// The header as written, and its field.
    ByHeader(Vec<(String, Field)>),
}

/// Rows with some texts in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    /// Header, or number from 1 on.
    pub(super) column: String,
    texts: Vec<String>,
}

impl Filter {
    /// Whether a cell has one of the texts; `*` at an end of a text stands for anything.
    pub(super) fn fits(&self, cell: &str) -> bool {
        let cell = fold_name(cell);
        self.texts.iter().any(|text| match (text.strip_prefix('*'), text.strip_suffix('*')) {
            (Some(rest), Some(_)) => cell.contains(rest.trim_end_matches('*')),
            (Some(end), None) => cell.ends_with(end),
            (None, Some(start)) => cell.starts_with(start),
            (None, None) => cell == *text,
        })
    }
}

/// A layout, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) kind: ReportKind,
    pub(super) rows: RowsAre,
    needs: Vec<Field>,
    lacks: Vec<Field>,
    /// Folded.
    pub(super) marks: Vec<String>,
    pub(super) columns: Option<ColumnRule>,
    pub(super) more_columns: bool,
    pub(super) delimiter: Option<u8>,
    pub(super) quotes: bool,
    pub(super) growing: bool,
    pub(super) follow: bool,
    pub(super) constants: Vec<(Field, String)>,
    pub(super) date_format: Option<String>,
    pub(super) date_order: Option<DateOrder>,
    pub(super) decimal_mark: Option<DecimalMark>,
    pub(super) charges_below_zero: bool,
    /// Folded text and papertally's word.
    pub(super) types: Vec<(String, String)>,
    pub(super) only: Vec<Filter>,
    pub(super) leave_out: Vec<Filter>,
    pub(super) account_may_be_user: bool,
}

impl Profile {
    /// Whether the known headers of a row are those of the kind.
    pub(super) fn fits(&self, headers: &[String], fields: &[Option<Field>]) -> bool {
        let has = |field: &Field| fields.contains(&Some(*field));
        let is_marked = |mark: &String| headers.iter().any(|header| key(header) == *mark);
        self.columns.is_none()
            && self.needs.iter().all(has)
            && !self.lacks.iter().any(has)
            && self.marks.iter().all(is_marked)
    }

    /// The needed fields that are not there.
    pub(super) fn missing(&self, fields: &[Option<Field>]) -> Vec<Field> {
        self.needs.iter().copied().filter(|field| !fields.contains(&Some(*field))).collect()
    }

    /// Headers that the layout names and the row does not have.
    pub(super) fn missing_headers(&self, headers: &[String]) -> Vec<&str> {
        let Some(ColumnRule::ByHeader(columns)) = &self.columns else { return Vec::new() };
        let filters = self.only.iter().chain(&self.leave_out).map(|filter| filter.column.as_str());
        // A filter may name a column by its field or number instead.
        let filters = filters.filter(|name| Field::parse(name).is_none() && name.parse::<usize>().is_err());
        let named = columns.iter().map(|(header, _)| header.as_str()).chain(filters);
        // Each is folded once: this is asked of many rows.
        let there: HashSet<String> = headers.iter().map(|header| key(header)).collect();
        named.filter(|name| !there.contains(&key(name))).collect()
    }

    /// How many of the headers that the layout names are there.
    pub(super) fn found_headers(&self, headers: &[String]) -> usize {
        let Some(ColumnRule::ByHeader(columns)) = &self.columns else { return 0 };
        let there: HashSet<String> = headers.iter().map(|header| key(header)).collect();
        columns.iter().filter(|(name, _)| there.contains(&key(name))).count()
    }

    /// The columns that filters name.
    pub(super) fn filtered(&self) -> impl Iterator<Item = &str> {
        self.only.iter().chain(&self.leave_out).map(|filter| filter.column.as_str())
    }

    /// Whether its cells may have that sign between them; a workbook's have none.
    pub(super) fn may_have(&self, delimiter: Option<u8>) -> bool {
        self.delimiter.is_none() || delimiter.is_none() || self.delimiter == delimiter
    }

    /// The text that stands for a field without a column.
    pub(super) fn constant(&self, field: Field) -> Option<&str> {
        self.constants.iter().find(|(of, _)| *of == field).map(|(_, text)| text.as_str())
    }

    /// A job type as papertally names it.
    pub(super) fn job_type<'t>(&'t self, text: &'t str) -> &'t str {
        if self.types.is_empty() {
            return text;
        }
        let folded = fold_name(text);
        let known = self.types.iter().find(|(name, _)| *name == folded);
        known.map_or(text, |(_, word)| word.as_str())
    }

    /// Whether its fields are found by the table of headers.
    pub(super) fn is_by_headers(&self) -> bool {
        self.columns.is_none() && self.marks.is_empty()
    }
}

/// Everything that a header or first row is compared with.
#[derive(Debug)]
pub(super) struct Profiles {
    pub(super) headers: Headers,
    own: Vec<Arc<Profile>>,
}

impl Profiles {
    /// The built-in kinds and headers with the operator's own.
    pub(super) fn new(settings: &ReadSettings) -> Result<Profiles, ReadError> {
        let own = settings.layouts.iter().map(|text| {
            let profile = checked(text).map_err(|mut problems| {
                let problem = problems.swap_remove(0);
                ReadError::LayoutWrong { layout: text.name.clone(), problem }
            })?;
            Ok(Arc::new(profile))
        });
        Ok(Profiles { headers: Headers::new(settings)?, own: own.collect::<Result<_, ReadError>>()? })
    }

    /// All layouts in the order in which they are tried: a mapped report may only be one of the operator's.
    pub(super) fn all(&self, wanted: Option<ReportKind>) -> impl Iterator<Item = &Arc<Profile>> {
        let built_in = if wanted == Some(ReportKind::Mapped) { &[] } else { built_in() };
        self.own.iter().chain(built_in)
    }

    /// The operator's layouts.
    pub(super) fn own(&self) -> &[Arc<Profile>] {
        &self.own
    }
}

/// The built-in kinds.
pub(super) fn built_in() -> &'static [Arc<Profile>] {
    static KINDS: OnceLock<Vec<Arc<Profile>>> = OnceLock::new();
    KINDS.get_or_init(|| texts().iter().filter_map(|text| checked(text).ok()).map(Arc::new).collect())
}

#[derive(Deserialize)]
struct KindsFile {
    layout: Vec<LayoutText>,
}

fn texts() -> Vec<LayoutText> {
    toml::from_str(include_str!("profiles/kinds.toml"))
        .map_or_else(|_| Vec::new(), |file: KindsFile| file.layout)
}

/// Looks through a layout of the operator's; all that is wrong at once.
pub fn check_layout(text: &LayoutText) -> Vec<LayoutProblem> {
    let mut problems = match checked(text) {
        Ok(_) => return Vec::new(),
        Err(problems) => problems,
    };
    problems.sort_by(|one, other| one.key.cmp(&other.key));
    problems
}

/// Notes what is wrong.
struct Check(Vec<LayoutProblem>);

impl Check {
    fn problem(&mut self, key: &str, found: impl Into<String>, expected: impl Into<String>) {
        self.0.push(LayoutProblem { key: key.to_owned(), found: found.into(), expected: expected.into() });
    }

    fn field(&mut self, key: &str, word: &str) -> Option<Field> {
        let field = Field::parse(word);
        if field.is_none() {
            self.problem(key, format!("`{word}`"), format!("one of {}", super::field::names()));
        }
        field
    }

    fn fields(&mut self, key: &str, words: &[String]) -> Vec<Field> {
        words.iter().filter_map(|word| self.field(key, word)).collect()
    }

    /// One of some words; the first where none is given.
    fn word<T: Copy>(&mut self, key: &str, word: &str, words: &[(&str, T)]) -> Option<T> {
        if word.is_empty() {
            return words.first().map(|(_, value)| *value);
        }
        let found = words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<String> = words.iter().map(|(known, _)| format!("`{known}`")).collect();
            self.problem(key, format!("`{word}`"), format!("one of {}", known.join(", ")));
        }
        found
    }
}

fn checked(text: &LayoutText) -> Result<Profile, Vec<LayoutProblem>> {
    let mut check = Check(Vec::new());
    let rows = [
        ("jobs", RowsAre::Jobs),
        ("sums", RowsAre::Sums),
        ("balances", RowsAre::Balances),
        ("named", RowsAre::Named),
    ];
    let rows = check.word("rows", &text.rows, &rows).unwrap_or(RowsAre::Jobs);
    let kind = ReportKind::parse(&text.kind).unwrap_or(ReportKind::Mapped);
    let orders = [DateOrder::Ymd, DateOrder::Dmy, DateOrder::Mdy].map(|order| (order.as_str(), Some(order)));
    let marks = [DecimalMark::Point, DecimalMark::Comma].map(|mark| (mark.as_str(), Some(mark)));
    let columns = columns(&mut check, text);
    let constants = text.constants.iter().filter_map(|(word, value)| {
        let field = check.field(&format!("constants.{word}"), word)?;
        if !CONSTANTS.contains(&field) {
            let known: Vec<String> = CONSTANTS.iter().map(|field| format!("`{}`", field.name())).collect();
            check.problem(
                &format!("constants.{word}"),
                format!("`{word}`"),
                format!("one of {}", known.join(", ")),
            );
        }
        if field == Field::Pages && value.parse::<u32>().is_err() {
            check.problem("constants.pages", format!("`{value}`"), "a whole number");
        }
        Some((field, value.clone()))
    });
    let constants: Vec<(Field, String)> = constants.collect();
    let filters = |filters: &BTreeMap<String, Vec<String>>| -> Vec<Filter> {
        let filter = |(column, texts): (&String, &Vec<String>)| Filter {
            column: column.clone(),
            texts: texts.iter().map(|text| fold_name(text)).collect(),
        };
        filters.iter().map(filter).collect()
    };
    let profile = Profile {
        name: text.name.clone(),
        kind,
        rows,
        needs: check.fields("needs", &text.needs),
        lacks: check.fields("lacks", &text.lacks),
        marks: text.marks.iter().map(|mark| key(mark)).collect(),
        more_columns: text.more_columns,
        delimiter: delimiter(&mut check, &text.delimiter),
        quotes: text.quotes.unwrap_or(true),
        growing: text.growing || text.follow,
        follow: text.follow,
        date_format: date_format(&mut check, &text.date_format),
        date_order: check.word("date_order", &text.date_order, &with_none(&orders)).flatten(),
        decimal_mark: check.word("decimal_mark", &text.decimal_mark, &with_none(&marks)).flatten(),
        charges_below_zero: check
            .word("charges", &text.charges, &[("positive", false), ("negative", true)])
            .unwrap_or_default(),
        types: types(&mut check, text),
        only: filters(&text.only),
        leave_out: filters(&text.leave_out),
        account_may_be_user: check.word("personal", &text.personal, &[("", false), ("user", true)])
            == Some(true),
        columns,
        constants,
    };
    needed(&mut check, &profile);
    filters_fit(&mut check, &profile);
    if profile.follow && profile.rows != RowsAre::Jobs {
        check.problem("follow", "`true`", "rows that are jobs");
    }
    if check.0.is_empty() { Ok(profile) } else { Err(check.0) }
}

/// Fields that can be one text for all rows.
const CONSTANTS: [Field; 7] = [
    Field::User,
    Field::Account,
    Field::Printer,
    Field::Document,
    Field::JobType,
    Field::PaperSize,
    Field::Pages,
];

fn with_none<T: Copy>(words: &[(&'static str, Option<T>)]) -> Vec<(&'static str, Option<T>)> {
    std::iter::once(("", None)).chain(words.iter().copied()).collect()
}

fn columns(check: &mut Check, text: &LayoutText) -> Option<ColumnRule> {
    match &text.columns {
        ColumnsText::ByHeader(columns) if columns.is_empty() => None,
        ColumnsText::ByHeader(columns) => {
            let split =
                columns.values().any(|word| word == "date") && columns.values().any(|word| word == "time");
            let fields = columns.iter().filter_map(|(header, word)| {
                Some((header.clone(), column_field(check, &format!("columns.{header}"), word, split)?))
            });
            Some(ColumnRule::ByHeader(fields.collect()))
        }
        ColumnsText::ByPosition(words) => {
            let split = words.iter().any(|word| word == "date") && words.iter().any(|word| word == "time");
            let fields = words.iter().map(|word| match word.as_str() {
                "-" => None,
                word => column_field(check, "columns", word, split),
            });
            Some(ColumnRule::ByPosition(fields.collect()))
        }
    }
}

/// The field of a column: `date` and `time` together are a day and the time beside it, alone each is a moment.
fn column_field(check: &mut Check, key: &str, word: &str, split: bool) -> Option<Field> {
    match word {
        "date" => Some(Field::Time),
        "time" if split => Some(Field::TimeOfDay),
        word => check.field(key, word),
    }
}

/// Job types of the file, each with one of papertally's own.
fn types(check: &mut Check, text: &LayoutText) -> Vec<(String, String)> {
    let known = |(name, word): (&String, &String)| {
        if !JOB_TYPES.contains(&word.as_str()) {
            let words: Vec<String> = JOB_TYPES.iter().map(|word| format!("`{word}`")).collect();
            check.problem(
                &format!("types.{name}"),
                format!("`{word}`"),
                format!("one of {}", words.join(", ")),
            );
        }
        (fold_name(name), word.clone())
    };
    text.types.iter().map(known).collect()
}

/// A filter by field or number has to name a column that the layout has: on none it would leave out nothing, or all.
fn filters_fit(check: &mut Check, profile: &Profile) {
    let (fields, count) = match &profile.columns {
        None => return,
        Some(ColumnRule::ByHeader(columns)) => (columns.iter().map(|(_, field)| *field).collect(), None),
        Some(ColumnRule::ByPosition(columns)) => {
            let fields: Vec<Field> = columns.iter().flatten().copied().collect();
            (fields, (!profile.more_columns).then_some(columns.len()))
        }
    };
    let is_by_position = matches!(profile.columns, Some(ColumnRule::ByPosition(_)));
    for (key, filters) in [("only", &profile.only), ("leave_out", &profile.leave_out)] {
        for filter in filters {
            let is_field = match filter.column.as_str() {
                "date" => fields.contains(&Field::Time),
                word => Field::parse(word).is_some_and(|field| fields.contains(&field)),
            };
            let number = filter.column.parse::<usize>().ok();
            let is_number = number.is_some_and(|at| at > 0 && count.is_none_or(|count| at <= count));
            let is_header = !is_by_position && Field::parse(&filter.column).is_none() && number.is_none();
            if !is_field && !is_number && !is_header {
                let expected = "a column of the layout, by its field or its number from 1 on";
                check.problem(&format!("{key}.{}", filter.column), "no such column", expected);
            }
        }
    }
}

fn delimiter(check: &mut Check, text: &str) -> Option<u8> {
    match text.as_bytes() {
        [] => None,
        [sign] if sign.is_ascii_punctuation() && *sign != b'"' || *sign == b'\t' || *sign == b' ' => {
            Some(*sign)
        }
        _ => {
            check.problem("delimiter", format!("`{text}`"), "one sign, such as `|`, `;` or `\\t`");
            None
        }
    }
}

fn date_format(check: &mut Check, text: &str) -> Option<String> {
    let is_form =
        |text: &str| text.contains('%') && !StrftimeItems::new(text).any(|item| item == Item::Error);
    if !text.is_empty() && !is_form(text) {
        check.problem("date_format", format!("`{text}`"), "signs of strftime, such as `%d.%m.%Y %H:%M`");
    }
    (!text.is_empty()).then(|| text.to_owned())
}

/// What rows of that sort cannot do without, in a layout with columns of its own.
fn needed(check: &mut Check, profile: &Profile) {
    let fields: Vec<Field> = match &profile.columns {
        None if profile.kind == ReportKind::Mapped => {
            check.problem(
                "columns",
                "nothing",
                "the columns: header = field, or a list of fields by position",
            );
            return;
        }
        None => return,
        Some(ColumnRule::ByHeader(columns)) => columns.iter().map(|(_, field)| *field).collect(),
        Some(ColumnRule::ByPosition(fields)) => fields.iter().flatten().copied().collect(),
    };
    let fields: Vec<Field> =
        fields.into_iter().chain(profile.constants.iter().map(|(field, _)| *field)).collect();
    let mut need = |any: &[Field]| {
        if !any.iter().any(|field| fields.contains(field)) {
            let words: Vec<String> = any.iter().map(|field| format!("`{}`", field.name())).collect();
            check.problem("columns", "no such column", format!("a column for {}", words.join(" or ")));
        }
    };
    match profile.rows {
        RowsAre::Jobs => {
            need(&[Field::Time]);
            need(&[Field::User, Field::Account]);
            need(&[Field::Cost, Field::Pages, Field::CopyPages]);
        }
        RowsAre::Sums => {
            need(&[Field::User, Field::Account]);
            need(&[Field::Cost]);
        }
        RowsAre::Balances => {
            need(&[Field::User, Field::Account]);
            need(&[Field::Balance]);
        }
        RowsAre::Named => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_layout_is_understood() {
        let texts = toml::from_str::<KindsFile>(include_str!("profiles/kinds.toml")).unwrap().layout;
        for text in &texts {
            assert_eq!(check_layout(text), [], "{}", text.name);
            assert!(ReportKind::parse(&text.kind).is_some(), "{}", text.kind);
        }
        assert_eq!(texts.len(), built_in().len());
    }

    #[test]
    fn what_is_wrong_with_a_layout_is_told_at_once() {
        let text = |toml: &str| toml::from_str::<LayoutText>(toml).unwrap();
        let check = |toml: &str, expected: &[&str]| {
            let problems = check_layout(&text(toml));
            let told: Vec<String> =
                problems.iter().map(|one| format!("{}: {}", one.key, one.found)).collect();
            assert_eq!(told, expected, "{toml}");
        };
        check("columns = ['date', 'user', '-', 'cost']", &[]);
        check("columns = { When = 'time', Who = 'account', Sum = 'cost' }\ndate_format = '%d.%m.%y'", &[]);
        check("", &["columns: nothing"]);
        check("columns = ['time', 'cost']", &["columns: no such column"]);
        check(
            "columns = ['time', 'who', 'cost']\nconstants = { user = 'x', cost = '1' }\ndate_format = '%Q'\n\
             delimiter = '||'\nrows = 'lines'\ndate_order = 'dym'\ncharges = 'none'",
            &[
                "charges: `none`",
                "columns: `who`",
                "constants.cost: `cost`",
                "date_format: `%Q`",
                "date_order: `dym`",
                "delimiter: `||`",
                "rows: `lines`",
            ],
        );
    }

    #[test]
    fn a_filter_knows_ends_of_texts() {
        let check = |text: &str, cell: &str, expected: bool| {
            let filter = Filter { column: "1".to_owned(), texts: vec![fold_name(text)] };
            assert_eq!(filter.fits(cell), expected, "{text} {cell}");
        };
        check("void", "VOID", true);
        check("void", "voided", false);
        check("void*", "voided", true);
        check("*refund*", "Print job refund (partial)", true);
        check("*refund", "refunds", false);
        check("", "", true);
        check("*", "anything", true);
    }
}
