#!/usr/bin/env bash
# papertally beside Python's polars and openpyxl, on the same generated workbook. Needs Python 3 with venv, and pip.
#
#   benches/against-polars.sh [ROWS] [ROUNDS]     200000 rows and 5 rounds if not given; medians and ratios
#
# (a) polars.read_excel of the workbook, without the time that Python and polars need to start
# (b) openpyxl, read-only, every cell once
# (c) papertally reading every row of it, both passes, without a ledger
# (d) papertally ingest of it into a new ledger, the whole command
set -euo pipefail
export LC_ALL=C

rows=${1:-200000}
rounds=${2:-5}
project=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/against-polars.XXXXXX")
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars fastexcel openpyxl

cd "$project"
cargo build --release --quiet
program=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/papertally
bench() { cargo bench --quiet --bench main_job -- "$@"; }
bench space "$folder"
bench generate "$rows" "$folder/log.csv"
bench workbook "$folder/log.csv" "$folder/log.xlsx"

cat >"$folder/read.py" <<'PYTHON'
import sys, time
which, path = sys.argv[1:]
if which == "polars":
    import polars
    import fastexcel  # noqa: F401
    start = time.perf_counter()
    polars.read_excel(path)
else:
    import openpyxl
    start = time.perf_counter()
    for row in openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True):
        pass
print(f"{time.perf_counter() - start:.3f}")
PYTHON

seconds() { local start end; start=$(date +%s%N); "$@" >/dev/null 2>&1 || [ $? -eq 3 ]; end=$(date +%s%N); awk "BEGIN { printf \"%.3f\\n\", ($end - $start) / 1e9 }"; }
for _ in $(seq "$rounds"); do
  "$folder/venv/bin/python" "$folder/read.py" polars "$folder/log.xlsx" >>"$folder/a"
  "$folder/venv/bin/python" "$folder/read.py" openpyxl "$folder/log.xlsx" >>"$folder/b"
  bench read "$folder/log.xlsx" >>"$folder/c"
  rm -f "$folder"/ledger.sqlite*
  seconds "$program" --config "$folder/papertally.toml" --quiet ingest "$folder/log.xlsx" >>"$folder/d"
done
median() { sort -n "$folder/$1" | awk '{ at[NR] = $1 } END { print at[int((NR + 1) / 2)] }'; }
polars=$(median a)
printf '%-28s %9s %10s\n' step seconds 'of polars'
for step in "a:polars.read_excel" "b:openpyxl, read-only" "c:papertally, reading" "d:papertally ingest"; do
  took=$(median "${step%%:*}")
  printf '%-28s %9s %10s\n' "${step#*:}" "$took" "$(awk "BEGIN { printf \"%.2f\", $took / $polars }")"
done
