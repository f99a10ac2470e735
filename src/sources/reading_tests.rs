//! A report file as lines of text, for tests of what is read from it.

use super::{ReadSettings, examine};
use crate::domain::Row;

/// How the file was taken, its rows and findings, or its refusal.
pub(super) fn read(bytes: &[u8], settings: &ReadSettings) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report");
    std::fs::write(&path, bytes).unwrap();
    let mut report = match examine(&path, settings) {
        Ok(report) => report,
        Err(error) => return vec![format!("{}: {error}", error.code())],
    };
    let mut lines: Vec<String> =
        report.facts().findings.iter().map(|finding| format!("{} {finding}", finding.code)).collect();
    let taken = report.read(|row| -> Result<(), ()> {
        lines.push(match row {
            Row::Job(job) => {
                let account = job.account.map_or_else(String::new, |account| format!(" [{account}]"));
                let document = job.document.map_or_else(String::new, |document| format!(" ({document})"));
                let cost = job.cost.map_or_else(String::new, |cost| format!(" {cost}"));
                format!("{} {} {}{account}{document} {}p{cost}", job.row, job.time, job.user, job.pages)
            }
            Row::Sum(sum) => format!("{} {:?} {:?}", sum.row, sum.user.or(sum.account), sum.cost),
            Row::Balance(balance) => format!("{} {:?} {}", balance.row, balance.user, balance.balance),
            Row::Place(_) => "place".to_owned(),
            Row::LeftOut { row, .. } => format!("{row} left out"),
            Row::Rejected(rejection) => {
                format!("{} rejected {}: {}", rejection.row, rejection.column, rejection.message())
            }
            Row::Finding(finding) => format!("{} {finding}", finding.code),
        });
        Ok(())
    });
    if let Err(error) = taken {
        lines.push(format!("stopped: {error}"));
    }
    lines
}
