#!/bin/sh
# sim-operations.t: the table of operations in sim/README.md is what is served; kubectl and curl have tried each that isn't
# of AWS. Those of AWS are in sim-aws-cli.t and sim-aws-json.t.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
kubectl version --client >/dev/null 2>&1 || skip_all 'there is no kubectl program (package kubernetes-client)'

cat >world.yaml <<'EOF'
account: "239043911459"
region: ca-central-1
credentials: [{ access_key: AKIACAIRNTEST0000001, secret: one }]
sts: { roles: { machine: {} } }
metadata:
  instance: { role: machine }
  container: { role: machine, token: of-the-container }
web: { pages: { up: { text: yes } }, hooks: { alerts: {} } }
kubernetes:
  clusters:
    town: { namespaces: { app: { secrets: { url: { data: { A: b } } }, deployments: { web: {} } } } }
cloudflare:
  token: cf-token
  zones: { 0123456789abcdef0123456789abcdef: { name: example.org, scripts: [page] } }
EOF

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

it 'the world starts' 'start_sim world.yaml --log log'
it 'the table in sim/README.md is what the simulator says that it serves' '
    curl -sS --noproxy "*" -H "Accept: text/markdown" "$CAIRN_SIM_URL/_sim/operations" >want
    sed -n "/^## Operations/,/^## [^O]/p" "$SRC/sim/README.md" | grep "^| [a-z0-9]" | grep -v "^| service" >have
    diff have want
    test "$(wc -l <have)" -ge 8
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
    untried kubernetes kubectl >missing
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
    test -z "$(untried cloudflare curl)"
'
it 'each operation of the addresses of a machine and of the web is tried by curl' '
    c="curl -sS --fail --noproxy *"
    set -f
    token=$($c -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" "$CAIRN_SIM_URL/_imds/latest/api/token")
    for of in "" machine; do
        $c -H "X-aws-ec2-metadata-token: $token" "$CAIRN_SIM_URL/_imds/latest/meta-data/iam/security-credentials/$of"
    done
    $c -H "Authorization: of-the-container" "$CAIRN_SIM_URL/_container/credentials"
    $c "$CAIRN_SIM_WEB/up" | grep -qx yes
    $c -d "{}" "$CAIRN_SIM_HOOKS/alerts"
    for service in metadata web; do untried "$service" curl; done >missing
    diff /dev/null missing
'
finish
