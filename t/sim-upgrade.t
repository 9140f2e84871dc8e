#!/bin/sh
# sim-upgrade.t: upgrades in place of the simulated RDS: queued or at once, done or silently not, with the logs of it.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"

{
    world_head
    cat <<'EOF'
rds:
  parameter_groups:
    pg-12: { family: postgres12, parameters: { rds.force_ssl: 0 } }
    pg-16: { family: postgres16, parameters: { rds.force_ssl: 0, shared_preload_libraries: pg_stat_statements } }
  instances:
    app: { engine: postgres, version: "12.19", class: db.t4g.small, parameter_group: pg-12 }
    app-reader: { engine: postgres, version: "12.19", class: db.t4g.small, parameter_group: pg-12, replica_of: app }
    sick: { engine: postgres, version: "12.19", class: db.t4g.small }
    kept: { engine: postgres, version: "12.19", class: db.t4g.small, log_lines: 12000 }
    queue: { engine: postgres, version: "12.17", class: db.t4g.small, maintenance_window: "wed:03:00-wed:03:30" }
    old: { engine: postgres, version: "12.19", class: db.r4.large }
    forced: { engine: postgres, version: "12.17", class: db.t4g.small }
  maintenance:
    kept: [{ action: system-update, description: New OS }]
    forced: [{ action: db-upgrade, version: "12.19", auto_applied_after: "2024-03-01T00:00:00Z" }]
faults:
  - { do: upgrade_fails, match: { target: sick }, reason: "Your installation has reg* columns" }
EOF
} >world.yaml
arn=arn:aws:rds:ca-central-1:239043911459:db

shows() { # INSTANCE "STATUS VERSION"
    rds DescribeDBInstances DBInstanceIdentifier="$1" >shown.xml
    lib_shown="$(text DBInstanceStatus <shown.xml) $(text EngineVersion <shown.xml | tr '\n' ' ' | sed 's/ $//')"
    [ "$lib_shown" = "$2" ] && return 0
    echo "wanted \"$2\", got \"$lib_shown\" of $1" >&2
    return 1
}

upgrade() { # INSTANCE VERSION [NAME=VALUE...]
    lib_id=$1 lib_version=$2
    shift 2
    rds ModifyDBInstance DBInstanceIdentifier="$lib_id" EngineVersion="$lib_version" AllowMajorVersionUpgrade=true \
        ApplyImmediately=true "$@"
}

events() { # INSTANCE
    rds DescribeEvents SourceType=db-instance SourceIdentifier="$1" Duration=20160 | text Message
}

down() { # INSTANCE: for how many ms writes were refused
    sim_get /_sim/downtime | grep -o "\"$1\":[0-9]*" | cut -d: -f2
}

it 'the world starts' 'start_sim world.yaml --speed 0.01'

it 'a call returns while the instance still is available; then it is upgraded, with a real downtime, and backed up' '
    upgrade app 16.3 DBParameterGroupName=pg-16 >reply.xml
    test "$(text DBInstanceStatus <reply.xml)" = available
    shows app "available 12.19 16.3"
    advance 5s
    shows app "upgrading 12.19 16.3"
    shows app-reader "upgrading 12.19"
    refused InvalidDBInstanceState ModifyDBInstance DBInstanceIdentifier=app EngineVersion=16.3
    test -z "$(down app)"
    advance 3m
    shows app "upgrading 12.19 16.3"
    events app | grep -q "downtime started"
    advance 4m
    shows app "upgrading 16.3"
    test "$(down app)" = 180000
    advance 2m
    shows app "backing-up 16.3"
    advance 1m
    shows app "available 16.3"
    events app | tr "\n" "|" | grep -qF "pre-check started for the DB engine version upgrade.|The pre-check finished"
    events app | grep -qx "The engine version upgrade finished."
