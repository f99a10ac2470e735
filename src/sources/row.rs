//! A row's cells to a job, a sum or a balance, or to a rejection that says why not.
//!
//! Nothing is guessed and nothing becomes zero. No allocation on the way of a good row: texts are lent from the
//! row's buffer.

use chrono::{NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::domain::{
    BalanceRow, Currency, DateOrder, DecimalMark, JOB_TYPES, JobRow, JobState, Money, Rejection, ReportKind,
    SumRow,
};

use super::amount::{self, AmountFault};
use super::cells::RowText;
use super::date::{Written, read_iso, read_parts};
use super::field::Field;
use super::layout::{Layout, clean};
use super::limits::QUOTED_CHARS_MAX;
use super::profile::Filter;
use super::state::{StateColumns, flag};

/// How the cells are read: decided for the whole file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) date_order: Option<DateOrder>,
    pub(super) decimal_mark: Option<DecimalMark>,
    pub(super) currency: Option<Currency>,
    pub(super) time_zone: Option<Tz>,
}

/// Reads the rows of one layout.
#[derive(Debug)]
pub(super) struct RowReader {
    layout: Layout,
    manner: Manner,
    at: Columns,
    last_read: usize,
    /// The first currency sign of the file, where the site's currency is not known.
    sign: Option<String>,
    /// `parent\sub` and job types in small letters.
    account_text: String,
    type_text: String,
    /// Pages of a job whose file has no column for them.
    pages_constant: Option<u32>,
}

/// Where the fields are.
#[derive(Debug)]
struct Columns {
    time: Option<usize>,
    time_of_day: Option<usize>,
    user: Option<usize>,
    account: Option<usize>,
    sub_account: Option<usize>,
    printer: Option<usize>,
    document: Option<usize>,
    job_type: Option<usize>,
    paper_size: Option<usize>,
    pages: Option<usize>,
    copies: Option<usize>,
    colour_pages: Option<usize>,
    duplex: Option<usize>,
    duplex_pages: Option<usize>,
    grayscale: Option<usize>,
    cost: Option<usize>,
    jobs: Option<usize>,
    balance: Option<usize>,
    state: StateColumns,
}

impl Columns {
    fn of(layout: &Layout) -> Columns {
        let at = |field| layout.column(field);
        let is_logger = layout.kind == ReportKind::PrintLogger;
        Columns {
            time: at(Field::Time),
            time_of_day: at(Field::TimeOfDay),
            user: at(Field::User),
            account: at(Field::Account),
            sub_account: at(Field::SubAccount),
            printer: at(Field::Printer),
            document: at(Field::Document),
            job_type: at(Field::JobType),
            paper_size: at(Field::PaperSize),
            pages: if is_logger { at(Field::CopyPages) } else { at(Field::Pages).or(at(Field::CopyPages)) },
            // A print log's total pages hold the copies already.
            copies: if is_logger { at(Field::Copies) } else { None },
            colour_pages: at(Field::ColourPages),
            duplex: at(Field::Duplex),
            duplex_pages: at(Field::DuplexPages),
            grayscale: at(Field::Grayscale),
            cost: at(Field::Cost),
            jobs: at(Field::Jobs),
            balance: at(Field::Balance),
            state: StateColumns::of(layout),
        }
    }
}

/// What is wrong with a cell: its column, what stands there, what should.
pub(super) type Fault = (Option<usize>, String, String);

impl RowReader {
    pub(super) fn new(layout: Layout, manner: Manner) -> RowReader {
        RowReader {
            at: Columns::of(&layout),
            last_read: layout.last_read(),
            pages_constant: layout.profile.constant(Field::Pages).and_then(|pages| pages.parse().ok()),
            layout,
            manner,
            sign: None,
            account_text: String::new(),
            type_text: String::new(),
        }
    }

