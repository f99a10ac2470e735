//! What finance staff and PaperCut do between two nights, for the tests that follow a month.

use crate::double::Double;
use crate::harbour::{Harbour, people};
use crate::server::{Holder, Kind};
use crate::space::Ran;

/// Balances are given back what was invoiced.
pub(crate) const INVOICED: &str = "balance_changes = \"invoiced\"";

pub(crate) fn ann() -> Holder {
    Holder::user("ann")
}

pub(crate) fn ben() -> Holder {
    Holder::user("ben")
}

pub(crate) fn lab() -> Holder {
    Holder::account("Acme\\Lab")
}

/// Issues October.
pub(crate) fn bill(h: &Harbour, at: &str) -> Ran {
    h.space.run(&["--as-of", at, "bill", "--period", "2026-10", "--issue"])
}

/// Makes the balance changes that are due.
pub(crate) fn adjust(h: &Harbour, at: &str) -> Ran {
    h.space.run(&["--as-of", at, "balances", "--adjust"])
}

/// Reads the inbox.
pub(crate) fn ingest(h: &Harbour, at: &str) -> Ran {
    h.space.run(&["--as-of", at, "ingest"])
}

/// Exports October, bills it and makes the changes, on one day.
pub(crate) fn bill_day(h: &Harbour, day: &str) {
    h.report("2026-10-01", "2026-10-31");
    ingest(h, &format!("{day}T06:00:00"));
    bill(h, &format!("{day}T06:10:00"));
    adjust(h, &format!("{day}T06:20:00"));
}

/// PaperCut's log says something else from now on.
pub(crate) fn relog(h: &Harbour, from: &str, to: &str) {
    let mut server = h.double.server();
    let log = server.config.get_mut("log").unwrap();
    assert!(log.contains(from), "{log}");
    *log = log.replace(from, to);
}

/// PaperCut refunds a job of ann's.
pub(crate) fn refund(h: &Harbour, job: &str, millionths: i64) {
    relog(h, &format!("{job},NOT_REFUNDED"), &format!("{job},REFUNDED"));
    h.double.server().post(&ann(), millionths, "refund", Kind::Job);
}

/// The key of the first line of a payer.
pub(crate) fn key_of(h: &Harbour, payer: &str) -> String {
    let db = rusqlite::Connection::open(h.space.ledger_path()).unwrap();
    let sql = "SELECT key FROM invoice_line WHERE payer = ?1 ORDER BY id LIMIT 1";
    db.query_row(sql, [payer], |row| row.get(0)).unwrap()
}

/// October by users' sums, with a quota of 30: ann uses 50 of it, ben 10.
pub(crate) fn overage_month() -> Harbour {
    let harbour = Harbour::at(Double::start(people()), "balance_changes = \"overage\"");
    harbour.space.edit("[site.papercut]", "[site.reports]\nbill_from = \"user-sums\"\n[site.papercut]");
    harbour.space.edit("schedule = \"0 6 2 * *\"", "schedule = \"1 0 1 * *\"");
    for user in [ann(), ben()] {
        harbour.double.server().post(&user, 30_000_000, "quota", Kind::Quota);
    }
    harbour.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 50_000_000);
    harbour.job("ben", "", "2026-10-06 10:00:00", "memo.pdf", 10_000_000);
    harbour
}
