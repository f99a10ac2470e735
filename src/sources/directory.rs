//! The directory's files: members, teams and account rules from CSV or XLSX.
//!
//! Columns are found by their headers, in any order; a column with another header is an identifier that a
//! receiving system may need. Everything that is wrong with a file is told at once, by row and column. Whether the
//! rows agree with each other is for the domain to say.

mod fields;
mod table;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use self::fields::{Layout, Reader, Record};
use crate::domain::{
    AccountMatch, AccountRule, Directory, DirectoryError, MemberRow, PayerId, Span, TeamRow,
};

/// The largest directory file, in bytes: a hundred thousand members take about ten million.
pub const DIRECTORY_SIZE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// One cell or row that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetProblem {
    /// Line of the file, or row of the sheet.
    pub row: u64,
    /// Header of the column, or empty where the row as a whole is wrong.
    pub column: String,
    /// What stands there.
    pub found: String,
    /// What should stand there.
    pub expected: String,
}

impl std::fmt::Display for SheetProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "row {}", self.row)?;
        if !self.column.is_empty() {
            write!(f, ", column `{}`", self.column)?;
        }
        write!(f, ": found {}, expected {}", self.found, self.expected)
    }
}

/// Why a directory file, or the directory that the files make, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryReadError {
    /// The file cannot be opened or read.
    #[error("cannot read `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file as a whole is not what it should be.
    #[error("`{file}`: found {found}, expected {expected}")]
    File {
        /// The file's name.
        file: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// Rows and cells that are wrong.
    #[error("`{file}`:{}", lines(.problems))]
    Rows {
        /// The file's name.
        file: String,
        /// All of them, in the order of the rows.
        problems: Vec<SheetProblem>,
    },
    /// Rows that cannot stand beside each other.
    #[error("the directory has no single meaning:{}", lines(.0))]
    Directory(Vec<DirectoryError>),
    /// Several files are wrong.
    #[error("several directory files are wrong:{}", lines(.0))]
    Several(Vec<DirectoryReadError>),
}

/// One message on the same line, several on lines of their own.
fn lines<T: ToString>(messages: &[T]) -> String {
    match messages {
        [one] => format!(" {}", one.to_string()),
        many => many.iter().map(|message| format!("\n  {}", message.to_string())).collect(),
    }
}

/// Reads the files and builds the directory; everything that is wrong with any of them is in the one error.
pub fn load(members: &Path, teams: &Path, accounts: Option<&Path>) -> Result<Directory, DirectoryReadError> {
    let members = open(members).and_then(|(file, bytes)| read_members(&file, &bytes));
    let teams = open(teams).and_then(|(file, bytes)| read_teams(&file, &bytes));
    let accounts = match accounts {
        Some(path) => open(path).and_then(|(file, bytes)| read_accounts(&file, &bytes)),
        None => Ok(Vec::new()),
    };
    match (members, teams, accounts) {
        (Ok(members), Ok((teams, mut rules)), Ok(more)) => {
            rules.extend(more);
            Directory::new(members, teams, rules).map_err(DirectoryReadError::Directory)
        }
        (members, teams, accounts) => {
            let errors = [members.err(), teams.err(), accounts.err()];
            let mut errors: Vec<DirectoryReadError> = errors.into_iter().flatten().collect();
            if errors.len() == 1 { Err(errors.remove(0)) } else { Err(DirectoryReadError::Several(errors)) }
        }
    }
}

/// The file's name, for messages, and its bytes.
fn open(path: &Path) -> Result<(String, Vec<u8>), DirectoryReadError> {
    let name =
        path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into());
    let failed = |source| DirectoryReadError::Open { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(DIRECTORY_SIZE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > DIRECTORY_SIZE_BYTES_MAX) {
        let found = format!("more than {DIRECTORY_SIZE_BYTES_MAX} bytes");
        return Err(DirectoryReadError::File {
            file: name,
            found,
            expected: "a list of members or teams".to_owned(),
        });
    }
    Ok((name, bytes))
}