    /// Goes on with another order of columns, after a header in the middle of a file.
    pub(super) fn set_layout(&mut self, layout: Layout) {
        self.at = Columns::of(&layout);
        self.last_read = layout.last_read();
        self.layout = layout;
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether the layout leaves such rows out.
    #[inline]
    pub(super) fn is_left_out(&self, row: &RowText<'_>) -> bool {
        let profile = &self.layout.profile;
        if profile.only.is_empty() && profile.leave_out.is_empty() {
            return false;
        }
        let fits = |filter: &Filter| {
            let column = self.layout.column_named(&filter.column);
            filter.fits(column.and_then(|column| row.get(column)).unwrap_or_default())
        };
        !profile.only.iter().all(fits) || profile.leave_out.iter().any(fits)
    }

    /// Whether the row has a time that can be read: then it is a job, good or bad, and nothing else.
    pub(super) fn has_time(&self, row: &RowText<'_>) -> bool {
        let cell = self.at.time.and_then(|column| row.moment(column)).unwrap_or_default();
        match &self.layout.profile.date_format {
            Some(format) => {
                let beside = self.at.time_of_day.and_then(|column| row.moment(column));
                read_parts(cell, beside, format).is_some()
            }
            None => read_iso(cell).is_some() || Written::read(cell).is_some(),
        }
    }

    /// Whether the row names a user or an account.
    pub(super) fn has_name(&self, row: &RowText<'_>) -> bool {
        [self.at.user, self.at.account]
            .iter()
            .any(|column| trimmed(row, *column).is_some_and(|name| !name.is_empty()))
    }

    /// The amount of a total row, where it can be read.
    pub(super) fn money_of(&mut self, row: &RowText<'_>) -> Option<Money> {
        let column = self.at.cost.or(self.at.balance);
        self.money(row, column).ok()
    }

    /// Reads a row of a log.
    pub(super) fn job<'a>(&'a mut self, row: &RowText<'a>) -> Result<JobRow<'a>, Rejection> {
        match self.job_cells(row) {
            Ok(job) => {
                let account = job.account.map(|account| account.name(&self.account_text));
                let job_type = job.job_type.map(|known| known.unwrap_or(self.type_text.as_str()));
                let profile = &self.layout.profile;
                let document = self.at.document.map(|column| row.get(column).unwrap_or_default());
                Ok(JobRow {
                    row: row.row,
                    time: job.time,
                    user: job.user.or(profile.constant(Field::User)).unwrap_or_default(),
                    account: account.or(profile.constant(Field::Account)),
                    printer: trimmed(row, self.at.printer)
                        .or(profile.constant(Field::Printer))
                        .unwrap_or_default(),
                    document: document.or(profile.constant(Field::Document)),
                    job_type: job_type.or(profile.constant(Field::JobType)),
                    paper_size: trimmed(row, self.at.paper_size).or(profile.constant(Field::PaperSize)),
                    pages: job.pages,
                    colour_pages: job.colour_pages,
                    duplex: self.duplex(row),
                    grayscale: self.at.grayscale.and_then(|column| flag(row.get(column)?)),
                    cost: job.cost,
                    state: job.state,
                    chain: None,
                })
            }
            Err(fault) => Err(self.reject(row, fault)),
        }
    }

    fn job_cells<'a>(&mut self, row: &RowText<'a>) -> Result<JobCells<'a>, Fault> {
        self.check(row)?;
        let time = self.time(row)?;
        let account = self.account(row)?;
        let user = self.user_of_job(row, account.as_ref())?;
        let job_type = self.job_type(row);
        let pages = self.count(row, self.at.pages)?;
        let mut pages = pages.or(self.pages_constant).unwrap_or_default();
        if let Some(copies) = self.count(row, self.at.copies)? {
            pages = pages.checked_mul(copies).ok_or_else(|| {
                (self.at.copies, format!("{pages} pages times {copies}"), "a number of pages".to_owned())
            })?;
        }
        let colour_pages = match self.at.pages {
            Some(_) => self.count(row, self.at.colour_pages)?,
            None => None,
        };
        if colour_pages.is_some_and(|colour| colour > pages) {
            let expected = format!("at most the {pages} pages of the job");
            return Err((self.at.colour_pages, quoted(cell(row, self.at.colour_pages)), expected));
        }
        let is_print = job_type.is_none_or(|known| known == Some("print"));
        let state = self.at.state.state(row, is_print)?;
        let cost = match self.at.cost {
            Some(_) => Some(self.money(row, self.at.cost)?),
            None => None,
        };
        Ok(JobCells { time, user, account, job_type, pages, colour_pages, state, cost })
    }

    /// Reads a row of a report of sums.
    pub(super) fn sum<'a>(&'a mut self, row: &RowText<'a>) -> Result<SumRow<'a>, Rejection> {
        let cells = self.sum_cells(row);
        match cells {
            Ok((user, account, pages, colour_pages, jobs, cost)) => {
                let job_type = self.job_type(row);
                let account = account.map(|account| account.name(&self.account_text));
                let job_type = job_type.map(|known| known.unwrap_or(self.type_text.as_str()));
                Ok(SumRow {
                    row: row.row,
                    user,
                    account,
                    job_type,
                    jobs,
                    pages,
                    colour_pages,
                    cost: Some(cost),
                })
            }
            Err(fault) => Err(self.reject(row, fault)),
        }
    }

    fn sum_cells<'a>(&mut self, row: &RowText<'a>) -> Result<SumCells<'a>, Fault> {
        self.check(row)?;
        let user = match self.at.user {
            Some(_) => Some(self.name(row, self.at.user, "a username")?),
            None => None,
        };
        let account = self.account(row)?;
        let pages = self.count(row, self.at.pages)?;
        let colour_pages = self.count(row, self.at.colour_pages)?;
        if let (Some(colour), Some(all)) = (colour_pages, pages)
            && colour > all
        {
            let expected = format!("at most the {all} pages of the row");
            return Err((self.at.colour_pages, quoted(cell(row, self.at.colour_pages)), expected));
        }
        let jobs = self.count(row, self.at.jobs)?;
        Ok((user, account, pages, colour_pages, jobs, self.money(row, self.at.cost)?))
    }

    /// Reads a row of a balance list.
    pub(super) fn balance<'a>(&'a mut self, row: &RowText<'a>) -> Result<BalanceRow<'a>, Rejection> {
        let read = self.balance_cells(row);
        match read {
            Ok((user, account, balance)) => {
                let account = account.map(|account| account.name(&self.account_text));
                Ok(BalanceRow { row: row.row, user, account, balance })
            }
            Err(fault) => Err(self.reject(row, fault)),
        }
    }

    fn balance_cells<'a>(
        &mut self,
        row: &RowText<'a>,
    ) -> Result<(Option<&'a str>, Option<Account<'a>>, Money), Fault> {
        self.check(row)?;
        let user = match self.at.user {
            Some(_) => Some(self.name(row, self.at.user, "a username")?),
            None => None,
        };
        if user.is_none() {
            self.name(row, self.at.account, "an account name")?;
        }
        Ok((user, self.account(row)?, self.money(row, self.at.balance)?))
    }

    /// A row's shape and values.
    #[inline]
    fn check(&self, row: &RowText<'_>) -> Result<(), Fault> {
        self.check_shape(row)?;
        if row.has_broken { self.check_values(row) } else { Ok(()) }
    }

    /// No cell that is read may be without a value.
    fn check_values(&self, row: &RowText<'_>) -> Result<(), Fault> {
        let is_read = |field: &Option<Field>| !matches!(field, None | Some(Field::Other));
        let broken = self.layout.fields.iter().enumerate();
        let mut broken = broken.filter(|(column, field)| is_read(field) && row.is_broken(*column));
        match broken.next() {
            None => Ok(()),
            Some((column, _)) => {
                Err((Some(column), cell(row, Some(column)).to_owned(), "a value".to_owned()))
            }
        }
    }

    /// A row must have the header's columns: no text beyond them, and none of the ones that are read missing.
    #[inline]
    fn check_shape(&self, row: &RowText<'_>) -> Result<(), Fault> {
        let columns = self.layout.width;
        let surplus = row.has_surplus(columns);
        if surplus || row.len() <= self.last_read && !row.is_ragged() {
            let found = format!("{} cells", row.len());
            let is_quotable = surplus && !row.is_ragged() && self.layout.profile.quotes;
            let why =
                if is_quotable { "; a separator within a text needs quotes around the text" } else { "" };
            return Err((None, found, format!("{columns}, one for each column{why}")));
        }
        if row.broken_quote {
            return Err((None, "text after a closing quote".to_owned(), "the end of the cell".to_owned()));
        }
        Ok(())
    }

    #[inline]
    fn time(&self, row: &RowText<'_>) -> Result<NaiveDateTime, Fault> {
        let text = self.at.time.and_then(|column| row.moment(column)).unwrap_or_default();
        if let Some(format) = &self.layout.profile.date_format {
            let beside = self.at.time_of_day.map(|column| row.moment(column).unwrap_or_default());
            let expected = || (self.at.time, quoted(text), format!("a date in the form `{format}`"));
            return read_parts(text, beside, format).ok_or_else(expected);
        }
        match self.at.time_of_day {
            None => self.time_of(text),
            Some(column) => {
                let time_of_day = row.moment(column).unwrap_or_default();
                self.time_of(&format!("{} {}", clean(text), clean(time_of_day)))
            }
        }
    }

    #[inline]
    fn time_of(&self, text: &str) -> Result<NaiveDateTime, Fault> {
        if let Some(time) = read_iso(text) {
            return Ok(time);
        }
        let fault = |expected: &str| (self.at.time, quoted(text), expected.to_owned());
        let expected = match self.manner.date_order {
            Some(DateOrder::Dmy) => "a date and time, day first",
            Some(DateOrder::Mdy) => "a date and time, month first",
            Some(DateOrder::Ymd) | None => "a date and time such as `2024-03-01 17:50:10`",
        };
        let written = Written::read(text).ok_or_else(|| fault(expected))?;
        let order = self.manner.date_order.unwrap_or(DateOrder::Ymd);
        let time = written.moment(order).ok_or_else(|| fault(expected))?;
        let Some(offset) = written.offset_minutes else { return Ok(time) };
        let zone = self
            .manner
            .time_zone
            .ok_or_else(|| fault("a time without an offset, or the site's time zone"))?;
        let utc =
            time.checked_sub_signed(TimeDelta::minutes(i64::from(offset))).ok_or_else(|| fault(expected))?;
        Ok(Utc.from_utc_datetime(&utc).with_timezone(&zone).naive_local())
    }

    /// The user of a job; `None` where the layout has no column for users, and the account tells who pays.
    fn user_of_job<'a>(
        &self,
        row: &RowText<'a>,
        account: Option<&Account<'a>>,
    ) -> Result<Option<&'a str>, Fault> {
        if self.at.user.is_some() {
            return self.name(row, self.at.user, "a username").map(Some);
        }
        let has_account = account.is_some_and(|account| !matches!(account, Account::Plain("")));
        if has_account || self.layout.profile.constant(Field::User).is_some() {
            return Ok(None);
        }
        Err((self.at.account, "an empty cell".to_owned(), "an account: the file has no users".to_owned()))
    }

    fn name<'a>(&self, row: &RowText<'a>, column: Option<usize>, expected: &str) -> Result<&'a str, Fault> {
        match trimmed(row, column) {
            Some(name) if !name.is_empty() => Ok(name),
            _ => Err((column, "an empty cell".to_owned(), expected.to_owned())),
        }
    }

    /// The charged account; joined in `account_text` where it has two parts.
    fn account<'a>(&mut self, row: &RowText<'a>) -> Result<Option<Account<'a>>, Fault> {
        let Some(parent) = trimmed(row, self.at.account) else { return Ok(None) };
        // Some logs name the user where the personal account is charged.
        if self.layout.profile.account_may_be_user && trimmed(row, self.at.user) == Some(parent) {
            return Ok(Some(Account::Plain("")));
        }
        match trimmed(row, self.at.sub_account) {
            None | Some("") => Ok(Some(Account::Plain(parent))),
            Some(sub) if parent.is_empty() => Err((
                self.at.account,
                "an empty cell".to_owned(),
                format!("the parent of the sub-account {}", quoted(sub)),
            )),
            Some(sub) => {
                self.account_text.clear();
                self.account_text.push_str(parent);
                self.account_text.push('\\');
                self.account_text.push_str(sub);
                Ok(Some(Account::Joined))
            }
        }
    }

    /// The job type: `Some(None)` where it is not one of the known and stands in `type_text`.
    fn job_type(&mut self, row: &RowText<'_>) -> Option<Option<&'static str>> {
        let text = trimmed(row, self.at.job_type)?;
        let text = self.layout.profile.job_type(text);
        let known = JOB_TYPES.into_iter().find(|known| known.eq_ignore_ascii_case(text));
        if known.is_none() {
            self.type_text.clear();
            self.type_text.extend(text.chars().flat_map(char::to_lowercase));
        }
        Some(known)
    }

    /// The decimal mark of a cell: a number of the container's own has a point.
    #[inline]
    fn mark(&self, row: &RowText<'_>, column: usize) -> Option<DecimalMark> {
        if row.is_number(column) { Some(DecimalMark::Point) } else { self.manner.decimal_mark }
    }

    /// A whole number; `None` where there is no such column.
    #[inline]
    fn count(&self, row: &RowText<'_>, column: Option<usize>) -> Result<Option<u32>, Fault> {
        let Some(column) = column else { return Ok(None) };
        let text = row.amount(column).unwrap_or_default();
        match amount::read_count(text, self.mark(row, column)) {
            Some(count) => Ok(Some(count)),
            None => Err((Some(column), quoted(text), "a whole number".to_owned())),
        }
    }

    #[inline]
    fn money(&mut self, row: &RowText<'_>, column: Option<usize>) -> Result<Money, Fault> {
        let text = column.and_then(|column| row.amount(column)).unwrap_or_default();
        let mark = column.map_or(self.manner.decimal_mark, |column| self.mark(row, column));
        let read = amount::read(text, mark, self.manner.currency);
        let money = read.map_err(|fault: AmountFault| (column, quoted(text), fault.expected()))?;
        let is_charge = column.is_some() && column == self.at.cost;
        let money = if is_charge && self.layout.profile.charges_below_zero { -money } else { money };
        let is_bare = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',');
        if !is_bare
            && self.manner.currency.is_none()
            && let Some(sign) = amount::currency_of(text)
        {
            let first = self.sign.get_or_insert_with(|| sign.to_owned());
            if first != sign {
                return Err((column, quoted(text), format!("an amount in `{first}`, like the rows before")));
            }
        }
        Ok(money)
    }

    fn duplex(&self, row: &RowText<'_>) -> Option<bool> {
        match (self.at.duplex, self.at.duplex_pages) {
            (Some(column), _) => flag(row.get(column)?),
            (None, Some(column)) => {
                amount::read_count(row.get(column)?, self.manner.decimal_mark).map(|pages| pages > 0)
            }
            (None, None) => None,
        }
    }

    fn reject(&mut self, row: &RowText<'_>, (column, found, expected): Fault) -> Rejection {
        let has_shape = self.check_shape(row).is_ok();
        let cost = if has_shape { self.money_of(row) } else { None };
        let is_document = column.is_some() && column == self.at.document;
        let found = if is_document { "another text".to_owned() } else { found };
        Rejection { row: row.row, column: self.layout.header(column), found, expected, cost }
    }
}

