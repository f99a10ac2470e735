//! The summary of a run, as the mail to those who never see a terminal.
//!
//! It leads with what a finance person needs first: what was billed to how many, what needs a person, where the
//! files are. What the run read and the proof come after it. `run` fills [`Summary`] with numbers; they
//! become texts here, and templates only place them.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::domain::{
    Batch, Currency, Exact, Finding, PayerId, Period, Proof, ReportKind, Severity, SuspenseItem,
};

use super::amounts::{amount, amount_of, count, counted, length};
use super::html::user_and_account;
use super::proof_rows::{self, ProofRow};
use super::templates::{SUMMARY_HTML, SUMMARY_TEXT, TemplateError, Templates};

/// Findings, suspense items and reports that a mail lists; a broken report can have thousands of findings and a first
/// run a year of daily reports. The report page and the workbook have all of a batch.
const LISTED_MAX: usize = 40;

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// The sites of the run.
    pub sites: Vec<String>,
    /// When it ran, as people read it: `2026-11-02 06:00 (Europe/London)`.
    pub time: String,
    /// The reports that were ingested.
    pub reports: Vec<SummaryReport>,
    /// The batches that were issued.
    pub batches: Vec<SummaryBatch>,
    /// What waits for the directory.
    pub suspense: Vec<SummarySuspense>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
    /// Deliveries that failed or are uncertain: one sentence each, which says what to do.
    pub undelivered: Vec<String>,
    /// What was given back to PaperCut balances: one sentence a site.
    pub balances: Vec<String>,
    /// The files that were written, as people find them.
    pub files: Vec<String>,
    /// What is due next, and when.
    pub next_due: Option<String>,
}

/// An ingested report.
#[derive(Clone, Debug)]
pub struct SummaryReport {
    /// Its file name.
    pub name: String,
    /// Its kind.
    pub kind: ReportKind,
    /// The site's currency.
    pub currency: Currency,
    /// Rows read: the sum of the next four.
    pub rows: i64,
    /// Jobs that were not known before.
    pub new: i64,
    /// Jobs that an earlier report had.
    pub repeated: i64,
    /// Jobs that are never billed.
    pub not_billable: i64,
    /// Rows that could not be read.
    pub rejected: i64,
    /// Cost of the new jobs.
    pub cost_new: Exact,
    /// Cost of the repeated jobs.
    pub cost_repeated: Exact,
    /// Cost of the jobs that are never billed.
    pub cost_not_billable: Exact,
    /// Cost of the rows that could not be read, as far as it could be read.
    pub cost_rejected: Exact,
}

/// An issued batch.
#[derive(Clone, Debug)]
pub struct SummaryBatch {
    /// Its name.
    pub id: String,
    /// Its period.
    pub period: Period,
    /// Its currency.
    pub currency: Currency,
    /// Payers with a charged line.
    pub payers: BTreeSet<PayerId>,
    /// Charged lines.
    pub lines: i64,
    /// Net of the lines.
    pub net: Exact,
    /// Their tax.
    pub tax: Exact,
    /// Where the money went.
    pub proof: Proof,
}

impl SummaryBatch {
    /// The numbers of a batch.
    pub fn of(batch: &Batch) -> SummaryBatch {
        SummaryBatch {
            id: batch.id.clone(),
            period: batch.period,
            currency: batch.currency,
            payers: batch.payers().into_keys().cloned().collect(),
            lines: length(&batch.charged_lines().collect::<Vec<_>>()),
            net: batch.net(),
            tax: batch.tax(),
            proof: batch.proof,
        }
    }
}

/// Jobs of a site that nobody pays yet.
#[derive(Clone, Debug)]
pub struct SummarySuspense {
    /// The site.
    pub site: String,
    /// Its currency.
    pub currency: Currency,
    /// Who, why and how much.
    pub item: SuspenseItem,
}

/// The mail's subject and both of its bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryMail {
    /// One line with what was billed and whether a person is needed.
    pub subject: String,
    /// The body as text.
    pub text: String,
    /// The body as HTML.
    pub html: String,
}

#[derive(Serialize)]
struct View {
    sites: String,
    time: String,
    headline: String,
    billed: Vec<BilledView>,
    needs_person: String,
    errors: Vec<String>,
    warnings: Vec<String>,
    notes: Vec<String>,
    notes_unlisted: String,
    unlisted: String,
    undelivered: Vec<String>,
    balances: Vec<String>,
    files: Vec<String>,
    reports: Vec<ReportView>,
    reports_unlisted: String,
    suspense: Vec<SuspenseView>,
    suspense_text: String,
    suspense_unlisted: String,
    batches: Vec<BatchView>,
    next_due: Option<String>,
}

