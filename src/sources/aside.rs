//! Rows below a header that are neither data nor damage: repeated headers and title lines of pasted files,
//! comment lines, totals, blank lines.
//!
//! Job rows come here only when their time cannot be read, so that the many good rows never pay for it.

use crate::domain::fold_name;

use super::cells::RowText;
use super::field::Field;
use super::layout::{HeaderFit, Layout, clean};
use super::preamble::{PeriodLine, is_comment, read_period};
use super::profile::Profiles;

/// Words for a sum of all rows, in the languages of the headers.
const TOTALS: [&str; 33] = [
    "total",
    "totals",
    "grand total",
    "sum",
    "totaal",
    "eindtotaal",
    "gesamt",
    "gesamtsumme",
    "summe",
    "insgesamt",
    "totale",
    "totali",
    "totaux",
    "somme",
    "suma",
    "total general",
    "totais",
    "total geral",
    "totalt",
    "summa",
    "i alt",
    "samlet",
    // What spreadsheets call it.
    "subtotal",
    "totales",
    "total général",
    "gesamtergebnis",
    "teilergebnis",
    "eindresultaat",
    "totale complessivo",
    "totalsumma",
    "hovedtotal",
    "sammanlagt",
    "totalsum",
];

/// What such a row is.
pub(super) enum Aside {
    /// Nothing stands in it.
    Blank,
    /// A title or comment line.
    Comment,
    /// A header of the same kind; the columns may stand in another order from here on.
    Header(Layout),
    /// A sum of the rows above, nobody's.
    Total,
}

/// Whether the row is one of them.
pub(super) fn aside(row: &RowText<'_>, layout: &Layout, known: &Profiles) -> Option<Aside> {
    let first = row.iter().map(clean).find(|cell| !cell.is_empty());
    let Some(first) = first else { return Some(Aside::Blank) };
    if is_total(row, layout, first) {
        return Some(Aside::Total);
    }
    let cell = row.get(0).map(clean).unwrap_or_default();
    let is_title = row.is_single() && cell.starts_with("PaperCut Print Logger");
    let is_period = || read_period(row.line(), None) != PeriodLine::Absent;
    if is_title || (is_comment(cell) && (row.is_single() || is_period() || has_no_amount(row, layout))) {
        return Some(Aside::Comment);
    }
    match Layout::of(row, known, Some(layout.kind), layout.profile.delimiter) {
        HeaderFit::Layout(other) if other.kind == layout.kind => Some(Aside::Header(other)),
        _ => None,
    }
}

/// Whether the row has a comment's `=` and no number where its amount would be.
fn has_no_amount(row: &RowText<'_>, layout: &Layout) -> bool {
    let column = layout.column(Field::Cost).or(layout.column(Field::Balance));
    let amount = column.and_then(|column| row.get(column)).unwrap_or_default();
    row.line().contains(" = ") && !amount.contains(|sign: char| sign.is_ascii_digit())
}

/// A total stands where a name or time would, and no other name stands beside it.
fn is_total(row: &RowText<'_>, layout: &Layout, first: &str) -> bool {
    let word = fold_name(first);
    let is_word = TOTALS.iter().any(|total| match word.strip_prefix(total) {
        Some(rest) => rest.is_empty() || rest.starts_with([':', '(']),
        None => false,
    });
    let is_free = |field: Field| {
        let cell = layout.column(field).and_then(|column| row.get(column)).map(clean).unwrap_or_default();
        cell.is_empty() || cell == first
    };
    // A user may be called so; then a full name or another word stands beside it, and no total has one.
    let is_number = |cell: &str| {
        cell.is_empty()
            || cell == first
            || !cell.starts_with(char::is_alphabetic)
            || cell.contains(|sign: char| sign.is_ascii_digit())
    };
    is_word
        && row.iter().map(clean).all(is_number)
        && [Field::Time, Field::User, Field::Account].into_iter().all(is_free)
}
