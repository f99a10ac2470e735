//! Dates and times as PaperCut servers write them, in any of the known locales.
//!
//! A text is first taken apart without deciding between day and month ([`Written`]); the order is decided by
//! the whole column and the period line (`survey.rs`) and applied afterwards. The forms are those of Java's
//! medium and short styles, in the older and the newer locale data, and ISO 8601.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::domain::DateOrder;

/// The years that a report's dates can lie in. Anything else is a misread number.
const YEARS: std::ops::RangeInclusive<i32> = 1995..=2099;

/// The earliest year that a year of two digits stands for when the order is being decided. The product is
/// older, but nobody bills that far back, and the bound settles most columns of short dates.
const SHORT_YEAR_MIN: u16 = 15;

/// A date and time as it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    date: WrittenDate,
    /// `None` where only a day stands there.
    pub(super) time: Option<NaiveTime>,
    /// Minutes east of UTC, where an offset or `Z` stands there.
    pub(super) offset_minutes: Option<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WrittenDate {
    /// The year has four digits and stands first, or the month is a word.
    Known(NaiveDate, Option<DateOrder>),
    /// Three numbers.
    Numbers { numbers: [u16; 3], year_last: bool, dots: bool },
}

impl Written {
    /// Takes a text apart; `None` where it is no date.
    pub(super) fn read(text: &str) -> Option<Written> {
        let mut scan = Scan { rest: text.trim_matches(is_blank) };
        if let Some(written) = scan.compact() {
            return Some(written);
        }
        let date = scan.date()?;
        scan.skip(|sign| is_blank(sign) || sign == ',' || sign == 'T');
        let time = if scan.rest.is_empty() { None } else { Some(scan.time()?) };
        let offset_minutes = if scan.rest.is_empty() { None } else { Some(scan.offset()?) };
        scan.rest.is_empty().then_some(Written { date, time, offset_minutes })
    }

    /// The orders in which it is a date, without regard to anything else.
    pub(super) fn orders(&self) -> Vec<DateOrder> {
        let (numbers, year_last) = match self.date {
            WrittenDate::Known(_, order) => return order.into_iter().collect(),
            WrittenDate::Numbers { numbers, year_last, .. } => (numbers, year_last),
        };
        let all = [DateOrder::Ymd, DateOrder::Dmy, DateOrder::Mdy];
        let possible: Vec<DateOrder> = all.into_iter().filter(|order| self.day(*order).is_some()).collect();
        let plausible = |order: &DateOrder| {
            let year = if *order == DateOrder::Ymd { numbers[0] } else { numbers[2] };
            year_last || year >= SHORT_YEAR_MIN
        };
        let likely: Vec<DateOrder> = possible.iter().copied().filter(plausible).collect();
        if likely.is_empty() { possible } else { likely }
    }

    /// The day, where only one reading is possible.
    pub(super) fn only_day(&self) -> Option<NaiveDate> {
        match self.date {
            WrittenDate::Known(day, _) => Some(day),
            WrittenDate::Numbers { .. } => match self.orders().as_slice() {
                [only] => self.day(*only),
                _ => None,
            },
        }
    }

    /// Whether the order of the column decides nothing here.
    pub(super) fn is_known(&self) -> bool {
        matches!(self.date, WrittenDate::Known(..))
    }

    /// The day, read in that order where it has numbers only.
    pub(super) fn day(&self, order: DateOrder) -> Option<NaiveDate> {
        let (numbers, year_last, dots) = match self.date {
            WrittenDate::Known(day, _) => return Some(day),
            WrittenDate::Numbers { numbers, year_last, dots } => (numbers, year_last, dots),
        };
        let [first, second, third] = numbers;
        let (year, month, day) = match order {
            DateOrder::Ymd if year_last => return None,
            DateOrder::Ymd => (first, second, third),
            DateOrder::Dmy => (third, second, first),
            // No locale writes the month first and points between.
            DateOrder::Mdy if dots => return None,
            DateOrder::Mdy => (third, first, second),
        };
        let century = if year < 100 { 2000 } else { 0 };
        ymd(i32::from(year) + century, month, day)
    }

    /// The day and time in that order; midnight where no time stands there.
    pub(super) fn moment(&self, order: DateOrder) -> Option<NaiveDateTime> {
        Some(self.day(order)?.and_time(self.time.unwrap_or(NaiveTime::MIN)))
    }
}

