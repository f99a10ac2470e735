//! What went wrong with a call, and whether the server can have acted on it.

use super::faults::{Fault, FaultKind};
use super::xmlrpc::{AnswerError, shortened};
use crate::domain::Secret;

/// A call that gave no result. Never holds the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{method}{}: {fault}{}", about(.subject), advice(.fault))]
pub struct CallError {
    /// The method, such as `api.getUserAccountBalance`.
    pub method: &'static str,
    /// Whom or what it was about: a username, an account, a report; or empty.
    pub subject: String,
    /// Why.
    pub fault: CallFault,
}

impl CallError {
    /// A list that ends before the server's own count: what is not in it is not known.
    pub fn too_few(method: &'static str, listed: i32, counted: i32) -> CallError {
        let found = format!("a list of {listed}");
        let fault = CallFault::TooFew { found, counted };
        CallError { method, subject: String::new(), fault }
    }
}

impl CallError {
    /// The same without the token, which a server may repeat in what it says.
    pub(super) fn without(mut self, token: &Secret) -> CallError {
        let masked = |text: &str| text.replace(token.expose(), "***");
        match &mut self.fault {
            CallFault::Fault(fault) => fault.text = masked(&fault.text),
            CallFault::Answer(AnswerError::Xml(text) | AnswerError::Shape { found: text, .. })
            | CallFault::Type { found: text, .. }
            | CallFault::Dropped(text) => *text = masked(text),
            _ => {}
        }
        self
    }
}

fn about(subject: &str) -> String {
    if subject.is_empty() { String::new() } else { format!(" for `{}`", shortened(subject)) }
}

fn advice(fault: &CallFault) -> String {
    let advice = fault.advice();
    if advice.is_empty() { String::new() } else { format!("; {advice}") }
}

/// Why a call gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFault {
    /// The host's name leads nowhere.
    #[error("the host name is not known")]
    HostUnknown,
    /// Nothing listens at the port.
    #[error("nothing listens at that port (connection refused)")]
    PortClosed,
    /// No way to the host, or it does not answer at all.
    #[error("the host cannot be reached ({0})")]
    NoRoute(String),
    /// The server's certificate is not trusted, or TLS failed otherwise.
    #[error("{0}")]
    Tls(TlsFault),
    /// The call was sent and no answer came in time.
    #[error("no answer in time")]
    TimeOut,
    /// The connection ended after the call was sent and before the answer was there.
    #[error("the connection ended before the answer was there ({0})")]
    Dropped(String),
    /// An HTTP status that is no answer to a call.
    #[error("found HTTP status {status}{}, expected an answer to an XML-RPC call", if *.is_html { " with an HTML page" } else { "" })]
    Status {
        /// The status.
        status: u16,
        /// Whether an HTML page came with it.
        is_html: bool,
    },
    /// The answer cannot be read.
    #[error("the answer cannot be read: {0}")]
    Answer(AnswerError),
    /// The answer is not of the kind that the method gives.
    #[error("found {found}, expected {expected}")]
    Type {
        /// What came.
        found: String,
        /// What the method gives.
        expected: &'static str,
    },
    /// A list that is shorter than the server's own count.
    #[error("found {found}, expected the {counted} that the server counts")]
    TooFew {
        /// What came.
        found: String,
        /// What the server counts.
        counted: i32,
    },
    /// The server's own word.
    #[error("the server says `{}`{}", shortened(&.0.text), .0.code.map(|code| format!(" (code {code})")).unwrap_or_default())]
    Fault(Fault),
}

/// Why TLS failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// The certificate's issuer is not trusted: PaperCut's own certificate is signed by itself.
    #[error("the server's certificate is not trusted: nobody known has signed it")]
    Untrusted,
    /// The certificate is for another name.
    #[error("the server's certificate is for another name than that in the address")]
    OtherName,
    /// The certificate is out of date.
    #[error("the server's certificate is out of date, or not valid yet")]
    Expired,
    /// The certificate is not the pinned one.
    #[error("the server's certificate is not the one in `certificate_sha256`; this one has {0}")]
    NotPinned(String),
    /// Something else.
    #[error("no TLS connection: {0}")]
    Other(String),
}

