//! Reports of sums: what they say, beside what the jobs and earlier reports say.
//!
//! A sum is never added to jobs. Where a site is billed from its jobs, sums are control totals, and a difference is a
//! finding; a user's sum and an account's sum of one period hold the same jobs and are never added up either.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::books::{Books, aliases};
use super::error::RunError;
use super::facts::Exclusions;
use super::totals::{IntakeTotals, TotalsRow};
use crate::config::SiteConfig;
use crate::domain::{BalanceMode, Exact, Finding, Period, Severity, Source, SumRow, fold_name, is_within};
use crate::ledger::{Ledger, LedgerError, RowIs, SiteId};

/// Start of the names that PaperCut gives to its internal accounts, such as `!!template account!!`.
const INTERNAL_MARK: &str = "!!";

/// What one sum is of: whose, of which days, of which job type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    source: Source,
    period: Option<Period>,
    /// Folded name of the user or account.
    subject: String,
    job_type: String,
}

/// A name as first seen, with its sum.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    cost: Exact,
    pages: i64,
}

/// The sums that a site's reports gave.
#[derive(Debug, Default)]
pub struct SumBook {
    /// All rows of one report and key together; of several reports the first.
    sums: BTreeMap<Key, Entry>,
    /// The days that sums were given for, by whom, and whether by job type: few, where sums are many.
    spans: BTreeMap<(Source, Period), Span>,
    /// What the report that is being read has brought so far.
    current: HashMap<Key, Entry>,
    /// Accounts of the report's rows, in the form in which they compare.
    accounts: HashSet<String>,
    rules: SumRules,
}

/// What the operator says of names.
#[derive(Clone, Debug, Default)]
pub struct SumRules {
    /// Folded names of accounts that are never billed.
    pub excluded: HashSet<String>,
    /// Folded old username and the name of today.
    pub aliases: HashMap<String, String>,
}

impl SumRules {
    /// From the lists as they are configured.
    pub fn of(exclude_accounts: &[String], aliases: &[(String, String)]) -> SumRules {
        SumRules {
            excluded: exclude_accounts.iter().map(|account| fold_name(account)).collect(),
            aliases: aliases.iter().map(|(old, new)| (fold_name(old), new.clone())).collect(),
        }
    }
}

/// What a whole report of sums tells beside its rows.
#[derive(Debug, Default)]
pub struct Ending {
    /// Sums that differ from an earlier report's.
    pub findings: Vec<Finding>,
    /// An earlier user whom the report does not have, and a new one with the same sum: perhaps renamed.
    pub renamed: Vec<(String, String)>,
}

/// The first report of some days.
#[derive(Clone, Debug)]
struct Span {
    report: String,
    is_by_type: bool,
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
}

/// What a row of sums or balances turned out to be.
#[derive(Debug)]
pub struct Judged {
    /// How it is counted.
    pub is: RowIs,
    /// Whether the ledger keeps it.
    pub is_kept: bool,
    /// What a person should look at.
    pub finding: Option<Finding>,
}

impl SumBook {
    /// The sums that the ledger has of a site.
    pub fn load(ledger: &Ledger, site: SiteId, rules: SumRules) -> Result<SumBook, LedgerError> {
        let mut book = SumBook { rules, ..SumBook::default() };
        for sum in ledger.sums(site)? {
            let name = if sum.source == Source::AccountSums { sum.account } else { sum.user };
            let key = Key {
                source: sum.source,
                period: sum.period,
                subject: fold_name(&name),
                job_type: sum.job_type,
            };
            book.remember(&key, &sum.report);
            let entry = Entry { name, cost: Exact::ZERO, pages: 0 };
            let entry = book.sums.entry(key).or_insert(entry);
            entry.cost += Exact::from(sum.cost);
            entry.pages += sum.pages;
        }
        Ok(book)
    }

