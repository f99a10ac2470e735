//! `papertally reverse LINE`: takes back an issued line.

use serde_json::json;

use super::{Access, Context};
use crate::cli::args::ReverseArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::{Notes, counted};
use crate::ledger::DeliveryKind;
use crate::outputs::mirror::{FindingJson, LineJson};
use crate::run::deliver::deliver;
use crate::run::reverse::{ReverseError, reverse};

pub(super) fn run(args: &ReverseArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let (books, _lock) = context.books(&config, Access::Write)?;
    let reversed = reverse(&books, &args.line)?;
    let handed = deliver(&books, DeliveryKind::File)?;
    drop(books);
    let batch = &reversed.batch;
    let line = &batch.lines[0];
    context.ui.line(format!("{} {} {} {}", line.id, line.invoice_number, line.payer.name, line.net));
    context.ui.status(format!(
        "Took back {} as batch {}. Its jobs are billed anew with the next batch of {}: `papertally bill --period {} --issue`.",
        args.line, batch.id, batch.period, batch.period
    ));
    if reversed.others > 0 {
        context.ui.status(format!(
            "{} of {} for {} still: the month keeps its plan terms until they are taken back too.",
            counted(reversed.others, "line stands", "lines stand"),
            line.payer.id,
            batch.period
        ));
    }
    context.ui.findings(&reversed.findings, Notes::Counted);
    context.ui.json(&json!({
        "batch": batch.id,
        "lines": [LineJson::of(line, batch)],
        "findings": reversed.findings.iter().map(FindingJson::of).collect::<Vec<_>>(),
    }));
    Ok(match (handed.is_settled(), reversed.findings.is_empty()) {
        (false, _) => Exit::Delivery,
        (true, false) => Exit::Findings,
        (true, true) => Exit::Done,
    })
}

impl From<ReverseError> for Failure {
    fn from(error: ReverseError) -> Failure {
        match error {
            ReverseError::Run(error) => error.into(),
            other => Failure::of("line", Exit::Usage, &other)
                .hint("`papertally explain PAYER --period P` and the invoice files show the ids of lines"),
        }
    }
}
