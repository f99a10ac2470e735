//! `papertally report`: the reconciliation page of a period and a statement for each payer.

use serde_json::json;

use super::{Access, Context, period_of, site_of};
use crate::cli::args::ReportArgs;
use crate::cli::failure::{Exit, Failure};
use crate::outputs::{FileError, write_whole};
use crate::run::pages::pages;

pub(super) fn run(args: &ReportArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let site = site_of(&config, args.site.as_deref())?;
    let (books, _) = context.books(&config, Access::Read)?;
    let period = period_of(args.period.as_deref().unwrap_or("last-month"), books.today(site))?;
    let pages = pages(&books, site, period)?;
    let mut written = Vec::new();
    for (folder, page) in &pages {
        let path = config.output.folder.join("reports").join(folder).join(&page.name);
        write_whole(&path, &page.bytes)?;
        context.ui.line(path.display().to_string());
        written.push(path.display().to_string());
    }
    if pages.is_empty() {
        context.ui.line(format!("Nothing to report: the ledger has no reports of {}.", site.name));
    }
    context.ui.json(&json!({ "period": period.to_string(), "site": site.name, "files": written }));
    Ok(Exit::Done)
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Failure {
        Failure::of("io", Exit::Failed, &error)
            .hint("check the rights on `output.folder` and the room on its disk")
    }
}
