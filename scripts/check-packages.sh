#!/usr/bin/env bash
# Makes the .deb and the .rpm, installs the .deb in a clean Debian, runs what it has installed and takes it away
# again; looks into the .rpm; signs checksums and verifies them. BINARY=path takes a static binary that is already
# built.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/tools.sh"
cd "$ROOT"
BINARY=${BINARY:-$(scripts/build-static.sh)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
scripts/package.sh "$BINARY" "$work/out" >/dev/null
deb=$(ls "$work"/out/*.deb) rpm=$(ls "$work"/out/*.rpm)
version=$("$BINARY" --version)

# The same files in both, each where its system looks for them.
expected=(
    etc/semilayer-runner/environment usr/bin/semilayer-runner usr/lib/systemd/system/semilayer-runner.service
    usr/lib/sysusers.d/semilayer-runner.conf usr/lib/tmpfiles.d/semilayer-runner.conf
    usr/share/bash-completion/completions/semilayer-runner usr/share/man/man1/semilayer-runner.1.gz
    usr/share/fish/vendor_completions.d/semilayer-runner.fish
)
# holds KIND LIST: every expected file stands in the list.
holds() {
    local file
    for file in "${expected[@]}"; do
        grep -qx "[./]*$file" <<<"$2" || die "the $1 lacks $file: $2"
    done
}
have dpkg-deb || install_packages dpkg || lacks "dpkg-deb is missing"
holds .deb "$(dpkg-deb --contents "$deb" | awk '{print $6}')"
[[ $(dpkg-deb --field "$deb" Version) == "$version"-* ]] || die "the .deb is of another version"
if have rpm || install_packages rpm; then
    holds .rpm "$(rpm -qpl "$rpm")"
    wants=$(rpm -qp --requires "$rpm" | grep -vE '^(rpmlib|config)\(|^/bin/sh$' || true)
    [ -z "$wants" ] || die "the .rpm wants something: $wants"
else
    say "nobody has looked into the .rpm: rpm is not installed"
fi

key=$work/key.pem
if have openssl; then
    openssl genpkey -algorithm ed25519 -out "$key"
    (cd "$work/out" && sha256sum -- semilayer-runner* >SHA256SUMS)
    RELEASE_KEY=$key scripts/lib/sign.sh "$work/out/SHA256SUMS"
    openssl pkey -in "$key" -pubout -out "$work/key.pub.pem"
    openssl pkeyutl -verify -rawin -pubin -inkey "$work/key.pub.pem" \
        -in "$work/out/SHA256SUMS" -sigfile "$work/out/SHA256SUMS.sig" >&2 || die "the signature is not good"
fi

# mirror SUITE: where apt gets that suite of Debian from here.
mirror() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
        sed -n "s/ $1\$//p" | head -n 1
}
is_root || lacks "only root can install a package in a folder of its own"
have debootstrap || install_packages debootstrap || lacks "debootstrap is missing (Debian: apt-get install debootstrap)"
. /etc/os-release
root=$work/root
suite=${VERSION_CODENAME:-stable}
debootstrap --variant=minbase "$suite" "$root" "$(mirror "$suite")" >"$work/log" 2>&1 ||
    lacks "no clean Debian can be made: $(tail -n 1 "$work/log")"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
cp "$deb" "$root/runner.deb"
inside dpkg --install /runner.deb >&2
[ "$(inside semilayer-runner --version)" = "$version" ] || die "what is installed does not run"
[[ $(inside semilayer-runner help doctor) == *--bundle* ]] || die "what is installed has no help"
[ "$(stat -c %a "$root/etc/semilayer-runner")" = 700 ] || die "everybody may look into /etc/semilayer-runner"
# A configuration without an id cannot work, and is told so.
[ "$(inside semilayer-runner start >/dev/null 2>&1; echo $?)" = 2 ] || die "a runner without an id starts"
grep -q '^ExecStart=/usr/bin/semilayer-runner start$' "$root/usr/lib/systemd/system/semilayer-runner.service" ||
    die "the unit starts another binary than the package's"
echo rk_secret >"$root/etc/semilayer-runner/runner-token"
inside dpkg --remove semilayer-runner >&2
[ -e "$root/etc/semilayer-runner/runner-token" ] || die "removing the package has taken a secret away"
inside dpkg --purge semilayer-runner >&2
left=$(find "$root" -xdev -name '*semilayer*' ! -path "*/var/lib/dpkg/*" ! -path "*/var/log/*")
[ -z "$left" ] || die "a purge has left $left"
say "the packages are sound: $(stat -c %s "$deb") and $(stat -c %s "$rpm") bytes"
