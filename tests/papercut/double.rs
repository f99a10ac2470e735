//! A PaperCut server on loopback that behaves as it is told and keeps what it was asked: connections, troubles
//! and TLS. What it knows is in `server.rs`, what it can do in `methods.rs` and `reports.rs`.

use std::collections::VecDeque;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest, Sha256};

use crate::http::{Asked, Page, Sending};
use crate::methods::Answer;
use crate::server::{Call, Outcome, Server};
use crate::trouble::{self, Trouble, What};
use crate::wire::{self, Request, Value};

/// Where the web services are.
const PATH: &str = "/rpc/api/xmlrpc";

/// The server; its threads end with the test process.
pub(crate) struct Double {
    url: String,
    shared: Arc<Shared>,
}

/// What the server shows over HTTPS.
pub(crate) struct Certificate {
    /// Self-signed: it is its own authority.
    pub pem: String,
    /// The fingerprint, 64 lower-case digits.
    pub sha256_hex: String,
}

struct Shared {
    server: Mutex<Server>,
    troubles: Mutex<VecDeque<Trouble>>,
}

impl Double {
    /// Starts one on a free port.
    pub(crate) fn start(server: Server) -> Double {
        Double::listen(server, None)
    }

    /// Starts one over HTTPS, with a certificate for this machine.
    pub(crate) fn start_tls(server: Server) -> (Double, Certificate) {
        Double::start_tls_for(server, &["localhost", "127.0.0.1"])
    }

    /// Starts one over HTTPS, with a certificate for these hosts.
    pub(crate) fn start_tls_for(server: Server, hosts: &[&str]) -> (Double, Certificate) {
        let hosts: Vec<String> = hosts.iter().copied().map(str::to_owned).collect();
        let made = rcgen::generate_simple_self_signed(hosts).unwrap();
        let fingerprint = Sha256::digest(made.cert.der());
        let sha256_hex = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let certificate = Certificate { pem: made.cert.pem(), sha256_hex };
        (Double::listen(server, Some(Arc::new(config))), certificate)
    }

    fn listen(server: Server, tls: Option<Arc<ServerConfig>>) -> Double {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { server: Mutex::new(server), troubles: Mutex::default() });
        let double = Double { url, shared: Arc::clone(&shared) };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                std::thread::spawn(move || {
                    stream.set_nodelay(true).unwrap();
                    match tls {
                        Some(config) => {
                            let connection = ServerConnection::new(config).unwrap();
                            converse(StreamOwned::new(connection, stream), &shared, part_tls)
                        }
                        None => converse(stream, &shared, |_| ()),
                    }
                });
            }
        });
        double
    }

    /// Scheme, address and port, without a path.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// The server, to look at and to change. No call is handled while this is held.
    pub(crate) fn server(&self) -> MutexGuard<'_, Server> {
        self.shared.server.lock().unwrap()
    }

    /// Puts a trouble at the end of the queue.
    pub(crate) fn order(&self, trouble: Trouble) {
        self.shared.troubles.lock().unwrap().push_back(trouble);
    }

    /// How many troubles have not fired.
    pub(crate) fn troubles_left(&self) -> usize {
        self.shared.troubles.lock().unwrap().len()
    }

    /// Waits until something is so at the server. Panics when it is not after ten seconds.
    #[track_caller]
    pub(crate) fn wait_until(&self, mut is_so: impl FnMut(&Server) -> bool) {
        for _ in 0..2_000 {
            if is_so(&self.server()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it did not come to that: {:?}", self.server());
    }
}

/// What goes back.
enum Reply {
    Page(Page),
    Half(Page),
    Nothing,
}

/// Says that a TLS connection ends as it should; one that was cut does not say so.
fn part_tls(stream: &mut StreamOwned<ServerConnection, TcpStream>) {
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

/// One connection. An error ends it: the other side hung up.
fn converse<S: Read + Write>(stream: S, shared: &Shared, part: fn(&mut S)) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let asked = Asked::read(&mut stream)?;
        let reply = reply(&asked, shared);
        let (is_chunked, date) = {
            let server = shared.server.lock().unwrap();
            (server.is_chunked, server.http_date())
        };
        let sending = if is_chunked { Sending::Chunked } else { Sending::Whole };
        match reply {
            Reply::Page(page) => page.send(stream.get_mut(), sending, &date, asked.is_last)?,
            Reply::Half(page) => return page.send(stream.get_mut(), Sending::Half, &date, asked.is_last),
            Reply::Nothing => return None,
        }
        if asked.is_last {
            part(stream.get_mut());
            return Some(());
        }
    }
}

