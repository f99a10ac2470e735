//! The calls that papertally makes, with the types that PaperCut wants and gives.
//!
//! Names, order and types of parameters: PaperCut's manual (XML Web Services API) and its published proxy class. A
//! balance is changed by a difference only: there is no method here that sets one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::{CallError, CallFault};
use super::faults::FaultKind;
use super::transport::WebServices;
use super::xmlrpc::{Value, double, shortened};
use crate::domain::{Money, Secret};

/// Names asked for at once: PaperCut's advice.
pub const LIST_PAGE_SIZE: i32 = 1000;

/// A server with the token that it knows.
#[derive(Debug)]
pub struct Server {
    web: WebServices,
    token: Secret,
    /// Set when the server refuses `other-emails`, which older ones do not have.
    lacks_other_emails: AtomicBool,
}

/// What the server knows of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserProperties {
    /// Sum of all personal accounts.
    pub balance: Money,
    /// E-mail address, or empty.
    pub email: String,
    /// Other addresses, as the server joins them, or empty.
    pub other_emails: String,
    /// Full name, or empty.
    pub full_name: String,
    /// Whether the user may not print below the limit.
    pub restricted: bool,
}

/// What the server knows of a shared account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountProperties {
    /// The id that survives a rename.
    pub id: String,
    /// Its balance.
    pub balance: Money,
    /// Whether nobody may charge to it below the limit.
    pub restricted: bool,
}

/// A report that the server makes from its parts. What the texts have to be is for the operator to find out: PaperCut
/// documents none of them.
#[derive(Clone, Copy, Debug)]
pub struct AdHoc<'a> {
    /// Its type.
    pub report_type: &'a str,
    /// Its parameters.
    pub parameters: &'a str,
    /// File type.
    pub extension: &'a str,
    /// Title, which becomes the first part of the name.
    pub title: &'a str,
}

impl Server {
    /// A server that is reached by `web`.
    pub fn new(web: WebServices, token: Secret) -> Server {
        Server { web, token, lacks_other_emails: AtomicBool::new(false) }
    }

    /// The way to it.
    pub fn web(&self) -> &WebServices {
        &self.web
    }

    /// How many users the server has: a call that shows whether it takes the token.
    pub fn total_users(&self) -> Result<i32, CallError> {
        match self.read("api.getTotalUsers", "", Vec::new())? {
            Value::Int(count) => Ok(count),
            other => Err(mistyped("api.getTotalUsers", "", other.kind().to_owned(), "a whole number")),
        }
    }

    /// All usernames, each once.
    pub fn users(&self, page_size: i32) -> Result<BTreeSet<String>, CallError> {
        self.names("api.listUserAccounts", page_size)
    }

    /// The full names of all shared accounts, each once.
    pub fn accounts(&self, page_size: i32) -> Result<BTreeSet<String>, CallError> {
        self.names("api.listSharedAccounts", page_size)
    }

    /// What the server knows of a user; `None` where it knows none of that name.
    pub fn user(&self, user: &str) -> Result<Option<UserProperties>, CallError> {
        let names = ["balance", "email", "full-name", "restricted"];
        let with_more = || names.iter().copied().chain(["other-emails"]).collect::<Vec<_>>();
        let ask = |wanted: &[&str]| self.properties("api.getUserProperties", user, wanted);
        let lacks = self.lacks_other_emails.load(Ordering::Relaxed);
        let first = if lacks { ask(&names) } else { ask(&with_more()) };
        let found = match first {
            Err(error) if !lacks && error.fault.is_kind(FaultKind::ArgumentRefused) => {
                self.lacks_other_emails.store(true, Ordering::Relaxed);
                ask(&names)
            }
            other => other,
        };
        let Some(mut found) = missing_is_none(found, FaultKind::UserUnknown)? else { return Ok(None) };
        let balance = amount(&found, "balance", "api.getUserProperties", user)?;
        let mut text = |name: &str| found.remove(name).unwrap_or_default();
        Ok(Some(UserProperties {
            balance,
            email: text("email"),
            other_emails: text("other-emails"),
            full_name: text("full-name"),
            restricted: is_true(&text("restricted")),
        }))
    }

