#!/usr/bin/env bash
# Builds the container image, runs it against a local gateway and a private Postgres, and looks at what it
# may do. BINARY=path takes a binary that is already built.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/container.sh"
. "$ROOT/scripts/lib/servers.sh"
cd "$ROOT"
container_tool || { install_packages podman runc && container_tool; } ||
    lacks "no docker engine, podman or buildah (Debian: apt-get install podman runc)"
[[ " ${CONTAINER[*]} " != *" runc "* ]] || have runc || install_packages runc || lacks "runc is missing"
[ "${CONTAINER[0]}" != buildah ] || lacks "buildah builds images, but it takes podman or docker to run one as shipped"

BINARY=${BINARY:-$(scripts/build-static.sh)}
export BINARY
probe=$(mktemp -d)
stop() {
    rm -rf "$probe"
    "${CONTAINER[@]}" rmi --force semilayer-runner:check semilayer-runner:probe >/dev/null 2>&1 || true
    [ -z "${SERVERS:-}" ] || stop_servers
}
trap stop EXIT

# Whether this machine runs any container at all: a sandbox may not. The simplest image with a binary that is
# known to run here, so that a fault of our own image shows up below.
"$BINARY" --version >/dev/null
cp "$BINARY" "$probe/probe"
printf 'FROM scratch\nCOPY probe /probe\n' >"$probe/Dockerfile"
{
    "${CONTAINER[@]}" build --tag semilayer-runner:probe "$probe" &&
        "${CONTAINER[@]}" run --rm --network=host --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000 \
            semilayer-runner:probe /probe --version
} >"$probe/log" 2>&1 || lacks "${CONTAINER[*]} runs no container: $(tail -n 1 "$probe/log")"

TEST_IMAGE=$(scripts/image.sh semilayer-runner:check)
TEST_CONTAINER="${CONTAINER[*]}"
export TEST_IMAGE TEST_CONTAINER
start_servers postgres
trap stop EXIT
use_servers
cargo test --locked --test shipped -- image:: doctor_container:: --nocapture
