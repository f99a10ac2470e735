//! `[[tax]]`, `[[plan]]` and `[billing]`: what is charged, and when.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::papercut::mode;
use super::raw::{Section, one_of};
use crate::domain::{
    Allowance, AllowancePer, BalanceMode, Basis, Period, Plan, PriceList, PriceRule, Rate, Schedule, TaxRate,
};

/// What `[billing]` says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingConfig {
    /// The plan of payers who have none in the directory.
    pub default_plan: Option<String>,
    /// The first month that `run` bills by itself; without it, it bills none.
    pub first_period: Option<Period>,
    /// When a month that has ended is due; without it, `run` bills none by itself.
    pub schedule: Option<Schedule>,
    /// How invoice numbers begin.
    pub invoice_prefix: String,
    /// Which date an invoice has.
    pub invoice_date: InvoiceDate,
    /// Days from the invoice's date until it is to be paid.
    pub due_days: u32,
    /// Whether a period that reports do not wholly cover is billed unasked.
    pub despite_gaps: bool,
}

/// Which date an invoice has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvoiceDate {
    /// The period's last day.
    PeriodEnd,
    /// The day on which it is issued.
    IssueDate,
}

/// The word in a plan for no tax, and in a receiver for lines without any.
pub(super) const NO_TAX: &str = "none";

/// Highest tax and mark-up, in percent: more is a slip of the decimal point.
const TAX_PERCENT_MAX: &str = "100";
const MARKUP_PERCENT_MAX: &str = "1000";

/// Most pages that an allowance includes; more is no allowance any more.
const ALLOWANCE_PAGES_MAX: i64 = 1_000_000;

/// Latest due date, in days: a year.
const DUE_DAYS_MAX: u32 = 366;

/// Longest prefix of invoice numbers: with period and payer code a number stays within 21 characters.
const PREFIX_LENGTH_MAX: usize = 5;

pub(super) fn taxes(root: &Section<'_>) -> Vec<TaxRate> {
    let mut taxes: Vec<TaxRate> = Vec::new();
    for section in root.sections("tax") {
        let name = section.needed_text("name", "the name of the tax rate, such as `VAT 20%`");
        if name == NO_TAX || taxes.iter().any(|tax| tax.name == name) {
            section.problem("name", format!("`{name}`"), "a name that no other rate has, and not `none`");
        }
        if !section.has("percent") {
            section.problem("percent", "nothing", "a percentage such as `\"20\"`");
        }
        let rate = section.percent("percent", TAX_PERCENT_MAX).unwrap_or_default();
        taxes.push(TaxRate { name, rate });
    }
    taxes
}

pub(super) fn plans(root: &Section<'_>, taxes: &[TaxRate]) -> Vec<Plan> {
    let mut plans: Vec<Plan> = Vec::new();
    for section in root.sections("plan") {
        let name = section.needed_text("name", "the plan's name, as the directory writes it");
        if plans.iter().any(|plan| plan.name == name) {
            section.problem("name", format!("`{name}` a second time"), "another name for each plan");
        }
        let basis = basis(&section);
        let (allowance, per) = allowance(&section.section("allowance"), basis.as_ref());
        let tax = tax(&section, taxes);
        if let Some(basis) = basis {
            plans.push(Plan { name, basis, allowance, per, tax });
        }
    }
    plans
}

/// The plans that say themselves how balances are changed.
pub(super) fn plan_modes(root: &Section<'_>) -> BTreeMap<String, BalanceMode> {
    let named = root.sections("plan").into_iter().filter_map(|plan| {
        // Overage is what a whole site is billed from.
        let mode = mode(&plan, &["none", "invoiced", "target"])?;
        Some((plan.text("name")?, mode))
    });
    named.collect()
}

#[derive(Clone, Copy)]
enum BasisWord {
    Cost,
    Pages,
}

fn basis(section: &Section<'_>) -> Option<Basis> {
    let forbid = |keys: &[&str], basis: &str| {
        for key in keys.iter().filter(|key| section.has(key)) {
            section.problem(
                key,
                format!("it in a plan with basis `{basis}`"),
                "nothing: it would have no effect",
            );
        }
    };
    match section.needed_choice("basis", &[("cost", BasisWord::Cost), ("pages", BasisWord::Pages)])? {
        BasisWord::Cost => {
            forbid(&["mono", "colour", "price"], "cost");
            let markup = section.percent("markup_percent", MARKUP_PERCENT_MAX).unwrap_or(Rate::ZERO);
            Some(Basis::Cost { markup })
        }
        BasisWord::Pages => {
            forbid(&["markup_percent"], "pages");
            let rules = section.sections("price").iter().map(price_rule).collect();
            let (mono, colour) = (section.needed_amount("mono"), section.needed_amount("colour"));
            Some(Basis::Pages(PriceList { mono, colour, rules }))
        }
    }
}

