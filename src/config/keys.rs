//! Every configuration key, once; and what is said about one that is not among them.

use toml::{Table, Value};

use super::error::Problem;
use super::raw::{entry_name, join, one_of};

/// Every key by its path. Entries of a list have no name here (`site.currency`), and `*` is a key that the
/// operator chooses. README names each of them, which a test keeps so.
pub const KEYS: &[&str] = &[
    "as_of",
    "ledger.path",
    "output.folder",
    "output.templates",
    "output.statements",
    "privacy.document_names",
    "site.name",
    "site.time_zone",
    "site.currency",
    "site.inbox",
    "site.exclude_accounts",
    "site.ignore_printers",
    "site.quiet_seconds",
    "site.invoice_prefix",
    "site.alias.*",
    "site.reports.date_order",
    "site.reports.decimal_mark",
    "site.reports.encoding",
    "site.reports.kind",
    "site.reports.sheets",
    "site.reports.bill_from",
    "site.reports.columns.*",
    "site.layout.name",
    "site.layout.rows",
    "site.layout.columns.*",
    "site.layout.more_columns",
    "site.layout.delimiter",
    "site.layout.quotes",
    "site.layout.growing",
    "site.layout.follow",
    "site.layout.constants.*",
    "site.layout.date_format",
    "site.layout.date_order",
    "site.layout.decimal_mark",
    "site.layout.charges",
    "site.layout.types.*",
    "site.layout.only.*",
    "site.layout.leave_out.*",
    "site.layout.personal",
    "site.papercut.url",
    "site.papercut.token_file",
    "site.papercut.token_env",
    "site.papercut.ca_file",
    "site.papercut.certificate_sha256",
    "site.papercut.timeout_seconds",
    "site.papercut.calls_in_flight",
    "site.papercut.read_balances",
    "site.papercut.personal_account",
    "site.papercut.report.name",
    "site.papercut.report.title",
    "site.papercut.report.type",
    "site.papercut.report.parameters",
    "site.papercut.report.extension",
    "site.papercut.report.save_as",
    "site.papercut.report.pick_up",
    "site.papercut.report.covers",
    "site.papercut.report.when",
    "site.papercut.report.wait_seconds",
    "site.papercut.balance_changes",
    "site.papercut.balance_target",
    "site.papercut.quota_time",
    "site.papercut.account_change_max",
    "site.papercut.run_change_max",
    "site.papercut.hold_days",
    "site.papercut.exclude_users",
    "site.papercut.exclude_accounts",
    "directory.members",
    "directory.teams",
    "directory.accounts",
    "directory.personal_jobs",
    "tax.name",
    "tax.percent",
    "plan.name",
    "plan.basis",
    "plan.mono",
    "plan.colour",
    "plan.markup_percent",
    "plan.tax",
    "plan.balance_changes",
    "plan.balance_target",
    "plan.allowance.mono_pages",
    "plan.allowance.colour_pages",
    "plan.allowance.money",
    "plan.allowance.per",
    "plan.price.type",
    "plan.price.paper",
    "plan.price.mono",
    "plan.price.colour",
    "billing.default_plan",
    "billing.first_period",
    "billing.schedule",
    "billing.invoice_prefix",
    "billing.invoice_date",
    "billing.due_days",
    "billing.despite_gaps",
    "receiver.name",
    "receiver.format",
    "receiver.account_code",
    "receiver.date_order",
    "receiver.encoding",
    "receiver.tax_types.*",
    "receiver.item",
    "receiver.terms",
    "receiver.department",
    "receiver.receivable_account",
    "receiver.income_account",
    "receiver.tax_account",
    "receiver.commodity",
    "receiver.commodity_side",
    "receiver.location",
    "receiver.price_mode",
    "receiver.plan_prices.*",
    "receiver.headings",
    "receiver.tax_rounding",
    "receiver.external_ids",
    "mail.transport",
    "mail.from",
    "mail.to",
    "mail.reply_to",
    "mail.folder",
    "mail.attach",
    "mail.when",
    "mail.smtp.host",
    "mail.smtp.port",
    "mail.smtp.security",
    "mail.smtp.username",
    "mail.smtp.password_file",
    "mail.smtp.password_env",
    "mail.smtp.ca_file",
    "mail.smtp.timeout_seconds",
];

