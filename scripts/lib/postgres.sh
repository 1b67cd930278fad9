# A private PostgreSQL with the conformance database: data folder and port of its own, thrown away afterwards.

# postgres_bin: folder of the newest installed server binaries.
postgres_bin() {
    if have initdb && have postgres; then
        dirname "$(readlink -f "$(command -v initdb)")"
    else
        ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1
    fi
}

# The fixtures need contrib's extensions beside the server.
postgres_installed() {
    local bin
    bin=$(postgres_bin)
    [ -n "$bin" ] && [ -x "$bin/postgres" ] && [ -f "$("$bin/pg_config" --sharedir 2>/dev/null)/extension/hstore.control" ] && return 0
    # pg_config may be the wrapper of another package: look where Debian puts them.
    [ -n "$bin" ] && ls /usr/share/postgresql/*/extension/hstore.control >/dev/null 2>&1
}

# postgres_up DIR: starts the server under DIR/postgres and appends its URL to DIR/env.
postgres_up() {
    local dir=$1/postgres bin port
    bin=$(postgres_bin)
    mkdir -p "$dir"
    printf 'runner' >"$dir/password"
    own postgres "$dir"
    # The recorded answers sort by bytes and know upper and lower case of all letters: C.UTF-8.
    (as_user postgres "$bin/initdb" -D "$dir/data" -U runner --pwfile="$dir/password" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 --no-sync) >"$dir/initdb.log" 2>&1 ||
        die "initdb failed: $(reason "$dir/initdb.log")"
    cat >>"$dir/data/postgresql.conf" <<-CONF
	listen_addresses = '127.0.0.1,::1'
	unix_socket_directories = ''
	timezone = 'UTC'
	log_timezone = 'UTC'
	max_connections = 200
	shared_buffers = 64MB
	fsync = off
	synchronous_commit = off
	full_page_writes = off
	autovacuum = off
	CONF
    for _ in 1 2 3; do
        port=$(free_port)
        if (as_user postgres "$bin/pg_ctl" start -w -t 30 -D "$dir/data" -l "$dir/log" -o "-p $port") >/dev/null 2>&1; then
            export PGPASSWORD=runner
            psql -X -q -h 127.0.0.1 -p "$port" -U runner -d postgres -c 'CREATE DATABASE conformance' >&2
            psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U runner -d conformance \
                -f "$FIXTURES/postgres.sql" >"$dir/load.log" 2>&1 ||
                die "the fixtures do not load into Postgres: $(reason "$dir/load.log")"
            printf '%s' "$port" >"$dir/port"
            echo "export TEST_POSTGRES_URL=postgres://runner:runner@127.0.0.1:$port/conformance" >>"$1/env"
            return 0
        fi
    done
    die "Postgres does not start: $(reason "$dir/log")"
}

# postgres_restart DIR: the same port, the same data.
postgres_restart() {
    (as_user postgres "$(postgres_bin)/pg_ctl" restart -w -t 30 -m immediate -D "$1/postgres/data" \
        -l "$1/postgres/log") >/dev/null 2>&1 || die "Postgres does not restart: $(reason "$1/postgres/log")"
}

# postgres_replica DIR: a standby that follows it by streaming, on a port of its own; DIR/postgres/replica/url
# names it.
postgres_replica() {
    local dir=$1/postgres bin port
    bin=$(postgres_bin)
    mkdir -p "$dir/replica"
    own postgres "$dir/replica"
    export PGPASSWORD=runner
    (as_user postgres "$bin/pg_basebackup" --no-sync --checkpoint=fast --write-recovery-conf -D "$dir/replica/data" \
        -h 127.0.0.1 -p "$(cat "$dir/port")" -U runner) >"$dir/copy.log" 2>&1 ||
        die "no copy of Postgres can be made: $(reason "$dir/copy.log")"
    for _ in 1 2 3; do
        port=$(free_port)
        if (as_user postgres "$bin/pg_ctl" start -w -t 30 -D "$dir/replica/data" -l "$dir/replica/log" -o "-p $port") >/dev/null 2>&1; then
            echo "postgres://runner:runner@127.0.0.1:$port/conformance" >"$dir/replica/url"
            return 0
        fi
    done
    die "the standby does not start: $(reason "$dir/replica/log")"
}

# postgres_down DIR. Immediate: nobody needs the data.
postgres_down() {
    stop_pid "$1/postgres/replica/data/postmaster.pid" QUIT
    stop_pid "$1/postgres/data/postmaster.pid" QUIT
}
