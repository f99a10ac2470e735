//! A mail as bytes: text and HTML side by side, with attachments.
//!
//! Composing is pure, and the same parts give the same bytes: date and Message-ID are given, and the MIME
//! boundaries are derived from the content. So the mail can be recorded before it is sent, and a repeat is
//! seen to be the same mail. No error here shows an address: errors end up in logs.

use std::fmt;

use chrono::{DateTime, FixedOffset};
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as Part, Body, Mailbox, Message, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

/// Who gets the mail from whom, and its head.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The sender: `print@example.org` or `Print <print@example.org>`.
    pub from: String,
    /// The recipients, in the same form.
    pub to: Vec<String>,
    /// Where answers go, where not to the sender.
    pub reply_to: Option<String>,
    /// `key@host`, without brackets.
    pub message_id: String,
    /// When the mail was composed.
    pub date: DateTime<FixedOffset>,
    /// The subject; line breaks become blanks.
    pub subject: String,
}

/// Without addresses, which must not get into a log.
impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("recipients", &self.to.len())
            .field("message_id", &self.message_id)
            .field("date", &self.date)
            .finish_non_exhaustive()
    }
}

/// A file that goes with the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name; the ending decides the content type.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Why a mail could not be composed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// An address cannot be read.
    #[error(
        "address {position} of `{field}` is not a mail address: expected `name@host` or `Name <name@host>`"
    )]
    Address {
        /// `from`, `to` or `reply_to`.
        field: &'static str,
        /// Its place in the list, from 1.
        position: usize,
    },
    /// Nobody gets it.
    #[error("the mail has no recipient: expected at least one address in `to`")]
    NoRecipient,
    /// The Message-ID would not be one.
    #[error("the Message-ID is `{0}`, expected `key@host` of letters, digits and `.-_`")]
    MessageId(String),
    /// The mail builder failed.
    #[error("cannot compose the mail")]
    Build,
}

/// The Message-ID of a delivery: its key, at a host name that the configuration gives.
pub fn message_id(key: &str, host: &str) -> String {
    format!("{key}@{host}")
}

/// Composes the mail.
///
/// # Errors
/// An address or Message-ID that is none; no recipient.
pub fn compose(
    envelope: &Envelope,
    text: &str,
    html: &str,
    attachments: &[Attachment],
) -> Result<Vec<u8>, MailError> {
    if !is_message_id(&envelope.message_id) {
        return Err(MailError::MessageId(envelope.message_id.clone()));
    }
    let mut builder = Message::builder()
        .from(address(&envelope.from, "from", 1)?)
        .subject(envelope.subject.split_whitespace().collect::<Vec<_>>().join(" "))
        .message_id(Some(format!("<{}>", envelope.message_id)))
        .date(std::time::SystemTime::from(envelope.date));
    for recipient in recipients(envelope)? {
        builder = builder.to(recipient);
    }
    if let Some(reply_to) = &envelope.reply_to {
        builder = builder.reply_to(address(reply_to, "reply_to", 1)?);
    }
    let digest = content_digest(envelope, text, html, attachments);
    let bodies = MultiPart::alternative()
        .boundary(format!("=_papertally_a_{digest}"))
        .singlepart(SinglePart::plain(text.to_owned()))
        .singlepart(SinglePart::html(html.to_owned()));
    let content = attachments.iter().try_fold(
        MultiPart::mixed().boundary(format!("=_papertally_m_{digest}")).multipart(bodies),
        |content, attachment| Ok(content.singlepart(attached(attachment)?)),
    )?;
    let mut message = builder.multipart(content).map_err(|_| MailError::Build)?;
    // The builder writes UTC; readers are used to see the local time of the sender.
    let date = HeaderName::new_from_ascii_str("Date");
    message.headers_mut().insert_raw(HeaderValue::new(date, envelope.date.to_rfc2822()));
    Ok(message.formatted())
}

/// The addresses of `to`.
pub(super) fn recipients(envelope: &Envelope) -> Result<Vec<Mailbox>, MailError> {
    if envelope.to.is_empty() {
        return Err(MailError::NoRecipient);
    }
    envelope.to.iter().enumerate().map(|(index, text)| address(text, "to", index + 1)).collect()
}

/// The address of `from`.
pub(super) fn sender(envelope: &Envelope) -> Result<Mailbox, MailError> {
    address(&envelope.from, "from", 1)
}

fn address(text: &str, field: &'static str, position: usize) -> Result<Mailbox, MailError> {
    text.parse().map_err(|_| MailError::Address { field, position })
}

/// A safe subset of RFC 5322's `dot-atom@dot-atom`.
fn is_message_id(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    text.split_once('@').is_some_and(|(key, host)| plain(key) && plain(host))
}

