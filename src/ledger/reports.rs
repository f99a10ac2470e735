//! Reports that were taken in: which, what was in them, and which days they speak for.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::ingested::{Counted, Sums};
use super::stored::{period_of, source_number, source_of};
use super::{Ledger, LedgerError, SiteId};
use crate::domain::{Exact, Finding, MILLIONTHS, Money, Period, ReportFacts, Severity, Source, fold_name};

/// Where a report comes from and how it is kept.
#[derive(Debug)]
pub struct ReportOrigin<'a> {
    /// The site.
    pub site: SiteId,
    /// What the reader found.
    pub facts: &'a ReportFacts,
    /// The report's identity: the hash of its bytes, or of them and the settings where they are read once more.
    pub identity: &'a [u8; 32],
    /// Digest of the settings by which it is read.
    pub settings: &'a [u8; 32],
    /// File name for people; never an identity.
    pub name: &'a str,
    /// Now, RFC 3339.
    pub ingested_at: &'a str,
    /// Old username and new username, as configured.
    pub aliases: &'a [(String, String)],
    /// Whether document names are kept.
    pub documents: Documents,
}

/// Whether document names, which are personal data, are kept in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Documents {
    /// For `explain`.
    Keep,
    /// Only their share in the fingerprint.
    Drop,
}

/// A report as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReport {
    /// File name when it came.
    pub name: String,
    /// Report kind.
    pub kind: String,
    /// When it was taken in, RFC 3339.
    pub ingested_at: String,
    /// Days that it speaks for.
    pub covered: Option<Period>,
    /// Rows.
    pub rows: i64,
    /// New jobs.
    pub new: i64,
    /// Known jobs.
    pub repeated: i64,
    /// Jobs that are never billed.
    pub not_billable: i64,
    /// Unreadable rows.
    pub rejected: i64,
    /// Cost of all rows.
    pub cost: Money,
    /// Cost of the new jobs.
    pub new_cost: Money,
    /// Cost of the known jobs.
    pub repeated_cost: Money,
    /// Cost of the jobs that are never billed.
    pub not_billable_cost: Money,
    /// Cost of the unreadable rows, as far as it could be read.
    pub rejected_cost: Money,
    /// What its rows are of.
    pub source: Source,
    /// Digest of the settings by which it was read, where it was kept.
    pub settings: Option<Vec<u8>>,
}

impl StoredReport {
    /// Whether other settings may read more of the same bytes: rows were left, or the days were said by somebody.
    pub fn may_be_read_otherwise(&self, settings: &[u8; 32]) -> bool {
        let is_whole = self.source == Source::Jobs && self.rejected == 0 && self.not_billable == 0;
        !is_whole && self.settings.as_ref().is_some_and(|known| known != settings)
    }
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRejection {
    /// The report's file name.
    pub report: String,
    /// Line of the file.
    pub row: i64,
    /// Column header.
    pub column: String,
    /// What stood there.
    pub found: String,
    /// What should stand there.
    pub expected: String,
    /// The row's money, where it could be read.
    pub cost: Option<Money>,
}

const REPORT: &str = "SELECT name, kind, ingested_at, covered_first, covered_last, row_count, new_count,
    repeated_count, not_billable_count, rejected_count, cost, new_cost, repeated_cost, not_billable_cost,
    rejected_cost, source, settings FROM report";

fn stored(row: &Row<'_>) -> Result<(StoredReport, Option<String>, Option<String>), rusqlite::Error> {
    let report = StoredReport {
        name: row.get(0)?,
        kind: row.get(1)?,
        ingested_at: row.get(2)?,
        covered: None,
        rows: row.get(5)?,
        new: row.get(6)?,
        repeated: row.get(7)?,
        not_billable: row.get(8)?,
        rejected: row.get(9)?,
        cost: Money::from_millionths(row.get(10)?),
        new_cost: Money::from_millionths(row.get(11)?),
        repeated_cost: Money::from_millionths(row.get(12)?),
        not_billable_cost: Money::from_millionths(row.get(13)?),
        rejected_cost: Money::from_millionths(row.get(14)?),
        source: source_of(row.get(15)?).unwrap_or_default(),
        settings: row.get(16)?,
    };
    Ok((report, row.get(3)?, row.get(4)?))
}

fn with_days(
    (report, first, last): (StoredReport, Option<String>, Option<String>),
) -> Result<StoredReport, LedgerError> {
    let covered = match (first, last) {
        (Some(first), Some(last)) => Some(period_of(&first, &last)?),
        _ => None,
    };
    Ok(StoredReport { covered, ..report })
}

impl Ledger {
    /// The report of that hash, where it was taken in before, under whatever name.
    pub fn known_report(&self, site: SiteId, sha256: &[u8; 32]) -> Result<Option<StoredReport>, LedgerError> {
        let sql = format_report("WHERE site_id = :site AND sha256 = :sha256");
        let found = self
            .connection
            .query_row(&sql, named_params! { ":site": site.0, ":sha256": sha256 }, stored)
            .optional()?;
        found.map(with_days).transpose()
    }

