#!/bin/sh
# db-release.t: schema releases by the project's own program, with consumers that are paused and led back as they were.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2086,SC2317
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"

EVENTS=11111111-1111-4111-a111-111111111111
REPLAY=22222222-2222-4222-a222-222222222222

plain_world() {
    rm -f world.yaml
    use_world event-recorder
}
# The example's world with changes: a sed script.
other_world() { # SCRIPT
    sed "$1" "$SRC/examples/event-recorder/world.yaml" >world.yaml
    use_world event-recorder
}
applied() { # ENVIRONMENT: what was done to its database, in order
    cat "$XDG_STATE_HOME/event-recorder/$1/log" 2>/dev/null || :
}
states() { # of the mappings and rules
    sim_get /_sim/world >found.json
    echo "$(look found.json lambda mappings "$EVENTS" state) $(look found.json lambda mappings "$REPLAY" state)" \
        "$(look found.json events event-recorder-timing state) $(look found.json events event-recorder-weekly state)"
}
as_before() {
    test "$(states)" = "Enabled Disabled ENABLED DISABLED"
}
error_text() {
    cairn show @last -o json | jq -r .error.text
}

it 'a release goes to staging and to production while the consumers stand still, and they come back' '
    plain_world
    answered run_flow >run.log 2>&1
    ledger >done.txt
    diff -u - done.txt <<EOF
lambda UpdateEventSourceMapping $EVENTS
events DisableRule event-recorder-timing
rds CreateDBSnapshot event-store-cairn-RUN-before
lambda Invoke event-recorder
lambda UpdateEventSourceMapping $EVENTS
events EnableRule event-recorder-timing
EOF
    as_before
    test "$(applied staging) $(applied production)" = "up 0042-index-events up 0042-index-events"
    test "$(changed_twice)" = 0
    shown approvals >/dev/null
    test "$(shown --count approvals)" = 2
    cairn verify @last
'

# ---- what stops it before anything is paused ------------------------------------------------------------------------

nothing_paused() { # TEXT: of the error
    error_text | grep -qF "$1" || { error_text; return 1; }
    ledger >done.txt
    test ! -s done.txt
    as_before
    test -z "$(applied production)"
}
it 'a release that takes longer than the queues can wait is stopped before anything is paused' '
    plain_world
    must_fail 1 answered run_flow -p queue_limit=10000 -p peak_per_hour=75000 >run.log 2>&1
    nothing_paused "the release would take "
    error_text | grep -q "10000 may wait, 75000 an hour come at the peak"
'
it 'files that were changed after the approval are refused' '
    plain_world
    must_fail 3 run_flow >run.log 2>&1
    echo "drop table events;" >>migrations/0042-index-events.sql
    must_fail 1 answered cairn resume @last --no-input >run.log 2>&1
    nothing_paused " was approved: start again"
    test -z "$(applied staging)"
'
it 'files that were changed between staging and production are refused' '
    plain_world
    must_fail 3 run_flow >run.log 2>&1
    approve_open
    must_fail 3 cairn resume @last --no-input >run.log 2>&1
    echo "drop table events;" >>migrations/0042-index-events.sql
    must_fail 1 answered cairn resume @last --no-input >run.log 2>&1
    nothing_paused " was approved: start again"
'
it 'production alone is refused when nothing proves that staging has passed' '
    plain_world
    must_fail 1 answered run_flow -p "environments=[\"production\"]" >run.log 2>&1
    nothing_paused "staging comes first"
'
it 'a function that is fed by a queue is not paused by reserved concurrency 0' '
    plain_world
    must_fail 1 answered run_flow -p "functions=[]" -p "freeze=[\"event-recorder\"]" >run.log 2>&1
    nothing_paused "deliveries would count as receives and end in the dead-letter queue"
    other_world "s/^    event-recorder:/&\n      reserved_concurrency: 0/"
    must_fail 1 answered run_flow >run.log 2>&1
    nothing_paused "has reserved concurrency 0 while its mapping of"
'

# ---- what goes wrong meanwhile --------------------------------------------------------------------------------------

it 'a release that fails in production leads the consumers back; mended and resumed it pauses them again and ends' '
    plain_world
    mkdir -p "$XDG_STATE_HOME/event-recorder" && : >"$XDG_STATE_HOME/event-recorder/production"
    must_fail 1 answered run_flow >run.log 2>&1
    as_before
    rm "$XDG_STATE_HOME/event-recorder/production"
    answered cairn resume @last --no-input >run.log 2>&1
    as_before
    test "$(applied production)" = "up 0042-index-events"
    ledger | grep -c UpdateEventSourceMapping >count
    test "$(cat count)" = 4
    test "$(changed_twice)" = 0
'
it 'a mapping that is in motion is told again until it takes it' '
    printf "%s\n" "faults: [{ match: { action: UpdateEventSourceMapping }, do: conflict, times: 3 }]" >addition
    other_world "\$r addition"
    answered run_flow >run.log 2>&1
    as_before
    test "$(changed_twice)" = 0
