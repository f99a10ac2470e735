"""Two XML-RPC codecs that know nothing of each other meet: papertally's, and Python's under a PaperCut server (papercut.py).

papertally runs without any environment, on a space of its own: names that are hard to carry, a month with balances given
back, faults, many users, and HTTPS with a certificate that nobody has signed.
"""

import csv
import datetime
import hashlib
import pathlib
import re
import subprocess
import tempfile
from decimal import Decimal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from papercut import REPORT, TOKEN, serving
from sandbox import DELIVERY, DONE, FAILED, FINDINGS, binary, document, equal, total, true

USERS = ["00123", "ann", "COVE\\zoë", "jörg.öl&häuser", "r&d <lab>", "otter🦦"]
ACCOUNTS = ["Möwe & Söhne", "Möwe & Söhne\\Lab <2>", "42", "Café 🦀\\Bar"]

CONFIG = """\
ledger.path = "ledger.sqlite"
output.folder = "out"
directory = {{ members = "sheets/members.csv", teams = "sheets/teams.csv" }}
tax = [{{ name = "VAT", percent = "19" }}]
plan = [{{ name = "standard", basis = "cost", tax = "VAT" }}]
billing = {{ default_plan = "standard", first_period = "2026-10", schedule = "0 6 2 * *" }}
receiver = [{{ name = "lines", format = "csv" }}]
[[site]]
name = "cove"
time_zone = "Europe/Berlin"
currency = "EUR"
inbox = ["inbox"]
quiet_seconds = 0
[site.papercut]
url = "{url}"
token_file = "token"
timeout_seconds = 10
balance_changes = "invoiced"
[[site.papercut.report]]
name = "monthly"
title = "Print log & <all>"
save_as = "{folder}/reports/log-{{from}}-{{to}}.csv"
pick_up = "reports"
covers = "last-month"
wait_seconds = 20
"""


class Space:
    """A space of its own in a folder, and papertally run on it without any environment."""

    def __init__(self, parent, url):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="space-", dir=parent))
        (self.folder / "papertally.toml").write_text(CONFIG.format(url=url, folder=self.folder))
        (self.folder / "token").write_text(TOKEN + "\n")
        (self.folder / "token").chmod(0o600)
        for name in ["inbox", "reports"]:
            (self.folder / name).mkdir()

    def run(self, *arguments, exits, **settings):
        """Runs a command; `settings` are keys of `[site.papercut]`. What it printed on stdout and stderr."""
        sets = [part for key, value in settings.items() for part in ("--set", f"site.cove.papercut.{key}={value}")]
        command = [binary(), "--config", str(self.folder / "papertally.toml"), *sets, *map(str, arguments)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60,
                              env={}, cwd=self.folder)
        both = done.stdout + done.stderr
        true(TOKEN not in both, f"`{arguments}` keeps the token to itself")
        equal(done.returncode, exits, f"exit code of {arguments}, which said\n{both}\n")
        return done.stdout, done.stderr

    def export(self):
        self.run("directory", "export", "sheets", exits=DONE)
        read = lambda name: list(csv.DictReader((self.folder / "sheets" / name).open(encoding="utf-8-sig", newline="")))
        return read("members.csv"), read("teams.csv")

    def site(self, *arguments, exits=DONE):
        """What `balances` says of the one site."""
        return document(self.run(*arguments, "balances", "--json", exits=exits)[0])["sites"][0]

    def balances(self):
        return {line["name"]: Decimal(line["actual"]) for line in self.site()["balances"]}


def changes(server):
    """holder → what was added to it, for each change that was called, in order."""
    return [(arguments[0], Decimal(repr(arguments[1]))) for _, arguments in server.calls_of("adjust")]


def open_amounts(server):
    holders = {**server.users, **server.accounts}
    return {name: holder["balance"] for name, holder in holders.items() if holder["balance"]}


