"""Lets a real cron run the nightly line of crontab.example, every minute, twice: minutes long, and as root only.

What cron would mail is caught by a `sendmail` of our own, which is put where cron looks for one and taken away
again. So this belongs on a machine that is thrown away.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

from sandbox import ROOT, Sandbox, binary, equal, true

SENDMAIL = pathlib.Path("/usr/sbin/sendmail")
TABLE = pathlib.Path("/etc/cron.d/papertally-interop")
# Two runs, each up to a minute away, and time for the first to do its work.
WAIT_SECONDS = 180


def nightly(box, marks):
    """crontab.example with this machine's paths, each minute; a line in `marks` says that a run ended, and how."""
    text = (ROOT / "crontab.example").read_text("utf-8")
    for name, value in [("PAPERTALLY", binary()), ("PAPERTALLY_CONFIG", box.config), ("MAILTO", "root")]:
        text = re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
    line = re.search(r'^10 6 \* \* \*\s+("\$PAPERTALLY" run)$', text, re.MULTILINE)
    variables = "\n".join(re.findall(r"^[A-Z_]+=.*$", text, re.MULTILINE))
    # Files in /etc/cron.d have a user before the command.
    return f"{variables}\n* * * * * root {line[1]}; echo $? >>{marks}\n"


def wait_for(path, count):
    """The lines of a file, once there are so many."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        lines = path.read_text().splitlines() if path.exists() else []
        if len(lines) >= count:
            return lines
        time.sleep(1)
    sys.exit(f"cron has not run {count} times within {WAIT_SECONDS} s")


def main():
    if os.geteuid() != 0 or SENDMAIL.exists() or TABLE.exists():
        sys.exit(f"needs root, and a machine without {SENDMAIL} and {TABLE}")
    if subprocess.run(["pidof", "cron"], stdout=subprocess.DEVNULL).returncode == 0:
        sys.exit("needs a machine on which no cron is running")
    with Sandbox() as box:
        marks, mails = box.folder / "marks", box.folder / "cron-mails"
        mails.mkdir()
        cron = None
        try:
            SENDMAIL.write_text(f'#!/bin/sh\ncat >"{mails}/$$"\n')
            SENDMAIL.chmod(0o755)
            TABLE.write_text(nightly(box, marks))
            TABLE.chmod(0o644)
            cron = subprocess.Popen(["cron", "-f"], stdin=subprocess.DEVNULL)
            equal(wait_for(marks, 2)[:2], ["3", "0"], "exit codes of two nights")
            time.sleep(2)
        finally:
            if cron:
                cron.terminate()
                cron.wait()
            TABLE.unlink(missing_ok=True)
            SENDMAIL.unlink(missing_ok=True)
        sent = [mail.read_text() for mail in mails.iterdir()]
        equal(len(sent), 1, "mails by cron: the first night has news, the second none")
        true("harbour-2026-10.xlsx" in sent[0], "cron's mail says where the files are")
        equal(len(list((box.out / "mail").iterdir())), 1, "summary mails")
        true((box.batch / "harbour-2026-10.xlsx").exists(), "the workbook is there")
    print("cron ran it twice: the first night billed and said so, the second was silent")


main()
