# Helpers of the scripts: messages, packages, ports, unprivileged users. Sourced, never run.

# Root of the repository, whatever the working directory.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
FIXTURES=$ROOT/tests/conformance/fixtures

say() { printf '%s\n' "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}
# lacks MESSAGE...: ends a script that this machine has no means for, which is no fault of the project. .ci/run
# counts this exit code as skipped.
lacks() {
    say "not possible here: $*"
    exit 77
}
# reason LOG: what a server's log says of its failure; its end, where nothing is called an error.
reason() { grep -i -m 3 error "$1" || tail -n 3 "$1"; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

# Debian keeps servers outside an ordinary user's PATH.
PATH=$PATH:/usr/sbin:/sbin

# target_dir: cargo's folder for what it builds, whatever decides about it.
target_dir() {
    (cd "$ROOT" && cargo metadata --format-version 1 --no-deps --locked) |
        sed 's/.*"target_directory":"\([^"]*\)".*/\1/'
}

# copy_sources DIR: the project without its history and without what was built.
copy_sources() {
    tar -C "$ROOT" --exclude=./target --exclude=./.git -cf - . | tar -C "$1" -xf -
}

# install_packages PACKAGE...: from Debian's mirror when root. False when that is impossible.
install_packages() {
    is_root && have apt-get || return 1
    say "installing $*"
    # One update a run; a fresh container has no package lists. Servers are started side by side, and apt fails where
    # another one of it is at work instead of waiting: `update` has no option for that.
    mkdir -p "$ROOT/target"
    (
        flock 9
        if [ -z "${APT_UPDATED:-}" ]; then
            apt-get update -qq >&2 || exit 1
        fi
        DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" >&2
    ) 9>"$ROOT/target/apt.lock" || return 1
    APT_UPDATED=1
}

# free_port: a TCP port nobody listens on, below the range the kernel hands out by itself. Two runs may draw
# the same one in the moment between asking and using it; starters therefore try again with another.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s' "$port"
            return 0
        fi
    done
    die "no free port between 20000 and 32000"
}

# as_user USER COMMAND...: database servers refuse to run as root, or should. An ordinary user runs them as
# itself. Never a shell function: the command replaces this process.
as_user() {
    local user=$1
    shift
    if is_root; then
        exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups -- "$@"
    fi
    exec "$@"
}

# own USER PATH...: hands files to the user a server will run as.
own() {
    local user=$1
    shift
    ! is_root || chown -R "$user:" "$@"
}

# wait_for SECONDS COMMAND...: until the command succeeds; false when it never did.
wait_for() {
    local tries=$(($1 * 10))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.1
    done
}

# stop_pid PIDFILE [SIGNAL]: ends the process a server wrote down and waits until it is gone.
stop_pid() {
    local pid
    [ -f "$1" ] || return 0
    pid=$(head -n 1 "$1")
    kill -"${2:-TERM}" "$pid" 2>/dev/null || return 0
    wait_for 20 gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
}
gone() { ! kill -0 "$1" 2>/dev/null; }
