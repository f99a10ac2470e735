//! Workbooks around the parts of an input: what a format needs besides, and the ZIP that holds it all.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;

use crate::or;

/// Puts files into a ZIP as they are, because packed bytes would hide from the fuzzer what it changes. `None` where the
/// names cannot stand in one archive.
pub fn zipped(files: &[(&str, &[u8])]) -> Option<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in files {
        writer.start_file(*name, stored).ok()?;
        writer.write_all(bytes).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}

const PACKAGE: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;

const BOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Log" sheetId="1" r:id="rId1"/>SECOND</sheets></workbook>"#;

const BOOK_SECOND: &str = r#"<sheet name="More" sheetId="2" r:id="rId2"/>"#;

const BOOK_RELATIONS: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/><Relationship Id="rId4" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;

const CONTENT_TYPES: &[u8] = br#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>"#;

/// An XLSX workbook of a sheet, its texts and styles, another sheet, the list of sheets and where they are.
pub fn xlsx(parts: [&[u8]; 6]) -> Option<Vec<u8>> {
    let [sheet, texts, styles, other, book, relations] = parts;
    let default = BOOK.replace("SECOND", if other.is_empty() { "" } else { BOOK_SECOND });
    let mut files = vec![
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", PACKAGE),
        ("xl/workbook.xml", or(book, default.as_bytes())),
        ("xl/_rels/workbook.xml.rels", or(relations, BOOK_RELATIONS)),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    let optional =
        [("xl/sharedStrings.xml", texts), ("xl/styles.xml", styles), ("xl/worksheets/sheet2.xml", other)];
    files.extend(optional.iter().filter(|(_, part)| !part.is_empty()));
    zipped(&files)
}

const ODS_MANIFEST: &[u8] = br#"<?xml version="1.0" encoding="UTF-8"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"#;

/// An OpenDocument sheet of its content and manifest.
pub fn ods(parts: [&[u8]; 2]) -> Option<Vec<u8>> {
    let [content, manifest] = parts;
    zipped(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", or(manifest, ODS_MANIFEST)),
        ("content.xml", content),
    ])
}

const XLSB_RELATIONS: &[u8] = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.bin"/></Relationships>"#;

/// The records of a list with one sheet: begin, the sheet `Log` as `rId1`, the ends of sheets and workbook.
const XLSB_BOOK: &[u8] = b"\x83\x01\x00\x8f\x01\x00\x9c\x01\x1e\
    \x00\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00r\x00I\x00d\x001\x00\x03\x00\x00\x00L\x00o\x00g\x00\
    \x90\x01\x00\x9d\x01\x00\x84\x01\x00";

/// A binary workbook of a sheet, its texts and styles, and the list of sheets.
pub fn xlsb(parts: [&[u8]; 4]) -> Option<Vec<u8>> {
    let [sheet, texts, styles, book] = parts;
    let mut files = vec![
        ("[Content_Types].xml", CONTENT_TYPES),
        ("xl/workbook.bin", or(book, XLSB_BOOK)),
        ("xl/_rels/workbook.bin.rels", XLSB_RELATIONS),
        ("xl/worksheets/sheet1.bin", sheet),
    ];
    let optional = [("xl/sharedStrings.bin", texts), ("xl/styles.bin", styles)];
    files.extend(optional.iter().filter(|(_, part)| !part.is_empty()));
    zipped(&files)
}

/// An old workbook of its stream of records.
pub fn xls(records: &[u8]) -> Option<Vec<u8>> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).ok()?;
    let mut stream = file.create_stream("/Workbook").ok()?;
    stream.write_all(records).ok()?;
    stream.flush().ok()?;
    drop(stream);
    file.flush().ok()?;
    Some(file.into_inner().into_inner())
}
