//! What receivers of invoices have in common: lines by invoice, sums by tax rate, and what is held back.
//!
//! A receiver that computes tax on a sum may come to another cent than papertally, which computes it on each
//! line. Neither is wrong, and none of them is bent to the other: [`tax_note`] tells where they differ.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use crate::domain::{
    Batch, DateOrder, Exact, Finding, InvoiceLine, LineClass, Money, Payer, Severity, TaxRate, invoice_key,
    round,
};

use super::RenderError;
use super::cells::is_safe_key;

/// The key in `tax_types` for lines whose plan charges no tax.
pub const NO_TAX: &str = "none";

/// Invoices that a finding about many of them names; the rest is counted.
const NAMED_MAX: usize = 3;

/// The charged lines of one invoice number, at least one.
pub(super) struct Invoice<'a> {
    pub(super) number: &'a str,
    pub(super) payer: &'a Payer,
    pub(super) lines: Vec<&'a InvoiceLine>,
}

/// Lines of one invoice at one tax rate, at least one.
pub(super) struct TaxGroup<'a> {
    pub(super) rate: Option<&'a TaxRate>,
    pub(super) lines: Vec<&'a InvoiceLine>,
}

/// A row for a receiver that takes no negative amounts.
pub(super) struct Item {
    pub(super) description: String,
    pub(super) quantity: i64,
    pub(super) price: Money,
    pub(super) net: Money,
}

/// The charged lines by invoice number, in the order in which the numbers first occur.
pub(super) fn invoices(batch: &Batch) -> Vec<Invoice<'_>> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut invoices: Vec<Invoice<'_>> = Vec::new();
    for line in batch.charged_lines() {
        let place = *places.entry(&line.invoice_number).or_insert(invoices.len());
        match invoices.get_mut(place) {
            Some(invoice) => invoice.lines.push(line),
            None => {
                invoices.push(Invoice {
                    number: &line.invoice_number,
                    payer: &line.payer,
                    lines: vec![line],
                });
            }
        }
    }
    invoices
}

impl<'a> Invoice<'a> {
    /// The sum before tax.
    pub(super) fn net(&self) -> Exact {
        net(&self.lines)
    }

    /// The sum with the currency, such as `GBP 2.76`.
    pub(super) fn amount(&self, batch: &Batch) -> String {
        amount(self.net(), batch)
    }

    /// The payer's name at the receiver: a column of the directory, else its own name.
    pub(super) fn name_from(&self, column: &str) -> &'a str {
        identifier(self.payer, column).unwrap_or(&self.payer.name)
    }

    /// Our id of the invoice: the same whenever it is made, another one in a later batch of the period.
    pub(super) fn key(&self, batch: &Batch) -> Uuid {
        // A batch is named by site, period and, from the second one on, `-A` and its number.
        let first = format!("{}-{}-A", batch.site, batch.period);
        let sequence = batch.id.strip_prefix(&first).and_then(|number| number.parse().ok()).unwrap_or(0);
        invoice_key(&batch.site, batch.period, &self.payer.id, sequence)
    }

    /// The lines by tax rate, in the order in which the rates first occur.
    pub(super) fn tax_groups(&self) -> Vec<TaxGroup<'a>> {
        let mut groups: Vec<TaxGroup<'a>> = Vec::new();
        for line in &self.lines {
            let rate = line.tax_rate.as_ref();
            match groups.iter_mut().find(|group| group.rate == rate) {
                Some(group) => group.lines.push(line),
                None => groups.push(TaxGroup { rate, lines: vec![line] }),
            }
        }
        groups
    }

    /// Tax computed on the sum of each rate.
    pub(super) fn tax_on_sums(&self, batch: &Batch) -> Result<Exact, RenderError> {
        self.tax_groups().iter().map(|group| group.tax(batch).map(Exact::from)).sum()
    }

    /// A finding that the invoice is not in a receiver's file.
    pub(super) fn held(
        &self,
        batch: &Batch,
        severity: Severity,
        code: &'static str,
        file: &str,
        reason: &str,
    ) -> Finding {
        let (number, payer, amount) = (self.number, &self.payer.id, self.amount(batch));
        let message =
            format!("invoice `{number}` of `{payer}` ({amount}) is not in the {file} file: {reason}");
        Finding::new(severity, code, message)
    }
}

