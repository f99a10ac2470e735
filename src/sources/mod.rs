//! Report and directory files: bytes to rows, rows to jobs and rejections.
//!
//! A report goes through two passes. [`examine`] looks at every byte and row and decides what the file is: its
//! hash, encoding (`input`), other formats, delimiter and header (`sniff`, `layout` with the tables in
//! `profile`), period line (`preamble`), date order and decimal mark (`survey`). [`Report::read`] goes over the
//! same bytes again and hands each row on as a job, sum, balance or rejection (`row`, `handover`). Both split the
//! text by `csv` and set repeated headers and totals aside (`aside`).
//!
//! Another container needs its own `csv`, another kind its lines in `profiles/`. What is not decided by the file
//! or a setting is refused, never guessed.

mod limits;

mod error;
mod field;
mod settings;

mod amount;
mod csv;
mod date;
mod input;

mod profile;

mod layout;

mod preamble;
mod sniff;

mod aside;
mod row;
mod survey;

mod handover;
mod report;

pub mod directory;

pub use error::{ReadError, ReadRowsError};
pub use handover::ReadTotals;
pub use report::{Report, examine};
pub use settings::ReadSettings;
