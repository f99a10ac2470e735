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
