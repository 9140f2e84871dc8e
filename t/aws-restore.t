#!/bin/sh
# aws-restore.t: actions of the plugin rds that restore, rename and configure instances: before, done, and after.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2317
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws.sh"

it 'the world starts' 'start_sim world.yaml'

it 'snapshots of a database are listed, the newest first' '
    id=$(resource instance books)
    ok rds create_snapshot "$(json instance=books name=books-1)"
    later 10m
    ok rds create_snapshot "$(json instance=books name=books-2)"
    later 10m
    ok rds create_snapshot "$(json instance=spare name=spare-1)"
    ok rds snapshots "$(json resource_id=$id)"
    test "$(value snapshots 0 name) $(value snapshots 1 name)" = "books-2 books-1"
    test "$(value snapshots 0 type) $(value snapshots 0 encrypted) $(value snapshots 0 port)" = "manual true 5432"
    test "$(value snapshots 0 at)" -gt "$(value snapshots 1 at)"
    lacks spare-1
    ok rds snapshots "$(json resource_id=$id type=automated)"
    has "\"snapshots\":[]"
    ok rds automated_backups "$(json resource_id=$id)"
    test "$(value backups 0 status) $(value backups 0 id)" = "active books"
    ok rds automated_backups "$(json resource_id=db-NOSUCH)"
    has "\"backups\":[]"
'
all=$(json id=books-new snapshot=books-2 class=db.m5.large port:=5433 multi_az:=true parameter_group=pg-13 \
    'security_groups:=["sg-1","sg-2"]' deletion_protection:=true auto_minor_upgrade:=false storage_type=io1 iops:=3000 \
    allocated_storage:=150 iam_auth:=true 'log_exports:=["postgresql"]' backup_retention:=14 copy_tags:=true \
    backup_window=01:00-01:30 subnet_group=inner 'tags:={"team":"books"}')
it 'a restore is made once, with all that it was told, and known as ours by its tag alone' '
    seen absent rds restore_snapshot "$all"
    ok rds restore_snapshot "$all"
    test "$(value id) $(value status)" = "books-new creating"
    value resource_id | grep -q "^db-"
    seen done rds restore_snapshot "$all"
    ok rds restore_snapshot "$all"
    later 6m
    ok rds describe_instance "{\"id\":\"books-new\"}"
    for pair in class=db.m5.large multi_az=true parameter_group=pg-13 deletion_protection=true iops=3000 \
        auto_minor_upgrade=false storage_type=io1 allocated_storage=150 iam_auth=true backup_retention=14 \
        copy_tags=true backup_window=01:00-01:30 subnet_group=inner status=available; do
        test "$(value ${pair%%=*})" = "${pair#*=}"
    done
    test "$(value security_groups) $(value log_exports)" = "[\"sg-1\",\"sg-2\"] [\"postgresql\"]"
    test "$(value endpoint port) $(value tags team) $(value tags cairn:step)" = "5433 books $mine"
    token=$other
    seen conflict rds restore_snapshot "$all"
    has "made by another step of run test-run"
    fails conflict rds restore_snapshot "$all"
    fails conflict rds restore_snapshot "$(json id=spare snapshot=books-2)"
    fails not_found rds restore_snapshot "$(json id=other snapshot=nosuch)"
'
it 'a database is restored to a point in time, by its resource id' '
    id=$(resource instance books)
    past=$(json id=books-past source_resource_id=$id time=latest class=db.m5.large max_allocated_storage:=400)
    seen absent rds restore_point_in_time "$past"
    ok rds restore_point_in_time "$past"
    seen done rds restore_point_in_time "$past"
    fails invalid rds restore_point_in_time "$(json id=b source_resource_id=$id time=2020-01-01T00:00:00Z)"
    fails not_found rds restore_point_in_time "$(json id=b source_resource_id=db-NOSUCH time=latest)"
    later 6m
    ok rds describe_instance "{\"id\":\"books-past\"}"
    test "$(value max_allocated_storage) $(value class)" = "400 db.m5.large"
