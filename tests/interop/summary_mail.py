"""Reads the summary mail of the samples as a mail program would: Python's email package."""

import email
import email.policy
import html
import io
import re
import zipfile
from email.utils import parsedate_to_datetime

from sandbox import BATCH, FINDINGS, Sandbox, document, equal, true

# RFC 5322: a line has at most 998 bytes before its CRLF.
LINE_BYTES_MAX = 998


def words(text):
    """A text without mark-up and spacing."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def check_wire(data):
    true(b"\r\n" in data and b"\n" not in data.replace(b"\r\n", b""), "every line of the mail ends with CRLF")
    longest = max(len(line) for line in data.split(b"\r\n"))
    true(longest <= LINE_BYTES_MAX, f"no line is longer than {LINE_BYTES_MAX} bytes (the longest has {longest})")


def check_headers(mail):
    for name in ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version"]:
        equal(len(mail.get_all(name, [])), 1, f"headers {name}")
    equal(mail["From"].addresses[0].addr_spec, "papertally@harbour.example", "sender")
    equal([one.addr_spec for one in mail["To"].addresses], ["finance@harbour.example"], "recipients")
    true(re.fullmatch(r"<[0-9a-f-]{36}@harbour\.example>", mail["Message-ID"]), "the Message-ID is our own")
    equal(parsedate_to_datetime(mail["Date"]).isoformat(), "2026-11-02T06:00:00+00:00", "date")


def needed(text):
    """What the mail says needs a person, and how many things it lists."""
    said = re.search(r"^(\d+) THINGS? NEEDS? A PERSON$", text, re.MULTILINE)
    listed = re.findall(r"^  (?:error|warning|not delivered): ", text, re.MULTILINE)
    section = re.search(r"^WAITING FOR A PAYER\n((?:  .*\n)+)", text, re.MULTILINE)
    waiting = re.findall(r"^  \S", section.group(1), re.MULTILINE) if section else []
    return int(said.group(1)), len(listed) + len(waiting)


def check_bodies(box, mail, batch):
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    page = words(mail.get_body(("html",)).get_content())
    for body, name in [(words(text), "text"), (page, "HTML")]:
        for number in [batch["net"], batch["tax"], batch["gross"], "print_logs_by_user_2026-10-29.csv", "visitor.desk7"]:
            true(number in body, f"{number} stands in the {name} body")
    true(batch["gross"] in mail["Subject"], "the subject has the sum")
    said, listed = needed(text)
    equal(said, listed, "things that need a person, against those listed")
    true(f"{said} things need a person" in mail["Subject"], "the subject has the same number")
    for line in re.search(r"^FILES\n((?:  .*\n)+)", text, re.MULTILINE).group(1).splitlines():
        true((box.folder / line.strip()).exists(), f"{line.strip()} is there")


def check_attachments(box, mail):
    attached = {part.get_filename(): part for part in mail.iter_attachments()}
    equal(sorted(attached), [f"{BATCH}-xero.csv", f"{BATCH}.xlsx"], "attachments")
    for name, part in attached.items():
        content = part.get_payload(decode=True)
        equal(content, (box.batch / name).read_bytes(), f"bytes of the attached {name}")
    equal(attached[f"{BATCH}-xero.csv"].get_content_type(), "text/csv", "type of the CSV")
    workbook = attached[f"{BATCH}.xlsx"].get_payload(decode=True)
    equal(zipfile.ZipFile(io.BytesIO(workbook)).testzip(), None, "damaged parts of the attached workbook")


def main():
    with Sandbox() as box:
        box.run("run", exits=FINDINGS)
        files = list((box.out / "mail").iterdir())
        equal(len(files), 1, "mails")
        data = files[0].read_bytes()
        check_wire(data)
        mail = email.message_from_bytes(data, policy=email.policy.default)
        for part in mail.walk():
            equal(part.defects, [], "defects that the parser found")
        check_headers(mail)
        check_bodies(box, mail, document((box.batch / f"{BATCH}-lines.json").read_text("utf-8"))["batch"])
        check_attachments(box, mail)
        print(f"\"{mail['Subject']}\": both bodies and the attachments decode")


main()
