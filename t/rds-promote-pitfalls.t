#!/bin/sh
# rds-promote-pitfalls.t: what blocks a minor version on its way, who is told, and what is not done then.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
CAIRN_TEST_SPEED=${CAIRN_TEST_SPEED:-60000}
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/promote.sh"

it 'tests that fail block the next stage with an alert, until they pass' '
    world_with "\$a faults: [{ match: { service: web, action: GetPage }, do: error_5xx, reason: x }]" "s/, reason: x//"
    must_fail 3 run_flow -p soak_days=1
    asked "tests of main with 16.4: it is blocked"
    test "$(changes ModifyDBInstance preproduction)" = 0
    test "$(alerts)" = "alert: tests of main with 16.4: blocked"
    answered cairn resume @last --no-input
    test "$(version production)" = 16.4
    test "$(reported "tests of main" ".passed")" = true
'
it 'a version that the window did not bring is told with what RDS says, and nothing goes on until a person says so' '
    world_with "\$a faults: [{ match: { target: preproduction }, do: upgrade_fails, times: 1, reason: it is not sound }]"
    must_fail 3 run_flow
    approve_open
    must_fail 3 cairn resume @last --no-input
    asked "preproduction: 16.4 was not reached"
    cairn show @last | grep -q "cannot be upgraded: it is not sound"
    test "$(version preproduction)" = 16.3
    test "$(version production)" = 16.3
    test "$(alerts)" = "alert: preproduction: 16.4 was not reached"
'
it 'after a no the run ends, and the next stage keeps its version' '
    cairn reject @last --comment "the test says no"
    must_fail any cairn resume @last --no-input
    test "$(version production)" = 16.3
    test "$(changes ModifyDBInstance production)" = 0
'

# main has the version already; the tests are pages, and there is no soak time. Stops at the first question.
start_at() { # PREPRODUCTION-VERSION [SED-EXPRESSION]...
    lib_version=$1
    SPEED=100 # nothing is waited for
    shift
    world_with "/^    main:/,/version:/s/16\.3/16.4/" "/^    preproduction:/,/version:/s/16\.3/$lib_version/" "$@" || return 1
    run_flow --no-wait -p wait_for_first=false -p soak_days=0 -p stages="[
        {\"name\":\"main\",\"database\":\"main\",\"test\":{\"url\":\"$CAIRN_SIM_WEB/tests/main\",\"expect_text\":\"passed with\"}},
        {\"name\":\"preproduction\",\"database\":\"preproduction\",\"test\":{\"url\":\"$CAIRN_SIM_WEB/tests/preproduction\"}},
        {\"name\":\"production\",\"database\":\"production\"}]"
}
blocked_by() { # TEXT
    asked "it is blocked" && cairn show @last | grep -qF "$1" && test "$(changes ModifyDBInstance preproduction)" = 0 &&
        alerts | grep -q "^alert: "
}

it 'a major step is refused' '
    must_fail 3 start_at 15.7
    blocked_by "16.4 is no major step from 15.7"
'
it 'a stage that is ahead stays as it is' '
    must_fail 3 start_at 16.5
    blocked_by "preproduction is not ahead (it has 16.5); versions never go back"
'
it 'a version that is not offered from where the stage is, is refused' '
    must_fail 3 start_at 16.3 "/^    main:/,/version:/s/16\.4/16.5/"
    blocked_by "16.5 is offered for preproduction (16.3, db.m6g.large)"
'
it 'without deletion protection nothing is queued' '
    must_fail 3 start_at 16.3 "/^    preproduction:/,/deletion_protection:/s/true/false/"
    blocked_by "deletion protection of preproduction is on"
'
it 'with another change in the queue nothing is queued' '
    must_fail 3 start_at 16.3 "/^    preproduction:/,/class:/s/class: .*/&\n      queued: { class: db.m6i.large }/"
    blocked_by "nothing else is queued for preproduction (db_instance_class)"
'
it 'with maintenance that is due soon nothing is queued' '
    must_fail 3 start_at 16.3 "s/^  instances:/  maintenance: { preproduction: [{ action: system-update, description: x, current_apply: \"2026-11-22T02:00:00Z\" }] }\n&/"
    blocked_by "no maintenance of preproduction is due within a week (system-update"
'
it 'while the soak time is not over nothing is queued, and nothing runs' '
    world_with "/^    main:/,/version:/s/16\.3/16.4/"
    must_fail 3 run_flow --no-wait -p wait_for_first=false -p soak_days=5
    cairn show @last | grep -q "main proves 16.4"
    test "$(changes ModifyDBInstance preproduction)" = 0
'
it 'what AWS brings within the soak time is tested anew, and only that goes on' '
    SPEED=50000
    world_with "/^    preproduction:/,/version:/s/16\.3/16.2/" "/^    production:/,\$s/version: \"16.3\"/version: \"16.4\"/"
    must_fail 3 run_flow -p wait_for_first=false -p soak_days=5
    asked "Queue 16.4 for preproduction"
    reported "moved on meanwhile: main" "." | grep -q "^16.4"
    test "$(reported "tests of main" ".version")" = 16.4
'
it 'what is wrong with the stages is said at once' '
    SPEED=100
    world_with
    refused() { # STAGES TEXT
        must_fail 1 run_flow -p stages="$1" 2>err && grep -qF "$2" err && cairn cancel @last
    }
    refused "[{\"name\":\"main\",\"database\":\"main\"},{\"name\":\"p\",\"database\":\"production\"}]" "stage 1 (main): it has no test"
    refused "[{\"name\":\"main\",\"database\":\"main\",\"test\":{\"url\":\"x\",\"command\":[\"y\"]}},{\"name\":\"p\",\"database\":\"production\"}]" "a test has one of command, url and lambda"
    refused "[{\"name\":\"main\",\"database\":\"main\",\"tests\":{}},{\"name\":\"p\",\"database\":\"production\"}]" "it has no tests"
    refused "[{\"name\":\"main\",\"database\":\"main\",\"test\":{\"url\":\"x\"}},{\"name\":\"p\",\"database\":\"main\"}]" "is another stage"
    test "$(changes ModifyDBInstance production)" = 0
'
finish