    /// All reports of a site, in the order in which they came.
    pub fn reports(&self, site: SiteId) -> Result<Vec<StoredReport>, LedgerError> {
        let sql = format_report("WHERE site_id = :site ORDER BY id");
        let mut statement = self.connection.prepare(&sql)?;
        let rows: Vec<_> =
            statement.query_map(named_params! { ":site": site.0 }, stored)?.collect::<Result<_, _>>()?;
        rows.into_iter().map(with_days).collect()
    }

    /// The reports of a site that came after a summary, in the order in which they came.
    pub fn reports_after(&self, site: SiteId, mark: i64) -> Result<Vec<StoredReport>, LedgerError> {
        let sql = format_report("WHERE site_id = :site AND id > :mark ORDER BY id");
        let mut statement = self.connection.prepare(&sql)?;
        let values = named_params! { ":site": site.0, ":mark": mark };
        let rows: Vec<_> = statement.query_map(values, stored)?.collect::<Result<_, _>>()?;
        rows.into_iter().map(with_days).collect()
    }

    /// The spans of days that a site's reports of jobs, or of the sums of the source, speak for.
    pub fn covered(&self, site: SiteId, source: Source) -> Result<Vec<Period>, LedgerError> {
        let sql = format_report("WHERE site_id = :site AND source = :source ORDER BY id");
        let mut statement = self.connection.prepare(&sql)?;
        let values = named_params! { ":site": site.0, ":source": source_number(source) };
        let rows: Vec<_> = statement.query_map(values, stored)?.collect::<Result<_, _>>()?;
        rows.into_iter()
            .map(with_days)
            .filter_map(|report| report.map(|one| one.covered).transpose())
            .collect()
    }

