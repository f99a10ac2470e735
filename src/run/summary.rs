//! What a run tells: the findings, which of them are new, and the mail. Written down together, so that what a
//! broken run did not tell, the next one does.

use uuid::Uuid;

use super::books::{Books, mail_host};
use super::deliver::{Handed, places};
use super::error::RunError;
use super::night::{SiteNight, Told};
use crate::config::{MailConfig, MailWhen, SiteConfig};
use crate::domain::{CHARGE_NAMESPACE, Exact, Finding, ReportKind, Severity};
use crate::ledger::{Delivery, DeliveryKind, IssuedBatch, NewDelivery, StoredReport};
use crate::outputs::mail::message_id;
use crate::outputs::summary::{SummaryBatch, SummaryReport, SummarySuspense};
use crate::outputs::{Attachment, Envelope, Summary, compose, summary_mail};

/// Writes down what a run has to tell.
pub fn tell(books: &Books<'_>, sites: &[SiteNight<'_>], files: &Handed) -> Result<Told, RunError> {
    let mut told = Told::default();
    let mut findings: Vec<(String, Finding)> = Vec::new();
    let mut new_findings = 0;
    for night in sites {
        for finding in &night.findings {
            let is_told = books.ledger.is_told(&night.site.name, finding)?;
            let is_grave = finding.severity == Severity::Error;
            new_findings += usize::from(!is_told);
            if is_grave || (finding.severity == Severity::Warning && !is_told) {
                told.urgent.push(finding.clone());
            }
            findings.push((night.site.name.clone(), finding.clone()));
        }
    }
    let mut summary =
        Summary { sites: sites.iter().map(|night| night.site.name.clone()).collect(), ..Summary::default() };
    let (report_mark, batch_mark) = books.ledger.summary_marks()?;
    let mut batches: Vec<IssuedBatch> = Vec::new();
    for night in sites {
        let site = night.site;
        let Some((site_id, _)) = books.ledger.known_site(&site.name)? else { continue };
        let reports = books.ledger.reports_after(site_id, report_mark)?;
        summary.reports.extend(reports.iter().map(|report| summary_report(site, report)));
        for batch in books.ledger.batches(site_id)?.into_iter().filter(|batch| batch.id > batch_mark) {
            summary.batches.push(summary_batch(books, site, &batch)?);
            batches.push(batch);
        }
        summary.suspense.extend(night.suspense.iter().map(|item| SummarySuspense {
            site: site.name.clone(),
            currency: site.currency,
            item: item.clone(),
        }));
    }
    let has_changes = sites.iter().any(|night| !night.adjusted.delivered.is_empty());
    told.has_news =
        !summary.reports.is_empty() || !summary.batches.is_empty() || new_findings > 0 || has_changes;
    summary.time = format!("{} ({})", books.now.format("%Y-%m-%d %H:%M"), books.now.timezone().name());
    // What is in suspense has a list of its own.
    let listed = findings.iter().filter(|(_, finding)| finding.code != "suspense");
    summary.findings = listed.map(|(_, finding)| finding.clone()).collect();
    let changes =
        sites.iter().flat_map(|night| night.adjusted.failed.iter().chain(&night.adjusted.uncertain));
    let open = files.failed.iter().chain(&files.uncertain).chain(changes.map(|change| &change.delivery));
    summary.undelivered = open.map(undelivered).collect();
    summary.balances = sites.iter().filter_map(balances).collect();
    summary.files = files_of(books, &batches)?;
    summary.next_due = next_due(sites);
    write_down(books, &summary, &batches, &findings, &mut told)?;
    Ok(told)
}

fn write_down(
    books: &Books<'_>,
    summary: &Summary,
    batches: &[IssuedBatch],
    findings: &[(String, Finding)],
    told: &mut Told,
) -> Result<(), RunError> {
    let now = books.now_text();
    let mail = books.config.mail.as_ref().filter(|mail| told.has_news || mail.when == MailWhen::Always);
    let Some(mail) = mail else {
        if told.has_news {
            books.ledger.write_summary(None, findings, &now)?;
        }
        return Ok(());
    };
    // A run that was broken off before its summary was written down comes to the same key again.
    let before = books.ledger.summary_count()?;
    let key = Uuid::new_v5(&CHARGE_NAMESPACE, format!("summary|{now}|{before}").as_bytes());
    let id = message_id(&key.to_string(), mail_host(&mail.from));
    let text = summary_mail(&books.templates, summary)?;
    let envelope = Envelope {
        from: mail.from.clone(),
        to: mail.to.clone(),
        reply_to: mail.reply_to.clone(),
        message_id: id.clone(),
        date: books.now.fixed_offset(),
        subject: text.subject,
    };
    let body = compose(&envelope, &text.text, &text.html, &attachments(books, mail, batches)?)?;
    let delivery = NewDelivery {
        key: &format!("mail/{key}"),
        kind: DeliveryKind::Mail,
        target: &id,
        body: &body,
        at: &now,
    };
    books.ledger.write_summary(Some(&delivery), findings, &now)?;
    told.mailed = true;
    Ok(())
}