'
it 'after it static settings of the new group wait for a restart, and the replica has come along, on a default group' '
    rds DescribeDBInstances DBInstanceIdentifier=app >reply.xml
    test "$(text DBParameterGroupName <reply.xml)" = pg-16
    test "$(text ParameterApplyStatus <reply.xml)" = pending-reboot
    rds RebootDBInstance DBInstanceIdentifier=app >reply.xml
    advance 20s
    rds DescribeDBInstances DBInstanceIdentifier=app | text ParameterApplyStatus | grep -qx in-sync
    shows app-reader "available 16.3"
    text DBParameterGroupName <shown.xml | grep -qx default.postgres16
'
it 'an upgrade that can not be is accepted, takes its downtime, and changes nothing; events and logs say why' '
    upgrade sick 16.3 >reply.xml
    advance 4m
    shows sick "upgrading 12.19 16.3"
    advance 7m
    shows sick "available 12.19"
    test "$(down sick)" = 180000
    events sick | grep -q "^Database instance is in a state that cannot be upgraded: Postgres cluster is in a state"
    events sick | grep -q "^The DB engine version upgrade failed"
    rds DescribeDBLogFiles DBInstanceIdentifier=sick FilenameContains=pg_upgrade >reply.xml
    test "$(text LogFileName <reply.xml | wc -l)" = 2
    file=$(text LogFileName <reply.xml | grep internal)
    rds DownloadDBLogFilePortion DBInstanceIdentifier=sick LogFileName="$file" Marker=0 >reply.xml
    grep -q "Your installation has reg\* columns" reply.xml
    grep -q "Failure, exiting" reply.xml
    text AdditionalDataPending <reply.xml | grep -qx false
'
it 'when its reason is mended on the running world, the next attempt goes through' '
    curl -sS --fail --noproxy "*" -X DELETE "$CAIRN_SIM_URL/_sim/fault?which=upgrade_fails"
    upgrade sick 16.3 >reply.xml
    advance 11m
    shows sick "available 16.3"
'
it 'pending maintenance stands in the way of a major upgrade until it is done' '
    upgrade kept 16.3 >reply.xml
    advance 11m
    shows kept "available 12.19"
    refused ResourceNotFoundFault ApplyPendingMaintenanceAction ResourceIdentifier=$arn:kept ApplyAction=os-upgrade \
        OptInType=immediate
    refused InvalidParameterValue ApplyPendingMaintenanceAction ResourceIdentifier=$arn:kept ApplyAction=system-update \
        OptInType=now
    rds ApplyPendingMaintenanceAction ResourceIdentifier=$arn:kept ApplyAction=system-update \
        OptInType=next-maintenance | text OptInStatus | grep -qx next-maintenance
    rds ApplyPendingMaintenanceAction ResourceIdentifier=$arn:kept ApplyAction=system-update \
        OptInType=undo-opt-in >reply.xml
    test -z "$(text OptInStatus <reply.xml)"
    rds ApplyPendingMaintenanceAction ResourceIdentifier=$arn:kept ApplyAction=system-update \
        OptInType=immediate >reply.xml
    advance 5s
    shows kept "maintenance 12.19"
    advance 10m
    shows kept "available 12.19"
    rds DescribePendingMaintenanceActions ResourceIdentifier=$arn:kept | text Action | wc -l | grep -qx 0
    upgrade kept 16.3 >reply.xml
    advance 11m
    shows kept "available 16.3"
'
it 'a long log comes in portions of at most a megabyte, with markers, or by its end' '
    file=$(rds DescribeDBLogFiles DBInstanceIdentifier=kept FilenameContains=postgresql.log FileSize=1048576 \
        | text LogFileName)
    rds DownloadDBLogFilePortion DBInstanceIdentifier=kept LogFileName="$file" Marker=0 NumberOfLines=20000 >one.xml
    test "$(text AdditionalDataPending <one.xml)" = true
    test "$(wc -c <one.xml)" -lt 1050000
    rds DownloadDBLogFilePortion DBInstanceIdentifier=kept LogFileName="$file" Marker="$(text Marker <one.xml)" \
        NumberOfLines=20000 >two.xml
    test "$(text AdditionalDataPending <two.xml)" = false
    test "$(cat one.xml two.xml | grep -c "checkpoint complete")" = 12000
    rds DownloadDBLogFilePortion DBInstanceIdentifier=kept LogFileName="$file" NumberOfLines=2 >end.xml
    grep "checkpoint complete" end.xml | wc -l | grep -qx 2
    grep -q "wrote 12000 buffers" end.xml
    refused DBLogFileNotFoundFault DownloadDBLogFilePortion DBInstanceIdentifier=kept LogFileName=error/none
