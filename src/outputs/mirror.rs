//! The JSON of lines, proofs and findings, for the JSON receiver and for every `--json` document.
//!
//! Domain types have no serde, so that a changed field cannot change a document unseen. Every number that
//! is money, a price, a quantity or a rate is a decimal string (`"12.40"`, `"-21"`, `"20"`): JSON numbers are
//! doubles to most readers. Counts of jobs and pages are JSON integers.

use serde::Serialize;

use crate::domain::{Batch, Finding, InvoiceLine, Proof, Usage};

/// An invoice line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineJson {
    /// The line's id.
    pub id: String,
    /// The invoice that it stands on.
    pub invoice_number: String,
    /// `team:<id>` or `member:<id>`.
    pub payer: String,
    /// The name on the invoice.
    pub payer_name: String,
    /// Where the invoice goes.
    pub payer_email: String,
    /// `mono`, `colour` or `cost`.
    pub class: &'static str,
    /// The period of the line's jobs.
    pub period: String,
    /// 0, and counted up by each correction.
    pub revision: u32,
    /// The id of the line that this one corrects, or null.
    pub adjusts: Option<String>,
    /// One sentence for the payer.
    pub description: String,
    /// A whole number as a string; negative for a correction downward.
    pub quantity: String,
    /// Price of one, before tax.
    pub unit_price: String,
    /// Amount before tax.
    pub net: String,
    /// Tax of the line.
    pub tax: String,
    /// Percentage of the tax, such as `"20"`, or null where none is charged.
    pub tax_rate: Option<String>,
    /// The plan's name of the rate, or null.
    pub tax_name: Option<String>,
    /// Net and tax.
    pub gross: String,
    /// The currency's code.
    pub currency: String,
    /// Date of the invoice, `yyyy-mm-dd`.
    pub invoice_date: String,
    /// Date until which it is to be paid.
    pub due_date: String,
    /// Jobs and pages behind the line.
    pub usage: UsageJson,
}

impl LineJson {
    /// The line as it stands in its batch.
    pub fn of(line: &InvoiceLine, batch: &Batch) -> LineJson {
        let decimals = batch.currency.decimals();
        LineJson {
            id: line.id.to_string(),
            invoice_number: line.invoice_number.clone(),
            payer: line.payer.id.to_string(),
            payer_name: line.payer.name.clone(),
            payer_email: line.payer.email.clone(),
            class: line.class.as_str(),
            period: line.period.to_string(),
            revision: line.revision,
            adjusts: line.adjusts.map(|id| id.to_string()),
            description: line.description.clone(),
            quantity: line.quantity.to_string(),
            unit_price: line.unit_price.to_text(decimals),
            net: line.net.to_text(decimals),
            tax: line.tax.to_text(decimals),
            tax_rate: line.tax_rate.as_ref().map(|tax| tax.rate.percent()),
            tax_name: line.tax_rate.as_ref().map(|tax| tax.name.clone()),
            gross: line.gross().to_text(decimals),
            currency: batch.currency.to_string(),
            invoice_date: batch.invoice_date.to_string(),
            due_date: batch.due_date.to_string(),
            usage: UsageJson::of(&line.usage),
        }
    }
}

/// Jobs and pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UsageJson {
    /// Jobs.
    pub jobs: i64,
    /// Mono pages.
    pub mono_pages: i64,
    /// Colour pages.
    pub colour_pages: i64,
    /// Mono pages that the allowance covered.
    pub mono_included: i64,
    /// Colour pages that the allowance covered.
    pub colour_included: i64,
    /// Mono pages at no price.
    pub mono_free: i64,
    /// Colour pages at no price.
    pub colour_free: i64,
}

impl UsageJson {
    /// The same numbers.
    pub fn of(usage: &Usage) -> UsageJson {
        UsageJson {
            jobs: usage.jobs,
            mono_pages: usage.mono_pages,
            colour_pages: usage.colour_pages,
            mono_included: usage.mono_included,
            colour_included: usage.colour_included,
            mono_free: usage.mono_free,
            colour_free: usage.colour_free,
        }
    }
}

