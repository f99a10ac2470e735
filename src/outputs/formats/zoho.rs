//! Zoho Books' invoices as CSV: 15 columns, one row a charged line, rows of one number are one invoice.
//!
//! The columns have the names of Zoho's own export, which its import knows and lets one map. Invoices are drafts
//! and Zoho computes the tax. How it takes a negative amount is not documented: lines at a rate of which one is
//! negative become one row with their sum, and an invoice with a sum below zero is held with a finding.

use std::collections::BTreeMap;

use crate::domain::{Batch, Finding, Severity};

use super::cells::free_text;
use super::invoices::{Invoice, check_settings, key_fault, tax_note, tax_type};
use super::parts::{Limits, Parts};
use super::{RenderError, Rendered, TextEncoding};

/// One file: Zoho takes ten megabytes.
const LIMITS: Limits = Limits { bytes: 10_000_000, ..Limits::NONE };

/// Decimals of a price that survive the import with certainty.
const UNIT_DECIMALS: u32 = 2;

const HEADER: [&str; 15] = [
    "Invoice Date",
    "Invoice Number",
    "Invoice Status",
    "Customer Name",
    "Due Date",
    "Item Name",
    "Item Desc",
    "Quantity",
    "Item Price",
    "Is Inclusive Tax",
    "Item Tax",
    "Item Tax %",
    "Account",
    "Currency Code",
    "PurchaseOrder",
];

/// What the Zoho Books organisation expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZohoSettings {
    /// Name of the item.
    pub item: String,
    /// Name of the revenue account.
    pub account_code: String,
    /// Our name of a tax rate (or `none`) to the tax's name in Zoho.
    pub tax_types: BTreeMap<String, String>,
    /// The file's encoding.
    pub encoding: TextEncoding,
}

/// Renders the batch as one file, or as several where it is larger than Zoho takes at once.
pub(super) fn render(settings: &ZohoSettings, batch: &Batch) -> Result<Rendered, RenderError> {
    let taxes = settings.tax_types.values().map(|name| ("tax_types", name.as_str()));
    let others = [("item", settings.item.as_str()), ("account_code", settings.account_code.as_str())];
    check_settings(taxes.chain(others))?;
    let mut parts = Parts::new(settings.encoding, &HEADER, LIMITS);
    let hold = |invoice: &Invoice<'_>| reason_to_hold(invoice, batch);
    let (kept, mut findings) = parts.invoices(batch, hold, |invoice| rows(settings, invoice, batch))?;
    let how = "Zoho computes tax itself, and may do so on each invoice's sum";
    findings.extend(tax_note(&kept, batch, how)?);
    Ok(Rendered { files: parts.into_files(batch, "zoho")?, findings })
}

/// Why an invoice cannot be in the file.
fn reason_to_hold(invoice: &Invoice<'_>, batch: &Batch) -> Option<Finding> {
    let held = |severity, code, reason: &str| Some(invoice.held(batch, severity, code, "Zoho", reason));
    if invoice.tax_groups().iter().any(|group| group.net().is_negative()) {
        return held(Severity::Warning, "credit-held", "enter it in Zoho as a credit note");
    }
    if let Some(fault) = key_fault(invoice.name_from("zoho_customer"), None) {
        let reason = format!(
            "its customer is {fault}; expected the name that Zoho has, in column `zoho_customer` of the directory"
        );
        return held(Severity::Error, "customer-unusable", &reason);
    }
    None
}

