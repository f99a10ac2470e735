//! The double over a bare socket: HTTP, who may call, what the methods answer, HTTPS.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sha2::{Digest, Sha256};

use crate::double::{Certificate, Double};
use crate::raw::{call, connect, document, double, exchange, inside, int, list, request, request_with};
use crate::raw::{string, with_token};
use crate::server::{Holder, Kind, Outcome, Quota, Server};
use crate::wire::{Doubles, Value};

/// Three users, one of them with two personal accounts, and two shared accounts.
fn small() -> Server {
    let mut server = Server::new()
        .with_user("ann", 12_400_000)
        .with_user("ben", -3_000_000)
        .with_user("cleo", 0)
        .with_account("Acme", 7, -8_050_000)
        .with_account("Acme\\R&D", 9, 100);
    let cleo = server.users.get_mut("cleo").unwrap();
    cleo.balances = [("Paid".to_owned(), 1_000_000), ("Quota".to_owned(), 500_000)].into();
    let ann = server.users.get_mut("ann").unwrap();
    ann.full_name = "Ann Kestrel".to_owned();
    ann.email = "ann@space.example".to_owned();
    ann.other_emails = "a.kestrel@home.example, ak@old.example".to_owned();
    ann.groups = vec!["members".to_owned()];
    ann.properties.insert("notes".to_owned(), "desk 4".to_owned());
    server
}

const NO_METHOD: &str =
    "-1 java.lang.NoSuchMethodException: biz.papercut.pcng.webservices.xmlrpc.ApiRPCHandler.";

#[test]
fn http_is_kept_alive_until_it_is_closed() {
    let double = Double::start(small());
    let body = with_token("api.isUserExists", &[string("ann")]);
    let mut stream = connect(&double);
    let answer = |stream: &mut std::net::TcpStream| {
        let (mut text, mut byte) = (Vec::new(), [0]);
        while !text.ends_with(b"</methodResponse>") {
            stream.read_exact(&mut byte).unwrap();
            text.extend(byte);
        }
        String::from_utf8(text).unwrap()
    };
    for _ in 0..2 {
        stream.write_all(request_with("", &body).as_bytes()).unwrap();
        assert_eq!(inside(&answer(&mut stream)), "<boolean>1</boolean>");
    }
    stream.write_all(request_with("cOnnection: Close\r\n", &body).as_bytes()).unwrap();
    let last = answer(&mut stream);
    assert!(last.contains("\r\nConnection: close\r\n"), "{last}");
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "closed");
    assert_eq!(double.server().calls.len(), 3);

    double.server().is_chunked = true;
    let chunked = exchange(&double, &request(&body));
    assert!(chunked.contains("\r\nTransfer-Encoding: chunked\r\n"), "{chunked}");
    assert!(chunked.ends_with("\r\n0\r\n\r\n"), "{chunked}");
}

