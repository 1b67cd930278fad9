#!/bin/sh
# Looks for what is wrong with a runner on a host or in a container where perhaps nothing is installed:
# variables, DNS, TCP, TLS, then the runner's own `doctor`, then its log. Needs a POSIX shell and what
# busybox has; uses openssl, curl, wget, nc, getent or nslookup where it finds them.
#
#   doctor.sh [--binary PATH] [--no-binary] [--connect] [--container NAME] [--log FILE] [--json]
#
#   --binary PATH     the runner (else $SEMILAYER_RUNNER, the PATH, or the container)
#   --no-binary       do not run it
#   --connect         let it authenticate, too
#   --container NAME  look at this container of docker or podman: its variables, its own `doctor`, how it ended,
#                     its log
#   --log FILE        read this log
#   --json            print one JSON object
#
# No secret is printed. Exit code 0: nothing is wrong; 1: something is; 2: wrong usage.
set -u
LC_ALL=C
export LC_ALL

usage() {
    sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0"
}

binary=${SEMILAYER_RUNNER:-} run_binary=yes connect='' container='' log='' json=''
while [ $# -gt 0 ]; do
    case $1 in
    --binary | --container | --log)
        [ $# -ge 2 ] || {
            echo "doctor.sh: $1 needs a value" >&2
            exit 2
        }
        case $1 in
        --binary) binary=$2 ;;
        --container) container=$2 ;;
        --log) log=$2 ;;
        esac
        shift
        ;;
    --no-binary) run_binary='' ;;
    --connect) connect=--connect ;;
    --json) json=yes ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        echo "doctor.sh: unknown argument $1" >&2
        usage >&2
        exit 2
        ;;
    esac
    shift
done

red='' green='' yellow='' bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    esc=$(printf '\033')
    red="$esc[31m" green="$esc[32m" yellow="$esc[33m" bold="$esc[1m" plain="$esc[0m"
fi

have() { command -v "$1" >/dev/null 2>&1; }

# limit SECONDS COMMAND...: a tool that hangs is ended, where `timeout` is there to end it.
limit() {
    limit_seconds=$1
    shift
    if have timeout; then timeout "$limit_seconds" "$@"; else "$@"; fi
}

# --- results -----------------------------------------------------------------------------------------

failed='' checks=''

quoted() {
    printf '%s' "$1" | tr '\n\t' '  ' | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g'
}

# check MARK NAME TEXT [ADVICE]
check() {
    case $1 in
    ok) sign="$green✓$plain" ;;
    warning) sign="$yellow⚠$plain" ;;
    *)
        sign="$red✗$plain"
        failed=yes
        ;;
    esac
    if [ -n "$json" ]; then
        entry="{\"check\":\"$(quoted "$2")\",\"state\":\"$1\",\"text\":\"$(quoted "$3")\""
        [ -z "${4:-}" ] || entry="$entry,\"advice\":\"$(quoted "$4")\""
        checks="$checks${checks:+,}$entry}"
        return
    fi
    printf '%s %-10s %s\n' "$sign" "$2" "$3"
    [ -z "${4:-}" ] || printf '             %s\n' "$4"
}

section() {
    [ -n "$json" ] || printf '%s\n' "$bold$1$plain"
}

gap() {
    [ -n "$json" ] || echo
}

# the_end: sums up, and ends the script.
the_end() {
    if [ -n "$json" ]; then
        printf '{"ok":%s,"checks":[%s]}\n' "$([ -n "$failed" ] && echo false || echo true)" "$checks"
    else
        gap
        if [ -n "$failed" ]; then
            echo "Something is wrong: see the lines with ✗ above."
        else
            echo "Nothing wrong was found."
        fi
    fi
    [ -z "$failed" ]
    exit
}

# What others say is kept here for a moment.
text=$(mktemp) && errors=$(mktemp) || exit 1
trap 'rm -f "$text" "$errors"' EXIT
trap 'exit 130' INT TERM

