#!/bin/sh
# sim-pitfalls.t: each pitfall of a service happens in the simulator when a line of the world or a command says so.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2046
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"

{
    world_head
    cat <<'EOF2'
  - { access_key: AKIACAIRNTEST0000002, secret: other, user: clerk, deny: ["rds:Promote*", "lambda:*"] }
  - { access_key: AKIACAIRNTEST0000003, secret: other, user: guest, requests: 2 }
rds:
  parameter_groups:
    pg-13: { family: postgres13, parameters: { rds.logical_replication: 1 } }
    pg-15: { family: postgres15, parameters: { rds.logical_replication: 1 } }
  instances:
    books: { engine: postgres, version: "13.15", class: db.m6g.large, parameter_group: pg-13 }
  proxies:
    door: { role_arn: r, subnets: [a, b], auth: [{ secret_arn: s }] }
lambda:
  functions: { api: { version: 1, variables: { A: b } } }
kubernetes:
  clusters:
    town:
      namespaces:
        app:
          secrets: { url: { data: { URL: "postgresql://a.example/x" } } }
          deployments: { web: { replicas: 2, env_from: [url] } }
cloudflare:
  token: cf-token
  zones: { 0123456789abcdef0123456789abcdef: { name: example.org, scripts: [page] } }
faults:
  - { do: invalid_configuration, match: { target: books }, reason: the moon is full }
EOF2
} >world.yaml

create() { # NAME
    rds CreateBlueGreenDeployment BlueGreenDeploymentName="$1" Source=arn:aws:rds:ca-central-1:239043911459:db:books \
        TargetEngineVersion=15.7 TargetDBParameterGroupName=pg-15 >created.xml || return 1
    advance 38m >/dev/null
}
found() { # NAME TAG
    rds DescribeBlueGreenDeployments Filters.Filter.1.Name=blue-green-deployment-name \
        Filters.Filter.1.Values.Value.1="$1" | text "$2"
}
status() { # NAME
    found "$1" Status | head -n 1
}
switchover() { # NAME
    rds SwitchoverBlueGreenDeployment BlueGreenDeploymentIdentifier=$(found "$1" BlueGreenDeploymentIdentifier) >switched.xml
}
drop() { # NAME
    rds DeleteBlueGreenDeployment BlueGreenDeploymentIdentifier=$(found "$1" BlueGreenDeploymentIdentifier) DeleteTarget=true \
        >/dev/null
    advance 20m >/dev/null
}
events() {
    rds DescribeEvents Duration=20160 | text Message
}
k8s() { # METHOD PATH [CURL-ARGUMENT...]
    lib_method=$1 lib_path=$2
    shift 2
    curl -sS --fail-with-body --noproxy '*' -X "$lib_method" "$@" "$CAIRN_SIM_URL/k8s/town/$lib_path"
}
secret=api/v1/namespaces/app/secrets/url
web=apis/apps/v1/namespaces/app/deployments/web
change() { # BASE64
    k8s PATCH "$secret" -H 'Content-Type: application/merge-patch+json' -d "{\"data\":{\"URL\":\"$1\"}}"
}
restart() { # TEXT
    k8s PATCH "$web" -H 'Content-Type: application/merge-patch+json' \
        -d "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"at\":\"$1\"}}}}}"
}
cloudflare() { # METHOD [BODY]
    curl -sS --noproxy '*' -X "$1" -H 'Authorization: Bearer cf-token' ${2:+-d "$2"} -w '%{http_code}' \
        "$CAIRN_SIM_URL/client/v4/zones/0123456789abcdef0123456789abcdef/workers/routes"
}

it 'the world starts' 'start_sim world.yaml'
it 'a creation ends in INVALID_CONFIGURATION, with an event that says why' '
    create up1
    test "$(status up1)" = INVALID_CONFIGURATION
    events | grep -q "Creation of blue/green deployment failed because the moon is full"
    drop up1
'
it 'a creation ends in PROVISIONING_FAILED' '
    cairn sim fault provisioning_failed target=up2
    create up2
    test "$(status up2)" = PROVISIONING_FAILED
    drop up2
'
it 'a database that waits for a restart can not be the source' '
    cairn sim fault pending_reboot target=books
    refused InvalidDBInstanceState CreateBlueGreenDeployment BlueGreenDeploymentName=up3 \
        Source=arn:aws:rds:ca-central-1:239043911459:db:books TargetEngineVersion=15.7 TargetDBParameterGroupName=pg-15
    rds RebootDBInstance DBInstanceIdentifier=books
    advance 1m
