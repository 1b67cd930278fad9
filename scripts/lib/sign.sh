#!/usr/bin/env bash
# sign.sh FILE: signs it with RELEASE_KEY, if that is set; see scripts/release.sh.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
file=$1 key=${RELEASE_KEY:-}
[ -n "$key" ] || {
    say "$file is not signed: RELEASE_KEY is not set"
    exit 0
}
[ -r "$key" ] || die "RELEASE_KEY: $key cannot be read"
case $(head -n 1 "$key") in
'untrusted comment: '*)
    have minisign || install_packages minisign || die "minisign is missing (Debian: apt-get install minisign)"
    minisign -S -s "$key" -m "$file" >&2
    ;;
-----BEGIN*) openssl pkeyutl -sign -rawin -inkey "$key" -in "$file" -out "$file.sig" ;;
*) die "RELEASE_KEY: $key is a key of neither minisign nor openssl" ;;
esac
say "signed: $(ls "$file".*)"
