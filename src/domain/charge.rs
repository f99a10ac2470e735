//! From what a payer used to what the plan asks for it: allowance, price, mark-up. Rounding comes later.
//!
//! The order is fixed: jobs that are never billed are gone already; then the allowance covers, then the rest
//! is priced, then PaperCut's cost is marked up. A job's PaperCut cost is shown with the colour line where
//! the job has colour pages, else with the mono line: a cost cannot be split between them exactly.

use super::invoice::{LineClass, Proof, Usage};
use super::money::{Exact, Money, Rate};
use super::plan::{Allowance, AllowancePer, Basis, Plan, PriceList};

/// What a payer used of one type and size of paper, jobs with and without colour pages apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsageItem {
    /// `print`, `copy`, `scan`, `fax` or another type in lower case.
    pub job_type: String,
    /// Paper size as the report names it.
    pub paper_size: String,
    /// Whether these are the jobs with colour pages.
    pub colour: HasColour,
    /// Number of jobs.
    pub jobs: i64,
    /// Mono pages.
    pub mono_pages: i64,
    /// Colour pages.
    pub colour_pages: i64,
    /// PaperCut's cost.
    pub cost: Exact,
}

/// Whether a job has colour pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HasColour {
    /// Mono pages only.
    No,
    /// At least one colour page.
    Yes,
}

/// A plan as it holds for one payer and period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The plan.
    pub plan: Plan,
    /// Seats by which a pooled allowance is multiplied.
    pub seats: i64,
}

/// The price of one class of a payer's use, before rounding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// What it is for.
    pub class: LineClass,
    /// Jobs and pages.
    pub usage: Usage,
    /// Pages that are charged, where all of them have one price.
    pub pages_at: Option<(i64, Money)>,
    /// What the payer owes, exactly.
    pub amount: Exact,
    /// How it came about; `rounding` is zero and `billed` the exact amount.
    pub proof: Proof,
}

/// Prices what a payer used. Items may come in any order, and split in any way.
///
/// ```
/// use papertally::domain::*;
/// let plan = Plan {
///     name: "payg".into(), basis: Basis::Cost { markup: Rate::from_percent("25").unwrap() },
///     allowance: Allowance::None, per: AllowancePer::Payer, tax: None,
/// };
/// let cost = Exact::from("1.30".parse::<Money>().unwrap());
/// let item = UsageItem { job_type: "print".into(), paper_size: "A4".into(), colour: HasColour::No,
///     jobs: 3, mono_pages: 14, colour_pages: 0, cost };
/// assert_eq!(charge(&[item], &Terms { plan, seats: 1 })[0].amount.to_string(), "1.625");
/// ```
pub fn charge(items: &[UsageItem], terms: &Terms) -> Vec<Charge> {
    if items.is_empty() {
        return Vec::new();
    }
    match &terms.plan.basis {
        Basis::Cost { markup } => vec![charge_cost(items, terms, *markup)],
        Basis::Pages(prices) => charge_pages(items, terms, prices),
    }
}

/// How often the plan's allowance is there.
fn times(terms: &Terms) -> i64 {
    match terms.plan.per {
        AllowancePer::Payer => 1,
        AllowancePer::Seat => terms.seats.max(0),
    }
}

fn charge_cost(items: &[UsageItem], terms: &Terms, markup: Rate) -> Charge {
    let reported: Exact = items.iter().map(|item| item.cost).sum();
    let allowance = match terms.plan.allowance {
        Allowance::Money(money) => money.times(times(terms)).min(reported).max(Exact::ZERO),
        // A plan at cost has no price for a page, so pages cannot be included; the configuration refuses it.
        Allowance::Pages { .. } | Allowance::None => Exact::ZERO,
    };
    let charged = reported - allowance;
    // A sum of costs has six decimals, so that it is money and its product with a rate is still exact.
    let added = charged.to_money().at(markup);
    let sum = |count: fn(&UsageItem) -> i64| items.iter().map(count).sum();
    Charge {
        class: LineClass::Cost,
        usage: Usage {
            jobs: sum(|item| item.jobs),
            mono_pages: sum(|item| item.mono_pages),
            colour_pages: sum(|item| item.colour_pages),
            ..Usage::default()
        },
        pages_at: None,
        amount: charged + added,
        proof: Proof { reported, allowance, markup: added, billed: charged + added, ..Proof::default() },
    }
}

fn charge_pages(items: &[UsageItem], terms: &Terms, prices: &PriceList) -> Vec<Charge> {
    let mut money_left = match terms.plan.allowance {
        Allowance::Money(money) => money.times(times(terms)),
        Allowance::Pages { .. } | Allowance::None => Exact::ZERO,
    };
    [LineClass::Mono, LineClass::Colour]
        .into_iter()
        .filter_map(|class| charge_class(class, items, terms, prices, &mut money_left))
        .collect()
}