fn rows(
    settings: &ZohoSettings,
    invoice: &Invoice<'_>,
    batch: &Batch,
) -> Result<Vec<[String; 15]>, RenderError> {
    let decimals = batch.currency.decimals();
    let mut rows = Vec::new();
    for group in invoice.tax_groups() {
        let tax = tax_type(&settings.tax_types, group.rate)?;
        let percent = group.rate.map_or_else(|| "0".to_owned(), |tax| tax.rate.percent());
        for item in group.items(batch, UNIT_DECIMALS) {
            rows.push([
                batch.invoice_date.to_string(),
                invoice.number.to_owned(),
                "Draft".to_owned(),
                invoice.name_from("zoho_customer").to_owned(),
                batch.due_date.to_string(),
                settings.item.clone(),
                free_text(&item.description),
                item.quantity.to_string(),
                item.price.to_text(decimals),
                "false".to_owned(),
                tax.to_owned(),
                percent.clone(),
                settings.account_code.clone(),
                batch.currency.to_string(),
                String::new(),
            ]);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::fixture;

    fn settings() -> ZohoSettings {
        ZohoSettings {
            item: "Printing".into(),
            account_code: "Sales".into(),
            tax_types: BTreeMap::from([
                ("VAT 20%".into(), "Standard Rate".into()),
                ("none".into(), "Exempt".into()),
            ]),
            encoding: TextEncoding::default(),
        }
    }

    fn text(rendered: &Rendered) -> String {
        rendered.files.iter().map(|file| String::from_utf8(file.bytes.clone()).unwrap()).collect()
    }

    #[test]
    fn the_worked_example() {
        let rendered = render(&settings(), &fixture::worked_example()).unwrap();
        assert_eq!(rendered.files[0].name, "main-2026-03-zoho.csv");
        insta::assert_snapshot!(text(&rendered), @r#"
        Invoice Date,Invoice Number,Invoice Status,Customer Name,Due Date,Item Name,Item Desc,Quantity,Item Price,Is Inclusive Tax,Item Tax,Item Tax %,Account,Currency Code,PurchaseOrder
        2026-03-31,PRT-2026-03-T100,Draft,"Kestrel & Lark, Ltd",2026-04-14,Printing,Print 2026-03: mono 61 pages - 40 included,21,0.08,false,Standard Rate,20,Sales,GBP,
        2026-03-31,PRT-2026-03-T100,Draft,"Kestrel & Lark, Ltd",2026-04-14,Printing,Print 2026-03: colour 13 pages - 10 included,3,0.36,false,Standard Rate,20,Sales,GBP,
        2026-03-31,PRT-2026-03-M003,Draft,Lynx Studio,2026-04-14,Printing,Print 2026-03: 14 pages at cost + 25%,1,1.63,false,Standard Rate,20,Sales,GBP,
        "#);
        insta::assert_snapshot!(rendered.findings[0], @"Zoho computes tax itself, and may do so on each invoice's sum: GBP 0.88 of tax, where the lines have GBP 0.89: `PRT-2026-03-T100` 0.55, not 0.56");
    }

    #[test]
    fn a_refund_is_netted_and_a_credit_is_held() {
        let mut batch = fixture::worked_example();
        batch.lines.insert(2, fixture::late_refund());
        batch.lines.truncate(3);
        let rendered = render(&settings(), &batch).unwrap();
        assert!(text(&rendered).contains(",Print 2026-03 with corrections,1,1.08,false,"));
        batch.lines.drain(..2);
        let rendered = render(&settings(), &batch).unwrap();
        assert_eq!(rendered.files, []);
        assert_eq!(rendered.findings[0].code, "credit-held");
        insta::assert_snapshot!(rendered.findings[0], @"invoice `PRT-2026-03-T100` of `team:T100` (GBP -1.68) is not in the Zoho file: enter it in Zoho as a credit note");
    }

    #[test]
    fn lines_without_tax_and_names_from_the_directory_stand_in_their_columns() {
        let mut batch = fixture::worked_example();
        batch.lines.drain(..2);
        batch.lines[0].tax_rate = None;
        batch.lines[0].tax = fixture::money("0");
        batch.lines[0].payer.identifiers.insert("zoho_customer".into(), "Lynx".into());
        let rendered = render(&settings(), &batch).unwrap();
        assert_eq!(rendered.findings, []);
        let text = text(&rendered);
        assert!(
            text.contains(",Draft,Lynx,2026-04-14,") && text.contains(",false,Exempt,0,Sales,"),
            "{text}"
        );
    }

    #[test]
    fn a_customer_that_starts_a_formula_stops_the_batch() {
        let mut batch = fixture::worked_example();
        batch.lines.drain(..2);
        batch.lines[0].payer.name = "-Lynx".into();
        let findings = render(&settings(), &batch).unwrap().findings;
        assert_eq!(findings[0].severity, Severity::Error);
        insta::assert_snapshot!(findings[0], @"invoice `PRT-2026-03-M003` of `member:M003` (GBP 1.63) is not in the Zoho file: its customer is `-Lynx`, which would start a formula or has a line break; expected the name that Zoho has, in column `zoho_customer` of the directory");
    }

    #[test]
    fn files_have_at_most_ten_megabytes() {
        let mut batch = fixture::worked_example();
        let mut line = batch.lines.remove(2);
        // An invoice of a megabyte: ten and their header are too much.
        line.description = "x".repeat(1_000_000);
        batch.lines = (0..10)
            .map(|number| {
                let mut line = line.clone();
                line.invoice_number = format!("PRT-{number}");
                line
            })
            .collect();
        let sizes = |batch: &Batch| -> Vec<usize> {
            let files = render(&settings(), batch).unwrap().files;
            files.iter().map(|file| file.bytes.len()).collect()
        };
        let [first, second] = sizes(&batch)[..] else { panic!("expected two files") };
        assert!(first <= LIMITS.bytes && first + second > LIMITS.bytes, "{first} {second}");
        // Short by exactly what was too much, all ten have one file of ten megabytes.
        let header = HEADER.join(",").len() + 2;
        let excess = first + second - header - LIMITS.bytes;
        batch.lines[0].description.truncate(1_000_000 - excess);
        assert_eq!(sizes(&batch), [LIMITS.bytes]);
        batch.lines[0].description.push('x');
        assert_eq!(sizes(&batch).len(), 2);
    }
}
