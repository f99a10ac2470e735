//! A layout as it is written, in `profiles/kinds.toml` and in the configuration, before it is checked.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A layout as it is written. An empty text is a key that is not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LayoutText {
    /// For people.
    pub name: String,
    /// Report kind; `mapped` where not given.
    pub kind: String,
    /// `jobs` (where not given), `sums`, `balances`, or `named`: recognised, not read.
    pub rows: String,
    /// Fields that must have a column.
    pub needs: Vec<String>,
    /// Fields that must not have one.
    pub lacks: Vec<String>,
    /// Headers that must be there.
    pub marks: Vec<String>,
    /// Columns by header or by position.
    pub columns: ColumnsText,
    /// Whether columns may follow the listed ones.
    pub more_columns: bool,
    /// The sign between cells.
    pub delimiter: String,
    /// `false`: quotes are letters like others.
    pub quotes: Option<bool>,
    /// Whether a last line without its end is left for the next time.
    pub growing: bool,
    /// Whether each line is an event of its own, told from others by the lines before it.
    pub follow: bool,
    /// Field = text, for what has no column.
    pub constants: BTreeMap<String, String>,
    /// How dates are written, in the signs of strftime.
    pub date_format: String,
    /// `ymd`, `dmy` or `mdy`.
    pub date_order: String,
    /// `point` or `comma`.
    pub decimal_mark: String,
    /// `positive` (where not given) or `negative`: a charge is an amount below zero.
    pub charges: String,
    /// Job types as the file names them = as papertally does.
    pub types: BTreeMap<String, String>,
    /// Header or number of a column = texts: other rows are left out.
    pub only: BTreeMap<String, Vec<String>>,
    /// Header or number of a column = texts: such rows are left out.
    pub leave_out: BTreeMap<String, Vec<String>>,
    /// `user` where the account column names the user for the personal account.
    pub personal: String,
}

/// The columns of a layout.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ColumnsText {
    /// Fields by position: the file has no header.
    ByPosition(Vec<String>),
    /// Header = field; all of them have to be there.
    ByHeader(BTreeMap<String, String>),
}

impl Default for ColumnsText {
    fn default() -> ColumnsText {
        ColumnsText::ByHeader(BTreeMap::new())
    }
}

/// What is wrong with a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutProblem {
    /// The key.
    pub key: String,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: String,
}
