//! Sage Accounting's quick entries as CSV: one row for each invoice and tax rate, under the headings of the
//! user's own template.
//!
//! Sage takes a file only with the headings of the template that it offers for download, and these differ by
//! region: [`Headings`] reads them, and rows are written in their order. Net, tax and total are cells of their
//! own, computed here on the row. A credit has the type `Cr Note` and positive amounts.

use std::collections::BTreeMap;

use crate::domain::{Batch, Exact, Finding, Severity};

use super::cells::free_text;
use super::invoices::{
    Invoice, TaxGroup, check_settings, cut, identifier, invoices, key_fault, tax_note, tax_type,
};
use super::parts::{Limits, Parts};
use super::{RenderError, Rendered, TextEncoding};

/// One file: Sage takes half a megabyte.
const LIMITS: Limits = Limits { bytes: 500_000, ..Limits::NONE };

/// Characters of a customer's reference in Sage.
const CUSTOMER_CHARS_MAX: usize = 10;

/// Characters of a customer's name in Sage.
const NAME_CHARS_MAX: usize = 50;

/// Characters of an entry's reference in Sage.
const REFERENCE_CHARS_MAX: usize = 25;

/// Characters of the details that Sage keeps.
const DETAILS_CHARS_MAX: usize = 25;

/// Digits of a ledger account in Sage.
pub const LEDGER_DIGITS_MAX: usize = 8;

/// Digits before the decimal point of an amount in Sage.
const WHOLE_DIGITS_MAX: usize = 8;

/// Decimals of an amount in Sage.
const DECIMALS_MAX: usize = 2;

/// What `VAT Rate` may be.
pub const VAT_RATES: [&str; 5] = ["Standard", "Zero Rated", "Lower Rate", "Exempt", "No VAT"];

/// What Sage Accounting expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuickEntrySettings {
    /// The headings of the template.
    pub headings: Headings,
    /// The ledger account of sales.
    pub account_code: String,
    /// Our name of a tax rate (or `none`) to the rate's name in Sage.
    pub tax_types: BTreeMap<String, String>,
    /// The file's encoding.
    pub encoding: TextEncoding,
}

/// The first line of the template that Sage offers for download.
///
/// ```
/// use papertally::outputs::formats::Headings;
/// let headings = "Type,Customer Reference,Date,Reference,Ledger Account,Net,Tax Rate,Tax,Total";
/// assert!(!Headings::parse(headings).unwrap().has_vat_rates());
/// assert!(Headings::parse("Type,Date").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headings(Vec<(String, Column)>);

/// What is wrong with a template's first line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found {found}, expected {expected}")]
pub struct HeadingsError {
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Type,
    Customer,
    Date,
    Name,
    Reference,
    Ledger,
    Details,
    Net,
    VatRate,
    TaxRate,
    Tax,
    Total,
    Analysis,
}

const COLUMNS: [(&str, Column); 16] = [
    ("Type", Column::Type),
    ("Customer Reference", Column::Customer),
    ("Date", Column::Date),
    ("Customer Name", Column::Name),
    ("Reference", Column::Reference),
    ("Ledger Account", Column::Ledger),
    ("Details", Column::Details),
    ("Net", Column::Net),
    ("VAT Rate", Column::VatRate),
    ("Tax Rate", Column::TaxRate),
    ("VAT", Column::Tax),
    ("Tax", Column::Tax),
    ("Total", Column::Total),
    ("Analysis Type 1", Column::Analysis),
    ("Analysis Type 2", Column::Analysis),
    ("Analysis Type 3", Column::Analysis),
];

/// What an entry cannot do without, beside its rate.
const NEEDED: [(&str, Column); 8] = [
    ("Type", Column::Type),
    ("Customer Reference", Column::Customer),
    ("Date", Column::Date),
    ("Reference", Column::Reference),
    ("Ledger Account", Column::Ledger),
    ("Net", Column::Net),
    ("VAT` or `Tax", Column::Tax),
    ("Total", Column::Total),
];

