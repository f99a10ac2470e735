//! Takes back an issued line by a line of its own. The jobs are free again, and the next batch of their period
//! bills them anew by the plans and the directory of then.

use uuid::Uuid;

use super::bill::{due_date, sequence_of, write_deliveries};
use super::books::Books;
use super::error::RunError;
use crate::config::SiteConfig;
use crate::domain::{
    Batch, Finding, InvoiceLine, LineClass, PayerId, Period, Proof, Usage, invoice_number, line_key,
};
use crate::ledger::{IssuedLine, NewBatch, Role};
use crate::outputs::Coverage;

/// Why a line cannot be taken back.
#[derive(Debug, thiserror::Error)]
pub enum ReverseError {
    /// No line has that id.
    #[error("no issued line has the id `{0}`")]
    Unknown(String),
    /// It was taken back before.
    #[error("line {0} was taken back before")]
    Already(Uuid),
    /// It takes back another line itself.
    #[error("line {0} takes back another line; bill the period again instead")]
    IsReversal(Uuid),
    /// Its site is not in the configuration.
    #[error("line {line} belongs to site `{site}`, which the configuration does not have")]
    SiteGone {
        /// The line.
        line: Uuid,
        /// Its site.
        site: String,
    },
    /// The pipeline failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl From<crate::ledger::LedgerError> for ReverseError {
    fn from(error: crate::ledger::LedgerError) -> ReverseError {
        ReverseError::Run(error.into())
    }
}

/// What a reversal wrote.
#[derive(Debug)]
pub struct Reversed {
    /// Its batch of one line.
    pub batch: Batch,
    /// What receivers hold back.
    pub findings: Vec<Finding>,
    /// Other lines of the payer and period that still stand.
    pub others: i64,
}

/// Takes back the line of that id.
pub fn reverse(books: &Books<'_>, line: &str) -> Result<Reversed, ReverseError> {
    let key = Uuid::parse_str(line).map_err(|_| ReverseError::Unknown(line.to_owned()))?;
    let found = books.ledger.issued_line(key)?;
    let (original, site) = found.ok_or_else(|| ReverseError::Unknown(line.to_owned()))?;
    let site = books.config.site(&site).ok_or(ReverseError::SiteGone { line: key, site })?;
    if original.reverses.is_some() {
        return Err(ReverseError::IsReversal(key));
    }
    if books.ledger.is_reversed(key)? {
        return Err(ReverseError::Already(key));
    }
    let period = original.line.period;
    let (site_id, _) =
        books.ledger.known_site(&site.name)?.ok_or_else(|| ReverseError::Unknown(line.to_owned()))?;
    let batches = books.ledger.batches(site_id)?;
    let sequence = sequence_of(&batches, period);
    let seen = batches.last().map(|batch| batch.marks).unwrap_or_default();
    let same = books.ledger.issued_lines(site_id, period)?;
    let others = standing(&same, &original);
    let revision = next_revision(&same, &original.line.payer.id, original.line.class);
    let batch = reversal_batch(books, site, &original.line, revision, sequence);
    let new = NewBatch {
        site: site_id,
        batch: &batch,
        sequence: i64::from(sequence),
        issued_at: &books.now_text(),
        // A reversal looks at no other job: what arrived since the last batch is still news for the next. No
        // directory has this digest, so the next batch prices issued months anew and bills the freed jobs.
        marks: seen,
        directory_digest: [0; 32],
        proofs: &[(period, batch.proof)],
        terms: &[],
        reverses: Some(key),
    };
    let issue = books.ledger.begin_issue(&new)?;
    for job in books.ledger.line_jobs(original.row_id)?.into_iter().filter(|job| job.open) {
        for link in books.ledger.open_links(job.job_id)? {
            if link.line_row == original.row_id {
                issue.close(&link, job.job_id)?;
                issue.link(batch.lines[0].id, job.job_id, link.class, Role::TakenBack)?;
            }
        }
    }
    let coverage =
        Coverage { covered: books.ledger.covered(site_id, site.reports.bill_from)?, gaps: Vec::new() };
    let findings = write_deliveries(books, &batch, &coverage, &issue)?;
    issue.commit()?;
    Ok(Reversed { batch, findings, others })
}

/// How many other lines of the payer and period are not taken back.
fn standing(lines: &[IssuedLine], original: &IssuedLine) -> i64 {
    let reversed: Vec<Uuid> = lines.iter().filter_map(|issued| issued.reverses).collect();
    let others = lines.iter().filter(|issued| {
        issued.row_id != original.row_id
            && issued.line.payer.id == original.line.payer.id
            && issued.reverses.is_none()
            && !reversed.contains(&issued.line.id)
    });
    i64::try_from(others.count()).unwrap_or(i64::MAX)
}

fn next_revision(lines: &[IssuedLine], payer: &PayerId, class: LineClass) -> u32 {
    let same = lines.iter().filter(|issued| issued.line.payer.id == *payer && issued.line.class == class);
    same.map(|issued| issued.line.revision + 1).max().unwrap_or(0)
}

fn reversal_batch(
    books: &Books<'_>,
    site: &SiteConfig,
    original: &InvoiceLine,
    revision: u32,
    sequence: u32,
) -> Batch {
    let period: Period = original.period;
    let invoice_date = books.invoice_date(site, period);
    let prefix = books.invoice_prefix(site);
    let line = InvoiceLine {
        id: line_key(&site.name, period, &original.payer.id, original.class, revision),
        invoice_number: invoice_number(prefix, period, &original.payer.code, sequence),
        revision,
        adjusts: Some(original.id),
        description: format!("Taken back: {}", original.description),
        quantity: -original.quantity,
        net: -original.net,
        tax: -original.tax,
        usage: Usage::default().minus(&original.usage),
        proof: Proof::default().minus(&original.proof),
        ..original.clone()
    };
    Batch {
        id: format!("{}-{period}-A{sequence}", site.name),
        site: site.name.clone(),
        period,
        currency: site.currency,
        invoice_date,
        due_date: due_date(invoice_date, books.config.billing.due_days),
        proof: line.proof,
        lines: vec![line],
        detail: Vec::new(),
        suspense: Vec::new(),
        not_billable: Vec::new(),
        findings: Vec::new(),
    }
}
