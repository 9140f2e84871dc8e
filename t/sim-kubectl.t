#!/bin/sh
# sim-kubectl.t: the real kubectl works against the simulated cluster as it is.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

command -v kubectl >/dev/null 2>&1 || skip_all "there is no kubectl here"

cat >world.yaml <<'EOT'
account: "123456789012"
region: ca-central-1
kubernetes:
  clusters:
    production:
      token: of-the-operator
      rollout: 60s
      namespaces:
        notify:
          secrets:
            app: { data: { URL: "postgresql://app:pass@proxy.example:5432/notify" } }
            frozen: { immutable: true, data: { A: b } }
          deployments:
            api: { replicas: 3, env_from: [app] }
            late: { env_from: [later] }
          statefulsets:
            celery: { replicas: 2 }
          daemonsets:
            agent: {}
        zero: {}
EOT
kc() {
    timeout 60 kubectl "$@"
}

it 'kubectl finds out what there is' '
    start_sim world.yaml --speed 200
    kc version | grep "Server Version" | grep -q "v1\.32\.0"
    kc api-resources --no-headers | grep -q "^deployments  *deploy  *apps/v1  *true  *Deployment"
    kc get namespaces -o name | grep -qx namespace/notify
    kc config current-context | grep -qx production
'
it 'kubectl get shows tables and objects' '
    kc get all >got
    grep -q "^deployment.apps/api  *3/3  *3  *3 " got
    grep -q "^statefulset.apps/celery  *2/2 " got
    grep -q "^daemonset.apps/agent  *3  *3  *3 " got
    grep -q "^pod/celery-1  *1/1  *Running" got
    kc get secret app -o yaml | grep -q "^  URL: $(printf "postgresql://app:pass@proxy.example:5432/notify" | base64 -w0)$"
    kc get secrets -A --no-headers | wc -l | grep -qx 2
    kc get deployments -l app=api -o name | grep -qx deployment.apps/api
    kc get pods -n zero 2>&1 | grep -q "No resources found"
    kc describe deployment api | grep -q "^NewReplicaSet:  *api-"
    kc describe secret app | grep -q "^URL:  *47 bytes"
'
it 'kubectl says what is missing or refused' '
    must_fail 1 kc get secret nope 2>err
    grep -q "Error from server (NotFound): secrets \"nope\" not found" err
    must_fail 1 kc patch secret frozen -p "{\"data\":{\"A\":\"Yw==\"}}" 2>err
    grep -q "field is immutable when" err
    must_fail 1 kc patch secret app -p "{\"data\":{\"A\":\"?\"}}" 2>err
    grep -q "illegal base64" err
'
it 'a patch with an old resourceVersion is a conflict, one with the present one is not' '
    version=$(kc get secret app -o "jsonpath={.metadata.resourceVersion}")
    kc patch secret app --type=merge -p "{\"metadata\":{\"resourceVersion\":\"$version\"},\"data\":{\"A\":\"MQ==\"}}"
    must_fail 1 kc patch secret app --type=merge -p "{\"metadata\":{\"resourceVersion\":\"$version\"},\"data\":{\"A\":\"Mg==\"}}" 2>err
    grep -q "Error from server (Conflict)" err
    kc get secret app -o "jsonpath={.data.A}" | grep -qx "MQ=="
'
it 'a patch that changes nothing leaves version and ledger alone, and so does a dry run' '
    version=$(kc get secret app -o "jsonpath={.metadata.resourceVersion}")
    before=$(sim_get /_sim/ledger | grep -o fingerprint | wc -l)
    kc patch secret app -p "{\"data\":{\"A\":\"MQ==\"}}" | grep -q "no change"
    kc patch secret app -p "{\"data\":{\"A\":\"Mg==\"}}" --dry-run=server
    test "$(kc get secret app -o "jsonpath={.metadata.resourceVersion}")" = "$version"
    test "$(sim_get /_sim/ledger | grep -o fingerprint | wc -l)" = "$before"
'
it 'JSON patches, apply, create and delete work' '
    kc patch secret app --type=json -p "[{\"op\":\"remove\",\"path\":\"/data/A\"}]"
    test -z "$(kc get secret app -o "jsonpath={.data.A}")"
    printf "apiVersion: v1\nkind: Secret\nmetadata: {name: applied}\nstringData: {k: \"one\"}\n" >secret.yaml
    kc apply -f secret.yaml | grep -q "secret/applied created"
    sed -i s/one/two/ secret.yaml
    kc apply -f secret.yaml | grep -q "secret/applied configured"
    kc get secret applied -o "jsonpath={.data.k}" | base64 -d | grep -qx two
    must_fail 1 kc create -f secret.yaml 2>err
    grep -q AlreadyExists err
    kc delete secret applied
    must_fail 1 kc get secret applied
'
it 'a restart rolls out, and kubectl rollout status sees it to its end' '
    kc rollout restart deployment/api statefulset/celery daemonset/agent
    kc rollout status deployment/api | grep -q "deployment \"api\" successfully rolled out"
    kc rollout status statefulset/celery | grep -q "statefulset rolling update complete 2 pods"
    kc rollout status daemonset/agent | grep -q "daemon set \"agent\" successfully rolled out"
    kc get deployment api -o "jsonpath={.metadata.generation} {.status.observedGeneration}" | grep -qx "2 2"
    kc rollout history deployment/api | grep -q "^2 "
    kc rollout undo deployment/api
    kc rollout status deployment/api | grep -q "successfully rolled out"
    kc set image deployment/api api=registry.example/app:2
    kc rollout status deployment/api | grep -q "successfully rolled out"
    kc get pods -l app=api -o "jsonpath={.items[*].spec.containers[0].image}" | grep -qx \
        "registry.example/app:2 registry.example/app:2 registry.example/app:2"
'
it 'pods have the values that a secret had when they started' '
    new=$(printf "postgresql://app:pass@writer.example:5432/notify" | base64 -w0)
    kc patch secret app -p "{\"data\":{\"URL\":\"$new\"}}"
    sim_get /_sim/world | grep -qF "\"hosts\":{\"URL proxy.example:5432\":3}"
    kc rollout restart deployment/api
    kc rollout status deployment/api
    sim_get /_sim/world | grep -qF "\"hosts\":{\"URL writer.example:5432\":3}"
'
it 'a pod whose secret is missing waits for it' '
    kc get pods -l app=late --no-headers | grep -q CreateContainerConfigError
    printf "apiVersion: v1\nkind: Secret\nmetadata: {name: later}\nstringData: {k: v}\n" | kc create -f -
    kc rollout restart deployment/late
    kc rollout status deployment/late | grep -q "successfully rolled out"
'
it 'a watch tells of changes as they come' '
    background watch timeout 60 kubectl get secret app -w --no-headers -o "custom-columns=K:.data.B"
    until_true 100 grep -q none watch.out
    kc patch secret app -p "{\"data\":{\"B\":\"Yg==\"}}"
    until_true 100 grep -q "^Yg==" watch.out
'
it 'a token is checked when one is sent' '
    curl -sS --noproxy "*" -o got -w "%{http_code}" -H "Authorization: Bearer wrong" "$CAIRN_SIM_URL/k8s/production/api/v1/namespaces" | grep -qx 401
    grep -q "\"reason\":\"Unauthorized\"" got
'
it 'the ledger names each change once, by its caller' '
    sim_get /_sim/ledger >got
    grep -qF "\"target\":\"secrets/notify/app\"" got
    grep -q "\"note\":\"keys URL\"" got
    grep -q "\"agent\":\"kubectl" got
    must_fail any grep -q "pass@" got
'
finish