/// Prices the mono or the colour pages. `money_left` is what a money allowance can still cover.
fn charge_class(
    class: LineClass,
    items: &[UsageItem],
    terms: &Terms,
    prices: &PriceList,
    money_left: &mut Exact,
) -> Option<Charge> {
    let pages_of =
        |item: &UsageItem| if class == LineClass::Mono { item.mono_pages } else { item.colour_pages };
    let home = if class == LineClass::Mono { HasColour::No } else { HasColour::Yes };
    let at_home = || items.iter().filter(|item| item.colour == home);
    if at_home().next().is_none() && items.iter().all(|item| pages_of(item) == 0) {
        return None;
    }
    let mut included_left = match terms.plan.allowance {
        Allowance::Pages { mono, colour } => {
            (if class == LineClass::Mono { mono } else { colour }).saturating_mul(times(terms))
        }
        Allowance::Money(_) | Allowance::None => 0,
    };
    let (mut included, mut unpriced, mut value, mut covered) = (0, 0, Exact::ZERO, Exact::ZERO);
    let mut charged: Vec<(i64, Money)> = Vec::new();
    for (price, pages) in pages_by_price(class, items, prices, pages_of) {
        let free = if price.is_zero() { 0 } else { pages.min(included_left) };
        included_left -= free;
        included += free;
        value += price.times(pages);
        covered += price.times(free);
        // Pages at no price are no second price: a line of them beside others still has one.
        if price.is_zero() {
            unpriced += pages;
        } else if pages > free {
            charged.push((pages - free, price));
        }
    }
    let by_money = (*money_left).min(value - covered);
    *money_left -= by_money;
    covered += by_money;
    let reported: Exact = at_home().map(|item| item.cost).sum();
    let amount = value - covered;
    let count = |pages: i64, of: LineClass| if of == class { pages } else { 0 };
    let pages: i64 = items.iter().map(pages_of).sum();
    Some(Charge {
        class,
        usage: Usage {
            jobs: at_home().map(|item| item.jobs).sum(),
            mono_pages: count(pages, LineClass::Mono),
            colour_pages: count(pages, LineClass::Colour),
            mono_included: count(included, LineClass::Mono),
            colour_included: count(included, LineClass::Colour),
            mono_free: count(unpriced, LineClass::Mono),
            colour_free: count(unpriced, LineClass::Colour),
        },
        pages_at: match charged[..] {
            [one] if by_money.is_zero() => Some(one),
            _ => None,
        },
        amount,
        proof: Proof {
            reported,
            allowance: covered,
            markup: value - reported,
            billed: amount,
            ..Proof::default()
        },
    })
}

