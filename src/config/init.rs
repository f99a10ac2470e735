//! What `papertally init` writes: a configuration that works, and sheets to fill in.

/// A file to write, never over one that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitFile {
    /// Its path, relative to the folder that is set up.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The files to write.
pub const FILES: [InitFile; 4] = [
    InitFile { path: "papertally.toml", text: include_str!("init/papertally.toml") },
    InitFile { path: "members.csv", text: include_str!("init/members.csv") },
    InitFile { path: "teams.csv", text: include_str!("init/teams.csv") },
    InitFile { path: "accounts.csv", text: include_str!("init/accounts.csv") },
];

/// The folders to make: the configuration takes reports from them.
pub const FOLDERS: [&str; 1] = ["inbox"];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, KEYS};

    fn text(path: &str) -> &'static str {
        FILES.iter().find(|file| file.path == path).unwrap().text
    }

    #[test]
    fn the_configuration_works_and_names_the_other_files() {
        let config = Config::parse(Path::new("papertally.toml"), text("papertally.toml"), &[]).unwrap();
        assert_eq!(config.sites[0].inbox, FOLDERS.map(Path::new));
        let accounts = config.directory.accounts.unwrap();
        for path in [config.directory.members, config.directory.teams, accounts] {
            assert!(FILES.iter().any(|file| Path::new(file.path) == path), "{path:?}");
        }
    }

    /// What is commented out is an example that has to work too.
    #[test]
    fn its_examples_work_when_their_marks_are_taken_away() {
        let is_example = |line: &&str| {
            let rest = line.strip_prefix("# ").unwrap_or_default();
            rest.starts_with(['[', '"'])
                || rest.split(" = ").next().is_some_and(|key| rest.contains(" = ") && !key.contains(' '))
        };
        let lines = text("papertally.toml").lines();
        let all: Vec<&str> = lines.map(|line| if is_example(&line) { &line[2..] } else { line }).collect();
        let config = Config::parse(Path::new("papertally.toml"), &all.join("\n"), &[]).unwrap();
        assert_eq!((config.plans.len(), config.receivers.len(), config.sites[0].alias.len()), (2, 10, 1));
    }

    /// "Now" is fixed by samples only; of the others README tells.
    #[test]
    fn it_explains_each_key() {
        let sample = text("papertally.toml");
        let left_out = [
            "as_of",
            "site.papercut.token_env",
            "site.papercut.ca_file",
            "site.papercut.balance_target",
            "site.papercut.report.type",
            "site.papercut.report.parameters",
            "site.papercut.report.extension",
            "plan.balance",
        ];
        for key in KEYS.iter().filter(|key| !left_out.iter().any(|prefix| key.starts_with(prefix))) {
            let name = key.trim_end_matches(".*").rsplit('.').next().unwrap();
            assert!(sample.contains(&format!("{name} = ")) || sample.contains(&format!(".{name}]")), "{key}");
        }
    }
}
