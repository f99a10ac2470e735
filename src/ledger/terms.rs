//! How a plan and a payer stand in the ledger: as JSON, so that a correction of an old period finds the terms
//! under which it was billed, whatever the configuration says by then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::LedgerError;
use crate::domain::{
    Allowance, AllowancePer, Basis, Money, Payer, PayerId, Plan, PriceList, PriceRule, Rate, TaxRate, Terms,
};

#[derive(Serialize, Deserialize)]
struct TermsText {
    plan: String,
    seats: i64,
    basis: BasisText,
    allowance: AllowanceText,
    per_seat: bool,
    tax: Option<(String, i64)>,
}

#[derive(Serialize, Deserialize)]
enum BasisText {
    Cost { markup: i64 },
    Pages { mono: i64, colour: i64, rules: Vec<RuleText> },
}

#[derive(Serialize, Deserialize)]
struct RuleText {
    job_type: Option<String>,
    paper_size: Option<String>,
    mono: i64,
    colour: i64,
}

#[derive(Serialize, Deserialize)]
enum AllowanceText {
    None,
    Pages { mono: i64, colour: i64 },
    Money(i64),
}

#[derive(Serialize, Deserialize)]
struct PayerText {
    name: String,
    email: String,
    code: String,
    identifiers: BTreeMap<String, String>,
}

/// The terms as text.
pub(super) fn terms_text(terms: &Terms) -> String {
    let plan = &terms.plan;
    let basis = match &plan.basis {
        Basis::Cost { markup } => BasisText::Cost { markup: markup.millionths() },
        Basis::Pages(prices) => BasisText::Pages {
            mono: prices.mono.millionths(),
            colour: prices.colour.millionths(),
            rules: prices.rules.iter().map(rule_text).collect(),
        },
    };
    let allowance = match plan.allowance {
        Allowance::None => AllowanceText::None,
        Allowance::Pages { mono, colour } => AllowanceText::Pages { mono, colour },
        Allowance::Money(money) => AllowanceText::Money(money.millionths()),
    };
    let text = TermsText {
        plan: plan.name.clone(),
        seats: terms.seats,
        basis,
        allowance,
        per_seat: plan.per == AllowancePer::Seat,
        tax: plan.tax.as_ref().map(|tax| (tax.name.clone(), tax.rate.millionths())),
    };
    serde_json::to_string(&text).unwrap_or_default()
}

fn rule_text(rule: &PriceRule) -> RuleText {
    RuleText {
        job_type: rule.job_type.clone(),
        paper_size: rule.paper_size.clone(),
        mono: rule.mono.millionths(),
        colour: rule.colour.millionths(),
    }
}

/// The terms of a text.
pub(super) fn terms_of(text: &str) -> Result<Terms, LedgerError> {
    let read: TermsText = serde_json::from_str(text)
        .map_err(|_| LedgerError::Unreadable { what: "the terms of a plan", found: text.to_owned() })?;
    let basis = match read.basis {
        BasisText::Cost { markup } => Basis::Cost { markup: Rate::from_millionths(markup) },
        BasisText::Pages { mono, colour, rules } => Basis::Pages(PriceList {
            mono: Money::from_millionths(mono),
            colour: Money::from_millionths(colour),
            rules: rules
                .into_iter()
                .map(|rule| PriceRule {
                    job_type: rule.job_type,
                    paper_size: rule.paper_size,
                    mono: Money::from_millionths(rule.mono),
                    colour: Money::from_millionths(rule.colour),
                })
                .collect(),
        }),
    };
    let allowance = match read.allowance {
        AllowanceText::None => Allowance::None,
        AllowanceText::Pages { mono, colour } => Allowance::Pages { mono, colour },
        AllowanceText::Money(money) => Allowance::Money(Money::from_millionths(money)),
    };
    let plan = Plan {
        name: read.plan,
        basis,
        allowance,
        per: if read.per_seat { AllowancePer::Seat } else { AllowancePer::Payer },
        tax: read.tax.map(|(name, rate)| TaxRate { name, rate: Rate::from_millionths(rate) }),
    };
    Ok(Terms { plan, seats: read.seats })
}

/// A payer's name and identifiers as text: an issued line shows what held when it was issued.
pub(super) fn payer_text(payer: &Payer) -> String {
    let text = PayerText {
        name: payer.name.clone(),
        email: payer.email.clone(),
        code: payer.code.clone(),
        identifiers: payer.identifiers.clone(),
    };
    serde_json::to_string(&text).unwrap_or_default()
}

/// The payer of a text.
pub(super) fn payer_of(id: &str, text: &str) -> Result<Payer, LedgerError> {
    let unreadable = || LedgerError::Unreadable { what: "a payer", found: id.to_owned() };
    let id = PayerId::parse(id).ok_or_else(unreadable)?;
    let read: PayerText = serde_json::from_str(text).map_err(|_| unreadable())?;
    Ok(Payer { id, name: read.name, email: read.email, code: read.code, identifiers: read.identifiers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_and_payers_come_back_as_they_were() {
        let basis = Basis::Pages(PriceList {
            mono: Money::from_millionths(80_000),
            colour: Money::from_millionths(360_000),
            rules: vec![PriceRule {
                job_type: Some("scan".to_owned()),
                paper_size: None,
                mono: Money::ZERO,
                colour: Money::ZERO,
            }],
        });
        let plan = Plan {
            name: "pool".to_owned(),
            basis,
            allowance: Allowance::Pages { mono: 20, colour: 5 },
            per: AllowancePer::Seat,
            tax: Some(TaxRate { name: "VAT 20%".to_owned(), rate: Rate::from_millionths(200_000) }),
        };
        let terms = Terms { plan, seats: 2 };
        assert_eq!(terms_of(&terms_text(&terms)).unwrap(), terms);
        let payer = Payer {
            id: PayerId::Team("T100".to_owned()),
            name: "Kestrel & Lark, Ltd".to_owned(),
            email: "accounts@kestrel.example".to_owned(),
            code: "T100".to_owned(),
            identifiers: BTreeMap::from([("xero_contact".to_owned(), "Kestrel".to_owned())]),
        };
        assert_eq!(payer_of("team:T100", &payer_text(&payer)).unwrap(), payer);
    }
}
