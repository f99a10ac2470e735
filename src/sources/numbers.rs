//! A workbook's doubles as texts: the decimal number that a person typed, and the moment that it may stand for.
//!
//! No arithmetic on doubles: the standard library writes the shortest decimal text, everything after that is
//! digits. A number is taken at 15 significant digits, as spreadsheets show it, so that the noise of binary
//! fractions does not become money.

use std::fmt::Write;

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};

/// Digits that a double keeps of every decimal number.
const DIGITS_MAX: usize = 15;

/// Digits of a day's fraction that count: a second is about 0.00001157 of a day.
const FRACTION_DIGITS: usize = 15;

const SECONDS_A_DAY: u128 = 86_400;

/// The years that a serial number is taken for; anything else is a number.
const YEARS: std::ops::RangeInclusive<i32> = 1995..=2099;

/// From which day a workbook counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    /// Day 1 is 1 January 1900, and a 29 February 1900 is counted that never was.
    Of1900,
    /// Day 0 is 1 January 1904.
    Of1904,
}

/// Writes a number in plain digits with a decimal point; one beyond the digits of a double with an exponent, as
/// spreadsheets show it.
pub(super) fn write_number(value: f64, into: &mut String) {
    into.clear();
    let _ = write!(into, "{value}");
    if into.len() <= DIGITS_MAX && into != "-0" {
        return;
    }
    if into == "-0" {
        into.remove(0);
    }
    let significant = into.trim_start_matches(['-', '0', '.']);
    let digits = significant.bytes().filter(u8::is_ascii_digit).count();
    if digits <= DIGITS_MAX || !value.is_finite() {
        return;
    }
    let rounded = format!("{value:.*e}", DIGITS_MAX - 1);
    into.clear();
    write_plain(&rounded, into);
}

/// `-1.23000e-2` as `-0.0123`.
fn write_plain(scientific: &str, into: &mut String) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    into.push_str(sign);
    match usize::try_from(exponent) {
        // A whole number longer than its digits: what stands in the rest of its places is not known.
        Ok(places) if places >= DIGITS_MAX => {
            let (first, rest) = digits.split_at_checked(1).unwrap_or(("0", ""));
            let point = if rest.is_empty() { "" } else { "." };
            let _ = write!(into, "{first}{point}{rest}E+{places}");
        }
        Ok(places) => {
            let whole: String = digits.chars().chain(std::iter::repeat('0')).take(places + 1).collect();
            into.push_str(&whole);
            if let Some(fraction) = digits.get(places + 1..).filter(|fraction| !fraction.is_empty()) {
                into.push('.');
                into.push_str(fraction);
            }
        }
        Err(_) => {
            let zeros = usize::try_from(exponent.unsigned_abs()).unwrap_or_default() - 1;
            into.push_str("0.");
            into.extend(std::iter::repeat_n('0', zeros));
            into.push_str(digits);
        }
    }
}

/// The moment that a number stands for, to the second; `None` where it is none of a report's years.
pub(super) fn moment_of(number: &str, epoch: Epoch) -> Option<NaiveDateTime> {
    // All days of these years have five digits; most numbers of a report end here.
    if number.len() < 5 || number.as_bytes().get(5).is_some_and(|sign| *sign != b'.') {
        return None;
    }
    let (days, fraction) = number.split_once('.').unwrap_or((number, ""));
    if days.len() != 5 || fraction.len() > FRACTION_DIGITS {
        return None;
    }
    let days: u64 = days.parse().ok()?;
    let scale = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let seconds = (fraction * SECONDS_A_DAY + scale / 2) / scale;
    let zero = match epoch {
        Epoch::Of1900 => NaiveDate::from_ymd_opt(1899, 12, 30)?,
        Epoch::Of1904 => NaiveDate::from_ymd_opt(1904, 1, 1)?,
    };
    let day = zero.checked_add_days(Days::new(days))?;
    let moment = day.and_time(NaiveTime::MIN);
    let moment = moment.checked_add_signed(TimeDelta::seconds(i64::try_from(seconds).ok()?))?;
    YEARS.contains(&moment.year()).then_some(moment)
}

