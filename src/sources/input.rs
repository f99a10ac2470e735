//! The bytes of a report file: what they are, and the same bytes again as UTF-8 text.
//!
//! The handle stays open over both passes and no more is read than the length found at first, so that a log that
//! grows meanwhile, or a file that is replaced, cannot mix two states.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use sha2::{Digest, Sha256};

use super::error::ReadError;
use super::limits::{CHUNK_BYTES, FILE_BYTES_MAX};

/// An open report file.
#[derive(Debug)]
pub(super) struct Input {
    file: File,
    pub(super) size_bytes: u64,
    modified: Option<SystemTime>,
}

/// What all the bytes of a file tell.
#[derive(Debug)]
pub(super) struct Bytes {
    pub(super) sha256: [u8; 32],
    pub(super) encoding: &'static Encoding,
    /// A byte order mark is there.
    pub(super) has_mark: bool,
    /// Bytes have to be decoded; otherwise the file is valid UTF-8 as it is.
    pub(super) needs_decoding: bool,
    /// Where the first byte is that does not fit the encoding.
    pub(super) replaced_at: Option<u64>,
}

impl Input {
    /// Opens a regular file of a size that a report can have.
    pub(super) fn open(path: &Path) -> Result<Input, ReadError> {
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(ReadError::NotAFile);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        match metadata.len() {
            0 => Err(ReadError::Empty),
            found if found > FILE_BYTES_MAX => Err(ReadError::TooLarge { found, most: FILE_BYTES_MAX }),
            size_bytes => Ok(Input { file, size_bytes, modified: metadata.modified().ok() }),
        }
    }

    /// Takes an unpacked file, which nobody else can change.
    pub(super) fn of_unpacked(file: File) -> Result<Input, ReadError> {
        let size_bytes = file.metadata()?.len();
        Ok(Input { file, size_bytes, modified: None })
    }

    /// The file from its start.
    pub(super) fn rewound(&mut self) -> Result<&File, ReadError> {
        self.file.rewind()?;
        Ok(&self.file)
    }

    /// The hash of all bytes.
    pub(super) fn hash(&mut self) -> Result<[u8; 32], ReadError> {
        self.file.rewind()?;
        let mut hash = Sha256::new();
        let count = std::io::copy(&mut (&self.file).take(self.size_bytes), &mut HashWriter(&mut hash))?;
        if count < self.size_bytes {
            return Err(ReadError::FileChanged);
        }
        Ok(hash.finalize().into())
    }

    /// All bytes and their hash, of a file that may be held in memory.
    pub(super) fn all(&mut self, most: u64) -> Result<(Vec<u8>, [u8; 32]), ReadError> {
        if self.size_bytes > most {
            return Err(ReadError::TooLarge { found: self.size_bytes, most });
        }
        let bytes = self.head(usize::try_from(self.size_bytes).unwrap_or(usize::MAX))?;
        let digest = Sha256::digest(&bytes);
        Ok((bytes, digest.into()))
    }

    /// The first bytes, at most `count`.
    pub(super) fn head(&mut self, count: usize) -> Result<Vec<u8>, ReadError> {
        self.file.rewind()?;
        let mut head = Vec::new();
        let count = u64::try_from(count).unwrap_or(u64::MAX).min(self.size_bytes);
        (&self.file).take(count).read_to_end(&mut head)?;
        Ok(head)
    }

    /// Goes through all bytes: identity, and which text they are.
    pub(super) fn survey(&mut self, named: Option<&str>) -> Result<Bytes, ReadError> {
        let named = named.map(encoding_named).transpose()?;
        let head = self.head(CHUNK_BYTES)?;
        let marked = Encoding::for_bom(&head).map(|(encoding, _)| encoding);
        let wide = marked.filter(|encoding| *encoding != UTF_8).or_else(|| unmarked_utf_16(&head));
        self.file.rewind()?;
        let mut scan = ByteScan::default();
        let mut left = self.size_bytes;
        while left > 0 {
            let count = scan.take(&self.file, left)?;
            if count == 0 {
                return Err(ReadError::FileChanged);
            }
            left -= count;
        }
        if let (Some(at), None) = (scan.nul_at, wide) {
            return Err(ReadError::NulByte { at: format!(" at byte {}", at + 1) });
        }
        let invalid_at = scan.first_invalid();
        let encoding = match (wide, marked, invalid_at) {
            (Some(wide), _, _) => wide,
            (None, Some(_), _) | (None, None, None) => UTF_8,
            (None, None, Some(_)) => named.unwrap_or(WINDOWS_1252),
        };
        let is_utf8 = encoding == UTF_8;
        Ok(Bytes {
            sha256: scan.hash.finalize().into(),
            encoding,
            has_mark: marked.is_some(),
            needs_decoding: !is_utf8 || invalid_at.is_some(),
            replaced_at: invalid_at.filter(|_| is_utf8),
        })
    }

