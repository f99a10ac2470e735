//! The batch as it would be issued: facts in, lines and proof out. Pure, and it cannot fail.
//!
//! Each period is priced as it stands now, and a line is the difference to what was issued for the same payer
//! and class. So a first line and a correction come from the same arithmetic, allowances included, and the net
//! of billing in two steps is that of billing once. Tax is rounded on each line, so it may differ by a cent.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::facts::PeriodFacts;
use super::resolve::Resolver;
use super::wording::describe;
use crate::domain::{
    Batch, Charge, Currency, Exact, Finding, InvoiceLine, LineClass, Money, Payer, PayerId, Period, Proof,
    Severity, SuspenseItem, Terms, Usage, charge, invoice_number, line_key, round,
};

/// Everything that decides a batch.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The site.
    pub site: &'a str,
    /// Its currency.
    pub currency: Currency,
    /// The period to bill.
    pub period: Period,
    /// Number of batches that the period has already.
    pub sequence: u32,
    /// The period to bill, then earlier issued periods that may need corrections.
    pub periods: Vec<(PeriodFacts, Resolver<'a>)>,
    /// Days of the period that no report speaks for.
    pub gaps: Vec<Period>,
    /// Date of the invoices.
    pub invoice_date: NaiveDate,
    /// Date until which they are to be paid.
    pub due_date: NaiveDate,
    /// First part of invoice numbers.
    pub invoice_prefix: &'a str,
}

/// A batch with what the ledger keeps beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The batch.
    pub batch: Batch,
    /// What it adds to the proof of each period.
    pub proofs: Vec<(Period, Proof)>,
    /// Terms of payers whose period is billed for the first time.
    pub terms: Vec<(Period, PayerId, Terms)>,
}

/// What was issued for a payer and class so far.
#[derive(Clone, Debug, Default)]
struct Issued {
    net: Money,
    quantity: i64,
    unit_price: Option<Money>,
    usage: Usage,
    proof: Proof,
    original: Option<Uuid>,
    revisions: u32,
}

/// Makes the batch of the facts.
pub fn plan(facts: &mut Facts<'_>) -> Draft {
    let mut draft = Draft { batch: empty_batch(facts), proofs: Vec::new(), terms: Vec::new() };
    let mut periods = std::mem::take(&mut facts.periods);
    for (index, (period, resolver)) in periods.iter_mut().enumerate() {
        plan_period(facts, period, resolver, index == 0, &mut draft);
    }
    facts.periods = periods;
    let batch = &mut draft.batch;
    batch.lines.sort_by(|one, other| {
        let order = |line: &InvoiceLine| (line.payer.id.clone(), line.period, line.class, line.revision);
        order(one).cmp(&order(other))
    });
    batch.proof = draft.proofs.iter().fold(Proof::default(), |sum, (_, proof)| sum.plus(proof));
    batch.findings.extend(gap_findings(facts));
    batch.findings.extend(batch.suspense.iter().map(suspense_finding));
    batch.findings.sort();
    batch.findings.dedup();
    draft
}

fn empty_batch(facts: &Facts<'_>) -> Batch {
    let suffix = if facts.sequence == 0 { String::new() } else { format!("-A{}", facts.sequence) };
    Batch {
        id: format!("{}-{}{suffix}", facts.site, facts.period),
        site: facts.site.to_owned(),
        period: facts.period,
        currency: facts.currency,
        invoice_date: facts.invoice_date,
        due_date: facts.due_date,
        lines: Vec::new(),
        detail: Vec::new(),
        suspense: Vec::new(),
        not_billable: Vec::new(),
        proof: Proof::default(),
        findings: Vec::new(),
    }
}

