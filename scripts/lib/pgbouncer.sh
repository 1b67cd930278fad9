# A PgBouncer in transaction mode in front of the private Postgres: two server connections for everyone.

pgbouncer_installed() { have pgbouncer; }

# pgbouncer_up DIR: needs postgres_up before. Appends its URL to DIR/env.
pgbouncer_up() {
    local dir=$1/pgbouncer port server
    server=$(cat "$1/postgres/port")
    mkdir -p "$dir"
    printf '"runner" "runner"\n' >"$dir/users"
    for _ in 1 2 3; do
        port=$(free_port)
        # Startup options are refused, as PgBouncer does out of the box. A client cannot choose its time zone
        # through it, so the profile that needs Tokyo has a database entry of its own.
        cat >"$dir/ini" <<-INI
	[databases]
	conformance = host=127.0.0.1 port=$server dbname=conformance
	conformance_tokyo = host=127.0.0.1 port=$server dbname=conformance timezone='Asia/Tokyo'
	[pgbouncer]
	listen_addr = 127.0.0.1
	listen_port = $port
	unix_socket_dir =
	auth_type = scram-sha-256
	auth_file = $dir/users
	pool_mode = transaction
	default_pool_size = 2
	max_client_conn = 200
	pidfile = $dir/pid
	INI
        own postgres "$dir"
        (as_user postgres pgbouncer "$dir/ini") >"$dir/log" 2>&1 </dev/null &
        if PGPASSWORD=runner wait_for 10 psql -X -h 127.0.0.1 -p "$port" -U runner -d conformance -c 'SELECT 1'; then
            echo "export TEST_PGBOUNCER_URL=postgres://runner:runner@127.0.0.1:$port/conformance" >>"$1/env"
            return 0
        fi
    done
    die "PgBouncer does not start: $(reason "$dir/log")"
}

pgbouncer_down() {
    stop_pid "$1/pgbouncer/pid" INT
}
