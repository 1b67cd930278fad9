#!/usr/bin/env bash
# Mixed load over all engines with random faults; at the end a table. Exits non-zero when a job got no answer.
#
#   scripts/soak.sh MINUTES [SEED]
#
# Databases are started and stopped unless they are given (see scripts/databases.sh).
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
cargo build --release --locked
cargo build --locked -p runner-testkit --bin soak
wait "$servers" || die "the database servers did not start"
. "$databases/env"
target=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
"$target/debug/soak" "$1" "$target/release/semilayer-runner" ${2:+"$2"}
