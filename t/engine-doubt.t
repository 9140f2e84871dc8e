#!/bin/sh
# engine-doubt.t: what becomes of a step when nobody knows whether it was done.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/probe.sh"

flow one <<'END'
return cairn.workflow {
  summary = "One step",
  params = { action = { type = "string" }, trouble = { type = "string", default = "" } },
  run = function (p)
    local args = { name = "x", trouble = p.trouble ~= "" and p.trouble or nil }
    if p.action == "set" then args.value = 1 end
    probe[p.action](args)
    return "ended"
  end,
}
END

once() { # ACTION TROUBLE
    run_flow one -p action="$1" -p trouble="$2"
    [ "$(effects)" = "$1 x" ]
}

for action in create guarded; do
    for trouble in crash-before crash-after doubt-before doubt-after; do
        it "$action with $trouble is done exactly once" "once $action $trouble"
    done
done
it 'create that is lost after the effect is adopted, not sent again' '
    once create doubt-after
    records observed | grep -q "\"seen\":\"done\""
    [ -z "$(records attempt)" ]
'
it 'a change that gets no answer in time is adopted, not sent again' '
    once create timeout-after
    [ -z "$(records attempt)" ]
'
it 'a second attempt that is refused because the first one has arrived meanwhile is looked at, and adopted' '
    once create late
    [ "$(records attempt | wc -l)" = 1 ]
    records outcome | grep -q "\"how\":\"observed\""
'
it 'what somebody else has made under the name meanwhile is a conflict, and not adopted' '
    fresh
    echo "create x 00000000000000000000000000000000 1" >"$T/probe/ledger"
    must_fail 1 cairn run "$T/one.lua" -p action=create -p trouble=doubt-before 2>err
    [ "$(effects)" = "create x" ]
    records observed | grep -q "\"seen\":\"conflict\""
'
it 'each attempt of a step bears the token of its intent' '
    once create doubt-before
    [ "$(records attempt | wc -l)" = 1 ]
    [ "$(cut -d" " -f3 probe/ledger)" = "$(records intent | jq -r .token)" ]
'
it 'a change that gets no answer again and again stops the run' '
    must_fail 1 run_flow one -p action=create -p trouble=doubt-before:50
    [ -z "$(effects)" ]
    grep -q "sent again 8 times" err
'
it 'absence is seen three times before a step is sent again' '
    once create doubt-before
    [ "$(records observed | grep -c "\"seen\":\"absent\"")" = 3 ]
    [ "$(records attempt | wc -l)" = 1 ]
'
it 'a throttled change is sent again' '
    once create throttle:3
    [ -z "$(records doubt)" ]
'
it 'a change that is not possible yet is sent again later' 'once guarded notyet:3'
it 'a change that could not be sent is sent again' 'once set unavailable:2'
it 'a refusal goes to the script and fails the run with status 1' '
    must_fail 1 run_flow one -p action=create -p trouble=fail
    [ -z "$(effects)" ]
    grep -q "cairn resume" err
'
it 'a failed step is done by resume' '
    must_fail 1 run_flow one -p action=create -p trouble=fail
    cairn resume @last
    [ "$(effects)" = "create x" ]
'
it 'a trigger in doubt stops the run in state unknown with status 5' '
    must_fail 5 run_flow one -p action=trigger -p trouble=doubt-after
    [ "$(effects)" = "trigger x" ]
'
it 'a trigger with evidence is adopted' 'once evident doubt-after'
it 'a person resolves an unknown step as done, and it is not sent again' '
    must_fail 5 run_flow one -p action=trigger -p trouble=doubt-after
    step=$(records doubt | jq -r .id)
    cairn resolve "@last:$step" --done --reason "seen in the console"
    cairn resume @last
    [ "$(effects)" = "trigger x" ]
    records outcome | grep -q "seen in the console"
'
it 'a person resolves an unknown step as not done, and it is sent once more' '
    must_fail 5 run_flow one -p action=trigger -p trouble=doubt-before
    [ -z "$(effects)" ]
    step=$(records doubt | jq -r .id)
    cairn resolve "@last:$step" --not-done --reason "no trace in the console"
    cairn resume @last
    [ "$(effects)" = "trigger x" ]
'
it 'an unknown run that is resumed without an answer stops in unknown again' '
    must_fail 5 run_flow one -p action=trigger -p trouble=doubt-after
    must_fail 5 cairn resume @last
    [ "$(effects)" = "trigger x" ]
'
it 'a read whose worker crashes is repeated' '
    must_fail 1 run_flow one -p action=read -p trouble=crash-before
    grep -q "there is none" err # the second read answered
    [ -z "$(records doubt)" ]
'

# Each named instant of the engine and of the worker, when it is first passed: killed there, resumed, done once.
sweep() { # ACTION
    fresh
    rm -f points
    CAIRN_CRASH_LOG=$T/points cairn run "$T/one.lua" -p action="$1"
    # each third, unless all are asked for
    sort -u points | awk -v all="${CAIRN_TEST_SAMPLES:-}" "all == \"all\" || NR % 3 == 0" | while read -r name; do
        fresh
        status=0
        CAIRN_CRASH_AT=$name:1 cairn run "$T/one.lua" -p action="$1" >out 2>err || status=$?
        # no record yet: nothing was begun, and nothing may have been done
        state=$(cairn runs -o json | jq -r ".runs[].state")
        [ -n "$state" ] || [ -z "$(effects)" ]
        [ -z "$state" ] || [ "$state" = "done" ] || cairn resume @last >out 2>err
        [ -z "$state" ] || [ "$(effects)" = "$1 x" ] || { echo "$name: status $status: $(effects)"; cat err; exit 1; }
    done
}
it 'create survives a kill at a named instant and is done exactly once' 'sweep create'
it 'guarded survives a kill at a named instant and is done exactly once' 'sweep guarded'
finish
