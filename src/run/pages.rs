//! The reconciliation page of a period and its payers' statements, made anew whenever they are asked for: each
//! time into a folder of its own, since what is in suspense changes and files are never replaced.

use super::bill::{Drafted, draft};
use super::books::Books;
use super::error::RunError;
use crate::config::SiteConfig;
use crate::domain::{Batch, Period, Proof};
use crate::ledger::IssuedBatch;
use crate::outputs::{Coverage, RenderedFile, report_page, statements};

/// The pages of a period with the folder that they go into: one set for each issued batch, and one for what is
/// not issued yet.
pub fn pages(
    books: &Books<'_>,
    site: &SiteConfig,
    period: Period,
) -> Result<Vec<(String, RenderedFile)>, RunError> {
    let mut pages = Vec::new();
    let Some((site_id, _)) = books.ledger.known_site(&site.name)? else { return Ok(pages) };
    let Some(drafted) = draft(books, site, period)? else { return Ok(pages) };
    let coverage = Coverage {
        covered: books.ledger.covered(site_id, site.reports.bill_from)?,
        gaps: drafted.gaps().to_vec(),
    };
    let stamp = books.now.format("%Y-%m-%dT%H%M%S");
    let mut batches: Vec<(String, Batch)> = Vec::new();
    for issued in books.ledger.batches(site_id)?.into_iter().filter(|batch| batch.period == period) {
        batches.push((format!("{}-{stamp}", issued.name), issued_batch(books, &drafted, &issued)?));
    }
    if !drafted.is_empty() || batches.is_empty() {
        batches.push((format!("{}-draft-{stamp}", drafted.draft.batch.id), drafted.draft.batch.clone()));
    }
    for (folder, batch) in batches {
        let page = report_page(&books.templates, &batch, &coverage)?;
        pages.push((folder.clone(), page));
        for statement in statements(&books.templates, &batch)? {
            pages.push((format!("{folder}/statements"), statement));
        }
    }
    Ok(pages)
}

/// An issued batch with its lines as they stand for ever, and the period's use and exceptions as they are now.
pub fn issued_batch(
    books: &Books<'_>,
    drafted: &Drafted<'_>,
    issued: &IssuedBatch,
) -> Result<Batch, RunError> {
    let lines = books.ledger.batch_lines(issued.id)?;
    let proof: Proof = books.ledger.batch_proof(issued.id)?;
    Ok(Batch {
        id: issued.name.clone(),
        invoice_date: issued.invoice_date,
        due_date: issued.due_date,
        lines: lines.into_iter().map(|line| line.line).collect(),
        proof,
        ..drafted.draft.batch.clone()
    })
}