/// Writes a moment as logs do, `2024-03-01 09:00:00`.
pub(super) fn write_moment(moment: Option<NaiveDateTime>, into: &mut String) {
    into.clear();
    let Some(moment) = moment else { return };
    // By hand, because a sheet may have a million of them.
    let century = u32::try_from(moment.year()).unwrap_or_default();
    for number in [century / 100, century % 100] {
        push_two(number, into);
    }
    for (sign, number) in [
        ('-', moment.month()),
        ('-', moment.day()),
        (' ', moment.hour()),
        (':', moment.minute()),
        (':', moment.second()),
    ] {
        into.push(sign);
        push_two(number, into);
    }
}

fn push_two(number: u32, into: &mut String) {
    into.extend([number / 10, number % 10].into_iter().filter_map(|digit| char::from_digit(digit, 10)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(value: f64) -> String {
        let mut text = String::new();
        write_number(value, &mut text);
        text
    }

    #[test]
    fn a_double_is_the_number_that_was_typed() {
        let check = |value: f64, expected: &str| assert_eq!(number(value), expected, "{value:?}");
        check(0.0, "0");
        check(-0.0, "0");
        check(42.0, "42");
        check(-12.5, "-12.5");
        check(1.005, "1.005");
        check(0.1 + 0.2, "0.3");
        check(1.1 * 3.0, "3.3");
        check(7.000000000000001, "7");
        check(-0.30000000000000004, "-0.3");
        check(0.000001, "0.000001");
        check(1e-7, "0.0000001");
        check(1.2345678901234567e-5, "0.0000123456789012346");
        check(999_999_999_999_999.0, "999999999999999");
        check(99_999_999_999_999.98, "100000000000000");
        check(1.23456789012345e15, "1.23456789012345E+15");
        check(4_111_111_111_111_111.0, "4.11111111111111E+15");
        check(1.91431e18, "1.91431E+18");
        check(1e300, "1E+300");
        check(f64::NAN, "NaN");
        check(f64::INFINITY, "inf");
    }

    #[test]
    fn serial_numbers_are_moments() {
        let check = |number: &str, epoch: Epoch, expected: &str| {
            let mut text = String::new();
            write_moment(moment_of(number, epoch), &mut text);
            assert_eq!(text, expected, "{number}");
        };
        check("45352.375", Epoch::Of1900, "2024-03-01 09:00:00");
        check("45352", Epoch::Of1900, "2024-03-01 00:00:00");
        check("43890.375", Epoch::Of1904, "2024-03-01 09:00:00");
        check("45537.4166666667", Epoch::Of1900, "2024-09-02 10:00:00");
        check("45537.4201388889", Epoch::Of1900, "2024-09-02 10:05:00");
        check("45352.9999999999", Epoch::Of1900, "2024-03-02 00:00:00");
        for no_moment in ["60", "0.375", "-45352", "1.5E+18", "123456", "", "x", "45352.x"] {
            check(no_moment, Epoch::Of1900, "");
        }
    }

    proptest! {
        #[test]
        fn what_was_typed_comes_back(whole in -999_999_999i64..999_999_999, decimals in 0u32..1_000_000) {
            let typed = format!("{whole}.{decimals:06}");
            let shown = number(typed.parse().unwrap());
            let (left, right): (f64, f64) = (typed.parse().unwrap(), shown.parse().unwrap());
            prop_assert_eq!(left.to_bits(), right.to_bits());
            prop_assert_eq!(shown.trim_start_matches('-').contains(['-', 'E']), false);
        }

        #[test]
        fn nothing_panics(bits in any::<u64>(), text in "\\PC{0,20}") {
            let shown = number(f64::from_bits(bits));
            let _ = (moment_of(&shown, Epoch::Of1900), moment_of(&text, Epoch::Of1904));
        }
    }
}