fn reply(asked: &Asked, shared: &Shared) -> Reply {
    if asked.path != PATH {
        return Reply::Page(Page::html(404));
    }
    if asked.verb != "POST" {
        return Reply::Page(Page::html(405));
    }
    if !asked.header("content-type").starts_with("text/xml") {
        return Reply::Page(Page::html(415));
    }
    match Request::parse(&asked.body) {
        Ok(request) => troubled(&request, &asked.body, shared),
        Err(reason) => {
            let text = format!("Failed to parse XML-RPC request: {reason}");
            Reply::Page(Page::xml(wire::fault(0, &text)))
        }
    }
}

/// Handles a call, with whatever goes wrong with it.
fn troubled(request: &Request, body: &[u8], shared: &Shared) -> Reply {
    let what = loop {
        let what = trouble::take(&mut shared.troubles.lock().unwrap(), &request.method);
        match what {
            Some(What::Meanwhile(happens)) => happens(&mut shared.server.lock().unwrap()),
            other => break other,
        }
    };
    if let Some(What::Delay(wait)) = what {
        std::thread::sleep(wait);
    }
    let mut server = shared.server.lock().unwrap();
    let call = |server: &mut Server| server.call(&request.method, &request.params);
    let (answer, outcome) = match &what {
        None | Some(What::Delay(_) | What::DelayAnswer(_) | What::Meanwhile(_)) => (call(&mut server), None),
        Some(What::DropBefore) => (Ok(Value::Nil), Some(Outcome::Dropped)),
        Some(What::DropAfter) => (call(&mut server), Some(Outcome::Dropped)),
        Some(What::HalfAnswer) => (call(&mut server), Some(Outcome::Half)),
        Some(What::Html(status)) => (Ok(Value::Nil), Some(Outcome::Html(*status))),
        Some(What::HtmlAfter(status)) => (call(&mut server), Some(Outcome::Html(*status))),
        Some(What::Fault(code, text)) => (Err((*code, (*text).to_owned())), None),
        Some(What::False) => (Ok(Value::Bool(false)), None),
        Some(What::RepeatPage) => match page_before(&server, &request.method) {
            Some(page) => (Ok(page), None),
            None => (call(&mut server), None),
        },
    };
    let page = page(&answer, &server);
    let outcome = outcome.unwrap_or(match answer {
        Ok(value) => Outcome::Answered(value),
        Err((code, text)) => Outcome::Faulted(code, text),
    });
    let is_without_token = request.method == "api.getTaskStatus";
    server.calls.push(Call {
        method: request.method.clone(),
        args: request.params.iter().skip(usize::from(!is_without_token)).cloned().collect(),
        body: String::from_utf8_lossy(body).into_owned(),
        outcome: outcome.clone(),
    });
    drop(server);
    if let Some(What::DelayAnswer(wait)) = what {
        std::thread::sleep(wait);
    }
    match outcome {
        Outcome::Answered(_) | Outcome::Faulted(..) => Reply::Page(page),
        Outcome::Html(status) => Reply::Page(Page::html(status)),
        Outcome::Half => Reply::Half(page),
        Outcome::Dropped => Reply::Nothing,
    }
}

fn page(answer: &Answer, server: &Server) -> Page {
    Page::xml(match answer {
        Ok(value) => wire::answer(value, server.doubles),
        Err((code, text)) => wire::fault(*code, text),
    })
}

/// What the latest call of a list answered.
fn page_before(server: &Server, method: &str) -> Option<Value> {
    let mut answered = server.calls.iter().rev().filter(|call| call.method == method);
    answered.find_map(|call| match &call.outcome {
        Outcome::Answered(page @ Value::List(_)) => Some(page.clone()),
        _ => None,
    })
}
