#!/usr/bin/env bash
# Private database servers with the conformance fixtures, for tests and measurements.
#
#   scripts/databases.sh up [DIR]   starts them, prints the folder; DIR/env then holds the exports
#   scripts/databases.sh restart DIR   ends its PostgreSQL and MariaDB as a crash does and starts them again
#   scripts/databases.sh replica DIR   gives its PostgreSQL a streaming standby, prints the standby's URL
#   scripts/databases.sh set DIR    starts a MongoDB replica set, prints its URL
#   scripts/databases.sh down DIR   stops them and removes the folder
#
# A server whose URL is given from outside (TEST_POSTGRES_URL, TEST_MARIADB_URL, TEST_PGBOUNCER_URL,
# TEST_MYSQL_URL, TEST_MONGODB_URL, TEST_CLICKHOUSE_URL, TEST_CLICKHOUSE_OLD_URL, TEST_REDIS_URL, TEST_TURSO_URL, TEST_D1_URL)
# is not started: that URL is used as it is and must hold the fixtures; a Redis that is empty is filled by the tests.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
for part in postgres mariadb pgbouncer mysql mongodb clickhouse redis sqld d1; do . "$ROOT/scripts/lib/$part.sh"; done

# needed: the packages that are missing for the servers to be started.
needed() {
    local packages=()
    [ -n "${TEST_POSTGRES_URL:-}" ] || postgres_installed || packages+=(postgresql postgresql-contrib)
    [ -n "${TEST_MARIADB_URL:-}" ] || mariadb_installed || packages+=(mariadb-server)
    [ -n "${TEST_PGBOUNCER_URL:-}${TEST_POSTGRES_URL:-}" ] || pgbouncer_installed || packages+=(pgbouncer)
    echo "${packages[*]}"
}

up() {
    local dir=$1 missing
    missing=$(needed)
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086
        install_packages $missing ||
            die "missing: $missing. Install these Debian packages, or point TEST_POSTGRES_URL and TEST_MARIADB_URL at servers that hold the fixtures."
    fi
    : >"$dir/env"
    local jobs=()
    if [ -z "${TEST_POSTGRES_URL:-}" ]; then
        { postgres_up "$dir" && { [ -n "${TEST_PGBOUNCER_URL:-}" ] || pgbouncer_up "$dir"; }; } &
        jobs+=($!)
    fi
    if [ -z "${TEST_MARIADB_URL:-}" ]; then
        mariadb_up "$dir" &
        jobs+=($!)
    fi
    if [ -z "${TEST_MYSQL_URL:-}" ]; then
        mysql_up "$dir" &
        jobs+=($!)
    fi
    if [ -z "${TEST_MONGODB_URL:-}" ]; then
        mongodb_up "$dir" &
        jobs+=($!)
    fi
    if [ -z "${TEST_CLICKHOUSE_URL:-}" ]; then
        clickhouse_up "$dir" &
        jobs+=($!)
    fi
    if [ -z "${TEST_CLICKHOUSE_OLD_URL:-}" ]; then
        clickhouse_old_up "$dir" &
        jobs+=($!)
    fi
    if [ -z "${TEST_REDIS_URL:-}" ]; then
        redis_up "$dir" &
        jobs+=($!)
    fi
    if [ -z "${TEST_TURSO_URL:-}" ]; then
        sqld_up "$dir" &
        jobs+=($!)
    fi
    if [ -z "${TEST_D1_URL:-}" ]; then
        d1_up "$dir" &
        jobs+=($!)
    fi
    local job failed=0
    for job in "${jobs[@]}"; do wait "$job" || failed=1; done
    if [ "$failed" = 1 ]; then
        down "$dir"
        exit 1
    fi
}

down() {
    pgbouncer_down "$1"
    postgres_down "$1"
    mariadb_down "$1"
    mysql_down "$1"
    mongodb_down "$1"
    clickhouse_down "$1"
    clickhouse_old_down "$1"
    redis_down "$1"
    sqld_down "$1"
    d1_down "$1"
    rm -rf "$1"
}

case "${1:-}" in
up)
    dir=${2:-$(mktemp -d)}
    mkdir -p "$dir"
    # The servers run as other users, which must be able to walk through.
    chmod 755 "$dir"
    up "$dir"
    echo "$dir"
    ;;
restart)
    [ ! -d "${2:?which folder?}/postgres" ] || postgres_restart "$2"
    [ ! -d "$2/mariadb" ] || mariadb_restart "$2"
    ;;
replica)
    postgres_replica "${2:?which folder?}"
    cat "$2/postgres/replica/url"
    ;;
set)
    mkdir -p "${2:?which folder?}"
    chmod 755 "$2"
    [ -f "$2/env" ] || : >"$2/env"
    mongodb_set "$2"
    ;;
down)
    [ -f "${2:?which folder?}/env" ] || die "$2 is not a folder of databases.sh"
    down "$2"
    ;;
*)
    sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
