# Database servers for as long as a script runs, and the runner that is measured on them. Sourced after
# common.sh, never run.

# Those that databases.sh can start; a URL in TEST_<ENGINE>_URL takes the place of one.
ENGINES=(postgres pgbouncer mariadb mysql mongodb clickhouse clickhouse_old redis turso d1)

# start_servers [ENGINE]...: private servers of these engines begin to come up. They are stopped when the script
# ends, however it ends.
start_servers() {
    local engine variable spared=()
    for engine in "${ENGINES[@]}"; do
        variable=TEST_${engine^^}_URL
        [[ " $* " == *" $engine "* ]] || [ -n "${!variable:-}" ] || spared+=("$variable=none")
    done
    SERVERS=$(mktemp -d)
    trap stop_servers EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    env "${spared[@]}" "$ROOT/scripts/databases.sh" up "$SERVERS" >/dev/null &
    SERVERS_JOB=$!
}

# use_servers: waits until they are up. Their URLs are in the environment then.
use_servers() {
    wait "$SERVERS_JOB" || die "the database servers did not start"
    . "$SERVERS/env"
}

stop_servers() {
    [ ! -f "$SERVERS/env" ] || "$ROOT/scripts/databases.sh" down "$SERVERS"
    rm -rf "$SERVERS"
}

# release_runner: exports TEST_RELEASE_RUNNER, the optimised runner: the one that is given, or one built here.
release_runner() {
    if [ -z "${TEST_RELEASE_RUNNER:-}" ]; then
        (cd "$ROOT" && cargo build --release --locked)
        TEST_RELEASE_RUNNER=$(target_dir)/release/semilayer-runner
    fi
    export TEST_RELEASE_RUNNER
}
