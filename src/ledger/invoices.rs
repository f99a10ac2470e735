//! Issued batches and lines: written once, in one transaction with the deliveries that hand them out.

use std::collections::HashMap;

use chrono::NaiveDate;
use rusqlite::{OptionalExtension, Row, Transaction, named_params, params};
use uuid::Uuid;

use super::deliveries::insert_delivery;
use super::jobs::Marks;
use super::stored::{day_of, period_of, proof_of, proof_text, source_number};
use super::terms::{payer_of, payer_text, terms_of, terms_text};
use super::{Ledger, LedgerError, NewDelivery, SiteId};
use crate::domain::{
    Batch, InvoiceLine, LineClass, Money, PayerId, Period, Proof, Rate, Source, TaxRate, Terms, Usage,
};

/// A batch to issue, with what later corrections need to know of it.
#[derive(Debug)]
pub struct NewBatch<'a> {
    /// The site.
    pub site: SiteId,
    /// The batch; its lines are issued as they are.
    pub batch: &'a Batch,
    /// 0 for the first batch of the site and period.
    pub sequence: i64,
    /// Now, RFC 3339.
    pub issued_at: &'a str,
    /// What of the ledger the batch has seen.
    pub marks: Marks,
    /// Digest of the directory that it was made with.
    pub directory_digest: [u8; 32],
    /// What the batch adds to the proof of each period.
    pub proofs: &'a [(Period, Proof)],
    /// The terms of each payer whose period is billed for the first time.
    pub terms: &'a [(Period, PayerId, Terms)],
    /// The line that the batch's only line takes back, for a reversal.
    pub reverses: Option<Uuid>,
}

/// An issued batch without its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedBatch {
    /// Number in the ledger.
    pub id: i64,
    /// Name, such as `harbour-2026-10`.
    pub name: String,
    /// Its period.
    pub period: Period,
    /// 0 for the first of its period.
    pub sequence: i64,
    /// When it was issued, RFC 3339.
    pub issued_at: String,
    /// Date of its invoices.
    pub invoice_date: NaiveDate,
    /// Date until which they are to be paid.
    pub due_date: NaiveDate,
    /// What of the ledger it had seen.
    pub marks: Marks,
    /// Digest of the directory that it was made with.
    pub directory_digest: Vec<u8>,
}

/// An issued line, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedLine {
    /// Number in the ledger.
    pub row_id: i64,
    /// Name of its batch.
    pub batch: String,
    /// The line that it takes back.
    pub reverses: Option<Uuid>,
    /// The line.
    pub line: InvoiceLine,
}

/// A job behind a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineJob {
    /// The job.
    pub job_id: i64,
    /// What the line does with it.
    pub role: Role,
    /// Whether the line bills the job at present.
    pub open: bool,
}

/// What a line does with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Bills it.
    Billed,
    /// Takes back what an earlier line billed.
    TakenBack,
    /// Bills its changed cost, pages or account; the job stays with its first line.
    Changed,
}

impl Role {
    /// The word in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Billed => "billed",
            Role::TakenBack => "taken-back",
            Role::Changed => "changed",
        }
    }
}

/// The line that bills a job now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLink {
    /// Its number in the ledger.
    pub line_row: i64,
    /// Who pays it.
    pub payer: String,
    /// The class for which it bills the job.
    pub class: LineClass,
}

/// A batch on its way into the ledger. Dropped before [`Issue::commit`], it leaves no trace.
#[derive(Debug)]
pub struct Issue<'l> {
    transaction: Transaction<'l>,
    batch_row: i64,
    lines: HashMap<Uuid, i64>,
}