'
it 'functions that others call are limited to nothing, and get back what they had' '
    printf "%s\n" "    reporter: { reserved_concurrency: 5 }" "    other: {}" >addition
    other_world "/^lambda:/,/^events:/{ /^  functions:/r addition
}"
    answered run_flow -p "freeze=[\"reporter\",\"other\"]" >run.log 2>&1
    ledger | grep Concurrency >done.txt
    diff -u - done.txt <<EOF
lambda PutFunctionConcurrency reporter
lambda PutFunctionConcurrency other
lambda PutFunctionConcurrency reporter
lambda DeleteFunctionConcurrency other
EOF
    sim_get /_sim/world | jq -e ".lambda.functions | .reporter.reserved == 5 and (.other | has(\"reserved\") | not)"
'

changed() { # ACTION: the world has accepted one
    sim_get /_sim/ledger | grep -q "\"action\":\"$1\""
}
slow_snapshot() {
    printf "%s\n" "durations: { snapshot: 8h }" >addition
    other_world "\$r addition"
}
TIGHT="-p queue_limit=300000 -p peak_per_hour=75000"
reach() { # ACTION [ARG...]: in the background, with all questions answered
    action=$1
    shift
    begin_flow "$@"
    tries=600
    until changed "$action"; do
        approve_open >/dev/null 2>&1 || :
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}
kill_engine() {
    kill -KILL "$engine"
    wait "$engine" || :
}
since() { # N ACTION...: what was done after the first N changes
    sim_get /_sim/ledger | jq -r ".[$1:][] | .action + \" \" + (.note // .target)"
}
snapshot_there() {
    sim_get /_sim/world | jq -e "[.rds.snapshots[] | .status] == [\"available\"]"
}

it 'when the time is used up the consumers come back at once and the run stops; resumed it pauses anew and ends' '
    SPEED=1500 # so that a busy host has the time for what is to be in time
    slow_snapshot
    must_fail 1 answered run_flow $TIGHT >run.log 2>&1
    error_text | grep -q "the time budget is used up"
    as_before
    test -z "$(applied production)"
    until_true 600 snapshot_there
    answered cairn resume @last --no-input >run.log 2>&1
    as_before
    test "$(applied production)" = "up 0042-index-events"
    cairn show @last --records -o json | jq "[.records[] | select(.title == \"time budget of the pause\")] | length" >looks
    test "$(cat looks)" -ge 1 && test "$(cat looks)" -le 4 # and not one for each look at the clock
    test "$(changed_twice)" = 0
'
it 'a run that died while they stood still leads them back first when it is resumed too late' '
    slow_snapshot
    reach CreateDBSnapshot $TIGHT
    kill_engine
    advance 40h
    follow_clock
    n=$(sim_get /_sim/ledger | jq length)
    must_fail 1 answered cairn resume @last --no-input >run.log 2>&1
    test "$(since "$n" | tr "\n" ",")" = "UpdateEventSourceMapping event-recorder on,EnableRule event-recorder-timing,"
    as_before
    error_text | grep -q "the time budget is used up"
'
it 'a run that died while they stood still and is rolled back leads them back and takes staging back' '
    slow_snapshot
    reach CreateDBSnapshot $TIGHT
    kill_engine
    cairn rollback @last --no-input >run.log 2>&1
    as_before
    test "$(applied staging | tr "\n" ,)" = "up 0042-index-events,down 0042-index-events,"
    test -z "$(applied production)"
    test "$(changed_twice)" = 0
'
it 'a run that is cancelled while a mapping is on its way leads it back' '
    slow_snapshot
    reach UpdateEventSourceMapping
    cairn cancel @last >/dev/null
    must_fail 8 wait "$engine"
    as_before
    test -z "$(applied production)"
'
it 'messages that end in the dead-letter queue after the release are told' '
    SPEED=100 # so that a busy host sets the trap while the consumers stand still
    plain_world
    reach DisableRule -p "smoke=[]"
    CAIRN_LIBEXEC=$BUILD "$BUILD/call-plugin" "$BUILD/plugins/.libs/lambda.so" \
        "{\"region\":\"eu-west-2\",\"account\":\"239043911459\"}" set_concurrency \
        "{\"function\":\"event-recorder\",\"reserved\":0}"
    must_fail 1 wait "$engine"
    error_text | grep -q "dead-letter queue events-dead has got"
'
it 'a release that is rolled back after its end was reached only in part is taken back in both' '
    plain_world
    must_fail 4 answered run_flow -p "smoke=[{\"environment\":\"production\",\"command\":[\"./nothing\"]}]" >run.log 2>&1
    as_before
    cairn rollback @last --no-input >run.log 2>&1
    as_before
    for environment in staging production; do
        test "$(applied $environment | tr "\n" ,)" = "up 0042-index-events,down 0042-index-events,"
    done
    test "$(changed_twice)" = 0
'
stop_sim
finish
