//! Handing a mail over: by SMTP, or as a file in a folder.
//!
//! What matters is what is known afterwards. [`Handover`] tells apart that the server took the mail, that it
//! surely did not, and that nobody knows, because the connection broke after the mail was sent and before
//! the server's word. Nothing is tried twice here. Addresses are masked in every text that comes out.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
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
            Transport::Folder(folder) => probe_folder(folder),
            Transport::Smtp(settings) => settings.connect().map(|mut connection| connection.abort()),
        }
    }
}

/// Tries out a folder that may not be there yet, in the nearest one that is, and leaves nothing behind.
fn probe_folder(folder: &Path) -> Result<(), String> {
    let existing = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(folder);
    tempfile::tempfile_in(existing)
        .map(drop)
        .map_err(|error| format!("cannot write to the folder `{}`: {error}", existing.display()))
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
    let cause =
        std::error::Error::source(error).map(|cause| format!(": {}", words(cause))).unwrap_or_default();
    let status = error.status().map(|status| format!(" ({status})")).unwrap_or_default();
    without_addresses(&format!("{what}{status}{cause}"))
}

/// The system's word for a time-out would send people looking for a lack of resources.
fn words(cause: &(dyn std::error::Error + 'static)) -> String {
    match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => "no answer in time".to_owned(),
        _ => cause.to_string(),
    }
}

