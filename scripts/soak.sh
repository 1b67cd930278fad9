#!/usr/bin/env bash
# Mixed load over all engines with random faults; at the end a table. Exits non-zero when a job got no answer.
#
#   scripts/soak.sh MINUTES [SEED]
#
# The runner is built, or TEST_RELEASE_RUNNER names one. A line of progress a minute is on standard
# error. Databases are started and stopped unless they are given (see scripts/databases.sh).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"
[ -n "${1:-}" ] || die "how many minutes?"

databases=$(mktemp -d)
stop() {
    [ ! -f "$databases/env" ] || scripts/databases.sh down "$databases"
    rm -rf "$databases"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

scripts/databases.sh up "$databases" >/dev/null &
servers=$!
if [ -z "${TEST_RELEASE_RUNNER:-}" ]; then
    cargo build --release --locked
    TEST_RELEASE_RUNNER=$(target_dir)/release/semilayer-runner
fi
cargo build --locked -p runner-testkit --bin soak
wait "$servers" || die "the database servers did not start"
. "$databases/env"
"$(target_dir)/debug/soak" "$1" "$TEST_RELEASE_RUNNER" ${2:+"$2"}
