#!/usr/bin/env bash
# How fast the runner is beside pgbench, psql, mariadb, sqlite3 and a bare loop over its drivers. Prints one
# table in Markdown; a full run takes about six minutes, on a machine that does nothing else meanwhile.
#
#   scripts/bench.sh [--quick] [--plot] [--readme]
#
#   --quick   shorter stretches and a smaller table: about two minutes
#   --plot    draws the ratios into tests/benches/ratios.svg, which the README shows
#   --readme  puts the table into tests/benches/README.md, in the place of the one there
#
# Everything it starts it stops again. A server given from outside (TEST_POSTGRES_URL, TEST_MARIADB_URL) is used
# instead of a private one, and so is an optimised runner (TEST_RELEASE_RUNNER). The static binary that is shipped
# needs a third less memory than what cargo builds by default:
#
#   TEST_RELEASE_RUNNER=$(scripts/build-static.sh) scripts/bench.sh --plot --readme
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/postgres.sh"
. "$ROOT/scripts/lib/servers.sh"
cd "$ROOT"
have cargo || die "cargo is missing; see https://rustup.rs"

arguments=()
readme=
page=tests/benches/README.md
for word in "$@"; do
    case $word in
    --quick) arguments+=(--quick) ;;
    --plot) arguments+=(--plot "$ROOT/tests/benches/ratios.svg") ;;
    --readme) readme=1 ;;
    *) die "$word is no option: scripts/bench.sh [--quick] [--plot] [--readme]" ;;
    esac
done

# No measure needs PgBouncer or MySQL.
start_servers postgres mariadb
release_runner
# It does the runner's counterpart, so it is optimised too; linking it for size would only take time.
CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo build --release --locked -p runner-testkit --bin load --target-dir "$(target_dir)/load"
use_servers

# Where the servers are given, their clients may be missing.
PATH=$PATH:$(postgres_bin)
missing=()
have pgbench || missing+=(postgresql)
have psql || missing+=(postgresql-client)
have mariadb || missing+=(mariadb-client)
have sqlite3 || missing+=(sqlite3)
[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}" || die "missing: ${missing[*]}"
PATH=$PATH:$(postgres_bin)

"$(target_dir)/load/release/load" table --runner "$TEST_RELEASE_RUNNER" --postgres "$TEST_POSTGRES_URL" \
    --mariadb "$TEST_MARIADB_URL" "${arguments[@]}" | tee "$SERVERS/table"
commit=$("$TEST_RELEASE_RUNNER" --version --verbose | sed -n 's/^commit: *//p')
[ "$commit" != unknown ] || commit=$(git describe --always --dirty 2>/dev/null || echo unknown)
printf -- '- Commit `%s`, %s.\n' "$commit" "$(date -u +%F)" | tee -a "$SERVERS/table"

# Between the marks, which stay.
[ -z "$readme" ] || awk -v table="$SERVERS/table" '
    /^<!-- end of bench.sh -->/ { skip = 0 }
    !skip { print }
    /^<!-- bench.sh --readme -->/ {
        skip = 1
        print ""
        while ((getline line < table) > 0) print line
        print ""
    }' "$page" >"$SERVERS/page"
[ -z "$readme" ] || cp "$SERVERS/page" "$page"
