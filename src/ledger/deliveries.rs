//! Deliveries: what is to be handed out, written down before it leaves, and what became of it.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use sha2::{Digest, Sha256};

use super::{Ledger, LedgerError};

/// How a delivery leaves the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryKind {
    /// A file in the output folder.
    File,
    /// A mail.
    Mail,
    /// A change of a PaperCut balance.
    Balance,
}

impl DeliveryKind {
    /// The word in JSON and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            DeliveryKind::File => "file",
            DeliveryKind::Mail => "mail",
            DeliveryKind::Balance => "balance",
        }
    }
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Written down.
    Pending,
    /// Being handed out; found so after a crash, it is uncertain.
    Sending,
    /// Not taken; the next run tries again.
    Failed,
    /// Perhaps taken: a person decides, nothing is repeated.
    Uncertain,
    /// Taken.
    Delivered,
    /// Not to be tried again.
    GivenUp,
}

impl DeliveryState {
    /// The word in JSON and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Sending => "sending",
            DeliveryState::Failed => "failed",
            DeliveryState::Uncertain => "uncertain",
            DeliveryState::Delivered => "delivered",
            DeliveryState::GivenUp => "given-up",
        }
    }

    pub(super) fn parse(word: &str) -> Option<DeliveryState> {
        [
            DeliveryState::Pending,
            DeliveryState::Sending,
            DeliveryState::Failed,
            DeliveryState::Uncertain,
            DeliveryState::Delivered,
            DeliveryState::GivenUp,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }
}

/// A delivery to write down.
#[derive(Debug)]
pub struct NewDelivery<'a> {
    /// Unique for ever: the same thing is never handed out twice.
    pub key: &'a str,
    /// How it leaves.
    pub kind: DeliveryKind,
    /// A file: its path below the output folder. A mail: its Message-ID. A balance change: whose balance.
    pub target: &'a str,
    /// The bytes.
    pub body: &'a [u8],
    /// Now, RFC 3339.
    pub at: &'a str,
}

/// A delivery as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Number, for `deliver --resolve`.
    pub id: i64,
    /// Its key.
    pub key: String,
    /// How it leaves.
    pub kind: DeliveryKind,
    /// A file: its path below the output folder. A mail: its Message-ID. A balance change: whose balance.
    pub target: String,
    /// SHA-256 of the bytes.
    pub sha256: Vec<u8>,
    /// State.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: i64,
    /// What the other side said last.
    pub answer: String,
}

const DELIVERY: &str = "SELECT id, key, kind, target, sha256, state, attempt, answer FROM delivery";

/// Writes a delivery down; a key that is there already keeps its first body.
pub(super) fn insert_delivery(
    db: &Connection,
    batch: Option<i64>,
    new: &NewDelivery<'_>,
) -> Result<i64, LedgerError> {
    let digest: [u8; 32] = Sha256::digest(new.body).into();
    db.execute(
        "INSERT INTO delivery (key, kind, batch_id, target, sha256, body, state, created_at, changed_at)
         VALUES (:key, :kind, :batch, :target, :sha256, :body, 'pending', :at, :at)
         ON CONFLICT (key) DO NOTHING",
        named_params! {
            ":key": new.key,
            ":kind": new.kind.as_str(),
            ":batch": batch,
            ":target": new.target,
            ":sha256": digest,
            ":body": new.body,
            ":at": new.at,
        },
    )?;
    Ok(db.query_row(
        "SELECT id FROM delivery WHERE key = :key",
        named_params! { ":key": new.key },
        |row| row.get(0),
    )?)
}

fn delivery(row: &Row<'_>) -> Result<Delivery, LedgerError> {
    let kind = match row.get::<_, String>(2)?.as_str() {
        "file" => DeliveryKind::File,
        "balance" => DeliveryKind::Balance,
        _ => DeliveryKind::Mail,
    };
    let state: String = row.get(5)?;
    let state = DeliveryState::parse(&state)
        .ok_or(LedgerError::Unreadable { what: "a delivery's state", found: state })?;
    Ok(Delivery {
        id: row.get(0)?,
        key: row.get(1)?,
        kind,
        target: row.get(3)?,
        sha256: row.get(4)?,
        state,
        attempts: row.get(6)?,
        answer: row.get(7)?,
    })
}

impl Ledger {
    /// Writes down a delivery that belongs to no batch.
    pub fn add_delivery(&self, new: &NewDelivery<'_>) -> Result<i64, LedgerError> {
        insert_delivery(&self.connection, None, new)
    }

    /// Deliveries that are not settled, oldest first.
    pub fn open_deliveries(&self) -> Result<Vec<Delivery>, LedgerError> {
        let sql = [DELIVERY, "WHERE state NOT IN ('delivered', 'given-up') ORDER BY id"].join(" ");
        self.deliveries(&sql)
    }

    /// All deliveries of a batch.
    pub fn batch_deliveries(&self, batch: i64) -> Result<Vec<Delivery>, LedgerError> {
        let sql = [DELIVERY, "WHERE batch_id = ?1 ORDER BY id"].join(" ");
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([batch])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(delivery(row)?);
        }
        Ok(found)
    }

    fn deliveries(&self, sql: &str) -> Result<Vec<Delivery>, LedgerError> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(delivery(row)?);
        }
        Ok(found)
    }

    /// The delivery of that number.
    pub fn delivery(&self, id: i64) -> Result<Option<Delivery>, LedgerError> {
        let sql = [DELIVERY, "WHERE id = ?1"].join(" ");
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([id])?;
        rows.next()?.map(delivery).transpose()
    }

    /// The bytes of a delivery, while it is not settled.
    pub fn delivery_body(&self, id: i64) -> Result<Option<Vec<u8>>, LedgerError> {
        let body = self
            .connection
            .query_row("SELECT body FROM delivery WHERE id = :id", named_params! { ":id": id }, |row| {
                row.get(0)
            })
            .optional()?;
        Ok(body.flatten())
    }

    /// Writes down that a delivery goes out now: one more attempt.
    pub fn delivery_begins(&self, id: i64, at: &str) -> Result<(), LedgerError> {
        self.connection.execute(
            "UPDATE delivery SET state = 'sending', attempt = attempt + 1, changed_at = :at WHERE id = :id",
            named_params! { ":id": id, ":at": at },
        )?;
        Ok(())
    }

    /// Writes down what became of it; a settled delivery's bytes are no longer needed.
    pub fn delivery_ends(
        &self,
        id: i64,
        state: DeliveryState,
        answer: &str,
        at: &str,
    ) -> Result<(), LedgerError> {
        self.connection.execute(
            "UPDATE delivery SET state = :state, answer = :answer, changed_at = :at,
             body = CASE WHEN :state IN ('delivered', 'given-up') THEN NULL ELSE body END WHERE id = :id",
            named_params! { ":id": id, ":state": state.as_str(), ":answer": answer, ":at": at },
        )?;
        Ok(())
    }
}