/// The form that nearly all logs have, `2024-09-03 10:00:00`, without the long way.
#[inline]
pub(super) fn read_iso(text: &str) -> Option<NaiveDateTime> {
    let bytes: &[u8; 19] = text.as_bytes().try_into().ok()?;
    let two = |at: usize| -> Option<u16> {
        let (tens, ones) = (bytes.get(at)?.wrapping_sub(b'0'), bytes.get(at + 1)?.wrapping_sub(b'0'));
        (tens < 10 && ones < 10).then(|| u16::from(tens) * 10 + u16::from(ones))
    };
    if bytes[4] != b'-' || bytes[7] != b'-' || bytes[10] != b' ' || bytes[13] != b':' || bytes[16] != b':' {
        return None;
    }
    let day = ymd(i32::from(two(0)? * 100 + two(2)?), two(5)?, two(8)?)?;
    day.and_hms_opt(u32::from(two(11)?), u32::from(two(14)?), u32::from(two(17)?))
}

/// A date and time in a form that the operator gives, in the signs of strftime; midnight where it has no time.
pub(super) fn read_formatted(text: &str, format: &str) -> Option<NaiveDateTime> {
    let text = text.trim_matches(is_blank);
    let moment = NaiveDateTime::parse_from_str(text, format).ok();
    let moment =
        moment.or_else(|| Some(NaiveDate::parse_from_str(text, format).ok()?.and_time(NaiveTime::MIN)))?;
    YEARS.contains(&chrono::Datelike::year(&moment)).then_some(moment)
}

/// The same of a day with the time beside it: the form is of both together, or of the day alone.
pub(super) fn read_parts(day: &str, beside: Option<&str>, format: &str) -> Option<NaiveDateTime> {
    let Some(beside) = beside else { return read_formatted(day, format) };
    let (day, beside) = (day.trim_matches(is_blank), beside.trim_matches(is_blank));
    read_formatted(&format!("{day} {beside}"), format).or_else(|| {
        let mut scan = Scan { rest: beside };
        let time = scan.time().filter(|_| scan.rest.is_empty())?;
        Some(read_formatted(day, format)?.date().and_time(time))
    })
}

/// Whether a text is a time without a day.
pub(super) fn is_time_only(text: &str) -> bool {
    let mut scan = Scan { rest: text.trim_matches(is_blank) };
    text.contains(':') && scan.time().is_some() && scan.rest.is_empty()
}

fn ymd(year: i32, month: u16, day: u16) -> Option<NaiveDate> {
    YEARS.contains(&year).then(|| NaiveDate::from_ymd_opt(year, u32::from(month), u32::from(day))).flatten()
}

/// White space of every kind that Java writes, and a byte order mark that came with a pasted file.
pub(super) fn is_blank(sign: char) -> bool {
    sign.is_whitespace() || sign == '\u{feff}'
}

