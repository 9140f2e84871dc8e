#!/bin/sh
# rds-upgrade-pitfalls.t: what is known to go wrong with an upgrade in place, and what the run makes of it.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/upgrade.sh"

staging=app5ec7032
production=app1a2b3c4

unchanged() {
    test "$(sim_get /_sim/ledger)" = "[]"
}

it 'a target that the live version does not lead to is an error with those that it does; the drift is in the report' '
    begin planx-staging -p target_version=16.1
    test "$status" = 1
    shown why | grep -F "16.1 is among the versions that 12.19 can be upgraded to (13.15, 14.12, 15.7, 16.3)"
    test "$(shown reports drift engine_version live)" = 12.19
    unchanged
    begin planx-staging -p target_version=16
    test "$status" = 1
    shown why | grep "give the whole version"
    unchanged
'
it 'pending maintenance is asked for; with a no the run stops, and nothing was changed' '
    begin planx-staging
    asked "pending maintenance of $staging done now"
    shown reports "pending maintenance" | grep system-update
    cairn reject @last
    go_on
    test "$status" = 4
    unchanged
'
it 'with a yes it is done first, and then the upgrade goes through' '
    begin planx-staging
    until_asked "Upgrade $staging from 12.19 to 16.3"
    ledger >got
    grep -q "^rds ApplyPendingMaintenanceAction $staging" got
    test "$(upgrades)" = 0
    answered go_on_plain
    test "$(version $staging)" = 16.3
    test "$(changed_twice)" = 0
'
it 'with pending_maintenance=window it waits for the maintenance window' '
    begin planx-staging -p pending_maintenance=window
    until_asked "Upgrade $staging from"
    sim_get /_sim/clock | grep -q "2025-02-19T"
    world >now.json
    test "$(look --count now.json rds instances)" = 1
    sim_get /_sim/world | grep -q "Finished applying off-line patches"
    cairn reject @last
    go_on
    cairn rollback @last --no-input
    test "$(version $staging)" = 12.19
    test "$(look --keys now.json rds groups)" = postgres12-custom
'
it 'an upgrade that changed nothing is told with its events and logs, and asked for; it is not tried again by itself' '
    begin planx-staging -p pending_maintenance=leave
    until_asked "changed nothing; try again"
    test "$(version $staging)" = 12.19
    test "$(upgrades)" = 1
    shown reports "upgrade that changed nothing" reason | grep "pending maintenance"
    shown reports "upgrade that changed nothing" events | grep "cannot be upgraded"
    shown reports "upgrade that changed nothing" logs | grep "Failure, exiting"
    test "$(shown reports "upgrade that changed nothing" writes_down)" = "3 min 00 s"
    go_on
    go_on
    asked "changed nothing; try again"
    test "$(upgrades)" = 1
'
it 'with a no what was prepared is taken back, and the error says all that is known' '
    cairn reject @last
    must_fail 1 answered cairn resume @last --no-input
    shown why | grep "still has version 12.19: there are pending maintenance actions: system-update"
    shown why | grep "event: Database instance is in a state that cannot be upgraded"
    shown why | grep "error/pg_upgrade_internal.log"
    world >after.json
    for what in instances groups snapshots; do
        test "$(look before.json rds $what)" = "$(look after.json rds $what)"
    done
    go_on
    test "$(upgrades)" = 1
    must_fail any cairn rollback @last --no-input
    cairn cancel @last
'
it 'killed once the upgrade was asked for, and resumed after it has changed nothing, a run does not ask for it again' '
    begin planx-staging -p pending_maintenance=leave
    until_asked "Upgrade $staging from"
    approve_open
    trouble "{\"do\":\"slow\",\"match\":{\"action\":\"ModifyDBInstance\"},\"ms\":60000}"
    "$BUILD/run" cairn resume @last --no-input >run.log 2>&1 &
    pid=$!
    until_true 1200 began_upgrade
    kill -9 "$pid"
    wait "$pid" || :
    until_true 1200 failed_upgrade $staging
    go_on
    asked "changed nothing; try again"
    test "$(upgrades)" = 1
