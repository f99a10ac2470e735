//! Dates as servers of 26 locales write them, generated for whole years and read back.
//!
//! The patterns are those of Java's medium and short styles: first with its older locale data, then with the newer.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

use super::date::Written;
use crate::domain::DateOrder;

const EN: &str = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
const EN_NEW: &str = "Jan Feb Mar Apr May June July Aug Sept Oct Nov Dec";
const NL: &str = "jan feb mrt apr mei jun jul aug sep okt nov dec";
const FR: &str = "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.";
const FR_CA: &str = "janv. févr. mars avr. mai juin juill. août sept. oct. nov. déc.";
const ES: &str = "ene feb mar abr may jun jul ago sep oct nov dic";
const ES_NEW: &str = "ene feb mar abr may jun jul ago sept oct nov dic";
const IT: &str = "gen feb mar apr mag giu lug ago set ott nov dic";
const PT: &str = "jan fev mar abr mai jun jul ago set out nov dez";
const PT_NEW: &str = "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.";
const SV: &str = "jan feb mar apr maj jun jul aug sep okt nov dec";
const SV_NEW: &str = "jan. feb. mars apr. maj juni juli aug. sep. okt. nov. dec.";
const DA_NEW: &str = "jan. feb. mar. apr. maj jun. jul. aug. sep. okt. nov. dec.";
const NB: &str = "jan feb mar apr mai jun jul aug sep okt nov des";
const NB_NEW: &str = "jan. feb. mars apr. mai juni juli aug. sep. okt. nov. des.";
const PL_NEW: &str = "sty lut mar kwi maj cze lip sie wrz paź lis gru";
const NUMERIC: &str = "";

use DateOrder::{Dmy, Mdy, Ymd};

