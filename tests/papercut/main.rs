//! A PaperCut server double, and the proof that it behaves as the server's documentation says.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod cases;
mod cents;
mod doctors;
mod double;
mod double_tests;
mod harbour;
mod http;
mod methods;
mod months;
mod orders;
mod overage;
mod random_months;
mod raw;
mod reports;
mod reports_tests;
mod rosters;
mod scale;
mod server;
#[path = "../robustness/space.rs"]
#[allow(dead_code, reason = "each test program uses its part of it")]
mod space;
mod steps;
mod stopped;
mod trouble;
mod trouble_tests;
mod uncertain;
mod waiting;
mod whose;
mod wire;
mod wire_tests;