    /// What the server knows of a shared account; `None` where it knows none of that name.
    pub fn account(&self, account: &str) -> Result<Option<AccountProperties>, CallError> {
        let method = "api.getSharedAccountProperties";
        let found = self.properties(method, account, &["account-id", "balance", "restricted"]);
        let Some(mut found) = missing_is_none(found, FaultKind::AccountUnknown)? else { return Ok(None) };
        let balance = amount(&found, "balance", method, account)?;
        let mut text = |name: &str| found.remove(name).unwrap_or_default();
        Ok(Some(AccountProperties {
            id: text("account-id"),
            balance,
            restricted: is_true(&text("restricted")),
        }))
    }

    /// Whether a user of that name is there.
    pub fn has_user(&self, user: &str) -> Result<bool, CallError> {
        flag("api.isUserExists", user, self.read("api.isUserExists", user, vec![text(user)])?)
    }

    /// Whether a shared account of that full name is there.
    pub fn has_account(&self, account: &str) -> Result<bool, CallError> {
        let method = "api.isSharedAccountExists";
        flag(method, account, self.read(method, account, vec![text(account)])?)
    }

    /// Balance of a user's personal account of that name; of the empty name, the sum of all of them.
    pub fn user_balance(&self, user: &str, personal_account: &str) -> Result<Money, CallError> {
        let method = "api.getUserAccountBalance";
        money(method, user, self.read(method, user, vec![text(user), text(personal_account)])?)
    }

    /// Balance of a shared account.
    pub fn account_balance(&self, account: &str) -> Result<Money, CallError> {
        let method = "api.getSharedAccountAccountBalance";
        money(method, account, self.read(method, account, vec![text(account)])?)
    }

    /// Adds to a user's personal account of that name, or to the built-in one; below zero, takes away. Sent once.
    ///
    /// Returns whether the server says that it did.
    pub fn adjust_user(
        &self,
        user: &str,
        amount: Money,
        comment: &str,
        personal_account: &str,
    ) -> Result<bool, CallError> {
        let parameters = vec![text(user), Value::Double(amount), text(comment), text(personal_account)];
        let method = "api.adjustUserAccountBalance";
        flag(method, user, self.change(method, user, parameters)?)
    }

    /// Adds to a shared account; below zero, takes away. Sent once.
    ///
    /// Returns whether the server says that it did.
    pub fn adjust_account(&self, account: &str, amount: Money, comment: &str) -> Result<bool, CallError> {
        let parameters = vec![text(account), Value::Double(amount), text(comment)];
        let method = "api.adjustSharedAccountAccountBalance";
        flag(method, account, self.change(method, account, parameters)?)
    }

    /// Lets the server make a report that it has under that title, into a place as the server sees it.
    pub fn generate_scheduled_report(&self, title: &str, save_location: &str) -> Result<(), CallError> {
        let parameters = vec![text(title), text(save_location)];
        let method = "api.generateScheduledReport";
        self.change(method, title, parameters).map(drop)
    }

    /// Lets the server make a report from its parts, into a place as the server sees it.
    pub fn generate_ad_hoc_report(&self, report: AdHoc<'_>, save_location: &str) -> Result<(), CallError> {
        let AdHoc { report_type, parameters, extension, title } = report;
        let values = [report_type, parameters, extension, title, save_location].map(text).to_vec();
        self.change("api.generateAdHocReport", title, values).map(drop)
    }

