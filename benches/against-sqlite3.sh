#!/usr/bin/env bash
# papertally beside the sqlite3 shell, on the same generated print log. Needs sqlite3 and GNU time.
#
#   benches/against-sqlite3.sh ROWS [ROUNDS]      each step ROUNDS times in turn (3 if not given), medians and ratios
#   benches/against-sqlite3.sh --alone ROWS       import and bill only, once, without sqlite3: for very long logs
#
# (a) sqlite3: .import into a plain table of a new file, an index on user and on account, sums by both
# (b) papertally ingest FILE, into a new ledger
# (c) papertally ingest of the same rows in another file, so that every row is looked up
# (d) papertally --json bill of one month
set -euo pipefail
export LC_ALL=C

alone=false
if [ "${1-}" = --alone ]; then alone=true; shift; fi
rows=${1:?usage: against-sqlite3.sh [--alone] ROWS [ROUNDS]}
rounds=${2:-3}
period=2025-06
project=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/against-sqlite3.XXXXXX")
trap 'rm -rf "$folder"' EXIT

cd "$project"
cargo build --release --quiet
program=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/papertally
make_files() { cargo bench --quiet --bench main_job -- "$@"; }
make_files space "$folder"
make_files generate "$rows" "$folder/first.csv"
cd "$folder"

# step NAME COMMAND…: runs it once, adds its seconds and peak memory (kB) to NAME.times. Exit 3 is "done, with findings".
step() {
    local name=$1 code=0
    shift
    sync
    /usr/bin/time -a -o "$name.times" -f '%e %M' "$@" >"$name.out" 2>"$name.err" || code=$?
    sed -i '/^Command exited/d' "$name.times"
    if [ "$code" -ne 0 ] && [ "$code" -ne 3 ]; then
        echo "$name ended with $code" >&2
        cat "$name.err" >&2
        exit 1
    fi
}
import() { rm -f ledger.sqlite*; step import "$program" ingest first.csv; }
bill() { step bill "$program" --json bill --period "$period"; }

# column NAME NUMBER: the median of seconds (1) or memory (2).
column() {
    cut -d' ' -f"$2" "$1.times" | sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'
}
show() {
    local ratio=
    if [ -f sqlite3.times ]; then ratio=$(awk -v a="$(column sqlite3 1)" -v b="$(column "$1" 1)" 'BEGIN { printf "%.3f", b / a }'); fi
    printf '%-32s %8.2f s %8.1f MB   %s\n' "$2" "$(column "$1" 1)" "$(awk -v kb="$(column "$1" 2)" 'BEGIN { print kb / 1024 }')" "$ratio"
}

echo "$rows rows, $(awk -v b="$(stat -c %s first.csv)" 'BEGIN { printf "%.0f", b / 1000000 }') MB"
if $alone; then
    import
    bill
    show import "papertally ingest"
    show bill "papertally bill $period"
    exit
fi

cd "$project"
make_files generate "$rows" "$folder/other.csv" --variant
cd "$folder"
tail -n +3 first.csv >rows.csv
cat >steps.sql <<'SQL'
.mode csv
.import rows.csv job
CREATE INDEX job_user ON job (Username);
CREATE INDEX job_account ON job ("Shared Account Parent Name", "Shared Account Sub Name");
SELECT Username, count(*), sum("Total Printed Pages"), sum(Cost) FROM job GROUP BY Username;
SELECT "Shared Account Parent Name", "Shared Account Sub Name", count(*), sum("Total Printed Pages"), sum(Cost)
    FROM job GROUP BY 1, 2;
SQL
for _ in $(seq "$rounds"); do
    rm -f plain.sqlite
    step sqlite3 sqlite3 plain.sqlite '.read steps.sql'
    import
    step again "$program" ingest other.csv
    bill
done
printf '%-32s %10s %11s   %s\n' "median of $rounds" time memory "of sqlite3's time"
show sqlite3 "(a) sqlite3"
show import "(b) papertally ingest"
show again "(c) the same rows, other bytes"
show bill "(d) papertally bill $period"
