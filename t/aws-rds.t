#!/bin/sh
# aws-rds.t: actions of the plugin rds on databases, groups and snapshots: before, done, and after.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2317
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws.sh"

it 'the world starts' 'start_sim world.yaml'

it 'an instance is described by its name and by its resource id' '
    ok rds describe_instance "{\"id\":\"books\"}"
    test "$(value status)" = available
    test "$(value engine)" = postgres
    test "$(value engine_version)" = 13.15
    test "$(value class)" = db.m6g.large
    test "$(value arn)" = $arn:db:books
    test "$(value endpoint port)" = 5432
    test "$(value parameter_group)" = pg-13
    test "$(value parameter_status)" = in-sync
    test "$(value deletion_protection)" = true
    test "$(value tags team)" = books
    has "\"pending\":{}" "\"replicas\":[]" "\"master_secret\":false"
    id=$(value resource_id)
    ok rds describe_instance "{\"resource_id\":\"$id\"}"
    test "$(value id)" = books
    fails not_found rds describe_instance "{\"id\":\"nosuch\"}"
    fails not_found rds describe_instance "{\"resource_id\":\"db-NOSUCH\"}"
    fails invalid rds describe_instance "{}"
    fails invalid rds describe_instance "{\"id\":\"books\",\"resource_id\":\"$id\"}"
'
it 'a cluster is described with its members' '
    ok rds describe_cluster "{\"id\":\"shop\"}"
    test "$(value status)" = available
    test "$(value engine_version)" = 11.21
    test "$(value parameter_group)" = cl-11
    test "$(value deletion_protection)" = true
    test "$(value members 0 id)" = shop-0
    test "$(value members 0 writer)" = true
    test "$(value members 1 writer)" = false
    test "$(value members 1 parameter_status)" = in-sync
    value endpoint | grep -q "^shop\.cluster-"
    value reader_endpoint | grep -q "^shop\.cluster-ro-"
    id=$(value resource_id)
    ok rds describe_cluster "{\"resource_id\":\"$id\"}"
    fails not_found rds describe_cluster "{\"id\":\"nosuch\"}"
'
it 'versions, classes and pending maintenance are told' '
    ok rds describe_engine_version "{\"engine\":\"aurora-postgresql\",\"version\":\"11.21\"}"
    test "$(value family)" = aurora-postgresql11
    has "\"version\":\"15.5\""
    has "\"major\":true"
    fails not_found rds describe_engine_version "{\"engine\":\"aurora-postgresql\",\"version\":\"99.9\"}"
    ok rds describe_orderable "{\"engine\":\"aurora-postgresql\",\"version\":\"15.5\",\"class\":\"db.r6g.large\"}"
    test "$(value offered)" = true
    ok rds describe_orderable "{\"engine\":\"aurora-postgresql\",\"version\":\"15.5\",\"class\":\"db.none.large\"}"
    test "$(value offered)" = false
    ok rds pending_maintenance "{\"arn\":\"$arn:cluster:shop\"}"
    has "\"actions\":[]"
'
it 'tags are added, removed and listed' '
    ok rds add_tags "{\"arn\":\"$arn:db:books\",\"tags\":{\"a b\":\"c+d&e\",\"x\":\"1\"}}"
    ok rds list_tags "{\"arn\":\"$arn:db:books\"}"
    test "$(value tags "a b")" = "c+d&e"
    ok rds remove_tags "{\"arn\":\"$arn:db:books\",\"keys\":[\"a b\",\"x\"]}"
    ok rds list_tags "{\"arn\":\"$arn:db:books\"}"
    test "$(value tags)" = "{\"team\":\"books\"}"
'