#[derive(Serialize)]
struct BilledView {
    currency: String,
    net: String,
    tax: String,
    gross: String,
    payers: String,
    lines: String,
}

#[derive(Serialize)]
struct ReportView {
    name: String,
    kind: &'static str,
    rows: String,
    new: String,
    repeated: String,
    not_billable: String,
    rejected: String,
    has_rejected: bool,
    cost_new: String,
    cost_repeated: String,
    cost_not_billable: String,
    cost_rejected: String,
}

#[derive(Serialize)]
struct SuspenseView {
    site: String,
    who: String,
    reason: String,
    jobs: String,
    pages: String,
    cost: String,
}

#[derive(Serialize)]
struct BatchView {
    id: String,
    period: String,
    payers: String,
    lines: String,
    currency: String,
    net: String,
    tax: String,
    gross: String,
    verdict: String,
    adds_up: bool,
    proof: Vec<ProofRow>,
}

/// Renders the mail's subject and bodies.
///
/// # Errors
/// An operator's template that is not well formed or names what is not there.
pub fn summary_mail(templates: &Templates, summary: &Summary) -> Result<SummaryMail, TemplateError> {
    let view = view(summary);
    let needs = if view.needs_person.is_empty() { String::new() } else { format!(", {}", view.needs_person) };
    Ok(SummaryMail {
        subject: format!("papertally {}: {}{needs}", view.sites, view.headline),
        text: templates.render(SUMMARY_TEXT, &view)?,
        html: templates.render(SUMMARY_HTML, &view)?,
    })
}

fn view(summary: &Summary) -> View {
    let billed = billed(&summary.batches);
    let (errors, warnings, notes) = (
        of_severity(&summary.findings, Severity::Error),
        of_severity(&summary.findings, Severity::Warning),
        of_severity(&summary.findings, Severity::Note),
    );
    let beyond = |length: usize| length.saturating_sub(LISTED_MAX);
    let unlisted = beyond(errors.len()) + beyond(warnings.len()) + beyond(summary.undelivered.len());
    let notes_unlisted = beyond(notes.len());
    let needs =
        length(&errors) + length(&warnings) + length(&summary.undelivered) + length(&summary.suspense);
    let listed = |list: Vec<String>| list.into_iter().take(LISTED_MAX).collect();
    View {
        sites: summary.sites.join(", "),
        time: summary.time.clone(),
        headline: headline(&billed),
        billed,
        needs_person: if needs == 0 { String::new() } else { needs_text(needs) },
        errors: listed(errors),
        warnings: listed(warnings),
        notes: listed(notes),
        notes_unlisted: more(notes_unlisted),
        unlisted: more(unlisted),
        undelivered: listed(summary.undelivered.clone()),
        balances: summary.balances.clone(),
        files: summary.files.clone(),
        reports: summary.reports.iter().take(LISTED_MAX).map(report_view).collect(),
        reports_unlisted: more(beyond(summary.reports.len())),
        suspense: summary.suspense.iter().take(LISTED_MAX).map(suspense_view).collect(),
        suspense_text: suspense_text(&summary.suspense),
        suspense_unlisted: more(beyond(summary.suspense.len())),
        batches: summary.batches.iter().map(batch_view).collect(),
        next_due: summary.next_due.clone(),
    }
}

fn needs_text(needs: i64) -> String {
    format!(
        "{} a person",
        if needs == 1 { "1 thing needs".into() } else { format!("{} things need", count(needs)) }
    )
}

fn more(unlisted: usize) -> String {
    if unlisted == 0 {
        String::new()
    } else {
        format!("… and {} more", count(i64::try_from(unlisted).unwrap_or(i64::MAX)))
    }
}

fn of_severity(findings: &[Finding], severity: Severity) -> Vec<String> {
    findings.iter().filter(|finding| finding.severity == severity).map(Finding::to_string).collect()
}

/// Sums by currency: sums never mix currencies.
fn billed(batches: &[SummaryBatch]) -> Vec<BilledView> {
    let mut currencies: Vec<Currency> = batches.iter().map(|batch| batch.currency).collect();
    currencies.sort();
    currencies.dedup();
    let sums = |currency: Currency| {
        let of = || batches.iter().filter(move |batch| batch.currency == currency);
        let (net, tax) =
            (of().map(|batch| batch.net).sum::<Exact>(), of().map(|batch| batch.tax).sum::<Exact>());
        BilledView {
            currency: currency.to_string(),
            net: amount(net, currency),
            tax: amount(tax, currency),
            gross: amount(net + tax, currency),
            payers: payers_of(of()),
            lines: counted(of().map(|batch| batch.lines).sum(), "line", "lines"),
        }
    };
    currencies.into_iter().map(sums).collect()
}

