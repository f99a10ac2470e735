//! Money as a whole number of millionths, and exact products of it.
//!
//! PaperCut prices pages in fractions of a cent, so a cent is not fine enough and a double is not exact.
//! [`Money`] is what reports, plans and invoice lines hold. [`Exact`] is what a calculation holds between
//! a report's amounts and the one rounding of an invoice line (`rounding.rs`): a product of an amount and
//! a rate needs twelve decimals. Neither knows a currency: a site has one, and sums never leave a site.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// Millionths in one unit of a currency.
pub const MILLIONTHS: i64 = 1_000_000;

/// The largest amount that one cell of a report or directory may hold, in whole units.
///
/// A print job never costs this much in any currency; a larger number is a misread column. The bound also
/// keeps nine billion such cells inside an `i64`.
pub const CELL_UNITS_MAX: i64 = 1_000_000_000;

/// An amount of money in millionths of the site's currency.
///
/// ```
/// use papertally::domain::Money;
/// assert_eq!("12.4".parse::<Money>().unwrap().to_string(), "12.40");
/// assert_eq!("-0.005".parse::<Money>().unwrap().millionths(), -5_000);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// What is wrong with a text that should be an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not digits with at most one decimal point and a leading minus.
    #[error("found `{0}`, expected a decimal number")]
    NotANumber(String),
    /// More decimals than a millionth holds; never rounded.
    #[error("found `{0}`, expected at most six decimals")]
    TooPrecise(String),
    /// Larger than [`CELL_UNITS_MAX`], or a sum that does not fit.
    #[error("found `{0}`, expected an amount of at most {CELL_UNITS_MAX}")]
    OutOfRange(String),
}

impl Money {
    /// No money.
    pub const ZERO: Money = Money(0);

    /// An amount from its millionths.
    pub const fn from_millionths(millionths: i64) -> Money {
        Money(millionths)
    }

    /// The amount in millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// The sum, or `None` where it does not fit.
    pub const fn checked_add(self, other: Money) -> Option<Money> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Money(sum)),
            None => None,
        }
    }

    /// Whether the amount is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether the amount is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The amount without its sign.
    pub const fn abs(self) -> Money {
        Money(self.0.abs())
    }

    /// The amount times a whole number, exactly.
    pub fn times(self, count: i64) -> Exact {
        Exact(i128::from(self.0) * i128::from(count) * i128::from(MILLIONTHS))
    }

    /// The amount times a rate, exactly.
    pub fn at(self, rate: Rate) -> Exact {
        Exact(i128::from(self.0) * i128::from(rate.0))
    }

    /// The amount with at least `decimals` decimals, and more only where they are not zero.
    pub fn to_text(self, decimals: u32) -> String {
        Exact::from(self).to_text(decimals)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(2))
    }
}

impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(-self.0)
    }
}

/// Reads `-?digits[.digits]`: the form in which papertally writes amounts, in configuration and in code.
/// Reports are read by `sources`, which knows decimal commas, grouping and signs.
impl std::str::FromStr for Money {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Money, MoneyError> {
        let millionths = parse_scaled(text, 6).map_err(|fault| fault.of(text))?;
        if millionths.abs() > CELL_UNITS_MAX * MILLIONTHS {
            return Err(MoneyError::OutOfRange(text.to_owned()));
        }
        Ok(Money(millionths))
    }
}

/// A rate as a fraction in millionths: 20 % is 200,000.
///
/// ```
/// use papertally::domain::{Money, Rate};
/// let vat = Rate::from_percent("20").unwrap();
/// let net: Money = "1.63".parse().unwrap();
/// assert_eq!(net.at(vat).to_string(), "0.326");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(i64);

impl Rate {
    /// Nothing.
    pub const ZERO: Rate = Rate(0);

    /// A rate from its millionths.
    pub const fn from_millionths(millionths: i64) -> Rate {
        Rate(millionths)
    }

    /// The rate in millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// Reads a percentage with up to four decimals, such as `20` or `8.125`.
    pub fn from_percent(text: &str) -> Result<Rate, MoneyError> {
        parse_scaled(text, 4).map(Rate).map_err(|fault| fault.of(text))
    }

    /// The percentage without trailing zeros, such as `20` or `8.125`.
    pub fn percent(self) -> String {
        Exact(i128::from(self.0) * 100 * i128::from(MILLIONTHS)).to_text(0)
    }
}

/// An exact amount between a report and the rounding of a line, in millionths of a millionth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exact(i128);

impl Exact {
    /// No money.
    pub const ZERO: Exact = Exact(0);

    /// An exact amount from its 10⁻¹² parts.
    pub const fn from_parts(parts: i128) -> Exact {
        Exact(parts)
    }

    /// The amount in 10⁻¹² parts.
    pub const fn parts(self) -> i128 {
        self.0
    }

