#!/usr/bin/env bash
# The one test command: private database servers, the fixtures, then every test there is.
#
#   scripts/test.sh [ARGUMENTS OF cargo test]...
#
# Everything it starts it stops again. A server given from outside (TEST_POSTGRES_URL, TEST_MARIADB_URL,
# TEST_PGBOUNCER_URL, TEST_MYSQL_URL) is used instead of a private one, and so is an optimised runner
# (TEST_RELEASE_RUNNER). Every runner says all it can, and whatever it says is searched for every secret it was
# given; TEST_RUNNER_LOG=info makes it say less.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"
have cargo || die "cargo is missing; see https://rustup.rs"
have cc || die "a C compiler is missing (Debian: apt-get install gcc libc6-dev)"

# What some tests try the runner with; without one of these they say so and pass.
tools=()
for tool in busybox openssl curl; do have $tool || tools+=("$tool"); done
have tinyproxy || tools+=(tinyproxy-bin)
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || tools+=(libfaketime)
[ ${#tools[@]} = 0 ] || install_packages "${tools[@]}" || say "tests of ${tools[*]} are skipped"

databases=$(mktemp -d)
stop() {
    [ ! -f "$databases/env" ] || scripts/databases.sh down "$databases"
    rm -rf "$databases"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The servers come up while the compiler works.
scripts/databases.sh up "$databases" >/dev/null &
servers=$!
# Measures of memory and time are only honest for what is shipped; those tests run this binary.
if [ -z "${TEST_RELEASE_RUNNER:-}" ]; then
    cargo build --release --locked
    TEST_RELEASE_RUNNER=$(target_dir)/release/semilayer-runner
fi
export TEST_RELEASE_RUNNER
export TEST_RUNNER_LOG=${TEST_RUNNER_LOG:-trace}
cargo test --workspace --locked --no-run
wait "$servers" || die "the database servers did not start"
. "$databases/env"
cargo test --workspace --locked --no-fail-fast "$@"