group=$(json name=new-15 family=aurora-postgresql15 "description=of the test" cluster:=true 'tags:={"team":"shop"}')
it 'a parameter group is created once, and known as ours by its tag alone' '
    seen absent rds create_parameter_group "$group"
    ok rds create_parameter_group "$group"
    test "$(value family)" = aurora-postgresql15
    seen done rds create_parameter_group "$group"
    ok rds create_parameter_group "$group"
    ok rds list_tags "{\"arn\":\"$arn:cluster-pg:new-15\"}"
    test "$(value tags team)" = shop
    test "$(value tags cairn:step)" = $mine
    test "$(value tags cairn:run)" = test-run
    token=$other
    seen conflict rds create_parameter_group "$group"
    has "made by another step of run test-run"
    fails conflict rds create_parameter_group "$group"
'
it 'more parameters than fit in one request are set and read' '
    names="max_replication_slots max_wal_senders max_worker_processes max_logical_replication_workers max_connections
        shared_buffers wal_buffers max_locks_per_transaction max_prepared_transactions track_activity_query_size
        autovacuum_naptime checkpoint_timeout deadlock_timeout default_statistics_target effective_cache_size
        lock_timeout log_temp_files maintenance_work_mem max_parallel_workers statement_timeout temp_buffers work_mem"
    list=$(for name in $names; do printf ",\"%s\":12" "$name"; done)
    before=$(changes)
    ok rds modify_parameter_group "{\"name\":\"new-15\",\"cluster\":true,\"parameters\":{\"rds.force_ssl\":\"1\"$list}}"
    test "$(($(changes) - before))" = 2
    ok rds describe_parameter_group "{\"name\":\"new-15\",\"cluster\":true}"
    perl "$SRC/t/look.pl" --count reply value parameters | grep -qx 23
    test "$(value parameters work_mem value)" = 12
    test "$(value parameters rds.force_ssl apply_method)" = pending-reboot
    fails not_found rds describe_parameter_group "{\"name\":\"new-15\"}"
    fails invalid rds modify_parameter_group "{\"name\":\"new-15\",\"cluster\":true,\"parameters\":{\"a\":[1]}}"
    fails invalid rds modify_parameter_group "{\"name\":\"new-15\",\"cluster\":true,\"parameters\":{}}"
'
it 'a parameter group is deleted, and that it is gone is fine' '
    seen absent rds delete_parameter_group "{\"name\":\"new-15\",\"cluster\":true}"
    ok rds delete_parameter_group "{\"name\":\"new-15\",\"cluster\":true}"
    seen done rds delete_parameter_group "{\"name\":\"new-15\",\"cluster\":true}"
    ok rds delete_parameter_group "{\"name\":\"new-15\",\"cluster\":true}"
    fails not_yet rds delete_parameter_group "{\"name\":\"pg-13\"}"
'

it 'settings are changed only while the name still belongs to the resource id' '
    id=$(resource instance spare)
    cluster=$(resource cluster shop)
    ok rds modify_instance "$(json id=spare resource_id=$id deletion_protection:=true apply_immediately:=true)"
    ok rds describe_instance "{\"id\":\"spare\"}"
    test "$(value deletion_protection)" = true
    ok rds modify_instance "{\"id\":\"spare\",\"resource_id\":\"$id\",\"deletion_protection\":false}"
    fails conflict rds modify_instance "{\"id\":\"books\",\"resource_id\":\"$id\",\"deletion_protection\":false}"
    has "$id is called spare now"
    fails not_found rds modify_instance "{\"id\":\"spare\",\"resource_id\":\"db-NOSUCH\",\"deletion_protection\":false}"
    fails invalid rds modify_instance "{\"id\":\"spare\",\"resource_id\":\"$id\"}"
    ok rds modify_cluster "{\"id\":\"shop\",\"resource_id\":\"$cluster\",\"deletion_protection\":false}"
    ok rds describe_cluster "{\"id\":\"shop\"}"
    test "$(value deletion_protection)" = false
    fails conflict rds modify_cluster "{\"id\":\"door\",\"resource_id\":\"$cluster\",\"deletion_protection\":false}"
