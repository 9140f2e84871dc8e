#!/bin/sh
# blue-green-pitfalls.t: an upgrade by blue/green meets the pitfalls that pass by themselves, and waits them out.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"

# Not so fast that a refusal for a passing reason, which is tried again for 15 minutes, is tried once or twice only.
SPEED=${CAIRN_TEST_SPEED:-500}
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
finish
