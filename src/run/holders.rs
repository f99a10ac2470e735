//! The users and accounts of the ledger's jobs, and those of the server: which is which.

use std::collections::{BTreeMap, HashMap};

use crate::domain::{Holder, HolderKey, Money, ServerNames};
use crate::ledger::{BalanceOf, Ledger, LedgerError, NameTable, SiteId, Snapshot, StoredHolder};

/// Only shared accounts have former names: a user has no id that survives a rename.
fn former_key(name: &str) -> HolderKey {
    Holder::Account(name.to_owned()).key()
}

/// Both sides, by name. Grows with users and accounts.
#[derive(Debug)]
pub struct HolderBook {
    names: NameTable,
    holders: Vec<StoredHolder>,
    /// Present names before former ones.
    by_name: HashMap<HolderKey, usize>,
    snapshot: Option<Snapshot>,
    balances: HashMap<i64, (i64, Money)>,
}

impl HolderBook {
    /// Reads both sides of a site.
    pub fn load(ledger: &Ledger, site: SiteId) -> Result<HolderBook, LedgerError> {
        let holders = ledger.holders(site)?;
        let mut by_name = HashMap::new();
        for (index, holder) in holders.iter().enumerate() {
            by_name.insert(holder.holder.key(), index);
        }
        for (index, holder) in holders.iter().enumerate() {
            for former in &holder.former_names {
                by_name.entry(former_key(former)).or_insert(index);
            }
        }
        let whole = |snapshot: &Snapshot| snapshot.ended_second.is_some();
        let snapshot = ledger.snapshots(site)?.into_iter().rev().find(whole);
        let balances = match &snapshot {
            Some(snapshot) => ledger.balances_as_of(site, snapshot.id)?,
            None => HashMap::new(),
        };
        Ok(HolderBook { names: ledger.names(site)?, holders, by_name, snapshot, balances })
    }

    /// Everyone who ever had a balance.
    pub fn holders(&self) -> &[StoredHolder] {
        &self.holders
    }

    /// The latest whole snapshot.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// What the server knows under a name, today's or a former one.
    pub fn stored(&self, holder: &Holder) -> Option<&StoredHolder> {
        let index = self.by_name.get(&holder.key())?;
        self.holders.get(*index)
    }

    /// PaperCut's id of a shared account.
    pub fn server_id(&self, holder: &Holder) -> Option<&str> {
        self.stored(holder).map(|stored| stored.server_id.as_str())
    }

    /// Whose balance pays for the ledger's jobs of that user or account, by the name that the server uses today.
    pub fn holder(&self, balance: BalanceOf) -> Option<Holder> {
        let named = match balance {
            BalanceOf::User(user) => Holder::User(self.names.users.get(&user)?.clone()),
            BalanceOf::Account(account) => Holder::Account(self.names.accounts.get(&account)?.clone()),
        };
        Some(self.stored(&named).map_or(named, |stored| stored.holder.clone()))
    }

    /// The latest reading of a balance: the snapshot, the second and the amount.
    pub fn last_reading(&self, holder: &Holder) -> Option<(&Snapshot, i64, Money)> {
        let snapshot = self.snapshot.as_ref()?;
        let stored = self.stored(holder).filter(|stored| stored.snapshots.1 >= snapshot.id)?;
        let (second, balance) = self.balances.get(&stored.id)?;
        Some((snapshot, *second, *balance))
    }

    /// Those whom the latest whole snapshot has, with their balances.
    pub fn present(&self) -> impl Iterator<Item = (&StoredHolder, Money)> {
        let last = self.snapshot.as_ref().map_or(i64::MAX, |snapshot| snapshot.id);
        let there = self.holders.iter().filter(move |holder| holder.snapshots.1 >= last);
        there.filter_map(|holder| self.balances.get(&holder.id).map(|(_, balance)| (holder, *balance)))
    }

    /// Adds what the server knows of names.
    pub fn names(&self, known: &mut ServerNames) {
        for holder in self.holders.iter().filter(|holder| matches!(holder.holder, Holder::User(_))) {
            let others = holder.other_emails.split([',', ';', ' ']).filter(|email| email.contains('@'));
            let emails = others.chain([holder.email.as_str()]).filter(|email| !email.trim().is_empty());
            known.emails.push((holder.holder.name().to_owned(), emails.map(str::to_owned).collect()));
        }
        known.same_accounts.extend(self.renamed_accounts().into_iter().map(|(name, mut names)| {
            names.push(name);
            names
        }));
    }

    /// Names of shared accounts that mean the same one, for those that were renamed.
    pub fn renamed_accounts(&self) -> BTreeMap<String, Vec<String>> {
        let renamed = self.holders.iter().filter(|holder| !holder.former_names.is_empty());
        renamed
            .map(|holder| {
                let is_free = |name: &&String| {
                    self.by_name
                        .get(&former_key(name))
                        .is_some_and(|index| self.holders[*index].id == holder.id)
                };
                let former = holder.former_names.iter().filter(is_free).cloned().collect();
                (holder.holder.name().to_owned(), former)
            })
            .collect()
    }
}
