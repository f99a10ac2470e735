//! OfficeRnD's fees as CSV: 9 columns, one row a charged line, which is a fee on the next invoice.
//!
//! OfficeRnD numbers, dates and taxes the invoice; the tax is that of its plan. Its help warns of prices that are
//! "formatted with commas or dots", and does not say whether a plain decimal point is safe: the operator tries
//! it and chooses a [`PriceMode`]. A negative fee is not documented, so a credit is held with a finding. The tag
//! at the end of a name is the line's own, to compare with the list of fees before a file is imported again.

use std::collections::BTreeMap;

use crate::domain::{Batch, DateOrder, Exact, Finding, InvoiceLine, Money, PayerId, Severity};

use super::cells::{free_text, is_safe_key};
use super::invoices::{
    Invoice, amount, check_settings, date, invoices, key_fault, quantity_and_price, tax_note, tax_type,
};
use super::parts::{Limits, Parts};
use super::{RenderError, Rendered, TextEncoding};

/// Decimals of a price that survive the import with certainty.
const UNIT_DECIMALS: u32 = 2;

/// Hexadecimal digits of a line's id in its tag: compared together with payer and period.
const TAG_DIGITS: usize = 8;

const HEADER: [&str; 9] =
    ["Email", "Company", "Member", "Location", "Date", "Name", "Price", "Plan", "Quantity"];

/// What the OfficeRnD organisation expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficerndSettings {
    /// Name of the location.
    pub location: String,
    /// Order of dates, which the import asks for.
    pub date_order: DateOrder,
    /// How a price is told.
    pub price_mode: PriceMode,
    /// The file's encoding.
    pub encoding: TextEncoding,
}

/// How OfficeRnD learns what a fee costs. The tax is always that of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceMode {
    /// Price and pages: `0.08` × 21. The plan is chosen by our name of the tax rate (or `none`).
    Unit(BTreeMap<String, String>),
    /// Pages only: each plan has one of these prices, by its name.
    PlanDefault(BTreeMap<String, Money>),
    /// The amount as a number of pence: each plan is priced 0.01. Chosen as in [`PriceMode::Unit`].
    Pence(BTreeMap<String, String>),
}

/// Renders the batch as one file.
pub(super) fn render(settings: &OfficerndSettings, batch: &Batch) -> Result<Rendered, RenderError> {
    check(settings)?;
    let mut findings = Vec::new();
    let mut kept = Vec::new();
    let mut parts = Parts::new(settings.encoding, &HEADER, Limits::NONE);
    for mut invoice in invoices(batch) {
        if let Some(finding) = reason_to_hold(settings, &invoice, batch) {
            findings.push(finding);
            continue;
        }
        findings.extend(held_credits(&invoice, batch));
        invoice.lines.retain(|line| !line.net.is_negative());
        let rows: Result<Vec<[String; 9]>, RenderError> =
            invoice.lines.iter().map(|line| cells(settings, &invoice, line, batch)).collect();
        parts.invoice(&rows?)?;
        kept.push(invoice);
    }
    let how = "OfficeRnD computes tax itself, and may do so on each invoice's sum";
    findings.extend(tax_note(&kept, batch, how)?);
    Ok(Rendered { files: parts.into_files(batch, "officernd")?, findings })
}

fn check(settings: &OfficerndSettings) -> Result<(), RenderError> {
    let plans: Vec<(&str, &str)> = match &settings.price_mode {
        PriceMode::Unit(plans) | PriceMode::Pence(plans) => {
            plans.values().map(|plan| ("tax_types", plan.as_str())).collect()
        }
        PriceMode::PlanDefault(prices) => prices.keys().map(|plan| ("plan_prices", plan.as_str())).collect(),
    };
    check_settings(plans.into_iter().chain([("location", settings.location.as_str())]))
}

/// Why an invoice cannot be in the file: OfficeRnD would not know the payer, or have another price.
fn reason_to_hold(settings: &OfficerndSettings, invoice: &Invoice<'_>, batch: &Batch) -> Option<Finding> {
    let held = |code, reason: &str| Some(invoice.held(batch, Severity::Error, code, "OfficeRnD", reason));
    let column = column(&invoice.payer.id);
    if let Some(fault) = key_fault(invoice.name_from(column), None) {
        let reason = format!(
            "its payer is {fault}; expected the name that OfficeRnD has, in column `{column}` of the directory"
        );
        return held("payer-unusable", &reason);
    }
    // The address is personal data and not repeated.
    if !is_safe_key(&invoice.payer.email) {
        return held("email-unusable", "its e-mail address would start a formula or has a line break");
    }
    let PriceMode::PlanDefault(prices) = &settings.price_mode else { return None };
    let charged = invoice.lines.iter().filter(|line| !line.net.is_negative());
    let unknown = charged.into_iter().find(|line| plan_of_price(prices, line).is_none())?;
    let reason = format!(
        "no plan in `plan_prices` has the price {} of its line `{}`; expected one, or another `price_mode`",
        unknown.unit_price, unknown.description
    );
    held("price-unknown", &reason)
}

