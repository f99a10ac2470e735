//! The papertally command: the only place that reads argv, the clock, the environment and stdio.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use papertally::cli::{World, run};

#[expect(clippy::disallowed_methods, reason = "this is where argv, clock, environment and stdio come from")]
fn main() -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let environment = |name: &str| std::env::var(name).ok();
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut world = World {
        clock: std::time::SystemTime::now(),
        environment: &environment,
        folder: std::env::current_dir().unwrap_or_default(),
        is_terminal: err.is_terminal(),
        out: &mut out,
        err: &mut err,
    };
    ExitCode::from(run(&arguments, &mut world))
}