# --- the container -----------------------------------------------------------------------------------

# The engine that knows the container; else one that answers; a command may be there without its engine.
engine='' known=''
if [ -n "$container" ]; then
    for candidate in docker podman; do
        have "$candidate" || continue
        if limit 20 "$candidate" container inspect "$container" >/dev/null 2>&1; then
            engine=$candidate known=yes
            break
        elif [ -z "$engine" ] && limit 20 "$candidate" ps >/dev/null 2>&1; then
            engine=$candidate
        fi
    done
fi

# Without it there is nothing to look at: this host's own variables and network are another runner's.
if [ -n "$container" ] && [ -z "$known" ]; then
    if [ -n "$engine" ]; then
        check failed container "$engine knows no container $container" "$engine ps -a lists them"
    else
        check failed container "neither docker nor podman answers here, so nothing can be told of $container" \
            "is the engine running, and may this user use it? Without it, save the container's log: --log FILE"
    fi
    the_end
fi

# ask FORMAT: what the engine says of the container.
ask() {
    limit 20 "$engine" container inspect -f "$1" "$container" 2>/dev/null
}

status=''
if [ -n "$known" ]; then
    status=$(ask '{{.State.Status}}')
    # What is set here is not set there, and the other way round.
    ours='^(SEMILAYER_[A-Za-z0-9_]*|HTTPS_PROXY|https_proxy|NO_PROXY|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|PORT)='
    for name in $(env | grep -E "$ours" | sed 's/=.*//'); do unset "$name"; done
    ask '{{range .Config.Env}}{{println .}}{{end}}' | grep -E "$ours" >"$text"
    while IFS= read -r line; do export "${line?}"; done <"$text"
fi

