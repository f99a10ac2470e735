//! hledger's journal: one transaction an invoice, in plain text with LF.
//!
//! The file is included in a journal that has its own habits, so it says that its decimal mark is a point: a
//! journal with commas would read `1.500` as fifteen hundred. Accounts and the commodity are written without
//! quotes; what hledger would not read as one is refused. A credit has the same postings with reversed signs.

use crate::domain::{Batch, Finding, Severity};
use crate::outputs::files::file_name;

use super::invoices::{Invoice, identifier, invoices, tax_note};
use super::{RenderError, Rendered, RenderedFile};

/// What the journal expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HledgerSettings {
    /// Above the payers' accounts, such as `assets:receivable`.
    pub receivable_account: String,
    /// Where the net goes, such as `income:printing`.
    pub income_account: String,
    /// Where the tax goes, such as `liabilities:vat:output`; needed where a line has tax.
    pub tax_account: Option<String>,
    /// The currency's sign, such as `£` or `EUR`.
    pub commodity: String,
    /// On which side of the amount it stands.
    pub commodity_side: CommoditySide,
}

/// On which side of an amount its commodity stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommoditySide {
    /// `£3.31`
    Left,
    /// `3.31 EUR`
    Right,
}

/// Whether hledger reads a text as one account: two blanks would end it, and brackets make it virtual.
pub fn is_account(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.trim() == part;
    text.split(':').all(is_part)
        && !text.contains("  ")
        && !text.contains(|sign: char| sign.is_control() || sign == ';')
        && !text.starts_with(['(', '[', '*', '!', '=', '~'])
}

/// Whether hledger reads a text as a commodity without quotes.
pub fn is_commodity(text: &str) -> bool {
    let is_other = |sign: char| sign.is_ascii_punctuation() && sign != '$';
    !text.is_empty()
        && !text.contains(|sign: char| {
            is_other(sign) || sign.is_numeric() || sign.is_whitespace() || sign.is_control()
        })
}

/// Renders the batch as one journal.
pub(super) fn render(settings: &HledgerSettings, batch: &Batch) -> Result<Rendered, RenderError> {
    check(settings)?;
    let mut findings = Vec::new();
    let mut kept = Vec::new();
    let mut journal = String::new();
    for invoice in invoices(batch) {
        match receivable_account(settings, &invoice, batch) {
            Err(finding) => findings.push(finding),
            Ok(account) => {
                journal.push_str(&transaction(settings, &invoice, &account, batch)?);
                kept.push(invoice);
            }
        }
    }
    findings.extend(tax_note(&kept, batch, "the journal has tax on each invoice's sum at a rate")?);
    let mut files = Vec::new();
    if !journal.is_empty() {
        let name = file_name(&format!("{}-hledger", batch.id), "journal");
        files.push(RenderedFile { name, bytes: format!("decimal-mark .\n{journal}").into_bytes() });
    }
    Ok(Rendered { files, findings })
}

fn check(settings: &HledgerSettings) -> Result<(), RenderError> {
    let accounts = [
        ("receivable_account", Some(&settings.receivable_account)),
        ("income_account", Some(&settings.income_account)),
        ("tax_account", settings.tax_account.as_ref()),
    ];
    let accounts = accounts.into_iter().filter_map(|(key, text)| Some((key, text?, is_account(text?))));
    let commodity = ("commodity", &settings.commodity, is_commodity(&settings.commodity));
    for (setting, text, is_read) in accounts.chain([commodity]) {
        if !is_read {
            return Err(RenderError::Journal { what: format!("setting `{setting}`"), found: text.clone() });
        }
    }
    Ok(())
}