/// How many payers have a charged line in some batches: who has one in two of them is one. Ids belong to all sites.
fn payers_of<'b>(batches: impl Iterator<Item = &'b SummaryBatch>) -> String {
    let payers: BTreeSet<&PayerId> = batches.flat_map(|batch| &batch.payers).collect();
    counted(length(&payers.into_iter().collect::<Vec<_>>()), "payer", "payers")
}

fn headline(billed: &[BilledView]) -> String {
    if billed.is_empty() {
        return "nothing billed".to_owned();
    }
    let parts: Vec<String> = billed
        .iter()
        .map(|sums| format!("{} {} billed to {}", sums.currency, sums.gross, sums.payers))
        .collect();
    parts.join(", ")
}

fn report_view(report: &SummaryReport) -> ReportView {
    ReportView {
        name: report.name.clone(),
        kind: report.kind.as_str(),
        rows: count(report.rows),
        new: count(report.new),
        repeated: count(report.repeated),
        not_billable: count(report.not_billable),
        rejected: count(report.rejected),
        has_rejected: report.rejected > 0,
        cost_new: amount_of(report.cost_new, report.currency),
        cost_repeated: amount_of(report.cost_repeated, report.currency),
        cost_not_billable: amount_of(report.cost_not_billable, report.currency),
        cost_rejected: amount_of(report.cost_rejected, report.currency),
    }
}

fn suspense_view(suspense: &SummarySuspense) -> SuspenseView {
    let item = &suspense.item;
    SuspenseView {
        site: suspense.site.clone(),
        who: user_and_account(&item.user, &item.account),
        reason: item.reason.clone(),
        jobs: counted(item.jobs, "job", "jobs"),
        pages: counted(item.pages, "page", "pages"),
        cost: amount_of(item.cost, suspense.currency),
    }
}

/// The sums, and how many entries they are: each of them is one of the things that need a person.
fn suspense_text(suspense: &[SummarySuspense]) -> String {
    let mut currencies: Vec<Currency> = suspense.iter().map(|one| one.currency).collect();
    currencies.sort();
    currencies.dedup();
    let total = |currency: Currency| {
        let of = || suspense.iter().filter(move |one| one.currency == currency);
        let cost: Exact = of().map(|one| Exact::from(one.item.cost)).sum();
        let jobs = of().map(|one| one.item.jobs).sum();
        format!("{} in {}", amount_of(cost, currency), counted(jobs, "job", "jobs"))
    };
    let totals: Vec<String> = currencies.into_iter().map(total).collect();
    format!("{} of {}", totals.join(", "), counted(length(suspense), "user or account", "users or accounts"))
}

