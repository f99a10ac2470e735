//! The second pass: each row to whom it may concern, and the findings that only the rows can tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Exact, Finding, JOB_TYPES, JobRow, Money, Period, Row, RowChain, Severity};

use super::aside::{Aside, aside};
use super::cells::RowText;
use super::field::Field;
use super::layout::{Layout, clean};
use super::limits::FINDINGS_PER_CODE_MAX;
use super::profile::{Profiles, RowsAre};
use super::row::RowReader;

/// Rows of which an unnamed one has to have the sum: with one, a row of the same cost would be taken for it.
const UNNAMED_TOTAL_ROWS_MIN: u64 = 2;

/// What was handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadTotals {
    /// Jobs, sums and balances.
    pub taken: u64,
    /// Rows that could not be read.
    pub rejected: u64,
}

/// Hands rows to a taker.
pub(super) struct Handover<'s> {
    reader: RowReader,
    known: &'s Profiles,
    period: Option<Period>,
    totals: ReadTotals,
    /// The money of all rows so far, and when the last total row was there.
    sum: Exact,
    sum_at_total: Exact,
    told: BTreeMap<&'static str, u64>,
    types_told: BTreeSet<String>,
    outside: Option<(u64, u64)>,
    left_out: u64,
    /// The chain of rows, where each is told from others by those before it.
    chain: Option<Chain>,
    /// Columns whose texts a spreadsheet may have made numbers of.
    ids: Vec<usize>,
}

