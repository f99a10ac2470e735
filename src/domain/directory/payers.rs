//! The payers that the rows of members and teams make together: one a person or team, whatever its rows.
//!
//! An invoice has one name and one code for its payer, so rows of one id are joined: the latest row that
//! says something holds. Rows that contradict each other in what decides money make the payer wait instead.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use uuid::Uuid;

use super::DirectoryError;
use super::record::{MemberRow, Place, Span, TeamRow};
use super::suspense::SuspenseReason;
use crate::domain::finding::{Finding, Severity};
use crate::domain::invoice::{Payer, PayerId};
use crate::domain::name::fold_name;

/// The name space of payer codes that are made from an id (UUID version 5).
const CODE_NAMESPACE: Uuid = Uuid::from_u128(0x3f41_f7d6_fe02_5683_ac00_c389_b277_d1f1);

/// The longest code: with prefix and period an invoice number stays within 21 characters.
const CODE_LENGTH_MAX: usize = 7;

/// What members and teams have in common.
struct Entry<'a> {
    name: &'a str,
    email: &'a str,
    plan: Option<&'a str>,
    code: Option<&'a str>,
    identifiers: &'a BTreeMap<String, String>,
    span: Span,
    place: &'a Place,
}

/// A payer, and the days and plans of its rows.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) payer: Payer,
    rows: Vec<(Span, Option<String>)>,
    names: Option<Vec<String>>,
}

impl Account {
    /// The payer, where it is one on that day without contradiction.
    pub(super) fn on(&self, day: NaiveDate) -> Result<&Payer, SuspenseReason> {
        let plans: BTreeSet<Option<&str>> =
            self.rows.iter().filter(|(span, _)| span.holds(day)).map(|(_, plan)| plan.as_deref()).collect();
        if plans.is_empty() {
            let mut spans: Vec<Span> = self.rows.iter().map(|(span, _)| *span).collect();
            spans.sort();
            return Err(SuspenseReason::PayerOtherDays { payer: self.payer.id.clone(), spans });
        }
        if let Some(names) = &self.names {
            return Err(self.contradiction("name", names.clone()));
        }
        if plans.len() > 1 {
            let plans = plans.into_iter().map(|plan| plan.unwrap_or("no plan").to_owned());
            return Err(self.contradiction("plan", plans.collect()));
        }
        Ok(&self.payer)
    }

    fn contradiction(&self, column: &'static str, values: Vec<String>) -> SuspenseReason {
        SuspenseReason::PayerContradicts { payer: self.payer.id.clone(), column, values }
    }

    /// The plan on that day.
    pub(super) fn plan(&self, day: NaiveDate) -> Option<&str> {
        self.rows.iter().find(|(span, _)| span.holds(day)).and_then(|(_, plan)| plan.as_deref())
    }
}

/// All payers by id.
#[derive(Debug, Default)]
pub(super) struct Payers {
    pub(super) members: HashMap<String, Account>,
    pub(super) teams: HashMap<String, Account>,
    pub(super) findings: Vec<Finding>,
}

impl Payers {
    /// Joins the rows; the errors are those that make the directory unusable.
    pub(super) fn new(members: &[MemberRow], teams: &[TeamRow], errors: &mut Vec<DirectoryError>) -> Payers {
        let mut entries: BTreeMap<PayerId, Vec<Entry<'_>>> = BTreeMap::new();
        for row in members {
            let entry = Entry {
                name: &row.name,
                email: &row.email,
                plan: row.plan.as_deref(),
                code: row.code.as_deref(),
                identifiers: &row.identifiers,
                span: row.span,
                place: &row.place,
            };
            errors.extend(bad_id("member", &row.id, &row.place));
            entries.entry(PayerId::Member(row.id.clone())).or_default().push(entry);
        }
        for row in teams {
            let entry = Entry {
                name: &row.name,
                email: &row.email,
                plan: row.plan.as_deref(),
                code: row.code.as_deref(),
                identifiers: &row.identifiers,
                span: row.span,
                place: &row.place,
            };
            errors.extend(bad_id("team", &row.id, &row.place));
            entries.entry(PayerId::Team(row.id.clone())).or_default().push(entry);
        }
        let mut payers = Payers::default();
        for (id, mut rows) in entries {
            rows.sort_by_key(|row| (row.span.from(), row.place));
            let account = payers.join(&id, &rows, errors);
            match id {
                PayerId::Member(id) => payers.members.insert(id, account),
                PayerId::Team(id) => payers.teams.insert(id, account),
            };
        }
        payers.check_codes(errors);
        payers
    }

