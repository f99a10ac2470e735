//! One call over HTTP: out, and its answer or what became of it.
//!
//! A read is tried again when the server may answer a moment later; a change never is, here or in the HTTP library:
//! whether it was made is for the caller to find out.

use std::error::Error as _;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_TYPE, DATE};
use reqwest::redirect::Policy;

use super::error::{CallError, CallFault, TlsFault};
use super::trust::{NotPinned, Trust, TrustError, client};
use super::xmlrpc::{ANSWER_SIZE_BYTES_MAX, AnswerError, Value, decode, encode};

/// Where the web services are.
const PATH: &str = "/rpc/api/xmlrpc";

/// How long a connection may take to come about: a server in the house answers at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Waits between the attempts of a read: a server that restarts needs longer, and the next night comes.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// A server and how to speak to it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `http://` or `https://`, host and port; the path is added where it is missing.
    pub url: String,
    /// Whom to trust over HTTPS.
    pub trust: Trust,
    /// How long one call may take, from the connection to the end of its answer.
    pub timeout: Duration,
}

/// The way to a server's web services.
#[derive(Debug)]
pub struct WebServices {
    url: String,
    reads: Client,
    changes: Client,
    calls: AtomicU64,
}

/// What came back, whatever it is.
pub(super) struct Exchange {
    pub(super) status: u16,
    /// The `Date` header: the server's clock.
    pub(super) date: Option<String>,
    charset: Option<String>,
    body: Vec<u8>,
}

