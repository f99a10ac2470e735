//! Everything that is due, in one go: take in, reconcile, bill, hand out, mail. What is due comes from the
//! ledger, so a run that was missed or broken off is made up for by the next.

use std::collections::BTreeMap;
use std::time::SystemTime;

use chrono::Days;

use super::bill::{Despite, IssueOutcome, draft, issue};
use super::books::{Books, aliases};
use super::collect::{Found, collect};
use super::deliver::{Handed, deliver};
use super::due::{Agenda, agenda};
use super::error::RunError;
use super::ingest::{Outcome, ingest};
use super::intake::{IngestError, Intake, WantedDays};
use super::night::{Mode, Night, SiteNight};
use super::papercut::adjust::{Adjusted, adjust};
use super::papercut::holders::HolderBook;
use super::papercut::movements::explain_snapshots;
use super::papercut::roster::compare_rosters;
use super::papercut::settle::settle;
use super::papercut::visit::Visit;
use super::plan::suspense_finding;
use super::reconcile::{before_first_period, suspense, taken_back};
use super::rejected::untold_findings;
use super::summary::tell;
use super::sums::beside;
use crate::config::SiteConfig;
use crate::domain::{DecimalMark, Finding, ReportKind, Severity};
use crate::ledger::{DeliveryKind, SiteId};

/// Sums of this many days are compared with their jobs each night: what is older was told, or is no news any more.
const SUMS_COMPARED: Days = Days::new(92);

/// Does everything that is due, after the servers were visited. `progress` is told of every row that is read.
pub fn run<'a>(
    books: &'a Books<'a>,
    visits: &BTreeMap<String, Visit>,
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
        sites.push(site_night(books, site, visits.get(&site.name), clock, progress)?);
    }
    let mut files = Handed::default();
    let mut mails = Handed::default();
    if mode == Mode::Real {
        files = deliver(books, DeliveryKind::File)?;
        for night in &mut sites {
            adjust_site(books, night, visits.get(&night.site.name))?;
        }
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
    visit: Option<&Visit>,
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
        adjusted: Adjusted::default(),
        agenda: Agenda::default(),
    };
    let site_id = take_in(books, &mut night, visit, clock, progress)?;
    if let Some(visit) = visit {
        night.findings.extend(visit.findings.iter().cloned());
        look_at_server(books, &mut night, site_id)?;
    }
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
    visit: Option<&Visit>,
    clock: SystemTime,
    progress: &mut dyn FnMut(&str),
) -> Result<SiteId, RunError> {
    let site = night.site;
    let collected = collect(site, &books.config.output.folder, clock)?;
    night.unsettled = collected.unsettled;
    let mut intake = Intake::of_site(books, site)?;
    for file in collected.ready {
        take_file(&intake, night, &file, progress)?;
    }
    for fetched in visit.iter().flat_map(|visit| &visit.fetched) {
        let name =
            fetched.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        intake.wanted = Some(WantedDays { period: fetched.period, is_open: fetched.is_open });
        take_file(&intake, night, &Found { path: fetched.path.clone(), name }, progress)?;
    }
    intake.wanted = None;
    if let Some((path, period)) = visit.and_then(|visit| visit.overage.as_ref()) {
        // Our own report, whatever the operator says of those of the server.
        intake.settings.kind = Some(ReportKind::UserSummary);
        intake.settings.decimal_mark = Some(DecimalMark::Point);
        intake.settings.encoding = Some("utf-8".to_owned());
        intake.settings.period = Some(*period);
        take_file(
            &intake,
            night,
            &Found { path: path.clone(), name: format!("overage of {period}") },
            progress,
        )?;
    }
    Ok(intake.site)
}

/// Takes one file in. One that is no report is a finding: the others go on.
fn take_file(
    intake: &Intake<'_>,
    night: &mut SiteNight<'_>,
    file: &Found,
    progress: &mut dyn FnMut(&str),
) -> Result<(), RunError> {
    match ingest(intake, &file.path, &file.name, None, &mut |_| progress(&file.name)) {
        Ok(Outcome::Known { .. }) => night.known += 1,
        Ok(Outcome::Taken(report)) => night.taken.push((file.name.clone(), *report)),
        Err(IngestError::Ledger(error)) => return Err(error.into()),
        Err(error) => night.findings.push(refused(file, &error)),
    }
    Ok(())
}

/// Compares what was read of the server with the ledger and the directory.
fn look_at_server(books: &Books<'_>, night: &mut SiteNight<'_>, site_id: SiteId) -> Result<(), RunError> {
    let Some(papercut) = night.site.papercut.as_ref().filter(|papercut| papercut.read_balances) else {
        return Ok(());
    };
    night.findings.extend(explain_snapshots(books, papercut, site_id)?);
    let book = HolderBook::load(&books.ledger, site_id)?;
    night.findings.extend(compare_rosters(books, night.site, &book));
    Ok(())
}

/// Makes the balance changes of a site that are due.
fn adjust_site(books: &Books<'_>, night: &mut SiteNight<'_>, visit: Option<&Visit>) -> Result<(), RunError> {
    let (Some(papercut), Some(visit)) = (&night.site.papercut, visit) else { return Ok(()) };
    let Some((site_id, _)) = books.ledger.known_site(&night.site.name)? else { return Ok(()) };
    night.findings.extend(settle(books, (night.site, papercut), site_id)?);
    night.adjusted = adjust(books, (night.site, papercut), site_id, &visit.server)?;
    night.findings.append(&mut night.adjusted.findings.clone());
    night.findings.sort();
    Ok(())
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
