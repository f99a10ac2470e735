//! Random months: late jobs, refunds, changed costs, reversals, batches in steps and lost answers, in any order. In the end
//! every job is billed, and every balance is at zero.

use std::collections::BTreeSet;

use crate::double::Double;
use crate::harbour::{Harbour, decimal, people};
use crate::server::{Holder, Kind};
use crate::trouble::{Trouble, What};

/// Months that each test plays.
const MONTHS: u64 = 6;

const HOLDERS: [(&str, &str); 4] = [("ann", ""), ("ben", ""), ("ben", "Acme\\Lab"), ("ann", "Acme\\Lab")];

/// A generator of our own, so that a month can be played again by its number.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }

    fn cents(&mut self) -> i64 {
        i64::try_from(self.below(900)).unwrap() + 1
    }
}

struct Job {
    user: &'static str,
    account: &'static str,
    cents: i64,
    is_refunded: bool,
}

impl Job {
    fn holder(&self) -> Holder {
        if self.account.is_empty() { Holder::user(self.user) } else { Holder::account(self.account) }
    }
}

struct Month {
    harbour: Harbour,
    jobs: Vec<Job>,
    hour: u32,
    per_day: u32,
    trace: Vec<String>,
}

impl Month {
    fn run(&mut self, arguments: &[&str]) {
        self.hour += 1;
        let at =
            format!("2026-11-{:02}T{:02}:00:00", 2 + self.hour / self.per_day, self.hour % self.per_day + 1);
        let ran = self.harbour.space.run(&[&["--as-of", &at], arguments].concat());
        assert!(ran.code != Some(1) && !ran.err.contains("panicked"), "{:#?}\n{ran:?}", self.trace);
        self.trace.push(format!("{arguments:?} {:?}", ran.code));
    }

    fn print(&mut self, dice: &mut Dice) {
        let (user, account) = HOLDERS[dice.below(HOLDERS.len())];
        let job = Job { user, account, cents: dice.cents(), is_refunded: false };
        self.harbour.double.server().charge(&job.holder(), job.cents * 10_000);
        self.trace.push(format!("job {user} {account} {}", job.cents));
        self.jobs.push(job);
    }

    /// PaperCut gives back a job, or charges it anew.
    fn change(&mut self, dice: &mut Dice, is_refund: bool) {
        let nth = dice.below(self.jobs.len());
        let cents = if is_refund { 0 } else { dice.cents() };
        let job = &mut self.jobs[nth];
        if job.is_refunded {
            return;
        }
        let back = (job.cents - cents) * 10_000;
        self.harbour.double.server().post(&job.holder(), back, "changed", Kind::Job);
        if is_refund {
            job.is_refunded = true
        } else {
            job.cents = cents
        }
        self.trace.push(format!("job {nth} now {cents}"));
    }

    fn report(&mut self) {
        let rows = self.jobs.iter().enumerate().map(|(nth, job)| {
            let state = if job.is_refunded { "REFUNDED" } else { "NOT_REFUNDED" };
            format!(
                "2026-10-{:02} 10:{:02}:00,{},{},MFD,d{nth}.pdf,2,{},{},{state}\n",
                nth % 28 + 1,
                nth % 60,
                job.user,
                job.account,
                nth % 3,
                decimal(job.cents * 10_000)
            )
        });
        let rows: String = rows.collect();
        self.harbour.double.server().config.insert("log".to_owned(), rows);
        self.harbour.report("2026-10-01", "2026-10-31");
    }

    fn bill(&mut self) {
        self.report();
        self.run(&["ingest"]);
        self.run(&["bill", "--period", "2026-10", "--issue"]);
    }

    fn adjust(&mut self, dice: &mut Dice) {
        let trouble = dice.below(5);
        for method in ["api.adjustUserAccountBalance", "api.adjustSharedAccountAccountBalance"] {
            let what = match trouble {
                0 => What::DropAfter,
                1 => What::False,
                2 => What::HalfAnswer,
                3 => What::DropBefore,
                _ => continue,
            };
            self.harbour.double.order(Trouble::at(method, what));
        }
        self.run(&["balances", "--adjust"]);
    }