fn price_rule(section: &Section<'_>) -> PriceRule {
    let job_type = section.text("type").map(|word| word.to_lowercase());
    let paper_size = section.text("paper");
    if job_type.is_none() && paper_size.is_none() {
        section.problem("type", "nothing", "a job type, or a paper size in `paper`, or both");
    }
    let (mono, colour) = (section.needed_amount("mono"), section.needed_amount("colour"));
    PriceRule { job_type, paper_size, mono, colour }
}

fn allowance(section: &Section<'_>, basis: Option<&Basis>) -> (Allowance, AllowancePer) {
    let words = [("seat", AllowancePer::Seat), ("payer", AllowancePer::Payer)];
    let mono = section.whole("mono_pages", 0..=ALLOWANCE_PAGES_MAX);
    let colour = section.whole("colour_pages", 0..=ALLOWANCE_PAGES_MAX);
    let money = section.amount("money");
    let in_pages = ["mono_pages", "colour_pages"].into_iter().find(|key| section.has(key));
    if let (Some(key), Some(Basis::Cost { .. })) = (in_pages, basis) {
        section.problem(key, "it in a plan with basis `cost`", "`money`, or basis `pages`");
    }
    if section.has("money") && in_pages.is_some() {
        section.problem("money", "it beside pages", "an allowance in pages or in money, not in both");
    }
    if !section.has("money") && in_pages.is_none() {
        if section.has("per") {
            section.problem(
                "per",
                "it without an allowance",
                "`mono_pages`, `colour_pages` or `money` beside it",
            );
        }
        return (Allowance::None, AllowancePer::Payer);
    }
    let per = section.needed_choice("per", &words).unwrap_or(AllowancePer::Payer);
    let pages = Allowance::Pages { mono: mono.unwrap_or(0), colour: colour.unwrap_or(0) };
    (money.map_or(pages, Allowance::Money), per)
}

fn tax(section: &Section<'_>, taxes: &[TaxRate]) -> Option<TaxRate> {
    let known = || one_of(taxes.iter().map(|tax| tax.name.as_str()).chain([NO_TAX]));
    let name = section.needed_text("tax", &known());
    let found = taxes.iter().find(|tax| tax.name == name);
    if found.is_none() && name != NO_TAX && !name.is_empty() {
        section.problem("tax", format!("`{name}`"), known());
    }
    found.cloned()
}

pub(super) fn billing(section: &Section<'_>, plans: &[Plan]) -> BillingConfig {
    let default_plan = section.text("default_plan");
    if let Some(name) = default_plan.as_ref().filter(|name| plans.iter().all(|plan| plan.name != **name)) {
        let known = one_of(plans.iter().map(|plan| plan.name.as_str()));
        section.problem("default_plan", format!("`{name}`"), known);
    }
    let dates = [("period-end", InvoiceDate::PeriodEnd), ("issue-date", InvoiceDate::IssueDate)];
    BillingConfig {
        default_plan,
        first_period: first_period(section),
        schedule: schedule(section),
        invoice_prefix: invoice_prefix(section).unwrap_or_else(|| "PRT".to_owned()),
        invoice_date: section.choice("invoice_date", &dates).unwrap_or(InvoiceDate::PeriodEnd),
        due_days: section.whole("due_days", 0..=DUE_DAYS_MAX).unwrap_or(14),
        despite_gaps: section.flag("despite_gaps", false),
    }
}

/// The first part of invoice numbers, of all sites or of one.
pub(super) fn invoice_prefix(section: &Section<'_>) -> Option<String> {
    let prefix = section.text("invoice_prefix")?;
    let allowed = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit();
    if prefix.len() > PREFIX_LENGTH_MAX || !prefix.chars().all(allowed) {
        let expected = format!("at most {PREFIX_LENGTH_MAX} of `A`–`Z` and `0`–`9`");
        section.problem("invoice_prefix", format!("`{prefix}`"), expected);
    }
    Some(prefix)
}

/// A month by its name: `last-month` would begin at another month every month.
fn first_period(section: &Section<'_>) -> Option<Period> {
    let text = section.text("first_period")?;
    let month = (text.len() == 7).then(|| Period::parse(&text, NaiveDate::MIN).ok()).flatten();
    if month.is_none() {
        section.problem("first_period", format!("`{text}`"), "a month such as `2026-10`");
    }
    month
}

fn schedule(section: &Section<'_>) -> Option<Schedule> {
    match Schedule::parse(&section.text("schedule")?) {
        Ok(schedule) => Some(schedule),
        Err(error) => {
            let text = error.to_string();
            let (found, expected) = text.split_once(", expected ").unwrap_or((&text, "a schedule"));
            section.problem("schedule", found.strip_prefix("found ").unwrap_or(found), expected);
            None
        }
    }
}
