#!/bin/sh
# sim-restore.t: instances restored, renamed and configured in the simulator, traps included; each operation by the
# real `aws` program once, the others by curl.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws-cli.sh"

role=arn:aws:iam::239043911459:role/monitoring
key=arn:aws:kms:ca-central-1:239043911459:key/gone
{
    world_head
    cat <<EOF
faults:
  - { do: disabled_key, match: { target: "$key" }, times: 0 }
rds:
  zone: czone
  parameter_groups:
    planx-16: { family: postgres16, parameters: { rds.force_ssl: 0, max_connections: 200 } }
  instances:
    planx:
      engine: postgres
      version: "16.3"
      class: db.t3.small
      parameter_group: planx-16
      deletion_protection: true
      security_groups: [sg-app]
      multi_az: true
      log_exports: [postgresql, upgrade]
      monitoring_interval: 60
      monitoring_role: $role
      performance_insights: true
      max_allocated_storage: 200
      roles: [{ arn: "arn:aws:iam::239043911459:role/import", feature: s3Import }]
    full: { engine: postgres, version: "16.3", class: db.t3.small, status: storage-full }
    lost: { engine: postgres, version: "16.3", class: db.t3.small, status: incompatible-network }
  snapshots:
    rds:planx-2024-02-13-03-05: { instance: planx, type: automated, age: 11h }
    rds:planx-2024-02-12-03-05: { instance: planx, type: automated, age: 35h }
    half: { instance: planx, status: creating, age: 1m }
    foreign: { instance: planx, owner: "111122223333" }
    keyless: { instance: planx, kms_key: "$key" }
    old: { source: gone, resource_id: db-GONE, version: "15.7", class: db.t3.small }
EOF
} >world.yaml

# What the instance has in these elements, one word after the other.
of() { # NAME TAG...
    lib_name=$1
    shift
    rds DescribeDBInstances "DBInstanceIdentifier=$lib_name" >one.xml
    for lib_tag; do
        text "$lib_tag" <one.xml
    done | tr '\n' ' ' | sed 's/ $//'
}
restore() { # NEW-NAME SNAPSHOT [NAME=VALUE...]
    lib_new=$1 lib_from=$2
    shift 2
    rds RestoreDBInstanceFromDBSnapshot "DBInstanceIdentifier=$lib_new" "DBSnapshotIdentifier=$lib_from" "$@" >one.xml
}
no_restore() { # CODE NEW-NAME SNAPSHOT [NAME=VALUE...]
    lib_want=$1 lib_new=$2 lib_from=$3
    shift 3
    refused "$lib_want" RestoreDBInstanceFromDBSnapshot "DBInstanceIdentifier=$lib_new" \
        "DBSnapshotIdentifier=$lib_from" "$@"
}
change() { # NAME [NAME=VALUE...]
    lib_name=$1
    shift
    rds ModifyDBInstance "DBInstanceIdentifier=$lib_name" ApplyImmediately=true "$@" >one.xml
}

with_aws "$(aws_programs | head -n 1)"
it 'the world starts' 'start_sim world.yaml --speed 0.01'

it 'snapshots are listed by database, type and filter; those of others only when asked for' '
    id=$(of planx DbiResourceId)
    is "rds:planx-2024-02-12-03-05 rds:planx-2024-02-13-03-05" rds describe-db-snapshots --dbi-resource-id $id \
        --snapshot-type automated --query "DBSnapshots[].DBSnapshotIdentifier"
    rds DescribeDBSnapshots | text DBSnapshotIdentifier | tr "\n" " " >got
    test "$(cat got)" = "half keyless old rds:planx-2024-02-12-03-05 rds:planx-2024-02-13-03-05 "
    test "$(rds DescribeDBSnapshots SnapshotType=shared | text DBSnapshotIdentifier)" = foreign
    test "$(rds DescribeDBSnapshots IncludeShared=true Filters.Filter.1.Name=snapshot-type \
        Filters.Filter.1.Values.Value.1=shared | text DBSnapshotIdentifier)" = foreign
    is "old gone 15.7" rds describe-db-snapshots --filters Name=dbi-resource-id,Values=db-GONE \
        --query "DBSnapshots[].[DBSnapshotIdentifier,DBInstanceIdentifier,EngineVersion]"
    refused InvalidDBSnapshotState DeleteDBSnapshot DBSnapshotIdentifier=rds:planx-2024-02-13-03-05
