//! Everything that is due, in one go: take in, reconcile, bill, hand out, mail. What is due comes from the
//! ledger, so a run that was missed or broken off is made up for by the next.

use std::time::SystemTime;

use chrono::Days;

use super::bill::{Despite, IssueOutcome, draft, issue};
use super::books::{Books, aliases};
use super::collect::{Found, collect};
use super::deliver::{Handed, deliver};
use super::due::{Agenda, agenda};
use super::error::RunError;
use super::ingest::{Outcome, ingest};
use super::intake::{IngestError, Intake};
use super::night::{Mode, Night, SiteNight};
use super::plan::suspense_finding;
use super::reconcile::{before_first_period, suspense, taken_back};
use super::rejected::untold_findings;
use super::summary::tell;
use super::sums::beside;
use crate::config::SiteConfig;
use crate::domain::{Finding, Severity};
use crate::ledger::{DeliveryKind, SiteId};

/// Sums of this many days are compared with their jobs each night: what is older was told, or is no news any more.
const SUMS_COMPARED: Days = Days::new(92);

/// Does everything that is due. `progress` is told of every row that is read.
pub fn run<'a>(
    books: &'a Books<'a>,
    mode: Mode,
    clock: SystemTime,
    progress: &mut dyn FnMut(&str),
) -> Result<Night<'a>, RunError> {
    if mode == Mode::Real && books.config.mail.is_some() {
        // A password that is not there is found before anything is issued.
        books.mail_transport()?;
    }
    let mut sites = Vec::new();
    for site in &books.config.sites {
        sites.push(site_night(books, site, clock, progress)?);
    }
    let mut files = Handed::default();
    let mut mails = Handed::default();
    if mode == Mode::Real {
        files = deliver(books, DeliveryKind::File)?;
    }
    let told = tell(books, &sites, &files)?;
    if mode == Mode::Real {
        mails = deliver(books, DeliveryKind::Mail)?;
    }
    Ok(Night { sites, files, mails, told })
}

fn site_night<'a>(
    books: &'a Books<'a>,
    site: &'a SiteConfig,
    clock: SystemTime,
    progress: &mut dyn FnMut(&str),
) -> Result<SiteNight<'a>, RunError> {
    let mut night = SiteNight {
        site,
        taken: Vec::new(),
        known: 0,
        unsettled: Vec::new(),
        issued: Vec::new(),
        held: Vec::new(),
        suspense: Vec::new(),
        findings: books.directory.findings().to_vec(),
        agenda: Agenda::default(),
    };
    let site_id = take_in(books, &mut night, clock, progress)?;
    night.findings.extend(untold_findings(&books.ledger, site_id)?);
    night.findings.extend(books.ledger.lookalikes(site_id, &aliases(site))?);
    let recent = books.today(site).checked_sub_days(SUMS_COMPARED).unwrap_or_default();
    night.findings.extend(beside(books, site, site_id, |own| own.last_day() >= recent)?);
    bill_what_is_due(books, &mut night)?;
    night.suspense = suspense(books, site)?;
    night.findings.extend(night.suspense.iter().map(suspense_finding));
    night.findings.extend(before_first_period(books, site)?);
    night.findings.extend(taken_back(books, site)?);
    night.findings.sort();
    night.findings.dedup();
    night.agenda = agenda(books, site)?;
    Ok(night)
}

/// Takes in the files of the inboxes. A file that is no report is a finding: the others go on.
fn take_in(
    books: &Books<'_>,
    night: &mut SiteNight<'_>,
    clock: SystemTime,
    progress: &mut dyn FnMut(&str),
) -> Result<SiteId, RunError> {
    let site = night.site;
    let collected = collect(site, &books.config.output.folder, clock)?;
    night.unsettled = collected.unsettled;
    let intake = Intake::of_site(books, site)?;
    for file in collected.ready {
        match ingest(&intake, &file.path, &file.name, None, &mut |_| progress(&file.name)) {
            Ok(Outcome::Known { .. }) => night.known += 1,
            Ok(Outcome::Taken(report)) => {
                night.taken.push((file.name, *report));
            }
            Err(IngestError::Ledger(error)) => return Err(error.into()),
            Err(error) => night.findings.push(refused(&file, &error)),
        }
    }
    Ok(intake.site)
}

/// A file that was not taken in.
fn refused(file: &Found, error: &IngestError) -> Finding {
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    Finding::new(Severity::Warning, "report-refused", format!("not taken in: {error}{hint}"))
        .in_file(&file.name)
}

/// Issues the periods that are due, oldest first; what cannot be issued is held and does not stop the next.
fn bill_what_is_due<'a>(books: &'a Books<'a>, night: &mut SiteNight<'a>) -> Result<(), RunError> {
    let despite = Despite::unasked(books.config);
    for due in agenda(books, night.site)?.now {
        let Some(mut drafted) = draft(books, night.site, due.period)? else { continue };
        let obstacles: Vec<Finding> = drafted.obstacles(despite).into_iter().cloned().collect();
        if !obstacles.is_empty() {
            night.findings.extend(obstacles);
            night.held.push(drafted);
            continue;
        }
        if drafted.is_empty() {
            continue;
        }
        match issue(books, &mut drafted)? {
            IssueOutcome::Issued { findings, .. } => {
                night.findings.extend(findings);
                night.issued.push(drafted);
            }
            IssueOutcome::Held(findings) => {
                night.findings.extend(findings);
                night.held.push(drafted);
            }
        }
    }
    Ok(())
}
