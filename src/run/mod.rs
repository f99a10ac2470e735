//! The pipeline: the only place where ledger, sources and outputs meet.

pub mod facts;
pub mod lock;
pub mod plan;
pub mod resolve;
mod wording;