/// Locales, month words, medium pattern, short pattern, and the order of the short one.
const FORMS: [(&str, &str, &str, &str, DateOrder); 49] = [
    // The older data.
    ("en-US", EN, "MMM d, y h:mm:ss a", "M/d/yy h:mm a", Mdy),
    ("en-GB en-IE", EN, "dd-MMM-y HH:mm:ss", "dd/MM/yy HH:mm", Dmy),
    ("en-AU", NUMERIC, "dd/MM/y hh:mm:ss a", "d/MM/yy hh:mm a", Dmy),
    ("en-NZ", NUMERIC, "d/MM/y h:mm:ss a", "d/MM/yy h:mm a", Dmy),
    ("en-CA", EN, "d-MMM-y h:mm:ss a", "dd/MM/yy h:mm a", Dmy),
    ("en-ZA", EN, "dd MMM y h:mm:ss a", "y/MM/dd h:mm a", Ymd),
    ("en-SG", EN, "d MMM, y h:mm:ss a", "d/M/yy h:mm a", Dmy),
    ("nl-NL", NL, "d-MMM-y H:mm:ss", "d-M-yy H:mm", Dmy),
    ("nl-BE", NL, "d-MMM-y H:mm:ss", "d/MM/yy H:mm", Dmy),
    ("de-DE de-AT de-CH", NUMERIC, "dd.MM.y HH:mm:ss", "dd.MM.yy HH:mm", Dmy),
    ("fr-FR", FR, "d MMM y HH:mm:ss", "dd/MM/yy HH:mm", Dmy),
    ("fr-CA", NUMERIC, "y-MM-dd HH:mm:ss", "yy-MM-dd HH:mm", Ymd),
    ("fr-BE", FR, "dd-MMM-y H:mm:ss", "d/MM/yy H:mm", Dmy),
    ("es-ES", ES, "dd-MMM-y H:mm:ss", "d/MM/yy H:mm", Dmy),
    ("it-IT", IT, "d-MMM-y H.mm.ss", "dd/MM/yy H.mm", Dmy),
    ("pt-PT", PT, "d/MMM/y H:mm:ss", "dd-MM-y H:mm", Dmy),
    ("pt-BR", NUMERIC, "dd/MM/y HH:mm:ss", "dd/MM/yy HH:mm", Dmy),
    ("sv-SE", SV, "y-MMM-dd HH:mm:ss", "y-MM-dd HH:mm", Ymd),
    ("da-DK", NUMERIC, "dd-MM-y HH:mm:ss", "dd-MM-yy HH:mm", Dmy),
    ("nb-NO", NB, "dd.MMM.y HH:mm:ss", "dd.MM.yy HH:mm", Dmy),
    ("fi-FI", NUMERIC, "d.M.y H:mm:ss", "d.M.y H:mm", Dmy),
    ("pl-PL", NUMERIC, "y-MM-dd HH:mm:ss", "dd.MM.yy HH:mm", Dmy),
    ("ja-JP", NUMERIC, "y/MM/dd H:mm:ss", "yy/MM/dd H:mm", Ymd),
    // The newer data; a narrow blank stands before the half of the day in English.
    ("en-US", EN, "MMM d, y, h:mm:ss\u{202f}a", "M/d/yy, h:mm\u{202f}a", Mdy),
    ("en-GB en-IE", EN_NEW, "d MMM y, HH:mm:ss", "dd/MM/y, HH:mm", Dmy),
    ("en-AU", EN_NEW, "d MMM y, h:mm:ss\u{202f}a", "d/M/yy, h:mm\u{202f}a", Dmy),
    ("en-NZ", EN_NEW, "d MMM y, h:mm:ss\u{202f}a", "dd/MM/y, h:mm\u{202f}a", Dmy),
    ("en-CA", EN, "MMM d, y, h:mm:ss\u{202f}A", "y-MM-dd, h:mm\u{202f}A", Ymd),
    ("en-ZA", EN_NEW, "dd MMM y, HH:mm:ss", "y/MM/dd, HH:mm", Ymd),
    ("en-SG", EN_NEW, "d MMM y, h:mm:ss\u{202f}a", "d/M/yy, h:mm\u{202f}a", Dmy),
    ("nl-NL", NL, "d MMM y, HH:mm:ss", "dd-MM-y, HH:mm", Dmy),
    ("nl-BE", NL, "d MMM y, HH:mm:ss", "d/MM/y, HH:mm", Dmy),
    ("de-DE de-AT de-CH", NUMERIC, "dd.MM.y, HH:mm:ss", "dd.MM.yy, HH:mm", Dmy),
    ("fr-FR", FR, "d MMM y, HH:mm:ss", "dd/MM/y HH:mm", Dmy),
    ("fr-CA", FR_CA, "d MMM y, HH 'h' mm 'min' ss 's'", "y-MM-dd HH 'h' mm", Ymd),
    ("fr-BE", FR, "d MMM y, HH:mm:ss", "d/MM/yy HH:mm", Dmy),
    ("es-ES", ES_NEW, "d MMM y, H:mm:ss", "d/M/yy, H:mm", Dmy),
    ("it-IT", IT, "d MMM y, HH:mm:ss", "dd/MM/yy, HH:mm", Dmy),
    ("pt-PT", NUMERIC, "dd/MM/y, HH:mm:ss", "dd/MM/yy, HH:mm", Dmy),
    ("pt-BR", PT_NEW, "d 'de' MMM 'de' y HH:mm:ss", "dd/MM/y HH:mm", Dmy),
    ("sv-SE", SV_NEW, "d MMM y HH:mm:ss", "y-MM-dd HH:mm", Ymd),
    ("da-DK", DA_NEW, "d. MMM y HH.mm.ss", "dd.MM.y HH.mm", Dmy),
    ("nb-NO", NB_NEW, "d. MMM y, HH:mm:ss", "dd.MM.y, HH:mm", Dmy),
    ("fi-FI", NUMERIC, "d.M.y H.mm.ss", "d.M.y H.mm", Dmy),
    ("pl-PL", PL_NEW, "d MMM y, HH:mm:ss", "d.MM.y, HH:mm", Dmy),
    ("ja-JP", NUMERIC, "y/MM/dd H:mm:ss", "y/MM/dd H:mm", Ymd),
    // In between: dots after Dutch months, plain blanks before the half of the day.
    (
        "nl-NL",
        "jan. feb. mrt. apr. mei jun. jul. aug. sep. okt. nov. dec.",
        "d MMM y HH:mm:ss",
        "dd-MM-y HH:mm",
        Dmy,
    ),
    ("en-US", EN, "MMM d, y, h:mm:ss a", "M/d/yy, h:mm a", Mdy),
    ("es-ES", ES, "d MMM. y H:mm:ss", "d/M/yy H:mm", Dmy),
];

