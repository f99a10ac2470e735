//! Which member a PaperCut username is, on a day.
//!
//! Names are compared folded and whole: `NORTH\x`, `x@north.example` and `x` are three users, since two domains
//! may hold two people with one short name. What merely looks alike is named in the reason, never taken.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;

use super::ServerNames;
use super::record::{MemberRow, Span};
use super::suspense::SuspenseReason;
use crate::domain::finding::{Finding, Severity};
use crate::domain::name::{fold_name, resemblance, short_name};

/// How many look-alikes a reason names.
const LOOKALIKES_MAX: usize = 3;

/// Row numbers of the members by folded name, and what has to be compared first.
#[derive(Debug, Default)]
pub(super) struct People {
    usernames: HashMap<String, Vec<usize>>,
    aliases: HashMap<String, Vec<usize>>,
    emails: HashMap<String, Vec<usize>>,
    /// By site and username: rows of the members who have one of the addresses that the server knows.
    server_emails: HashMap<(String, String), Vec<usize>>,
    /// By the short name without accents and punctuation: name as written and row.
    looks: HashMap<String, Vec<(String, usize)>>,
}

impl People {
    pub(super) fn new(rows: &[MemberRow]) -> People {
        let mut people = People::default();
        for (index, row) in rows.iter().enumerate() {
            let email = [row.email.clone()];
            let groups = [
                (&mut people.usernames, row.usernames.as_slice()),
                (&mut people.aliases, row.aliases.as_slice()),
                (&mut people.emails, email.as_slice()),
            ];
            for (map, names) in groups {
                for name in names.iter().filter(|name| !name.trim().is_empty()) {
                    let rows = map.entry(fold_name(name)).or_default();
                    if rows.last() != Some(&index) {
                        rows.push(index);
                    }
                    let look = resemblance(short_name(name));
                    if !look.is_empty() {
                        people.looks.entry(look).or_default().push((name.clone(), index));
                    }
                }
            }
        }
        people
    }

    /// Takes the addresses that servers know of users, and returns those that lead to members: site and username with
    /// their rows.
    pub(super) fn learn(&mut self, known: &[ServerNames]) -> Vec<((String, String), Vec<usize>)> {
        self.server_emails.clear();
        for (site, (user, emails)) in
            known.iter().flat_map(|one| one.emails.iter().map(|user| (&one.site, user)))
        {
            let rows: BTreeSet<usize> = emails
                .iter()
                .filter_map(|email| self.emails.get(&fold_name(email)))
                .flatten()
                .copied()
                .collect();
            let folded = fold_name(user);
            let is_named =
                [&self.usernames, &self.aliases, &self.emails].iter().any(|map| map.contains_key(&folded));
            if !rows.is_empty() && !is_named {
                self.server_emails.entry((site.clone(), folded)).or_default().extend(rows);
            }
        }
        let mut learnt: Vec<_> = self.server_emails.clone().into_iter().collect();
        learnt.sort();
        learnt
    }

    /// The id of the member whom `user` is on that day: by username, then alias, then e-mail, then by an address that
    /// the server knows of the user.
    pub(super) fn member_on<'a>(
        &self,
        rows: &'a [MemberRow],
        (site, user): (&str, &str),
        day: NaiveDate,
    ) -> Result<&'a str, SuspenseReason> {
        let folded = fold_name(user);
        let mut other_days: Vec<(String, Span)> = Vec::new();
        let by_server = self.server_emails.get(&(site.to_owned(), folded.clone()));
        let by_name = [&self.usernames, &self.aliases, &self.emails].map(|map| map.get(&folded));
        for found in by_name.into_iter().chain([by_server]) {
            let found = found.map_or(&[][..], Vec::as_slice);
            let ids: BTreeSet<&str> = found
                .iter()
                .map(|&index| &rows[index])
                .filter(|row| row.span.holds(day))
                .map(id_of)
                .collect();
            let mut ids = ids.into_iter();
            match (ids.next(), ids.len()) {
                (Some(id), 0) => return Ok(id),
                (Some(first), _) => {
                    let members = std::iter::once(first).chain(ids).map(str::to_owned).collect();
                    return Err(SuspenseReason::UserAmbiguous { user: user.to_owned(), members });
                }
                (None, _) => {
                    other_days.extend(found.iter().map(|&index| (rows[index].id.clone(), rows[index].span)));
                }
            }
        }
        other_days.sort();
        other_days.dedup();
        let user = user.to_owned();
        if other_days.is_empty() {
            let like = self.lookalikes(rows, &user);
            Err(SuspenseReason::UserUnknown { user, like })
        } else {
            Err(SuspenseReason::UserOtherDays { user, members: other_days })
        }
    }

    /// Names in the directory that a person might have meant.
    fn lookalikes(&self, rows: &[MemberRow], user: &str) -> Vec<String> {
        let found = self.looks.get(&resemblance(short_name(user))).map_or(&[][..], Vec::as_slice);
        let texts: BTreeSet<String> =
            found.iter().map(|(name, index)| format!("`{name}` of member `{}`", rows[*index].id)).collect();
        texts.into_iter().take(LOOKALIKES_MAX).collect()
    }

    /// A finding for each username that is two members' on one day.
    pub(super) fn findings(&self, rows: &[MemberRow]) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for (map, column) in [(&self.usernames, "usernames"), (&self.aliases, "aliases")] {
            for found in map.values() {
                findings.extend(shared_name(rows, found, column));
            }
        }
        findings
            .sort_by(|one, two| (&one.file, one.row, &one.message).cmp(&(&two.file, two.row, &two.message)));
        findings
    }
}

/// The first two rows of different members that share one name and a day.
fn shared_name(rows: &[MemberRow], found: &[usize], column: &str) -> Option<Finding> {
    for (nth, &later) in found.iter().enumerate() {
        for &earlier in &found[..nth] {
            let (one, two) = (&rows[earlier], &rows[later]);
            if one.id != two.id && one.span.overlaps(&two.span) {
                let names = if column == "aliases" { &two.aliases } else { &two.usernames };
                let theirs = if column == "aliases" { &one.aliases } else { &one.usernames };
                let folded: BTreeSet<String> = theirs.iter().map(|name| fold_name(name)).collect();
                let name = names.iter().find(|name| folded.contains(&fold_name(name)))?;
                let message = format!(
                    "found `{name}` for member `{}`, but member `{}` has it on the same days ({}); leave it with \
                     one of them, or give the rows dates that do not overlap: until then its jobs wait",
                    two.id, one.id, one.place
                );
                return Some(
                    Finding::new(Severity::Warning, "user-ambiguous", message)
                        .in_file(two.place.file.clone())
                        .at_row(two.place.row)
                        .in_column(column),
                );
            }
        }
    }
    None
}

fn id_of(row: &MemberRow) -> &str {
    &row.id
}
