//! The lines above a header: comment lines with the report's period.
//!
//! Labels are translated by the server, so the line is read without them: as `label = value` pairs, of which the
//! first two dates are the first and the last moment.

use chrono::{Days, NaiveTime};

use crate::domain::{DateOrder, Period};

use super::date::Written;
use super::layout::clean;

/// What a line says of the report's period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PeriodLine {
    /// Nothing.
    Absent,
    /// There are times in it, but not two that can be read.
    Unreadable(String),
    /// From the first to the last day.
    Read(Period),
}

/// Whether a row's text is a comment: its first sign, after a quote at most, is `#`.
pub(super) fn is_comment(line: &str) -> bool {
    clean(line).trim_start_matches(['"', '\'']).starts_with('#')
}

/// Reads the period in a comment line. A date of numbers only is day-first, unless `order` or the dates
/// themselves say otherwise: the style of these lines is never month-first.
pub(super) fn read_period(line: &str, order: Option<DateOrder>) -> PeriodLine {
    // A spreadsheet that saved the file may have added separators.
    let line = clean(line).trim_end_matches([',', ';', '\t', ' ']).trim_matches(['"', '\'']);
    let mut values: Vec<&str> = line.split('=').skip(1).collect();
    let last = values.len().saturating_sub(1);
    for value in values.iter_mut().take(last) {
        *value = value.rsplit_once(',').map_or(*value, |(value, _)| value);
    }
    let has_time = |value: &str| {
        let signs: Vec<char> = value.chars().collect();
        signs.windows(3).any(|signs| matches!(signs, [a, ':', b] if a.is_ascii_digit() && b.is_ascii_digit()))
    };
    let dates: Vec<Written> = values.iter().filter_map(|value| Written::read(value)).collect();
    let read = match dates.as_slice() {
        [from, to, ..] => days_of(from, to, order),
        [_] | [] if values.iter().any(|value| has_time(value)) => None,
        [_] | [] => return PeriodLine::Absent,
    };
    read.map_or_else(|| PeriodLine::Unreadable(line.to_owned()), PeriodLine::Read)
}

/// The whole days between two moments, in the first order in which they make sense.
fn days_of(from: &Written, to: &Written, order: Option<DateOrder>) -> Option<Period> {
    let orders = order.into_iter().chain([DateOrder::Dmy, DateOrder::Ymd, DateOrder::Mdy]);
    orders.into_iter().find_map(|order| {
        let first = from.day(order)?;
        let mut last = to.day(order)?;
        // The last moment is the last second of a day; midnight would be the end of the day before.
        if to.time == Some(NaiveTime::MIN) && first < last {
            last = last.checked_sub_days(Days::new(1))?;
        }
        Period::of_days(first, last)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn period_lines_of_known_servers() {
        let check = |line: &str, expected: &str| {
            let read = match read_period(line, None) {
                PeriodLine::Absent => "absent".to_owned(),
                PeriodLine::Unreadable(_) => "unreadable".to_owned(),
                PeriodLine::Read(period) => format!("{}..{}", period.first_day(), period.last_day()),
            };
            assert_eq!(read, expected, "{line}");
        };
        let autumn = "2024-09-01..2024-12-04";
        check("# From date = Sep 1, 2024 12:00:00 AM, To date = Dec 4, 2024 11:59:59 PM", autumn);
        check(
            "\"# From date = Sep 1, 2024, 12:00:00\u{202f}AM, To date = Dec 4, 2024, 11:59:59\u{202f}PM\"",
            autumn,
        );
        check("# Vanaf datum = 1-sep-2024 0:00:00, Tot datum = 4-dec-2024 23:59:59", autumn);
        check("# Von = 01.09.2024 00:00:00, Bis = 04.12.2024 23:59:59", autumn);
        check("# Du = 1 sept. 2024 00:00:00, Au = 4 déc. 2024 23:59:59, Groupe = tous", autumn);
        check("# Group = [All], Dal = 1-set-2024 0.00.00, Al = 4-dic-2024 23.59.59", autumn);
        check("# From = 01/09/2024 12:00:00 AM, To = 04/12/2024 11:59:59 PM", autumn);
        check("# From = 9/1/2024 12:00:00 AM, To = 12/31/2024 11:59:59 PM", "2024-09-01..2024-12-31");
        check("# From = Sep 1, 2024 12:00:00 AM, To = Oct 1, 2024 12:00:00 AM", "2024-09-01..2024-09-30");
        check("# From date = ??? 1, 2024 12:00:00 AM, To date = ??? 30, 2024 11:59:59 PM", "unreadable");
        check("# From date = Sep 1, 2024 12:00:00 AM, To date = ??? 30, 2024 11:59:59 PM", "unreadable");
        check("# From = Sep 4, 2024 12:00:00 AM, To = Sep 1, 2024 11:59:59 PM", "unreadable");
        check("\"# From = 01.09.2024 00:00:00, To = 04.12.2024 23:59:59\",,,", autumn);
        check("# Print logs", "absent");
        check("# Group = [All Users]", "absent");
    }
}
