#!/bin/sh
# rds-restore.t: a database restored beside the live one: what the world is afterwards, and what was changed in it.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/restore.sh"

EXAMPLE=restore
new=app5ec7032-restore-RUN
address=$new.c5planxexample.eu-west-2.rds.amazonaws.com

use_world restore
world >before.json

it 'a restore from the newest automated snapshot goes through' '
    answered run_flow >run.log 2>&1 || { tail -n 40 run.log; exit 1; }
    test "$(shown state)" = done
    reported "restored from" | grep -q "snapshot rds:app5ec7032-2025-03-21-03-05"
    test "$(reported "connections to app5ec7032")" = "0 are open"
    world >after.json
'
it 'the world was changed so, and nothing was changed twice' '
    cat >want <<END
rds CreateDBSnapshot app5ec7032-cairn-RUN-before
rds RestoreDBInstanceFromDBSnapshot $new
rds ModifyDBInstance $new
rds AddRoleToDBInstance $new
kubernetes PatchSecret secrets/planx/hasura-database
secretsmanager PutSecretValue planx/metabase
kubernetes PatchDeployment deployments/planx/hasura
lambda UpdateFunctionConfiguration planx-exports
lambda PublishVersion planx-exports
lambda UpdateAlias planx-exports:live
rds ModifyDBInstance app5ec7032
rds DeleteDBInstance app5ec7032
END
    ledger >got
    diff -u want got
    test "$(changed_twice)" = 0
    cairn verify @last
'
it 'the new database has every setting of the old one' '
    settings_of before.json app5ec7032 >want
    settings_of after.json "$new" >got
    diff -u want got
    test "$(reported "settings that differ, unexplained")" = "[]"
'
it 'what RDS would have made otherwise was told to the person who was asked' '
    reported "not as RDS would have it" >got
    for trap in "storage_type: gp2, not gp3" "parameter_group: planx-postgres16" "monitoring_interval: 60, not 0"; do
        grep -q "$trap" got
    done
'
it 'secrets and function lead to it, with user and password as before, and the pods were started anew' '
    test "$(look after.json kubernetes planx-staging secrets/planx/hasura-database hosts HASURA_GRAPHQL_DATABASE_URL)" \
        = "$address:5432"
    test "$(look --keys after.json kubernetes planx-staging deployments/planx/hasura hosts)" \
        = "HASURA_GRAPHQL_DATABASE_URL $address:5432"
    look after.json secretsmanager planx/metabase 1 >got
    for part in "\"host\":\"$address\"" "\"password\":\"planted-Sn0wy0wl-9a4c\"" "\"port\":5432" AWSCURRENT; do
        tr -d "\\\\" <got | grep -qF "$part" || { cat got; exit 1; }
    done
    test "$(look after.json lambda functions planx-exports aliases live version)" = 4
    test "$(look after.json lambda functions planx-exports latest variables DATABASE_URL)" \
        = "postgresql://planx:planted-Sn0wy0wl-7d1f@$address:5432/postgres"
'
it 'the old one is gone and has left a final snapshot beside the one from before; its backups are kept' '
    test "$(look --keys after.json rds instances)" = "$new"
    look --keys after.json rds snapshots >got
    for name in app5ec7032-cairn-RUN-before app5ec7032-cairn-RUN-final rds:app5ec7032-2025-03-21-03-05; do
        grep -q "$name" got
    done
    test "$(look --count after.json rds backups)" = 1
'
it 'the master password is nowhere in the record' '
    must_fail 1 grep -rqa "Sn0wy0wl" "$XDG_STATE_HOME" run.log
'
stop_sim
finish