'
it 'what a restore can not set is set afterwards, and seen when it is' '
    id=$(resource instance books-new)
    role=arn:aws:iam::239043911459:role/monitoring
    set=$(json id=books-new resource_id=$id monitoring_interval:=60 monitoring_role=$role max_allocated_storage:=400 \
        maintenance_window=sun:05:00-sun:06:00 performance_insights:=true performance_insights_retention:=31 \
        "log_exports:=[\"upgrade\"]" apply_immediately:=true)
    seen absent rds modify_instance "$set"
    ok rds modify_instance "$set"
    seen done rds modify_instance "$set"
    later 3m
    seen done rds modify_instance "$set"
    ok rds describe_instance "{\"id\":\"books-new\"}"
    test "$(value monitoring_interval) $(value monitoring_role) $(value log_exports)" = "60 $role [\"upgrade\"]"
    test "$(value performance_insights) $(value performance_insights_retention)" = "true 31"
    test "$(value max_allocated_storage) $(value maintenance_window)" = "400 sun:05:00-sun:06:00"
    before=$(changes)
    ok rds modify_instance "$(json id=books-new resource_id=$id "log_exports:=[\"upgrade\"]" apply_immediately:=true)"
    test "$(changes)" = "$before"
    seen absent rds modify_instance "$(json id=books-new resource_id=$id log_exports:=[])"
'
it 'a role for a feature is added once, and removed' '
    role=$(json id=books-new resource_id=$(resource instance books-new) role=arn:aws:iam::239043911459:role/import \
        feature=s3Import)
    seen absent rds add_role "$role"
    ok rds add_role "$role"
    seen done rds add_role "$role"
    before=$(changes)
    ok rds add_role "$role"
    test "$(changes)" = "$before"
    ok rds describe_instance "{\"id\":\"books-new\"}"
    test "$(value roles 0 feature)" = s3Import
    seen absent rds remove_role "$role"
    ok rds remove_role "$role"
    seen done rds remove_role "$role"
    fails conflict rds add_role "$(json id=spare resource_id=$(resource instance books-new) role=a feature=s3Import)"
'
it 'a rename is accepted once, goes by the resource id, and is seen when it is pending' '
    id=$(resource instance books)
    args=$(json id=books resource_id=$id new_id=books-old)
    seen absent rds rename_instance "$args"
    ok rds rename_instance "$args"
    seen done rds rename_instance "$args"
    later 4m
    seen done rds rename_instance "$args"
    test "$(resource instance books-old)" = "$id"
    before=$(changes)
    fails conflict rds rename_instance "$args"
    has SameName
    fails conflict rds rename_instance "$(json id=books resource_id=$id new_id=books-older)"
    has "$id is called books-old now"
    test "$(changes)" = "$before"
    seen conflict rds rename_instance "$(json id=books resource_id=$id new_id=books-older)"
    fails not_found rds rename_instance "$(json id=books resource_id=db-NOSUCH new_id=b)"
    seen conflict rds rename_instance "$(json id=books resource_id=db-NOSUCH new_id=b)"
'
it 'a name that was given up is waited for, a name of another is not' '
    old=$(resource instance books-old)
    other=$(resource instance spare)
    id=$(resource instance books-new)
    args=$(json id=books-new resource_id=$id new_id=books freed_by=$old)
    fails not_yet rds rename_instance "$args"
    has "the name books is not free yet"
    fails conflict rds rename_instance "$(json id=books-new resource_id=$id new_id=spare freed_by=$old)"
    has "spare is the name of $other"
    fails conflict rds rename_instance "$(json id=books-new resource_id=$id new_id=books-old)"
    fails not_yet rds rename_instance "$(json id=books-new resource_id=$id new_id=books-old freed_by=$old)"
    later 5m
    ok rds rename_instance "$args"
    later 4m
    test "$(resource instance books)" = "$id"
'
stop_sim
finish
