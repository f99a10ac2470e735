//! From TOML text to the checked configuration, or everything that is wrong with it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use chrono_tz::Tz;
use toml::Table;

use super::billing::{BillingConfig, billing, plans, taxes};
use super::error::{ConfigError, Problem};
use super::handing_out::{MailConfig, MailTransport, OutputConfig, ReceiverConfig, mail, output, receivers};
use super::paths::{Paths, check_inboxes};
use super::raw::{Problems, Section};
use super::site::{SiteConfig, sites};
use super::when::parse_when;
use super::{keys, overrides};
use crate::domain::{PersonalJobs, Plan};

/// The largest configuration, in bytes: thousands of times what a space needs; more is the wrong file.
pub const CONFIG_SIZE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The configuration, checked: what it names exists in it, and what it writes is never read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// The "now" of samples and rehearsals, in the first site's zone.
    pub as_of: Option<DateTime<Tz>>,
    /// The ledger's file.
    pub ledger: PathBuf,
    /// What is written.
    pub output: OutputConfig,
    /// Whether the ledger keeps document names.
    pub document_names: DocumentNames,
    /// The sites, at least one, in the order of the file.
    pub sites: Vec<SiteConfig>,
    /// Where members and teams are, and who pays personal jobs.
    pub directory: DirectoryConfig,
    /// The plans, in the order of the file.
    pub plans: Vec<Plan>,
    /// What is billed, and when.
    pub billing: BillingConfig,
    /// The systems that take invoice lines.
    pub receivers: Vec<ReceiverConfig>,
    /// The summary mail, where there is one.
    pub mail: Option<MailConfig>,
}

/// Whether the ledger keeps document names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentNames {
    /// They are kept, and shown to who asks for the jobs behind a number.
    Keep,
    /// They are used to tell jobs apart, and not kept.
    Drop,
}

/// Where the directory's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryConfig {
    /// Members.
    pub members: PathBuf,
    /// Teams.
    pub teams: PathBuf,
    /// Account rules.
    pub accounts: Option<PathBuf>,
    /// Who pays personal jobs of a team's members.
    pub personal_jobs: PersonalJobs,
}

impl Config {
    /// Reads and checks a configuration file, after each `KEY=VALUE` of `overrides` was put into it.
    pub fn load(file: &Path, overrides: &[String]) -> Result<Config, ConfigError> {
        Config::parse(file, &read(file)?, overrides)
    }

    /// Checks a configuration's text; `file` gives messages their name and paths their folder.
    pub fn parse(file: &Path, text: &str, overrides: &[String]) -> Result<Config, ConfigError> {
        let table = table(file, text, overrides)?;
        let problems = Problems::new(keys::unknown(&table));
        let config = check(&Section::root(&table, &problems), file);
        finish(config, file, problems)
    }

    /// The site of that name.
    pub fn site(&self, name: &str) -> Option<&SiteConfig> {
        self.sites.iter().find(|site| site.name == name)
    }

    /// The plan of that name.
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.name == name)
    }
}

/// Reads a configuration only for its sites, for commands that need no more: the rest may be missing, but
/// its keys must be known.
pub fn load_sites(file: &Path, overrides: &[String]) -> Result<Vec<SiteConfig>, ConfigError> {
    let table = table(file, &read(file)?, overrides)?;
    let problems = Problems::new(keys::unknown(&table));
    let sites = sites(&Section::root(&table, &problems), &Paths::new(folder_of(file)));
    finish(Some(sites), file, problems)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let size_bytes = file.metadata().map_err(failed)?.len();
    if size_bytes > CONFIG_SIZE_BYTES_MAX {
        let (path, size_bytes_max) = (path.to_owned(), CONFIG_SIZE_BYTES_MAX);
        return Err(ConfigError::TooLarge { path, size_bytes, size_bytes_max });
    }
    let mut text = String::new();
    file.take(CONFIG_SIZE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

fn table(file: &Path, text: &str, overrides: &[String]) -> Result<Table, ConfigError> {
    // Editors on Windows may put a byte order mark first.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut table = text.parse::<Table>().map_err(|error| {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or(text);
        let (line, column) = line_and_column(before);
        ConfigError::Syntax { path: file.to_owned(), line, column, message: error.message().to_owned() }
    })?;
    let applied = overrides.iter().map(|assignment| overrides::apply(&mut table, assignment));
    let refused: Vec<Problem> = applied.filter_map(Result::err).collect();
    if refused.is_empty() { Ok(table) } else { Err(ConfigError::Override(refused)) }
}

/// Line and column of the place after `before`.
fn line_and_column(before: &str) -> (usize, usize) {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    (line, column)
}

/// Hands out what was read only where nothing is wrong.
fn finish<T>(read: Option<T>, file: &Path, problems: Problems) -> Result<T, ConfigError> {
    let mut problems = problems.into_inner();
    problems.sort();
    problems.dedup();
    match read {
        Some(read) if problems.is_empty() => Ok(read),
        _ => Err(ConfigError::Problems { path: file.to_owned(), problems }),
    }
}

fn check(root: &Section<'_>, file: &Path) -> Option<Config> {
    let paths = Paths::new(folder_of(file));
    let sites = sites(root, &paths);
    let as_of = as_of(root, sites.first());
    let ledger = paths.needed(&root.section("ledger"), "path", "the ledger's file, such as `ledger.sqlite`");
    let output = output(&root.section("output"), &paths);
    let names = [("keep", DocumentNames::Keep), ("drop", DocumentNames::Drop)];
    let document_names = root.section("privacy").choice("document_names", &names);
    let directory = directory(&root.section("directory"), &paths);
    let taxes = taxes(root);
    let plans = plans(root, &taxes);
    let billing = billing(&root.section("billing"), &plans);
    let receivers = receivers(root, &taxes, &plans);
    let mail_section = root.section("mail");
    let mail = root.has("mail").then(|| mail(&mail_section, &paths, &output, &receivers)).flatten();
    let mut written = vec![("ledger.path", ledger.as_path()), ("output.folder", output.folder.as_path())];
    if let Some(MailTransport::Folder(folder)) = mail.as_ref().map(|mail| &mail.transport) {
        written.push(("mail.folder", folder));
    }
    check_inboxes(root, &sites, &written);
    Some(Config {
        file: file.to_owned(),
        as_of,
        ledger,
        output,
        document_names: document_names.unwrap_or(DocumentNames::Keep),
        sites,
        directory,
        plans,
        billing,
        receivers,
        mail,
    })
}

fn as_of(root: &Section<'_>, site: Option<&SiteConfig>) -> Option<DateTime<Tz>> {
    let text = root.moment("as_of")?;
    match parse_when(&text, site.map_or(Tz::UTC, |site| site.time_zone)) {
        Ok(moment) => Some(moment),
        Err(error) => {
            let sentence = error.to_string();
            let (found, expected) = sentence.split_once(", expected ").unwrap_or((&sentence, "a time"));
            root.problem("as_of", found.strip_prefix("found ").unwrap_or(found), expected);
            None
        }
    }
}

fn directory(section: &Section<'_>, paths: &Paths) -> DirectoryConfig {
    let words = [("team", PersonalJobs::Team), ("member", PersonalJobs::Member)];
    DirectoryConfig {
        members: paths.needed(section, "members", "the file of the members, such as `members.csv`"),
        teams: paths.needed(section, "teams", "the file of the teams, such as `teams.csv`"),
        accounts: paths.optional(section, "accounts"),
        personal_jobs: section.choice("personal_jobs", &words).unwrap_or(PersonalJobs::Team),
    }
}
