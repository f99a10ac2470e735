//! Plain sheets that papertally writes for itself and for the operator to go on with: members, teams, overage.

use super::cells::is_safe_key;
use super::table::Table;
use super::{RenderError, TextEncoding};

/// A CSV sheet from its header and rows. Cells stay as they are, since papertally reads them again.
pub fn sheet(header: &[&str], rows: &[Vec<String>]) -> Result<Vec<u8>, RenderError> {
    let mut table = Table::new(TextEncoding::default(), header)?;
    for row in rows {
        table.row(row)?;
    }
    table.into_bytes()
}

/// Whether a text stays itself in a cell: no spreadsheet takes it for a formula.
pub fn is_plain(text: &str) -> bool {
    is_safe_key(text)
}
