#!/usr/bin/env bash
# Builds the image of all roles from the two programs.
set -euo pipefail

folder=$(cd "$(dirname "$0")" && pwd)
repository=$(dirname "$folder")

usage() {
    cat <<TEXT
usage: compose/build-image.sh [--binaries FOLDER] [--tag TAG] [--base IMAGE]

Builds compose/Dockerfile from the programs ragdoll and ragdoll-service.

  --binaries FOLDER  where they are [default: target/dist]
  --tag TAG          what the image is called [default: ragdoll:dev]
  --base IMAGE       what it is based on [default: debian:bookworm-slim]

Exit codes: 2 mistake in the command line, 3 the machine is in the way.
TEXT
}

mistake() {
    printf 'build-image: %s\n\n' "$1" >&2
    usage >&2
    exit 2
}

blocked() {
    printf 'build-image: %s\n' "$@" >&2
    exit 3
}

binaries=${CARGO_TARGET_DIR:-$repository/target}/dist
tag=ragdoll:dev
base=debian:bookworm-slim
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --binaries | --tag | --base)
        [ $# -ge 2 ] || mistake "$1 needs a value"
        case $1 in
        --binaries) binaries=$2 ;;
        --tag) tag=$2 ;;
        --base) base=$2 ;;
        esac
        shift
        ;;
    *) mistake "there is no option $1" ;;
    esac
    shift
done

for program in ragdoll ragdoll-service; do
    [ -f "$binaries/$program" ] || blocked "$binaries has no $program: cargo build --profile dist -p ragdoll-cli -p ragdoll-host"
done
command -v docker >/dev/null || blocked "docker is missing: apt-get install -y --no-install-recommends docker.io"
docker version >/dev/null 2>&1 || blocked "the docker engine does not answer: start it, then see what \`docker version\` says"
if ! docker image inspect "$base" >/dev/null 2>&1 && ! docker pull --quiet "$base" >/dev/null 2>&1; then
    blocked "there is no image $base, and none can be pulled: make it with compose/base-image.sh $base"
fi

# The engine is sent the whole context, and a Rust target folder has gigabytes. So it gets a folder with
# nothing else in it; a builder without BuildKit would not read Dockerfile.dockerignore.
context=$(mktemp -d "${TMPDIR:-/tmp}/ragdoll-build-image.XXXXXX")
trap 'rm -rf "$context"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p "$context/programs"
cp --dereference "$binaries/ragdoll" "$binaries/ragdoll-service" "$context/programs/"
chmod 755 "$context"/programs/*
cp "$folder/Dockerfile" "$context/"

started=$SECONDS
if ! docker build --build-arg "BASE=$base" --build-arg BINARIES=programs --tag "$tag" "$context" \
    >"$context/log" 2>&1; then
    tail -n 20 "$context/log" >&2
    blocked "docker build failed, see above"
fi

# Programs that were linked against a newer libc than the base has do not start.
for program in ragdoll ragdoll-service; do
    if ! docker run --rm --network none --entrypoint "$program" "$tag" --version >"$context/log" 2>&1; then
        cat "$context/log" >&2
        blocked "$program does not start in $tag: build it for $base"
    fi
done

bytes=$(docker image inspect --format '{{.Size}}' "$tag")
echo "build-image: built $tag, $((bytes / 1000000)) MB, in $((SECONDS - started)) s"