# here PATH: the runner's file as this host sees it; nothing when it lies in the container alone.
here() {
    [ -n "$known" ] || {
        printf '%s' "$1"
        return
    }
    ask '{{range .Mounts}}{{.Destination}}={{.Source}}{{println}}{{end}}' | while IFS== read -r place source; do
        case ${place:+$1} in
        '') ;;
        "$place" | "$place"/*)
            printf '%s' "$source${1#"$place"}"
            break
            ;;
        esac
    done
}

# --- variables ---------------------------------------------------------------------------------------

section "Variables${known:+ of the container}"

# secret_file NAME PATH: says what is wrong with the file, never what is in it.
secret_file() {
    file=$(here "$2")
    if [ -z "$file" ]; then
        check warning "$1" "nothing is mounted at $2" "unless the engine puts the secret there, mount it: -v FILE:$2:ro"
    elif [ ! -r "$file" ]; then
        check failed "$1" "$2 cannot be read${known:+ ($file on this host)}" "${known:+mount it, and }let the runner's user read it"
    elif [ ! -s "$file" ]; then
        check failed "$1" "$2 is empty" "write the secret into it"
    else
        check ok "$1" "read from $2"
    fi
}

case ${SEMILAYER_RUNNER_ID:-} in
'') check failed id "SEMILAYER_RUNNER_ID is not set" "copy the runner's id from the Console" ;;
*[[:space:]]*) check failed id "SEMILAYER_RUNNER_ID holds white space" "copy it again, without spaces and quotes" ;;
[\"\']*) check failed id "SEMILAYER_RUNNER_ID begins with a quote" "an --env-file takes values without quotes" ;;
*) check ok id "$SEMILAYER_RUNNER_ID" ;;
esac

case ${SEMILAYER_RUNNER_TOKEN:-} in
'')
    if [ -n "${SEMILAYER_RUNNER_TOKEN_FILE:-}" ]; then
        secret_file token "$SEMILAYER_RUNNER_TOKEN_FILE"
    else
        check failed token "SEMILAYER_RUNNER_TOKEN is not set" \
            "it was shown once when the runner was created; mint a new one in the Console if it is lost"
    fi
    ;;
*[[:space:]]*) check failed token "SEMILAYER_RUNNER_TOKEN holds white space" "paste it again, without spaces and line breaks" ;;
[\"\']*) check failed token "SEMILAYER_RUNNER_TOKEN begins with a quote" "an --env-file takes values without quotes" ;;
rk_*) check ok token "set, ${#SEMILAYER_RUNNER_TOKEN} characters" ;;
*) check warning token "SEMILAYER_RUNNER_TOKEN does not begin with rk_" "is it the runner's token, and not another key?" ;;
esac

if [ -n "${SEMILAYER_RUNNER_TOKEN:-}" ] && [ -n "${SEMILAYER_RUNNER_TOKEN_FILE:-}" ]; then
    check warning token "SEMILAYER_RUNNER_TOKEN and SEMILAYER_RUNNER_TOKEN_FILE are both set; the file is not read" "unset one of them"
fi

gateway=${SEMILAYER_GATEWAY_URL:-wss://runner.semilayer.com/connect}
scheme=${gateway%%://*}
rest=${gateway#*://}
rest=${rest%%[/?#]*}
rest=${rest##*@}
case $rest in
\[*\]:*) host=${rest%%]*} host=${host#[} port=${rest##*:} ;;
\[*\]) host=${rest%%]*} host=${host#[} port='' ;;
*:*) host=${rest%:*} port=${rest##*:} ;;
*) host=$rest port='' ;;
esac
case $scheme in
wss | https) tls=yes port=${port:-443} ;;
*) tls='' port=${port:-80} ;;
esac
case $scheme:$host in
wss:?* | https:?*) check ok gateway "$scheme://$rest" ;;
ws:localhost | http:localhost | ws:127.* | http:127.* | ws:::1 | http:::1)
    check ok gateway "$scheme://$rest, on this machine"
    ;;
ws:?* | http:?*)
    if [ "${SEMILAYER_ALLOW_INSECURE:-}" = 1 ]; then
        check warning gateway "$scheme://$rest is not encrypted" "the token travels in the clear"
    else
        check failed gateway "$scheme://$rest is not encrypted" \
            "use wss://; SEMILAYER_ALLOW_INSECURE=1 allows it on a network that is trusted"
    fi
    ;;
*)
    check failed gateway "SEMILAYER_GATEWAY_URL is no URL of a gateway" "it reads like wss://runner.semilayer.com/connect"
    host=''
    ;;
esac

proxy='' proxy_user=''
if [ -n "$tls" ]; then
    proxy=${https_proxy:-${HTTPS_PROXY:-}}
fi
# exempt: the plain forms of NO_PROXY; address blocks are the binary's business.
exempt() {
    for entry in $(printf '%s' "${no_proxy:-${NO_PROXY:-}}" | tr ',' ' '); do
        case $entry in '*.'*) entry=${entry#\*} ;; esac
        case $entry in
        \*) return 0 ;;
        */*) continue ;;
        .*) case .$host in *"$entry") return 0 ;; esac ;;
        *) case .$host in *".$entry") return 0 ;; esac ;;
        esac
    done
    return 1
}
if [ -n "$proxy" ] && exempt; then
    check ok proxy "not used for $host (NO_PROXY)"
    proxy=''
