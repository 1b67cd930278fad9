#!/usr/bin/env bash
# Builds the container image with docker, podman or buildah, whichever is there, and prints its size.
#
#   scripts/image.sh [NAME:TAG]        default: semilayer-runner:VERSION, and semilayer-runner:latest
#
# BINARY=path takes a binary that is already built, for either architecture. Without it the binary is compiled inside the image's own
# build stage, or, where no image registry can be reached, by scripts/build-static.sh on this machine.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ROOT/scripts/lib/container.sh"
cd "$ROOT"
container_tool || lacks "no docker engine, podman or buildah (Debian: apt-get install podman runc)"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=${1:-semilayer-runner:$version}
tags=(--tag "$name")
[ $# -gt 0 ] || tags+=(--tag semilayer-runner:latest)
revision=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
base=$(sed -n 's/^FROM .* \(rust:[^ ]*\) AS build$/\1/p' Dockerfile)

binary=${BINARY:-}
if [ -z "$binary" ] && ! timeout 60 "${CONTAINER[@]}" pull --quiet "$base" >/dev/null 2>&1; then
    say "$base cannot be pulled; compiling here"
    binary=$(scripts/build-static.sh)
fi
arguments=("${tags[@]}" --build-arg "VERSION=$version" --build-arg "REVISION=$revision")
if [ -n "$binary" ]; then
    # Nothing but the binary goes into the context.
    context=$(mktemp -d)
    trap 'rm -rf "$context"' EXIT
    install -m 755 "$binary" "$context/semilayer-runner"
    # The field of an ELF file that names the machine; the image is for the same one.
    case $(od -An -tx1 -j18 -N1 "$binary") in
    *b7) arguments+=(--platform linux/arm64) ;;
    *3e) arguments+=(--platform linux/amd64) ;;
    esac
    arguments+=(--build-arg BINARY=prebuilt --file "$ROOT/Dockerfile" "$context")
else
    arguments+=("$ROOT")
fi
# Only this format of an image has room for a health check.
[ "${CONTAINER[0]}" = docker ] || arguments+=(--format docker)
"${CONTAINER[@]}" build "${arguments[@]}" >&2

case ${CONTAINER[0]} in
buildah) size=$("${CONTAINER[@]}" images --json "$name" | sed -n 's/.*"size": "\([^"]*\)".*/\1/p' | head -n 1) ;;
*) size="$("${CONTAINER[@]}" image inspect --format '{{.Size}}' "$name") bytes" ;;
esac
say "$name: $size, by ${CONTAINER[*]}"
printf '%s\n' "$name"
