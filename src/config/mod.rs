//! The configuration: TOML text, then tables read key by key, then what is checked.
//!
//! Reads the configuration file, and secrets when they are asked for. Neither the environment nor the clock.

mod billing;
mod check;
mod error;
mod handing_out;
mod keys;
mod overrides;
mod papercut;
mod paths;
mod raw;
mod receivers;
mod secrets;
mod site;
mod when;

pub mod init;

pub use billing::{BillingConfig, InvoiceDate};
pub use check::{CONFIG_SIZE_BYTES_MAX, Config, DirectoryConfig, DocumentNames, load_sites};
pub use error::{ConfigError, Problem};
pub use handing_out::{MailConfig, MailTransport, MailWhen, OutputConfig, SmtpConfig, SmtpSecurity};
pub use keys::KEYS;
pub use papercut::{AdHocOrder, ChangeConfig, Covers, OrderWhen, PapercutConfig, ReportOrder, TrustConfig};
pub use receivers::{ReceiverConfig, ReceiverFormat};
pub use secrets::{SECRET_SIZE_BYTES_MAX, SecretError, SecretSource};
pub use site::{ReportConfig, SiteConfig};
pub use when::{WhenError, parse_when};
