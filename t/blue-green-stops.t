#!/bin/sh
# blue-green-stops.t: an upgrade by blue/green stops or asks at the pitfalls that don't pass, and goes on when they are mended.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"
. "$SRC/t/sim.sh"

SPEED=${CAIRN_TEST_SPEED:-1000}
KEY=AKIACAIRNSIMULATOR02
SECRET=another

# The world of an example with a second user, and with these faults from the beginning.
world_with() { # EXAMPLE LINE...
    lib_of=$1
    shift
    sed 's/^credentials:/&\n  - { access_key: AKIACAIRNSIMULATOR02, secret: another, user: relief }/' \
        "$SRC/examples/$lib_of/world.yaml" >world.yaml
    echo 'faults:' >>world.yaml
    for lib_line in "$@"; do
        echo "  - { $lib_line }" >>world.yaml
    done
    use_world "$lib_of" >/dev/null
    rm world.yaml
}

# Run or resume, and answer; it must stop (failed, or denied) with this text, and name the command that comes next.
stops_with() { # TEXT CMD...
    lib_text=$1
    shift
    lib_status=0
    answered "$@" >stop.log 2>&1 || lib_status=$?
    case $lib_status in 1 | 4) ;; *) lib_text="status 1 or 4" ;; esac
    shown why | grep -q "$lib_text" && grep -q "cairn resume" stop.log && return 0
    echo "status $lib_status, expected to stop with: $lib_text"
    shown why
    tail -n 8 stop.log
    return 1
}
again() {
    cairn resume @last --no-input
}
goes_through() { # CMD...
    answered "$@" >run.log 2>&1 || { tail -n 12 run.log; return 1; }
}
lambda_is() { # STATUS
    lambda GET api-lambda/configuration | grep -q "\"LastUpdateStatus\":\"$1\""
}
rolled_out() {
    kubectl get deployment notify-api -n notification-canada-ca -o json | grep -q 'The rollout has succeeded'
}
proxy_is() { # STATUS
    rds DescribeDBProxies | text Status | grep -qx "$1"
}

# Run or resume and answer until this is asked.
go_until() { # TEXT CMD...
    lib_text=$1
    shift
    lib_status=0
    "$@" >run.log 2>&1 || lib_status=$?
    while [ "$lib_status" -eq 3 ] && ! shown why | grep -q "$lib_text"; do
        approve_open
        lib_status=0
        again >>run.log 2>&1 || lib_status=$?
    done
    shown why | grep "$lib_text"
}

it 'an upgrade that nobody disturbs goes through' 'reference -p soak_minutes=1'
it 'it stops at each of many pitfalls, says why, and goes on when that is mended; nothing is done twice' '
    world_with gc-notify "do: environment_error, match: { target: api-lambda }" \
        "do: denied, match: { action: CreateDBClusterParameterGroup }" \
        "do: stuck_rollout, match: { target: notify-api }, lasts: 20m" "do: refused_with_200" \
        "do: denied, match: { action: GetMetricStatistics }, times: 0" \
        "do: update_fails, match: { target: api-lambda }, reason: the role is gone" \
        "do: expired, match: { action: CreateDBClusterSnapshot }, times: 30" "do: proxy_not_made"
    stops_with "KMS access was denied" run_flow -p soak_minutes=1
    cairn sim mend environment_error >/dev/null
    stops_with "AccessDenied" again
    stops_with "timed out progressing" again
    until_true 600 rolled_out
    stops_with "the role is gone" again
    lambda PUT api-lambda/configuration "{\"Timeout\":60}" >/dev/null
    until_true 600 lambda_is Successful
    stops_with "ExpiredToken" again
    cairn sim mend expired >/dev/null
    stops_with "workers.api.error.unknown" again
    stops_with "insufficient-resource-limits" again
    until_true 600 proxy_is available
    goes_through again
    shown reports "client connections of the proxy" | grep "not known (.*not authorized.*); 5 minutes were waited"
    shown reports "green behind" | grep "not known: .*not authorized"
    world >got.world
    diff -u want.world got.world
    test "$(changed_twice)" = 0
    cairn verify @last
'
it 'keys that end in the middle stop it, and with other keys it goes on' '
    world_with instance "do: expire_credentials, match: { target: AKIAEXAMPLE1, n: 40 }"
    export AWS_ACCESS_KEY_ID=AKIAEXAMPLE1 AWS_SECRET_ACCESS_KEY=example-secret-key-for-the-simulator
    stops_with "ExpiredToken" run_flow -p soak_minutes=1
    export AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET
    goes_through again
    world >after.json
    test "$(look after.json rds instances orders version)" = 16.3
    test "$(changed_twice)" = 0