const MEMBERS: Layout = Layout {
    fields: &[
        ("id", &["member_id", "member", "membership_id"]),
        ("name", &["full_name", "member_name"]),
        ("email", &["e_mail", "mail", "email_address", "e_mail_address"]),
        (
            "usernames",
            &[
                "username",
                "user_name",
                "user_names",
                "user",
                "users",
                "login",
                "papercut_username",
                "papercut_usernames",
            ],
        ),
        ("aliases", &["alias", "other_names", "username_alias", "username_aliases"]),
        ("team", &["team_id", "company", "company_id"]),
        ("from", &["from_date", "valid_from", "start", "start_date", "since"]),
        ("to", &["to_date", "valid_to", "end", "end_date", "until"]),
        ("plan", &["plan_name"]),
        ("code", &["payer_code", "invoice_code"]),
    ],
    needed: &["id", "name", "usernames"],
    identifiers: true,
};

const TEAMS: Layout = Layout {
    fields: &[
        ("id", &["team_id", "team", "company_id"]),
        ("name", &["team_name", "company", "company_name"]),
        ("email", &["e_mail", "mail", "email_address", "e_mail_address"]),
        ("seats", &["seat_count", "desks"]),
        ("plan", &["plan_name"]),
        ("accounts", &["account", "shared_account", "shared_accounts"]),
        ("code", &["payer_code", "invoice_code"]),
        ("from", &["from_date", "valid_from", "start", "start_date", "since"]),
        ("to", &["to_date", "valid_to", "end", "end_date", "until"]),
    ],
    needed: &["id", "name"],
    identifiers: true,
};

const ACCOUNTS: Layout = Layout {
    fields: &[
        ("account", &["shared_account", "account_name", "accounts"]),
        ("match", &["match_kind", "kind"]),
        ("payer", &["payer_id", "paid_by"]),
        ("from", &["from_date", "valid_from", "start", "start_date", "since"]),
        ("to", &["to_date", "valid_to", "end", "end_date", "until"]),
    ],
    needed: &["account", "payer"],
    identifiers: false,
};

/// Reads members. `file` is the name for messages.
pub fn read_members(file: &str, bytes: &[u8]) -> Result<Vec<MemberRow>, DirectoryReadError> {
    let mut reader = Reader::new(file, bytes, &MEMBERS)?;
    let rows = reader.each(|record| {
        // All cells are read before the row is given up, so that all that is wrong with it is told.
        let (id, name, span) = (record.needed_text("id"), record.needed_text("name"), span(record));
        let email = record.text("email").unwrap_or_default();
        Some(MemberRow {
            email,
            usernames: record.names("usernames"),
            aliases: record.names("aliases"),
            team: record.text("team"),
            plan: record.text("plan"),
            code: record.text("code"),
            identifiers: record.identifiers(),
            place: record.place(),
            id: id?,
            name: name?,
            span: span?,
        })
    });
    reader.finish(rows)
}

/// Reads teams, and the account rules of their `accounts` column, which hold on the days of their row.
pub fn read_teams(file: &str, bytes: &[u8]) -> Result<(Vec<TeamRow>, Vec<AccountRule>), DirectoryReadError> {
    let mut reader = Reader::new(file, bytes, &TEAMS)?;
    let rows = reader.each(|record| {
        let (id, name, span) = (record.needed_text("id"), record.needed_text("name"), span(record));
        let email = record.text("email").unwrap_or_default();
        let (seats, accounts) = (record.whole("seats"), record.names("accounts"));
        let (plan, code) = (record.text("plan"), record.text("code"));
        let (identifiers, place) = (record.identifiers(), record.place());
        let (id, name, span) = (id?, name?, span?);
        let rule = |text: &String| {
            let (kind, account) = rule_text(text);
            let payer = PayerId::Team(id.clone());
            AccountRule { account: account.to_owned(), kind, payer, span, place: place.clone() }
        };
        let rules: Vec<AccountRule> = accounts.iter().map(rule).collect();
        Some((TeamRow { id, name, email, seats, span, plan, code, identifiers, place }, rules))
    });
    let (teams, rules): (Vec<TeamRow>, Vec<Vec<AccountRule>>) = reader.finish(rows)?.into_iter().unzip();
    Ok((teams, rules.into_iter().flatten().collect()))
}

