//! Pages for people: a statement for each payer, and the reconciliation page of a batch.
//!
//! Here a batch becomes views, in which every number is a text already; the templates only place them. No view
//! holds a document name, since a batch has none.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{
    Batch, Currency, DetailItem, Exact, InvoiceLine, Payer, PayerId, Period, Severity, Usage,
};

use super::amounts::{amount, count, counted, length};
use super::files::{file_name, file_names};
use super::formats::RenderedFile;
use super::proof_rows::{self, ProofRow};
use super::templates::{REPORT, STATEMENT, TemplateError, Templates};

/// Which days of a period the reports cover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The days that reports cover, in order.
    pub covered: Vec<Period>,
    /// The days of the period that none covers.
    pub gaps: Vec<Period>,
}

#[derive(Serialize)]
struct LineView {
    invoice_number: String,
    description: String,
    period: String,
    is_correction: bool,
    quantity: String,
    unit_price: String,
    net: String,
    tax_name: String,
    tax: String,
    gross: String,
}

#[derive(Serialize)]
struct Totals {
    net: String,
    tax: String,
    gross: String,
}

#[derive(Serialize)]
struct IncludedView {
    what: &'static str,
    used: String,
    included: String,
    free: String,
    over: String,
}

#[derive(Serialize)]
struct UsageView {
    user: String,
    account: String,
    job_type: String,
    jobs: String,
    mono_pages: String,
    colour_pages: String,
    cost: String,
}

#[derive(Serialize)]
struct StatementView {
    site: String,
    batch: String,
    period: String,
    currency: String,
    invoice_date: String,
    due_date: String,
    payer: String,
    payer_id: String,
    invoice_numbers: Vec<String>,
    lines: Vec<LineView>,
    totals: Totals,
    included: Vec<IncludedView>,
    usage: Vec<UsageView>,
    usage_total: UsageView,
}

#[derive(Serialize)]
struct PayerView {
    payer: String,
    payer_id: String,
    lines: Vec<LineView>,
    totals: Totals,
}

#[derive(Serialize)]
struct ExceptionView {
    who: String,
    reason: String,
    jobs: String,
    pages: String,
    cost: String,
}

#[derive(Serialize)]
struct FindingView {
    severity: &'static str,
    code: &'static str,
    text: String,
}

#[derive(Serialize)]
struct ReportView {
    site: String,
    batch: String,
    period: String,
    currency: String,
    invoice_date: String,
    due_date: String,
    payers_text: String,
    lines_text: String,
    totals: Totals,
    verdict: String,
    adds_up: bool,
    proof: Vec<ProofRow>,
    payers: Vec<PayerView>,
    suspense: Vec<ExceptionView>,
    not_billable: Vec<ExceptionView>,
    covered: Vec<String>,
    gaps: Vec<String>,
    findings: Vec<FindingView>,
}

/// Renders a statement for each payer that has a line in the batch, also where it is zero.
///
/// # Errors
/// An operator's template that is not well formed or names what is not there.
pub fn statements(templates: &Templates, batch: &Batch) -> Result<Vec<RenderedFile>, TemplateError> {
    let payers = lines_by_payer(batch);
    let ids: Vec<String> = payers
        .keys()
        .map(|id| format!("{}-statement-{}", batch.id, id.to_string().replacen(':', "-", 1)))
        .collect();
    let names = file_names(ids.iter().map(String::as_str), "html");
    let mut files = Vec::with_capacity(names.len());
    for ((payer, lines), name) in payers.values().zip(names) {
        let page = templates.render(STATEMENT, statement(batch, payer, lines))?;
        files.push(RenderedFile { name, bytes: page.into_bytes() });
    }
    Ok(files)
}

/// Renders the reconciliation page of a batch.
///
/// # Errors
/// As [`statements`].
pub fn report_page(
    templates: &Templates,
    batch: &Batch,
    coverage: &Coverage,
) -> Result<RenderedFile, TemplateError> {
    let page = templates.render(REPORT, report(batch, coverage))?;
    Ok(RenderedFile { name: file_name(&format!("{}-report", batch.id), "html"), bytes: page.into_bytes() })
}

type PayerLines<'a> = BTreeMap<&'a PayerId, (&'a Payer, Vec<&'a InvoiceLine>)>;

