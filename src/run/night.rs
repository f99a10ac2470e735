//! What a run did, site by site: for the screen, the mail and scripts.

use super::bill::Drafted;
use super::collect::Found;
use super::deliver::Handed;
use super::due::Agenda;
use super::ingest::TakenReport;
use super::papercut::adjust::Adjusted;
use crate::config::SiteConfig;
use crate::domain::{Finding, SuspenseItem};

/// Whether a run hands anything out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    Real,
    /// It works on a copy of the ledger and stops before anything is handed out.
    Dry,
}

/// What happened at one site.
#[derive(Debug)]
pub struct SiteNight<'a> {
    /// The site.
    pub site: &'a SiteConfig,
    /// Reports that were taken in, with their names.
    pub taken: Vec<(String, TakenReport)>,
    /// Files whose bytes were known.
    pub known: usize,
    /// Files that may still be being copied.
    pub unsettled: Vec<Found>,
    /// Batches that were issued.
    pub issued: Vec<Drafted<'a>>,
    /// Periods that are due and cannot be issued.
    pub held: Vec<Drafted<'a>>,
    /// Jobs that nobody pays yet.
    pub suspense: Vec<SuspenseItem>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
    /// Balance changes on the server.
    pub adjusted: Adjusted,
    /// What is due next.
    pub agenda: Agenda,
}

/// What a run did.
#[derive(Debug)]
pub struct Night<'a> {
    /// Site by site.
    pub sites: Vec<SiteNight<'a>>,
    /// Files that were handed out.
    pub files: Handed,
    /// Mails that were handed out.
    pub mails: Handed,
    /// What the summary told, and what of it is new.
    pub told: Told,
}

/// What was told.
#[derive(Debug, Default)]
pub struct Told {
    /// Findings that need a person and were not told before, or that stop billing.
    pub urgent: Vec<Finding>,
    /// Whether anything happened at all.
    pub has_news: bool,
    /// Whether a mail was written down.
    pub mailed: bool,
}
