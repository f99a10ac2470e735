//! Reading a TOML table key by key, collecting everything that is wrong.
//!
//! Not by serde's derive: it stops at the first wrong key, and an operator would meet one message a run.
//! Where a value is wrong the problem is noted and a stand-in is returned; a configuration with a noted problem
//! is never handed out.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use toml::{Table, Value};

use super::error::Problem;
use crate::domain::{Money, MoneyError, Rate};

/// The problems noted so far, shared by all sections of one configuration.
pub(super) type Problems = RefCell<Vec<Problem>>;

/// A table of the configuration, with its path.
pub(super) struct Section<'a> {
    table: Option<&'a Table>,
    path: String,
    problems: &'a Problems,
}

impl<'a> Section<'a> {
    pub(super) fn root(table: &'a Table, problems: &'a Problems) -> Section<'a> {
        Section { table: Some(table), path: String::new(), problems }
    }

    /// The path of a key of this section.
    pub(super) fn key(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Notes a problem at a key.
    pub(super) fn problem(&self, key: &str, found: impl Into<String>, expected: impl Into<String>) {
        self.problem_at(self.key(key), found, expected);
    }

    /// Notes a problem at a whole path.
    pub(super) fn problem_at(&self, key: String, found: impl Into<String>, expected: impl Into<String>) {
        self.problems.borrow_mut().push(Problem { key, found: found.into(), expected: expected.into() });
    }

    /// Whether the key is given.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.table?.get(key)
    }

    fn missing(&self, key: &str, expected: &str) {
        self.problem(key, "nothing", expected);
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            other => {
                self.problem(key, shown(other), "a text in quotes");
                None
            }
        }
    }

    /// A text that has to be given; `expected` says what it is.
    pub(super) fn needed_text(&self, key: &str, expected: &str) -> String {
        if !self.has(key) {
            self.missing(key, expected);
        }
        self.text(key).unwrap_or_default()
    }

    /// A text, for which a whole number may stand too, such as an account code.
    pub(super) fn code(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::Integer(number) => Some(number.to_string()),
            _ => self.text(key),
        }
    }

    /// A list of texts; an absent one is empty.
    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Value::Array(values) = value else {
            self.problem(key, shown(value), "a list of texts, such as `[\"inbox\"]`");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for value in values {
            match value {
                Value::String(text) if !text.trim().is_empty() => texts.push(text.clone()),
                other => self.problem(key, format!("{} in the list", shown(other)), "texts in quotes"),
            }
        }
        texts
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        match self.get(key) {
            None => default,
            Some(Value::Boolean(flag)) => *flag,
            Some(other) => {
                self.problem(key, shown(other), "`true` or `false`");
                default
            }
        }
    }

    /// A whole number within a range.
    pub(super) fn whole<N: TryFrom<i64> + Copy + Into<i64>>(
        &self,
        key: &str,
        range: RangeInclusive<N>,
    ) -> Option<N> {
        let value = self.get(key)?;
        let (least, most): (i64, i64) = ((*range.start()).into(), (*range.end()).into());
        let number = value.as_integer().filter(|number| (least..=most).contains(number));
        let number = number.and_then(|number| N::try_from(number).ok());
        if number.is_none() {
            self.problem(key, shown(value), format!("a whole number from {least} to {most}"));
        }
        number
    }

    /// Money that is not negative: a text or a whole number, never a float.
    pub(super) fn amount(&self, key: &str) -> Option<Money> {
        let amount = self.decimal(key, |text| text.parse::<Money>())?;
        if amount.is_negative() {
            self.problem(key, format!("`{amount}`"), "an amount that is not below zero");
            return None;
        }
        Some(amount)
    }

    /// Money that has to be given.
    pub(super) fn needed_amount(&self, key: &str) -> Money {
        if !self.has(key) {
            self.missing(key, "an amount of money in quotes, such as `\"0.08\"`");
        }
        self.amount(key).unwrap_or_default()
    }

    /// A percentage that is not negative and at most `most`: a text or a whole number, never a float.
    pub(super) fn percent(&self, key: &str, most: &str) -> Option<Rate> {
        let rate = self.decimal(key, Rate::from_percent)?;
        let limit = Rate::from_percent(most).unwrap_or_default();
        if rate < Rate::ZERO || rate > limit {
            self.problem(key, format!("`{}`", rate.percent()), format!("a percentage from 0 to {most}"));
            return None;
        }
        Some(rate)
    }

    fn decimal<T>(&self, key: &str, read: impl Fn(&str) -> Result<T, MoneyError>) -> Option<T> {
        let value = self.get(key)?;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(_) => {
                let found = format!("{} without quotes", shown(value));
                self.problem(
                    key,
                    found,
                    "a decimal number in quotes, such as `\"0.08\"`: write it in quotes",
                );
                return None;
            }
            other => {
                self.problem(key, shown(other), "a decimal number in quotes");
                return None;
            }
        };
        let read = read(&text);
        if let Err(error) = &read {
            let expected = match error {
                MoneyError::NotANumber(_) => "a decimal number with a point, such as `\"0.08\"`".to_owned(),
                other => other
                    .to_string()
                    .split_once(", expected ")
                    .map(|(_, rest)| rest.to_owned())
                    .unwrap_or_default(),
            };
            self.problem(key, format!("`{text}`"), expected);
        }
        read.ok()
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let value = self.get(key)?;
        let found = value.as_str().and_then(|text| words.iter().find(|(word, _)| *word == text));
        if found.is_none() {
            self.problem(key, shown(value), one_of(words.iter().map(|(word, _)| *word)));
        }
        found.map(|(_, value)| *value)
    }

    /// One of some words, which has to be given.
    pub(super) fn needed_choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        if !self.has(key) {
            self.missing(key, &one_of(words.iter().map(|(word, _)| *word)));
        }
        self.choice(key, words)
    }

    /// A date or time: a text, or TOML's own form of it.
    pub(super) fn moment(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::Datetime(moment) => Some(moment.to_string()),
            _ => self.text(key),
        }
    }

    /// A table of texts, such as `"old user" = "new user"`.
    pub(super) fn map(&self, key: &str) -> BTreeMap<String, String> {
        let section = self.section(key);
        let keys = section.table.into_iter().flatten().map(|(key, _)| key);
        keys.filter_map(|key| Some((key.clone(), section.text(key)?))).collect()
    }

    /// The keys of a table.
    pub(super) fn keys(&self, key: &str) -> Vec<String> {
        self.section(key).table.into_iter().flatten().map(|(key, _)| key.clone()).collect()
    }

    /// A table of lists of texts, such as `Status = ["void"]`. An empty text in a list is an empty cell.
    pub(super) fn map_of_texts(&self, key: &str) -> BTreeMap<String, Vec<String>> {
        let section = self.section(key);
        let keys = section.table.into_iter().flatten();
        keys.map(|(key, value)| {
            let texts = match value {
                Value::Array(values) => {
                    values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
                }
                Value::String(text) => Some(vec![text.clone()]),
                _ => None,
            };
            if texts.is_none() {
                section.problem(key, shown(value), "a list of texts in quotes, such as `[\"void\"]`");
            }
            (key.clone(), texts.unwrap_or_default())
        })
        .collect()
    }

    /// Whether a list stands there.
    pub(super) fn is_list(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Value::Array(_)))
    }

    /// A sign, which may be white space.
    pub(super) fn sign(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) if text.chars().count() == 1 => Some(text.clone()),
            _ => self.text(key),
        }
    }

    /// A table below this one; an absent one has no keys.
    pub(super) fn section(&self, key: &str) -> Section<'a> {
        let table = match self.get(key) {
            None => None,
            Some(Value::Table(table)) => Some(table),
            Some(other) => {
                self.problem(key, shown(other), format!("a table `[{}]`", self.key(key)));
                None
            }
        };
        Section { table, path: self.key(key), problems: self.problems }
    }

    /// The entries of a list of tables, each with its name or number in its path.
    pub(super) fn sections(&self, key: &str) -> Vec<Section<'a>> {
        let expected = format!("entries `[[{}]]`", self.key(key));
        let values = match self.get(key) {
            None => return Vec::new(),
            Some(Value::Array(values)) => values,
            Some(other) => {
                self.problem(key, shown(other), expected);
                return Vec::new();
            }
        };
        let mut sections = Vec::new();
        for (index, value) in values.iter().enumerate() {
            match value {
                Value::Table(table) => {
                    let path = join(&self.key(key), &entry_name(table, index));
                    sections.push(Section { table: Some(table), path, problems: self.problems });
                }
                other => self.problem(key, shown(other), expected.clone()),
            }
        }
        sections
    }
}

/// How messages and `--set` name an entry of a list: by its name, or by its number where it has none.
pub(super) fn entry_name(table: &Table, index: usize) -> String {
    match table.get("name").and_then(Value::as_str) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => (index + 1).to_string(),
    }
}

/// A path with one more key, in quotes where TOML wants them.
pub(super) fn join(path: &str, key: &str) -> String {
    let is_bare = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    let bare = !key.is_empty() && key.chars().all(is_bare);
    let key = if bare { key.to_owned() } else { format!("\"{key}\"") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// A value as messages show it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.trim().is_empty() => "an empty text".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Integer(number) => format!("`{number}`"),
        Value::Float(number) => format!("`{number}`"),
        Value::Boolean(flag) => format!("`{flag}`"),
        Value::Datetime(moment) => format!("`{moment}`"),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}

/// `` `a`, `b` or `c` ``.
pub(super) fn one_of<'t>(words: impl Iterator<Item = &'t str>) -> String {
    let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}
