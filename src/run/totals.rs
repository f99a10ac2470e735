//! Sums of billable jobs by one column.

use std::collections::{BTreeMap, HashMap};

use super::facts::Exclusions;
use crate::domain::{Exact, Period, Source};
use crate::ledger::{JobFact, Ledger, LedgerError, Marks, NameTable, SiteId};

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
        self.jobs += job.jobs;
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
    ledger.each_job(site, period, exclusions.source, |job| {
        if exclusions.reason(&job).is_none() {
            rows.entry(key(&job)).or_default().add(&job);
            total.add(&job);
        }
        Ok::<(), LedgerError>(())
    })?;
    Ok((rows, total))
}

/// Billable jobs that some files brought in, as `check` and `ingest` tell of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntakeTotals {
    /// All of them.
    pub total: TotalsRow,
    /// PaperCut's cost by user, as first seen.
    pub users: BTreeMap<String, Exact>,
    /// PaperCut's cost by shared account.
    pub accounts: BTreeMap<String, Exact>,
}

impl IntakeTotals {
    /// Sums the billable jobs of a period.
    pub fn of(
        ledger: &Ledger,
        site: SiteId,
        period: Period,
        names: &NameTable,
        exclusions: &Exclusions,
    ) -> Result<IntakeTotals, LedgerError> {
        IntakeTotals::after(ledger, site, Marks::default(), period, names, exclusions)
    }

    fn after(
        ledger: &Ledger,
        site: SiteId,
        mark: Marks,
        days: Period,
        names: &NameTable,
        exclusions: &Exclusions,
    ) -> Result<IntakeTotals, LedgerError> {
        let mut sums = IntakeTotals::default();
        let (mut users, mut accounts): (BTreeMap<i64, Exact>, BTreeMap<i64, Exact>) = Default::default();
        ledger.each_job(site, days, exclusions.source, |job| {
            if job.id > mark.job && exclusions.reason(&job).is_none() {
                let cost = job.cost.map(Exact::from).unwrap_or_default();
                sums.total.add(&job);
                *users.entry(job.user).or_default() += cost;
                if let Some(account) = job.account {
                    *accounts.entry(account).or_default() += cost;
                }
            }
            Ok::<(), LedgerError>(())
        })?;
        let named = |sums: BTreeMap<i64, Exact>, table: &HashMap<i64, String>| {
            let named = sums.into_iter().filter_map(|(id, cost)| Some((table.get(&id)?.clone(), cost)));
            named.filter(|(name, _)| !name.is_empty()).collect()
        };
        sums.users = named(users, &names.users);
        sums.accounts = named(accounts, &names.accounts);
        Ok(sums)
    }
}

/// Sums the billable jobs of a site that arrived after `mark`, in the state in which they are now.
pub fn intake_totals(
    ledger: &Ledger,
    site: SiteId,
    mark: Marks,
    source: Source,
    exclude_accounts: &[String],
    ignore_printers: &[String],
) -> Result<IntakeTotals, LedgerError> {
    let Some(days) = ledger.days_after(site, mark)? else { return Ok(IntakeTotals::default()) };
    let names = ledger.names(site)?;
    let exclusions = Exclusions::new(&names, source, exclude_accounts, ignore_printers);
    IntakeTotals::after(ledger, site, mark, days, &names, &exclusions)
}
