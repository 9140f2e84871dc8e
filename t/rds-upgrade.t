#!/bin/sh
# rds-upgrade.t: the upgrade in place from end to end: what the world is afterwards.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"

db=app1a2b3c4
reader=$db-metabase

# With a page that shows the database's version, and a state of Terraform that is behind.
sed '$r /dev/stdin' "$SRC/examples/planx-production/world.yaml" >world.yaml <<END

web: { pages: { health: { database: $db, text: "alive with {version}" } } }
END
use_world planx-production
sed -i '/^expected_version=/d' arguments
cat >>arguments <<END
stack={"file":"$T/main.tfstate"}
smoke=[{"url":"$CAIRN_SIM_WEB/health","text":"alive with 16.3"}]
END
cat >main.tfstate <<END
{ "version": 4, "terraform_version": "1.9.0", "outputs": {}, "resources": [ { "mode": "managed", "type": "aws_db_instance",
  "instances": [ { "attributes": { "identifier": "$db", "engine_version": "12.17", "password": "n0t-for-the-record" } } ] } ] }
END
echo 'exec: { programs: [cat] }' >>cairn.yaml
world >before.json

it 'an upgrade of an instance with a replica goes through, and asks once' '
    answered run_flow >run.log 2>&1 || { tail -n 40 run.log; exit 1; }
    test "$(shown state)" = done
    test "$(shown --count approvals)" = 1
    world >after.json
'
it 'both instances have the new version, the names and the protection that they had' '
    test "$(look --keys after.json rds instances)" = "$db $reader"
    for instance in $db $reader; do
        test "$(look after.json rds instances $instance version)" = 16.3
        test "$(look after.json rds instances $instance status)" = available
        test "$(look after.json rds instances $instance resource_id)" = \
            "$(look before.json rds instances $instance resource_id)"
    done
    test "$(look after.json rds instances $db deletion_protection)" = true
'
it 'one group of the new family has the settings of the old one, and is in force on both' '
    test "$(look --keys after.json rds groups)" = "$db-postgres16 postgres12-custom"
    test "$(look after.json rds groups $db-postgres16 parameters rds.force_ssl value)" = 0
    for instance in $db $reader; do
        test "$(look after.json rds instances $instance group)" = $db-postgres16
        test "$(look after.json rds instances $instance group_status)" = in-sync
        test "$(look after.json rds instances $instance in_force shared_preload_libraries)" = pg_stat_statements
    done
'
it 'there is a snapshot from before and one from after' '
    test "$(look --keys after.json rds snapshots)" = "$db-cairn-RUN-after $db-cairn-RUN-before"
    test "$(look after.json rds snapshots $db-cairn-RUN-before version)" = 12.19
    test "$(look after.json rds snapshots $db-cairn-RUN-after version)" = 16.3
'
it 'the maintenance page is gone' '
    test "$(look before.json cloudflare)" = "$(look after.json cloudflare)"
    test "$(ledger | grep -c "^cloudflare")" = 2
'
it 'no change was made twice, and the journal proves itself' '
    test "$(changed_twice)" = 0
    cairn verify @last
'
it 'what the stack declares was told without its password, and the page was tried' '
    test "$(shown reports "declared by the stack" engine_version)" = 12.17
    test "$(shown reports "tried in $db")" = "tests passed: 1"
    cairn show @last --records -o json | must_fail any grep n0t-for-the-record
'
it 'the report has the drift, how long writes were down at most, and both versions' '
    test "$(shown reports drift engine_version configured)" = 12.17
    test "$(shown reports "writes down at most")" = "3 min 00 s"
    test "$(shown reports "database before" engine_version)" = 12.19
    test "$(shown reports "database after" engine_version)" = 16.3
'
finish
