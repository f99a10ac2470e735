//! The workbook for people: lines, who used what, exceptions, proof.
//!
//! The same batch gives the same bytes: the document's creation time is the invoice date, since the clock is
//! not read here. Lines of zero are in it, as on statements.

mod sheet;

use rust_xlsxwriter::{DocProperties, Workbook, XlsxError};

use crate::domain::{Batch, DetailItem, Exact, InvoiceLine, Usage};

use super::files::file_name;
use super::formats::{RenderError, Rendered, RenderedFile};
use super::proof_rows;
use sheet::{Cell, Column, Looks, Sheet, excel_day};

const LINES: [Column; 24] = [
    Column::text("Invoice number", 22),
    Column::text("Payer ID", 16),
    Column::text("Payer", 32),
    Column::text("E-mail", 32),
    Column::text("Period", 10),
    Column::text("Class", 10),
    Column::text("Description", 50),
    Column::number("Quantity", 11),
    Column::number("Unit price", 10),
    Column::number("Net", 11),
    Column::text("Tax name", 13),
    Column::number("Tax rate %", 8),
    Column::number("Tax", 10),
    Column::number("Gross", 11),
    Column::text("Currency", 11),
    Column::number("Invoice date", 12),
    Column::number("Due date", 12),
    Column::number("Jobs", 9),
    Column::number("Mono pages", 10),
    Column::number("Colour pages", 10),
    Column::number("Mono included", 11),
    Column::number("Colour included", 11),
    Column::text("Adjusts", 40),
    Column::text("Line ID", 40),
];

const DETAIL: [Column; 9] = [
    Column::text("Payer ID", 16),
    Column::text("Payer", 32),
    Column::text("User", 30),
    Column::text("Shared account", 38),
    Column::text("Type", 9),
    Column::number("Jobs", 9),
    Column::number("Mono pages", 10),
    Column::number("Colour pages", 10),
    Column::number("PaperCut cost", 13),
];

/// Why is the last column: its sentences are long, and to the right of it they run on without being cut.
const EXCEPTIONS: [Column; 9] = [
    Column::text("What", 20),
    Column::text("Severity", 10),
    Column::text("Code", 20),
    Column::text("User", 30),
    Column::text("Shared account", 38),
    Column::number("Jobs", 9),
    Column::number("Pages", 9),
    Column::number("PaperCut cost", 13),
    Column::text("Why", 110),
];

const PROOF: [Column; 2] = [Column::text("Where the money went", 54), Column::number("Amount", 24)];

/// Renders the workbook.
pub(super) fn render(batch: &Batch) -> Result<Rendered, RenderError> {
    let bytes = workbook(batch).map_err(RenderError::Workbook)?;
    let files = vec![RenderedFile { name: file_name(&batch.id, "xlsx"), bytes }];
    Ok(Rendered { files, findings: Vec::new() })
}

fn workbook(batch: &Batch) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let mut properties = DocProperties::new().set_title(batch.id.as_str());
    if let Some(day) = excel_day(batch.invoice_date) {
        properties = properties.set_creation_datetime(&day);
    }
    workbook.set_properties(&properties);
    let looks = Looks::new(batch.currency);
    lines(&mut Sheet::new(&mut workbook, "Lines", &LINES, &looks)?, batch)?;
    detail(&mut Sheet::new(&mut workbook, "Detail", &DETAIL, &looks)?, batch)?;
    exceptions(&mut Sheet::new(&mut workbook, "Exceptions", &EXCEPTIONS, &looks)?, batch)?;
    proof(&mut Sheet::new(&mut workbook, "Proof", &PROOF, &looks)?, batch)?;
    workbook.save_to_buffer()
}

fn lines(sheet: &mut Sheet<'_>, batch: &Batch) -> Result<(), XlsxError> {
    for line in &batch.lines {
        line_row(sheet, line, batch)?;
    }
    let (net, tax) = (batch.net(), batch.tax());
    let count = |part: fn(&Usage) -> i64| Cell::Count(batch.lines.iter().map(|line| part(&line.usage)).sum());
    sheet.total(&[
        Cell::Text("Total"),
        Cell::Blank,
        Cell::Blank,
        Cell::Blank,
        Cell::Blank,
        Cell::Blank,
        Cell::Blank,
        Cell::Blank,
        Cell::Blank,
        Cell::Amount(net),
        Cell::Blank,
        Cell::Blank,
        Cell::Amount(tax),
        Cell::Amount(net + tax),
        Cell::Text(batch.currency.code()),
        Cell::Blank,
        Cell::Blank,
        count(|usage| usage.jobs),
        count(|usage| usage.mono_pages),
        count(|usage| usage.colour_pages),
        count(|usage| usage.mono_included),
        count(|usage| usage.colour_included),
        Cell::Blank,
        Cell::Blank,
    ])
}

