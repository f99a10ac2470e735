//! Odoo's journal entries (`account.move`) as CSV: 13 columns, one row a charged line.
//!
//! The cells of the invoice stand on its first row only; rows below with empty ones belong to it. The column `id`
//! is our own id of the invoice: Odoo updates an invoice with an id that it knows, so that a file that is imported
//! twice does no harm. Odoo computes the tax, by line or on the invoice's sum, as the company has chosen. A credit
//! is an `out_refund` with positive amounts.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Batch, Finding, Money, Severity};

use super::cells::free_text;
use super::invoices::{Invoice, check_settings, key_fault, quantity_and_price, tax_note, tax_type};
use super::parts::{Limits, Parts};
use super::{RenderError, Rendered, TextEncoding};

/// Decimals of a price: Odoo's standard precision. Databases may have more, which is not known here.
const UNIT_DECIMALS: u32 = 2;

const HEADER: [&str; 13] = [
    "id",
    "move_type",
    "partner_id",
    "invoice_date",
    "invoice_date_due",
    "ref",
    "currency_id",
    "invoice_line_ids/name",
    "invoice_line_ids/product_id",
    "invoice_line_ids/quantity",
    "invoice_line_ids/price_unit",
    "invoice_line_ids/account_id",
    "invoice_line_ids/tax_ids",
];

/// Columns that may hold external ids instead of names.
pub const ODOO_ID_COLUMNS: [&str; 4] = ["partner_id", "product_id", "account_id", "tax_ids"];

/// What the Odoo database expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OdooSettings {
    /// The product.
    pub item: String,
    /// The revenue account.
    pub account_code: String,
    /// Our name of a tax rate (or `none`) to the tax in Odoo.
    pub tax_types: BTreeMap<String, String>,
    /// How the company rounds tax.
    pub tax_rounding: TaxRounding,
    /// Those of [`ODOO_ID_COLUMNS`] that hold external ids.
    pub external_ids: BTreeSet<String>,
    /// The file's encoding.
    pub encoding: TextEncoding,
}

/// Where Odoo rounds tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaxRounding {
    /// On each line, as papertally does.
    Line,
    /// On the invoice's sum at each rate.
    Document,
}

/// Renders the batch as one file.
pub(super) fn render(settings: &OdooSettings, batch: &Batch) -> Result<Rendered, RenderError> {
    let taxes = settings.tax_types.values().map(|name| ("tax_types", name.as_str()));
    let others = [("item", settings.item.as_str()), ("account_code", settings.account_code.as_str())];
    check_settings(taxes.chain(others))?;
    let mut parts = Parts::new(settings.encoding, &header(settings), Limits::NONE);
    let hold = |invoice: &Invoice<'_>| reason_to_hold(invoice, batch);
    let (kept, mut findings) = parts.invoices(batch, hold, |invoice| rows(settings, invoice, batch))?;
    if settings.tax_rounding == TaxRounding::Document {
        let how = "Odoo computes tax on each invoice's sum at a rate";
        findings.extend(tax_note(&kept, batch, how)?);
    }
    Ok(Rendered { files: parts.into_files(batch, "odoo")?, findings })
}

/// A column of external ids has `/id` after its name.
fn header(settings: &OdooSettings) -> Vec<String> {
    let name = |column: &&str| {
        let field = column.rsplit('/').next().unwrap_or(column);
        if settings.external_ids.contains(field) { format!("{column}/id") } else { (*column).to_owned() }
    };
    HEADER.iter().map(name).collect()
}

fn reason_to_hold(invoice: &Invoice<'_>, batch: &Batch) -> Option<Finding> {
    let fault = key_fault(invoice.name_from("odoo_partner"), None)?;
    let reason = format!(
        "its partner is {fault}; expected the one that Odoo has, in column `odoo_partner` of the directory"
    );
    Some(invoice.held(batch, Severity::Error, "partner-unusable", "Odoo", &reason))
}

fn rows(
    settings: &OdooSettings,
    invoice: &Invoice<'_>,
    batch: &Batch,
) -> Result<Vec<[String; 13]>, RenderError> {
    let is_credit = invoice.net().is_negative();
    let mut rows = Vec::new();
    for line in &invoice.lines {
        let mut row = [const { String::new() }; 13];
        if rows.is_empty() {
            row[0] = invoice.key(batch).to_string();
            row[1] = (if is_credit { "out_refund" } else { "out_invoice" }).to_owned();
            row[2] = invoice.name_from("odoo_partner").to_owned();
            row[3] = batch.invoice_date.to_string();
            row[4] = batch.due_date.to_string();
            row[5] = invoice.number.to_owned();
            row[6] = batch.currency.to_string();
        }
        let (quantity, price) = quantity_and_price(line, UNIT_DECIMALS);
        let (quantity, price) = if is_credit { reversed(quantity, price) } else { (quantity, price) };
        row[7] = free_text(&line.description);
        row[8] = settings.item.clone();
        row[9] = quantity.to_string();
        row[10] = price.to_text(batch.currency.decimals());
        row[11] = settings.account_code.clone();
        row[12] = tax_type(&settings.tax_types, line.tax_rate.as_ref())?.to_owned();
        rows.push(row);
    }
    Ok(rows)
}

