//! The fixed "now" of samples and rehearsals.

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;

/// A text that is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    /// Neither RFC 3339 nor a local date-time.
    #[error(
        "found `{0}`, expected a time such as `2026-11-02T06:00:00`, `2026-11-02` or `2026-11-02T06:00:00+00:00`"
    )]
    NotATime(String),
    /// A local time that the clock jumps over, or that comes twice.
    #[error(
        "found `{text}`, which comes {times} in {zone}, expected a time with its offset, such as `…+01:00`"
    )]
    ClockChange {
        /// The text.
        text: String,
        /// `never` or `twice`.
        times: &'static str,
        /// The time zone.
        zone: Tz,
    },
}

/// Reads a moment: RFC 3339, or a local date-time or day in `zone`. A day is its first moment.
pub fn parse_when(text: &str, zone: Tz) -> Result<DateTime<Tz>, WhenError> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.with_timezone(&zone));
    }
    let local = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    let local = local.or_else(day).ok_or_else(|| WhenError::NotATime(text.to_owned()))?;
    let change = |times| WhenError::ClockChange { text: text.to_owned(), times, zone };
    match local.and_local_timezone(zone) {
        LocalResult::Single(moment) => Ok(moment),
        LocalResult::None => Err(change("never")),
        LocalResult::Ambiguous(..) => Err(change("twice")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_zone_or_with_their_offset() {
        let check = |text: &str, expected: &str| {
            let shown = parse_when(text, chrono_tz::Europe::London).map(|moment| moment.to_rfc3339());
            assert_eq!(shown.unwrap_or_else(|error| error.to_string()), expected);
        };
        check("2026-11-02T06:00:00", "2026-11-02T06:00:00+00:00");
        check("2026-07-02 06:00", "2026-07-02T06:00:00+01:00");
        check("2026-07-02", "2026-07-02T00:00:00+01:00");
        check("2026-07-02T06:00:00Z", "2026-07-02T07:00:00+01:00");
        check(
            "2026-03-29T01:30:00",
            "found `2026-03-29T01:30:00`, which comes never in Europe/London, expected a time with its offset, such as `…+01:00`",
        );
        check(
            "2026-10-25T01:30:00",
            "found `2026-10-25T01:30:00`, which comes twice in Europe/London, expected a time with its offset, such as `…+01:00`",
        );
        check(
            "tomorrow",
            "found `tomorrow`, expected a time such as `2026-11-02T06:00:00`, `2026-11-02` or `2026-11-02T06:00:00+00:00`",
        );
    }
}
