//! The first pass over the rows: evidence for the date order and the decimal mark, and columns that differ.
//!
//! Evidence is taken from every row and the period line, never from one row alone; a setting decides only where
//! the file does not.

use crate::domain::{DateOrder, DecimalMark, Finding, Period, Severity};

use super::amount::{self, Evidence};
use super::aside::{Aside, aside};
use super::cells::RowText;
use super::date::{Written, read_iso, read_parts};
use super::error::ReadError;
use super::field::Field;
use super::layout::{Layout, clean};
use super::limits::QUOTED_CHARS_MAX;
use super::preamble::{PeriodLine, read_period};
use super::profile::Profiles;

/// A row and what stands there.
type Seen = (u64, String);

/// What the rows tell, gathered row by row.
pub(super) struct Survey<'s> {
    layout: Layout,
    known: &'s Profiles,
    delimiter: Option<u8>,
    places: Places,
    period: Option<Period>,
    dates: Dates,
    marks: Marks,
    /// Period lines below the first header.
    pub(super) later_periods: Vec<PeriodLine>,
}

/// The columns that are looked at.
struct Places {
    time: Option<usize>,
    amounts: Vec<usize>,
    counts: Vec<usize>,
    twice: Vec<(Field, usize, usize)>,
}

impl Places {
    fn of(layout: &Layout) -> Places {
        let columns = |fields: &[Field]| fields.iter().filter_map(|field| layout.column(*field)).collect();
        Places {
            time: layout.column(Field::Time),
            amounts: columns(&[Field::Cost, Field::Balance]),
            counts: columns(&[
                Field::Pages,
                Field::CopyPages,
                Field::Copies,
                Field::ColourPages,
                Field::Jobs,
            ]),
            twice: layout.twice(),
        }
    }
}

/// Orders in which all dates so far can be read, as a set of bits.
struct Dates {
    possible: u8,
    /// As far as the dates also lie in the report's period.
    in_period: u8,
    /// The year stands first with four digits.
    year_first: bool,
    undecided: Option<Seen>,
    contradiction: Option<Seen>,
    /// Rows whose date is a spreadsheet's own, and the first whose date is a text.
    typed: u64,
    text: Option<u64>,
}

#[derive(Default)]
struct Marks {
    decided: Option<DecimalMark>,
    undecided: Option<Seen>,
    contradiction: Option<Seen>,
}

const ALL_ORDERS: [(DateOrder, u8); 3] = [(DateOrder::Ymd, 1), (DateOrder::Dmy, 2), (DateOrder::Mdy, 4)];