/// Every word with an `@` becomes `…@…`; line breaks become blanks.
fn without_addresses(text: &str) -> String {
    let masked = |word: &str| if word.contains('@') { "…@…".to_owned() } else { word.to_owned() };
    text.split_whitespace().map(masked).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread::JoinHandle;

    use super::*;
    use crate::outputs::mail::compose;
    use crate::outputs::mail::tests::envelope;

    /// What the server does where it does not simply agree.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Manner {
        Agree,
        /// Answers the command that starts so with this line.
        Answer(&'static str, &'static str),
        /// Answers the end of the mail with this line.
        AfterMail(&'static str),
        /// Hangs up instead of answering the end of the mail.
        DropAfterMail,
        /// Hangs up at once.
        DropAtOnce,
        /// Says nothing any more after the end of the mail.
        FallSilent,
    }

    /// One SMTP conversation on loopback; gives back what the client said, mail included.
    fn server(manner: Manner) -> (SmtpSettings, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = SmtpSettings {
            host: "127.0.0.1".into(),
            port: Some(listener.local_addr().unwrap().port()),
            security: Security::None,
            login: None,
            extra_ca_pem: None,
            hello_name: "papertally.example".into(),
            timeout: Duration::from_millis(500),
        };
        (settings, std::thread::spawn(move || converse(&listener.accept().unwrap().0, manner)))
    }

    fn converse(mut stream: &TcpStream, manner: Manner) -> String {
        let mut heard = String::new();
        if manner == Manner::DropAtOnce {
            return heard;
        }
        stream.write_all(b"220 test ESMTP\r\n").unwrap();
        let mut in_mail = false;
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            heard.push_str(&line);
            heard.push('\n');
            let answer = match (in_mail, manner) {
                (true, _) if line != "." => continue,
                (true, Manner::DropAfterMail) => return heard,
                (true, Manner::FallSilent) => {
                    in_mail = false;
                    continue;
                }
                (true, Manner::AfterMail(answer)) => answer,
                (true, _) => "250 kept",
                (false, Manner::Answer(start, answer)) if line.starts_with(start) => answer,
                (false, Manner::FallSilent) if heard.contains("\n.\n") => continue,
                (false, _) if line.starts_with("EHLO") => "250-test\r\n250 AUTH PLAIN",
                (false, _) if line.starts_with("AUTH") => "235 welcome",
                (false, _) if line == "DATA" => "354 go on",
                (false, _) if line == "QUIT" => "221 bye",
                (false, _) => "250 fine",
            };
            in_mail = !in_mail && answer.starts_with("354");
            if stream.write_all(format!("{answer}\r\n").as_bytes()).is_err() {
                break;
            }
        }
        heard
    }

    fn mail() -> Vec<u8> {
        compose(&envelope(), "one\n.\n..two\n", "<p>one</p>", &[]).unwrap()
    }

    #[test]
    fn a_mail_that_is_taken_is_sent_once_and_whole() {
        let (settings, server) = server(Manner::Agree);
        assert_eq!(Transport::Smtp(settings).send(&envelope(), &mail()), Handover::Sent);
        let heard = server.join().unwrap();
        assert!(heard.starts_with("EHLO papertally.example\nMAIL FROM:<print@harbour.example>"), "{heard}");
        assert!(
            heard.contains("\nRCPT TO:<ann@harbour.example>\nRCPT TO:<bob@harbour.example>\nDATA\n"),
            "{heard}"
        );
        assert!(heard.contains("\none\n..\n...two\n"), "lone dots are doubled: {heard}");
    }

    #[test]
    fn outcomes_are_told_apart_and_name_no_address() {
        let check = |manner: Manner, expected: Handover| {
            let (settings, server) = server(manner);
            assert_eq!(Transport::Smtp(settings).send(&envelope(), &mail()), expected);
            server.join().unwrap();
        };
        let refused = |text: &str| Handover::Refused(text.to_owned());
        let uncertain = |cause: &str| {
            Handover::Uncertain(format!(
                "the connection broke after the mail was sent and before the server confirmed it: {cause}"
            ))
        };
        check(
            Manner::Answer("RCPT TO:<bob", "550 5.1.1 <bob@harbour.example>: no such user"),
            refused("the server refused recipient 2 (550): 5.1.1 …@… no such user"),
        );
        check(
            Manner::Answer("RCPT", "451 4.7.1 greylisted, try again"),
            refused("the server refused recipient 1 (451): 4.7.1 greylisted, try again"),
        );
        check(
            Manner::Answer("MAIL", "530 5.7.0 login first"),
            refused("the server refused the sender (530): 5.7.0 login first"),
        );
        check(Manner::Answer("DATA", "503 no"), refused("the server refused the mail (503): no"));
        check(Manner::AfterMail("552 too big"), refused("the server refused the mail (552): too big"));
        check(Manner::AfterMail("452 disk full"), refused("the server refused the mail (452): disk full"));
        check(Manner::DropAfterMail, uncertain("incomplete response"));
        check(Manner::AfterMail("what?"), uncertain("error Tag at: what?"));
        check(Manner::FallSilent, uncertain("no answer in time"));
    }

    #[test]
    fn without_a_connection_nothing_was_sent() {
        let (settings, at_once) = server(Manner::DropAtOnce);
        let outcome = Transport::Smtp(settings.clone()).send(&envelope(), &mail());
        assert!(
            matches!(&outcome, Handover::Refused(text) if text.starts_with("cannot connect to `127.0.0.1` port")),
            "{outcome:?}"
        );
        at_once.join().unwrap();
        let outcome = Transport::Smtp(settings).send(&envelope(), &mail());
        assert!(
            matches!(&outcome, Handover::Refused(text) if text.starts_with("cannot connect")),
            "{outcome:?}"
        );
    }

    #[test]
    fn a_login_is_used_and_never_shown() {
        let (mut settings, taken) = server(Manner::Agree);
        settings.login = Some(("print".into(), Secret::new("hunter2")));
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert_eq!(Transport::Smtp(settings).probe(), Ok(()));
        assert!(taken.join().unwrap().contains("AUTH PLAIN AHByaW50AGh1bnRlcjI="));

        let (mut settings, refused) =
            server(Manner::Answer("AUTH", "535 5.7.8 wrong for print@harbour.example"));
        settings.login = Some(("print".into(), Secret::new("hunter2")));
        assert_eq!(
            Transport::Smtp(settings).probe(),
            Err("the server refused the login (535): 5.7.8 wrong for …@…".into())
        );
        refused.join().unwrap();
    }

    #[test]
    fn plain_text_goes_to_this_machine_only_and_starttls_never_goes_on_without() {
        let (mut settings, unused) = server(Manner::Agree);
        settings.host = "mail.harbour.example".into();
        assert_eq!(
            Transport::Smtp(settings.clone()).send(&envelope(), &mail()),
            Handover::Refused(
                "`mail.harbour.example` is not this machine: expected `security = \"starttls\"` or `\"tls\"`, plain text goes to loopback only".into()
            )
        );
        settings.host = "127.0.0.1".into();
        settings.security = Security::StartTls;
        assert_eq!(
            Transport::Smtp(settings).send(&envelope(), &mail()),
            Handover::Refused("cannot start TLS: STARTTLS is not supported on this server".into())
        );
        assert!(!unused.join().unwrap().contains("MAIL"));
    }

    #[test]
    fn loopback_is_told_by_name_or_address() {
        for here in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in ["localhost.example", "10.0.0.1", "mail", "::2", ""] {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn a_folder_is_tried_out_without_being_made() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Transport::Folder(folder.path().join("out/mail")).probe(), Ok(()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let refused = Transport::Folder(file.join("mail")).probe().unwrap_err();
        assert!(refused.starts_with("cannot write to the folder `"), "{refused}");
    }

    #[test]
    fn a_folder_takes_each_mail_once() {
        let folder = tempfile::tempdir().unwrap();
        let transport = Transport::Folder(folder.path().join("mail"));
        assert_eq!(transport.send(&envelope(), &mail()), Handover::Sent);
        assert_eq!(transport.send(&envelope(), &mail()), Handover::Sent);
        assert_eq!(std::fs::read(folder.path().join("mail/0a7b48df-d989.eml")).unwrap(), mail());
        let other = transport.send(&envelope(), b"another");
        assert!(
            matches!(&other, Handover::Refused(text) if text.contains("already there with other content")),
            "{other:?}"
        );
    }
}