/// Prices one period and adds its lines, and for the period that is billed its detail and exceptions.
fn plan_period(
    facts: &Facts<'_>,
    period: &PeriodFacts,
    resolver: &mut Resolver<'_>,
    is_billed: bool,
    draft: &mut Draft,
) {
    let mut issued = issued_so_far(period);
    let mut now = Proof {
        reported: period.reported,
        not_billable: period.not_billable.iter().map(|item| Exact::from(item.cost)).sum(),
        suspense: period.suspense.iter().map(|item| Exact::from(item.cost)).sum(),
        ..Proof::default()
    };
    let payers: BTreeSet<PayerId> =
        period.usage.keys().cloned().chain(issued.keys().map(|(payer, _)| payer.clone())).collect();
    for payer in payers {
        let items = period.usage.get(&payer).map_or(&[][..], Vec::as_slice);
        let has_moved = period.moved.keys().any(|(moved, _)| *moved == payer);
        let terms = if has_moved { resolver.terms_with_seats(&payer) } else { resolver.terms(&payer) };
        let Ok(terms) = terms else { continue };
        let mut charges: BTreeMap<LineClass, Charge> =
            charge(items, &terms).into_iter().map(|one| (one.class, one)).collect();
        let mut has_lines = false;
        for class in [LineClass::Mono, LineClass::Colour, LineClass::Cost] {
            let before = issued.remove(&(payer.clone(), class)).unwrap_or_default();
            let moved = period.moved.get(&(payer.clone(), class)).copied().unwrap_or_default();
            let price = priced(charges.remove(&class), facts.currency);
            now = add_priced(now, &price.proof);
            if !price.is_in_range {
                draft.batch.findings.push(out_of_range(&payer, period.period));
            }
            let unchanged =
                price.net == before.net && price.usage == before.usage && moved == Default::default();
            if unchanged {
                continue;
            }
            has_lines = true;
            if moved.orphaned > 0 {
                draft.batch.findings.push(orphaned(&payer, period.period, moved.orphaned));
            }
            let line = LineParts { payer: &payer, class, price: &price, before: &before, terms: &terms };
            draft.batch.lines.push(line.make(facts, period, resolver));
        }
        if has_lines && !resolver.is_frozen(&payer) {
            draft.terms.push((period.period, payer, terms));
        }
    }
    draft.proofs.push((period.period, now.minus(&period.issued_proof)));
    if is_billed {
        draft.batch.detail.clone_from(&period.detail);
        draft.batch.suspense.clone_from(&period.suspense);
        draft.batch.not_billable.clone_from(&period.not_billable);
    }
}

/// Sums up the issued lines of a period by payer and class.
fn issued_so_far(period: &PeriodFacts) -> BTreeMap<(PayerId, LineClass), Issued> {
    let reversed: BTreeSet<Uuid> = period.issued.iter().filter_map(|issued| issued.reverses).collect();
    let mut sums: BTreeMap<(PayerId, LineClass), Issued> = BTreeMap::new();
    for issued in &period.issued {
        let line = &issued.line;
        let sum = sums.entry((line.payer.id.clone(), line.class)).or_default();
        let first = sum.revisions == 0;
        sum.net = (Exact::from(sum.net) + Exact::from(line.net)).to_money();
        sum.unit_price = if first || sum.unit_price == Some(line.unit_price) || sum.quantity == 0 {
            Some(line.unit_price)
        } else {
            None
        };
        sum.quantity += line.quantity;
        sum.usage = sum.usage.plus(&line.usage);
        sum.proof = sum.proof.plus(&line.proof);
        sum.revisions = sum.revisions.max(line.revision + 1);
        // The first line that still stands is the one that a further line corrects.
        if issued.reverses.is_none() && !reversed.contains(&line.id) && sum.original.is_none() {
            sum.original = Some(line.id);
        }
    }
    sums
}

/// A class as it should be billed in all, rounded once.
struct Priced {
    /// Whether the amount is one: none that fits a line is ever made of it.
    is_in_range: bool,
    net: Money,
    pages_at: Option<(i64, Money)>,
    usage: Usage,
    proof: Proof,
}

fn priced(charge: Option<Charge>, currency: Currency) -> Priced {
    let Some(charge) = charge else {
        return Priced {
            is_in_range: true,
            net: Money::ZERO,
            pages_at: None,
            usage: Usage::default(),
            proof: Proof::default(),
        };
    };
    let rounded = round(charge.amount, currency.decimals());
    let net = rounded.map_or(Money::ZERO, |line| line.rounded);
    let billed = Exact::from(net);
    let proof = Proof { rounding: billed - charge.amount, billed, ..charge.proof };
    Priced { is_in_range: rounded.is_some(), net, pages_at: charge.pages_at, usage: charge.usage, proof }
}

/// Adds a class's proof to its period's, whose reported cost is counted already.
fn add_priced(now: Proof, class: &Proof) -> Proof {
    now.plus(&Proof { reported: Exact::ZERO, ..*class })
}

/// What makes one line.
struct LineParts<'a> {
    payer: &'a PayerId,
    class: LineClass,
    price: &'a Priced,
    before: &'a Issued,
    terms: &'a Terms,
}

