//! Every charged line as plain CSV: for people who look, and for scripts that import it anywhere else.
//!
//! UTF-8 without a byte-order mark unless the encoding asks for one: many importers and scripts take the mark
//! for a part of the first header, and a person who wants a spreadsheet has the workbook. `utf-8-bom` is there
//! for an office that opens this file in Excel all the same. Dates are ISO, amounts have a decimal point.

use crate::domain::{Batch, InvoiceLine};
use crate::outputs::files::file_name;

use super::cells::free_text;
use super::table::Table;
use super::{RenderError, Rendered, RenderedFile, TextEncoding};

/// How the plain CSV is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinesCsvSettings {
    /// The file's encoding.
    pub encoding: TextEncoding,
}

/// The columns; scripts rely on their names.
const HEADER: [&str; 24] = [
    "Invoice Number",
    "Payer ID",
    "Payer",
    "E-mail",
    "Period",
    "Line ID",
    "Adjusts",
    "Class",
    "Description",
    "Quantity",
    "Unit Price",
    "Net",
    "Tax Rate",
    "Tax Name",
    "Tax",
    "Gross",
    "Currency",
    "Invoice Date",
    "Due Date",
    "Jobs",
    "Mono Pages",
    "Colour Pages",
    "Mono Included",
    "Colour Included",
];

/// Renders one file, also where it has no row: a script that waits for it can tell "nothing" from "not yet".
pub(super) fn render(settings: &LinesCsvSettings, batch: &Batch) -> Result<Rendered, RenderError> {
    let mut table = Table::new(settings.encoding, &HEADER)?;
    for line in batch.charged_lines() {
        table.row(&cells(line, batch))?;
    }
    let name = file_name(&format!("{}-lines", batch.id), "csv");
    let files = vec![RenderedFile { name, bytes: table.into_bytes()? }];
    Ok(Rendered { files, findings: Vec::new() })
}

fn cells(line: &InvoiceLine, batch: &Batch) -> [String; 24] {
    let decimals = batch.currency.decimals();
    let tax = line.tax_rate.as_ref();
    [
        free_text(&line.invoice_number),
        free_text(&line.payer.id.to_string()),
        free_text(&line.payer.name),
        free_text(&line.payer.email),
        line.period.to_string(),
        line.id.to_string(),
        line.adjusts.map(|id| id.to_string()).unwrap_or_default(),
        line.class.as_str().to_owned(),
        free_text(&line.description),
        line.quantity.to_string(),
        line.unit_price.to_text(decimals),
        line.net.to_text(decimals),
        tax.map(|tax| tax.rate.percent()).unwrap_or_default(),
        tax.map(|tax| free_text(&tax.name)).unwrap_or_default(),
        line.tax.to_text(decimals),
        line.gross().to_text(decimals),
        batch.currency.to_string(),
        batch.invoice_date.to_string(),
        batch.due_date.to_string(),
        line.usage.jobs.to_string(),
        line.usage.mono_pages.to_string(),
        line.usage.colour_pages.to_string(),
        line.usage.mono_included.to_string(),
        line.usage.colour_included.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LineClass, Money};
    use crate::outputs::fixture;

    fn text(batch: &Batch) -> String {
        let mut rendered = render(&LinesCsvSettings::default(), batch).unwrap();
        String::from_utf8(rendered.files.remove(0).bytes).unwrap()
    }

    #[test]
    fn the_worked_example() {
        insta::assert_snapshot!(text(&fixture::worked_example()), @r#"
        Invoice Number,Payer ID,Payer,E-mail,Period,Line ID,Adjusts,Class,Description,Quantity,Unit Price,Net,Tax Rate,Tax Name,Tax,Gross,Currency,Invoice Date,Due Date,Jobs,Mono Pages,Colour Pages,Mono Included,Colour Included
        PRT-2026-03-T100,team:T100,"Kestrel & Lark, Ltd",accounts@kestrel.example,2026-03,9872dc6f-dda4-5e9b-877f-eaf9ae2364a4,,mono,Print 2026-03: mono 61 pages - 40 included,21,0.08,1.68,20,VAT 20%,0.34,2.02,GBP,2026-03-31,2026-04-14,5,61,0,40,0
        PRT-2026-03-T100,team:T100,"Kestrel & Lark, Ltd",accounts@kestrel.example,2026-03,23395170-4999-51d4-afc7-e4d72c381b84,,colour,Print 2026-03: colour 13 pages - 10 included,3,0.36,1.08,20,VAT 20%,0.22,1.30,GBP,2026-03-31,2026-04-14,2,0,13,0,10
        PRT-2026-03-M003,member:M003,Lynx Studio,post@lynx.example,2026-03,2e311b2a-cc74-52da-b7a4-5c387219398e,,cost,Print 2026-03: 14 pages at cost + 25%,1,1.63,1.63,20,VAT 20%,0.33,1.96,GBP,2026-03-31,2026-04-14,3,11,3,0,0
        "#);
    }

    #[test]
    fn names_that_start_a_formula_are_harmless_and_numbers_stay_numbers() {
        let mut batch = fixture::worked_example();
        let mut line = batch.lines.remove(2);
        line.payer.name = "=HYPERLINK(\"x\")".into();
        line.quantity = -21;
        line.net = fixture::money("-1.68");
        batch.lines = vec![line];
        let text = text(&batch);
        assert!(text.contains(",\"'=HYPERLINK(\"\"x\"\")\","), "{text}");
        assert!(text.contains(",-21,1.63,-1.68,"), "{text}");
    }

    #[test]
    fn lines_of_zero_are_left_out_and_the_file_stays() {
        let mut batch = fixture::worked_example();
        batch.lines = vec![fixture::line(
            fixture::member(),
            LineClass::Cost,
            "2e311b2a-cc74-52da-b7a4-5c387219398e",
            1,
            "0",
        )];
        assert_eq!(batch.lines[0].net, Money::ZERO);
        assert_eq!(text(&batch), format!("{}\r\n", HEADER.join(",")));
    }
}