/// The payer's own account, or why the invoice cannot be in the journal.
fn receivable_account(
    settings: &HledgerSettings,
    invoice: &Invoice<'_>,
    batch: &Batch,
) -> Result<String, Finding> {
    let Some(account) = identifier(invoice.payer, "hledger_account") else {
        return Ok(format!("{}:{}", settings.receivable_account, invoice.payer.code));
    };
    if is_account(account) {
        return Ok(account.to_owned());
    }
    let reason = format!(
        "its account is `{}`; expected an account that hledger reads as one, in column `hledger_account` of the directory",
        account.escape_debug()
    );
    Err(invoice.held(batch, Severity::Error, "account-unusable", "hledger", &reason))
}

/// A transaction after an empty line; none where nothing is owed.
fn transaction(
    settings: &HledgerSettings,
    invoice: &Invoice<'_>,
    receivable_account: &str,
    batch: &Batch,
) -> Result<String, RenderError> {
    let (net, tax) = (invoice.net(), invoice.tax_on_sums(batch)?);
    let mut postings = vec![(receivable_account, net + tax), (settings.income_account.as_str(), -net)];
    if !tax.is_zero() {
        let Some(account) = &settings.tax_account else {
            return Err(RenderError::Journal { what: "setting `tax_account`".into(), found: String::new() });
        };
        postings.push((account, -tax));
    }
    if postings.iter().all(|(_, amount)| amount.is_zero()) {
        return Ok(String::new());
    }
    let (number, key, period) = (invoice.number, invoice.key(batch), batch.period);
    let payee = payee(&invoice.payer.name);
    let mut text =
        format!("\n{} * ({number}) {payee} | Printing {period}  ; key:{key}\n", batch.invoice_date);
    let postings: Vec<(&str, String)> = postings
        .into_iter()
        .map(|(account, sum)| (account, amount(settings, &sum.to_text(batch.currency.decimals()))))
        .collect();
    let width = |text: &str| text.chars().count();
    let accounts = postings.iter().map(|(account, _)| width(account)).max().unwrap_or(0);
    let amounts = postings.iter().map(|(_, amount)| width(amount)).max().unwrap_or(0);
    for (account, amount) in postings {
        let room = accounts + amounts + 2 - width(account);
        text.push_str(&format!("    {account}{amount:>room$}\n"));
    }
    Ok(text)
}

/// A `;` would start a comment, and a `|` ends the payee.
fn payee(name: &str) -> String {
    let replaced = name.chars().map(|sign| match sign {
        ';' => ',',
        '|' => '/',
        sign if sign.is_control() => ' ',
        sign => sign,
    });
    replaced.collect::<String>().trim().to_owned()
}