elif [ -n "$proxy" ]; then
    proxy=${proxy#*://}
    proxy=${proxy%%/*}
    case $proxy in *@*) proxy_user=${proxy%@*} proxy=${proxy##*@} ;; esac
    case $proxy in *:*) ;; *) proxy=$proxy:80 ;; esac
    check ok proxy "$proxy${proxy_user:+, with a user}"
fi

extra=''
for name in NODE_EXTRA_CA_CERTS SSL_CERT_FILE; do
    eval "file=\${$name:-}"
    [ -n "$file" ] || continue
    place=$file file=$(here "$file")
    if [ -z "$file" ]; then
        check failed "$name" "nothing is mounted at $place" "mount it: -v FILE:$place:ro"
    elif [ ! -r "$file" ]; then
        check failed "$name" "$file cannot be read" "in a container: is it mounted, and readable for its user?"
    elif ! grep -q 'BEGIN CERTIFICATE' "$file"; then
        check failed "$name" "$file holds no certificate" "it must be PEM: -----BEGIN CERTIFICATE-----"
    else
        check ok "$name" "$(grep -c 'BEGIN CERTIFICATE' "$file") certificates in $file"
        extra=${extra:-$file}
    fi
done

sources=$(env | sed -n 's/^SEMILAYER_SOURCE_\([A-Za-z0-9_]*\)=..*/\1/p' | sort -u)
for name in $sources; do
    case $name in
    *_FILE)
        eval "file=\${SEMILAYER_SOURCE_$name:-}"
        secret_file source "$file"
        ;;
    *_URL | *_HOST | *_PATH | *_CONNECTION_STRING) check ok source "SEMILAYER_SOURCE_$name is set" ;;
    esac
done
[ -n "$sources" ] || check ok source "none in this environment; SemiLayer manages them all, or they are set elsewhere"

# --- network -----------------------------------------------------------------------------------------

gap
section "Network"

# The first host that is met: the proxy, if there is one. The gateway's name is then the proxy's business.
hop=$host hop_port=$port
if [ -n "$proxy" ]; then
    hop=${proxy%:*} hop_port=${proxy##*:}
    hop=${hop#[} hop=${hop%]}
fi

# resolve NAME: prints its addresses.
resolve() {
    if have getent; then
        limit 10 getent ahosts "$1" 2>/dev/null | sed 's/[[:space:]].*//' | sort -u
    elif have nslookup; then
        # The first address is that of the name server itself.
        limit 10 nslookup "$1" 2>/dev/null | sed -n '/^Name:/,$s/^Address[^:]*:[[:space:]]*//p' | sed 's/[[:space:]].*//'
    else
        echo unknown
    fi
}

check_dns() {
    case $hop in
    localhost | *[!0-9.]*) case $hop in *:*) return 0 ;; localhost) return 0 ;; esac ;;
    *) return 0 ;;
    esac
    addresses=$(resolve "$hop" | tr '\n' ' ')
    case $addresses in
    '' | ' ')
        check failed dns "$hop cannot be resolved" \
            "check /etc/resolv.conf of this host or container; behind a proxy, set HTTPS_PROXY"
        return 1
        ;;
    unknown*) check warning dns "no getent and no nslookup to look up $hop with" ;;
    *) check ok dns "$hop → ${addresses% }" ;;
    esac
}

FIREWALL="check outbound firewall rules; the runner needs TCP 443 to reach the gateway"

check_tcp() {
    if have curl; then
        limit 10 curl -s -o /dev/null --noproxy '*' --connect-timeout 5 --max-time 6 "http://$(bracketed "$hop"):$hop_port/" 2>/dev/null
        case $? in
        6 | 7 | 28 | 124 | 143) tcp='' ;;
        *) tcp=yes ;;
        esac
    elif have nc; then
        if limit 6 nc -w 5 "$hop" "$hop_port" </dev/null >/dev/null 2>&1; then tcp=yes; else tcp=''; fi
    else
        check warning tcp "no curl and no nc to try $hop:$hop_port with"
        return 0
    fi
    if [ -n "$tcp" ]; then
        check ok tcp "$hop:$hop_port takes connections"
    else
        check failed tcp "$hop:$hop_port cannot be reached" "$FIREWALL"
        return 1
    fi
}

bracketed() {
    case $1 in *:*) printf '[%s]' "$1" ;; *) printf '%s' "$1" ;; esac
}

INTERCEPTED="if a proxy intercepts TLS here, set NODE_EXTRA_CA_CERTS to a PEM file with its root certificate"

