//! The members and teams, and who pays for a job on a day.
//!
//! Built from rows that somebody else has read. What is wrong with one member, team or account makes that one
//! wait in suspense and becomes a finding; only what would make invoices of all of them doubtful is an error.

mod accounts;
mod digest;
mod payers;
mod people;
mod record;
mod suspense;

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;

use self::accounts::RuleBook;
use self::payers::Payers;
use self::people::People;
pub use self::record::{AccountMatch, AccountRule, MemberRow, Place, Span, TeamRow};
pub use self::suspense::SuspenseReason;
use super::finding::{Finding, Severity};
use super::invoice::{Payer, PayerId};
use super::period::Period;

/// Who pays for jobs on the personal accounts of a team's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonalJobs {
    /// The team that the member belongs to on that day, if any.
    Team,
    /// The member.
    Member,
}

/// What makes a directory unusable as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// A row without an id.
    #[error("{place}: found no id, expected the {kind}'s id in the coworking system")]
    NoId {
        /// `member` or `team`.
        kind: &'static str,
        /// Where the row stands.
        place: Place,
    },
    /// An id that would break the keys that are made of it.
    #[error("{place}: found the {kind} id `{id}`, expected one without `|`")]
    BadId {
        /// `member` or `team`.
        kind: &'static str,
        /// The id.
        id: String,
        /// Where the row stands.
        place: Place,
    },
    /// A code that cannot stand in an invoice number.
    #[error("{place}: found the code `{code}` for `{payer}`, expected 1 to 7 of `A`–`Z`, `0`–`9` and `-`")]
    BadCode {
        /// The payer.
        payer: PayerId,
        /// What the row says.
        code: String,
        /// Where the row stands.
        place: Place,
    },
    /// Rows of one payer with different codes.
    #[error("found the codes {codes:?} for `{payer}`, expected the same code in all its rows")]
    CodesDiffer {
        /// The payer.
        payer: PayerId,
        /// The codes, in order.
        codes: Vec<String>,
    },
    /// Two payers whose invoices would have the same numbers.
    #[error("found the code `{code}` for {}, expected another code for each; give one of them its own in the column `code`", quoted(.payers))]
    CodeTaken {
        /// The code.
        code: String,
        /// The payers, in order.
        payers: Vec<PayerId>,
    },
}

fn quoted(payers: &[PayerId]) -> String {
    suspense::listed(payers.iter().map(|payer| format!("`{payer}`")))
}

/// Members, teams and account rules, ready to be asked who pays.
#[derive(Debug)]
pub struct Directory {
    members: Vec<MemberRow>,
    teams: Vec<TeamRow>,
    rows_of_member: HashMap<String, Vec<usize>>,
    rows_of_team: HashMap<String, Vec<usize>>,
    people: People,
    accounts: RuleBook,
    payers: Payers,
    findings: Vec<Finding>,
    digest: [u8; 32],
}

impl Directory {
    /// Builds the directory, or returns everything that makes it unusable.
    ///
    /// ```
    /// use papertally::domain::{Directory, MemberRow, PersonalJobs};
    /// let ann = MemberRow { id: "M1".into(), name: "Ann".into(), usernames: vec!["ann".into()], ..Default::default() };
    /// let directory = Directory::new(vec![ann], vec![], vec![]).unwrap();
    /// let day = "2026-10-01".parse().unwrap();
    /// assert_eq!(directory.payer_of("ANN", "", day, PersonalJobs::Team).unwrap().code, "M1");
    /// assert!(directory.payer_of("bob", "", day, PersonalJobs::Team).is_err());
    /// ```
    pub fn new(
        members: Vec<MemberRow>,
        teams: Vec<TeamRow>,
        rules: Vec<AccountRule>,
    ) -> Result<Directory, Vec<DirectoryError>> {
        let mut errors = Vec::new();
        let payers = Payers::new(&members, &teams, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut rows_of_member: HashMap<String, Vec<usize>> = HashMap::new();
        let mut rows_of_team: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, row) in members.iter().enumerate() {
            rows_of_member.entry(row.id.clone()).or_default().push(index);
            if let Some(team) = &row.team {
                rows_of_team.entry(team.clone()).or_default().push(index);
            }
        }
        let mut directory = Directory {
            digest: digest::digest(&members, &teams, &rules),
            people: People::new(&members),
            accounts: RuleBook::new(rules),
            findings: payers.findings.clone(),
            members,
            teams,
            rows_of_member,
            rows_of_team,
            payers,
        };
        directory.findings.extend(directory.people.findings(&directory.members));
        directory.findings.extend(directory.team_findings());
        directory.findings.extend(directory.accounts.findings());
        directory.findings.extend(directory.rule_findings());
        Ok(directory)
    }