fn lines_by_payer(batch: &Batch) -> PayerLines<'_> {
    let mut payers: PayerLines<'_> = BTreeMap::new();
    for line in &batch.lines {
        payers.entry(&line.payer.id).or_insert_with(|| (&line.payer, Vec::new())).1.push(line);
    }
    payers
}

fn statement(batch: &Batch, payer: &Payer, lines: &[&InvoiceLine]) -> StatementView {
    let mut invoice_numbers: Vec<String> = Vec::new();
    for line in lines.iter().filter(|line| !line.net.is_zero()) {
        if !invoice_numbers.contains(&line.invoice_number) {
            invoice_numbers.push(line.invoice_number.clone());
        }
    }
    let detail: Vec<&DetailItem> = batch.detail.iter().filter(|item| item.payer == payer.id).collect();
    StatementView {
        site: batch.site.clone(),
        batch: batch.id.clone(),
        period: batch.period.to_string(),
        currency: batch.currency.to_string(),
        invoice_date: batch.invoice_date.to_string(),
        due_date: batch.due_date.to_string(),
        payer: payer.name.clone(),
        payer_id: payer.id.to_string(),
        invoice_numbers,
        lines: lines.iter().map(|line| line_view(line, batch)).collect(),
        totals: totals(lines, batch.currency),
        included: included(lines),
        usage: detail.iter().map(|item| usage_view(item, batch.currency)).collect(),
        usage_total: usage_total(&detail, batch.currency),
    }
}

fn line_view(line: &InvoiceLine, batch: &Batch) -> LineView {
    LineView {
        invoice_number: line.invoice_number.clone(),
        description: line.description.clone(),
        period: line.period.to_string(),
        is_correction: line.adjusts.is_some(),
        quantity: count(line.quantity),
        unit_price: amount(line.unit_price, batch.currency),
        net: amount(line.net, batch.currency),
        tax_name: line.tax_rate.as_ref().map(|tax| tax.name.clone()).unwrap_or_default(),
        tax: amount(line.tax, batch.currency),
        gross: amount(line.gross(), batch.currency),
    }
}

fn totals(lines: &[&InvoiceLine], currency: Currency) -> Totals {
    let net: Exact = lines.iter().map(|line| Exact::from(line.net)).sum();
    let tax: Exact = lines.iter().map(|line| Exact::from(line.tax)).sum();
    Totals { net: amount(net, currency), tax: amount(tax, currency), gross: amount(net + tax, currency) }
}

/// What the allowance covered; empty where it covered no page.
fn included(lines: &[&InvoiceLine]) -> Vec<IncludedView> {
    let sum = |part: fn(&Usage) -> i64| lines.iter().map(|line| part(&line.usage)).sum::<i64>();
    let row = |what, [used, included, free]: [i64; 3]| IncludedView {
        what,
        used: count(used),
        included: count(included),
        free: count(free),
        over: count(used - included - free),
    };
    let mono =
        [sum(|usage| usage.mono_pages), sum(|usage| usage.mono_included), sum(|usage| usage.mono_free)];
    let colour =
        [sum(|usage| usage.colour_pages), sum(|usage| usage.colour_included), sum(|usage| usage.colour_free)];
    if mono[1] == 0 && colour[1] == 0 {
        return Vec::new();
    }
    vec![row("Mono pages", mono), row("Colour pages", colour)]
}

fn usage_view(item: &DetailItem, currency: Currency) -> UsageView {
    UsageView {
        user: item.user.clone(),
        account: item.account.clone(),
        job_type: item.job_type.clone(),
        jobs: count(item.jobs),
        mono_pages: count(item.mono_pages),
        colour_pages: count(item.colour_pages),
        cost: amount(item.cost, currency),
    }
}

fn usage_total(detail: &[&DetailItem], currency: Currency) -> UsageView {
    let sum = |part: fn(&DetailItem) -> i64| count(detail.iter().map(|item| part(item)).sum());
    UsageView {
        user: String::new(),
        account: String::new(),
        job_type: String::new(),
        jobs: sum(|item| item.jobs),
        mono_pages: sum(|item| item.mono_pages),
        colour_pages: sum(|item| item.colour_pages),
        cost: amount(detail.iter().map(|item| Exact::from(item.cost)).sum::<Exact>(), currency),
    }
}

