#!/bin/sh
# blue-green.t: the upgrade by blue/green from end to end: what the world is afterwards.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"

cluster=notification-canada-ca-staging-cluster
instance=notification-canada-ca-staging-instance
proxy=notification-canada-ca-staging-proxy
group=$cluster-aurora-postgresql15

# Before and after, at these names.
same() {
    test -n "$(look before.json "$@")"
    test "$(look before.json "$@")" = "$(look after.json "$@")"
}

use_world gc-notify
world >before.json

it 'an upgrade of a cluster behind a proxy goes through' '
    answered run_flow >run.log 2>&1 || { tail -n 40 run.log; exit 1; }
    test "$(shown state)" = done
    world >after.json
'
it 'no process complains of itself' '
    cairn logs @last >>run.log
    must_fail 1 grep -E "Sanitizer|runtime error:|Assertion|corrupt" run.log sim.err
'
it 'the cluster has the new version under its old name, protected, with its members' '
    test "$(look after.json rds clusters "$cluster" version)" = 15.5
    test "$(look after.json rds clusters "$cluster" deletion_protection)" = true
    test "$(look --keys after.json rds instances)" = "$instance-0 $instance-1 $instance-2"
    test "$(look after.json rds instances "$instance-1" class)" = db.r6g.large
'
it 'the old cluster is gone and has left a final snapshot, beside the one from before' '
    test "$(look --keys after.json rds clusters)" = "$cluster"
    test "$(look --keys after.json rds cluster_snapshots)" = "$cluster-cairn-RUN-before $cluster-old1-cairn-RUN-final"
'
it 'the deployment is gone' '
    test "$(look --count after.json rds deployments)" = 0
'
it 'the parameter groups in use have the old settings and logical replication' '
    test "$(look --keys after.json rds cluster_groups)" = "notification-canada-ca-staging-11 $group"
    test "$(look after.json rds clusters "$cluster" group)" = "$group"
    test "$(look after.json rds cluster_groups "$group" parameters log_statement value)" = ddl
    test "$(look after.json rds cluster_groups "$group" parameters rds.logical_replication value)" = 1
    test "$(look after.json rds groups "$group" parameters work_mem value)" = 16384
    test "$(look after.json rds instances "$instance-0" group)" = "$group"
'
it 'the proxy has everything that it had, and its target is the new cluster' '
    for part in auth pool require_tls idle_timeout role_arn security_groups subnets status tags; do
        same rds proxies "$proxy" "$part"
    done
    test "$(look --keys before.json rds endpoints)" = "$(look --keys after.json rds endpoints)"
    for end in read-only read-write; do
        same rds endpoints "$proxy-$end" role
    done
    look after.json rds clusters "$cluster" resource_id >want
    look after.json rds proxies "$proxy" targets 0 id >got
    diff -u want got
'
it 'the keys of the secret have the values that they had' '
    for key in POSTGRES_SQL SQLALCHEMY_DATABASE_READER_URI; do
        look --find "$key" before.json kubernetes >want
        look --find "$key" after.json kubernetes >got
        test -s want
        diff -u want got
    done
'
it 'the alias leads to a new version with the addresses that it had' '
    test "$(look after.json lambda functions api-lambda aliases latest version)" = 43
    look --find SQLALCHEMY_DATABASE_URI before.json lambda functions api-lambda latest >want
    look --find SQLALCHEMY_DATABASE_URI after.json lambda functions api-lambda latest >got
    test -s want
    diff -u want got
'
it 'the maintenance page is gone and its route leads where it led' '
    test "$(look before.json cloudflare)" = "$(look after.json cloudflare)"
'
it 'no change was made twice, and the journal proves itself' '
    test "$(changed_twice)" = 0
    cairn verify @last
'
it 'the report says who approved what, how long writes were down at most, and both resource ids' '
    test "$(shown --count approvals)" = 4
    shown reports "writes down at most" | grep -E "^[0-9]+ (s|min)"
    old=$(shown reports "database before" resource_id)
    test "$old" = "$(shown reports "old database" resource_id)"
    test "$old" != "$(shown reports "database after" resource_id)"
'
finish
