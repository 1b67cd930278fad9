#!/usr/bin/env bash
# Writes the manual page and the completions for bash, zsh and fish, as the binary itself tells them.
#
#   scripts/docs.sh FOLDER [BINARY]    without a binary, one is compiled
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"

folder=${1:?the folder to write into}
binary=${2:-}
if [ -z "$binary" ]; then
    cargo build --quiet --locked
    binary=$(target_dir)/debug/semilayer-runner
fi
mkdir -p "$folder"
"$binary" help --man | gzip -9n >"$folder/semilayer-runner.1.gz"
for shell in bash zsh fish; do
    "$binary" help --completions "$shell" >"$folder/semilayer-runner.$shell"
done
