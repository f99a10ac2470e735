//! Who is on the server, and who is in the directory: what one has and the other has not.

use std::collections::{BTreeMap, HashSet};

use super::holders::HolderBook;
use crate::config::SiteConfig;
use crate::domain::{AccountMatch, Finding, Holder, Severity, fold_name, is_within};
use crate::ledger::StoredHolder;
use crate::run::books::Books;

/// Names in one finding.
const NAMED_MAX: usize = 12;

/// Compares the latest whole snapshot with the directory.
pub fn compare_rosters(books: &Books<'_>, site: &SiteConfig, book: &HolderBook) -> Vec<Finding> {
    if book.snapshot().is_none() {
        return Vec::new();
    }
    let mut findings = strangers(books, site, book);
    findings.extend(absent(books, site, book));
    findings.extend(renamed_accounts(book));
    findings.extend(renamed_users(site, book));
    findings.extend(gone_below_zero(book));
    findings
}

/// Users and accounts that the server has no more, and whose last balance was below zero: nobody can bill or give it back
/// over the server.
fn gone_below_zero(book: &HolderBook) -> Vec<Finding> {
    let gone = book.gone().filter(|(_, balance)| balance.is_negative());
    gone.map(|(stored, balance)| {
        let message = format!(
            "{} is gone from the server; its last balance was {balance}: what it owes is not in the server's reach",
            stored.holder
        );
        Finding::new(Severity::Warning, "balance-of-gone", message)
    })
    .collect()
}

/// Users and shared accounts that the directory does not know.
fn strangers(books: &Books<'_>, site: &SiteConfig, book: &HolderBook) -> Vec<Finding> {
    let today = books.today(site);
    let policy = books.policy(site);
    let excluded: HashSet<String> = site.exclude_accounts.iter().map(|name| fold_name(name)).collect();
    let (mut users, mut accounts) = (Vec::new(), Vec::new());
    for (stored, _) in book.present() {
        match &stored.holder {
            Holder::User(name) => {
                let alias = site.alias.iter().find(|(old, _)| fold_name(old) == fold_name(name));
                let name = alias.map_or(name, |(_, new)| new);
                if books.directory.member_at(&site.name, name, today).is_none() {
                    users.push(name.clone());
                }
            }
            Holder::Account(name) => {
                let is_known = books.directory.payer_at(&site.name, "", name, today, policy.personal).is_ok();
                if !is_known && !is_within(&fold_name(name), &excluded) {
                    accounts.push(name.clone());
                }
            }
        }
    }
    let finding = |names: Vec<String>, code, what: &str, sheet: &str| {
        listed(&names).map(|list| {
            let message =
                format!("{what} on the server and in no sheet: {list}; add to {sheet} who is to be billed");
            Finding::new(Severity::Note, code, message)
        })
    };
    let users = finding(users, "users-not-in-directory", "users", "members");
    let accounts = finding(accounts, "accounts-not-in-directory", "shared accounts", "teams");
    users.into_iter().chain(accounts).collect()
}

/// Members without a user on the server, and shared accounts of teams that it does not have.
fn absent(books: &Books<'_>, site: &SiteConfig, book: &HolderBook) -> Vec<Finding> {
    let today = books.now.date_naive();
    let mut members: HashSet<&str> = HashSet::new();
    for (stored, _) in book.present() {
        let Holder::User(name) = &stored.holder else { continue };
        members.extend(books.directory.member_at(&site.name, name, today).map(|member| member.id.as_str()));
    }
    let rows = books.directory.members().iter().filter(|row| row.span.holds(today));
    let missing: Vec<String> = rows
        .filter(|row| !members.contains(row.id.as_str()) && !row.usernames.is_empty())
        .map(|row| format!("{} ({})", row.id, row.usernames.join(", ")))
        .collect();
    let rules = books.directory.rules().iter();
    // A pattern may wait for accounts to come.
    let named = rules.filter(|rule| rule.kind != AccountMatch::Pattern && rule.span.holds(today));
    let there: Vec<String> = book
        .present()
        .filter(|(stored, _)| matches!(stored.holder, Holder::Account(_)))
        .map(|(stored, _)| fold_name(stored.holder.name()))
        .collect();
    let accounts: Vec<String> = named
        .filter(|rule| {
            let own = HashSet::from([fold_name(&rule.account)]);
            let is_known = book.stored(&Holder::Account(rule.account.clone())).is_some();
            !is_known && !there.iter().any(|account| is_within(account, &own))
        })
        .map(|rule| rule.account.clone())
        .collect();
    let members = listed(&missing).map(|list| {
        let message = format!("members whose users are not on the server: {list}");
        Finding::new(Severity::Note, "members-not-on-server", message)
    });
    let accounts = listed(&accounts).map(|list| {
        let message = format!("shared accounts in the sheets that are not on the server: {list}");
        Finding::new(Severity::Warning, "accounts-not-on-server", message)
    });
    members.into_iter().chain(accounts).collect()
}

/// A shared account is the same under its new name, by its id; the sheets should say so too.
fn renamed_accounts(book: &HolderBook) -> Vec<Finding> {
    let renamed = book.renamed_accounts().into_iter().filter(|(_, former)| !former.is_empty());
    renamed
        .map(|(name, former)| {
            let message = format!(
                "the shared account `{}` is called `{name}` now, by its id on the server: its jobs stay with its payer, \
                 and both names mean it",
                former.join("`, `")
            );
            Finding::new(Severity::Note, "account-renamed", message)
        })
        .collect()
}

/// A user who is gone, and one who came with the same address: the directory made a new one of the same person.
fn renamed_users(site: &SiteConfig, book: &HolderBook) -> Vec<Finding> {
    let Some(last) = book.snapshot() else { return Vec::new() };
    let users = || book.holders().iter().filter(|holder| matches!(holder.holder, Holder::User(_)));
    let mut gone: BTreeMap<String, &StoredHolder> = BTreeMap::new();
    for holder in users().filter(|holder| holder.listed < last.id && !holder.email.is_empty()) {
        gone.insert(fold_name(&holder.email), holder);
    }
    let known: HashSet<String> = site.alias.keys().map(|old| fold_name(old)).collect();
    users()
        .filter(|holder| holder.listed >= last.id && !holder.email.is_empty())
        .filter_map(|holder| Some((gone.get(&fold_name(&holder.email))?, holder)))
        .filter(|(old, new)| new.snapshots.0 > old.snapshots.0)
        .filter(|(old, _)| !known.contains(&fold_name(old.holder.name())))
        .map(|(old, new)| {
            let (old, new) = (old.holder.name(), new.holder.name());
            let message = format!(
                "`{old}` is gone from the server and `{new}` has the same address: if they are one person, write \
                 `\"{old}\" = \"{new}\"` into `[site.alias]`, and `\"{old}\" = \"{old}\"` if not"
            );
            Finding::new(Severity::Warning, "user-maybe-renamed-on-server", message)
        })
        .collect()
}

/// How many, and the first of them.
fn listed(names: &[String]) -> Option<String> {
    let first = names.iter().take(NAMED_MAX).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => None,
        count if count > NAMED_MAX => Some(format!("{first} and {} more", count - NAMED_MAX)),
        _ => Some(first),
    }
}