    /// A list of names, page by page until a short page, or one that repeats the page before.
    fn names(&self, method: &'static str, page_size: i32) -> Result<BTreeSet<String>, CallError> {
        let mut names = BTreeSet::new();
        let mut before = Vec::new();
        let mut offset = 0_i32;
        loop {
            let page = self.read(method, "", vec![Value::Int(offset), Value::Int(page_size)])?;
            let page = texts(method, "", page)?;
            let is_short = i32::try_from(page.len()).is_ok_and(|length| length < page_size);
            if page.is_empty() || page == before {
                return Ok(names);
            }
            names.extend(page.iter().filter(|name| !name.trim().is_empty()).cloned());
            if is_short {
                return Ok(names);
            }
            before = page;
            offset = offset.saturating_add(page_size);
        }
    }

    fn properties(
        &self,
        method: &'static str,
        subject: &str,
        names: &[&str],
    ) -> Result<BTreeMap<String, String>, CallError> {
        let wanted = Value::List(names.iter().map(|name| text(name)).collect());
        let values = texts(method, subject, self.read(method, subject, vec![text(subject), wanted])?)?;
        if values.len() != names.len() {
            let found = format!("{} properties", values.len());
            return Err(mistyped(method, subject, found, "one for each that was asked for"));
        }
        Ok(names.iter().map(|name| (*name).to_owned()).zip(values).collect())
    }

    fn read(&self, method: &'static str, subject: &str, parameters: Vec<Value>) -> Result<Value, CallError> {
        let answer = self.web.read(method, subject, &self.with_token(parameters));
        answer.map_err(|error| error.without(&self.token))
    }

    fn change(
        &self,
        method: &'static str,
        subject: &str,
        parameters: Vec<Value>,
    ) -> Result<Value, CallError> {
        let answer = self.web.change(method, subject, &self.with_token(parameters));
        answer.map_err(|error| error.without(&self.token))
    }

    fn with_token(&self, parameters: Vec<Value>) -> Vec<Value> {
        std::iter::once(text(self.token.expose())).chain(parameters).collect()
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn is_true(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("true")
}

/// What was deleted since it was listed is not there, which is no error.
fn missing_is_none<T>(found: Result<T, CallError>, kind: FaultKind) -> Result<Option<T>, CallError> {
    match found {
        Err(error) if error.fault.is_kind(kind) => Ok(None),
        other => other.map(Some),
    }
}

fn mistyped(method: &'static str, subject: &str, found: String, expected: &'static str) -> CallError {
    CallError { method, subject: subject.to_owned(), fault: CallFault::Type { found, expected } }
}

fn money(method: &'static str, subject: &str, value: Value) -> Result<Money, CallError> {
    match value {
        Value::Double(amount) => Ok(amount),
        other => Err(mistyped(method, subject, other.kind().to_owned(), "an amount")),
    }
}

/// A boolean; a method without a result answers 1.
fn flag(method: &'static str, subject: &str, value: Value) -> Result<bool, CallError> {
    match value {
        Value::Flag(flag) => Ok(flag),
        other => Err(mistyped(method, subject, other.kind().to_owned(), "yes or no")),
    }
}

fn texts(method: &'static str, subject: &str, value: Value) -> Result<Vec<String>, CallError> {
    let Value::List(values) = value else {
        return Err(mistyped(method, subject, value.kind().to_owned(), "a list of texts"));
    };
    let text = |value| match value {
        Value::Text(text) => Ok(text),
        Value::Nil => Ok(String::new()),
        other => Err(mistyped(method, subject, format!("{} in a list", other.kind()), "texts")),
    };
    values.into_iter().map(text).collect()
}

/// A property that is an amount: decimal point, no grouping.
fn amount(
    found: &BTreeMap<String, String>,
    name: &str,
    method: &'static str,
    subject: &str,
) -> Result<Money, CallError> {
    let text = found.get(name).map(String::as_str).unwrap_or_default();
    double(text)
        .ok_or_else(|| mistyped(method, subject, format!("the {name} `{}`", shortened(text)), "an amount"))
}
