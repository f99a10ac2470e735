//! One small batch with known numbers: a team with a pooled page allowance, and a member who pays cost plus
//! 25 %. Every golden test of this layer renders it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::{
    Batch, Currency, DetailItem, Exact, InvoiceLine, LineClass, Money, NotBillableItem, Payer, PayerId,
    Period, Proof, Rate, TaxRate, Usage,
};

/// An amount from its text.
pub(crate) fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn exact(text: &str) -> Exact {
    money(text).into()
}

fn day(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, month, day).unwrap()
}

/// The team that pays two of the lines.
pub(crate) fn team() -> Payer {
    Payer {
        id: PayerId::Team("T100".into()),
        name: "Kestrel & Lark, Ltd".into(),
        email: "accounts@kestrel.example".into(),
        code: "T100".into(),
        identifiers: BTreeMap::new(),
    }
}

/// The member who pays the third line.
pub(crate) fn member() -> Payer {
    Payer {
        id: PayerId::Member("M003".into()),
        name: "Lynx Studio".into(),
        email: "post@lynx.example".into(),
        code: "M003".into(),
        identifiers: BTreeMap::new(),
    }
}

/// A line of March 2026 with 20 % tax; its proof is left empty.
pub(crate) fn line(payer: Payer, class: LineClass, id: &str, quantity: i64, price: &str) -> InvoiceLine {
    let unit_price = money(price);
    let net = Money::from_millionths(unit_price.millionths() * quantity);
    let rate = Rate::from_percent("20").unwrap();
    let tax = crate::domain::round(net.at(rate), 2).unwrap().rounded;
    InvoiceLine {
        id: Uuid::parse_str(id).unwrap(),
        invoice_number: format!("PRT-2026-03-{}", payer.code),
        payer,
        class,
        period: Period::month_of(day(3, 1)),
        revision: 0,
        adjusts: None,
        description: format!("Print 2026-03: {quantity} pages"),
        quantity,
        unit_price,
        net,
        tax,
        tax_rate: Some(TaxRate { name: "VAT 20%".into(), rate }),
        usage: Usage::default(),
        proof: Proof::default(),
    }
}

fn used(
    payer: &Payer,
    user: &str,
    account: &str,
    jobs: i64,
    mono: i64,
    colour: i64,
    cost: &str,
) -> DetailItem {
    DetailItem {
        payer: payer.id.clone(),
        user: user.into(),
        account: account.into(),
        job_type: "print".into(),
        jobs,
        mono_pages: mono,
        colour_pages: colour,
        cost: money(cost),
    }
}

fn lines() -> Vec<InvoiceLine> {
    let mut mono = line(team(), LineClass::Mono, "9872dc6f-dda4-5e9b-877f-eaf9ae2364a4", 21, "0.08");
    mono.description = "Print 2026-03: mono 61 pages - 40 included".into();
    mono.usage = Usage { jobs: 5, mono_pages: 61, mono_included: 40, ..Usage::default() };
    let mut colour = line(team(), LineClass::Colour, "23395170-4999-51d4-afc7-e4d72c381b84", 3, "0.36");
    colour.description = "Print 2026-03: colour 13 pages - 10 included".into();
    colour.usage = Usage { jobs: 2, colour_pages: 13, colour_included: 10, ..Usage::default() };
    let mut cost = line(member(), LineClass::Cost, "2e311b2a-cc74-52da-b7a4-5c387219398e", 1, "1.63");
    cost.description = "Print 2026-03: 14 pages at cost + 25%".into();
    cost.usage = Usage { jobs: 3, mono_pages: 11, colour_pages: 3, ..Usage::default() };
    vec![mono, colour, cost]
}

/// The mono line's correction after 25 of its pages were refunded: 21 pages fewer, net -1.68.
pub(crate) fn late_refund() -> InvoiceLine {
    let mut refund = line(team(), LineClass::Mono, "0a7b48df-d989-5589-91a0-b547b2c56437", -21, "0.08");
    refund.description = "Print 2026-03 corrected: mono -25 pages".into();
    refund.adjusts = lines().first().map(|line| line.id);
    refund.revision = 1;
    refund
}

/// The hash of a golden file, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The batch of March 2026: net 4.39, tax 0.89, gross 5.28.
pub(crate) fn worked_example() -> Batch {
    let (team, member) = (team(), member());
    Batch {
        id: "main-2026-03".into(),
        site: "main".into(),
        period: Period::month_of(day(3, 1)),
        currency: Currency::new("GBP").unwrap(),
        invoice_date: day(3, 31),
        due_date: day(4, 14),
        lines: lines(),
        detail: vec![
            used(&team, "M001", "", 2, 24, 7, "2.95"),
            used(&team, "M001", "Kestrel\\Pitch", 1, 25, 0, "1.25"),
            used(&team, "M002", "", 1, 4, 0, "0.20"),
            used(&team, "M002", "Kestrel\\Pitch", 1, 8, 6, "1.90"),
            used(&member, "M003", "", 3, 11, 3, "1.30"),
        ],
        suspense: Vec::new(),
        not_billable: vec![NotBillableItem {
            reason: "refunded".into(),
            jobs: 1,
            pages: 9,
            cost: money("2.25"),
        }],
        proof: Proof {
            reported: exact("9.85"),
            not_billable: exact("2.25"),
            suspense: Exact::ZERO,
            allowance: exact("6.80"),
            markup: exact("3.585"),
            rounding: exact("0.005"),
            billed: exact("4.39"),
        },
        findings: Vec::new(),
    }
}
