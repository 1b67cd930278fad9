# A private Redis with the users of the recorded answers. The tests fill it: its fixture is a list of commands, which
# no tool of the server takes. Where there is no Redis its tests are skipped, and the reason is printed.

redis_installed() { have redis-server || have valkey-server; }

# redis_possible: says why not.
redis_possible() {
    redis_installed || install_packages redis-server || {
        say "Redis is skipped: install redis-server, or let TEST_REDIS_URL point at an empty server."
        return 1
    }
}

# redis_up DIR: starts the server under DIR/redis and appends its URL to DIR/env.
redis_up() {
    local dir=$1/redis server user=nobody port
    redis_possible || return 0
    server=$(command -v redis-server || command -v valkey-server)
    ! id redis >/dev/null 2>&1 || user=redis
    mkdir -p "$dir"
    cp "$FIXTURES/redis.acl" "$dir/users.acl"
    own "$user" "$dir"
    for _ in 1 2 3; do
        port=$(free_port)
        (as_user "$user" "$server" --port "$port" --bind 127.0.0.1 --dir "$dir" --save '' --appendonly no \
            --aclfile "$dir/users.acl" --unixsocket "$dir/s" --unixsocketperm 777 --pidfile "$dir/pid") \
            >"$dir/log" 2>&1 </dev/null &
        if wait_for 10 grep -q 'Ready to accept connections' "$dir/log"; then
            echo "export TEST_REDIS_URL=redis://127.0.0.1:$port" >>"$1/env"
            return 0
        fi
    done
    die "Redis does not start: $(reason "$dir/log")"
}

redis_down() {
    stop_pid "$1/redis/pid"
}
