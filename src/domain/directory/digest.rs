//! The digest by which the ledger sees that the directory has changed.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::record::{AccountRule, MemberRow, Span, TeamRow};

/// SHA-256 of all rows. Neither their order nor their places count: a file sorted anew says the same.
pub(super) fn digest(members: &[MemberRow], teams: &[TeamRow], rules: &[AccountRule]) -> [u8; 32] {
    let mut rows: Vec<String> = Vec::with_capacity(members.len() + teams.len() + rules.len());
    rows.extend(members.iter().map(member_text));
    rows.extend(teams.iter().map(team_text));
    rows.extend(rules.iter().map(rule_text));
    rows.sort();
    rows.dedup();
    let mut hash = Sha256::new();
    for row in rows {
        hash.update(row.as_bytes());
        hash.update(b"\n");
    }
    hash.finalize().into()
}

/// The digest together with what servers know of names: users with the members whom they are, names of one account.
pub(super) fn with_names(
    digest: [u8; 32],
    users: &[(String, Vec<String>)],
    accounts: &[Vec<String>],
) -> [u8; 32] {
    if users.is_empty() && accounts.is_empty() {
        return digest;
    }
    let mut text = Text::new("names", Span::ALWAYS);
    for (user, members) in users {
        text.part(user);
        text.names(members);
    }
    accounts.iter().for_each(|names| text.names(names));
    Sha256::new().chain_update(digest).chain_update(text.0).finalize().into()
}

fn member_text(row: &MemberRow) -> String {
    let mut text = Text::new("member", row.span);
    text.part(&row.id);
    text.part(&row.name);
    text.part(&row.email);
    text.names(&row.usernames);
    text.names(&row.aliases);
    text.option(row.team.as_deref());
    text.option(row.plan.as_deref());
    text.option(row.code.as_deref());
    text.identifiers(&row.identifiers);
    text.0
}

fn team_text(row: &TeamRow) -> String {
    let mut text = Text::new("team", row.span);
    text.part(&row.id);
    text.part(&row.name);
    text.part(&row.email);
    text.option(row.seats.map(|seats| seats.to_string()).as_deref());
    text.option(row.plan.as_deref());
    text.option(row.code.as_deref());
    text.identifiers(&row.identifiers);
    text.0
}

fn rule_text(rule: &AccountRule) -> String {
    let mut text = Text::new("account", rule.span);
    text.part(rule.kind.as_str());
    text.part(&rule.account);
    text.part(&rule.payer.to_string());
    text.0
}

/// A row's text: each part with its length before it, so that no two rows have the same.
struct Text(String);

impl Text {
    fn new(kind: &str, span: Span) -> Text {
        let mut text = Text(String::new());
        text.part(kind);
        text.option(span.from().map(|day| day.to_string()).as_deref());
        text.option(span.to().map(|day| day.to_string()).as_deref());
        text
    }

    fn part(&mut self, part: &str) {
        self.0.push_str(&format!("{}:{part};", part.len()));
    }

    fn option(&mut self, part: Option<&str>) {
        match part {
            Some(part) => self.part(part),
            None => self.0.push_str("-;"),
        }
    }

    fn names(&mut self, names: &[String]) {
        let mut names: Vec<&String> = names.iter().collect();
        names.sort();
        self.0.push_str(&format!("{}#", names.len()));
        for name in names {
            self.part(name);
        }
    }

    fn identifiers(&mut self, identifiers: &BTreeMap<String, String>) {
        self.0.push_str(&format!("{}#", identifiers.len()));
        for (key, value) in identifiers {
            self.part(key);
            self.part(value);
        }
    }
}
