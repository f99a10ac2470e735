//! QuickBooks Online's invoice CSV: 13 columns, one row a charged line, rows of one number are one invoice.
//!
//! The columns are those of the sample for companies with VAT or GST, as public copies have them; the import
//! maps columns, so that another spelling does no harm. QuickBooks computes the tax from the code. The file
//! takes no negative amount: lines at a rate of which one is negative become one row with their sum, and an
//! invoice with a sum below zero is held with a finding.

use std::collections::BTreeMap;

use crate::domain::{Batch, DateOrder, Finding, Severity};

use super::cells::free_text;
use super::invoices::{Invoice, check_settings, date, key_fault, tax_note, tax_type};
use super::parts::{Limits, Parts};
use super::{RenderError, Rendered, TextEncoding};

/// One file: the import's documented limits.
const LIMITS: Limits = Limits { invoices: 100, rows: 1_000, ..Limits::NONE };

/// Characters of an invoice number: those of QuickBooks' `DocNumber`.
const NUMBER_CHARS_MAX: usize = 21;

/// Decimals of a rate that survive the import with certainty.
const UNIT_DECIMALS: u32 = 2;

const HEADER: [&str; 13] = [
    "*InvoiceNo",
    "*Customer",
    "*InvoiceDate",
    "*DueDate",
    "Terms",
    "Location",
    "Memo",
    "Item(Product/Service)",
    "ItemDescription",
    "ItemQuantity",
    "ItemRate",
    "*ItemAmount",
    "*ItemTaxCode",
];

/// What the QuickBooks company expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QboSettings {
    /// Name of the product or service.
    pub item: String,
    /// Order of dates, which the import asks for.
    pub date_order: DateOrder,
    /// Our name of a tax rate (or `none`) to the tax code's name in QuickBooks.
    pub tax_types: BTreeMap<String, String>,
    /// Name of existing terms.
    pub terms: Option<String>,
    /// The file's encoding.
    pub encoding: TextEncoding,
}

/// Renders the batch as one file, or as several where it has more than QuickBooks takes at once.
pub(super) fn render(settings: &QboSettings, batch: &Batch) -> Result<Rendered, RenderError> {
    let taxes = settings.tax_types.values().map(|name| ("tax_types", name.as_str()));
    let terms = settings.terms.iter().map(|name| ("terms", name.as_str()));
    check_settings(taxes.chain(terms).chain([("item", settings.item.as_str())]))?;
    let mut parts = Parts::new(settings.encoding, &HEADER, LIMITS);
    let hold = |invoice: &Invoice<'_>| reason_to_hold(invoice, batch);
    let (kept, mut findings) = parts.invoices(batch, hold, |invoice| rows(settings, invoice, batch))?;
    let how = "QuickBooks computes tax itself, and may do so on each invoice's sum";
    findings.extend(tax_note(&kept, batch, how)?);
    Ok(Rendered { files: parts.into_files(batch, "qbo")?, findings })
}

/// Why an invoice cannot be in the file.
fn reason_to_hold(invoice: &Invoice<'_>, batch: &Batch) -> Option<Finding> {
    let held = |severity, code, reason: &str| Some(invoice.held(batch, severity, code, "QuickBooks", reason));
    if invoice.tax_groups().iter().any(|group| group.net().is_negative()) {
        return held(Severity::Warning, "credit-held", "enter it in QuickBooks as a credit note");
    }
    let (number, rows) = (invoice.number, invoice.lines.len());
    if let Some(fault) = key_fault(number, Some(NUMBER_CHARS_MAX)) {
        let reason = format!(
            "its number is {fault}, expected at most {NUMBER_CHARS_MAX}: a shorter `code` in the directory or a shorter `invoice_prefix`"
        );
        return held(Severity::Error, "number-unusable", &reason);
    }
    if let Some(fault) = key_fault(invoice.name_from("qbo_customer"), None) {
        let reason = format!(
            "its customer is {fault}; expected the name that QuickBooks has, in column `qbo_customer` of the directory"
        );
        return held(Severity::Error, "customer-unusable", &reason);
    }
    if rows > LIMITS.rows {
        let reason = format!("it has {rows} rows, expected at most {}", LIMITS.rows);
        return held(Severity::Error, "invoice-too-long", &reason);
    }
    None
}