/// Where the reported cost went, with the difference that has to be zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProofJson {
    /// PaperCut's cost of the period's jobs.
    pub reported: String,
    /// Never billed.
    pub not_billable: String,
    /// Nobody pays yet.
    pub suspense: String,
    /// Covered by allowances.
    pub allowance: String,
    /// Mark-up and price differences.
    pub markup: String,
    /// What rounding added.
    pub rounding: String,
    /// The lines' net.
    pub billed: String,
    /// `0.00`, or a fault in papertally.
    pub difference: String,
}

impl ProofJson {
    /// The proof with at least `decimals` decimals, and more only where they are not zero.
    pub fn of(proof: &Proof, decimals: u32) -> ProofJson {
        ProofJson {
            reported: proof.reported.to_text(decimals),
            not_billable: proof.not_billable.to_text(decimals),
            suspense: proof.suspense.to_text(decimals),
            allowance: proof.allowance.to_text(decimals),
            markup: proof.markup.to_text(decimals),
            rounding: proof.rounding.to_text(decimals),
            billed: proof.billed.to_text(decimals),
            difference: proof.difference().to_text(decimals),
        }
    }
}

/// A finding; its place is left out where it has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingJson {
    /// `note`, `warning` or `error`.
    pub severity: &'static str,
    /// The stable word for scripts.
    pub code: &'static str,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line of the file, or row of the sheet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// The column's header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The sentence.
    pub message: String,
}

impl FindingJson {
    /// The same finding.
    pub fn of(finding: &Finding) -> FindingJson {
        FindingJson {
            severity: finding.severity.as_str(),
            code: finding.code,
            file: finding.file.clone(),
            row: finding.row,
            column: finding.column.clone(),
            message: finding.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Severity;
    use crate::outputs::fixture;

    #[test]
    fn a_line_has_the_keys_that_scripts_rely_on() {
        let batch = fixture::worked_example();
        let line = serde_json::to_string(&LineJson::of(&batch.lines[2], &batch)).unwrap();
        insta::assert_snapshot!(line, @r#"{"id":"2e311b2a-cc74-52da-b7a4-5c387219398e","invoice_number":"PRT-2026-03-M003","payer":"member:M003","payer_name":"Lynx Studio","payer_email":"post@lynx.example","class":"cost","period":"2026-03","revision":0,"adjusts":null,"description":"Print 2026-03: 14 pages at cost + 25%","quantity":"1","unit_price":"1.63","net":"1.63","tax":"0.33","tax_rate":"20","tax_name":"VAT 20%","gross":"1.96","currency":"GBP","invoice_date":"2026-03-31","due_date":"2026-04-14","usage":{"jobs":3,"mono_pages":11,"colour_pages":3,"mono_included":0,"colour_included":0,"mono_free":0,"colour_free":0}}"#);
    }

    #[test]
    fn a_proof_shows_that_nothing_is_missing() {
        let batch = fixture::worked_example();
        let proof = serde_json::to_string(&ProofJson::of(&batch.proof, 2)).unwrap();
        insta::assert_snapshot!(proof, @r#"{"reported":"9.85","not_billable":"2.25","suspense":"0.00","allowance":"6.80","markup":"3.585","rounding":"0.005","billed":"4.39","difference":"0.00"}"#);
    }

    #[test]
    fn a_finding_has_a_place_only_where_it_was_found_in_one() {
        let finding = Finding::new(Severity::Warning, "row-rejected", "found `1.2.3`");
        let bare = serde_json::to_string(&FindingJson::of(&finding)).unwrap();
        assert_eq!(bare, r#"{"severity":"warning","code":"row-rejected","message":"found `1.2.3`"}"#);
        let placed = serde_json::to_value(FindingJson::of(&finding.in_file("a.csv").at_row(9))).unwrap();
        assert_eq!((placed["file"].as_str(), placed["row"].as_u64()), (Some("a.csv"), Some(9)));
    }
}
