//! The tables of headers and kinds in `profiles/`: data that anyone can read and add to.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::domain::{ReportKind, fold_name};

use super::error::ReadError;
use super::field::Field;
use super::settings::ReadSettings;

/// Header texts, folded, and what they mean.
pub(super) struct Headers {
    /// The operator's own, asked first.
    own: HashMap<String, Field>,
}

/// A kind and the columns by which it is recognised.
#[derive(Debug)]
pub(super) struct KindRule {
    pub(super) kind: ReportKind,
    pub(super) is_read: bool,
    pub(super) needs: Vec<Field>,
    lacks: Vec<Field>,
    /// Header texts, folded, that only this kind has.
    pub(super) marks: Vec<String>,
}

impl KindRule {
    /// Whether the fields are those of the kind.
    pub(super) fn fits(&self, headers: &[String], fields: &[Option<Field>]) -> bool {
        let has = |field: &Field| fields.contains(&Some(*field));
        let is_marked = |mark: &String| headers.iter().any(|header| key(header) == *mark);
        self.needs.iter().all(has) && !self.lacks.iter().any(has) && self.marks.iter().all(is_marked)
    }

    /// The needed fields that are not there.
    pub(super) fn missing(&self, fields: &[Option<Field>]) -> Vec<Field> {
        self.needs.iter().copied().filter(|field| !fields.contains(&Some(*field))).collect()
    }
}

impl Headers {
    /// The built-in headers with the operator's own.
    pub(super) fn new(settings: &ReadSettings) -> Result<Headers, ReadError> {
        let mut own = HashMap::new();
        for (header, word) in &settings.aliases {
            let field = Field::parse(word).ok_or_else(|| ReadError::FieldUnknown(word.clone()))?;
            own.insert(key(header), field);
        }
        Ok(Headers { own })
    }

    /// What a header means.
    pub(super) fn field(&self, header: &str) -> Option<Field> {
        let key = key(header);
        let known = builtin();
        if let Some(field) = self.own.get(&key).or_else(|| known.get(&key)) {
            return Some(*field);
        }
        if !key.contains('\u{fffd}') {
            return None;
        }
        // Another program lost a letter of it: any letter fits there, if all headers that fit mean the same.
        let mut fitting = known.iter().filter(|(header, _)| has_lost_letters(&key, header));
        let (_, field) = fitting.next()?;
        fitting.all(|(_, other)| other == field).then_some(*field)
    }

    /// The known headers of a field, the ones seen in real files first, at most a few.
    pub(super) fn examples(field: Field) -> Vec<&'static str> {
        let seen = lines().filter(|line| line.0 == field && line.2);
        let unseen = lines().filter(|line| line.0 == field && !line.2);
        seen.chain(unseen).map(|line| line.1).take(3).collect()
    }
}

/// All kinds in the order in which they are tried.
pub(super) fn kinds() -> &'static [KindRule] {
    static KINDS: OnceLock<Vec<KindRule>> = OnceLock::new();
    KINDS.get_or_init(|| data_lines(include_str!("profiles/kinds.txt")).filter_map(kind_rule).collect())
}

fn kind_rule((head, words): (&str, &str)) -> Option<KindRule> {
    let (kind, reading) = head.split_once(' ')?;
    let (mut needs, mut lacks, mut marks) = (Vec::new(), Vec::new(), Vec::new());
    for word in words.split_whitespace() {
        match (word.strip_prefix('!'), word.strip_prefix('=')) {
            (Some(field), _) => lacks.extend(Field::parse(field)),
            (None, Some(header)) => marks.push(key(header)),
            (None, None) => needs.extend(Field::parse(word)),
        }
    }
    Some(KindRule { kind: ReportKind::parse(kind)?, is_read: reading == "read", needs, lacks, marks })
}

/// Whether a kind has one row a job.
pub(super) const fn has_jobs(kind: ReportKind) -> bool {
    matches!(
        kind,
        ReportKind::PrintLog | ReportKind::PrintLogger | ReportKind::ServerLog | ReportKind::JobImport
    )
}

