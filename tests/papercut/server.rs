//! What the double's PaperCut knows and did: users, shared accounts, balances, every call and every posting. A
//! test fills it, looks at it and changes it between calls. Nothing here knows of the wire; names compare as
//! they are written.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

use crate::reports::{ReportScript, Task};
use crate::wire::{Doubles, Value};

/// A user.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    /// Property `full-name`.
    pub full_name: String,
    /// Property `email`.
    pub email: String,
    /// Property `other-emails`.
    pub other_emails: String,
    /// Property `restricted`.
    pub restricted: bool,
    /// Millionths by personal account; `""` is the built-in one.
    pub balances: BTreeMap<String, i64>,
    /// The groups that the user is in.
    pub groups: Vec<String>,
    /// Other properties by their PaperCut names; one that is not here is empty.
    pub properties: BTreeMap<String, String>,
}

/// A shared account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    /// Property `account-id`: survives a rename.
    pub id: i64,
    /// Millionths.
    pub balance: i64,
    /// Property `restricted`.
    pub restricted: bool,
    /// Property `disabled`.
    pub disabled: bool,
    /// Other properties by their PaperCut names; one that is not here is empty.
    pub properties: BTreeMap<String, String>,
}

/// A group's quota.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    /// What is booked each time, in millionths.
    pub amount: i64,
    /// `NONE`, `DAILY`, `WEEKLY` or `MONTHLY`.
    pub period: String,
    /// The balance up to which it is booked, in millionths; 0 is none.
    pub cap: i64,
}

/// Whose balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A user's personal account, `""` the built-in one.
    User { name: String, purse: String },
    /// A shared account.
    Account(String),
}

impl Holder {
    /// A user's built-in account.
    pub(crate) fn user(name: &str) -> Holder {
        Holder::purse(name, "")
    }

    /// A user's named account.
    pub(crate) fn purse(name: &str, purse: &str) -> Holder {
        Holder::User { name: name.to_owned(), purse: purse.to_owned() }
    }

    /// A shared account.
    pub(crate) fn account(name: &str) -> Holder {
        Holder::Account(name.to_owned())
    }
}

/// Why a balance changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An `adjust…` call.
    Adjust,
    /// A `set…` call.
    Set,
    /// A print job.
    Job,
    /// A group's quota.
    Quota,
}

/// A line of the transaction log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Posting {
    /// Whose balance.
    pub holder: Holder,
    /// Positive credits, negative debits.
    pub amount_millionths: i64,
    /// The balance afterwards.
    pub balance_millionths: i64,
    /// As it was sent, untrimmed.
    pub comment: String,
    /// Why.
    pub kind: Kind,
}

/// What went back for a call. Whether it was applied is told by the postings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An answer, whole.
    Answered(Value),
    /// A fault with this code and text.
    Faulted(i32, String),
    /// An HTML page with this status.
    Html(u16),
    /// Half an answer.
    Half,
    /// Nothing; the connection was closed.
    Dropped,
}

/// A call that came in and could be read.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// With its `api.`.
    pub method: String,
    /// All parameters but the token.
    pub args: Vec<Value>,
    /// The request as it was sent, with the token.
    pub body: String,
    /// What went back.
    pub outcome: Outcome,
}

/// The server's state. [`Server::new`] is a current, open, empty server with the token `secret`.
#[derive(Debug)]
pub(crate) struct Server {
    /// The first parameter of every call but `api.getTaskStatus`.
    pub token: String,
    /// False refuses every call, before its token is looked at.
    pub is_address_allowed: bool,
    /// False answers with code 0 and the text alone, as servers before 19.2.
    pub has_fault_codes: bool,
    /// False knows no report methods, as old servers.
    pub has_report_methods: bool,
    /// True books a blank personal account to the built-in one also where a user has several; false is a fault.
    pub is_blank_built_in: bool,
    /// True answers the last page again past the end of a list, which real lists leave empty.
    pub page_repeats: bool,
    /// The most names of a page, whatever was asked for.
    pub page_size_max: usize,
    /// How doubles are written.
    pub doubles: Doubles,
    /// True sends answers in chunks instead of with their length.
    pub is_chunked: bool,
    /// What the `Date` header is off the clock.
    pub http_date_offset_seconds: i64,
    /// The clock of the `Date` header where it is not the real one.
    pub http_clock: Option<DateTime<Utc>>,
    /// By username.
    pub users: BTreeMap<String, User>,
    /// By full name, `parent\sub`.
    pub accounts: BTreeMap<String, Account>,
    /// By name.
    pub groups: BTreeMap<String, Quota>,
    /// By title; ad-hoc reports also by type.
    pub reports: BTreeMap<String, ReportScript>,
    /// The server's own folder for reports and where the double has it, where the two differ.
    pub report_root: Option<(String, PathBuf)>,
    /// The latest task, which `api.getTaskStatus` tells of.
    pub task: Arc<Mutex<Task>>,
    /// What `api.getConfigValue` answers; a key that is not here is empty.
    pub config: BTreeMap<String, String>,
    /// All calls, in the order of their outcome.
    pub calls: Vec<Call>,
    /// All changes of balances.
    pub postings: Vec<Posting>,
}

