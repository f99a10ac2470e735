//! Amounts and page numbers as people and locales write them, to exact money.
//!
//! Whether a point or a comma is the decimal mark is decided by the whole file (`survey.rs`), with
//! [`evidence`] from each text; this file applies the decision. Nothing is rounded, and no empty text is zero.

use crate::domain::{CELL_UNITS_MAX, Currency, DecimalMark, MILLIONTHS, Money};

use super::date::is_blank;

/// Decimals that money holds.
const DECIMALS_MAX: usize = 6;

/// Currency signs and words beside the three-letter codes, and the currencies that write them.
const SIGNS: [(&str, &str); 20] = [
    ("€", "EUR"),
    ("£", "GBP EGP GIP"),
    ("$", "USD AUD CAD NZD SGD HKD MXN CLP COP ARS TWD"),
    ("US$", "USD"),
    ("A$", "AUD"),
    ("CA$", "CAD"),
    ("C$", "CAD"),
    ("NZ$", "NZD"),
    ("S$", "SGD"),
    ("HK$", "HKD"),
    ("R$", "BRL"),
    ("R", "ZAR"),
    ("kr", "SEK NOK DKK ISK"),
    ("kr.", "DKK"),
    ("zł", "PLN"),
    ("¥", "JPY CNY"),
    ("￥", "JPY CNY"),
    ("SFr.", "CHF"),
    ("Fr.", "CHF"),
    ("₹", "INR"),
];

/// What stands where an amount is expected instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AmountFault {
    /// Nothing.
    Empty,
    /// No decimal number, with the signs and grouping that are known.
    NotANumber,
    /// More decimals than money holds.
    TooPrecise,
    /// Larger than any cell may be.
    OutOfRange,
    /// The sign or code of another currency.
    OtherCurrency(Currency),
}

impl AmountFault {
    /// What should stand there.
    pub(super) fn expected(self) -> String {
        match self {
            AmountFault::Empty | AmountFault::NotANumber => "a decimal number".to_owned(),
            AmountFault::TooPrecise => format!("an amount of at most {DECIMALS_MAX} decimals"),
            AmountFault::OutOfRange => format!("an amount of at most {CELL_UNITS_MAX}"),
            AmountFault::OtherCurrency(currency) => format!("an amount in {currency}"),
        }
    }
}

/// What a text tells of the decimal mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// It has neither mark, or is no number.
    None,
    /// The decimal mark can only be this.
    Decides(DecimalMark),
    /// One mark with three digits after it: grouping or decimals.
    Ambiguous(DecimalMark),
}

/// Reads an amount. `mark` is `None` where no text of the file has a mark.
pub(super) fn read(
    text: &str,
    mark: Option<DecimalMark>,
    currency: Option<Currency>,
) -> Result<Money, AmountFault> {
    if let Some(money) = read_plain(text.as_bytes(), mark) {
        return Ok(money);
    }
    let dressed = undress(text)?;
    if let (Some(ours), Some(sign)) = (currency, dressed.currency)
        && !names(sign, ours)
    {
        return Err(AmountFault::OtherCurrency(ours));
    }
    let (whole, decimals) = split_at_mark(dressed.core, mark).ok_or(AmountFault::NotANumber)?;
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > DECIMALS_MAX {
        return Err(AmountFault::TooPrecise);
    }
    let padding = std::iter::repeat_n(b'0', DECIMALS_MAX - decimals.len());
    let digits = whole.bytes().filter(u8::is_ascii_digit).chain(decimals.bytes()).chain(padding);
    let size = number(digits).filter(|size| *size <= CELL_UNITS_MAX * MILLIONTHS);
    let size = size.ok_or(AmountFault::OutOfRange)?;
    Ok(Money::from_millionths(if dressed.negative { -size } else { size }))
}

/// The currency that stands with an amount, as it is written.
pub(super) fn currency_of(text: &str) -> Option<&str> {
    undress(text).ok().and_then(|dressed| dressed.currency)
}

/// Reads a whole number such as a number of pages, grouped or with decimals that are zero.
pub(super) fn read_count(text: &str, mark: Option<DecimalMark>) -> Option<u32> {
    let bytes = text.as_bytes();
    if !bytes.is_empty() && bytes.len() <= 9 && bytes.iter().all(u8::is_ascii_digit) {
        return bytes.iter().try_fold(0u32, |sum, digit| Some(sum * 10 + u32::from(digit - b'0')));
    }
    let text = text.trim_matches(is_blank);
    let (whole, decimals) = split_at_mark(text, mark)?;
    let digits = whole.bytes().filter(u8::is_ascii_digit);
    decimals.bytes().all(|digit| digit == b'0').then(|| number(digits)).flatten()?.try_into().ok()
}

