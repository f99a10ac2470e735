//! `papertally schedule`: what is due now, and when next.

use serde_json::{Value, json};

use super::{Access, Context};
use crate::cli::failure::{Exit, Failure};
use crate::run::due::{Due, agenda};

pub(super) fn run(context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let (books, _) = context.books(&config, Access::Read)?;
    let mut rows = Vec::new();
    let mut document = Vec::new();
    for site in &config.sites {
        let agenda = agenda(&books, site)?;
        let json =
            |due: &Due| json!({ "period": due.period.to_string(), "at": due.at.fixed_offset().to_rfc3339() });
        for due in &agenda.now {
            rows.push(vec![
                site.name.clone(),
                due.period.to_string(),
                "due now".to_owned(),
                due.at.to_string(),
            ]);
        }
        if let Some(due) = &agenda.next {
            rows.push(vec![site.name.clone(), due.period.to_string(), "next".to_owned(), due.at.to_string()]);
        }
        document.push(json!({
            "site": site.name,
            "due": agenda.now.iter().map(json).collect::<Vec<Value>>(),
            "next": agenda.next.as_ref().map(json),
        }));
    }
    let now = books.now.fixed_offset().to_rfc3339();
    drop(books);
    let is_manual = config.billing.schedule.is_none() || config.billing.first_period.is_none();
    if rows.is_empty() {
        context.ui.line("Nothing is due.");
    } else {
        context.ui.table(&["SITE", "PERIOD", "STATE", "AT"], &[], rows);
    }
    if is_manual {
        context.ui.status(
            "Billing is by hand: `run` bills by itself once `billing.first_period` and `billing.schedule` are set.",
        );
    }
    context.ui.json(&json!({ "now": now, "sites": document }));
    Ok(Exit::Done)
}
