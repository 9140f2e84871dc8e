#!/bin/sh
# blue-green-faults.t: replies get lost, refused, cut off or come from yesterday; the upgrade ends the same.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2086
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"

# A fault for the first request of each kind of change, or for reads that match.
faults() { # KIND [ACTION...]
    lib_kind=$1
    shift
    # shellcheck disable=SC2046
    [ $# -gt 0 ] || set -- $(cut -d' ' -f2 want.ledger | sort -u)
    for lib_action in "$@"; do
        printf '{"match":{"action":"%s"},"do":"%s","times":1}' "$lib_action" "$lib_kind" >fault.json
        curl -sS --fail --noproxy '*' --max-time 20 --data-binary @fault.json -H 'Content-Type: application/json' \
            "$CAIRN_SIM_URL/_sim/fault" >faults.json
    done
}

injected() { # how many faults happened
    sim_get /_sim/fault | perl -MJSON::PP -e 'local $/; my $n = 0; $n += $_->{done} for @{ decode_json(<>) }; print $n'
}

# On the fast clock a busy host gets from the afternoon to the windows of the night in seconds: they are no matter here.
quick="-p ignore_windows=true"

with_faults() { # AT-LEAST KIND [ACTION...]
    lib_least=$1
    shift
    use_world gc-notify
    faults "$@"
    answered run_flow $quick >run.log 2>&1 || { tail -n 40 run.log; return 1; }
    test "$(injected)" -ge "$lib_least" || { echo "only $(injected) faults"; return 1; }
    same_as_reference
}

it 'an upgrade that nobody disturbs goes through' 'reference $quick'
it 'the reply to every kind of change is lost after it was done: nothing is done twice' 'with_faults 20 cut_after'
it 'every kind of change is done and answered by a 500: nothing is done twice' 'with_faults 20 error_5xx_after'
it 'every kind of change is cut off before it is done: it is done then' 'with_faults 20 cut_before'
it 'every kind of change is refused for too many requests at first: it is done then' 'with_faults 20 throttle'
it 'every kind of change is answered by a page of HTML and not done: it is done then' 'with_faults 20 html'
it 'answers from before the last change are not believed at once' '
    with_faults 4 stale DescribeBlueGreenDeployments DescribeDBClusters DescribeDBInstances DescribeDBProxyTargets
'
finish