'
it 'a restart for parameters is refused when none wait, and seen by their state' '
    id=$(resource instance shop-0)
    args="{\"id\":\"shop-0\",\"resource_id\":\"$id\"}"
    fails conflict rds reboot_to_apply "$args"
    has "nothing pending"
    ok rds modify_parameter_group "{\"name\":\"cl-11\",\"cluster\":true,\"parameters\":{\"max_connections\":\"90\"}}"
    later 30s
    seen absent rds reboot_to_apply "$args"
    ok rds reboot_to_apply "$args"
    test "$(value status)" = rebooting
    seen done rds reboot_to_apply "$args"
    advance 20s
    seen done rds reboot_to_apply "$args"
    fails conflict rds reboot_to_apply "$args"
    ok rds reboot_to_apply "{\"id\":\"shop-1\",\"resource_id\":\"$(resource instance shop-1)\"}"
    later 20s
    seen conflict rds reboot_to_apply "{\"id\":\"shop-1\",\"resource_id\":\"db-NOSUCH\"}"
'
it 'a plain restart is seen by its event or not at all' '
    id=$(resource instance books)
    args="{\"id\":\"books\",\"resource_id\":\"$id\"}"
    later 1s
    seen unknown rds reboot_instance "$args"
    ok rds reboot_instance "$args"
    seen done rds reboot_instance "$args"
    since=$started
    later 20s
    started=$since
    seen done rds reboot_instance "$args"
    started=$((since + 3600000))
    seen unknown rds reboot_instance "$args"
    fails conflict rds reboot_instance "{\"id\":\"spare\",\"resource_id\":\"$id\"}"
    ok rds events "{\"source\":\"books\",\"source_type\":\"db-instance\",\"since\":$since}"
    has "\"message\":\"DB instance restarted\""
    test "$(value events 0 at)" -ge "$since"
    ok rds events "{\"source\":\"books\",\"source_type\":\"db-instance\",\"since\":$((since - 86400000)),\"minutes\":5}"
    has "\"events\":[]"
'

it 'a snapshot of an instance is taken once, described and deleted' '
    snapshot="{\"instance\":\"books\",\"name\":\"books-safe\",\"tags\":{\"team\":\"books\"}}"
    seen absent rds create_snapshot "$snapshot"
    ok rds create_snapshot "$snapshot"
    test "$(value status)" = creating
    seen done rds create_snapshot "$snapshot"
    test "$(value arn)" = $arn:snapshot:books-safe
    ok rds create_snapshot "$snapshot"
    token=$other seen conflict rds create_snapshot "$snapshot"
    later 5m
    ok rds describe_snapshot "{\"name\":\"books-safe\"}"
    test "$(value status)" = available
    test "$(value progress)" = 100
    test "$(value source)" = books
    value resource_id | grep -q "^db-"
    seen absent rds delete_snapshot "{\"name\":\"books-safe\"}"
    ok rds delete_snapshot "{\"name\":\"books-safe\"}"
    seen done rds delete_snapshot "{\"name\":\"books-safe\"}"
    ok rds delete_snapshot "{\"name\":\"books-safe\"}"
    fails not_found rds describe_snapshot "{\"name\":\"books-safe\"}"
'
it 'a snapshot of a cluster is taken once, described and deleted' '
    snapshot="{\"cluster\":\"shop\",\"name\":\"shop-safe\"}"
    seen absent rds create_cluster_snapshot "$snapshot"
    ok rds create_cluster_snapshot "$snapshot"
    seen done rds create_cluster_snapshot "$snapshot"
    token=$other seen conflict rds create_cluster_snapshot "$snapshot"
    later 5m
    ok rds describe_cluster_snapshot "{\"name\":\"shop-safe\"}"
    test "$(value status)" = available
    seen absent rds delete_snapshot "{\"name\":\"shop-safe\",\"cluster\":true}"
    ok rds delete_snapshot "{\"name\":\"shop-safe\",\"cluster\":true}"
    seen done rds delete_snapshot "{\"name\":\"shop-safe\",\"cluster\":true}"
    fails not_found rds describe_cluster_snapshot "{\"name\":\"shop-safe\"}"
'
stop_sim
finish
