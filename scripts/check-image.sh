#!/usr/bin/env bash
# Builds the container image, runs it against a local gateway and a private Postgres, and looks at what it
# may do. BINARY=path takes a binary that is already built.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/container.sh"
cd "$ROOT"
container_tool || { install_packages podman runc && container_tool; } || die "no docker engine, podman or buildah"
[[ " ${CONTAINER[*]} " != *" runc "* ]] || have runc || install_packages runc || die "runc is missing"
[ "${CONTAINER[0]}" != buildah ] || die "buildah builds images, but it takes podman or docker to run one as shipped"

TEST_IMAGE=$(scripts/image.sh semilayer-runner:check)
TEST_CONTAINER="${CONTAINER[*]}"
export TEST_IMAGE TEST_CONTAINER
databases=
stop() {
    "${CONTAINER[@]}" rmi --force "$TEST_IMAGE" >/dev/null 2>&1 || true
    [ -z "$databases" ] || scripts/databases.sh down "$databases"
}
trap stop EXIT
if [ -z "${TEST_POSTGRES_URL:-}" ]; then
    # Only Postgres is needed; a server that is given is not started.
    databases=$(TEST_MARIADB_URL=none TEST_MYSQL_URL=none TEST_PGBOUNCER_URL=none scripts/databases.sh up)
    . "$databases/env"
fi
cargo test --locked --test image -- --nocapture