    /// Unreadable rows of a site, the newest report's last; at most `most`.
    pub fn rejections(&self, site: SiteId, most: u32) -> Result<Vec<StoredRejection>, LedgerError> {
        let sql = format_rejection("WHERE site_id = :site ORDER BY rejection.id LIMIT :most");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(named_params! { ":site": site.0, ":most": most }, rejection)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Ledger {
    /// Unreadable rows of the reports of a site that came after a summary, in the order of the reports; at most
    /// `most`.
    pub fn rejections_after(
        &self,
        site: SiteId,
        mark: i64,
        most: u32,
    ) -> Result<Vec<StoredRejection>, LedgerError> {
        let sql =
            format_rejection("WHERE site_id = :site AND report_id > :mark ORDER BY rejection.id LIMIT :most");
        let mut statement = self.connection.prepare(&sql)?;
        let values = named_params! { ":site": site.0, ":mark": mark, ":most": most };
        Ok(statement.query_map(values, rejection)?.collect::<Result<_, _>>()?)
    }

    /// Unreadable rows of reports that speak for days of the period, but for those whose days a later report
    /// gave once more; at most `most`.
    pub fn rejections_in(
        &self,
        site: SiteId,
        period: Period,
        most: u32,
    ) -> Result<Vec<StoredRejection>, LedgerError> {
        let sql = format_rejection(
            "WHERE site_id = :site AND covered_first <= :last AND covered_last >= :first AND NOT EXISTS (
                 SELECT 1 FROM report AS later WHERE later.site_id = report.site_id AND later.id > report.id
                 AND later.covered_first <= report.covered_first AND later.covered_last >= report.covered_last)
             ORDER BY rejection.id LIMIT :most",
        );
        let mut statement = self.connection.prepare(&sql)?;
        let values = named_params! {
            ":site": site.0,
            ":first": period.first_day().to_string(),
            ":last": period.last_day().to_string(),
            ":most": most,
        };
        Ok(statement.query_map(values, rejection)?.collect::<Result<_, _>>()?)
    }

    /// Findings of a site's reports that came after a mark, each in its file.
    pub fn findings_after(&self, site: SiteId, mark: i64) -> Result<Vec<Finding>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT severity, code, message, row_number, column_name, name FROM report_finding
             JOIN report ON report.id = report_id WHERE site_id = :site AND report_id > :mark
             ORDER BY report_finding.id",
        )?;
        let rows = statement.query_map(named_params! { ":site": site.0, ":mark": mark }, |row| {
            let (severity, code): (String, String) = (row.get(0)?, row.get(1)?);
            let severity = Severity::parse(&severity).unwrap_or(Severity::Warning);
            let mut finding = Finding::new(severity, Finding::kept_code(&code), row.get::<_, String>(2)?);
            finding.row = row.get::<_, Option<i64>>(3)?.and_then(|row| u64::try_from(row).ok());
            finding.column = row.get(4)?;
            finding.file = row.get(5)?;
            Ok(finding)
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Users of a site with the same jobs in different reports, where no alias has made them one: perhaps renamed
    /// users, whose jobs would be billed twice. A name that the configuration says is its own present name is
    /// nobody else's.
    pub fn lookalikes(
        &self,
        site: SiteId,
        aliases: &[(String, String)],
    ) -> Result<Vec<Finding>, LedgerError> {
        let is_itself = |name: &str| {
            let folded = fold_name(name);
            aliases.iter().any(|(old, new)| fold_name(old) == folded && fold_name(new) == folded)
        };
        let mut statement = self.connection.prepare(
            "SELECT stored.name, row.name, max(job_count) FROM lookalike
             JOIN user AS stored ON stored.id = stored_user_id JOIN user AS row ON row.id = row_user_id
             WHERE stored.site_id = :site
             AND coalesce(stored.current_id, stored.id) <> coalesce(row.current_id, row.id)
             GROUP BY stored.id, row.id ORDER BY stored.id, row.id",
        )?;
        let mut rows = statement.query(named_params! { ":site": site.0 })?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (stored, new): (String, String) = (row.get(0)?, row.get(1)?);
            let jobs: i64 = row.get(2)?;
            if is_itself(&stored) || is_itself(&new) {
                continue;
            }
            found.push(lookalike_finding(&stored, &new, u64::try_from(jobs).unwrap_or_default()));
        }
        Ok(found)
    }
}

/// The one query for rejections with one of this module's own endings.
fn format_rejection(ending: &'static str) -> String {
    let rejection =
        "SELECT report.name, row_number, column_name, found, expected, rejection.cost FROM rejection
        JOIN report ON report.id = rejection.report_id";
    [rejection, ending].join(" ")
}

fn rejection(row: &Row<'_>) -> Result<StoredRejection, rusqlite::Error> {
    Ok(StoredRejection {
        report: row.get(0)?,
        row: row.get(1)?,
        column: row.get(2)?,
        found: row.get(3)?,
        expected: row.get(4)?,
        cost: row.get::<_, Option<i64>>(5)?.map(Money::from_millionths),
    })
}

/// The one query for reports with one of this module's own endings.
fn format_report(ending: &'static str) -> String {
    [REPORT, ending].join(" ")
}

/// Adds a report whose rows are about to be taken in.
pub(super) fn insert_report(db: &Connection, origin: &ReportOrigin<'_>) -> Result<i64, LedgerError> {
    let facts = origin.facts;
    db.execute(
        "INSERT INTO report (site_id, sha256, name, kind, size_byte, encoding, period_first, period_last, ingested_at,
         settings, has_printer, has_document)
         VALUES (:site, :sha256, :name, :kind, :size, :encoding, :first, :last, :at, :settings, :printer, :document)",
        named_params! {
            ":site": origin.site.0,
            ":sha256": origin.identity,
            ":settings": origin.settings,
            ":name": origin.name,
            ":kind": facts.kind.as_str(),
            ":size": i64::try_from(facts.size_bytes).unwrap_or(i64::MAX),
            ":encoding": facts.encoding,
            ":first": facts.period.map(|period| period.first_day().to_string()),
            ":last": facts.period.map(|period| period.last_day().to_string()),
            ":at": origin.ingested_at,
            ":printer": facts.has_printer,
            ":document": facts.has_document,
        },
    )?;
    Ok(db.last_insert_rowid())
}

/// Keeps findings of a report.
pub(super) fn keep_findings<'f>(
    db: &Connection,
    report_id: i64,
    findings: impl Iterator<Item = &'f Finding>,
) -> Result<(), LedgerError> {
    let mut insert = db.prepare(
        "INSERT INTO report_finding (report_id, severity, code, message, row_number, column_name)
         VALUES (:report, :severity, :code, :message, :row, :column)",
    )?;
    for finding in findings {
        insert.execute(named_params! {
            ":report": report_id,
            ":severity": finding.severity.as_str(),
            ":code": finding.code,
            ":message": finding.message,
            ":row": finding.row.map(|row| i64::try_from(row).unwrap_or(i64::MAX)),
            ":column": finding.column,
        })?;
    }
    Ok(())
}

