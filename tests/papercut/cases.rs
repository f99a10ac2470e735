//! Answers that people have met, each with what a client has to make of it: `cases/cases.toml`, kind `xmlrpc`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use papertally::domain::{Evidence, Money, Secret, Verdict};
use papertally::papercut::{CallError, CallFault, Server, Settings, Trust, Value, WebServices};
use regex::Regex;
use toml::{Table, Value as Toml};

/// What a server answers: a status and bytes, or nothing before it hangs up.
type Answer = Option<(i64, Vec<u8>)>;

/// A server that gives its answers in turn and keeps the calls; the last answer is given again.
fn canned(answers: Vec<Answer>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&calls);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                let lower = line.to_ascii_lowercase();
                if let Some(found) = lower.strip_prefix("content-length:") {
                    length = found.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let nth = {
                let mut kept = kept.lock().unwrap();
                kept.push(String::from_utf8(body).unwrap());
                kept.len() - 1
            };
            if let Some((status, bytes)) = &answers[nth.min(answers.len() - 1)] {
                let head = format!(
                    "HTTP/1.1 {status} x\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    bytes.len()
                );
                let stream = reader.get_mut();
                stream.write_all(&[head.as_bytes(), bytes].concat()).unwrap();
            }
        }
    });
    (url, calls)
}

struct Case {
    settings: Table,
    expect: Table,
    calls: Arc<Mutex<Vec<String>>>,
    server: Server,
}

impl Case {
    fn of(case: &Table, folder: &Path) -> Case {
        let settings = case["settings"].as_table().unwrap().clone();
        let status = settings.get("http_status").and_then(Toml::as_integer).unwrap_or(200);
        let files = case["files"].as_array().unwrap();
        let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let answers = match settings.get("answers").and_then(Toml::as_array) {
            Some(names) => names
                .iter()
                .map(|name| {
                    let file =
                        files.iter().find(|file| file.as_str().unwrap().ends_with(name.as_str().unwrap()));
                    file.map(|file| (status, bytes(file.as_str().unwrap())))
                })
                .collect(),
            None => files.iter().map(|file| Some((status, bytes(file.as_str().unwrap())))).collect(),
        };
        let (url, calls) = canned(answers);
        let settings_of = Settings { url, trust: Trust::System, timeout: Duration::from_secs(5) };
        let server = Server::new(WebServices::new(&settings_of).unwrap(), Secret::new("T"));
        Case { settings, expect: case["expect"].as_table().unwrap().clone(), calls, server }
    }

