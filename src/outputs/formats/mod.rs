//! Receiving systems: one file each, and [`Receiver`] as their common door.
//!
//! A further receiver is one file beside these and one variant here. A receiver gets the whole batch and
//! returns files and findings; it never writes, and it never changes an amount. What it cannot hand over as
//! it stands (a credit that the system does not take) it holds back with a finding that names the sum.

mod cells;
mod encoding;
mod hledger;
mod invoices;
mod lines_csv;
mod lines_json;
mod odoo;
mod officernd;
mod parts;
mod qbo;
mod quick_entries;
mod sage50;
mod sheet;
mod table;
mod xero;
mod zoho;

use crate::domain::{Batch, Finding};

pub use encoding::TextEncoding;
pub use hledger::{CommoditySide, HledgerSettings, is_account, is_commodity};
pub use invoices::NO_TAX;
pub use lines_csv::LinesCsvSettings;
pub use odoo::{ODOO_ID_COLUMNS, OdooSettings, TaxRounding};
pub use officernd::{OfficerndSettings, PriceMode};
pub use qbo::QboSettings;
pub use quick_entries::{Headings, HeadingsError, LEDGER_DIGITS_MAX, QuickEntrySettings, VAT_RATES};
pub use sage50::{DEPARTMENT_MAX, Sage50Settings};
pub use sheet::{is_plain, sheet};
pub use xero::{Tracking, XeroSettings};
pub use zoho::ZohoSettings;

/// A receiving system with its settings.
#[derive(Clone, Debug)]
pub enum Receiver {
    /// Xero's sales invoices as CSV.
    Xero(XeroSettings),
    /// QuickBooks Online's invoices as CSV.
    Qbo(QboSettings),
    /// Sage 50's audit trail transactions as CSV.
    Sage50(Sage50Settings),
    /// hledger's journal.
    Hledger(HledgerSettings),
    /// OfficeRnD's fees as CSV.
    Officernd(OfficerndSettings),
    /// Sage Accounting's quick entries as CSV.
    QuickEntries(QuickEntrySettings),
    /// Odoo's journal entries as CSV.
    Odoo(OdooSettings),
    /// Zoho Books' invoices as CSV.
    Zoho(ZohoSettings),
    /// Every charged line as plain CSV, for people and scripts.
    LinesCsv(LinesCsvSettings),
    /// Every charged line as JSON, for scripts.
    LinesJson,
    /// Lines, detail, exceptions and proof as XLSX, for people.
    Workbook,
}

/// A file that is ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedFile {
    /// Its name, safe on every file system and without a folder.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What a receiver made of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The files, in the order in which they are to be imported. None where nothing is to be handed over.
    pub files: Vec<RenderedFile>,
    /// What was held back, and why.
    pub findings: Vec<Finding>,
}

/// Why a receiver's files could not be made. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The receiver needs its own name of a tax rate.
    #[error(
        "tax rate `{tax}` has no name in the receiving system: expected an entry `\"{tax}\" = \"…\"` in the receiver's `tax_types`"
    )]
    TaxTypeMissing {
        /// The plan's name of the rate, or `none`.
        tax: String,
    },
    /// A setting that is matched by the receiver and would be read as a formula or not at all.
    #[error(
        "setting `{setting}` is `{found}`, expected a text that does not start a formula and has no line breaks"
    )]
    Setting {
        /// The setting's key.
        setting: String,
        /// Its value.
        found: String,
    },
    /// An account or commodity that a journal cannot hold.
    #[error("{what} is `{found}`, expected a text that hledger reads without quotes")]
    Journal {
        /// The setting.
        what: String,
        /// Its value.
        found: String,
    },
    /// A sum beyond what papertally counts with.
    #[error("the amount {amount} is out of range")]
    OutOfRange {
        /// The amount.
        amount: String,
    },
    /// A letter that the receiver's encoding does not have.
    #[error(
        "`{text}` has the sign `{sign}`, which {encoding} cannot hold: expected another spelling, or `encoding = \"utf-8\"` for this receiver"
    )]
    Unmappable {
        /// The cell.
        text: String,
        /// The first sign that cannot be written.
        sign: char,
        /// The encoding's name.
        encoding: &'static str,
    },
    /// The CSV writer failed.
    #[error("cannot compose the CSV rows")]
    Csv(#[source] csv::Error),
    /// The JSON writer failed.
    #[error("cannot compose the JSON lines")]
    Json(#[source] serde_json::Error),
    /// The workbook writer failed.
    #[error("cannot compose the workbook")]
    Workbook(#[source] rust_xlsxwriter::XlsxError),
}

impl Receiver {
    /// Renders the batch for this receiver.
    ///
    /// # Errors
    /// A missing tax name, an unusable setting or a sign that the encoding does not have.
    pub fn render(&self, batch: &Batch) -> Result<Rendered, RenderError> {
        match self {
            Receiver::Xero(settings) => xero::render(settings, batch),
            Receiver::Qbo(settings) => qbo::render(settings, batch),
            Receiver::Sage50(settings) => sage50::render(settings, batch),
            Receiver::Hledger(settings) => hledger::render(settings, batch),
            Receiver::Officernd(settings) => officernd::render(settings, batch),
            Receiver::QuickEntries(settings) => quick_entries::render(settings, batch),
            Receiver::Odoo(settings) => odoo::render(settings, batch),
            Receiver::Zoho(settings) => zoho::render(settings, batch),
            Receiver::LinesCsv(settings) => lines_csv::render(settings, batch),
            Receiver::LinesJson => lines_json::render(batch),
            Receiver::Workbook => super::workbook::render(batch),
        }
    }
}