impl Ledger {
    /// Begins to issue a batch: its lines, proofs and terms.
    pub fn begin_issue(&self, new: &NewBatch<'_>) -> Result<Issue<'_>, LedgerError> {
        self.connection.pragma_update(None, "foreign_keys", true)?;
        let transaction = self.connection.unchecked_transaction()?;
        let batch_row = insert_batch(&transaction, new)?;
        let mut lines = HashMap::new();
        for line in &new.batch.lines {
            lines.insert(line.id, insert_line(&transaction, batch_row, line, new.reverses)?);
        }
        for (period, proof) in new.proofs {
            transaction.execute(
                "INSERT INTO batch_proof (batch_id, period_first, period_last, proof) VALUES (?1, ?2, ?3, ?4)",
                params![batch_row, period.first_day().to_string(), period.last_day().to_string(), proof_text(proof)],
            )?;
        }
        for (period, payer, terms) in new.terms {
            transaction.execute(
                "INSERT INTO billed_terms (batch_id, period_first, period_last, payer, terms)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    batch_row,
                    period.first_day().to_string(),
                    period.last_day().to_string(),
                    payer.to_string(),
                    terms_text(terms)
                ],
            )?;
        }
        Ok(Issue { transaction, batch_row, lines })
    }

    /// The batches of a site, in the order in which they were issued.
    pub fn batches(&self, site: SiteId) -> Result<Vec<IssuedBatch>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT id, name, period_first, period_last, sequence, issued_at, invoice_date, due_date, job_mark,
             change_mark, directory_digest FROM batch WHERE site_id = :site ORDER BY id",
        )?;
        let mut rows = statement.query(named_params! { ":site": site.0 })?;
        let mut batches = Vec::new();
        while let Some(row) = rows.next()? {
            let text = |column: usize| row.get::<_, String>(column);
            batches.push(IssuedBatch {
                id: row.get(0)?,
                name: row.get(1)?,
                period: period_of(&text(2)?, &text(3)?)?,
                sequence: row.get(4)?,
                issued_at: row.get(5)?,
                invoice_date: day_of(&text(6)?)?,
                due_date: day_of(&text(7)?)?,
                marks: Marks { job: row.get(8)?, change: row.get(9)? },
                directory_digest: row.get(10)?,
            });
        }
        Ok(batches)
    }

    /// All issued lines for jobs of that period, in whatever batch, oldest first.
    pub fn issued_lines(&self, site: SiteId, period: Period) -> Result<Vec<IssuedLine>, LedgerError> {
        let mut statement = self.connection.prepare(&line_query(
            "WHERE site_id = :site AND invoice_line.period_first = :first AND invoice_line.period_last = :last",
        ))?;
        let mut rows = statement.query(named_params! {
            ":site": site.0,
            ":first": period.first_day().to_string(),
            ":last": period.last_day().to_string(),
        })?;
        collect_lines(&mut rows)
    }

    /// The lines of a batch.
    pub fn batch_lines(&self, batch: i64) -> Result<Vec<IssuedLine>, LedgerError> {
        let mut statement = self.connection.prepare(&line_query("WHERE batch_id = :batch"))?;
        let mut rows = statement.query(named_params! { ":batch": batch })?;
        collect_lines(&mut rows)
    }

    /// The line of that id, with the name of its site.
    pub fn issued_line(&self, key: Uuid) -> Result<Option<(IssuedLine, String)>, LedgerError> {
        let mut statement = self.connection.prepare(&line_query("WHERE key = :key"))?;
        let mut rows = statement.query(named_params! { ":key": key.to_string() })?;
        let Some(line) = collect_lines(&mut rows)?.pop() else { return Ok(None) };
        let site = self.connection.query_row(
            "SELECT site.name FROM invoice_line JOIN batch ON batch.id = batch_id JOIN site ON site.id = site_id
             WHERE invoice_line.id = :id",
            named_params! { ":id": line.row_id },
            |row| row.get(0),
        )?;
        Ok(Some((line, site)))
    }

    /// Whether a line was taken back by a reversal.
    pub fn is_reversed(&self, key: Uuid) -> Result<bool, LedgerError> {
        Ok(self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM invoice_line WHERE reverses = :key)",
            named_params! { ":key": key.to_string() },
            |row| row.get(0),
        )?)
    }

    /// The jobs behind a line.
    pub fn line_jobs(&self, line_row: i64) -> Result<Vec<LineJob>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT job_id, role, open FROM line_job JOIN job ON job.id = job_id WHERE line_id = :line
             ORDER BY second, job_id",
        )?;
        let rows = statement.query_map(named_params! { ":line": line_row }, |row| {
            let role = match row.get::<_, String>(1)?.as_str() {
                "billed" => Role::Billed,
                "taken-back" => Role::TakenBack,
                _ => Role::Changed,
            };
            Ok(LineJob { job_id: row.get(0)?, role, open: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Charged jobs of a site whose line was taken back and which no line bills since: how many, and their cost.
    pub fn taken_back(&self, site: SiteId, source: Source) -> Result<(i64, Money), LedgerError> {
        Ok(self.connection.query_row(
            "SELECT count(*), coalesce(sum(cost), 0) FROM job WHERE site_id = :site AND state = 0 AND source = :source
             AND id IN (
                 SELECT job_id FROM line_job WHERE role = 'taken-back')
             AND NOT EXISTS (SELECT 1 FROM line_job WHERE job_id = job.id AND open = 1)",
            named_params! { ":site": site.0, ":source": source_number(source) },
            |row| Ok((row.get(0)?, Money::from_millionths(row.get(1)?))),
        )?)
    }

    /// The lines that bill a job now: one for each of its classes.
    pub fn open_links(&self, job_id: i64) -> Result<Vec<OpenLink>, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT line_id, payer, line_job.class FROM line_job JOIN invoice_line ON invoice_line.id = line_id
             WHERE job_id = ?1 AND open = 1",
        )?;
        let mut rows = statement.query(params![job_id])?;
        let mut links = Vec::new();
        while let Some(row) = rows.next()? {
            links.push(OpenLink {
                line_row: row.get(0)?,
                payer: row.get(1)?,
                class: class_of(&row.get::<_, String>(2)?)?,
            });
        }
        Ok(links)
    }

    /// What the batches so far say of a period's proof, together.
    pub fn issued_proof(&self, site: SiteId, period: Period) -> Result<Proof, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT proof FROM batch_proof JOIN batch ON batch.id = batch_id WHERE site_id = :site
             AND batch_proof.period_first = :first AND batch_proof.period_last = :last",
        )?;
        let values = named_params! {
            ":site": site.0,
            ":first": period.first_day().to_string(),
            ":last": period.last_day().to_string(),
        };
        let texts: Vec<String> = statement.query_map(values, |row| row.get(0))?.collect::<Result<_, _>>()?;
        texts.iter().try_fold(Proof::default(), |sum, text| Ok(sum.plus(&proof_of(text)?)))
    }

    /// What one batch says of its proof, all periods together.
    pub fn batch_proof(&self, batch: i64) -> Result<Proof, LedgerError> {
        let mut statement =
            self.connection.prepare("SELECT proof FROM batch_proof WHERE batch_id = :batch")?;
        let texts: Vec<String> = statement
            .query_map(named_params! { ":batch": batch }, |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        texts.iter().try_fold(Proof::default(), |sum, text| Ok(sum.plus(&proof_of(text)?)))
    }

    /// The terms under which a payer's period was billed, the latest where there are several.
    pub fn billed_terms(
        &self,
        site: SiteId,
        period: Period,
        payer: &PayerId,
    ) -> Result<Option<Terms>, LedgerError> {
        let text: Option<String> = self
            .connection
            .query_row(
                "SELECT terms FROM billed_terms JOIN batch ON batch.id = batch_id WHERE site_id = :site
                 AND billed_terms.period_first = :first AND billed_terms.period_last = :last AND payer = :payer
                 ORDER BY billed_terms.id DESC LIMIT 1",
                named_params! {
                    ":site": site.0,
                    ":first": period.first_day().to_string(),
                    ":last": period.last_day().to_string(),
                    ":payer": payer.to_string(),
                },
                |row| row.get(0),
            )
            .optional()?;
        text.map(|text| terms_of(&text)).transpose()
    }
}

