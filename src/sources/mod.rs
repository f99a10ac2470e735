//! Report and directory files: bytes to rows, rows to jobs and rejections.
//!
//! A report goes through two passes. [`examine`] looks at every byte and row and decides what the file is: its
//! container, told by its first bytes, and its parts with a known header (`content`); delimiter and header (`sniff`,
//! `layout` with the tables in `headers` and `profile`), period line (`preamble`), date order and decimal mark (`survey`).
//! [`Report::read`] goes over the same rows again and hands each on as a job, sum, balance or rejection (`row`,
//! `handover`). Both set repeated headers and totals aside (`aside`).
//!
//! All containers give the same rows (`cells`): text from its bytes (`input`, `csv`), workbooks and pages from the
//! rows that were put aside (`workbook`, `page`, `grid`, `spool`), any of them out of an archive (`archive`).
//! Another container needs its own reader of rows, another kind its lines in `profiles/kinds.toml`. What is not decided by the
//! file or a setting is refused, never guessed.

mod limits;

mod layout_text;

mod error;
mod field;
mod settings;

mod amount;
mod date;

mod cells;
mod csv;
mod input;

mod grid;
mod guard;
mod numbers;
mod page;
mod spool;
mod workbook;

mod archive;
mod container;

mod headers;
mod profile;

mod layout;

mod preamble;
mod sketch;
mod sniff;

mod content;

mod aside;
mod row;
mod state;
mod survey;

mod handover;
mod report;

#[cfg(test)]
mod containers_tests;
#[cfg(test)]
mod date_locales_tests;
#[cfg(test)]
mod layouts_tests;
#[cfg(test)]
mod reading_tests;

pub mod directory;

pub use error::{ReadError, ReadRowsError};
pub use handover::ReadTotals;
pub use headers::check_field;
pub use layout_text::{ColumnsText, LayoutProblem, LayoutText};
pub use profile::check_layout;
pub use report::{Report, examine};
pub use settings::ReadSettings;
