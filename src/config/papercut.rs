//! `[site.papercut]`: a server's web services, the reports that it is asked for, and how its balances are changed.

use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveTime;

use super::paths::Paths;
use super::raw::Section;
use super::secrets::{SecretSource, source};
use crate::domain::{BalanceMode, Money};
use crate::papercut::CertificateSha256;

/// `[site.papercut]`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PapercutConfig {
    /// Address of the web services, as written.
    pub url: String,
    /// Where the token is.
    pub token: SecretSource,
    /// Whom to trust over HTTPS.
    pub trust: TrustConfig,
    /// How long one call may take.
    pub timeout: Duration,
    /// Calls that are under way at once while users and accounts are read.
    pub calls_in_flight: usize,
    /// Whether `run` reads users, shared accounts and balances.
    pub read_balances: bool,
    /// The personal account that is read and changed, where users have several.
    pub personal_account: Option<String>,
    /// Reports that the server is asked for.
    pub reports: Vec<ReportOrder>,
    /// How balances are changed.
    pub changes: ChangeConfig,
}

/// Whom to trust over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustConfig {
    /// The system's authorities.
    System,
    /// Those, and the certificates of a file.
    File(PathBuf),
    /// The certificate with this SHA-256.
    Pinned(CertificateSha256),
}

/// How balances are changed after billing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeConfig {
    /// The mode of plans that name none.
    pub mode: BalanceMode,
    /// When the server books the quota, on the first day of a month.
    pub quota_time: NaiveTime,
    /// Largest change of one account, without its sign.
    pub account_max: Option<Money>,
    /// Largest sum of the changes of one run, without their signs.
    pub run_max: Option<Money>,
    /// Days that a change waits after its lines were issued.
    pub hold_days: u32,
    /// Users whose balances are never changed, as written.
    pub exclude_users: Vec<String>,
    /// Shared accounts whose balances are never changed, as written.
    pub exclude_accounts: Vec<String>,
}

/// A report that the server is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOrder {
    /// Its name in messages.
    pub name: String,
    /// Its title on the server; of an ad hoc report, the first part of its name.
    pub title: String,
    /// Type, parameters and file type of an ad hoc report; a scheduled one has none.
    pub ad_hoc: Option<AdHocOrder>,
    /// Where the server writes it, as the server sees it; with `{from}`, `{to}` and `{month}`.
    pub save_as: String,
    /// The folder in which it appears, as this machine sees it.
    pub pick_up: PathBuf,
    /// The days that it is about.
    pub covers: Covers,
    /// When it is asked for.
    pub when: OrderWhen,
    /// How long to wait for the whole file.
    pub wait: Duration,
}

/// What an ad hoc report is made of: opaque texts, with `{from}`, `{to}` and `{month}` in the parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdHocOrder {
    /// PaperCut's type of report.
    pub report_type: String,
    /// Its parameters.
    pub parameters: String,
    /// Its file type.
    pub extension: String,
}

/// The days that a report is about, seen from the day on which it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    /// The day before.
    Yesterday,
    /// The month of the day before, up to it or to its end.
    ThisMonth,
    /// The month before.
    LastMonth,
}

/// When a report is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderWhen {
    /// When no report speaks for one of its days yet.
    Missing,
    /// On every run: refunds of the last days come with it.
    Always,
}

/// Longest time for one call: ten minutes.
const TIMEOUT_SECONDS_MAX: u32 = 600;
const TIMEOUT_SECONDS_DEFAULT: u32 = 60;

/// More calls at once slow the server down for those who print.
const CALLS_IN_FLIGHT_MAX: u32 = 16;
const CALLS_IN_FLIGHT_DEFAULT: u32 = 4;

/// Longest wait for a report: two hours.
const WAIT_SECONDS_MAX: u32 = 2 * 60 * 60;
const WAIT_SECONDS_DEFAULT: u32 = 300;

/// Longest hold: a year.
const HOLD_DAYS_MAX: u32 = 366;

pub(super) fn papercut(section: &Section<'_>, paths: &Paths) -> Option<PapercutConfig> {
    let url = section.needed_text("url", "an address such as `https://print.example:9192`");
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if url.contains('@') {
        // A password may stand before the sign: the address is not shown.
        section.problem("url", "an address with a user in it", "the token in `token_file` or `token_env`");
    } else if !url.is_empty() && rest.is_none_or(|rest| rest.is_empty() || rest.starts_with(['/', ':'])) {
        section.problem("url", format!("`{url}`"), "an address such as `https://print.example:9192`");
    }
    let token = source(section, "token", |path| paths.at(path));
    if token.is_none() && !section.has("token_file") && !section.has("token_env") {
        section.problem("token_file", "nothing", "it, or `token_env`");
    }
    let timeout =
        section.whole("timeout_seconds", 1..=TIMEOUT_SECONDS_MAX).unwrap_or(TIMEOUT_SECONDS_DEFAULT);
    let in_flight =
        section.whole("calls_in_flight", 1..=CALLS_IN_FLIGHT_MAX).unwrap_or(CALLS_IN_FLIGHT_DEFAULT);
    let read_balances = section.flag("read_balances", true);
    let changes = changes(section);
    if !read_balances && matches!(changes.mode, BalanceMode::Target(_) | BalanceMode::Overage) {
        section.problem("read_balances", "`false`", "`true`: these balance changes go by what was read");
    }
    Some(PapercutConfig {
        trust: trust(section, paths, &url),
        url,
        token: token?,
        timeout: Duration::from_secs(timeout.into()),
        calls_in_flight: usize::try_from(in_flight).unwrap_or(1),
        read_balances,
        personal_account: section.text("personal_account"),
        reports: section.sections("report").iter().map(|report| order(report, paths)).collect(),
        changes,
    })
}

