//! The methods of the web services, each with exactly the parameters and types that it has in Java: anything
//! else is no method. Balances, lists and properties; reports are in `reports.rs`.
//!
//! Which of token and signature a real server looks at first is not known; here it is the token.

use std::collections::BTreeMap;

use crate::server::{Holder, Kind, Server, User};
use crate::wire::Value;
use crate::wire::Value::{Bool, Double, Int, List, Struct, Text};

/// A fault: its code and its text.
pub(crate) type Fault = (i32, String);

/// What a method answers.
pub(crate) type Answer = Result<Value, Fault>;

/// A code for whatever has none of its own.
const GENERAL: i32 = 257;

/// User properties beyond those that [`User`] has fields for.
const USER_PROPERTIES: [&str; 14] = [
    "department",
    "office",
    "notes",
    "primary-card-number",
    "secondary-card-number",
    "username-alias",
    "overdraft-amount",
    "disabled-print",
    "internal",
    "unauthenticated",
    "print-stats.job-count",
    "print-stats.page-count",
    "account-selection.mode",
    "auto-shared-account",
];

/// Shared-account properties beyond those that an account has fields for.
const ACCOUNT_PROPERTIES: [&str; 7] =
    ["pin", "notes", "overdraft-amount", "invoice-option", "comment-option", "access-users", "access-groups"];

impl Server {
    /// Handles a call with all its parameters: the address first, then the token, then the method.
    pub(crate) fn call(&mut self, method: &str, params: &[Value]) -> Answer {
        if !self.is_address_allowed {
            let text = "Access denied. Your IP address is not allowed to access the Web Services API.";
            return Err((0, text.to_owned()));
        }
        let answer = self.dispatch(method.strip_prefix("api.").unwrap_or(""), params).unwrap_or_else(|| {
            let types: Vec<&str> = params.iter().map(Value::java_type).collect();
            let (name, types) = (method.trim_start_matches("api."), types.join(", "));
            let class = "biz.papercut.pcng.webservices.xmlrpc.ApiRPCHandler";
            Err((-1, format!("java.lang.NoSuchMethodException: {class}.{name}({types})")))
        });
        answer
            .map_err(|(code, text)| if self.has_fault_codes || code == -1 { (code, text) } else { (0, text) })
    }

    /// None where no method has this name and these parameters.
    fn dispatch(&mut self, name: &str, params: &[Value]) -> Option<Answer> {
        if name == "getTaskStatus" {
            return if params.is_empty() { Some(Ok(self.told_task())) } else { None };
        }
        let (Text(token), args) = params.split_first()? else { return None };
        if *token != self.token {
            return Some(Err((0, "Invalid authentication token supplied.".to_owned())));
        }
        self.looked_up(name, args)
            .or_else(|| self.property(name, args))
            .or_else(|| self.balance_call(name, args))
            .or_else(|| if self.has_report_methods { self.report(name, args) } else { None })
    }

    fn looked_up(&mut self, name: &str, args: &[Value]) -> Option<Answer> {
        Some(match (name, args) {
            ("isUserExists", [Text(user)]) => Ok(Bool(self.users.contains_key(user))),
            ("isSharedAccountExists", [Text(account)]) => Ok(Bool(self.accounts.contains_key(account))),
            ("getTotalUsers", []) => Ok(Int(i32::try_from(self.users.len()).unwrap())),
            ("listUserAccounts", [Int(offset), Int(limit)]) => {
                self.page(self.users.keys().cloned().collect(), *offset, *limit)
            }
            ("listSharedAccounts", [Int(offset), Int(limit)]) => {
                self.page(self.accounts.keys().cloned().collect(), *offset, *limit)
            }
            ("getUserGroups", [Text(user)]) => self.user(user).map(|user| texts(user.groups.clone())),
            ("getConfigValue", [Text(key)]) => {
                Ok(Value::text(self.config.get(key).cloned().unwrap_or_default()))
            }
            ("lookUpUserNameByEmail", [Text(email)]) => Ok(Value::text(self.by_email(email))),
            ("getGroupQuota", [Text(group)]) => match self.groups.get(group) {
                Some(quota) => Ok(Struct(vec![
                    ("QuotaAmount".to_owned(), Double(quota.amount)),
                    ("QuotaPeriod".to_owned(), Value::text(&quota.period)),
                    ("QuotaMaxAccumulation".to_owned(), Double(quota.cap)),
                ])),
                None => Err((263, "Group cannot be found".to_owned())),
            },
            ("renameUserAccount", [Text(_), Text(new)]) if new.is_empty() => {
                Err((259, "Username cannot be blank".to_owned()))
            }
            ("renameUserAccount", [Text(old), Text(new)]) => {
                self.user(old).map(|_| ()).and_then(|()| applied(self.rename_user(old, new), new))
            }
            ("renameSharedAccount", [Text(old), Text(new)]) => {
                self.shared(old).and_then(|_| applied(self.rename_account(old, new), new))
            }
            _ => return None,
        })
    }

