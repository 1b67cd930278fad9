#!/usr/bin/env bash
# How fast the runner is beside pgbench, psql, mariadb, sqlite3, curl, redis-benchmark and bare loops, and how its cost
# grows. Prints tables in Markdown. A full run takes about twenty minutes, on a machine that does nothing else meanwhile.
#
#   scripts/bench.sh [--ratios | --growth] [--quick] [--plot] [--readme] [--against COMMAND]
#
#   --ratios   only the table of ratios: about twelve minutes
#   --growth   only how cost grows: about eight minutes
#   --quick    shorter stretches and smaller tables: about six minutes for both
#   --plot     draws the ratios into tests/benches/ratios.svg, which the README shows
#   --readme   puts the tables into tests/benches/README.md, in the place of those there
#   --against COMMAND  has another runner take every measure, too, by turns, and prints its figures beside. It is started
#              as `COMMAND start` with the same environment: "node /path/to/runner.js", or another build of this one
#
# Everything it starts it stops again. A server given from outside (TEST_POSTGRES_URL, TEST_MARIADB_URL,
# TEST_MONGODB_URL, TEST_CLICKHOUSE_URL, TEST_REDIS_URL) is used instead of a private one, and so is an optimised runner
# (TEST_RELEASE_RUNNER). Engines whose server is not to be had are left out, with the reason. The static binary that is
# shipped needs a third less memory than what cargo builds by default:
#
#   TEST_RELEASE_RUNNER=$(scripts/build-static.sh) scripts/bench.sh --plot --readme
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/postgres.sh"
. "$ROOT/scripts/lib/servers.sh"
cd "$ROOT"
have cargo || die "cargo is missing; see https://rustup.rs"

usage='scripts/bench.sh [--ratios | --growth] [--quick] [--plot] [--readme] [--against COMMAND]'
parts=(ratios growth)
arguments=() plot=() readme=
page=tests/benches/README.md
while [ $# -gt 0 ]; do
    case $1 in
    --ratios) parts=(ratios) ;;
    --growth) parts=(growth) ;;
    --quick) arguments+=(--quick) ;;
    --plot) plot=(--plot "$ROOT/tests/benches/ratios.svg") ;;
    --readme) readme=1 ;;
    --against)
        [ $# -gt 1 ] || die "against which command? $usage"
        read -ra words <<<"$2"
        program=$(command -v "${words[0]:-}") || die "${words[0]:-that} is no command"
        arguments+=(--against "$program ${words[*]:1}")
        shift
        ;;
    *) die "$1 is no option: $usage" ;;
    esac
    shift
done

# No measure needs PgBouncer, MySQL or an old ClickHouse; how cost grows needs PostgreSQL alone.
engines=(postgres)
[ "${parts[0]}" = growth ] || engines+=(mariadb mongodb clickhouse redis)
start_servers "${engines[@]}"
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
have curl || missing+=(curl)
[ -z "${TEST_REDIS_URL:-}" ] || have redis-benchmark || missing+=(redis-tools)
[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}" || die "missing: ${missing[*]}"
PATH=$PATH:$(postgres_bin)

arguments+=(--runner "$TEST_RELEASE_RUNNER" --postgres "$TEST_POSTGRES_URL")
for engine in mariadb mongodb clickhouse redis; do
    url=TEST_${engine^^}_URL
    case ${!url:-none} in
    none) ;;
    *) arguments+=("--$engine" "${!url}") ;;
    esac
done
commit=$("$TEST_RELEASE_RUNNER" --version --verbose | sed -n 's/^commit: *//p')
[ "$commit" != unknown ] || commit=$(git describe --always --dirty 2>/dev/null || echo unknown)

# put PART: what the file of this name holds, between its marks in the page, which stay.
put() {
    awk -v file="$SERVERS/$1" -v part="$1" '
        $0 == "<!-- end of bench.sh, " part " -->" { skip = 0 }
        !skip { print }
        $0 == "<!-- bench.sh --readme, " part " -->" {
            skip = 1
            print ""
            while ((getline line < file) > 0) print line
            print ""
        }' "$page" >"$SERVERS/page"
    cp "$SERVERS/page" "$page"
}

for part in "${parts[@]}"; do
    more=()
    [ "$part" = growth ] || more=("${plot[@]}")
    "$(target_dir)/load/release/load" "$part" "${arguments[@]}" "${more[@]}" | tee "$SERVERS/$part"
    # shellcheck disable=SC2016
    printf -- '- Commit `%s`, %s.\n' "$commit" "$(date -u +%F)" | tee -a "$SERVERS/$part"
    [ -z "$readme" ] || put "$part"
done
