//! The directory as operators keep it: in a workbook that another library wrote, and in the sheets of `init`.

use papertally::config::{Config, init};
use papertally::domain::PersonalJobs;
use papertally::sources::directory::{load, read_members};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

/// A workbook whose first sheet is hidden and whose second holds `fill`'s cells.
fn workbook(fill: impl Fn(&mut Worksheet) -> Result<(), XlsxError>) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Old")?.set_hidden(true).write(0, 0, "id")?;
    let sheet = book.add_worksheet().set_name("Members")?.set_active(true);
    fill(sheet)?;
    book.save_to_buffer()
}

#[test]
fn dates_numbers_and_texts_are_what_people_see() {
    let date = Format::new().set_num_format("dd/mm/yyyy");
    let bytes = workbook(|sheet| {
        sheet.write_row(1, 1, ["ID", "Name", "Usernames", "From", "Cobot membership"])?;
        sheet.write(3, 1, "007")?.write(3, 2, "Nora Quay")?.write(3, 3, "nora.quay\nnquay")?;
        sheet.write_with_format(3, 4, &ExcelDateTime::from_ymd(2026, 10, 12)?, &date)?.write(3, 5, 4711)?;
        sheet.write(4, 1, 42)?.write(4, 2, "Ella Sand")?.write(4, 3, 1_234_567)?.write(4, 4, "2026-10-13")?;
        Ok(())
    })
    .unwrap();
    let rows = read_members("members.xlsx", &bytes).unwrap();
    assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["007", "42"]);
    assert_eq!(rows[0].usernames, ["nora.quay", "nquay"]);
    assert_eq!(rows[0].span.to_string(), "from 2026-10-12");
    assert_eq!(rows[0].identifiers["cobot_membership"], "4711");
    assert_eq!(rows[0].place.to_string(), "members.xlsx, row 4");
    assert_eq!(rows[1].usernames, ["1234567"]);
    assert_eq!(rows[1].span.to_string(), "from 2026-10-13");
}

#[test]
fn cells_that_have_no_single_reading_are_named() {
    let bytes = workbook(|sheet| {
        sheet.write_row(0, 0, ["id", "name", "usernames", "from"])?;
        sheet.write(1, 0, "M1")?.write(1, 1, "Ann")?.write(1, 2, "ann")?.write(1, 3, 46_307)?;
        sheet.write(2, 0, 12_345_678_901_234_567_u64)?.write(2, 1, "Bo")?.write(2, 3, "12.10.2026")?;
        Ok(())
    })
    .unwrap();
    assert_eq!(
        read_members("members.xlsx", &bytes).unwrap_err().to_string(),
        "`members.xlsx`:\n  \
         row 2, column `from`: found `46307`, expected a day such as `2026-10-12`\n  \
         row 3, column `id`: found the number `12345678901234568`, whose last digits a workbook does not keep, expected a text\n  \
         row 3, column `from`: found `12.10.2026`, expected a day such as `2026-10-12`"
    );
}

#[test]
fn the_sheets_of_init_make_a_directory_without_findings() {
    let folder = tempfile::tempdir().unwrap();
    for file in init::FILES {
        std::fs::write(folder.path().join(file.path), file.text).unwrap();
    }
    let config = Config::load(&folder.path().join("papertally.toml"), &[]).unwrap();
    let files = &config.directory;
    let directory = load(&files.members, &files.teams, files.accounts.as_deref()).unwrap();
    assert_eq!(directory.findings(), []);
    assert!(directory.plans_named().all(|(plan, _)| config.plan(plan).is_some()));
    let day = "2026-10-12".parse().unwrap();
    let payer = |user: &str, account: &str| {
        directory.payer_of(user, account, day, PersonalJobs::Team).unwrap().id.to_string()
    };
    assert_eq!(payer("E.Member", ""), "team:T001");
    assert_eq!(payer("freelancer", ""), "member:M002");
    assert_eq!(payer("anyone", "Example Team\\Lab"), "team:T001");
    assert_eq!(payer("anyone", "Example Project 7"), "team:T001");
}
