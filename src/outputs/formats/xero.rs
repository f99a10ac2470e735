//! Xero's sales-invoice CSV: 29 columns, one row a charged line, rows of one number are one invoice.
//!
//! The columns are those of the template that Xero offers for download, as public copies of it have them.
//! `Total` and `TaxAmount` stay empty, since Xero computes both; so do e-mail and address, since filled ones
//! offer to overwrite the contact. Rows are exclusive of tax, which the import dialog asks for. Credits of
//! their own are not in this file: an invoice whose sum is below zero is held with a finding.

use std::collections::BTreeMap;

use crate::domain::{Batch, DateOrder, Finding, InvoiceLine, Severity};

use super::cells::{free_text, is_safe_key};
use super::invoices::{Invoice, check_settings, date, identifier, quantity_and_price, tax_type};
use super::parts::{Limits, Parts};
use super::{RenderError, Rendered, TextEncoding};

/// One file. Guides for Xero's import name 500 rows or 500 invoices; the smaller one is safe.
const LIMITS: Limits = Limits { rows: 500, ..Limits::NONE };

/// Decimals of a unit price that Xero keeps.
const UNIT_DECIMALS: u32 = 2;

const HEADER: [&str; 29] = [
    "*ContactName",
    "EmailAddress",
    "POAddressLine1",
    "POAddressLine2",
    "POAddressLine3",
    "POAddressLine4",
    "POCity",
    "PORegion",
    "POPostalCode",
    "POCountry",
    "*InvoiceNumber",
    "Reference",
    "*InvoiceDate",
    "*DueDate",
    "Total",
    "InventoryItemCode",
    "*Description",
    "*Quantity",
    "*UnitAmount",
    "Discount",
    "*AccountCode",
    "*TaxType",
    "TaxAmount",
    "TrackingName1",
    "TrackingOption1",
    "TrackingName2",
    "TrackingOption2",
    "Currency",
    "BrandingTheme",
];

/// What the Xero organisation expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XeroSettings {
    /// Code of the sales account, such as `200`.
    pub account_code: String,
    /// Order of dates, by the organisation's region.
    pub date_order: DateOrder,
    /// Our name of a tax rate (or `none`) to the rate's display name in Xero.
    pub tax_types: BTreeMap<String, String>,
    /// The first tracking category.
    pub tracking_1: Option<Tracking>,
    /// The second tracking category.
    pub tracking_2: Option<Tracking>,
    /// The branding theme's name.
    pub branding_theme: Option<String>,
    /// The file's encoding.
    pub encoding: TextEncoding,
}

/// A tracking category and the option chosen in it, as Xero names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    /// The category, such as `Region`.
    pub name: String,
    /// The option, such as `North`.
    pub option: String,
}

/// Renders the batch as one file, or as several where it has more rows than Xero takes at once.
pub(super) fn render(settings: &XeroSettings, batch: &Batch) -> Result<Rendered, RenderError> {
    check(settings)?;
    let mut parts = Parts::new(settings.encoding, &HEADER, LIMITS);
    let hold = |invoice: &Invoice<'_>| reason_to_hold(invoice, batch);
    let rows = |invoice: &Invoice<'_>| -> Result<Vec<[String; 29]>, RenderError> {
        invoice.lines.iter().map(|line| cells(settings, line, batch)).collect()
    };
    let (_, findings) = parts.invoices(batch, hold, rows)?;
    Ok(Rendered { files: parts.into_files(batch, "xero")?, findings })
}

fn check(settings: &XeroSettings) -> Result<(), RenderError> {
    let tracking = [("tracking_1", &settings.tracking_1), ("tracking_2", &settings.tracking_2)]
        .into_iter()
        .filter_map(|(key, tracking)| tracking.as_ref().map(|tracking| (key, tracking)))
        .flat_map(|(key, tracking)| [(key, tracking.name.as_str()), (key, tracking.option.as_str())]);
    let taxes = settings.tax_types.values().map(|name| ("tax_types", name.as_str()));
    let theme = settings.branding_theme.iter().map(|name| ("branding_theme", name.as_str()));
    let account = std::iter::once(("account_code", settings.account_code.as_str()));
    check_settings(account.chain(taxes).chain(tracking).chain(theme))
}

/// Why an invoice cannot be in the file: a credit, or a contact that Xero would not know by this text.
fn reason_to_hold(invoice: &Invoice<'_>, batch: &Batch) -> Option<Finding> {
    let (number, payer, amount) = (invoice.number, &invoice.payer.id, invoice.amount(batch));
    let contact = invoice.name_from("xero_contact");
    if invoice.net().is_negative() {
        let message = format!(
            "invoice `{number}` of `{payer}` comes to {amount} and is not in the Xero file: enter it in Xero as a credit note"
        );
        return Some(Finding::new(Severity::Warning, "credit-held", message));
    }
    if contact.is_empty() || !is_safe_key(contact) {
        let message = format!(
            "invoice `{number}` of `{payer}` ({amount}) is not in the Xero file: its contact `{}` is empty or would start a formula; expected a plain name in column `xero_contact` of the directory",
            contact.escape_debug()
        );
        return Some(Finding::new(Severity::Error, "contact-unusable", message));
    }
    None
}

