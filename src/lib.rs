//! papertally bills PaperCut jobs of coworking members and teams, exactly once and to the cent.
//!
//! It takes PaperCut's report files, keeps every job once in an SQLite ledger, prices the jobs by each payer's plan,
//! proves that the money adds up, issues invoice lines in the form that the receiving system imports, and mails a
//! summary. Operators read `README.md`; this is the architecture.
//!
//! # Map
//!
//! ```text
//! main ─► cli ─► run ─► { ledger   sources   papercut   outputs } ─► domain
//!          └──► config ───────┘ (builds each layer's settings)
//! ```
//!
//! | layer | module | what it is for | what it does not do |
//! |---|---|---|---|
//! | 0 | [`domain`] | the words as types; money, pricing, periods, who pays: pure functions | files, clock, serde, logging |
//! | 1 | [`ledger`] | every job once, every issued line for ever; the only code that knows SQL | decide anything |
//! | 1 | [`sources`] | bytes of a report or directory file → jobs, rows, rejections | guess; keep anything |
//! | 1 | [`papercut`] | the server's web services as typed calls, and what a failed one may have done | repeat a change; keep anything |
//! | 1 | [`outputs`] | a batch → bytes of a file, page or mail; files appear whole or not at all | decide what is billed |
//! | 2 | [`config`] | TOML → the checked configuration, or everything that is wrong with it | read environment or clock |
//! | 3 | [`run`] | the pipeline: the only place where the layers below meet | print |
//! | 4 | [`cli`] | command line, tables, JSON, exit codes; the only code that prints | know how billing works |
//!
//! Modules of one layer never name each other, and none names a layer above it. `tests/tidy.rs` reads the sources and
//! keeps it so; it also keeps each external crate in the layer that owns it.
//!
//! # One run, step by step
//!
//! `papertally run` is [`run::nightly::run`]; by hand its steps are commands of their own.
//!
//! 1. `main` reads clock, environment and argv into a [`cli::World`]. [`cli::run`] parses the command line and
//!    [`config::Config::load`] checks the whole configuration: all problems are one message.
//! 2. [`run::lock`] takes the lock, which ends with its process. [`ledger::Ledger::open`] opens the ledger and migrates
//!    it, after a copy; a newer one is refused. [`run::books::Books`] adds directory, templates and receivers.
//! 3. [`run::papercut::visit`] asks each site's PaperCut server: [`run::papercut::snapshot`] reads users, accounts and balances,
//!    [`run::papercut::fetch`] orders reports and waits for them. [`run::collect`] lists the inbox. Files are read where they are, never moved or changed.
//! 4. [`run::ingest`] takes a report in. [`sources::examine`] goes over all of it and decides what it is;
//!    [`sources::Report::read`] goes over it again and hands on rows. One transaction holds the report, its jobs and its
//!    rejected rows; rows and money have to add up before it is committed.
//! 5. [`run::reconcile`] finds what nobody pays yet and what lies outside every period. Differences are
//!    [`domain::Finding`]s: data, not errors.
//! 6. [`run::due`] computes what is due from the ledger and the schedule. [`run::facts`] reads what billing looks at,
//!    [`run::plan`] makes the batch, which is pure, and [`run::bill`] issues it: lines, links to jobs, terms, proof and
//!    deliveries in one transaction. Nothing has left the process yet.
//! 7. [`run::deliver`] hands out one delivery at a time, each recorded before and after. What may have arrived is
//!    *uncertain* and is never repeated blindly.
//!    [`run::papercut::settle`] then writes down what PaperCut balances are to get for jobs on lines that were handed out, and
//!    [`run::papercut::adjust`] makes these changes; [`run::papercut::evidence`] looks at those whose answer was lost.
//! 8. [`run::summary`] writes the mail down as a delivery too, and it goes out by the same way.
//! 9. `cli` shows what was done; the exit code is computed from it.
//!
//! A dry run works on a copy of the ledger that SQLite keeps for itself, and stops before step 7.
//!
//! # What always holds
//!
//! | | invariant | kept by |
//! |---|---|---|
//! | 1 | Money is a whole number of millionths; no floating-point arithmetic | [`domain::Money`], [`domain::Exact`], clippy |
//! | 2 | One site, one currency; sums never mix them | [`ledger::Ledger::site`], the reader's currency setting |
//! | 3 | Rounding happens once, on an invoice line, half away from zero; the remainder is kept | [`domain::round`] and its property tests |
//! | 4 | The bytes of a report count once | unique hash in the ledger |
//! | 5 | A job in two overlapping reports counts once, two equal jobs in one report count twice | fingerprint and occurrence, [`ledger::Ingest`] |
//! | 6 | A job is billed by at most one line that is not taken back | partial unique index |
//! | 7 | Issued lines never change; corrections are adjustments that name their line | triggers, no `UPDATE` in code |
//! | 8 | Rows read = new + repeated + not billable + rejected, in number and in money | [`ledger::Ingest`], before the commit |
//! | 9 | Nothing leaves the process that is not first a committed delivery | [`run::deliver`] takes only deliveries |
//! | 10 | The plan is pure: same facts, same plan, in any order of input | [`run::plan`], property test |
//! | 11 | A dry run changes no byte on disk | [`ledger::Ledger::temporary_copy`], `tests/samples.rs` |
//! | 12 | Clock, environment, argv and stdio are read in `main.rs` only | clippy's `disallowed_methods` |
//! | 13 | Migrations are only ever added; a newer ledger is refused | [`ledger::STEPS`] |
//! | 14 | Every limit is a named constant with its reason | `*_MAX` |
//! | 15 | No secret, mail address or document name in a log line | [`domain::Secret`], `tests/samples.rs` |
//! | 16 | Memory does not grow with the number of rows | batches of rows, benchmark |
//! | 17 | Every number can be explained down to the rows of the report files | [`run::explain`] |
//! | 18 | A balance is changed by a difference, once, after its lines were handed out | [`run::papercut::adjust`], `tests/papercut/stopped.rs` |
//!
//! # Where to begin a change
//!
//! **A receiver.** Add a file to [`outputs::formats`] with a `render` from [`domain::Batch`] to bytes, an arm to
//! [`outputs::Receiver`], a word to `FORMATS` in `config/receivers.rs` and its mapping in [`run::books`]. Cells of people's
//! text go through `formats/cells.rs`, which makes formulas harmless; invoices and their sums by tax rate are in
//! `formats/invoices.rs`, files within a receiver's limits in `formats/parts.rs`. What the receiver cannot take is a finding; the test
//! is the worked example in `outputs/fixture.rs`.
//!
//! **A report kind.** Add its headers to `sources/profiles/headers.txt` and its layout to `sources/profiles/kinds.toml`;
//! a kind whose rows mean something new gets its reading in `sources/row.rs`. A container that is not CSV gets a splitter
//! beside `sources/csv.rs`. Put a file of that shape and what is expected of it into `tests/cases`.
//!
//! **A migration.** Add the next numbered file to `ledger/migrations` and to [`ledger::STEPS`]; never touch a shipped one.
//! The version is SQLite's `user_version`, the number of steps done.
//!
//! **A configuration key.** Add it to [`config::KEYS`], read it in `config`, explain it in the file that `init` writes and
//! in `README.md`. Tests fail until all four agree.

pub mod domain;

pub mod ledger;
pub mod outputs;
pub mod papercut;
pub mod sources;

pub mod config;
pub mod run;

pub mod cli;
