#!/usr/bin/env bash
# Starts the whole system from ragdoll:dev, asks it a query and gives it a document, and removes it whatever
# happens. On ports that are free and under a name of its own, so that it disturbs nothing that runs.
set -euo pipefail

cd "$(dirname "$0")/.."

export COMPOSE_PROJECT_NAME=ragdoll-smoke-$$
export RAGDOLL_GATEWAY_PORT=0 RAGDOLL_INGEST_PORT=0

skip() {
    echo "smoke: SKIPPED, $1"
    if [ "${RAGDOLL_REQUIRE_DOCKER:-}" = 1 ]; then
        echo "smoke: RAGDOLL_REQUIRE_DOCKER=1 wants it run" >&2
        exit 3
    fi
    exit 0
}

docker version >/dev/null 2>&1 || skip "there is no docker engine that answers"
docker image inspect ragdoll:dev >/dev/null 2>&1 || skip "there is no image ragdoll:dev: compose/build-image.sh"
command -v curl >/dev/null || skip "curl is missing (Debian: curl)"
if command -v docker-compose >/dev/null; then
    compose=(docker-compose -f compose/compose.yaml)
elif docker compose version >/dev/null 2>&1; then
    compose=(docker compose -f compose/compose.yaml)
else
    skip "docker-compose is missing (Debian: docker-compose)"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/ragdoll-smoke.XXXXXX")
clean_up() {
    "${compose[@]}" down --volumes --timeout 1 >/dev/null 2>&1 || echo "smoke: $COMPOSE_PROJECT_NAME is not all removed" >&2
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

failed() {
    echo "smoke: FAILED, $1" >&2
    cat "$work/answer" 2>/dev/null >&2 || true
    "${compose[@]}" ps >&2 || true
    "${compose[@]}" logs --tail 5 >&2 || true
    exit 1
}

# post INSTANCE PATH BODY STATUS WHAT: the answer has this status, and this in its body.
post() {
    local address status
    address=$("${compose[@]}" port "$1" 7000) || failed "$1 publishes no port"
    status=$(curl --silent --show-error --max-time 60 --output "$work/answer" --write-out '%{http_code}' \
        --header 'content-type: application/json' --data "$3" "http://$address$2") || failed "$1 does not answer"
    [ "$status" = "$4" ] || failed "POST $2 was answered with $status and not $4"
    grep --quiet --fixed-strings "$5" "$work/answer" || failed "the answer to POST $2 has no $5"
}

started=$SECONDS
timeout 180 "${compose[@]}" up --detach >"$work/up" 2>&1 || {
    cat "$work/up" >&2
    failed "the system does not start"
}
up=$((SECONDS - started))
post gateway-0 /v1/query '{"query": "Who signed the contract?", "max_tokens": 16}' 200 '"shards_answered":[0,1,2,3]'
post ingest-api-0 /v1/documents '{"document": 7, "text": "The contract was signed."}' 202 '"document":7'
echo "smoke: ok, up in $up s, a query answered by all shards, a document taken"
