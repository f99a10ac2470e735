//! Whole months of the built program beside a server: read, billed, given back.

use crate::harbour::Harbour;
use crate::server::Holder;

const INVOICED: &str = "balance_changes = \"invoiced\"";

#[test]
fn a_month_is_billed_and_given_back_exactly_once() {
    let harbour = Harbour::new(INVOICED);
    let first = harbour.run("2026-11-02T06:00:00");
    eprintln!("{first:?}");
    assert_eq!(harbour.changes(), ["user ann 0.3", "account Acme\\Lab 12.3456"]);
    assert_eq!(harbour.balance(&Holder::user("ann")), 0);
    assert_eq!(harbour.balance(&Holder::account("Acme\\Lab")), 0);
    assert_eq!(harbour.states(), ["user:ann delivered", "account:Acme\\Lab delivered"]);
    let again = harbour.run("2026-11-02T07:00:00");
    eprintln!("{again:?}");
    assert_eq!(harbour.changes().len(), 2);
}