def a_month(parent):
    with serving(USERS, ACCOUNTS) as server:
        space = Space(parent, server.url)
        members, teams = space.export()
        equal([(row["id"], row["usernames"], row["name"]) for row in members],
              [(name, name, f"{name} & Co") for name in sorted(USERS)], "members exported")
        equal([(row["id"], row["accounts"]) for row in teams],
              [("A9", "42"), ("Café 🦀", "Café 🦀"), ("A7", "Möwe & Söhne")], "teams exported")
        print("directory export writes names with &, <, umlauts, emoji, a backslash and leading zeros as they are")

        found, _ = space.run("doctor", exits=DONE)
        for part in ["web services", "agrees with the server's", f"it has {len(USERS)} users", "the server knows the call"]:
            true(part in found, f"doctor says `{part}`")
        print("doctor finds connection, clock, token and report calls in order")

        for number, name in enumerate(USERS, 1):
            server.printed(name, "", f"2026-10-{number:02} 10:00:00", f"{number}.{number}0{number}")
        for name in ACCOUNTS:
            server.printed("ann", name, "2026-10-20 10:00:00", "12.3456")
        server.printed("00123", "", "2026-10-21 10:00:00", "0.0001")
        owed = open_amounts(server)
        equal(space.balances(), owed, "balances read")
        print("balances reads typed and untyped texts, UTF-8 and ISO-8859-1")

        first, _ = space.run("run", "--as-of", "2026-11-02T06:00:00", exits=DONE)
        given = {name: -balance for name, balance in owed.items()}
        equal(dict(changes(server)), given, "what was given back")
        equal((len(changes(server)), open_amounts(server)), (len(given), {}), "calls that change, and balances left")
        comments = [arguments[2] for _, arguments in server.calls_of("adjust")]
        equal(len(set(comments)), len(given), "comments that differ")
        true("TOTAL" in first and "Möwe & Söhne" in first, "the batch is shown")
        equal(len(server.calls_of("generateScheduledReport")), 2, "reports ordered, with the one of doctor")
        with (space.folder / "out/cove-2026-10/cove-2026-10-lines.csv").open(encoding="utf-8-sig", newline="") as file:
            true(total(csv.DictReader(file), "Net") > sum(given.values()), "the lines are rounded up, the balances not")
        print("a month: report made and picked up, billed, each balance given back once and exactly")

        again, _ = space.run("run", "--as-of", "2026-11-02T07:00:00", exits=DONE)
        equal(again, "", "what a second run prints")
        equal((len(changes(server)), len(server.calls_of("generate"))), (len(given), 2), "changes and reports after it")
        print("a second run changes nothing")
        a_month_with_faults(server, space)


def a_month_with_faults(server, space):
    done = len(changes(server))
    server.locked = {"jörg.öl&häuser", "Möwe & Söhne\\Lab <2>"}
    for user, account, cost in [("ann", "", "0.70"), ("jörg.öl&häuser", "", "1.10"), ("00123", "42", "3"),
                                ("ann", "Möwe & Söhne\\Lab <2>", "2.3456")]:
        server.printed(user, account, "2026-11-03 09:00:00", cost)
    left = {"jörg.öl&häuser": Decimal("-1.10"), "Möwe & Söhne\\Lab <2>": Decimal("-2.3456")}
    _, said = space.run("run", "--as-of", "2026-12-02T06:00:00", exits=DELIVERY)
    equal(sorted(changes(server)[done:]), sorted({"ann": Decimal("0.7"), "42": Decimal(3), **{
        name: -balance for name, balance in left.items()}}.items()), "changes called")
    equal(open_amounts(server), left, "balances left")
    for name in server.locked:
        true(f"Köder & <{name}> is locked" in said, f"the fault of {name} is told: {said}")
    waiting = space.site("--as-of", "2026-12-02T06:30:00", exits=DELIVERY)["changes"]
    equal([(one["state"], one["attempts"], one["name"] in left) for one in waiting], [("failed", 1, True)] * 2, "what waits")
    true(all("it was not made" in one["answer"] for one in waiting), f"the balances were looked at: {waiting}")
    server.locked = set()
    space.run("run", "--as-of", "2026-12-02T07:00:00", exits=DONE)
    equal(dict(changes(server)[done + 4:]), {name: -balance for name, balance in left.items()}, "changes called again")
    equal((len(changes(server)), open_amounts(server)), (done + 6, {}), "in the end")
    print("a fault for one user and one account: exit 4, the others go on, and both are made by the next run")


