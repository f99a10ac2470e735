//! What holds a report's rows, told by the first bytes of the file. Neither its name nor its extension counts.

use encoding_rs::Encoding;

use super::error::ReadError;

/// What a file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// Delimited text.
    Text,
    /// A page with tables.
    Page,
    /// An old workbook.
    Xls,
    /// A ZIP archive: a newer workbook, or files.
    Zip,
    /// A gzip archive of one file.
    Gzip,
}

/// Tells the container, or refuses a format that holds no rows.
pub(super) fn container_of(head: &[u8]) -> Result<Container, ReadError> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Container::Zip);
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Ok(Container::Xls);
    }
    if head.starts_with(b"\x1f\x8b") {
        return Ok(Container::Gzip);
    }
    let text = match Encoding::for_bom(head) {
        Some((encoding, _)) => encoding.decode(head).0.to_ascii_lowercase(),
        None => String::from_utf8_lossy(head).to_ascii_lowercase(),
    };
    let text = text.trim_start();
    let container = if head.starts_with(b"%PDF") {
        "a PDF document"
    } else if head.starts_with(b"\x09\x08")
        || head.starts_with(b"\x09\x04\x06\0")
        || head.starts_with(b"\x09\x02\x06\0")
    {
        "a worksheet of Excel 5 or older"
    } else if text.starts_with("mime-version:") {
        "a web archive (.mht)"
    } else if text.starts_with("{\\rtf") {
        "an RTF document"
    } else if !text.starts_with('<') {
        return Ok(Container::Text);
    } else if text.contains("<workbook") && text.contains("urn:schemas-microsoft-com:office:spreadsheet") {
        "an XML spreadsheet of Excel 2003"
    } else if ["<html", "<table", "<!doctype html"].iter().any(|tag| text.contains(tag)) {
        return Ok(Container::Page);
    } else {
        "an XML document"
    };
    Err(ReadError::Container { container })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_told_by_their_first_bytes() {
        let check = |head: &[u8], expected: Result<Container, &str>| {
            let found = container_of(head).map_err(|error| error.to_string());
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(part)) => assert!(found.contains(part), "{found}"),
                (found, expected) => panic!("{found:?} {expected:?}"),
            }
        };
        check(b"PK\x03\x04..", Ok(Container::Zip));
        check(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Ok(Container::Xls));
        check(b"\x1f\x8b\x08", Ok(Container::Gzip));
        check(b"Date,Username\n", Ok(Container::Text));
        check(b"", Ok(Container::Text));
        check(b"\xef\xbb\xbf\n <HTML>", Ok(Container::Page));
        check(b"\xff\xfe<\0t\0a\0b\0l\0e\0>\0", Ok(Container::Page));
        check(b"<!DOCTYPE html><p>", Ok(Container::Page));
        check(b"<?xml version='1.0'?><html xmlns='x'>", Ok(Container::Page));
        check(
            b"<?xml version='1.0'?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\"><Table>",
            Err("XML spreadsheet"),
        );
        check(b"<rows/>", Err("XML document"));
        check(b"%PDF-1.7", Err("PDF"));
        check(b"MIME-Version: 1.0\n", Err(".mht"));
        check(b"\x09\x08\x08\0\0\x05\x05\0", Err("Excel 5"));
    }
}