/// What a text tells of the decimal mark of its file.
pub(super) fn evidence(text: &str) -> Evidence {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Evidence::None;
    }
    let Ok(dressed) = undress(text) else { return Evidence::None };
    let core = dressed.core;
    let marks = [DecimalMark::Point, DecimalMark::Comma];
    let mut fitting = marks.into_iter().filter(|mark| split_at_mark(core, Some(*mark)).is_some());
    match (fitting.next(), fitting.next()) {
        (Some(mark), None) if core.contains(['.', ',']) => Evidence::Decides(mark),
        (Some(_), Some(_)) if core.contains('.') => Evidence::Ambiguous(DecimalMark::Point),
        (Some(_), Some(_)) if core.contains(',') => Evidence::Ambiguous(DecimalMark::Comma),
        _ => Evidence::None,
    }
}

/// What a whole number such as a number of pages tells: a mark before three digits groups them.
pub(super) fn count_evidence(text: &str) -> Evidence {
    let text = text.trim_matches(is_blank);
    if !text.contains(['.', ',']) {
        return Evidence::None;
    }
    let fits = |mark| read_count(text, Some(mark)).is_some();
    match (fits(DecimalMark::Point), fits(DecimalMark::Comma)) {
        (true, false) => Evidence::Decides(DecimalMark::Point),
        (false, true) => Evidence::Decides(DecimalMark::Comma),
        (true, true) if text.contains('.') => Evidence::Ambiguous(DecimalMark::Point),
        (true, true) => Evidence::Ambiguous(DecimalMark::Comma),
        (false, false) => Evidence::None,
    }
}

/// What an amount tells whose mark is one of these, for the many plain ones.
#[inline]
pub(super) fn is_plain_evidence(text: &str, mark: u8) -> bool {
    let bytes = text.as_bytes();
    let Some(at) = bytes.iter().position(|byte| !byte.is_ascii_digit()) else { return false };
    let decimals = bytes.len() - at - 1;
    at > 0
        && bytes.get(at) == Some(&mark)
        && matches!(decimals, 1 | 2 | 4)
        && bytes.get(at + 1..).unwrap_or_default().iter().all(u8::is_ascii_digit)
}

/// Plain digits with at most one decimal mark, without the long way.
#[inline]
fn read_plain(bytes: &[u8], mark: Option<DecimalMark>) -> Option<Money> {
    const SCALE: [i64; DECIMALS_MAX + 1] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    if bytes.is_empty() || bytes.len() > 12 {
        return None;
    }
    let sign = match mark {
        Some(DecimalMark::Comma) => b',',
        Some(DecimalMark::Point) | None => b'.',
    };
    let mut value: i64 = 0;
    let mut decimals_from = None;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte.is_ascii_digit() {
            value = value * 10 + i64::from(byte - b'0');
        } else if byte == sign && mark.is_some() && decimals_from.is_none() && at > 0 {
            decimals_from = Some(at + 1);
        } else {
            return None;
        }
    }
    let decimals = match decimals_from {
        Some(from) if from == bytes.len() => return None,
        Some(from) => bytes.len() - from,
        None => 0,
    };
    let millionths = value * SCALE.get(decimals)?;
    (millionths <= CELL_UNITS_MAX * MILLIONTHS).then(|| Money::from_millionths(millionths))
}

/// An amount without its signs.
struct Dressed<'a> {
    negative: bool,
    core: &'a str,
    currency: Option<&'a str>,
}

