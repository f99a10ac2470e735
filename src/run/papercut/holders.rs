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
    /// All that a name means or has meant: those who are there first, present names before former ones.
    by_name: HashMap<HolderKey, Vec<usize>>,
    snapshot: Option<Snapshot>,
    balances: HashMap<i64, (i64, Money)>,
}

impl HolderBook {
    /// Reads both sides of a site.
    pub fn load(ledger: &Ledger, site: SiteId) -> Result<HolderBook, LedgerError> {
        let holders = ledger.holders(site)?;
        let whole = |snapshot: &Snapshot| snapshot.ended_second.is_some();
        let snapshot = ledger.snapshots(site)?.into_iter().rev().find(whole);
        let balances = match &snapshot {
            Some(snapshot) => ledger.last_balances(site, snapshot.id)?,
            None => HashMap::new(),
        };
        let mut order: Vec<usize> = (0..holders.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(holders[*index].snapshots.1));
        let mut by_name: HashMap<HolderKey, Vec<usize>> = HashMap::new();
        for index in &order {
            by_name.entry(holders[*index].holder.key()).or_default().push(*index);
        }
        for index in &order {
            for former in &holders[*index].former_names {
                let all = by_name.entry(former_key(former)).or_default();
                // Its own name again, after it had another for a while.
                if !all.contains(index) {
                    all.push(*index);
                }
            }
        }
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
        self.holders.get(*self.by_name.get(&holder.key())?.first()?)
    }

    /// Whether the server had it and has it no more.
    pub fn is_gone(&self, holder: &Holder) -> bool {
        let last = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.id);
        self.stored(holder).is_some_and(|stored| stored.listed < last)
    }

    /// Others that a name has meant: a shared account that was deleted and made anew, or one that has the former name of
    /// another.
    pub fn others(&self, holder: &Holder) -> impl Iterator<Item = &StoredHolder> {
        let all = self.by_name.get(&holder.key()).map_or(&[][..], Vec::as_slice);
        all.iter().skip(1).filter_map(|index| self.holders.get(*index))
    }

    /// The shared account of that id, under whatever name it is now.
    pub fn of_id(&self, server_id: &str) -> Option<&StoredHolder> {
        self.holders.iter().find(|holder| !server_id.is_empty() && holder.server_id == server_id)
    }

    /// PaperCut's id of a shared account.
    pub fn server_id(&self, holder: &Holder) -> Option<&str> {
        self.stored(holder).map(|stored| stored.server_id.as_str())
    }

    /// Whether an alias gives a user of the ledger another name now.
    pub fn is_former(&self, user: i64) -> bool {
        self.names.former_users.contains_key(&user)
    }

    /// Whose balance it is by the ledger's own name; a renamed user counts under its present one.
    pub fn named(&self, balance: BalanceOf) -> Option<Holder> {
        match balance {
            BalanceOf::User(user) => {
                let current = self.names.former_users.get(&user).unwrap_or(&user);
                Some(Holder::User(self.names.users.get(current)?.clone()))
            }
            BalanceOf::Account(account) => Some(Holder::Account(self.names.accounts.get(&account)?.clone())),
        }
    }

    /// Whose balance pays for the ledger's jobs of that user or account, by the name that the server uses today.
    pub fn holder(&self, balance: BalanceOf) -> Option<Holder> {
        let named = self.named(balance)?;
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

    /// Those whom the latest whole snapshot has no more, with their last balances.
    pub fn gone(&self) -> impl Iterator<Item = (&StoredHolder, Money)> {
        let last = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.id);
        let gone = self.holders.iter().filter(move |holder| holder.listed < last);
        gone.filter_map(|holder| self.balances.get(&holder.id).map(|(_, balance)| (holder, *balance)))
    }

    /// What the server of a site knows of names.
    pub fn names_at(&self, site: &str) -> ServerNames {
        let mut known = ServerNames { site: site.to_owned(), ..ServerNames::default() };
        for holder in self.holders.iter().filter(|holder| matches!(holder.holder, Holder::User(_))) {
            let others = holder.other_emails.split([',', ';', ' ']).filter(|email| email.contains('@'));
            let emails = others.chain([holder.email.as_str()]).filter(|email| !email.trim().is_empty());
            known.emails.push((holder.holder.name().to_owned(), emails.map(str::to_owned).collect()));
        }
        known.same_accounts.extend(self.renamed_accounts().into_iter().map(|(name, mut names)| {
            names.push(name);
            names
        }));
        known
    }

    /// Names of shared accounts that mean the same one, for those that were renamed.
    pub fn renamed_accounts(&self) -> BTreeMap<String, Vec<String>> {
        let renamed = self.holders.iter().filter(|holder| !holder.former_names.is_empty());
        renamed
            .map(|holder| {
                let is_free =
                    |name: &&String| self.by_name.get(&former_key(name)).is_some_and(|all| all.len() == 1);
                let former = holder.former_names.iter().filter(is_free).cloned().collect();
                (holder.holder.name().to_owned(), former)
            })
            .collect()
    }
}
