//! What the operator says about a site's reports.

use chrono_tz::Tz;

use super::layout_text::LayoutText;
use crate::domain::{Currency, DateOrder, DecimalMark, Period, ReportKind};

/// What the operator says about a site's reports. Each setting decides only what the file does not.
#[derive(Clone, Debug, Default)]
pub struct ReadSettings {
    /// The kind, where the columns fit several.
    pub kind: Option<ReportKind>,
    /// Name of the encoding of bytes that are neither UTF-8 nor UTF-16; windows-1252 where not given.
    pub encoding: Option<String>,
    /// Order of day and month in dates that have both readings.
    pub date_order: Option<DateOrder>,
    /// Decimal mark of amounts that have both readings.
    pub decimal_mark: Option<DecimalMark>,
    /// The site's currency: an amount with the sign of another one is rejected.
    pub currency: Option<Currency>,
    /// The site's zone: times with an offset or `Z` become its wall clock, and are rejected without it.
    pub time_zone: Option<Tz>,
    /// The period of a report of sums whose own period line is missing or cannot be read.
    pub period: Option<Period>,
    /// Names of the sheets that are read; all with a known header where none is named.
    pub sheets: Vec<String>,
    /// Header texts and the fields that they mean, before the built-in ones: (`Druckkosten`, `cost`).
    pub aliases: Vec<(String, String)>,
    /// The operator's own layouts, tried before the built-in kinds.
    pub layouts: Vec<LayoutText>,
}