impl WebServices {
    /// Prepares the way; nothing is sent yet.
    pub fn new(settings: &Settings) -> Result<WebServices, TrustError> {
        let client = |connections: usize| {
            Client::builder()
                .tls_backend_preconfigured(client(&settings.trust)?)
                .user_agent(concat!("papertally/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .connect_timeout(CONNECT_TIMEOUT.min(settings.timeout))
                .timeout(settings.timeout)
                // A change goes over a connection of its own: one that was kept may have been closed meanwhile, and
                // nobody would know whether the call went out.
                .pool_max_idle_per_host(connections)
                .build()
                .map_err(|error| TrustError::Prepare(rustls::Error::General(error.to_string())))
        };
        Ok(WebServices {
            url: with_path(&settings.url),
            reads: client(usize::MAX)?,
            changes: client(0)?,
            calls: AtomicU64::new(0),
        })
    }

    /// The whole address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many calls were sent so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Calls a method that changes nothing, up to three times.
    pub fn read(
        &self,
        method: &'static str,
        subject: &str,
        parameters: &[Value],
    ) -> Result<Value, CallError> {
        let mut pauses = PAUSES.iter();
        loop {
            match (self.call(&self.reads, method, parameters), pauses.next()) {
                (Err(fault), Some(pause)) if fault.may_pass() => std::thread::sleep(*pause),
                (result, _) => return result.map_err(|fault| named(method, subject, fault)),
            }
        }
    }

    /// Calls a method that changes something, once.
    pub fn change(
        &self,
        method: &'static str,
        subject: &str,
        parameters: &[Value],
    ) -> Result<Value, CallError> {
        self.call(&self.changes, method, parameters).map_err(|fault| named(method, subject, fault))
    }

    fn call(&self, client: &Client, method: &str, parameters: &[Value]) -> Result<Value, CallFault> {
        self.exchange(client, method, parameters)?.value()
    }

    /// One call for whoever wants to see the answer as it came.
    pub(super) fn look(&self, method: &str, parameters: &[Value]) -> Result<Exchange, CallFault> {
        self.exchange(&self.reads, method, parameters)
    }

    fn exchange(&self, client: &Client, method: &str, parameters: &[Value]) -> Result<Exchange, CallFault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let request =
            client.post(&self.url).header(CONTENT_TYPE, "text/xml").body(encode(method, parameters));
        let response = request.send().map_err(|error| fault_of(&error))?;
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let charset = header(CONTENT_TYPE).and_then(|value| {
            let (_, charset) = value.split_once("charset=")?;
            Some(charset.trim_matches(['"', ' ']).to_owned())
        });
        let (status, date) = (response.status().as_u16(), header(DATE));
        Ok(Exchange { status, date, charset, body: body_of(response)? })
    }
}

impl Exchange {
    /// The value that it is, or why it is none.
    pub(super) fn value(&self) -> Result<Value, CallFault> {
        let read = decode(&self.body, self.charset.as_deref());
        if self.status != 200 {
            return Err(CallFault::Status { status: self.status, is_html: read == Err(AnswerError::Html) });
        }
        read.map_err(CallFault::Answer)?.map_err(CallFault::Fault)
    }
}

fn named(method: &'static str, subject: &str, fault: CallFault) -> CallError {
    CallError { method, subject: subject.to_owned(), fault }
}

/// The address with the path of the web services.
fn with_path(url: &str) -> String {
    let url = url.trim_end_matches('/');
    if url.ends_with(PATH) { url.to_owned() } else { format!("{url}{PATH}") }
}

fn body_of(response: Response) -> Result<Vec<u8>, CallFault> {
    let mut body = Vec::new();
    response.take(ANSWER_SIZE_BYTES_MAX + 1).read_to_end(&mut body).map_err(|error| broken(&error))?;
    if u64::try_from(body.len()).is_ok_and(|length| length > ANSWER_SIZE_BYTES_MAX) {
        let found = format!("more than {ANSWER_SIZE_BYTES_MAX} bytes");
        return Err(CallFault::Answer(AnswerError::Shape { found, expected: "a shorter answer" }));
    }
    Ok(body)
}

/// A connection that ended in the middle of the answer.
fn broken(error: &io::Error) -> CallFault {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    match inner.map(reqwest::Error::is_timeout) {
        Some(true) => CallFault::TimeOut,
        _ if matches!(error.kind(), io::ErrorKind::TimedOut) => CallFault::TimeOut,
        _ => CallFault::Dropped("in the middle of the answer".to_owned()),
    }
}

/// What a failed request means: whether it was sent at all is what matters.
fn fault_of(error: &reqwest::Error) -> CallFault {
    let mut words = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        // Later than the handshake, the call may be on its way.
        if let Some(fault) = tls_fault(cause).filter(|_| error.is_connect()) {
            return CallFault::Tls(fault);
        }
        if let Some(refused) = cause.downcast_ref::<io::Error>()
            && refused.kind() == io::ErrorKind::ConnectionRefused
            && error.is_connect()
        {
            return CallFault::PortClosed;
        }
        words.push(cause.to_string());
        next = cause.source();
    }
    let is_name = words.iter().any(|word| word.contains("dns error") || word.contains("lookup address"));
    let last = words.pop().unwrap_or_default();
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => CallFault::NoRoute("no answer to the connection".to_owned()),
        (true, false) if is_name => CallFault::HostUnknown,
        (true, false) => CallFault::NoRoute(last),
        (false, true) => CallFault::TimeOut,
        (false, false) => CallFault::Dropped(last),
    }
}

/// What TLS says, where it is TLS that failed. I/O errors keep it inside, one in another.
fn tls_fault(cause: &(dyn std::error::Error + 'static)) -> Option<TlsFault> {
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(tls_fault_of(error));
    }
    let outer = cause.downcast_ref::<io::Error>()?;
    match outer.get_ref() {
        Some(inner) if inner.is::<rustls::Error>() || inner.is::<io::Error>() => tls_fault(inner),
        // The other side hung up in the middle: it speaks no TLS.
        Some(inner) if inner.to_string().contains("tls handshake") => {
            Some(TlsFault::Other(inner.to_string()))
        }
        _ => None,
    }
}

fn tls_fault_of(error: &rustls::Error) -> TlsFault {
    use rustls::CertificateError;
    let rustls::Error::InvalidCertificate(reason) = error else { return TlsFault::Other(error.to_string()) };
    match reason {
        CertificateError::UnknownIssuer => TlsFault::Untrusted,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::OtherName
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TlsFault::Expired,
        CertificateError::Other(other) => match other.0.downcast_ref::<NotPinned>() {
            Some(NotPinned(found)) => TlsFault::NotPinned(found.clone()),
            // A certificate that signs itself and says that it is an authority ends here.
            None => TlsFault::Untrusted,
        },
        other => TlsFault::Other(other.to_string()),
    }
}
