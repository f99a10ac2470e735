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
    #[error("`{file}`: {}", lines(.problems))]
    Rows {
        /// The file's name.
        file: String,
        /// All of them, in the order of the rows.
        problems: Vec<SheetProblem>,
    },
    /// Rows that cannot stand beside each other.
    #[error("the directory has no single meaning: {}", lines(.0))]
    Directory(Vec<DirectoryError>),
    /// Several files are wrong.
    #[error("several directory files are wrong: {}", lines(.0))]
    Several(Vec<DirectoryReadError>),
}

/// One message on the same line, several on lines of their own.
fn lines<T: ToString>(messages: &[T]) -> String {
    match messages {
        [one] => one.to_string(),
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
        ("usernames", &["username", "user", "users", "login", "papercut_username", "papercut_usernames"]),
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
        let id = record.needed_text("id")?;
        let name = record.needed_text("name")?;
        Some(MemberRow {
            id,
            name,
            email: record.text("email").unwrap_or_default(),
            usernames: record.names("usernames"),
            aliases: record.names("aliases"),
            team: record.text("team"),
            span: span(record)?,
            plan: record.text("plan"),
            code: record.text("code"),
            identifiers: record.identifiers(),
            place: record.place(),
        })
    });
    reader.finish(rows)
}

/// Reads teams, and the account rules of their `accounts` column, which hold on the days of their row.
pub fn read_teams(file: &str, bytes: &[u8]) -> Result<(Vec<TeamRow>, Vec<AccountRule>), DirectoryReadError> {
    let mut reader = Reader::new(file, bytes, &TEAMS)?;
    let rows = reader.each(|record| {
        let id = record.needed_text("id")?;
        let name = record.needed_text("name")?;
        let span = span(record)?;
        let payer = PayerId::Team(id.clone());
        let place = record.place();
        let rules = record.names("accounts").into_iter().map(|text| {
            let (kind, account) = rule_text(&text);
            AccountRule {
                account: account.to_owned(),
                kind,
                payer: payer.clone(),
                span,
                place: place.clone(),
            }
        });
        let rules: Vec<AccountRule> = rules.collect();
        let team = TeamRow {
            id,
            name,
            email: record.text("email").unwrap_or_default(),
            seats: record.whole("seats"),
            span,
            plan: record.text("plan"),
            code: record.text("code"),
            identifiers: record.identifiers(),
            place,
        };
        Some((team, rules))
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
        let text = record.needed_text("account")?;
        let (kind, account) = match record.text("match") {
            None => rule_text(&text),
            Some(word) => match AccountMatch::parse(&word.to_lowercase()) {
                Some(kind) => (kind, text.as_str()),
                None => return record.wrong("match", format!("`{word}`"), "`exact`, `parent` or `pattern`"),
            },
        };
        let payer = record.needed_text("payer")?;
        let Some(payer) = PayerId::parse(&payer) else {
            return record.wrong(
                "payer",
                format!("`{payer}`"),
                "`team:` or `member:` and an id, such as `team:T100`",
            );
        };
        Some(AccountRule {
            account: account.to_owned(),
            kind,
            payer,
            span: span(record)?,
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

/// The days of a row.
fn span(record: &mut Record<'_>) -> Option<Span> {
    let (from, to) = (record.day("from")?, record.day("to")?);
    match Span::new(from, to) {
        Some(span) => Some(span),
        None => {
            let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
            record.wrong("to", format!("`{}`", day(to)), &format!("a day not before `{}`", day(from)))
        }
    }
}
