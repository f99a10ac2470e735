//! Whose balance it is: renamed and recreated accounts, renamed users and aliases, users of the same name elsewhere.

use crate::double::Double;
use crate::harbour::{Harbour, people};
use crate::server::{Holder, Kind};
use crate::steps::{INVOICED, adjust, ann, bill, bill_day, ingest, lab, refund, relog};

#[test]
fn a_job_that_moves_to_another_account_moves_its_credit() {
    let h = Harbour::at(Double::start(people().with_account("Acme\\Sales", 8, 0)), INVOICED);
    h.job("ben", "Acme\\Lab", "2026-10-06 10:00:00", "memo.pdf", 12_345_600);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.balance(&lab()), 0);
    // The operator moves the charge in PaperCut.
    relog(&h, "ben,Acme\\Lab,", "ben,Acme\\Sales,");
    h.double.server().post(&lab(), 12_345_600, "moved", Kind::Job);
    h.double.server().post(&Holder::account("Acme\\Sales"), -12_345_600, "moved", Kind::Job);
    h.report("2026-10-01", "2026-10-31");
    ingest(&h, "2026-11-05T06:00:00");
    bill(&h, "2026-11-05T06:10:00");
    adjust(&h, "2026-11-05T06:20:00");
    assert_eq!((h.balance(&lab()), h.balance(&Holder::account("Acme\\Sales"))), (0, 0));
}

#[test]
fn an_alias_moves_no_credit_between_two_users() {
    let h = Harbour::at(Double::start(people().with_user("ann2", 0)), INVOICED);
    h.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 300_000);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.changes(), ["user ann 0.3"]);
    // The directory made ann2 of ann; her member row names both; the operator writes the alias.
    h.space.write(
        "members.csv",
        "id,name,email,usernames\nM1,Ann Kestrel,ann@space.example,ann2\nM2,Ben Lark,,ben\n",
    );
    h.space.edit("[directory]", "[site.alias]\n\"ann\" = \"ann2\"\n[directory]");
    h.job("ann2", "", "2026-10-30 10:00:00", "late.pdf", 200_000);
    h.report("2026-10-30", "2026-10-31");
    ingest(&h, "2026-11-05T06:00:00");
    bill(&h, "2026-11-05T06:10:00");
    adjust(&h, "2026-11-05T06:20:00");
    assert_eq!((h.balance(&ann()), h.balance(&Holder::user("ann2"))), (0, 0), "{:?}", h.states());
}

#[test]
fn an_account_renamed_in_the_month_is_one_balance() {
    let h = Harbour::at(Double::start(people()), INVOICED);
    h.job("ben", "Acme\\Lab", "2026-10-06 10:00:00", "memo.pdf", 1_000_000);
    h.report("2026-10-06", "2026-10-06");
    h.run("2026-10-07T06:00:00");
    {
        let mut server = h.double.server();
        let account = server.accounts.remove("Acme\\Lab").unwrap();
        server.accounts.insert("Acme\\Labs".to_owned(), account);
    }
    h.job("ben", "Acme\\Labs", "2026-10-20 10:00:00", "memo2.pdf", 2_000_000);
    h.report("2026-10-07", "2026-10-31");
    h.report("2026-10-01", "2026-10-05");
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.space.sum("SELECT count(*) FROM batch"), 1);
    assert_eq!(h.balance(&Holder::account("Acme\\Labs")), 0, "{:?}", h.states());
}

#[test]
fn a_change_that_waits_follows_the_renamed_account() {
    let h = Harbour::new(&format!("{INVOICED}\nhold_days = 3"));
    h.run("2026-11-02T06:00:00");
    {
        let mut server = h.double.server();
        let account = server.accounts.remove("Acme\\Lab").unwrap();
        server.accounts.insert("Acme\\Labs".to_owned(), account);
    }
    h.run("2026-11-05T06:00:00");
    h.run("2026-11-06T06:00:00");
    assert_eq!(h.balance(&Holder::account("Acme\\Labs")), 0, "{:?}", h.states());
}

#[test]
fn an_account_made_anew_gets_nothing_for_the_old_one() {
    let h = Harbour::new(INVOICED);
    h.run("2026-10-25T06:00:00");
    {
        let mut server = h.double.server();
        let account = server.accounts.get_mut("Acme\\Lab").unwrap();
        account.id = 99;
        account.balance = 0;
    }
    h.report("2026-10-20", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.balance(&lab()), 0, "the new account has paid for nothing");
}

#[test]
fn a_new_account_under_an_old_name_gets_nothing() {
    let h = Harbour::new(INVOICED);
    h.run("2026-10-25T06:00:00");
    {
        let mut server = h.double.server();
        let old = server.accounts.remove("Acme\\Lab").unwrap();
        server.accounts.insert("Acme\\Lab 2025".to_owned(), old.clone());
        server.accounts.insert("Acme\\Lab".to_owned(), crate::server::Account { id: 99, balance: 0, ..old });
    }
    h.report("2026-10-20", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    assert_eq!((h.balance(&Holder::account("Acme\\Lab 2025")), h.balance(&lab())), (-12_345_600, 0));
    assert!(h.changes().iter().all(|change| change.starts_with("user ann")), "{:?}", h.states());
}

#[test]
fn an_address_known_on_one_server_says_nothing_of_another() {
    let mut first = people().with_user("pat", 0);
    first.users.get_mut("pat").unwrap().email = "ann@space.example".to_owned();
    let h = Harbour::at(Double::start(first), INVOICED);
    let second = Double::start(crate::server::Server::new().with_user("pat", 0));
    h.space.edit("[directory]", &format!("[[site]]\nname = \"other\"\ninvoice_prefix = \"OTH\"\ntime_zone = \"Europe/London\"\ncurrency = \"GBP\"\ninbox = [\"inbox2\"]\nquiet_seconds = 0\n[site.papercut]\nurl = \"{}\"\ntoken_file = \"papercut.token\"\n{INVOICED}\n[directory]", second.url()));
    std::fs::create_dir(h.space.path("inbox2")).unwrap();
    h.space.write("inbox2/a.csv", "# From date = 2026-10-01 00:00:00, To date = 2026-10-31 23:59:59\nTime,User,Shared Account,Printer,Document,Pages,Color Pages,Cost,Refunded\n2026-10-05 10:00:00,pat,,MFD,a.pdf,3,1,0.77,NOT_REFUNDED\n");
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.space.sum("SELECT count(*) FROM invoice_line"), 0, "site other's pat is nobody we know");
}