/// The column of the directory with the payer's name in OfficeRnD.
fn column(payer: &PayerId) -> &'static str {
    match payer {
        PayerId::Team(_) => "officernd_company",
        PayerId::Member(_) => "officernd_member",
    }
}

/// What an invoice gives back, which is in no file.
fn held_credits(invoice: &Invoice<'_>, batch: &Batch) -> Option<Finding> {
    let negative = invoice.lines.iter().filter(|line| line.net.is_negative());
    let credits: Exact = negative.map(|line| Exact::from(line.net)).sum();
    if credits.is_zero() {
        return None;
    }
    let message = format!(
        "invoice `{}` of `{}` has {} of credits, which are not in the OfficeRnD file: enter them in OfficeRnD",
        invoice.number,
        invoice.payer.id,
        amount(credits, batch)
    );
    Some(Finding::new(Severity::Warning, "credit-held", message))
}

fn plan_of_price<'a>(prices: &'a BTreeMap<String, Money>, line: &InvoiceLine) -> Option<&'a str> {
    prices.iter().find(|(_, price)| **price == line.unit_price).map(|(plan, _)| plan.as_str())
}

fn cells(
    settings: &OfficerndSettings,
    invoice: &Invoice<'_>,
    line: &InvoiceLine,
    batch: &Batch,
) -> Result<[String; 9], RenderError> {
    let name = invoice.name_from(column(&invoice.payer.id)).to_owned();
    let (company, member) = match invoice.payer.id {
        PayerId::Team(_) => (name, String::new()),
        PayerId::Member(_) => (String::new(), name),
    };
    let [price, plan, quantity] = price(settings, line, batch)?;
    let tag: String = line.id.simple().to_string().chars().take(TAG_DIGITS).collect();
    Ok([
        invoice.payer.email.clone(),
        company,
        member,
        settings.location.clone(),
        date(batch.invoice_date, settings.date_order),
        free_text(&format!("{} [p:{tag}]", line.description)),
        price,
        plan,
        quantity,
    ])
}

