//! `[[site]]`: a PaperCut server and the reports that come from it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono_tz::Tz;

use super::billing::invoice_prefix;
use super::papercut::{PapercutConfig, papercut};
use super::paths::Paths;
use super::raw::Section;
use crate::domain::{BalanceMode, Currency, DateOrder, DecimalMark, ReportKind, Source, fold_name};
use crate::sources::{ColumnsText, LayoutText, check_field, check_layout};

/// A site, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteConfig {
    /// Its name, in batches and the ledger.
    pub name: String,
    /// The zone of its reports' wall clock.
    pub time_zone: Tz,
    /// The currency of its costs and invoices.
    pub currency: Currency,
    /// Folders whose reports are taken.
    pub inbox: Vec<PathBuf>,
    /// Shared accounts whose jobs are never billed, as written.
    pub exclude_accounts: Vec<String>,
    /// Printers whose jobs are never billed, as written.
    pub ignore_printers: Vec<String>,
    /// A file younger than this may still be being copied, and is left for the next run.
    pub quiet_seconds: u32,
    /// First part of its invoice numbers, where it is not that of all sites.
    pub invoice_prefix: Option<String>,
    /// Old username to new username, as written.
    pub alias: BTreeMap<String, String>,
    /// What the operator says about its reports where a file does not decide it.
    pub reports: ReportConfig,
    /// Its server's web services.
    pub papercut: Option<PapercutConfig>,
}

/// `[site.reports]`: each only where the files do not decide it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportConfig {
    /// Order of day, month and year.
    pub date_order: Option<DateOrder>,
    /// Decimal mark of amounts.
    pub decimal_mark: Option<DecimalMark>,
    /// Encoding, by a name that is known on the web.
    pub encoding: Option<String>,
    /// Report kind.
    pub kind: Option<ReportKind>,
    /// Header text to field name, as written: the reader knows its fields.
    pub columns: BTreeMap<String, String>,
    /// Sheets of workbooks that are read, by name; any with a known header where none is named.
    pub sheets: Vec<String>,
    /// What the site is billed from.
    pub bill_from: Source,
    /// Layouts of the operator's own.
    pub layouts: Vec<LayoutText>,
}

/// Longest time for which a young file is left alone: a day.
const QUIET_SECONDS_MAX: u32 = 24 * 60 * 60;

const QUIET_SECONDS_DEFAULT: u32 = 30;

/// Reads all sites.
pub(super) fn sites(root: &Section<'_>, paths: &Paths) -> Vec<SiteConfig> {
    let sections = root.sections("site");
    if sections.is_empty() && !root.has("site") {
        root.problem("site", "nothing", "at least one `[[site]]`");
    }
    let mut names = BTreeSet::new();
    let mut sites = Vec::new();
    for section in &sections {
        let site = site(section, paths);
        if let Some(site) = site {
            if !names.insert(fold_name(&site.name)) {
                section.problem(
                    "name",
                    format!("`{}` a second time", site.name),
                    "another name for each site",
                );
            }
            sites.push(site);
        }
    }
    sites
}

fn site(section: &Section<'_>, paths: &Paths) -> Option<SiteConfig> {
    let name = section.needed_text("name", "a short name, such as `harbour`");
    if name.chars().any(|letter| !(letter.is_alphanumeric() || letter == '-' || letter == '_')) {
        section.problem(
            "name",
            format!("`{name}`"),
            "letters, digits, `-` and `_`: it is part of file names",
        );
    }
    let zone = section.needed_text("time_zone", "a zone such as `Europe/London`");
    let time_zone = zone.parse::<Tz>().ok();
    if time_zone.is_none() && !zone.is_empty() {
        section.problem("time_zone", format!("`{zone}`"), nearest_zone(&zone));
    }
    let code = section.needed_text("currency", "three capital letters, such as `GBP`");
    let currency = Currency::new(&code);
    if currency.is_none() && !code.is_empty() {
        section.problem("currency", format!("`{code}`"), "three capital letters, such as `GBP`");
    }
    let quiet_seconds =
        section.whole("quiet_seconds", 0..=QUIET_SECONDS_MAX).unwrap_or(QUIET_SECONDS_DEFAULT);
    let inbox = section.texts("inbox").iter().map(|folder| paths.at(folder)).collect();
    let exclude_accounts = section.texts("exclude_accounts");
    let ignore_printers = section.texts("ignore_printers");
    let alias = alias(section);
    let mut reports = reports(&section.section("reports"));
    reports.layouts = section.sections("layout").iter().map(layout).collect();
    let papercut = section.has("papercut").then(|| papercut(&section.section("papercut"), paths)).flatten();
    let is_overage = papercut.as_ref().is_some_and(|papercut| papercut.changes.mode == BalanceMode::Overage);
    if is_overage && reports.bill_from != Source::UserSums {
        let expected =
            "`user-sums`: with `balance_changes = \"overage\"`, what is billed is a sum of each user";
        section.section("reports").problem(
            "bill_from",
            format!("`{}`", reports.bill_from.as_str()),
            expected,
        );
    }
    let needs_jobs = papercut.as_ref().is_some_and(|papercut| {
        matches!(papercut.changes.mode, BalanceMode::Invoiced | BalanceMode::Target(_))
    });
    if needs_jobs && reports.bill_from == Source::UserSums {
        let expected = "`jobs`: a user's sum may hold what shared accounts have paid";
        section.section("reports").problem("bill_from", "`user-sums` with balance changes", expected);
    }
    Some(SiteConfig {
        name,
        time_zone: time_zone.unwrap_or(Tz::UTC),
        currency: currency.or(Currency::new("XXX"))?,
        inbox,
        exclude_accounts,
        ignore_printers,
        quiet_seconds,
        invoice_prefix: invoice_prefix(section),
        alias,
        reports,
        papercut,
    })
}