fn batch_view(batch: &SummaryBatch) -> BatchView {
    BatchView {
        id: batch.id.clone(),
        period: batch.period.to_string(),
        payers: payers_of([batch].into_iter()),
        lines: counted(batch.lines, "line", "lines"),
        currency: batch.currency.to_string(),
        net: amount(batch.net, batch.currency),
        tax: amount(batch.tax, batch.currency),
        gross: amount(batch.net + batch.tax, batch.currency),
        verdict: proof_rows::verdict(&batch.proof, batch.currency),
        adds_up: batch.proof.difference().is_zero(),
        proof: proof_rows::rows(&batch.proof, batch.currency),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::fixture;

    fn summary() -> Summary {
        let batch = fixture::worked_example();
        let exact = |text: &str| Exact::from(fixture::money(text));
        Summary {
            sites: vec!["main".into()],
            time: "2026-04-02 06:00 (Europe/London)".into(),
            reports: vec![SummaryReport {
                name: "march.csv".into(),
                kind: ReportKind::PrintLog,
                currency: batch.currency,
                rows: 1_204,
                new: 9,
                repeated: 1_193,
                not_billable: 1,
                rejected: 1,
                cost_new: exact("7.60"),
                cost_repeated: exact("1193.005"),
                cost_not_billable: exact("2.25"),
                cost_rejected: exact("0.30"),
            }],
            batches: vec![SummaryBatch::of(&batch)],
            suspense: vec![SummarySuspense {
                site: "main".into(),
                currency: batch.currency,
                item: SuspenseItem {
                    user: "zoe".into(),
                    account: String::new(),
                    reason: "user `zoe` is in no member row; add it to the usernames column of members.csv"
                        .into(),
                    jobs: 2,
                    pages: 1,
                    cost: fixture::money("0.30"),
                },
            }],
            findings: vec![
                Finding::new(Severity::Warning, "row-rejected", "found `1.2.3`, expected a decimal number")
                    .in_file("march.csv")
                    .at_row(212)
                    .in_column("Cost"),
                Finding::new(Severity::Note, "column-unknown", "column `Cost centre` is not used"),
            ],
            balances: Vec::new(),
            undelivered: vec![
                "invoice file `main-2026-03-xero.csv`: the disk is full; it goes out next time".into(),
            ],
            files: vec!["out/main-2026-03/main-2026-03.xlsx".into()],
            next_due: Some("2026-05-02 06:00: bill 2026-04".into()),
        }
    }

    fn mail(summary: &Summary) -> SummaryMail {
        summary_mail(&Templates::embedded().unwrap(), summary).unwrap()
    }

    #[test]
    fn a_busy_run() {
        let mail = mail(&summary());
        assert_eq!(mail.subject, "papertally main: GBP 5.28 billed to 2 payers, 3 things need a person");
        insta::assert_snapshot!(mail.text, @r#"
        main, 2026-04-02 06:00 (Europe/London)

        BILLED
          GBP 5.28 to 2 payers in 3 lines
          (4.39 before tax, 0.89 tax)

        3 THINGS NEED A PERSON
          not delivered: invoice file `main-2026-03-xero.csv`: the disk is full; it goes out next time
          warning: march.csv, row 212, column `Cost`: found `1.2.3`, expected a decimal number
          waiting for a payer: GBP 0.30 in 2 jobs of 1 user or account (listed below)

        FILES
          out/main-2026-03/main-2026-03.xlsx

        BATCH main-2026-03
          Period 2026-03, 3 lines for 2 payers
          GBP 4.39 + 0.89 tax = 5.28
          The batch adds up: difference 0.
                     9.850  Cost that PaperCut reported
                    -2.250  Not billable: refunded, denied, not printed, excluded
                     0.000  Waiting for a payer
                    -6.800  Covered by allowances
                     3.585  Mark-up and plan prices
                     0.005  Rounding of the lines
                     4.390  Billed before tax
                     0.000  Difference

        WAITING FOR A PAYER
          zoe (main): GBP 0.30, 2 jobs, 1 page
            user `zoe` is in no member row; add it to the usernames column of members.csv

        REPORTS READ
          march.csv (print-log)
            1,204 rows = 9 new + 1,193 repeated + 1 not billable + 1 rejected
            cost: GBP 7.60 new, GBP 1,193.005 repeated, GBP 2.25 not billable, GBP 0.30 rejected

        NOTES
          column `Cost centre` is not used

        NEXT: 2026-05-02 06:00: bill 2026-04
        "#);
    }

    #[test]
    fn a_run_with_nothing_to_say() {
        let quiet =
            Summary { sites: vec!["main".into()], time: "2026-04-03 06:00".into(), ..Summary::default() };
        let mail = mail(&quiet);
        assert_eq!(mail.subject, "papertally main: nothing billed");
        insta::assert_snapshot!(mail.text, @r#"
        main, 2026-04-03 06:00

        Nothing was billed in this run.

        Nothing needs a person.

        REPORTS READ
          none
        "#);
    }

    #[test]
    fn the_html_leads_with_what_was_billed_and_loads_nothing() {
        let html = mail(&summary()).html;
        let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}"));
        let order = [
            "GBP 5.28",
            "3 things need a person",
            "Not delivered.",
            "main-2026-03.xlsx",
            "The batch adds up: difference 0.",
            "Reports read",
            "1,204 rows = 9 new + 1,193 repeated",
            "Next: 2026-05-02",
        ];
        assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])));
        for foreign in ["<script", "<style", "src=", "href=", "url("] {
            assert!(!html.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn currencies_are_not_added_up() {
        let mut summary = summary();
        let mut euros = summary.batches[0].clone();
        euros.currency = Currency::new("EUR").unwrap();
        summary.batches.push(euros);
        summary.batches.push(summary.batches[0].clone());
        let subject = mail(&summary).subject;
        assert!(subject.contains("EUR 5.28 billed to 2 payers, GBP 10.56 billed to 2 payers"), "{subject}");
    }

    #[test]
    fn thousands_of_findings_do_not_make_a_mail_of_megabytes() {
        let mut summary = summary();
        let finding = summary.findings[0].clone();
        summary.findings = vec![finding; 41];
        assert!(!mail(&summary).text.contains("… and 2 more"));
        assert!(mail(&summary).text.contains("… and 1 more"));
        summary.findings.truncate(40);
        assert!(!mail(&summary).text.contains("more"));
        summary.reports = vec![summary.reports[0].clone(); 365];
        assert!(mail(&summary).text.contains("… and 325 more"));
        summary.reports.truncate(40);
        summary.undelivered = vec![summary.undelivered[0].clone(); 43];
        assert!(mail(&summary).text.contains("… and 3 more"));
    }
}
