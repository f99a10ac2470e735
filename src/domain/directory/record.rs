//! The rows of the directory as they were written, each with its place.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;

use crate::domain::invoice::PayerId;

/// Where a row stands, for messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Name of the file as the operator knows it.
    pub file: String,
    /// Line of the file, or row of the sheet.
    pub row: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}", self.file, self.row)
    }
}

/// The days on which a row holds: from a day to a day, both included, each end open where it is not given.
///
/// ```
/// use chrono::NaiveDate;
/// use papertally::domain::Span;
/// let day = |text: &str| text.parse::<NaiveDate>().unwrap();
/// let span = Span::new(Some(day("2026-10-12")), None).unwrap();
/// assert!(span.holds(day("2026-10-12")) && !span.holds(day("2026-10-11")));
/// assert_eq!(span.to_string(), "from 2026-10-12");
/// assert!(Span::new(Some(day("2026-10-12")), Some(day("2026-10-11"))).is_none());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

impl Span {
    /// All days there are.
    pub const ALWAYS: Span = Span { from: None, to: None };

    /// The days from `from` to `to`; `None` where `to` is earlier.
    pub fn new(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Option<Span> {
        match (from, to) {
            (Some(from), Some(to)) if to < from => None,
            _ => Some(Span { from, to }),
        }
    }

    /// The first day, where there is one.
    pub fn from(&self) -> Option<NaiveDate> {
        self.from
    }

    /// The last day, where there is one.
    pub fn to(&self) -> Option<NaiveDate> {
        self.to
    }

    /// Whether the row holds on that day.
    pub fn holds(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// Whether the two share a day.
    pub fn overlaps(&self, other: &Span) -> bool {
        let starts_by_end = |one: &Span, two: &Span| match (one.from, two.to) {
            (Some(from), Some(to)) => from <= to,
            _ => true,
        };
        starts_by_end(self, other) && starts_by_end(other, self)
    }
}

/// `from 2026-01-01 to 2026-06-30`, with the open ends left out; `on all days` for both.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (None, None) => f.write_str("on all days"),
            (Some(from), None) => write!(f, "from {from}"),
            (None, Some(to)) => write!(f, "to {to}"),
            (Some(from), Some(to)) => write!(f, "from {from} to {to}"),
        }
    }
}

/// One row of the members: a person with a team and a plan, from a day to a day.
///
/// A person who changed team or plan has several rows with the same id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberRow {
    /// Id in the coworking system.
    pub id: String,
    /// Name on the invoice.
    pub name: String,
    /// Address of the invoice, or empty.
    pub email: String,
    /// PaperCut usernames.
    pub usernames: Vec<String>,
    /// Other names of the same person in PaperCut; a username of somebody else goes before them.
    pub aliases: Vec<String>,
    /// Id of the team that the person belongs to on these days.
    pub team: Option<String>,
    /// The days on which the row holds.
    pub span: Span,
    /// Name of the plan, where it is not the default.
    pub plan: Option<String>,
    /// Code in invoice numbers, where it is not made from the id.
    pub code: Option<String>,
    /// Identifiers that receiving systems need, by column name.
    pub identifiers: BTreeMap<String, String>,
    /// Where the row stands.
    pub place: Place,
}

/// One row of the teams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamRow {
    /// Id in the coworking system.
    pub id: String,
    /// Name on the invoice.
    pub name: String,
    /// Address of the invoice, or empty.
    pub email: String,
    /// Seats that the team pays for; without it its members are counted.
    pub seats: Option<u32>,
    /// The days on which the row holds.
    pub span: Span,
    /// Name of the plan, where it is not the default.
    pub plan: Option<String>,
    /// Code in invoice numbers, where it is not made from the id.
    pub code: Option<String>,
    /// Identifiers that receiving systems need, by column name.
    pub identifiers: BTreeMap<String, String>,
    /// Where the row stands.
    pub place: Place,
}

/// How an account rule names its accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountMatch {
    /// This account and no other.
    Exact,
    /// This account and everything below it.
    Parent,
    /// A text in which `*` stands for any text and `?` for one character.
    Pattern,
}

impl AccountMatch {
    /// All kinds, the most specific first.
    pub const ALL: [AccountMatch; 3] = [AccountMatch::Exact, AccountMatch::Parent, AccountMatch::Pattern];

    /// The word used in the accounts file.
    pub const fn as_str(self) -> &'static str {
        match self {
            AccountMatch::Exact => "exact",
            AccountMatch::Parent => "parent",
            AccountMatch::Pattern => "pattern",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<AccountMatch> {
        AccountMatch::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Who pays for a shared account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRule {
    /// The account as `parent\sub`, or a pattern.
    pub account: String,
    /// How `account` is to be read.
    pub kind: AccountMatch,
    /// Who pays.
    pub payer: PayerId,
    /// The days on which the rule holds.
    pub span: Span,
    /// Where the rule stands.
    pub place: Place,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_overlap_where_they_share_a_day() {
        let span = |from: &str, to: &str| Span::new(from.parse().ok(), to.parse().ok()).unwrap();
        let check = |one: Span, two: Span, expected: bool| {
            assert_eq!(one.overlaps(&two), expected, "{one} / {two}");
            assert_eq!(two.overlaps(&one), expected, "{two} / {one}");
        };
        check(span("2026-10-01", "2026-10-11"), span("2026-10-12", ""), false);
        check(span("2026-10-01", "2026-10-12"), span("2026-10-12", ""), true);
        check(Span::ALWAYS, span("2026-10-01", "2026-10-11"), true);
        check(span("", "2026-09-30"), span("2026-10-01", ""), false);
        check(span("", "2026-09-30"), span("", "2020-01-01"), true);
    }
}