fn report(batch: &Batch, coverage: &Coverage) -> ReportView {
    let all: Vec<&InvoiceLine> = batch.lines.iter().collect();
    ReportView {
        site: batch.site.clone(),
        batch: batch.id.clone(),
        period: batch.period.to_string(),
        currency: batch.currency.to_string(),
        invoice_date: batch.invoice_date.to_string(),
        due_date: batch.due_date.to_string(),
        payers_text: counted(length(&batch.payers().into_keys().collect::<Vec<_>>()), "payer", "payers"),
        lines_text: counted(length(&batch.charged_lines().collect::<Vec<_>>()), "line", "lines"),
        totals: totals(&all, batch.currency),
        verdict: proof_rows::verdict(&batch.proof, batch.currency),
        adds_up: batch.proof.difference().is_zero(),
        proof: proof_rows::rows(&batch.proof, batch.currency),
        payers: lines_by_payer(batch)
            .values()
            .map(|(payer, lines)| payer_view(batch, payer, lines))
            .collect(),
        suspense: suspense(batch),
        not_billable: not_billable(batch),
        covered: joined(&coverage.covered)
            .iter()
            .filter(|span| span.overlaps(&batch.period))
            .map(Period::to_string)
            .collect(),
        gaps: coverage.gaps.iter().map(Period::to_string).collect(),
        findings: findings(batch),
    }
}

fn payer_view(batch: &Batch, payer: &Payer, lines: &[&InvoiceLine]) -> PayerView {
    PayerView {
        payer: payer.name.clone(),
        payer_id: payer.id.to_string(),
        lines: lines.iter().map(|line| line_view(line, batch)).collect(),
        totals: totals(lines, batch.currency),
    }
}

/// `ann`, `ann on Acme\Lab`, or `Acme\Lab` where the account is what has no payer, whoever used it.
pub(super) fn user_and_account(user: &str, account: &str) -> String {
    match (user, account) {
        (user, "") => user.to_owned(),
        ("", account) => account.to_owned(),
        (user, account) => format!("{user} on {account}"),
    }
}

fn suspense(batch: &Batch) -> Vec<ExceptionView> {
    let view = |item: &crate::domain::SuspenseItem| ExceptionView {
        who: user_and_account(&item.user, &item.account),
        reason: item.reason.clone(),
        jobs: count(item.jobs),
        pages: count(item.pages),
        cost: amount(item.cost, batch.currency),
    };
    batch.suspense.iter().map(view).collect()
}

fn not_billable(batch: &Batch) -> Vec<ExceptionView> {
    let view = |item: &crate::domain::NotBillableItem| ExceptionView {
        who: String::new(),
        reason: item.reason.clone(),
        jobs: count(item.jobs),
        pages: count(item.pages),
        cost: amount(item.cost, batch.currency),
    };
    batch.not_billable.iter().map(view).collect()
}

/// Spans that overlap or meet become one: weekly reports of a year are one span, not fifty-two.
fn joined(spans: &[Period]) -> Vec<Period> {
    let mut sorted = spans.to_vec();
    sorted.sort_by_key(Period::first_day);
    let mut joined: Vec<Period> = Vec::new();
    for span in sorted {
        match joined.last_mut() {
            Some(last) if span.first_day() <= last.day_after() => {
                let until = last.last_day().max(span.last_day());
                *last = Period::of_days(last.first_day(), until).unwrap_or(*last);
            }
            _ => joined.push(span),
        }
    }
    joined
}

