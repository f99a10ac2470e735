//! The proof as a person reads it: a sum, row by row, from the reported cost to what is billed.

use serde::Serialize;

use crate::domain::{Currency, Exact, Proof};

use super::amounts::amount_at;

/// One part of the sum.
pub(super) struct Part {
    /// What it is, in a person's words.
    pub(super) label: &'static str,
    /// With the sign with which it is added.
    pub(super) value: Exact,
    /// Whether it is a result and not a part.
    pub(super) is_result: bool,
}

/// A row of a page.
#[derive(Serialize)]
pub(super) struct ProofRow {
    label: &'static str,
    amount: String,
    is_result: bool,
}

/// The parts in the order in which they are added, then the two results.
pub(super) fn parts(proof: &Proof) -> [Part; 8] {
    let part = |label, value| Part { label, value, is_result: false };
    let result = |label, value| Part { label, value, is_result: true };
    [
        part("Cost that PaperCut reported", proof.reported),
        part("Not billable: refunded, denied, not printed, excluded", -proof.not_billable),
        part("Waiting for a payer", -proof.suspense),
        part("Covered by allowances", -proof.allowance),
        part("Mark-up and plan prices", proof.markup),
        part("Rounding of the lines", proof.rounding),
        result("Billed before tax", proof.billed),
        result("Difference", proof.difference()),
    ]
}

/// The rows, all with as many decimals as the longest needs.
pub(super) fn rows(proof: &Proof, currency: Currency) -> Vec<ProofRow> {
    let parts = parts(proof);
    let decimals = parts.iter().map(|part| decimals_of(part.value)).fold(currency.decimals(), u32::max);
    let row = |part: &Part| ProofRow {
        label: part.label,
        amount: amount_at(part.value, decimals),
        is_result: part.is_result,
    };
    parts.iter().map(row).collect()
}

/// `adds up`, or what is wrong in one word group.
pub(super) fn verdict(proof: &Proof, currency: Currency) -> String {
    if proof.difference().is_zero() {
        "adds up: difference 0".to_owned()
    } else {
        format!("DOES NOT ADD UP: difference {}", amount_at(proof.difference(), currency.decimals()))
    }
}

fn decimals_of(value: Exact) -> u32 {
    let text = value.to_text(0);
    text.split_once('.').and_then(|(_, fraction)| u32::try_from(fraction.len()).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::fixture;

    #[test]
    fn the_parts_add_up_to_what_is_billed() {
        let proof = fixture::worked_example().proof;
        let parts = parts(&proof);
        let sum: Exact = parts.iter().filter(|part| !part.is_result).map(|part| part.value).sum();
        assert_eq!(sum, proof.billed);
    }

    #[test]
    fn all_rows_have_the_decimals_of_the_longest() {
        let batch = fixture::worked_example();
        let shown: Vec<String> =
            rows(&batch.proof, batch.currency).into_iter().map(|row| row.amount).collect();
        assert_eq!(shown, ["9.850", "-2.250", "0.000", "-6.800", "3.585", "0.005", "4.390", "0.000"]);
    }

    #[test]
    fn a_proof_that_fails_says_so() {
        let batch = fixture::worked_example();
        assert_eq!(verdict(&batch.proof, batch.currency), "adds up: difference 0");
        let broken = Proof { billed: fixture::money("4.40").into(), ..batch.proof };
        assert_eq!(verdict(&broken, batch.currency), "DOES NOT ADD UP: difference -0.01");
    }
}
