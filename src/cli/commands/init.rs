//! `papertally init`: a configuration that works, directory sheets, and what to do next.

use std::fs;

use serde_json::json;

use super::Context;
use crate::cli::args::InitArgs;
use crate::cli::failure::{Exit, Failure};
use crate::config::init;

pub(super) fn run(args: &InitArgs, context: &mut Context<'_, '_>) -> Result<Exit, Failure> {
    let folder = context.outside.folder.join(&args.dir);
    let failed = |path: &std::path::Path, error: &std::io::Error| {
        Failure::of("io", Exit::Failed, error)
            .while_doing(format!("cannot write `{}`", path.display()))
            .hint("check the rights on the folder")
    };
    let (mut written, mut kept) = (Vec::new(), Vec::new());
    for file in init::FILES {
        let path = folder.join(file.path);
        let parent = path.parent().unwrap_or(&folder).to_owned();
        fs::create_dir_all(&parent).map_err(|error| failed(&parent, &error))?;
        // `create_new` refuses to touch a file that is there, also when two of us run at once.
        match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut new) => {
                std::io::Write::write_all(&mut new, file.text.as_bytes())
                    .map_err(|error| failed(&path, &error))?;
                written.push(path.display().to_string());
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                kept.push(path.display().to_string())
            }
            Err(error) => return Err(failed(&path, &error)),
        }
    }
    for name in init::FOLDERS {
        let path = folder.join(name);
        fs::create_dir_all(&path).map_err(|error| failed(&path, &error))?;
    }
    let inbox = folder.join("inbox");
    let config = folder.join("papertally.toml");
    for path in &written {
        context.ui.line(path);
    }
    for path in &kept {
        context.ui.status(format!("Kept `{path}`, which was there before."));
    }
    context.ui.status(format!(
        "Next:\n  1. Write your site, plans and receivers into `{config}`, and who pays into members.csv and teams.csv beside it.\n  \
         2. Put PaperCut print logs (CSV) into `{inbox}`.\n  \
         3. papertally --config {config} doctor    says whether everything is in its place.\n  \
         4. papertally --config {config} ingest    takes the logs in.\n  \
         5. papertally --config {config} bill      shows what would be invoiced; `bill --issue` issues it.",
        config = config.display(),
        inbox = inbox.display()
    ));
    context.ui.json(&json!({ "written": written, "kept": kept }));
    Ok(Exit::Done)
}