    /// Takes a row of sums of a report with that period.
    pub fn sum(&mut self, row: &SumRow<'_>, period: Option<Period>) -> Judged {
        let (source, written) = subject_of(row.user, row.account);
        let name = match source {
            Source::AccountSums => written,
            Source::UserSums | Source::Jobs => {
                self.rules.aliases.get(&fold_name(written)).map_or(written, String::as_str)
            }
        };
        let subject = fold_name(name);
        if source == Source::AccountSums {
            self.accounts.insert(subject.clone());
        }
        if let Some(finding) = internal(source, name, row.row) {
            return Judged { is: RowIs::NotBillable, is_kept: false, finding: Some(finding) };
        }
        let excluded = excluded(source, name, row.row, &self.rules.excluded);
        let job_type = row.job_type.unwrap_or("").to_owned();
        let key = Key { source, period, subject, job_type };
        let is_known = self.sums.contains_key(&key) || self.has_other_shape(&key);
        let entry = Entry { name: name.to_owned(), cost: Exact::ZERO, pages: 0 };
        let entry = self.current.entry(key).or_insert(entry);
        entry.cost += row.cost.map(Exact::from).unwrap_or_default();
        entry.pages += i64::from(row.pages.unwrap_or(0));
        let is = match (&excluded, is_known) {
            (Some(_), _) => RowIs::NotBillable,
            (None, true) => RowIs::Repeated,
            (None, false) => RowIs::New,
        };
        Judged { is, is_kept: !is_known, finding: excluded }
    }

    fn remember(&mut self, key: &Key, report: &str) {
        let Some(period) = key.period else { return };
        let span = || Span { report: report.to_owned(), is_by_type: !key.job_type.is_empty() };
        self.spans.entry((key.source, period)).or_insert_with(span);
    }

    fn span(&self, key: &Key) -> Option<&Span> {
        self.spans.get(&(key.source, key.period?))
    }

    /// Whether an earlier report gave the same sums otherwise: by job type where this one does not, or the reverse.
    fn has_other_shape(&self, key: &Key) -> bool {
        self.span(key).is_some_and(|span| span.is_by_type == key.job_type.is_empty())
    }

    /// Known days of such sums that have some in common with another period and are not the same: sums cannot be
    /// divided, so both would count those days.
    pub fn overlapping(&self, source: Source, period: Period) -> Option<(Period, String)> {
        let of_source = self.spans.iter().filter(|((of, _), _)| *of == source);
        let mut others = of_source.filter(|((_, other), _)| *other != period && other.overlaps(&period));
        others.next().map(|((_, other), span)| (*other, span.report.clone()))
    }

    /// Ends a report: what it says of days that an earlier one had, and says otherwise, is a finding.
    pub fn finish_report(&mut self, report: &str) -> Ending {
        let current = std::mem::take(&mut self.current);
        let mut ending = Ending::default();
        let known_spans: BTreeSet<(Source, Period)> = current
            .keys()
            .filter_map(|key| Some((key.source, key.period?)))
            .filter(|span| self.spans.contains_key(span))
            .collect();
        for span in known_spans {
            self.compare_reports(span, &current, &mut ending);
        }
        for (key, entry) in current {
            if !self.sums.contains_key(&key) && !self.has_other_shape(&key) {
                self.remember(&key, report);
                self.sums.insert(key, entry);
            }
        }
        ending.findings.sort();
        ending
    }

