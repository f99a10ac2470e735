//! When something is due: crontab's five fields, at a site's wall clock, through clock changes.
//!
//! The `cron` crate walks the calendar. It counts weekdays from 1 = Sunday, takes seconds, and joins day of month
//! and day of week by *and*; people write crontab lines, so this module reads those and translates them. It
//! also keeps the crate away from time zones: the crate skips a time that the clock jumps over, and gives one that
//! comes twice two times. Here the first runs when the clock has jumped, and the second once.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDateTime, Utc};
use chrono_tz::Tz;

/// What is wrong with a schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not five fields.
    #[error(
        "found {found} fields in `{text}`, expected 5: minute, hour, day of month, month, day of week, such as `0 6 2 * *`"
    )]
    FieldCount {
        /// The schedule.
        text: String,
        /// How many it has.
        found: usize,
    },
    /// A word after `@` that is no schedule.
    #[error(
        "found `{0}`, expected `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly` or `@annually`"
    )]
    Word(String),
    /// A field that cannot be read.
    #[error("found `{found}` as {field}, expected {expected}")]
    Field {
        /// Which field.
        field: &'static str,
        /// The field, or the part of it that is wrong.
        found: String,
        /// What could stand there.
        expected: String,
    },
    /// A schedule such as 31 February.
    #[error("found `{0}`, expected a day that comes: no month has it")]
    Never(String),
}

/// A schedule in crontab's form.
///
/// ```
/// use chrono::TimeZone;
/// use papertally::domain::Schedule;
/// let schedule = Schedule::parse("0 6 2 * *").unwrap();
/// let now = chrono_tz::Europe::London.with_ymd_and_hms(2026, 10, 24, 12, 0, 0).unwrap();
/// assert_eq!(schedule.next_after(now).unwrap().to_string(), "2026-11-02 06:00:00 GMT");
/// ```
#[derive(Clone, Debug)]
pub struct Schedule {
    text: String,
    /// One, or two where day of month and day of week are both restricted: either may fit.
    parts: Vec<cron::Schedule>,
}

/// A field of a crontab line.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
}

/// How far from a wall time read as UTC the end of a jump can lie: two days.
const JUMP_SEARCH_S: i64 = 2 * 24 * 60 * 60;

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, words: &[] },
    Field { name: "hour", least: 0, most: 23, words: &[] },
    Field { name: "day of month", least: 1, most: 31, words: &[] },
    Field { name: "month", least: 1, most: 12, words: MONTHS },
    Field { name: "day of week", least: 0, most: 7, words: WEEKDAYS },
];

impl Schedule {
    /// Reads five fields, or a word such as `@monthly`.
    pub fn parse(text: &str) -> Result<Schedule, ScheduleError> {
        let line = match text.trim() {
            word if word.starts_with('@') => {
                fields_of(word).ok_or_else(|| ScheduleError::Word(word.to_owned()))?
            }
            line => line,
        };
        let texts: Vec<&str> = line.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = texts.as_slice() else {
            return Err(ScheduleError::FieldCount { text: text.to_owned(), found: texts.len() });
        };
        let minutes = list(&FIELDS[0].read(minute)?);
        let hours = list(&FIELDS[1].read(hour)?);
        let days = list(&FIELDS[2].read(day)?);
        let months = list(&FIELDS[3].read(month)?);
        let weekdays = list(&crate_weekdays(&FIELDS[4].read(weekday)?));
        // Crontab's rule: a field that begins with `*` does not restrict, and then both must fit.
        let either = !day.starts_with('*') && !weekday.starts_with('*');
        let lines = if either {
            vec![
                format!("0 {minutes} {hours} {days} {months} *"),
                format!("0 {minutes} {hours} * {months} {weekdays}"),
            ]
        } else {
            vec![format!("0 {minutes} {hours} {days} {months} {weekdays}")]
        };
        let parts: Option<Vec<cron::Schedule>> =
            lines.iter().map(|line| cron::Schedule::from_str(line).ok()).collect();
        let never = || ScheduleError::Never(text.trim().to_owned());
        let schedule = Schedule { text: text.trim().to_owned(), parts: parts.ok_or_else(never)? };
        if schedule.wall_after(DateTime::UNIX_EPOCH.naive_utc()).is_none() {
            return Err(never());
        }
        Ok(schedule)
    }