    /// The file's text from its start, without a byte order mark.
    pub(super) fn text(&mut self, bytes: &Bytes) -> Result<TextStream<'_>, ReadError> {
        let mark = if bytes.has_mark && !bytes.needs_decoding { 3 } else { 0 };
        self.file.seek(SeekFrom::Start(mark))?;
        let decoder = bytes.needs_decoding.then(|| Decoding {
            spare: Vec::new(),
            decoder: bytes.encoding.new_decoder(),
            raw: vec![0; CHUNK_BYTES],
            at: 0,
            filled: 0,
            finished: false,
        });
        Ok(TextStream { file: &self.file, left: self.size_bytes.saturating_sub(mark), decoder })
    }

    /// Whether the file is still the one that was examined. A log may have grown behind its known end.
    pub(super) fn check_unchanged(&mut self, sha256: [u8; 32], may_grow: bool) -> Result<(), ReadError> {
        let metadata = self.file.metadata()?;
        if metadata.len() == self.size_bytes && metadata.modified().ok() == self.modified {
            return Ok(());
        }
        if !may_grow || metadata.len() < self.size_bytes {
            return Err(ReadError::FileChanged);
        }
        if self.hash()? == sha256 { Ok(()) } else { Err(ReadError::FileChanged) }
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The encoding that people mean by a name: one of the standard's, or what Windows and old programs say.
fn encoding_named(name: &str) -> Result<&'static Encoding, ReadError> {
    let bare: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let windows = bare.strip_prefix("windows").or(bare.strip_prefix("win")).or(bare.strip_prefix("cp"));
    let usual = match (bare.as_str(), windows) {
        ("ansi", _) => "windows-1252".to_owned(),
        ("utf16", _) => "utf-16le".to_owned(),
        (_, Some(page)) => format!("windows-{page}"),
        (bare, None) => bare.to_owned(),
    };
    let known = Encoding::for_label(name.as_bytes()).or_else(|| Encoding::for_label(usual.as_bytes()));
    known.ok_or_else(|| ReadError::EncodingUnknown(name.to_owned()))
}

/// UTF-16 without its mark: plain letters have a NUL on one side, always the same.
fn unmarked_utf_16(head: &[u8]) -> Option<&'static Encoding> {
    let sample = head.get(..head.len().min(512)).unwrap_or_default();
    let nuls = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let most = sample.len() / 4;
    match (nuls(0), nuls(1)) {
        (0, odd) if odd > most => Some(UTF_16LE),
        (even, 0) if even > most => Some(UTF_16BE),
        _ => None,
    }
}

/// Hash, UTF-8 validity and NUL bytes of a stream of chunks.
struct ByteScan {
    hash: Sha256,
    buffer: Vec<u8>,
    /// Bytes of an unfinished letter at the start of the buffer.
    kept: usize,
    /// Bytes before the buffer's start.
    before: u64,
    invalid_at: Option<u64>,
    nul_at: Option<u64>,
}

impl Default for ByteScan {
    fn default() -> ByteScan {
        let buffer = vec![0; CHUNK_BYTES];
        ByteScan { hash: Sha256::new(), buffer, kept: 0, before: 0, invalid_at: None, nul_at: None }
    }
}

