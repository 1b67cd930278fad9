#!/usr/bin/env bash
# Everything of a release: both static binaries, a CycloneDX bill of materials beside each, checksums.
#
#   scripts/release.sh [FOLDER]        default: target/release-VERSION
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
cd "$ROOT"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
folder=${1:-$(target_dir)/release-$version}
mkdir -p "$folder"
for target in x86_64-unknown-linux-musl aarch64-unknown-linux-musl; do
    name=semilayer-runner-$version-$target
    binary=$(scripts/build-static.sh "$target")
    install -m 755 "$binary" "$folder/$name"
    scripts/sbom.sh "$target" >"$folder/$name.cdx.json"
done
(cd "$folder" && sha256sum -- semilayer-runner-* | tee SHA256SUMS)
