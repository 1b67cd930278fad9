# A private MariaDB with the conformance databases.

# What both MySQL families set up beside the fixtures: the second database, and the users of the two
# profiles. `workload` belongs to tests that need tables of their own.
mysql_family_users() {
    cat <<-'SQL'
	CREATE DATABASE conformance CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
	CREATE DATABASE conformance_alt CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
	CREATE TABLE conformance_alt.widgets (id INT PRIMARY KEY, name VARCHAR(20));
	INSERT INTO conformance_alt.widgets VALUES (1, 'alt');
	CREATE DATABASE workload CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
	CREATE USER 'runner'@'%' IDENTIFIED BY 'runner';
	CREATE USER 'nbe'@'%' IDENTIFIED BY 'nbe';
	GRANT ALL ON conformance.* TO 'runner'@'%';
	GRANT ALL ON conformance_alt.* TO 'runner'@'%';
	GRANT ALL ON workload.* TO 'runner'@'%';
	GRANT SELECT ON conformance.* TO 'nbe'@'%';
	GRANT SELECT ON conformance_alt.* TO 'nbe'@'%';
	SQL
}

# init_connect runs for both users (neither has SUPER) and changes the mode of one.
NBE_INIT_CONNECT="SET sql_mode = IF(CURRENT_USER() LIKE 'nbe@%', 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION,NO_BACKSLASH_ESCAPES', @@sql_mode)"

mariadb_installed() { have mariadbd && have mariadb-install-db && have mariadb; }

# mariadb_start DIR PORT: with the further settings of DIR/mariadb/my.cnf, which a test may have written.
mariadb_start() {
    local dir=$1/mariadb
    touch "$dir/my.cnf"
    (as_user mysql mariadbd --defaults-file="$dir/my.cnf" --datadir="$dir/data" --tmpdir="$dir/tmp" --socket="$dir/s" \
        --pid-file="$dir/pid" --port="$2" --bind-address=127.0.0.1 --skip-name-resolve \
        --default-time-zone=+00:00 --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci \
        --sql-mode=STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION --init-connect="$NBE_INIT_CONNECT" \
        --max-connections=200 --innodb-buffer-pool-size=64M --innodb-flush-log-at-trx-commit=0 \
        --innodb-doublewrite=0 --performance-schema=off) >"$dir/log" 2>&1 </dev/null &
}

# Whatever its TLS is like.
mariadb_answers() { wait_for 30 mariadb --no-defaults --skip-ssl -u root -S "$1/mariadb/s" -e 'SELECT 1'; }

# mariadb_restart DIR: the same port, the same data.
mariadb_restart() {
    stop_pid "$1/mariadb/pid" KILL
    mariadb_start "$1" "$(cat "$1/mariadb/port")"
    mariadb_answers "$1" || die "MariaDB does not restart: $(reason "$1/mariadb/log")"
}

# mariadb_up DIR: starts the server under DIR/mariadb and appends its URL to DIR/env.
mariadb_up() {
    local dir=$1/mariadb port
    mkdir -p "$dir/tmp"
    own mysql "$dir"
    # Each at a folder of its own for what is temporary: a server that starts removes what others have there.
    (as_user mysql mariadb-install-db --no-defaults --datadir="$dir/data" --tmpdir="$dir/tmp" --skip-test-db \
        --auth-root-authentication-method=normal) >"$dir/install.log" 2>&1 ||
        die "mariadb-install-db failed: $(reason "$dir/install.log")"
    for _ in 1 2 3; do
        port=$(free_port)
        mariadb_start "$1" "$port"
        if mariadb_answers "$1"; then
            mysql_family_users | mariadb --no-defaults -u root -S "$dir/s" &&
                mariadb --no-defaults -u root -S "$dir/s" conformance <"$FIXTURES/mysql.sql" >"$dir/load.log" 2>&1 ||
                die "the fixtures do not load into MariaDB: $(reason "$dir/load.log")"
            printf '%s' "$port" >"$dir/port"
            echo "export TEST_MARIADB_URL=mysql://runner:runner@127.0.0.1:$port/conformance" >>"$1/env"
            return 0
        fi
    done
    die "MariaDB does not start: $(reason "$dir/log")"
}

mariadb_down() {
    stop_pid "$1/mariadb/pid"
}