def many_users(parent):
    names = [f"{number:05}" for number in range(2500)]
    with serving(names, []) as server:
        for number, user in enumerate(server.users.values()):
            user["balance"] = Decimal(number * 37 - 40_000) / 10_000
        space = Space(parent, server.url)
        members, teams = space.export()
        equal(([row["usernames"] for row in members], teams), (names, []), "sheets of many users")
        equal([arguments for _, arguments in server.calls_of("listUser")], [(0, 1000), (1000, 1000), (2000, 1000)], "pages")
        equal(space.balances(), {name: user["balance"] for name, user in server.users.items()}, "balances of many users")
    print("2,500 users come in three pages, each with its exact balance")


def certificate(folder, name):
    """A certificate that signs itself, for a name that is not the server's address: PEM file with its key, fingerprint."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
        .sign(key, hashes.SHA256())
    )
    pem, path = serialization.Encoding.PEM, pathlib.Path(folder) / f"{name}.pem"
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(pem) + secret)
    return path, hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest().upper()


def over_https(parent):
    path, fingerprint = certificate(parent, "print.example")
    other_path, other = certificate(parent, "other.example")
    shown = ":".join(re.findall("..", fingerprint))
    with serving(["ann"], ["42"], certificate=path) as server:
        space = Space(parent, server.url)
        (space.folder / "sheets").mkdir()
        (space.folder / "sheets/members.csv").write_text("id,name,usernames\nM1,Ann Tern,ann\n")
        (space.folder / "sheets/teams.csv").write_text("id,name,accounts\nT1,Team 42,42\n")

        def refused(part, **settings):
            found, _ = space.run("doctor", exits=FINDINGS, **settings)
            true(part in found, f"doctor says `{part}`: {found}")
            failed = document(space.run("balances", "--json", exits=FAILED, **settings)[0])
            true(part in str(failed["error"]), f"balances says `{part}`: {failed}")
            equal(server.calls, [], "calls that came to a server which is not trusted")

        refused("the server's certificate is not trusted")
        refused("the server's certificate is not trusted", ca_file=other_path)
        refused(f"this one has {shown}", certificate_sha256=other)
        print("HTTPS: an unknown certificate is refused before a token is sent; a wrong pin names the one that was found")

        for settings in [{"certificate_sha256": shown}, {"certificate_sha256": fingerprint.lower()}, {"ca_file": path}]:
            space.run("doctor", exits=DONE, **settings)
        server.printed("ann", "", "2026-10-05 10:00:00", "0.3")
        server.printed("ann", "42", "2026-10-06 10:00:00", "1000000.07")
        server.call_generateScheduledReport(REPORT, f"{space.folder}/inbox/log-2026-10-01-2026-10-31.csv")
        space.run("ingest", exits=DONE, ca_file=path)
        space.run("run", "--as-of", "2026-11-02T06:00:00", exits=DONE, ca_file=path)
        space.run("run", "--as-of", "2026-11-02T07:00:00", exits=DONE, certificate_sha256=shown)
        equal(sorted(changes(server)), [("42", Decimal("1000000.07")), ("ann", Decimal("0.3"))], "changes over HTTPS")
        equal(open_amounts(server), {}, "balances left")
    print("HTTPS: certificate_sha256 and ca_file lead to the server, for reading and for changing")


def main():
    with tempfile.TemporaryDirectory(prefix="papertally-interop-") as parent:
        a_month(parent)
        many_users(parent)
        over_https(parent)


main()