#[test]
fn what_is_no_call_is_answered_with_a_page_or_a_fault() {
    let double = Double::start(small());
    let good = request(&with_token("api.getTotalUsers", &[]));
    let cases = [
        ("POST /rpc/api/xmlrpc ", "POST /rpc/api ", "404 Not Found"),
        ("POST ", "GET ", "405 Method Not Allowed"),
        ("text/xml", "application/json", "415 Unsupported Media Type"),
    ];
    for (from, to, status) in cases {
        let page = exchange(&double, &good.replacen(from, to, 1));
        assert!(page.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{page}");
        assert!(page.contains("\r\nContent-Type: text/html;charset=utf-8\r\n"), "{page}");
        assert!(page.contains("\r\n\r\n<!DOCTYPE html>"), "{page}");
    }
    assert!(double.server().calls.is_empty());
    let broken = inside(&exchange(&double, &request("<methodCall>")));
    assert!(broken.starts_with("0 Failed to parse XML-RPC request: "), "{broken}");
    assert_eq!(inside(&exchange(&double, &good)), "<int>3</int>");
}

#[test]
fn the_date_header_is_as_told() {
    let mut server = small();
    server.http_clock = Some("2026-11-02T06:00:00Z".parse().unwrap());
    server.http_date_offset_seconds = -90;
    let double = Double::start(server);
    let answer = exchange(&double, &request(&with_token("api.getTotalUsers", &[])));
    assert!(answer.contains("\r\nDate: Mon, 02 Nov 2026 05:58:30 GMT\r\n"), "{answer}");
}

#[test]
fn address_then_token_then_method() {
    let double = Double::start(small());
    let wrong = |method| {
        let params = [string("wrong"), int(1)];
        inside(&exchange(&double, &request(&document(method, &params))))
    };
    double.server().is_address_allowed = false;
    let refused = "0 Access denied. Your IP address is not allowed to access the Web Services API.";
    assert_eq!(wrong("api.isUserExists"), refused);
    assert_eq!(call(&double, "api.isUserExists", &[string("ann")]), refused);
    double.server().is_address_allowed = true;
    assert_eq!(wrong("api.isUserExists"), "0 Invalid authentication token supplied.");
    assert_eq!(
        call(&double, "api.isUserExists", &[int(1)]),
        format!("{NO_METHOD}isUserExists(java.lang.String, int)")
    );
    // Without a token only the status of a task is told, and with one it is not.
    assert_eq!(
        inside(&exchange(&double, &request(&document("api.getTotalUsers", &[])))),
        format!("{NO_METHOD}getTotalUsers()")
    );
    assert_eq!(
        call(&double, "api.getTaskStatus", &[]),
        format!("{NO_METHOD}getTaskStatus(java.lang.String)")
    );
    assert_eq!(
        call(&double, "api.flyToMoon", &[string("ann")]),
        format!("{NO_METHOD}flyToMoon(java.lang.String, java.lang.String)")
    );
    let server = double.server();
    assert_eq!(server.calls.len(), 7);
    assert_eq!(server.calls[0].args, [Value::Int(1)], "without the token");
    assert!(server.calls[0].body.contains("<string>wrong</string>"));
    assert!(matches!(&server.calls[3].outcome, Outcome::Faulted(-1, _)));
}

#[test]
fn types_and_counts_are_taken_strictly() {
    let double_server = Double::start(small());
    let adjust = |params: &[String]| call(&double_server, "api.adjustUserAccountBalance", params);
    let (ann, comment) = (string("ann"), string("2026-10 line 17"));
    let cases = [
        (vec![ann.clone(), int(30), comment.clone(), string("")], "int, java.lang.String, java.lang.String"),
        (
            vec![ann.clone(), double("30.0"), "<nil/>".to_owned(), string("")],
            "double, null, java.lang.String",
        ),
        (vec![ann.clone(), string("30.0"), comment.clone()], "java.lang.String, java.lang.String"),
        (vec![ann.clone(), double("30.0")], "double"),
    ];
    for (params, types) in cases {
        let expected =
            format!("{NO_METHOD}adjustUserAccountBalance(java.lang.String, java.lang.String, {types})");
        assert_eq!(adjust(&params), expected);
    }
    let keys = [string("ann"), "<array><data><value><int>1</int></value></data></array>".to_owned()];
    assert_eq!(
        call(&double_server, "api.getUserProperties", &keys),
        format!("{NO_METHOD}getUserProperties(java.lang.String, java.lang.String, java.util.Vector)")
    );
    assert!(double_server.server().postings.is_empty());
    assert_eq!(adjust(&[ann.clone(), double("30.0"), comment.clone(), string("")]), "<boolean>1</boolean>");
    assert_eq!(adjust(&[ann, double("-1E-1"), comment]), "<boolean>1</boolean>");
    assert_eq!(double_server.server().balance(&Holder::user("ann")), Some(42_300_000));
}

#[test]
fn balances_are_read_adjusted_and_set() {
    let server = Double::start(small());
    let get =
        |user: &str, purse: &str| call(&server, "api.getUserAccountBalance", &[string(user), string(purse)]);
    assert_eq!(get("ann", ""), "<double>12.4</double>");
    assert_eq!(get("cleo", ""), "<double>1.5</double>", "the sum");
    assert_eq!(get("cleo", "Quota"), "<double>0.5</double>");
    assert_eq!(get("cleo", "quota"), "257 Personal account \"quota\" not found.");
    assert_eq!(get("dora", ""), "262 User cannot be found");
    assert_eq!(get("", ""), "259 Username cannot be blank");
    let shared = |account: &str| call(&server, "api.getSharedAccountAccountBalance", &[string(account)]);
    assert_eq!(shared("Acme\\R&amp;D"), "<double>1.0E-4</double>");
    assert_eq!(shared("Acme\\Lab"), "257 Shared account \"Acme\\Lab\" not found.");

    let adjust = |purse: &str| {
        let params = [string("cleo"), double("2.0"), string(" why "), string(purse)];
        call(&server, "api.adjustUserAccountBalance", &params)
    };
    assert_eq!(
        adjust(""),
        "274 Cannot set balance using this method with multiple-personal-accounts enabled"
    );
    assert_eq!(adjust("Paid"), "<boolean>1</boolean>");
    server.server().is_blank_built_in = true;
    assert_eq!(adjust(""), "257 Personal account \"\" not found.");
    let set = [string("Acme"), double("0.0"), string("reset")];
    assert_eq!(call(&server, "api.setSharedAccountAccountBalance", &set), "<boolean>1</boolean>");
    let credit = [string("Acme"), double("0.25"), string("credit")];
    assert_eq!(call(&server, "api.adjustSharedAccountAccountBalance", &credit), "<boolean>1</boolean>");
    let set = [string("ben"), double("1.0"), string("")];
    assert_eq!(call(&server, "api.setUserAccountBalance", &set), "<boolean>1</boolean>");
    let set = [string("ben"), double("2.0"), string(""), string("")];
    assert_eq!(call(&server, "api.setUserAccountBalance", &set), "<boolean>1</boolean>");

    let server = server.server();
    let told: Vec<_> = server
        .postings
        .iter()
        .map(|line| (line.amount_millionths, line.balance_millionths, line.comment.as_str(), line.kind))
        .collect();
    assert_eq!(
        told,
        [
            (2_000_000, 3_000_000, " why ", Kind::Adjust),
            (8_050_000, 0, "reset", Kind::Set),
            (250_000, 250_000, "credit", Kind::Adjust),
            (4_000_000, 1_000_000, "", Kind::Set),
            (1_000_000, 2_000_000, "", Kind::Set),
        ]
    );
    assert_eq!(server.postings[0].holder, Holder::purse("cleo", "Paid"));
    assert_eq!(server.postings_of(Kind::Set).len(), 3);
    assert_eq!(server.calls_of("api.setUserAccountBalance").len(), 2);
}

#[test]
fn doubles_can_be_noisy_and_old_servers_have_no_codes() {
    let server = Double::start(small());
    server.server().doubles = Doubles::Noisy;
    server.server().has_fault_codes = false;
    let get = |user: &str| call(&server, "api.getUserAccountBalance", &[string(user), string("")]);
    assert_eq!(get("ann"), "<double>12.400000000000002</double>");
    assert_eq!(get("dora"), "0 User cannot be found");
    assert!(call(&server, "api.noSuch", &[]).starts_with("-1 "));
}

/// The texts of a list.
fn texts(xml: &str) -> Vec<&str> {
    let inside = xml.strip_prefix("<array><data>").unwrap().strip_suffix("</data></array>").unwrap();
    inside.split("<value>").filter_map(|text| text.strip_suffix("</value>")).collect()
}

#[test]
fn lists_come_in_pages() {
    let server = Double::start(small().with_user("00123", 0));
    let page = |method: &str, offset: i32, limit: i32| {
        let answer = call(&server, method, &[int(offset), int(limit)]);
        texts(&answer).join(" ")
    };
    assert_eq!(page("api.listUserAccounts", 0, 3), "00123 ann ben");
    assert_eq!(page("api.listUserAccounts", 3, 3), "cleo");
    assert_eq!(page("api.listUserAccounts", 4, 3), "");
    assert_eq!(page("api.listSharedAccounts", 0, 1000), "Acme Acme\\R&amp;D");
    let negative = call(&server, "api.listUserAccounts", &[int(-1), int(3)]);
    assert_eq!(negative, "257 offset and limit cannot be negative");
    server.server().page_repeats = true;
    assert_eq!(page("api.listUserAccounts", 4, 2), "ben cleo");
    assert_eq!(page("api.listUserAccounts", 400, 3), "cleo");
    server.server().page_size_max = 2;
    assert_eq!(page("api.listUserAccounts", 0, 1000), "00123 ann");
    server.server().accounts.clear();
    assert_eq!(page("api.listSharedAccounts", 0, 1000), "");
}

#[test]
fn users_are_described_found_and_renamed() {
    let server = Double::start(small());
    server.server().config.insert("currency".to_owned(), "GBP".to_owned());
    let ask = |method: &str, texts: &[&str]| {
        call(&server, method, &texts.iter().map(|text| string(text)).collect::<Vec<_>>())
    };
    assert_eq!(ask("api.getUserProperty", &["ann", "balance"]), "12.40");
    assert_eq!(ask("api.getUserProperty", &["ann", "office"]), "");
    assert_eq!(ask("api.getUserProperty", &["ann", "shoe-size"]), "261 The property is invalid");
    assert_eq!(ask("api.getUserProperty", &["ann", ""]), "260 Property name cannot be blank");
    let keys = ["restricted", "full-name", "email", "other-emails", "notes"];
    let answer = call(&server, "api.getUserProperties", &[string("ann"), list(&keys)]);
    let other_emails = "a.kestrel@home.example, ak@old.example";
    assert_eq!(texts(&answer), ["FALSE", "Ann Kestrel", "ann@space.example", other_emails, "desk 4"]);
    let keys = ["account-id", "balance", "restricted", "disabled", "notes"];
    let answer = call(&server, "api.getSharedAccountProperties", &[string("Acme\\R&amp;D"), list(&keys)]);
    assert_eq!(texts(&answer), ["9", "0.0001", "false", "false", ""]);
    assert_eq!(ask("api.getSharedAccountProperty", &["Acme", "balance"]), "-8.05");

    assert_eq!(ask("api.lookUpUserNameByEmail", &["AK@old.example"]), "ann");
    assert_eq!(ask("api.lookUpUserNameByEmail", &["nobody@old.example"]), "");
    assert_eq!(ask("api.getConfigValue", &["currency"]), "GBP");
    assert_eq!(ask("api.getConfigValue", &["colour"]), "");
    assert_eq!(texts(&ask("api.getUserGroups", &["ann"])), ["members"]);

    assert_eq!(ask("api.renameUserAccount", &["ann", "ben"]), "257 \"ben\" already exists.");
    assert_eq!(ask("api.renameUserAccount", &["ann", ""]), "259 Username cannot be blank");
    assert_eq!(ask("api.renameUserAccount", &["dora", "eve"]), "262 User cannot be found");
    assert_eq!(ask("api.renameUserAccount", &["ann", "anna"]), "<boolean>1</boolean>");
    assert_eq!(ask("api.isUserExists", &["ann"]), "<boolean>0</boolean>");
    assert_eq!(ask("api.getUserProperty", &["anna", "balance"]), "12.40");
    assert_eq!(ask("api.renameSharedAccount", &["Acme", "Acme Ltd"]), "<boolean>1</boolean>");
    assert_eq!(ask("api.getSharedAccountProperty", &["Acme Ltd", "account-id"]), "7");
    assert_eq!(ask("api.isSharedAccountExists", &["Acme Ltd"]), "<boolean>1</boolean>");
}

#[test]
fn jobs_and_quotas_move_balances_too() {
    let mut server = small();
    let quota = Quota { amount: 5_000_000, period: "MONTHLY".to_owned(), cap: 15_000_000 };
    server.groups.insert("members".to_owned(), quota);
    server.charge(&Holder::user("ann"), 400_000);
    server.charge(&Holder::account("Acme"), 1_000_000);
    server.book_quota("members");
    server.book_quota("members");
    assert_eq!(server.balance(&Holder::user("ann")), Some(15_000_000));
    assert_eq!(server.balance(&Holder::user("ben")), Some(-3_000_000), "in no group");
    assert_eq!(server.balance(&Holder::account("Acme")), Some(-9_050_000));
    let amounts: Vec<i64> = server.postings.iter().map(|line| line.amount_millionths).collect();
    assert_eq!(amounts, [-400_000, -1_000_000, 3_000_000]);
    assert_eq!(server.postings_of(Kind::Job).len(), 2);
    let server = Double::start(server);
    assert_eq!(
        call(&server, "api.getGroupQuota", &[string("members")]),
        "<struct><member><name>QuotaAmount</name><value><double>5.0</double></value></member>\
         <member><name>QuotaPeriod</name><value>MONTHLY</value></member>\
         <member><name>QuotaMaxAccumulation</name><value><double>15.0</double></value></member></struct>"
    );
    assert_eq!(call(&server, "api.getGroupQuota", &[string("staff")]), "263 Group cannot be found");
}

/// Calls over HTTPS as a client that trusts only this certificate; the error where it does not.
fn secure_call(double: &Double, certificate: &Certificate) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::new(config), host).unwrap();
    let mut stream = StreamOwned::new(connection, connect(double));
    stream.write_all(request(&with_token("api.getTotalUsers", &[])).as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(inside(&answer))
}

#[test]
fn https_shows_the_certificate() {
    let (double, certificate) = Double::start_tls(small());
    assert!(double.url().starts_with("https://127.0.0.1:"));
    assert_eq!(secure_call(&double, &certificate).unwrap(), "<int>3</int>");
    let der = CertificateDer::from_pem_slice(certificate.pem.as_bytes()).unwrap();
    let digest: String = Sha256::digest(&der).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(certificate.sha256_hex, digest);

    let (other, foreign) = Double::start_tls_for(small(), &["papercut.space.example"]);
    assert!(secure_call(&double, &foreign).is_err(), "another certificate");
    assert!(secure_call(&other, &foreign).is_err(), "another host");
    assert_eq!(secure_call(&double, &certificate).unwrap(), "<int>3</int>", "it survives refusals");
}