'
it 'storage work in green refuses a switchover though the deployment is AVAILABLE, and ends' '
    cairn sim fault storage_optimization target=books lasts=20m
    create up4
    test "$(status up4)" = AVAILABLE
    rds DescribeDBInstances | text DBInstanceStatus | grep -qx storage-optimization
    must_fail 22 switchover up4
    grep -q InvalidBlueGreenDeploymentStateFault switched.xml
    advance 20m
    rds DescribeDBInstances | text DBInstanceStatus | sort -u | grep -qx available
'
it 'a database and a deployment can have a status that nobody knows' '
    cairn sim fault status target=books status=polishing lasts=5m
    cairn sim fault status target=up4 status=LOOKING_AROUND lasts=5m
    rds DescribeDBInstances DBInstanceIdentifier=books | text DBInstanceStatus | grep -qx polishing
    test "$(status up4)" = LOOKING_AROUND
    advance 5m
    test "$(status up4)" = AVAILABLE
    must_fail 2 cairn sim fault status target=bocks status=x 2>err
    grep -qx "cairn-sim: there is no database, proxy or deployment bocks" err
'
it 'a switchover that lags behind is taken back at its timeout, with an event' '
    cairn sim fault replication_lag lag=1h
    switchover up4
    advance 10m
    test "$(status up4)" = SWITCHOVER_FAILED
    events | grep -q "canceled due to the switchover timeout"
'
it 'replication that DDL breaks shows in an event alone, and no switchover passes any more' '
    drop up4
    create up5
    cairn sim fault degraded_replication
    test "$(status up5)" = AVAILABLE
    events | grep -q "Replication degraded"
    switchover up5
    advance 10m
    test "$(status up5)" = SWITCHOVER_FAILED
    drop up5
'
it 'the target of a proxy stays UNAVAILABLE for a while' '
    cairn sim fault target_unavailable target=door lasts=10m
    rds RegisterDBProxyTargets DBProxyName=door DBInstanceIdentifiers.member.1=books
    advance 5m
    rds DescribeDBProxyTargets DBProxyName=door | text Reason | grep -qx PENDING_PROXY_CAPACITY
    advance 5m
    rds DescribeDBProxyTargets DBProxyName=door | text State | grep -qx AVAILABLE
'
it 'a proxy that is made ends without capacity, and gets it later' '
    cairn sim fault proxy_not_made lasts=30m
    rds CreateDBProxy DBProxyName=gate EngineFamily=POSTGRESQL RoleArn=r VpcSubnetIds.member.1=a VpcSubnetIds.member.2=b \
        Auth.member.1.AuthScheme=SECRETS Auth.member.1.SecretArn=s
    advance 25m
    rds DescribeDBProxies DBProxyName=gate | text Status | grep -qx insufficient-resource-limits
    advance 30m
    rds DescribeDBProxies DBProxyName=gate | text Status | grep -qx available
'
it 'a user lacks permissions: also those that an operation needs beyond its own' '
    rds DeregisterDBProxyTargets DBProxyName=door DBInstanceIdentifiers.member.1=books
    create up6
    KEY=AKIACAIRNTEST0000002 SECRET=other
    rds DescribeDBInstances
    refused AccessDenied SwitchoverBlueGreenDeployment \
        BlueGreenDeploymentIdentifier=$(found up6 BlueGreenDeploymentIdentifier)
    text Message <refused.xml | grep -q "user/clerk is not authorized to perform: rds:PromoteReadReplica on"
    must_fail 22 lambda GET api >out
    grep -q "not authorized to perform: lambda:GetFunction" out
    cairn sim fault denied service=rds action=DescribeDBInstances
    refused AccessDenied DescribeDBInstances
'
it 'credentials end after so many requests, or when they are told to; others go on' '
    KEY=AKIACAIRNTEST0000003 SECRET=other
    rds DescribeDBInstances
    rds DescribeDBInstances
    refused ExpiredToken DescribeDBInstances
    KEY=AKIACAIRNTEST0000001 SECRET=test/secret+of+the+operator
    cairn sim fault expire_credentials target=AKIACAIRNTEST0000001
    refused ExpiredToken DescribeDBInstances
    KEY=AKIACAIRNTEST0000002 SECRET=other
    rds DescribeDBInstances
    cairn sim mend expire_credentials
    KEY=AKIACAIRNTEST0000001 SECRET=test/secret+of+the+operator
    rds DescribeDBInstances
