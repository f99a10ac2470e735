//! Report and directory files: bytes to rows, rows to jobs and rejections.

mod error;
#[expect(dead_code, reason = "read by the tables of headers")]
mod field;
#[expect(dead_code, reason = "read by the splitter")]
mod limits;
mod report;
mod settings;

pub use error::{ReadError, ReadRowsError};
pub use report::{ReadTotals, Report, examine};
pub use settings::ReadSettings;
