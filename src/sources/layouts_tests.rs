//! Reports by layouts of the operator's own: with a header and without, in text and in workbooks.

use super::reading_tests::read;
use super::{LayoutText, ReadSettings};
use crate::domain::ReportKind;

fn settings(layouts: &[&str]) -> ReadSettings {
    let layouts = layouts.iter().map(|text| toml::from_str::<LayoutText>(text).unwrap()).collect();
    ReadSettings { layouts, ..ReadSettings::default() }
}

fn check(layout: &str, text: &str, expected: &[&str]) {
    assert_eq!(read(text.as_bytes(), &settings(&[layout])), expected, "{text}");
}

#[test]
fn headers_are_named_and_other_columns_left_out() {
    let layout = r#"
        name = "kiosk"
        columns = { "Wann" = "time", "Konto" = "account", "Betrag" = "cost", "Art" = "job-type" }
        constants = { printer = "Kiosk", user = "walk-in", pages = "1" }
        types = { "KOP" = "copy", "DRU" = "print" }
        date_format = "%d.%m.%y %Hh%M"
    "#;
    check(
        layout,
        "Kasse 3\nArt;Konto;Wann;Bon;Betrag\nKOP;Labs;05.03.24 09h15;77;0,30\nDRU;;05.03.24 10h00;78;0,10\n\
         DRU;Labs;5/3/24;79;0,10\nArt;Konto;Wann;Bon;Betrag\nSCA;Labs;06.03.24 10h00;80;0,00\n",
        &[
            "3 2024-03-05 09:15:00 walk-in [Labs] 1p 0.30",
            "4 2024-03-05 10:00:00 walk-in [] 1p 0.10",
            "5 rejected Wann: found `5/3/24`, expected a date in the form `%d.%m.%y %Hh%M`",
            "7 2024-03-06 10:00:00 walk-in [Labs] 1p 0.00",
            "job-type-unknown row 7: the job type `sca` is not known; its jobs are taken as they are",
        ],
    );
    check(
        layout,
        "Art;Konto;Wann;Summe\nKOP;Labs;05.03.24 09h15;0,30\n",
        &[
            "layout-missing: row 1: nearly the layout `kiosk`, but it has no column `Betrag`; its headers are `Art`, `Konto`, `Wann`, `Summe`",
        ],
    );
}

#[test]
fn columns_by_position_need_no_header_and_lose_no_row() {
    let layout = "name = 'gateway'\ndelimiter = '^'\ncolumns = ['date', 'time', 'user', '-', 'cost']\ncharges = 'negative'";
    check(
        layout,
        "gateway 2\n2024-03-05^9:15:00 PM^ann^x^-0.30\n2024-03-05^9:16:00 PM^bo^x^0.10\n2024-03-05^9:17:00 PM^x^-0.10\n",
        &[
            "1 rejected : found 1 cells, expected 5, one for each column",
            "2 2024-03-05 21:15:00 ann 0p 0.30",
            "3 2024-03-05 21:16:00 bo 0p -0.10",
            "4 rejected : found 4 cells, expected 5, one for each column",
        ],
    );
    check(
        layout,
        "2024-03-05^ann^x^1\n",
        &[
            "layout-unlike: this is not a report, and not quite the layout `gateway`: row 1: found 4 cells, expected 5, one for each of its columns",
        ],
    );
}

#[test]
fn what_is_unlike_a_layout_is_named_by_its_column() {
    let layout = "name = 'gateway'\ncolumns = ['date', 'time', 'user', 'cost']\ndate_format = '%m-%d-%Y'";
    check(
        layout,
        "10/05/2026,9:15:00 PM,ann,0.30\n",
        &[
            "layout-unlike: this is not a report, and not quite the layout `gateway`: row 1: found `10/05/2026` as `date`, expected a date in the form `%m-%d-%Y`",
        ],
    );
    check(layout, "10-05-2026,9:15:00 PM,ann,0.30\n", &["1 2026-10-05 21:15:00 ann 0p 0.30"]);
}