    /// Whether the amount is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether the amount is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The amount as money, for sums of whole millionths. What is finer is cut off, and what is out of range
    /// stops at the ends: neither happens to a sum of jobs, whose cells and reports are bounded.
    pub fn to_money(self) -> Money {
        let millionths = self.0 / i128::from(MILLIONTHS);
        Money(i64::try_from(millionths).unwrap_or(if millionths < 0 { i64::MIN } else { i64::MAX }))
    }

    /// The amount with at least `decimals` decimals, and more only where they are not zero.
    pub fn to_text(self, decimals: u32) -> String {
        const UNIT: u128 = 1_000_000_000_000;
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        let mut fraction = format!("{:012}", size % UNIT);
        let at_least = usize::try_from(decimals).unwrap_or(12).min(12);
        let used = fraction.trim_end_matches('0').len();
        fraction.truncate(used.max(at_least));
        let whole = size / UNIT;
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(2))
    }
}

impl From<Money> for Exact {
    fn from(money: Money) -> Exact {
        Exact(i128::from(money.0) * i128::from(MILLIONTHS))
    }
}

impl Add for Exact {
    type Output = Exact;
    fn add(self, other: Exact) -> Exact {
        Exact(self.0 + other.0)
    }
}

impl Sub for Exact {
    type Output = Exact;
    fn sub(self, other: Exact) -> Exact {
        Exact(self.0 - other.0)
    }
}

impl Neg for Exact {
    type Output = Exact;
    fn neg(self) -> Exact {
        Exact(-self.0)
    }
}

impl AddAssign for Exact {
    fn add_assign(&mut self, other: Exact) {
        self.0 += other.0;
    }
}

impl SubAssign for Exact {
    fn sub_assign(&mut self, other: Exact) {
        self.0 -= other.0;
    }
}

impl Sum for Exact {
    fn sum<I: Iterator<Item = Exact>>(parts: I) -> Exact {
        parts.fold(Exact::ZERO, Add::add)
    }
}

/// Why a scaled number could not be read; the text is added by the caller.
enum Fault {
    NotANumber,
    TooPrecise,
    OutOfRange,
}

impl Fault {
    fn of(self, text: &str) -> MoneyError {
        match self {
            Fault::NotANumber => MoneyError::NotANumber(text.to_owned()),
            Fault::TooPrecise => MoneyError::TooPrecise(text.to_owned()),
            Fault::OutOfRange => MoneyError::OutOfRange(text.to_owned()),
        }
    }
}

/// Reads `-?digits[.digits]` as a whole number of 10⁻ˢᶜᵃˡᵉ parts.
fn parse_scaled(text: &str, scale: usize) -> Result<i64, Fault> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let unfinished = whole.is_empty() || (fraction.is_empty() && digits.contains('.'));
    if unfinished || !all_digits(whole) || !all_digits(fraction) {
        return Err(Fault::NotANumber);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > scale {
        return Err(Fault::TooPrecise);
    }
    let mut value: i64 = 0;
    let padding = std::iter::repeat_n(b'0', scale - fraction.len());
    for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
        value = value
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(i64::from(digit - b'0')))
            .ok_or(Fault::OutOfRange)?;
    }
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_read_exactly_or_refused() {
        let check = |text: &str, expected: Result<i64, &str>| {
            let read = text.parse::<Money>().map(Money::millionths).map_err(|error| error.to_string());
            assert_eq!(read, expected.map_err(str::to_owned), "{text}");
        };
        check("0", Ok(0));
        check("12.4", Ok(12_400_000));
        check("-0.000001", Ok(-1));
        check("1.0000000", Ok(1_000_000));
        check("1000000000", Ok(1_000_000_000_000_000));
        check("1000000000.01", Err("found `1000000000.01`, expected an amount of at most 1000000000"));
        check("0.0000001", Err("found `0.0000001`, expected at most six decimals"));
        check("", Err("found ``, expected a decimal number"));
        check("1.", Err("found `1.`, expected a decimal number"));
        check(".5", Err("found `.5`, expected a decimal number"));
        check("1,5", Err("found `1,5`, expected a decimal number"));
        check(
            "99999999999999999999",
            Err("found `99999999999999999999`, expected an amount of at most 1000000000"),
        );
    }

    #[test]
    fn amounts_show_two_decimals_and_more_only_where_needed() {
        assert_eq!(Money::from_millionths(142_500).to_string(), "0.1425");
        assert_eq!(Money::from_millionths(-2_000_000).to_string(), "-2.00");
        assert_eq!(Money::from_millionths(1_200_000_000).to_text(0), "1200");
        assert_eq!(Rate::from_percent("8.1250").unwrap().percent(), "8.125");
    }

    proptest! {
        #[test]
        fn writing_and_reading_gives_the_same_amount(millionths in -1_000_000_000_000_000i64..=1_000_000_000_000_000) {
            let money = Money::from_millionths(millionths);
            prop_assert_eq!(money.to_string().parse::<Money>().unwrap(), money);
        }
    }
}
