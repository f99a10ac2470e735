//! The configuration and directory of the space whose print log is generated: every user and account has a payer.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use crate::print_log::{TEAMS, USERS};

const CONFIGURATION: &str = r#"as_of = "2026-01-02T07:00:00"

[ledger]
path = "ledger.sqlite"

[output]
folder = "out"

[[site]]
name = "busy"
time_zone = "Europe/London"
currency = "GBP"
inbox = ["inbox"]

[directory]
members = "members.csv"
teams = "teams.csv"

[[tax]]
name = "VAT 20%"
percent = "20"

[[plan]]
name = "pool"
basis = "pages"
mono = "0.06"
colour = "0.30"
tax = "VAT 20%"
[plan.allowance]
mono_pages = 50
colour_pages = 10
per = "seat"

[[plan]]
name = "cost-plus"
basis = "cost"
markup_percent = "15"
tax = "VAT 20%"

[billing]
default_plan = "cost-plus"
"#;

/// Writes the files into the folder.
pub(crate) fn write(folder: &Path) -> io::Result<()> {
    let mut members = String::from("id,name,usernames,team\n");
    for user in 0..USERS {
        // Every third user pays alone.
        let team = if user % 3 == 0 { String::new() } else { format!("T{:02}", user % TEAMS) };
        let _ = writeln!(members, "M{user:04},First{user:04} Last{user:04},user{user:04},{team}");
    }
    let mut teams = String::from("id,name,plan,accounts\n");
    for team in 0..TEAMS {
        let plan = if team % 2 == 0 { "pool" } else { "" };
        let _ = writeln!(teams, "T{team:02},Team {team:02} Ltd,{plan},Team {team:02}");
    }
    fs::create_dir_all(folder.join("inbox"))?;
    fs::write(folder.join("papertally.toml"), CONFIGURATION)?;
    fs::write(folder.join("members.csv"), members)?;
    fs::write(folder.join("teams.csv"), teams)
}
