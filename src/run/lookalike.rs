//! Names that look alike but count as different: said, never merged.

use std::collections::BTreeMap;

use crate::domain::{Finding, Severity, fold_name, resemblance, short_name};

/// Most names of one group that a finding lists.
const LISTED_MAX: usize = 6;

/// What the names are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Users: one person may have a domain before the name, or an address behind it.
    Users,
    /// Shared accounts: two parents may well have subs of one name.
    Accounts,
}

/// One note for each group of users or accounts that may be the same.
///
/// `names` are distinct names as written. Letter case, white space and Unicode form make no other name, so
/// they make no group either; a domain, an accent or punctuation does.
pub(super) fn lookalikes<'a>(kind: Kind, names: impl IntoIterator<Item = &'a str>) -> Vec<Finding> {
    let mut groups: BTreeMap<String, BTreeMap<String, &str>> = BTreeMap::new();
    for name in names {
        let key = match kind {
            Kind::Users => resemblance(short_name(name)),
            // The parent counts: `A\B` and `AB` are no more alike than any two names.
            Kind::Accounts => name.split('\\').map(resemblance).collect::<Vec<_>>().join("\\"),
        };
        if !key.is_empty() {
            groups.entry(key).or_default().entry(fold_name(name)).or_insert(name);
        }
    }
    let alike = groups.into_values().filter(|group| group.len() > 1);
    let what = match kind {
        Kind::Users => "users",
        Kind::Accounts => "accounts",
    };
    alike.map(|group| finding(what, &group.into_values().collect::<Vec<_>>())).collect()
}

fn finding(what: &str, names: &[&str]) -> Finding {
    let mut listed: Vec<String> = names.iter().take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    if names.len() > LISTED_MAX {
        listed.push(format!("{} more", names.len() - LISTED_MAX));
    }
    Finding::new(
        Severity::Note,
        "names-alike",
        format!(
            "the {what} {} look alike and count as different; if they are one, say so in the directory or under [site.alias]",
            listed.join(", ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_and_punctuation_are_told_letter_case_is_not() {
        let names = ["NORTH\\e.sand", "SOUTH\\E.Sand", "e.sand@north.example", "ann", "ANN", "O'DEA", "odea"];
        let told: Vec<String> = lookalikes(Kind::Users, names).iter().map(Finding::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("`NORTH\\e.sand`") && told[0].contains("`e.sand@north.example`"));
        assert!(told[1].contains("`O'DEA`, `odea`"));
    }

    #[test]
    fn subs_of_two_parents_are_not_alike() {
        assert!(lookalikes(Kind::Accounts, ["Team 1\\Project", "Team 2\\Project"]).is_empty());
        assert_eq!(lookalikes(Kind::Accounts, ["Labs\\Bench 2", "LABS\\Bench-2"]).len(), 1);
    }
}
