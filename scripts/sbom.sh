#!/usr/bin/env bash
# Prints the CycloneDX bill of materials of the binary for TARGET: every crate in it, with version, licence
# and checksum.
#
#   scripts/sbom.sh [TARGET]           default: x86_64-unknown-linux-musl
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
target=${1:-x86_64-unknown-linux-musl}
cargo_tool cargo-cyclonedx 0.5.9

# The tool writes beside the manifests, so it gets manifests of its own.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
copy_sources "$copy"
cd "$copy"
# Reproducible, too: the time is that of the commit.
SOURCE_DATE_EPOCH=$(git -C "$ROOT" log -1 --format=%ct 2>/dev/null || echo 0) \
    cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$target" \
    --no-build-deps --override-filename bom >&2
# Where the copy was says nothing.
sed "s#file://$copy#file:///semilayer-runner#g" bom.json
