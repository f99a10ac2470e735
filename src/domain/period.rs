//! Spans of whole local days, as people name them.

use std::fmt;

use chrono::{Datelike, Days, Months, NaiveDate};

/// A half-open span of whole local days at a site, never empty.
///
/// ```
/// use chrono::NaiveDate;
/// use papertally::domain::Period;
/// let today = NaiveDate::from_ymd_opt(2026, 11, 25).unwrap();
/// let october = Period::parse("2026-10", today).unwrap();
/// assert_eq!(october, Period::parse("last-month", today).unwrap());
/// assert_eq!(october, Period::parse("2026-10-01..2026-10-31", today).unwrap());
/// assert_eq!(october.to_string(), "2026-10");
/// assert_eq!(october.last_day().to_string(), "2026-10-31");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    first: NaiveDate,
    last: NaiveDate,
}

/// A text that names no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "found `{0}`, expected a period such as `2026-10`, `2026-10-01..2026-10-31`, `last-month` or `this-month`"
)]
pub struct PeriodError(pub String);

impl Period {
    /// The days from `first` to `last`, both included; `None` where `last` is earlier.
    pub fn of_days(first: NaiveDate, last: NaiveDate) -> Option<Period> {
        (first <= last).then_some(Period { first, last })
    }

    /// The calendar month that holds `day`.
    pub fn month_of(day: NaiveDate) -> Period {
        let first = day.with_day(1).unwrap_or(day);
        let last = first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt()).unwrap_or(first);
        Period { first, last }
    }

    /// Reads a period as written on the command line; `today` gives `last-month` and `this-month` their sense.
    pub fn parse(text: &str, today: NaiveDate) -> Result<Period, PeriodError> {
        let unknown = || PeriodError(text.to_owned());
        let this_month = Period::month_of(today);
        match text {
            "this-month" => return Ok(this_month),
            "last-month" => {
                return this_month.first.pred_opt().map(Period::month_of).ok_or_else(unknown);
            }
            _ => {}
        }
        if let Some((first, last)) = text.split_once("..") {
            let first = iso_day(first).ok_or_else(unknown)?;
            let last = iso_day(last).ok_or_else(unknown)?;
            return Period::of_days(first, last).ok_or_else(unknown);
        }
        if text.len() != 7 {
            return Err(unknown());
        }
        iso_day(&format!("{text}-01")).map(Period::month_of).ok_or_else(unknown)
    }

    /// The first day.
    pub fn first_day(&self) -> NaiveDate {
        self.first
    }

    /// The last day, included.
    pub fn last_day(&self) -> NaiveDate {
        self.last
    }

    /// The day after the last.
    pub fn day_after(&self) -> NaiveDate {
        self.last.succ_opt().unwrap_or(NaiveDate::MAX)
    }

    /// The calendar month after the one that holds the last day.
    pub fn next_month(&self) -> Period {
        let first = Period::month_of(self.last).first;
        Period::month_of(first.checked_add_months(Months::new(1)).unwrap_or(first))
    }

    /// Whether `day` lies in the period.
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.first <= day && day <= self.last
    }

    /// Whether the two share a day.
    pub fn overlaps(&self, other: &Period) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Whether the period is one whole calendar month.
    pub fn is_month(&self) -> bool {
        *self == Period::month_of(self.first)
    }

    /// Every day, in order.
    pub fn days(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let last = self.last;
        self.first.iter_days().take_while(move |day| *day <= last)
    }

    /// The whole calendar months from the one of `first` to the one of `last`, less the days that `taken` covers.
    pub fn months_beside(first: NaiveDate, last: NaiveDate, taken: &[Period]) -> Vec<Period> {
        let mut month = Period::month_of(first);
        let mut left = Vec::new();
        while month.first <= last {
            left.extend(month.uncovered(taken));
            month = month.next_month();
        }
        left
    }

    /// The days of the period that none of `spans` covers, as spans in order.
    pub fn uncovered(&self, spans: &[Period]) -> Vec<Period> {
        let mut spans: Vec<&Period> = spans.iter().filter(|span| span.overlaps(self)).collect();
        spans.sort();
        let mut gaps = Vec::new();
        let mut next = self.first;
        for span in spans {
            if let Some(before) = span.first.checked_sub_days(Days::new(1)) {
                gaps.extend(Period::of_days(next, before));
            }
            next = next.max(span.day_after());
        }
        gaps.extend(Period::of_days(next, self.last));
        gaps
    }
}

/// `2026-10` for a calendar month, else `2026-10-01..2026-10-15`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_month() {
            write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
        } else {
            write!(f, "{}..{}", self.first, self.last)
        }
    }
}

/// A day written `yyyy-mm-dd` with all its digits.
fn iso_day(text: &str) -> Option<NaiveDate> {
    (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        iso_day(text).unwrap()
    }

    #[test]
    fn periods_are_read_and_written() {
        let check = |text: &str, expected: &str| {
            let shown = Period::parse(text, day("2026-03-15")).map(|period| period.to_string());
            assert_eq!(shown.unwrap_or_else(|error| error.to_string()), expected);
        };
        check("2026-02", "2026-02");
        check("last-month", "2026-02");
        check("this-month", "2026-03");
        check("2026-10-16..2026-11-15", "2026-10-16..2026-11-15");
        check("2026-02-01..2026-02-28", "2026-02");
        let refusal =
            "expected a period such as `2026-10`, `2026-10-01..2026-10-31`, `last-month` or `this-month`";
        for wrong in ["", "2026", "2026-13", "2026-2", "2026-02-02..2026-02-01", "2026-10-1..2026-10-31"] {
            check(wrong, &format!("found `{wrong}`, {refusal}"));
        }
    }

    #[test]
    fn gaps_are_what_no_span_covers() {
        let span = |first: &str, last: &str| Period::of_days(day(first), day(last)).unwrap();
        let month = Period::parse("2026-10", day("2026-11-01")).unwrap();
        let weeks = [
            span("2026-09-28", "2026-10-04"),
            span("2026-10-08", "2026-10-20"),
            span("2026-10-10", "2026-10-12"),
        ];
        let gaps: Vec<String> = month.uncovered(&weeks).iter().map(Period::to_string).collect();
        assert_eq!(gaps, ["2026-10-05..2026-10-07", "2026-10-21..2026-10-31"]);
        assert!(month.uncovered(&[span("2026-09-01", "2026-11-30")]).is_empty());
    }
}