#[test]
fn a_user_renamed_on_the_server_keeps_one_credit() {
    let h = Harbour::at(Double::start(people()), INVOICED);
    h.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 300_000);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.changes(), ["user ann 0.3"]);
    {
        let mut server = h.double.server();
        let ann = server.users.remove("ann").unwrap();
        server.users.insert("ann2".to_owned(), ann);
    }
    h.space.write(
        "members.csv",
        "id,name,email,usernames\nM1,Ann Kestrel,ann@space.example,ann2\nM2,Ben Lark,,ben\n",
    );
    h.space.edit("[directory]", "[site.alias]\n\"ann\" = \"ann2\"\n[directory]");
    h.job("ann2", "", "2026-10-30 10:00:00", "late.pdf", 200_000);
    h.report("2026-10-30", "2026-10-31");
    ingest(&h, "2026-11-05T06:00:00");
    bill(&h, "2026-11-05T06:10:00");
    adjust(&h, "2026-11-05T06:20:00");
    assert_eq!(h.balance(&Holder::user("ann2")), 0, "{:?}", h.states());
}

#[test]
fn an_account_renamed_after_issue_is_one_balance() {
    // Two accounts that only exist in the ledger under two spellings: by rename after issue, with a late job.
    let h = Harbour::at(Double::start(people()), INVOICED);
    h.job("ben", "Acme\\Lab", "2026-10-06 10:00:00", "memo.pdf", 1_000_000);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    {
        let mut server = h.double.server();
        let account = server.accounts.remove("Acme\\Lab").unwrap();
        server.accounts.insert("Acme\\Labs".to_owned(), account);
    }
    relog(&h, "ben,Acme\\Lab,", "ben,Acme\\Labs,");
    h.job("ben", "Acme\\Labs", "2026-10-20 10:00:00", "memo2.pdf", 2_000_000);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-03T06:00:00");
    bill(&h, "2026-11-03T06:10:00");
    adjust(&h, "2026-11-03T06:20:00");
    assert_eq!(h.balance(&Holder::account("Acme\\Labs")), 0, "{:?}", h.states());
}

#[test]
fn an_account_renamed_there_and_back_is_one_balance() {
    let h = Harbour::at(Double::start(people()), INVOICED);
    let rename = |from: &str, to: &str| {
        let mut server = h.double.server();
        let account = server.accounts.remove(from).unwrap();
        server.accounts.insert(to.to_owned(), account);
    };
    h.run("2026-10-02T06:00:00");
    rename("Acme\\Lab", "Acme\\Labs");
    h.run("2026-10-03T06:00:00");
    rename("Acme\\Labs", "Acme\\Lab");
    h.run("2026-10-04T06:00:00");
    h.job("ben", "Acme\\Lab", "2026-10-06 10:00:00", "memo.pdf", 12_345_600);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.balance(&lab()), 0, "{:?}", h.states());
}

#[test]
fn a_name_used_again_long_ago_is_the_new_account() {
    let h = Harbour::at(Double::start(people()), INVOICED);
    h.run("2026-09-02T06:00:00");
    h.double.server().accounts.remove("Acme\\Lab");
    h.run("2026-09-03T06:00:00");
    {
        let mut server = h.double.server();
        let fresh = crate::server::Server::new().with_account("Acme\\Lab", 99, 0);
        server.accounts.extend(fresh.accounts);
    }
    h.run("2026-09-04T06:00:00");
    h.job("ben", "Acme\\Lab", "2026-10-06 10:00:00", "memo.pdf", 12_345_600);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    assert_eq!(h.balance(&lab()), 0, "{:?}", h.states());
}

#[test]
fn an_alias_written_while_a_change_waits_moves_nothing() {
    let h = Harbour::at(Double::start(people().with_user("ann2", 0)), &format!("{INVOICED}\nhold_days = 5"));
    h.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 300_000);
    h.report("2026-10-01", "2026-10-31");
    h.run("2026-11-02T06:00:00");
    h.space.write(
        "members.csv",
        "id,name,email,usernames\nM1,Ann Kestrel,ann@space.example,ann2\nM2,Ben Lark,,ben\n",
    );
    h.space.edit("[directory]", "[site.alias]\n\"ann\" = \"ann2\"\n[directory]");
    refund(&h, "plan.pdf,1,0,0.3", 300_000);
    bill_day(&h, "2026-11-03");
    for day in ["2026-11-08", "2026-11-09", "2026-11-20"] {
        h.run(&format!("{day}T06:00:00"));
    }
    assert_eq!((h.balance(&ann()), h.balance(&Holder::user("ann2"))), (0, 0), "{:?}", h.states());
}
