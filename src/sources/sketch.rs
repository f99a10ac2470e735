//! A first layout for a file that nobody knows, to be put into the configuration and corrected by a person.
//!
//! It guesses; nothing else here does. What it guesses is only ever shown.

use super::amount::{self, Evidence};
use super::csv::{Rows, Tail};
use super::date::{Written, is_time_only};
use super::field::Field;
use super::headers::Headers;
use super::layout::clean;

/// Rows that are looked at.
const ROWS: usize = 12;

/// Columns that are written down: a wider file is described by hand.
const COLUMNS_MAX: usize = 40;

/// What the cells of a column look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looks {
    Empty,
    Moment,
    TimeOfDay,
    Whole,
    Decimal,
    Text,
}

/// The layout as TOML, where the text has columns.
pub(super) fn sketch(text: &str, delimiters: &[u8], headers: &Headers) -> Option<String> {
    let tables = delimiters.iter().map(|sign| (*sign, rows(text, *sign)));
    let narrowest = |rows: &[Vec<String>]| rows.iter().map(Vec::len).min().unwrap_or_default();
    let (sign, rows) = tables.max_by_key(|(_, rows)| narrowest(rows))?;
    let width = narrowest(&rows);
    if !(2..=COLUMNS_MAX).contains(&width) {
        return None;
    }
    let first = rows.first()?;
    let has_header = rows.len() > 1
        && first.iter().all(|cell| !cell.is_empty() && looks([cell.as_str()].into_iter()) == Looks::Text);
    let data = if has_header { rows.get(1..)? } else { &rows };
    let columns: Vec<Looks> =
        (0..width).map(|at| looks(data.iter().filter_map(|row| row.get(at)).map(String::as_str))).collect();
    let known = (0..width).map(|at| {
        has_header.then(|| headers.field(first.get(at)?)).flatten().filter(|field| *field != Field::Other)
    });
    let known: Vec<Option<Field>> = known.collect();
    let words = guess(&columns, &known);
    let sign = if sign == b'\t' { "\\t".to_owned() } else { char::from(sign).to_string() };
    let columns = if has_header {
        let named = first.iter().zip(&words).filter_map(|(header, word)| Some((header, (*word)?)));
        let named: Vec<String> =
            named.map(|(header, word)| format!("{} = \"{word}\"", quoted(header))).collect();
        format!("{{ {} }}", named.join(", "))
    } else {
        let words: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.unwrap_or("-"))).collect();
        format!("[{}]", words.join(", "))
    };
    Some(format!("[[site.layout]]\nname = \"my-report\"\ndelimiter = \"{sign}\"\ncolumns = {columns}"))
}

/// The first rows that have something in them, without comment lines.
fn rows(text: &str, delimiter: u8) -> Vec<Vec<String>> {
    let mut rows = Rows::new(text.as_bytes(), delimiter, Tail::Row);
    let mut all = Vec::new();
    while all.len() < ROWS && matches!(rows.advance(), Ok(true)) {
        let Ok(row) = rows.row() else { break };
        let cells: Vec<String> = row.iter().map(|cell| clean(cell).to_owned()).collect();
        let is_comment = cells.first().is_some_and(|cell| cell.starts_with('#'));
        if !is_comment && cells.iter().any(|cell| !cell.is_empty()) {
            all.push(cells);
        }
    }
    all
}

fn looks<'a>(cells: impl Iterator<Item = &'a str>) -> Looks {
    let mut all: Option<Looks> = None;
    for cell in cells.filter(|cell| !cell.is_empty()) {
        let this = look(cell);
        all = Some(match (all, this) {
            (None, this) => this,
            (Some(Looks::Whole), Looks::Decimal) | (Some(Looks::Decimal), Looks::Whole) => Looks::Decimal,
            (Some(all), this) if all == this => all,
            _ => Looks::Text,
        });
    }
    all.unwrap_or(Looks::Empty)
}

fn look(cell: &str) -> Looks {
    if cell.bytes().all(|byte| byte.is_ascii_digit()) && cell.len() < 7 {
        Looks::Whole
    } else if Written::read(cell).is_some() {
        Looks::Moment
    } else if is_time_only(cell) {
        Looks::TimeOfDay
    } else if cell.contains(|sign: char| sign.is_ascii_digit())
        && !matches!(amount::evidence(cell), Evidence::None)
    {
        Looks::Decimal
    } else {
        Looks::Text
    }
}

/// Words for the columns: those that the headers say, then one for each thing that a job needs.
fn guess(columns: &[Looks], known: &[Option<Field>]) -> Vec<Option<&'static str>> {
    let mut words: Vec<Option<&'static str>> = known.iter().map(|field| field.map(Field::name)).collect();
    let has_time_of_day = columns.contains(&Looks::TimeOfDay);
    let wanted = [
        (Looks::Moment, if has_time_of_day { "date" } else { "time" }),
        (Looks::TimeOfDay, "time"),
        (Looks::Text, "user"),
        (Looks::Decimal, "cost"),
        (Looks::Whole, "pages"),
    ];
    for (looks, word) in wanted {
        if words.contains(&Some(word)) {
            continue;
        }
        let mut free = columns.iter().zip(&words).enumerate();
        if let Some((at, _)) = free.find(|(_, (column, taken))| **column == looks && taken.is_none())
            && let Some(place) = words.get_mut(at)
        {
            *place = Some(word);
        }
    }
    words
}

/// A key of TOML.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::ReadSettings;

    #[test]
    fn a_layout_is_proposed_for_what_has_columns() {
        let headers = Headers::new(&ReadSettings::default()).unwrap();
        let check = |text: &str, expected: Option<&str>| {
            let found = sketch(text, b",;\t|", &headers);
            let columns =
                found.as_deref().map(|text| text.rsplit_once("delimiter = ").unwrap().1.replace('\n', " "));
            assert_eq!(columns.as_deref(), expected, "{text}");
        };
        check(
            "Wann;Wer;Blatt;Betrag\n3.9.2024 10:00;ann;2;0,30\n4.9.2024 11:00;bo;1;0,15\n",
            Some(
                "\";\" columns = { \"Wann\" = \"time\", \"Wer\" = \"user\", \"Blatt\" = \"pages\", \"Betrag\" = \"cost\" }",
            ),
        );
        check(
            "C-1|3/18/2024|10:00:05|NB|2|0.60\nC-2|3/18/2024|10:01:05|NB|2|0.60\n",
            Some("\"|\" columns = [\"user\", \"date\", \"time\", \"-\", \"pages\", \"cost\"]"),
        );
        check(
            "When,Printer,User \"x\"\nx,y,z\n",
            Some("\",\" columns = { \"When\" = \"user\", \"Printer\" = \"printer\" }"),
        );
        check("just a letter\nto somebody\n", None);
        check("", None);
    }
}
