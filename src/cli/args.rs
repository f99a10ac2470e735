//! The command line: what can be said, and help texts that teach it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::domain::{Currency, DateOrder, DecimalMark, ReportKind};

/// Bills PaperCut print, copy and scan jobs of coworking members and teams, exactly once and to the cent.
#[derive(Debug, Parser)]
#[command(
    name = "papertally",
    version,
    max_term_width = 100,
    after_help = "Start:    papertally init my-space     writes a configuration that works, and says what to do next\n\
                  Look:     papertally check march.csv   shows how a report is understood; changes nothing\n\
                  Bill:     papertally bill              shows what would be invoiced; `bill --issue` issues it\n\
                  Nightly:  papertally run               does everything that is due\n\n\
                  Exit codes: 0 done · 1 failed, nothing issued · 2 wrong usage · 3 done, findings need a person ·\n\
                  4 a delivery failed or is uncertain · 75 another run holds the lock · 78 configuration"
)]
pub(super) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub shared: Shared,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(super) struct Shared {
    /// The configuration file [default: $PAPERTALLY_CONFIG, else ./papertally.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Overrides one configuration key, such as `output.folder=/tmp/out` or `site.harbour.currency=EUR`
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Fixes "now": `2026-11-02T06:00:00` on the first site's clock, or with an offset
    #[arg(long, global = true, value_name = "WHEN")]
    pub as_of: Option<String>,
    /// Writes one JSON document to stdout instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// Says nothing but what was asked for, warnings and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Says more about what is done
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Writes a configuration that works, directory sheets, and the next steps
    Init(InitArgs),
    /// Reads report files and says what taking them in would do; needs no configuration, changes nothing
    Check(CheckArgs),
    /// Writes member and team sheets to start from, with the users and shared accounts of the PaperCut server
    Directory(DirectoryArgs),
    /// Takes reports into the ledger: the files named, or those in the sites' inboxes
    Ingest(IngestArgs),
    /// Sums of jobs, pages and cost
    Totals(TotalsArgs),
    /// Shows the batch of a period as it would be issued, with its proof; `--issue` issues it
    Bill(BillArgs),
    /// Does everything that is due: takes in reports, reconciles, bills, hands out, mails
    Run(RunArgs),
    /// Shows outstanding deliveries; tries them again, or settles one by hand
    Deliver(DeliverArgs),
    /// Shows PaperCut's balances beside the ledger and the changes that are due; `--adjust` makes them
    Balances(BalancesArgs),
    /// Takes back an issued line by a line of its own; its jobs can then be billed anew
    Reverse(ReverseArgs),
    /// Writes the reconciliation page of a period and a statement for each payer
    Report(ReportArgs),
    /// Shows the jobs behind a line, a payer, a user or an account, down to the row of the report file
    Explain(ExplainArgs),
    /// Last runs, coverage, suspense, outstanding deliveries, and whether the ledger is consistent
    Status,
    /// Tries out configuration, folders, ledger, directory and mail, and says what to mend
    Doctor,
    /// Says what is due now, and when next
    Schedule,
}

/// Options of `init`.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The folder to write into; no file is ever overwritten
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// How to read a report where the file itself does not say.
#[derive(Debug, Args)]
pub(super) struct ReadArgs {
    /// Time zone of the site, such as Europe/London
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub time_zone: String,
    /// Order of numeric dates
    #[arg(long, value_name = "ORDER")]
    pub date_order: Option<DateOrderArg>,
    /// Sign before the decimals
    #[arg(long, value_name = "MARK")]
    pub decimal_mark: Option<DecimalMarkArg>,
    /// Encoding, such as windows-1252
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Report kind, such as print-log
    #[arg(long, value_name = "KIND", value_parser = parse_kind)]
    pub kind: Option<ReportKind>,
    /// Currency of the site, such as GBP
    #[arg(long, value_name = "CODE", value_parser = parse_currency)]
    pub currency: Option<Currency>,
    /// Sheet of a workbook that is read; may be given several times [default: all with a known header]
    #[arg(long = "sheet", value_name = "NAME")]
    pub sheets: Vec<String>,
    /// Days of the reports, such as 2026-10: given to a report of sums that does not say them; one of other days is
    /// refused
    #[arg(long, value_name = "P")]
    pub period: Option<String>,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Report files, in the order in which they would be taken in
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// How to read them.
    #[command(flatten)]
    pub read: ReadArgs,
    /// Reads as the configuration says for this site
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
    /// How many jobs of each file to list: a number, or `all`
    #[arg(long, value_name = "N", default_value = "3", value_parser = parse_rows)]
    pub rows: RowLimit,
}

/// Options of `ingest`.
#[derive(Debug, Args)]
pub(super) struct IngestArgs {
    /// Report files; without any, the sites' inboxes
    pub files: Vec<PathBuf>,
    /// The site that the files are from [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
    /// Days of the reports, such as 2026-10: given to a report of sums that does not say them; one of other days is
    /// refused
    #[arg(long, value_name = "P", requires = "files")]
    pub period: Option<String>,
}

/// Options of `totals`.
#[derive(Debug, Args)]
pub(super) struct TotalsArgs {
    /// `2026-10`, `2026-10-01..2026-10-31`, `last-month` or `this-month` [default: all]
    #[arg(long, value_name = "P")]
    pub period: Option<String>,
    /// What to sum by
    #[arg(long, value_enum, default_value_t = TotalsByArg::User)]
    pub by: TotalsByArg,
    /// Only this site [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
}

