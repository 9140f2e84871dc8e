#!/bin/sh
# db-release-crash.t: a schema release that is killed anywhere on its way ends like one that isn't, with all consumers back.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
EXAMPLE=event-recorder
. "$SRC/t/crash.sh"

# The test event may come twice: that is what the class of the action says.
ledger() {
    sim_get /_sim/ledger | jq -r '.[] | select(.action != "Invoke") | "\(.service) \(.action) \(.note // .target)"' |
        sed 's/-cairn-.*-before/-cairn-RUN-before/'
}
changed_twice() {
    sim_get /_sim/verdict | jq '[.twice[] | select(.action != "Invoke")] | length'
}
crash_sweep
stop_sim
finish
