//! A mail server on loopback that behaves as it is told and keeps what it took.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// How the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes everything.
    Accept,
    /// Refuses every recipient.
    RefuseRecipient,
    /// Refuses the mail after its last line.
    RefuseMail,
    /// Takes the mail and hangs up without a word.
    DropAfterMail,
    /// Hangs up before the mail.
    DropBeforeMail,
    /// Takes the mail and never answers.
    FallSilent,
}

/// The server; its threads end with the test process.
pub(crate) struct Server {
    /// Where it listens.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    manner: Manner,
    mails: Vec<String>,
}

impl Server {
    /// Starts one.
    pub(crate) fn start(manner: Manner) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { manner, mails: Vec::new() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || converse(&stream, &shared));
            }
        });
        Server { port, state }
    }

    /// Changes how it answers from now on.
    pub(crate) fn becomes(&self, manner: Manner) {
        self.state.lock().unwrap().manner = manner;
    }

    /// The mails that it took, whether or not it said so.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.state.lock().unwrap().mails.clone()
    }
}

/// One conversation. Errors end it: the other side was killed or hung up.
fn converse(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut writer = stream;
    let mut say = |line: &str| writer.write_all(format!("{line}\r\n").as_bytes()).ok();
    say("220 test ESMTP")?;
    let mut mail: Option<String> = None;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let manner = state.lock().unwrap().manner;
        if let Some(text) = &mut mail {
            if line != "." {
                text.push_str(&line);
                text.push('\n');
                continue;
            }
            let text = mail.take()?;
            if manner == Manner::RefuseMail {
                say("554 not today")?;
                continue;
            }
            state.lock().unwrap().mails.push(text);
            match manner {
                Manner::DropAfterMail => return None,
                Manner::FallSilent => continue,
                _ => say("250 kept")?,
            }
            continue;
        }
        let command = line.to_ascii_uppercase();
        match manner {
            Manner::RefuseRecipient if command.starts_with("RCPT") => say("550 no such person")?,
            Manner::DropBeforeMail if command.starts_with("DATA") => return None,
            _ if command.starts_with("DATA") => {
                mail = Some(String::new());
                say("354 go on")?;
            }
            _ if command.starts_with("EHLO") => {
                say("250-test")?;
                say("250 8BITMIME")?;
            }
            _ => say("250 fine")?,
        }
    }
    Some(())
}