fn builtin() -> &'static HashMap<String, Field> {
    static HEADERS: OnceLock<HashMap<String, Field>> = OnceLock::new();
    HEADERS.get_or_init(|| lines().map(|(field, header, _)| (key(header), field)).collect())
}

/// Field, header, and whether a real file has shown it.
fn lines() -> impl Iterator<Item = (Field, &'static str, bool)> {
    data_lines(include_str!("profiles/headers.txt")).flat_map(|(head, headers)| {
        let field = head.split_once(' ').and_then(|(word, _)| Field::parse(word));
        let header = |text: &'static str| {
            let text = text.trim();
            let bare = text.trim_start_matches('?');
            field.map(|field| (field, bare, bare.len() == text.len()))
        };
        headers.split('|').filter_map(header).collect::<Vec<_>>()
    })
}

/// The lines of a table, split at their first colon, without comments and blank lines.
fn data_lines(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "))
}

/// The form in which headers are compared.
fn key(header: &str) -> String {
    fold_name(header.trim_start_matches('\u{feff}')).replace('’', "'")
}

/// Whether the damaged text has each letter of the header, or U+FFFD in its place.
fn has_lost_letters(damaged: &str, header: &str) -> bool {
    damaged.chars().count() == header.chars().count()
        && damaged.chars().zip(header.chars()).all(|(found, known)| found == known || found == '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_understood() {
        for (head, headers) in data_lines(include_str!("profiles/headers.txt")) {
            let (field, language) = head.split_once(' ').unwrap();
            assert!(Field::parse(field).is_some(), "{head}");
            assert_eq!(language.len(), 2, "{head}");
            assert!(
                headers.split('|').all(|header| !header.trim().trim_start_matches('?').is_empty()),
                "{head}"
            );
        }
        let rules = data_lines(include_str!("profiles/kinds.txt"));
        for (line, rule) in rules.zip(kinds()) {
            let words = line.1.split_whitespace().count();
            assert_eq!(
                rule.needs.len() + rule.lacks.len() + rule.marks.len(),
                words,
                "{}: {}",
                line.0,
                line.1
            );
            assert!(line.0.ends_with("read") || line.0.ends_with("named"), "{}", line.0);
        }
        assert_eq!(data_lines(include_str!("profiles/kinds.txt")).count(), kinds().len());
    }

    #[test]
    fn no_header_means_two_things() {
        let mut meanings: HashMap<String, Field> = HashMap::new();
        for (field, header, _) in lines() {
            if let Some(other) = meanings.insert(key(header), field) {
                assert_eq!(other, field, "{header}");
            }
        }
    }

    #[test]
    fn headers_are_found_in_any_dress() {
        let headers = Headers::new(&ReadSettings {
            aliases: vec![("Druckkosten".into(), "cost".into()), ("Date".into(), "other".into())],
            ..ReadSettings::default()
        })
        .unwrap();
        let check = |header: &str, expected: Option<&str>| {
            assert_eq!(headers.field(header).map(Field::name), expected, "{header}");
        };
        check(" total  printed PAGES", Some("pages"));
        check("\u{feff}Username", Some("user"));
        check("Totaal aantal afgedrukte Pagina\u{2019}s", Some("pages"));
        check("P\u{fffd}ginas", Some("copy-pages"));
        check("Formato Papel", Some("paper-size"));
        check("Formato", Some("other"));
        check("druckkosten", Some("cost"));
        check("Date", Some("other"));
        check("\u{fffd}\u{fffd}\u{fffd}\u{fffd}", None);
        check("UnitAmount", None);
    }

    #[test]
    fn a_setting_for_no_field_is_refused() {
        let settings =
            ReadSettings { aliases: vec![("X".into(), "price".into())], ..ReadSettings::default() };
        assert_eq!(Headers::new(&settings).err().unwrap().code(), "field-unknown");
    }
}