fn cells<'a>(
    settings: &'a XeroSettings,
    line: &'a InvoiceLine,
    batch: &Batch,
) -> Result<[String; 29], RenderError> {
    let mut cells = [const { String::new() }; 29];
    let (quantity, unit_price) = quantity_and_price(line, UNIT_DECIMALS);
    let tracking = |tracking: &Option<Tracking>, cell: fn(&Tracking) -> &String| {
        tracking.as_ref().map(cell).cloned().unwrap_or_default()
    };
    cells[0] = identifier(&line.payer, "xero_contact").unwrap_or(&line.payer.name).to_owned();
    cells[10] = line.invoice_number.clone();
    cells[11] = batch.period.to_string();
    cells[12] = date(batch.invoice_date, settings.date_order);
    cells[13] = date(batch.due_date, settings.date_order);
    cells[16] = free_text(&line.description);
    cells[17] = quantity.to_string();
    cells[18] = unit_price.to_text(batch.currency.decimals());
    cells[20] = settings.account_code.clone();
    cells[21] = tax_type(&settings.tax_types, line.tax_rate.as_ref())?.to_owned();
    cells[23] = tracking(&settings.tracking_1, |tracking| &tracking.name);
    cells[24] = tracking(&settings.tracking_1, |tracking| &tracking.option);
    cells[25] = tracking(&settings.tracking_2, |tracking| &tracking.name);
    cells[26] = tracking(&settings.tracking_2, |tracking| &tracking.option);
    cells[28] = settings.branding_theme.clone().unwrap_or_default();
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Exact, LineClass};
    use crate::outputs::fixture;
    use crate::outputs::formats::invoices::invoices;

    fn settings() -> XeroSettings {
        XeroSettings {
            account_code: "200".into(),
            date_order: DateOrder::Dmy,
            tax_types: BTreeMap::from([("VAT 20%".into(), "20% (VAT on Income)".into())]),
            tracking_1: None,
            tracking_2: None,
            branding_theme: None,
            encoding: TextEncoding::default(),
        }
    }

    fn rows(rendered: &Rendered) -> Vec<Vec<String>> {
        rendered
            .files
            .iter()
            .flat_map(|file| {
                csv::Reader::from_reader(file.bytes.as_slice())
                    .into_records()
                    .map(|row| row.unwrap().iter().map(str::to_owned).collect())
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn the_worked_example_has_exactly_these_bytes() {
        let rendered = render(&settings(), &fixture::worked_example()).unwrap();
        assert_eq!(rendered.findings, []);
        assert_eq!(rendered.files.len(), 1);
        let file = &rendered.files[0];
        assert_eq!(file.name, "main-2026-03-xero.csv");
        assert_eq!(file.bytes.len(), 833);
        let hash = fixture::sha256(&file.bytes);
        assert_eq!(hash, "ebc048c0332927001d15426604243fa6570bbdfe0b224fe060ad8167476a7762");
    }

    #[test]
    fn settings_stand_in_their_columns() {
        let mut settings = settings();
        settings.date_order = DateOrder::Mdy;
        settings.tracking_1 = Some(Tracking { name: "Region".into(), option: "North".into() });
        settings.tracking_2 = Some(Tracking { name: "Floor".into(), option: "2".into() });
        settings.branding_theme = Some("Print".into());
        let mut batch = fixture::worked_example();
        batch.lines.truncate(1);
        batch.lines[0].payer.identifiers.insert("xero_contact".into(), "Kestrel".into());
        batch.lines[0].description = "=cmd".into();
        let rows = rows(&render(&settings, &batch).unwrap());
        let expected: [(usize, &str); 9] = [
            (0, "Kestrel"),
            (12, "03/31/2026"),
            (13, "04/14/2026"),
            (16, "'=cmd"),
            (23, "Region"),
            (24, "North"),
            (25, "Floor"),
            (26, "2"),
            (28, "Print"),
        ];
        for (column, cell) in expected {
            assert_eq!(rows[0][column], cell, "column {column}");
        }
        settings.date_order = DateOrder::Ymd;
        assert_eq!(date(batch.invoice_date, settings.date_order), "2026-03-31");
    }

    #[test]
    fn a_tax_rate_without_a_name_in_xero_is_refused() {
        let check = |batch: &Batch, expected: &str| {
            let mut settings = settings();
            settings.tax_types.remove("VAT 20%");
            assert_eq!(render(&settings, batch).unwrap_err().to_string(), expected);
        };
        let mut batch = fixture::worked_example();
        check(
            &batch,
            "tax rate `VAT 20%` has no name in the receiving system: expected an entry `\"VAT 20%\" = \"…\"` in the receiver's `tax_types`",
        );
        batch.lines[0].tax_rate = None;
        check(
            &batch,
            "tax rate `none` has no name in the receiving system: expected an entry `\"none\" = \"…\"` in the receiver's `tax_types`",
        );
    }

    #[test]
    fn a_setting_that_starts_a_formula_is_refused() {
        let mut settings = settings();
        settings.account_code = "=200".into();
        assert_eq!(
            render(&settings, &fixture::worked_example()).unwrap_err().to_string(),
            "setting `account_code` is `=200`, expected a text that does not start a formula and has no line breaks"
        );
    }

    #[test]
    fn a_negative_line_goes_with_a_positive_invoice_and_a_credit_is_held() {
        let mut batch = fixture::worked_example();
        let mut refund = batch.lines[0].clone();
        refund.quantity = -21;
        refund.net = fixture::money("-1.68");
        batch.lines.insert(2, refund.clone());
        let rendered = render(&settings(), &batch).unwrap();
        assert_eq!(rendered.findings, []);
        assert_eq!(rows(&rendered)[2][17..19], ["-21", "0.08"]);

        batch.lines.retain(|line| line.payer.id != refund.payer.id);
        batch.lines.push(refund);
        let rendered = render(&settings(), &batch).unwrap();
        assert_eq!(rows(&rendered).len(), 1);
        insta::assert_snapshot!(rendered.findings[0], @"invoice `PRT-2026-03-T100` of `team:T100` comes to GBP -1.68 and is not in the Xero file: enter it in Xero as a credit note");
        assert_eq!(rendered.findings[0].code, "credit-held");
    }

    #[test]
    fn a_contact_that_starts_a_formula_is_held_and_never_altered() {
        let mut batch = fixture::worked_example();
        batch.lines[2].payer.name = "@home".into();
        let rendered = render(&settings(), &batch).unwrap();
        assert_eq!(rows(&rendered).len(), 2);
        insta::assert_snapshot!(rendered.findings[0], @"invoice `PRT-2026-03-M003` of `member:M003` (GBP 1.63) is not in the Xero file: its contact `@home` is empty or would start a formula; expected a plain name in column `xero_contact` of the directory");
    }

    #[test]
    fn files_have_at_most_500_rows_and_no_invoice_is_cut() {
        let mut batch = fixture::worked_example();
        batch.lines.clear();
        let invoice = |number: usize, rows: usize| {
            (0..rows).map(move |_| {
                let mut line = fixture::line(
                    fixture::team(),
                    LineClass::Mono,
                    "9872dc6f-dda4-5e9b-877f-eaf9ae2364a4",
                    1,
                    "0.10",
                );
                line.invoice_number = format!("PRT-{number}");
                line
            })
        };
        for (number, rows) in [499, 1, 1, 499, 2, 501].into_iter().enumerate() {
            batch.lines.extend(invoice(number, rows));
        }
        let rendered = render(&settings(), &batch).unwrap();
        let sizes: Vec<usize> = rendered
            .files
            .iter()
            .map(|file| csv::Reader::from_reader(file.bytes.as_slice()).records().count())
            .collect();
        assert_eq!(sizes, [500, 500, 2, 501]);
        assert_eq!(rendered.files[3].name, "main-2026-03-xero-4-of-4.csv");
    }

    #[test]
    fn a_batch_without_charged_lines_gives_no_file() {
        let mut batch = fixture::worked_example();
        batch.lines.clear();
        assert_eq!(render(&settings(), &batch).unwrap(), Rendered::default());
    }

    proptest! {
        #[test]
        fn every_cent_is_in_the_file_or_held(
            lines in proptest::collection::vec((0_usize..9, -40_i64..60, 1_i64..900_000), 0..60),
        ) {
            let mut batch = fixture::worked_example();
            batch.lines = lines
                .into_iter()
                .map(|(invoice, quantity, price)| {
                    let mut line = fixture::line(
                        fixture::team(),
                        LineClass::Mono,
                        "9872dc6f-dda4-5e9b-877f-eaf9ae2364a4",
                        quantity,
                        "0",
                    );
                    let net = crate::domain::Money::from_millionths(price * 100).times(quantity);
                    line.net = crate::domain::round(net, 2).unwrap().rounded;
                    line.unit_price = crate::domain::Money::from_millionths(price * 100);
                    line.invoice_number = format!("PRT-{invoice}");
                    line
                })
                .collect();
            let rendered = render(&settings(), &batch).unwrap();
            let cell = |text: &str| text.parse::<crate::domain::Money>().unwrap();
            let in_file: Exact = rows(&rendered)
                .iter()
                .map(|row| cell(&row[18]).times(row[17].parse().unwrap()))
                .sum();
            let held: Exact = invoices(&batch)
                .into_iter()
                .map(|invoice| invoice.net())
                .filter(|net| net.is_negative())
                .sum();
            prop_assert_eq!(in_file + held, batch.net());
        }
    }
}
