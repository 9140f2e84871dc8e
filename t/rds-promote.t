#!/bin/sh
# rds-promote.t: a minor version goes from stage to stage, over weeks: the way through, and what may come in between.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
CAIRN_TEST_SPEED=${CAIRN_TEST_SPEED:-60000}
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/promote.sh"

it 'all stages get the version, each in its window, the read replica before its source' '
    use_world "$EXAMPLE"
    answered run_flow
    for id in main preproduction production production-reader; do
        test "$(version $id)" = 16.4
    done
    sim_get /_sim/ledger | jq -r ".[] | select(.action == \"ModifyDBInstance\") | .target" >order
    printf "%s\n" preproduction production-reader production | diff - order
    test "$(changed_twice)" = 0
'
it 'the tests of each stage, with the version that they passed with, are in the report' '
    test "$(reported "tests of main" ".version + \" \" + (.passed | tostring) + \" \" + .seen")" \
        = "16.4 true status 0: 214 of 214 passed with 16.4"
    test "$(reported "tests of preproduction" ".version")" = 16.4
    test "$(reported "tests of production" ".seen")" = "status 0: 12 of 12 smoke tests passed with 16.4"
    test "$(reported "stages after" "tostring")" = "{\"main\":\"16.4\",\"preproduction\":\"16.4\",\"production\":\"16.4\"}"
    test "$(alerts)" = "info: minor version 16.4 is everywhere"
'
it 'drift between a stack and what is live is in the report, and stops nothing' '
    test "$(reported "drift of main" ".[] | select(.field == \"class\") | .field + \" \" + .declared + \" \" + .live")" = "class db.t4g.small db.t4g.medium"
'
it 'it took weeks of the world, and the versions came in the windows' '
    sim_get /_sim/world >/dev/null
    cairn show @last -o json | jq -r ".reports[\"reached: production\"].at" >at
    test "$(date -u -d @$(($(cat at) / 1000)) +%a)" = Sun
'
finish
