//! `papertally directory export`: member and team sheets to start from, as the server has users and shared accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde_json::json;

use super::{Context, site_of};
use crate::cli::args::{DirectoryAction, DirectoryArgs, ExportArgs};
use crate::cli::failure::{Exit, Failure};
use crate::cli::ui::counted;
use crate::domain::Holder;
use crate::ledger::Reading;
use crate::outputs::RenderError;
use crate::outputs::formats::{is_plain, sheet};
use crate::run::papercut::server::server;
use crate::run::papercut::snapshot::read_balances;

const MEMBERS: [&str; 8] = ["id", "name", "email", "usernames", "team", "from", "to", "plan"];
const TEAMS: [&str; 6] = ["id", "name", "email", "seats", "plan", "accounts"];

pub(super) fn run(args: &DirectoryArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let DirectoryAction::Export(args) = &args.action;
    export(args, context)
}

/// Reads the server, not the ledger: there may be none yet, and no sheets either.
fn export(args: &ExportArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let config = context.config()?;
    let site = site_of(&config, args.site.as_deref())?;
    let (Some(papercut), Some(server)) = (&site.papercut, server(site, context.outside.environment)?) else {
        return Err(Failure::usage(format!("site `{}` has no PaperCut server", site.name))
            .hint("describe it under `[site.papercut]`; README says how"));
    };
    let folder = context.outside.folder.join(&args.dir);
    let paths = ["members.csv", "teams.csv"].map(|name| folder.join(name));
    if let Some(there) = paths.iter().find(|path| path.exists()) {
        return Err(Failure::usage(format!("`{}` is there already, and stays as it is", there.display()))
            .hint("name another folder"));
    }
    let mut bar = context.ui.progress("users and shared accounts");
    let (readings, failed) = read_balances(papercut, &server, &|| 0, &mut || bar.row()).map_err(|error| {
        Failure::of("papercut", Exit::Failed, &error).while_doing("cannot read the server")
    })?;
    drop(bar);
    let (members, teams) = (member_rows(&readings), team_rows(&readings));
    let failed = failed.iter().map(ToString::to_string);
    let left_out: Vec<String> =
        [&members.left_out[..], &teams.left_out].concat().into_iter().chain(failed).collect();
    let failure = |error: RenderError| Failure::of("file", Exit::Failed, &error);
    for (path, bytes) in paths
        .iter()
        .zip([sheet(&MEMBERS, &members.rows).map_err(failure)?, sheet(&TEAMS, &teams.rows).map_err(failure)?])
    {
        write_new(path, &bytes)?;
        context.ui.line(path.display().to_string());
    }
    let count = |rows: &Rows| i64::try_from(rows.rows.len()).unwrap_or(i64::MAX);
    context.ui.status(format!(
        "{} and {}: give members their ids and teams, and let `[directory]` name the sheets.",
        counted(count(&members), "member", "members"),
        counted(count(&teams), "team", "teams")
    ));
    for reason in &left_out {
        context.ui.warn(format!("warning: left out: {reason}"));
    }
    context.ui.json(&json!({
        "written": paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "members": members.rows.len(),
        "teams": teams.rows.len(),
        "left_out": left_out,
    }));
    Ok(if left_out.is_empty() { Exit::Done } else { Exit::Findings })
}

/// The rows of a sheet, and whom it cannot hold, each with the reason.
#[derive(Default)]
struct Rows {
    rows: Vec<Vec<String>>,
    left_out: Vec<String>,
    /// Ids in the form in which invoices would write them.
    ids: BTreeSet<String>,
}

impl Rows {
    /// Adds a row, unless its names would be read as something else.
    fn add(&mut self, id: &str, names: &str, row: Vec<String>) {
        let sign = names.chars().find(|sign| matches!(sign, ';' | '*' | '?' | '|') || sign.is_control());
        let reason = match sign {
            Some(sign) => {
                Some(format!("`{names}`: a sheet reads `{}` as more than a letter", sign.escape_default()))
            }
            None if names.starts_with('=') => {
                Some(format!("`{names}`: a sheet reads `=` at the beginning as a sign"))
            }
            None if !self.ids.insert(id.to_uppercase()) => Some(format!(
                "`{names}`: its id would be that of another; add it by hand with an id of its own"
            )),
            None => None,
        };
        match reason {
            Some(reason) => self.left_out.push(reason),
            None => self.rows.push(row),
        }
    }
}

/// One member a user; its username is its id until the coworking system's is known.
fn member_rows(readings: &[Reading]) -> Rows {
    let mut members = Rows::default();
    let mut users: Vec<&Reading> =
        readings.iter().filter(|reading| matches!(reading.holder, Holder::User(_))).collect();
    users.sort_by_key(|reading| reading.holder.name());
    for reading in users {
        let user = reading.holder.name();
        // A name that a spreadsheet would take for a formula stays out: what is put before it would be part of it.
        let is_name = !reading.full_name.is_empty() && is_plain(&reading.full_name);
        let name = if is_name { &reading.full_name } else { user };
        let blank = String::new;
        let row = [user, name, &reading.email, user].map(str::to_owned).into_iter();
        members.add(user, user, row.chain([blank(), blank(), blank(), blank()]).collect());
    }
    members
}

/// One team a shared account at the top: its sub-accounts are its own.
fn team_rows(readings: &[Reading]) -> Rows {
    let mut tops: BTreeMap<&str, &str> = BTreeMap::new();
    for reading in readings {
        let Holder::Account(account) = &reading.holder else { continue };
        match account.split_once('\\') {
            Some((parent, _)) => drop(tops.entry(parent).or_default()),
            None => drop(tops.insert(account, &reading.server_id)),
        }
    }
    let mut teams = Rows::default();
    for (account, server_id) in tops {
        let id = if server_id.is_empty() { account.to_owned() } else { format!("A{server_id}") };
        let row = [&id, account, "", "", "", account].map(str::to_owned);
        teams.add(&id, account, row.to_vec());
    }
    teams
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let failure = Failure::of("file", Exit::Failed, &error);
        let failure = failure.while_doing(format!("cannot write `{}`", path.display()));
        match error.kind() {
            ErrorKind::AlreadyExists => failure.hint("name another folder"),
            _ => failure.hint("check the rights on the folder"),
        }
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)
}