    /// A person looks into PaperCut's transactions, which papertally cannot, and settles what is still uncertain.
    fn settle_by_hand(&mut self) {
        let db = rusqlite::Connection::open(self.harbour.space.ledger_path()).unwrap();
        let sql = "SELECT id, comment FROM delivery JOIN balance_change ON delivery_id = id WHERE state = 'uncertain'";
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let uncertain: Vec<(i64, String)> = rows.collect::<Result<_, _>>().unwrap();
        for (id, comment) in uncertain {
            let made = {
                let server = self.harbour.double.server();
                server.postings.iter().filter(|posting| posting.comment == comment).count()
            };
            assert!(made <= 1, "{:#?}", self.trace);
            let outcome = if made == 1 { "delivered" } else { "not-delivered" };
            self.run(&["deliver", "--resolve", &id.to_string(), "--as", outcome]);
        }
    }

    fn reverse(&mut self, dice: &mut Dice) {
        if !self.harbour.space.ledger_path().is_file() {
            return;
        }
        let db = rusqlite::Connection::open(self.harbour.space.ledger_path()).unwrap();
        let mut statement = db.prepare("SELECT key FROM invoice_line ORDER BY id").unwrap();
        let keys: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        if !keys.is_empty() {
            let key = keys[dice.below(keys.len())].clone();
            self.run(&["reverse", &key]);
        }
    }
}

/// Plays months with these keys of the server, so many commands a day, under the plan that `set` writes.
fn play(keys: &str, per_day: u32, set: fn(&Harbour)) {
    let mut wrong = Vec::new();
    for seed in 1..=MONTHS {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let harbour =
            Harbour::at(Double::start(people()), &format!("balance_changes = \"invoiced\"\n{keys}"));
        set(&harbour);
        let mut month =
            Month { harbour, jobs: Vec::new(), hour: 0, per_day, trace: vec![format!("month {seed}")] };
        month.print(&mut dice);
        month.print(&mut dice);
        for _ in 0..12 {
            match dice.below(8) {
                0 | 1 => month.print(&mut dice),
                2 => month.change(&mut dice, true),
                3 => month.change(&mut dice, false),
                4 | 5 => month.bill(),
                6 => month.adjust(&mut dice),
                _ => month.reverse(&mut dice),
            }
        }
        // Nothing goes wrong any more: all is billed, and what was uncertain is settled by reports.
        let left = month.harbour.double.troubles_left();
        (0..=left).for_each(|_| month.run(&["balances", "--adjust"]));
        for round in 0..4 {
            month.bill();
            month.run(&["deliver", "--retry"]);
            let day = format!("2026-11-{:02}", 20 + round);
            month.harbour.report("2026-11-01", &day);
            let next = format!("2026-11-{:02}T06:00:00", 21 + round);
            month.harbour.run(&next);
            month.settle_by_hand();
            month.harbour.run(&next.replace("T06", "T07"));
        }
        let balances = [Holder::user("ann"), Holder::user("ben"), Holder::account("Acme\\Lab")]
            .map(|holder| month.harbour.balance(&holder));
        let states = month.harbour.states();
        let comments: Vec<String> = {
            let server = month.harbour.double.server();
            server.postings_of(Kind::Adjust).iter().map(|posting| posting.comment.clone()).collect()
        };
        let distinct: BTreeSet<&String> = comments.iter().collect();
        assert_eq!(distinct.len(), comments.len(), "a change was made twice: {:#?}", month.trace);
        if balances != [0, 0, 0] {
            wrong.push(format!(
                "seed {seed}: {balances:?} {:#?} {states:?} {:?}",
                month.trace,
                month.harbour.changes()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong, first: {}", wrong.len(), wrong[0]);
}

/// By cost, which is what PaperCut took, a line tells what is due.
fn by_cost(_: &Harbour) {}

/// By pages, lines say nothing of what PaperCut took.
fn by_pages(h: &Harbour) {
    h.space.edit("basis = \"cost\"", "basis = \"pages\"\nmono = \"0.05\"\ncolour = \"0.20\"");
}

/// Within an allowance, jobs have no line.
fn with_allowance(h: &Harbour) {
    let allowance = "[plan.allowance]\nmoney = \"20\"\nper = \"payer\"\n[billing]";
    h.space.edit("[billing]", allowance);
}

#[test]
fn months_by_cost_end_at_zero() {
    play("", 20, by_cost);
}

#[test]
fn months_by_cost_with_a_hold_end_at_zero() {
    play("hold_days = 2", 3, by_cost);
}

#[test]
fn months_by_pages_end_at_zero() {
    play("", 20, by_pages);
}

#[test]
fn months_by_pages_with_a_hold_end_at_zero() {
    play("hold_days = 2", 3, by_pages);
}

#[test]
fn months_within_an_allowance_end_at_zero() {
    play("", 20, with_allowance);
}

#[test]
fn months_within_an_allowance_with_a_hold_end_at_zero() {
    play("hold_days = 3", 3, with_allowance);
}
