//! Sums of billable jobs by one column.

use std::collections::BTreeMap;

use super::facts::Exclusions;
use crate::domain::{Exact, Period};
use crate::ledger::{JobFact, Ledger, LedgerError, SiteId};

/// One sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TotalsRow {
    /// Number of jobs.
    pub jobs: i64,
    /// Printed pages.
    pub pages: i64,
    /// Colour pages among them.
    pub colour_pages: i64,
    /// PaperCut's cost.
    pub cost: Exact,
}

impl TotalsRow {
    fn add(&mut self, job: &JobFact) {
        self.jobs += 1;
        self.pages += job.pages;
        self.colour_pages += job.colour_pages;
        self.cost += job.cost.map(Exact::from).unwrap_or_default();
    }
}

/// Sums the billable jobs of a site and period; `key` names the sum that a job belongs to.
pub fn totals(
    ledger: &Ledger,
    site: SiteId,
    period: Period,
    exclusions: &Exclusions,
    mut key: impl FnMut(&JobFact) -> String,
) -> Result<(BTreeMap<String, TotalsRow>, TotalsRow), LedgerError> {
    let mut rows: BTreeMap<String, TotalsRow> = BTreeMap::new();
    let mut total = TotalsRow::default();
    ledger.each_job(site, period, |job| {
        if exclusions.reason(&job).is_none() {
            rows.entry(key(&job)).or_default().add(&job);
            total.add(&job);
        }
        Ok::<(), LedgerError>(())
    })?;
    Ok((rows, total))
}