/// Pages by price, in the order in which the plan lists its prices: the order in which an allowance is used.
fn pages_by_price(
    class: LineClass,
    items: &[UsageItem],
    prices: &PriceList,
    pages_of: impl Fn(&UsageItem) -> i64,
) -> Vec<(Money, i64)> {
    let price = |mono: Money, colour: Money| if class == LineClass::Mono { mono } else { colour };
    let mut pages = vec![(price(prices.mono, prices.colour), 0)];
    pages.extend(prices.rules.iter().map(|rule| (price(rule.mono, rule.colour), 0)));
    for item in items {
        let rule = prices.rules.iter().position(|rule| {
            rule.job_type.as_ref().is_none_or(|job_type| *job_type == item.job_type)
                && rule.paper_size.as_ref().is_none_or(|size| size.eq_ignore_ascii_case(&item.paper_size))
        });
        pages[rule.map_or(0, |index| index + 1)].1 += pages_of(item);
    }
    // Two rules with one price are one price: a line can then say quantity times unit price.
    let mut merged: Vec<(Money, i64)> = Vec::new();
    for (price, count) in pages.into_iter().filter(|(_, count)| *count > 0) {
        match merged.iter_mut().find(|(known, _)| *known == price) {
            Some((_, sum)) => *sum += count,
            None => merged.push((price, count)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PriceRule;
    use proptest::prelude::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    fn item(job_type: &str, mono: i64, colour: i64, cost: &str) -> UsageItem {
        UsageItem {
            job_type: job_type.to_owned(),
            paper_size: "A4".to_owned(),
            colour: if colour > 0 { HasColour::Yes } else { HasColour::No },
            jobs: 1,
            mono_pages: mono,
            colour_pages: colour,
            cost: Exact::from(money(cost)),
        }
    }

    fn pooled(allowance: Allowance) -> Terms {
        let basis = Basis::Pages(PriceList { mono: money("0.08"), colour: money("0.36"), rules: Vec::new() });
        let plan = Plan { name: "pool".to_owned(), basis, allowance, per: AllowancePer::Seat, tax: None };
        Terms { plan, seats: 2 }
    }

    /// The team of the worked example: 61 mono and 13 colour pages, 40 and 10 included.
    #[test]
    fn a_pooled_allowance_covers_first_and_the_rest_has_the_plans_price() {
        let items = [
            item("print", 18, 0, "0.90"),
            item("print", 8, 6, "1.90"),
            item("print", 25, 0, "1.25"),
            item("print", 6, 7, "2.05"),
            item("print", 4, 0, "0.20"),
        ];
        let charges = charge(&items, &pooled(Allowance::Pages { mono: 20, colour: 5 }));
        let [mono, colour] = &charges[..] else { panic!("two classes") };
        assert_eq!((mono.pages_at, mono.amount.to_string()), (Some((21, money("0.08"))), "1.68".to_owned()));
        assert_eq!(
            (colour.pages_at, colour.amount.to_string()),
            (Some((3, money("0.36"))), "1.08".to_owned())
        );
        let proof = mono.proof.plus(&colour.proof);
        assert_eq!(proof.reported.to_string(), "6.30");
        assert_eq!(proof.allowance.to_string(), "6.80");
        assert_eq!(proof.markup.to_string(), "3.26");
    }

    #[test]
    fn a_money_allowance_covers_mono_first_and_never_goes_below_zero() {
        let items = [item("print", 10, 0, "0.50"), item("print", 0, 5, "1.25")];
        let charges = charge(&items, &pooled(Allowance::Money(money("0.50"))));
        let amounts: Vec<String> = charges.iter().map(|one| one.amount.to_string()).collect();
        assert_eq!(amounts, ["0.00", "1.60"]);
        assert_eq!(charges[1].pages_at, None);
        let charges = charge(&items, &pooled(Allowance::Money(money("100"))));
        assert!(charges.iter().all(|one| one.amount.is_zero()));
    }

    #[test]
    fn free_types_use_up_no_allowance() {
        let mut terms = pooled(Allowance::Pages { mono: 5, colour: 0 });
        if let Basis::Pages(prices) = &mut terms.plan.basis {
            prices.rules.push(PriceRule {
                job_type: Some("scan".to_owned()),
                paper_size: None,
                mono: Money::ZERO,
                colour: Money::ZERO,
            });
        }
        let charges = charge(&[item("scan", 50, 0, "0"), item("print", 12, 0, "0.60")], &terms);
        assert_eq!(charges[0].pages_at, Some((2, money("0.08"))), "free pages are no second price");
        assert_eq!((charges[0].amount.to_string(), charges[0].usage.mono_included), ("0.16".to_owned(), 10));
    }

    #[test]
    fn a_credit_at_cost_stays_a_credit() {
        let plan = Plan {
            name: "cost".to_owned(),
            basis: Basis::Cost { markup: Rate::from_percent("10").unwrap() },
            allowance: Allowance::Money(money("5")),
            per: AllowancePer::Payer,
            tax: None,
        };
        let charges = charge(&[item("print", 1, 0, "-2.50")], &Terms { plan, seats: 1 });
        assert_eq!(charges[0].amount.to_string(), "-2.75");
        assert_eq!(charges[0].proof.allowance, Exact::ZERO);
    }

    fn any_item() -> impl Strategy<Value = UsageItem> {
        (0i64..200, 0i64..50, 0i64..5_000_000, prop::sample::select(vec!["print", "copy", "scan"])).prop_map(
            |(mono, colour, cost, job_type)| UsageItem {
                cost: Exact::from(Money::from_millionths(cost)),
                ..item(job_type, mono, colour, "0")
            },
        )
    }

    fn any_allowance() -> impl Strategy<Value = Allowance> {
        prop_oneof![
            Just(Allowance::None),
            (0i64..100, 0i64..30).prop_map(|(mono, colour)| Allowance::Pages { mono, colour }),
            (0i64..20_000_000).prop_map(|cost| Allowance::Money(Money::from_millionths(cost))),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_lost_in_any_order(
            items in prop::collection::vec(any_item(), 1..20), allowance in any_allowance(), turn in 0usize..20,
        ) {
            let terms = pooled(allowance);
            let charges = charge(&items, &terms);
            let mut turned = items.clone();
            turned.rotate_left(turn % items.len());
            turned.reverse();
            prop_assert_eq!(&charges, &charge(&turned, &terms));
            let reported: Exact = charges.iter().map(|one| one.proof.reported).sum();
            prop_assert_eq!(reported, items.iter().map(|one| one.cost).sum());
            for one in &charges {
                prop_assert_eq!(one.proof.difference(), Exact::ZERO);
                prop_assert!(!one.amount.is_negative());
                prop_assert!(!one.proof.allowance.is_negative());
            }
            let jobs: i64 = charges.iter().map(|one| one.usage.jobs).sum();
            prop_assert_eq!(jobs, i64::try_from(items.len()).unwrap());
        }

        #[test]
        fn an_allowance_is_never_used_twice(items in prop::collection::vec(any_item(), 1..20), mono in 0i64..100) {
            let charges = charge(&items, &pooled(Allowance::Pages { mono, colour: 0 }));
            let included: i64 = charges.iter().map(|one| one.usage.mono_included).sum();
            let used: i64 = items.iter().map(|one| one.mono_pages).sum();
            prop_assert_eq!(included, used.min(mono * 2));
        }
    }
}
