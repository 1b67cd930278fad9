#!/usr/bin/env bash
# Fuzzes what reads bytes from outside, each target for a while. Needs a nightly compiler and cargo-fuzz.
#
#   scripts/fuzz.sh [SECONDS] [TARGET]...
#
# What it finds stays in tests/fuzz/artifacts; the fixed case belongs into tests/fuzz/corpus under a name
# that says what it is, where tests/fuzz_corpus.rs replays it with the stable compiler.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"
cargo +nightly --version >/dev/null 2>&1 || die "no nightly compiler: rustup toolchain install nightly"
cargo +nightly fuzz --version >/dev/null 2>&1 || die "no cargo-fuzz: cargo install cargo-fuzz"

seconds=${1:-60}
shift || true
[ $# -gt 0 ] || set -- $(cargo +nightly fuzz list --fuzz-dir tests/fuzz)
for target in "$@"; do
    say "$target, $seconds s"
    cargo +nightly fuzz run --fuzz-dir tests/fuzz "$target" -- \
        -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 ||
        die "$target found something: see tests/fuzz/artifacts/$target"
done