/// Takes minus, brackets and currency off, in any order, each once.
fn undress(text: &str) -> Result<Dressed<'_>, AmountFault> {
    let mut core = text.trim_matches(is_blank);
    if core.is_empty() {
        return Err(AmountFault::Empty);
    }
    let (mut signs, mut minus, mut currency) = (0, false, None);
    loop {
        core = core.trim_matches(is_blank);
        let minus_sign = ['-', '\u{2212}', '\u{2013}'];
        if let Some(rest) = core.strip_prefix(minus_sign).or_else(|| core.strip_suffix(minus_sign)) {
            core = rest;
            (signs, minus) = (signs + 1, true);
        } else if let Some(rest) = core.strip_prefix('+') {
            core = rest;
            signs += 1;
        } else if let Some(rest) = core.strip_prefix('(') {
            core = rest.strip_suffix(')').ok_or(AmountFault::NotANumber)?;
            (signs, minus) = (signs + 1, true);
        } else if let Some((rest, found)) = take_currency(core) {
            if currency.replace(found).is_some() {
                return Err(AmountFault::NotANumber);
            }
            core = rest;
        } else {
            break;
        }
    }
    // Two of them would be a riddle: `(-5)`.
    let bare = core.starts_with(is_core) && core.ends_with(|sign: char| sign.is_ascii_digit());
    if signs > 1 || !bare {
        return Err(AmountFault::NotANumber);
    }
    Ok(Dressed { negative: minus, core, currency })
}

fn is_core(sign: char) -> bool {
    sign.is_ascii_digit() || sign == '.' || sign == ','
}

/// A known currency in front or behind.
fn take_currency(text: &str) -> Option<(&str, &str)> {
    let is_sign =
        |sign: char| !sign.is_ascii_digit() && !"()-+\u{2212}\u{2013},".contains(sign) && !is_blank(sign);
    let front = text.find(|sign| !is_sign(sign)).unwrap_or(text.len());
    let (sign, rest) = text.split_at(front);
    if is_currency(sign) {
        return Some((rest, sign));
    }
    let back = text
        .rfind(|sign| !is_sign(sign))
        .map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8));
    let (rest, sign) = text.split_at(back);
    is_currency(sign).then_some((rest, sign))
}

fn is_currency(text: &str) -> bool {
    SIGNS.iter().any(|(sign, _)| *sign == text) || Currency::new(text).is_some()
}

/// Whether the sign or code can stand for the currency.
pub(super) fn names(sign: &str, currency: Currency) -> bool {
    let of_sign = SIGNS.iter().find(|(known, _)| *known == sign);
    let codes = of_sign.map_or(sign, |(_, codes)| codes);
    codes.split(' ').any(|code| code == currency.code())
}

/// The whole part, perhaps grouped, and the decimals; `None` where the text is no number with that mark.
fn split_at_mark(core: &str, mark: Option<DecimalMark>) -> Option<(&str, &str)> {
    let (sign, group) = match mark {
        Some(DecimalMark::Point) => (Some('.'), ','),
        Some(DecimalMark::Comma) => (Some(','), '.'),
        None => (None, '\''),
    };
    let (whole, decimals) = match sign.and_then(|sign| core.split_once(sign)) {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (core, ""),
    };
    let is_group = |sign: char| sign == group || "'\u{2019}".contains(sign) || is_blank(sign);
    let mut groups = whole.split(is_group);
    let first = groups.next().unwrap_or_default();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = whole.len() > first.len();
    let lead = !grouped || (1..=3).contains(&first.len()) && !first.starts_with('0');
    let rest = groups.all(|part| part.len() == 3 && digits(part));
    let one_sign = {
        let mut signs = whole.chars().filter(|sign| is_group(*sign));
        let first = signs.next();
        signs.all(|sign| Some(sign) == first)
    };
    let some = !whole.is_empty() || !decimals.is_empty();
    (some && lead && rest && one_sign && digits(first) && digits(decimals)).then_some((whole, decimals))
}

