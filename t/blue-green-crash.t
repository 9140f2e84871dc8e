#!/bin/sh
# blue-green-crash.t: killed where green is made again, a secret is set again and work is requeued, the upgrade ends the same.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034
. "$(dirname "$0")/lib.sh"
# The points next to an effect, once each: t/crash-points.t tries the others.
. "$SRC/t/flow.sh"
EXAMPLE=gc-notify
. "$SRC/t/crash.sh"

cp "$SRC/examples/gc-notify/world.yaml" world.yaml
cat >>world.yaml <<END
faults:
  - { do: degraded_replication }
  - { do: revert_secret, match: { target: notify-api-database }, hidden: true, after: 4m, times: 1 }
END

crash_world() {
    use_world gc-notify
    rm -f requeued
    echo 'exec: { programs: [sh, test] }' >>cairn.yaml
    cat >>arguments <<END
requeue=["sh","-c","echo once >>$T/requeued"]
requeue_check=["test","-e","$T/requeued"]
END
    sed -i 's/^proxy_mode=.*/proxy_mode=deregister/; s/^soak_minutes=.*/soak_minutes=1/' arguments
}
# When the controller puts the secret back depends on the time that a crash takes: so do the order of what follows, and
# whether it is one key that has to be set again or both.
ledger() {
    sim_get /_sim/ledger | jq -r '.[] | "\(.service) \(.action) \(.target)"' |
        sed "s/$(cairn show @last -o json | jq -r .id)/RUN/g" | sort -u
    cat requeued
}

it 'in a world with these pitfalls green is made again, a secret is set again, and work is requeued once' '
    reference
    cairn show @last -o json | jq -r ".approvals[].title" >asked
    grep "^Delete green and make it again" asked
    grep "^Set notify-api-database" asked
    test "$(cat requeued)" = once
'
for pick in $(crash_picks); do
    it "killed at $pick it ends the same" "crash_at $pick"
done
stop_sim
finish
