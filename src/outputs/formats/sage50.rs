//! Sage 50's audit trail transactions as CSV: 10 columns, one row for each invoice and tax rate.
//!
//! Sage 50 imports no invoices, only transactions, and does not put rows together: an invoice of two lines at one
//! rate is one transaction. Net and tax are cells of their own and neither is derived from the other, so the tax
//! is computed here, on the row. A credit has the type `SC` and positive amounts; `SI` with negative ones would
//! raise no error and move the debtor the wrong way. Sage does not notice a file that is imported twice.

use std::collections::BTreeMap;

use crate::domain::{Batch, DateOrder, Exact, Finding, Money, Severity};

use super::cells::free_text;
use super::invoices::{
    Invoice, TaxGroup, check_settings, cut, date, identifier, invoices, key_fault, tax_note, tax_type,
};
use super::parts::{Limits, Parts};
use super::{RenderError, Rendered, TextEncoding};

/// Characters of a customer's account reference in Sage 50; it has no blanks either.
const ACCOUNT_CHARS_MAX: usize = 8;

/// Characters of a transaction's reference, as Sage documents them for project transactions.
const REFERENCE_CHARS_MAX: usize = 30;

/// Characters of a transaction's details, from the same place.
const DETAILS_CHARS_MAX: usize = 60;

/// The largest department in Sage 50.
pub const DEPARTMENT_MAX: u16 = 999;

const HEADER: [&str; 10] = [
    "Type",
    "Account Reference",
    "Nominal A/C Ref",
    "Department Code",
    "Date",
    "Reference",
    "Details",
    "Net Amount",
    "Tax Code",
    "Tax Amount",
];

/// What the Sage 50 company expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sage50Settings {
    /// The nominal account of sales, such as `4000`, with its leading zeros.
    pub account_code: String,
    /// The department, at most [`DEPARTMENT_MAX`].
    pub department: u16,
    /// Our name of a tax rate (or `none`) to the tax code, such as `T1`.
    pub tax_types: BTreeMap<String, String>,
    /// The file's encoding.
    pub encoding: TextEncoding,
}

/// Renders the batch as one file.
pub(super) fn render(settings: &Sage50Settings, batch: &Batch) -> Result<Rendered, RenderError> {
    let taxes = settings.tax_types.values().map(|code| ("tax_types", code.as_str()));
    check_settings(taxes.chain([("account_code", settings.account_code.as_str())]))?;
    let mut findings = Vec::new();
    let mut kept = Vec::new();
    let mut parts = Parts::new(settings.encoding, &HEADER, Limits::NONE);
    for invoice in invoices(batch) {
        let account = match account(&invoice, batch) {
            Ok(account) => account,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        let mut rows = Vec::new();
        for group in invoice.tax_groups().iter().filter(|group| !group.net().is_zero()) {
            let details = free_text(&group.description(batch));
            let details = cut(&details, DETAILS_CHARS_MAX, "Details", invoice.number, &mut findings);
            let [kind, net, tax] = amounts(group, batch)?;
            rows.push([
                kind,
                account.to_owned(),
                settings.account_code.clone(),
                settings.department.to_string(),
                date(batch.invoice_date, DateOrder::Dmy),
                invoice.number.to_owned(),
                details,
                net,
                tax_type(&settings.tax_types, group.rate)?.to_owned(),
                tax,
            ]);
        }
        parts.invoice(&rows)?;
        kept.push(invoice);
    }
    let how = "the Sage 50 file has tax on each invoice's sum at a rate";
    findings.extend(tax_note(&kept, batch, how)?);
    Ok(Rendered { files: parts.into_files(batch, "sage50")?, findings })
}

/// The customer's account, or why the invoice cannot be in the file.
fn account<'a>(invoice: &Invoice<'a>, batch: &Batch) -> Result<&'a str, Finding> {
    let held = |code, reason: &str| Err(invoice.held(batch, Severity::Error, code, "Sage 50", reason));
    let account = identifier(invoice.payer, "sage_account").unwrap_or("");
    let with_blanks = account.contains(char::is_whitespace).then(|| format!("`{account}` with blanks"));
    if let Some(fault) = with_blanks.or_else(|| key_fault(account, Some(ACCOUNT_CHARS_MAX))) {
        let reason = format!(
            "its account is {fault}; expected the account reference in Sage 50, at most {ACCOUNT_CHARS_MAX} characters without blanks, in column `sage_account` of the directory"
        );
        return held("account-unusable", &reason);
    }
    if let Some(fault) = key_fault(invoice.number, Some(REFERENCE_CHARS_MAX)) {
        let reason = format!("its number is {fault}, expected at most {REFERENCE_CHARS_MAX}");
        return held("number-unusable", &reason);
    }
    Ok(account)
}