impl<'s> Survey<'s> {
    pub(super) fn new(
        layout: Layout,
        known: &'s Profiles,
        delimiter: Option<u8>,
        period: Option<Period>,
    ) -> Survey<'s> {
        let places = Places::of(&layout);
        let dates = Dates {
            possible: 7,
            in_period: 7,
            year_first: false,
            undecided: None,
            contradiction: None,
            typed: 0,
            text: None,
        };
        let marks = Marks::default();
        Survey { layout, known, delimiter, places, period, dates, marks, later_periods: Vec::new() }
    }

    /// Goes on with another sheet.
    pub(super) fn set_layout(&mut self, layout: &Layout) {
        self.places = Places::of(layout);
        self.layout = layout.clone();
    }

    /// The columns whose texts have to be understood: the moment, and the numbers; `None` where rows have to be compared.
    pub(super) fn columns(&self) -> Option<(usize, Vec<usize>)> {
        let is_plain = self.places.twice.is_empty() && self.layout.profile.date_format.is_none();
        let time = self.places.time.filter(|_| is_plain)?;
        Some((time, self.places.amounts.iter().chain(&self.places.counts).copied().collect()))
    }

    /// Takes notice of rows that have a spreadsheet's own moments and numbers, and nothing else to be understood.
    pub(super) fn saw_typed(&mut self) {
        self.dates.year_first = true;
        self.dates.typed += 1;
    }

    /// The time in a row, where the column has one.
    pub(super) fn time<'r>(&self, row: &RowText<'r>) -> Option<&'r str> {
        row.moment(self.places.time?)
    }

    /// Looks at a row below the header.
    pub(super) fn look(&mut self, row: &RowText<'_>) -> Result<(), ReadError> {
        // Its cells may stand in the wrong columns; it will be rejected.
        if row.broken_quote || row.has_surplus(self.layout.width) {
            return Ok(());
        }
        if let Some(time) = self.places.time {
            let cell = row.moment(time).unwrap_or_default();
            if row.is_ragged() {
                self.dates.count(row, time);
            }
            if let Some(format) = &self.layout.profile.date_format {
                let beside = self.layout.column(Field::TimeOfDay).and_then(|column| row.moment(column));
                if read_parts(cell, beside, format).is_none() {
                    return self.look_aside(row);
                }
            } else if read_iso(cell).is_some() {
                self.dates.year_first = true;
            } else {
                match Written::read(cell) {
                    Some(written) => self.dates.look(row.row, cell, &written, self.period),
                    None => return self.look_aside(row),
                }
            }
        } else if aside(row, &self.layout, self.known).is_some() {
            return self.look_aside(row);
        }
        self.look_at_amounts(row);
        for (field, first, second) in &self.places.twice {
            if row.get(*first).map(clean) != row.get(*second).map(clean) {
                return Err(ReadError::ColumnTwice {
                    row: row.row,
                    headers: self.layout.headers_of(*field),
                    field: field.name(),
                });
            }
        }
        Ok(())
    }

    fn look_aside(&mut self, row: &RowText<'_>) -> Result<(), ReadError> {
        match aside(row, &self.layout, self.known) {
            Some(Aside::Header(layout)) => self.set_layout(&layout),
            Some(Aside::Comment) => match read_period(row.line(), None) {
                PeriodLine::Absent => {}
                line => self.later_periods.push(line),
            },
            Some(Aside::Blank | Aside::Total) | None => {}
        }
        Ok(())
    }

    #[inline]
    fn look_at_amounts(&mut self, row: &RowText<'_>) {
        for column in &self.places.amounts {
            // A number of the container's own has no mark to be decided.
            if row.is_number(*column) {
                continue;
            }
            let cell = row.get(*column).unwrap_or_default();
            if self.marks.decided == Some(DecimalMark::Point) && amount::is_plain_evidence(cell, b'.') {
                continue;
            }
            let found = match amount::evidence(cell) {
                // In a comma-separated file a bare point is no grouping sign: a decimal comma would need quotes.
                Evidence::Ambiguous(DecimalMark::Point)
                    if self.delimiter == Some(b',') && !row.is_quoted(*column) =>
                {
                    Evidence::Decides(DecimalMark::Point)
                }
                found => found,
            };
            self.marks.look(row.row, cell, found);
        }
        for column in &self.places.counts {
            let cell = row.get(*column).unwrap_or_default();
            if !cell.bytes().all(|byte| byte.is_ascii_digit()) && !row.is_number(*column) {
                self.marks.look(row.row, cell, amount::count_evidence(cell));
            }
        }
    }

    /// A spreadsheet that reads days first or months first makes dates of the texts that it understands, and leaves the
    /// others: then it may have taken days for months.
    pub(super) fn half_made_dates(&self) -> Option<Finding> {
        let row = self.dates.text.filter(|_| self.dates.typed > 0)?;
        let message = format!(
            "some dates are texts, from this row on, and {} are a spreadsheet's dates: it may have taken days for \
             months in those; compare them with the report as it was exported",
            self.dates.typed
        );
        Some(Finding::new(Severity::Warning, "dates-half-made", message).at_row(row))
    }

    /// The order of the dates, with the reason; `None` where no date needs one.
    pub(super) fn date_order(
        &self,
        setting: Option<DateOrder>,
    ) -> Result<(Option<DateOrder>, Option<String>), ReadError> {
        let dates = &self.dates;
        if let Some((row, found)) = &dates.contradiction {
            return Err(ReadError::DateOrderMixed { row: *row, found: found.clone() });
        }
        let Some((row, found)) = &dates.undecided else {
            return Ok((dates.year_first.then_some(DateOrder::Ymd), None));
        };
        if let Some(order) = only(dates.possible) {
            let reason = format!("The dates are {}: no other order fits all of them.", words(order));
            return Ok((Some(order), Some(reason)));
        }
        let evident = only(dates.in_period & dates.possible);
        if let (Some(order), Some(period)) = (evident, self.period) {
            let reason =
                format!("The dates are {}: only so they all lie in the period {period}.", words(order));
            return Ok((Some(order), Some(reason)));
        }
        match setting {
            Some(order) if dates.possible & bit(order) != 0 => {
                let reason = format!("The dates are {}, as the settings say.", words(order));
                Ok((Some(order), Some(reason)))
            }
            _ => Err(ReadError::DateOrderUnknown { row: *row, found: found.clone() }),
        }
    }

    /// The decimal mark, with the reason; `None` where no amount has one.
    pub(super) fn decimal_mark(
        &self,
        setting: Option<DecimalMark>,
    ) -> Result<(Option<DecimalMark>, Option<String>), ReadError> {
        let marks = &self.marks;
        if let Some((row, found)) = &marks.contradiction {
            return Err(ReadError::DecimalMarkMixed { row: *row, found: found.clone() });
        }
        if let Some(mark) = marks.decided {
            let reason = format!("The decimal mark is a {}: the amounts show it.", mark.as_str());
            return Ok((Some(mark), Some(reason)));
        }
        match (&marks.undecided, setting) {
            (None, setting) => Ok((setting, None)),
            (Some(_), Some(mark)) => {
                let reason = format!("The decimal mark is a {}, as the settings say.", mark.as_str());
                Ok((Some(mark), Some(reason)))
            }
            (Some((row, found)), None) => {
                Err(ReadError::DecimalMarkUnknown { row: *row, found: found.clone() })
            }
        }
    }
}

