//! Reports that the server is asked for: ordered, waited for, and picked up whole.
//!
//! Whether the server waits with its answer until the file is there, and whether it writes over one of the same name, is
//! not known: what counts is a file that was not there before, or has changed, and changes no more. Files in the pick-up
//! folder are read, never changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use chrono::NaiveDate;

use crate::config::{Covers, OrderWhen, ReportOrder, SiteConfig};
use crate::domain::{Finding, Period, Severity};
use crate::ledger::SiteId;
use crate::papercut::{Acted, AdHoc, Server};
use crate::run::books::Books;
use crate::run::error::RunError;

/// Pause between two looks into the pick-up folder.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// A file that has not changed for so many looks is whole; an empty one never is.
const QUIET_LOOKS: u32 = 4;

/// A report that was made for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Name of the order.
    pub order: String,
    /// Where it is.
    pub path: PathBuf,
    /// The days that were asked for.
    pub period: Period,
    /// Whether the last of these days may still be going on, so that the report may end earlier or later.
    pub is_open: bool,
}

/// What came of an order.
#[derive(Debug)]
pub enum FetchOutcome {
    /// Reports speak for these days already.
    NotNeeded,
    /// It is there.
    Fetched(Fetched),
    /// It is not: a person should look at it.
    Missing(Finding),
}

/// Size and time of a file; its bytes are looked at when it is read.
type Files = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// Lets the server make a report, and waits until it is there.
pub fn fetch(
    books: &Books<'_>,
    site: &SiteConfig,
    site_id: Option<SiteId>,
    server: &Server,
    order: &ReportOrder,
) -> Result<FetchOutcome, RunError> {
    let today = books.today(site);
    let Some(period) = days_of(order.covers, today) else { return Ok(FetchOutcome::NotNeeded) };
    let covered = match site_id {
        Some(site_id) => books.ledger.covered(site_id, site.reports.bill_from)?,
        None => Vec::new(),
    };
    if order.when == OrderWhen::Missing && period.uncovered(&covered).is_empty() {
        return Ok(FetchOutcome::NotNeeded);
    }
    let missing = |code, message: String| {
        let message = format!("the report `{}` of {period} {message}", order.name);
        Ok(FetchOutcome::Missing(Finding::new(Severity::Warning, code, message)))
    };
    let before = match files(&order.pick_up) {
        Ok(files) => files,
        Err(error) => {
            let folder = order.pick_up.display();
            return missing(
                "report-not-fetched",
                format!("cannot be picked up: cannot read `{folder}`: {error}"),
            );
        }
    };
    if let Err(error) = ask(server, order, period)
        // A server that was too slow may write the file all the same.
        && error.fault.acted() == Acted::No
    {
        return missing("report-not-fetched", format!("was not made: {error}"));
    }
    let named = file_name(&filled(&order.save_as, period));
    Ok(match wait(order, named.as_deref(), &before) {
        Waited::Whole(path) => FetchOutcome::Fetched(Fetched {
            order: order.name.clone(),
            path,
            period,
            is_open: order.covers == Covers::ThisMonth,
        }),
        Waited::Several(names) => {
            let text = format!(
                "is one of several new files in `{}`, and which is not known: {}; let `save_as` name the file, or give \
                 the report a folder of its own",
                order.pick_up.display(),
                names.join(", ")
            );
            return missing("report-ambiguous", text);
        }
        Waited::Growing(path) => {
            let seconds = order.wait.as_secs();
            let text = format!(
                "still grows after {seconds} seconds (`{}`): it was not taken; the next run asks again",
                path.display()
            );
            return missing("report-unfinished", text);
        }
        Waited::Nothing => {
            let what = named.map_or_else(|| "nothing new".to_owned(), |name| format!("no new `{name}`"));
            let text = format!(
                "did not appear: {what} in `{}` within {} seconds, although the server took the order to write `{}`; \
                 check that the server may write there and that this is the same folder",
                order.pick_up.display(),
                order.wait.as_secs(),
                filled(&order.save_as, period)
            );
            return missing("report-not-written", text);
        }
    })
}

/// The name of the file that the server is to write, where the place names one and not a folder.
fn file_name(save_as: &str) -> Option<String> {
    let last = save_as.rsplit(['/', '\\']).next().unwrap_or_default();
    last.contains('.').then(|| last.to_owned())
}