fn rows(
    settings: &QboSettings,
    invoice: &Invoice<'_>,
    batch: &Batch,
) -> Result<Vec<[String; 13]>, RenderError> {
    let decimals = batch.currency.decimals();
    let mut rows = Vec::new();
    for group in invoice.tax_groups() {
        let code = tax_type(&settings.tax_types, group.rate)?;
        for item in group.items(batch, UNIT_DECIMALS) {
            rows.push([
                invoice.number.to_owned(),
                invoice.name_from("qbo_customer").to_owned(),
                date(batch.invoice_date, settings.date_order),
                date(batch.due_date, settings.date_order),
                settings.terms.clone().unwrap_or_default(),
                String::new(),
                String::new(),
                settings.item.clone(),
                free_text(&item.description),
                item.quantity.to_string(),
                item.price.to_text(decimals),
                item.net.to_text(decimals),
                code.to_owned(),
            ]);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LineClass;
    use crate::outputs::fixture;

    fn settings() -> QboSettings {
        QboSettings {
            item: "Printing".into(),
            date_order: DateOrder::Dmy,
            tax_types: BTreeMap::from([("VAT 20%".into(), "20.0% S".into())]),
            terms: None,
            encoding: TextEncoding::default(),
        }
    }

    fn text(rendered: &Rendered) -> String {
        rendered.files.iter().map(|file| String::from_utf8(file.bytes.clone()).unwrap()).collect()
    }

    #[test]
    fn the_worked_example_has_exactly_these_bytes() {
        let rendered = render(&settings(), &fixture::worked_example()).unwrap();
        assert_eq!(rendered.files.len(), 1);
        assert_eq!(rendered.files[0].name, "main-2026-03-qbo.csv");
        assert_eq!(rendered.files[0].bytes.len(), 548);
        assert_eq!(
            fixture::sha256(&rendered.files[0].bytes),
            "85ae109e40639cff829a17d68c9813a5b23a62fd3b388ebd9307daa79ea2a70e"
        );
        assert_eq!(rendered.findings.len(), 1);
        insta::assert_snapshot!(rendered.findings[0], @"QuickBooks computes tax itself, and may do so on each invoice's sum: GBP 0.88 of tax, where the lines have GBP 0.89: `PRT-2026-03-T100` 0.55, not 0.56");
    }

    #[test]
    fn settings_and_identifiers_stand_in_their_columns() {
        let mut settings = settings();
        settings.terms = Some("Net 14".into());
        settings.date_order = DateOrder::Mdy;
        let mut batch = fixture::worked_example();
        batch.lines.drain(..2);
        batch.lines[0].payer.identifiers.insert("qbo_customer".into(), "Lynx".into());
        batch.lines[0].description = "=cmd".into();
        let text = text(&render(&settings, &batch).unwrap());
        insta::assert_snapshot!(text.lines().nth(1).unwrap(), @"PRT-2026-03-M003,Lynx,03/31/2026,04/14/2026,Net 14,,,Printing,'=cmd,1,1.63,1.63,20.0% S");
    }

    #[test]
    fn a_refund_is_netted_and_a_credit_is_held() {
        let mut batch = fixture::worked_example();
        batch.lines.insert(2, fixture::late_refund());
        batch.lines.truncate(3);
        let rendered = render(&settings(), &batch).unwrap();
        insta::assert_snapshot!(text(&rendered).lines().nth(1).unwrap(), @r#"PRT-2026-03-T100,"Kestrel & Lark, Ltd",31/03/2026,14/04/2026,,,,Printing,Print 2026-03 with corrections,1,1.08,1.08,20.0% S"#);
        // The colour line alone is taken back wholly: no row, and nothing to hold.
        batch.lines[1].net = fixture::money("0");
        batch.lines[0].net = fixture::money("1.68");
        assert_eq!(render(&settings(), &batch).unwrap(), Rendered::default());
        batch.lines.drain(..2);
        let rendered = render(&settings(), &batch).unwrap();
        assert_eq!(rendered.files, []);
        assert_eq!(
            (rendered.findings[0].code, rendered.findings[0].severity),
            ("credit-held", Severity::Warning)
        );
        insta::assert_snapshot!(rendered.findings[0], @"invoice `PRT-2026-03-T100` of `team:T100` (GBP -1.68) is not in the QuickBooks file: enter it in QuickBooks as a credit note");
    }

    #[test]
    fn what_quickbooks_cannot_hold_stops_the_batch() {
        let mut batch = fixture::worked_example();
        batch.lines.drain(..2);
        batch.lines[0].invoice_number = "PRT-2026-03-M00345-A1".into();
        assert_eq!(render(&settings(), &batch).unwrap().findings, []);
        batch.lines[0].invoice_number = "PRT-2026-03-M00345-A10".into();
        let findings = render(&settings(), &batch).unwrap().findings;
        assert_eq!(findings[0].severity, Severity::Error);
        insta::assert_snapshot!(findings[0], @"invoice `PRT-2026-03-M00345-A10` of `member:M003` (GBP 1.63) is not in the QuickBooks file: its number is `PRT-2026-03-M00345-A10` with 22 characters, expected at most 21: a shorter `code` in the directory or a shorter `invoice_prefix`");
        batch.lines[0].invoice_number = "PRT-2026-03-M003".into();
        batch.lines[0].payer.name = "@home".into();
        let findings = render(&settings(), &batch).unwrap().findings;
        assert_eq!(findings[0].severity, Severity::Error);
        insta::assert_snapshot!(findings[0], @"invoice `PRT-2026-03-M003` of `member:M003` (GBP 1.63) is not in the QuickBooks file: its customer is `@home`, which would start a formula or has a line break; expected the name that QuickBooks has, in column `qbo_customer` of the directory");
    }

    #[test]
    fn a_tax_rate_without_a_code_is_refused() {
        let mut batch = fixture::worked_example();
        batch.lines[0].tax_rate = None;
        let error = render(&settings(), &batch).unwrap_err();
        assert!(matches!(error, RenderError::TaxTypeMissing { tax } if tax == "none"));
    }

    /// A batch with one invoice for each number of rows.
    fn invoices_of(rows: impl Iterator<Item = usize>) -> Batch {
        let mut batch = fixture::worked_example();
        batch.lines.clear();
        for (number, rows) in rows.enumerate() {
            let id = "9872dc6f-dda4-5e9b-877f-eaf9ae2364a4";
            let mut line = fixture::line(fixture::team(), LineClass::Mono, id, 1, "0.10");
            line.invoice_number = format!("PRT-{number}");
            batch.lines.extend(std::iter::repeat_n(line, rows));
        }
        batch
    }

    #[test]
    fn files_have_at_most_100_invoices_and_1000_rows() {
        let sizes = |batch: &Batch| -> Vec<usize> {
            let rendered = render(&settings(), batch).unwrap();
            let rows = |bytes: &[u8]| csv::Reader::from_reader(bytes).records().count();
            rendered.files.iter().map(|file| rows(&file.bytes)).collect()
        };
        assert_eq!(sizes(&invoices_of(std::iter::repeat_n(1, 100))), [100]);
        assert_eq!(sizes(&invoices_of(std::iter::repeat_n(1, 101))), [100, 1]);
        assert_eq!(sizes(&invoices_of([999, 1, 1].into_iter())), [1000, 1]);
        let rendered = render(&settings(), &invoices_of([1000, 1001].into_iter())).unwrap();
        assert_eq!(rendered.files.len(), 1);
        let finding = &rendered.findings.iter().find(|finding| finding.code == "invoice-too-long").unwrap();
        assert!(finding.message.contains("it has 1001 rows, expected at most 1000"), "{finding}");
    }
}
