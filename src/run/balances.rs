//! Balance lists, for the page that `check` shows.
//!
//! A balance is money that is owed, not money that was printed: it is never a cost and never billed.

use std::collections::{BTreeMap, HashSet};

use super::sums::{Judged, excluded, internal, subject_of};
use crate::domain::{BalanceRow, Finding, Money, Severity, Source, fold_name};
use crate::ledger::RowIs;

/// Balances of the reports of one call.
#[derive(Debug, Default)]
pub struct BalanceBook {
    balances: BTreeMap<(Source, String), (String, Money)>,
    accounts: HashSet<String>,
}

impl BalanceBook {
    /// Takes a balance; `excluded_accounts` are the folded names of accounts that are never billed.
    pub fn balance(&mut self, row: &BalanceRow<'_>, excluded_accounts: &HashSet<String>) -> Judged {
        let (source, name) = subject_of(row.user, row.account);
        let subject = fold_name(name);
        if source == Source::AccountSums {
            self.accounts.insert(subject.clone());
        }
        let never =
            internal(source, name, row.row).or_else(|| excluded(source, name, row.row, excluded_accounts));
        if never.is_some() {
            return Judged { is: RowIs::NotBillable, is_kept: false, finding: never };
        }
        let is_deleted = name.to_lowercase().contains("[deleted]") && !row.balance.is_zero();
        let finding = is_deleted.then(|| {
            let message =
                format!("`{name}` is deleted and has a balance of {}: decide who pays it", row.balance);
            Finding::new(Severity::Warning, "deleted-with-balance", message).at_row(row.row)
        });
        let known = self.balances.insert((source, subject), (name.to_owned(), row.balance));
        let differs = known.as_ref().filter(|(_, balance)| *balance != row.balance).map(|(known, balance)| {
            let message = format!(
                "`{name}` has the balance {} here, and `{known}` had {balance} before: letter case makes no other \
                 account, and the later one holds",
                row.balance
            );
            Finding::new(Severity::Warning, "balance-differs", message).at_row(row.row)
        });
        let is = if known.is_some() { RowIs::Repeated } else { RowIs::New };
        Judged { is, is_kept: false, finding: finding.or(differs) }
    }

    /// Balances by user or account, as last seen.
    pub fn balances(&self) -> BTreeMap<String, Money> {
        self.balances.values().cloned().collect()
    }

    /// The accounts of all rows, in the form in which they compare.
    pub fn seen_accounts(&self) -> HashSet<String> {
        self.accounts.clone()
    }
}
