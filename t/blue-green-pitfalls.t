#!/bin/sh
# blue-green-pitfalls.t: an upgrade meets what passes and waits it out, stops at what doesn't, and goes on when it's mended.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"
. "$SRC/t/sim.sh"

# Not so fast that a refusal for a passing reason, which is tried again for 15 minutes, is tried once or twice only.
SPEED=${CAIRN_TEST_SPEED:-500}
KEY=AKIACAIRNSIMULATOR01
SECRET='simulatedSecretOfTheOperator/0123456789+'

# The world of gc-notify with a second user, and with these faults from the beginning.
world_with() { # LINE...
    sed 's/^    user: cairn/&\n  - { access_key: AKIACAIRNSIMULATOR02, secret: another, user: relief }/' \
        "$SRC/examples/gc-notify/world.yaml" >world.yaml
    echo 'faults:' >>world.yaml
    for lib_line in "$@"; do
        echo "  - { $lib_line }" >>world.yaml
    done
    use_world gc-notify >/dev/null
    rm world.yaml
}

# Run or resume, and answer; it must stop with this text.
stops_with() { # TEXT CMD...
    lib_text=$1
    shift
    lib_status=0
    answered "$@" >>run.log 2>&1 || lib_status=$?
    shown why | grep -q "$lib_text" && [ "$lib_status" = 1 ] && return 0
    echo "status $lib_status, expected to stop with: $lib_text"
    shown why
    tail -n 15 run.log
    return 1
}
again() {
    cairn resume @last --no-input
}
# A step or a wait that shows that text is over.
goes_through() {
    answered again >>run.log 2>&1 || { tail -n 30 run.log; return 1; }
}

it 'an upgrade that nobody disturbs goes through' 'reference -p soak_minutes=1'
it 'what passes by itself is waited out or tried again, and the changes are the same' '
    world_with "do: lag, match: { service: rds, action: CreateBlueGreenDeployment }, reads: 20, flapping: true" \
        "do: lag, match: { action: CreateDBClusterSnapshot }, reads: 5" "do: lag, match: { action: CreateDBProxy }, reads: 5" \
        "do: lag, match: { action: SwitchoverBlueGreenDeployment }, reads: 10" \
        "do: storage_optimization, status: polishing-the-disks, lasts: 40m" "do: refuse_switchover, times: 3" \
        "do: target_unavailable, lasts: 10m" "do: update_in_progress, match: { target: api-lambda }" \
        "do: concurrent_edit, match: { target: notify-api-database }, times: 2" "do: slow_termination, match: { target: notify-celery }" \
        "do: throttle, match: { service: kubernetes, n: 5 }, times: 3, retry_after: 1" \
        "do: throttle, match: { service: cloudflare }, times: 2, retry_after: 1"
    answered run_flow -p soak_minutes=1 >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    sim_get /_sim/fault | jq -e "all(.[]; .done > 0)" || { sim_get /_sim/fault; exit 1; }
    same_as_reference
'
it 'an upgrade stops at each pitfall that does not pass, says why, and goes on when it is mended' '
    world_with "do: environment_error, match: { target: api-lambda }" "do: denied, match: { action: CreateDBParameterGroup }" \
        "do: stuck_rollout, match: { target: notify-api }, lasts: 20m" "do: update_fails, match: { target: api-lambda }, reason: no such role" \
        "do: proxy_not_made" "do: expire_credentials, match: { target: AKIACAIRNSIMULATOR01, n: 250 }" \
        "do: refused_with_200"
    : >run.log
    stops_with "KMS access was denied" run_flow -p soak_minutes=1
    cairn sim mend environment_error
    stops_with "AccessDenied" again
    stops_with "has timed out progressing" again
    until_true 100 eval "kubectl get deployment notify-api -n notification-canada-ca -o json | grep -q \"has succeeded\""
    stops_with "no such role" again
    lambda PUT api-lambda/configuration "{\"Timeout\":60}"
    until_true 100 eval "lambda GET api-lambda/configuration | grep -q \"LastUpdateStatus.:.Successful\""
    stops_with "x" again
    AWS_ACCESS_KEY_ID=AKIACAIRNSIMULATOR02 AWS_SECRET_ACCESS_KEY=another
    KEY=$AWS_ACCESS_KEY_ID SECRET=$AWS_SECRET_ACCESS_KEY
    stops_with "x" again
    goes_through
    same_as_reference
'
finish
