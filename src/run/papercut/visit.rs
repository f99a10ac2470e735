//! What a run asks of each site's PaperCut server before it takes anything in: who is there, with which balance, and the
//! reports that the configuration orders.
//!
//! A server that cannot be reached is a finding: what lies in the inboxes is taken in and billed all the same.

use std::collections::BTreeMap;

use super::fetch::{FetchOutcome, Fetched, fetch};
use super::overage::{is_before_quota, overage};
use super::server::server;
use super::snapshot::take_snapshot;
use crate::config::{PapercutConfig, SiteConfig};
use crate::domain::{BalanceMode, Finding, Period};
use crate::papercut::Server;
use crate::run::books::Books;
use crate::run::error::RunError;

/// What a server was asked for.
#[derive(Debug)]
pub struct Visit {
    /// The way to it, for what is to be changed later.
    pub server: Server,
    /// Whether it answered.
    pub is_reached: bool,
    /// Whether every single balance was read.
    pub is_complete: bool,
    /// Reports that it made.
    pub fetched: Vec<Fetched>,
    /// The report of what was below zero, with its days.
    pub overage: Option<(std::path::PathBuf, Period)>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
}

/// Visits the servers of all sites, by the site's name. `progress` is told of every balance that was read.
pub fn visit(books: &Books<'_>, progress: &mut dyn FnMut(&str)) -> Result<BTreeMap<String, Visit>, RunError> {
    let mut visits = BTreeMap::new();
    for site in &books.config.sites {
        if let Some(papercut) = &site.papercut
            && let Some(server) = server(site, books.environment)?
        {
            visits.insert(site.name.clone(), visit_site(books, (site, papercut), server, progress)?);
        }
    }
    Ok(visits)
}

fn visit_site(
    books: &Books<'_>,
    (site, papercut): (&SiteConfig, &PapercutConfig),
    server: Server,
    progress: &mut dyn FnMut(&str),
) -> Result<Visit, RunError> {
    let site_id = books.ledger.site(&site.name, site.currency, site.time_zone.name())?;
    let mut visit = Visit {
        server,
        is_reached: true,
        is_complete: true,
        fetched: Vec::new(),
        overage: None,
        findings: Vec::new(),
    };
    if papercut.read_balances {
        let taken = take_snapshot(books, (site, papercut), site_id, &visit.server, progress)?;
        visit.is_reached = taken.snapshot.is_some();
        visit.is_complete = taken.is_complete;
        visit.findings.extend(taken.findings);
    }
    // A balance that could not be read is asked for again by the next run, as long as there is time.
    let is_late = !is_before_quota(books, site, papercut);
    if papercut.changes.mode == BalanceMode::Overage && (visit.is_complete || is_late) {
        let made = overage(books, (site, papercut), site_id)?;
        visit.overage = made.report;
        visit.findings.extend(made.findings);
    }
    for order in papercut.reports.iter().filter(|_| visit.is_reached) {
        match fetch(books, site, Some(site_id), &visit.server, order)? {
            FetchOutcome::NotNeeded => {}
            FetchOutcome::Fetched(fetched) => visit.fetched.push(fetched),
            FetchOutcome::Missing(finding) => visit.findings.push(finding),
        }
    }
    Ok(visit)
}
