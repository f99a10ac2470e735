//! The papertally command.
fn main() {}
