//! Names that are the same whenever they are made: line ids and invoice numbers.

use chrono::Datelike;
use uuid::{Uuid, uuid};

use super::invoice::{LineClass, PayerId};
use super::period::Period;

/// Namespace of line ids: UUID version 5 of `urn:papertally:charge` in the URL namespace.
pub const CHARGE_NAMESPACE: Uuid = uuid!("3f41f7d6-fe02-5683-ac00-c389b277d1f1");

/// Id of a line: site, period, payer, class and revision, and no amount. A changed amount under the same
/// identity must collide, not slip through.
///
/// ```
/// use papertally::domain::{line_key, LineClass, PayerId, Period};
/// let march = Period::parse("2026-03", Default::default()).unwrap();
/// let key = line_key("main", march, &PayerId::parse("team:T100").unwrap(), LineClass::Mono, 0);
/// assert_eq!(key.to_string(), "9872dc6f-dda4-5e9b-877f-eaf9ae2364a4");
/// ```
pub fn line_key(site: &str, period: Period, payer: &PayerId, class: LineClass, revision: u32) -> Uuid {
    let name = format!("1|{site}|{period}|{payer}|{}|{revision}", class.as_str());
    Uuid::new_v5(&CHARGE_NAMESPACE, name.as_bytes())
}

/// Id of a whole invoice, for receivers that know invoices by an id of ours: made as a line's is, with the word
/// `invoice` for the class and the number of the batch within its period for the revision.
///
/// ```
/// use papertally::domain::{invoice_key, PayerId, Period};
/// let march = Period::parse("2026-03", Default::default()).unwrap();
/// let key = invoice_key("main", march, &PayerId::parse("team:T100").unwrap(), 0);
/// assert_eq!(key.to_string(), "d145f47b-7204-5f19-89b6-291321b93555");
/// ```
pub fn invoice_key(site: &str, period: Period, payer: &PayerId, sequence: u32) -> Uuid {
    let name = format!("1|{site}|{period}|{payer}|invoice|{sequence}");
    Uuid::new_v5(&CHARGE_NAMESPACE, name.as_bytes())
}

/// Number of a payer's invoice in a batch: capital letters, digits and `-`, at most 21 for a month's first
/// batch, which the narrowest receivers take.
///
/// ```
/// use papertally::domain::{invoice_number, Period};
/// let march = Period::parse("2026-03", Default::default()).unwrap();
/// assert_eq!(invoice_number("PRT", march, "T100", 0), "PRT-2026-03-T100");
/// assert_eq!(invoice_number("PRT", march, "T100", 2), "PRT-2026-03-T100-A2");
/// let days = Period::parse("2026-10-16..2026-11-15", Default::default()).unwrap();
/// assert_eq!(invoice_number("PRT", days, "T100", 0), "PRT-261016X31-T100");
/// ```
pub fn invoice_number(prefix: &str, period: Period, code: &str, sequence: u32) -> String {
    let label = if period.is_month() {
        period.to_string()
    } else {
        let first = period.first_day();
        let days = period.days().count();
        format!("{:02}{:02}{:02}X{days}", first.year().rem_euclid(100), first.month(), first.day())
    };
    let suffix = if sequence == 0 { String::new() } else { format!("-A{sequence}") };
    format!("{prefix}-{label}-{code}{suffix}")
}