    fn property(&self, name: &str, args: &[Value]) -> Option<Answer> {
        Some(match (name, args) {
            ("getUserProperty", [Text(user), Text(key)]) => self.user_property(user, key),
            ("getUserProperties", [Text(user), List(keys)]) => {
                each(keys, |key| self.user_property(user, key))?
            }
            ("getSharedAccountProperty", [Text(account), Text(key)]) => self.account_property(account, key),
            ("getSharedAccountProperties", [Text(account), List(keys)]) => {
                each(keys, |key| self.account_property(account, key))?
            }
            _ => return None,
        })
    }

    fn balance_call(&mut self, name: &str, args: &[Value]) -> Option<Answer> {
        Some(match (name, args) {
            ("getUserAccountBalance", [Text(user)]) => self.user_balance(user, ""),
            ("getUserAccountBalance", [Text(user), Text(purse)]) => self.user_balance(user, purse),
            ("adjustUserAccountBalance", [Text(user), Double(amount), Text(comment)]) => {
                self.purse(user, "").and_then(|holder| self.booked(&holder, *amount, comment, Kind::Adjust))
            }
            ("adjustUserAccountBalance", [Text(user), Double(amount), Text(comment), Text(purse)]) => self
                .purse(user, purse)
                .and_then(|holder| self.booked(&holder, *amount, comment, Kind::Adjust)),
            ("setUserAccountBalance", [Text(user), Double(amount), Text(comment)]) => {
                self.purse(user, "").and_then(|holder| self.booked(&holder, *amount, comment, Kind::Set))
            }
            ("setUserAccountBalance", [Text(user), Double(amount), Text(comment), Text(purse)]) => {
                self.purse(user, purse).and_then(|holder| self.booked(&holder, *amount, comment, Kind::Set))
            }
            ("getSharedAccountAccountBalance", [Text(account)]) => {
                self.shared(account).map(|holder| Double(self.balance(&holder).unwrap()))
            }
            ("adjustSharedAccountAccountBalance", [Text(account), Double(amount), Text(comment)]) => {
                self.shared(account).and_then(|holder| self.booked(&holder, *amount, comment, Kind::Adjust))
            }
            ("setSharedAccountAccountBalance", [Text(account), Double(amount), Text(comment)]) => {
                self.shared(account).and_then(|holder| self.booked(&holder, *amount, comment, Kind::Set))
            }
            _ => return None,
        })
    }

    /// Names from an offset, at most so many.
    fn page(&self, names: Vec<String>, offset: i32, limit: i32) -> Answer {
        let (Ok(offset), Ok(limit)) = (usize::try_from(offset), usize::try_from(limit)) else {
            return Err((GENERAL, "offset and limit cannot be negative".to_owned()));
        };
        let limit = limit.min(self.page_size_max);
        let is_past = offset >= names.len() && limit > 0;
        let offset = match names.len().checked_sub(1) {
            Some(last) if is_past && self.page_repeats => last / limit * limit,
            _ => offset,
        };
        Ok(texts(names.into_iter().skip(offset).take(limit).collect()))
    }

    fn user(&self, name: &str) -> Result<&User, Fault> {
        if name.is_empty() {
            return Err((259, "Username cannot be blank".to_owned()));
        }
        self.users.get(name).ok_or_else(|| (262, "User cannot be found".to_owned()))
    }

    fn shared(&self, name: &str) -> Result<Holder, Fault> {
        match self.accounts.contains_key(name) {
            true => Ok(Holder::account(name)),
            false => Err((GENERAL, format!("Shared account \"{name}\" not found."))),
        }
    }