'
it 'without ApplyImmediately a change waits for the maintenance window' '
    rds ModifyDBInstance DBInstanceIdentifier=queue EngineVersion=12.19 >reply.xml
    shows queue "available 12.17 12.19"
    advance 10h
    shows queue "available 12.17 12.19"
    advance 90m
    shows queue "available 12.17 12.19"
    now=$(sim_get /_sim/clock | grep -o "\"ms\":[0-9]*" | cut -d: -f2)
    open=$(date -u -d "2024-02-14T03:00:05Z" +%s)000
    advance "$((open - now))ms"
    shows queue "upgrading 12.17 12.19"
    advance 10m
    shows queue "available 12.19"
    events queue | grep -qx "Database instance patched"
'
it 'a queued change is flushed by any later one that is applied immediately, and taken out by the present value' '
    rds ModifyDBInstance DBInstanceIdentifier=queue DBInstanceClass=db.t4g.medium >reply.xml
    rds ModifyDBInstance DBInstanceIdentifier=queue DBInstanceClass=db.t4g.small >reply.xml
    text PendingModifiedValues <reply.xml
    rds DescribeDBInstances DBInstanceIdentifier=queue | grep -q "<PendingModifiedValues><DBInstanceClass>"
    rds ModifyDBInstance DBInstanceIdentifier=queue DBInstanceClass=db.t4g.small ApplyImmediately=true >reply.xml
    grep -q "<PendingModifiedValues></PendingModifiedValues>" reply.xml
    rds ModifyDBInstance DBInstanceIdentifier=queue EngineVersion=16.3 AllowMajorVersionUpgrade=true >reply.xml
    rds ModifyDBInstance DBInstanceIdentifier=queue DBInstanceClass=db.t4g.medium ApplyImmediately=true >reply.xml
    advance 5s
    shows queue "upgrading 12.19 16.3"
    advance 11m
    shows queue "available 16.3"
    text DBInstanceClass <shown.xml | grep -qx db.t4g.medium
'
it 'an upgrade that AWS requires comes with any change that is applied immediately' '
    rds ModifyDBInstance DBInstanceIdentifier=forced DeletionProtection=true ApplyImmediately=true >reply.xml
    advance 5s
    shows forced "maintenance 12.17"
    advance 10m
    shows forced "available 12.19"
    events forced | grep -q "off-line patches"
'
it 'what can not be is refused with the codes of RDS' '
    refused InvalidParameterCombination ModifyDBInstance DBInstanceIdentifier=forced EngineVersion=16.3 \
        ApplyImmediately=true
    grep -q AllowMajorVersionUpgrade refused.xml
    refused InvalidParameterCombination ModifyDBInstance DBInstanceIdentifier=forced EngineVersion=16.1 \
        AllowMajorVersionUpgrade=true
    refused InvalidParameterCombination ModifyDBInstance DBInstanceIdentifier=old EngineVersion=16.3 \
        AllowMajorVersionUpgrade=true
    grep -q "DBInstanceClass=db.r4.large" refused.xml
    refused InvalidParameterCombination ModifyDBInstance DBInstanceIdentifier=forced EngineVersion=16.3 \
        AllowMajorVersionUpgrade=true DBInstanceClass=db.m7g.large
    refused InvalidParameterCombination ModifyDBInstance DBInstanceIdentifier=forced EngineVersion=16.3 \
        AllowMajorVersionUpgrade=true DBParameterGroupName=pg-12
    refused InvalidParameterCombination ModifyDBInstance DBInstanceIdentifier=app EngineVersion=16.4
    grep -q app-reader refused.xml
    refused InvalidParameterValue ModifyDBInstance DBInstanceIdentifier=old PreferredMaintenanceWindow=sun:04:00-sun:04:10
'
finish
