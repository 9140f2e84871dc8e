#!/bin/sh
# kubernetes-plugin.t: the plugin kubernetes against a simulated cluster: actions, refusals, doubts, credentials.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

cat >world.yaml <<'EOT'
account: "123456789012"
region: ca-central-1
kubernetes:
  clusters:
    production:
      anonymous: false
      rollout: 10m
      tokens:
        - { token: of-the-operator }
        - { token: of-a-reader, user: reader, read_only: true }
        - { token: of-yesterday, expires: 2001-01-01T00:00:00Z }
      namespaces:
        notify:
          secrets:
            app:
              managers: [kubectl-create]
              annotations: { argocd.argoproj.io/tracking-id: app }
              owners: [{ kind: ExternalSecret, name: app }]
              data:
                URL: "postgresql://app:planted-pass@proxy.example:5432/notify?sslmode=require"
                OTHER: plain
            frozen: { immutable: true, data: { URL: "http://proxy.example/" } }
          deployments:
            api: { replicas: 3, env_from: [app] }
            stuck: { fails: true, env_from: [app] }
            resting: { paused: true }
          statefulsets:
            celery: { replicas: 2 }
          daemonsets:
            agent: {}
EOT
CONFIG='{"cluster":"production"}'

# Calls of the plugin, in one worker: plugin ACTION ARGS [ACTION ARGS]...; the replies are in `got`.
plugin() {
    rc=0
    CAIRN_LIBEXEC=$BUILD "$BUILD/call-plugin" "$BUILD/plugins/.libs/kubernetes.so" "$CONFIG" "$@" >got 2>log || rc=$?
    cat got log
    return "$rc"
}
says() { # TEXT...: each is in the last reply
    for text in "$@"; do
        tail -n 1 got | grep -qF -- "$text" || { echo "not said: $text" >&2; return 1; }
    done
}
fault() { # SERVICE-ACTION DO
    curl -sS --fail --noproxy "*" "$CAIRN_SIM_URL/_sim/fault" \
        -d "{\"match\":{\"service\":\"kubernetes\",\"action\":\"$1\"},\"do\":\"$2\"}" >/dev/null
}
changes() { # how many changes the world has accepted
    sim_get /_sim/ledger | grep -o '"fingerprint"' | wc -l
}
with_user() { # TOKEN: a kubeconfig with this user's token
    sed "s/of-the-operator/$1/" "$KUBECONFIG" >"kubeconfig.$1"
    KUBECONFIG=$T/kubeconfig.$1
}
HOST='{"name":"app","key":"URL","from":"proxy.example:5432","to":"writer.example:5432"}'

it 'a secret is described without its values' '
    start_sim world.yaml
    plugin read_secret "{\"name\":\"app\"}"
    says "\"keys\":[\"OTHER\",\"URL\"]" "\"hosts\":{\"URL\":\"proxy.example:5432\"}" "\"immutable\":false"
    says "\"OTHER\":\"$(printf plain | sha256sum | cut -d" " -f1)\""
    says "\"managers\":[\"kubectl-create\",\"external-secrets\",\"ExternalSecret\",\"argocd\"]"
    must_fail any grep -q planted-pass got log
'
it 'a value comes out sealed only' '
    plugin get_secret_value "{\"name\":\"app\",\"key\":\"OTHER\"}"
    says "\"value\":{\"value\":{\"\$secret\":\"plain\"}}"
'
it 'the host in a URL is exchanged and the rest of it stays' '
    plugin replace_host "$HOST"
    says "\"changed\":true"
    plugin get_secret_value "{\"name\":\"app\",\"key\":\"URL\"}"
    says "postgresql://app:planted-pass@writer.example:5432/notify?sslmode=require"
    plugin read_secret "{\"name\":\"app\"}"
    says "\"URL\":\"writer.example:5432\"" "\"OTHER\":\"$(printf plain | sha256sum | cut -d" " -f1)\""
'
it 'what is so already is not sent' '
    before=$(changes)
    plugin replace_host "$HOST" set_secret_value "{\"name\":\"app\",\"key\":\"OTHER\",\"value\":{\"\$secret\":\"plain\"}}"
    says "\"changed\":false"
    test "$(changes)" = "$before"