fn amount(settings: &HledgerSettings, number: &str) -> String {
    let commodity = &settings.commodity;
    match settings.commodity_side {
        CommoditySide::Right => format!("{number} {commodity}"),
        CommoditySide::Left if commodity.ends_with(char::is_alphabetic) => format!("{commodity} {number}"),
        CommoditySide::Left => format!("{commodity}{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::fixture;

    fn settings() -> HledgerSettings {
        HledgerSettings {
            receivable_account: "assets:receivable".into(),
            income_account: "income:printing".into(),
            tax_account: Some("liabilities:vat:output".into()),
            commodity: "£".into(),
            commodity_side: CommoditySide::Left,
        }
    }

    fn text(rendered: &Rendered) -> String {
        String::from_utf8(rendered.files[0].bytes.clone()).unwrap()
    }

    #[test]
    fn the_worked_example() {
        let rendered = render(&settings(), &fixture::worked_example()).unwrap();
        assert_eq!(rendered.files[0].name, "main-2026-03-hledger.journal");
        insta::assert_snapshot!(text(&rendered), @r#"
        decimal-mark .

        2026-03-31 * (PRT-2026-03-T100) Kestrel & Lark, Ltd | Printing 2026-03  ; key:d145f47b-7204-5f19-89b6-291321b93555
            assets:receivable:T100   £3.31
            income:printing         £-2.76
            liabilities:vat:output  £-0.55

        2026-03-31 * (PRT-2026-03-M003) Lynx Studio | Printing 2026-03  ; key:2e87f803-f52e-5e08-a5a9-0c776b098547
            assets:receivable:M003   £1.96
            income:printing         £-1.63
            liabilities:vat:output  £-0.33
        "#);
        insta::assert_snapshot!(rendered.findings[0], @"the journal has tax on each invoice's sum at a rate: GBP 0.88 of tax, where the lines have GBP 0.89: `PRT-2026-03-T100` 0.55, not 0.56");
    }

    #[test]
    fn a_credit_has_its_signs_reversed_and_a_batch_of_its_own_another_key() {
        let mut batch = fixture::worked_example();
        batch.id = "main-2026-03-A1".into();
        batch.lines = vec![fixture::late_refund()];
        batch.lines[0].payer.name = "Kestrel; Lark | Sons\n".into();
        batch.lines[0].payer.identifiers.insert("hledger_account".into(), "assets:kestrel and lark".into());
        let mut settings = settings();
        settings.commodity = "GBP".into();
        settings.commodity_side = CommoditySide::Right;
        let rendered = render(&settings, &batch).unwrap();
        assert_eq!(rendered.findings, []);
        insta::assert_snapshot!(text(&rendered), @r#"
        decimal-mark .

        2026-03-31 * (PRT-2026-03-T100) Kestrel, Lark / Sons | Printing 2026-03  ; key:343d2062-4437-58d8-9371-e7fe38dec1ac
            assets:kestrel and lark  -2.02 GBP
            income:printing           1.68 GBP
            liabilities:vat:output    0.34 GBP
        "#);
    }

    #[test]
    fn without_tax_there_is_no_posting_of_it_and_with_tax_it_needs_an_account() {
        let mut batch = fixture::worked_example();
        let mut settings = settings();
        settings.tax_account = None;
        settings.commodity = "GBP".into();
        assert_eq!(
            render(&settings, &batch).unwrap_err().to_string(),
            "setting `tax_account` is ``, expected a text that hledger reads without quotes"
        );
        batch.lines.drain(..2);
        batch.lines[0].tax_rate = None;
        batch.lines[0].tax = fixture::money("0");
        let text = text(&render(&settings, &batch).unwrap());
        assert_eq!(
            text.lines().skip(3).collect::<Vec<_>>(),
            ["    assets:receivable:M003   GBP 1.63", "    income:printing         GBP -1.63",]
        );
    }

    #[test]
    fn invoices_of_nothing_are_left_out() {
        let mut batch = fixture::worked_example();
        batch.lines[1].net = fixture::money("-1.68");
        batch.lines.truncate(2);
        assert_eq!(render(&settings(), &batch).unwrap().files, []);
    }

    #[test]
    fn an_account_that_hledger_would_not_read_stops_the_batch() {
        let mut batch = fixture::worked_example();
        batch.lines.drain(..2);
        batch.lines[0].payer.identifiers.insert("hledger_account".into(), "(assets:lynx)".into());
        let rendered = render(&settings(), &batch).unwrap();
        assert_eq!((rendered.files.len(), rendered.findings[0].severity), (0, Severity::Error));
        insta::assert_snapshot!(rendered.findings[0], @"invoice `PRT-2026-03-M003` of `member:M003` (GBP 1.63) is not in the hledger file: its account is `(assets:lynx)`; expected an account that hledger reads as one, in column `hledger_account` of the directory");
    }

    #[test]
    fn accounts_and_commodities_are_those_that_hledger_reads() {
        for good in ["assets", "assets:receivable:T100", "Aktiva:offene Posten", "income:R&D (old)"] {
            assert!(is_account(good), "{good}");
        }
        for bad in ["", "a::b", "a:", "a  b", "a;b", "(a)", "[a]", "* a", " a", "a: b", "a\tb"] {
            assert!(!is_account(bad), "{bad}");
        }
        for good in ["£", "$", "EUR", "kr", "₹"] {
            assert!(is_commodity(good), "{good}");
        }
        for bad in ["", "A4", "E R", "a-b", "\"EUR\"", "C.", ";", "US@"] {
            assert!(!is_commodity(bad), "{bad}");
        }
    }
}
