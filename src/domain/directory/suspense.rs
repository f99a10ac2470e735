//! Why nobody pays for a job yet, and what would mend it.

use std::fmt;

use super::record::Span;
use crate::domain::invoice::PayerId;

/// The reason for which a job waits for the directory.
///
/// Its text names no day, so that all jobs of one user or account with one reason stand in one line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SuspenseReason {
    /// The username is in no member row.
    UserUnknown {
        /// The username in the report.
        user: String,
        /// What it looks like, as ``user `x` of member `M1` ``; never taken for it unasked.
        like: Vec<String>,
    },
    /// The username is a member's, but on other days.
    UserOtherDays {
        /// The username in the report.
        user: String,
        /// Members and the days on which the username is theirs.
        members: Vec<(String, Span)>,
    },
    /// The username is that of several members on one day.
    UserAmbiguous {
        /// The username in the report.
        user: String,
        /// The members' ids, in order.
        members: Vec<String>,
    },
    /// The member is in several teams on one day.
    TeamAmbiguous {
        /// The member's id.
        member: String,
        /// The teams, in order; a row without a team is `none`.
        teams: Vec<String>,
    },
    /// The account is in no team's accounts and in no rule.
    AccountUnknown {
        /// The account in the report.
        account: String,
    },
    /// The account has a rule, but on other days.
    AccountOtherDays {
        /// The account in the report.
        account: String,
        /// Payers and the days of their rules.
        payers: Vec<(PayerId, Span)>,
    },
    /// Rules of the same kind give the account to several payers on one day.
    AccountAmbiguous {
        /// The account in the report.
        account: String,
        /// The payers, in order.
        payers: Vec<PayerId>,
    },
    /// A member row or a rule names a payer who is in no row.
    PayerUnknown {
        /// The payer that is named.
        payer: PayerId,
    },
    /// The payer is in the directory, but on other days.
    PayerOtherDays {
        /// The payer.
        payer: PayerId,
        /// The days.
        spans: Vec<Span>,
    },
    /// Rows of one payer contradict each other.
    PayerContradicts {
        /// The payer.
        payer: PayerId,
        /// `name` or `plan`.
        column: &'static str,
        /// The values, in order.
        values: Vec<String>,
    },
}

impl fmt::Display for SuspenseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SuspenseReason::UserUnknown { user, like } => unknown_user(f, user, like),
            SuspenseReason::UserOtherDays { user, members } => {
                let days = listed(members.iter().map(|(id, span)| format!("member `{id}` {span}")));
                write!(f, "user `{user}` is {days} only; mend the dates, or add a row to the members file")
            }
            SuspenseReason::UserAmbiguous { user, members } => {
                let members = listed(members.iter().map(|id| format!("`{id}`")));
                write!(
                    f,
                    "user `{user}` is a username of members {members} on the same day; leave it with one of \
                     them, or give their rows dates that do not overlap"
                )
            }
            SuspenseReason::TeamAmbiguous { member, teams } => {
                let teams = listed(teams.iter().map(|team| format!("`{team}`")));
                write!(
                    f,
                    "member `{member}` is in teams {teams} on the same day; give the rows dates that do not \
                     overlap"
                )
            }
            SuspenseReason::AccountUnknown { account } => write!(
                f,
                "account `{account}` is in no team or rule; add it to the accounts column of the teams file, \
                 or to the accounts file"
            ),
            SuspenseReason::AccountOtherDays { account, payers } => {
                let days = listed(payers.iter().map(|(payer, span)| format!("`{payer}` {span}")));
                write!(f, "account `{account}` belongs to {days} only; mend the dates, or add a rule")
            }
            SuspenseReason::AccountAmbiguous { account, payers } => {
                let payers = listed(payers.iter().map(|payer| format!("`{payer}`")));
                write!(
                    f,
                    "account `{account}` belongs to {payers} by rules of the same kind; leave it with one of \
                     them, or add an exact rule"
                )
            }
            SuspenseReason::PayerUnknown { payer } => {
                let (kind, file) = kind_and_file(payer);
                write!(f, "{kind} `{}` is in no row of the {file} file; add it, or mend the id", payer.id())
            }
            SuspenseReason::PayerOtherDays { payer, spans } => {
                let (kind, file) = kind_and_file(payer);
                let days = listed(spans.iter().map(Span::to_string));
                write!(f, "{kind} `{}` is in the {file} file {days} only; mend the dates", payer.id())
            }
            SuspenseReason::PayerContradicts { payer, column, values } => {
                let (kind, file) = kind_and_file(payer);
                let values = listed(values.iter().map(|value| format!("`{value}`")));
                write!(
                    f,
                    "{kind} `{}` has several values of {column}, {values}, in the {file} file; write the same \
                     in all its rows, or give each {kind} an id of its own",
                    payer.id()
                )
            }
        }
    }
}

fn unknown_user(f: &mut fmt::Formatter<'_>, user: &str, like: &[String]) -> fmt::Result {
    if user.is_empty() {
        return f.write_str("the report names no user, and the job is on no shared account");
    }
    write!(f, "user `{user}` is in no member row; add it to the usernames column of the members file")?;
    if like.is_empty() {
        return Ok(());
    }
    write!(f, " (it looks like {})", like.join(", "))
}

/// What a payer is called, and the file that it stands in.
fn kind_and_file(payer: &PayerId) -> (&'static str, &'static str) {
    match payer {
        PayerId::Team(_) => ("team", "teams"),
        PayerId::Member(_) => ("member", "members"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}
