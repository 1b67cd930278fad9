#!/usr/bin/env bash
# Mixed load over all engines with random faults; at the end a table. Exits non-zero when a job got no answer.
#
#   scripts/soak.sh [--hostile] MINUTES [SEED]
#
#   --hostile  one source and the gateway are hostile instead of unlucky, and nothing else fails. Exits non-zero also
#              when a job of another source failed, memory went over its bound, or threads or files were left behind
#
# The runner is built, or TEST_RELEASE_RUNNER names one. A line of progress a minute is on standard
# error. Databases are started and stopped unless they are given (see scripts/databases.sh).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/servers.sh"
cd "$ROOT"
mode=()
[ "${1:-}" != --hostile ] || { mode=(--hostile) && shift; }
[ -n "${1:-}" ] || die "how many minutes?"

start_servers "${ENGINES[@]}"
release_runner
cargo build --locked -p runner-testkit --bin soak
use_servers
"$(target_dir)/debug/soak" "${mode[@]}" "$1" "$TEST_RELEASE_RUNNER" ${2:+"$2"}
