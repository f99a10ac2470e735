//! Each trouble: what goes back, what was applied, and that it comes once.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::double::Double;
use crate::raw::{call, connect, double, exchange, inside, int, request, string, with_token};
use crate::server::{Holder, Kind, Outcome, Server};
use crate::trouble::{Trouble, What};
use crate::wire::Value;

const ADJUST: &str = "api.adjustUserAccountBalance";
const BALANCE: &str = "api.getUserAccountBalance";
const LIST: &str = "api.listUserAccounts";

fn started() -> Double {
    Double::start(Server::new().with_user("ann", 0).with_user("ben", 0).with_user("cleo", 0))
}

/// Credits ann with one, and gives all bytes that came back.
fn credit(server: &Double) -> String {
    exchange(server, &request(&credit_document()))
}

fn credit_document() -> String {
    with_token(ADJUST, &[string("ann"), double("1.0"), string("key 1"), string("")])
}

/// What comes back for one call and how often it was applied by then; the next call goes as always.
#[track_caller]
fn met(what: What) -> (String, usize) {
    let server = started();
    server.order(Trouble::next(what));
    let answer = credit(&server);
    let applied = server.server().postings.len();
    assert_eq!(server.troubles_left(), 0);
    assert_eq!(inside(&credit(&server)), "<boolean>1</boolean>");
    assert_eq!(server.server().postings.len(), applied + 1);
    assert_eq!(server.server().calls.len(), 2);
    (answer, applied)
}

#[test]
fn connections_are_dropped_before_and_after_the_call() {
    assert_eq!(met(What::DropBefore), (String::new(), 0));
    assert_eq!(met(What::DropAfter), (String::new(), 1));
    let (half, applied) = met(What::HalfAnswer);
    let (head, body) = half.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    assert_eq!((body.len(), applied), (length.parse::<usize>().unwrap() / 2, 1));
}

#[test]
fn other_answers_come_instead() {
    for status in [200, 503] {
        let (page, applied) = met(What::Html(status));
        assert!(page.starts_with(&format!("HTTP/1.1 {status} ")), "{page}");
        assert!(page.contains("<html>"), "{page}");
        assert_eq!(applied, 0);
    }
    let (page, applied) = met(What::HtmlAfter(504));
    assert!(page.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), "{page}");
    assert_eq!(applied, 1);
    let (fault, applied) = met(What::Fault(257, "General error"));
    assert_eq!((inside(&fault).as_str(), applied), ("257 General error", 0));
    let (refused, applied) = met(What::False);
    assert_eq!((inside(&refused).as_str(), applied), ("<boolean>0</boolean>", 0));
}

#[test]
fn answers_come_late() {
    let wait = Duration::from_millis(60);
    for what in [What::Delay(wait), What::DelayAnswer(wait)] {
        let start = Instant::now();
        let (answer, applied) = met(what);
        assert_eq!((inside(&answer).as_str(), applied), ("<boolean>1</boolean>", 1));
        assert!(start.elapsed() >= wait);
    }
}

#[test]
fn a_call_is_applied_though_nobody_waits_for_its_answer() {
    let server = started();
    let hang_up = |server: &Double| {
        connect(server).write_all(request(&credit_document()).as_bytes()).unwrap();
    };
    server.order(Trouble::next(What::DelayAnswer(Duration::from_secs(5))));
    hang_up(&server);
    server.wait_until(|server| server.postings.len() == 1);
    server.order(Trouble::next(What::Delay(Duration::from_millis(300))));
    hang_up(&server);
    assert_eq!(server.server().postings.len(), 1, "not yet");
    server.wait_until(|server| server.postings.len() == 2);
}

#[test]
fn a_page_of_a_list_comes_again() {
    let server = started();
    let page = |offset: i32| call(&server, LIST, &[int(offset), int(2)]);
    server.order(Trouble::at(LIST, What::RepeatPage).after(1));
    let first = page(0);
    assert_eq!(page(2), first);
    assert_ne!(page(2), first);
    let repeated = server.server().calls[1].outcome.clone();
    assert_eq!(repeated, Outcome::Answered(Value::List(vec![Value::text("ann"), Value::text("ben")])));
    // Without a page before, there is none to repeat.
    server.order(Trouble::at(BALANCE, What::RepeatPage));
    assert_eq!(call(&server, BALANCE, &[string("ann")]), "<double>0.0</double>");
}

#[test]
fn troubles_wait_for_their_call() {
    let server = started();
    let balance = || call(&server, BALANCE, &[string("ann"), string("")]);
    server.order(Trouble::at(ADJUST, What::False).after(1));
    server.order(Trouble::at(BALANCE, What::Fault(257, "one")));
    server.order(Trouble { method: Some(BALANCE), skip: 1, what: What::Fault(257, "two") });
    assert_eq!(balance(), "257 one");
    assert_eq!(balance(), "<double>0.0</double>");
    assert_eq!(inside(&credit(&server)), "<boolean>1</boolean>");
    assert_eq!(server.troubles_left(), 2);
    assert_eq!(inside(&credit(&server)), "<boolean>0</boolean>");
    assert_eq!(balance(), "257 two");
    assert_eq!(server.troubles_left(), 0);
}

#[test]
fn something_happens_in_between_and_trouble_comes_on_top() {
    let server = started();
    server.order(Trouble::at(ADJUST, What::job(Holder::user("ann"), 300_000)));
    server.order(Trouble::at(ADJUST, What::DropAfter));
    assert_eq!(credit(&server), "");
    assert_eq!(server.server().balance(&Holder::user("ann")), Some(700_000));
    let kinds: Vec<Kind> = server.server().postings.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [Kind::Job, Kind::Adjust]);
    assert_eq!(server.server().calls[0].outcome, Outcome::Dropped);

    let rename = |server: &mut Server| assert!(server.rename_user("ann", "anna"));
    server.order(Trouble::at(ADJUST, What::Meanwhile(Box::new(rename))));
    assert_eq!(inside(&credit(&server)), "262 User cannot be found");
}
