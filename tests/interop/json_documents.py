"""Runs every command with `--json`: stdout is one JSON document, without a floating-point number in it."""

import shutil

from sandbox import CONFIGURATION, DONE, FAILED, FINDINGS, USAGE, Sandbox, document, equal, true

REPORT = "inbox/print_logs_by_user_2026-10-29.csv"


def run(box, *arguments, exits):
    done = box.run("--json", *arguments)
    what = " ".join(map(str, arguments))
    true(done.returncode in exits, f"`{what}` ended with {done.returncode}, expected one of {exits}: {done.stdout[:500]}")
    try:
        found = document(done.stdout)
    except (ValueError, AssertionError) as error:
        raise SystemExit(f"`{what}`: stdout is not one JSON document: {error}\n{done.stdout[:500]}") from error
    commands.append(what)
    return found


def error(box, *arguments, exits):
    found = run(box, *arguments, exits=[exits])
    equal(sorted(found), ["error"], f"keys of the document of {arguments}")
    equal(sorted(found["error"]), ["causes", "hints", "kind", "message"], f"keys of the error of {arguments}")
    true(found["error"]["message"], f"{arguments} says what is wrong")


commands = []


def main():
    with Sandbox() as box:
        run(box, "schedule", exits=[DONE])
        run(box, "doctor", exits=[DONE, FINDINGS, FAILED])
        checked = run(box, "check", box.folder / REPORT, "--rows", "all", exits=[FINDINGS])
        equal(len(checked["files"][0]["jobs"]), checked["files"][0]["rows"] - checked["files"][0]["rejected"], "jobs shown")
        run(box, "run", "--dry-run", exits=[FINDINGS])
        run(box, "ingest", exits=[FINDINGS])
        run(box, "ingest", box.folder / REPORT, exits=[DONE, FINDINGS])
        for by in ["user", "account", "member", "payer", "printer", "day", "kind"]:
            run(box, "totals", "--by", by, exits=[DONE])
        draft = run(box, "bill", "--period", "2026-10", exits=[DONE, FINDINGS])
        equal(draft["proof"]["difference"], "0.00", "the proof's difference")
        issued = run(box, "bill", "--period", "2026-10", "--issue", exits=[DONE, FINDINGS])
        equal([line["id"] for line in issued["lines"]], [line["id"] for line in draft["lines"]], "lines drafted and issued")
        run(box, "run", exits=[DONE, FINDINGS])
        run(box, "run", exits=[DONE])
        run(box, "deliver", exits=[DONE])
        run(box, "report", "--period", "2026-10", exits=[DONE, FINDINGS])
        for subject in [issued["lines"][0]["id"], "team:T101", "visitor.desk7", "Pop-up Market\\Stall 4"]:
            run(box, "explain", subject, exits=[DONE, FINDINGS])
        run(box, "status", exits=[DONE, FINDINGS])
        run(box, "reverse", issued["lines"][0]["id"], exits=[DONE, FINDINGS])
        run(box, "init", box.folder / "new", exits=[DONE])

        error(box, "bill", "--period", "yesterday", exits=USAGE)
        error(box, "nonsense", exits=USAGE)
        error(box, "--set", "billing.scheduel=x", "status", exits=CONFIGURATION)
        error(box, "explain", "nobody-of-that-name", exits=USAGE)
        error(box, "reverse", "00000000-0000-0000-0000-000000000000", exits=USAGE)
        refused = run(box, "check", box.folder / "no-such-file.csv", exits=[FAILED])
        true("error" in refused or refused["refused"], "a missing file is named")
        shutil.rmtree(box.folder)
        error(box, "status", exits=CONFIGURATION)
        print(f"{len(commands)} commands wrote one JSON document each")


main()
