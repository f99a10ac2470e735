//! What a command works with: configuration, ledger, directory, templates and now.

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;

use super::error::RunError;
use super::papercut::holders::HolderBook;
use super::resolve::Policy;
use crate::config::{
    Config, InvoiceDate, MailConfig, MailTransport, ReceiverConfig, ReceiverFormat, SiteConfig, SmtpSecurity,
};
use crate::domain::{Directory, Period};
use crate::ledger::Ledger;
use crate::outputs::formats::LinesCsvSettings;
use crate::outputs::{Receiver, Security, SmtpSettings, Templates, Transport};
use crate::sources::ReadSettings;
use crate::sources::directory;

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
    /// When the run began, to tell how long it has been going on.
    started: Instant,
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
        let directory = directory::load(&files.members, &files.teams, files.accounts.as_deref())?;
        let templates = match &config.output.templates {
            Some(folder) => Templates::with_folder(folder)?,
            None => Templates::embedded()?,
        };
        let mut books =
            Books { config, ledger, directory, templates, now, environment, started: Instant::now() };
        books.learn_names()?;
        Ok(books)
    }

    /// Now, RFC 3339.
    pub fn now_text(&self) -> String {
        self.now.fixed_offset().to_rfc3339()
    }

    /// The wall-clock second of a site at this moment: "now", and what the run has taken so far.
    pub fn second(&self, site: &SiteConfig) -> i64 {
        let passed = chrono::TimeDelta::from_std(self.started.elapsed()).unwrap_or_default();
        let moment = self.now.checked_add_signed(passed).unwrap_or(self.now);
        moment.with_timezone(&site.time_zone).naive_local().and_utc().timestamp()
    }

    /// Teaches the directory what servers know of names: users' addresses, and what renamed accounts were called.
    pub fn learn_names(&mut self) -> Result<(), RunError> {
        let mut known = Vec::new();
        for site in self.config.sites.iter().filter(|site| site.papercut.is_some()) {
            let Some((site_id, _)) = self.ledger.known_site(&site.name)? else { continue };
            known.push(HolderBook::load(&self.ledger, site_id)?.names_at(&site.name));
        }
        self.directory.learn(known);
        Ok(())
    }

    /// Today at a site.
    pub fn today(&self, site: &SiteConfig) -> NaiveDate {
        self.now.with_timezone(&site.time_zone).date_naive()
    }

    /// First part of a site's invoice numbers.
    pub fn invoice_prefix<'s>(&'s self, site: &'s SiteConfig) -> &'s str {
        site.invoice_prefix.as_deref().unwrap_or(&self.config.billing.invoice_prefix)
    }

    /// Date of invoices for a period.
    pub fn invoice_date(&self, site: &SiteConfig, period: Period) -> NaiveDate {
        match self.config.billing.invoice_date {
            InvoiceDate::PeriodEnd => period.last_day(),
            InvoiceDate::IssueDate => self.today(site),
        }
    }

    /// Who pays what at a site, as billing asks it.
    pub fn policy<'p>(&'p self, site: &'p SiteConfig) -> Policy<'p> {
        Policy {
            site: &site.name,
            directory: &self.directory,
            plans: &self.config.plans,
            default_plan: self.config.billing.default_plan.as_deref(),
            personal: self.config.directory.personal_jobs,
        }
    }

    /// The receivers with their names.
    pub fn receivers(&self) -> Vec<(String, Receiver)> {
        self.config.receivers.iter().map(|receiver| (receiver.name.clone(), receiver_of(receiver))).collect()
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
        period: None,
        sheets: site.reports.sheets.clone(),
        layouts: site.reports.layouts.clone(),
        aliases: site.reports.columns.iter().map(|(header, field)| (header.clone(), field.clone())).collect(),
    }
}

/// Old and new usernames of a site.
pub fn aliases(site: &SiteConfig) -> Vec<(String, String)> {
    site.alias.iter().map(|(old, new)| (old.clone(), new.clone())).collect()
}

fn receiver_of(receiver: &ReceiverConfig) -> Receiver {
    match &receiver.format {
        ReceiverFormat::XeroSalesCsv(settings) => Receiver::Xero(settings.clone()),
        ReceiverFormat::QboInvoiceCsv(settings) => Receiver::Qbo(settings.clone()),
        ReceiverFormat::Sage50AuditCsv(settings) => Receiver::Sage50(settings.clone()),
        ReceiverFormat::Hledger(settings) => Receiver::Hledger(settings.clone()),
        ReceiverFormat::OfficerndFeesCsv(settings) => Receiver::Officernd(settings.clone()),
        ReceiverFormat::SageQuickEntries(settings) => Receiver::QuickEntries(settings.clone()),
        ReceiverFormat::OdooAccountMoveCsv(settings) => Receiver::Odoo(settings.clone()),
        ReceiverFormat::ZohoInvoiceCsv(settings) => Receiver::Zoho(settings.clone()),
        ReceiverFormat::Csv => Receiver::LinesCsv(LinesCsvSettings { encoding: receiver.encoding }),
        ReceiverFormat::Json => Receiver::LinesJson,
        ReceiverFormat::Workbook => Receiver::Workbook,
    }
}

/// How mails leave, as the configuration says.
fn mail_transport(mail: &MailConfig, environment: Environment<'_>) -> Result<Transport, RunError> {
    let smtp = match &mail.transport {
        MailTransport::Folder(folder) => return Ok(Transport::Folder(folder.clone())),
        MailTransport::Smtp(smtp) => smtp,
    };
    let login = match &smtp.login {
        Some((user, password)) => Some((user.clone(), password.read(environment)?)),
        None => None,
    };
    let extra_ca_pem = match &smtp.ca_file {
        Some(path) => {
            let failed = |source| RunError::CaFile { key: "mail.smtp.ca_file", path: path.clone(), source };
            Some(std::fs::read(path).map_err(failed)?)
        }
        None => None,
    };
    Ok(Transport::Smtp(SmtpSettings {
        host: smtp.host.clone(),
        port: Some(smtp.port),
        security: match smtp.security {
            SmtpSecurity::StartTls => Security::StartTls,
            SmtpSecurity::Tls => Security::Tls,
            SmtpSecurity::None => Security::None,
        },
        login,
        extra_ca_pem,
        hello_name: mail_host(&mail.from).to_owned(),
        timeout: Duration::from_secs(u64::from(smtp.timeout_seconds)),
    }))
}

/// The host of a mail address: also the right-hand side of our Message-IDs.
pub fn mail_host(address: &str) -> &str {
    let host = address.rsplit('@').next().unwrap_or("").trim_end_matches('>').trim();
    if host.is_empty() { "localhost" } else { host }
}
