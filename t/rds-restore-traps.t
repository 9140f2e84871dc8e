#!/bin/sh
# rds-restore-traps.t: what goes wrong at restores, each made to happen: nothing is lost, and the text says what to do.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/restore.sh"

EXAMPLE=restore
old=app5ec7032

changes() {
    sim_get /_sim/verdict | sed 's/.*"changes":\([0-9]*\).*/\1/'
}
# Calls by somebody else than cairn.
by_operator() { # SERVICE CURL-ARGUMENT...
    lib_service=$1
    shift
    curl -sS --fail-with-body --noproxy "*" --aws-sigv4 "aws:amz:eu-west-2:$lib_service" \
        --user "AKIACAIRNSIMULATOR01:simulatedSecretOfTheOperator/0123456789+" "$@" "$CAIRN_SIM_URL/" >by_hand.out
}
by_hand() { # FORM
    by_operator rds --data "Version=2014-10-31&$1"
}
# The run ends at once, for this reason, and nothing was changed.
refuses() { # TEXT ARG...
    lib_text=$1
    shift
    must_fail 1 run_flow "$@" >run.log 2>&1
    grep -q "$lib_text" run.log || { echo "no \"$lib_text\" in:"; tail -n 15 run.log; return 1; }
    test "$(changes)" = 0
    cairn rollback @last --no-input >run.log 2>&1
}

