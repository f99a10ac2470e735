//! Amounts and counts as people read them: grouped digits, the currency's decimals, and more only where
//! they are not zero. Files for machines use `to_text` of the money types instead.

use crate::domain::{Currency, Exact};

/// An amount such as `1,204.50`; a proof's part may show more decimals.
pub(super) fn amount(value: impl Into<Exact>, currency: Currency) -> String {
    amount_at(value, currency.decimals())
}

/// An amount with at least `decimals` decimals.
pub(super) fn amount_at(value: impl Into<Exact>, decimals: u32) -> String {
    grouped(&value.into().to_text(decimals))
}

/// An amount with its currency, such as `GBP 1,204.50`.
pub(super) fn amount_of(value: impl Into<Exact>, currency: Currency) -> String {
    format!("{currency} {}", amount(value, currency))
}

/// A count such as `1,204`.
pub(super) fn count(value: i64) -> String {
    grouped(&value.to_string())
}

/// `1 payer`, `2 payers`.
pub(super) fn counted(value: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(value), if value == 1 { one } else { many })
}

/// A collection's length as a count.
pub(super) fn length<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

/// Puts a comma between groups of three digits before the decimal point.
fn grouped(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let mut text = String::from(sign);
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Money;

    #[test]
    fn amounts_are_grouped_and_keep_every_decimal_that_is_not_zero() {
        let check = |text: &str, currency: &str, expected: &str| {
            let money: Money = text.parse().unwrap();
            assert_eq!(amount(money, Currency::new(currency).unwrap()), expected);
        };
        check("0", "GBP", "0.00");
        check("1204.5", "GBP", "1,204.50");
        check("-999", "GBP", "-999.00");
        check("-1234567.005", "GBP", "-1,234,567.005");
        check("1200", "JPY", "1,200");
        check("1.5", "KWD", "1.500");
    }

    #[test]
    fn counts_agree_with_their_word() {
        assert_eq!(counted(1, "payer", "payers"), "1 payer");
        assert_eq!(counted(0, "payer", "payers"), "0 payers");
        assert_eq!(counted(12_345, "payer", "payers"), "12,345 payers");
    }

    proptest! {
        #[test]
        fn grouping_changes_no_digit(number in "-?[0-9]{1,19}(\\.[0-9]{1,12})?") {
            prop_assert_eq!(grouped(&number).replace(',', ""), number);
        }
    }
}
