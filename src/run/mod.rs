//! The pipeline: the only place where ledger, sources and outputs meet.
//!
//! `collect` finds report files, `ingest` takes them in, `facts` reads what billing looks at, `plan` makes the
//! batch (pure), `bill` issues it, `deliver` hands it out, `nightly` does all that is due. Beside it the PaperCut server:
//! `visit` asks it, `movements` and `roster` compare it with ledger and directory, `settle` writes balance changes
//! down, `adjust` makes them.

pub mod adjust;
pub mod balances;
mod batch;
pub mod bill;
pub mod books;
pub mod collect;
pub mod deliver;
pub mod due;
pub mod error;
pub mod evidence;
pub mod explain;
pub mod facts;
pub mod fetch;
mod handed;
pub mod holders;
pub mod ingest;
pub mod intake;
pub mod lock;
mod lookalike;
pub mod movements;
pub mod night;
pub mod nightly;
pub mod overage;
pub mod pages;
pub mod plan;
pub mod reconcile;
mod rejected;
pub mod resolve;
pub mod reverse;
pub mod roster;
pub mod server;
pub mod settle;
pub mod snapshot;
mod sum_rows;
pub mod summary;
pub mod sums;
mod taking;
pub mod totals;
pub mod visit;
mod wording;