    /// The first time that is later than `moment`; `None` only beyond the year 2100.
    pub fn next_after(&self, moment: DateTime<Tz>) -> Option<DateTime<Tz>> {
        // No wall time up to now's can still come: only the end of a jump is later than its own wall time.
        let mut wall = moment.naive_local();
        loop {
            wall = self.wall_after(wall)?;
            let next = instant(wall, moment.timezone());
            if next > moment {
                return Some(next);
            }
        }
    }

    /// The last time that is not later than `moment`: what was due by then; `None` only before 1970.
    pub fn last_at_or_before(&self, moment: DateTime<Tz>) -> Option<DateTime<Tz>> {
        // The clock may have been put back by up to a day, so later wall times may already have been.
        let mut wall = moment.naive_local().checked_add_days(Days::new(1))?;
        loop {
            wall = self.wall_before(wall)?;
            let last = instant(wall, moment.timezone());
            if last <= moment {
                return Some(last);
            }
        }
    }

    fn wall_after(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let walls = self.parts.iter().filter_map(|part| part.after(&wall.and_utc()).next());
        walls.min().map(|wall: DateTime<Utc>| wall.naive_utc())
    }

    fn wall_before(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let walls = self.parts.iter().filter_map(|part| part.after(&wall.and_utc()).next_back());
        walls.max().map(|wall: DateTime<Utc>| wall.naive_utc())
    }
}

/// The schedule as it was written.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Schedule) -> bool {
        self.text == other.text
    }
}

impl Eq for Schedule {}

/// The fields that a word stands for.
fn fields_of(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "@hourly" => Some("0 * * * *"),
        "@daily" | "@midnight" => Some("0 0 * * *"),
        "@weekly" => Some("0 0 * * 0"),
        "@monthly" => Some("0 0 1 * *"),
        "@yearly" | "@annually" => Some("0 0 1 1 *"),
        _ => None,
    }
}

impl Field {
    /// The numbers that a field names, in order.
    fn read(&self, text: &str) -> Result<Vec<u32>, ScheduleError> {
        let mut numbers = Vec::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.number(step, part, 1, self.most.max(1))?)),
                None => (part, None),
            };
            let (first, last) = match (range, range.split_once('-')) {
                ("*", _) => (self.least, self.most_distinct()),
                (_, Some((first, last))) => (self.value(first, part)?, self.value(last, part)?),
                (_, None) if step.is_some() => return Err(self.wrong(part)),
                (_, None) => (self.value(range, part)?, self.value(range, part)?),
            };
            if last < first {
                return Err(self.wrong(part));
            }
            let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1);
            numbers.extend((first..=last).step_by(step));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    /// The last number that is not another name of an earlier one: weekday 7 is weekday 0.
    fn most_distinct(&self) -> u32 {
        if self.words.len() == 7 { 6 } else { self.most }
    }

    fn value(&self, text: &str, part: &str) -> Result<u32, ScheduleError> {
        let lower = text.to_ascii_lowercase();
        match self.words.iter().position(|word| **word == lower) {
            Some(index) => u32::try_from(index).map(|index| index + self.least).map_err(|_| self.wrong(part)),
            None => self.number(text, part, self.least, self.most),
        }
    }

    fn number(&self, text: &str, part: &str, least: u32, most: u32) -> Result<u32, ScheduleError> {
        let digits = !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { text.parse::<u32>().ok() } else { None };
        number.filter(|number| (least..=most).contains(number)).ok_or_else(|| self.wrong(part))
    }

    fn wrong(&self, found: &str) -> ScheduleError {
        let (first, second) = (self.least + 1, self.least + 3);
        let mut expected = format!(
            "a number from {} to {}, a list `{first},{second}`, a range `{first}-{second}`, a step `*/2` or `*`",
            self.least, self.most
        );
        if let [word, ..] = self.words {
            expected.push_str(&format!(", or names such as `{word}`"));
        }
        ScheduleError::Field { field: self.name, found: found.to_owned(), expected }
    }
}