    /// Compares a report with the first one of the same days, user by user or account by account.
    fn compare_reports(
        &self,
        (source, period): (Source, Period),
        current: &HashMap<Key, Entry>,
        ending: &mut Ending,
    ) {
        let of_span = |key: &&Key| key.source == source && key.period == Some(period);
        let known = by_subject(self.sums.iter().filter(|(key, _)| of_span(key)));
        let now = by_subject(current.iter().filter(|(key, _)| of_span(key)));
        let is_kept = current.keys().filter(of_span).any(|key| !self.has_other_shape(key));
        let mut told = |code, message| ending.findings.push(Finding::new(Severity::Warning, code, message));
        let mut gone: Vec<&Summed<'_>> = Vec::new();
        for (subject, before) in &known {
            let name = before.name;
            match now.get(subject) {
                Some(after) if after.cost != before.cost => told(
                    "sum-differs",
                    format!(
                        "`{name}` had cost {} in an earlier report of {period}, and has {} here; the earlier one holds",
                        before.cost, after.cost
                    ),
                ),
                Some(_) => {}
                None => {
                    gone.push(before);
                    told(
                        "sum-missing",
                        format!(
                            "`{name}` had cost {} in an earlier report of {period}, and is not in this one; the earlier \
                             one holds",
                            before.cost
                        ),
                    );
                }
            }
        }
        for (_, new) in now.iter().filter(|(subject, _)| !known.contains_key(*subject)) {
            let what = if is_kept { "it is taken too" } else { "it is not taken" };
            told(
                "sum-late",
                format!(
                    "`{}` has cost {}, and an earlier report of {period} did not have it; {what}",
                    new.name, new.cost
                ),
            );
            // Names are those of the day on which a report is made: who is new may be one who is gone.
            let is_nothing = new.cost.is_zero() && new.pages == 0;
            let same = |one: &&&Summed<'_>| one.cost == new.cost && one.pages == new.pages;
            let former = gone.iter().find(same).or(gone.first());
            if let (Some(former), true, false) = (former, source == Source::UserSums && is_kept, is_nothing) {
                ending.renamed.push((former.name.to_owned(), new.name.to_owned()));
            }
        }
        ending.renamed.sort();
    }

    /// What the sums come to.
    pub fn totals(&self) -> SumTotals {
        let mut totals = SumTotals::default();
        let (mut of_users, mut of_accounts) = ((Exact::ZERO, 0), (Exact::ZERO, 0));
        let mut names: HashMap<(Source, &str), &str> = HashMap::new();
        for (key, entry) in self.billable() {
            let name = *names.entry((key.source, &key.subject)).or_insert(&entry.name);
            let (sums, total) = match key.source {
                Source::AccountSums => (&mut totals.accounts, &mut of_accounts),
                Source::UserSums | Source::Jobs => (&mut totals.users, &mut of_users),
            };
            *sums.entry(name.to_owned()).or_default() += entry.cost;
            total.0 += entry.cost;
            total.1 += entry.pages;
        }
        let has_users = self.sums.keys().any(|key| key.source == Source::UserSums);
        (totals.cost, totals.pages) = if has_users { of_users } else { of_accounts };
        totals
    }

    /// What `jobs` come to, or the sums where there are no jobs.
    pub fn or_jobs(&self, jobs: IntakeTotals) -> IntakeTotals {
        if jobs.total.jobs > 0 {
            return jobs;
        }
        let sums = self.totals();
        let total = TotalsRow { pages: sums.pages, cost: sums.cost, ..TotalsRow::default() };
        IntakeTotals { total, users: sums.users, accounts: sums.accounts }
    }

    fn billable(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        self.sums.iter().filter(|(key, _)| {
            key.source != Source::AccountSums || !is_within(&key.subject, &self.rules.excluded)
        })
    }

    /// The periods that sums were given for.
    pub fn periods(&self) -> Vec<Period> {
        let mut periods: Vec<Period> = self.spans.keys().map(|(_, period)| *period).collect();
        periods.sort();
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
        let mut said: BTreeMap<(Source, &str), (&str, Exact)> = BTreeMap::new();
        for (key, entry) in self.billable().filter(|(key, _)| key.period == Some(period)) {
            said.entry((key.source, &key.subject)).or_insert((&entry.name, Exact::ZERO)).1 += entry.cost;
        }
        let mut findings = Vec::new();
        for ((source, subject), (name, cost)) in &said {
            let (what, jobs) = match source {
                Source::AccountSums => ("account", accounts),
                Source::UserSums | Source::Jobs => ("user", users),
            };
            let of_subject = jobs.iter().filter(|(other, _)| fold_name(other) == *subject);
            let counted: Exact = of_subject.map(|(_, cost)| *cost).sum();
            if counted != *cost {
                findings.push(differs_from_jobs(what, name, period, *cost, counted));
            }
        }
        let has = |source: Source| said.keys().any(|(of, _)| *of == source);
        for (source, what, jobs) in
            [(Source::UserSums, "user", users), (Source::AccountSums, "account", accounts)]
        {
            let is_said = |name: &str| {
                let name = fold_name(name);
                let is_left_out = source == Source::AccountSums && is_within(&name, &self.rules.excluded);
                is_left_out || said.contains_key(&(source, name.as_str()))
            };
            for (name, counted) in
                jobs.iter().filter(|(name, cost)| has(source) && !cost.is_zero() && !is_said(name))
            {
                findings.push(differs_from_jobs(what, name, period, Exact::ZERO, *counted));
            }
        }
        findings
    }

