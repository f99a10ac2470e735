//! Reports of sums and balances: what they say, beside what the jobs say.
//!
//! A sum is never added to jobs. Where there are jobs of its period it is a control, and a difference is a
//! finding; a user's sum and an account's sum of one period hold the same jobs and are never added up either.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::domain::{BalanceRow, Exact, Finding, Money, Period, Severity, SumRow, fold_name, is_within};
use crate::ledger::RowIs;

/// Start of the names that PaperCut gives to its internal accounts, such as `!!template account!!`.
const INTERNAL_MARK: &str = "!!";

/// Whose a sum or balance is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Subject {
    User(String),
    Account(String),
}

/// A name as first seen, with its sum.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    cost: Exact,
    pages: i64,
}

/// Sums and balances of the reports of one call.
#[derive(Debug, Default)]
pub struct SumBook {
    /// By period, subject and job type, all occurrences in one report together.
    sums: BTreeMap<(Option<Period>, Subject, String), Entry>,
    balances: BTreeMap<Subject, (String, Money)>,
    /// Accounts of all rows, in the form in which they compare.
    accounts: HashSet<String>,
    /// What the report that is being read has brought so far.
    current: HashMap<(Option<Period>, Subject, String), Entry>,
}

/// What all sums come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SumTotals {
    /// Cost by user, as first seen.
    pub users: BTreeMap<String, Exact>,
    /// Cost by shared account; an empty name is cost without an account.
    pub accounts: BTreeMap<String, Exact>,
    /// Printed pages, of users where there are any, else of accounts.
    pub pages: i64,
    /// Cost, in the same way.
    pub cost: Exact,
    /// Balances by user or account.
    pub balances: BTreeMap<String, Money>,
}

/// What a row of sums or balances turned out to be.
#[derive(Debug)]
pub struct Judged {
    /// How it is counted.
    pub is: RowIs,
    /// What a person should look at.
    pub finding: Option<Finding>,
}

impl SumBook {
    /// Takes a row of sums of a report with that period.
    pub fn sum(&mut self, row: &SumRow<'_>, period: Option<Period>, excluded: &HashSet<String>) -> Judged {
        let (subject, name) = subject_of(row.user, row.account);
        if let Subject::Account(account) = &subject {
            self.accounts.insert(account.clone());
        }
        if let Some(judged) = never_billed(&subject, name, row.row, excluded) {
            return judged;
        }
        let key = (period, subject, row.job_type.unwrap_or("").to_owned());
        let cost = row.cost.map(Exact::from).unwrap_or_default();
        let entry = self.current.entry(key.clone());
        let entry = entry.or_insert_with(|| Entry { name: name.to_owned(), cost: Exact::ZERO, pages: 0 });
        entry.cost += cost;
        entry.pages += i64::from(row.pages.unwrap_or(0));
        let is = if self.sums.contains_key(&key) { RowIs::Repeated } else { RowIs::New };
        Judged { is, finding: None }
    }

    /// Takes a balance.
    pub fn balance(&mut self, row: &BalanceRow<'_>, excluded: &HashSet<String>) -> Judged {
        let (subject, name) = subject_of(row.user, row.account);
        if let Subject::Account(account) = &subject {
            self.accounts.insert(account.clone());
        }
        if let Some(judged) = never_billed(&subject, name, row.row, excluded) {
            return judged;
        }
        let is_deleted = name.to_lowercase().contains("[deleted]") && !row.balance.is_zero();
        let finding = is_deleted.then(|| {
            let message =
                format!("`{name}` is deleted and has a balance of {}: decide who pays it", row.balance);
            Finding::new(Severity::Warning, "deleted-with-balance", message).at_row(row.row)
        });
        let known = self.balances.insert(subject, (name.to_owned(), row.balance));
        Judged { is: if known.is_some() { RowIs::Repeated } else { RowIs::New }, finding }
    }

    /// Ends a report: what it said of a period before, and says differently now, is a finding.
    pub fn finish_report(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (key, entry) in self.current.drain() {
            match self.sums.get(&key) {
                Some(known) if known.cost != entry.cost => {
                    let message = format!(
                        "`{}` had cost {} in an earlier report of the same period, and has {} here",
                        known.name, known.cost, entry.cost
                    );
                    findings.push(Finding::new(Severity::Warning, "sum-differs", message));
                }
                Some(_) => {}
                None => {
                    self.sums.insert(key, entry);
                }
            }
        }
        findings.sort();
        findings
    }

    /// What the sums come to.
    pub fn totals(&self) -> SumTotals {
        let mut totals = SumTotals::default();
        let (mut of_users, mut of_accounts) = ((Exact::ZERO, 0), (Exact::ZERO, 0));
        let mut names: HashMap<&Subject, &str> = HashMap::new();
        for ((_, subject, _), entry) in &self.sums {
            let name = *names.entry(subject).or_insert(&entry.name);
            let (sums, total) = match subject {
                Subject::User(_) => (&mut totals.users, &mut of_users),
                Subject::Account(_) => (&mut totals.accounts, &mut of_accounts),
            };
            *sums.entry(name.to_owned()).or_default() += entry.cost;
            total.0 += entry.cost;
            total.1 += entry.pages;
        }
        let has_users = self.sums.keys().any(|(_, subject, _)| matches!(subject, Subject::User(_)));
        (totals.cost, totals.pages) = if has_users { of_users } else { of_accounts };
        totals.balances = self.balances.values().cloned().collect();
        totals
    }

