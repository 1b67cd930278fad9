#!/usr/bin/env bash
# Checks the binaries that are shipped: static, small enough, the same bytes from two folders, and the one
# for 64-bit Arm answers jobs under an emulator.
#
#   scripts/check-static.sh
#
# Builds three times, several minutes in all.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
cd "$ROOT"
# With all bridges (design: 6.0 MB).
MOST=6000000
OTHER=aarch64-unknown-linux-musl

is_static() {
    local headers
    headers=$(readelf --wide --program-headers --dynamic "$1")
    ! grep -q 'INTERP\|(NEEDED)' <<<"$headers" || die "$1 wants a dynamic linker or a library"
    grep -q 'Flags: PIE' <<<"$headers" || grep -q 'FLAGS_1.*PIE' <<<"$headers" || die "$1 is not position-independent"
}
is_small() {
    local size
    size=$(stat -c %s "$1")
    [ "$size" -le "$MOST" ] || die "$1 has $size bytes; $MOST are too many already"
}
names_no_folder() {
    local folder
    for folder in "$ROOT" "${CARGO_HOME:-$HOME/.cargo}"; do
        ! grep -qF "$folder" "$1" || die "$1 names the folder $folder"
    done
}

have readelf || install_packages binutils || die "readelf is missing (Debian: apt-get install binutils)"
binary=$(scripts/build-static.sh)
is_static "$binary"
is_small "$binary"
names_no_folder "$binary"
readelf --wide --section-headers "$binary" | grep -qF .dep-v0 || die "$binary does not name its crates"
say "$("$binary" --version --verbose)"

say "the same again in another folder"
copy=$(mktemp -d)
stop() {
    rm -rf "$copy"
}
trap stop EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy"
again=$(
    SEMILAYER_BUILD_COMMIT=$("$binary" --version --verbose | sed -n 's/^commit: *//p')
    export SEMILAYER_BUILD_COMMIT CARGO_TARGET_DIR=$copy/elsewhere RUNNER_TOOLS=$TOOLS
    "$copy/scripts/build-static.sh"
)
cmp "$binary" "$again" || die "two folders give two binaries"

arm=$(scripts/build-static.sh "$OTHER")
is_static "$arm"
is_small "$arm"
TEST_EMULATOR=qemu-aarch64-static
have "$TEST_EMULATOR" || install_packages qemu-user-static ||
    die "$TEST_EMULATOR is missing (Debian: apt-get install qemu-user-static)"
TEST_EMULATOR=$(command -v "$TEST_EMULATOR")
export TEST_EMULATOR TEST_EMULATED_RUNNER=$arm
cargo test --locked --test static_binary -- --nocapture