fn number(digits: impl Iterator<Item = u8>) -> Option<i64> {
    let mut value: i64 = 0;
    for digit in digits {
        value = value.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POINT: Option<DecimalMark> = Some(DecimalMark::Point);
    const COMMA: Option<DecimalMark> = Some(DecimalMark::Comma);

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        let check = |text: &str, mark: Option<DecimalMark>, expected: Result<&str, AmountFault>| {
            let read = read(text, mark, None).map(|money| money.to_string());
            assert_eq!(read, expected.map(str::to_owned), "{text:?}");
        };
        check("0.10", POINT, Ok("0.10"));
        check("1.250", POINT, Ok("1.25"));
        check("1.250", COMMA, Ok("1250.00"));
        check("1.234.567", COMMA, Ok("1234567.00"));
        check("1.488,69", COMMA, Ok("1488.69"));
        check("1,234.50", POINT, Ok("1234.50"));
        check("1'234.50", POINT, Ok("1234.50"));
        check("CHF 1\u{2019}234.50", POINT, Ok("1234.50"));
        check("1\u{a0}234,50", COMMA, Ok("1234.50"));
        check("4\u{a0}711,98 €", COMMA, Ok("4711.98"));
        check("\u{2212}1 234,50\u{a0}kr", COMMA, Ok("-1234.50"));
        check("€ 1.234,50-", COMMA, Ok("-1234.50"));
        check("(1 234,50$)", COMMA, Ok("-1234.50"));
        check("SFr.-1'234.50", POINT, Ok("-1234.50"));
        check("R-1,234.50", POINT, Ok("-1234.50"));
        check("-1.234,50 kr.", COMMA, Ok("-1234.50"));
        check(" -110.7 €", POINT, Ok("-110.70"));
        check("($900.23)", POINT, Ok("-900.23"));
        check("$(12.34)", POINT, Ok("-12.34"));
        check("12.50-", POINT, Ok("-12.50"));
        check("-$3.00", POINT, Ok("-3.00"));
        check(".5", POINT, Ok("0.50"));
        check("1000000000", None, Ok("1000000000.00"));
        check("0.0000010", POINT, Ok("0.000001"));
        check("0.0000001", POINT, Err(AmountFault::TooPrecise));
        check("1000000000.000001", POINT, Err(AmountFault::OutOfRange));
        check("99999999999999999999999", POINT, Err(AmountFault::OutOfRange));
        check("", POINT, Err(AmountFault::Empty));
        check(" \u{a0}", POINT, Err(AmountFault::Empty));
        for wrong in [
            "(-5)",
            "--5",
            "1.2.3",
            "1.",
            "-",
            "€",
            "1,23.4",
            "1,2345.00",
            "1E+05",
            "n/a",
            "1 2",
            "(5",
            "€5€",
            "0,123.5",
        ] {
            check(wrong, POINT, Err(AmountFault::NotANumber));
        }
        check("1.5", None, Err(AmountFault::NotANumber));
    }

    #[test]
    fn another_currency_is_not_ours() {
        let check = |text: &str, ours: &str, expected: bool| {
            let ours = Currency::new(ours).unwrap();
            assert_eq!(read(text, POINT, Some(ours)).is_ok(), expected, "{text} in {ours}");
        };
        check("$1.50", "AUD", true);
        check("$1.50", "EUR", false);
        check("1.50 EUR", "EUR", true);
        check("EUR1.50", "GBP", false);
        check("1.50", "GBP", true);
        check("1.50 kr", "NOK", true);
    }

    #[test]
    fn the_decimal_mark_is_told_or_not() {
        let check = |text: &str, expected: Evidence| assert_eq!(evidence(text), expected, "{text}");
        check("236,48", Evidence::Decides(DecimalMark::Comma));
        check("1.488,69", Evidence::Decides(DecimalMark::Comma));
        check("1.234.567", Evidence::Decides(DecimalMark::Comma));
        check("0.125", Evidence::Decides(DecimalMark::Point));
        check("1234.125", Evidence::Decides(DecimalMark::Point));
        check("(12.5)", Evidence::Decides(DecimalMark::Point));
        check("1.250", Evidence::Ambiguous(DecimalMark::Point));
        check("€ 1,250", Evidence::Ambiguous(DecimalMark::Comma));
        check("1'234", Evidence::None);
        check("1250", Evidence::None);
        check("1.2.3", Evidence::None);
        check("Total", Evidence::None);
    }

    #[test]
    fn counts_are_whole() {
        assert_eq!(read_count("12", None), Some(12));
        assert_eq!(read_count("1.204", COMMA), Some(1204));
        assert_eq!(read_count("1.204", POINT), None);
        assert_eq!(read_count("3.0", POINT), Some(3));
        for wrong in ["", "-1", "1,5", "x", "99999999999"] {
            assert_eq!(read_count(wrong, COMMA), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_both_ways_agree(text in "[-0-9.,' €$()]{0,14}") {
            for mark in [None, POINT, COMMA] {
                if let Some(short) = read_plain(text.as_bytes(), mark) {
                    let padded = format!(" {text}");
                    prop_assert_eq!(read(&padded, mark, None), Ok(short));
                }
                let _ = (read(&text, mark, None), read_count(&text, mark), evidence(&text));
            }
        }

        #[test]
        fn plain_evidence_is_evidence(text in "[0-9]{0,4}[.,]?[0-9]{0,5}") {
            if is_plain_evidence(&text, b'.') {
                prop_assert_eq!(evidence(&text), Evidence::Decides(DecimalMark::Point));
            }
        }
    }
}
