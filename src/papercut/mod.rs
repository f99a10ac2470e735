//! PaperCut's web services: XML-RPC over HTTP or HTTPS, as typed calls.
//!
//! Knows the wire and what an answer means, and for each failure whether the server can have acted on the call. It
//! decides nothing: what is read and changed, and when, is decided by `run`. It writes no file and keeps nothing.

mod calls;
mod error;
mod faults;
mod probe;
mod transport;
mod trust;
mod xmlrpc;

pub use calls::{AccountProperties, AdHoc, LIST_PAGE_SIZE, Server, UserProperties};
pub use error::{Acted, CallError, CallFault, TlsFault};
pub use faults::{Fault, FaultKind};
pub use probe::{Probe, Trial, probe};
pub use transport::{Settings, WebServices};
pub use trust::{CertificateSha256, Trust, TrustError};
pub use xmlrpc::{ANSWER_SIZE_BYTES_MAX, AnswerError, Value, decode, encode};
