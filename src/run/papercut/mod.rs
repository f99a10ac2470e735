//! The PaperCut server's part in a run: asked first, changed last.
//!
//! `visit` asks it: `snapshot` reads balances, `fetch` orders reports, `overage` makes one of what is below zero.
//! `holders`, `movements` and `roster` compare what was read with ledger and directory. `settle` writes down what balances
//! are to get for jobs on lines that were handed out, `adjust` makes these changes, and `evidence` looks at those whose
//! answer was lost.

pub mod server;
pub mod visit;

pub mod fetch;
pub mod overage;
pub mod snapshot;

pub mod holders;
pub mod movements;
pub mod roster;

pub mod adjust;
pub mod evidence;
mod handed;
mod moments;
pub mod settle;
