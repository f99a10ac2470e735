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
            "a number from {} to {}, a list `{first},{second}`, a range `{first}-{second}`, a step `*/2`, or `*`",
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