fn trust(section: &Section<'_>, paths: &Paths, url: &str) -> TrustConfig {
    let file = paths.optional(section, "ca_file");
    let pinned = section.text("certificate_sha256");
    for key in ["ca_file", "certificate_sha256"].iter().filter(|key| section.has(key)) {
        if url.starts_with("http://") {
            section.problem(key, "it with an address that begins with `http://`", "`https://`, or nothing");
        }
    }
    if file.is_some() && pinned.is_some() {
        section.problem("certificate_sha256", "it beside `ca_file`", "one of the two");
    }
    match (file, pinned) {
        (Some(file), _) => TrustConfig::File(file),
        (None, Some(text)) => match CertificateSha256::parse(&text) {
            Some(fingerprint) => TrustConfig::Pinned(fingerprint),
            None => {
                section.problem("certificate_sha256", format!("`{text}`"), "64 hexadecimal digits");
                TrustConfig::System
            }
        },
        (None, None) => TrustConfig::System,
    }
}

fn changes(section: &Section<'_>) -> ChangeConfig {
    let time = section.text("quota_time");
    let read = |text: &String| NaiveTime::parse_from_str(text, "%H:%M").ok();
    if let Some(text) = time.as_ref().filter(|text| read(text).is_none()) {
        section.problem("quota_time", format!("`{text}`"), "a time of day such as `00:30`");
    }
    ChangeConfig {
        mode: mode(section, &["none", "invoiced", "target", "overage"]).unwrap_or_default(),
        // PaperCut's manual: monthly quota is booked at 00:30 on the first day.
        quota_time: time.as_ref().and_then(read).or(NaiveTime::from_hms_opt(0, 30, 0)).unwrap_or_default(),
        account_max: section.amount("account_change_max"),
        run_max: section.amount("run_change_max"),
        hold_days: section.whole("hold_days", 0..=HOLD_DAYS_MAX).unwrap_or_default(),
        exclude_users: section.texts("exclude_users"),
        exclude_accounts: section.texts("exclude_accounts"),
    }
}

/// `balance_changes` and `balance_target`, of a site or of a plan.
pub(super) fn mode(section: &Section<'_>, words: &[&'static str]) -> Option<BalanceMode> {
    let words: Vec<(&str, &str)> = words.iter().map(|word| (*word, *word)).collect();
    let word = section.choice("balance_changes", &words);
    let target = section.amount("balance_target");
    if section.has("balance_target") && word != Some("target") {
        section.problem("balance_target", "it without `balance_changes = \"target\"`", "both, or neither");
    }
    Some(match word? {
        "invoiced" => BalanceMode::Invoiced,
        "overage" => BalanceMode::Overage,
        "target" => {
            if !section.has("balance_target") {
                section.problem("balance_target", "nothing", "the balance to come to, such as `\"30.00\"`");
            }
            BalanceMode::Target(target.unwrap_or_default())
        }
        _ => BalanceMode::None,
    })
}

fn order(section: &Section<'_>, paths: &Paths) -> ReportOrder {
    let ad_hoc = section.has("type").then(|| AdHocOrder {
        report_type: section.text("type").unwrap_or_default(),
        parameters: section.text("parameters").unwrap_or_default(),
        extension: section.needed_text("extension", "the file type, as the server names it"),
    });
    for key in ["parameters", "extension"].iter().filter(|key| section.has(key) && ad_hoc.is_none()) {
        section.problem(key, "it without `type`", "`type` too, or nothing: a scheduled report has its own");
    }
    let covers = [
        ("yesterday", Covers::Yesterday),
        ("this-month", Covers::ThisMonth),
        ("last-month", Covers::LastMonth),
    ];
    let whens = [("missing", OrderWhen::Missing), ("always", OrderWhen::Always)];
    let wait = section.whole("wait_seconds", 1..=WAIT_SECONDS_MAX).unwrap_or(WAIT_SECONDS_DEFAULT);
    ReportOrder {
        name: section.needed_text("name", "a name for messages, such as `daily`"),
        title: section.needed_text("title", "the report's title on the server"),
        ad_hoc,
        save_as: section.needed_text("save_as", "the path to write to, as the server sees it"),
        pick_up: paths.needed(section, "pick_up", "the folder in which it appears, as this machine sees it"),
        covers: section.needed_choice("covers", &covers).unwrap_or(Covers::Yesterday),
        when: section.choice("when", &whens).unwrap_or(OrderWhen::Missing),
        wait: Duration::from_secs(wait.into()),
    }
}
