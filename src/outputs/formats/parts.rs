//! A receiver's CSV as one file, or as several where it has more than the receiver takes at once.
//!
//! An invoice is never cut: its rows are one block, and each file repeats the header before its blocks. A block
//! that is larger than a limit has a file of its own; a receiver for which that is too much holds such an invoice.

use crate::domain::{Batch, Finding};
use crate::outputs::files::file_name;

use super::invoices::{Invoice, invoices};
use super::table::Table;
use super::{RenderError, RenderedFile, TextEncoding};

/// What one file may have.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) invoices: usize,
    /// Without the header.
    pub(super) rows: usize,
    /// With the header.
    pub(super) bytes: usize,
}

impl Limits {
    /// For receivers that document none.
    pub(super) const NONE: Limits = Limits { invoices: usize::MAX, rows: usize::MAX, bytes: usize::MAX };
}

/// Files in the making.
pub(super) struct Parts {
    encoding: TextEncoding,
    header: Vec<String>,
    limits: Limits,
    parts: Vec<Part>,
}

struct Part {
    bytes: Vec<u8>,
    invoices: usize,
    rows: usize,
}

impl Parts {
    /// No file yet.
    pub(super) fn new<S: AsRef<str>>(encoding: TextEncoding, header: &[S], limits: Limits) -> Parts {
        let header = header.iter().map(|name| name.as_ref().to_owned()).collect();
        Parts { encoding, header, limits, parts: Vec::new() }
    }

    /// Adds the rows of every invoice of a batch that is not held back. Returns those invoices, and why the others are
    /// not among them.
    pub(super) fn invoices<'b, R: AsRef<[String]>>(
        &mut self,
        batch: &'b Batch,
        reason_to_hold: impl Fn(&Invoice<'b>) -> Option<Finding>,
        rows: impl Fn(&Invoice<'b>) -> Result<Vec<R>, RenderError>,
    ) -> Result<(Vec<Invoice<'b>>, Vec<Finding>), RenderError> {
        let (mut kept, mut findings) = (Vec::new(), Vec::new());
        for invoice in invoices(batch) {
            match reason_to_hold(&invoice) {
                Some(finding) => findings.push(finding),
                None => {
                    self.invoice(&rows(&invoice)?)?;
                    kept.push(invoice);
                }
            }
        }
        Ok((kept, findings))
    }

    /// Adds the rows of one invoice; the cells are final. No rows are no invoice.
    pub(super) fn invoice<R: AsRef<[String]>>(&mut self, rows: &[R]) -> Result<(), RenderError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut block = Table::continued(self.encoding);
        for row in rows {
            block.row(row.as_ref())?;
        }
        let block = block.into_bytes()?;
        let limits = self.limits;
        let has_room = |part: &&mut Part| {
            part.invoices < limits.invoices
                && part.rows + rows.len() <= limits.rows
                && part.bytes.len() + block.len() <= limits.bytes
        };
        if let Some(part) = self.parts.last_mut().filter(has_room) {
            part.bytes.extend(block);
            part.invoices += 1;
            part.rows += rows.len();
            return Ok(());
        }
        let mut bytes = Table::new(self.encoding, &self.header)?.into_bytes()?;
        bytes.extend(block);
        self.parts.push(Part { bytes, invoices: 1, rows: rows.len() });
        Ok(())
    }

    /// The files, in the order of their invoices; `label` tells the receiver in their names.
    pub(super) fn into_files(self, batch: &Batch, label: &str) -> Result<Vec<RenderedFile>, RenderError> {
        let count = self.parts.len();
        let name = |index: usize| match count {
            1 => file_name(&format!("{}-{label}", batch.id), "csv"),
            _ => file_name(&format!("{}-{label}-{}-of-{count}", batch.id, index + 1), "csv"),
        };
        let files = self.parts.into_iter().enumerate();
        Ok(files.map(|(index, part)| RenderedFile { name: name(index), bytes: part.bytes }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::fixture;

    fn sizes(limits: Limits, invoices: &[usize]) -> Vec<usize> {
        let mut parts = Parts::new(TextEncoding::default(), &["a"], limits);
        for rows in invoices {
            parts.invoice(&vec![["x".to_owned()]; *rows]).unwrap();
        }
        let files = parts.into_files(&fixture::worked_example(), "test").unwrap();
        let rows = |file: RenderedFile| {
            assert!(file.bytes.starts_with(b"a\r\nx\r\n"), "each file has the header");
            file.bytes.len() / 3 - 1
        };
        files.into_iter().map(rows).collect()
    }

    #[test]
    fn each_limit_holds_and_no_invoice_is_cut() {
        let rows = Limits { rows: 5, ..Limits::NONE };
        assert_eq!(sizes(rows, &[4, 1, 1, 4, 2, 6]), [5, 5, 2, 6]);
        let invoices = Limits { invoices: 2, ..Limits::NONE };
        assert_eq!(sizes(invoices, &[4, 1, 1, 4, 2]), [5, 5, 2]);
        // Each row has three bytes, the header too.
        let bytes = Limits { bytes: 12, ..Limits::NONE };
        assert_eq!(sizes(bytes, &[1, 2, 1, 4]), [3, 1, 4]);
        let bytes = Limits { bytes: 11, ..Limits::NONE };
        assert_eq!(sizes(bytes, &[1, 2, 1]), [1, 2, 1]);
        assert_eq!(sizes(Limits::NONE, &[1, 0, 2]), [3]);
    }
}
