#!/usr/bin/env bash
# Makes the .deb and the .rpm of a static binary, with the unit, its user and folder, the manual page and the
# completions, and prints where they are.
#
#   scripts/package.sh BINARY FOLDER [DOCS]
#
# DOCS is a folder that scripts/docs.sh has filled, for a binary that does not run on this machine.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
binary=$(realpath "${1:?a binary}") folder=$(realpath -m "${2:?a folder}") docs=${3:-}
cargo_tool cargo-deb 3.8.0
cargo_tool cargo-generate-rpm 0.21.1
cd "$ROOT"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# The field of an ELF file that names the machine.
case $(od -An -tx1 -j18 -N1 "$binary") in
*b7) target=aarch64-unknown-linux-musl ;;
*3e) target=x86_64-unknown-linux-musl ;;
*) die "$binary is a binary for no machine that is known here" ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/files" "$work/scripts" "$work/src" "$folder"
echo 'fn main() {}' >"$work/src/main.rs"
sed "s/^version = \"VERSION\"/version = \"$version\"/" scripts/packaging/manifest.toml >"$work/Cargo.toml"
install -m 755 scripts/packaging/{postinst,prerm,postrm} "$work/scripts/"
install -m 755 "$binary" "$work/files/semilayer-runner"
install -m 644 LICENSE scripts/packaging/{sysusers.conf,tmpfiles.conf,environment} \
    scripts/deploy/grafana-dashboard.json scripts/deploy/prometheus-rules.yaml "$work/files/"
sed 's|/usr/local/bin/|/usr/bin/|' scripts/deploy/semilayer-runner.service >"$work/files/semilayer-runner.service"
if [ -n "$docs" ]; then
    cp "$docs"/semilayer-runner.* "$work/files/"
else
    scripts/docs.sh "$work/files" "$binary"
fi

# Reproducible: every time in them is that of the commit.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH CARGO_TARGET_DIR=$work/target
cd "$work"
cargo generate-lockfile --quiet --offline
cargo deb --quiet --no-build --no-strip --no-separate-debug-symbols --target "$target" --output "$folder/" >&2
# Which every rpm reads; the tool's own choice takes minutes of an unoptimised one.
cargo generate-rpm --payload-compress gzip --target "$target" --source-date "$SOURCE_DATE_EPOCH" --output "$folder/" >&2
ls "$folder"/*"$version"*.deb "$folder"/*"$version"*.rpm
