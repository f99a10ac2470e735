"""A copy of the samples in a folder of its own, and papertally run over it.

Used by the other scripts here, which `.ci/run` calls with the path of the binary.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "sample-reports"
BATCH = "harbour-2026-10"

DONE, FAILED, USAGE, FINDINGS, DELIVERY, LOCKED, CONFIGURATION = 0, 1, 2, 3, 4, 75, 78


def binary():
    """The papertally under test: the first argument."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} PATH-OF-PAPERTALLY")
    return str(pathlib.Path(sys.argv[1]).resolve())


class Sandbox:
    """The samples, copied; `with Sandbox() as box` removes them in the end."""

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="papertally-interop-")
        self.folder = pathlib.Path(self.temporary.name) / "space"
        shutil.copytree(SAMPLES, self.folder, ignore=shutil.ignore_patterns("out"))
        self.out = self.folder / "out"
        self.batch = self.out / BATCH
        self.config = self.folder / "papertally.toml"
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def run(self, *arguments, exits=None, environment=None):
        """Runs one command; `exits` is the exit code that it has to have."""
        command = [binary(), "--config", str(self.config), *map(str, arguments)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
            env={**os.environ, **(environment or {})},
        )
        if exits is not None and done.returncode != exits:
            sys.exit(f"{' '.join(command)}\nended with {done.returncode}, expected {exits}\n{done.stdout}{done.stderr}")
        return done


def no_float(text):
    """Makes JSON numbers with a fraction or exponent an error: money is never one."""
    raise AssertionError(f"a JSON number that is not whole: {text}")


def document(text):
    """The one JSON document that a text is, without a float in it."""
    return json.loads(text, parse_float=no_float, parse_constant=no_float)


def equal(found, expected, what):
    """Ends the script unless both are equal."""
    if found != expected:
        sys.exit(f"{what}: found {found!r}, expected {expected!r}")


def true(condition, what):
    """Ends the script unless the condition holds."""
    if not condition:
        sys.exit(f"not so: {what}")


def total(rows, key):
    """The exact sum of one column."""
    return sum((Decimal(row[key]) for row in rows), Decimal(0))