/// Writes down what a report's rows turned out to be.
pub(super) fn update_report(
    db: &Connection,
    report_id: i64,
    counted: &Counted,
    sums: &Sums,
    covered: Option<Period>,
    source: Source,
) -> Result<(), LedgerError> {
    let count = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    let money = |sum: Exact| {
        i64::try_from(sum.parts() / i128::from(MILLIONTHS))
            .map_err(|_| LedgerError::DoesNotAddUp(format!("a sum of {sum} does not fit")))
    };
    db.execute(
        "UPDATE report SET row_count = :rows, new_count = :new, repeated_count = :repeated,
         not_billable_count = :not_billable, rejected_count = :rejected, cost = :cost, new_cost = :new_cost,
         repeated_cost = :repeated_cost, not_billable_cost = :not_billable_cost, rejected_cost = :rejected_cost,
         covered_first = :first, covered_last = :last, source = :source WHERE id = :id",
        named_params! {
            ":rows": count(counted.rows),
            ":new": count(counted.new),
            ":repeated": count(counted.repeated),
            ":not_billable": count(counted.not_billable),
            ":rejected": count(counted.rejected),
            ":cost": money(sums.all)?,
            ":new_cost": money(sums.new)?,
            ":repeated_cost": money(sums.repeated)?,
            ":not_billable_cost": money(sums.not_billable)?,
            ":rejected_cost": money(sums.rejected)?,
            ":first": covered.map(|period| period.first_day().to_string()),
            ":last": covered.map(|period| period.last_day().to_string()),
            ":source": source_number(source),
            ":id": report_id,
        },
    )?;
    Ok(())
}

/// A report with jobs among those seconds that says printer or document where this one does not, or the reverse.
pub(super) fn with_other_columns(
    db: &Connection,
    site: SiteId,
    report_id: i64,
    (first, last): (i64, i64),
) -> Result<Option<(String, &'static str)>, LedgerError> {
    let mut others = db.prepare(
        "SELECT other.id, other.name, other.has_printer IS NOT this.has_printer FROM report AS other, report AS this
         WHERE this.id = :report AND other.id <> :report AND other.site_id = :site AND other.source = 0
         AND (other.has_printer <> this.has_printer OR other.has_document <> this.has_document)
         ORDER BY other.id",
    )?;
    // Days as they are jobs', not as reports cover them: a report covers no day that is not over. Asked for only where
    // there is such a report at all, which is rare.
    let mut shared = db.prepare(
        "SELECT EXISTS (SELECT 1 FROM job WHERE site_id = :site AND second BETWEEN :first AND :last
             AND report_id = :other)",
    )?;
    let values = named_params! { ":report": report_id, ":site": site.0 };
    let mut rows = others.query(values)?;
    while let Some(row) = rows.next()? {
        let (other, name, is_printer): (i64, String, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let span = named_params! { ":site": site.0, ":first": day_of_second(first), ":last": day_of_second(last) + DAY_SECONDS - 1, ":other": other };
        if shared.query_row(span, |row| row.get(0))? {
            return Ok(Some((name, if is_printer { "printer" } else { "document" })));
        }
    }
    Ok(None)
}

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// The first second of a second's day.
fn day_of_second(second: i64) -> i64 {
    second - second.rem_euclid(DAY_SECONDS)
}

/// The finding on two users with the same jobs.
pub(super) fn lookalike_finding(stored: &str, row: &str, jobs: u64) -> Finding {
    let noun = if jobs == 1 { "job" } else { "jobs" };
    Finding::new(
        Severity::Error,
        "user-maybe-renamed",
        format!(
            "{jobs} {noun} of `{row}` with the time, printer, document and pages of stored jobs of `{stored}`: if the \
             user was renamed, they count twice until `\"{stored}\" = \"{row}\"` stands under [site.alias], or `\"{row}\" = \"{row}\"` if they are two people"
        ),
    )
}