'
it 'what a restore leaves out is the default of the service, not what the database had' '
    is "creating None" rds restore-db-instance-from-db-snapshot --db-instance-identifier plain \
        --db-snapshot-identifier rds:planx-2024-02-13-03-05 --query "DBInstance.[DBInstanceStatus,Endpoint]"
    advance 3m10s
    test "$(of plain DBInstanceStatus)" = backing-up
    advance 1m
    test "$(of plain DBInstanceStatus)" = modifying
    advance 1m
    test "$(of plain DBInstanceStatus DBInstanceClass EngineVersion MultiAZ StorageType DeletionProtection)" = \
        "available db.t3.small 16.3 false gp3 false"
    test "$(of plain DBParameterGroupName VpcSecurityGroupId)" = "default.postgres16 sg-0default0000000"
    test "$(of plain PerformanceInsightsEnabled MonitoringInterval)" = "false 0"
    test -z "$(of plain MaxAllocatedStorage EnabledCloudwatchLogsExports RoleArn)"
    test "$(of plain Address)" = plain.czone.ca-central-1.rds.amazonaws.com
'
it 'a restore sets what it may, and refuses what only a later change can' '
    a rds restore-db-instance-from-db-snapshot --db-instance-identifier full-set --multi-az --deletion-protection \
        --db-snapshot-identifier rds:planx-2024-02-13-03-05 --db-parameter-group-name planx-16 --port 5433 \
        --vpc-security-group-ids sg-app sg-2 --storage-type io1 --iops 3000 --enable-cloudwatch-logs-exports postgresql \
        --tags Key=a,Value=b --enable-iam-database-authentication --no-auto-minor-version-upgrade
    advance 6m
    test "$(of full-set DBInstanceStatus MultiAZ DeletionProtection Port StorageType Iops VpcSecurityGroupId)" = \
        "available true true 5433 io1 3000 sg-app sg-2"
    test "$(of full-set ParameterApplyStatus Value member)" = "in-sync b postgresql"
    no_restore InvalidParameterCombination other old MonitoringInterval=60
    no_restore InvalidParameterCombination other old PreferredMaintenanceWindow=sun:04:00-sun:04:30
'
it 'a restore is refused for a name in use, a half snapshot, a foreign one, a dead key, a smaller disk, a wrong family' '
    no_restore DBInstanceAlreadyExists planx old
    no_restore InvalidDBSnapshotState new half
    no_restore DBSnapshotNotFound new foreign
    no_restore KMSKeyNotAccessibleFault new arn:aws:rds:ca-central-1:111122223333:snapshot:foreign
    no_restore KMSKeyNotAccessibleFault new keyless
    no_restore InvalidParameterValue new old AllocatedStorage=20
    no_restore InvalidParameterCombination new old DBParameterGroupName=planx-16
'
it 'an instance is restored to a point in time, also one that was deleted with its backups kept' '
    is "active" rds describe-db-instance-automated-backups --db-instance-identifier plain \
        --query "DBInstanceAutomatedBackups[].Status"
    past="RestoreDBInstanceToPointInTime TargetDBInstanceIdentifier=past SourceDBInstanceIdentifier=plain"
    refused InvalidParameterCombination $past
    refused InvalidParameterValue $past RestoreTime=2020-01-01T00:00:00Z
    id=$(of plain DbiResourceId)
    a rds restore-db-instance-to-point-in-time --target-db-instance-identifier past --use-latest-restorable-time \
        --source-db-instance-identifier plain --max-allocated-storage 500
    rds DeleteDBInstance DBInstanceIdentifier=plain SkipFinalSnapshot=true DeleteAutomatedBackups=false
    advance 7m
    rds DescribeDBInstanceAutomatedBackups DbiResourceId=$id >one.xml
    test "$(text Status <one.xml)" = retained
    test "$(text DBInstanceIdentifier <one.xml)" = plain
    rds RestoreDBInstanceToPointInTime TargetDBInstanceIdentifier=again UseLatestRestorableTime=true \
        SourceDbiResourceId=$id
    advance 6m
    test "$(of past DBInstanceStatus MaxAllocatedStorage)" = "available 500"
    test "$(of again DBInstanceStatus)" = available
