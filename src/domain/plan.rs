//! What a payer's printing is charged by.

use super::invoice::TaxRate;
use super::money::{Money, Rate};

/// A plan: how a payer's jobs become money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Name in the configuration and the directory.
    pub name: String,
    /// Where the price of a job comes from.
    pub basis: Basis,
    /// What the plan includes per period.
    pub allowance: Allowance,
    /// Whether the allowance is the payer's or multiplied by seats and pooled in the team.
    pub per: AllowancePer,
    /// The tax on the lines; `None` where none is charged.
    pub tax: Option<TaxRate>,
}

/// Where the price of a job comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// PaperCut's cost, with a mark-up.
    Cost {
        /// Added to what remains after the allowance.
        markup: Rate,
    },
    /// The plan's own prices per page.
    Pages(PriceList),
}

/// Prices per page before tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceList {
    /// A mono page, where no rule says otherwise.
    pub mono: Money,
    /// A colour page, where no rule says otherwise.
    pub colour: Money,
    /// Other prices by job type and paper size. The first rule that fits holds, and page allowances are
    /// used up in this order too, after the prices above.
    pub rules: Vec<PriceRule>,
}

/// Prices for one job type, one paper size, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRule {
    /// `print`, `copy`, `scan`, `fax` or another type in lower case; `None` fits all.
    pub job_type: Option<String>,
    /// Paper size, compared without letter case; `None` fits all.
    pub paper_size: Option<String>,
    /// A mono page.
    pub mono: Money,
    /// A colour page.
    pub colour: Money,
}

/// What a plan includes per period, before anything is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// Nothing.
    None,
    /// Pages, mono and colour each for themselves.
    Pages {
        /// Mono pages.
        mono: i64,
        /// Colour pages.
        colour: i64,
    },
    /// Money at the plan's prices, before mark-up.
    Money(Money),
}

/// What the allowance is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowancePer {
    /// Once for the payer.
    Payer,
    /// For each seat, pooled: any member of the team may use it.
    Seat,
}