    /// Compares the sums of each wanted period with the jobs of its days, where there are any.
    pub fn beside_jobs(
        &self,
        ledger: &Ledger,
        site: SiteId,
        is_wanted: impl Fn(&Period) -> bool,
    ) -> Result<Vec<Finding>, LedgerError> {
        // PaperCut's sums know nothing of what the operator leaves out.
        let names = ledger.names(site)?;
        let exclusions = Exclusions::new(&names, Source::Jobs, &[], &[]);
        let mut findings = Vec::new();
        for period in self.periods().into_iter().filter(is_wanted) {
            let jobs = IntakeTotals::of(ledger, site, period, &names, &exclusions)?;
            if jobs.total.jobs > 0 {
                findings.extend(self.compare(period, &jobs.users, &jobs.accounts));
            }
        }
        Ok(findings)
    }

    /// The accounts of the report's rows, also of those that are never billed, in the form in which they compare.
    pub fn seen_accounts(&self) -> HashSet<String> {
        self.accounts.clone()
    }
}

/// All sums of a user or account of some days.
struct Summed<'b> {
    name: &'b str,
    cost: Exact,
    pages: i64,
}

fn by_subject<'b>(entries: impl Iterator<Item = (&'b Key, &'b Entry)>) -> BTreeMap<&'b str, Summed<'b>> {
    let mut subjects: BTreeMap<&str, Summed<'_>> = BTreeMap::new();
    for (key, entry) in entries {
        let none = Summed { name: &entry.name, cost: Exact::ZERO, pages: 0 };
        let sum = subjects.entry(key.subject.as_str()).or_insert(none);
        sum.cost += entry.cost;
        sum.pages += entry.pages;
    }
    subjects
}

fn differs_from_jobs(what: &str, name: &str, period: Period, said: Exact, counted: Exact) -> Finding {
    let difference = counted - said;
    let message = format!(
        "{what} `{name}`: the summary of {period} says {said}, the jobs come to {counted} (difference {difference})"
    );
    Finding::new(Severity::Warning, "sum-differs", message)
}

/// Whose a row is, and the name.
pub(super) fn subject_of<'a>(user: Option<&'a str>, account: Option<&'a str>) -> (Source, &'a str) {
    match user {
        Some(user) => (Source::UserSums, user),
        None => (Source::AccountSums, account.unwrap_or("")),
    }
}

/// An account that PaperCut made for itself.
pub(super) fn internal(source: Source, name: &str, row: u64) -> Option<Finding> {
    if source != Source::AccountSums || !name.starts_with(INTERNAL_MARK) {
        return None;
    }
    let reason = format!("not billed: `{name}` is a template account of PaperCut's own");
    Some(Finding::new(Severity::Note, "not-billable", reason).at_row(row))
}

/// An account that the operator excludes.
pub(super) fn excluded(source: Source, name: &str, row: u64, excluded: &HashSet<String>) -> Option<Finding> {
    if source != Source::AccountSums || !is_within(&fold_name(name), excluded) {
        return None;
    }
    let reason = format!("not billed: `{name}` is excluded by `exclude_accounts`");
    Some(Finding::new(Severity::Note, "not-billable", reason).at_row(row))
}