impl Headings {
    /// Reads headings with commas between them; a `*` that marks a needed one belongs to its text only.
    ///
    /// # Errors
    /// A heading that is not known or there twice, or a needed one that is missing.
    pub fn parse(line: &str) -> Result<Headings, HeadingsError> {
        let error = |found: String, expected: &str| HeadingsError { found, expected: expected.to_owned() };
        let mut headings: Vec<(String, Column)> = Vec::new();
        for text in line.trim_start_matches('\u{feff}').trim_end().split(',') {
            let text = text.trim_matches('"');
            let plain = text.trim().trim_matches('*').trim();
            let Some((_, column)) = COLUMNS.iter().find(|(name, _)| *name == plain) else {
                let expected = "the first line of the template for sales, as Sage has it";
                return Err(error(format!("the heading `{}`", text.escape_debug()), expected));
            };
            if headings.iter().any(|(known, _)| known == text) {
                return Err(error(format!("the heading `{text}` twice"), "each heading once"));
            }
            headings.push((text.to_owned(), *column));
        }
        let has = |column: Column| headings.iter().any(|(_, other)| *other == column);
        if has(Column::VatRate) == has(Column::TaxRate) {
            let found = if has(Column::TaxRate) { "both" } else { "neither" };
            return Err(error(found.to_owned(), "one heading `VAT Rate` or `Tax Rate`"));
        }
        match NEEDED.iter().find(|(_, column)| !has(*column)) {
            Some((name, _)) => Err(error("other headings only".to_owned(), &format!("a heading `{name}`"))),
            None => Ok(Headings(headings)),
        }
    }

    /// Whether rates are those of [`VAT_RATES`]; else it is the template of North America.
    pub fn has_vat_rates(&self) -> bool {
        self.0.iter().any(|(_, column)| *column == Column::VatRate)
    }
}

/// Renders the batch as one file, or as several where it is larger than Sage takes at once.
pub(super) fn render(settings: &QuickEntrySettings, batch: &Batch) -> Result<Rendered, RenderError> {
    let taxes = settings.tax_types.values().map(|name| ("tax_types", name.as_str()));
    check_settings(taxes.chain([("account_code", settings.account_code.as_str())]))?;
    let mut findings = Vec::new();
    let mut kept = Vec::new();
    let header: Vec<&str> = settings.headings.0.iter().map(|(text, _)| text.as_str()).collect();
    let mut parts = Parts::new(settings.encoding, &header, LIMITS);
    for invoice in invoices(batch) {
        if let Some(finding) = reason_to_hold(&invoice, batch)? {
            findings.push(finding);
            continue;
        }
        parts.invoice(&rows(settings, &invoice, batch, &mut findings)?)?;
        kept.push(invoice);
    }
    let how = "the Sage file has tax on each invoice's sum at a rate";
    findings.extend(tax_note(&kept, batch, how)?);
    Ok(Rendered { files: parts.into_files(batch, "sage")?, findings })
}

/// Why an invoice cannot be in the file.
fn reason_to_hold(invoice: &Invoice<'_>, batch: &Batch) -> Result<Option<Finding>, RenderError> {
    let held = |code, reason: &str| Ok(Some(invoice.held(batch, Severity::Error, code, "Sage", reason)));
    let customer = identifier(invoice.payer, "sage_customer").unwrap_or("");
    if let Some(fault) = key_fault(customer, Some(CUSTOMER_CHARS_MAX)) {
        let reason = format!(
            "its customer reference is {fault}; expected the one in Sage, at most {CUSTOMER_CHARS_MAX} characters, in column `sage_customer` of the directory"
        );
        return held("customer-unusable", &reason);
    }
    if let Some(fault) = key_fault(invoice.number, Some(REFERENCE_CHARS_MAX)) {
        let reason = format!(
            "its number is {fault}, expected at most {REFERENCE_CHARS_MAX}: a shorter `code` in the directory or a shorter `invoice_prefix`"
        );
        return held("number-unusable", &reason);
    }
    for group in invoice.tax_groups() {
        let total = total(&group, batch)?.to_text(batch.currency.decimals());
        let (whole, fraction) = total.trim_start_matches('-').split_once('.').unwrap_or((&total, ""));
        if whole.len() > WHOLE_DIGITS_MAX || fraction.len() > DECIMALS_MAX {
            let reason = format!(
                "its amount {total} has more than {WHOLE_DIGITS_MAX} digits or more than {DECIMALS_MAX} decimals"
            );
            return held("amount-unusable", &reason);
        }
    }
    Ok(None)
}

fn total(group: &TaxGroup<'_>, batch: &Batch) -> Result<Exact, RenderError> {
    Ok(group.net() + Exact::from(group.tax(batch)?))
}