/// Type, net and tax of a row: the type has the sign.
fn amounts(group: &TaxGroup<'_>, batch: &Batch) -> Result<[String; 3], RenderError> {
    let decimals = batch.currency.decimals();
    let (net, tax): (Exact, Money) = (group.net(), group.tax(batch)?);
    let (kind, net, tax) = if net.is_negative() { ("SC", -net, -tax) } else { ("SI", net, tax) };
    Ok([kind.to_owned(), net.to_text(decimals), tax.to_text(decimals)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Rate, TaxRate};
    use crate::outputs::fixture;

    fn settings() -> Sage50Settings {
        Sage50Settings {
            account_code: "4000".into(),
            department: 0,
            tax_types: BTreeMap::from([("VAT 20%".into(), "T1".into()), ("VAT 5%".into(), "T5".into())]),
            encoding: TextEncoding::default(),
        }
    }

    fn batch() -> Batch {
        let mut batch = fixture::worked_example();
        for line in &mut batch.lines {
            let account = if line.payer.code == "T100" { "KESTREL" } else { "LYNX" };
            line.payer.identifiers.insert("sage_account".into(), account.into());
        }
        batch
    }

    fn text(rendered: &Rendered) -> String {
        String::from_utf8(rendered.files[0].bytes.clone()).unwrap()
    }

    #[test]
    fn the_worked_example_has_exactly_these_bytes() {
        let rendered = render(&settings(), &batch()).unwrap();
        assert_eq!(rendered.files.len(), 1);
        assert_eq!(rendered.files[0].name, "main-2026-03-sage50.csv");
        assert_eq!(rendered.files[0].bytes.len(), 316);
        assert_eq!(
            fixture::sha256(&rendered.files[0].bytes),
            "a4d981b82888b7474f59fa4519ee16e385ec4083efd5b6c1943e8c91e9171902"
        );
        assert_eq!(rendered.findings.len(), 1);
        insta::assert_snapshot!(rendered.findings[0], @"the Sage 50 file has tax on each invoice's sum at a rate: GBP 0.88 of tax, where the lines have GBP 0.89: `PRT-2026-03-T100` 0.55, not 0.56");
    }

    #[test]
    fn a_credit_is_sc_with_positive_amounts() {
        let mut batch = batch();
        let payer = batch.lines[0].payer.clone();
        batch.lines = vec![fixture::late_refund()];
        batch.lines[0].payer = payer;
        let mut other = batch.lines[0].clone();
        other.tax_rate = Some(TaxRate { name: "VAT 5%".into(), rate: Rate::from_percent("5").unwrap() });
        other.net = fixture::money("1.00");
        other.tax = fixture::money("0.05");
        batch.lines.push(other);
        let rendered = render(&settings(), &batch).unwrap();
        assert_eq!(rendered.findings, []);
        insta::assert_snapshot!(text(&rendered), @r#"
        Type,Account Reference,Nominal A/C Ref,Department Code,Date,Reference,Details,Net Amount,Tax Code,Tax Amount
        SC,KESTREL,4000,0,31/03/2026,PRT-2026-03-T100,Print 2026-03 corrected: mono -25 pages,1.68,T1,0.34
        SI,KESTREL,4000,0,31/03/2026,PRT-2026-03-T100,Print 2026-03 corrected: mono -25 pages,1.00,T5,0.05
        "#);
    }

    #[test]
    fn rates_that_come_to_nothing_have_no_row() {
        let mut batch = batch();
        batch.lines[1].net = fixture::money("-1.68");
        batch.lines.truncate(2);
        assert_eq!(render(&settings(), &batch).unwrap().files, []);
    }

    #[test]
    fn an_account_that_sage_cannot_hold_stops_the_batch() {
        let fault = |account: Option<&str>| {
            let mut batch = batch();
            batch.lines.drain(..2);
            let identifiers = &mut batch.lines[0].payer.identifiers;
            identifiers.remove("sage_account");
            identifiers.extend(account.map(|account| ("sage_account".to_owned(), account.to_owned())));
            let findings = render(&settings(), &batch).unwrap().findings;
            assert!(findings.iter().all(|finding| finding.severity == Severity::Error));
            findings.first().map(|finding| finding.message.clone()).unwrap_or_default()
        };
        assert_eq!(fault(Some("LYNX0008")), "");
        insta::assert_snapshot!(fault(Some("LYNX00009")), @"invoice `PRT-2026-03-M003` of `member:M003` (GBP 1.63) is not in the Sage 50 file: its account is `LYNX00009` with 9 characters; expected the account reference in Sage 50, at most 8 characters without blanks, in column `sage_account` of the directory");
        assert!(fault(Some("LY NX")).contains("its account is `LY NX` with blanks"));
        assert!(fault(Some("=LYNX")).contains("its account is `=LYNX`, which would start a formula"));
        assert!(fault(None).contains("its account is empty; expected"));
    }

    #[test]
    fn a_number_has_at_most_30_characters() {
        let mut batch = batch();
        batch.lines.drain(..2);
        batch.lines[0].invoice_number = "P".repeat(30);
        assert_eq!(render(&settings(), &batch).unwrap().findings, []);
        batch.lines[0].invoice_number = "P".repeat(31);
        let findings = render(&settings(), &batch).unwrap().findings;
        assert!(findings[0].message.contains("with 31 characters, expected at most 30"), "{}", findings[0]);
    }

    #[test]
    fn details_are_cut_to_60_characters_and_told() {
        let mut batch = batch();
        batch.lines.drain(..2);
        batch.lines[0].description = "é".repeat(60);
        assert_eq!(render(&settings(), &batch).unwrap().findings, []);
        batch.lines[0].description = "é".repeat(61);
        let rendered = render(&settings(), &batch).unwrap();
        assert_eq!((rendered.findings[0].code, rendered.findings[0].severity), ("text-cut", Severity::Note));
        assert!(text(&rendered).contains(&format!(",{},", "é".repeat(60))));
    }
}
