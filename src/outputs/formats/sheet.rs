//! Plain sheets that papertally writes for itself and for the operator to go on with: members, teams, overage.

use super::cells::free_text;
use super::table::Table;
use super::{RenderError, TextEncoding};

/// A CSV sheet from its header and rows. Usernames and accounts stay as they are, since papertally reads them again;
/// names for people are made harmless by [`name_cell`].
pub fn sheet(header: &[&str], rows: &[Vec<String>]) -> Result<Vec<u8>, RenderError> {
    let mut table = Table::new(TextEncoding::default(), header)?;
    for row in rows {
        table.row(row)?;
    }
    table.into_bytes()
}

/// A name for people that no spreadsheet takes for a formula.
pub fn name_cell(name: &str) -> String {
    free_text(name)
}
