//! The summary mail and a mail server that refuses, breaks off, is away, or takes it.

use crate::smtp::{Manner, Server};
use crate::space::Space;

/// A space that mails to this port.
fn space(port: u16) -> Space {
    let smtp = format!(
        "[mail.smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\ntimeout_seconds = 2\n"
    );
    let space = Space::new().with("transport = \"folder\"", "transport = \"smtp\"");
    let config = std::fs::read_to_string(space.path("papertally.toml")).unwrap();
    space.write("papertally.toml", config + &smtp);
    space
}

/// Batches, lines in them and mails written down: what no failing mail may ever change.
fn issued(space: &Space) -> (i64, i64, i64) {
    let sum = |sql| space.sum(sql);
    (
        sum("SELECT count(*) FROM batch"),
        sum("SELECT sum(net) FROM invoice_line"),
        sum("SELECT count(*) FROM delivery WHERE kind = 'mail'"),
    )
}

const ONCE: (i64, i64, i64) = (1, 1_550_000, 1);

/// The one line that starts so.
fn header<'m>(mail: &'m str, name: &str) -> &'m str {
    let found: Vec<&str> = mail.lines().filter(|line| line.starts_with(name)).collect();
    assert_eq!(found.len(), 1, "{name} in {mail}");
    found[0]
}

fn mail_id(space: &Space) -> String {
    space.sum("SELECT id FROM delivery WHERE kind = 'mail'").to_string()
}

#[test]
fn a_mail_is_taken_once_and_carries_the_recorded_message_id() {
    let server = Server::start(Manner::Accept);
    let space = space(server.port);
    space.run(&["run"]).exits(0);
    space.run(&["run"]).exits(0);
    space.run(&["deliver", "--retry"]).exits(0);
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let (code, document) = space.json(&["deliver"]);
    assert_eq!((code, document["deliveries"].as_array().map(Vec::len)), (Some(0), Some(0)));
    let id = header(&mails[0], "Message-ID:").split(['<', '>']).nth(1).unwrap();
    let known = rusqlite::Connection::open(space.ledger_path()).unwrap();
    let target: String =
        known.query_row("SELECT target FROM delivery WHERE kind = 'mail'", [], |row| row.get(0)).unwrap();
    assert_eq!(id, target);
    assert!(mails[0].contains("1.55"), "{}", mails[0]);
}

#[test]
fn a_refused_mail_is_exit_4_and_goes_out_when_the_server_takes_it() {
    for manner in [Manner::RefuseRecipient, Manner::RefuseMail, Manner::DropBeforeMail] {
        let server = Server::start(manner);
        let space = space(server.port);
        let ran = space.run(&["run"]).exits(4).says(&["error: mail ", "failed"]);
        assert!(!ran.err.contains("finance@"), "no address in a message: {ran:?}");
        assert_eq!(issued(&space), ONCE, "{manner:?}");
        let (code, document) = space.json(&["run"]);
        assert_eq!((code, document["failed"].as_array().map(Vec::len)), (Some(4), Some(1)), "{document}");
        assert_eq!((issued(&space), server.mails().len()), (ONCE, 0), "{manner:?}");
        server.becomes(Manner::Accept);
        space.run(&["run"]).exits(0);
        space.run(&["run"]).exits(0);
        assert_eq!((issued(&space), server.mails().len()), (ONCE, 1), "{manner:?}");
    }
}

#[test]
fn a_server_that_is_away_is_exit_4_and_the_mail_goes_out_when_it_is_back() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let space = space(port);
    space.run(&["run"]).exits(4).says(&["error: mail ", "cannot connect to `127.0.0.1`"]);
    assert_eq!(space.run(&["doctor"]).code, Some(3), "doctor sees it too");
    let server = Server::start(Manner::Accept);
    space.edit(&format!("port = {port}"), &format!("port = {}", server.port));
    space.run(&["doctor"]).exits(0);
    space.run(&["run"]).exits(0);
    assert_eq!((issued(&space), server.mails().len()), (ONCE, 1));
}

#[test]
fn a_mail_that_may_have_arrived_waits_for_a_persons_word() {
    for manner in [Manner::DropAfterMail, Manner::FallSilent] {
        let server = Server::start(manner);
        let space = space(server.port);
        space.run(&["run"]).exits(4).says(&["uncertain"]);
        assert_eq!(server.mails().len(), 1);
        server.becomes(Manner::Accept);
        for arguments in [&["run"][..], &["deliver", "--retry"], &["run"]] {
            space.run(arguments).exits(4);
            assert_eq!((issued(&space), server.mails().len()), (ONCE, 1), "never a blind repeat");
        }
        space.run(&["deliver"]).exits(4).says(&["--resolve ID --as delivered"]);
        let id = mail_id(&space);
        space.run(&["deliver", "--resolve", &id, "--as", "not-delivered"]).exits(4);
        assert_eq!(server.mails().len(), 1, "to resolve sends nothing");
        space.run(&["deliver", "--retry"]).exits(0);
        let mails = server.mails();
        assert_eq!(mails.len(), 2);
        assert_eq!(mails[0], mails[1], "the same mail under the same Message-ID");
        let (code, _) = space.json(&["deliver", "--resolve", &id, "--as", "not-delivered"]);
        assert_eq!(code, Some(2), "settled is settled");
        space.run(&["run"]).exits(0);
        assert_eq!((issued(&space), server.mails().len()), (ONCE, 2));
    }
}

#[test]
fn a_persons_word_that_it_arrived_settles_it() {
    for word in ["delivered", "given-up"] {
        let server = Server::start(Manner::DropAfterMail);
        let space = space(server.port);
        space.run(&["run"]).exits(4);
        server.becomes(Manner::Accept);
        space.run(&["deliver", "--resolve", &mail_id(&space), "--as", word]).exits(0);
        space.run(&["run"]).exits(0);
        assert_eq!((issued(&space), server.mails().len()), (ONCE, 1), "{word}");
        let (code, document) = space.json(&["deliver", "--resolve", "4711", "--as", word]);
        assert_eq!((code, &document["error"]["kind"]), (Some(2), &"usage".into()));
    }
}

#[test]
fn a_run_that_is_killed_while_the_server_thinks_leaves_the_mail_uncertain() {
    let server = Server::start(Manner::FallSilent);
    let space = space(server.port);
    let mut run = space.command(&["run"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    while server.mails().is_empty() {
        assert!(run.try_wait().unwrap().is_none(), "it waits for the server's word");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    server.becomes(Manner::Accept);
    space.run(&["run"]).exits(4).says(&["uncertain", "ended while the mail was handed over"]);
    assert_eq!((issued(&space), server.mails().len()), (ONCE, 1));
}

#[test]
fn a_password_that_cannot_be_had_stops_a_run_before_anything_is_issued() {
    let server = Server::start(Manner::Accept);
    let space = space(server.port);
    space.edit("security = \"none\"", "security = \"none\"\nusername = \"u\"\npassword_file = \"smtp.password\"");
    let (code, document) = space.json(&["run"]);
    assert_eq!(code, Some(78), "{document}");
    let text = document.to_string();
    assert!(text.contains("smtp.password"), "{text}");
    assert!(!space.path("out/main-2026-10").exists(), "nothing was handed out: exit 78 promises it");
    assert_eq!(server.mails().len(), 0);
}