it 'a snapshot that can not be restored is refused before anything is changed' '
    in_world "s/^  snapshots:/\$&
    half: { instance: app5ec7032, status: creating, age: 1m }
    older: { instance: app5ec7032, version: \"15.7\", age: 20d }
    shared: { instance: app5ec7032, owner: \"111122223333\" }
    of-another: { source: other, resource_id: db-OTHER, version: \"16.3\", class: db.t3.small }/m"
    use_world restore
    refuses "snapshot half is available (it is creating)" -p snapshot=half
    refuses "copied into this account first" -p snapshot=arn:aws:rds:eu-west-2:111122223333:snapshot:shared
    refuses "planx-postgres16 (postgres16) is of the family of 15.7" -p snapshot=older
    refuses "it is of other" -p snapshot=of-another
    refuses "there is none" -p snapshot=nosuch
    refuses "within 2025-02-1" -p point_in_time=2024-12-24T00:00:00Z
    refuses "a time like" -p point_in_time=yesterday
    refuses "clas isn.t a setting" -p "settings={\"clas\":\"db.t3.small\"}"
'
it 'a name that several databases had is not guessed about' '
    in_world "s/^  snapshots:/\$&
    a: { source: gone, resource_id: db-A, version: \"16.3\", class: db.t3.small, type: automated }
    b: { source: gone, resource_id: db-B, version: \"16.3\", class: db.t3.small, type: automated }/m"
    use_world restore
    refuses "give resource_id, one of db-A, db-B" -p database=gone
    refuses "security_groups is known: the live database is gone" -p database=gone -p resource_id=db-B
'
it 'a key that is disabled ends the restore, and a rollback leaves the live database as it was' '
    key=arn:aws:kms:eu-west-2:239043911459:key\\/2c9d5e7f-1111-4222-8333-444455556666
    in_world "s/^rds:/faults: [{ do: disabled_key, match: { target: \"$key\" }, times: 0 }]\n\nrds:/m"
    use_world restore
    must_fail 1 answered run_flow >run.log 2>&1
    grep -q "KMSKeyNotAccessibleFault" run.log
    answered cairn rollback @last --no-input >run.log 2>&1
    world >now.json
    test "$(look --keys now.json rds instances)" = "$old"
'
it 'a backup that turns out incompatible ends the restore; a rollback deletes what came of it, without a snapshot' '
    in_world "s/^rds:/faults: [{ do: fail_restore }]\n\nrds:/m"
    use_world restore
    must_fail 1 answered run_flow >run.log 2>&1
    grep -q "incompatible-restore" run.log
    answered cairn rollback @last --no-input >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    world >now.json
    test "$(look --keys now.json rds instances)" = "$old"
    test "$(look --count now.json rds snapshots)" = 5
'
it 'a broken live database takes no snapshot, which is recorded, and is replaced all the same' '
    in_world "s/^      deletion_protection: true/\$&\n      status: storage-full/m"
    use_world restore
    answered run_flow >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    reported "safety snapshot" | grep -qx "skipped: $old is storage-full"
    test "$(reported "final snapshot")" = none
    world >now.json
    test "$(look --keys now.json rds instances)" = "$old-restore-RUN"
    test "$(look --count now.json rds snapshots)" = 4
'
it 'parameters that wait for a restart get one, and only one' '
    in_world "s/^rds:/faults: [{ do: restore_pending_reboot }]\n\nrds:/m"
    use_world restore
    answered run_flow >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    ledger >got
    test "$(grep -c "RebootDBInstance $old-restore-RUN" got)" = 1
    world >now.json
    test "$(look now.json rds instances "$old-restore-RUN" group_status)" = in-sync
'
mended() {
    world >now.json
    test "$(look now.json rds instances "$old-restore-RUN" iops)" = 3000
}
it 'a setting that differs for no known reason stops the run at the gate; mended, it goes on; accepted, it is listed' '
    in_world "s/^      storage_type: gp2/      storage_type: gp3\n      iops: 3000/m"
    use_world restore
    must_fail 1 answered run_flow -p delete_old=false >run.log 2>&1
    grep -q "it differs in iops: 3000 -> none" run.log
    must_fail 1 cairn resume @last --no-input >run.log 2>&1
    by_hand "Action=ModifyDBInstance&DBInstanceIdentifier=$old-restore-$(shown id)&Iops=3000&ApplyImmediately=true"
    until_true 100 mended
    answered cairn resume @last --no-input >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    test "$(shown state)" = done
    use_world restore
    answered run_flow -p delete_old=false -p "accept=[\"iops\"]" >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    reported "settings that differ, explained" | grep -q "iops: 3000 -> none (accepted by the operator)"
'
it 'what the operator says goes before what the old database had, and is listed' '
    rm -f world.yaml
    use_world restore
    answered run_flow -p "settings={\"class\":\"db.t3.medium\",\"backup_retention\":7}" -p point_in_time=latest \
        >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    reported "settings that differ, explained" | grep -q "class: db.t3.medium (given)"
    world >now.json
    test "$(look now.json rds instances "$old-restore-RUN" class)" = db.t3.medium
    test "$(look now.json rds instances "$old-restore-RUN" backup_retention)" = 7
    ledger | grep -q "RestoreDBInstanceToPointInTime $old-restore-RUN"
'
it 'who is still connected to the old database is told to a person before its deletion; with a no it is kept' '
    rm -f world.yaml
    use_world restore
    until_asked "Go on to the deletion of app5ec7032 though it is in use" run_flow -p lambdas=[]
    reported "connections to app5ec7032" | grep -x "5 are open"
    cairn reject @last --comment "the exports still use it"
    cairn resume @last --no-input
    reported "old database kept" | grep "the exports still use it"
    world >after.json
    look after.json rds instances app5ec7032 status | grep -x available
'
it 'a secret of Secrets Manager that somebody puts back is noticed, and set again when a person says so' '
    use_world restore
    # Behind the sixth change, in Secrets Manager, come the pods.
    killed_at engine.sending:7 run_flow >run.log 2>&1
    ledger | tail -n 1 | grep -x "secretsmanager PutSecretValue planx/metabase"
    world >now.json
    was=$(jq -r ".secretsmanager[\"planx/metabase\"][-1].value | fromjson | .host = \"app5ec7032.c5planxexample.eu-west-2.rds.amazonaws.com\" | tojson" now.json)
    jq -n --arg value "$was" "{SecretId: \"planx/metabase\", SecretString: \$value,
        ClientRequestToken: \"00000000-0000-4000-8000-000000000001\"}" >put.json
    by_operator secretsmanager --data @put.json -H "X-Amz-Target: secretsmanager.PutSecretValue" \
        -H "Content-Type: application/x-amz-json-1.1"
    until_asked "Set secret planx/metabase again" cairn resume @last --no-input
    answered cairn resume @last --no-input >run.log 2>&1
    test "$(shown state)" = done
    world >after.json
    jq -r ".secretsmanager[\"planx/metabase\"][-1].value | fromjson | .host" after.json | grep "^app5ec7032-restore-"
'
it 'an instance of somebody else under the new name is a conflict, and no rollback touches it' '
    use_world restore
    must_fail 3 run_flow >run.log 2>&1
    theirs=$old-restore-$(shown id)
    by_hand "Action=RestoreDBInstanceFromDBSnapshot&DBInstanceIdentifier=$theirs&DBSnapshotIdentifier=before-release-42"
    approve_open
    must_fail 1 answered cairn resume @last --no-input >run.log 2>&1
    grep -q "instance $theirs" run.log
    answered cairn rollback @last --no-input >run.log 2>&1
    world >now.json
    look --keys now.json rds instances | grep -q "$old $old-restore-RUN"
'
it 'a lost reply, and looks that are out of date after it, make no second instance' '
    in_world "s/^rds:/faults:
  - { match: { action: RestoreDBInstanceFromDBSnapshot }, do: cut_after }
  - { match: { action: DescribeDBInstances, n: 3 }, do: stale, times: 2 }
  - { match: { action: ModifyDBInstance }, do: cut_after }

rds:/m"
    use_world restore
    answered run_flow >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    test "$(changed_twice)" = 0
    world >now.json
    test "$(look --keys now.json rds instances)" = "$old-restore-RUN"
'
stop_sim
finish