/// The parts of a job that can fail.
struct JobCells<'a> {
    time: NaiveDateTime,
    user: Option<&'a str>,
    account: Option<Account<'a>>,
    job_type: Option<Option<&'static str>>,
    pages: u32,
    colour_pages: Option<u32>,
    state: JobState,
    cost: Option<Money>,
}

type SumCells<'a> = (Option<&'a str>, Option<Account<'a>>, Option<u32>, Option<u32>, Option<u32>, Money);

/// An account's name: lent from the row, or joined in the reader.
enum Account<'a> {
    Plain(&'a str),
    Joined,
}

impl<'a> Account<'a> {
    /// The name; `joined` is the reader's.
    fn name(self, joined: &'a str) -> &'a str {
        match self {
            Account::Plain(name) => name,
            Account::Joined => joined,
        }
    }
}

#[inline]
pub(super) fn cell<'a>(row: &RowText<'a>, column: Option<usize>) -> &'a str {
    column.and_then(|column| row.get(column)).unwrap_or_default()
}

#[inline]
fn trimmed<'a>(row: &RowText<'a>, column: Option<usize>) -> Option<&'a str> {
    column.map(|column| clean(row.get(column).unwrap_or_default()))
}

/// A cell's text for a message.
pub(super) fn quoted(text: &str) -> String {
    match clean(text) {
        "" => "an empty cell".to_owned(),
        text if text.chars().count() > QUOTED_CHARS_MAX => {
            format!("`{}…`", text.chars().take(QUOTED_CHARS_MAX).collect::<String>())
        }
        text => format!("`{text}`"),
    }
}