fn attached(attachment: &Attachment) -> Result<SinglePart, MailError> {
    let ending = attachment.name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let content_type = match ending {
        "csv" => "text/csv",
        "json" => "application/json",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "html" => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    };
    let content_type = ContentType::parse(content_type).map_err(|_| MailError::Build)?;
    // Always base64: the other encodings may rewrite line ends, and the file must arrive byte by byte.
    let body = Body::new_with_encoding(attachment.bytes.clone(), ContentTransferEncoding::Base64);
    Ok(Part::new(attachment.name.clone()).body(body.map_err(|_| MailError::Build)?, content_type))
}

/// A boundary must not stand in the content: it holds a hash of the content, which cannot name itself.
fn content_digest(envelope: &Envelope, text: &str, html: &str, attachments: &[Attachment]) -> String {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| hash.update(Sha256::digest(bytes));
    part(envelope.message_id.as_bytes());
    part(text.as_bytes());
    part(html.as_bytes());
    for attachment in attachments {
        part(attachment.name.as_bytes());
        part(&attachment.bytes);
    }
    hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::outputs) fn envelope() -> Envelope {
        Envelope {
            from: "Print <print@harbour.example>".into(),
            to: vec!["ann@harbour.example".into(), "Bob Ünal <bob@harbour.example>".into()],
            reply_to: Some("office@harbour.example".into()),
            message_id: message_id("0a7b48df-d989", "harbour.example"),
            date: DateTime::parse_from_rfc3339("2026-07-02T06:00:00+01:00").unwrap(),
            subject: "Überblick\r\nBcc: x@y.example".into(),
        }
    }

    fn composed(attachments: &[Attachment]) -> String {
        let mail = compose(&envelope(), "Größe: 1\n", "<p>Größe: 1</p>\n", attachments).unwrap();
        String::from_utf8(mail).unwrap()
    }

    #[test]
    fn the_head_is_ours_and_one_line_each() {
        let mail = composed(&[]);
        let head = mail.split("\r\n\r\n").next().unwrap();
        insta::assert_snapshot!(head.replace('\r', ""), @r#"
        From: Print <print@harbour.example>
        Subject: =?utf-8?b?w5xiZXJibGljaw==?= Bcc: x@y.example
        Message-ID: <0a7b48df-d989@harbour.example>
        Date: Thu, 2 Jul 2026 06:00:00 +0100
        To: ann@harbour.example, =?utf-8?b?Qm9iIMOcbmFs?= <bob@harbour.example>
        Reply-To: office@harbour.example
        MIME-Version: 1.0
        Content-Type: multipart/mixed;
         boundary="=_papertally_m_a0a90d653c2249803709814e"
        "#);
        assert!(mail.is_ascii(), "safe for servers without 8BITMIME");
    }

    #[test]
    fn text_html_and_attachments_are_parts() {
        let attachments = [
            Attachment { name: "lines.csv".into(), bytes: b"a,b\r\n1,2\r\n".to_vec() },
            Attachment { name: "größe.xlsx".into(), bytes: vec![0, 159, 146, 150] },
        ];
        let mail = composed(&attachments);
        for part in [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "text/html",
            "text/csv",
            "spreadsheetml",
        ] {
            assert!(mail.contains(part), "{part}");
        }
        assert!(mail.contains("filename=\"lines.csv\""));
        assert!(mail.contains("YSxiDQoxLDINCg=="), "byte by byte");
    }

    #[test]
    fn the_same_parts_give_the_same_bytes() {
        let attachment = |byte| [Attachment { name: "a.csv".into(), bytes: vec![byte] }];
        assert_eq!(composed(&attachment(1)), composed(&attachment(1)));
        assert_ne!(composed(&attachment(1)), composed(&attachment(2)));
    }

    #[test]
    fn what_is_no_address_is_named_by_its_place_alone() {
        let check = |change: fn(&mut Envelope), expected: &str| {
            let mut envelope = envelope();
            change(&mut envelope);
            assert_eq!(compose(&envelope, "", "", &[]).unwrap_err().to_string(), expected);
        };
        check(
            |envelope| envelope.to[1] = "bob at harbour".into(),
            "address 2 of `to` is not a mail address: expected `name@host` or `Name <name@host>`",
        );
        check(
            |envelope| envelope.from = String::new(),
            "address 1 of `from` is not a mail address: expected `name@host` or `Name <name@host>`",
        );
        check(
            |envelope| envelope.to.clear(),
            "the mail has no recipient: expected at least one address in `to`",
        );
        check(
            |envelope| envelope.message_id = "a b@c".into(),
            "the Message-ID is `a b@c`, expected `key@host` of letters, digits and `.-_`",
        );
        assert!(!format!("{:?}", envelope()).contains("ann@"));
    }
}
