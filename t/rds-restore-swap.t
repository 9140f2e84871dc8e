#!/bin/sh
# rds-restore-swap.t: a restored database gets the name of the live one; also when the run dies while nobody has it.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/restore.sh"

EXAMPLE=restore-swap
name=appfb2a31c

use_world restore-swap
world >before.json

it 'a restore by swap goes through' '
    answered run_flow >run.log 2>&1 || { tail -n 40 run.log; exit 1; }
    test "$(shown state)" = done
    world >after.json
'
it 'the world was changed so, and nothing was changed twice' '
    cat >want.ledger <<END
rds CreateDBSnapshot $name-cairn-RUN-before
rds RestoreDBInstanceFromDBSnapshot $name-restore-RUN
rds ModifyDBInstance $name-restore-RUN
rds AddRoleToDBInstance $name-restore-RUN
cloudflare CreateRoute hasura.planx.example/*
rds CreateDBSnapshot $name-cairn-RUN-last
rds ModifyDBInstance $name
rds ModifyDBInstance $name-restore-RUN
kubernetes PatchDeployment deployments/planx/hasura
cloudflare DeleteRoute hasura.planx.example/*
rds ModifyDBInstance $name-original-RUN
rds DeleteDBInstance $name-original-RUN
END
    ledger >got
    diff -u want.ledger got
    test "$(changed_twice)" = 0
    cairn verify @last
'
it 'the name is that of another database, with every setting of the old one' '
    settings_of before.json "$name" >want
    settings_of after.json "$name" >got
    diff -u want got
    test "$(look before.json rds instances "$name" resource_id)" != "$(look after.json rds instances "$name" resource_id)"
    test "$(look --keys after.json rds instances)" = "$name"
    shown value address >got
    test "$(cat got)" = "$name.c5planxexample.eu-west-2.rds.amazonaws.com"
'
it 'the original has left its last snapshots' '
    look --keys after.json rds snapshots >got
    for snapshot in "$name-cairn-RUN-before" "$name-cairn-RUN-last" "$name-original-RUN-cairn-RUN-final"; do
        grep -q "$snapshot" got
    done
'

owner_of_the_name() {
    world >now.json
    look now.json rds instances "$name" resource_id
}
nobody_has_it() {
    test -z "$(owner_of_the_name)"
}
# The eighth change is the second rename: the engine dies when it is about to be sent.
die_between() {
    use_world restore-swap
    owner_of_the_name >owner.before
    killed_at engine.sending:8 run_flow >run.log 2>&1
    nobody_has_it
    ledger >now.ledger
    test "$(grep -c "ModifyDBInstance" now.ledger)" = 2
    shown --count approvals >answers
}

it 'killed between the renames, a resume finishes forward without a question' '
    die_between
    must_fail 3 cairn resume @last --no-input >run.log 2>&1
    asked "Delete the old database"
    test "$(shown --count approvals)" = "$(cat answers)"
    owner_of_the_name >owner.after
    test -s owner.after
    must_fail 1 cmp -s owner.before owner.after
    answered cairn resume @last --no-input >run.log 2>&1
    test "$(shown state)" = done
    test "$(changed_twice)" = 0
    ledger >got
    diff -u want.ledger got
'
it 'killed between the renames, a rollback gives the original its name back and leaves nothing of the new one' '
    die_between
    answered cairn rollback @last --no-input >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    test "$(shown state)" = rolled_back
    owner_of_the_name >owner.after
    cmp owner.before owner.after
    test "$(look --keys now.json rds instances)" = "$name"
    test "$(look --count now.json cloudflare 5b1e7c2d9f8a4b3c6d0e1f2a3b4c5d6e routes)" = 0
    test "$(changed_twice)" = 0
'
it 'with looks that lag behind each change it ends the same' '
    in_world "s/^rds:/faults: [{ do: lag, match: { service: rds }, times: 0, reads: 2, flapping: true }]\n\nrds:/m"
    use_world restore-swap
    answered run_flow >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    ledger >got
    diff -u want.ledger got
    test "$(changed_twice)" = 0
'
stop_sim
finish
