//! A CSV file in the making: comma, CRLF after every row, quotes only where needed (RFC 4180).

use super::{RenderError, TextEncoding};

/// Rows on their way to bytes, in the receiver's encoding.
pub(super) struct Table {
    writer: csv::Writer<Vec<u8>>,
    encoding: TextEncoding,
}

impl Table {
    /// A table with its header row.
    pub(super) fn new<S: AsRef<str>>(encoding: TextEncoding, header: &[S]) -> Result<Table, RenderError> {
        let mut table = Table::starting_with(encoding, encoding.prefix());
        table.row(header)?;
        Ok(table)
    }

    /// Rows that go on after others.
    pub(super) fn continued(encoding: TextEncoding) -> Table {
        Table::starting_with(encoding, &[])
    }

    fn starting_with(encoding: TextEncoding, bytes: &[u8]) -> Table {
        let writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(bytes.to_vec());
        Table { writer, encoding }
    }

    /// Adds a row; the cells are final.
    pub(super) fn row<S: AsRef<str>>(&mut self, cells: &[S]) -> Result<(), RenderError> {
        let encoded: Result<Vec<Vec<u8>>, RenderError> =
            cells.iter().map(|cell| self.encoding.encode(cell.as_ref())).collect();
        self.writer.write_record(encoded?).map_err(RenderError::Csv)
    }

    /// The bytes of the file.
    pub(super) fn into_bytes(self) -> Result<Vec<u8>, RenderError> {
        self.writer.into_inner().map_err(|error| RenderError::Csv(error.into_error().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_only_where_they_must_be() {
        let mut table = Table::new(TextEncoding::default(), &["a", "b"]).unwrap();
        table.row(&["x, y", "say \"so\""]).unwrap();
        table.row(&["-1.68", "'=1"]).unwrap();
        table.row(&["", "é"]).unwrap();
        let bytes = table.into_bytes().unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "a,b\r\n\"x, y\",\"say \"\"so\"\"\"\r\n-1.68,'=1\r\n,é\r\n"
        );
    }

    #[test]
    fn the_mark_stands_before_the_header_once() {
        let encoding = TextEncoding::parse("utf-8-bom").unwrap();
        let table = Table::new(encoding, &["a"]).unwrap();
        assert_eq!(table.into_bytes().unwrap(), b"\xEF\xBB\xBFa\r\n");
    }
}
