//! `papertally deliver`: what is outstanding, another try, or a person's word on it.

use serde_json::{Value, json};

use super::{Access, Context};
use crate::cli::args::{DeliverArgs, OutcomeArg};
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::Ui;
use crate::ledger::{Delivery, DeliveryKind, DeliveryState};
use crate::run::books::Books;
use crate::run::deliver::deliver;

pub(super) fn run(args: &DeliverArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let writes = args.retry || args.resolve.is_some();
    let (books, _lock) = context.books(&config, if writes { Access::Write } else { Access::Read })?;
    if let (Some(id), Some(outcome)) = (args.resolve, args.outcome) {
        resolve(&books, id, outcome)?;
    }
    if args.retry {
        deliver(&books, DeliveryKind::File)?;
        deliver(&books, DeliveryKind::Mail)?;
    }
    let open = books.ledger.open_deliveries()?;
    drop(books);
    show(context.ui, &open);
    Ok(if open.is_empty() { Exit::Done } else { Exit::Delivery })
}

/// Writes down what a person knows of a delivery.
fn resolve(books: &Books<'_>, id: i64, outcome: OutcomeArg) -> Result<(), Failure> {
    let known = books.ledger.delivery(id)?;
    let Some(delivery) = known else {
        return Err(Failure::usage(format!("no delivery has the number {id}"))
            .hint("`papertally deliver` lists the outstanding ones"));
    };
    if matches!(delivery.state, DeliveryState::Delivered | DeliveryState::GivenUp) {
        return Err(Failure::usage(format!("delivery {id} is settled: {}", delivery.state.as_str())));
    }
    let (state, answer) = match outcome {
        OutcomeArg::Delivered => (DeliveryState::Delivered, "settled by hand: it arrived"),
        OutcomeArg::NotDelivered => (DeliveryState::Pending, "settled by hand: it did not arrive"),
        OutcomeArg::GivenUp => (DeliveryState::GivenUp, "settled by hand: given up"),
    };
    Ok(books.ledger.delivery_ends(id, state, answer, &books.now_text())?)
}

/// The outstanding deliveries as a table or JSON.
pub(super) fn show(ui: &mut Ui<'_>, open: &[Delivery]) {
    if open.is_empty() {
        ui.line("Nothing is outstanding.");
    } else {
        let rows = open.iter().map(|one| {
            vec![
                one.id.to_string(),
                one.kind.as_str().to_owned(),
                one.state.as_str().to_owned(),
                one.attempts.to_string(),
                one.target.clone(),
                one.answer.clone(),
            ]
        });
        ui.table(&["ID", "KIND", "STATE", "TRIES", "TARGET", "ANSWER"], &[0, 3], rows);
    }
    if open.iter().any(|one| one.state == DeliveryState::Uncertain) {
        ui.status(
            "An uncertain mail may have arrived: ask a recipient, then `papertally deliver --resolve ID --as delivered` \
             or `--as not-delivered`.",
        );
    }
    ui.json(&json!({ "deliveries": open.iter().map(delivery_json).collect::<Vec<Value>>() }));
}

/// A delivery for scripts.
pub(super) fn delivery_json(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "kind": delivery.kind.as_str(),
        "target": delivery.target,
        "state": delivery.state.as_str(),
        "attempts": delivery.attempts,
        "answer": delivery.answer,
    })
}
