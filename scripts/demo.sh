#!/usr/bin/env bash
# Shows a runner at work, on a machine with nothing but cargo and a C compiler: a small SQLite database, a
# local gateway in SemiLayer's place, the runner between them. Stops everything it started.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
cd "$ROOT"
have cargo || die "cargo is missing; see https://rustup.rs"

say "building (the first time takes a minute or two)"
cargo build --quiet --locked
cargo build --quiet --locked --package runner-testkit --bins
bin=$(target_dir)/debug

dir=$(mktemp -d)
runner=
stop() {
    [ -z "$runner" ] || kill "$runner" 2>/dev/null || true
    wait
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM

"$bin/sqlite-database" scripts/demo.sql "$dir/shop.sqlite"
token=rk_demo_$RANDOM$RANDOM
port=$(free_port)

# The gateway's jobs run in order as soon as a runner is there. The source is runner-local: the gateway
# knows its name and bridge, only the runner knows where the database is.
"$bin/gateway" --port "$port" --token "$token" --source shop=sqlite \
    'shop listTargets' \
    'shop introspectTarget people' \
    'shop query people {"where":{"age":{"$gt":40},"team":"theory"},"orderBy":{"field":"age","dir":"desc"},"select":["name","team","age"]}' \
    'shop walk people {"limit":3}' &
gateway=$!

SEMILAYER_GATEWAY_URL=ws://127.0.0.1:$port/connect \
    SEMILAYER_RUNNER_ID=demo-runner \
    SEMILAYER_RUNNER_TOKEN=$token \
    SEMILAYER_SOURCE_SHOP_PATH=$dir/shop.sqlite \
    "$bin/semilayer-runner" start >"$dir/runner.log" 2>&1 &
runner=$!

status=0
wait "$gateway" || status=$?
kill "$runner" 2>/dev/null || true
wait "$runner" || true
runner=
printf '\nWhat the runner said meanwhile:\n'
sed 's/^/  | /' "$dir/runner.log"
exit "$status"