# explain_tls TEXT: what the words of openssl or curl about a certificate mean.
explain_tls() {
    case $1 in
    *expired* | *"not yet valid"*) echo "check this machine's clock ($(date -u +%Y-%m-%dT%H:%MZ)); if it is right, the gateway's certificate is out of date" ;;
    *ostname* | *"subject name"* | *"altname"* | *"IP address mismatch"*) echo "check SEMILAYER_GATEWAY_URL: the server there has a certificate for another name" ;;
    *self-signed* | *"self signed"* | *issuer* | *"unable to verify"*) echo "$INTERCEPTED" ;;
    *) echo "something on the way breaks TLS off: a firewall, a proxy, or a port without TLS" ;;
    esac
}

# openssl_says [CAFILE]: the verification's outcome, "ok" if it is good; sets `issuer`.
openssl_says() {
    set -- ${1:+-CAfile "$1"}
    [ -z "$proxy" ] || set -- "$@" -proxy "$proxy"
    case $host in
    *[!0-9.]*) case $host in *:*) set -- "$@" -verify_ip "$host" ;; *) set -- "$@" -servername "$host" -verify_hostname "$host" ;; esac ;;
    *) set -- "$@" -verify_ip "$host" ;;
    esac
    said=$(limit 10 openssl s_client -connect "$(bracketed "$host"):$port" "$@" </dev/null 2>&1)
    issuer=$(printf '%s\n' "$said" | sed -n 's/^issuer=[[:space:]]*//p' | head -n 1)
    case $said in
    *'Verify return code: 0 '*) outcome=ok ;;
    *'Verify return code: '*) outcome=$(printf '%s\n' "$said" | sed -n 's/.*Verify return code: [0-9]* (\(.*\))/\1/p' | head -n 1) ;;
    *) outcome="no TLS handshake" ;;
    esac
}

check_tls() {
    if have openssl && [ -z "$proxy_user" ]; then
        openssl_says
        first=$outcome
        if [ "$first" = ok ]; then
            check ok tls "certificate issued by $issuer"
            return 0
        fi
        if [ -n "$extra" ]; then
            openssl_says "$extra"
            if [ "$outcome" = ok ]; then
                check ok tls "certificate issued by $issuer, trusted because of $extra"
                return 0
            fi
        fi
        check failed tls "$outcome${issuer:+; certificate issued by $issuer}" "$(explain_tls "$outcome")"
    elif have curl; then
        url=https://$(bracketed "$host"):$port/health
        said=$(limit 12 curl -sS -o /dev/null --max-time 10 ${extra:+--cacert "$extra"} "$url" 2>&1)
        case $? in
        0) check ok tls "$url answers" ;;
        *)
            said=${said#curl: (*) }
            case $said in
            *407*) check failed tls "$said" "put user and password into HTTPS_PROXY: http://user:password@host:port" ;;
            *) check failed tls "$said" "$(explain_tls "$said")" ;;
            esac
            ;;
        esac
    elif have wget; then
        # busybox' wget does not look at certificates, so this tells only that TLS gets through.
        url=https://$(bracketed "$host"):$port/health
        said=$(limit 12 wget -q -O /dev/null "$url" 2>&1)
        case $?:$said in
        0:*) check ok tls "$url answers (its certificate was not looked at)" ;;
        *"handshake failure"*) check warning tls "the TLS of this wget is too old to tell" "the runner's own doctor tells more" ;;
        *"not implemented"*) check failed tls "no answer from $url: $(printf '%s\n' "$said" | tail -n 1)" "$(explain_tls "$said")" ;;
        *ertificate*) check failed tls "$said" "$(explain_tls "$said")" ;;
        *"server returned error"* | *"ERROR 4"* | *"ERROR 5"*) check ok tls "$url answers" ;;
        *) check failed tls "no answer from $url: $said" "$(explain_tls "$said")" ;;
        esac
    else
        check warning tls "no openssl, curl or wget to try TLS with"
    fi
}