impl Server {
    /// A current server without users, accounts and reports.
    pub(crate) fn new() -> Server {
        Server {
            token: "secret".to_owned(),
            is_address_allowed: true,
            has_fault_codes: true,
            has_report_methods: true,
            is_blank_built_in: false,
            page_repeats: false,
            page_size_max: usize::MAX,
            doubles: Doubles::Java,
            is_chunked: false,
            http_date_offset_seconds: 0,
            http_clock: None,
            users: BTreeMap::new(),
            accounts: BTreeMap::new(),
            groups: BTreeMap::new(),
            reports: BTreeMap::new(),
            report_root: None,
            task: Arc::default(),
            config: BTreeMap::new(),
            calls: Vec::new(),
            postings: Vec::new(),
        }
    }

    /// The same with a user whose built-in account has this balance.
    pub(crate) fn with_user(mut self, name: &str, millionths: i64) -> Server {
        let balances = BTreeMap::from([(String::new(), millionths)]);
        self.users.insert(name.to_owned(), User { balances, ..User::default() });
        self
    }

    /// The same with a shared account.
    pub(crate) fn with_account(mut self, name: &str, id: i64, millionths: i64) -> Server {
        self.accounts.insert(name.to_owned(), Account { id, balance: millionths, ..Account::default() });
        self
    }

    /// A balance in millionths; none where nobody has it.
    pub(crate) fn balance(&self, holder: &Holder) -> Option<i64> {
        match holder {
            Holder::User { name, purse } => self.users.get(name)?.balances.get(purse).copied(),
            Holder::Account(name) => Some(self.accounts.get(name)?.balance),
        }
    }

    /// Changes a balance, and writes it down; false where nobody has it.
    pub(crate) fn post(&mut self, holder: &Holder, millionths: i64, comment: &str, kind: Kind) -> bool {
        let balance = match holder {
            Holder::User { name, purse } => {
                self.users.get_mut(name).and_then(|user| user.balances.get_mut(purse))
            }
            Holder::Account(name) => self.accounts.get_mut(name).map(|account| &mut account.balance),
        };
        let Some(balance) = balance else { return false };
        *balance = balance.checked_add(millionths).unwrap();
        self.postings.push(Posting {
            holder: holder.clone(),
            amount_millionths: millionths,
            balance_millionths: *balance,
            comment: comment.to_owned(),
            kind,
        });
        true
    }

    /// A job is printed. Panics where nobody has the balance.
    pub(crate) fn charge(&mut self, holder: &Holder, cost_millionths: i64) {
        assert!(self.post(holder, -cost_millionths, "", Kind::Job), "nobody is {holder:?}");
    }

    /// Books a group's quota on the built-in accounts of its users: up to the cap, and never less than nothing.
    pub(crate) fn book_quota(&mut self, group: &str) {
        let quota = self.groups[group].clone();
        let members = self.users.iter().filter(|(_, user)| user.groups.iter().any(|name| name == group));
        let names: Vec<String> = members.map(|(name, _)| name.clone()).collect();
        for holder in names.iter().map(|name| Holder::user(name)) {
            let balance = self.balance(&holder).unwrap();
            let room = if quota.cap == 0 { quota.amount } else { quota.cap.saturating_sub(balance) };
            let amount = quota.amount.min(room);
            if amount > 0 {
                self.post(&holder, amount, "", Kind::Quota);
            }
        }
    }

    /// Renames a user, balances and all; false where there is none, or one of the new name.
    pub(crate) fn rename_user(&mut self, old: &str, new: &str) -> bool {
        rename(&mut self.users, old, new)
    }

    /// Renames a shared account, which keeps its id; false where there is none, or one of the new name.
    pub(crate) fn rename_account(&mut self, old: &str, new: &str) -> bool {
        rename(&mut self.accounts, old, new)
    }

    /// The calls of one method, named with its `api.`.
    pub(crate) fn calls_of(&self, method: &str) -> Vec<&Call> {
        self.calls.iter().filter(|call| call.method == method).collect()
    }

    /// The postings of one kind.
    pub(crate) fn postings_of(&self, kind: Kind) -> Vec<&Posting> {
        self.postings.iter().filter(|posting| posting.kind == kind).collect()
    }

    /// The `Date` header.
    pub(crate) fn http_date(&self) -> String {
        #[expect(clippy::disallowed_methods, reason = "a server's clock is its own")]
        let clock = self.http_clock.unwrap_or_else(Utc::now);
        let told = clock + chrono::TimeDelta::seconds(self.http_date_offset_seconds);
        told.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }
}

fn rename<T>(all: &mut BTreeMap<String, T>, old: &str, new: &str) -> bool {
    if all.contains_key(new) {
        return false;
    }
    match all.remove(old) {
        Some(renamed) => all.insert(new.to_owned(), renamed).is_none(),
        None => false,
    }
}