    /// What a person should look at in the files; the jobs concerned wait in suspense meanwhile.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// SHA-256 of the directory's content, whatever the order of its rows and the names of its files.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Who pays for jobs of `user` on `account` (empty for the personal account) on that day.
    pub fn payer_of(
        &self,
        user: &str,
        account: &str,
        day: NaiveDate,
        personal: PersonalJobs,
    ) -> Result<&Payer, SuspenseReason> {
        if !account.is_empty() {
            return self.payer_on(self.accounts.payer_on(account, day)?, day);
        }
        let member = self.people.member_on(&self.members, user, day)?;
        let team = match personal {
            PersonalJobs::Team => self.team_on(member, day)?,
            PersonalJobs::Member => None,
        };
        match team {
            Some(team) => self.payer_on(&PayerId::Team(team.to_owned()), day),
            None => self.payer_on(&PayerId::Member(member.to_owned()), day),
        }
    }

    /// The payer of that id.
    pub fn payer(&self, id: &PayerId) -> Option<&Payer> {
        self.account(id).map(|account| &account.payer)
    }

    /// All payers, in no particular order.
    pub fn payers(&self) -> impl Iterator<Item = &Payer> {
        self.payers.members.values().chain(self.payers.teams.values()).map(|account| &account.payer)
    }

    /// The plan that the payer's row names on that day; `None` is the default plan.
    pub fn plan_name(&self, payer: &PayerId, day: NaiveDate) -> Option<&str> {
        self.account(payer)?.plan(day)
    }

    /// Every plan that a row names, with the row; the configuration knows which exist.
    pub fn plans_named(&self) -> impl Iterator<Item = (&str, &Place)> {
        let members = self.members.iter().map(|row| (&row.plan, &row.place));
        let teams = self.teams.iter().map(|row| (&row.plan, &row.place));
        members.chain(teams).filter_map(|(plan, place)| plan.as_deref().map(|plan| (plan, place)))
    }

    /// The member whom the user is on that day, for display: `None` where it is nobody, or several.
    pub fn member_of(&self, user: &str, day: NaiveDate) -> Option<&MemberRow> {
        let id = self.people.member_on(&self.members, user, day).ok()?;
        self.rows_of(id).find(|row| row.span.holds(day))
    }

    /// The members' rows, in file order.
    pub fn members(&self) -> &[MemberRow] {
        &self.members
    }

    /// The teams' rows, in file order.
    pub fn teams(&self) -> &[TeamRow] {
        &self.teams
    }

    /// The account rules, in file order.
    pub fn rules(&self) -> &[AccountRule] {
        self.accounts.rules()
    }

    /// Seats of a team in the period: the largest number that its rows give, else the largest number of its
    /// members on any one day.
    pub fn seats(&self, team: &str, period: Period) -> u32 {
        let in_period = |span: &Span| {
            Span::new(Some(period.first_day()), Some(period.last_day()))
                .is_some_and(|days| days.overlaps(span))
        };
        let rows = self.teams.iter().filter(|row| row.id == team && in_period(&row.span));
        if let Some(seats) = rows.filter_map(|row| row.seats).max() {
            return seats;
        }
        let indices = self.rows_of_team.get(team).map_or(&[][..], Vec::as_slice);
        let rows: Vec<&MemberRow> = indices.iter().map(|&index| &self.members[index]).collect();
        // The number can only grow on a day on which a row begins.
        let begins = rows.iter().filter_map(|row| row.span.from()).filter(|day| period.contains(*day));
        let days: BTreeSet<NaiveDate> = begins.chain([period.first_day()]).collect();
        let on = |day: NaiveDate| {
            let ids: HashSet<&str> =
                rows.iter().filter(|row| row.span.holds(day)).map(|row| row.id.as_str()).collect();
            u32::try_from(ids.len()).unwrap_or(u32::MAX)
        };
        days.into_iter().map(on).max().unwrap_or(0)
    }

