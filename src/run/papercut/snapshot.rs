//! A snapshot of a server: every user and shared account, with its balance.
//!
//! One call for each of them, a few at a time; kept in the ledger every so often, so that a snapshot that was broken off
//! is gone on with.

use std::collections::{BTreeSet, HashSet};
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;

use crate::config::{PapercutConfig, SiteConfig};
use crate::domain::{Finding, Holder, HolderKey, Severity};
use crate::ledger::{Reading, SiteId, Snapshot};
use crate::papercut::{CallError, LIST_PAGE_SIZE, Server};
use crate::run::books::Books;
use crate::run::error::RunError;

/// Readings that are kept in one transaction: few enough that a break loses seconds of work.
const KEPT_AT_ONCE: usize = 500;

/// A snapshot that was broken off is gone on with for so long, in seconds: balances of an hour ago are no snapshot.
const RESUMED_SECONDS_MAX: i64 = 3600;

/// Findings on single users and accounts that are told one by one.
const TOLD_MAX: usize = 10;

/// What came of taking a snapshot.
#[derive(Debug, Default)]
pub struct SnapshotOutcome {
    /// The snapshot, where the server was asked for everybody.
    pub snapshot: Option<Snapshot>,
    /// Whether it gave everybody's balance.
    pub is_complete: bool,
    /// What a person should look at.
    pub findings: Vec<Finding>,
}

/// Reads all users and shared accounts without keeping anything, for a look at them. `second` is the site's
/// wall clock.
pub fn read_balances(
    papercut: &PapercutConfig,
    server: &Server,
    second: &dyn Fn() -> i64,
    progress: &mut dyn FnMut(),
) -> Result<(Vec<Reading>, Vec<CallError>), CallError> {
    let (users, accounts) = listed(server)?;
    let all = users.into_iter().map(Holder::User).chain(accounts.into_iter().map(Holder::Account)).collect();
    let (mut readings, mut failed) = (Vec::new(), Vec::new());
    let ended = each_read(server, papercut, all, |read| {
        progress();
        match read {
            Ok(Some(reading)) => readings.push(Reading { second: second(), ..reading }),
            Ok(None) => {}
            Err((_, error)) if error.fault.is_of_the_server() => return Err(error),
            Err((_, error)) => failed.push(error),
        }
        Ok(())
    });
    ended.map(|()| (readings, failed))
}

/// Reads all users and shared accounts, or goes on with a snapshot that was broken off. `progress` is told of each.
pub fn take_snapshot(
    books: &Books<'_>,
    (site, papercut): (&SiteConfig, &PapercutConfig),
    site_id: SiteId,
    server: &Server,
    progress: &mut dyn FnMut(&str),
) -> Result<SnapshotOutcome, RunError> {
    let mut outcome = SnapshotOutcome::default();
    let (users, accounts) = match listed(server) {
        Ok(names) => names,
        Err(error) => {
            outcome.findings.push(unreachable(&error));
            return Ok(outcome);
        }
    };
    let snapshot = begun(books, site, site_id)?;
    let wanted = wanted(books, site_id, &snapshot, users, accounts)?;
    let mut reading = ReadingOn {
        books,
        site_id,
        snapshot: snapshot.id,
        server,
        kept: Vec::new(),
        calls: 0,
        failed: Vec::new(),
    };
    reading.all((site, papercut), wanted, progress)?;
    let ReadingOn { failed, .. } = reading;
    match failed.iter().find(|(_, error)| error.fault.is_of_the_server()) {
        Some((_, error)) => outcome.findings.push(unreachable(error)),
        None => {
            let unread: Vec<&Holder> = failed.iter().map(|(holder, _)| holder).collect();
            books.ledger.end_snapshot(snapshot.id, &books.now_text(), books.second(site), &unread)?;
            outcome.snapshot = Some(books.ledger.snapshot(snapshot.id)?);
            outcome.is_complete = failed.is_empty();
        }
    }
    outcome.findings.extend(failures(&failed));
    Ok(outcome)
}

/// The names of all users and shared accounts. A server that gives smaller pages than it was asked for would end after the
/// first: its own count tells.
fn listed(server: &Server) -> Result<(BTreeSet<String>, BTreeSet<String>), CallError> {
    let before = server.total_users()?;
    let users = server.users(LIST_PAGE_SIZE)?;
    let listed = i32::try_from(users.len()).unwrap_or(i32::MAX);
    // Somebody may have been deleted meanwhile.
    if listed < before && listed < server.total_users()? {
        return Err(CallError::too_few("api.listUserAccounts", listed, before));
    }
    Ok((users, server.accounts(LIST_PAGE_SIZE)?))
}

/// The snapshot to fill: a young one that was broken off, else a new one.
fn begun(books: &Books<'_>, site: &SiteConfig, site_id: SiteId) -> Result<Snapshot, RunError> {
    let second = books.second(site);
    let last = books.ledger.snapshots(site_id)?.pop();
    // What was read before a change of ours would not show it.
    let changes = books.ledger.balance_changes(site_id)?;
    let last = last.filter(|last| changes.iter().all(|change| change.snapshot.is_none_or(|at| at < last.id)));
    let young = last.filter(|last| {
        last.ended_second.is_none() && (0..=RESUMED_SECONDS_MAX).contains(&(second - last.begun_second))
    });
    match young {
        Some(snapshot) => Ok(snapshot),
        None => Ok(books.ledger.begin_snapshot(site_id, &books.now_text(), second)?),
    }
}