'
it 'observe tells where a URL leads: there, not there, or somewhere else' '
    plugin -observe:replace_host "$HOST"
    says "\"seen\":\"done\""
    plugin -observe:replace_host "{\"name\":\"app\",\"key\":\"URL\",\"from\":\"writer.example\",\"to\":\"x.example\"}"
    says "\"seen\":\"absent\""
    plugin -observe:replace_host "{\"name\":\"app\",\"key\":\"URL\",\"from\":\"a.example\",\"to\":\"b.example\"}"
    says "\"seen\":\"conflict\"" "the host is writer.example:5432, neither a.example nor b.example"
'
it 'a plan changes nothing' '
    before=$(changes)
    plugin -plan:replace_host "{\"name\":\"app\",\"key\":\"URL\",\"from\":\"writer.example\",\"to\":\"x.example\"}"
    says "\"changed\":true"
    plugin -plan:restart "{\"name\":\"api\"}"
    says "\"changed\":true"
    test "$(changes)" = "$before"
'
it 'a host that is at neither place is a conflict, and no URL is one too' '
    must_fail any plugin replace_host "{\"name\":\"app\",\"key\":\"URL\",\"from\":\"a.example\",\"to\":\"b.example\"}"
    says "\"kind\":\"conflict\"" "neither a.example nor b.example"
    must_fail any plugin replace_host "{\"name\":\"app\",\"key\":\"OTHER\",\"from\":\"a\",\"to\":\"b\"}"
    says "\"kind\":\"conflict\"" "the value is not a URL"
    must_fail any plugin replace_host "{\"name\":\"app\",\"key\":\"URL\",\"from\":\"writer.example\",\"to\":\"b/x\"}"
    says "\"kind\":\"invalid\"" "both must be HOST or HOST:PORT"
'
it 'what is missing is not found, what is immutable is refused' '
    must_fail any plugin read_secret "{\"name\":\"nope\"}"
    says "\"kind\":\"not_found\"" "\"code\":\"NotFound\"" "secrets \\\"nope\\\" not found"
    must_fail any plugin get_secret_value "{\"name\":\"app\",\"key\":\"NOPE\"}"
    says "\"kind\":\"not_found\"" "there is no such key"
    must_fail any plugin replace_host "{\"name\":\"frozen\",\"key\":\"URL\",\"from\":\"proxy.example\",\"to\":\"b\"}"
    says "\"kind\":\"failed\"" "it is immutable"
    must_fail any plugin rollout "{\"name\":\"nope\"}"
    says "\"kind\":\"not_found\""
    must_fail any plugin read_secret "{\"name\":\"app\",\"namespace\":\"elsewhere\"}"
    says "\"kind\":\"not_found\""
'
it 'a value is set, and observe compares it' '
    value="{\"name\":\"app\",\"key\":\"NEW\",\"value\":{\"\$secret\":\"a new secret\"}}"
    plugin -observe:set_secret_value "$value"
    says "\"seen\":\"absent\""
    plugin set_secret_value "$value"
    says "\"changed\":true"
    plugin -observe:set_secret_value "$value"
    says "\"seen\":\"done\""
    must_fail any plugin set_secret_value "{\"name\":\"app\",\"key\":\"a/b\",\"value\":{\"\$secret\":\"a new secret\"}}"
    says "\"kind\":\"invalid\""
    must_fail any grep -q "a new secret" log
'
it 'who is overtaken by another writer looks again' '
    fault PatchSecret conflict
    plugin replace_host "{\"name\":\"app\",\"key\":\"URL\",\"from\":\"writer.example:5432\",\"to\":\"proxy.example:5432\"}"
    says "\"changed\":true"
'
it 'a reply that is lost after the effect leaves a doubt that a look resolves' '
    before=$(changes)
    fault PatchSecret cut_after
    rc=0; plugin replace_host "$HOST" -observe:replace_host "$HOST" || rc=$?; [ "$rc" -ne 0 ] || grep -q "\"kind\":\"in_doubt\"" got
    says "\"seen\":\"done\""
    test "$(changes)" = "$((before + 1))"
'
it 'a request that never had an effect is seen as absent' '
    back="{\"name\":\"app\",\"key\":\"URL\",\"from\":\"writer.example:5432\",\"to\":\"proxy.example:5432\"}"
    before=$(changes)
    fault PatchSecret cut_before
    plugin replace_host "$back" -observe:replace_host "$back"
    grep -q "\"kind\":\"in_doubt\"" got
    says "\"seen\":\"absent\""
    test "$(changes)" = "$before"
