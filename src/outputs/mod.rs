//! Invoice files, statements, reports and mails: a batch becomes bytes, and files appear whole or not at all.
//!
//! [`formats`] holds one file for each receiving system; [`Receiver::render`] is their common door. Pages
//! for people come from templates ([`html`], [`summary`]), the mail from [`mail`], and [`transport`] hands it
//! over. [`files`] is the only code here that writes. Nothing in this layer reads a clock, the environment
//! or the ledger, and none of it decides what is billed: the same batch gives the same bytes.

pub mod files;
pub mod formats;
pub mod html;
pub mod mail;
pub mod mirror;
pub mod summary;
pub mod templates;
pub mod transport;
pub mod workbook;

mod amounts;
#[cfg(test)]
pub(crate) mod fixture;
mod proof_rows;

pub use crate::domain::Secret;
pub use files::{FileError, Written, file_name, write_whole};
pub use formats::{Receiver, RenderError, Rendered, RenderedFile};
pub use html::{Coverage, report_page, statements};
pub use mail::{Attachment, Envelope, MailError, compose};
pub use summary::{Summary, SummaryMail, summary_mail};
pub use templates::{TemplateError, Templates};
pub use transport::{Handover, Security, SmtpSettings, Transport};
