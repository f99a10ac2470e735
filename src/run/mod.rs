//! The pipeline: the only place where ledger, sources and outputs meet.
//!
//! `collect` finds report files, `ingest` takes them in, `facts` reads what billing looks at, `plan` makes the
//! batch (pure), `bill` issues it, `deliver` hands it out, `nightly` does all that is due. Beside it stands
//! [`papercut`], the server's part.

pub mod balances;
mod batch;
pub mod bill;
pub mod books;
pub mod collect;
pub mod deliver;
pub mod due;
pub mod error;
pub mod explain;
pub mod facts;
pub mod ingest;
pub mod intake;
pub mod lock;
mod lookalike;
pub mod night;
pub mod nightly;
pub mod pages;
pub mod papercut;
pub mod plan;
pub mod reconcile;
mod rejected;
pub mod resolve;
pub mod reverse;
mod sum_rows;
pub mod summary;
pub mod sums;
mod taking;
pub mod totals;
mod wording;
