#!/usr/bin/env bash
# Checks that the runner compiles for macOS, where nobody builds releases but people try the demo. The C of its
# dependencies is compiled by zig, which brings that system's headers. It is not linked and does not run here.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
cd "$ROOT"
target=aarch64-apple-darwin

[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] ||
    { have rustup && timeout 300 rustup target add "$target" >&2; } ||
    lacks "the standard library for $target cannot be had: rustup target add $target"
zig_tools
zig=zig
have zig || zig="python-zig"
compiler=$(mktemp -d)
trap 'rm -rf "$compiler"' EXIT
# The option by which cc names the target means something else to zig.
cat >"$compiler/cc" <<WRAPPER
#!/bin/sh
for argument; do
    shift
    case \$argument in --target=* | -mmacosx-version-min=*) ;; *) set -- "\$@" "\$argument" ;; esac
done
exec $zig cc -target aarch64-macos "\$@"
WRAPPER
printf '#!/bin/sh\nexec %s ar "$@"\n' "$zig" >"$compiler/ar"
chmod +x "$compiler/cc" "$compiler/ar"
CC_aarch64_apple_darwin=$compiler/cc AR_aarch64_apple_darwin=$compiler/ar \
    cargo clippy --locked --lib --bins --target "$target" -- -D warnings
say "the runner compiles for $target"
