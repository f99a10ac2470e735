//! Every charged line as one JSON document, with the batch and its proof.
//!
//! `papertally.format` is the document's version: a key is only ever added under the same number. The lines
//! are those of `bill --json`. Lines of zero are left out, as in every receiver's file.

use serde::Serialize;

use crate::domain::Batch;
use crate::outputs::files::file_name;
use crate::outputs::mirror::{LineJson, ProofJson};

use super::{RenderError, Rendered, RenderedFile};

/// The version of the document.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Document {
    papertally: Head,
    batch: BatchJson,
    lines: Vec<LineJson>,
    proof: ProofJson,
}

#[derive(Serialize)]
struct Head {
    format: u32,
}

#[derive(Serialize)]
struct BatchJson {
    id: String,
    site: String,
    period: String,
    currency: String,
    invoice_date: String,
    due_date: String,
    net: String,
    tax: String,
    gross: String,
}

/// Renders one file.
pub(super) fn render(batch: &Batch) -> Result<Rendered, RenderError> {
    let mut bytes = serde_json::to_vec_pretty(&document(batch)).map_err(RenderError::Json)?;
    bytes.push(b'\n');
    let name = file_name(&format!("{}-lines", batch.id), "json");
    Ok(Rendered { files: vec![RenderedFile { name, bytes }], findings: Vec::new() })
}

fn document(batch: &Batch) -> Document {
    let decimals = batch.currency.decimals();
    Document {
        papertally: Head { format: FORMAT },
        batch: BatchJson {
            id: batch.id.clone(),
            site: batch.site.clone(),
            period: batch.period.to_string(),
            currency: batch.currency.to_string(),
            invoice_date: batch.invoice_date.to_string(),
            due_date: batch.due_date.to_string(),
            net: batch.net().to_text(decimals),
            tax: batch.tax().to_text(decimals),
            gross: (batch.net() + batch.tax()).to_text(decimals),
        },
        lines: batch.charged_lines().map(|line| LineJson::of(line, batch)).collect(),
        proof: ProofJson::of(&batch.proof, decimals),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::fixture;

    #[test]
    fn the_worked_example() {
        let mut rendered = render(&fixture::worked_example()).unwrap();
        let text = String::from_utf8(rendered.files.remove(0).bytes).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["papertally"]["format"], 1);
        assert_eq!(value["proof"]["difference"], "0.00");
        assert_eq!(value["lines"].as_array().unwrap().len(), 3);
        assert_eq!(value["lines"][0]["quantity"], "21");
        insta::assert_snapshot!(value["batch"], @r#"{"currency":"GBP","due_date":"2026-04-14","gross":"5.28","id":"main-2026-03","invoice_date":"2026-03-31","net":"4.39","period":"2026-03","site":"main","tax":"0.89"}"#);
    }
}
