//! Stopped at every write and every call, and run again: each invoice once, each balance changed once, nothing lost.
//!
//! A small library in C, loaded before the system's, ends the program just before its n-th write to a file or socket. It
//! needs a C compiler, which building SQLite needs too. What the server has done when its answer is lost is stopped by
//! the double.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::harbour::Harbour;
use crate::server::Holder;
use crate::space::Space;
use crate::trouble::{Trouble, What};

const KEYS: &str = "balance_changes = \"invoiced\"\ntimeout_seconds = 10";

/// With `PAPERTALLY_STOP_EVERYWHERE=1` every point is tried, which takes minutes; else each of so many.
const STEP: usize = 9;

/// The library, built once.
fn library() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/papercut/stop.c");
        let library = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stop.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).args([source, "-ldl"]);
        assert!(compiler.status().unwrap().success(), "cc cannot build {source}");
        library
    })
}

/// A run under the library; with a number, it is stopped there.
fn stopped_run(space: &Space, variable: &str, value: &str) -> Option<i32> {
    let mut run = space.command(&["--as-of", "2026-11-02T06:00:00", "run"]);
    run.env("LD_PRELOAD", library()).env(variable, value).stdout(Stdio::null()).stderr(Stdio::null());
    run.status().unwrap().code()
}

/// Runs again, that night and the next ones, as cron does; then everything is as if nothing had happened.
#[track_caller]
fn mended(harbour: &Harbour, how: &str) {
    let again = harbour.run("2026-11-02T06:20:00");
    assert!(matches!(again.code, Some(0 | 3 | 4)), "{how}: {again:?}");
    let once = |night: &str| {
        let changes = harbour.changes();
        for holder in ["account Acme\\Lab 12.3456", "user ann 0.3"] {
            let made = changes.iter().filter(|change| *change == holder).count();
            assert!(made <= 1, "{how}, {night}: {holder} {made} times");
        }
        assert!(changes.len() <= 2, "{how}, {night}: {changes:?}");
    };
    once("the same night");
    let uncertain = harbour.states().iter().filter(|state| state.ends_with("uncertain")).count();
    if uncertain > 0 {
        // Listed with its evidence, and not made again before reports tell.
        let (code, document) = harbour.space.json(&["deliver"]);
        assert_eq!(code, Some(4), "{how}: {document}");
        let answers = document.to_string();
        assert!(answers.contains("made it would be 0.00, not made -"), "{how}: {document}");
        UNCERTAIN.fetch_add(1, Ordering::Relaxed);
    }
    harbour.report("2026-11-01", "2026-11-02");
    let next = harbour.run("2026-11-03T06:00:00");
    assert!(matches!(next.code, Some(0 | 3)), "{how}: {next:?}");
    once("the next night");
    assert_eq!(harbour.states(), ["account:Acme\\Lab delivered", "user:ann delivered"], "{how}");
    let balances = [Holder::user("ann"), Holder::account("Acme\\Lab")].map(|holder| harbour.balance(&holder));
    assert_eq!(balances, [0, 0], "{how}");
    assert_eq!(harbour.space.sum("SELECT count(*) FROM batch"), 1, "{how}");
    assert_eq!(harbour.space.sum("SELECT sum(net) FROM invoice_line"), 12_650_000, "{how}");
    assert_eq!(harbour.space.sum("SELECT count(*) FROM delivery WHERE state <> 'delivered'"), 0, "{how}");
    for file in ["xero.csv", "lines.csv", "lines.json", "report.html"] {
        assert!(
            harbour.space.path(&format!("out/main-2026-10/main-2026-10-{file}")).is_file(),
            "{how}: {file}"
        );
    }
    let (code, document) = harbour.space.json(&["status"]);
    assert_eq!((code, &document["integrity"]), (Some(0), &serde_json::json!([])), "{how}: {document}");
}

static UNCERTAIN: AtomicU64 = AtomicU64::new(0);

/// Tries each of some points, on as many threads as there are processors.
fn each(points: Vec<usize>, tried: impl Fn(usize) + Sync) {
    let queue = std::sync::Mutex::new(points.into_iter());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(point) = queue.lock().unwrap().next() else { break };
                    tried(point);
                }
            });
        }
    });
}

fn step() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let everywhere = std::env::var_os("PAPERTALLY_STOP_EVERYWHERE").is_some();
    if everywhere { 1 } else { STEP }
}

#[test]
fn stopped_before_any_write_and_run_again() {
    let harbour = Harbour::new(KEYS);
    let count = harbour.space.path("count");
    assert_eq!(stopped_run(&harbour.space, "STOP_COUNT", count.to_str().unwrap()), Some(0));
    let writes: usize = std::fs::read_to_string(count).unwrap().trim().parse().unwrap();
    mended(&harbour, "not stopped");
    let points: Vec<usize> = (1..=writes).step_by(step()).collect();
    let tried = points.len();
    let killed = AtomicU64::new(0);
    each(points, |point| {
        let harbour = Harbour::new(KEYS);
        let code = stopped_run(&harbour.space, "STOP_AT", &point.to_string());
        killed.fetch_add(u64::from(code.is_none()), Ordering::Relaxed);
        mended(&harbour, &format!("stopped before write {point} of {writes}"));
    });
    let (killed, uncertain) = (killed.into_inner(), UNCERTAIN.load(Ordering::Relaxed));
    eprintln!(
        "{tried} of {writes} writes tried, {killed} stopped, {uncertain} left a change uncertain for a night"
    );
    // Threads may make a write or two more or less than in the first run.
    assert!(usize::try_from(killed).unwrap() + 3 >= tried, "{killed} of {tried} were stopped");
}

/// Each call in turn: the server has done what it was asked for, and the program ends before it hears of it.
#[test]
fn stopped_after_the_server_has_acted_and_run_again() {
    let harbour = Harbour::new(KEYS);
    harbour.run("2026-11-02T06:00:00").exits(0);
    let calls = harbour.double.server().calls.len();
    assert!(calls > 10, "{calls}");
    each((0..calls).collect(), |point| {
        let harbour = Harbour::new(KEYS);
        harbour.double.order(Trouble {
            method: None,
            skip: point,
            what: What::DelayAnswer(Duration::from_secs(30)),
        });
        let mut command = harbour.space.command(&["--as-of", "2026-11-02T06:00:00", "run"]);
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        harbour.double.wait_until(|server| server.calls.len() > point);
        run.kill().unwrap();
        assert_eq!(run.wait().unwrap().code(), None, "call {point} was waited for");
        mended(&harbour, &format!("stopped after call {point} of {calls}"));
    });
    eprintln!("{calls} calls tried");
}