/// Letters of the longest zone's name, with some to spare: a longer text is no misspelt zone.
const ZONE_LETTERS_MAX: usize = 64;

/// The zone that was probably meant.
fn nearest_zone(found: &str) -> String {
    if found.len() > ZONE_LETTERS_MAX {
        return "a zone such as `Europe/London`".to_owned();
    }
    let city = |zone: &&Tz| {
        zone.name().rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(found.trim()))
    };
    if let Some(zone) = chrono_tz::TZ_VARIANTS.iter().filter(|zone| zone.name().contains('/')).find(city) {
        return format!("a zone such as `{zone}`");
    }
    let distance =
        |zone: &Tz| strsim::damerau_levenshtein(&zone.name().to_lowercase(), &found.to_lowercase());
    let near =
        chrono_tz::TZ_VARIANTS.iter().min_by_key(|zone| distance(zone)).filter(|zone| distance(zone) <= 4);
    match near {
        Some(zone) => format!("a zone such as `{zone}`"),
        None => "a zone such as `Europe/London`".to_owned(),
    }
}

/// An alias leads to a name that has none itself, so that it says at once who is meant.
fn alias(section: &Section<'_>) -> BTreeMap<String, String> {
    let alias = section.map("alias");
    let mut olds: BTreeMap<String, &str> = BTreeMap::new();
    let names = section.section("alias");
    for old in alias.keys() {
        if let Some(other) = olds.insert(fold_name(old), old) {
            names.problem(old, format!("the same user as `{other}`"), "each old name once");
        }
    }
    for (old, new) in &alias {
        if olds.contains_key(&fold_name(new)) {
            names.problem(
                old,
                format!("`{new}`, which is an old name itself"),
                "the name that is used today",
            );
        }
    }
    alias
}

fn reports(section: &Section<'_>) -> ReportConfig {
    let orders = [DateOrder::Ymd, DateOrder::Dmy, DateOrder::Mdy].map(|order| (order.as_str(), order));
    let marks = [DecimalMark::Point, DecimalMark::Comma].map(|mark| (mark.as_str(), mark));
    let sources =
        [Source::Jobs, Source::UserSums, Source::AccountSums].map(|source| (source.as_str(), source));
    let kinds = ReportKind::ALL.map(|kind| (kind.as_str(), kind));
    let encoding = section.text("encoding");
    if let Some(name) =
        encoding.as_ref().filter(|name| encoding_rs::Encoding::for_label(name.as_bytes()).is_none())
    {
        section.problem("encoding", format!("`{name}`"), "an encoding such as `utf-8` or `windows-1252`");
    }
    let columns = section.map("columns");
    for (header, word) in &columns {
        if let Some(expected) = check_field(word) {
            section.section("columns").problem(header, format!("`{word}`"), expected);
        }
    }
    ReportConfig {
        date_order: section.choice("date_order", &orders),
        decimal_mark: section.choice("decimal_mark", &marks),
        encoding,
        kind: section.choice("kind", &kinds),
        columns,
        sheets: section.texts("sheets"),
        bill_from: section.choice("bill_from", &sources).unwrap_or_default(),
        layouts: Vec::new(),
    }
}

/// `[[site.layout]]`: a report that papertally does not know. The reader of reports knows what fits together.
fn layout(section: &Section<'_>) -> LayoutText {
    let text = |key: &str| section.text(key).unwrap_or_default();
    let columns = if section.is_list("columns") {
        ColumnsText::ByPosition(section.texts("columns"))
    } else {
        ColumnsText::ByHeader(section.map("columns"))
    };
    let layout = LayoutText {
        name: section.needed_text("name", "a name for messages, such as `gateway`"),
        rows: text("rows"),
        columns,
        more_columns: section.flag("more_columns", false),
        delimiter: section.sign("delimiter").unwrap_or_default(),
        quotes: Some(section.flag("quotes", true)),
        growing: section.flag("growing", false),
        follow: section.flag("follow", false),
        constants: section.map("constants"),
        date_format: text("date_format"),
        date_order: text("date_order"),
        decimal_mark: text("decimal_mark"),
        charges: text("charges"),
        types: section.map("types"),
        only: section.map_of_texts("only"),
        leave_out: section.map_of_texts("leave_out"),
        personal: text("personal"),
        ..LayoutText::default()
    };
    for problem in check_layout(&layout) {
        section.problem(&problem.key, problem.found, problem.expected);
    }
    layout
}