/// The files of the receivers that the configuration attaches, read back from where they were handed out.
fn attachments(
    books: &Books<'_>,
    mail: &MailConfig,
    batches: &[IssuedBatch],
) -> Result<Vec<Attachment>, RunError> {
    let mut attached = Vec::new();
    for batch in batches {
        for delivery in books.ledger.batch_deliveries(batch.id)? {
            let receiver = delivery.key.split('/').nth(1).unwrap_or("");
            if !mail.attach.iter().any(|name| name == receiver) {
                continue;
            }
            let path = books.config.output.folder.join(&delivery.target);
            // A file that is not there yet is among the undelivered; the mail goes without it.
            if let Ok(bytes) = std::fs::read(&path) {
                let name = delivery.target.rsplit('/').next().unwrap_or("file").to_owned();
                attached.push(Attachment { name, bytes });
            }
        }
    }
    Ok(attached)
}

fn summary_report(site: &SiteConfig, report: &StoredReport) -> SummaryReport {
    SummaryReport {
        name: report.name.clone(),
        kind: ReportKind::parse(&report.kind).unwrap_or(ReportKind::PrintLog),
        currency: site.currency,
        rows: report.rows,
        new: report.new,
        repeated: report.repeated,
        not_billable: report.not_billable,
        rejected: report.rejected,
        cost_new: report.new_cost.into(),
        cost_repeated: report.repeated_cost.into(),
        cost_not_billable: report.not_billable_cost.into(),
        cost_rejected: report.rejected_cost.into(),
    }
}

fn summary_batch(
    books: &Books<'_>,
    site: &SiteConfig,
    batch: &IssuedBatch,
) -> Result<SummaryBatch, RunError> {
    let lines = books.ledger.batch_lines(batch.id)?;
    let charged: Vec<_> = lines.iter().filter(|line| !line.line.net.is_zero()).collect();
    Ok(SummaryBatch {
        id: batch.name.clone(),
        period: batch.period,
        currency: site.currency,
        payers: charged.iter().map(|line| line.line.payer.id.clone()).collect(),
        lines: i64::try_from(charged.len()).unwrap_or(i64::MAX),
        net: charged.iter().map(|line| Exact::from(line.line.net)).sum(),
        tax: charged.iter().map(|line| Exact::from(line.line.tax)).sum(),
        proof: books.ledger.batch_proof(batch.id)?,
    })
}

fn undelivered(delivery: &Delivery) -> String {
    format!(
        "{} `{}` ({}): {}",
        delivery.kind.as_str(),
        delivery.target,
        delivery.state.as_str(),
        delivery.answer
    )
}

/// What was given back to a site's balances, and taken from them.
fn balances(night: &SiteNight<'_>) -> Option<String> {
    let adjusted = &night.adjusted;
    let changed = match adjusted.sums() {
        (back, taken) if taken.is_zero() => {
            format!("changed, {} {back} given back", night.site.currency.code())
        }
        (back, taken) => {
            format!("changed, {} {back} given back and {taken} taken back", night.site.currency.code())
        }
    };
    let parts = [
        (adjusted.delivered.len(), changed.as_str()),
        (adjusted.failed.len(), "not changed: see above"),
        (adjusted.uncertain.len(), "uncertain: see above"),
        (adjusted.waiting.len(), "waiting"),
    ];
    let texts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    (!texts.is_empty()).then(|| format!("{}: {}", night.site.name, texts.join("; ")))
}

/// Where the files of the batches are.
fn files_of(books: &Books<'_>, batches: &[IssuedBatch]) -> Result<Vec<String>, RunError> {
    let mut files = Vec::new();
    for batch in batches {
        files.extend(places(books, &books.ledger.batch_deliveries(batch.id)?).into_keys());
    }
    Ok(files)
}

fn next_due(sites: &[SiteNight<'_>]) -> Option<String> {
    let next = sites
        .iter()
        .filter_map(|night| Some((night.agenda.next.clone()?, night.site)))
        .min_by_key(|(due, _)| due.at)?;
    let (due, site) = next;
    Some(format!(
        "{} of {} from {} ({})",
        due.period,
        site.name,
        due.at.format("%Y-%m-%d %H:%M"),
        site.time_zone.name()
    ))
}