/// Sums that end in a period and do not lie in it, where the site is billed from them.
pub fn across(
    books: &Books<'_>,
    site: &SiteConfig,
    site_id: SiteId,
    period: Period,
) -> Result<Vec<Finding>, RunError> {
    let source = site.reports.bill_from;
    if source == Source::Jobs {
        return Ok(Vec::new());
    }
    let across = books.ledger.sums_across(site_id, period, source)?;
    let book = SumBook::load(&books.ledger, site_id, SumRules::default())?;
    let own = book.spans.keys().filter(|(of, own)| *of == source && period.contains(own.last_day()));
    let doubled = own.filter_map(|(_, own)| Some((*own, book.overlapping(source, *own)?)));
    let doubled = doubled.map(|(own, (other, report))| {
        let message = format!(
            "there are sums of {own} and, in {report}, of {other}: the days that they share would count twice; bill from \
             jobs, or begin a ledger with one summary of these days"
        );
        Finding::new(Severity::Error, "sums-overlap", message)
    });
    let told = books.ledger.sum_findings(site_id, source, period)?;
    Ok(across
        .into_iter()
        .map(|(report, own)| {
            let message = format!(
                "{report} has sums of {own}, which cannot be divided: bill `--period {}..{}` for them",
                own.first_day(),
                own.last_day()
            );
            Finding::new(Severity::Error, "sum-across-periods", message)
        })
        .chain(doubled)
        .chain(told)
        .collect())
}

/// What sums and jobs tell of each other, for the sums whose period is wanted.
pub fn beside(
    books: &Books<'_>,
    site: &SiteConfig,
    site_id: SiteId,
    is_wanted: impl Fn(&Period) -> bool,
) -> Result<Vec<Finding>, RunError> {
    // What was below zero is no sum of jobs.
    if site.papercut.as_ref().is_some_and(|papercut| papercut.changes.mode == BalanceMode::Overage) {
        return Ok(Vec::new());
    }
    let rules = SumRules::of(&site.exclude_accounts, &aliases(site));
    let book = SumBook::load(&books.ledger, site_id, rules)?;
    Ok(book.beside_jobs(&books.ledger, site_id, is_wanted)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Money;

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
        assert_eq!(book.sum(&row(Some("ann"), None, "1.00"), october()).is, RowIs::New);
        assert!(book.finish_report("a.csv").findings.is_empty());
        assert_eq!(book.sum(&row(Some("ANN"), None, "1.00"), october()).is, RowIs::Repeated);
        assert!(book.finish_report("a.csv").findings.is_empty());
        book.sum(&row(Some("ann"), None, "1.20"), october());
        let told = book.finish_report("a.csv").findings;
        assert_eq!(told.len(), 1);
        assert_eq!(
            told[0].message,
            "`ann` had cost 1.00 in an earlier report of 2026-10, and has 1.20 here; the earlier one holds"
        );
        assert_eq!(book.totals().cost.to_string(), "1.00");
    }

    #[test]
    fn users_and_accounts_of_one_period_are_not_added_up() {
        let mut book = SumBook::default();
        book.sum(&row(Some("ann"), None, "1.00"), october());
        book.sum(&row(None, Some("LABS"), "0.40"), october());
        book.finish_report("a.csv");
        let totals = book.totals();
        assert_eq!((totals.cost.to_string(), totals.pages), ("1.00".to_owned(), 2));
        assert_eq!(totals.accounts["LABS"].to_string(), "0.40");
    }

    #[test]
    fn a_difference_to_the_jobs_names_both_sides() {
        let mut book = SumBook::default();
        book.sum(&row(Some("omar"), None, "0.50"), october());
        book.finish_report("a.csv");
        let jobs = BTreeMap::from([("Omar".to_owned(), Exact::from("0.30".parse::<Money>().unwrap()))]);
        let told = book.compare(october().unwrap(), &jobs, &BTreeMap::new());
        assert_eq!(
            told[0].message,
            "user `omar`: the summary of 2026-10 says 0.50, the jobs come to 0.30 (difference -0.20)"
        );
    }
}
