//! Handing a mail over: by SMTP, or as a file in a folder.
//!
//! What matters is what is known afterwards. [`Handover`] tells apart that the server took the mail, that it
//! surely did not, and that nobody knows, because the connection broke after the mail was sent and before
//! the server's word. Nothing is tried twice here. Addresses are masked in every text that comes out.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::{Error, SUBMISSION_PORT, SUBMISSIONS_PORT};

use super::files::{file_name, write_whole};
use super::mail::{Envelope, recipients, sender};
use crate::domain::Secret;

/// What is known after a mail was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handover {
    /// It was taken.
    Sent,
    /// It was surely not taken: it may be sent again. The text says why.
    Refused(String),
    /// It may have been taken or not: a person or the recipient's mailbox has to say. The text says why.
    Uncertain(String),
}

/// The way out.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Each mail becomes a file `<key>.eml` in this folder.
    Folder(PathBuf),
    /// A mail server.
    Smtp(SmtpSettings),
}

/// A mail server and how to speak to it.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// Its host name, which its certificate has to name.
    pub host: String,
    /// Its port; `None` takes the usual one of `security`.
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: Security,
    /// User name and password.
    pub login: Option<(String, Secret)>,
    /// Certificates in PEM, trusted beside the system's.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// The name by which papertally greets the server.
    pub hello_name: String,
    /// How long each step may take.
    pub timeout: Duration,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Begins in the open and has to become TLS; never goes on without it.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Plain text; only to this machine.
    None,
}

impl Security {
    const fn usual_port(self) -> u16 {
        match self {
            Security::StartTls => SUBMISSION_PORT,
            Security::Tls => SUBMISSIONS_PORT,
            Security::None => 25,
        }
    }
}

impl Transport {
    /// Hands a composed mail over, once.
    pub fn send(&self, envelope: &Envelope, message: &[u8]) -> Handover {
        match self {
            Transport::Folder(folder) => into_folder(folder.clone(), envelope, message),
            Transport::Smtp(settings) => settings.send(envelope, message),
        }
    }

    /// Whether the way out looks open, without a mail: the server answers, takes the login, or the folder is
    /// or can be made.
    ///
    /// # Errors
    /// One sentence that says what is wrong.
    pub fn probe(&self) -> Result<(), String> {
        match self {
            Transport::Folder(folder) => std::fs::create_dir_all(folder)
                .map_err(|error| format!("cannot create the folder `{}`: {error}", folder.display())),
            Transport::Smtp(settings) => settings.connect().map(|mut connection| connection.abort()),
        }
    }
}

fn into_folder(folder: PathBuf, envelope: &Envelope, message: &[u8]) -> Handover {
    let key = envelope.message_id.split('@').next().unwrap_or_default();
    match write_whole(&folder.join(file_name(key, "eml")), message) {
        Ok(_) => Handover::Sent,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            Handover::Refused(format!("{error}{}", cause.unwrap_or_default()))
        }
    }
}

impl SmtpSettings {
    fn send(&self, envelope: &Envelope, message: &[u8]) -> Handover {
        let mut connection = match self.connect() {
            Ok(connection) => connection,
            Err(text) => return Handover::Refused(text),
        };
        if let Err(text) = announce(&mut connection, envelope, message) {
            connection.abort();
            return Handover::Refused(text);
        }
        let outcome = match connection.message(message) {
            Ok(_) => Handover::Sent,
            // A status is the server's own word that it did not take the mail.
            Err(error) if error.status().is_some() => {
                Handover::Refused(reason("the server refused the mail", &error))
            }
            Err(error) => Handover::Uncertain(reason(
                "the connection broke after the mail was sent and before the server confirmed it",
                &error,
            )),
        };
        connection.abort();
        outcome
    }

    /// A connection that is protected as configured, and logged in.
    fn connect(&self) -> Result<SmtpConnection, String> {
        if self.security == Security::None && !is_loopback(&self.host) {
            return Err(format!(
                "`{}` is not this machine: expected `security = \"starttls\"` or `\"tls\"`, plain text goes to loopback only",
                self.host
            ));
        }
        let place = (self.host.as_str(), self.port.unwrap_or(self.security.usual_port()));
        let hello = ClientId::Domain(self.hello_name.clone());
        let tls = match self.security {
            Security::None => None,
            Security::StartTls | Security::Tls => Some(self.tls()?),
        };
        let at_once = tls.as_ref().filter(|_| self.security == Security::Tls);
        let mut connection = SmtpConnection::connect(place, Some(self.timeout), &hello, at_once, None)
            .map_err(|error| reason(&format!("cannot connect to `{}` port {}", place.0, place.1), &error))?;
        if let Some(tls) = tls.as_ref().filter(|_| self.security == Security::StartTls) {
            connection.starttls(tls, &hello).map_err(|error| reason("cannot start TLS", &error))?;
        }
        if let Some((user, password)) = &self.login {
            let login = Credentials::new(user.clone(), password.expose().to_owned());
            connection
                .auth(DEFAULT_MECHANISMS, &login)
                .map_err(|error| reason("the server refused the login", &error))?;
        }
        Ok(connection)
    }

    fn tls(&self) -> Result<TlsParameters, String> {
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(pem) = &self.extra_ca_pem {
            let certificate = Certificate::from_pem(pem)
                .map_err(|error| reason("cannot read the extra certificates", &error))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|error| reason("cannot prepare TLS", &error))
    }
}

/// Everything before the mail itself: up to here the server has taken nothing.
fn announce(connection: &mut SmtpConnection, envelope: &Envelope, message: &[u8]) -> Result<(), String> {
    let from = sender(envelope).map_err(|error| error.to_string())?.email;
    let recipients = recipients(envelope).map_err(|error| error.to_string())?;
    let mut options = Vec::new();
    let addresses = recipients.iter().map(|recipient| &recipient.email).chain([&from]);
    if addresses.into_iter().any(|address| !address.to_string().is_ascii()) {
        needs(connection, Extension::SmtpUtfEight, "an address has letters beyond ASCII")?;
        options.push(MailParameter::SmtpUtfEight);
    }
    if !message.is_ascii() {
        needs(connection, Extension::EightBitMime, "the mail has letters beyond ASCII")?;
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection
        .command(Mail::new(Some(from), options))
        .map_err(|error| reason("the server refused the sender", &error))?;
    for (index, recipient) in recipients.into_iter().enumerate() {
        connection
            .command(Rcpt::new(recipient.email, Vec::new()))
            .map_err(|error| reason(&format!("the server refused recipient {}", index + 1), &error))?;
    }
    connection.command(Data).map(drop).map_err(|error| reason("the server refused the mail", &error))
}

fn needs(connection: &SmtpConnection, extension: Extension, why: &str) -> Result<(), String> {
    if connection.server_info().supports_feature(extension) {
        return Ok(());
    }
    Err(format!("{why}, which this server does not take ({extension})"))
}

/// `localhost`, `127.0.0.0/8`, `::1`.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What failed and what the server or the system says about it, on one line and without addresses.
fn reason(what: &str, error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let status = error.status().map(|status| format!(" ({status})")).unwrap_or_default();
    without_addresses(&format!("{what}{status}{cause}"))
}

/// Every word with an `@` becomes `…@…`; line breaks become blanks.
fn without_addresses(text: &str) -> String {
    let masked = |word: &str| if word.contains('@') { "…@…".to_owned() } else { word.to_owned() };
    text.split_whitespace().map(masked).collect::<Vec<_>>().join(" ")
}
