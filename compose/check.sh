#!/usr/bin/env bash
# Checks what can be checked of this folder without its images. What it could not check, for want of a tool, it
# says; with RAGDOLL_REQUIRE_DOCKER=1 that is a failure too.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 3

work=$(mktemp -d "${TMPDIR:-/tmp}/ragdoll-check.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

failed=0
unchecked=0

# check WHAT COMMAND…: what the command prints is only of interest when it fails.
check() {
    local what=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        echo "ok           $what"
    else
        echo "FAILED       $what"
        sed 's/^/             /' "$work/output"
        failed=$((failed + 1))
    fi
}

# cannot_check WHAT WHY
cannot_check() {
    echo "NOT CHECKED  $1: $2"
    unchecked=$((unchecked + 1))
}

compose_command() {
    if command -v docker-compose >/dev/null; then
        echo docker-compose
    elif docker compose version >/dev/null 2>&1; then
        echo docker compose
    fi
}

scripts=(compose/*.sh)
for script in "${scripts[@]}"; do
    check "$script is valid" bash -n "$script"
done
if command -v shellcheck >/dev/null; then
    check "shellcheck of ${#scripts[@]} scripts" shellcheck "${scripts[@]}"
else
    cannot_check "shellcheck of ${#scripts[@]} scripts" "shellcheck is missing (Debian: shellcheck)"
fi

read -r -a compose <<<"$(compose_command)"
for profile in none observability replay; do
    what="compose.yaml with profile $profile"
    if [ ${#compose[@]} -gt 0 ]; then
        check "$what" "${compose[@]}" -f compose/compose.yaml --profile "$profile" config --quiet
    else
        cannot_check "$what" "docker-compose is missing (Debian: docker-compose)"
    fi
done

# The first Python may be one without the system's modules.
python=
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import yaml' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -n "$python" ]; then
    check "the files fit each other and docs/telemetry.md" "$python" -B compose/check.py --queries "$work/queries.yml"
else
    cannot_check "whether the files fit each other and docs/telemetry.md" "Python's yaml is missing (Debian: python3-yaml)"
fi

if command -v promtool >/dev/null; then
    check "Prometheus' configuration" promtool check config compose/prometheus/prometheus.yml
    check "Prometheus' rules" promtool check rules compose/prometheus/rules.yml
    check "what the rules say of made-up series" promtool test rules compose/prometheus/rules_test.yml
    if [ -s "$work/queries.yml" ]; then
        check "the dashboards' queries are PromQL" promtool check rules "$work/queries.yml"
    else
        cannot_check "the dashboards' queries are PromQL" "they could not be read, see above"
    fi
else
    cannot_check "Prometheus' configuration and rules, the dashboards' queries" "promtool is missing (Debian: prometheus)"
fi

echo "compose: $failed failed, $unchecked not checked"
if [ "$failed" -gt 0 ]; then
    exit 1
fi
if [ "$unchecked" -gt 0 ] && [ "${RAGDOLL_REQUIRE_DOCKER:-}" = 1 ]; then
    echo "compose: RAGDOLL_REQUIRE_DOCKER=1 wants everything checked" >&2
    exit 1
fi
