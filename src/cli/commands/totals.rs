//! `papertally totals`: sums of billable jobs.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use super::{Access, Context, period_of, site_of};
use crate::cli::args::{TotalsArgs, TotalsByArg};
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::grouped;
use crate::config::SiteConfig;
use crate::domain::{PayerId, Period};
use crate::ledger::{JobFact, NameTable};
use crate::run::books::Books;
use crate::run::facts::Exclusions;
use crate::run::resolve::{Resolver, day_of};
use crate::run::totals::{TotalsRow, totals};

/// How jobs without a payer or member are listed.
const NOBODY: &str = "(nobody yet)";

pub(super) fn run(args: &TotalsArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let site = site_of(&config, args.site.as_deref())?;
    let (books, _) = context.books(&config, Access::Read)?;
    let mut rows = BTreeMap::new();
    let mut total = TotalsRow::default();
    let mut period = args.period.as_deref().map(|text| period_of(text, books.today(site))).transpose()?;
    if let Some((site_id, _)) = books.ledger.known_site(&site.name)? {
        let span = match period {
            Some(period) => Some(period),
            None => books.ledger.job_days(site_id)?,
        };
        if let Some(span) = span {
            let names = Rc::new(books.ledger.names(site_id)?);
            let exclusions = Exclusions::of_site(&names, site);
            let mut key = key_of(args.by, (&books, site), Rc::clone(&names), span);
            (rows, total) = totals(&books.ledger, site_id, span, &exclusions, &mut key)?;
            period = period.or(Some(span));
        }
    }
    let name = |key: &str| name_of(args.by, &books, key);
    let line = |key: &str, row: &TotalsRow| {
        let mut cells = vec![key.to_owned()];
        cells.extend(name(key));
        cells.extend([
            grouped(row.jobs),
            grouped(row.pages),
            grouped(row.colour_pages),
            row.cost.to_string(),
        ]);
        cells
    };
    let mut lines: Vec<Vec<String>> = rows.iter().map(|(key, row)| line(key, row)).collect();
    lines.push(line("TOTAL", &total));
    let by = args.by.as_str().to_uppercase();
    let mut head = vec![by.as_str()];
    head.extend(name("").map(|_| "NAME"));
    let first = head.len();
    head.extend(["JOBS", "PAGES", "COLOUR", "COST"]);
    context.ui.table(&head, &[first, first + 1, first + 2, first + 3], lines);
    context.ui.json(&json!({
        "period": period.map(|period| period.to_string()),
        "site": site.name,
        "by": args.by.as_str(),
        "rows": rows.iter().map(|(key, row)| row_json(Some((key, name(key))), row)).collect::<Vec<Value>>(),
        "total": row_json(None, &total),
    }));
    Ok(Exit::Done)
}

/// Which sum a job belongs to.
fn key_of<'b>(
    by: TotalsByArg,
    (books, site): (&'b Books<'b>, &'b SiteConfig),
    names: Rc<NameTable>,
    span: Period,
) -> Box<dyn FnMut(&JobFact) -> String + 'b> {
    let name = |table: &std::collections::HashMap<i64, String>, id: Option<i64>| {
        id.and_then(|id| table.get(&id)).cloned().unwrap_or_default()
    };
    let mut resolver = Resolver::new(books.policy(site), Rc::clone(&names), span, BTreeMap::new());
    match by {
        TotalsByArg::User => Box::new(move |job| name(&names.users, Some(job.user))),
        TotalsByArg::Account => Box::new(move |job| name(&names.accounts, job.account)),
        TotalsByArg::Printer => Box::new(move |job| name(&names.printers, Some(job.printer))),
        TotalsByArg::Kind => Box::new(move |job| {
            let kind = name(&names.job_types, job.job_type);
            if kind.is_empty() { "print".to_owned() } else { kind }
        }),
        TotalsByArg::Day => Box::new(move |job| day_of(job).map(|day| day.to_string()).unwrap_or_default()),
        TotalsByArg::Payer => Box::new(move |job| {
            resolver.payer(job).map_or_else(|| NOBODY.to_owned(), |(payer, _)| payer.to_string())
        }),
        TotalsByArg::Member => Box::new(move |job| {
            let user = name(&names.users, Some(job.user));
            let member = day_of(job).and_then(|day| books.directory.member_at(&site.name, &user, day));
            member.map_or_else(|| NOBODY.to_owned(), |member| member.id.clone())
        }),
    }
}

/// What people call a payer or member; `None` where the key is a name already.
fn name_of(by: TotalsByArg, books: &Books<'_>, key: &str) -> Option<String> {
    let directory = &books.directory;
    match by {
        TotalsByArg::Payer => {
            let payer = PayerId::parse(key).and_then(|id| directory.payer(&id));
            Some(payer.map(|payer| payer.name.clone()).unwrap_or_default())
        }
        TotalsByArg::Member => {
            let member = directory.members().iter().find(|member| member.id == key);
            Some(member.map(|member| member.name.clone()).unwrap_or_default())
        }
        _ => None,
    }
}

fn row_json(key: Option<(&String, Option<String>)>, row: &TotalsRow) -> Value {
    let mut value = json!({
        "jobs": row.jobs,
        "pages": row.pages,
        "colour_pages": row.colour_pages,
        "cost": row.cost.to_string(),
    });
    if let (Some((key, name)), Some(map)) = (key, value.as_object_mut()) {
        map.insert("key".to_owned(), json!(key));
        if let Some(name) = name {
            map.insert("name".to_owned(), json!(name));
        }
    }
    value
}