    /// One payer from its rows, which stand in the order of their first days.
    fn join(&mut self, id: &PayerId, rows: &[Entry<'_>], errors: &mut Vec<DirectoryError>) -> Account {
        let latest = |said: fn(&Entry<'_>) -> Option<String>| rows.iter().rev().find_map(said);
        let mut identifiers = BTreeMap::new();
        for row in rows {
            identifiers.extend(row.identifiers.iter().filter(|(_, value)| !value.is_empty()).map(owned));
        }
        let mut names: BTreeMap<String, (&str, &Place)> = BTreeMap::new();
        for row in rows.iter().filter(|row| !row.name.is_empty()) {
            names.entry(fold_name(row.name)).or_insert((row.name, row.place));
        }
        let names: Vec<(&str, &Place)> = names.into_values().collect();
        if let [_, (name, place), ..] = names[..] {
            let message = format!(
                "found `{id}` with the name `{name}` and with `{}` ({}); expected one name for one id: until \
                 then its jobs wait",
                names[0].0, names[0].1
            );
            self.find("name-differs", message, place);
        }
        for (nth, row) in rows.iter().enumerate() {
            let clash = rows[..nth].iter().find(|one| one.plan != row.plan && one.span.overlaps(&row.span));
            if let Some(one) = clash {
                let plan =
                    |row: &Entry<'_>| row.plan.map_or("no plan".to_owned(), |plan| format!("plan `{plan}`"));
                let message = format!(
                    "found {} for `{id}`, but {} on the same days ({}); expected one plan for one day: until then \
                     its jobs wait",
                    plan(row),
                    plan(one),
                    one.place
                );
                self.find("plan-differs", message, row.place);
            }
        }
        let payer = Payer {
            id: id.clone(),
            name: latest(|row| (!row.name.is_empty()).then(|| row.name.to_owned()))
                .unwrap_or_else(|| id.id().to_owned()),
            email: latest(|row| (!row.email.is_empty()).then(|| row.email.to_owned())).unwrap_or_default(),
            code: code_of(id, rows, errors),
            identifiers,
        };
        let names = (names.len() > 1).then(|| names.iter().map(|(name, _)| (*name).to_owned()).collect());
        Account {
            payer,
            rows: rows.iter().map(|row| (row.span, row.plan.map(str::to_owned))).collect(),
            names,
        }
    }

    fn find(&mut self, code: &'static str, message: String, place: &Place) {
        let finding = Finding::new(Severity::Warning, code, message);
        self.findings.push(finding.in_file(place.file.clone()).at_row(place.row));
    }

    /// Two payers with one code would share invoice numbers.
    fn check_codes(&self, errors: &mut Vec<DirectoryError>) {
        let mut by_code: BTreeMap<&str, BTreeSet<&PayerId>> = BTreeMap::new();
        for account in self.members.values().chain(self.teams.values()) {
            by_code.entry(&account.payer.code).or_default().insert(&account.payer.id);
        }
        for (code, payers) in by_code {
            if payers.len() > 1 {
                let payers = payers.into_iter().cloned().collect();
                errors.push(DirectoryError::CodeTaken { code: code.to_owned(), payers });
            }
        }
    }
}

fn owned((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}

fn bad_id(kind: &'static str, id: &str, place: &Place) -> Option<DirectoryError> {
    let place = place.clone();
    if id.is_empty() {
        Some(DirectoryError::NoId { kind, place })
    } else if id.contains('|') {
        Some(DirectoryError::BadId { kind, id: id.to_owned(), place })
    } else {
        None
    }
}

/// The code that the rows give, else one made from the id.
fn code_of(id: &PayerId, rows: &[Entry<'_>], errors: &mut Vec<DirectoryError>) -> String {
    let given: BTreeMap<&str, &Place> =
        rows.iter().filter_map(|row| row.code.map(|code| (code, row.place))).collect();
    for (code, place) in &given {
        if !is_code(code) {
            let (payer, code, place) = (id.clone(), (*code).to_owned(), (*place).clone());
            errors.push(DirectoryError::BadCode { payer, code, place });
        }
    }
    if given.len() > 1 {
        let codes = given.keys().map(|code| (*code).to_owned()).collect();
        errors.push(DirectoryError::CodesDiffer { payer: id.clone(), codes });
    }
    match given.into_keys().next() {
        Some(code) => code.to_owned(),
        None => made_code(id),
    }
}

/// The id in capitals where that is a code, else the start of a hash of the payer.
fn made_code(id: &PayerId) -> String {
    let capitals = id.id().to_uppercase();
    if is_code(&capitals) {
        return capitals;
    }
    let hash = Uuid::new_v5(&CODE_NAMESPACE, id.to_string().as_bytes());
    hash.simple().to_string().to_uppercase().chars().take(6).collect()
}

/// Capital letters, digits and `-`, at most seven.
fn is_code(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.len() <= CODE_LENGTH_MAX && text.bytes().all(allowed)
}