if [ -n "$host" ] && check_dns && check_tcp && [ -n "$tls" ]; then
    check_tls
fi

# --- the runner's own doctor -------------------------------------------------------------------------

run_doctor() {
    if [ -n "$json" ]; then
        # Warnings on standard error would break the object.
        "$@" doctor --json $connect >"$text" 2>"$errors"
    else
        "$@" doctor $connect >"$text" 2>&1
    fi
    code=$?
    if [ -z "$json" ]; then
        sed 's/^/  /' "$text"
    else
        case $(head -c 1 "$text") in
        '{') checks="$checks${checks:+,}{\"check\":\"doctor\",\"state\":\"$([ "$code" = 0 ] && echo ok || echo failed)\",\"report\":$(cat "$text")}" ;;
        *) check failed doctor "ended with code $code: $(cat "$text" "$errors" | head -n 1)" ;;
        esac
    fi
    [ "$code" = 0 ] || failed=yes
}

gap
section "The runner's own doctor"
if [ -z "$run_binary" ]; then
    check ok doctor "not run, as asked"
else
    if [ -z "$known" ]; then
        [ -n "$binary" ] || binary=$(command -v semilayer-runner 2>/dev/null)
        [ -n "$binary" ] || { [ ! -x /semilayer-runner ] || binary=/semilayer-runner; }
    fi
    if [ -n "$binary" ] && [ -x "$binary" ]; then
        run_doctor "$binary"
    elif [ -n "$binary" ]; then
        check failed doctor "$binary is no program" "give its path as --binary PATH"
    elif [ "$status" = running ]; then
        run_doctor "$engine" exec "$container" /semilayer-runner
    elif [ -n "$known" ]; then
        check warning doctor "the container does not run, so nothing can be run in it" \
            "its log says why; --binary PATH runs a doctor here, with the container's variables"
    else
        check warning doctor "no semilayer-runner here" "give its path as --binary PATH"
    fi
fi

# --- the log -----------------------------------------------------------------------------------------

# A character whose bytes may have been cut apart.
broken=$(printf '[\300-\377][\200-\277]*$')

# known PATTERN ADVICE: tells how often a known failure stands in the log, and what to do about it.
known() {
    count=$(grep -c -i -e "$1" "$text")
    [ "$count" = 0 ] || {
        example=$(grep -i -e "$1" "$text" | tail -n 1 | sed 's/^[[:space:]]*//' | cut -b 1-160 | sed "s/$broken//")
        check failed log "$count × $example" "$2"
        found=yes
    }
}

# noted PATTERN WHAT: says something of a line of the log that is nothing wrong.
noted() {
    ! grep -q -i -e "$1" "$text" || check ok log "$2"
}

