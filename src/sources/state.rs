//! What became of a job, from the columns that say it. A text that nobody knows is no charge: the row is rejected.

use super::cells::RowText;
use super::field::Field;
use super::layout::Layout;
use super::row::{Fault, cell, quoted};
use crate::domain::JobState;

/// The columns that say it.
#[derive(Debug)]
pub(super) struct StateColumns {
    refunded: Option<usize>,
    printed: Option<usize>,
    cancelled: Option<usize>,
    allowed: Option<usize>,
    denied: Option<usize>,
}

impl StateColumns {
    pub(super) fn of(layout: &Layout) -> StateColumns {
        let at = |field| layout.column(field);
        StateColumns {
            refunded: at(Field::Refunded),
            printed: at(Field::Printed),
            cancelled: at(Field::Cancelled),
            allowed: at(Field::Allowed),
            denied: at(Field::DeniedReason),
        }
    }

    /// The state; only prints are ever unprinted: copies, scans and faxes come from no queue.
    #[inline]
    pub(super) fn state(&self, row: &RowText<'_>, is_print: bool) -> Result<JobState, Fault> {
        let said = |column: Option<usize>| -> Result<Option<bool>, Fault> {
            match cell(row, column).trim() {
                "" => Ok(None),
                text => flag(text).map(Some).ok_or_else(|| (column, quoted(text), "`Y` or `N`".to_owned())),
            }
        };
        let denied = match cell(row, self.denied).trim() {
            "" | "-" => false,
            reason => flag(reason) != Some(false) && !reason.eq_ignore_ascii_case("none"),
        };
        if denied || said(self.allowed)? == Some(false) {
            return Ok(JobState::Denied);
        }
        if self.is_refunded(row)? {
            return Ok(JobState::Refunded);
        }
        let unprinted = said(self.printed)? == Some(false) && is_print;
        if unprinted || said(self.cancelled)? == Some(true) {
            return Ok(JobState::NotPrinted);
        }
        Ok(JobState::Charged)
    }

    fn is_refunded(&self, row: &RowText<'_>) -> Result<bool, Fault> {
        let text = cell(row, self.refunded).trim();
        if text.is_empty() || text == "NOT_REFUNDED" {
            return Ok(false);
        }
        let word = text.to_ascii_lowercase().replace(['_', '-'], " ");
        match (word.as_str(), flag(text)) {
            ("refunded" | "fully refunded", _) | (_, Some(true)) => Ok(true),
            ("not refunded" | "partially refunded" | "partial", _) | (_, Some(false)) => Ok(false),
            _ => {
                let expected = "`NOT_REFUNDED`, `REFUNDED` or `PARTIALLY_REFUNDED`".to_owned();
                Err((self.refunded, quoted(text), expected))
            }
        }
    }
}

/// Yes or no, as reports and spreadsheets write it.
pub(super) fn flag(text: &str) -> Option<bool> {
    let text = text.trim();
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(&["Y", "YES", "TRUE", "1", "J", "JA", "SI", "sí", "S", "SIM", "OUI", "DUPLEX", "GRAYSCALE"]) {
        return Some(true);
    }
    is(&["N", "NO", "FALSE", "0", "NEE", "NEIN", "NON", "não", "NEJ", "NEI", "NOT DUPLEX", "NOT GRAYSCALE"])
        .then_some(false)
}
