# Private ClickHouse servers, which no run insists on. No package of a current server is to be had from Debian:
# - `clickhouse`: the current engine, out of a Python package, behind a small HTTP server of the project. It has the
#   conformance databases. The package takes 900 MB, so it is used where it is and never installed by itself:
#     python3 -m venv target/clickhouse && target/clickhouse/bin/pip install chdb-core==26.9.0
# - `clickhouse_old`: the server of Debian 12, for what only a real server does: users, processes, framing. It is
#   unpacked into a folder of its own; nothing of the machine is touched.
# Where one is not possible its tests are skipped, and the reason is printed. A run that names the servers it requires
# (TEST_REQUIRE_SERVERS), and not these, has neither: it must not depend on what may be there or not.

CLICKHOUSE_PYTHON=${TEST_CLICKHOUSE_PYTHON:-$ROOT/target/clickhouse/bin/python}
CLICKHOUSE_OLD_ROOT=$ROOT/target/clickhouse-root

clickhouse_is_wanted() {
    case " ${TEST_REQUIRE_SERVERS:-} " in
    "  " | *" 1 "* | *" clickhouse"*) return 0 ;;
    esac
    say "ClickHouse is skipped: this run requires other servers"
    return 1
}

# clickhouse_up DIR: starts the server under DIR/clickhouse and appends its URL to DIR/env. It runs as whoever runs
# the tests: a Python of theirs may be where nobody else may look.
clickhouse_up() {
    local dir=$1/clickhouse port
    clickhouse_is_wanted || return 0
    if ! "$CLICKHOUSE_PYTHON" -c 'import chdb' >/dev/null 2>&1; then
        say "ClickHouse is skipped: $CLICKHOUSE_PYTHON with the package chdb-core is missing (scripts/lib/clickhouse.sh)"
        return 0
    fi
    for _ in 1 2 3; do
        rm -rf "$dir"
        mkdir -p "$dir/data"
        port=$(free_port)
        "$CLICKHOUSE_PYTHON" "$ROOT/scripts/lib/clickhouse-server.py" --port "$port" --path "$dir/data" \
            --user default: --user runner:runner --user reader:reader:1 --user two:two:2 \
            --init "$FIXTURES/clickhouse.sql" >"$dir/log" 2>&1 </dev/null &
        echo $! >"$dir/pid"
        if wait_for 60 clickhouse_is_ready_or_gone "$dir" && grep -q '^ready' "$dir/log"; then
            echo "export TEST_CLICKHOUSE_URL=http://runner:runner@127.0.0.1:$port/conformance" >>"$1/env"
            return 0
        fi
        stop_pid "$dir/pid"
    done
    die "ClickHouse does not start: $(reason "$dir/log")"
}

clickhouse_is_ready_or_gone() {
    grep -q '^ready' "$1/log" || gone "$(cat "$1/pid")"
}

clickhouse_down() {
    stop_pid "$1/clickhouse/pid"
}

# clickhouse_old_install: a few seconds and the mirror that apt uses. Two runs at once wait for each other.
clickhouse_old_install() {
    mkdir -p "$ROOT/target"
    (
        flock 9
        [ ! -d "$CLICKHOUSE_OLD_ROOT" ] || exit 0
        packages=$(apt-get install -s --no-install-recommends clickhouse-server 2>/dev/null | awk '/^Inst/ { print $2 }')
        [[ " ${packages//$'\n'/ } " == *' clickhouse-server '* ]] || exit 1
        say "unpacking Debian's ClickHouse into target/clickhouse-root"
        rm -rf "$CLICKHOUSE_OLD_ROOT.new"
        mkdir -p "$CLICKHOUSE_OLD_ROOT.new/debs"
        cd "$CLICKHOUSE_OLD_ROOT.new/debs"
        # shellcheck disable=SC2086
        apt-get download $packages >/dev/null 2>&1 || exit 1
        for package in *.deb; do dpkg -x "$package" ..; done
        rm -rf ../debs
        mv "$CLICKHOUSE_OLD_ROOT.new" "$CLICKHOUSE_OLD_ROOT"
    ) 9>"$ROOT/target/clickhouse-root.lock"
}

# clickhouse_old_up DIR: starts the server under DIR/clickhouse-old and appends its URL to DIR/env.
clickhouse_old_up() {
    local dir=$1/clickhouse-old root=$CLICKHOUSE_OLD_ROOT port libraries
    clickhouse_is_wanted || return 0
    if ! clickhouse_old_install; then
        say "the real ClickHouse is skipped: apt has no package clickhouse-server here"
        return 0
    fi
    libraries=$(echo "$root"/usr/lib/*-linux-gnu "$root"/lib/*-linux-gnu)
    mkdir -p "$dir/data" "$dir/tmp"
    clickhouse_old_users >"$dir/users.xml"
    for _ in 1 2 3; do
        port=$(free_port)
        clickhouse_old_config "$dir" "$port" >"$dir/config.xml"
        own daemon "$dir"
        (as_user daemon env LD_LIBRARY_PATH="${libraries// /:}" "$root/usr/sbin/clickhouse-server" \
            --config-file="$dir/config.xml") >"$dir/log" 2>&1 </dev/null &
        echo $! >"$dir/pid"
        if wait_for 20 clickhouse_answers "$port"; then
            echo "export TEST_CLICKHOUSE_OLD_URL=http://runner:runner@127.0.0.1:$port/default" >>"$1/env"
            return 0
        fi
        stop_pid "$dir/pid"
    done
    die "ClickHouse does not start: $(reason "$dir/log")"
}

clickhouse_old_down() {
    stop_pid "$1/clickhouse-old/pid"
}

# clickhouse_answers PORT
clickhouse_answers() {
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET /ping HTTP/1.0\r\n\r\n' >&3
    grep -q '^Ok' <&3
}

# clickhouse_old_config DIR PORT
clickhouse_old_config() {
    cat <<-XML
	<yandex>
	    <logger><level>warning</level><log>$1/server.log</log><errorlog>$1/error.log</errorlog></logger>
	    <http_port>$2</http_port>
	    <tcp_port>0</tcp_port>
	    <interserver_http_port>0</interserver_http_port>
	    <listen_host>127.0.0.1</listen_host>
	    <path>$1/data/</path>
	    <tmp_path>$1/tmp/</tmp_path>
	    <users_config>$1/users.xml</users_config>
	    <default_profile>default</default_profile>
	    <default_database>default</default_database>
	    <timezone>UTC</timezone>
	    <uncompressed_cache_size>0</uncompressed_cache_size>
	    <mark_cache_size>67108864</mark_cache_size>
	</yandex>
	XML
}

# The users: one that may do everything, and two whose profiles only read.
clickhouse_old_users() {
    local user profile
    echo '<yandex><profiles><default/><one><readonly>1</readonly></one><two><readonly>2</readonly></two></profiles>'
    echo '<quotas><default/></quotas><users>'
    for user in default runner reader two; do
        case $user in
        reader) profile=one ;;
        two) profile=two ;;
        *) profile=default ;;
        esac
        echo "<$user><password>${user/default/}</password><networks><ip>127.0.0.1</ip></networks>"
        echo "<profile>$profile</profile><quota>default</quota></$user>"
    done
    echo '</users></yandex>'
}