/// Options of `bill`.
#[derive(Debug, Args)]
pub(super) struct BillArgs {
    /// `2026-10`, `2026-10-01..2026-10-31`, `last-month` or `this-month` [default: last-month]
    #[arg(long, value_name = "P")]
    pub period: Option<String>,
    /// Issues the batch: writes its lines down for ever and hands out its files
    #[arg(long)]
    pub issue: bool,
    /// Issues although days are not covered by reports, or issued jobs have lost their payer
    #[arg(long, requires = "issue")]
    pub despite_gaps: bool,
    /// Only this site [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Shows what would be done and changes nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `deliver`.
#[derive(Debug, Args)]
pub(super) struct DeliverArgs {
    /// Tries the outstanding deliveries again; an uncertain one is only looked at
    #[arg(long)]
    pub retry: bool,
    /// Shows what is known of one uncertain or failed delivery by its number; with `--as`, settles it
    #[arg(long, value_name = "ID")]
    pub resolve: Option<i64>,
    /// What is known of it: it arrived, it did not (it goes out again), or nobody wants it any more
    #[arg(long = "as", value_enum, value_name = "OUTCOME", requires = "resolve")]
    pub outcome: Option<OutcomeArg>,
}

/// Options of `balances`.
#[derive(Debug, Args)]
pub(super) struct BalancesArgs {
    /// Makes the balance changes that are due, as `run` does
    #[arg(long)]
    pub adjust: bool,
    /// Shows only balances that differ from what jobs and our changes explain
    #[arg(long)]
    pub differences: bool,
    /// Only this site [default: all with a PaperCut server]
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
}

/// Options of `directory`.
#[derive(Debug, Args)]
pub(super) struct DirectoryArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub action: DirectoryAction,
}

/// What is done with the directory.
#[derive(Debug, Subcommand)]
pub(super) enum DirectoryAction {
    /// Writes members.csv and teams.csv, never over a file
    Export(ExportArgs),
}

/// Options of `directory export`.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Folder to write into
    #[arg(default_value = "directory")]
    pub dir: PathBuf,
    /// Only this site [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
}

/// Options of `reverse`.
#[derive(Debug, Args)]
pub(super) struct ReverseArgs {
    /// Id of the line, as `bill --json` and the invoice files show it
    pub line: String,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// `2026-10`, `2026-10-01..2026-10-31`, `last-month` or `this-month` [default: last-month]
    #[arg(long, value_name = "P")]
    pub period: Option<String>,
    /// Only this site [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A line id, `team:T1`, `member:M1`, a username, an account as `parent\sub`, or a balance change as `change:7`
    pub subject: String,
    /// `2026-10`, `2026-10-01..2026-10-31`, `last-month` or `this-month` [default: all]
    #[arg(long, value_name = "P")]
    pub period: Option<String>,
    /// Only this site [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
}

/// `ymd`, `dmy` or `mdy`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DateOrderArg {
    /// Year first
    Ymd,
    /// Day first
    Dmy,
    /// Month first
    Mdy,
}

impl From<DateOrderArg> for DateOrder {
    fn from(order: DateOrderArg) -> DateOrder {
        match order {
            DateOrderArg::Ymd => DateOrder::Ymd,
            DateOrderArg::Dmy => DateOrder::Dmy,
            DateOrderArg::Mdy => DateOrder::Mdy,
        }
    }
}

/// `point` or `comma`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DecimalMarkArg {
    /// 1.25
    Point,
    /// 1,25
    Comma,
}

impl From<DecimalMarkArg> for DecimalMark {
    fn from(mark: DecimalMarkArg) -> DecimalMark {
        match mark {
            DecimalMarkArg::Point => DecimalMark::Point,
            DecimalMarkArg::Comma => DecimalMark::Comma,
        }
    }
}

/// What totals are summed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TotalsByArg {
    /// PaperCut username
    User,
    /// Charged shared account
    Account,
    /// Member of the directory
    Member,
    /// Who gets the invoice line
    Payer,
    /// Printer or device
    Printer,
    /// Day at the site
    Day,
    /// Print, copy, scan, fax
    Kind,
}

impl TotalsByArg {
    /// The word in JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            TotalsByArg::User => "user",
            TotalsByArg::Account => "account",
            TotalsByArg::Member => "member",
            TotalsByArg::Payer => "payer",
            TotalsByArg::Printer => "printer",
            TotalsByArg::Day => "day",
            TotalsByArg::Kind => "kind",
        }
    }
}

/// What a person knows of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutcomeArg {
    /// It arrived
    Delivered,
    /// It did not arrive: it goes out again
    NotDelivered,
    /// Nobody wants it any more
    GivenUp,
}

/// How many jobs of a file are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowLimit(pub usize);

fn parse_rows(text: &str) -> Result<RowLimit, String> {
    if text == "all" {
        return Ok(RowLimit(usize::MAX));
    }
    text.parse().map(RowLimit).map_err(|_| "expected a number or `all`".to_owned())
}

fn parse_kind(text: &str) -> Result<ReportKind, String> {
    let words: Vec<&str> = ReportKind::ALL.iter().map(|kind| kind.as_str()).collect();
    ReportKind::parse(text).ok_or_else(|| format!("expected one of {}", words.join(", ")))
}

fn parse_currency(text: &str) -> Result<Currency, String> {
    Currency::new(text).ok_or_else(|| "expected three capital letters, such as GBP".to_owned())
}