'
it 'trouble of the cluster is doubt for a change, and a passing refusal for a look' '
    fault PatchSecret error_5xx
    must_fail any plugin set_secret_value "{\"name\":\"app\",\"key\":\"K\",\"value\":{\"\$secret\":\"value-1\"}}"
    says "\"kind\":\"in_doubt\"" "\"code\":\"InternalError\""
    fault PatchSecret html
    must_fail any plugin set_secret_value "{\"name\":\"app\",\"key\":\"K\",\"value\":{\"\$secret\":\"value-1\"}}"
    says "\"kind\":\"in_doubt\""
    fault GetSecret error_5xx
    must_fail any plugin set_secret_value "{\"name\":\"app\",\"key\":\"K\",\"value\":{\"\$secret\":\"value-1\"}}"
    says "\"kind\":\"unavailable\""
    fault PatchSecret throttle
    must_fail any plugin set_secret_value "{\"name\":\"app\",\"key\":\"K\",\"value\":{\"\$secret\":\"value-1\"}}"
    says "\"kind\":\"throttled\"" "retry after 1 s"
    fault GetSecret truncate
    must_fail any plugin read_secret "{\"name\":\"app\"}"
    says "\"ok\":false"
    plugin read_secret "{\"name\":\"app\"}"
'
it 'a restart marks the pods once, however often its step is sent' '
    before=$(changes)
    CAIRN_LIBEXEC=$BUILD "$BUILD/call-plugin" -s 1770091200123 "$BUILD/plugins/.libs/kubernetes.so" "$CONFIG" \
        restart "{\"name\":\"api\"}" restart "{\"name\":\"api\"}" >got
    says "\"restarted_at\":\"2026-02-03T04:00:00.123Z\"" "\"changed\":false"
    head -n 1 got | grep -q "\"changed\":true"
    test "$(changes)" = "$((before + 1))"
'
it 'a rollout is followed until every pod is new, and its pods have the secret as it is then' '
    stop_sim
    unset CAIRN_CLOCK
    start_sim world.yaml --speed 2000
    plugin replace_host "$HOST" restart "{\"name\":\"api\"}" rollout "{\"name\":\"api\"}"
    says "\"done\":false"
    is_done() { plugin rollout "$1" >/dev/null && says "\"done\":true" "\"note\":\"done\""; }
    until_true 200 is_done "{\"name\":\"api\"}"
    says "\"replicas\":3" "\"updated\":3" "\"available\":3"
    sim_get /_sim/world | grep -qF "\"hosts\":{\"URL writer.example:5432\":3}"
    plugin restart "{\"kind\":\"statefulset\",\"name\":\"celery\"}" restart "{\"kind\":\"daemonset\",\"name\":\"agent\"}"
    until_true 200 is_done "{\"kind\":\"statefulset\",\"name\":\"celery\"}"
    until_true 200 is_done "{\"kind\":\"daemonset\",\"name\":\"agent\"}"
'
it 'a rollout that makes no progress is a failure' '
    plugin restart "{\"name\":\"stuck\"}"
    has_failed() { ! plugin rollout "{\"name\":\"stuck\"}" >/dev/null && says "ProgressDeadlineExceeded"; }
    until_true 200 has_failed
    says "\"kind\":\"failed\"" "has timed out progressing"
'
it 'paused workloads and unknown kinds are refused' '
    must_fail any plugin restart "{\"name\":\"resting\"}"
    says "\"kind\":\"failed\"" "its rollouts are paused"
    must_fail any plugin restart "{\"name\":\"api\",\"kind\":\"job\"}"
    says "\"kind\":\"invalid\"" "none of deployment, statefulset, daemonset"
'
it 'a wrong or expired token, or one without the right, is denied' '
    (with_user of-nobody; ! plugin read_secret "{\"name\":\"app\"}"; says "\"kind\":\"denied\"" "\"code\":\"Unauthorized\"")
    (with_user of-yesterday; ! plugin read_secret "{\"name\":\"app\"}"; says "\"kind\":\"denied\"")
    (with_user of-a-reader; plugin read_secret "{\"name\":\"app\"}"
    must_fail any plugin set_secret_value "{\"name\":\"app\",\"key\":\"K\",\"value\":{\"\$secret\":\"value-2\"}}"
    says "\"kind\":\"denied\"" "\"code\":\"Forbidden\"" "cannot patch")