impl Issue<'_> {
    /// Number of the batch in the ledger.
    pub fn batch_row(&self) -> i64 {
        self.batch_row
    }

    pub(super) fn transaction(&self) -> &Transaction<'_> {
        &self.transaction
    }

    /// The ledger's number of a line of the batch.
    pub(super) fn line_row(&self, line: Uuid) -> Result<i64, LedgerError> {
        let unknown = || LedgerError::Unreadable { what: "a line of the batch", found: line.to_string() };
        self.lines.get(&line).copied().ok_or_else(unknown)
    }

    /// Puts a job behind a line of the batch.
    pub fn link(&self, line: Uuid, job_id: i64, class: LineClass, role: Role) -> Result<(), LedgerError> {
        let line_row = self.line_row(line)?;
        self.transaction
            .prepare_cached(
                "INSERT INTO line_job (line_id, job_id, role, class, open) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![line_row, job_id, role.as_str(), class.as_str(), role == Role::Billed])?;
        Ok(())
    }

    /// Whether a link is to a line of this batch.
    pub fn is_own(&self, link: &OpenLink) -> bool {
        self.lines.values().any(|row| *row == link.line_row)
    }

    /// Closes the link by which an earlier line bills a job.
    pub fn close(&self, link: &OpenLink, job_id: i64) -> Result<(), LedgerError> {
        self.transaction
            .prepare_cached("UPDATE line_job SET open = 0 WHERE line_id = ?1 AND job_id = ?2 AND class = ?3")?
            .execute(params![link.line_row, job_id, link.class.as_str()])?;
        Ok(())
    }

    /// Writes down a delivery of the batch.
    pub fn delivery(&self, delivery: &NewDelivery<'_>) -> Result<i64, LedgerError> {
        insert_delivery(&self.transaction, Some(self.batch_row), delivery)
    }

    /// Makes it all hold.
    pub fn commit(self) -> Result<(), LedgerError> {
        Ok(self.transaction.commit()?)
    }
}

