#!/bin/sh
# rds-upgrade-crash.t: killed at each named crash point, or with replies lost, an upgrade in place ends as it should.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"
. "$SRC/t/upgrade.sh"

EXAMPLE=planx-production

# A fault for the first request of each kind of change.
for_each_change() { # KIND
    cut -d' ' -f2 want.ledger | sort -u | while read -r action; do
        trouble "{\"do\":\"$1\",\"match\":{\"action\":\"$action\"}}"
    done
}

with_trouble() { # COMMAND...
    use_world "$EXAMPLE"
    "$@"
    answered run_flow >run.log 2>&1 || { tail -n 40 run.log; return 1; }
    same_as_reference
}

stale_reads() {
    for action in DescribeDBInstances DescribeEvents DescribePendingMaintenanceActions DescribeDBSnapshots; do
        for n in 3 6 9 12 15 18; do
            trouble "{\"do\":\"stale\",\"match\":{\"action\":\"$action\",\"n\":$n},\"times\":2}"
        done
    done
}

late_changes() { # for a while nobody sees them
    for action in ModifyDBInstance CreateDBParameterGroup CreateDBSnapshot; do
        trouble "{\"do\":\"lag\",\"match\":{\"action\":\"$action\"},\"reads\":3,\"times\":0}"
    done
}

crash_sweep
it 'the reply to every kind of change is lost after it was done: nothing is done twice' '
    with_trouble for_each_change cut_after
'
it 'every kind of change is refused for too many requests at first: it is done then' '
    with_trouble for_each_change throttle
'
it 'answers from before the last change are not believed' 'with_trouble stale_reads'
it 'changes that can not be seen for some reads are waited for' 'with_trouble late_changes'
finish