impl Dates {
    /// Counts a cell by whether the spreadsheet made a date of it.
    fn count(&mut self, row: &RowText<'_>, column: usize) {
        if row.is_number(column) {
            self.typed += 1;
        } else if self.text.is_none()
            && row.get(column).and_then(Written::read).is_some_and(|date| !date.is_known())
        {
            self.text = Some(row.row);
        }
    }

    fn look(&mut self, row: u64, cell: &str, written: &Written, period: Option<Period>) {
        if written.is_known() {
            self.year_first |= !written.orders().is_empty();
            return;
        }
        let orders = written.orders();
        let bits = orders.iter().fold(0, |bits, order| bits | bit(*order));
        if self.possible & bits == 0 {
            self.contradiction.get_or_insert_with(|| seen(row, cell));
            return;
        }
        self.possible &= bits;
        self.undecided.get_or_insert_with(|| seen(row, cell));
        if let Some(period) = period {
            let inside = |order: &&DateOrder| written.day(**order).is_some_and(|day| period.contains(day));
            self.in_period &= orders.iter().filter(inside).fold(0, |bits, order| bits | bit(*order));
        }
    }
}

impl Marks {
    fn look(&mut self, row: u64, cell: &str, found: Evidence) {
        match (found, self.decided) {
            (Evidence::None, _) => {}
            (Evidence::Decides(mark), Some(decided)) if mark == decided => {}
            (Evidence::Decides(_), Some(_)) => {
                self.contradiction.get_or_insert_with(|| seen(row, cell));
            }
            (Evidence::Decides(mark), None) => self.decided = Some(mark),
            (Evidence::Ambiguous(_), _) => {
                self.undecided.get_or_insert_with(|| seen(row, cell));
            }
        }
    }
}

fn bit(order: DateOrder) -> u8 {
    ALL_ORDERS.iter().find(|(one, _)| *one == order).map_or(0, |(_, bit)| *bit)
}

/// The only order of a set.
fn only(bits: u8) -> Option<DateOrder> {
    ALL_ORDERS.iter().find(|(_, bit)| *bit == bits).map(|(order, _)| *order)
}

fn words(order: DateOrder) -> &'static str {
    match order {
        DateOrder::Ymd => "year-first",
        DateOrder::Dmy => "day-first",
        DateOrder::Mdy => "month-first",
    }
}

