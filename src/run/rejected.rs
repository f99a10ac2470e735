//! Rows that could not be read, as findings: from a report, and from the ledger after it.

use crate::domain::{Finding, Period, Rejection, Severity};
use crate::ledger::{Ledger, LedgerError, SiteId, StoredRejection};

/// Most findings that one file adds; the counts go on, so nothing is lost but the repetition.
pub(super) const FINDINGS_PER_FILE_MAX: usize = 1_000;

/// The finding on a row that could not be read.
pub(super) fn rejected(rejection: &Rejection) -> Finding {
    let message = match rejection.cost {
        Some(cost) => format!("{} (the row's cost is {cost})", rejection.message()),
        None => rejection.message(),
    };
    let finding = Finding::new(Severity::Warning, "row-rejected", message).at_row(rejection.row);
    if rejection.column.is_empty() { finding } else { finding.in_column(&rejection.column) }
}

/// What reports brought that no summary has told of yet: also those that a broken-off run, or a person, took in.
pub(super) fn untold_findings(ledger: &Ledger, site: SiteId) -> Result<Vec<Finding>, LedgerError> {
    let (mark, _) = ledger.summary_marks()?;
    let mut findings = ledger.findings_after(site, mark)?;
    findings.extend(untold_rejections(ledger, site)?);
    Ok(findings)
}

/// The unreadable rows of reports that no summary has told of yet: also of those that a broken-off run took in.
fn untold_rejections(ledger: &Ledger, site: SiteId) -> Result<Vec<Finding>, LedgerError> {
    let (mark, _) = ledger.summary_marks()?;
    let most = u32::try_from(FINDINGS_PER_FILE_MAX).unwrap_or(u32::MAX);
    Ok(ledger.rejections_after(site, mark, most)?.into_iter().map(stored_rejection).collect())
}

/// The unreadable rows of reports that speak for days of a period: their jobs are on no line.
pub(super) fn rejected_in(
    ledger: &Ledger,
    site: SiteId,
    period: Period,
) -> Result<Vec<Finding>, LedgerError> {
    let most = u32::try_from(FINDINGS_PER_FILE_MAX).unwrap_or(u32::MAX);
    Ok(ledger.rejections_in(site, period, most)?.into_iter().map(stored_rejection).collect())
}

fn stored_rejection(stored: StoredRejection) -> Finding {
    let rejection = Rejection {
        row: u64::try_from(stored.row).unwrap_or_default(),
        column: stored.column,
        found: stored.found,
        expected: stored.expected,
        cost: stored.cost,
    };
    rejected(&rejection).in_file(&stored.report)
}
