//! The encoding in which a receiver wants its CSV.
//!
//! UTF-8 unless the receiver cannot read it. A sign that the encoding does not have is an error that names it:
//! a question mark in a customer's name would match nobody, and nobody would see why.

use encoding_rs::{EncoderResult, Encoding, UTF_8};

use super::RenderError;

/// An encoding for output.
///
/// ```
/// use papertally::outputs::formats::TextEncoding;
/// assert_eq!(TextEncoding::parse("Windows-1252").unwrap().name(), "windows-1252");
/// assert!(TextEncoding::parse("utf-16").is_none());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextEncoding(Kind);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Utf8,
    Utf8WithMark,
    Ascii,
    CodePage(&'static Encoding),
}

/// The byte-order mark of UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

impl TextEncoding {
    /// Reads `utf-8`, `utf-8-bom`, `ascii`, or a code page's name such as `windows-1252`, in any letter case.
    ///
    /// `None` where the name is unknown or names an encoding that can only be read (UTF-16).
    pub fn parse(name: &str) -> Option<TextEncoding> {
        let kind = match name.trim().to_ascii_lowercase().as_str() {
            "utf-8-bom" => Kind::Utf8WithMark,
            // The Web's encoding list reads `ascii` as Windows-1252; here it has to mean what it says.
            "ascii" | "us-ascii" => Kind::Ascii,
            other => match Encoding::for_label(other.as_bytes())? {
                found if found == UTF_8 => Kind::Utf8,
                found if found.output_encoding() == found => Kind::CodePage(found),
                _ => return None,
            },
        };
        Some(TextEncoding(kind))
    }

    /// The encoding's name.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Utf8 => "UTF-8",
            Kind::Utf8WithMark => "UTF-8 with a byte-order mark",
            Kind::Ascii => "ASCII",
            Kind::CodePage(page) => page.name(),
        }
    }

    /// The bytes before the first cell.
    pub(super) fn prefix(self) -> &'static [u8] {
        match self.0 {
            Kind::Utf8WithMark => MARK,
            Kind::Utf8 | Kind::Ascii | Kind::CodePage(_) => &[],
        }
    }

    /// The bytes of one cell.
    pub(super) fn encode(self, text: &str) -> Result<Vec<u8>, RenderError> {
        let unmappable =
            |sign| RenderError::Unmappable { text: text.to_owned(), sign, encoding: self.name() };
        let page = match self.0 {
            Kind::Utf8 | Kind::Utf8WithMark => return Ok(text.as_bytes().to_vec()),
            Kind::Ascii => {
                return match text.chars().find(|sign| !sign.is_ascii()) {
                    Some(sign) => Err(unmappable(sign)),
                    None => Ok(text.as_bytes().to_vec()),
                };
            }
            Kind::CodePage(page) => page,
        };
        let mut encoder = page.new_encoder();
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text;
        loop {
            // A code page needs at most four bytes for what UTF-8 writes in one; ISO-2022-JP ends with three more.
            bytes.reserve(rest.len().saturating_mul(4).saturating_add(16));
            let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut bytes, true);
            match result {
                EncoderResult::InputEmpty => return Ok(bytes),
                EncoderResult::Unmappable(sign) => return Err(unmappable(sign)),
                EncoderResult::OutputFull => rest = rest.get(read..).unwrap_or_default(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(TextEncoding::parse(name).map(TextEncoding::name), expected, "{name}");
        };
        check("utf-8", Some("UTF-8"));
        check("UTF8", Some("UTF-8"));
        check("utf-8-bom", Some("UTF-8 with a byte-order mark"));
        check("ascii", Some("ASCII"));
        check("cp1252", Some("windows-1252"));
        check("iso-8859-2", Some("ISO-8859-2"));
        check("utf-16le", None);
        check("klingon", None);
    }

    #[test]
    fn every_sign_is_written_or_named() {
        let check = |name: &str, text: &str, expected: Result<&[u8], &str>| {
            let bytes = TextEncoding::parse(name).unwrap().encode(text).map_err(|error| error.to_string());
            assert_eq!(bytes.as_deref().map_err(String::as_str), expected);
        };
        check("utf-8", "Łódź", Ok("Łódź".as_bytes()));
        check("windows-1252", "Café €5", Ok(b"Caf\xE9 \x805"));
        check(
            "windows-1252",
            "Łódź",
            Err(
                "`Łódź` has the sign `Ł`, which windows-1252 cannot hold: expected another spelling, or `encoding = \"utf-8\"` for this receiver",
            ),
        );
        check("ascii", "Cafe", Ok(b"Cafe"));
        check(
            "ascii",
            "Café",
            Err(
                "`Café` has the sign `é`, which ASCII cannot hold: expected another spelling, or `encoding = \"utf-8\"` for this receiver",
            ),
        );
    }

    #[test]
    fn only_the_marked_form_has_a_mark() {
        assert_eq!(TextEncoding::parse("utf-8-bom").unwrap().prefix(), MARK);
        assert!(TextEncoding::default().prefix().is_empty());
    }
}