impl<'s> Handover<'s> {
    pub(super) fn new(reader: RowReader, known: &'s Profiles, period: Option<Period>) -> Handover<'s> {
        let ids = id_columns(&reader);
        let chain = reader.layout().profile.follow.then(Chain::default);
        Handover {
            reader,
            known,
            period,
            totals: ReadTotals::default(),
            sum: Exact::ZERO,
            sum_at_total: Exact::ZERO,
            told: BTreeMap::new(),
            types_told: BTreeSet::new(),
            outside: None,
            left_out: 0,
            chain,
            ids,
        }
    }

    /// Goes on with another part of the file; the name says in which sheet a column is.
    pub(super) fn set_part(&mut self, layout: &Layout, sheet: Option<&str>) {
        self.reader.set_layout(Layout { sheet: sheet.map(str::to_owned), ..layout.clone() });
        self.ids = id_columns(&self.reader);
    }

    /// Hands over one row below the header, with its findings.
    pub(super) fn row<E>(
        &mut self,
        row: &RowText<'_>,
        take: &mut impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.reader.is_left_out(row) {
            return match aside(row, self.reader.layout(), self.known) {
                Some(aside) => self.aside(row, aside, take),
                None => self.left_out(row, take),
            };
        }
        if self.reader.layout().profile.rows != RowsAre::Jobs {
            return match aside(row, self.reader.layout(), self.known) {
                Some(aside) => self.aside(row, aside, take),
                None => self.sum_or_balance(row, take),
            };
        }
        let chain = self.next_place(row);
        let rejection = match self.reader.job(row) {
            Ok(mut job) => {
                job.chain = chain;
                self.totals.taken += 1;
                self.sum += Exact::from(job.cost.unwrap_or(Money::ZERO));
                let mut findings = Vec::new();
                if let Some(period) = self.period
                    && !period.contains(job.time.date())
                {
                    let (first, count) = self.outside.unwrap_or((job.row, 0));
                    self.outside = Some((first, count + 1));
                }
                findings.extend(unknown_type(&job, &mut self.types_told));
                take(Row::Job(job))?;
                return self.after(row, findings, take);
            }
            Err(rejection) => rejection,
        };
        if !self.reader.has_time(row)
            && let Some(aside) = aside(row, self.reader.layout(), self.known)
        {
            return self.aside(row, aside, take);
        }
        if let Some(chain) = chain {
            take(Row::Place(chain))?;
        }
        self.totals.rejected += 1;
        self.sum += Exact::from(rejection.cost.unwrap_or(Money::ZERO));
        take(Row::Rejected(rejection))
    }

    /// The place of a row in a followed file. What is set aside has none: a comment that somebody adds moves no line.
    fn next_place(&mut self, row: &RowText<'_>) -> Option<RowChain> {
        let is_aside = self.chain.is_some()
            && !self.reader.has_time(row)
            && aside(row, self.reader.layout(), self.known).is_some();
        self.chain.as_mut().filter(|_| !is_aside).map(|chain| chain.next(row))
    }

    /// A row that the layout leaves out: counted, and its money with it.
    fn left_out<E>(
        &mut self,
        row: &RowText<'_>,
        take: &mut impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(chain) = &mut self.chain {
            take(Row::Place(chain.next(row)))?;
        }
        let cost = self.reader.money_of(row);
        self.totals.taken += 1;
        self.sum += Exact::from(cost.unwrap_or(Money::ZERO));
        self.left_out += 1;
        take(Row::LeftOut { row: row.row, cost })?;
        let message =
            format!("not billed: the layout `{}` leaves the row out", self.reader.layout().profile.name);
        self.after(row, vec![Finding::new(Severity::Note, "left-out", message).at_row(row.row)], take)
    }

    fn sum_or_balance<E>(
        &mut self,
        row: &RowText<'_>,
        take: &mut impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut findings = Vec::new();
        let so_far = self.sum;
        if self.is_unnamed_total(row) {
            return self.aside(row, Aside::Total, take);
        }
        let read = if self.reader.layout().profile.rows == RowsAre::Balances {
            self.reader.balance(row).map(|balance| (balance.balance, Row::Balance(balance)))
        } else {
            self.reader.sum(row).map(|sum| {
                if sum.user.is_none() && sum.account == Some("") {
                    let is_sum = sum.cost.map(Exact::from) == Some(so_far) && !so_far.is_zero();
                    let message = match is_sum {
                        false => "this row has cost without an account",
                        true => {
                            "this row has cost without an account, as much as all rows above it: leave it out of the \
                             report if it is their total"
                        }
                    };
                    findings.push(Finding::new(Severity::Warning, "account-none", message).at_row(sum.row));
                }
                (sum.cost.unwrap_or(Money::ZERO), Row::Sum(sum))
            })
        };
        match read {
            Ok((money, read)) => {
                self.totals.taken += 1;
                self.sum += Exact::from(money);
                take(read)?;
                self.after(row, findings, take)
            }
            Err(rejection) => {
                self.totals.rejected += 1;
                self.sum += Exact::from(rejection.cost.unwrap_or(Money::ZERO));
                take(Row::Rejected(rejection))
            }
        }
    }

    /// A row without a user that has the sum of several rows above it is a total. Among accounts it may be cost without
    /// an account, and is kept.
    fn is_unnamed_total(&mut self, row: &RowText<'_>) -> bool {
        let is_of_users = self.reader.layout().column(Field::User).is_some();
        if !is_of_users || self.totals.taken < UNNAMED_TOTAL_ROWS_MIN || self.reader.has_name(row) {
            return false;
        }
        self.reader.money_of(row).map(Exact::from).is_some_and(|total| total == self.sum && !total.is_zero())
    }

    /// What is told about a row that was read.
    #[inline]
    fn after<E>(
        &mut self,
        row: &RowText<'_>,
        mut findings: Vec<Finding>,
        take: &mut impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for column in &self.ids {
            let cell = row.get(*column).unwrap_or_default();
            if is_scientific(cell) {
                let message = format!(
                    "found `{}`, an id that a spreadsheet made a number of; it is kept as it stands",
                    clean(cell)
                );
                let finding = Finding::new(Severity::Warning, "id-damaged", message).at_row(row.row);
                findings.push(finding.in_column(self.reader.layout().header(Some(*column))));
            }
        }
        for finding in findings {
            let told = self.told.entry(finding.code).or_default();
            *told += 1;
            if *told <= FINDINGS_PER_CODE_MAX {
                take(Row::Finding(finding))?;
            }
        }
        Ok(())
    }

    fn aside<E>(
        &mut self,
        row: &RowText<'_>,
        aside: Aside,
        take: &mut impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match aside {
            Aside::Blank | Aside::Comment => Ok(()),
            Aside::Header(layout) => {
                self.reader.set_layout(layout);
                self.ids = id_columns(&self.reader);
                Ok(())
            }
            Aside::Total => {
                let Some(total) = self.reader.money_of(row).map(Exact::from) else { return Ok(()) };
                let since = self.sum - self.sum_at_total;
                self.sum_at_total = self.sum;
                if total == self.sum || total == since {
                    let message = format!("taken for the total of the rows above, {total}, and for nobody's");
                    let finding = Finding::new(Severity::Note, "total-row", message).at_row(row.row);
                    return self.after(row, vec![finding], take);
                }
                let message = format!("the total row says {total}, the rows above it sum up to {}", self.sum);
                take(Row::Finding(Finding::new(Severity::Warning, "total-differs", message).at_row(row.row)))
            }
        }
    }

    /// Tells what only the end tells.
    pub(super) fn finish<E>(self, take: &mut impl FnMut(Row<'_>) -> Result<(), E>) -> Result<ReadTotals, E> {
        if let (Some((first, count)), Some(period)) = (self.outside, self.period) {
            let rows = if count == 1 { "1 row lies".to_owned() } else { format!("{count} rows lie") };
            let message = format!("{rows} outside the report's period {period}; the first is this");
            take(Row::Finding(Finding::new(Severity::Warning, "outside-period", message).at_row(first)))?;
        }
        if self.left_out > 0 && self.left_out == self.totals.taken + self.totals.rejected {
            let message = "the layout leaves every row out: its filters may name the wrong column or texts";
            take(Row::Finding(Finding::new(Severity::Warning, "all-left-out", message)))?;
        }
        for (code, count) in self.told {
            if count > FINDINGS_PER_CODE_MAX {
                let message =
                    format!("{} more rows have the finding `{code}`", count - FINDINGS_PER_CODE_MAX);
                take(Row::Finding(Finding::new(Severity::Warning, code, message)))?;
            }
        }
        Ok(self.totals)
    }
}

/// The rows so far, as one hash that grows: equal lines at different places of a file differ in it, and the same line
/// of a file that grew, was renamed or was cut does not.
#[derive(Default)]
struct Chain(RowChain);

impl Chain {
    /// Adds a row; the chain up to it.
    fn next(&mut self, row: &RowText<'_>) -> RowChain {
        self.0 = self.0.with(row.iter());
        self.0
    }
}

fn id_columns(reader: &RowReader) -> Vec<usize> {
    let is_id = |field: &Option<Field>| {
        matches!(field, Some(Field::Id | Field::User | Field::Account | Field::SubAccount))
    };
    let fields = reader.layout().fields.iter().enumerate();
    fields.filter(|(_, field)| is_id(field)).map(|(column, _)| column).collect()
}

/// A job type that is not one of PaperCut's, told once; as many as can be told.
#[inline]
fn unknown_type(job: &JobRow<'_>, told: &mut BTreeSet<String>) -> Option<Finding> {
    let job_type = job.job_type.filter(|one| !one.is_empty() && !JOB_TYPES.contains(one))?;
    let limit = usize::try_from(FINDINGS_PER_CODE_MAX).unwrap_or_default();
    if told.contains(job_type) || told.len() >= limit {
        return None;
    }
    told.insert(job_type.to_owned());
    let message = format!("the job type `{job_type}` is not known; its jobs are taken as they are");
    Some(Finding::new(Severity::Warning, "job-type-unknown", message).at_row(job.row))
}

/// `1.91431E+18`: what a spreadsheet writes for a long number.
#[inline]
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once("E+") else { return false };
    let digits = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',')
    };
    digits(clean(mantissa)) && digits(clean(exponent))
}
