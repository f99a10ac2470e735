//! The headers of all languages, from the table `profiles/headers.txt`, and those of the operator.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::domain::fold_name;

use super::error::ReadError;
use super::field::Field;
use super::settings::ReadSettings;

/// Header texts, folded, and what they mean.
#[derive(Debug)]
pub(super) struct Headers {
    /// The operator's own, asked first.
    own: HashMap<String, Field>,
}

/// What is wrong with the field of a header in the operator's settings, where something is.
pub fn check_field(word: &str) -> Option<String> {
    if Field::parse(word).is_some() {
        return None;
    }
    let words = super::field::names();
    let near = Field::ALL.iter().map(|(_, known)| (strsim::damerau_levenshtein(known, word), *known)).min();
    Some(match near {
        Some((distance, known)) if distance <= 2 => format!("`{known}`, which is the nearest field"),
        _ => format!("one of {words}"),
    })
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

    /// The known header that looks most like one that is not known, and its field.
    pub(super) fn nearest(header: &str) -> Option<(&'static str, Field)> {
        static KEYS: OnceLock<Vec<(Field, &'static str, String, usize)>> = OnceLock::new();
        let keys = KEYS.get_or_init(|| {
            let all = lines().map(|(field, known, _)| (field, known, key(known)));
            all.map(|(field, known, key)| (field, known, key.clone(), key.chars().count())).collect()
        });
        let wanted = key(header);
        let length = wanted.chars().count();
        let most = (length / 3).clamp(1, 4);
        // Texts of other lengths are as far apart at least; a comparison takes the product of both.
        let near = keys.iter().filter(|(.., known)| known.abs_diff(length) <= most);
        let near =
            near.map(|(field, known, key, _)| (strsim::damerau_levenshtein(key, &wanted), known, field));
        let (_, known, field) = near.filter(|(distance, ..)| *distance <= most).min_by_key(|near| near.0)?;
        Some((known, *field))
    }

    /// The known headers of a field, the ones seen in real files first, at most a few.
    pub(super) fn examples(field: Field) -> Vec<&'static str> {
        let seen = lines().filter(|line| line.0 == field && line.2);
        let unseen = lines().filter(|line| line.0 == field && !line.2);
        seen.chain(unseen).map(|line| line.1).take(3).collect()
    }
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
pub(super) fn key(header: &str) -> String {
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
    fn a_header_without_end_looks_like_none() {
        assert_eq!(Headers::nearest("Usrname").map(|(known, _)| known), Some("Username"));
        // A letter more or less for each of them would take minutes.
        assert_eq!(Headers::nearest(&"Username ".repeat(1 << 17)), None);
    }

    #[test]
    fn a_setting_for_no_field_is_refused() {
        let settings =
            ReadSettings { aliases: vec![("X".into(), "price".into())], ..ReadSettings::default() };
        assert_eq!(Headers::new(&settings).err().unwrap().code(), "field-unknown");
    }
}