'
it 'a renamed instance keeps its resource id, moves its endpoint, and its old name stays taken for minutes' '
    id=$(of past DbiResourceId)
    refused DBInstanceAlreadyExists ModifyDBInstance DBInstanceIdentifier=past NewDBInstanceIdentifier=again
    is "available then" rds modify-db-instance --db-instance-identifier past --apply-immediately \
        --new-db-instance-identifier then \
        --query "DBInstance.[DBInstanceStatus,PendingModifiedValues.DBInstanceIdentifier]"
    advance 5s
    test "$(of past DBInstanceStatus)" = renaming
    advance 2m
    refused DBInstanceNotFound DescribeDBInstances DBInstanceIdentifier=past
    test "$(of then DBInstanceStatus DbiResourceId)" = "rebooting $id"
    advance 1m
    test "$(of then DBInstanceStatus Address)" = "available then.czone.ca-central-1.rds.amazonaws.com"
    refused DBInstanceAlreadyExists ModifyDBInstance DBInstanceIdentifier=again NewDBInstanceIdentifier=past
    no_restore DBInstanceAlreadyExists past old
    advance 3m
    change again NewDBInstanceIdentifier=past
    advance 4m
    test "$(of past DBInstanceStatus)" = available
    sim_get /_sim/downtime | grep -q "\"past\":[1-9]"
'
it 'a rename to the name it has restarts it' '
    change past NewDBInstanceIdentifier=past
    test "$(of past DBInstanceStatus)" = rebooting
    advance 20s
    test "$(of past DBInstanceStatus)" = available
'
it 'settings are changed one after the other, each with its state' '
    refused InvalidParameterCombination ModifyDBInstance DBInstanceIdentifier=past MonitoringInterval=30
    a rds modify-db-instance --db-instance-identifier past --monitoring-interval 30 --monitoring-role-arn $role \
        --enable-performance-insights --performance-insights-retention-period 31 --max-allocated-storage 300 \
        --cloudwatch-logs-export-configuration EnableLogTypes=postgresql,upgrade --apply-immediately
    advance 10s
    test "$(of past DBInstanceStatus)" = configuring-enhanced-monitoring
    advance 30s
    test "$(of past DBInstanceStatus)" = configuring-performance-insights
    advance 30s
    test "$(of past DBInstanceStatus)" = configuring-log-exports
    advance 30s
    test "$(of past DBInstanceStatus MonitoringInterval PerformanceInsightsRetentionPeriod MaxAllocatedStorage)" = \
        "available 30 31 300"
    change past CloudwatchLogsExportConfiguration.DisableLogTypes.member.1=upgrade
    test "$(of past member)" = postgresql
    advance 1m
    change past AllocatedStorage=150
    advance 50s
    test "$(of past DBInstanceStatus AllocatedStorage)" = "storage-optimization 150"
    rds CreateDBSnapshot DBInstanceIdentifier=past DBSnapshotIdentifier=meanwhile
    advance 21m
    test "$(of past DBInstanceStatus)" = available
'
it 'roles are added and removed' '
    import=arn:aws:iam::239043911459:role/import
    a rds add-role-to-db-instance --db-instance-identifier past --role-arn $import --feature-name s3Import
    test "$(of past RoleArn FeatureName)" = "$import s3Import"
    role="DBInstanceIdentifier=past RoleArn=$import FeatureName=s3Import"
    refused DBInstanceRoleAlreadyExists AddRoleToDBInstance $role
    a rds remove-role-from-db-instance --db-instance-identifier past --role-arn $import --feature-name s3Import
    refused DBInstanceRoleNotFound RemoveRoleFromDBInstance $role
    test "$(of planx FeatureName)" = s3Import
'
it 'what is broken takes no snapshot, and goes only without a final one' '
    refused InvalidDBInstanceState CreateDBSnapshot DBInstanceIdentifier=lost DBSnapshotIdentifier=no
    refused InvalidDBInstanceState ModifyDBInstance DBInstanceIdentifier=lost BackupRetentionPeriod=1
    refused InvalidDBInstanceState DeleteDBInstance DBInstanceIdentifier=lost FinalDBSnapshotIdentifier=no
    change full NewDBInstanceIdentifier=full-2
    advance 4m
    test "$(of full-2 DBInstanceStatus)" = storage-full
    rds DeleteDBInstance DBInstanceIdentifier=lost SkipFinalSnapshot=true
'
stop_sim
finish
