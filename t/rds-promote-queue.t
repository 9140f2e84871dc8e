#!/bin/sh
# rds-promote-queue.t: the days in which a version waits for its window: nothing runs, others interfere, it is taken back.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
CAIRN_TEST_SPEED=${CAIRN_TEST_SPEED:-300}
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/promote.sh"

# The version waits for the window of preproduction, twelve hours from now.
queue_it() {
    world_with "/^    main:/,/version:/s/16\.3/16.4/"
    must_fail 3 run_flow --no-wait -p wait_for_first=false -p soak_days=0
    approve_open
    must_fail 3 cairn resume @last --no-wait --no-input
    test "$(queued preproduction)" = 16.4
}
processes() { # of this test; pgrep doesn't see whose they are
    # shellcheck disable=SC2009
    ps axeww | grep -F "HOME=$T/home" | grep -c "[c]airn-worker\|[c]airn-script\|[c]airn run\|[c]airn resume"
}

there() { # the version that was queued
    test "$(version preproduction)" = 16.4
}

it 'while it waits there is no process and no worker, and what is queued is shown as queued' '
    queue_it
    test "$(processes)" = 0
    cairn show @last | grep -q "16.4 waits for the window wed:02:00-wed:03:00"
    test "$(reported "queued: preproduction" "tostring")" = "{\"version\":\"16.4\",\"window\":\"wed:02:00-wed:03:00\"}"
    test "$(version preproduction)" = 16.3
'
it 'rolled back before the window, it is out of the queue and nothing else has changed' '
    queue_it
    cairn rollback @last --no-input
    test "$(queued preproduction)" = null
    test "$(version preproduction)" = 16.3
    test "$(changes ModifyDBInstance preproduction)" = 2
'
it 'it is not taken out when that would carry out what else waits' '
    queue_it
    somebody_changes preproduction "\"class\":\"db.m6i.large\""
    must_fail 1 cairn rollback @last --no-input 2>err
    grep -q "that would carry out at once what else waits (db_instance_class)" err
    test "$(queued preproduction)" = 16.4
    somebody_changes preproduction "\"class\":\"db.m6g.large\",\"apply_immediately\":true" >/dev/null
'
it 'somebody who applies a change immediately has the version carried out before its window: it is told' '
    queue_it
    somebody_changes preproduction "\"backup_retention\":8,\"apply_immediately\":true"
    until_true 400 there
    rc=0
    cairn resume @last --no-wait --no-input || rc=$?
    test "$(alerts)" = "alert: preproduction: 16.4 came before its window"
    test "$(reported "reached: preproduction" ".version")" = 16.4
'
it 'an engine that is killed in the wait leaves the world to go on, and the resumed run finds the version there' '
    queue_it
    background waiting "$BUILD/run" cairn resume @last --no-input
    until_true 400 grep -q "waits for the window" waiting.err || { cat waiting.err; exit 1; }
    kill -9 "$(cat waiting.pid)"
    advance 13h
    until_true 400 there
    must_fail 3 cairn resume @last --no-wait --no-input
    test "$(reported "reached: preproduction" ".version")" = 16.4
    test "$(changes ModifyDBInstance preproduction)" = 1
    test "$(changed_twice)" = 0
'
finish
