//! papertally bills PaperCut jobs of coworking members and teams, exactly once and to the cent.

pub mod cli;
pub mod config;
pub mod domain;
pub mod ledger;
pub mod outputs;
pub mod run;
pub mod sources;
