#!/usr/bin/env bash
# Everything of a release: both static binaries, a CycloneDX bill of materials, a .deb and a .rpm of each,
# checksums.
#
#   scripts/release.sh [FOLDER]        default: target/release-VERSION
#
# RELEASE_KEY=FILE signs the checksums: a key of minisign (`minisign -G`) makes SHA256SUMS.minisig, which
# `minisign -Vm SHA256SUMS -p KEY.pub` verifies; a private key of openssl (`openssl genpkey -algorithm ed25519`)
# makes SHA256SUMS.sig, which this verifies:
#
#   openssl pkeyutl -verify -rawin -pubin -inkey KEY.pub.pem -in SHA256SUMS -sigfile SHA256SUMS.sig
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
cd "$ROOT"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
folder=${1:-$(target_dir)/release-$version}
# From an earlier release, which would be signed as if it were of this one.
rm -rf "$folder"
mkdir -p "$folder"
docs=$(mktemp -d)
trap 'rm -rf "$docs"' EXIT
for target in x86_64-unknown-linux-musl aarch64-unknown-linux-musl; do
    name=semilayer-runner-$version-$target
    binary=$(scripts/build-static.sh "$target")
    install -m 755 "$binary" "$folder/$name"
    scripts/sbom.sh "$target" >"$folder/$name.cdx.json"
    # Every machine's manual is that of the first, which runs here.
    [ -e "$docs/semilayer-runner.1.gz" ] || scripts/docs.sh "$docs" "$binary"
    scripts/package.sh "$binary" "$folder" "$docs" >/dev/null
done
(cd "$folder" && sha256sum -- semilayer-runner* | tee SHA256SUMS)
scripts/lib/sign.sh "$folder/SHA256SUMS"