fn insert_batch(db: &Transaction<'_>, new: &NewBatch<'_>) -> Result<i64, LedgerError> {
    let batch = new.batch;
    db.execute(
        "INSERT INTO batch (name, site_id, period_first, period_last, sequence, issued_at, invoice_date, due_date,
         job_mark, change_mark, directory_digest)
         VALUES (:name, :site, :first, :last, :sequence, :at, :invoice, :due, :job, :change, :digest)",
        named_params! {
            ":name": batch.id,
            ":site": new.site.0,
            ":first": batch.period.first_day().to_string(),
            ":last": batch.period.last_day().to_string(),
            ":sequence": new.sequence,
            ":at": new.issued_at,
            ":invoice": batch.invoice_date.to_string(),
            ":due": batch.due_date.to_string(),
            ":job": new.marks.job,
            ":change": new.marks.change,
            ":digest": new.directory_digest,
        },
    )?;
    Ok(db.last_insert_rowid())
}

fn insert_line(
    db: &Transaction<'_>,
    batch_row: i64,
    line: &InvoiceLine,
    reverses: Option<Uuid>,
) -> Result<i64, LedgerError> {
    let usage = &line.usage;
    let counts = [
        usage.jobs,
        usage.mono_pages,
        usage.colour_pages,
        usage.mono_included,
        usage.colour_included,
        usage.mono_free,
        usage.colour_free,
    ];
    db.prepare_cached(
        "INSERT INTO invoice_line (key, batch_id, invoice_number, payer, payer_detail, class, period_first,
         period_last, revision, adjusts, reverses, description, quantity, unit_price, net, tax, tax_name, tax_rate,
         usage, proof) VALUES (:key, :batch, :number, :payer, :detail, :class, :first, :last, :revision, :adjusts,
         :reverses, :description, :quantity, :price, :net, :tax, :tax_name, :tax_rate, :usage, :proof)",
    )?
    .execute(named_params! {
        ":key": line.id.to_string(),
        ":batch": batch_row,
        ":number": line.invoice_number,
        ":payer": line.payer.id.to_string(),
        ":detail": payer_text(&line.payer),
        ":class": line.class.as_str(),
        ":first": line.period.first_day().to_string(),
        ":last": line.period.last_day().to_string(),
        ":revision": line.revision,
        ":adjusts": line.adjusts.map(|key| key.to_string()),
        ":reverses": reverses.map(|key| key.to_string()),
        ":description": line.description,
        ":quantity": line.quantity,
        ":price": line.unit_price.millionths(),
        ":net": line.net.millionths(),
        ":tax": line.tax.millionths(),
        ":tax_name": line.tax_rate.as_ref().map(|tax| tax.name.clone()),
        ":tax_rate": line.tax_rate.as_ref().map(|tax| tax.rate.millionths()),
        ":usage": counts.map(|count| count.to_string()).join(" "),
        ":proof": proof_text(&line.proof),
    })?;
    Ok(db.last_insert_rowid())
}