/// What a failed call may have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    /// Nothing, surely: it may be tried again.
    No,
    /// Nobody knows: never to be repeated before somebody has looked.
    Perhaps,
}

impl CallFault {
    /// Whether the server can have acted on the call.
    pub fn acted(&self) -> Acted {
        match self {
            CallFault::HostUnknown | CallFault::PortClosed | CallFault::NoRoute(_) | CallFault::Tls(_) => {
                Acted::No
            }
            // The path is wrong, or the server refuses who asks: nobody has read the call.
            CallFault::Status { status: 401 | 403 | 404 | 405, .. } => Acted::No,
            CallFault::Fault(fault) if fault.is_before_the_deed() => Acted::No,
            CallFault::Fault(_)
            | CallFault::TimeOut
            | CallFault::Dropped(_)
            | CallFault::Status { .. }
            | CallFault::Answer(_)
            | CallFault::TooFew { .. }
            | CallFault::Type { .. } => Acted::Perhaps,
        }
    }

    /// Whether it is the server's word of that kind.
    pub fn is_kind(&self, kind: FaultKind) -> bool {
        matches!(self, CallFault::Fault(fault) if fault.kind() == kind)
    }

    /// Whether a read may succeed a moment later.
    pub fn may_pass(&self) -> bool {
        match self {
            CallFault::NoRoute(_) | CallFault::PortClosed | CallFault::TimeOut | CallFault::Dropped(_) => {
                true
            }
            CallFault::Status { status, .. } => *status == 429 || *status >= 500,
            CallFault::Answer(AnswerError::Html) => true,
            _ => false,
        }
    }

    /// Whether every other call to the server would end the same.
    pub fn is_of_the_server(&self) -> bool {
        match self {
            CallFault::Fault(fault) => {
                matches!(fault.kind(), FaultKind::AddressNotAllowed | FaultKind::WrongToken)
            }
            CallFault::Answer(error) => matches!(error, AnswerError::Html),
            CallFault::Type { .. } => false,
            _ => true,
        }
    }

    /// What to do about it; empty where there is nothing to say.
    pub fn advice(&self) -> &'static str {
        match self {
            CallFault::HostUnknown => "check the host in `site.papercut.url`",
            CallFault::PortClosed => {
                "check the port in `site.papercut.url` (9191 for http, 9192 for https) and that the server runs"
            }
            CallFault::NoRoute(_) => "check the network and the firewall between this machine and the server",
            CallFault::Tls(TlsFault::Untrusted | TlsFault::OtherName) => {
                "name the server's certificate in `site.papercut.ca_file`, or its fingerprint in `certificate_sha256`"
            }
            CallFault::Tls(TlsFault::NotPinned(_)) => {
                "if the server has a new certificate, compare the fingerprint on the server and write it there"
            }
            CallFault::Tls(TlsFault::Expired) => {
                "renew it on the server and compare the clocks; a certificate that is named or pinned may be out of date"
            }
            CallFault::Tls(TlsFault::Other(_)) => {
                "check that the port in `site.papercut.url` is the one for https"
            }
            CallFault::Status { status: 404 | 405, .. } => {
                "check the path in `site.papercut.url`: the web services are at `/rpc/api/xmlrpc`"
            }
            CallFault::Status { status: 401 | 403, .. } => "a proxy or firewall refuses the call",
            CallFault::Status { .. } | CallFault::Answer(AnswerError::Html) => {
                "the server is not ready, or another program answers there: try again in some minutes"
            }
            CallFault::TimeOut => "the server is busy; `site.papercut.timeout_seconds` sets how long to wait",
            CallFault::Fault(fault) => fault.kind().advice(),
            CallFault::Dropped(_) => {
                "if this is so at every call, the port may be the one for https: see `site.papercut.url`"
            }
            CallFault::Answer(AnswerError::Xml(_)) => {
                "a name on the server may hold a control character: mend it there"
            }
            CallFault::TooFew { .. } => {
                "the server gives smaller pages than it is asked for: report this as a fault of papertally"
            }
            CallFault::Answer(_) | CallFault::Type { .. } => "",
        }
    }
}
