//! Directory sheets: members, teams and account rules, as text or with the members in a workbook.
#![no_main]

use std::fmt::Write;
use std::path::Path;

use libfuzzer_sys::{Corpus, fuzz_target};
use papertally::domain::PersonalJobs;
use papertally::sources::directory::load;
use papertally_fuzz::{file, parts, workbook};

/// Users and accounts that the directory is asked about: each with each.
const ASKED_MAX: usize = 8;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((flags, rest)) = data.split_first() else { return Corpus::Reject };
    let parts = parts(rest, 5);
    let &[members, teams, accounts, texts, styles] = parts.as_slice() else { return Corpus::Reject };
    let book;
    let members = if flags & 2 == 0 {
        members
    } else {
        let Some(made) = workbook::xlsx([members, texts, styles, b"", b"", b""]) else {
            return Corpus::Reject;
        };
        book = made;
        &book
    };
    let members = file("members", members);
    let teams = file("teams", teams);
    let accounts = (flags & 1 == 1).then(|| file("accounts", accounts));
    let once = outcome(&members, &teams, accounts.as_deref());
    let twice = outcome(&members, &teams, accounts.as_deref());
    assert_eq!(once, twice, "the same files were read in two ways");
    Corpus::Keep
});

/// What the directory says of all that it names, or all that is wrong with the files.
fn outcome(members: &Path, teams: &Path, accounts: Option<&Path>) -> Result<String, String> {
    let directory = load(members, teams, accounts).map_err(|error| error.to_string())?;
    let mut said = format!("{:?} {:?}", directory.digest(), directory.findings());
    let Ok(day) = "2026-10-01".parse() else { return Ok(said) };
    let users = directory.members().iter().flat_map(|member| &member.usernames);
    let users: Vec<&str> = users.map(String::as_str).take(ASKED_MAX).collect();
    let accounts = directory.rules().iter().map(|rule| rule.account.as_str());
    for account in [""].into_iter().chain(accounts).take(ASKED_MAX) {
        for user in &users {
            for personal in [PersonalJobs::Team, PersonalJobs::Member] {
                let _ = write!(said, " {:?}", directory.payer_of(user, account, day, personal));
            }
        }
    }
    Ok(said)
}
