//! Reports in containers, from their bytes to their rows; and that no damaged one stops the run.

use std::io::{Cursor, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::ReadSettings;
use super::reading_tests::read;
use crate::domain::{DateOrder, DecimalMark, ReportKind};

fn check(bytes: &[u8], expected: &[&str]) {
    assert_eq!(read(bytes, &ReadSettings::default()), expected);
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A workbook of visible sheets with these rows in XML.
fn xlsx(sheets: &[(&str, &str)]) -> Vec<u8> {
    let relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let list: String = (1..)
        .zip(sheets)
        .map(|(at, (name, _))| format!("<sheet name=\"{name}\" sheetId=\"{at}\" r:id=\"rId{at}\"/>"))
        .collect();
    let targets: String = (1..=sheets.len())
        .map(|at| format!("<Relationship Id=\"rId{at}\" Type=\"{relation}/worksheet\" Target=\"worksheets/sheet{at}.xml\"/>"))
        .collect();
    let book =
        format!("<workbook xmlns=\"{main}\" xmlns:r=\"{relation}\"><sheets>{list}</sheets></workbook>");
    let targets = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{targets}</Relationships>"
    );
    let bodies: Vec<(String, String)> = (1..)
        .zip(sheets)
        .map(|(at, (_, rows))| {
            (
                format!("xl/worksheets/sheet{at}.xml"),
                format!("<worksheet xmlns=\"{main}\">{rows}</worksheet>"),
            )
        })
        .collect();
    let package = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{relation}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let mut files: Vec<(&str, &[u8])> = vec![
        ("_rels/.rels", package.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", targets.as_bytes()),
    ];
    files.extend(bodies.iter().map(|(name, body)| (name.as_str(), body.as_bytes())));
    zipped(&files)
}

/// Rows of texts and numbers: `=` before a formula, `#` before a number.
fn rows(first: u32, rows: &[&[&str]]) -> String {
    let cell = |row: u32, (column, text): (u8, &&str)| {
        let place = format!("{}{row}", char::from(b'A' + column));
        match text.split_at_checked(1) {
            Some(("#", number)) => format!("<c r=\"{place}\"><v>{number}</v></c>"),
            Some(("=", formula)) => format!("<c r=\"{place}\"><f>{formula}</f></c>"),
            _ => format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
        }
    };
    let row = |(row, cells): (u32, &&[&str])| {
        let cells: String = (0u8..).zip(*cells).map(|at| cell(row, at)).collect();
        format!("<row r=\"{row}\">{cells}</row>")
    };
    (first..).zip(rows).map(row).collect()
}

fn sheet(all: &[&[&str]]) -> String {
    format!("<sheetData>{}</sheetData>", rows(1, all))
}

#[test]
fn a_workbook_is_read_like_text() {
    let all = sheet(&[
        &["Print logs"],
        &["# From = Sep 1", "2024 12:00:00 AM", "To = Sep 30", "2024 11:59:59 PM"],
        &["Date", "Username", "Shared Account Parent Name", "Document", "Total Printed Pages", "Cost"],
        &["#45537.375", "ines", "LABS", "#7", "#3", "#0.30000000000000004"],
        &["2024-09-02 10:00:00", "#7.000000000000001", "", "b", "#2", "1.10"],
        &["#60", "omar", "", "c", "#1", "#1"],
        &["#45537.4", "omar", "", "c", "#1", "=A1*2"],
        &["#45537.4", "omar", "", "=A1", "=A2", "#1"],
        &["#45537.4", "omar", "", "c", "#1.5", "#1"],
        &["#45537.4", "omar", "", "c", "#1", "#1", "more"],
        &["#45537.4", "omar"],
        &["Total", "", "", "", "", "#2.40"],
    ]);
    check(
        &xlsx(&[("Log", &all)]),
        &[
            "4 2024-09-02 09:00:00 ines [LABS] (7) 3p 0.30",
            "5 2024-09-02 10:00:00 7 [] (b) 2p 1.10",
            "6 rejected Date: found `60`, expected a date and time such as `2024-03-01 17:50:10`",
            "7 rejected Cost: found a formula without a calculated result, expected a value",
            "8 rejected Document: found another text, expected a value",
            "9 rejected Total Printed Pages: found `1.5`, expected a whole number",
            "10 rejected : found 7 cells, expected 6, one for each column",
            "11 rejected Total Printed Pages: found an empty cell, expected a whole number",
            "total-differs row 12: the total row says 2.40, the rows above it sum up to 4.40",
        ],
    );
}

#[test]
fn several_sheets_are_one_report() {
    let (header, other): (&[&str], &[&str]) = (&["Date", "Username", "Cost"], &["Cost", "Date", "Username"]);
    let first = sheet(&[header, &["2024-09-02", "ines", "#1"]]);
    let second =
        sheet(&[&["Print logs"], other, &["x", "2024-09-03", "omar"], &["#2", "2024-09-03", "omar"]]);
    let notes = sheet(&[&["call Ann about the toner"]]);
    let sums = sheet(&[&["Username", "Total Printed Pages", "Cost"], &["ines", "#1", "#1"]]);
    let all: [(&str, &str); 5] = [
        ("Sums", &sums),
        ("Sep", &first),
        ("Notes", &notes),
        ("Oct", &second),
        ("Empty", "<sheetData></sheetData>"),
    ];
    check(
        &xlsx(&all),
        &[
            "sheet-other-kind the sheet `Sums` is a user summary and was not read with the print log",
            "sheet-not-read the sheet `Notes` was not read: this is not a report: none of its first rows has the column headers of a known kind of report",
            "2 2024-09-02 00:00:00 ines 0p 1.00",
            "3 rejected Oct!Cost: found `x`, expected a decimal number",
            "4 2024-09-03 00:00:00 omar 0p 2.00",
        ],
    );
    check(
        &xlsx(&[("A", &notes)]),
        &[
            "not-a-report: this is not a report: none of its first rows has the column headers of a known kind of report",
        ],
    );
    check(&xlsx(&[]), &["empty-file: the file is empty, expected a report with a header"]);
    let many = vec![("Sep", first.as_str()); 1_001];
    assert_eq!(
        read(&xlsx(&many), &ReadSettings::default()),
        ["damaged-file: the XLSX workbook is damaged or cut off: found 1001 sheets, expected at most 1000"],
    );
    let own = sheet(&[&["Invoice number", "Payer ID", "Payer"]]);
    assert!(read(&xlsx(&[("Lines", &own)]), &ReadSettings::default())[0].starts_with("own-output"));
}

#[test]
fn merged_cells_and_far_cells() {
    let header: &[&str] = &["Date", "Shared Account Parent Name", "Username", "Cost"];
    let data = rows(1, &[header, &["2024-09-02", "LABS", "ines", "#1"]]);
    let more = "<row r=\"3\"><c r=\"A3\" t=\"inlineStr\"><is><t>2024-09-02</t></is></c><c r=\"C3\" t=\"inlineStr\"><is><t>omar</t></is></c><c r=\"D3\"><v>2</v></c></row>";
    let merged = format!(
        "<sheetData>{data}{more}</sheetData><mergeCells count=\"1\"><mergeCell ref=\"B2:B3\"/></mergeCells>"
    );
    check(
        &xlsx(&[("Log", &merged)]),
        &[
            "cells-merged row 2: cells are merged over rows, the first over rows 2 to 3; each holds for all of its rows",
            "2 2024-09-02 00:00:00 ines [LABS] 0p 1.00",
            "3 2024-09-02 00:00:00 omar [LABS] 0p 2.00",
        ],
    );
    let far = format!(
        "<sheetData>{data}<row r=\"1048576\"><c r=\"XFD1048576\" t=\"inlineStr\"><is><t>x</t></is></c></row></sheetData>"
    );
    check(
        &xlsx(&[("Log", &far)]),
        &[
            "2 2024-09-02 00:00:00 ines [LABS] 0p 1.00",
            "1048576 rejected : found 16384 cells, expected 4, one for each column",
        ],
    );
    let back = format!("<sheetData>{more}{data}</sheetData>");
    check(
        &xlsx(&[("Log", &back)]),
        &["damaged-file: the XLSX workbook is damaged or cut off: the cell A1 comes after cells behind it"],
    );
}

#[test]
fn typed_numbers_do_not_decide_the_mark_of_texts() {
    let header: &[&str] = &["Date", "Username", "Cost"];
    let mixed = sheet(&[header, &["2024-09-02", "ines", "#1.25"], &["2024-09-02", "ines", "1,5"]]);
    check(
        &xlsx(&[("Log", &mixed)]),
        &["2 2024-09-02 00:00:00 ines 0p 1.25", "3 2024-09-02 00:00:00 ines 0p 1.50"],
    );
    let undecided = sheet(&[header, &["2024-09-02", "ines", "#1.25"], &["2024-09-02", "ines", "1.250"]]);
    assert!(
        read(&xlsx(&[("Log", &undecided)]), &ReadSettings::default())[0].starts_with("decimal-mark-unknown")
    );
    let given = ReadSettings { decimal_mark: Some(DecimalMark::Comma), ..ReadSettings::default() };
    assert_eq!(read(&xlsx(&[("Log", &undecided)]), &given)[1], "3 2024-09-02 00:00:00 ines 0p 1250.00");
}

#[test]
fn pages_are_read_whole_or_not_at_all() {
    let page = |rows: &str| {
        format!(
            "<html><head><meta charset=iso-8859-2></head><table>\n<tr><th>Date<th>Username<th>Document<th>Cost</tr>\n{rows}"
        )
    };
    let rows = "<tr><td>2024-09-02 10:00<td>ines<td>R&amp;D<td>1,50</tr>\n<tr><td>2024-09-02 10:05<td>omar<td>b<td>2,50";
    check(
        page(&format!("{rows}</table>")).as_bytes(),
        &["3 2024-09-02 10:00:00 ines (R&D) 0p 1.50", "4 2024-09-02 10:05:00 omar (b) 0p 2.50"],
    );
    check(
        page(rows).as_bytes(),
        &["damaged-file: the HTML page is damaged or cut off: a table is never closed"],
    );
    let latin = [page("<tr><td>2024-09-02<td>").as_bytes(), b"\xbeofie<td>x<td>1</table>"].concat();
    check(&latin, &["3 2024-09-02 00:00:00 žofie (x) 0p 1.00"]);
    let log = |title: &str, end: &str| {
        format!(
            "<title>{title}</title><table><tr><th>Time<th>User<th>Pages<th>Copies</tr><tr><td>9:00:00<td>ines<td>2<td>3</tr><tr><td>9:01:00<td>omar<td>1{end}"
        )
    };
    check(
        log("Print Logs - 21 May 2024", "<td>1</table>").as_bytes(),
        &["1 2024-05-21 09:00:00 ines 6p", "1 2024-05-21 09:01:00 omar 1p"],
    );
    check(
        log("Print Logs - 21 May 2024", "").as_bytes(),
        &[
            "line-unfinished row 1: the last line has no line end yet and is left for the next reading",
            "1 2024-05-21 09:00:00 ines 6p",
        ],
    );
    check(
        log("Print Logs", "<td>1</table>").as_bytes(),
        &[
            "day-unknown: row 1: found the time `9:00:00` without a day, and no date stands in the title or text of the page; the CSV log has them",
        ],
    );
}

#[test]
fn archives_hold_any_report() {
    let text = b"Date,Username,Cost\n2024-09-02,ines,1.00\n";
    let book = xlsx(&[("Log", &sheet(&[&["Date", "Username", "Cost"], &["2024-09-02", "ines", "#1"]]))]);
    let row = ["2 2024-09-02 00:00:00 ines 0p 1.00"];
    let gzipped = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    check(&gzipped(text), &row);
    check(&gzipped(&book), &row);
    check(&zipped(&[("march.csv", text)]), &row);
    check(&zipped(&[("march.xlsx", &book)]), &row);
    check(
        &zipped(&[("a.csv", text), ("b.csv", text)]),
        &["archive-several: found a ZIP archive with `a.csv`, `b.csv`, expected one report in it"],
    );
    check(
        &gzipped(&zipped(&[("a.csv", text)])),
        &["archive-nested: found an archive in an archive, expected a report in it"],
    );
    check(
        &zipped(&[("word/document.xml", b"<w/>")]),
        &[
            "container-not-read: this is a Word document; expected a report as CSV text, workbook or page with a table",
        ],
    );
}

#[test]
fn a_sheet_that_is_blank_without_end_is_refused() {
    let blank = " ".repeat(64 << 20);
    check(
        &xlsx(&[("Log", &blank)]),
        &[
            "archive-too-large: the XLSX workbook unpacks to more than 67108864 bytes, which no report of its size does",
        ],
    );
}

#[test]
fn an_open_document_without_its_end_is_refused() {
    let rows = "<table:table table:name=\"A\"><table:table-row><table:table-cell office:value-type=\"string\"><text:p>Date</text:p></table:table-cell></table:table-row>";
    let ods = |rows: &str| {
        let content = format!(
            "<?xml version=\"1.0\"?><office:document-content><office:body><office:spreadsheet>{rows}"
        );
        zipped(&[
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
            ("META-INF/manifest.xml", b"<manifest:manifest/>"),
            ("content.xml", content.as_bytes()),
        ])
    };
    let refusal = |rows: &str| read(&ods(rows), &ReadSettings::default()).swap_remove(0);
    assert_eq!(refusal(rows), "damaged-file: the ODS workbook is damaged or cut off: a sheet has no end");
    let hidden = format!("{rows}<!-- </table:table> -->");
    assert_eq!(
        refusal(&hidden),
        "damaged-file: the ODS workbook is damaged or cut off: it has comments among its sheets"
    );
    assert!(refusal(&format!("{rows}</table:table>")).starts_with("not-a-report"));
    let merged = rows.replace("office:value", "table:number-rows-spanned=\"2\" office:value");
    assert!(refusal(&format!("{merged}</table:table>")).starts_with("cells-merged"));
}

/// Reports of every container, to be damaged.
fn samples() -> Vec<Vec<u8>> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let names = [
        "082-xlsx-float/print_logs.xlsx",
        "087-xlsx-merged/print_logs.xlsx",
        "086-xls-text/print_logs.xls",
        "090-sheets/print_logs.xls",
        "304-xlsx-float-ods/print_logs.ods",
        "308-xlsx-merged-xls/print_logs.xls",
        "317-gzip/print_logs.csv.gz",
        "085-wrong-extension/print_logs.xls",
        "006-html-log/papercut-print-log-2024-05-21.htm",
        "053-utf-16/print_logs.csv",
    ];
    let mut all: Vec<Vec<u8>> =
        names.iter().filter_map(|name| std::fs::read(cases.join(name)).ok()).collect();
    assert!(all.len() == 10, "only {} samples", all.len());
    let inside = zipped(&[("a.csv", b"Date,Username,Cost\n2024-09-02,ines,1.00\n")]);
    all.push(inside);
    // Stored, so that damage reaches the parser and not only the checksum of what is packed.
    let body = sheet(&[&["Date", "Username", "Cost"], &["2024-09-02", "ines", "#1"]]);
    all.push(xlsx(&[("Log", &body)]));
    all
}

fn survives(bytes: &[u8]) {
    let started = Instant::now();
    let settings = ReadSettings {
        date_order: Some(DateOrder::Dmy),
        decimal_mark: Some(DecimalMark::Point),
        kind: Some(ReportKind::PrintLog),
        ..ReadSettings::default()
    };
    let _ = read(bytes, &settings);
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
}

#[test]
fn a_file_cut_off_anywhere_is_no_disaster() {
    for sample in samples() {
        for parts in 0..24 {
            survives(&sample[..sample.len() * parts / 24]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_damage_is_a_disaster(
        at in any::<prop::sample::Index>(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut all = samples();
        let mut bytes = all.swap_remove(at.index(all.len()));
        for (place, value) in places {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        survives(&bytes);
    }

    #[test]
    fn no_bytes_are_a_disaster(
        start in prop::sample::select(vec![&b"PK\x03\x04"[..], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x1f\x8b\x08", b"<html>", b""]),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        survives(&[start, &bytes].concat());
    }
}
