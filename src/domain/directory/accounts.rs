//! Who pays for a shared account, on a day: exact rules before parents before patterns.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;

use super::ServerNames;
use super::record::{AccountMatch, AccountRule};
use super::suspense::SuspenseReason;
use crate::domain::finding::{Finding, Severity};
use crate::domain::invoice::PayerId;
use crate::domain::name::fold_name;

/// The account rules, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct RuleBook {
    rules: Vec<AccountRule>,
    exact: HashMap<String, Vec<usize>>,
    parent: HashMap<String, Vec<usize>>,
    patterns: Vec<(Vec<char>, usize)>,
    /// Other names of renamed accounts, by site and each of their names.
    same: HashMap<(String, String), Vec<String>>,
}

impl RuleBook {
    pub(super) fn new(rules: Vec<AccountRule>) -> RuleBook {
        let mut book = RuleBook::default();
        for (index, rule) in rules.iter().enumerate() {
            let account = fold_account(&rule.account);
            match rule.kind {
                AccountMatch::Exact => book.exact.entry(account).or_default().push(index),
                AccountMatch::Parent => book.parent.entry(account).or_default().push(index),
                AccountMatch::Pattern => book.patterns.push((account.chars().collect(), index)),
            }
        }
        book.rules = rules;
        book
    }

    pub(super) fn rules(&self) -> &[AccountRule] {
        &self.rules
    }

    /// Takes names that mean the same account, and returns those that matter, each group behind its site.
    pub(super) fn learn(&mut self, known: &[ServerNames]) -> Vec<Vec<String>> {
        let mut learnt = Vec::new();
        self.same.clear();
        for (site, group) in
            known.iter().flat_map(|one| one.same_accounts.iter().map(|group| (&one.site, group)))
        {
            let mut names: Vec<String> = group.iter().map(|name| fold_account(name)).collect();
            names.sort();
            names.dedup();
            for name in &names {
                let others = names.iter().filter(|other| *other != name).cloned();
                self.same.entry((site.clone(), name.clone())).or_default().extend(others);
            }
            names.insert(0, site.clone());
            learnt.push(names);
        }
        learnt.sort();
        learnt
    }

    /// The payer of `account` on that day: by the account's own name, else by another name of the same account at the site.
    pub(super) fn payer_on(
        &self,
        site: &str,
        account: &str,
        day: NaiveDate,
    ) -> Result<&PayerId, SuspenseReason> {
        let own = self.payer_by_name(account, day);
        let Err(SuspenseReason::AccountUnknown { .. }) = &own else { return own };
        let others = self.same.get(&(site.to_owned(), fold_account(account)));
        let others = others.map_or(&[][..], Vec::as_slice);
        let other = others.iter().map(|other| self.payer_by_name(other, day)).find(Result::is_ok);
        other.unwrap_or(own)
    }

    /// The payer of an account by its name. Of two parent rules the nearer one holds.
    fn payer_by_name(&self, account: &str, day: NaiveDate) -> Result<&PayerId, SuspenseReason> {
        let folded = fold_account(account);
        let mut other_days = BTreeSet::new();
        for level in self.levels(&folded) {
            let rules = || level.iter().map(|&index| &self.rules[index]);
            let payers: BTreeSet<&PayerId> =
                rules().filter(|rule| rule.span.holds(day)).map(|rule| &rule.payer).collect();
            let mut payers = payers.into_iter();
            match (payers.next(), payers.len()) {
                (Some(payer), 0) => return Ok(payer),
                (Some(first), _) => {
                    let payers = std::iter::once(first).chain(payers).cloned().collect();
                    return Err(SuspenseReason::AccountAmbiguous { account: account.to_owned(), payers });
                }
                (None, _) => other_days.extend(rules().map(|rule| (rule.payer.clone(), rule.span))),
            }
        }
        let account = account.to_owned();
        if other_days.is_empty() {
            Err(SuspenseReason::AccountUnknown { account })
        } else {
            Err(SuspenseReason::AccountOtherDays { account, payers: other_days.into_iter().collect() })
        }
    }

    /// The rules that fit, from the most specific level to the least.
    fn levels(&self, folded: &str) -> Vec<Vec<usize>> {
        let mut levels: Vec<Vec<usize>> = self.exact.get(folded).cloned().into_iter().collect();
        let mut above = Some(folded);
        while let Some(account) = above {
            levels.extend(self.parent.get(account).cloned());
            above = account.rsplit_once('\\').map(|(parent, _)| parent);
        }
        if !self.patterns.is_empty() {
            let text: Vec<char> = folded.chars().collect();
            let fits = self.patterns.iter().filter(|(pattern, _)| matches(pattern, &text));
            levels.push(fits.map(|(_, index)| *index).collect());
        }
        levels
    }

    /// A finding for each account that rules of one kind give to two payers on one day.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut patterns: HashMap<&[char], Vec<usize>> = HashMap::new();
        for (pattern, index) in &self.patterns {
            patterns.entry(pattern).or_default().push(*index);
        }
        let groups = self.exact.values().chain(self.parent.values()).chain(patterns.values());
        let mut findings: Vec<Finding> = groups.filter_map(|group| self.contested(group)).collect();
        findings
            .sort_by(|one, two| (&one.file, one.row, &one.message).cmp(&(&two.file, two.row, &two.message)));
        findings
    }

    fn contested(&self, group: &[usize]) -> Option<Finding> {
        for (nth, &later) in group.iter().enumerate() {
            for &earlier in &group[..nth] {
                let (one, two) = (&self.rules[earlier], &self.rules[later]);
                if one.payer != two.payer && one.span.overlaps(&two.span) {
                    let message = format!(
                        "found account `{}` for `{}`, but it is that of `{}` on the same days ({}); leave it with \
                         one of them, or give the rules dates that do not overlap: until then its jobs wait",
                        two.account, two.payer, one.payer, one.place
                    );
                    return Some(
                        Finding::new(Severity::Warning, "account-ambiguous", message)
                            .in_file(two.place.file.clone())
                            .at_row(two.place.row),
                    );
                }
            }
        }
        None
    }
}

/// The form in which accounts are compared: each part folded by itself, so that blanks beside `\` do not count.
fn fold_account(account: &str) -> String {
    if account.contains('\\') {
        account.split('\\').map(fold_name).collect::<Vec<String>>().join("\\")
    } else {
        fold_name(account)
    }
}

/// Whether `text` is `pattern`, in which `*` stands for any text and `?` for one character.
///
/// Goes back to the last `*` only, so that no pattern takes more than pattern × text steps.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    in_text = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_people_expect() {
        let check = |pattern: &str, text: &str, expected: bool| {
            let letters = |text: &str| text.chars().collect::<Vec<char>>();
            assert_eq!(matches(&letters(pattern), &letters(text)), expected, "{pattern} / {text}");
        };
        check("kestrel*", "kestrel", true);
        check("kestrel*", r"kestrel\lab", true);
        check("*lab", r"kestrel\lab", true);
        check("*lab", r"kestrel\labs", false);
        check("proj-??", "proj-07", true);
        check("proj-??", "proj-7", false);
        check("a*b*c", "a-b-b-c", true);
        check("a*b*c", "a-c-b", false);
        check("*", "", true);
        check("?", "", false);
        check("", "", true);
        check("?ö", "öö", true);
    }

    #[test]
    fn blanks_beside_the_separator_do_not_count() {
        assert_eq!(fold_account(r" Kestrel \ Lab"), r"kestrel\lab");
        assert_eq!(fold_account("Labs, North"), "labs,north");
    }
}
