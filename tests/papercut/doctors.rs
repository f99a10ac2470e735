//! `doctor` says at which step the way to the server ends, and what to do.

use crate::double::Double;
use crate::harbour::{Harbour, people};

/// What doctor finds wrong, and that it says so with exit code 3.
#[track_caller]
fn wrong(harbour: &Harbour, says: &[&str]) {
    let (code, document) = harbour.space.json(&["doctor"]);
    let trials = document["trials"].as_array().unwrap().iter();
    let failed: Vec<String> = trials
        .filter(|one| one["ok"] == false)
        .map(|one| format!("{}: {}", one["what"].as_str().unwrap(), one["found"].as_str().unwrap()))
        .collect();
    assert_eq!(code, Some(3), "{document}");
    assert_eq!(failed.len(), 1, "{failed:?}");
    for part in says {
        assert!(failed[0].contains(part), "no `{part}` in {failed:?}");
    }
}

#[test]
fn a_good_way_is_good() {
    let harbour = Harbour::new("");
    harbour.space.run(&["doctor"]).exits(0);
}

#[test]
fn each_step_has_its_own_word() {
    let harbour = Harbour::new("");
    let url = harbour.double.url();
    let swap = |to: &str| harbour.space.edit(&format!("url = \"{url}\""), &format!("url = \"{to}\""));
    let back = |from: &str| harbour.space.edit(&format!("url = \"{from}\""), &format!("url = \"{url}\""));
    let check = |to: &str, says: &[&str]| {
        swap(to);
        wrong(&harbour, says);
        back(to);
    };
    check("http://nowhere.invalid:9191", &["connection: the host name is not known", "site.papercut.url"]);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    check(&format!("http://127.0.0.1:{closed}"), &["nothing listens at that port", "9191"]);
    check(&format!("{}/wrong/path", url), &["found HTTP status 404", "/rpc/api/xmlrpc"]);
    check(&url.replace("http:", "https:"), &["no TLS connection", "is the one for https"]);

    harbour.double.server().is_address_allowed = false;
    wrong(&harbour, &["IP address is not allowed", "auth.webservices.allowed-addresses"]);
    harbour.double.server().is_address_allowed = true;
    harbour.space.write("papercut.token", "wrong\n");
    wrong(&harbour, &["token: ", "auth.webservices.auth-token"]);
    std::fs::remove_file(harbour.space.path("papercut.token")).unwrap();
    wrong(&harbour, &["token: ", "papercut.token"]);
    harbour.space.write("papercut.token", "secret\n");

    harbour.double.server().http_date_offset_seconds = 3_600;
    wrong(&harbour, &["clock: the server's clock is", "ahead of this machine's"]);
    harbour.double.server().http_date_offset_seconds = 0;
    harbour.space.run(&["doctor"]).exits(0);
}

#[test]
fn a_server_that_cannot_make_reports_is_told() {
    let harbour = Harbour::new("");
    std::fs::create_dir(harbour.space.path("picked")).unwrap();
    harbour.space.edit(
        "[directory]",
        "[[site.papercut.report]]\nname = \"daily\"\ntitle = \"x\"\nsave_as = \"/x\"\npick_up = \"picked\"\ncovers = \"yesterday\"\n[directory]",
    );
    harbour.space.run(&["doctor"]).exits(0);
    harbour.double.server().has_report_methods = false;
    wrong(&harbour, &["reports: ", "older than papertally needs for this"]);
}

#[test]
fn a_self_signed_certificate_is_trusted_only_when_it_is_named() {
    let (double, certificate) = Double::start_tls(people());
    let harbour = Harbour::at(double, "");
    wrong(&harbour, &["certificate is not trusted", "certificate_sha256"]);
    let key = |text: &str| harbour.space.edit("[site.papercut]", &format!("[site.papercut]\n{text}"));
    let without = |text: &str| harbour.space.edit(&format!("{text}\n"), "");
    let pin = format!("certificate_sha256 = \"{}\"", certificate.sha256_hex);
    key(&pin);
    harbour.space.run(&["doctor"]).exits(0);
    without(&pin);
    harbour.space.write("server.pem", &certificate.pem);
    key("ca_file = \"server.pem\"");
    harbour.space.run(&["doctor"]).exits(0);
    without("ca_file = \"server.pem\"");
    let wrong_pin = format!("certificate_sha256 = \"{}\"", "ab".repeat(32));
    key(&wrong_pin);
    wrong(&harbour, &["is not the one in `certificate_sha256`", &certificate.sha256_hex[..2].to_uppercase()]);
    without(&wrong_pin);
    harbour.space.write("empty.pem", "nothing");
    key("ca_file = \"empty.pem\"");
    wrong(&harbour, &["found no certificate in PEM form"]);

    // For another name: a pin and a file take it, authorities do not.
    let (double, certificate) = Double::start_tls_for(people(), &["print.space.example"]);
    let harbour = Harbour::at(double, "");
    harbour.space.write("server.pem", &certificate.pem);
    harbour.space.edit("[site.papercut]", "[site.papercut]\nca_file = \"server.pem\"");
    harbour.space.run(&["doctor"]).exits(0);
}
