# A private MySQL 9 with the conformance databases. Debian carries no MySQL in its stable releases, so it
# comes from the unstable one into a folder of its own and runs there by chroot; nothing of the machine is
# touched. Where that is impossible the MySQL tests are skipped, and the reason is printed.

MYSQL_ROOT=$ROOT/target/mysql-root

mysql_installed() { [ -x "$MYSQL_ROOT/usr/sbin/mysqld" ]; }

# mysql_install: half a minute and the mirror that apt uses. Two runs at once wait for each other.
mysql_install() {
    mkdir -p "$ROOT/target"
    (
        flock 9
        ! mysql_installed || exit 0
        # Any of apt's archives will do; security and updates carry no unstable release.
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sort -u | grep -v security | head -n 1)
        [ -n "$mirror" ] || {
            echo "apt names no mirror to take it from" >"$ROOT/target/mysql-root.log"
            exit 1
        }
        say "installing MySQL from Debian unstable into target/mysql-root"
        rm -rf "$MYSQL_ROOT.new"
        debootstrap --variant=minbase --include=mysql-server-core,mysql-client-core sid "$MYSQL_ROOT.new" \
            "$mirror" >"$ROOT/target/mysql-root.log" 2>&1 || exit 1
        rm -rf "$MYSQL_ROOT.new/var/cache/apt" "$MYSQL_ROOT"
        mv "$MYSQL_ROOT.new" "$MYSQL_ROOT"
    ) 9>"$ROOT/target/mysql-root.lock"
}

# mysql_possible: says why not.
mysql_possible() {
    if mysql_installed && is_root; then
        return 0
    elif ! is_root; then
        say "MySQL 9 is skipped: only root may run it by chroot. TEST_MYSQL_URL may point at a server."
    elif ! have debootstrap && ! install_packages debootstrap; then
        say "MySQL 9 is skipped: debootstrap is missing. TEST_MYSQL_URL may point at a server."
    elif ! mysql_install; then
        say "MySQL 9 is skipped: debootstrap failed: $(tail -n 1 "$ROOT/target/mysql-root.log")"
    else
        return 0
    fi
    return 1
}

# mysql_up DIR: starts the server with its data in the chroot and appends its URL to DIR/env. The sql_mode is
# MySQL's own default, under which the answers were recorded: it refuses wrong dates.
mysql_up() {
    local dir=$1/mysql inside port
    mysql_possible || return 0
    mkdir -p "$dir" "$MYSQL_ROOT/srv"
    # The same folder seen from outside and from inside the chroot.
    mktemp -d -p "$MYSQL_ROOT/srv" >"$dir/outside"
    inside=/srv/$(basename "$(cat "$dir/outside")")
    chown nobody "$(cat "$dir/outside")"
    chroot "$MYSQL_ROOT" mysqld --no-defaults --initialize-insecure --user=nobody --datadir="$inside/data" \
        --tmpdir="$inside" >"$dir/install.log" 2>&1 || die "mysqld --initialize failed: $(reason "$dir/install.log")"
    for _ in 1 2 3; do
        port=$(free_port)
        chroot "$MYSQL_ROOT" mysqld --no-defaults --user=nobody --datadir="$inside/data" --tmpdir="$inside" \
            --secure-file-priv= --socket="$inside/s" --pid-file="$inside/pid" --port="$port" --bind-address=127.0.0.1 \
            --mysqlx=0 --skip-log-bin --skip-name-resolve --default-time-zone=+00:00 \
            --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci \
            --init-connect="$NBE_INIT_CONNECT" \
            --max-connections=200 --innodb-buffer-pool-size=64M --innodb-flush-log-at-trx-commit=0 \
            --innodb-doublewrite=0 --performance-schema=off >"$dir/log" 2>&1 </dev/null &
        if wait_for 30 mysql_client "$inside/s" -e 'SELECT 1'; then
            mysql_family_users | mysql_client "$inside/s" &&
                mysql_client "$inside/s" conformance <"$FIXTURES/mysql.sql" >"$dir/load.log" 2>&1 ||
                die "the fixtures do not load into MySQL: $(reason "$dir/load.log")"
            echo "export TEST_MYSQL_URL=mysql://runner:runner@127.0.0.1:$port/conformance" >>"$1/env"
            return 0
        fi
    done
    die "MySQL does not start: $(reason "$dir/log")"
}

# mysql_client SOCKET ARGUMENT...: as root, who has no password in a private server.
mysql_client() {
    local socket=$1
    shift
    chroot "$MYSQL_ROOT" mysql --no-defaults -u root -S "$socket" --default-character-set=utf8mb4 "$@"
}

mysql_down() {
    [ -f "$1/mysql/outside" ] || return 0
    stop_pid "$(cat "$1/mysql/outside")/pid"
    rm -rf "$(cat "$1/mysql/outside")"
}
