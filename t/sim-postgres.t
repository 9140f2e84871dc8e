#!/bin/sh
# sim-postgres.t: what the simulated RDS does is done to real PostgreSQL servers, too.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/postgres.sh"
. "$SRC/t/rows.sh"
need_postgres

{
    world_head
    cat <<'EOF2'
rds:
  parameter_groups:
    own: { family: postgres14, parameters: { work_mem: 16384 } }
EOF2
    world_orders 14.12 own
    cat <<EOF2
  snapshots:
    before: { instance: orders }
EOF2
} >world.yaml

status() { # DATABASE
    rds DescribeDBInstances DBInstanceIdentifier="$1" | text DBInstanceStatus
}
is() { # DATABASE STATUS
    [ "$(status "$1")" = "$2" ]
}
becomes() { # DATABASE STATUS
    until_true 600 is "$1" "$2"
}

it 'a database of the world is a server with the contents that the world file says, and its group is in force' '
    real_sim world.yaml --speed 3000
    test "$(at orders "select count(*) from orders")" = 1000
    test "$(at orders "show work_mem")" = 16MB
    test "$(at orders "select rolsuper from pg_roles where rolname = current_user")" = f
'
it 'a wrong password is refused' '
    PGPASSWORD=wrong
    must_fail any at orders "select 1"
'
if [ -x /usr/sbin/pgbouncer ] || command -v pgbouncer >/dev/null; then
    it 'a proxy is a pgbouncer: it runs the init query, and without a target its address leads nowhere' '
        test "$(at orders-proxy "select count(*) from orders")" = 1000
        PGPASSWORD=wrong must_fail any at orders-proxy "select 1"
        rds ModifyDBProxyTargetGroup DBProxyName=orders-proxy TargetGroupName=default \
            "ConnectionPoolConfig.InitQuery=set work_mem to 4321" >/dev/null
        initialized() { [ "$(at orders-proxy "show work_mem")" = 4321kB ]; }
        until_true 400 initialized
        rds DeregisterDBProxyTargets DBProxyName=orders-proxy DBInstanceIdentifiers.member.1=orders >/dev/null
        until_true 400 must_fail any at orders-proxy "select 1"
        rds RegisterDBProxyTargets DBProxyName=orders-proxy DBInstanceIdentifiers.member.1=orders >/dev/null
        until_true 400 at orders-proxy "select 1"
    '
fi
it 'a snapshot keeps the rows of its time, and a restore of it is a server with the old password' '
    rds CreateDBSnapshot DBInstanceIdentifier=orders DBSnapshotIdentifier=then >/dev/null
    taken() { [ "$(rds DescribeDBSnapshots DBSnapshotIdentifier=then | text Status)" = available ]; }
    until_true 600 taken
    at orders "delete from orders where id > 10"
    rds RestoreDBInstanceFromDBSnapshot DBInstanceIdentifier=again DBSnapshotIdentifier=then >/dev/null
    becomes again available
    test "$(at again "select count(*) from orders")" = 1000
    test "$(at orders "select count(*) from orders")" = 10
'
it 'a dynamic parameter comes into force at once, a static one with the restart' '
    rds ModifyDBParameterGroup DBParameterGroupName=own Parameters.Parameter.1.ParameterName=work_mem \
        Parameters.Parameter.1.ParameterValue=8192 Parameters.Parameter.2.ParameterName=rds.logical_replication \
        Parameters.Parameter.2.ParameterValue=1 Parameters.Parameter.2.ApplyMethod=pending-reboot >/dev/null
    dynamic() { [ "$(at orders "show work_mem")" = 8MB ]; }
    until_true 600 dynamic
    test "$(at orders "show wal_level")" = replica
    rds RebootDBInstance DBInstanceIdentifier=orders >/dev/null
    becomes orders available
    test "$(at orders "show wal_level")" = logical
'
it 'a renamed database is at its new address, and at the old one is nobody' '
    rds ModifyDBInstance DBInstanceIdentifier=again NewDBInstanceIdentifier=moved ApplyImmediately=true >/dev/null
    until_true 600 is moved available
    test "$(at moved "select count(*) from orders")" = 1000
    must_fail any at again "select 1"
'
it 'a major upgrade in place is a real one, and keeps the rows' '
    rds ModifyDBInstance DBInstanceIdentifier=moved EngineVersion=15.7 AllowMajorVersionUpgrade=true ApplyImmediately=true >/dev/null
    upgraded() { [ "$(rds DescribeDBInstances DBInstanceIdentifier=moved | text EngineVersion)" = 15.7 ] && is moved available; }
    until_true 1200 upgraded
    test "$(at moved "select count(*) from orders")" = 1000
    # pg_upgrade brings no statistics.
    test "$(at moved "select count(*) from pg_stats where tablename = \$\$orders\$\$")" = 0
'
it 'what pg_upgrade refuses leaves the old version, with its words in a log' '
    at orders "create table odd (a regcollation)"
    rds ModifyDBInstance DBInstanceIdentifier=orders EngineVersion=15.7 AllowMajorVersionUpgrade=true ApplyImmediately=true >/dev/null
    refused_it() { rds DescribeEvents SourceType=db-instance SourceIdentifier=orders | grep -q "can not be completed"; }
    until_true 1200 refused_it
    becomes orders available
    test "$(rds DescribeDBInstances DBInstanceIdentifier=orders | text EngineVersion)" = 14.12
    log=$(rds DescribeDBLogFiles DBInstanceIdentifier=orders FilenameContains=pg_upgrade_internal | text LogFileName)
    rds DownloadDBLogFilePortion DBInstanceIdentifier=orders LogFileName="$log" | grep -q "reg\* data types"
    test "$(at orders "select count(*) from orders")" = 10
'
it 'a deleted database is at no address any more, and comes back from its final snapshot in its version' '
    rds DeleteDBInstance DBInstanceIdentifier=moved FinalDBSnapshotIdentifier=last >/dev/null
    until_true 600 refused DBInstanceNotFound DescribeDBInstances DBInstanceIdentifier=moved
    must_fail any at moved "select 1"
    rds RestoreDBInstanceFromDBSnapshot DBInstanceIdentifier=back DBSnapshotIdentifier=last >/dev/null
    becomes back available
    test "$(at back "select count(*) from orders")" = 1000
    test "$(rds DescribeDBInstances DBInstanceIdentifier=back | text EngineVersion)" = 15.7
'
it 'when the simulator is killed in the middle of an upgrade, no server and no folder is left' '
    at orders "drop table odd"
    rds ModifyDBInstance DBInstanceIdentifier=orders EngineVersion=15.7 AllowMajorVersionUpgrade=true ApplyImmediately=true >/dev/null
    # pg_upgrade starts servers of its own.
    until_true 2400 pgrep -f "postgres -D $T/tmp/cairn-sim.* -p 50432 "
    test -n "$(servers_left)" # the look does see them
    kill -KILL "$(cat sim.pid)"
    ends_with_nothing_left
'
finish
