#!/usr/bin/env bash
# Makes the Dockerfile's base image from Debian's packages, for machines that reach no image registry.
set -euo pipefail

SUITE=bookworm
DEFAULT_TAG=debian:bookworm-slim
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

usage() {
    cat <<TEXT
usage: compose/base-image.sh [--force] [--mirror URL] [TAG]

Makes a Debian $SUITE base image with debootstrap and imports it as TAG [default: $DEFAULT_TAG].
Nothing is done when the image is there.

  --force       make it anew
  --mirror URL  take packages from there [default: the mirror that this machine's apt uses]

Needs root, docker and debootstrap. Exit codes: 2 mistake in the command line, 3 the machine is in the way.
TEXT
}

mistake() {
    printf 'base-image: %s\n\n' "$1" >&2
    usage >&2
    exit 2
}

blocked() {
    printf 'base-image: %s\n' "$@" >&2
    exit 3
}

tag=
force=
mirror=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --force) force=yes ;;
    --mirror)
        [ $# -ge 2 ] || mistake "--mirror needs an address"
        mirror=$2
        shift
        ;;
    -*) mistake "there is no option $1" ;;
    *)
        [ -z "$tag" ] || mistake "one TAG only, there is $tag and $1"
        tag=$1
        ;;
    esac
    shift
done
tag=${tag:-$DEFAULT_TAG}

command -v docker >/dev/null || blocked "docker is missing: apt-get install -y --no-install-recommends docker.io"
docker version >/dev/null 2>&1 || blocked "the docker engine does not answer: start it, then see what \`docker version\` says"

if [ -z "$force" ] && docker image inspect "$tag" >/dev/null 2>&1; then
    echo "base-image: $tag is there, nothing to do (--force makes it anew)"
    exit 0
fi

command -v debootstrap >/dev/null || blocked "debootstrap is missing: apt-get install -y --no-install-recommends debootstrap"
[ -r "$KEYRING" ] || blocked "Debian's keys are missing: apt-get install -y --no-install-recommends debian-archive-keyring"
[ "$(id -u)" = 0 ] || blocked "debootstrap needs root: sudo compose/base-image.sh"

# Where apt takes the suite from, in whichever of its two formats that is written.
apt_mirror() {
    local uri
    # shellcheck disable=SC2016 # apt replaces these.
    uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk -v suite="$SUITE" '$1 == suite && $2 == "main" && !found { print $3; found = 1 }')
    case $uri in
    # Debian's cloud images keep the addresses in a list of their own.
    mirror+file:*) awk '/^[a-z]+:/ { print $1; exit }' "${uri#mirror+file:}" ;;
    *) printf '%s\n' "$uri" ;;
    esac
}

if [ -z "$mirror" ]; then
    mirror=$(apt_mirror)
    [ -n "$mirror" ] || blocked "this machine's apt has no mirror of Debian $SUITE: name one with --mirror URL"
fi
if [ -z "${http_proxy:-}" ]; then
    proxy=
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    [ -z "$proxy" ] || export http_proxy=$proxy
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/ragdoll-base-image.XXXXXX")
root=$work/root
clean_up() {
    # An interrupted debootstrap leaves these mounted, and what is mounted must not be removed.
    for mounted in "$root/proc" "$root/sys"; do
        if mountpoint -q "$mounted"; then umount -l "$mounted"; fi
    done
    rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

started=$SECONDS
# Nothing is lost if the machine stops half-way, so dpkg need not wait for the disk after every file.
mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
echo "base-image: making $tag from Debian $SUITE's packages, which takes about a minute"
if ! debootstrap --variant=minbase --force-check-gpg --keyring="$KEYRING" \
    "$SUITE" "$root" "$mirror" >"$work/log" 2>&1; then
    # The mirror's name is nobody's business but this machine's.
    tail -n 15 "$work/log" | sed "s|${mirror%/}|MIRROR|g" >&2
    blocked "debootstrap failed, see above"
fi

# What a container never reads: documents (but not the licences), translations, caches, logs.
find "$root/usr/share/doc" -depth -not -name copyright -not -type d -delete
find "$root/usr/share/doc" -depth -type d -empty -delete
rm -rf "$root"/usr/share/{man,info,locale,groff,lintian,linda}/* \
    "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/cache/debconf/*-old \
    "$root"/etc/dpkg/dpkg.cfg.d/unsafe-io "$root"/var/lib/dpkg/*-old "$root"/var/log/*.log "$root"/var/log/apt/* "$root"/tmp/* "$root"/debootstrap
# What debootstrap copied from this machine.
: >"$root/etc/resolv.conf"
echo ragdoll >"$root/etc/hostname"
echo "deb http://deb.debian.org/debian $SUITE main" >"$root/etc/apt/sources.list"

tar -C "$root" --numeric-owner -c . |
    docker import --change 'CMD ["bash"]' - "$tag" >/dev/null

bytes=$(docker image inspect --format '{{.Size}}' "$tag")
echo "base-image: made $tag, $((bytes / 1000000)) MB, in $((SECONDS - started)) s"
