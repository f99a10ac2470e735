//! From TOML text to the checked configuration, or everything that is wrong with it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use chrono_tz::Tz;
use toml::Table;

use super::billing::{BillingConfig, billing, plan_modes, plans, taxes};
use super::error::{ConfigError, Problem};
use super::handing_out::{MailConfig, MailTransport, OutputConfig, mail, output};
use super::paths::{Paths, check_inboxes, check_pick_ups};
use super::raw::{Problems, Section};
use super::receivers::{ReceiverConfig, receivers};
use super::site::{SiteConfig, sites};
use super::when::parse_when;
use super::{keys, overrides};
use crate::domain::{BalanceMode, PersonalJobs, Plan};

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
    /// How balances are changed for the plans that say so themselves, by the plan's name.
    pub plan_modes: BTreeMap<String, BalanceMode>,
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

    /// How balances at a site are changed after a payer of that plan was billed.
    pub fn balance_mode(&self, site: &SiteConfig, plan: &str) -> BalanceMode {
        let Some(papercut) = &site.papercut else { return BalanceMode::None };
        self.plan_modes.get(plan).copied().unwrap_or(papercut.changes.mode)
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

/// Two sites bill the same payers for the same months: only the prefix tells their invoices apart.
fn check_prefixes(root: &Section<'_>, sites: &[SiteConfig], common: &str) {
    let prefix = |site: &SiteConfig| site.invoice_prefix.clone().unwrap_or_else(|| common.to_owned());
    for (index, site) in sites.iter().enumerate() {
        if let Some(other) = sites[..index].iter().find(|other| prefix(other) == prefix(site)) {
            root.problem(
                "site",
                format!("the invoice prefix `{}` for `{}` and `{}`", prefix(site), other.name, site.name),
                "an `invoice_prefix` of its own for each site, so that no two invoices have one number",
            );
        }
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
    let plan_modes = plan_modes(root);
    let is_overage = |site: &SiteConfig| {
        site.papercut.as_ref().is_some_and(|papercut| papercut.changes.mode == BalanceMode::Overage)
    };
    if let (Some(site), Some(plan)) = (sites.iter().find(|site| is_overage(site)), plan_modes.keys().next()) {
        let found = format!("it in plan `{plan}`, while site `{}` bills overage", site.name);
        root.problem(
            "plan",
            found,
            "no `balance_changes` in plans: what is below zero is billed and given back to all",
        );
    }
    let billing = billing(&root.section("billing"), &plans);
    check_prefixes(root, &sites, &billing.invoice_prefix);
    let receivers = receivers(root, &taxes, &plans);
    let mail_section = root.section("mail");
    let mail = root.has("mail").then(|| mail(&mail_section, &paths, &output, &receivers)).flatten();
    let mut written = vec![("ledger.path", ledger.as_path()), ("output.folder", output.folder.as_path())];
    if let Some(MailTransport::Folder(folder)) = mail.as_ref().map(|mail| &mail.transport) {
        written.push(("mail.folder", folder));
    }
    check_inboxes(root, &sites, &written);
    check_pick_ups(root, &sites, &written);
    Some(Config {
        file: file.to_owned(),
        as_of,
        ledger,
        output,
        document_names: document_names.unwrap_or(DocumentNames::Keep),
        sites,
        directory,
        plans,
        plan_modes,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::{Covers, InvoiceDate, KEYS, MailWhen, ReceiverFormat, SecretSource, SmtpSecurity};
    use crate::domain::{Allowance, AllowancePer, Basis, Period};

    /// Every key at once.
    const WHOLE: &str = r#"
        as_of = "2026-11-02T06:00:00"
        [ledger]
        path = "ledger.sqlite"
        [output]
        folder = "out"
        templates = "templates"
        statements = false
        [privacy]
        document_names = "drop"
        [[site]]
        name = "harbour"
        time_zone = "Europe/London"
        currency = "GBP"
        inbox = ["inbox"]
        exclude_accounts = ["Staff"]
        ignore_printers = ["PDF"]
        quiet_seconds = 0
        invoice_prefix = "HBR"
        alias = { "old user" = "new user" }
        [site.reports]
        date_order = "dmy"
        decimal_mark = "comma"
        encoding = "windows-1252"
        kind = "print-log"
        bill_from = "account-sums"
        sheets = ["Log"]
        columns = { "Benutzer" = "user" }
        [[site.layout]]
        name = "gateway"
        rows = "jobs"
        columns = { "When" = "time", "Who" = "user", "Sum" = "cost" }
        more_columns = true
        delimiter = "\t"
        quotes = false
        growing = true
        follow = true
        constants = { printer = "Front desk" }
        date_format = "%d.%m.%Y"
        date_order = "dmy"
        decimal_mark = "comma"
        charges = "negative"
        types = { "PRN" = "print" }
        only = { "Event" = ["print*"] }
        leave_out = { "Who" = ["test"] }
        personal = "user"
        [site.papercut]
        url = "https://print.example:9192"
        token_file = "papercut.token"
        ca_file = "papercut.pem"
        timeout_seconds = 30
        calls_in_flight = 8
        read_balances = true
        personal_account = "Credit"
        balance_changes = "target"
        balance_target = "30.00"
        quota_time = "00:20"
        account_change_max = "200"
        run_change_max = "2000"
        hold_days = 10
        exclude_users = ["desk"]
        exclude_accounts = ["Staff"]
        [[site.papercut.report]]
        name = "monthly"
        title = "Print log"
        type = "PRINT_LOG"
        parameters = "from={from}"
        extension = "csv"
        save_as = "/srv/reports/{from}.csv"
        pick_up = "picked"
        covers = "last-month"
        when = "always"
        wait_seconds = 60
        [directory]
        members = "members.csv"
        teams = "teams.csv"
        accounts = "accounts.csv"
        personal_jobs = "member"
        [[tax]]
        name = "VAT 20%"
        percent = 20
        [[plan]]
        name = "pool"
        basis = "pages"
        mono = "0.08"
        colour = "0.36"
        tax = "VAT 20%"
        allowance = { mono_pages = 20, colour_pages = 5, per = "seat" }
        [[plan.price]]
        type = "Scan"
        paper = "A3"
        mono = 0
        colour = "0"
        [[plan]]
        name = "payg"
        basis = "cost"
        markup_percent = "12.5"
        tax = "none"
        balance_changes = "target"
        balance_target = "5.00"
        allowance = { money = "5.00", per = "payer" }
        [billing]
        default_plan = "payg"
        first_period = "2026-10"
        schedule = "0 6 2 * *"
        invoice_prefix = "PRN"
        invoice_date = "issue-date"
        due_days = 30
        despite_gaps = true
        [[receiver]]
        name = "xero"
        format = "xero-sales-csv"
        account_code = 200
        date_order = "dmy"
        encoding = "utf-8"
        tax_types = { "VAT 20%" = "20% (VAT on Income)", none = "No VAT" }
        [[receiver]]
        name = "lines"
        format = "csv"
        [[receiver]]
        name = "quickbooks"
        format = "qbo-invoice-csv"
        date_order = "dmy"
        item = "Printing"
        terms = "Net 14"
        tax_types = { "VAT 20%" = "20.0% S", none = "No VAT" }
        [[receiver]]
        name = "sage50"
        format = "sage50-audit-csv"
        account_code = "4000"
        department = 7
        tax_types = { "VAT 20%" = "T1", none = "T9" }
        [[receiver]]
        name = "journal"
        format = "hledger"
        receivable_account = "assets:receivable"
        income_account = "income:printing"
        tax_account = "liabilities:vat:output"
        commodity = "£"
        commodity_side = "left"
        [[receiver]]
        name = "fees"
        format = "officernd-fees-csv"
        location = "Main Street"
        date_order = "ymd"
        price_mode = "plan_default"
        plan_prices = { "Mono page" = "0.08", "Colour page" = "0.36" }
        [[receiver]]
        name = "sage"
        format = "sage-quick-entries"
        account_code = "4000"
        headings = "Type,Customer Reference,Date,Reference,Ledger Account,Net,VAT Rate,VAT,Total"
        tax_types = { "VAT 20%" = "Standard", none = "No VAT" }
        [[receiver]]
        name = "odoo"
        format = "odoo-account-move-csv"
        item = "Printing"
        account_code = "400000"
        tax_rounding = "document"
        external_ids = ["tax_ids"]
        tax_types = { "VAT 20%" = "account.tax_20", none = "account.tax_0" }
        [mail]
        transport = "smtp"
        from = "Print <print@harbour.example>"
        to = ["finance@harbour.example"]
        reply_to = "office@harbour.example"
        folder = "mail"
        attach = ["lines"]
        when = "always"
        [mail.smtp]
        host = "smtp.harbour.example"
        port = 2525
        security = "starttls"
        username = "print"
        password_env = "SMTP_PASSWORD"
        ca_file = "ca.pem"
        timeout_seconds = 5
    "#;

    fn load(text: &str, overrides: &[&str]) -> Result<Config, ConfigError> {
        let overrides: Vec<String> = overrides.iter().map(|one| (*one).to_owned()).collect();
        Config::parse(Path::new("/etc/papertally/papertally.toml"), text, &overrides)
    }

    #[test]
    fn every_key_is_checked_into_the_domains_types() {
        let config = load(WHOLE, &[]).unwrap();
        assert_eq!(config.as_of.unwrap().to_rfc3339(), "2026-11-02T06:00:00+00:00");
        assert_eq!(config.ledger, Path::new("/etc/papertally/ledger.sqlite"));
        assert_eq!(config.document_names, DocumentNames::Drop);
        let site = config.site("harbour").unwrap();
        assert_eq!((site.inbox[0].as_path(), site.quiet_seconds), (Path::new("/etc/papertally/inbox"), 0));
        assert_eq!(site.alias["old user"], "new user");
        let papercut = site.papercut.as_ref().unwrap();
        assert_eq!(papercut.changes.mode, BalanceMode::Target("30".parse().unwrap()));
        assert_eq!(papercut.reports[0].covers, Covers::LastMonth);
        assert_eq!(config.balance_mode(site, "payg"), BalanceMode::Target("5".parse().unwrap()));
        assert_eq!(config.balance_mode(site, "pool"), papercut.changes.mode);
        assert_eq!(config.directory.personal_jobs, PersonalJobs::Member);
        let pool = config.plan("pool").unwrap();
        assert_eq!(
            (pool.allowance, pool.per),
            (Allowance::Pages { mono: 20, colour: 5 }, AllowancePer::Seat)
        );
        let Basis::Pages(prices) = &pool.basis else { panic!("{pool:?}") };
        assert_eq!(
            (prices.colour.to_string(), prices.rules[0].job_type.as_deref()),
            ("0.36".to_owned(), Some("scan"))
        );
        let payg = config.plan("payg").unwrap();
        assert_eq!(payg.allowance, Allowance::Money("5".parse().unwrap()));
        assert!(matches!(payg.basis, Basis::Cost { markup } if markup.percent() == "12.5"));
        assert_eq!(
            config.billing.first_period.map(|period: Period| period.to_string()).as_deref(),
            Some("2026-10")
        );
        assert_eq!(config.billing.invoice_date, InvoiceDate::IssueDate);
        let ReceiverFormat::XeroSalesCsv(xero) = &config.receivers[0].format else { panic!() };
        assert_eq!((xero.account_code.as_str(), xero.tax_types["none"].as_str()), ("200", "No VAT"));
        let mail = config.mail.unwrap();
        assert_eq!(mail.when, MailWhen::Always);
        let MailTransport::Smtp(smtp) = mail.transport else { panic!() };
        assert_eq!((smtp.port, smtp.security, smtp.timeout_seconds), (2525, SmtpSecurity::StartTls, 5));
        assert_eq!(
            smtp.login,
            Some(("print".to_owned(), SecretSource::Environment("SMTP_PASSWORD".to_owned())))
        );
    }

    #[test]
    fn little_is_enough() {
        let text = "[ledger]\npath = 'l'\n[output]\nfolder = 'o'\n[directory]\nmembers = 'm'\nteams = 't'\n\
                    [[site]]\nname = 'a'\ntime_zone = 'UTC'\ncurrency = 'EUR'\n";
        let config = load(text, &[]).unwrap();
        assert_eq!((config.plans.len(), config.receivers.len(), config.mail.is_none()), (0, 0, true));
        assert_eq!((config.billing.due_days, config.billing.invoice_prefix.as_str()), (14, "PRT"));
        assert_eq!(config.sites[0].quiet_seconds, 30);
        assert!(config.output.statements && config.billing.schedule.is_none());
    }

    /// A key that is listed but not read would be accepted and do nothing.
    #[test]
    fn every_listed_key_is_read() {
        let leaves: BTreeSet<String> = KEYS.iter().map(|key| (*key).to_owned()).collect();
        let mut given = BTreeSet::new();
        leaf_paths(&WHOLE.parse::<Table>().unwrap(), "", "", &mut given);
        let extra = [
            ("site.papercut.token_env", "site.harbour.papercut.token_env"),
            ("site.papercut.certificate_sha256", "site.harbour.papercut.certificate_sha256"),
            ("mail.smtp.password_file", "mail.smtp.password_file"),
        ];
        given.extend(extra.map(|(general, path)| (general.to_owned(), path.to_owned())));
        assert_eq!(given.iter().map(|(general, _)| general.clone()).collect::<BTreeSet<String>>(), leaves);
        for (_, path) in given {
            let error = load(WHOLE, &[&format!("{path}=[[true]]")]).unwrap_err();
            let ConfigError::Problems { problems, .. } = error else { panic!("{path}: {error}") };
            assert!(problems.iter().any(|problem| problem.found.contains("a list")), "{path}: {problems:?}");
        }
    }

    /// The keys of a table, as in `KEYS` and as `--set` names them.
    fn leaf_paths(table: &Table, general: &str, path: &str, found: &mut BTreeSet<(String, String)>) {
        for (key, value) in table {
            let chosen = KEYS.contains(&format!("{general}.*").as_str());
            let below = match (general.is_empty(), chosen) {
                (true, _) => key.clone(),
                (_, true) => format!("{general}.*"),
                _ => format!("{general}.{key}"),
            };
            let here = crate::config::raw::join(path, key);
            match value {
                toml::Value::Table(table) => leaf_paths(table, &below, &here, found),
                toml::Value::Array(entries) if entries.iter().all(toml::Value::is_table) => {
                    for (index, entry) in entries.iter().enumerate() {
                        let table = entry.as_table().unwrap();
                        let entry = crate::config::raw::entry_name(table, index);
                        leaf_paths(table, &below, &crate::config::raw::join(&here, &entry), found);
                    }
                }
                _ => {
                    found.insert((below, here));
                }
            }
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_key() {
        let wrong = [
            "as_of=yesterday",
            "ledger.path=inbox/ledger.sqlite",
            "ledger.paht=x",
            "site.harbour.time_zone=Europe/Londn",
            "site.harbour.quiet_seconds=-1",
            "site.harbour.alias.\"new user\"=newer",
            "site.harbour.reports.encoding=utf-7000",
            "site.harbour.papercut.balance_changes=invoiced",
            "site.harbour.papercut.token_env=s3cret token",
            "tax.\"VAT 20%\".percent=\"120\"",
            "plan.pool.mono=0.00000001",
            "plan.pool.colour=\"0,36\"",
            "plan.pool.markup_percent=5",
            "plan.pool.allowance.money=-1",
            "plan.payg.tax=VAT 19%",
            "plan.payg.allowance.per=desk",
            "billing.default_plan=pol",
            "billing.first_period=last-month",
            "billing.schedule=0 25 * * *",
            "billing.invoice_prefix=prt",
            "receiver.xero.tax_types={}",
            "receiver.lines.account_code=7",
            "mail.to=[\"nobody\"]",
            "mail.attach=[\"pdf\"]",
            "mail.smtp.security=none",
        ];
        insta::assert_snapshot!(load(WHOLE, &wrong).unwrap_err().to_string(), @r##"
        `/etc/papertally/papertally.toml` has 28 problems:
          `as_of`: found `yesterday`, expected a time such as `2026-11-02T06:00:00`, `2026-11-02` or `2026-11-02T06:00:00+00:00`
          `billing.default_plan`: found `pol`, expected `pool` or `payg`
          `billing.first_period`: found `last-month`, expected a month such as `2026-10`
          `billing.invoice_prefix`: found `prt`, expected at most 5 of `A`–`Z` and `0`–`9`
          `billing.schedule`: found `25` as hour, expected a number from 0 to 23, a list `1,3`, a range `1-3`, a step `*/2` or `*`
          `ledger.paht`: found an unknown key, expected `ledger.path`, which is the nearest known key
          `ledger.path`: found `/etc/papertally/inbox/ledger.sqlite` in the inbox `/etc/papertally/inbox`, expected a place that no report is read from
          `mail.attach`: found `pdf`, expected the names of receivers: `xero`, `lines`, `quickbooks`, `sage50`, `journal`, `fees`, `sage` or `odoo`
          `mail.smtp.security`: found `none` with the host `smtp.harbour.example`, expected `starttls` or `tls`: plain text is for this machine only
          `mail.to`: found a text that is no address, expected an address such as `print@harbour.example`
          `plan.payg.allowance.per`: found `desk`, expected `seat` or `payer`
          `plan.payg.tax`: found `VAT 19%`, expected `VAT 20%` or `none`
          `plan.pool.allowance.money`: found `-1.00`, expected an amount that is not below zero
          `plan.pool.allowance.money`: found it beside pages, expected an allowance in pages or in money, not in both
          `plan.pool.colour`: found `0,36`, expected a decimal number with a point, such as `"0.08"`
          `plan.pool.markup_percent`: found it in a plan with basis `pages`, expected nothing: it would have no effect
          `plan.pool.mono`: found `0.00000001`, expected at most six decimals
          `receiver.lines.account_code`: found it in a receiver of this format, expected nothing: it would have no effect
          `receiver.xero.tax_types."VAT 20%"`: found nothing, expected the tax rate's display name in Xero: a plan uses this tax
          `receiver.xero.tax_types.none`: found nothing, expected the tax rate's display name in Xero: a plan uses this tax
          `site.harbour.alias."old user"`: found `new user`, which is an old name itself, expected the name that is used today
          `site.harbour.papercut.balance_target`: found it without `balance_changes = "target"`, expected both, or neither
          `site.harbour.papercut.token_env`: found a text that is no variable's name, expected the name of an environment variable
          `site.harbour.papercut.token_env`: found it beside `token_file`, expected one of the two
          `site.harbour.quiet_seconds`: found `-1`, expected a whole number from 0 to 86400
          `site.harbour.reports.encoding`: found `utf-7000`, expected an encoding such as `utf-8` or `windows-1252`
          `site.harbour.time_zone`: found `Europe/Londn`, expected a zone such as `Europe/London`
          `tax."VAT 20%".percent`: found `120`, expected a percentage from 0 to 100
        "##);
    }

    #[test]
    fn floats_and_sections_of_another_shape_are_refused() {
        let float = WHOLE.replace("mono = \"0.08\"", "mono = 0.08");
        assert_eq!(
            load(&float, &[]).unwrap_err().to_string(),
            "`/etc/papertally/papertally.toml` has 1 problem: `plan.pool.mono`: found `0.08` without quotes, \
             expected a decimal number in quotes, such as `\"0.08\"`: write it in quotes"
        );
        insta::assert_snapshot!(load("site = 1\nplan = []\nmail = {}", &[]).unwrap_err().to_string(), @r##"
        `/etc/papertally/papertally.toml` has 8 problems:
          `directory.members`: found nothing, expected the file of the members, such as `members.csv`
          `directory.teams`: found nothing, expected the file of the teams, such as `teams.csv`
          `ledger.path`: found nothing, expected the ledger's file, such as `ledger.sqlite`
          `mail.from`: found nothing, expected the sender's address
          `mail.to`: found nobody, expected a list with at least one address
          `mail.transport`: found nothing, expected `folder` or `smtp`
          `output.folder`: found nothing, expected the folder for everything that is written, such as `out`
          `site`: found `1`, expected entries `[[site]]`
        "##);
    }

    #[test]
    fn two_sites_never_read_one_folder() {
        let second =
            "\n[[site]]\nname = 'pier'\ntime_zone = 'UTC'\ncurrency = 'GBP'\ninbox = ['./x/../inbox/pier']";
        let error = load(&format!("{WHOLE}{second}"), &[]).unwrap_err().to_string();
        assert!(
            error.contains(
                "`site.pier.inbox`: found `/etc/papertally/x/../inbox/pier`, which site `harbour` reads too"
            ),
            "{error}"
        );
        let twice = second.replace("pier", "HARBOUR").replace("inbox = ", "exclude_accounts = ");
        let error = load(&format!("{WHOLE}{twice}"), &[]).unwrap_err().to_string();
        assert!(error.contains("`site.HARBOUR.name`: found `HARBOUR` a second time"), "{error}");
    }

    #[test]
    fn a_slip_in_the_text_has_its_line_and_column() {
        let check = |text: &str, expected: &str| {
            let shown = load(text, &[]).unwrap_err().to_string();
            assert!(shown.starts_with(expected), "{shown}");
        };
        check("[ledger]\npath = ledger.sqlite\n", "`/etc/papertally/papertally.toml`, line 2, column 8: ");
        check("\u{feff}[ledger\n", "`/etc/papertally/papertally.toml`, line 1, column 8: ");
        check("[ledger]\npath = 'a'\npath = 'b'\n", "`/etc/papertally/papertally.toml`, line 3, column 1: ");
        let missing = Config::load(Path::new("/nowhere/papertally.toml"), &[]).unwrap_err();
        assert_eq!(missing.to_string(), "cannot read `/nowhere/papertally.toml`");
    }

    #[test]
    fn sites_can_be_read_without_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("papertally.toml");
        std::fs::write(
            &file,
            "[[site]]\nname = 'main'\ntime_zone = 'UTC'\ncurrency = 'EUR'\ninbox = ['in']\n",
        )
        .unwrap();
        let sites = load_sites(&file, &["site.main.quiet_seconds=5".to_owned()]).unwrap();
        assert_eq!((sites[0].quiet_seconds, sites[0].inbox[0].clone()), (5, folder.path().join("in")));
        assert!(load_sites(&file, &["site.main.quite_seconds=5".to_owned()]).is_err());
        assert!(Config::load(&file, &[]).is_err());
    }
}
