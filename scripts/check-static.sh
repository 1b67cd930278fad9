#!/usr/bin/env bash
# Checks the binaries that are shipped.
#
#   scripts/check-static.sh [PART]...      default: every part, in this order
#
#   x86_64    static, position-independent, small enough; answers recorded jobs of every bridge
#   twice     the same bytes again from another folder
#   aarch64   like x86_64, under an emulator
#
# Each part compiles everything once.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
cd "$ROOT"
# With all bridges.
MOST=6500000
# They connect, log in, answer every kind of job as recorded, and end a running one.
TESTS=(--test conformance --test session --test tls --test cancel)

is_static() {
    local headers
    headers=$(readelf --wide --program-headers --dynamic "$1")
    ! grep -q 'INTERP\|(NEEDED)' <<<"$headers" || die "$1 wants a dynamic linker or a library"
    grep -q 'FLAGS_1.*PIE' <<<"$headers" || die "$1 is not position-independent"
}
is_small() {
    local size
    size=$(stat -c %s "$1")
    [ "$size" -le "$MOST" ] || die "$1 has $size bytes; $MOST are too many already"
}
names_no_folder() {
    local folder
    # Their subfolders, because a root such as /src is a part of many a name.
    for folder in "$ROOT/src/" "$ROOT/target/" "${CARGO_HOME:-$HOME/.cargo}/registry/" "$TOOLS/"; do
        ! grep -qF "$folder" "$1" || die "$1 names the folder $folder"
    done
}
names_its_crates() {
    readelf --wide --section-headers "$1" | grep -F .dep-v0 >/dev/null || die "$1 does not name its crates"
}

# is_sound BINARY [EMULATOR]
is_sound() {
    local version
    is_static "$1"
    is_small "$1"
    names_no_folder "$1"
    names_its_crates "$1"
    version=$(${2:-} "$1" --version --verbose)
    say "$version"
    env TEST_RUNNER="$1" ${2:+TEST_EMULATOR="$2"} TEST_RELEASE_RUNNER="$1" scripts/test.sh "${TESTS[@]}" >&2
}

x86_64() {
    local binary
    binary=$(scripts/build-static.sh)
    is_sound "$binary"
}

twice() {
    local binary again
    binary=$(scripts/build-static.sh)
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    copy_sources "$copy"
    # Which commit it is cannot be seen there.
    again=$(
        SEMILAYER_BUILD_COMMIT=$("$binary" --version --verbose | sed -n 's/^commit: *//p')
        export SEMILAYER_BUILD_COMMIT CARGO_TARGET_DIR=$copy/elsewhere RUNNER_TOOLS=$TOOLS
        "$copy/scripts/build-static.sh"
    )
    cmp "$binary" "$again" || die "two folders give two binaries"
    say "the same bytes from two folders: $(sha256sum <"$binary" | cut -d' ' -f1)"
}

aarch64() {
    local binary emulator=qemu-aarch64-static
    binary=$(scripts/build-static.sh aarch64-unknown-linux-musl)
    have "$emulator" || install_packages qemu-user-static ||
        lacks "$emulator is missing (Debian: apt-get install qemu-user-static)"
    is_sound "$binary" "$(command -v "$emulator")"
}

have readelf || install_packages binutils || lacks "readelf is missing (Debian: apt-get install binutils)"
[ $# -gt 0 ] || set -- x86_64 twice aarch64
for part in "$@"; do
    case $part in
    x86_64 | twice | aarch64) "$part" ;;
    *) die "no part is called $part" ;;
    esac
done