/// The same amount with the other sign; a price stays positive.
fn reversed(quantity: i64, price: Money) -> (i64, Money) {
    if price.is_negative() { (quantity, -price) } else { (-quantity, price) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::fixture;

    fn settings(tax_rounding: TaxRounding) -> OdooSettings {
        OdooSettings {
            item: "Printing".into(),
            account_code: "400000".into(),
            tax_types: BTreeMap::from([("VAT 20%".into(), "20% ST".into())]),
            tax_rounding,
            external_ids: BTreeSet::new(),
            encoding: TextEncoding::default(),
        }
    }

    fn text(rendered: &Rendered) -> String {
        rendered.files.iter().map(|file| String::from_utf8(file.bytes.clone()).unwrap()).collect()
    }

    #[test]
    fn the_worked_example() {
        let rendered = render(&settings(TaxRounding::Line), &fixture::worked_example()).unwrap();
        assert_eq!(rendered.files[0].name, "main-2026-03-odoo.csv");
        assert_eq!(rendered.findings, []);
        insta::assert_snapshot!(text(&rendered), @r#"
        id,move_type,partner_id,invoice_date,invoice_date_due,ref,currency_id,invoice_line_ids/name,invoice_line_ids/product_id,invoice_line_ids/quantity,invoice_line_ids/price_unit,invoice_line_ids/account_id,invoice_line_ids/tax_ids
        d145f47b-7204-5f19-89b6-291321b93555,out_invoice,"Kestrel & Lark, Ltd",2026-03-31,2026-04-14,PRT-2026-03-T100,GBP,Print 2026-03: mono 61 pages - 40 included,Printing,21,0.08,400000,20% ST
        ,,,,,,,Print 2026-03: colour 13 pages - 10 included,Printing,3,0.36,400000,20% ST
        2e87f803-f52e-5e08-a5a9-0c776b098547,out_invoice,Lynx Studio,2026-03-31,2026-04-14,PRT-2026-03-M003,GBP,Print 2026-03: 14 pages at cost + 25%,Printing,1,1.63,400000,20% ST
        "#);
    }

    #[test]
    fn tax_on_the_sum_is_told() {
        let rendered = render(&settings(TaxRounding::Document), &fixture::worked_example()).unwrap();
        insta::assert_snapshot!(rendered.findings[0], @"Odoo computes tax on each invoice's sum at a rate: GBP 0.88 of tax, where the lines have GBP 0.89: `PRT-2026-03-T100` 0.55, not 0.56");
    }

    #[test]
    fn a_credit_is_a_refund_with_positive_amounts_and_external_ids_have_their_column() {
        let mut batch = fixture::worked_example();
        batch.id = "main-2026-03-A1".into();
        let mut other = fixture::late_refund();
        other.unit_price = fixture::money("0.0825");
        other.net = fixture::money("-1.73");
        let mut charge = batch.lines.remove(1);
        charge.quantity = 1;
        charge.net = charge.unit_price;
        batch.lines = vec![fixture::late_refund(), other, charge];
        for line in &mut batch.lines {
            line.payer.identifiers.insert("odoo_partner".into(), "base.kestrel".into());
        }
        let mut settings = settings(TaxRounding::Line);
        settings.external_ids = BTreeSet::from(["partner_id".to_owned(), "tax_ids".to_owned()]);
        insta::assert_snapshot!(text(&render(&settings, &batch).unwrap()), @r#"
        id,move_type,partner_id/id,invoice_date,invoice_date_due,ref,currency_id,invoice_line_ids/name,invoice_line_ids/product_id,invoice_line_ids/quantity,invoice_line_ids/price_unit,invoice_line_ids/account_id,invoice_line_ids/tax_ids/id
        343d2062-4437-58d8-9371-e7fe38dec1ac,out_refund,base.kestrel,2026-03-31,2026-04-14,PRT-2026-03-T100,GBP,Print 2026-03 corrected: mono -25 pages,Printing,21,0.08,400000,20% ST
        ,,,,,,,Print 2026-03 corrected: mono -25 pages,Printing,1,1.73,400000,20% ST
        ,,,,,,,Print 2026-03: colour 13 pages - 10 included,Printing,-1,0.36,400000,20% ST
        "#);
    }

    #[test]
    fn a_partner_that_starts_a_formula_stops_the_batch() {
        let mut batch = fixture::worked_example();
        batch.lines.drain(..2);
        batch.lines[0].payer.name = "+Lynx".into();
        let rendered = render(&settings(TaxRounding::Line), &batch).unwrap();
        assert_eq!((rendered.files.len(), rendered.findings[0].severity), (0, Severity::Error));
        insta::assert_snapshot!(rendered.findings[0], @"invoice `PRT-2026-03-M003` of `member:M003` (GBP 1.63) is not in the Odoo file: its partner is `+Lynx`, which would start a formula or has a line break; expected the one that Odoo has, in column `odoo_partner` of the directory");
    }
}
