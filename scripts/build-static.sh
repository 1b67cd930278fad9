#!/usr/bin/env bash
# Builds the binary that is shipped: static, position-independent, the same bytes whatever the folder.
#
#   scripts/build-static.sh [TARGET] [ARGUMENTS OF cargo build]...
#
# TARGET is x86_64-unknown-linux-musl (the default) or aarch64-unknown-linux-musl. On x86_64 musl-gcc compiles
# the C parts for itself (Debian: musl-tools); everything else is compiled by zig, which is taken from PyPI. The
# binary is target/TARGET/release/semilayer-runner, and that path is all that is printed on standard output. It
# names its crates in itself (cargo audit bin reads that) unless AUDITABLE=0.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
cd "$ROOT"
have cargo || die "cargo is missing; see https://rustup.rs"

target=${1:-x86_64-unknown-linux-musl}
[ $# = 0 ] || shift
case $target in
x86_64-unknown-linux-musl | aarch64-unknown-linux-musl) ;;
*) die "no build is known for $target; there is one for x86_64-unknown-linux-musl and aarch64-unknown-linux-musl" ;;
esac
sysroot=$(rustc --print sysroot)
[ -d "$sysroot/lib/rustlib/$target" ] ||
    { have rustup && timeout 300 rustup target add "$target" >&2; } ||
    lacks "the Rust standard library for $target is missing: rustup target add $target"

# No folder of this machine may show in the binary, or two builds would differ.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
out=$(target_dir)
rust_flags=(
    "--remap-path-prefix=$ROOT="
    "--remap-path-prefix=$out=target"
    "--remap-path-prefix=$cargo_home=cargo"
    "--remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rustc/$(rustc -vV | sed -n 's/^commit-hash: //p')"
)
c_flags=(
    "-ffile-prefix-map=$ROOT="
    "-ffile-prefix-map=$out=target"
    "-ffile-prefix-map=$cargo_home=cargo"
    # No panic passes through C: SQLite's callbacks catch it before. The tables would be 140 KB.
    -fno-asynchronous-unwind-tables -fno-unwind-tables
)
# The folder of a registry is named for its address; the crates in it are the same.
for registry in "$cargo_home"/registry/src/*/; do
    [ ! -d "$registry" ] || rust_flags+=("--remap-path-prefix=${registry%/}=crates")
done

build=build
if [ "$target $(uname -m)" = "x86_64-unknown-linux-musl x86_64" ]; then
    have musl-gcc || install_packages musl-tools ||
        lacks "musl-gcc is missing, which compiles SQLite and the cryptography (Debian: apt-get install musl-tools)"
else
    zig_tools
    build=zigbuild
fi
# Rust's own linker, with musl's start files for a static binary that is position-independent: it is the same everywhere.
# The 13,000 relocations take 4 KB packed, 320 KB as a table. Functions of the same code become one.
start=$sysroot/lib/rustlib/$target/lib/self-contained
rust_flags+=(-Clinker=rust-lld -Clinker-flavor=ld.lld -Clink-self-contained=no "-Clink-arg=-L$start")
for object in rcrt1 crti crtbeginS crtendS crtn; do rust_flags+=("-Clink-arg=$start/$object.o"); done
for flag in -pie --no-dynamic-linker -ztext --pack-dyn-relocs=relr --build-id=none --icf=all; do
    rust_flags+=("-Clink-arg=$flag")
done
cargo=(cargo)
if [ "${AUDITABLE:-1}" = 1 ]; then
    cargo_tool cargo-auditable 0.7.7
    cargo=(cargo auditable)
fi

variable=${target//-/_}
export "CFLAGS_$variable=${c_flags[*]}"
export CARGO_ENCODED_RUSTFLAGS
CARGO_ENCODED_RUSTFLAGS=$(
    IFS=$'\x1f'
    printf '%s' "${rust_flags[*]}"
)
# A tree with changes is no commit.
if [ -z "${SEMILAYER_BUILD_COMMIT:-}" ] && commit=$(git rev-parse --short=12 HEAD 2>/dev/null); then
    git diff --quiet HEAD || commit+="-changed"
    export SEMILAYER_BUILD_COMMIT=$commit
fi
"${cargo[@]}" "$build" --release --locked --package semilayer-runner --bin semilayer-runner --target "$target" "$@" >&2

binary=$out/$target/release/semilayer-runner
say "$(stat -c %s "$binary") bytes"
printf '%s\n' "$binary"
