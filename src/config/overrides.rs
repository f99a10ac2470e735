//! `--set KEY=VALUE`: one key of the configuration replaced before it is checked.

use toml::{Table, Value};

use super::error::Problem;
use super::raw::{entry_name, join, one_of};

/// Lists whose entries are named in a key's path.
const LISTS: &[&str] = &["site", "layout", "report", "tax", "plan", "price", "receiver"];

/// Applies one `KEY=VALUE`. The key itself is checked with the rest of the configuration.
///
/// Entries of a list are named: `site.harbour.currency=EUR`; one without a name is counted: `price.1`. A value
/// is TOML where it reads as such (`true`, `14`, `["a", "b"]`), and a text where it does not.
pub(super) fn apply(root: &mut Table, assignment: &str) -> Result<(), Problem> {
    // The value is left out of every message: it may be a secret in the wrong place.
    let (path, value) = assignment.split_once('=').ok_or_else(|| Problem {
        key: assignment.to_owned(),
        found: "no `=`".to_owned(),
        expected: "`KEY=VALUE`, such as `billing.due_days=30`".to_owned(),
    })?;
    let parts = split(path.trim()).ok_or_else(|| Problem {
        key: path.to_owned(),
        found: "an empty part or an open quote".to_owned(),
        expected: "names with points between them, such as `site.harbour.currency`".to_owned(),
    })?;
    set(root, &parts, "", parse_value(value))
}

/// The parts of a dotted path; a part may stand in double quotes.
fn split(path: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut in_quotes = false;
    for letter in path.chars() {
        match letter {
            '"' => in_quotes = !in_quotes,
            '.' if !in_quotes => parts.push(String::new()),
            _ => parts.last_mut()?.push(letter),
        }
    }
    (!in_quotes && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

/// A float becomes its text: no key holds one, and on a command line nobody writes quotes in quotes.
fn parse_value(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok().filter(|table| table.len() == 1);
    match parsed.and_then(|mut table| table.remove("value")) {
        None | Some(Value::Float(_)) => Value::String(text.to_owned()),
        Some(value) => value,
    }
}

fn set(table: &mut Table, parts: &[String], path: &str, value: Value) -> Result<(), Problem> {
    let Some((key, rest)) = parts.split_first() else { return Ok(()) };
    let here = join(path, key);
    if rest.is_empty() {
        table.insert(key.clone(), value);
        return Ok(());
    }
    let is_list = LISTS.contains(&key.as_str());
    let empty = if is_list { Value::Array(Vec::new()) } else { Value::Table(Table::new()) };
    match table.entry(key.clone()).or_insert(empty) {
        Value::Table(below) => set(below, rest, &here, value),
        Value::Array(entries) if is_list => set_in_list(entries, rest, &here, value),
        _ => Err(Problem {
            key: here,
            found: "a value".to_owned(),
            expected: format!("a table that could hold `{}`", rest.join(".")),
        }),
    }
}

fn set_in_list(entries: &mut [Value], parts: &[String], path: &str, value: Value) -> Result<(), Problem> {
    let Some((name, rest)) = parts.split_first() else { return Ok(()) };
    let tables = || entries.iter().enumerate().filter_map(|(index, entry)| Some((index, entry.as_table()?)));
    let names: Vec<String> = tables().map(|(index, table)| entry_name(table, index)).collect();
    let found = tables().find(|(index, table)| entry_name(table, *index) == *name).map(|(index, _)| index);
    match found.and_then(|index| entries.get_mut(index)).and_then(Value::as_table_mut) {
        Some(table) if !rest.is_empty() => set(table, rest, &join(path, name), value),
        Some(_) => Err(Problem {
            key: join(path, name),
            found: "the whole entry".to_owned(),
            expected: "one of its keys after it, with a point between".to_owned(),
        }),
        None => Err(Problem {
            key: join(path, name),
            found: "no entry of that name".to_owned(),
            expected: one_of(names.iter().map(String::as_str)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_is_replaced_or_the_place_is_named() {
        let check = |assignment: &str, expected: Result<&str, &str>| {
            let text =
                "[[site]]\nname = 'harbour'\n[[plan]]\n[[plan.price]]\nmono = '1'\n[ledger]\npath = 'a'";
            let mut root = text.parse::<Table>().unwrap();
            let done = apply(&mut root, assignment).map(|()| root.to_string().replace('\n', "; "));
            match (done, expected) {
                (Ok(shown), Ok(expected)) => assert!(shown.contains(expected), "{shown}"),
                (Err(problem), Err(expected)) => assert_eq!(problem.to_string(), expected),
                (done, _) => panic!("{assignment}: {done:?}"),
            }
        };
        check("ledger.path=b.sqlite", Ok("path = \"b.sqlite\""));
        check(
            "site.harbour.papercut.url=https://print.example:9192",
            Ok("url = \"https://print.example:9192\""),
        );
        check("site.harbour.inbox=[\"x\", \"y\"]", Ok("inbox = [\"x\", \"y\"]"));
        check("site.harbour.alias.\"old.user\"=new", Ok("\"old.user\" = \"new\""));
        check("plan.1.price.1.mono=0.08", Ok("mono = \"0.08\""));
        check("billing.due_days=30", Ok("due_days = 30"));
        check("billing.first_period=2026-10", Ok("first_period = \"2026-10\""));
        check("as_of=2026-11-02T06:00:00", Ok("as_of = 2026-11-02T06:00:00"));
        check("ledger.path=", Ok("path = \"\""));
        check("ledger.path=x\ny = 1", Ok("path = "));
        check(
            "site.habour.currency=EUR",
            Err("`site.habour`: found no entry of that name, expected `harbour`"),
        );
        check(
            "site.harbour=x",
            Err(
                "`site.harbour`: found the whole entry, expected one of its keys after it, with a point between",
            ),
        );
        check("ledger.path.x=1", Err("`ledger.path`: found a value, expected a table that could hold `x`"));
        check("nothing", Err("`nothing`: found no `=`, expected `KEY=VALUE`, such as `billing.due_days=30`"));
        check(
            "a..b=1",
            Err(
                "`a..b`: found an empty part or an open quote, expected names with points between them, such as `site.harbour.currency`",
            ),
        );
    }
}