#[test]
fn rows_are_chosen_by_column_and_the_others_counted() {
    let layout = r#"
        name = "till"
        columns = { "when" = "time", "who" = "user", "sum" = "cost" }
        only = { "kind" = ["print*", ""] }
        leave_out = { "user" = ["test"] }
    "#;
    check(
        layout,
        "when,who,kind,sum\n2024-03-05 10:00:00,ann,Printing,1.00\n2024-03-05 10:00:00,ann,coffee,2.00\n\
         2024-03-05 10:00:00,Test,print,3.00\n\n2024-03-05 10:00:00,bo,,4.00\n",
        &[
            "2 2024-03-05 10:00:00 ann 0p 1.00",
            "3 left out",
            "left-out row 3: not billed: the layout `till` leaves the row out",
            "4 left out",
            "left-out row 4: not billed: the layout `till` leaves the row out",
            "6 2024-03-05 10:00:00 bo 0p 4.00",
        ],
    );
}

#[test]
fn a_filter_that_leaves_nothing_is_told() {
    let layout = "name = 'g'\ncolumns = ['time', 'user', 'cost']\nonly = { 'user' = ['nobody'] }";
    check(
        layout,
        "2024-03-05 10:00:00,ann,1.00\n",
        &[
            "1 left out",
            "left-out row 1: not billed: the layout `g` leaves the row out",
            "all-left-out the layout leaves every row out: its filters may name the wrong column or texts",
        ],
    );
}

#[test]
fn sums_and_balances_have_layouts_too() {
    let sums = "name = 's'\nrows = 'sums'\ncolumns = { who = 'user', sum = 'cost' }";
    let mut settings = settings(&[
        sums,
        "name = 'b'\nrows = 'balances'\ncolumns = { konto = 'account', stand = 'balance' }",
    ]);
    let text = b"who,sum\nann,1.00\n".as_slice();
    assert!(read(text, &settings)[0].starts_with("period-unknown"), "{:?}", read(text, &settings));
    settings.period = crate::domain::Period::parse("2024-03", Default::default()).ok();
    assert_eq!(read(text, &settings), ["2 Some(\"ann\") Some(Money(1000000))"]);
    assert_eq!(read(b"konto;stand\nLabs;-1,50\n", &settings), ["2 None -1.50"]);
    // A mapped report may only be one of these.
    settings.kind = Some(ReportKind::Mapped);
    assert!(read(b"Date,Username,Cost\n2024-03-05,ann,1\n", &settings)[0].starts_with("not-a-report"));
    settings.kind = None;
    assert_eq!(
        read(b"Date,Username,Cost\n2024-03-05,ann,1\n", &settings),
        ["2 2024-03-05 00:00:00 ann 0p 1.00"]
    );
}

#[test]
fn a_page_without_a_header_has_a_layout() {
    let page = "<table><tr><td>2024-03-05 10:00:00</td><td>ann</td><td>0.30</td></tr>\
                <tr><td>2024-03-06 10:00:00</td><td>bo</td><td>0.10</td></tr></table>";
    check(
        "name = 'p'\ncolumns = ['time', 'user', 'cost']",
        page,
        &["1 2024-03-05 10:00:00 ann 0p 0.30", "1 2024-03-06 10:00:00 bo 0p 0.10"],
    );
}

#[test]
fn sheets_are_chosen_by_name() {
    let book =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/312-sheets-xlsx/print_logs.xlsx"));
    let book = book.unwrap();
    let mut settings = settings(&[]);
    settings.sheets = vec!["print LOGS 2".to_owned()];
    let left_out = "sheet-not-chosen the settings name the sheets to be read: `Print logs` left out";
    assert_eq!(read(&book, &settings), [left_out, "2 2024-09-03 10:00:00 omar 0p 2.00"]);
    settings.sheets = vec!["Log".to_owned()];
    let refused = "sheet-missing: found the sheets `Print logs`, `Print logs 2`, expected `Log`";
    assert_eq!(read(&book, &settings), [refused]);
}

#[test]
fn charges_of_hive_are_jobs_and_its_top_ups_are_not() {
    let text = "\u{feff}Date,User Email,Transaction type,Amount,Balance\n\
                2026-10-01 10:00:00,ann@x.example,Print job,-0.20,9.80\n\
                2026-10-02 10:00:00,ann@x.example,Print job refund,0.20,10.00\n\
                2026-10-03 10:00:00,ann@x.example,Card top up,10.00,20.00\n";
    let expected = [
        "2 2026-10-01 10:00:00 ann@x.example 0p 0.20",
        "3 2026-10-02 10:00:00 ann@x.example 0p -0.20",
        "4 left out",
        "left-out row 4: not billed: the layout `Hive or Pocket transaction log` leaves the row out",
    ];
    assert_eq!(read(text.as_bytes(), &ReadSettings::default()), expected);
}
