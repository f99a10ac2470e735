//! Hands out what was written down, one delivery at a time, each with its own record before and after.
//!
//! A crash in between leaves a delivery "sending". A file is then looked for; a mail that may have been
//! handed to a server is uncertain, and only a person may say whether it goes out again.

use std::collections::BTreeMap;

use super::books::Books;
use super::error::RunError;
use crate::ledger::{Delivery, DeliveryKind, DeliveryState};
use crate::outputs::{Envelope, Handover, Transport, write_whole};

/// What became of the outstanding deliveries.
#[derive(Debug, Default)]
pub struct Handed {
    /// Delivered now: paths below the output folder, or `mail`.
    pub delivered: Vec<Delivery>,
    /// Not taken; they go out again next time.
    pub failed: Vec<Delivery>,
    /// Perhaps taken; a person decides.
    pub uncertain: Vec<Delivery>,
}

impl Handed {
    /// Whether nothing is left to do.
    pub fn is_settled(&self) -> bool {
        self.failed.is_empty() && self.uncertain.is_empty()
    }

    fn add(&mut self, delivery: Delivery) {
        match delivery.state {
            DeliveryState::Delivered => self.delivered.push(delivery),
            DeliveryState::Uncertain => self.uncertain.push(delivery),
            _ => self.failed.push(delivery),
        }
    }
}

/// Where the files of deliveries are, and how many: statements as their folder, since there is one for each payer.
pub fn places(books: &Books<'_>, deliveries: &[Delivery]) -> BTreeMap<String, i64> {
    let mut places = BTreeMap::new();
    for delivery in deliveries.iter().filter(|delivery| delivery.kind == DeliveryKind::File) {
        let target = match delivery.target.split_once("/statements/") {
            Some((folder, _)) => format!("{folder}/statements"),
            None => delivery.target.clone(),
        };
        *places.entry(books.config.output.folder.join(target).display().to_string()).or_default() += 1;
    }
    places
}

/// Hands out every file or mail that is outstanding. Balance changes have a way of their own, [`super::papercut::adjust`].
pub fn deliver(books: &Books<'_>, kind: DeliveryKind) -> Result<Handed, RunError> {
    let mut handed = Handed::default();
    for delivery in books.ledger.open_deliveries()? {
        if delivery.kind == kind {
            handed.add(hand_out(books, delivery)?);
        }
    }
    Ok(handed)
}

fn hand_out(books: &Books<'_>, mut delivery: Delivery) -> Result<Delivery, RunError> {
    let now = books.now_text();
    let is_mail = delivery.kind == DeliveryKind::Mail;
    let transport = if is_mail { Some(books.mail_transport()?) } else { None };
    let repeatable = !matches!(transport, Some(Transport::Smtp(_)));
    if delivery.state == DeliveryState::Uncertain {
        return Ok(delivery);
    }
    if delivery.state == DeliveryState::Sending && !repeatable {
        delivery.state = DeliveryState::Uncertain;
        delivery.answer = "papertally ended while the mail was handed over".to_owned();
        books.ledger.delivery_ends(delivery.id, delivery.state, &delivery.answer, &now)?;
        return Ok(delivery);
    }
    let Some(body) = books.ledger.delivery_body(delivery.id)? else {
        return Err(RunError::BodyGone { id: delivery.id });
    };
    books.ledger.delivery_begins(delivery.id, &now)?;
    let (state, answer) = match transport {
        None => write_file(books, &delivery, &body),
        Some(transport) => send_mail(books, &transport, &delivery, &body),
    };
    books.ledger.delivery_ends(delivery.id, state, &answer, &now)?;
    delivery.attempts += 1;
    delivery.state = state;
    delivery.answer = answer;
    Ok(delivery)
}

fn write_file(books: &Books<'_>, delivery: &Delivery, body: &[u8]) -> (DeliveryState, String) {
    match write_whole(&books.config.output.folder.join(&delivery.target), body) {
        Ok(_) => (DeliveryState::Delivered, String::new()),
        Err(error) => {
            let cause =
                std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            (DeliveryState::Failed, format!("{error}{cause}"))
        }
    }
}

fn send_mail(
    books: &Books<'_>,
    transport: &Transport,
    delivery: &Delivery,
    body: &[u8],
) -> (DeliveryState, String) {
    let Some(mail) = &books.config.mail else {
        return (DeliveryState::Failed, "the configuration has no [mail] any more".to_owned());
    };
    let envelope = Envelope {
        from: mail.from.clone(),
        to: mail.to.clone(),
        reply_to: mail.reply_to.clone(),
        message_id: delivery.target.clone(),
        date: books.now.fixed_offset(),
        subject: String::new(),
    };
    match transport.send(&envelope, body) {
        Handover::Sent => (DeliveryState::Delivered, String::new()),
        Handover::Refused(text) => (DeliveryState::Failed, text),
        Handover::Uncertain(text) => (DeliveryState::Uncertain, text),
    }
}
