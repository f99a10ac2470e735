//! Tries the way to a server step by step, and says at which step it ends.

use chrono::{DateTime, Utc};

use super::calls::Server;
use super::error::CallFault;
use super::faults::FaultKind;

/// One step of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What was tried.
    pub what: &'static str,
    /// What was found, or what is wrong and what to do.
    pub outcome: Result<String, String>,
}

/// What was found on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// The steps, up to the one that failed.
    pub trials: Vec<Trial>,
}

/// A clock that is further away than this, in seconds, makes jobs and balances hard to tell apart.
const CLOCK_SECONDS_MAX: i64 = 120;

/// Tries connection, path, address, token, and whether the server knows the calls; compares its clock with `now`.
/// `with_reports` also asks whether it can make reports, by one that cannot be there.
pub fn probe(server: &Server, now: DateTime<Utc>, with_reports: bool) -> Probe {
    let mut probe = Probe::default();
    let exchange = match server.web().look("api.getTaskStatus", &[]) {
        Ok(exchange) => exchange,
        Err(fault) => {
            probe.fails("connection", &fault);
            return probe;
        }
    };
    probe.finds("connection", server.web().url().to_owned());
    match exchange.value() {
        // Whatever it says of a task: it has read the call.
        Ok(_) => probe.finds("web services", "they answer".to_owned()),
        Err(fault @ CallFault::Fault(_)) if !fault.is_kind(FaultKind::AddressNotAllowed) => {
            probe.finds("web services", "they answer".to_owned());
        }
        Err(fault) => {
            probe.fails("web services", &fault);
            return probe;
        }
    }
    probe.trials.push(Trial { what: "clock", outcome: clock(exchange.date.as_deref(), now) });
    match server.total_users() {
        Ok(users) => probe.finds("token", format!("the server takes it; it has {users} users")),
        Err(error) => {
            probe.fails("token", &error.fault);
            return probe;
        }
    }
    if with_reports {
        probe.reports(server);
    }
    probe
}

impl Probe {
    fn finds(&mut self, what: &'static str, found: String) {
        self.trials.push(Trial { what, outcome: Ok(found) });
    }

    fn fails(&mut self, what: &'static str, fault: &CallFault) {
        let advice = fault.advice();
        let text = if advice.is_empty() { fault.to_string() } else { format!("{fault}; {advice}") };
        self.trials.push(Trial { what, outcome: Err(text) });
    }

    /// Asks for a report without a title, which no server has: one that knows the call says something else than that it
    /// does not.
    fn reports(&mut self, server: &Server) {
        match server.generate_scheduled_report("", "") {
            Err(error) if error.fault.is_kind(FaultKind::NoSuchMethod) => self.fails("reports", &error.fault),
            _ => self.finds("reports", "the server knows the call".to_owned()),
        }
    }
}

fn clock(date: Option<&str>, now: DateTime<Utc>) -> Result<String, String> {
    let Some(server) = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) else {
        return Ok("the server does not say its time".to_owned());
    };
    let ahead = server.with_timezone(&Utc).signed_duration_since(now).num_seconds();
    if ahead.abs() <= CLOCK_SECONDS_MAX {
        return Ok("agrees with the server's".to_owned());
    }
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    Err(format!(
        "the server's clock is {} seconds {side} this machine's; let both follow one time server",
        ahead.abs()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_two_minutes() {
        let now = "2026-11-02T06:00:00Z".parse().unwrap();
        let check = |date: &str, expected: Result<&str, &str>| {
            let found = clock(Some(date), now);
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, _) => panic!("{date}: {found:?}"),
            }
        };
        check("Mon, 02 Nov 2026 06:02:00 GMT", Ok("agrees with the server's"));
        check("Mon, 02 Nov 2026 06:02:01 GMT", Err("121 seconds ahead of"));
        check("Mon, 02 Nov 2026 05:00:00 GMT", Err("3600 seconds behind"));
        check("soon", Ok("the server does not say its time"));
    }
}
