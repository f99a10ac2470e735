//! The sentence on an invoice line.

use crate::domain::{Allowance, Basis, LineClass, Period, Proof, Rate, Terms, Usage};

/// What a line charges for, in one sentence that starts with a letter; never a document name.
pub(super) fn describe(
    period: Period,
    class: LineClass,
    usage: &Usage,
    proof: &Proof,
    terms: &Terms,
    corrects: bool,
) -> String {
    let corrected = if corrects { " corrected" } else { "" };
    let what = match class {
        LineClass::Mono => {
            pages("mono ", [usage.mono_pages, usage.mono_included, usage.mono_free], proof, terms)
        }
        LineClass::Colour => {
            pages("colour ", [usage.colour_pages, usage.colour_included, usage.colour_free], proof, terms)
        }
        LineClass::Cost => at_cost(usage, proof, terms),
    };
    format!("Print {period}{corrected}: {what}")
}

fn pages(name: &str, [used, included, free]: [i64; 3], proof: &Proof, terms: &Terms) -> String {
    let noun = if used == 1 { "page" } else { "pages" };
    let covered = match terms.plan.allowance {
        Allowance::Money(_) if !proof.allowance.is_zero() => format!(" - {} included", proof.allowance),
        _ if included > 0 => format!(" - {included} included"),
        _ => String::new(),
    };
    let unpriced = if free > 0 { format!(" - {free} free") } else { String::new() };
    format!("{name}{used} {noun}{covered}{unpriced}")
}

fn at_cost(usage: &Usage, proof: &Proof, terms: &Terms) -> String {
    let used = usage.mono_pages + usage.colour_pages;
    let noun = if used == 1 { "page" } else { "pages" };
    let covered =
        if proof.allowance.is_zero() { String::new() } else { format!(" - {} included", proof.allowance) };
    let markup = match terms.plan.basis {
        Basis::Cost { markup } if markup != Rate::ZERO => format!(" + {}%", markup.percent()),
        _ => String::new(),
    };
    format!("{used} {noun} at cost{covered}{markup}")
}