fn line_row(sheet: &mut Sheet<'_>, line: &InvoiceLine, batch: &Batch) -> Result<(), XlsxError> {
    let (payer_id, period, id) = (line.payer.id.to_string(), line.period.to_string(), line.id.to_string());
    let adjusts = line.adjusts.map(|id| id.to_string()).unwrap_or_default();
    let tax_name = line.tax_rate.as_ref().map_or("", |tax| tax.name.as_str());
    let tax_rate = match &line.tax_rate {
        // A percentage: hundred times the rate's millionths, in parts of 10⁻¹².
        Some(tax) => Cell::Price(Exact::from_parts(i128::from(tax.rate.millionths()) * 100_000_000)),
        None => Cell::Blank,
    };
    sheet.row(&[
        Cell::Text(&line.invoice_number),
        Cell::Text(&payer_id),
        Cell::Text(&line.payer.name),
        Cell::Text(&line.payer.email),
        Cell::Text(&period),
        Cell::Text(line.class.as_str()),
        Cell::Text(&line.description),
        Cell::Count(line.quantity),
        Cell::Price(line.unit_price.into()),
        Cell::Amount(line.net.into()),
        Cell::Text(tax_name),
        tax_rate,
        Cell::Amount(line.tax.into()),
        Cell::Amount(line.gross()),
        Cell::Text(batch.currency.code()),
        Cell::Day(batch.invoice_date),
        Cell::Day(batch.due_date),
        Cell::Count(line.usage.jobs),
        Cell::Count(line.usage.mono_pages),
        Cell::Count(line.usage.colour_pages),
        Cell::Count(line.usage.mono_included),
        Cell::Count(line.usage.colour_included),
        Cell::Text(&adjusts),
        Cell::Text(&id),
    ])
}

fn detail(sheet: &mut Sheet<'_>, batch: &Batch) -> Result<(), XlsxError> {
    let names: std::collections::BTreeMap<_, _> =
        batch.lines.iter().map(|line| (&line.payer.id, line.payer.name.as_str())).collect();
    for item in &batch.detail {
        let payer_id = item.payer.to_string();
        sheet.row(&[
            Cell::Text(&payer_id),
            Cell::Text(names.get(&item.payer).copied().unwrap_or_default()),
            Cell::Text(&item.user),
            Cell::Text(&item.account),
            Cell::Text(&item.job_type),
            Cell::Count(item.jobs),
            Cell::Count(item.mono_pages),
            Cell::Count(item.colour_pages),
            Cell::Price(item.cost.into()),
        ])?;
    }
    let count = |part: fn(&DetailItem) -> i64| Cell::Count(batch.detail.iter().map(part).sum());
    sheet.total(&[
        Cell::Text("Total"),
        Cell::Blank,
        Cell::Blank,
        Cell::Blank,
        Cell::Blank,
        count(|item| item.jobs),
        count(|item| item.mono_pages),
        count(|item| item.colour_pages),
        Cell::Price(batch.detail.iter().map(|item| Exact::from(item.cost)).sum()),
    ])
}

fn exceptions(sheet: &mut Sheet<'_>, batch: &Batch) -> Result<(), XlsxError> {
    for item in &batch.suspense {
        sheet.row(&[
            Cell::Text("waiting for a payer"),
            Cell::Text("warning"),
            Cell::Blank,
            Cell::Text(&item.user),
            Cell::Text(&item.account),
            Cell::Count(item.jobs),
            Cell::Count(item.pages),
            Cell::Price(item.cost.into()),
            Cell::Text(&item.reason),
        ])?;
    }
    for item in &batch.not_billable {
        sheet.row(&[
            Cell::Text("not billable"),
            Cell::Blank,
            Cell::Blank,
            Cell::Blank,
            Cell::Blank,
            Cell::Count(item.jobs),
            Cell::Count(item.pages),
            Cell::Price(item.cost.into()),
            Cell::Text(&item.reason),
        ])?;
    }
    for finding in batch.findings_beside_suspense() {
        let message = finding.to_string();
        sheet.row(&[
            Cell::Text("finding"),
            Cell::Text(finding.severity.as_str()),
            Cell::Text(finding.code),
            Cell::Blank,
            Cell::Blank,
            Cell::Blank,
            Cell::Blank,
            Cell::Blank,
            Cell::Text(&message),
        ])?;
    }
    sheet.filter()
}