impl ByteScan {
    /// Reads on and gives the number of bytes.
    fn take(&mut self, file: &File, left: u64) -> Result<u64, ReadError> {
        let free = self.buffer.get_mut(self.kept..).unwrap_or_default();
        let count = file.take(left).read(free)?;
        let end = self.kept + count;
        let fresh = self.buffer.get(self.kept..end).unwrap_or_default();
        self.hash.update(fresh);
        let as_u64 = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        if self.nul_at.is_none() && fresh.contains(&0) {
            let at = fresh.iter().position(|byte| *byte == 0).unwrap_or_default();
            self.nul_at = Some(self.before + as_u64(self.kept + at));
        }
        let all = self.buffer.get(..end).unwrap_or_default();
        let good = match std::str::from_utf8(all) {
            _ if self.invalid_at.is_some() => end,
            Ok(_) => end,
            Err(error) if error.error_len().is_none() && count > 0 => error.valid_up_to(),
            Err(error) => {
                self.invalid_at = Some(self.before + as_u64(error.valid_up_to()));
                end
            }
        };
        self.buffer.copy_within(good..end, 0);
        self.kept = end - good;
        self.before += as_u64(good);
        Ok(as_u64(count))
    }

    /// Where the first byte is that is not UTF-8; an unfinished letter at the end is one.
    fn first_invalid(&self) -> Option<u64> {
        self.invalid_at.or((self.kept > 0).then_some(self.before))
    }
}

/// Room that the decoder wants for one letter, with some to spare.
const LETTER_BYTES_MAX: usize = 16;

/// A file's text as UTF-8, decoded where it has to be.
#[derive(Debug)]
pub(super) struct TextStream<'a> {
    file: &'a File,
    left: u64,
    decoder: Option<Decoding>,
}

struct Decoding {
    /// Text that a caller had no room for.
    spare: Vec<u8>,
    decoder: Decoder,
    raw: Vec<u8>,
    at: usize,
    filled: usize,
    finished: bool,
}

impl Decoding {
    /// As much of the spare text as there is room for.
    fn hand_out(&mut self, into: &mut [u8]) -> usize {
        let count = self.spare.len().min(into.len());
        for (place, byte) in into.iter_mut().zip(self.spare.drain(..count)) {
            *place = byte;
        }
        count
    }
}

impl std::fmt::Debug for Decoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoding").field("encoding", &self.decoder.encoding().name()).finish_non_exhaustive()
    }
}

