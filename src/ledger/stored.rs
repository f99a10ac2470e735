//! How domain values stand in columns, and back.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::LedgerError;
use crate::domain::{Exact, JobState, Period, Proof, Source};

/// Wall-clock seconds of a site since 1970-01-01 00:00:00 on its clock.
pub(super) fn second_of(time: NaiveDateTime) -> i64 {
    time.and_utc().timestamp()
}

/// The wall-clock time of a stored second.
pub(super) fn time_of(second: i64) -> Result<NaiveDateTime, LedgerError> {
    DateTime::from_timestamp(second, 0)
        .map(|time| time.naive_utc())
        .ok_or_else(|| LedgerError::Unreadable { what: "a time", found: second.to_string() })
}

/// The first second of a day.
pub(super) fn day_start(day: NaiveDate) -> i64 {
    second_of(day.and_time(chrono::NaiveTime::MIN))
}

/// A state's number.
pub(super) const fn state_number(state: JobState) -> i64 {
    match state {
        JobState::Charged => 0,
        JobState::Refunded => 1,
        JobState::Denied => 2,
        JobState::NotPrinted => 3,
    }
}

/// The state of a number.
pub(super) fn state_of(number: i64) -> Result<JobState, LedgerError> {
    match number {
        0 => Ok(JobState::Charged),
        1 => Ok(JobState::Refunded),
        2 => Ok(JobState::Denied),
        3 => Ok(JobState::NotPrinted),
        other => Err(LedgerError::Unreadable { what: "a job state", found: other.to_string() }),
    }
}

/// A source's number.
pub(super) const fn source_number(source: Source) -> i64 {
    match source {
        Source::Jobs => 0,
        Source::UserSums => 1,
        Source::AccountSums => 2,
    }
}

/// The source of a number.
pub(super) fn source_of(number: i64) -> Result<Source, LedgerError> {
    match number {
        0 => Ok(Source::Jobs),
        1 => Ok(Source::UserSums),
        2 => Ok(Source::AccountSums),
        other => Err(LedgerError::Unreadable { what: "a source", found: other.to_string() }),
    }
}

/// A day from its ISO text.
pub(super) fn day_of(text: &str) -> Result<NaiveDate, LedgerError> {
    text.parse().map_err(|_| LedgerError::Unreadable { what: "a day", found: text.to_owned() })
}

/// A period from its two days.
pub(super) fn period_of(first: &str, last: &str) -> Result<Period, LedgerError> {
    Period::of_days(day_of(first)?, day_of(last)?)
        .ok_or_else(|| LedgerError::Unreadable { what: "a period", found: format!("{first}..{last}") })
}

/// A proof as text: its seven sums in 10⁻¹² parts, which a 64-bit column could not hold.
pub(super) fn proof_text(proof: &Proof) -> String {
    let parts = [
        proof.reported,
        proof.not_billable,
        proof.suspense,
        proof.allowance,
        proof.markup,
        proof.rounding,
        proof.billed,
    ];
    parts.map(|part| part.parts().to_string()).join(" ")
}

/// The proof of a text.
pub(super) fn proof_of(text: &str) -> Result<Proof, LedgerError> {
    let unreadable = || LedgerError::Unreadable { what: "a proof", found: text.to_owned() };
    let parts: Vec<Exact> = text
        .split(' ')
        .map(|part| part.parse().map(Exact::from_parts).map_err(|_| unreadable()))
        .collect::<Result<_, _>>()?;
    let [reported, not_billable, suspense, allowance, markup, rounding, billed] = parts[..] else {
        return Err(unreadable());
    };
    Ok(Proof { reported, not_billable, suspense, allowance, markup, rounding, billed })
}
