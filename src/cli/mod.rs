//! People and cron: the only code that prints. A command turns words into calls of `run`, and results into
//! tables, JSON and an exit code.

mod args;
mod commands;
mod failure;
mod json;
mod ui;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Parser;
use clap::error::ErrorKind;

use args::Cli;
use failure::{Exit, Failure};
use ui::{Ui, Watching};

/// The world outside, as `main` found it.
pub struct World<'a> {
    /// The time.
    pub clock: SystemTime,
    /// The environment.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The working directory: only paths on the command line are relative to it.
    pub folder: PathBuf,
    /// Whether a person watches stderr.
    pub is_terminal: bool,
    /// For data.
    pub out: &'a mut dyn Write,
    /// For people.
    pub err: &'a mut dyn Write,
}

/// Runs a command line and returns the exit code.
pub fn run(arguments: &[OsString], world: &mut World<'_>) -> u8 {
    let json = arguments.iter().any(|argument| argument == "--json");
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, json, world),
    };
    // Cron gives its jobs no terminal and no TERM: a night without news is then silent.
    let is_watched = world.is_terminal || (world.environment)("TERM").is_some();
    let mut ui =
        Ui::new(world.out, world.err, &cli.shared, Watching { is_terminal: world.is_terminal, is_watched });
    let outside =
        commands::Outside { clock: world.clock, environment: world.environment, folder: &world.folder };
    match commands::dispatch(cli, &outside, &mut ui) {
        Ok(exit) => finish(ui, exit),
        Err(failure) => {
            ui.failure(&failure);
            finish(ui, failure.exit)
        }
    }
}

/// Whatever a command wrote has to arrive: a full disk behind stdout is a failure too. A closed pipe is not.
fn finish(mut ui: Ui<'_>, exit: Exit) -> u8 {
    match ui.flush() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            ui.warn(format!("error: cannot write to stdout: {error}"));
            ui.warn("hint: what was done stays done: `papertally status` and `papertally deliver` show it");
            exit.max(Exit::Failed).code()
        }
        _ => exit.code(),
    }
}

/// Help and version go to stdout; a usage error to stderr, and as JSON to stdout where that was asked for.
fn usage(error: &clap::Error, json: bool, world: &mut World<'_>) -> u8 {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = world.out.write_all(text.as_bytes());
            Exit::Done.code()
        }
        _ if json => {
            let failure = Failure::usage(text.trim_end().trim_start_matches("error: "));
            let _ = writeln!(world.out, "{}", json::failure(&failure));
            Exit::Usage.code()
        }
        _ => {
            let _ = world.err.write_all(text.as_bytes());
            Exit::Usage.code()
        }
    }
}
