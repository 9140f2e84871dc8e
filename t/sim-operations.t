#!/bin/sh
# sim-operations.t: the table of operations in sim/README.md is what is served, and real programs have tried each of them.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
kubectl version --client >/dev/null 2>&1 || skip_all 'there is no kubectl program (package kubernetes-client)'

cat >world.yaml <<'EOF'
account: "239043911459"
region: ca-central-1
credentials: [{ access_key: AKIACAIRNTEST0000001, secret: one }]
kubernetes:
  clusters:
    town: { namespaces: { app: { secrets: { url: { data: { A: b } } }, deployments: { web: {} } } } }
cloudflare:
  token: cf-token
  zones: { 0123456789abcdef0123456789abcdef: { name: example.org, scripts: [page] } }
EOF

# Operations of a service that the log has no sound answer of.
untried() { # SERVICE
    sim_get "/_sim/operations?service=$1" | jq -r '.[].operation' | sort >served
    sed -n "s/^[^ ]* [^ ]* [^ ]* $1 \([A-Za-z]*\) 2.*/\1/p" log | sort -u >tried
    comm -23 served tried
}
k() {
    kubectl -n app "$@"
}
template='"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
"spec":{"containers":[{"name":"c","image":"i"}]}}'
object() { # KIND
    case $1 in
    secret) echo '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"new"},"data":{"A":"Yg=="}}' ;;
    namespace) echo '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"new"}}' ;;
    deployment) echo '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"new"},"spec":{'"$template"'}}' ;;
    statefulset) echo '{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"new"},"spec":{"serviceName":"s",
'"$template"'}}' ;;
    daemonset) echo '{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"new"},"spec":{'"$template"'}}' ;;
    esac
}
each_verb() { # KIND
    object "$1" | k create -f -
    k get "$1"
    k get "$1" new -o json >new.json
    k get "$1" --watch-only --request-timeout=1s || :
    k patch "$1" new -p '{"metadata":{"labels":{"c":"d"}}}'
    object "$1" | k replace -f -
    k delete "$1" new --wait=false
}
cloudflare() { # METHOD PATH [BODY]
    curl -sS --fail --noproxy '*' -X "$1" -H 'Authorization: Bearer cf-token' ${3:+-d "$3"} "$CAIRN_SIM_URL/client/v4/$2"
}
kebab() { # DescribeDBInstances -> describe-db-instances
    printf '%s\n' "$1" | sed -E 's/([a-z0-9])([A-Z])/\1-\2/g; s/([A-Z]+)([A-Z][a-z])/\1-\2/g' |
        tr '[:upper:]' '[:lower:]'
}

it 'the world starts' 'start_sim world.yaml --log log'
it 'the table in sim/README.md is what the simulator says that it serves' '
    curl -sS --noproxy "*" -H "Accept: text/markdown" "$CAIRN_SIM_URL/_sim/operations" >want
    sed -n "/^## Operations/,/^## [^O]/p" "$SRC/sim/README.md" | grep "^| [a-z0-9]" | grep -v "^| service" >have
    diff have want
    test "$(wc -l <have)" -ge 8
'
it 'each operation of AWS is called by the real aws program in a test' '
    sim_get /_sim/operations | jq -r ".[] | select(.service | test(\"kubernetes|cloudflare|web|imds|container|metadata\") | not) | .operation" |
        sort -u >operations
    test "$(wc -l <operations)" -ge 60
    missing=
    while read -r operation; do
        name=$(kebab "$operation")
        grep -qE -e "(^|[^a-z-])$name([^a-z-]|$)" "$SRC"/t/*aws*.t "$SRC"/t/sim-*.t || missing="$missing $name"
    done <operations
    test -z "$missing" || { echo "not called:$missing"; exit 1; }
'
it 'kubectl lists, describes and changes each kind of objects' '
    for kind in secret deployment statefulset daemonset namespace; do each_verb "$kind"; done
    for kind in pods replicasets; do
        k get "$kind" --watch-only --request-timeout=1s || :
        k get "$kind" -o name >names
        k describe "$(head -n 1 names)"
    done
    k get events --watch-only --request-timeout=1s || :
    k get events
    must_fail 1 k get events none 2>err
    grep -q "NotFound" err
    untried kubernetes >missing
    test "$(cat missing)" = GetEvent || { cat missing; exit 1; }
'
it 'each operation of Cloudflare is tried by curl' '
    zone=zones/0123456789abcdef0123456789abcdef
    cloudflare GET user/tokens/verify
    cloudflare GET "$zone"
    id=$(cloudflare POST "$zone/workers/routes" "{\"pattern\":\"example.org/*\",\"script\":\"page\"}" | jq -r .result.id)
    cloudflare GET "$zone/workers/routes/$id"
    cloudflare PUT "$zone/workers/routes/$id" "{\"pattern\":\"example.org/*\"}"
    cloudflare GET "$zone/workers/routes"
    cloudflare DELETE "$zone/workers/routes/$id"
    test -z "$(untried cloudflare)"
'
finish
