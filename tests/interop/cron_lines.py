"""Runs the very lines of crontab.example as cron would: `/bin/sh -c` in an almost empty environment."""

import re
import subprocess
import sys
import tempfile

from sandbox import DONE, FINDINGS, ROOT, Sandbox, binary, equal, true

ENTRY = re.compile(r"^((?:\S+\s+){5})(.+)$")
VARIABLE = re.compile(r"^([A-Z_]+)=(.*)$")


def read(text):
    """Variables and commands of a crontab, as crontab(5) has them: a `%` that is not escaped ends the command."""
    variables, commands = {}, []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        variable = VARIABLE.match(line)
        if variable:
            variables[variable[1]] = variable[2]
        else:
            command = ENTRY.match(line)[2]
            true(re.search(r"(?<!\\)%", command) is None, f"no bare % in `{command}`")
            commands.append(command.replace("\\%", "%"))
    return variables, commands


def commented(text, words):
    """The commented-out line that has these words, without its comment sign."""
    return next(line[1:].strip() for line in text.splitlines() if line.startswith("#") and words in line)


def as_cron(command, variables, folder):
    """Runs a command with cron's environment: nothing is inherited, and the folder is the user's home."""
    environment = {"HOME": folder, "LOGNAME": "finance", "USER": "finance", "PATH": "/usr/bin:/bin", **variables}
    pairs = [f"{name}={value}" for name, value in environment.items()]
    return subprocess.run(
        ["/usr/bin/env", "-i", *pairs, variables["SHELL"], "-c", command],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=folder, timeout=120,
    )


def ended(done, code, what):
    if done.returncode != code:
        sys.exit(f"{what} ended with {done.returncode}, expected {code}\n{done.stdout}{done.stderr}")


def silent(done, what):
    equal((done.stdout, done.stderr), ("", ""), f"what {what} prints")


def main():
    text = (ROOT / "crontab.example").read_text("utf-8")
    variables, commands = read(text)
    run, status = commands
    monitored = ENTRY.match(commented(text, "monitor.example/ID"))[2]
    with Sandbox() as box, tempfile.TemporaryDirectory() as home:
        mine = {**variables, "PAPERTALLY": binary(), "PAPERTALLY_CONFIG": str(box.config)}
        first = as_cron(run, mine, home)
        ended(first, FINDINGS, run)
        true(str(box.batch / "harbour-2026-10.xlsx") in first.stdout, "the first night says where the files are")
        true("\x1b" not in first.stdout + first.stderr, "no colours and no progress off a terminal")
        second = as_cron(run, mine, home)
        ended(second, DONE, run)
        silent(second, "a night with nothing new")
        week = as_cron(status, mine, home)
        true(week.returncode in (DONE, FINDINGS), f"`{status}` ended with {week.returncode}: {week.stderr}")
        true(week.stdout, "status always says something")
        called = monitored.replace("/usr/bin/curl", "/bin/echo")
        third = as_cron(called, mine, home)
        ended(third, DONE, called)
        true("https://monitor.example/ID" in third.stdout, "the monitor is called after a good night")
        broken = as_cron(called, {**mine, "PAPERTALLY_CONFIG": "/nonexistent/papertally.toml"}, home)
        ended(broken, 78, called)
        true("monitor" not in broken.stdout, "the monitor is not called after a bad one")
    print(f"{len(commands) + 1} lines of crontab.example work in an empty environment")


main()
