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

/// What the PaperCut server of a site knows of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerNames {
    /// The site, for whose jobs alone they hold.
    pub site: String,
    /// Usernames with their e-mail addresses: a user is the member who has one of them.
    pub emails: Vec<(String, Vec<String>)>,
    /// Names of shared accounts that mean the same one, because it was renamed.
    pub same_accounts: Vec<Vec<String>>,
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
    digest_of_files: [u8; 32],
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
        let digest = digest::digest(&members, &teams, &rules);
        let mut directory = Directory {
            digest_of_files: digest,
            digest,
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

    /// Learns what PaperCut servers know of names, instead of what it had learnt before. What the files say goes before
    /// it.
    pub fn learn(&mut self, known: Vec<ServerNames>) {
        let emails = self.people.learn(&known);
        let accounts = self.accounts.learn(&known);
        let members = |rows: Vec<usize>| rows.into_iter().map(|row| self.members[row].id.clone()).collect();
        let users: Vec<(String, Vec<String>)> = emails
            .into_iter()
            .map(|((site, user), rows)| (format!("{site}|{user}"), members(rows)))
            .collect();
        self.digest = digest::with_names(self.digest_of_files, &users, &accounts);
    }

    /// What a person should look at in the files; the jobs concerned wait in suspense meanwhile.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// SHA-256 of the directory's content, whatever the order of its rows and the names of its files.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Who pays for jobs of `user` on `account` (empty for the personal account) on that day, by the files alone.
    pub fn payer_of(
        &self,
        user: &str,
        account: &str,
        day: NaiveDate,
        personal: PersonalJobs,
    ) -> Result<&Payer, SuspenseReason> {
        self.payer_at("", user, account, day, personal)
    }

    /// Who pays for them at a site, also by what its server knows of names.
    pub fn payer_at(
        &self,
        site: &str,
        user: &str,
        account: &str,
        day: NaiveDate,
        personal: PersonalJobs,
    ) -> Result<&Payer, SuspenseReason> {
        if !account.is_empty() {
            return self.payer_on(self.accounts.payer_on(site, account, day)?, day);
        }
        let member = self.people.member_on(&self.members, (site, user), day)?;
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

    /// The member whom the user of a site is on that day, for display: `None` where it is nobody, or several.
    pub fn member_at(&self, site: &str, user: &str, day: NaiveDate) -> Option<&MemberRow> {
        let id = self.people.member_on(&self.members, (site, user), day).ok()?;
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

    /// Seats that the team's rows of the period give, the largest number where they differ.
    pub fn given_seats(&self, team: &str, period: Period) -> Option<u32> {
        let in_period = |span: &Span| {
            Span::new(Some(period.first_day()), Some(period.last_day()))
                .is_some_and(|days| days.overlaps(span))
        };
        let rows = self.teams.iter().filter(|row| row.id == team && in_period(&row.span));
        rows.filter_map(|row| row.seats).max()
    }

    /// Seats of a team in the period: those that its rows give, else the largest number of its members on any
    /// one day.
    pub fn seats(&self, team: &str, period: Period) -> u32 {
        if let Some(seats) = self.given_seats(team, period) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn span(from: &str, to: &str) -> Span {
        Span::new(from.parse().ok(), to.parse().ok()).unwrap()
    }

    fn place(file: &str, row: u64) -> Place {
        Place { file: file.to_owned(), row }
    }

    fn member(id: &str, usernames: &[&str], team: &str, span: Span) -> MemberRow {
        MemberRow {
            id: id.to_owned(),
            name: format!("Member {id}"),
            usernames: usernames.iter().map(|name| (*name).to_owned()).collect(),
            team: (!team.is_empty()).then(|| team.to_owned()),
            span,
            place: place("members.csv", 2),
            ..Default::default()
        }
    }

    fn team(id: &str) -> TeamRow {
        let name = format!("Team {id}");
        TeamRow { id: id.to_owned(), name, place: place("teams.csv", 2), ..Default::default() }
    }

    fn rule(kind: AccountMatch, account: &str, payer: &str) -> AccountRule {
        let (account, payer) = (account.to_owned(), PayerId::parse(payer).unwrap());
        AccountRule { account, kind, payer, span: Span::ALWAYS, place: place("accounts.csv", 2) }
    }

    /// A space with everything that can be asked of it.
    fn harbour() -> Directory {
        let changed = [
            member("M1", &["nora.quay", "nquay"], "T100", span("", "2026-10-11")),
            member("M1", &["nora.quay"], "T200", span("2026-10-12", "")),
        ];
        let mut aliased = member("M2", &["NORTH\\e.sand"], "", Span::ALWAYS);
        aliased.aliases = vec!["esand-old".to_owned()];
        aliased.email = "Ella@Sand.example".to_owned();
        let mut members = changed.to_vec();
        members.extend([
            aliased,
            member("M3", &["shared.desk", "only3"], "", span("2026-10-01", "2026-10-31")),
            member("M4", &["Shared.Desk"], "T100", span("2026-10-15", "")),
            member("M5", &["lost"], "T999", Span::ALWAYS),
            member("M6", &["twice"], "T100", Span::ALWAYS),
            member("M6", &[], "T200", span("2026-10-20", "")),
        ]);
        let rules = vec![
            rule(AccountMatch::Parent, "Kestrel", "team:T100"),
            rule(AccountMatch::Exact, r"Kestrel\Press", "team:T200"),
            rule(AccountMatch::Parent, r"Kestrel\Lab", "member:M2"),
            rule(AccountMatch::Pattern, "*Lab*", "team:T200"),
            rule(AccountMatch::Pattern, "Proj-??", "team:T100"),
            rule(AccountMatch::Pattern, "Proj-0*", "team:T200"),
            rule(AccountMatch::Exact, "Ghost", "team:T777"),
            AccountRule { span: span("", "2026-09-30"), ..rule(AccountMatch::Exact, "Old", "team:T100") },
        ];
        Directory::new(members, vec![team("T100"), team("T200")], rules).unwrap()
    }

    #[test]
    fn a_job_belongs_to_whoever_was_the_payer_on_its_day() {
        let harbour = harbour();
        let check = |user: &str, account: &str, on: &str, expected: &str| {
            let payer = harbour.payer_of(user, account, day(on), PersonalJobs::Team);
            let shown = payer.map_or_else(|reason| reason.to_string(), |payer| payer.id.to_string());
            assert_eq!(shown, expected, "{user} / {account} / {on}");
        };
        check("Nora.Quay", "", "2026-10-11", "team:T100");
        check("nora.quay", "", "2026-10-12", "team:T200");
        check("ESAND-OLD", "", "2026-10-12", "member:M2");
        check("ella@sand.example", "", "2026-10-12", "member:M2");
        check("north\\E.Sand", "", "2026-10-12", "member:M2");
        check("shared.desk", "", "2026-10-14", "member:M3");
        check("shared.desk", "", "2026-11-01", "team:T100");
        check("anyone", "KESTREL", "2026-10-12", "team:T100");
        check("anyone", r"Kestrel \ Annexe", "2026-10-12", "team:T100");
        check("anyone", r"kestrel\press", "2026-10-12", "team:T200");
        check("anyone", r"Kestrel\Lab\Bench 2", "2026-10-12", "member:M2");
        check("anyone", "Quay Labs", "2026-10-12", "team:T200");
        check("anyone", "Proj-12", "2026-10-12", "team:T100");
    }

    #[test]
    fn what_has_no_single_payer_waits_and_says_what_would_mend_it() {
        let harbour = harbour();
        let reason = |user: &str, account: &str, on: &str| {
            harbour.payer_of(user, account, day(on), PersonalJobs::Team).unwrap_err().to_string()
        };
        let reasons = [
            reason("e.sand", "", "2026-10-12"),
            reason("SOUTH\\e.sand", "", "2026-10-12"),
            reason("e.sand@north.example", "", "2026-10-12"),
            reason("nobody", "", "2026-10-12"),
            reason("", "", "2026-10-12"),
            reason("nquay", "", "2026-10-12"),
            reason("shared.desk", "", "2026-10-20"),
            reason("only3", "", "2026-11-01"),
            reason("lost", "", "2026-10-12"),
            reason("twice", "", "2026-10-20"),
            reason("x", "Nowhere", "2026-10-12"),
            reason("x", "Proj-07", "2026-10-12"),
            reason("x", "Ghost", "2026-10-12"),
            reason("x", "Old", "2026-10-12"),
        ];
        insta::assert_snapshot!(reasons.join("\n"), @r##"
        user `e.sand` is in no member row; add it to the usernames column of the members file (it looks like `NORTH\e.sand` of member `M2`)
        user `SOUTH\e.sand` is in no member row; add it to the usernames column of the members file (it looks like `NORTH\e.sand` of member `M2`)
        user `e.sand@north.example` is in no member row; add it to the usernames column of the members file (it looks like `NORTH\e.sand` of member `M2`)
        user `nobody` is in no member row; add it to the usernames column of the members file
        the report names no user, and the job is on no shared account
        user `nquay` is member `M1` to 2026-10-11 only; mend the dates, or add a row to the members file
        user `shared.desk` is a username of members `M3` and `M4` on the same day; leave it with one of them, or give their rows dates that do not overlap
        user `only3` is member `M3` from 2026-10-01 to 2026-10-31 only; mend the dates, or add a row to the members file
        team `T999` is in no row of the teams file; add it, or mend the id
        member `M6` is in teams `T100` and `T200` on the same day; give the rows dates that do not overlap
        account `Nowhere` is in no team or rule; add it to the accounts column of the teams file, or to the accounts file
        account `Proj-07` belongs to `team:T100` and `team:T200` by rules of the same kind; leave it with one of them, or add an exact rule
        team `T777` is in no row of the teams file; add it, or mend the id
        account `Old` belongs to `team:T100` to 2026-09-30 only; mend the dates, or add a rule
        "##);
    }

    #[test]
    fn members_pay_for_themselves_where_the_space_says_so() {
        let harbour = harbour();
        let payer = |user: &str, on: &str| harbour.payer_of(user, "", day(on), PersonalJobs::Member);
        assert_eq!(payer("nora.quay", "2026-10-12").unwrap().id, PayerId::Member("M1".to_owned()));
        // The team is of no account here, so that its being unknown or ambiguous is none either.
        assert_eq!(payer("lost", "2026-10-12").unwrap().id, PayerId::Member("M5".to_owned()));
        assert_eq!(payer("twice", "2026-10-20").unwrap().id, PayerId::Member("M6".to_owned()));
        assert_eq!(
            harbour.member_at("", "nora.quay", day("2026-10-12")).unwrap().team.as_deref(),
            Some("T200")
        );
        assert_eq!(harbour.member_at("", "shared.desk", day("2026-10-20")), None);
    }

    #[test]
    fn contradictions_are_findings_with_their_rows() {
        let findings: Vec<String> =
            harbour().findings().iter().map(|finding| format!("[{}] {finding}", finding.code)).collect();
        insta::assert_snapshot!(findings.join("\n"), @r##"
        [user-ambiguous] members.csv, row 2, column `usernames`: found `Shared.Desk` for member `M4`, but member `M3` has it on the same days (members.csv, row 2); leave it with one of them, or give the rows dates that do not overlap: until then its jobs wait
        [team-unknown] members.csv, row 2, column `team`: team `T999` is in no row of the teams file; add it, or mend the id: until then the jobs of member `M5` wait
        [team-differs] members.csv, row 2, column `team`: found member `M6` in team `T200`, but in team `T100` on the same days (members.csv, row 2); give the rows dates that do not overlap: until then personal jobs wait
        [payer-unknown] accounts.csv, row 2, column `payer`: team `T777` is in no row of the teams file; add it, or mend the id: until then jobs on `Ghost` wait
        "##);
    }

    #[test]
    fn two_names_or_plans_of_one_id_make_that_payer_wait() {
        let mut renamed = member("M1", &["other"], "", Span::ALWAYS);
        renamed.name = "Somebody Else".to_owned();
        let mut dear = member("M2", &["dear"], "", span("2026-10-10", ""));
        dear.plan = Some("dear".to_owned());
        let cheap = MemberRow {
            plan: Some("cheap".to_owned()),
            ..member("M2", &["dear"], "", span("", "2026-10-12"))
        };
        let members = vec![member("M1", &["ann"], "", Span::ALWAYS), renamed, dear, cheap];
        let directory = Directory::new(members, vec![], vec![]).unwrap();
        let payer = |user: &str, on: &str| {
            let payer = directory.payer_of(user, "", day(on), PersonalJobs::Team);
            payer.map_or_else(|reason| reason.to_string(), |payer| payer.id.to_string())
        };
        assert_eq!(
            payer("ann", "2026-10-01"),
            "member `M1` has several values of name, `Member M1` and `Somebody Else`, in the members file; write \
             the same in all its rows, or give each member an id of its own"
        );
        assert_eq!(payer("dear", "2026-10-09"), "member:M2");
        assert!(payer("dear", "2026-10-12").contains("several values of plan, `cheap` and `dear`"));
        assert_eq!(directory.plan_name(&PayerId::Member("M2".to_owned()), day("2026-10-13")), Some("dear"));
        assert_eq!(directory.plan_name(&PayerId::Member("M1".to_owned()), day("2026-10-13")), None);
        let codes: Vec<&str> = directory.findings().iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["name-differs", "plan-differs"]);
        assert_eq!(directory.plans_named().map(|(plan, _)| plan).collect::<Vec<&str>>(), ["dear", "cheap"]);
    }

    #[test]
    fn codes_are_the_column_else_the_id_else_a_hash() {
        let check = |id: &str, given: Option<&str>, expected: Result<&str, &str>| {
            let row = MemberRow { code: given.map(str::to_owned), ..member(id, &[], "", Span::ALWAYS) };
            let code = Directory::new(vec![row], vec![], vec![])
                .map(|directory| directory.payers().map(|payer| payer.code.clone()).collect::<String>())
                .map_err(|errors| errors.iter().map(DirectoryError::to_string).collect::<String>());
            assert_eq!(code, expected.map(str::to_owned).map_err(str::to_owned));
        };
        check("m-1", None, Ok("M-1"));
        check("T100", Some("KES"), Ok("KES"));
        check("a-longer-id", None, Ok("59C715"));
        check(
            "M1",
            Some("kes"),
            Err(
                "members.csv, row 2: found the code `kes` for `member:M1`, expected 1 to 7 of `A`–`Z`, `0`–`9` and `-`",
            ),
        );
        check(
            "",
            None,
            Err("members.csv, row 2: found no id, expected the member's id in the coworking system"),
        );
        check("a|b", None, Err("members.csv, row 2: found the member id `a|b`, expected one without `|`"));
    }

    #[test]
    fn everything_that_makes_the_directory_unusable_is_told_at_once() {
        let coded =
            |code: &str| MemberRow { code: Some(code.to_owned()), ..member("M2", &[], "", Span::ALWAYS) };
        let members = vec![
            member("100", &[], "", Span::ALWAYS),
            coded("A"),
            coded("B"),
            member("", &[], "", Span::ALWAYS),
        ];
        let errors = Directory::new(members, vec![team("100")], vec![]).unwrap_err();
        let errors: Vec<String> = errors.iter().map(DirectoryError::to_string).collect();
        insta::assert_snapshot!(errors.join("\n"), @r##"
        members.csv, row 2: found no id, expected the member's id in the coworking system
        found the codes ["A", "B"] for `member:M2`, expected the same code in all its rows
        found the code `100` for `team:100` and `member:100`, expected another code for each; give one of them its own in the column `code`
        "##);
    }

    #[test]
    fn seats_are_given_or_the_most_members_on_one_day() {
        let seats = |directory: &Directory, period: &str| {
            directory.seats("T1", Period::parse(period, day("2026-12-01")).unwrap())
        };
        let members = vec![
            member("M1", &[], "T1", span("", "2026-10-10")),
            member("M2", &[], "T1", span("2026-10-10", "")),
            member("M2", &["second row"], "T1", span("2026-10-10", "")),
            member("M3", &[], "T1", span("2026-10-11", "2026-11-15")),
            member("M4", &[], "T2", Span::ALWAYS),
        ];
        let counted = Directory::new(members.clone(), vec![team("T1")], vec![]).unwrap();
        assert_eq!(seats(&counted, "2026-09"), 1);
        assert_eq!(seats(&counted, "2026-10"), 2);
        assert_eq!(seats(&counted, "2026-11"), 2);
        assert_eq!(seats(&counted, "2026-12"), 1);
        let ten = TeamRow { seats: Some(10), span: span("", "2026-10-31"), ..team("T1") };
        let five = TeamRow { seats: Some(5), span: span("2026-11-01", ""), ..team("T1") };
        let given = Directory::new(members, vec![ten, five], vec![]).unwrap();
        assert_eq!(seats(&given, "2026-10"), 10);
        assert_eq!(seats(&given, "2026-11"), 5);
        assert_eq!(given.seats("T9", Period::month_of(day("2026-10-01"))), 0);
    }

    #[test]
    fn the_latest_row_gives_a_payers_address_and_identifiers() {
        let contact = |value: &str| [("xero_contact".to_owned(), value.to_owned())].into();
        let new = MemberRow {
            email: "new@x.example".to_owned(),
            identifiers: contact("New"),
            ..member("M1", &["ann"], "", span("2026-06-01", ""))
        };
        let old = MemberRow {
            email: "old@x.example".to_owned(),
            identifiers: contact("Old"),
            ..member("M1", &["ann"], "", span("", "2026-05-31"))
        };
        for rows in [vec![new.clone(), old.clone()], vec![old, new]] {
            let directory = Directory::new(rows, vec![], vec![]).unwrap();
            let payer = directory.payer(&PayerId::Member("M1".to_owned())).unwrap();
            assert_eq!(
                (payer.email.as_str(), payer.identifiers["xero_contact"].as_str()),
                ("new@x.example", "New")
            );
        }
    }

    proptest! {
        /// The order of rows, in which a spreadsheet happens to be sorted, decides nothing.
        #[test]
        fn any_order_of_rows_gives_the_same_answers(
            drawn in proptest::collection::vec((0usize..4, 0usize..4, 0usize..3, 1u32..28, 1u32..28), 1..8),
        ) {
            let row = |(nth, (id, user, team, one, two)): (usize, &(usize, usize, usize, u32, u32))| {
                let on = |day: &u32| format!("2026-10-{day:02}");
                let users = [["ann", "bo", "cy", "di"][*user]];
                let row = member(["M1", "M2", "M3", "M4"][*id], &users, ["", "T1", "T9"][*team], span(&on(one.min(two)), &on(one.max(two))));
                MemberRow { place: place("members.csv", u64::try_from(nth).unwrap()), ..row }
            };
            let rows: Vec<MemberRow> = drawn.iter().enumerate().map(row).collect();
            let turned: Vec<MemberRow> = rows.iter().rev().cloned().collect();
            let (one, two) = (Directory::new(rows, vec![team("T1")], vec![]).unwrap(), Directory::new(turned, vec![team("T1")], vec![]).unwrap());
            for user in ["ann", "bo", "cy", "di", "eve"] {
                for on in Period::month_of(day("2026-10-01")).days() {
                    let answer = |directory: &Directory| directory.payer_of(user, "", on, PersonalJobs::Team).cloned();
                    prop_assert_eq!(answer(&one), answer(&two));
                }
            }
            prop_assert_eq!(one.digest(), two.digest());
            // Which row is blamed follows the file, whether one is does not.
            prop_assert_eq!(one.findings().is_empty(), two.findings().is_empty());
        }
    }

    #[test]
    fn the_digest_tells_content_from_order() {
        let rows = [member("M1", &["a", "b"], "", Span::ALWAYS), member("M2", &["c"], "", Span::ALWAYS)];
        let digest = |rows: Vec<MemberRow>| Directory::new(rows, vec![], vec![]).unwrap().digest();
        let first = digest(rows.to_vec());
        let moved = MemberRow { place: place("people.csv", 9), ..rows[0].clone() };
        assert_eq!(digest(vec![rows[1].clone(), moved]), first);
        let other = MemberRow { usernames: vec!["ab".to_owned()], ..rows[0].clone() };
        assert_ne!(digest(vec![other, rows[1].clone()]), first);
        let later = MemberRow { span: span("2026-01-01", ""), ..rows[0].clone() };
        assert_ne!(digest(vec![later, rows[1].clone()]), first);
    }
}