    /// The periods that sums were given for.
    pub fn periods(&self) -> Vec<Period> {
        let mut periods: Vec<Period> = self.sums.keys().filter_map(|(period, ..)| *period).collect();
        periods.dedup();
        periods
    }

    /// Compares the sums of a period with its jobs' cost by user and account.
    pub fn compare(
        &self,
        period: Period,
        users: &BTreeMap<String, Exact>,
        accounts: &BTreeMap<String, Exact>,
    ) -> Vec<Finding> {
        let mut said: BTreeMap<&Subject, (&str, Exact)> = BTreeMap::new();
        for ((_, subject, _), entry) in self.sums.iter().filter(|((of, ..), _)| *of == Some(period)) {
            said.entry(subject).or_insert((&entry.name, Exact::ZERO)).1 += entry.cost;
        }
        let mut findings = Vec::new();
        for (subject, (name, cost)) in said {
            let (what, jobs) = match subject {
                Subject::User(_) => ("user", users),
                Subject::Account(_) => ("account", accounts),
            };
            let counted: Exact = jobs
                .iter()
                .filter(|(other, _)| fold_name(other) == fold_name(name))
                .map(|(_, cost)| *cost)
                .sum();
            if counted != cost {
                let message = format!(
                    "{what} `{name}`: the summary of {period} says {cost}, the jobs come to {counted} (difference {})",
                    counted - cost
                );
                findings.push(Finding::new(Severity::Warning, "sum-differs", message));
            }
        }
        findings
    }

    /// The accounts of all rows, also of those that are never billed, in the form in which they compare.
    pub fn seen_accounts(&self) -> HashSet<String> {
        self.accounts.clone()
    }

    /// The names that sums were given for.
    pub fn names(&self) -> (Vec<&str>, Vec<&str>) {
        let (mut users, mut accounts) = (Vec::new(), Vec::new());
        for ((_, subject, _), entry) in &self.sums {
            match subject {
                Subject::User(_) => users.push(entry.name.as_str()),
                Subject::Account(_) => accounts.push(entry.name.as_str()),
            }
        }
        (users, accounts)
    }
}

fn subject_of<'a>(user: Option<&'a str>, account: Option<&'a str>) -> (Subject, &'a str) {
    match user {
        Some(user) => (Subject::User(fold_name(user)), user),
        None => {
            let account = account.unwrap_or("");
            (Subject::Account(fold_name(account)), account)
        }
    }
}

/// Accounts that PaperCut made for itself, and those that the operator excludes.
fn never_billed(subject: &Subject, name: &str, row: u64, excluded: &HashSet<String>) -> Option<Judged> {
    let Subject::Account(folded) = subject else { return None };
    let reason = if name.starts_with(INTERNAL_MARK) {
        format!("not billed: `{name}` is a template account of PaperCut's own")
    } else if is_within(folded, excluded) {
        format!("not billed: `{name}` is excluded by `exclude_accounts`")
    } else {
        return None;
    };
    let finding = Finding::new(Severity::Note, "not-billable", reason).at_row(row);
    Some(Judged { is: RowIs::NotBillable, finding: Some(finding) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(user: Option<&'a str>, account: Option<&'a str>, cost: &str) -> SumRow<'a> {
        SumRow {
            row: 4,
            user,
            account,
            job_type: None,
            jobs: None,
            pages: Some(2),
            colour_pages: None,
            cost: Some(cost.parse().unwrap()),
        }
    }

    fn october() -> Option<Period> {
        Period::parse("2026-10", Default::default()).ok()
    }

    #[test]
    fn an_equal_second_summary_is_repeated_and_another_one_is_told() {
        let mut book = SumBook::default();
        let none = HashSet::new();
        assert_eq!(book.sum(&row(Some("ann"), None, "1.00"), october(), &none).is, RowIs::New);
        assert!(book.finish_report().is_empty());
        assert_eq!(book.sum(&row(Some("ANN"), None, "1.00"), october(), &none).is, RowIs::Repeated);
        assert!(book.finish_report().is_empty());
        book.sum(&row(Some("ann"), None, "1.20"), october(), &none);
        let told = book.finish_report();
        assert_eq!(told.len(), 1);
        assert_eq!(
            told[0].message,
            "`ann` had cost 1.00 in an earlier report of the same period, and has 1.20 here"
        );
        assert_eq!(book.totals().cost.to_string(), "1.00");
    }

    #[test]
    fn users_and_accounts_of_one_period_are_not_added_up() {
        let mut book = SumBook::default();
        let none = HashSet::new();
        book.sum(&row(Some("ann"), None, "1.00"), october(), &none);
        book.sum(&row(None, Some("LABS"), "0.40"), october(), &none);
        book.finish_report();
        let totals = book.totals();
        assert_eq!((totals.cost.to_string(), totals.pages), ("1.00".to_owned(), 2));
        assert_eq!(totals.accounts["LABS"].to_string(), "0.40");
    }

    #[test]
    fn a_difference_to_the_jobs_names_both_sides() {
        let mut book = SumBook::default();
        book.sum(&row(Some("omar"), None, "0.50"), october(), &HashSet::new());
        book.finish_report();
        let jobs = BTreeMap::from([("Omar".to_owned(), Exact::from("0.30".parse::<Money>().unwrap()))]);
        let told = book.compare(october().unwrap(), &jobs, &BTreeMap::new());
        assert_eq!(
            told[0].message,
            "user `omar`: the summary of 2026-10 says 0.50, the jobs come to 0.30 (difference -0.20)"
        );
    }
}