/// Price, plan and quantity. An empty price is the plan's.
fn price(
    settings: &OfficerndSettings,
    line: &InvoiceLine,
    batch: &Batch,
) -> Result<[String; 3], RenderError> {
    let decimals = batch.currency.decimals();
    let rate = line.tax_rate.as_ref();
    Ok(match &settings.price_mode {
        PriceMode::Unit(plans) => {
            let (quantity, price) = quantity_and_price(line, UNIT_DECIMALS);
            [price.to_text(decimals), tax_type(plans, rate)?.to_owned(), quantity.to_string()]
        }
        PriceMode::PlanDefault(prices) => {
            let plan = plan_of_price(prices, line).unwrap_or_default();
            [String::new(), plan.to_owned(), line.quantity.to_string()]
        }
        PriceMode::Pence(plans) => {
            // A line's net has no more decimals than its currency.
            let pence = line.net.millionths() / 10_i64.pow(6 - decimals.min(6));
            [String::new(), tax_type(plans, rate)?.to_owned(), pence.to_string()]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::fixture;

    fn plans() -> BTreeMap<String, String> {
        BTreeMap::from([("VAT 20%".into(), "Printing".into())])
    }

    fn settings(price_mode: PriceMode) -> OfficerndSettings {
        OfficerndSettings {
            location: "Main Street".into(),
            date_order: DateOrder::Ymd,
            price_mode,
            encoding: TextEncoding::default(),
        }
    }

    /// Price, plan and quantity of each row.
    fn prices(price_mode: PriceMode, batch: &Batch) -> Vec<String> {
        let rendered = render(&settings(price_mode), batch).unwrap();
        let rows = csv::Reader::from_reader(rendered.files[0].bytes.as_slice()).into_records();
        let last_three = |row: csv::StringRecord| row.iter().skip(6).collect::<Vec<_>>().join(",");
        rows.map(|row| last_three(row.unwrap())).collect()
    }

    #[test]
    fn the_worked_example_has_exactly_these_bytes() {
        let rendered = render(&settings(PriceMode::Unit(plans())), &fixture::worked_example()).unwrap();
        assert_eq!(rendered.files[0].name, "main-2026-03-officernd.csv");
        assert_eq!(rendered.files[0].bytes.len(), 474);
        assert_eq!(
            fixture::sha256(&rendered.files[0].bytes),
            "e2d105a1be85fbbfb72086f432d7d2367aa63ab2e7bdacf72570100c23f4edff"
        );
        insta::assert_snapshot!(rendered.findings[0], @"OfficeRnD computes tax itself, and may do so on each invoice's sum: GBP 0.88 of tax, where the lines have GBP 0.89: `PRT-2026-03-T100` 0.55, not 0.56");
    }

    #[test]
    fn prices_are_told_in_three_ways() {
        let mut batch = fixture::worked_example();
        let unit = prices(PriceMode::Unit(plans()), &batch);
        assert_eq!(unit, ["0.08,Printing,21", "0.36,Printing,3", "1.63,Printing,1"]);
        let pence = prices(PriceMode::Pence(plans()), &batch);
        assert_eq!(pence, [",Printing,168", ",Printing,108", ",Printing,163"]);
        batch.currency = crate::domain::Currency::new("JPY").unwrap();
        batch.lines[2].net = fixture::money("2");
        batch.lines.drain(..2);
        assert_eq!(prices(PriceMode::Pence(plans()), &batch), [",Printing,2"]);
        let batch = fixture::worked_example();
        let of = |plan: &str, price: &str| (plan.to_owned(), fixture::money(price));
        let known =
            BTreeMap::from([of("Mono page", "0.08"), of("Colour page", "0.36"), of("At cost", "1.63")]);
        let default = prices(PriceMode::PlanDefault(known), &batch);
        assert_eq!(default, [",Mono page,21", ",Colour page,3", ",At cost,1"]);
    }

    #[test]
    fn a_price_that_no_plan_has_stops_the_batch() {
        let known = BTreeMap::from([("Mono page".to_owned(), fixture::money("0.08"))]);
        let rendered = render(&settings(PriceMode::PlanDefault(known)), &fixture::worked_example()).unwrap();
        assert_eq!(rendered.files, []);
        assert_eq!(rendered.findings[0].severity, Severity::Error);
        insta::assert_snapshot!(rendered.findings[0], @"invoice `PRT-2026-03-T100` of `team:T100` (GBP 2.76) is not in the OfficeRnD file: no plan in `plan_prices` has the price 0.36 of its line `Print 2026-03: colour 13 pages - 10 included`; expected one, or another `price_mode`");
    }

    #[test]
    fn credits_are_held_and_the_rest_is_charged() {
        let mut batch = fixture::worked_example();
        batch.lines.insert(2, fixture::late_refund());
        let rows = prices(PriceMode::Unit(plans()), &batch);
        assert_eq!(rows.len(), 3);
        let findings = render(&settings(PriceMode::Unit(plans())), &batch).unwrap().findings;
        assert_eq!((findings[0].code, findings[0].severity), ("credit-held", Severity::Warning));
        insta::assert_snapshot!(findings[0], @"invoice `PRT-2026-03-T100` of `team:T100` has GBP -1.68 of credits, which are not in the OfficeRnD file: enter them in OfficeRnD");
        batch.lines = vec![fixture::late_refund()];
        assert_eq!(render(&settings(PriceMode::Unit(plans())), &batch).unwrap().files, []);
    }

    #[test]
    fn names_in_officernd_come_from_the_directory_and_are_never_altered() {
        let mut batch = fixture::worked_example();
        batch.lines.drain(..2);
        batch.lines[0].payer.identifiers.insert("officernd_member".into(), "Lynx".into());
        let rendered = render(&settings(PriceMode::Unit(plans())), &batch).unwrap();
        let text = String::from_utf8(rendered.files[0].bytes.clone()).unwrap();
        assert!(text.contains("\r\npost@lynx.example,,Lynx,Main Street,2026-03-31,Print"), "{text}");
        batch.lines[0].payer.identifiers.insert("officernd_member".into(), "=Lynx".into());
        let findings = render(&settings(PriceMode::Unit(plans())), &batch).unwrap().findings;
        assert_eq!(findings[0].severity, Severity::Error);
        insta::assert_snapshot!(findings[0], @"invoice `PRT-2026-03-M003` of `member:M003` (GBP 1.63) is not in the OfficeRnD file: its payer is `=Lynx`, which would start a formula or has a line break; expected the name that OfficeRnD has, in column `officernd_member` of the directory");
        batch.lines[0].payer.identifiers.clear();
        batch.lines[0].payer.email = "+x@lynx.example".into();
        let findings = render(&settings(PriceMode::Unit(plans())), &batch).unwrap().findings;
        assert!(!findings[0].message.contains("lynx.example"), "{}", findings[0]);
        assert_eq!(findings[0].code, "email-unusable");
    }
}