/// A problem for each key that is not known, with the nearest one that is.
pub(super) fn unknown(root: &Table) -> Vec<Problem> {
    let mut problems = Vec::new();
    walk(root, "", "", &mut problems);
    problems
}

/// `general` is the path as in [`KEYS`], `path` the one with the names of list entries.
fn walk(table: &Table, general: &str, path: &str, problems: &mut Vec<Problem>) {
    for (key, value) in table {
        let below = if general.is_empty() { key.clone() } else { format!("{general}.{key}") };
        let here = join(path, key);
        if KEYS.contains(&below.as_str()) || KEYS.contains(&format!("{general}.*").as_str()) {
            continue;
        }
        if key.contains('.') || !KEYS.iter().any(|known| known.starts_with(&format!("{below}."))) {
            problems.push(Problem {
                key: here,
                found: "an unknown key".to_owned(),
                expected: suggestion(general, key),
            });
            continue;
        }
        match value {
            Value::Table(table) => walk(table, &below, &here, problems),
            Value::Array(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    if let Value::Table(table) = entry {
                        walk(table, &below, &join(&here, &entry_name(table, index)), problems);
                    }
                }
            }
            _ => {} // A section that is no table is told where it is read.
        }
    }
}

/// The nearest key of the same section, else the same key in another section, else all keys of the section.
fn suggestion(general: &str, key: &str) -> String {
    let siblings = siblings(general);
    let distance = |known: &str| strsim::damerau_levenshtein(&key.to_lowercase(), known);
    let nearest = siblings.iter().min_by_key(|known| distance(known)).copied();
    if let Some(nearest) = nearest.filter(|known| distance(known) <= (key.chars().count() / 3).max(1)) {
        return format!("`{}`, which is the nearest known key", join(general, nearest));
    }
    let elsewhere = KEYS.iter().filter(|known| known.rsplit('.').next() == Some(key));
    let elsewhere: Vec<&str> = elsewhere.copied().collect();
    if !elsewhere.is_empty() {
        return format!("it as {}", one_of(elsewhere.into_iter()));
    }
    one_of(siblings.into_iter())
}

/// The keys and sections directly in a section.
fn siblings(general: &str) -> Vec<&'static str> {
    let prefix = if general.is_empty() { String::new() } else { format!("{general}.") };
    let mut names: Vec<&'static str> = Vec::new();
    for rest in KEYS.iter().filter_map(|known| known.strip_prefix(prefix.as_str())) {
        let name = rest.split('.').next().unwrap_or(rest);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_listed_twice_or_below_another() {
        for (index, key) in KEYS.iter().enumerate() {
            let clash =
                KEYS[..index].iter().find(|other| *other == key || key.starts_with(&format!("{other}.")));
            assert_eq!(clash, None, "{key}");
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let check = |text: &str, expected: &str| {
            let problems = unknown(&text.parse::<Table>().unwrap());
            let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
            assert_eq!(problems.join("\n"), expected);
        };
        check("[ledger]\npath = 'x'\n[site]\nalias = {'a b' = 'c'}", "");
        check(
            "[[site]]\nname = 'harbour'\ntimezone = 'UTC'",
            "`site.harbour.timezone`: found an unknown key, expected `site.time_zone`, which is the nearest known key",
        );
        check(
            "[[plan]]\n[[plan.price]]\nnono = 1",
            "`plan.1.price.1.nono`: found an unknown key, expected `plan.price.mono`, which is the nearest known key",
        );
        check("inbox = ['a']", "`inbox`: found an unknown key, expected it as `site.inbox`");
        check(
            "[mail.smtp]\npassword = 'hunter2'",
            "`mail.smtp.password`: found an unknown key, expected `host`, `port`, `security`, `username`, \
             `password_file`, `password_env`, `ca_file` or `timeout_seconds`",
        );
    }
}