impl Read for TextStream<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let Some(decoding) = &mut self.decoder else {
            let count = self.file.take(self.left).read(into)?;
            self.left -= u64::try_from(count).unwrap_or(self.left);
            return Ok(count);
        };
        // What was decoded and did not fit goes out first.
        if !decoding.spare.is_empty() {
            return Ok(decoding.hand_out(into));
        }
        // The decoder needs room for its longest letter: a caller with less gets it by way of a place of our own.
        if into.len() < LETTER_BYTES_MAX {
            let mut place = [0; LETTER_BYTES_MAX];
            let count = self.read(&mut place)?;
            let Some(decoding) = &mut self.decoder else { return Ok(0) };
            decoding.spare.extend_from_slice(place.get(..count).unwrap_or_default());
            return Ok(decoding.hand_out(into));
        }
        while !decoding.finished {
            if decoding.at == decoding.filled && self.left > 0 {
                decoding.filled = self.file.take(self.left).read(&mut decoding.raw)?;
                decoding.at = 0;
                self.left -= u64::try_from(decoding.filled).unwrap_or(self.left);
                if decoding.filled == 0 {
                    self.left = 0;
                }
            }
            let raw = decoding.raw.get(decoding.at..decoding.filled).unwrap_or_default();
            let (result, read, written, _) = decoding.decoder.decode_to_utf8(raw, into, self.left == 0);
            decoding.at += read;
            decoding.finished = self.left == 0 && result == CoderResult::InputEmpty;
            if into.get(..written).unwrap_or_default().contains(&0) {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    "the text has a NUL letter",
                ));
            }
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], named: Option<&str>) -> Result<(String, String), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        std::fs::write(&path, bytes).unwrap();
        let mut input = Input::open(&path).map_err(|error| error.to_string())?;
        let bytes = input.survey(named).map_err(|error| error.to_string())?;
        let mut text = String::new();
        input.text(&bytes).unwrap().read_to_string(&mut text).unwrap();
        Ok((bytes.encoding.name().to_owned(), text))
    }

    #[test]
    fn the_encoding_is_found() {
        let check = |bytes: &[u8], named: Option<&str>, encoding: &str, text: &str| {
            assert_eq!(read(bytes, named), Ok((encoding.to_owned(), text.to_owned())), "{bytes:?}");
        };
        check(b"plain", None, "UTF-8", "plain");
        check("\u{feff}caf\u{e9}".as_bytes(), None, "UTF-8", "café");
        check(b"\xef\xbb\xbfcaf\xe9", None, "UTF-8", "caf\u{fffd}");
        check(b"caf\xe9 \x80", None, "windows-1252", "café €");
        check(b"\xbeofie", Some("iso-8859-2"), "ISO-8859-2", "žofie");
        check("žofie".as_bytes(), Some("iso-8859-2"), "UTF-8", "žofie");
        check(b"\x9eofie", Some("CP-1250"), "windows-1250", "žofie");
        check(b"caf\xe9", Some("Latin-1"), "windows-1252", "café");
        check(b"caf\xe9", Some("ANSI"), "windows-1252", "café");
        check(b"\xc4\xc1\xd4\xc1", Some("koi8-r"), "KOI8-R", "дата");
        check(b"\x93\xfa\x95t", Some("Shift_JIS"), "Shift_JIS", "日付");
        check(b"\xff\xfeD\0a\0}\x01", None, "UTF-16LE", "DaŽ");
        check(b"\xfe\xff\0D\0a", None, "UTF-16BE", "Da");
        check(b"D\0a\0t\0e\0", None, "UTF-16LE", "Date");
        check(b"cut \xe2\x82", None, "windows-1252", "cut â‚");
    }

    #[test]
    fn letters_cross_the_borders_of_chunks() {
        for shift in 0..4 {
            let text = "x".repeat(CHUNK_BYTES - shift) + &"€".repeat(CHUNK_BYTES / 2);
            assert_eq!(read(text.as_bytes(), None), Ok(("UTF-8".to_owned(), text)));
        }
    }

    #[test]
    fn a_reader_with_little_room_gets_all_of_the_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        for text in ["caf\u{e9} na\u{ef}ve \u{20ac}", "\u{e9}"] {
            std::fs::write(&path, WINDOWS_1252.encode(text).0).unwrap();
            let mut input = Input::open(&path).unwrap();
            let bytes = input.survey(None).unwrap();
            for room in 1..20 {
                let mut stream = input.text(&bytes).unwrap();
                let mut all = Vec::new();
                let mut piece = vec![0; room];
                loop {
                    match stream.read(&mut piece).unwrap() {
                        0 => break,
                        count => all.extend_from_slice(&piece[..count]),
                    }
                }
                assert_eq!(String::from_utf8(all).unwrap(), text, "room for {room}");
            }
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(read(b"", None), Err("the file is empty, expected a report with a header".into()));
        let nul = "the text has a NUL byte at byte 3; the file is damaged or is not text";
        assert_eq!(read(b"ab\0cd\n", None), Err(nul.into()));
        let error =
            "found `klingon`, expected the name of an encoding such as `windows-1252` or `ISO-8859-2`";
        assert_eq!(read(b"ab", Some("klingon")), Err(error.into()));
        assert!(matches!(Input::open(Path::new("/")), Err(ReadError::NotAFile)));
    }

    #[test]
    fn a_change_between_the_passes_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        std::fs::write(&path, "abc").unwrap();
        let mut input = Input::open(&path).unwrap();
        let bytes = input.survey(None).unwrap();
        assert!(input.check_unchanged(bytes.sha256, false).is_ok());
        std::fs::write(&path, "abcd").unwrap();
        assert!(matches!(input.check_unchanged(bytes.sha256, false), Err(ReadError::FileChanged)));
        assert!(input.check_unchanged(bytes.sha256, true).is_ok());
        std::fs::write(&path, "xbcd").unwrap();
        assert!(matches!(input.check_unchanged(bytes.sha256, true), Err(ReadError::FileChanged)));
        std::fs::write(&path, "ab").unwrap();
        assert!(matches!(input.check_unchanged(bytes.sha256, true), Err(ReadError::FileChanged)));
    }
}
