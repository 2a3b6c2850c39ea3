# What .ci/run and .ci/all share. Sourced by both.
# shellcheck shell=bash

# A check that cannot be made is a failure here, and not a check left out.
export RAGDOLL_REQUIRE_DOCKER=1

names=()
seconds=()
outcomes=()

# step COMMAND…: runs it, and notes how long that took. Ends the script where it fails.
step() {
    local began=$SECONDS status=0
    printf '\n== %s\n' "$*"
    "$@" || status=$?
    names+=("$*")
    seconds+=($((SECONDS - began)))
    outcomes+=("$([ "$status" -eq 0 ] && echo passed || echo "failed ($status)")")
    [ "$status" -eq 0 ] || exit "$status"
}

print_times() {
    local number
    printf '\n%8s  %-12s %s\n' seconds outcome step
    for number in "${!names[@]}"; do
        printf '%8s  %-12s %s\n' "${seconds[number]}" "${outcomes[number]}" "${names[number]}"
    done
    printf '%8s  in all\n' "$SECONDS"
}
trap print_times EXIT

install_packages() {
    local wanted=(curl debian-archive-keyring debootstrap docker-compose prometheus python3-yaml shellcheck)
    local missing=() package
    for package in "${wanted[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    apt-get update -qq
    # Prometheus is wanted for its promtool alone: no daemon is to start.
    local policy=/usr/sbin/policy-rc.d made=
    if [ ! -e "$policy" ]; then
        made=yes
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
    [ -z "$made" ] || rm "$policy"
}

# agree FILE…: the same incidents in virtual time, by processes and by containers. A machine that
# something else kept busy can tell nothing, and is asked again.
agree() {
    local file try status
    for file in "$@"; do
        for try in 1 2 3; do
            status=0
            "${CARGO_TARGET_DIR:-target}/debug/ragdoll" agree --phase-scale 0.25 "$file" || status=$?
            [ "$status" -eq 4 ] || break
            printf 'the machine was busy (%s of 3)\n' "$try"
        done
        [ "$status" -eq 0 ] || return "$status"
    done
}