/// Reads account rules.
///
/// The column `match` may be left out or empty: then an account is read as in a team's `accounts` column.
pub fn read_accounts(file: &str, bytes: &[u8]) -> Result<Vec<AccountRule>, DirectoryReadError> {
    let mut reader = Reader::new(file, bytes, &ACCOUNTS)?;
    let rows = reader.each(|record| {
        let (text, payer, span) = (record.needed_text("account"), payer(record), span(record));
        let kind = match record.text("match").map(|word| word.to_lowercase()) {
            None => None,
            Some(word) => match AccountMatch::parse(&word) {
                Some(kind) => Some(kind),
                None => return record.wrong("match", format!("`{word}`"), "`exact`, `parent` or `pattern`"),
            },
        };
        let text = text?;
        let (kind, account) = kind.map_or_else(|| rule_text(&text), |kind| (kind, text.as_str()));
        Some(AccountRule {
            account: account.to_owned(),
            kind,
            payer: payer?,
            span: span?,
            place: record.place(),
        })
    });
    reader.finish(rows)
}

/// `=Kestrel` is that account, a text with `*` or `?` a pattern, any other the account and all below it.
fn rule_text(text: &str) -> (AccountMatch, &str) {
    match text.strip_prefix('=') {
        Some(account) => (AccountMatch::Exact, account.trim()),
        None if text.contains(['*', '?']) => (AccountMatch::Pattern, text),
        None => (AccountMatch::Parent, text),
    }
}

/// The payer of a rule.
fn payer(record: &mut Record<'_>) -> Option<PayerId> {
    let text = record.needed_text("payer")?;
    match PayerId::parse(&text) {
        Some(payer) => Some(payer),
        None => {
            record.wrong("payer", format!("`{text}`"), "`team:` or `member:` and an id, such as `team:T100`")
        }
    }
}

