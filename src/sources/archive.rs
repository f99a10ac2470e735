//! Archives: a gzip file, or a ZIP with one file in it, unpacked to a temporary file.
//!
//! The rule is simple: one report an archive. A ZIP of several files is refused with their names, because a report
//! is known by the hash of its bytes, and one hash cannot stand for several. What would grow beyond all measure is
//! stopped while it grows; the sizes that an archive claims are not believed.

use std::fs::File;
use std::io::{Read, Seek, Write};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::error::ReadError;
use super::limits::{
    ARCHIVE_FILES_MAX, CHUNK_BYTES, FILE_BYTES_MAX, UNPACKED_BYTES_FREE, UNPACKED_RATIO_MAX,
};

/// What a ZIP archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ZipKind {
    /// A workbook of Excel 2007 and later.
    Xlsx,
    /// The same with binary sheets.
    Xlsb,
    /// An OpenDocument sheet.
    Ods,
    /// Files.
    Archive,
}

/// Looks at the names in a ZIP, or refuses documents of other kinds.
pub(super) fn zip_kind<R: Read + Seek>(zip: &ZipArchive<R>) -> Result<ZipKind, ReadError> {
    let has = |name: &str| {
        let mut found = zip.file_names().filter_map(Result::ok);
        found.any(|found| found.replace('\\', "/").trim_start_matches('/').eq_ignore_ascii_case(name))
    };
    if has("xl/workbook.xml") {
        return Ok(ZipKind::Xlsx);
    }
    if has("xl/workbook.bin") {
        return Ok(ZipKind::Xlsb);
    }
    if has("mimetype") && has("content.xml") {
        return Ok(ZipKind::Ods);
    }
    if has("word/document.xml") {
        return Err(ReadError::Container { container: "a Word document" });
    }
    if has("ppt/presentation.xml") {
        return Err(ReadError::Container { container: "a presentation" });
    }
    Ok(ZipKind::Archive)
}

/// Unpacks a gzip file.
pub(super) fn gunzip(packed: &File, size_bytes: u64) -> Result<File, ReadError> {
    pour(MultiGzDecoder::new(packed.take(size_bytes)), size_bytes, "gzip archive")
}

/// Unpacks the only file of a ZIP.
pub(super) fn unzip<R: Read + Seek>(zip: &mut ZipArchive<R>, size_bytes: u64) -> Result<File, ReadError> {
    let damaged = |error: zip::result::ZipError| ReadError::Damaged {
        container: "ZIP archive",
        reason: error.to_string(),
    };
    if zip.len() > ARCHIVE_FILES_MAX {
        return Err(ReadError::ArchiveSeveral { names: format!("{} files", zip.len()) });
    }
    let all = zip.file_names().enumerate();
    // A name that is no text is still a file.
    let all = all.map(|(at, name)| (at, name.map_or_else(|_| "?".to_owned(), std::borrow::Cow::into_owned)));
    let names: Vec<(usize, String)> = all.filter(|(_, name)| is_report(name)).collect();
    let [(at, _)] = names.as_slice() else {
        let mut shown: Vec<String> = names.iter().take(10).map(|(_, name)| format!("`{name}`")).collect();
        if names.len() > shown.len() {
            shown.push(format!("{} more", names.len() - shown.len()));
        }
        let names = if shown.is_empty() { "no file".to_owned() } else { shown.join(", ") };
        return Err(ReadError::ArchiveSeveral { names });
    };
    let entry = zip.by_index(*at).map_err(|error| match error {
        zip::result::ZipError::UnsupportedArchive(text) if text.contains("assword") => {
            ReadError::Protected { container: "ZIP archive" }
        }
        other => damaged(other),
    })?;
    if entry.encrypted() {
        return Err(ReadError::Protected { container: "ZIP archive" });
    }
    pour(entry, size_bytes, "ZIP archive")
}

/// Folders and what a Mac puts beside files are not reports.
fn is_report(name: &str) -> bool {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    !file.is_empty() && file != ".DS_Store" && !name.starts_with("__MACOSX")
}

/// Copies to a temporary file, as far as a real report would go.
fn pour(mut from: impl Read, packed_bytes: u64, container: &'static str) -> Result<File, ReadError> {
    let mut file = tempfile::tempfile()?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let most = packed_bytes.saturating_mul(UNPACKED_RATIO_MAX).clamp(UNPACKED_BYTES_FREE, FILE_BYTES_MAX);
    let mut total = 0u64;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(ReadError::Damaged { container, reason: error.to_string() }),
        };
        total = total.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if total > most {
            return Err(ReadError::ArchiveTooLarge { container, most });
        }
        file.write_all(buffer.get(..count).unwrap_or_default())?;
    }
    if total == 0 {
        return Err(ReadError::Empty);
    }
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn unzipped(bytes: &[u8]) -> Result<String, String> {
        let size = u64::try_from(bytes.len()).unwrap();
        let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut file = unzip(&mut zip, size).map_err(|error| error.to_string())?;
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        Ok(text)
    }

    #[test]
    fn one_file_is_unpacked() {
        let files: [(&str, &[u8]); 4] =
            [("a/", b""), ("a/march.csv", b"Date"), ("__MACOSX/a/._march.csv", b"x"), (".DS_Store", b"x")];
        assert_eq!(unzipped(&zipped(&files)), Ok("Date".to_owned()));
        let two = unzipped(&zipped(&[("a.csv", b"x"), ("b.csv", b"x")])).unwrap_err();
        assert!(two.contains("`a.csv`, `b.csv`"), "{two}");
        assert!(unzipped(&zipped(&[])).unwrap_err().contains("no file"));
        assert!(unzipped(&zipped(&[("a.csv", b"")])).unwrap_err().contains("empty"));
    }

    #[test]
    fn an_archive_that_grows_without_end_is_stopped() {
        let zeros = vec![b'0'; usize::try_from(UNPACKED_BYTES_FREE).unwrap() + 1];
        let error = unzipped(&zipped(&[("a.csv", &zeros)])).unwrap_err();
        assert!(error.contains("67108864"), "{error}");
        assert!(unzipped(&zipped(&[("a.csv", &zeros[1..])])).is_ok());
    }

    #[test]
    fn a_gzip_file_is_unpacked_or_refused() {
        let pack = |bytes: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        let unpack = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            file.rewind().unwrap();
            let mut text = String::new();
            match gunzip(&file, u64::try_from(bytes.len()).unwrap()) {
                Ok(mut file) => {
                    file.read_to_string(&mut text).map(|_| text).map_err(|error| error.to_string())
                }
                Err(error) => Err(error.to_string()),
            }
        };
        let packed = pack(b"Date,Username\n");
        assert_eq!(unpack(&packed), Ok("Date,Username\n".to_owned()));
        assert_eq!(unpack(&[packed.clone(), packed.clone()].concat()).unwrap().len(), 28);
        assert!(unpack(&packed[..packed.len() - 4]).unwrap_err().contains("damaged or cut off"));
    }
}