    fn argument(&self, nth: usize) -> String {
        match &self.settings["args"][nth] {
            Toml::Table(amount) => amount["amount"].as_str().unwrap().to_owned(),
            Toml::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    fn money(&self, key: &str) -> Money {
        self.settings[key].as_str().unwrap().parse().unwrap()
    }

    /// Makes the call of the case.
    fn call(&self) -> Result<Value, CallError> {
        let subject = || self.argument(0);
        match self.settings["call"].as_str().unwrap() {
            "api.getUserAccountBalance" => self.server.user_balance(&subject(), "").map(Value::Double),
            "api.getSharedAccountAccountBalance" => {
                self.server.account_balance(&subject()).map(Value::Double)
            }
            "api.listUserAccounts" => {
                let size = self.settings.get("page_size").and_then(Toml::as_integer).unwrap_or(1000);
                let users = self.server.users(i32::try_from(size).unwrap())?;
                Ok(Value::List(users.into_iter().map(Value::Text).collect()))
            }
            "api.adjustUserAccountBalance" => {
                let (amount, comment) = (self.argument(1).parse().unwrap(), self.argument(2));
                self.server.adjust_user(&subject(), amount, &comment, &self.argument(3)).map(Value::Flag)
            }
            "api.getUserProperty" => {
                let parameters =
                    ["T", &subject(), &self.argument(1)].map(|text| Value::Text(text.to_owned()));
                self.server.web().read("api.getUserProperty", &subject(), &parameters)
            }
            other => panic!("no call {other}"),
        }
    }

    fn check(&self) {
        if self.settings.contains_key("calls") {
            return self.check_change();
        }
        let result = self.call();
        let expects = |key: &str| self.expect.get(key);
        if let Some(fault) = expects("fault") {
            let Err(CallError { fault: CallFault::Fault(found), .. }) = &result else { panic!("{result:?}") };
            assert_eq!(found.code.map(i64::from), fault["code"].as_integer());
            assert_eq!(Some(found.text.as_str()), fault["text"].as_str());
        }
        for key in ["error", "message"] {
            for pattern in expects(key).and_then(Toml::as_array).into_iter().flatten() {
                let text = result.as_ref().unwrap_err().to_string();
                let pattern = Regex::new(&format!("(?i){}", pattern.as_str().unwrap())).unwrap();
                assert!(pattern.is_match(&text), "{pattern} in {text}");
            }
        }
        if let Some(value) = expects("value") {
            assert_eq!(result.as_ref().unwrap(), &value_of(value));
        }
        if expects("absent").is_some() {
            assert_eq!(result.as_ref().unwrap(), &Value::Nil);
        }
        if let Some(amount) = expects("amount") {
            assert_eq!(result.as_ref().unwrap(), &Value::Double(amount.as_str().unwrap().parse().unwrap()));
        }
        self.check_requests();
    }

    fn check_requests(&self) {
        let calls = self.calls.lock().unwrap();
        let texts = |key: &str| -> Vec<String> {
            let list = self.expect.get(key).and_then(Toml::as_array).into_iter().flatten();
            list.map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let all = calls.concat();
        texts("request_has").iter().for_each(|part| assert!(all.contains(part), "no {part} in {all}"));
        texts("request_has_not").iter().for_each(|part| assert!(!all.contains(part), "{part} in {all}"));
        if let Some(offsets) = self.expect.get("offsets").and_then(Toml::as_array) {
            let found: Vec<i64> = calls
                .iter()
                .map(|call| call.split("<int>").nth(1).unwrap().split('<').next().unwrap().parse().unwrap())
                .collect();
            assert_eq!(found, offsets.iter().map(|one| one.as_integer().unwrap()).collect::<Vec<_>>());
        }
    }

    /// Reads a balance, gives back what was invoiced, and looks where the answer is lost.
    fn check_change(&self) {
        let user = self.argument(0);
        let before = self.server.user_balance(&user, "").unwrap();
        let amount = self.money("invoiced");
        if let Some(expected) = self.expect.get("amount").and_then(Toml::as_str) {
            assert_eq!(before, expected.parse().unwrap());
        }
        let answer = self.server.adjust_user(&user, amount, "papertally", "");
        if self.expect.get("outcome").and_then(Toml::as_str) == Some("applied") {
            assert!(matches!(&answer, Err(CallError { fault: CallFault::Dropped(_), .. })), "{answer:?}");
            let now = self.server.user_balance(&user, "").unwrap();
            let evidence = Evidence { before, amount, now, is_covered: true, ..Evidence::default() };
            assert_eq!(evidence.verdict(), Verdict::Applied);
        } else {
            assert_eq!(answer, Ok(true));
        }
        let sent = self.calls.lock().unwrap().iter().filter(|call| call.contains("api.adjust")).count();
        assert_eq!(sent, 1, "a change is sent once");
        self.check_requests();
    }
}

fn value_of(value: &Toml) -> Value {
    match value {
        Toml::String(text) => Value::Text(text.clone()),
        Toml::Boolean(flag) => Value::Flag(*flag),
        Toml::Array(values) => Value::List(values.iter().map(value_of).collect()),
        other => panic!("no value {other}"),
    }
}

#[test]
fn every_answer_means_what_it_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let document: Table = std::fs::read_to_string(folder.join("cases.toml")).unwrap().parse().unwrap();
    let cases = document["case"].as_array().unwrap().iter().map(|case| case.as_table().unwrap());
    let cases: Vec<&Table> = cases.filter(|case| case["kind"].as_str() == Some("xmlrpc")).collect();
    assert!(cases.len() >= 20, "{}", cases.len());
    for case in cases {
        eprintln!("{}", case["id"]);
        Case::of(case, &folder).check();
    }
}
