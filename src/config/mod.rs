//! The configuration: TOML text, then what serde reads, then what is checked.
