//! The built program under bad input, full disks, other programs' locks, kills, failing mail servers and clock
//! changes: one clear error each, the right exit code, and not a row lost or doubled.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod clock;
mod followed;
mod inbox;
mod ledger_file;
mod mail;
mod settings;
mod smtp;
mod space;
mod stopped;
mod sums;