/// The days of a row.
fn span(record: &mut Record<'_>) -> Option<Span> {
    let (from, to) = (record.day("from"), record.day("to"));
    let (from, to) = (from?, to?);
    match Span::new(from, to) {
        Some(span) => Some(span),
        None => {
            let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
            record.wrong("to", format!("`{}`", day(to)), &format!("a day not before `{}`", day(from)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_by_header_in_any_order() {
        let text = "# exported by hand\n\
            E-Mail;Xero contact;Username;Member ID;Full Name;Company;to;From;plan;Other names;code\n\
            ;;;;;;;;;;\n\
            a@x.example;Quay, Nora;nora.quay; 007 ;Nora Quay;T100;2026-10-11;;;;\n\
            ;;\"Sand, Ella; NORTH\\e.sand\nesand\";M2;Ella Sand;;;2026-01-01;pool;old.ella;SAND\n";
        let rows = read_members("members.csv", text.as_bytes()).unwrap();
        let [nora, ella] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(
            (nora.id.as_str(), nora.name.as_str(), nora.email.as_str()),
            ("007", "Nora Quay", "a@x.example")
        );
        assert_eq!((nora.team.as_deref(), nora.span.to_string().as_str()), (Some("T100"), "to 2026-10-11"));
        assert_eq!(nora.identifiers["xero_contact"], "Quay, Nora");
        assert_eq!(nora.place.to_string(), "members.csv, row 4");
        assert_eq!(ella.usernames, ["Sand, Ella", "NORTH\\e.sand", "esand"]);
        assert_eq!(
            (ella.team.as_deref(), ella.plan.as_deref(), ella.code.as_deref()),
            (None, Some("pool"), Some("SAND"))
        );
        assert_eq!(
            (ella.aliases.join(""), ella.span.to_string()),
            ("old.ella".to_owned(), "from 2026-01-01".to_owned())
        );
        assert!(ella.identifiers.is_empty());
    }

    #[test]
    fn teams_bring_rules_and_accounts_more() {
        let text =
            "id,name,seats,accounts,to\nT100,Kestrel,4,Kestrel;=Annexe; Proj-??,2026-12-31\nT200,Quay,,,\n";
        let (teams, mut rules) = read_teams("teams.csv", text.as_bytes()).unwrap();
        assert_eq!(teams.iter().map(|team| team.seats).collect::<Vec<_>>(), [Some(4), None]);
        let text = "payer,account,match\nmember:M1,Lab,EXACT\nteam:T100,Lab*,\nteam:T100,what?,exact\n";
        rules.extend(read_accounts("accounts.csv", text.as_bytes()).unwrap());
        let shown: Vec<String> = rules
            .iter()
            .map(|rule| format!("{} {} {} {}", rule.kind.as_str(), rule.account, rule.payer, rule.span))
            .collect();
        assert_eq!(
            shown,
            [
                "parent Kestrel team:T100 to 2026-12-31",
                "exact Annexe team:T100 to 2026-12-31",
                "pattern Proj-?? team:T100 to 2026-12-31",
                "exact Lab member:M1 on all days",
                "pattern Lab* team:T100 on all days",
                "exact what? team:T100 on all days",
            ]
        );
    }

    #[test]
    fn everything_that_is_wrong_with_a_file_is_told_at_once() {
        let members = |text: &str| read_members("members.csv", text.as_bytes()).unwrap_err().to_string();
        let teams = |text: &str| read_teams("teams.csv", text.as_bytes()).unwrap_err().to_string();
        let accounts = |text: &str| read_accounts("accounts.csv", text.as_bytes()).unwrap_err().to_string();
        let errors = [
            members(""),
            members("# only a comment\n"),
            members("id,nmae\nM1,Ann\n"),
            members("id,name,usernames,user,Xero-ID,xero id\n"),
            members(
                "id,name,usernames,Start,to\n,Ann,ann,,\nM2,,b,12/10/2026,2026-10-32\n\
                 M3,Cy,c,2026-10-12,2026-10-11\nM4,Di,d,,,stray\n",
            ),
            teams("id,name,seats\nT1,Kestrel,-1\nT2,Quay,two\nT3,Sand,+3\n"),
            accounts("account,match,payer\nLab,prefix,team:T1\nLab,,T1\n,exact,team:T1\n"),
            members("id,name,usernames\nM1,Ann,\"ann\nM2,Bo,bo\n"),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r##"
        `members.csv`: found an empty file, expected a header and rows
        `members.csv`: found no header, expected the columns `id`, `name`, `usernames`
        `members.csv`: row 1: found the columns `id`, `nmae`, expected `name`, `usernames` beside them
        `members.csv`: row 1, column `xero id`: found it beside `Xero-ID`, expected each header once
        `members.csv`:
          row 2, column `id`: found nothing, expected a text
          row 3, column `name`: found nothing, expected a text
          row 3, column `Start`: found `12/10/2026`, expected a day such as `2026-10-12`
          row 3, column `to`: found `2026-10-32`, expected a day such as `2026-10-12`
          row 4, column `to`: found `2026-10-11`, expected a day not before `2026-10-12`
          row 5, column `6`: found `stray`, expected no cell without a header above it
        `teams.csv`:
          row 2, column `seats`: found `-1`, expected a whole number
          row 3, column `seats`: found `two`, expected a whole number
          row 4, column `seats`: found `+3`, expected a whole number
        `accounts.csv`:
          row 2, column `match`: found `prefix`, expected `exact`, `parent` or `pattern`
          row 3, column `payer`: found `T1`, expected `team:` or `member:` and an id, such as `team:T100`
          row 4, column `account`: found nothing, expected a text
        `members.csv`: found a quote in row 2 that is never closed, expected a quote at the cell's end too
        "##);
    }

    #[test]
    fn a_header_that_is_a_fields_own_name_goes_before_other_headers() {
        let text = "id,name,usernames,company,team\nM1,Ann,ann,Kestrel Ltd,T100\n";
        let rows = read_members("members.csv", text.as_bytes()).unwrap();
        assert_eq!(rows[0].team.as_deref(), Some("T100"));
        assert_eq!(rows[0].identifiers["company"], "Kestrel Ltd");
    }

    #[test]
    fn all_files_are_read_before_any_is_blamed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let members = path("members.csv", "id,name,usernames\nM1,Ann,ann\n");
        let teams = path("teams.csv", "id,name\nT1,Kestrel\n");
        let directory = load(&members, &teams, None).unwrap();
        assert_eq!((directory.members().len(), directory.teams().len()), (1, 1));
        let same = path("same.csv", "id,name\nM1,Kestrel\n");
        let errors = [
            load(&path("bad.csv", "id\n"), &folder.path().join("none.csv"), None).unwrap_err(),
            load(&members, &same, None).unwrap_err(),
        ];
        let shown = errors.map(|error| error.to_string().replace(&folder.path().display().to_string(), "…"));
        insta::assert_snapshot!(shown.join("\n"), @r##"
        several directory files are wrong:
          `bad.csv`: row 1: found the columns `id`, expected `name`, `usernames` beside them
          cannot read `…/none.csv`
        the directory has no single meaning: found the code `M1` for `team:M1` and `member:M1`, expected another code for each; give one of them its own in the column `code`
        "##);
    }
}
