#!/usr/bin/env bash
# Checks what the runner is made of: licences, known faults, crates in two versions, the oldest Rust that
# compiles it, and the bill of materials.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
cd "$ROOT"

cargo_tool cargo-deny 0.20.2
deny=(cargo deny --config .ci/deny.toml --all-features --locked)
"${deny[@]}" check bans licenses sources
# The list of known faults is a Git repository, which a closed network may not reach; crates come by another way.
if reason=$(timeout 120 "${deny[@]}" fetch db 2>&1); then
    "${deny[@]}" check --disable-fetch advisories
else
    say "NOT CHECKED: known faults (advisories) and withdrawn versions, for the advisory database cannot be fetched:"
    say "  $(grep -v '^$' <<<"$reason" | tail -n 1)"
    say "  the floors in .ci/deny.toml hold all the same"
fi

# tests/docs/rust_version.rs holds the promise against the locked crates, clippy against the standard library.
# Compiling with that version is the proof, where it can be had.
promised=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if have rustup && { rustup run "$promised" cargo --version || timeout 300 rustup toolchain install --profile minimal "$promised"; } >/dev/null 2>&1; then
    cargo "+$promised" check --locked --target-dir "$(target_dir)/rust-$promised"
else
    say "not compiled with Rust $promised: that version cannot be installed here"
fi

bill=$(scripts/sbom.sh)
for crate in ring rustls tungstenite postgres mysql rusqlite; do
    grep -q "\"name\": \"$crate\"" <<<"$bill" || die "the bill of materials lacks $crate"
done
say "the bill of materials names $(grep -c '"type": "library"' <<<"$bill") crates"