/// Everyone who is listed and whom the snapshot does not have yet.
fn wanted(
    books: &Books<'_>,
    site: SiteId,
    snapshot: &Snapshot,
    users: BTreeSet<String>,
    accounts: BTreeSet<String>,
) -> Result<Vec<Holder>, RunError> {
    let holders = books.ledger.holders(site)?;
    let done: HashSet<HolderKey> = holders
        .iter()
        .filter(|holder| holder.snapshots.1 == snapshot.id)
        .map(|holder| holder.holder.key())
        .collect();
    let all = users.into_iter().map(Holder::User).chain(accounts.into_iter().map(Holder::Account));
    Ok(all.filter(|holder| !done.contains(&holder.key())).collect())
}

/// Whose balance could not be read, and why.
type Unread = (Holder, CallError);

struct ReadingOn<'a, 'b> {
    books: &'a Books<'b>,
    site_id: SiteId,
    snapshot: i64,
    server: &'a Server,
    kept: Vec<Reading>,
    /// Calls that the snapshot's row has counted.
    calls: u64,
    failed: Vec<Unread>,
}

impl ReadingOn<'_, '_> {
    /// Reads them all, some at once; stops when the server fails as a whole.
    fn all(
        &mut self,
        (site, papercut): (&SiteConfig, &PapercutConfig),
        wanted: Vec<Holder>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), RunError> {
        let what = format!("balances of {}", site.name);
        let ended = each_read(self.server, papercut, wanted, |read| {
            progress(&what);
            match read {
                Ok(Some(reading)) => self.keep(Reading { second: self.books.second(site), ..reading })?,
                // Deleted since it was listed.
                Ok(None) => {}
                Err((holder, error)) => {
                    let is_end = error.fault.is_of_the_server();
                    self.failed.push((holder, error));
                    if is_end {
                        return Err(None);
                    }
                }
            }
            Ok(())
        });
        match ended {
            Err(Some(error)) => Err(error),
            Ok(()) | Err(None) => self.write(),
        }
    }

    fn keep(&mut self, reading: Reading) -> Result<(), Option<RunError>> {
        self.kept.push(reading);
        if self.kept.len() < KEPT_AT_ONCE { Ok(()) } else { self.write().map_err(Some) }
    }

    fn write(&mut self) -> Result<(), RunError> {
        let calls = self.server.web().calls();
        let more = i64::try_from(calls - self.calls).unwrap_or(i64::MAX);
        self.calls = calls;
        self.books.ledger.add_readings(self.site_id, self.snapshot, &self.kept, more)?;
        self.kept.clear();
        Ok(())
    }
}

/// Reads all of them, a few at a time, and hands out each as it comes, until `take` has had enough.
fn each_read<E>(
    server: &Server,
    papercut: &PapercutConfig,
    wanted: Vec<Holder>,
    mut take: impl FnMut(Result<Option<Reading>, Unread>) -> Result<(), E>,
) -> Result<(), E> {
    let queue = Mutex::new(wanted.into_iter());
    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
    std::thread::scope(|scope| {
        let (results, arrived) = sync_channel(papercut.calls_in_flight);
        for _ in 0..papercut.calls_in_flight {
            let results = results.clone();
            let next = &next;
            scope.spawn(move || {
                while let Some(holder) = next() {
                    // Nobody listens any more when the server has failed.
                    let read = read(server, papercut, holder.clone()).map_err(|error| (holder, error));
                    if results.send(read).is_err() {
                        break;
                    }
                }
            });
        }
        drop(results);
        arrived.into_iter().try_for_each(&mut take)
    })
}

/// One user or shared account. Where users have several personal accounts, the balance is that of the one that is meant,
/// never their sum.
fn read(server: &Server, papercut: &PapercutConfig, holder: Holder) -> Result<Option<Reading>, CallError> {
    let blank = Reading {
        holder,
        server_id: String::new(),
        full_name: String::new(),
        email: String::new(),
        other_emails: String::new(),
        restricted: false,
        balance: crate::domain::Money::ZERO,
        second: 0,
    };
    match &blank.holder {
        Holder::User(name) => {
            let Some(user) = server.user(name)? else { return Ok(None) };
            let balance = match &papercut.personal_account {
                Some(account) => server.user_balance(name, account)?,
                None => user.balance,
            };
            Ok(Some(Reading {
                full_name: user.full_name,
                email: user.email,
                other_emails: user.other_emails,
                restricted: user.restricted,
                balance,
                ..blank
            }))
        }
        Holder::Account(name) => {
            let Some(account) = server.account(name)? else { return Ok(None) };
            Ok(Some(Reading {
                server_id: account.id,
                restricted: account.restricted,
                balance: account.balance,
                ..blank
            }))
        }
    }
}

/// The server could not be read as a whole: nothing follows from what is not there.
pub(super) fn unreachable(error: &CallError) -> Finding {
    let message = format!("PaperCut was not read: {error}");
    Finding::new(Severity::Warning, "papercut-not-read", message)
}

fn failures(failed: &[Unread]) -> Vec<Finding> {
    let single = failed.iter().map(|(_, error)| error).filter(|error| !error.fault.is_of_the_server());
    let told: Vec<Finding> = single
        .take(TOLD_MAX)
        .map(|error| Finding::new(Severity::Warning, "balance-not-read", format!("not read: {error}")))
        .collect();
    let more = failed.len().saturating_sub(TOLD_MAX);
    let rest = (more > 0).then(|| {
        let message = format!("{more} more balances were not read");
        Finding::new(Severity::Warning, "balance-not-read", message)
    });
    told.into_iter().chain(rest).collect()
}
