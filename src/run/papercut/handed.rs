//! Whether the lines of a batch were handed over.

use crate::ledger::{Delivery, DeliveryKind, DeliveryState};
use crate::run::books::Books;
use crate::run::error::RunError;

/// Why the lines of a batch do not count as handed over; `None` where they do.
pub(super) fn undelivered(books: &Books<'_>, batch: i64) -> Result<Option<String>, RunError> {
    let deliveries = books.ledger.batch_deliveries(batch)?;
    let files = || deliveries.iter().filter(|delivery| delivery.kind == DeliveryKind::File);
    // Pages for people may be given up; what a receiver was to get may not.
    let is_receivers =
        |delivery: &Delivery| !matches!(delivery.key.split('/').nth(1), Some("report" | "statement") | None);
    let is_open = |delivery: &Delivery| match delivery.state {
        DeliveryState::Delivered => false,
        DeliveryState::GivenUp => is_receivers(delivery),
        _ => true,
    };
    if let Some(open) = files().find(|delivery| is_open(delivery)) {
        return Ok(Some(format!("`{}` is {}", open.target, open.state.as_str())));
    }
    let charged = books.ledger.batch_lines(batch)?.iter().any(|line| !line.line.net.is_zero());
    Ok((charged && !files().any(is_receivers)).then(|| "no receiver took its lines".to_owned()))
}