fn proof(sheet: &mut Sheet<'_>, batch: &Batch) -> Result<(), XlsxError> {
    for part in proof_rows::parts(&batch.proof) {
        let cells = [Cell::Text(part.label), Cell::Price(part.value)];
        if part.is_result { sheet.emphasis(&cells)? } else { sheet.row(&cells)? }
    }
    sheet.skip();
    let period = batch.period.to_string();
    for (what, text) in [
        ("Batch", batch.id.as_str()),
        ("Site", &batch.site),
        ("Period", &period),
        ("Currency", batch.currency.code()),
    ] {
        sheet.row(&[Cell::Text(what), Cell::Text(text)])?;
    }
    sheet.row(&[Cell::Text("Invoice date"), Cell::Day(batch.invoice_date)])?;
    sheet.row(&[Cell::Text("Due date"), Cell::Day(batch.due_date)])
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, DataType, Reader, Xlsx};

    use super::*;
    use crate::domain::{Finding, Severity, SuspenseItem};
    use crate::outputs::fixture;

    fn read(batch: &Batch, sheet: &str) -> Vec<Vec<Data>> {
        let bytes = render(batch).unwrap().files.remove(0).bytes;
        let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
        let range = workbook.worksheet_range(sheet).unwrap();
        let formulas = workbook.worksheet_formula(sheet).unwrap();
        assert!(formulas.cells().all(|(_, _, formula)| formula.is_empty()), "no cell is a formula");
        range.rows().map(<[Data]>::to_vec).collect()
    }

    fn text(text: &str) -> Data {
        Data::String(text.into())
    }

    fn number(number: f64) -> Data {
        Data::Float(number)
    }

    #[test]
    fn amounts_are_numbers_and_totals_are_values() {
        let rows = read(&fixture::worked_example(), "Lines");
        assert_eq!(rows.len(), 5);
        assert_eq!(rows[1][0], text("PRT-2026-03-T100"));
        assert_eq!(rows[1][7..10], [number(21.0), number(0.08), number(1.68)]);
        assert_eq!(rows[1][11..14], [number(20.0), number(0.34), number(2.02)]);
        assert!(rows[1][15].is_datetime());
        assert_eq!(rows[4][0], text("Total"));
        assert_eq!((&rows[4][9], &rows[4][12], &rows[4][13]), (&number(4.39), &number(0.89), &number(5.28)));
    }

    #[test]
    fn detail_sums_up_and_the_proof_shows_its_parts() {
        let batch = fixture::worked_example();
        let detail = read(&batch, "Detail");
        assert_eq!(detail.last().unwrap()[5..], [number(8.0), number(72.0), number(16.0), number(7.6)]);
        assert_eq!(detail[2][1..4], [text("Kestrel & Lark, Ltd"), text("M001"), text("Kestrel\\Pitch")]);
        let proof = read(&batch, "Proof");
        assert_eq!(proof[6], [text("Rounding of the lines"), number(0.005)]);
        assert_eq!(proof[8], [text("Difference"), number(0.0)]);
    }

    #[test]
    fn text_that_starts_a_formula_stays_text() {
        let mut batch = fixture::worked_example();
        batch.lines[0].payer.name = "=1+1".into();
        batch.suspense = vec![SuspenseItem {
            user: "@SUM(1)".into(),
            account: "+44".into(),
            reason: "-5".into(),
            jobs: 2,
            pages: 3,
            cost: fixture::money("0.125"),
        }];
        batch.findings = vec![Finding::new(Severity::Error, "gap", "\t=cmd")];
        assert_eq!(read(&batch, "Lines")[1][2], text("=1+1"));
        let rows = read(&batch, "Exceptions");
        assert_eq!(
            rows[1][3..9],
            [text("@SUM(1)"), text("+44"), number(2.0), number(3.0), number(0.125), text("-5")]
        );
        assert_eq!(rows[3][8], text("\t=cmd"));
    }

    #[test]
    fn an_amount_that_a_double_cannot_hold_is_a_text() {
        let mut batch = fixture::worked_example();
        batch.proof.reported = Exact::from_parts(1_234_567_890_123_456);
        assert_eq!(read(&batch, "Proof")[1][1], text("1234.567890123456"));
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_not_refused() {
        let mut batch = fixture::worked_example();
        batch.findings = vec![Finding::new(Severity::Note, "long", "é".repeat(40_000))];
        let rows = read(&batch, "Exceptions");
        assert!(
            matches!(&rows[2][8], Data::String(text) if text.ends_with("é…") && text.chars().count() == 32_001)
        );
    }

    #[test]
    fn the_same_batch_gives_the_same_bytes() {
        let batch = fixture::worked_example();
        assert!(render(&batch).unwrap() == render(&batch).unwrap());
        let mut later = fixture::worked_example();
        later.invoice_date = later.due_date;
        assert!(render(&batch).unwrap() != render(&later).unwrap());
    }

    #[test]
    fn an_empty_batch_is_a_workbook_too() {
        let mut batch = fixture::worked_example();
        batch.lines.clear();
        batch.detail.clear();
        batch.not_billable.clear();
        assert_eq!(read(&batch, "Lines").len(), 2);
        assert_eq!(read(&batch, "Exceptions").len(), 1);
    }
}