/// A position in a text.
struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    fn skip(&mut self, what: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(what);
    }

    /// The longest run of such signs.
    fn take(&mut self, what: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|sign| !what(sign)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// A number of at most four digits, and how many it has.
    fn number(&mut self) -> Option<(u16, usize)> {
        let digits = self.take(|sign| sign.is_ascii_digit());
        if digits.len() > 4 {
            return None;
        }
        Some((digits.parse().ok()?, digits.len()))
    }

    /// A number of one or two digits.
    fn short(&mut self) -> Option<u16> {
        self.number().filter(|(_, digits)| *digits <= 2).map(|(number, _)| number)
    }

    fn year(&mut self) -> Option<i32> {
        match self.number()? {
            (year, 4) => Some(i32::from(year)),
            (year, 2) => Some(2000 + i32::from(year)),
            _ => None,
        }
    }

    /// `20240301T175010`, as the product's job import writes it. Without the `T` it would be a number.
    fn compact(&self) -> Option<Written> {
        let (day, time) = self.rest.split_once('T')?;
        let part = |text: &str, from: usize, to: usize| -> Option<u16> {
            let digits =
                text.get(from..to).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
            digits.parse().ok()
        };
        if (day.len(), time.len()) != (8, 6) {
            return None;
        }
        let date = ymd(i32::from(part(day, 0, 4)?), part(day, 4, 6)?, part(day, 6, 8)?)?;
        let hms = (part(time, 0, 2)?, part(time, 2, 4)?, part(time, 4, 6)?);
        let time = NaiveTime::from_hms_opt(u32::from(hms.0), u32::from(hms.1), u32::from(hms.2))?;
        let date = WrittenDate::Known(date, Some(DateOrder::Ymd));
        Some(Written { date, time: Some(time), offset_minutes: None })
    }

    fn date(&mut self) -> Option<WrittenDate> {
        if !self.rest.starts_with(|sign: char| sign.is_ascii_digit()) {
            let month = self.month()?;
            let day = self.short()?;
            self.skip(|sign| is_blank(sign) || sign == ',');
            return Some(WrittenDate::Known(ymd(self.year()?, month, day)?, None));
        }
        let (first, digits) = self.number()?;
        let separator = self.rest.chars().next()?;
        self.skip(|sign| is_blank(sign) || "-/.,".contains(sign));
        if self.rest.starts_with(char::is_alphabetic) {
            let month = self.month()?;
            if digits == 4 {
                return Some(WrittenDate::Known(ymd(i32::from(first), month, self.short()?)?, None));
            }
            return Some(WrittenDate::Known(ymd(self.year()?, month, first)?, None));
        }
        if !"-/.".contains(separator) {
            return None;
        }
        let second = self.short()?;
        self.rest = self.rest.strip_prefix(separator)?;
        let (third, last_digits) = self.number()?;
        if digits == 4 && last_digits <= 2 {
            return Some(WrittenDate::Known(ymd(i32::from(first), second, third)?, Some(DateOrder::Ymd)));
        }
        let year_last = last_digits == 4;
        let fits = digits <= 2 && (year_last || last_digits == 2);
        let numbers = [first, second, third];
        fits.then_some(WrittenDate::Numbers { numbers, year_last, dots: separator == '.' })
    }

    /// A month's word with the signs around it, such as `-sept.-` or ` de set. de `.
    fn month(&mut self) -> Option<u16> {
        let mut word = self.take(char::is_alphabetic);
        if word.eq_ignore_ascii_case("de") {
            self.skip(is_blank);
            word = self.take(char::is_alphabetic);
        }
        let month = month_of(word)?;
        self.skip(|sign| is_blank(sign) || "-/.,".contains(sign));
        if let Some(rest) = self.rest.strip_prefix("de ") {
            self.rest = rest;
        }
        Some(month)
    }

    fn time(&mut self) -> Option<NaiveTime> {
        let mut hour = self.short()?;
        self.between("h")?;
        let minute = self.short()?;
        let mut second = 0;
        let before = self.rest;
        if self.between("min").is_some() && self.rest.starts_with(|sign: char| sign.is_ascii_digit()) {
            second = self.short()?;
            self.fraction();
        } else {
            self.rest = before;
        }
        if let Some(rest) = self.rest.strip_prefix(" s").or_else(|| self.rest.strip_prefix("\u{a0}s")) {
            self.rest = rest;
        }
        self.skip(is_blank);
        if let Some(is_afternoon) = self.half() {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if is_afternoon { 12 } else { 0 };
        }
        self.skip(is_blank);
        NaiveTime::from_hms_opt(u32::from(hour), u32::from(minute), u32::from(second))
    }

    /// The sign between two parts of a time: `:`, `.`, or a word with blanks around it.
    fn between(&mut self, word: &str) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix([':', '.']) {
            self.rest = rest;
            return Some(());
        }
        self.skip(is_blank);
        self.rest = self.rest.strip_prefix(word)?;
        self.skip(is_blank);
        Some(())
    }

    /// Parts of a second are left out: times are kept to the second.
    fn fraction(&mut self) {
        if let Some(rest) = self.rest.strip_prefix('.')
            && rest.starts_with(|sign: char| sign.is_ascii_digit())
        {
            self.rest = rest;
            self.take(|sign| sign.is_ascii_digit());
        }
    }

    /// `AM`, `p.m.` and the like; whether it is the afternoon.
    fn half(&mut self) -> Option<bool> {
        for (mark, is_afternoon) in [("am", false), ("a.m.", false), ("pm", true), ("p.m.", true)] {
            if let Some((head, rest)) = self.rest.split_at_checked(mark.len())
                && head.eq_ignore_ascii_case(mark)
            {
                self.rest = rest;
                return Some(is_afternoon);
            }
        }
        None
    }

    /// `Z`, `UTC`, `+02:00` or `-0500`, in minutes east.
    fn offset(&mut self) -> Option<i32> {
        if matches!(self.rest, "Z" | "z" | "UTC" | "GMT") {
            self.rest = "";
            return Some(0);
        }
        let east = match self.take(|sign| "+-\u{2212}".contains(sign)) {
            "+" => 1,
            "-" | "\u{2212}" => -1,
            _ => return None,
        };
        let (hours, minutes) = match self.number()? {
            (both, 4) => (both / 100, both % 100),
            (hours, 2) => {
                self.skip(|sign| sign == ':');
                (hours, if self.rest.is_empty() { 0 } else { self.short()? })
            }
            _ => return None,
        };
        (hours <= 14 && minutes < 60).then(|| east * (i32::from(hours) * 60 + i32::from(minutes)))
    }
}

