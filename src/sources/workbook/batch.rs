//! Cells on their way from the thread that parses a sheet to the one that puts its rows aside.
//!
//! Writing numbers as texts costs a fifth of reading a workbook; a second core takes it over.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender};

use super::super::error::ReadError;
use super::super::grid::{CellWriter, Value};

/// Cells that are handed on together: enough that the hand-over does not count, few enough for the cache.
const CELLS: usize = 8_192;

/// Batches that may wait: a few megabytes, so that a core that is wanted elsewhere for a moment stops nobody.
pub(super) const WAITING_MAX: usize = 16;

/// Cells of one sheet, their texts in one piece.
#[derive(Default)]
pub(super) struct Batch {
    text: String,
    cells: Vec<(u32, u32, Held)>,
}

/// A value without its borrowed text.
enum Held {
    Text(Range<usize>),
    Iso(Range<usize>),
    Number(f64),
    Integer(i64),
    Moment(f64),
    Broken(&'static str),
}

/// Hands cells over in batches.
pub(super) struct Sender<'s> {
    batch: Batch,
    to: &'s SyncSender<Batch>,
}

impl<'s> Sender<'s> {
    pub(super) fn new(to: &'s SyncSender<Batch>) -> Sender<'s> {
        Sender { batch: Batch::default(), to }
    }

    /// Adds a cell. `false` where nobody takes cells any more, because one of them was wrong.
    pub(super) fn cell(&mut self, row: u32, column: u32, value: Value<'_>) -> bool {
        let mut keep = |text: &str| {
            let start = self.batch.text.len();
            self.batch.text.push_str(text);
            start..self.batch.text.len()
        };
        let held = match value {
            Value::Text(text) => Held::Text(keep(text)),
            Value::Iso(text) => Held::Iso(keep(text)),
            Value::Number(number) => Held::Number(number),
            Value::Integer(number) => Held::Integer(number),
            Value::Moment(number) => Held::Moment(number),
            Value::Broken(why) => Held::Broken(why),
        };
        self.batch.cells.push((row, column, held));
        self.batch.cells.len() < CELLS || self.finish()
    }

    /// Hands over what is left.
    pub(super) fn finish(&mut self) -> bool {
        self.to.send(std::mem::take(&mut self.batch)).is_ok()
    }
}

/// Takes all cells of a sheet until their sender is gone.
pub(super) fn write_all(from: &Receiver<Batch>, writer: &mut CellWriter) -> Result<(), ReadError> {
    for batch in from {
        for (row, column, held) in batch.cells {
            let text = |range: Range<usize>| batch.text.get(range).unwrap_or_default();
            let value = match held {
                Held::Text(range) => Value::Text(text(range)),
                Held::Iso(range) => Value::Iso(text(range)),
                Held::Number(number) => Value::Number(number),
                Held::Integer(number) => Value::Integer(number),
                Held::Moment(number) => Value::Moment(number),
                Held::Broken(why) => Value::Broken(why),
            };
            writer.cell(row, column, value)?;
        }
    }
    Ok(())
}