'
it 'another cluster than the configured one is refused before anything is asked' '
    CONFIG="{\"cluster\":\"staging\"}"
    must_fail any plugin restart "{\"name\":\"api\"}"
    says "\"kind\":\"denied\"" "is of cluster production, the configuration expects staging"
    CONFIG="{}"
    must_fail any plugin read_secret "{\"name\":\"app\"}"
    says "\"kind\":\"invalid\"" "set kubernetes.cluster"
'
it 'the namespace comes from the arguments, the configuration, or the context' '
    CONFIG="{\"cluster\":\"production\",\"namespace\":\"elsewhere\"}"
    must_fail any plugin read_secret "{\"name\":\"app\"}"
    says "namespaces/elsewhere/secrets/app"
    plugin read_secret "{\"name\":\"app\",\"namespace\":\"notify\"}"
'
it 'a token that was renewed meanwhile is picked up' '
    printf "%s" of-nobody >token
    sed "s|\"token\":\"of-the-operator\"|\"exec\":{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"command\":\"./login\"}|" "$KUBECONFIG" >kubeconfig.exec
    cat >login <<"EOT"
#!/bin/sh
cd "$(dirname "$0")" || exit 1
echo "login" >>logins
echo "logging in" >&2
echo "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"$(cat token)\"}}"
printf of-the-operator >token
EOT
    chmod +x login
    KUBECONFIG=$T/kubeconfig.exec
    plugin read_secret "{\"name\":\"app\"}" read_secret "{\"name\":\"app\"}"
    says "\"ok\":true"
    test "$(grep -c login logins)" = 2
    must_fail any grep -q of-the-operator got log
'
it 'certificates of both sides are checked over TLS' '
    pair() { # NAME CA SUBJECT EXTENSION
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" \
            -subj "$3" 2>/dev/null
        printf "%s\n" "$4" >"$1.ext"
        openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days 2 -extfile "$1.ext" \
            -out "$1.crt" 2>/dev/null
    }
    for ca in server-ca client-ca; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $ca.key -out $ca.crt \
            -days 2 -subj "/CN=$ca" 2>/dev/null
    done
    pair server server-ca /CN=api.internal subjectAltName=DNS:api.internal
    pair client client-ca /CN=operator/O=admins extendedKeyUsage=clientAuth
    background tls "$BUILD/tls-front" "${CAIRN_SIM_URL##*:}" server.crt server.key client-ca.crt
    until_true 100 test -s tls.out
    at() { # CLUSTER USER: a kubeconfig
        printf "contexts: [{name: c, context: {cluster: production, user: u, namespace: notify}}]\ncurrent-context: c\n"
        printf "clusters: [{name: production, cluster: {server: \"https://127.0.0.1:%s/k8s/production\", %s}}]\n" "$(cat tls.out)" "$1"
        printf "users: [{name: u, user: {token: of-the-operator, %s}}]\n" "$2"
    }
    trusted="certificate-authority: server-ca.crt, tls-server-name: api.internal"
    known="client-certificate: client.crt, client-key: client.key"
    KUBECONFIG=$T/kubeconfig.tls
    at "$trusted" "$known" >kubeconfig.tls
    plugin read_secret "{\"name\":\"app\"}" replace_host "{\"name\":\"app\",\"key\":\"URL\",\"from\":\"writer.example\",\"to\":\"reader.example\"}"
    says "\"changed\":true"
    at "certificate-authority-data: $(base64 -w0 server-ca.crt), tls-server-name: api.internal" \
        "client-certificate-data: $(base64 -w0 client.crt), client-key-data: $(base64 -w0 client.key)" >kubeconfig.tls
    plugin read_secret "{\"name\":\"app\"}"
    at "insecure-skip-tls-verify: true" "$known" >kubeconfig.tls
    plugin read_secret "{\"name\":\"app\"}"
    at "$trusted" "client-certificate: server.crt, client-key: server.key" >kubeconfig.tls
    must_fail any plugin read_secret "{\"name\":\"app\"}"
    says "\"kind\":\"unavailable\""
    at "certificate-authority: server-ca.crt" "$known" >kubeconfig.tls
    must_fail any plugin read_secret "{\"name\":\"app\"}"
    says "\"kind\":\"denied\""
    at "certificate-authority: client-ca.crt, tls-server-name: api.internal" "$known" >kubeconfig.tls
    must_fail any plugin read_secret "{\"name\":\"app\"}"
    says "\"kind\":\"denied\""
'
finish
