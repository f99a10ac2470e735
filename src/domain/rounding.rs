//! The one rounding: an exact amount becomes an invoice line's amount.
//!
//! Half away from zero, to the currency's decimals, once for each line; what was cut off or added is kept as
//! the remainder and shown. Nothing else in papertally rounds.

use super::money::{Exact, Money};

/// A rounded amount and what rounding took: `exact = rounded + remainder`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounded {
    /// The amount with the currency's decimals.
    pub rounded: Money,
    /// Exact minus rounded.
    pub remainder: Exact,
}

/// Rounds half away from zero to `decimals` decimals (at most six).
///
/// Returns `None` where the amount does not fit into [`Money`].
///
/// ```
/// use papertally::domain::{round, Exact, Money};
/// let exact = Exact::from("1.625".parse::<Money>().unwrap());
/// let line = round(exact, 2).unwrap();
/// assert_eq!(line.rounded.to_string(), "1.63");
/// assert_eq!(line.remainder.to_string(), "-0.005");
/// ```
pub fn round(exact: Exact, decimals: u32) -> Option<Rounded> {
    let step = 10_i128.pow(12 - decimals.min(6));
    let whole = exact.parts() / step;
    let rest = exact.parts() % step;
    let away = if rest.abs() * 2 >= step { rest.signum() } else { 0 };
    let parts = (whole + away) * step;
    let rounded = Money::from_millionths(i64::try_from(parts / 1_000_000).ok()?);
    Some(Rounded { rounded, remainder: exact - Exact::from_parts(parts) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_go_away_from_zero() {
        let check = |exact: &str, decimals: u32, expected: &str| {
            let exact = Exact::from(exact.parse::<Money>().unwrap());
            assert_eq!(round(exact, decimals).unwrap().rounded.to_text(decimals), expected);
        };
        check("0.125", 2, "0.13");
        check("-0.125", 2, "-0.13");
        check("0.124999", 2, "0.12");
        check("8.6957", 2, "8.70");
        check("2.5", 0, "3");
        check("1.2345", 3, "1.235");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_line_moves_by_more_than_half_a_step(
            parts in -1_000_000_000_000_000_000i128..1_000_000_000_000_000_000, decimals in 0u32..=6,
        ) {
            let exact = Exact::from_parts(parts);
            let Rounded { rounded, remainder } = round(exact, decimals).unwrap();
            prop_assert_eq!(Exact::from(rounded) + remainder, exact);
            prop_assert!(remainder.parts().abs() * 2 <= 10i128.pow(12 - decimals));
        }
    }
}
