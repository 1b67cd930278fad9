# A private D1 with the conformance fixtures, which no run insists on: its engine comes in a package of Node's, which
# takes 165 MB, so it is used where it is and never installed by itself:
#   npm install --prefix target/d1 miniflare@4.20260426.0
# The REST interface before it is the project's own, d1-server.mjs. Where there is none its tests are skipped, and the
# reason is printed. A run that names the servers it requires (TEST_REQUIRE_SERVERS), and not this one, has none: it
# must not depend on what may be there or not.

D1_MODULES=${TEST_D1_MODULES:-$ROOT/target/d1}

# d1_possible: says why not.
d1_possible() {
    case " ${TEST_REQUIRE_SERVERS:-} " in
    "  " | *" 1 "* | *" d1 "*) ;;
    *)
        say "D1 is skipped: this run requires other servers"
        return 1
        ;;
    esac
    have node && [ -d "$D1_MODULES/node_modules/miniflare" ] && return 0
    say "D1 is skipped: node, or its package miniflare in $D1_MODULES, is missing (scripts/lib/d1.sh)"
    return 1
}

# d1_up DIR: starts the server under DIR/d1 and appends its URL to DIR/env. It runs as whoever runs the tests: packages
# of theirs may be where nobody else may look. Its data is gone with it.
d1_up() {
    local dir=$1/d1 port
    d1_possible || return 0
    mkdir -p "$dir"
    cat "$FIXTURES/sqlite.sql" "$FIXTURES/lite.sql" >"$dir/fixtures.sql"
    for _ in 1 2 3; do
        port=$(free_port)
        node "$ROOT/scripts/lib/d1-server.mjs" --port "$port" --modules "$D1_MODULES" --load "$dir/fixtures.sql" \
            >"$dir/log" 2>&1 </dev/null &
        echo $! >"$dir/pid"
        if wait_for 60 d1_is_ready_or_gone "$dir" && grep -q '^ready' "$dir/log"; then
            ! grep '^not loaded' "$dir/log" >&2 || die "the fixtures do not load into D1"
            echo "export TEST_D1_URL=http://127.0.0.1:$port/client/v4" >>"$1/env"
            return 0
        fi
        stop_pid "$dir/pid"
    done
    die "D1 does not start: $(reason "$dir/log")"
}

d1_is_ready_or_gone() {
    grep -q '^ready' "$1/log" || gone "$(cat "$1/pid")"
}

d1_down() {
    stop_pid "$1/d1/pid"
}
