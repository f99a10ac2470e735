//! Each report script, with the files that it leaves.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::double::Double;
use crate::raw::{call, document, exchange, inside, request, string};
use crate::reports::ReportScript;
use crate::server::{Holder, Server};

const SCHEDULED: &str = "api.generateScheduledReport";
const TRUE: &str = "<boolean>1</boolean>";

fn with(script: ReportScript) -> Double {
    let mut server = Server::new().with_user("ann", 0);
    server.reports.insert("Jobs".to_owned(), script);
    Double::start(server)
}

fn generate(server: &Double, location: &Path) -> String {
    call(server, SCHEDULED, &[string("Jobs"), string(location.to_str().unwrap())])
}

fn status(server: &Double) -> String {
    inside(&exchange(server, &request(&document("api.getTaskStatus", &[]))))
}

#[test]
fn a_file_is_written_into_a_folder_or_as_named() {
    let folder = tempfile::tempdir().unwrap();
    let server = with(ReportScript::WriteFile { name: "jobs.csv".to_owned(), bytes: b"a".to_vec() });
    assert_eq!(generate(&server, folder.path()), TRUE);
    assert_eq!(generate(&server, &folder.path().join("other.csv")), TRUE);
    assert_eq!(fs::read(folder.path().join("jobs.csv")).unwrap(), b"a");
    assert_eq!(fs::read(folder.path().join("other.csv")).unwrap(), b"a");
    let missing = generate(&server, &folder.path().join("no/where.csv"));
    assert!(missing.starts_with("257 java.io.FileNotFoundException: "), "{missing}");
    assert_eq!(call(&server, SCHEDULED, &[string("Sums"), string("x")]), "257 No report \"Sums\".");
    assert_eq!(
        status(&server),
        "<struct><member><name>completed</name><value><boolean>1</boolean></value></member>\
         <member><name>message</name><value>Started Jobs\nFailed\n</value></member></struct>"
    );
}

#[test]
fn an_ad_hoc_report_goes_by_its_title_or_type_and_paths_are_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |server: &Server| format!("{} postings", server.postings.len()).into_bytes();
    let server = with(ReportScript::Made { name: "made.csv".to_owned(), bytes });
    server.server().report_root = Some(("C:\\reports".to_owned(), folder.path().to_owned()));
    server.server().charge(&Holder::user("ann"), 1);
    fs::create_dir(folder.path().join("daily")).unwrap();
    let params = ["Jobs", "params", "csv", "Title", "C:\\reports\\daily"].map(string);
    assert_eq!(call(&server, "api.generateAdHocReport", &params), TRUE);
    assert_eq!(fs::read(folder.path().join("daily/made.csv")).unwrap(), b"1 postings");
    assert!(status(&server).contains("<boolean>1</boolean>"));
}

#[test]
fn the_same_name_holds_other_bytes_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let versions = vec![b"first".to_vec(), b"2nd".to_vec()];
    let server = with(ReportScript::Versions { name: "jobs.csv".to_owned(), versions });
    for bytes in ["first", "2nd", "2nd"] {
        assert_eq!(generate(&server, folder.path()), TRUE);
        assert_eq!(fs::read(folder.path().join("jobs.csv")).unwrap(), bytes.as_bytes());
    }
}

#[test]
fn nothing_is_written_or_a_fault_says_why() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(generate(&with(ReportScript::NothingWritten), folder.path()), TRUE);
    let failing = with(ReportScript::Fails { code: 257, text: "no room".to_owned() });
    assert_eq!(generate(&failing, folder.path()), "257 no room");
    let old = with(ReportScript::NothingWritten);
    old.server().has_report_methods = false;
    let answer = generate(&old, folder.path());
    assert!(answer.starts_with("-1 java.lang.NoSuchMethodException: "), "{answer}");
    assert!(answer.ends_with(
        "ApiRPCHandler.generateScheduledReport(java.lang.String, java.lang.String, java.lang.String)"
    ));
    assert!(status(&old).contains("completed"), "older than the report methods");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Waits for the task's end.
fn finished(server: &Double) {
    server.wait_until(|server| server.task.lock().unwrap().is_completed);
}

#[test]
fn a_file_comes_later_or_grows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.csv");
    let (name, wait) = ("jobs.csv".to_owned(), Duration::from_millis(200));
    let server = with(ReportScript::AfterDelay { wait, name: name.clone(), bytes: b"late".to_vec() });
    assert_eq!(generate(&server, folder.path()), TRUE);
    assert!(!path.exists());
    finished(&server);
    assert_eq!(fs::read(&path).unwrap(), b"late");

    let parts = vec![b"one ".to_vec(), b"two".to_vec()];
    let server = with(ReportScript::Growing { name, parts, pause: wait });
    assert_eq!(generate(&server, folder.path()), TRUE);
    server.wait_until(|_| fs::read(&path).is_ok_and(|bytes| bytes == b"one "));
    assert!(status(&server).contains("<boolean>0</boolean>"));
    finished(&server);
    assert_eq!(fs::read(&path).unwrap(), b"one two");
}