read_log() {
    found=''
    noted 'every job runs in a read-only transaction' "a source's session is not read-only (a pooler, usually), so every job runs in a read-only transaction; test-source says which way each source has"
    known '4401 bad token' "the token is wrong or revoked: mint a new one in the Console and set SEMILAYER_RUNNER_TOKEN"
    known '4401 unknown runner' "no runner has this id, usually a typo: compare SEMILAYER_RUNNER_ID with the Console"
    known 'disconnected: close 1006' "the link broke: the line after it says why; if it repeats, look for a firewall or proxy that cuts idle connections, and at the service's status page"
    known 'Missing runner id' "set SEMILAYER_RUNNER_ID (shown in the Console)"
    known 'Missing runner token' "set SEMILAYER_RUNNER_TOKEN (rk_..., shown once on create)"
    known 'DATABASE_URL is required' "that is a message of SemiLayer's own gateway, not of a runner: another image or command was started; the runner needs SEMILAYER_RUNNER_ID and SEMILAYER_RUNNER_TOKEN"
    known 'UnknownIssuer\|SELF_SIGNED_CERT\|self-signed certificate\|UNABLE_TO_GET_ISSUER\|UNABLE_TO_VERIFY_LEAF\|(CaUsedAsEndEntity)\|(BadSignature)' "$INTERCEPTED"
    known 'certificate expired\|CERT_HAS_EXPIRED\|certificate has expired\|CERT_NOT_YET_VALID\|is valid only from' "check this machine's clock; if it is right, the server's certificate is out of date"
    known 'certificate is not for\|ALTNAME_INVALID' "the server there has a certificate for another name: check SEMILAYER_GATEWAY_URL, or the host of the source"
    known 'status 407' "the proxy wants a user: HTTPS_PROXY=http://user:password@host:port"
    known 'proxy .* refuses with status 40[0-6]\|proxy .* refuses with status [^4]' "the proxy does not allow CONNECT to the gateway: ask whoever runs it"
    known 'cannot be resolved\|cannot resolve\|ENOTFOUND\|EAI_AGAIN' "a name has no address here: check /etc/resolv.conf and the host names of gateway and sources"
    known 'cannot be reached\|ETIMEDOUT\|the TCP connection took too long' "$FIREWALL"
    known 'the upgrade was refused with status 40[13]' "check SEMILAYER_RUNNER_ID and SEMILAYER_RUNNER_TOKEN against the Console"
    known 'the upgrade was refused with status 404\|the upgrade failed' "check SEMILAYER_GATEWAY_URL: what answers there is no runner gateway"
    known 'TLS handshake took too long\|handshake failed\|breaks TLS off' "something on the way breaks TLS off: a firewall, a proxy, or a port without TLS"
    known 'hello-ack took too long' "the gateway takes connections but does not answer: look at the service's status page"
    known 'is runner-local: set\|SOURCE_CONFIG' "a source's variables are missing or wrong: SEMILAYER_SOURCE_<NAME>_URL, the name in upper case, - as _"
    known 'pg_hba\.conf' "the database does not let this host in: add it to pg_hba.conf"
    known 'SOURCE_AUTH_FAILED\|password authentication failed\|Access denied for user' "the database refuses user or password"
    known 'SOURCE_UNREACHABLE' "a database cannot be reached from here: run test-source beside it, and check its host, port and firewall"
    known 'ws:// would send the token' "use wss://; SEMILAYER_ALLOW_INSECURE=1 allows ws:// on a network that is trusted"
    known 'Address already in use\|EADDRINUSE' "PORT or SEMILAYER_HEALTH_ADDR is taken by another process"
    known 'exec format error' "the image is of another architecture: use the one for $(uname -m)"
    known 'no_runners_online' "no runner of that source is connected: start one, or give the source back to SemiLayer in the Console"
    [ -n "$found" ] || check ok log "nothing in it that is known to be wrong"
}

if [ -n "$container$log" ]; then
    gap
    section "The log"
    if [ -n "$log" ]; then
        if [ -r "$log" ]; then
            tail -n 5000 "$log" >"$text"
            read_log
        else
            check failed log "$log cannot be read"
        fi
    fi
    if [ -n "$known" ]; then
        code=$(ask '{{.State.ExitCode}}')
        case $status:$code:$(ask '{{.State.OOMKilled}}') in
        *:true) check failed container "was killed for want of memory" "give it 64 MB at least" ;;
        running:*) check ok container "is running" ;;
        *:2:*) check failed container "ended with code 2" "its configuration cannot work; the log says why" ;;
        *) check failed container "is $status, code $code" ;;
        esac
        if ! limit 20 "$engine" logs --tail 5000 "$container" >"$text" 2>&1; then
            check failed log "$engine does not show it: $(tail -n 1 "$text")"
        elif [ ! -s "$text" ]; then
            check warning log "is empty" "where does this container log to? $engine logs $container shows nothing"
        else
            read_log
        fi
    fi
fi

# --- the end -----------------------------------------------------------------------------------------

the_end