/// The days that a report asked for today is about.
fn days_of(covers: Covers, today: NaiveDate) -> Option<Period> {
    let yesterday = today.pred_opt()?;
    match covers {
        Covers::Yesterday => Period::of_days(yesterday, yesterday),
        Covers::ThisMonth => Period::of_days(Period::month_of(yesterday).first_day(), yesterday),
        Covers::LastMonth => Some(Period::month_of(Period::month_of(today).first_day().pred_opt()?)),
    }
}

/// `{from}`, `{to}` and `{month}` with the days of the period.
fn filled(text: &str, period: Period) -> String {
    text.replace("{from}", &period.first_day().to_string())
        .replace("{to}", &period.last_day().to_string())
        .replace("{month}", &period.last_day().format("%Y-%m").to_string())
}

fn ask(server: &Server, order: &ReportOrder, period: Period) -> Result<(), crate::papercut::CallError> {
    let save_as = filled(&order.save_as, period);
    match &order.ad_hoc {
        None => server.generate_scheduled_report(&order.title, &save_as),
        Some(ad_hoc) => {
            let report = AdHoc {
                report_type: &ad_hoc.report_type,
                parameters: &filled(&ad_hoc.parameters, period),
                extension: &ad_hoc.extension,
                title: &order.title,
            };
            server.generate_ad_hoc_report(report, &save_as)
        }
    }
}

enum Waited {
    Whole(PathBuf),
    Growing(PathBuf),
    Several(Vec<String>),
    Nothing,
}

/// Looks into the folder until a file that is new or has changed, of that name where one is known, stays as it is. What is
/// still written to by others is waited for as well, since it may be ours.
fn wait(order: &ReportOrder, named: Option<&str>, before: &Files) -> Waited {
    let started = Instant::now();
    let mut last = Files::new();
    let mut quiet = 0;
    loop {
        // A folder that cannot be read for a moment is looked at again.
        let mut new = files(&order.pick_up).unwrap_or_default();
        let is_named = |path: &Path| named.is_none_or(|name| path.file_name().is_some_and(|own| own == name));
        new.retain(|path, state| before.get(path) != Some(state) && state.0 > 0 && is_named(path));
        quiet = if !new.is_empty() && new == last { quiet + 1 } else { 0 };
        last = new;
        let is_over = started.elapsed() >= order.wait;
        let mut paths = last.keys();
        match (paths.next(), paths.next()) {
            (Some(path), None) if quiet >= QUIET_LOOKS => return Waited::Whole(path.clone()),
            (Some(_), Some(_)) if quiet >= QUIET_LOOKS || is_over => {
                let name =
                    |path: &PathBuf| format!("`{}`", path.file_name().unwrap_or_default().to_string_lossy());
                return Waited::Several(last.keys().map(name).collect());
            }
            (Some(path), None) if is_over => return Waited::Growing(path.clone()),
            (None, _) if is_over => return Waited::Nothing,
            _ => std::thread::sleep(LOOK_PAUSE),
        }
    }
}

/// The files of a folder; hidden ones are a server's or a copy's own business.
fn files(folder: &Path) -> Result<Files, std::io::Error> {
    let mut files = Files::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() && !entry.file_name().to_string_lossy().starts_with('.') {
            files.insert(entry.path(), (metadata.len(), metadata.modified().ok()));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_about_whole_days_that_are_over() {
        let check = |covers: Covers, today: &str, expected: &str| {
            let period = days_of(covers, today.parse().unwrap()).unwrap();
            assert_eq!(
                format!("{}..{}", period.first_day(), period.last_day()),
                expected,
                "{covers:?} {today}"
            );
        };
        check(Covers::Yesterday, "2026-11-01", "2026-10-31..2026-10-31");
        check(Covers::ThisMonth, "2026-11-01", "2026-10-01..2026-10-31");
        check(Covers::ThisMonth, "2026-11-25", "2026-11-01..2026-11-24");
        check(Covers::LastMonth, "2026-11-01", "2026-10-01..2026-10-31");
        check(Covers::LastMonth, "2026-03-31", "2026-02-01..2026-02-28");
        let period = days_of(Covers::LastMonth, "2026-11-25".parse().unwrap()).unwrap();
        assert_eq!(filled("/x/{month}/{from}_{to}.csv", period), "/x/2026-10/2026-10-01_2026-10-31.csv");
    }
}
