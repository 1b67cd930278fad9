#!/usr/bin/env bash
# The one test command: private database servers, the fixtures, then every test there is.
#
#   scripts/test.sh                            everything
#   scripts/test.sh --test jobs                one group: the folder tests/jobs
#   scripts/test.sh --test cancel [NAME]       one behaviour, or one test of it: tests/jobs/cancel.rs
#   scripts/test.sh [ARGUMENTS OF cargo test]...
#
# What is selected decides what is built and which servers are started. Everything it starts it stops again. A
# server given from outside (TEST_POSTGRES_URL, TEST_MARIADB_URL, TEST_PGBOUNCER_URL, TEST_MYSQL_URL,
# TEST_MONGODB_URL, TEST_CLICKHOUSE_URL, TEST_CLICKHOUSE_OLD_URL, TEST_REDIS_URL, TEST_TURSO_URL, TEST_D1_URL) is used
# instead of a private one, and so is an optimised runner (TEST_RELEASE_RUNNER). Every runner says all it can, and whatever it says is searched for
# every secret it was given; TEST_RUNNER_LOG=info makes it say less. Tests that lack a server pass and say so; with
# TEST_REQUIRE_SERVERS=1 (or the names of engines) they fail. See tests/README.md.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/servers.sh"
. "$ROOT/scripts/lib/select.sh"
cd "$ROOT"
have cargo || die "cargo is missing; see https://rustup.rs"
have cc || die "a C compiler is missing (Debian: apt-get install gcc libc6-dev)"
select_tests "$@"

# What some tests try the runner with; without one of these they say so and pass.
tools=()
for tool in busybox openssl curl; do have $tool || tools+=("$tool"); done
have tinyproxy || tools+=(tinyproxy-bin)
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || tools+=(libfaketime)
[ ${#tools[@]} = 0 ] || install_packages "${tools[@]}" || say "tests of ${tools[*]} are skipped"

# The servers come up while the compiler works.
engines=()
for engine in "${ENGINES[@]}"; do
    case $engine in
    postgres) word='ostgres|pgbouncer' ;;
    # The word alone stands for the bridge, which MariaDB has too.
    mysql) word=mysql9 ;;
    clickhouse) word='clickhouse\(\)' ;;
    # Upstash is played on it.
    redis) word='redis|upstash' ;;
    d1) word='d1\(\)|D1Database' ;;
    *) word=$engine ;;
    esac
    ! wants "$word" || engines+=("$engine")
done
start_servers "${engines[@]}"
# Measures of memory and time are only honest for what is shipped; those tests run this binary.
! wants '(\.|::)release\(\)|TEST_RELEASE_RUNNER' || release_runner
export TEST_RUNNER_LOG=${TEST_RUNNER_LOG:-trace}
# Most tests wait for something most of the time. More of them at once get into the way of bounds of time.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))}

# run ARGUMENT...: of cargo test, once built.
status=0
run() {
    [ ${#SOURCES[@]} = 0 ] || say "+ cargo test --workspace --locked $*"
    cargo test --workspace --locked --no-fail-fast "$@" || status=$?
}
cargo test --workspace --locked --no-run "${GROUPS_[@]}" "${CARGO[@]}"
use_servers
# Modules have a run of their own: their names would leave nothing of the other targets.
[ ${#MODULES[@]} = 0 ] || run "${GROUPS_[@]}" -- "${MODULES[@]}" "${HARNESS[@]}"
[ ${#MODULES[@]} != 0 ] && [ ${#CARGO[@]} = 0 ] || run "${CARGO[@]}" -- "${HARNESS[@]}"
exit "$status"