/// The one query for lines with one of this module's own conditions.
fn line_query(condition: &'static str) -> String {
    const LINES: &str = "SELECT invoice_line.id, batch.name, key, invoice_number, payer, payer_detail, class,
        invoice_line.period_first, invoice_line.period_last, revision, adjusts, reverses, description, quantity,
        unit_price, net, tax, tax_name, tax_rate, usage, proof
        FROM invoice_line JOIN batch ON batch.id = batch_id";
    [LINES, condition, "ORDER BY invoice_line.id"].join(" ")
}

fn collect_lines(rows: &mut rusqlite::Rows<'_>) -> Result<Vec<IssuedLine>, LedgerError> {
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(issued_line(row)?);
    }
    Ok(lines)
}

fn issued_line(row: &Row<'_>) -> Result<IssuedLine, LedgerError> {
    let text = |column: usize| row.get::<_, String>(column);
    let key = |column: usize| -> Result<Option<Uuid>, LedgerError> {
        row.get::<_, Option<String>>(column)?.map(|text| uuid_of(&text)).transpose()
    };
    let tax_rate = match (row.get::<_, Option<String>>(17)?, row.get::<_, Option<i64>>(18)?) {
        (Some(name), Some(rate)) => Some(TaxRate { name, rate: Rate::from_millionths(rate) }),
        _ => None,
    };
    let line = InvoiceLine {
        id: uuid_of(&text(2)?)?,
        invoice_number: text(3)?,
        payer: payer_of(&text(4)?, &text(5)?)?,
        class: class_of(&text(6)?)?,
        period: period_of(&text(7)?, &text(8)?)?,
        revision: row.get(9)?,
        adjusts: key(10)?,
        description: text(12)?,
        quantity: row.get(13)?,
        unit_price: Money::from_millionths(row.get(14)?),
        net: Money::from_millionths(row.get(15)?),
        tax: Money::from_millionths(row.get(16)?),
        tax_rate,
        usage: usage_of(&text(19)?)?,
        proof: proof_of(&text(20)?)?,
    };
    Ok(IssuedLine { row_id: row.get(0)?, batch: text(1)?, reverses: key(11)?, line })
}

fn uuid_of(text: &str) -> Result<Uuid, LedgerError> {
    Uuid::parse_str(text).map_err(|_| LedgerError::Unreadable { what: "a line id", found: text.to_owned() })
}

fn class_of(text: &str) -> Result<LineClass, LedgerError> {
    LineClass::parse(text)
        .ok_or_else(|| LedgerError::Unreadable { what: "a line class", found: text.to_owned() })
}

fn usage_of(text: &str) -> Result<Usage, LedgerError> {
    let unreadable = || LedgerError::Unreadable { what: "a line's usage", found: text.to_owned() };
    let counts: Vec<i64> =
        text.split(' ').map(|count| count.parse().map_err(|_| unreadable())).collect::<Result<_, _>>()?;
    let [jobs, mono_pages, colour_pages, mono_included, colour_included, mono_free, colour_free] = counts[..]
    else {
        return Err(unreadable());
    };
    Ok(Usage { jobs, mono_pages, colour_pages, mono_included, colour_included, mono_free, colour_free })
}
