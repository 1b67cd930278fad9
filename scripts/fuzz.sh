#!/usr/bin/env bash
# Fuzzes what reads bytes from outside, each target for a while. Needs a nightly compiler and a C++ compiler.
#
#   scripts/fuzz.sh [SECONDS] [TARGET]...
#
# At the end one line a target says how many inputs were tried. What it finds stays in tests/fuzz/artifacts; the
# fixed case belongs into tests/fuzz/corpus under a name that says what it is, where tests/fuzz_corpus.rs replays
# it with the stable compiler. Exits 1 for a finding, 2 when there is nothing to run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
cd "$ROOT"
unbuilt() {
    say "error: $*"
    exit 2
}
cargo +nightly --version >/dev/null 2>&1 || unbuilt "no nightly compiler: rustup toolchain install nightly"
have c++ || install_packages g++ || unbuilt "no C++ compiler (Debian: apt-get install g++)"
cargo_tool cargo-fuzz 0.13.2

seconds=${1:-60}
shift || true
[ $# -gt 0 ] || set -- $(cargo +nightly fuzz list --fuzz-dir tests/fuzz)
# The same crates as in the runner; libfuzzer comes on top.
cp Cargo.lock tests/fuzz/Cargo.lock
out=$(target_dir)/fuzz
# Our code has no unsafe block, so no address sanitizer, which would halve the speed. Panics, overflows,
# time-outs and memory are watched all the same.
cargo +nightly fuzz build --fuzz-dir tests/fuzz --target-dir "$out" --sanitizer none --debug-assertions >&2 ||
    unbuilt "the fuzz targets do not compile"
host=$(rustc +nightly -vV | sed -n 's/^host: //p')

log=$(mktemp)
trap 'rm -f "$log"' EXIT
summary=()
findings=0
for target in "$@"; do
    say "$target, $seconds s"
    result=ok
    found=tests/fuzz/artifacts/$target
    mkdir -p "$found" "$out/corpus/$target"
    # New inputs go into the first folder.
    RUST_BACKTRACE=0 "$out/$host/release/$target" -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=2048 \
        -timeout=20 -print_final_stats=1 -artifact_prefix="$found/" "$out/corpus/$target" \
        "tests/fuzz/corpus/$target" >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        result="FOUND something: see $found"
        findings=1
    }
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    summary+=("$(printf '%-20s %10s inputs  %s' "$target" "${runs:-?}" "$result")")
done
printf '%s\n' "${summary[@]}"
exit "$findings"
