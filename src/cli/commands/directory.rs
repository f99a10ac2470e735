//! `papertally directory export`: member and team sheets to start from, as the server has users and shared accounts.

use std::collections::BTreeMap;
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
use crate::outputs::formats::{name_cell, sheet};
use crate::run::server::server;
use crate::run::snapshot::read_balances;

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
    let failure = |error: RenderError| Failure::of("file", Exit::Failed, &error);
    for (path, bytes) in paths
        .iter()
        .zip([sheet(&MEMBERS, &members).map_err(failure)?, sheet(&TEAMS, &teams).map_err(failure)?])
    {
        write_new(path, &bytes)?;
        context.ui.line(path.display().to_string());
    }
    let count = |rows: &Vec<Vec<String>>| i64::try_from(rows.len()).unwrap_or(i64::MAX);
    context.ui.status(format!(
        "{} and {}: give members their ids and teams, and let `[directory]` name the sheets.",
        counted(count(&members), "member", "members"),
        counted(count(&teams), "team", "teams")
    ));
    for error in &failed {
        context.ui.warn(format!("warning: left out: {error}"));
    }
    context.ui.json(&json!({
        "written": paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "members": members.len(),
        "teams": teams.len(),
        "left_out": failed.iter().map(ToString::to_string).collect::<Vec<_>>(),
    }));
    Ok(if failed.is_empty() { Exit::Done } else { Exit::Findings })
}

/// One member a user; its username is its id until the coworking system's is known.
fn member_rows(readings: &[Reading]) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = readings
        .iter()
        .filter_map(|reading| {
            let Holder::User(user) = &reading.holder else { return None };
            let name = if reading.full_name.is_empty() { user } else { &reading.full_name };
            let blank = String::new;
            // `|` joins ids to keys.
            let id = user.replace('|', "-");
            Some(vec![
                id,
                name_cell(name),
                reading.email.clone(),
                user.clone(),
                blank(),
                blank(),
                blank(),
                blank(),
            ])
        })
        .collect();
    rows.sort();
    rows
}

/// One team a shared account at the top: its sub-accounts are its own.
fn team_rows(readings: &[Reading]) -> Vec<Vec<String>> {
    let mut teams: BTreeMap<&str, &str> = BTreeMap::new();
    for reading in readings {
        let Holder::Account(account) = &reading.holder else { continue };
        match account.split_once('\\') {
            Some((parent, _)) => drop(teams.entry(parent).or_default()),
            None => drop(teams.insert(account, &reading.server_id)),
        }
    }
    let rows = teams.into_iter().map(|(account, server_id)| {
        let id = if server_id.is_empty() { account.replace('|', "-") } else { format!("A{server_id}") };
        vec![id, name_cell(account), String::new(), String::new(), String::new(), account.to_owned()]
    });
    rows.collect()
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