impl TaxGroup<'_> {
    /// The sum before tax.
    pub(super) fn net(&self) -> Exact {
        net(&self.lines)
    }

    /// Tax computed on the sum.
    pub(super) fn tax(&self, batch: &Batch) -> Result<Money, RenderError> {
        let Some(tax) = self.rate else { return Ok(Money::ZERO) };
        let exact = self.net().to_money().at(tax.rate);
        match round(exact, batch.currency.decimals()) {
            Some(rounded) => Ok(rounded.rounded),
            None => Err(RenderError::OutOfRange { amount: exact.to_text(0) }),
        }
    }

    /// One item a line, or one for all where a line is negative; none where these come to nothing. The sum is not
    /// negative: an invoice with a group below zero is held before.
    pub(super) fn items(&self, batch: &Batch, unit_decimals: u32) -> Vec<Item> {
        let net = self.net().to_money();
        if self.lines.iter().all(|line| !line.net.is_negative()) {
            let item = |line: &&InvoiceLine| {
                let (quantity, price) = quantity_and_price(line, unit_decimals);
                Item { description: line.description.clone(), quantity, price, net: line.net }
            };
            self.lines.iter().map(item).collect()
        } else if net.is_zero() {
            Vec::new()
        } else {
            vec![Item { description: self.description(batch), quantity: 1, price: net, net }]
        }
    }

    /// One sentence for all lines: a single line's own, else what they have in common.
    pub(super) fn description(&self, batch: &Batch) -> String {
        if let [line] = self.lines.as_slice() {
            return line.description.clone();
        }
        let is_correction = |line: &&InvoiceLine| line.adjusts.is_some() || line.period != batch.period;
        if self.lines.iter().any(is_correction) {
            return format!("Print {} with corrections", batch.period);
        }
        let parts: Vec<String> = self.lines.iter().map(|line| billed_pages(line)).collect();
        let is_over = |line: &&InvoiceLine| line.usage.mono_included + line.usage.colour_included > 0;
        let over = if self.lines.iter().any(is_over) { "over allowance" } else { "pages" };
        format!("Print {}: {} {over}", batch.period, parts.join(" and "))
    }
}

/// Pages that a line charges for, with their kind.
fn billed_pages(line: &InvoiceLine) -> String {
    let usage = &line.usage;
    let mono = usage.mono_pages - usage.mono_included - usage.mono_free;
    let colour = usage.colour_pages - usage.colour_included - usage.colour_free;
    match line.class {
        LineClass::Mono => format!("{mono} mono"),
        LineClass::Colour => format!("{colour} colour"),
        LineClass::Cost => format!("{} at cost", mono + colour),
    }
}

fn net(lines: &[&InvoiceLine]) -> Exact {
    lines.iter().map(|line| Exact::from(line.net)).sum()
}

/// An amount with the batch's currency.
pub(super) fn amount(value: Exact, batch: &Batch) -> String {
    format!("{} {}", batch.currency, value.to_text(batch.currency.decimals()))
}

/// What the directory has for a payer in a column; an empty cell is nothing.
pub(super) fn identifier<'a>(payer: &'a Payer, column: &str) -> Option<&'a str> {
    payer.identifiers.get(column).map(String::as_str).filter(|text| !text.is_empty())
}

/// What is wrong with a text that the receiver compares letter by letter; `most` is its limit of characters.
pub(super) fn key_fault(text: &str, most: Option<usize>) -> Option<String> {
    let length = text.chars().count();
    if text.is_empty() {
        Some("empty".to_owned())
    } else if !is_safe_key(text) {
        Some(format!("`{}`, which would start a formula or has a line break", text.escape_debug()))
    } else if most.is_some_and(|most| length > most) {
        Some(format!("`{text}` with {length} characters"))
    } else {
        None
    }
}

/// Refuses settings that stand in key cells and are not safe there, so that no row has to be.
pub(super) fn check_settings<'a>(
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(), RenderError> {
    for (setting, value) in settings {
        if value.is_empty() || !is_safe_key(value) {
            return Err(RenderError::Setting { setting: setting.to_owned(), found: value.to_owned() });
        }
    }
    Ok(())
}

/// The receiver's own name of a tax rate.
pub(super) fn tax_type<'a>(
    names: &'a BTreeMap<String, String>,
    rate: Option<&TaxRate>,
) -> Result<&'a str, RenderError> {
    let tax = rate.map_or(NO_TAX, |tax| tax.name.as_str());
    match names.get(tax) {
        Some(name) => Ok(name),
        None => Err(RenderError::TaxTypeMissing { tax: tax.to_owned() }),
    }
}

/// Pages × price where the receiver can hold the price and the product is the net exactly, else 1 × net; the
/// pages stand in the description either way.
pub(super) fn quantity_and_price(line: &InvoiceLine, unit_decimals: u32) -> (i64, Money) {
    let used = line.unit_price.to_text(0).split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let fits = u32::try_from(used).is_ok_and(|used| used <= unit_decimals);
    if fits && line.unit_price.times(line.quantity) == Exact::from(line.net) {
        (line.quantity, line.unit_price)
    } else {
        (1, line.net)
    }
}

/// A day in a receiver's order, with slashes; ISO for years first.
pub(super) fn date(day: NaiveDate, order: DateOrder) -> String {
    let form = match order {
        DateOrder::Dmy => "%d/%m/%Y",
        DateOrder::Mdy => "%m/%d/%Y",
        DateOrder::Ymd => "%Y-%m-%d",
    };
    day.format(form).to_string()
}

/// Free text of at most `most` characters, with a note where it had to be cut.
pub(super) fn cut(text: &str, most: usize, field: &str, number: &str, findings: &mut Vec<Finding>) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let message = format!(
        "`{field}` of invoice `{number}` was cut from {length} characters to the {most} that it can have: `{text}`"
    );
    findings.push(Finding::new(Severity::Note, "text-cut", message));
    text.chars().take(most).collect()
}