'
it 'a function is being changed by somebody else; then its update fails; then its variables are locked' '
    cairn sim fault update_in_progress target=api lasts=30s
    must_fail 22 lambda PUT api/configuration "{\"Timeout\":9}" >out
    grep -q "An update is in progress" out
    advance 30s
    cairn sim fault update_fails target=api reason="no such role"
    lambda PUT api/configuration "{\"Timeout\":9}"
    advance 4s
    lambda GET api/configuration >out
    grep -q "\"LastUpdateStatus\":\"Failed\",\"LastUpdateStatusReason\":\"no such role\"" out
    cairn sim fault environment_error target=api
    lambda GET api/configuration | grep -q "\"Environment\":{\"Error\":{\"ErrorCode\":\"AccessDeniedException\""
    cairn sim mend environment_error
    lambda GET api/configuration | grep -q "\"Variables\":{\"A\":\"b\"}"
'
it 'somebody edits an object just before: a change of the version that was read is refused with 409' '
    version=$(k8s GET $secret | sed "s/.*\"resourceVersion\":\"\([0-9]*\)\".*/\1/")
    cairn sim fault concurrent_edit target=url
    must_fail 22 k8s PATCH "$secret" -H "Content-Type: application/merge-patch+json" \
        -d "{\"metadata\":{\"resourceVersion\":\"$version\"},\"data\":{\"URL\":\"eA==\"}}" >out
    grep -q "\"reason\":\"Conflict\"" out
'
it 'a controller puts a secret back, and can be seen in managedFields beforehand' '
    cairn sim fault revert_secret target=url after=60s
    k8s GET $secret | grep -q "\"manager\":\"argocd-controller\""
    change eA==
    k8s GET $secret | grep -q "\"URL\":\"eA==\""
    advance 1m
    k8s GET $secret | grep -q "\"URL\":\"cG9zdGdyZXNxbDovL2EuZXhhbXBsZS94\""
    cairn sim mend revert_secret
'
it 'a secret becomes immutable' '
    cairn sim fault immutable_secret target=app/url
    must_fail 22 change eQ== >out
    grep -q "\"code\":422" out
'
it 'a rollout passes its progress deadline, and goes on when its cause is gone' '
    cairn sim fault stuck_rollout target=web lasts=30m
    restart one
    advance 11m
    k8s GET $web | grep -q ProgressDeadlineExceeded
    advance 25m
    k8s GET $web | grep -q "\"updatedReplicas\":2"
    k8s GET $web | grep -q "The rollout has succeeded"
'
it 'old pods take long to end' '
    cairn sim fault slow_termination target=web lasts=10m
    restart two
    advance 3m
    k8s GET $web | grep -q "The rollout has succeeded"
    k8s GET api/v1/namespaces/app/pods | grep -q deletionTimestamp
    advance 10m
    ! k8s GET api/v1/namespaces/app/pods | grep -q deletionTimestamp
'
it 'too many requests of Kubernetes and of Cloudflare, with the time to wait' '
    cairn sim fault throttle service=kubernetes retry_after=7
    must_fail 22 k8s GET $web -i >out
    grep -qi "^retry-after: 7" out
    cairn sim fault throttle service=cloudflare retry_after=9
    curl -si --noproxy "*" "$CAIRN_SIM_URL/client/v4/user/tokens/verify" | grep -i "^retry-after: 9"
'
it 'Cloudflare refuses with HTTP 200, and somebody else was first with the pattern' '
    cairn sim fault refused_with_200
    cloudflare GET | grep -q "\"code\":10013.*\"success\":false}200"
    cairn sim fault duplicate_route target="example.org/*"
    cloudflare POST "{\"pattern\":\"example.org/*\",\"script\":\"page\"}" >out
    grep -q "10020.*409" out
    cloudflare GET | grep -q "example.org/\*"
'
it 'a mistake in a fault of the world file has its place' '
    sed "s/do: invalid_configuration, match: { target: books }, reason: the moon is full/do: immutable_secret, match: { target: ull }/" \
        world.yaml >broken.yaml
    must_fail 2 timeout 20 "$BUILD/run" cairn-sim --world broken.yaml --env env 2>err
    grep -qx "cairn-sim: broken.yaml:[0-9]*: faults\[0\]: there is no secret ull" err
'
it 'each kind of fault is in sim/README.md and in a test' '
    sim_get /_sim/fault/kinds | jq -r ".[].name" >kinds
    test "$(wc -l <kinds)" -ge 30
    while read -r kind; do
        grep -q "\`$kind\`" "$SRC/sim/README.md" || { echo "$kind is not in sim/README.md"; exit 1; }
        grep -qw "$kind" "$SRC"/t/*.t || { echo "$kind is in no test"; exit 1; }
    done <kinds
'
finish
