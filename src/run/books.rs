//! What a command works with: configuration, ledger, directory, templates and now.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::error::RunError;
use super::resolve::Policy;
use crate::config::{Config, ReceiverConfig, ReceiverFormat, SiteConfig};
use crate::domain::Directory;
use crate::ledger::Ledger;
use crate::outputs::formats::{LinesCsvSettings, Tracking, XeroSettings};
use crate::outputs::{Receiver, Security, SmtpSettings, Templates, Transport};
use crate::sources::ReadSettings;
use crate::sources::directory::read_directory;

/// The environment as `main` found it.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Everything that the steps of a run share.
pub struct Books<'a> {
    /// The checked configuration.
    pub config: &'a Config,
    /// The ledger.
    pub ledger: Ledger,
    /// Members, teams and account rules.
    pub directory: Directory,
    /// Templates of pages and mails.
    pub templates: Templates,
    /// Now, as the whole run sees it.
    pub now: DateTime<Tz>,
    /// The environment, for secrets.
    pub environment: Environment<'a>,
}

impl std::fmt::Debug for Books<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Books").field("now", &self.now).finish_non_exhaustive()
    }
}

impl<'a> Books<'a> {
    /// Reads directory and templates for an open ledger.
    pub fn open(
        config: &'a Config,
        ledger: Ledger,
        now: DateTime<Tz>,
        environment: Environment<'a>,
    ) -> Result<Books<'a>, RunError> {
        let files = &config.directory;
        let rows = read_directory(&files.members, files.teams.as_deref(), files.accounts.as_deref())?;
        let directory = Directory::new(rows.members, rows.teams, rows.rules).map_err(RunError::Directory)?;
        let templates = match &config.output.templates {
            Some(folder) => Templates::with_folder(folder)?,
            None => Templates::embedded()?,
        };
        Ok(Books { config, ledger, directory, templates, now, environment })
    }

    /// Now, RFC 3339.
    pub fn now_text(&self) -> String {
        self.now.fixed_offset().to_rfc3339()
    }

    /// Now in UTC.
    pub fn now_utc(&self) -> DateTime<Utc> {
        self.now.with_timezone(&Utc)
    }

    /// Today at a site.
    pub fn today(&self, site: &SiteConfig) -> NaiveDate {
        self.now.with_timezone(&site.time_zone).date_naive()
    }

    /// Who pays what, as billing asks it.
    pub fn policy(&self) -> Policy<'_> {
        Policy {
            directory: &self.directory,
            plans: &self.config.plans,
            default_plan: self.config.billing.default_plan.as_deref(),
            personal: self.config.directory.personal_jobs,
        }
    }

    /// The receivers with their names.
    pub fn receivers(&self, _site: &SiteConfig) -> Result<Vec<(String, Receiver)>, RunError> {
        Ok(self.config.receivers.iter().map(|receiver| (receiver.name.clone(), receiver_of(receiver))).collect())
    }

    /// How mails leave; the password is read here, when it is needed.
    pub fn mail_transport(&self) -> Result<Transport, RunError> {
        let Some(mail) = &self.config.mail else {
            return Ok(Transport::Folder(self.config.output.folder.join("mail")));
        };
        mail_transport(mail, self.environment)
    }
}

/// How the reports of a site are read, as its configuration says.
pub fn read_settings(site: &SiteConfig) -> ReadSettings {
    ReadSettings {
        kind: site.reports.kind,
        encoding: site.reports.encoding.clone(),
        date_order: site.reports.date_order,
        decimal_mark: site.reports.decimal_mark,
        currency: Some(site.currency),
        time_zone: Some(site.time_zone),
        aliases: site.reports.columns.iter().map(|(header, field)| (header.clone(), field.clone())).collect(),
    }
}

/// Old and new usernames of a site.
pub fn aliases(site: &SiteConfig) -> Vec<(String, String)> {
    site.alias.iter().map(|(old, new)| (old.clone(), new.clone())).collect()
}

fn receiver_of(receiver: &ReceiverConfig) -> Receiver {
    match &receiver.format {
        ReceiverFormat::Xero(xero) => Receiver::Xero(XeroSettings {
            account_code: xero.account_code.clone(),
            date_order: xero.date_order,
            tax_types: xero.tax_types.clone(),
            tracking: BTreeMap::<String, String>::new()
                .into_iter()
                .map(|(name, option)| Tracking { name, option })
                .collect(),
            branding_theme: None,
            encoding: receiver.encoding,
        }),
        ReceiverFormat::Csv => Receiver::LinesCsv(LinesCsvSettings { encoding: receiver.encoding }),
        ReceiverFormat::Json => Receiver::LinesJson,
        ReceiverFormat::Workbook => Receiver::Workbook,
    }
}