/// The gravest first.
fn findings(batch: &Batch) -> Vec<FindingView> {
    let mut views = Vec::with_capacity(batch.findings.len());
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let same = batch.findings_beside_suspense().filter(|finding| finding.severity == severity);
        views.extend(same.map(|finding| FindingView {
            severity: severity.as_str(),
            code: finding.code,
            text: finding.to_string(),
        }));
    }
    views
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Finding, SuspenseItem};
    use crate::outputs::fixture;

    fn busy_batch() -> Batch {
        let mut batch = fixture::worked_example();
        batch.suspense = vec![SuspenseItem {
            user: "zoe<script>".into(),
            account: "Acme\\Lab".into(),
            reason: "user `zoe` is in no member row".into(),
            jobs: 2,
            pages: 1_204,
            cost: fixture::money("120.40"),
        }];
        batch.findings = vec![
            Finding::new(Severity::Note, "column-unknown", "column `Cost centre` is not used")
                .in_file("march.csv"),
            Finding::new(Severity::Error, "coverage-gap", "no report covers 2026-03-30..2026-03-31"),
        ];
        batch
    }

    fn pages(batch: &Batch) -> Vec<(String, String)> {
        statements(&Templates::embedded().unwrap(), batch)
            .unwrap()
            .into_iter()
            .map(|file| (file.name, String::from_utf8(file.bytes).unwrap()))
            .collect()
    }

    fn page(batch: &Batch, coverage: &Coverage) -> String {
        let file = report_page(&Templates::embedded().unwrap(), batch, coverage).unwrap();
        assert_eq!(file.name, "main-2026-03-report.html");
        String::from_utf8(file.bytes).unwrap()
    }

    #[test]
    fn each_payer_has_a_statement_of_its_own_numbers() {
        let pages = pages(&fixture::worked_example());
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["main-2026-03-statement-team-T100.html", "main-2026-03-statement-member-M003.html"]
        );
        let team = &pages[0].1;
        for expected in
            ["Kestrel &amp; Lark, Ltd", "GBP 3.32", "2.76 before tax, 0.56 tax", ">61<", ">40<", ">21<"]
        {
            assert!(team.contains(expected), "{expected}");
        }
        assert!(!team.contains("Lynx"), "another payer's name");
        assert!(!pages[1].1.contains("your plan includes"), "nothing was included");
    }

    #[test]
    fn a_line_of_zero_has_a_statement_and_no_invoice() {
        let mut batch = fixture::worked_example();
        batch.lines.retain(|line| line.payer.id == fixture::member().id);
        batch.lines[0].net = fixture::money("0");
        batch.lines[0].tax = fixture::money("0");
        let pages = pages(&batch);
        assert!(pages[0].1.contains("14 pages at cost"));
        assert!(!pages[0].1.contains("PRT-2026-03-M003"));
    }

    #[test]
    fn who_waits_for_a_payer_is_a_user_or_an_account_or_both() {
        assert_eq!(user_and_account("ann", ""), "ann");
        assert_eq!(user_and_account("ann", "Acme\\Lab"), "ann on Acme\\Lab");
        assert_eq!(user_and_account("", "Acme\\Lab"), "Acme\\Lab");
    }

    #[test]
    fn covered_days_are_joined_and_only_those_of_the_period_are_shown() {
        let days =
            |first: &str, last: &str| Period::of_days(first.parse().unwrap(), last.parse().unwrap()).unwrap();
        let coverage = Coverage {
            covered: vec![
                days("2026-03-14", "2026-03-31"),
                days("2026-02-27", "2026-03-08"),
                days("2026-03-07", "2026-03-13"),
                days("2026-03-10", "2026-03-11"),
                days("2025-11-01", "2025-11-30"),
            ],
            gaps: Vec::new(),
        };
        let page = page(&busy_batch(), &coverage);
        assert!(page.contains("Days that the reports cover: 2026-02-27..2026-03-31<"), "{page}");
    }

    #[test]
    fn the_report_tells_suspense_once() {
        let mut batch = busy_batch();
        batch.findings.push(Finding::new(Severity::Warning, "suspense", "2 jobs in suspense: user `zoe`"));
        let page = page(&batch, &Coverage::default());
        assert!(page.contains("user `zoe` is in no member row"));
        assert!(!page.contains("2 jobs in suspense"));
    }

    #[test]
    fn the_report_shows_proof_exceptions_and_findings_with_the_gravest_first() {
        let march = |first, last| {
            let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
            Period::of_days(day(first), day(last)).unwrap()
        };
        let coverage = Coverage { covered: vec![march(1, 29)], gaps: vec![march(30, 31)] };
        let page = page(&busy_batch(), &coverage);
        for expected in [
            "The batch adds up: difference 0.",
            "No report covers 2026-03-30..2026-03-31.",
            "zoe&lt;script&gt; on Acme\\Lab",
            ">1,204<",
            "refunded",
            "march.csv: column `Cost centre` is not used",
        ] {
            assert!(page.contains(expected), "{expected}");
        }
        assert!(page.find("coverage-gap") < page.find("column-unknown"));
    }

    #[test]
    fn pages_are_self_contained() {
        let batch = busy_batch();
        let mut all: Vec<String> = pages(&batch).into_iter().map(|(_, page)| page).collect();
        all.push(page(&batch, &Coverage::default()));
        for page in all {
            for foreign in ["<script", "src=", "href=", "@import", "url("] {
                assert!(!page.contains(foreign), "{foreign}");
            }
        }
    }
}
