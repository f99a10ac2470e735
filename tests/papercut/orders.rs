//! Reports that the server is asked for: only a whole file of the right days is taken.

use std::time::Duration;

use crate::double::Double;
use crate::harbour::{Harbour, log, people};
use crate::reports::ReportScript;

/// A space that asks for last month's log; the server writes as `script` says.
fn ordered(script: ReportScript, more: &str) -> Harbour {
    let double = Double::start(people());
    let harbour = Harbour::at(double, "");
    let folder = harbour.space.path("picked");
    std::fs::create_dir(&folder).unwrap();
    harbour.space.edit(
        "[directory]",
        &format!(
            "[[site.papercut.report]]\nname = \"monthly\"\ntitle = \"Print log\"\nsave_as = \"{}\"\npick_up = \"picked\"\n\
             covers = \"last-month\"\n{more}\n[directory]",
            folder.display()
        ),
    );
    harbour.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 300_000);
    harbour.job("ben", "", "2026-09-05 10:00:00", "old.pdf", 700_000);
    harbour.double.server().reports.insert("Print log".to_owned(), script);
    harbour
}

fn october(server: &crate::server::Server) -> Vec<u8> {
    log(server, "2026-10-01", "2026-10-31").into_bytes()
}

fn september(server: &crate::server::Server) -> Vec<u8> {
    log(server, "2026-09-01", "2026-09-30").into_bytes()
}

fn made(bytes: fn(&crate::server::Server) -> Vec<u8>) -> ReportScript {
    ReportScript::Made { name: "log.csv".to_owned(), bytes }
}

#[test]
fn a_report_is_ordered_taken_and_billed_once() {
    let harbour = ordered(made(october), "");
    let ran = harbour.run("2026-11-02T06:00:00").exits(0);
    assert!(ran.err.contains("Took in log.csv: 1 row"), "{ran:?}");
    assert_eq!(harbour.space.sum("SELECT sum(net) FROM invoice_line"), 300_000);
    let asked = || harbour.double.server().calls_of("api.generateScheduledReport").len();
    assert_eq!(asked(), 1);
    harbour.run("2026-11-02T07:00:00").exits(0);
    assert_eq!(asked(), 1, "reports speak for all of October");
    assert!(harbour.space.path("picked/log.csv").is_file(), "what was picked up stays as it is");
}

#[test]
fn an_ad_hoc_report_gets_its_parameters_with_the_days_filled_in() {
    let more = "type = \"PRINT_LOG\"\nparameters = \"from={from}&to={to}&m={month}\"\nextension = \"CSV\"";
    let harbour = ordered(made(october), more);
    harbour.run("2026-11-02T06:00:00").exits(0);
    let server = harbour.double.server();
    let body = &server.calls_of("api.generateAdHocReport")[0].body;
    assert!(body.contains("from=2026-10-01&amp;to=2026-10-31&amp;m=2026-10"), "{body}");
}

#[test]
fn nothing_of_the_wrong_days_half_written_or_old_is_billed() {
    let check = |script: ReportScript, more: &str, says: &str| {
        let harbour = ordered(script, more);
        harbour.space.write("picked/old.csv", log(&harbour.double.server(), "2026-10-01", "2026-10-31"));
        let ran = harbour.run("2026-11-02T06:00:00").exits(3);
        assert!(ran.err.contains(says), "no `{says}` in {ran:?}");
        assert_eq!(harbour.space.sum("SELECT count(*) FROM invoice_line"), 0, "{says}");
        harbour
    };
    check(ReportScript::NothingWritten, "wait_seconds = 1", "did not appear");
    check(made(september), "", "it is about 2026-09, and was asked for 2026-10");
    let text = |from: &str, to: &str| log(&people(), from, to).into_bytes();
    check(
        ReportScript::Growing {
            name: "log.csv".to_owned(),
            parts: vec![text("2026-10-01", "2026-10-31"); 40],
            pause: Duration::from_millis(200),
        },
        "wait_seconds = 3",
        "still grows after 3 seconds",
    );
    check(
        ReportScript::Fails { code: 257, text: "no such report".to_owned() },
        "wait_seconds = 1",
        "did not appear",
    );
    let harbour = check(made(september), "", "was asked for");
    harbour.double.server().has_report_methods = false;
    harbour.run("2026-11-03T06:00:00").exits(3).says(&["was not made", "older than papertally needs"]);
    // Once the server makes the right one, it is billed.
    harbour.double.server().has_report_methods = true;
    harbour.double.server().reports.insert("Print log".to_owned(), made(october));
    harbour.run("2026-11-04T06:00:00");
    assert_eq!(harbour.space.sum("SELECT sum(net) FROM invoice_line"), 300_000);
}

#[test]
fn a_file_that_comes_late_or_grows_for_a_while_is_waited_for() {
    let text = log(
        &{
            let mut server = people();
            let row = "2026-10-05 10:00:00,ann,,MFD,a.pdf,1,0,0.30,NOT_REFUNDED\n";
            server.config.insert("log".to_owned(), row.to_owned());
            server
        },
        "2026-10-01",
        "2026-10-31",
    )
    .into_bytes();
    let (start, end) = text.split_at(text.len() / 2);
    let scripts = [
        ReportScript::AfterDelay {
            wait: Duration::from_millis(800),
            name: "log.csv".to_owned(),
            bytes: text.clone(),
        },
        ReportScript::Growing {
            name: "log.csv".to_owned(),
            parts: vec![start.to_vec(), end.to_vec()],
            pause: Duration::from_millis(900),
        },
    ];
    for script in scripts {
        let harbour = ordered(script, "wait_seconds = 20");
        harbour.run("2026-11-02T06:00:00").exits(0);
        assert_eq!(harbour.space.sum("SELECT sum(net) FROM invoice_line"), 300_000);
    }
}

#[test]
fn a_pick_up_folder_that_is_not_there_is_told() {
    let harbour = ordered(made(october), "");
    std::fs::remove_dir(harbour.space.path("picked")).unwrap();
    harbour.run("2026-11-02T06:00:00").exits(3).says(&["cannot be picked up"]);
    harbour.space.run(&["doctor"]).exits(3);
    let (_, document) = harbour.space.json(&["doctor"]);
    assert!(document.to_string().contains("make or mount the folder"), "{document}");
    assert_eq!(
        harbour.double.server().calls_of("api.generateScheduledReport").len(),
        2,
        "doctor's, without a title"
    );
}