/// Crontab's weekdays (0 and 7 are Sunday) as the crate counts them (1 is Sunday).
fn crate_weekdays(weekdays: &[u32]) -> Vec<u32> {
    let mut days: Vec<u32> = weekdays.iter().map(|day| day % 7 + 1).collect();
    days.sort_unstable();
    days.dedup();
    days
}

fn list(numbers: &[u32]) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<String>>().join(",")
}

/// The instant of a wall time: the first where it comes twice, the end of the jump where it does not exist.
fn instant(wall: NaiveDateTime, zone: Tz) -> DateTime<Tz> {
    if let Some(found) = wall.and_local_timezone(zone).earliest() {
        return found;
    }
    // In a jump. Before it the zone's wall time is earlier than `wall`, after it later: halving finds the second.
    // No zone is more than a day from UTC, and none has jumped by more than a day.
    let moment = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap_or_default().with_timezone(&zone);
    let (mut before, mut after) =
        (wall.and_utc().timestamp() - JUMP_SEARCH_S, wall.and_utc().timestamp() + JUMP_SEARCH_S);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if moment(middle).naive_local() < wall {
            before = middle;
        } else {
            after = middle;
        }
    }
    moment(after)
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, TimeZone, Timelike};
    use chrono_tz::Europe::London;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Tz> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&London)
    }

    #[test]
    fn a_schedule_says_when_it_is_due_next_and_when_it_was_last() {
        let check = |text: &str, now: &str, next: &str, last: &str| {
            let schedule = Schedule::parse(text).unwrap();
            assert_eq!(schedule.next_after(at(now)).unwrap().to_rfc3339(), next, "{text}");
            assert_eq!(schedule.last_at_or_before(at(now)).unwrap().to_rfc3339(), last, "{text}");
        };
        check("0 6 2 * *", "2026-11-02T06:00:00Z", "2026-12-02T06:00:00+00:00", "2026-11-02T06:00:00+00:00");
        check("0 6 2 * *", "2026-11-02T05:59:59Z", "2026-11-02T06:00:00+00:00", "2026-10-02T06:00:00+01:00");
        // Monday is 1, Sunday 0 and 7: the second of November 2026 is a Monday.
        check("0 6 * * 1", "2026-10-28T12:00:00Z", "2026-11-02T06:00:00+00:00", "2026-10-26T06:00:00+00:00");
        check("0 6 * * 0", "2026-10-28T12:00:00Z", "2026-11-01T06:00:00+00:00", "2026-10-25T06:00:00+00:00");
        check("0 6 * * 7", "2026-10-28T12:00:00Z", "2026-11-01T06:00:00+00:00", "2026-10-25T06:00:00+00:00");
        check(
            "0 6 * * 5-7",
            "2026-10-26T12:00:00Z",
            "2026-10-30T06:00:00+00:00",
            "2026-10-25T06:00:00+00:00",
        );
        check(
            "0 6 * * mon-FRI/2",
            "2026-10-27T12:00:00Z",
            "2026-10-28T06:00:00+00:00",
            "2026-10-26T06:00:00+00:00",
        );
        // The 15th or a Monday.
        check("0 6 15 * 1", "2026-10-13T12:00:00Z", "2026-10-15T06:00:00+01:00", "2026-10-12T06:00:00+01:00");
        // An odd day that is a Monday: a field that begins with `*` does not make it either.
        check(
            "0 6 */2 * 1",
            "2026-10-12T12:00:00Z",
            "2026-10-19T06:00:00+01:00",
            "2026-10-05T06:00:00+01:00",
        );
        check("@monthly", "2026-10-13T12:00:00Z", "2026-11-01T00:00:00+00:00", "2026-10-01T00:00:00+01:00");
        check("@daily", "2026-10-13T12:00:00Z", "2026-10-14T00:00:00+01:00", "2026-10-13T00:00:00+01:00");
        check(
            "30 5 29 feb *",
            "2026-10-13T12:00:00Z",
            "2028-02-29T05:30:00+00:00",
            "2024-02-29T05:30:00+00:00",
        );
    }

    #[test]
    fn clock_changes_neither_skip_nor_double_a_time() {
        let check = |text: &str, from: &str, expected: [&str; 3]| {
            let schedule = Schedule::parse(text).unwrap();
            let mut now = at(from);
            let mut times = Vec::new();
            for _ in 0..3 {
                now = schedule.next_after(now).unwrap();
                assert_eq!(schedule.last_at_or_before(now), Some(now));
                times.push(now.to_rfc3339());
            }
            assert_eq!(times, expected, "{text}");
        };
        // On 29 March 2026 the clock goes from 01:00 to 02:00: what was due between runs at 02:00.
        let spring = "2026-03-28T00:00:00Z";
        check(
            "30 1 * * *",
            spring,
            ["2026-03-28T01:30:00+00:00", "2026-03-29T02:00:00+01:00", "2026-03-30T01:30:00+01:00"],
        );
        check(
            "15,45 1 * * *",
            "2026-03-28T01:20:00Z",
            ["2026-03-28T01:45:00+00:00", "2026-03-29T02:00:00+01:00", "2026-03-30T01:15:00+01:00"],
        );
        check(
            "0 1,2 29 3 *",
            spring,
            ["2026-03-29T02:00:00+01:00", "2027-03-29T01:00:00+01:00", "2027-03-29T02:00:00+01:00"],
        );
        // On 25 October 2026 it goes from 02:00 to 01:00: 01:30 comes twice and runs the first time.
        let autumn = "2026-10-24T12:00:00Z";
        check(
            "30 1 * * *",
            autumn,
            ["2026-10-25T01:30:00+01:00", "2026-10-26T01:30:00+00:00", "2026-10-27T01:30:00+00:00"],
        );
        check(
            "30 * * * *",
            "2026-10-25T00:10:00Z",
            ["2026-10-25T01:30:00+01:00", "2026-10-25T02:30:00+00:00", "2026-10-25T03:30:00+00:00"],
        );
        let schedule = Schedule::parse("30 1 * * *").unwrap();
        let second = at("2026-10-25T01:10:00Z");
        assert_eq!(second.to_rfc3339(), "2026-10-25T01:10:00+00:00");
        assert_eq!(schedule.last_at_or_before(second), Some(at("2026-10-25T00:30:00Z")));
        assert_eq!(schedule.next_after(second), Some(at("2026-10-26T01:30:00Z")));
    }

    #[test]
    fn a_whole_day_that_a_zone_left_out_runs_when_the_next_begins() {
        // Samoa had no 30 December 2011.
        let zone = chrono_tz::Pacific::Apia;
        let schedule = Schedule::parse("0 6 30 * *").unwrap();
        let before = zone.with_ymd_and_hms(2011, 12, 1, 0, 0, 0).unwrap();
        assert_eq!(schedule.next_after(before).unwrap().to_rfc3339(), "2011-12-31T00:00:00+14:00");
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_what_could_stand_there() {
        let texts = [
            "",
            "0 6 2 *",
            "0 0 6 2 * *",
            "60 6 2 * *",
            "0 24 * * *",
            "0 6 0 * *",
            "0 6 * 13 *",
            "0 6 * * 8",
            "0 6 * * mo",
            "0 6 * * 5-1",
            "0 6/2 * * *",
            "*/0 * * * *",
            "0 6 L * *",
            "0 6 ? * *",
            "1,,2 * * * *",
            "-1 * * * *",
            "0 6 31 2 *",
            "@reboot",
            "@sometimes",
        ];
        let errors: Vec<String> =
            texts.iter().map(|text| Schedule::parse(text).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(errors.join("\n"), @r##"
        found 0 fields in ``, expected 5: minute, hour, day of month, month, day of week, such as `0 6 2 * *`
        found 4 fields in `0 6 2 *`, expected 5: minute, hour, day of month, month, day of week, such as `0 6 2 * *`
        found 6 fields in `0 0 6 2 * *`, expected 5: minute, hour, day of month, month, day of week, such as `0 6 2 * *`
        found `60` as minute, expected a number from 0 to 59, a list `1,3`, a range `1-3`, a step `*/2` or `*`
        found `24` as hour, expected a number from 0 to 23, a list `1,3`, a range `1-3`, a step `*/2` or `*`
        found `0` as day of month, expected a number from 1 to 31, a list `2,4`, a range `2-4`, a step `*/2` or `*`
        found `13` as month, expected a number from 1 to 12, a list `2,4`, a range `2-4`, a step `*/2` or `*`, or names such as `jan`
        found `8` as day of week, expected a number from 0 to 7, a list `1,3`, a range `1-3`, a step `*/2` or `*`, or names such as `sun`
        found `mo` as day of week, expected a number from 0 to 7, a list `1,3`, a range `1-3`, a step `*/2` or `*`, or names such as `sun`
        found `5-1` as day of week, expected a number from 0 to 7, a list `1,3`, a range `1-3`, a step `*/2` or `*`, or names such as `sun`
        found `6/2` as hour, expected a number from 0 to 23, a list `1,3`, a range `1-3`, a step `*/2` or `*`
        found `*/0` as minute, expected a number from 0 to 59, a list `1,3`, a range `1-3`, a step `*/2` or `*`
        found `L` as day of month, expected a number from 1 to 31, a list `2,4`, a range `2-4`, a step `*/2` or `*`
        found `?` as day of month, expected a number from 1 to 31, a list `2,4`, a range `2-4`, a step `*/2` or `*`
        found `` as minute, expected a number from 0 to 59, a list `1,3`, a range `1-3`, a step `*/2` or `*`
        found `-1` as minute, expected a number from 0 to 59, a list `1,3`, a range `1-3`, a step `*/2` or `*`
        found `0 6 31 2 *`, expected a day that comes: no month has it
        found `@reboot`, expected `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly` or `@annually`
        found `@sometimes`, expected `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly` or `@annually`
        "##);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// The crate's walk through the calendar, in both directions, against asking every minute.
        #[test]
        fn due_times_are_those_that_the_fields_name(
            minute in 0u32..60, hours in proptest::collection::btree_set(0u32..24, 1..3), day in 1u32..32,
            weekday in proptest::option::of(0u32..8), start in 1_767_225_600i64..1_830_297_600,
        ) {
            let hour_list = hours.iter().map(u32::to_string).collect::<Vec<String>>().join(",");
            let weekdays = weekday.map_or("*".to_owned(), |weekday| weekday.to_string());
            let schedule = Schedule::parse(&format!("{minute} {hour_list} {day} * {weekdays}")).unwrap();
            let start = DateTime::from_timestamp(start, 0).unwrap().with_timezone(&Tz::UTC);
            let fits = |moment: &DateTime<Tz>| {
                let on_weekday = weekday.is_some_and(|weekday| moment.weekday().num_days_from_sunday() == weekday % 7);
                moment.minute() == minute && hours.contains(&moment.hour()) && (moment.day() == day || on_weekday)
            };
            let whole_minute = start.with_second(0).unwrap();
            let minutes = chrono::Duration::minutes;
            let next = (1..100_000).map(|count| whole_minute + minutes(count)).find(fits);
            prop_assert_eq!(schedule.next_after(start), next);
            let last = (0..100_000).map(|count| whole_minute - minutes(count)).find(fits);
            prop_assert_eq!(schedule.last_at_or_before(start), last);
        }
    }
}
