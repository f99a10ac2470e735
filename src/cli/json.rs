//! The JSON documents of the command line, as scripts rely on them.

use serde::Serialize;
use serde_json::{Value, json};

use super::failure::Failure;
use crate::domain::SuspenseItem;

/// A document as text.
pub(super) fn text(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_else(|_| "null".to_owned())
}

/// `{"error": …}`
pub(super) fn failure(failure: &Failure) -> String {
    text(&json!({
        "error": {
            "kind": failure.kind,
            "message": failure.message,
            "causes": failure.causes,
            "hints": failure.hints,
        }
    }))
}

/// Jobs that nobody pays yet.
pub(super) fn suspense(items: &[SuspenseItem]) -> Vec<Value> {
    let item = |item: &SuspenseItem| {
        json!({
            "user": item.user,
            "account": item.account,
            "reason": item.reason,
            "jobs": item.jobs,
            "pages": item.pages,
            "cost": item.cost.to_string(),
        })
    };
    items.iter().map(item).collect()
}