impl LineParts<'_> {
    fn make(&self, facts: &Facts<'_>, period: &PeriodFacts, resolver: &Resolver<'_>) -> InvoiceLine {
        let net = (Exact::from(self.price.net) - Exact::from(self.before.net)).to_money();
        let (quantity, unit_price) = self.quantity(net);
        let payer = resolver.payer_details(self.payer).unwrap_or_else(|| issued_payer(period, self.payer));
        let tax_rate = self.terms.plan.tax.clone();
        let tax = tax_rate.as_ref().and_then(|tax| round(net.at(tax.rate), facts.currency.decimals()));
        InvoiceLine {
            id: line_key(facts.site, period.period, self.payer, self.class, self.before.revisions),
            invoice_number: invoice_number(facts.invoice_prefix, facts.period, &payer.code, facts.sequence),
            payer,
            class: self.class,
            period: period.period,
            revision: self.before.revisions,
            adjusts: self.before.original,
            description: describe(
                period.period,
                self.class,
                &self.price.usage,
                &self.price.proof,
                self.terms,
                self.before.original.is_some(),
            ),
            quantity,
            unit_price,
            net,
            tax: tax.map_or(Money::ZERO, |tax| tax.rounded),
            tax_rate,
            usage: self.price.usage.minus(&self.before.usage),
            proof: self.price.proof.minus(&self.before.proof),
        }
    }

    /// Pages and their price where they multiply to the net exactly, else one of the net.
    fn quantity(&self, net: Money) -> (i64, Money) {
        let fallback = (1, net);
        let (now, price) = match (self.price.pages_at, self.before.unit_price) {
            (Some((pages, price)), _) => (pages, price),
            (None, Some(price)) if self.price.net.is_zero() => (0, price),
            (None, _) => return fallback,
        };
        let same_price = self.before.quantity == 0 || self.before.unit_price == Some(price);
        let quantity = now - self.before.quantity;
        let exact = same_price && quantity != 0 && price.times(quantity) == Exact::from(net);
        if exact { (quantity, price) } else { fallback }
    }
}

/// A payer who is gone from the directory, as the last issued line names it.
fn issued_payer(period: &PeriodFacts, id: &PayerId) -> Payer {
    let known = period.issued.iter().rev().find(|issued| issued.line.payer.id == *id);
    known.map_or_else(
        || Payer {
            id: id.clone(),
            name: id.id().to_owned(),
            email: String::new(),
            code: id.id().to_owned(),
            identifiers: BTreeMap::new(),
        },
        |issued| issued.line.payer.clone(),
    )
}

/// Issued lines whose jobs have lost their payer: more likely a row that was deleted by mistake than a credit.
fn orphaned(payer: &PayerId, period: Period, jobs: i64) -> Finding {
    let counted = if jobs == 1 { "1 job".to_owned() } else { format!("{jobs} jobs") };
    let message = format!(
        "{counted} on issued lines of {payer} for {period} have no payer any more: put the row back into the directory \
         (with a `to` day for who left), or credit them by `papertally bill --issue --despite-gaps`"
    );
    Finding::new(Severity::Error, "issued-jobs-without-payer", message)
}

fn out_of_range(payer: &PayerId, period: Period) -> Finding {
    let message =
        format!("{payer} owes more for {period} than an invoice line holds: look for a misread column");
    Finding::new(Severity::Error, "amount-out-of-range", message)
}

fn gap_findings(facts: &Facts<'_>) -> Vec<Finding> {
    let spans: Vec<String> = facts.gaps.iter().map(|gap| span_text(*gap)).collect();
    if spans.is_empty() {
        return Vec::new();
    }
    vec![Finding::new(
        Severity::Error,
        "period-not-covered",
        format!(
            "no report of `{}` speaks for {} of {}: put the missing reports into the inbox, or issue with `--despite-gaps`",
            facts.site,
            spans.join(", "),
            facts.period
        ),
    )]
}

fn span_text(span: Period) -> String {
    if span.first_day() == span.last_day() {
        span.first_day().to_string()
    } else {
        format!("{} to {}", span.first_day(), span.last_day())
    }
}

/// What a person is told of jobs in suspense.
pub(super) fn suspense_finding(item: &SuspenseItem) -> Finding {
    let jobs = if item.jobs == 1 { "1 job".to_owned() } else { format!("{} jobs", item.jobs) };
    let message = format!("{jobs} ({} pages, cost {}) in suspense: {}", item.pages, item.cost, item.reason);
    Finding::new(Severity::Warning, "suspense", message)
}