    /// The personal account that a change is meant for.
    fn purse(&self, user: &str, purse: &str) -> Result<Holder, Fault> {
        let purses = &self.user(user)?.balances;
        if purse.is_empty() && purses.len() > 1 && !self.is_blank_built_in {
            let text = "Cannot set balance using this method with multiple-personal-accounts enabled";
            return Err((274, text.to_owned()));
        }
        match purses.contains_key(purse) {
            true => Ok(Holder::purse(user, purse)),
            false => Err((GENERAL, format!("Personal account \"{purse}\" not found."))),
        }
    }

    /// A blank name is the sum.
    fn user_balance(&self, user: &str, purse: &str) -> Answer {
        let purses = &self.user(user)?.balances;
        if purse.is_empty() {
            return Ok(Double(purses.values().sum()));
        }
        self.purse(user, purse).map(|holder| Double(self.balance(&holder).unwrap()))
    }

    fn booked(&mut self, holder: &Holder, amount: i64, comment: &str, kind: Kind) -> Answer {
        let before = if kind == Kind::Set { self.balance(holder).unwrap() } else { 0 };
        Ok(Bool(self.post(holder, amount - before, comment, kind)))
    }

    fn by_email(&self, email: &str) -> &str {
        let is_of = |user: &User| {
            let mut emails = user.other_emails.split(',').chain([user.email.as_str()]).map(str::trim);
            !email.is_empty() && emails.any(|found| found.eq_ignore_ascii_case(email))
        };
        self.users.iter().find(|(_, user)| is_of(user)).map_or("", |(name, _)| name)
    }

    fn user_property(&self, name: &str, key: &str) -> Answer {
        let user = self.user(name)?;
        Ok(Value::text(match key {
            "balance" => plain(user.balances.values().sum()),
            "full-name" => user.full_name.clone(),
            "email" => user.email.clone(),
            "other-emails" => user.other_emails.clone(),
            // How flags are written is not documented: users and accounts differ here, so that both are met.
            "restricted" => user.restricted.to_string().to_uppercase(),
            _ => other(&user.properties, &USER_PROPERTIES, key)?,
        }))
    }

    fn account_property(&self, name: &str, key: &str) -> Answer {
        self.shared(name)?;
        let account = &self.accounts[name];
        Ok(Value::text(match key {
            "account-id" => account.id.to_string(),
            "balance" => plain(account.balance),
            "restricted" => account.restricted.to_string(),
            "disabled" => account.disabled.to_string(),
            _ => other(&account.properties, &ACCOUNT_PROPERTIES, key)?,
        }))
    }
}

/// True, or the fault of a new name that is taken.
fn applied(is_renamed: bool, new: &str) -> Answer {
    if is_renamed { Ok(Bool(true)) } else { Err((GENERAL, format!("\"{new}\" already exists."))) }
}

/// A property without a field.
fn other(properties: &BTreeMap<String, String>, known: &[&str], key: &str) -> Result<String, Fault> {
    match properties.get(key) {
        Some(value) => Ok(value.clone()),
        None if key.is_empty() => Err((260, "Property name cannot be blank".to_owned())),
        None if known.contains(&key) => Ok(String::new()),
        None => Err((261, "The property is invalid".to_owned())),
    }
}

/// A list of answers in the order of its keys; none where a key is no text.
fn each(keys: &[Value], answer: impl Fn(&str) -> Answer) -> Option<Answer> {
    let keys = keys.iter().map(|key| if let Text(key) = key { Some(key.as_str()) } else { None });
    let keys: Vec<&str> = keys.collect::<Option<_>>()?;
    Some(keys.into_iter().map(answer).collect::<Result<_, _>>().map(List))
}

fn texts(texts: Vec<String>) -> Value {
    List(texts.into_iter().map(Text).collect())
}

/// Money as a property has it: a point, no grouping, no exponent.
fn plain(millionths: i64) -> String {
    let size = millionths.unsigned_abs();
    let part = format!("{:06}", size % 1_000_000);
    let (cents, rest) = part.split_at(2);
    let sign = if millionths < 0 { "-" } else { "" };
    format!("{sign}{}.{cents}{}", size / 1_000_000, rest.trim_end_matches('0'))
}