    fn rows_of(&self, member: &str) -> impl Iterator<Item = &MemberRow> {
        let indices = self.rows_of_member.get(member).map_or(&[][..], Vec::as_slice);
        indices.iter().map(|&index| &self.members[index])
    }

    /// The team of a member on that day.
    fn team_on(&self, member: &str, day: NaiveDate) -> Result<Option<&str>, SuspenseReason> {
        let rows = self.rows_of(member).filter(|row| row.span.holds(day));
        let teams: BTreeSet<Option<&str>> = rows.map(|row| row.team.as_deref()).collect();
        if teams.len() > 1 {
            let teams = teams.into_iter().map(|team| team.unwrap_or("none").to_owned()).collect();
            return Err(SuspenseReason::TeamAmbiguous { member: member.to_owned(), teams });
        }
        Ok(teams.into_iter().next().flatten())
    }

    fn account(&self, id: &PayerId) -> Option<&payers::Account> {
        match id {
            PayerId::Member(id) => self.payers.members.get(id),
            PayerId::Team(id) => self.payers.teams.get(id),
        }
    }

    fn payer_on(&self, id: &PayerId, day: NaiveDate) -> Result<&Payer, SuspenseReason> {
        match self.account(id) {
            Some(account) => account.on(day),
            None => Err(SuspenseReason::PayerUnknown { payer: id.clone() }),
        }
    }

    /// Members of teams that do not exist, or of two teams on one day.
    fn team_findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut find = |row: &MemberRow, code, message: String| {
            let finding = Finding::new(Severity::Warning, code, message);
            findings.push(finding.in_file(row.place.file.clone()).at_row(row.place.row).in_column("team"));
        };
        for (index, row) in self.members.iter().enumerate() {
            if let Some(team) = row.team.as_ref().filter(|team| !self.payers.teams.contains_key(*team)) {
                let wanted = PayerId::Team(team.clone());
                let message =
                    format!("{}: until then the jobs of member `{}` wait", missing(&wanted), row.id);
                find(row, "team-unknown", message);
            }
            let before = self.rows_of_member.get(&row.id).map_or(&[][..], Vec::as_slice);
            let before = before.iter().take_while(|&&other| other < index).map(|&other| &self.members[other]);
            let mut clashes = before.filter(|other| other.team != row.team && other.span.overlaps(&row.span));
            if let Some(other) = clashes.next() {
                let team =
                    |row: &MemberRow| row.team.clone().map_or("no team".into(), |id| format!("team `{id}`"));
                let message = format!(
                    "found member `{}` in {}, but in {} on the same days ({}); give the rows dates that do not \
                     overlap: until then personal jobs wait",
                    row.id,
                    team(row),
                    team(other),
                    other.place
                );
                find(row, "team-differs", message);
            }
        }
        findings
    }

    /// Account rules whose payer does not exist.
    fn rule_findings(&self) -> Vec<Finding> {
        let unknown = self.rules().iter().filter(|rule| self.account(&rule.payer).is_none());
        let finding = |rule: &AccountRule| {
            let message = format!("{}: until then jobs on `{}` wait", missing(&rule.payer), rule.account);
            Finding::new(Severity::Warning, "payer-unknown", message)
                .in_file(rule.place.file.clone())
                .at_row(rule.place.row)
                .in_column("payer")
        };
        unknown.map(finding).collect()
    }
}

/// The sentence for a payer that is named but has no row.
fn missing(payer: &PayerId) -> String {
    SuspenseReason::PayerUnknown { payer: payer.clone() }.to_string()
}
