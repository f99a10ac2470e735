//! One file a command: words to calls, results to tables and JSON.

mod balances;
mod bill;
mod check;
mod deliver;
mod directory;
mod doctor;
mod explain;
mod ingest;
mod init;
mod reading;
mod report;
mod reverse;
mod run;
mod schedule;
mod status;
mod totals;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::args::{Cli, Command, Shared};
use super::failure::{Exit, Failure};
use super::ui::Ui;
use crate::config::{Config, SiteConfig, parse_when};
use crate::domain::Period;
use crate::ledger::Ledger;
use crate::run::books::Books;
use crate::run::lock::{self, Lock};

/// What a command may know of the outside.
pub(super) struct Outside<'a> {
    /// The real time.
    pub(super) clock: SystemTime,
    /// The environment.
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    /// The working directory.
    pub(super) folder: &'a Path,
}

/// What every command works with.
pub(super) struct Context<'a, 'u> {
    shared: &'a Shared,
    outside: &'a Outside<'a>,
    ui: &'a mut Ui<'u>,
}

/// Runs the command.
pub(super) fn dispatch(cli: Cli, outside: &Outside<'_>, ui: &mut Ui<'_>) -> Result<Exit, Failure> {
    let mut context = Context { shared: &cli.shared, outside, ui };
    match &cli.command {
        Command::Init(args) => init::run(args, &mut context),
        Command::Check(args) => check::run(args, &mut context),
        Command::Directory(args) => directory::run(args, &mut context),
        Command::Ingest(args) => ingest::run(args, &mut context),
        Command::Totals(args) => totals::run(args, &mut context),
        Command::Bill(args) => bill::run(args, &mut context),
        Command::Run(args) => run::run(args, &mut context),
        Command::Deliver(args) => deliver::run(args, &mut context),
        Command::Balances(args) => balances::run(args, &mut context),
        Command::Reverse(args) => reverse::run(args, &mut context),
        Command::Report(args) => report::run(args, &mut context),
        Command::Explain(args) => explain::run(args, &mut context),
        Command::Status => status::run(&mut context),
        Command::Doctor => doctor::run(&mut context),
        Command::Schedule => schedule::run(&mut context),
    }
}

/// What a command does with the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Reads it; where there is none yet, an empty one stands in.
    Read,
    /// Writes to it, under the lock.
    Write,
    /// Writes to a copy that is thrown away.
    Copy,
}

impl<'a> Context<'a, '_> {
    /// The path of the configuration file.
    fn config_path(&self) -> PathBuf {
        let named = self.shared.config.clone();
        let named = named.or_else(|| (self.outside.environment)("PAPERTALLY_CONFIG").map(PathBuf::from));
        self.outside.folder.join(named.unwrap_or_else(|| PathBuf::from("papertally.toml")))
    }

    /// The checked configuration.
    fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.config_path(), &self.shared.set)?)
    }

    /// Now: what `--as-of` says, else the configuration, else the clock.
    fn now(&self, config: &Config) -> Result<DateTime<Tz>, Failure> {
        let zone = config.sites.first().map_or(Tz::UTC, |site| site.time_zone);
        match (&self.shared.as_of, config.as_of) {
            (Some(text), _) => parse_when(text, zone).map_err(|error| {
                Failure::of("usage", Exit::Usage, &error).while_doing("`--as-of` names no time")
            }),
            (None, Some(fixed)) => Ok(fixed),
            (None, None) => Ok(DateTime::<Utc>::from(self.outside.clock).with_timezone(&zone)),
        }
    }

    /// Opens ledger and directory for a configuration.
    fn books<'c>(&mut self, config: &'c Config, access: Access) -> Result<(Books<'c>, Option<Lock>), Failure>
    where
        'a: 'c,
    {
        let (ledger, lock) = match access {
            Access::Read => {
                let ledger =
                    Ledger::open_read_only(&config.ledger).map_err(|error| at_ledger(config, error))?;
                let ledger = match ledger {
                    Some(ledger) => ledger,
                    None => Ledger::temporary()?,
                };
                (ledger, None)
            }
            Access::Write => {
                let lock = lock::take(&config.ledger, self.outside.clock)
                    .map_err(crate::run::error::RunError::from)?;
                (Ledger::open(&config.ledger).map_err(|error| at_ledger(config, error))?, Some(lock))
            }
            Access::Copy => {
                (Ledger::temporary_copy(&config.ledger).map_err(|error| at_ledger(config, error))?, None)
            }
        };
        if let Some(copy) = ledger.backup() {
            let copy = copy.display();
            self.ui.status(format!(
                "The ledger was brought to this version's form; as it was before it is {copy}."
            ));
        }
        let books = Books::open(config, ledger, self.now(config)?, self.outside.environment)?;
        Ok((books, lock))
    }
}

/// Names the ledger file before what went wrong with it.
fn at_ledger(config: &Config, error: crate::ledger::LedgerError) -> Failure {
    Failure::from(error).while_doing(format!("cannot use the ledger `{}`", config.ledger.display()))
}

/// The site of that name; without a name the only one.
fn site_of<'c>(config: &'c Config, name: Option<&str>) -> Result<&'c SiteConfig, Failure> {
    let known = || config.sites.iter().map(|site| format!("`{}`", site.name)).collect::<Vec<_>>().join(", ");
    match (name, &config.sites[..]) {
        (Some(name), _) => config.site(name).ok_or_else(|| {
            Failure::usage(format!("no site is named `{name}`; the configuration has {}", known()))
        }),
        (None, [site]) => Ok(site),
        (None, _) => {
            Err(Failure::usage(format!("several sites are configured, {}: say which with `--site`", known())))
        }
    }
}

/// A period as typed.
fn period_of(text: &str, today: NaiveDate) -> Result<Period, Failure> {
    Period::parse(text, today)
        .map_err(|error| Failure::of("usage", Exit::Usage, &error).while_doing("`--period` names no period"))
}
