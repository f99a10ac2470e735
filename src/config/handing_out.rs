//! `[output]` and `[mail]`: what is written, where it goes and who is told.

use std::net::IpAddr;
use std::path::PathBuf;

use super::paths::Paths;
use super::raw::{Section, one_of};
use super::receivers::ReceiverConfig;
use super::secrets::{SecretSource, source};

/// `[output]`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputConfig {
    /// The folder of everything that is written for people and receivers.
    pub folder: PathBuf,
    /// A folder whose templates go before the embedded ones.
    pub templates: Option<PathBuf>,
    /// Whether each payer gets a statement.
    pub statements: bool,
}

/// `[mail]`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailConfig {
    /// How a mail leaves.
    pub transport: MailTransport,
    /// The sender.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// The receivers whose files are attached.
    pub attach: Vec<String>,
    /// When a summary is sent.
    pub when: MailWhen,
}

/// When a summary is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailWhen {
    /// After each run.
    Always,
    /// Only after a run that did something or found something.
    News,
}

/// How a mail leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailTransport {
    /// As a file in this folder.
    Folder(PathBuf),
    /// To a mail server.
    Smtp(SmtpConfig),
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpConfig {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept private.
    pub security: SmtpSecurity,
    /// User name, and where the password is.
    pub login: Option<(String, SecretSource)>,
    /// Certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How long one step may take.
    pub timeout_seconds: u32,
}

/// How a mail connection is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// STARTTLS, which the server has to offer.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// None: to this machine only.
    None,
}

const TIMEOUT_SECONDS_DEFAULT: u32 = 30;

/// Longest wait for one step of a mail server: ten minutes, the longest that SMTP asks for.
const TIMEOUT_SECONDS_MAX: u32 = 600;

pub(super) fn output(section: &Section<'_>, paths: &Paths) -> OutputConfig {
    OutputConfig {
        folder: paths.needed(section, "folder", "the folder for everything that is written, such as `out`"),
        templates: paths.optional(section, "templates"),
        statements: section.flag("statements", true),
    }
}

pub(super) fn mail(
    section: &Section<'_>,
    paths: &Paths,
    output: &OutputConfig,
    receivers: &[ReceiverConfig],
) -> Option<MailConfig> {
    let words = [("folder", true), ("smtp", false)];
    let in_folder = section.needed_choice("transport", &words);
    let from = section.needed_text("from", "the sender's address");
    let to = section.texts("to");
    let reply_to = section.text("reply_to");
    // Addresses are personal data: a wrong one is not repeated in the message.
    let mut addresses = vec![("from", &from)];
    addresses.extend(to.iter().map(|address| ("to", address)));
    addresses.extend(reply_to.iter().map(|address| ("reply_to", address)));
    for (key, address) in addresses.into_iter().filter(|(_, address)| !address.is_empty()) {
        if !is_address(address) {
            section.problem(key, "a text that is no address", "an address such as `print@harbour.example`");
        }
    }
    if to.is_empty() {
        section.problem("to", "nobody", "a list with at least one address");
    }
    let attach = section.texts("attach");
    for name in attach.iter().filter(|name| receivers.iter().all(|receiver| receiver.name != **name)) {
        let known = one_of(receivers.iter().map(|receiver| receiver.name.as_str()));
        section.problem("attach", format!("`{name}`"), format!("the names of receivers: {known}"));
    }
    let when = section.choice("when", &[("always", MailWhen::Always), ("news", MailWhen::News)]);
    let folder = output.folder.join(section.text("folder").unwrap_or_else(|| "mail".to_owned()));
    let smtp =
        (section.has("smtp") || in_folder == Some(false)).then(|| smtp(&section.section("smtp"), paths));
    let transport = match (in_folder?, smtp.flatten()) {
        (true, _) => MailTransport::Folder(folder),
        (false, smtp) => MailTransport::Smtp(smtp?),
    };
    Some(MailConfig { transport, from, to, reply_to, attach, when: when.unwrap_or(MailWhen::News) })
}

/// `name@domain`, with or without a display name before it in `<…>`.
fn is_address(text: &str) -> bool {
    let bare = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(""),
        None => text,
    };
    let parts = bare.split_once('@');
    !text.chars().any(char::is_control)
        && !bare.chars().any(char::is_whitespace)
        && parts.is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty() && !domain.contains('@'))
}

fn smtp(section: &Section<'_>, paths: &Paths) -> Option<SmtpConfig> {
    let host = section.needed_text("host", "the mail server's name");
    let words =
        [("starttls", SmtpSecurity::StartTls), ("tls", SmtpSecurity::Tls), ("none", SmtpSecurity::None)];
    let security = section.needed_choice("security", &words);
    if security == Some(SmtpSecurity::None) && !host.is_empty() && !is_loopback(&host) {
        section.problem(
            "security",
            format!("`none` with the host `{host}`"),
            "`starttls` or `tls`: plain text is for this machine only",
        );
    }
    let standard = match security {
        Some(SmtpSecurity::Tls) => 465,
        Some(SmtpSecurity::None) => 25,
        Some(SmtpSecurity::StartTls) | None => 587,
    };
    let username = section.text("username");
    let password = source(section, "password", |path| paths.at(path));
    let given = section.has("password_file") || section.has("password_env");
    if username.is_some() && !given {
        section.problem("password_file", "nothing", "it, or `password_env`, beside `username`");
    } else if given && !section.has("username") {
        section.problem("username", "nothing", "the user of the password");
    }
    Some(SmtpConfig {
        host,
        port: section.whole("port", 1..=u16::MAX).unwrap_or(standard),
        security: security?,
        login: username.zip(password),
        ca_file: paths.optional(section, "ca_file"),
        timeout_seconds: section
            .whole("timeout_seconds", 1..=TIMEOUT_SECONDS_MAX)
            .unwrap_or(TIMEOUT_SECONDS_DEFAULT),
    })
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