fn rows(
    settings: &QuickEntrySettings,
    invoice: &Invoice<'_>,
    batch: &Batch,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Vec<String>>, RenderError> {
    let number = invoice.number;
    let name = free_text(&invoice.payer.name);
    let name = cut(&name, NAME_CHARS_MAX, "Customer Name", number, findings);
    let details = format!("Print {}", batch.period);
    let details = cut(&details, DETAILS_CHARS_MAX, "Details", number, findings);
    let day = if settings.headings.has_vat_rates() { "%d-%m-%Y" } else { "%m-%d-%Y" };
    let mut rows = Vec::new();
    for group in invoice.tax_groups().iter().filter(|group| !group.net().is_zero()) {
        let is_credit = group.net().is_negative();
        // The type has the sign.
        let amount =
            |exact: Exact| (if is_credit { -exact } else { exact }).to_text(batch.currency.decimals());
        let rate = tax_type(&settings.tax_types, group.rate)?;
        let (tax, total) = (Exact::from(group.tax(batch)?), total(group, batch)?);
        let cell = |column: Column| match column {
            Column::Type => (if is_credit { "Cr Note" } else { "Invoice" }).to_owned(),
            Column::Customer => identifier(invoice.payer, "sage_customer").unwrap_or("").to_owned(),
            Column::Date => batch.invoice_date.format(day).to_string(),
            Column::Name => name.clone(),
            Column::Reference => number.to_owned(),
            Column::Ledger => settings.account_code.clone(),
            Column::Details => details.clone(),
            Column::Net => amount(group.net()),
            Column::VatRate | Column::TaxRate => rate.to_owned(),
            Column::Tax => amount(tax),
            Column::Total => amount(total),
            Column::Analysis => String::new(),
        };
        rows.push(settings.headings.0.iter().map(|(_, column)| cell(*column)).collect());
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::fixture;

    const UK: &str = "Type,Customer Reference,Date,Customer Name,Reference,Ledger Account,Details,Net,VAT Rate,VAT,Total,Analysis Type 1,Analysis Type 2,Analysis Type 3";

    fn settings(headings: &str) -> QuickEntrySettings {
        QuickEntrySettings {
            headings: Headings::parse(headings).unwrap(),
            account_code: "4000".into(),
            tax_types: BTreeMap::from([("VAT 20%".into(), "Standard".into())]),
            encoding: TextEncoding::default(),
        }
    }

    fn batch() -> Batch {
        let mut batch = fixture::worked_example();
        for line in &mut batch.lines {
            line.payer.identifiers.insert("sage_customer".into(), format!("C-{}", line.payer.code));
        }
        batch
    }

    fn text(rendered: &Rendered) -> String {
        rendered.files.iter().map(|file| String::from_utf8(file.bytes.clone()).unwrap()).collect()
    }

    #[test]
    fn the_worked_example() {
        let rendered = render(&settings(UK), &batch()).unwrap();
        assert_eq!(rendered.files[0].name, "main-2026-03-sage.csv");
        insta::assert_snapshot!(text(&rendered), @r#"
        Type,Customer Reference,Date,Customer Name,Reference,Ledger Account,Details,Net,VAT Rate,VAT,Total,Analysis Type 1,Analysis Type 2,Analysis Type 3
        Invoice,C-T100,31-03-2026,"Kestrel & Lark, Ltd",PRT-2026-03-T100,4000,Print 2026-03,2.76,Standard,0.55,3.31,,,
        Invoice,C-M003,31-03-2026,Lynx Studio,PRT-2026-03-M003,4000,Print 2026-03,1.63,Standard,0.33,1.96,,,
        "#);
        insta::assert_snapshot!(rendered.findings[0], @"the Sage file has tax on each invoice's sum at a rate: GBP 0.88 of tax, where the lines have GBP 0.89: `PRT-2026-03-T100` 0.55, not 0.56");
    }

    #[test]
    fn rows_follow_the_template_and_a_credit_is_positive() {
        let mut batch = batch();
        let payer = batch.lines[0].payer.clone();
        batch.lines = vec![fixture::late_refund()];
        batch.lines[0].payer = payer;
        let headings =
            "Date*,Type*,Customer Reference*,Reference*,Ledger Account*,Total*,Net*,Tax*,Tax Rate*";
        let rendered = render(&settings(headings), &batch).unwrap();
        assert_eq!(rendered.findings, []);
        insta::assert_snapshot!(text(&rendered), @r#"
        Date*,Type*,Customer Reference*,Reference*,Ledger Account*,Total*,Net*,Tax*,Tax Rate*
        03-31-2026,Cr Note,C-T100,PRT-2026-03-T100,4000,2.02,1.68,0.34,Standard
        "#);
    }

    #[test]
    fn headings_are_those_of_the_template_or_refused() {
        let check = |line: &str, expected: &str| {
            assert_eq!(Headings::parse(line).unwrap_err().to_string(), expected);
        };
        check(
            &UK.replace("Details", "Detail"),
            "found the heading `Detail`, expected the first line of the template for sales, as Sage has it",
        );
        check(&UK.replace("Details", "Net"), "found the heading `Net` twice, expected each heading once");
        check(
            &UK.replace("VAT Rate", "Details 2").replace("Details 2,", ""),
            "found neither, expected one heading `VAT Rate` or `Tax Rate`",
        );
        check(&UK.replace("Total,", ""), "found other headings only, expected a heading `Total`");
    }

    #[test]
    fn what_sage_cannot_hold_stops_the_batch() {
        let one = |change: fn(&mut crate::domain::InvoiceLine)| {
            let mut batch = batch();
            batch.lines.drain(..2);
            change(&mut batch.lines[0]);
            let rendered = render(&settings(UK), &batch).unwrap();
            let errors = rendered.findings.iter().filter(|finding| finding.severity == Severity::Error);
            errors.map(|finding| finding.code).collect::<Vec<_>>()
        };
        fn customer(line: &mut crate::domain::InvoiceLine, length: usize) {
            line.payer.identifiers.insert("sage_customer".into(), "C".repeat(length));
        }
        assert_eq!(one(|line| line.payer.identifiers.clear()), ["customer-unusable"]);
        assert_eq!(one(|line| customer(line, 10)), [""; 0]);
        assert_eq!(one(|line| customer(line, 11)), ["customer-unusable"]);
        assert_eq!(one(|line| line.invoice_number = "P".repeat(25)), [""; 0]);
        assert_eq!(one(|line| line.invoice_number = "P".repeat(26)), ["number-unusable"]);
        assert_eq!(one(|line| line.net = fixture::money("83333333.32")), [""; 0]);
        assert_eq!(one(|line| line.net = fixture::money("83333333.33")), ["amount-unusable"]);
        assert_eq!(one(|line| line.net = fixture::money("1.001")), ["amount-unusable"]);
    }

    #[test]
    fn an_unusable_reference_names_payer_found_and_expected() {
        let findings = render(&settings(UK), &fixture::worked_example()).unwrap().findings;
        insta::assert_snapshot!(findings[1], @"invoice `PRT-2026-03-M003` of `member:M003` (GBP 1.63) is not in the Sage file: its customer reference is empty; expected the one in Sage, at most 10 characters, in column `sage_customer` of the directory");
    }

    #[test]
    fn names_and_details_are_cut_and_told() {
        let mut batch = batch();
        batch.lines.drain(..2);
        batch.lines[0].payer.name = "é".repeat(50);
        assert_eq!(render(&settings(UK), &batch).unwrap().findings, []);
        batch.lines[0].payer.name = "é".repeat(51);
        batch.period = crate::domain::Period::parse("2026-03-01..2026-03-15", Default::default()).unwrap();
        let rendered = render(&settings(UK), &batch).unwrap();
        let codes: Vec<&str> = rendered.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["text-cut", "text-cut"]);
        assert!(text(&rendered).contains(&format!(",{},", "é".repeat(50))));
        assert!(text(&rendered).contains(",Print 2026-03-01..2026-03,"));
    }

    #[test]
    fn files_have_at_most_half_a_megabyte() {
        let mut batch = batch();
        let line = batch.lines.remove(2);
        batch.lines.clear();
        for number in 0..8_000 {
            let mut line = line.clone();
            line.invoice_number = format!("PRT-{number:05}");
            batch.lines.push(line);
        }
        let rendered = render(&settings(UK), &batch).unwrap();
        let row = rendered.files[0].bytes.split(|byte| *byte == b'\n').nth(1).unwrap().len() + 1;
        for file in &rendered.files {
            assert!(file.bytes.len() <= LIMITS.bytes && file.bytes.starts_with(b"Type,"), "{}", file.name);
        }
        // One row more would have been too much.
        assert!(rendered.files[0].bytes.len() + row > LIMITS.bytes);
        assert_eq!(text(&rendered).matches("Invoice,").count(), 8_000);
    }
}