/// The month words of all languages; no word means two months. Full words beside the short ones.
const MONTHS: [&str; 12] = [
    "jan january januar januari janv janvier ene enero gen gennaio janeiro sty stycznia",
    "feb february februar februari févr fevr février febrero febbraio fev fevereiro lut lutego",
    "mar march mrt maart märz mär mrz mars marzo março marts marca",
    "apr april avr avril abr abril aprile kwi kwietnia",
    "may mei mai mayo mag maggio maio maj maja",
    "jun june juni juin junio giu giugno junho cze czerwca",
    "jul july juli juil juill juillet julio lug luglio julho lip lipca",
    "aug august augustus août aout ago agosto augusti sie sierpnia",
    "sep sept september septembre septiembre set settembre setembro wrz września",
    "oct october okt oktober octobre octubre ott ottobre out outubro paź października",
    "nov november novembre noviembre novembro lis listopada",
    "dec december dez dezember déc décembre dic diciembre dicembre dezembro des desember gru grudnia",
];

fn month_of(word: &str) -> Option<u16> {
    // The first word of each month is by far the most frequent.
    let is_first = |words: &&str| words.get(..3).is_some_and(|known| known.eq_ignore_ascii_case(word));
    let index = MONTHS.iter().position(is_first).or_else(|| {
        let word = word.to_lowercase();
        MONTHS.iter().position(|words| words.split(' ').any(|known| known == word))
    });
    index.and_then(|index| u16::try_from(index + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str, order: DateOrder) -> String {
        let written = Written::read(text).and_then(|written| written.moment(order));
        written.map_or_else(|| "none".to_owned(), |moment| moment.format("%Y-%m-%d %H:%M:%S").to_string())
    }

    /// The medium and short forms of 2024-12-04 23:59:59 (short: 23:59), and medium of 2024-09-01 00:00:00.
    const FORMS: &str = "
        Sep 1, 2024 12:00:00 AM | Dec 4, 2024 11:59:59 PM | m 12/4/24 11:59 PM
        01-Sep-2024 00:00:00 | 04-Dec-2024 23:59:59 | d 04/12/24 23:59
        01/09/2024 12:00:00 AM | 04/12/2024 11:59:59 PM | d 4/12/24 11:59 PM
        01 Sep 2024 12:00:00 AM | 04 Dec 2024 11:59:59 PM | y 2024/12/04 11:59 PM
        1 Sep, 2024 12:00:00 AM | 4 Dec, 2024 11:59:59 PM | d 4/12/24 11:59 PM
        1-sep-2024 0:00:00 | 4-dec-2024 23:59:59 | d 4-12-24 23:59
        01.09.2024 00:00:00 | 04.12.2024 23:59:59 | d 04.12.24 23:59
        1 sept. 2024 00:00:00 | 4 déc. 2024 23:59:59 | d 04/12/24 23:59
        2024-09-01 00:00:00 | 2024-12-04 23:59:59 | y 24-12-04 23:59
        01-sept.-2024 0:00:00 | 04-déc.-2024 23:59:59 | d 4/12/24 23:59
        01-sep-2024 0:00:00 | 04-dic-2024 23:59:59 | d 4/12/24 23:59
        1-set-2024 0.00.00 | 4-dic-2024 23.59.59 | d 04/12/24 23.59
        1/set/2024 0:00:00 | 4/dez/2024 23:59:59 | d 04-12-2024 23:59
        2024-sep-01 00:00:00 | 2024-dec-04 23:59:59 | y 2024-12-04 23:59
        01.sep.2024 00:00:00 | 04.des.2024 23:59:59 | d 04.12.24 23:59
        1.9.2024 0:00:00 | 4.12.2024 23:59:59 | d 4.12.2024 23:59
        2024/09/01 0:00:00 | 2024/12/04 23:59:59 | y 24/12/04 23:59
        Sep 1, 2024, 12:00:00\u{202f}AM | Dec 4, 2024, 11:59:59\u{202f}PM | m 12/4/24, 11:59\u{202f}PM
        1 Sept 2024, 12:00:00\u{202f}am | 4 Dec 2024, 11:59:59\u{202f}pm | d 04/12/2024, 11:59\u{202f}pm
        Sep 1, 2024, 12:00:00\u{202f}a.m. | Dec 4, 2024, 11:59:59\u{202f}p.m. | y 2024-12-04, 11:59\u{202f}p.m.
        1 sept. 2024, 00 h 00 min 00 s | 4 déc. 2024, 23 h 59 min 59 s | y 2024-12-04 23 h 59
        1 de set. de 2024 00:00:00 | 4 de dez. de 2024 23:59:59 | d 04/12/2024 23:59
        1. sep. 2024 00.00.00 | 4. dec. 2024 23.59.59 | d 04.12.2024 23.59
        1. sep. 2024, 00:00:00 | 4. des. 2024, 23:59:59 | d 04.12.2024, 23:59
        1.9.2024 0.00.00 | 4.12.2024 23.59.59 | d 4.12.2024 23.59
        1 wrz 2024, 00:00:00 | 4 gru 2024, 23:59:59 | d 4.12.2024, 23:59";

    #[test]
    fn every_known_form_is_read() {
        for line in FORMS.lines().filter(|line| !line.trim().is_empty()) {
            let [first, last, short] = line.split(" | ").collect::<Vec<_>>().try_into().unwrap();
            let (order, short) = short.split_at(2);
            let order = match order {
                "d " => DateOrder::Dmy,
                "m " => DateOrder::Mdy,
                _ => DateOrder::Ymd,
            };
            let medium = if order == DateOrder::Mdy { DateOrder::Mdy } else { DateOrder::Dmy };
            assert_eq!(read(first, medium), "2024-09-01 00:00:00", "{first}");
            assert_eq!(read(last, medium), "2024-12-04 23:59:59", "{last}");
            assert_eq!(read(short, order), "2024-12-04 23:59:00", "{short}");
        }
    }

    #[test]
    fn the_orders_of_a_text() {
        let check = |text: &str, expected: &[&str]| {
            let orders = Written::read(text).unwrap().orders();
            assert_eq!(orders.iter().map(|order| order.as_str()).collect::<Vec<_>>(), expected, "{text}");
        };
        check("2024-03-04", &["ymd"]);
        check("Mar 4, 2024", &[]);
        check("03/04/2024", &["dmy", "mdy"]);
        check("13/04/2024", &["dmy"]);
        check("04/13/2024", &["mdy"]);
        check("03.04.2024", &["dmy"]);
        check("3/4/24", &["dmy", "mdy"]);
        check("13/04/24", &["dmy"]);
        check("24-12-04", &["ymd"]);
        check("24-12-18", &["ymd", "dmy"]);
        check("05/04/03", &["ymd", "dmy", "mdy"]);
    }

    #[test]
    fn what_is_no_date_is_not_read() {
        for text in [
            "",
            "Date",
            "2024",
            "45000",
            "45352.375",
            "2024-13-01",
            "2024-02-30 10:00:00",
            "29/02/2023",
            "0:00",
            "2024-03-01 24:00:00",
            "2024-03-01 13:00 PM",
            "2024-03-01 10",
            "2024-03-01 10:00:00 Europe/Paris",
            "??? 1, 2024 12:00:00 AM",
            "0024-03-01",
            "1900-02-29",
            "2024-03-01 10:00:00 x",
            "1-2/2024",
        ] {
            assert_eq!(read(text, DateOrder::Dmy), "none", "{text}");
        }
    }

    #[test]
    fn the_compact_form_needs_its_letter() {
        assert_eq!(read("20240301T175010", DateOrder::Ymd), "2024-03-01 17:50:10");
        for text in
            ["20240301175010", "20240301T1750", "20241301T175010", "20240301T175060", "2024030éT17501"]
        {
            assert_eq!(read(text, DateOrder::Ymd), "none", "{text}");
        }
    }

    #[test]
    fn an_offset_is_kept() {
        let offset = |text: &str| Written::read(text).unwrap().offset_minutes;
        assert_eq!(offset("2024-03-01T00:30:00Z"), Some(0));
        assert_eq!(offset("2024-03-01T00:30:00.250+02:00"), Some(120));
        assert_eq!(offset("2024-03-01 00:30:00 -0530"), Some(-330));
        assert_eq!(offset("2024-03-01 00:30:00"), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,24}") {
            if let Some(written) = Written::read(&text) {
                let _ = (written.orders(), written.moment(DateOrder::Dmy));
            }
        }

        #[test]
        fn the_short_way_gives_what_the_long_way_gives(text in "20[0-3][0-9]-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-6][0-9]:[0-6][0-9]") {
            prop_assert_eq!(read_iso(&text), Written::read(&text).and_then(|written| written.moment(DateOrder::Ymd)));
        }
    }
}