'
it 'the page goes while a person is asked; when the reason is mended, another attempt goes through' '
    begin planx-production
    until_asked "Upgrade $production from"
    trouble "{\"do\":\"upgrade_fails\",\"match\":{\"target\":\"$production\"},\"reason\":\"there are reg* columns\"}"
    until_asked "changed nothing; try again"
    shown reports "upgrade that changed nothing" reason | grep "there are reg\* columns"
    world >now.json
    test "$(look before.json cloudflare)" = "$(look now.json cloudflare)"
    test "$(ledger | grep -c "^cloudflare")" = 2
    mended
    answered go_on_plain
    test "$(version $production)" = 16.3
    test "$(ledger | grep -c "^cloudflare")" = 4
    test "$(changed_twice)" = 0
'
it 'what is queued is shown and asked for before it comes along; what is queued behind the run stops it' '
    sed "s/^      class: db.t4g.medium/&\n      queued: { class: db.m6g.large }/; /^  maintenance:/,\$d; s/wed:03/mon:03/g" \
        "$SRC/examples/planx-staging/world.yaml" >world.yaml
    use_world planx-staging
    status=0
    run_flow -p ignore_windows=true >run.log 2>&1 || status=$?
    asked "Apply what is queued for $staging together"
    shown reports "queued changes" | grep db.m6g.large
    until_asked "Upgrade $staging from"
    modify $staging AllocatedStorage=300
    approve_open
    go_on
    test "$status" = 1
    shown why | grep "nothing was queued for $staging since then (allocated_storage)"
    test "$(version $staging)" = 12.19
    modify $staging "AllocatedStorage=100&ApplyImmediately=true"
    until_true 400 at_rest
    answered go_on_plain
    test "$(version $staging)" = 16.3
    test "$(look now.json rds instances $staging class)" = db.m6g.large
    rm world.yaml
'
it 'a test that fails after the upgrade stops the run with what it said; when it passes, a resume ends it' '
    rm -f world.yaml
    use_world planx-production
    fails_its_test -p ignore_windows=true
    test "$(version $production)" = 16.3
    before=$(upgrades)
    echo yes >works
    answered cairn resume @last --no-input >run.log 2>&1
    shown reports "tried in $production" | grep -x "tests passed: 1"
    test "$(upgrades)" = "$before"
    test "$(changed_twice)" = 0
'
it 'an upgrade that was accepted and does not begin is asked about as well' '
    begin planx-production
    until_asked "Upgrade $production from"
    trouble "{\"do\":\"not_begun\",\"match\":{\"target\":\"$production\"}}"
    until_asked "changed nothing; try again"
    shown reports "upgrade that changed nothing" reason | grep "did not begin; it is queued"
    answered go_on_plain
    test "$(version $production)" = 16.3
'
it 'a snapshot that can not be taken stops the run before the upgrade; mended and resumed it goes on' '
    begin planx-production
    until_asked "Upgrade $production from"
    trouble "{\"do\":\"denied\",\"match\":{\"action\":\"CreateDBSnapshot\"},\"times\":0}"
    approve_open
    go_on
    test "$status" = 4 || test "$status" = 1
    test "$(upgrades)" = 0
    mended
    answered go_on_plain
    test "$(version $production)" = 16.3
'
it 'rejected before the upgrade and rolled back, nothing of it is left' '
    begin planx-production
    until_asked "Upgrade $production from"
    cairn reject @last
    go_on
    test "$status" = 4
    cairn rollback @last --no-input
    world >after.json
    for what in instances groups snapshots; do
        test "$(look before.json rds $what)" = "$(look after.json rds $what)"
    done
    test "$(changed_twice)" = 0
'
finish