/// Writes a moment by a pattern.
fn written(moment: NaiveDateTime, pattern: &str, months: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        let run = rest.chars().take_while(|other| *other == letter).count();
        if letter == '\'' {
            let (quoted, after) = rest[1..].split_once('\'').unwrap();
            text += quoted;
            rest = after;
            continue;
        }
        let taken = if letter.is_ascii_alphabetic() { run } else { 1 };
        rest = &rest[letter.len_utf8() * taken..];
        let half = usize::from(moment.hour() >= 12);
        text += &match (letter, taken) {
            ('d', 1) => moment.day().to_string(),
            ('d', _) => format!("{:02}", moment.day()),
            ('M', 1) => moment.month().to_string(),
            ('M', 2) => format!("{:02}", moment.month()),
            ('M', _) => months.split(' ').nth(usize::try_from(moment.month0()).unwrap()).unwrap().to_owned(),
            ('y', 2) => format!("{:02}", moment.year() % 100),
            ('y', _) => moment.year().to_string(),
            ('H', 1) => moment.hour().to_string(),
            ('H', _) => format!("{:02}", moment.hour()),
            ('h', 1) => moment.hour12().1.to_string(),
            ('h', _) => format!("{:02}", moment.hour12().1),
            ('m', _) => format!("{:02}", moment.minute()),
            ('s', _) => format!("{:02}", moment.second()),
            ('a', _) => ["AM", "PM"][half].to_owned(),
            ('A', _) => ["a.m.", "p.m."][half].to_owned(),
            _ => letter.to_string(),
        };
    }
    text
}

/// Days of all months and of both sides of the twelfth, at the hours where clocks differ.
fn moments() -> Vec<NaiveDateTime> {
    let times = [(0, 0, 0), (0, 5, 9), (1, 30, 0), (11, 59, 59), (12, 0, 0), (13, 7, 8), (23, 59, 59)];
    let mut all = Vec::new();
    for year in [2019, 2024, 2026] {
        for month in 1..=12 {
            for day in [1, 2, 9, 12, 13, 28] {
                let (hour, minute, second) = times[usize::try_from(day + month).unwrap() % times.len()];
                let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
                all.push(date.and_hms_opt(hour, minute, second).unwrap());
            }
        }
    }
    all
}

#[test]
fn every_locale_is_read() {
    let mut locales: Vec<&str> = FORMS.iter().flat_map(|form| form.0.split(' ')).collect();
    locales.sort_unstable();
    locales.dedup();
    assert_eq!(locales.len(), 26);
    for (locale, months, medium, short, order) in FORMS {
        // A medium form is never month-first where it is numeric.
        let medium_order = if order == Ymd && !medium.starts_with('y') { Dmy } else { order };
        for moment in moments() {
            let text = written(moment, medium, months);
            let read = Written::read(&text).and_then(|written| written.moment(medium_order));
            assert_eq!(read, Some(moment), "{locale}: {text}");
            let text = written(moment, short, months);
            let read = Written::read(&text).and_then(|written| written.moment(order));
            assert_eq!(read, moment.with_second(0), "{locale}: {text}");
            let orders = Written::read(&text).unwrap().orders();
            assert!(orders.contains(&order), "{locale}: {text} {orders:?}");
        }
    }
}

#[test]
fn a_month_of_short_dates_tells_its_order() {
    for (locale, months, _, short, order) in FORMS {
        let days = moments().into_iter().filter(|moment| moment.year() == 2024);
        let possible = days.fold(vec![Ymd, Dmy, Mdy], |possible, moment| {
            let written = Written::read(&written(moment, short, months)).unwrap();
            let orders = written.orders();
            possible.into_iter().filter(|order| orders.contains(order)).collect()
        });
        assert_eq!(possible, [order], "{locale}: {short}");
    }
}