fn seen(row: u64, cell: &str) -> Seen {
    (row, clean(cell).chars().take(QUOTED_CHARS_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::super::csv::{Rows, Tail};
    use super::super::layout::HeaderFit;
    use super::*;
    use crate::sources::ReadSettings;

    /// What the survey says of `Date<d>Username<d>Pages<d>Cost` and these rows.
    fn survey(
        lines: &[&str],
        period: Option<&str>,
        order: Option<DateOrder>,
        mark: Option<DecimalMark>,
    ) -> (String, String) {
        let names = Profiles::new(&ReadSettings::default()).unwrap();
        let text = format!("Date;Username;Total Printed Pages;Cost\n{}\n", lines.join("\n"));
        let mut rows = Rows::new(text.as_bytes(), b';', Tail::Row);
        assert!(rows.advance().unwrap());
        let HeaderFit::Layout(layout) = Layout::of(&rows.row().unwrap(), &names, None, None) else {
            panic!()
        };
        let day = "2024-12-31".parse().unwrap();
        let period = period.map(|text| Period::parse(text, day).unwrap());
        let mut survey = Survey::new(layout, &names, Some(b';'), period);
        while rows.advance().unwrap() {
            survey.look(&rows.row().unwrap()).unwrap();
        }
        let say = |found: Result<Option<&'static str>, ReadError>| match found {
            Ok(word) => word.unwrap_or("none").to_owned(),
            Err(error) => format!("{} in row {}", error.code(), error.row().unwrap()),
        };
        let order = survey.date_order(order).map(|(order, _)| order.map(DateOrder::as_str));
        let mark = survey.decimal_mark(mark).map(|(mark, _)| mark.map(DecimalMark::as_str));
        (say(order), say(mark))
    }

    #[test]
    fn the_date_order_is_decided_by_all_rows() {
        let check = |dates: &[&str], period: Option<&str>, setting: Option<DateOrder>, expected: &str| {
            let lines: Vec<String> = dates.iter().map(|date| format!("{date};ann;1;1")).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(survey(&lines, period, setting, None).0, expected, "{dates:?} {period:?} {setting:?}");
        };
        let (dmy, mdy) = (Some(DateOrder::Dmy), Some(DateOrder::Mdy));
        check(&["03/04/2024", "13/04/2024"], None, None, "dmy");
        check(&["03/04/2024", "13/04/2024"], None, mdy, "dmy");
        check(&["03/04/2024", "04/13/2024"], None, dmy, "mdy");
        check(&["03/04/2024"], None, None, "date-order-unknown in row 2");
        check(&["03/04/2024"], None, mdy, "mdy");
        check(&["03/04/2024", "05/04/2024"], Some("2024-04"), mdy, "dmy");
        check(&["03/04/2024"], Some("2024-01-01..2024-12-31"), None, "date-order-unknown in row 2");
        check(&["03/04/2024"], Some("2023-01"), mdy, "mdy");
        check(&["13/04/2024", "04/13/2024"], None, dmy, "date-order-mixed in row 3");
        check(&["2024-04-13 10:00:00"], None, dmy, "ymd");
        check(&["3 mei 2024"], None, dmy, "none");
        check(&["Total", "x"], None, None, "none");
    }

    #[test]
    fn the_decimal_mark_is_decided_by_all_rows() {
        let check = |cells: &[&str], setting: Option<DecimalMark>, expected: &str| {
            let lines: Vec<String> = cells.iter().map(|cells| format!("2024-04-13;ann;{cells}")).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(survey(&lines, None, None, setting).1, expected, "{cells:?} {setting:?}");
        };
        let point = Some(DecimalMark::Point);
        check(&["1;1.250", "1;0,10"], point, "comma");
        check(&["1;1.250", "1;2.500"], None, "decimal-mark-unknown in row 2");
        check(&["1;1.250"], point, "point");
        check(&["1.204;1.250"], None, "comma");
        check(&["1;1"], None, "none");
        check(&["1;1,50", "1;1.50"], point, "decimal-mark-mixed in row 3");
        check(&["1;1,50", "1;x;1.50"], None, "comma");
    }
}
