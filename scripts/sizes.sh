#!/usr/bin/env bash
# Prints what each bridge costs: the size of the static binary without any, with each alone, with all.
#
#   scripts/sizes.sh [TARGET]          default: x86_64-unknown-linux-musl
#
# Builds six times, a minute or two each; the last is the one that is shipped.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"

target=${1:-x86_64-unknown-linux-musl}
for bridges in "" sqlite mysql postgres mongodb postgres,mysql,sqlite,mongodb; do
    binary=$(scripts/build-static.sh "$target" --no-default-features --features "$bridges")
    printf '%-24s %9d bytes\n' "${bridges:-none}" "$(stat -c %s "$binary")"
done
