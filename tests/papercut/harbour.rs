//! A small space with a PaperCut server: its files in a folder, its server a double.

use crate::double::Double;
use crate::server::{Holder, Kind, Server};
use crate::space::{Ran, Space};

/// The header of the space's print logs.
pub(crate) const HEADER: &str = "Time,User,Shared Account,Printer,Document,Pages,Color Pages,Cost,Refunded\n";

/// A space and its server.
pub(crate) struct Harbour {
    pub(crate) space: Space,
    pub(crate) double: Double,
}

impl Harbour {
    /// Two members, one team with the shared account `Acme\Lab`; October's jobs are printed and in the inbox. `keys` are
    /// more keys of `[site.papercut]`.
    pub(crate) fn new(keys: &str) -> Harbour {
        let harbour = Harbour::at(Double::start(people()), keys);
        harbour.print_october();
        harbour
    }

    /// The same without jobs, with a server that is there already.
    pub(crate) fn at(double: Double, keys: &str) -> Harbour {
        let space = Space::empty();
        space.write("papercut.token", "secret\n");
        let server = format!(
            "[site.papercut]\nurl = \"{}\"\ntoken_file = \"papercut.token\"\n{keys}\n[directory]",
            double.url()
        );
        space.edit("[directory]", &server);
        space.write(
            "members.csv",
            "id,name,email,usernames\nM1,Ann Kestrel,ann@space.example,ann\nM2,Ben Lark,,ben\n",
        );
        space.write("teams.csv", "id,name,accounts\nT1,Acme Ltd,Acme\n");
        Harbour { space, double }
    }

    /// October's jobs: 0.30 on ann's balance, 12.3456 on the team's account.
    fn print_october(&self) {
        self.job("ann", "", "2026-10-05 10:00:00", "plan.pdf", 300_000);
        self.job("ben", "Acme\\Lab", "2026-10-06 10:00:00", "memo.pdf", 12_345_600);
        self.report("2026-10-01", "2026-10-31");
    }

    /// A job on the server, which the next report has too.
    pub(crate) fn job(&self, user: &str, account: &str, time: &str, document: &str, cost: i64) {
        let mut server = self.double.server();
        let holder = if account.is_empty() { Holder::user(user) } else { Holder::account(account) };
        server.charge(&holder, cost);
        let row = format!("{time},{user},{account},MFD,{document},1,0,{},NOT_REFUNDED\n", decimal(cost));
        server.config.entry("log".to_owned()).or_default().push_str(&row);
    }

    /// A print log of all jobs of some days, put into the inbox.
    pub(crate) fn report(&self, from: &str, to: &str) {
        let text = log(&self.double.server(), from, to);
        self.space.write(&format!("inbox/log-{from}-{to}.csv"), text);
    }

    /// Runs everything that is due at a time.
    pub(crate) fn run(&self, at: &str) -> Ran {
        self.space.run(&["--as-of", at, "run"])
    }

    /// The balance of a user or account, in millionths.
    #[track_caller]
    pub(crate) fn balance(&self, holder: &Holder) -> i64 {
        self.double.server().balance(holder).unwrap()
    }

    /// What papertally changed on the server, as `user ann +0.30`.
    pub(crate) fn changes(&self) -> Vec<String> {
        let server = self.double.server();
        assert!(server.postings_of(Kind::Set).is_empty(), "a balance was set");
        let changes = server.postings_of(Kind::Adjust).into_iter();
        changes
            .map(|posting| format!("{} {}", shown(&posting.holder), decimal(posting.amount_millionths)))
            .collect()
    }

    /// States of the balance changes in the ledger, as `user:ann delivered`.
    pub(crate) fn states(&self) -> Vec<String> {
        let db = rusqlite::Connection::open(self.space.ledger_path()).unwrap();
        let mut statement = db
            .prepare("SELECT target || ' ' || state FROM delivery WHERE kind = 'balance' ORDER BY id")
            .unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}

/// The server before anybody has printed.
pub(crate) fn people() -> Server {
    let mut server = Server::new().with_user("ann", 0).with_user("ben", 0).with_account("Acme\\Lab", 7, 0);
    let ann = server.users.get_mut("ann").unwrap();
    ann.full_name = "Ann Kestrel".to_owned();
    ann.email = "ann@space.example".to_owned();
    server
}

/// A print log of the jobs of some days.
pub(crate) fn log(server: &Server, from: &str, to: &str) -> String {
    let all = server.config.get("log").cloned().unwrap_or_default();
    let rows: String = all
        .lines()
        .filter(|row| row.get(..10).is_some_and(|day| day >= from && day <= to))
        .map(|row| format!("{row}\n"))
        .collect();
    format!("# From date = {from} 00:00:00, To date = {to} 23:59:59\n{HEADER}{rows}")
}

fn shown(holder: &Holder) -> String {
    match holder {
        Holder::User { name, purse } if purse.is_empty() => format!("user {name}"),
        Holder::User { name, purse } => format!("user {name}/{purse}"),
        Holder::Account(name) => format!("account {name}"),
    }
}

/// Millionths as a decimal number.
pub(crate) fn decimal(millionths: i64) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:06}", millionths.abs() / 1_000_000, millionths.abs() % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
