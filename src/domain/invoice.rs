//! Invoice lines, the batch they belong to, and the proof that the batch adds up.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use uuid::Uuid;

use super::currency::Currency;
use super::finding::Finding;
use super::money::{Exact, Money, Rate};
use super::period::Period;

/// Who gets an invoice line: `team:<id>` or `member:<id>`.
///
/// ```
/// use papertally::domain::PayerId;
/// let payer = PayerId::parse("team:T100").unwrap();
/// assert_eq!(payer, PayerId::Team("T100".into()));
/// assert_eq!(payer.to_string(), "team:T100");
/// assert!(PayerId::parse("T100").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PayerId {
    /// A company in the coworking system.
    Team(String),
    /// A person in the coworking system.
    Member(String),
}

impl PayerId {
    /// Reads `team:<id>` or `member:<id>`; `|` in an id is refused, since keys are joined by it.
    pub fn parse(text: &str) -> Option<PayerId> {
        let (kind, id) = text.split_once(':')?;
        if id.is_empty() || id.contains('|') {
            return None;
        }
        match kind {
            "team" => Some(PayerId::Team(id.to_owned())),
            "member" => Some(PayerId::Member(id.to_owned())),
            _ => None,
        }
    }

    /// The id in the coworking system.
    pub fn id(&self) -> &str {
        match self {
            PayerId::Team(id) | PayerId::Member(id) => id,
        }
    }
}

impl fmt::Display for PayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PayerId::Team(id) => write!(f, "team:{id}"),
            PayerId::Member(id) => write!(f, "member:{id}"),
        }
    }
}

/// Who gets the lines, as invoices and receivers name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payer {
    /// Member or team.
    pub id: PayerId,
    /// The name on the invoice.
    pub name: String,
    /// Where the invoice goes.
    pub email: String,
    /// Code in invoice numbers: capital letters, digits and `-`, at most 7.
    pub code: String,
    /// Identifiers that receiving systems need, by the directory's column name (`xero_contact`, …).
    pub identifiers: BTreeMap<String, String>,
}

/// What a line charges for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineClass {
    /// Mono pages at the plan's prices.
    Mono,
    /// Colour pages at the plan's prices.
    Colour,
    /// PaperCut's cost, with the plan's mark-up.
    Cost,
}

impl LineClass {
    /// The word used in keys, JSON and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            LineClass::Mono => "mono",
            LineClass::Colour => "colour",
            LineClass::Cost => "cost",
        }
    }

    /// The class of that word.
    pub fn parse(word: &str) -> Option<LineClass> {
        [LineClass::Mono, LineClass::Colour, LineClass::Cost].into_iter().find(|class| class.as_str() == word)
    }
}

/// A tax rate with the name that the plan gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxRate {
    /// The plan's name of the rate, such as `VAT 20%`; receivers map it to their own.
    pub name: String,
    /// The rate.
    pub rate: Rate,
}

/// What a charge or a line counts, beside its money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Jobs.
    pub jobs: i64,
    /// Mono pages.
    pub mono_pages: i64,
    /// Colour pages.
    pub colour_pages: i64,
    /// Mono pages that the plan's allowance covered.
    pub mono_included: i64,
    /// Colour pages that the plan's allowance covered.
    pub colour_included: i64,
    /// Mono pages at no price, such as scans.
    pub mono_free: i64,
    /// Colour pages at no price.
    pub colour_free: i64,
}

impl Usage {
    /// Both together.
    pub fn plus(&self, other: &Usage) -> Usage {
        Usage {
            jobs: self.jobs + other.jobs,
            mono_pages: self.mono_pages + other.mono_pages,
            colour_pages: self.colour_pages + other.colour_pages,
            mono_included: self.mono_included + other.mono_included,
            colour_included: self.colour_included + other.colour_included,
            mono_free: self.mono_free + other.mono_free,
            colour_free: self.colour_free + other.colour_free,
        }
    }

    /// What this has beyond `before`.
    pub fn minus(&self, before: &Usage) -> Usage {
        Usage {
            jobs: self.jobs - before.jobs,
            mono_pages: self.mono_pages - before.mono_pages,
            colour_pages: self.colour_pages - before.colour_pages,
            mono_included: self.mono_included - before.mono_included,
            colour_included: self.colour_included - before.colour_included,
            mono_free: self.mono_free - before.mono_free,
            colour_free: self.colour_free - before.colour_free,
        }
    }
}

/// One line of an invoice. Issued, it never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceLine {
    /// UUID version 5 of site, period, payer, class and revision: the same line has the same id everywhere.
    pub id: Uuid,
    /// The invoice it stands on, such as `PRT-2026-10-T100`.
    pub invoice_number: String,
    /// Who pays.
    pub payer: Payer,
    /// What it charges for.
    pub class: LineClass,
    /// The period of its jobs: an adjustment's is earlier than its batch's.
    pub period: Period,
    /// 0 for the first line of its payer, period and class; then counted up by each correction.
    pub revision: u32,
    /// The line that this one corrects.
    pub adjusts: Option<Uuid>,
    /// One sentence for the payer; never a document name.
    pub description: String,
    /// Pages, or 1 where pages × price is not the net exactly. Negative for a correction downward.
    pub quantity: i64,
    /// Price of one, before tax; `quantity × unit_price = net` exactly.
    pub unit_price: Money,
    /// Amount before tax, rounded to the currency's decimals.
    pub net: Money,
    /// Tax of the line, rounded.
    pub tax: Money,
    /// The rate; `None` where the plan charges no tax.
    pub tax_rate: Option<TaxRate>,
    /// Jobs and pages behind the line; for a correction the difference to what was issued.
    pub usage: Usage,
    /// How the net came about.
    pub proof: Proof,
}