'
it 'keys that lack a permission of the switchover leave the old database live, and with other keys it goes on' '
    sed "s/user: operator/&\n    deny: [ \"rds:PromoteReadReplica\" ]/" "$SRC/examples/instance/world.yaml" >denying.yaml
    sed "s/^credentials:/&\n  - { access_key: $KEY, secret: $SECRET, user: relief }/" denying.yaml >world.yaml
    use_world instance >/dev/null
    rm world.yaml
    export AWS_ACCESS_KEY_ID=AKIAEXAMPLE1 AWS_SECRET_ACCESS_KEY=example-secret-key-for-the-simulator
    go_until "RDS took the switchover back" run_flow -p soak_minutes=1
    shown reports "switchover taken back by RDS" | grep "not authorized to perform: rds:PromoteReadReplica"
    export AWS_ACCESS_KEY_ID=$KEY AWS_SECRET_ACCESS_KEY=$SECRET
    goes_through again
    world >after.json
    test "$(look after.json rds instances orders version)" = 16.3
    test "$(changed_twice)" = 0
'
it 'a database that waits for a restart is asked about, and restarted once before a deployment is made' '
    sed "s/^        rds.force_ssl: 0/&\n        rds.logical_replication: 1/; \$a faults: [{ do: pending_reboot, match: { target: orders } }]" \
        "$SRC/examples/instance/world.yaml" >world.yaml
    use_world instance >/dev/null
    rm world.yaml
    go_until "settings of its parameter group wait for a restart" run_flow -p soak_minutes=1
    test "$(ledger | grep -c "Reboot\|CreateBlue")" = 0
    go_until "Switch orders over" again
    ledger | grep "Reboot\|CreateBlue" | cut -d" " -f1-2 >got
    test "$(tr "\n" " " <got)" = "rds RebootDBInstance rds CreateBlueGreenDeployment "
'
it 'a secret that is immutable stops it before anything is changed' '
    world_with gc-notify "do: immutable_secret, match: { target: notify-api-database }"
    stops_with "secret notify-api-database: it is immutable" run_flow
    test "$(sim_get /_sim/ledger)" = "[]"
'
it 'a deployment that can not be made, loses its replication or is far behind is asked about; then work is requeued' '
    world_with instance "do: pending_reboot, match: { target: orders }" "do: invalid_configuration" \
        "do: provisioning_failed" "do: degraded_replication" "do: slot_lag" "do: replication_lag, lag: 1h"
    echo "exec: { programs: [sh] }" >>cairn.yaml
    goes_through run_flow -p soak_minutes=1 -p "requeue=[\"sh\",\"-c\",\"echo once >>$T/requeued\"]"
    cairn show @last -o json | jq -r ".approvals[].title" >asked
    test "$(grep -c "^Delete green and make it again" asked)" = 3
    grep "^Switch over though green is 50000000000 bytes behind" asked
    grep "^RDS took the switchover back; try again" asked
    test "$(ledger | grep -c CreateBlueGreenDeployment)" = 4
    test "$(cat requeued)" = once
    shown reports "to reconcile in infrastructure as code" | grep "12.19 -> 16.3"
    world >after.json
    test "$(look after.json rds instances orders version)" = 16.3
    test "$(changed_twice)" = 0
'
it 'a secret that a hidden controller puts back is set again, and who still uses the proxy is asked about' '
    world_with gc-notify "do: revert_secret, match: { target: notify-api-database }, hidden: true, after: 4m, times: 1" \
        "do: duplicate_route, script: edge-router"
    goes_through run_flow -p soak_minutes=1 -p proxy_mode=deregister -p lambdas=[] \
        -p "maintenance_route=www.notification.alpha.example/*"
    cairn show @last -o json | jq -r ".approvals[].title" >asked
    grep "^Set notify-api-database" asked
    grep "^Take proxy notification-canada-ca-staging-proxy out though clients are connected" asked
    shown reports "client connections of the proxy" | grep "connections were left"
    world >after.json
    test "$(jq -r ".cloudflare[][\"www.notification.alpha.example/*\"]" after.json)" = edge-router
    test "$(changed_twice)" = 0
'
finish