/// A note where tax on the sum of each invoice and rate is not the tax of its lines; `how` says who computes it.
pub(super) fn tax_note(
    invoices: &[Invoice<'_>],
    batch: &Batch,
    how: &str,
) -> Result<Option<Finding>, RenderError> {
    let decimals = batch.currency.decimals();
    let (mut on_sums, mut by_line, mut differing) = (Exact::ZERO, Exact::ZERO, Vec::new());
    for invoice in invoices {
        let sums = invoice.tax_on_sums(batch)?;
        let lines: Exact = invoice.lines.iter().map(|line| Exact::from(line.tax)).sum();
        on_sums += sums;
        by_line += lines;
        if sums != lines {
            let (sums, lines) = (sums.to_text(decimals), lines.to_text(decimals));
            differing.push(format!("`{}` {sums}, not {lines}", invoice.number));
        }
    }
    if differing.is_empty() {
        return Ok(None);
    }
    let more = differing.len().saturating_sub(NAMED_MAX);
    differing.truncate(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!(
        "{how}: {} of tax, where the lines have {}: {}{more}",
        amount(on_sums, batch),
        amount(by_line, batch),
        differing.join("; ")
    );
    Ok(Some(Finding::new(Severity::Note, "tax-on-sums", message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::fixture;

    #[test]
    fn a_price_that_the_receiver_would_cut_becomes_one_times_the_net() {
        let check = |quantity: i64, price: &str, net: &str, expected: (i64, &str)| {
            let mut line = fixture::worked_example().lines.remove(0);
            line.quantity = quantity;
            line.unit_price = fixture::money(price);
            line.net = fixture::money(net);
            assert_eq!(quantity_and_price(&line, 2), (expected.0, fixture::money(expected.1)));
        };
        check(21, "0.08", "1.68", (21, "0.08"));
        check(-21, "0.08", "-1.68", (-21, "0.08"));
        check(200, "0.0825", "16.50", (1, "16.50"));
        check(-200, "0.0825", "-16.50", (1, "-16.50"));
        check(3, "0.33", "1.00", (1, "1.00"));
    }

    /// Xero's public example of both ways to compute tax: 25.06, 25.61 and 25.63 at 15 %.
    #[test]
    fn tax_on_a_sum_may_be_another_cent_and_is_told() {
        let mut batch = fixture::worked_example();
        batch.lines = ["25.06", "25.61", "25.63"]
            .map(|net| {
                let mut line = fixture::line(
                    fixture::team(),
                    LineClass::Mono,
                    "9872dc6f-dda4-5e9b-877f-eaf9ae2364a4",
                    1,
                    net,
                );
                let rate = crate::domain::Rate::from_percent("15").unwrap();
                line.tax = round(line.net.at(rate), 2).unwrap().rounded;
                line.tax_rate = Some(TaxRate { name: "GST".into(), rate });
                line
            })
            .to_vec();
        let note = tax_note(&invoices(&batch), &batch, "Somebody computes tax on sums").unwrap().unwrap();
        assert_eq!(
            note.message,
            "Somebody computes tax on sums: GBP 11.45 of tax, where the lines have GBP 11.44: `PRT-2026-03-T100` 11.45, not 11.44"
        );
        assert_eq!(note.severity, Severity::Note);
    }

    #[test]
    fn an_invoice_of_a_later_batch_has_another_key() {
        let mut batch = fixture::worked_example();
        let key = |batch: &Batch| invoices(batch)[1].key(batch);
        assert_eq!(key(&batch).to_string(), "2e87f803-f52e-5e08-a5a9-0c776b098547");
        batch.id = "main-2026-03-A1".into();
        assert_eq!(key(&batch), invoice_key("main", batch.period, &batch.lines[2].payer.id, 1));
    }

    #[test]
    fn lines_of_one_rate_have_one_sentence() {
        let check = |batch: &Batch, expected: &str| {
            assert_eq!(invoices(batch)[0].tax_groups()[0].description(batch), expected);
        };
        let mut batch = fixture::worked_example();
        check(&batch, "Print 2026-03: 21 mono and 3 colour over allowance");
        batch.lines[0].usage.mono_included = 0;
        batch.lines[1].usage.colour_included = 0;
        check(&batch, "Print 2026-03: 61 mono and 13 colour pages");
        batch.lines[1].adjusts = Some(batch.lines[0].id);
        check(&batch, "Print 2026-03 with corrections");
        batch.lines.remove(1);
        check(&batch, "Print 2026-03: mono 61 pages - 40 included");
    }

    #[test]
    fn text_is_cut_on_a_character_and_told() {
        let mut findings = Vec::new();
        assert_eq!(cut("éé", 2, "Details", "PRT-1", &mut findings), "éé");
        assert_eq!(findings, []);
        assert_eq!(cut("ééx", 2, "Details", "PRT-1", &mut findings), "éé");
        assert_eq!(
            findings[0].message,
            "`Details` of invoice `PRT-1` was cut from 3 characters to the 2 that it can have: `ééx`"
        );
    }
}