impl InvoiceLine {
    /// Net and tax together.
    pub fn gross(&self) -> Exact {
        Exact::from(self.net) + Exact::from(self.tax)
    }
}

/// Where every millionth of the reported cost went.
///
/// `reported − not_billable − suspense − allowance + markup + rounding = billed`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// PaperCut's cost of the period's jobs.
    pub reported: Exact,
    /// Refunded, denied, unprinted and excluded jobs.
    pub not_billable: Exact,
    /// Jobs whose payer is not known yet.
    pub suspense: Exact,
    /// What allowances covered, at the plan's prices.
    pub allowance: Exact,
    /// Mark-up, and the difference between the plan's prices and PaperCut's.
    pub markup: Exact,
    /// What rounding the lines added or took.
    pub rounding: Exact,
    /// The lines' net.
    pub billed: Exact,
}

impl Proof {
    /// What is missing or too much: zero, or a fault in papertally.
    pub fn difference(&self) -> Exact {
        self.reported - self.not_billable - self.suspense - self.allowance + self.markup + self.rounding
            - self.billed
    }

    /// Both proofs together.
    pub fn plus(&self, other: &Proof) -> Proof {
        Proof {
            reported: self.reported + other.reported,
            not_billable: self.not_billable + other.not_billable,
            suspense: self.suspense + other.suspense,
            allowance: self.allowance + other.allowance,
            markup: self.markup + other.markup,
            rounding: self.rounding + other.rounding,
            billed: self.billed + other.billed,
        }
    }

    /// What this proof has beyond `issued`.
    pub fn minus(&self, issued: &Proof) -> Proof {
        Proof {
            reported: self.reported - issued.reported,
            not_billable: self.not_billable - issued.not_billable,
            suspense: self.suspense - issued.suspense,
            allowance: self.allowance - issued.allowance,
            markup: self.markup - issued.markup,
            rounding: self.rounding - issued.rounding,
            billed: self.billed - issued.billed,
        }
    }
}

/// Money and jobs that wait for the directory, by user or account and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspenseItem {
    /// The PaperCut username, as first seen; empty where it is the account that has no payer.
    pub user: String,
    /// The shared account, or empty for the personal account.
    pub account: String,
    /// Why nobody pays yet, and what would mend it.
    pub reason: String,
    /// Number of jobs.
    pub jobs: i64,
    /// Their pages.
    pub pages: i64,
    /// Their PaperCut cost.
    pub cost: Money,
}

/// Jobs of a period that are never billed, by state or exclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotBillableItem {
    /// `refunded`, `denied`, `not-printed` or why the operator left it out.
    pub reason: String,
    /// Number of jobs.
    pub jobs: i64,
    /// Their pages.
    pub pages: i64,
    /// Their PaperCut cost.
    pub cost: Money,
}

/// What one user of a payer did in the period, for statements and the workbook's detail sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailItem {
    /// Who pays.
    pub payer: PayerId,
    /// The PaperCut username, as first seen.
    pub user: String,
    /// The shared account, or empty.
    pub account: String,
    /// `print`, `copy`, `scan`, `fax` or another type.
    pub job_type: String,
    /// Number of jobs.
    pub jobs: i64,
    /// Mono pages.
    pub mono_pages: i64,
    /// Colour pages.
    pub colour_pages: i64,
    /// PaperCut cost.
    pub cost: Money,
}

/// The invoice lines of one period of one site, with their proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Name of the batch, such as `harbour-2026-10`; a later batch of the same period ends in `-A1`.
    pub id: String,
    /// The site.
    pub site: String,
    /// The period that was billed.
    pub period: Period,
    /// The site's currency.
    pub currency: Currency,
    /// Date of the invoices.
    pub invoice_date: NaiveDate,
    /// Date until which they are to be paid.
    pub due_date: NaiveDate,
    /// Lines, ordered by payer, period, class and revision. Lines of zero net are among them.
    pub lines: Vec<InvoiceLine>,
    /// Who used what in the period, ordered by payer, user, account and type.
    pub detail: Vec<DetailItem>,
    /// What nobody pays yet.
    pub suspense: Vec<SuspenseItem>,
    /// What is never billed.
    pub not_billable: Vec<NotBillableItem>,
    /// Where the money went.
    pub proof: Proof,
    /// What a person should look at.
    pub findings: Vec<Finding>,
}

impl Batch {
    /// The lines that are handed to receivers: those whose net is not zero.
    pub fn charged_lines(&self) -> impl Iterator<Item = &InvoiceLine> {
        self.lines.iter().filter(|line| !line.net.is_zero())
    }

    /// Net of all lines.
    pub fn net(&self) -> Exact {
        self.lines.iter().map(|line| Exact::from(line.net)).sum()
    }

    /// Tax of all lines, computed line by line.
    pub fn tax(&self) -> Exact {
        self.lines.iter().map(|line| Exact::from(line.tax)).sum()
    }

    /// The findings without those that repeat [`Batch::suspense`], for places that show both.
    pub fn findings_beside_suspense(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.code != "suspense")
    }

    /// The payers with a charged line, in order.
    pub fn payers(&self) -> BTreeMap<&PayerId, &Payer> {
        self.charged_lines().map(|line| (&line.payer.id, &line.payer)).collect()
    }
}
