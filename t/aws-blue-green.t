#!/bin/sh
# aws-blue-green.t: actions of the plugin rds on deployments, and deletion: before, done, and after.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2317
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws.sh"

it 'the world starts' 'start_sim world.yaml'

green=$(json name=up source=$arn:cluster:shop target_version=15.5 parameter_group=in-15 cluster_parameter_group=cl-15)
it 'a deployment is created once and described by id and by name' '
    seen absent rds create_blue_green "$green"
    ok rds create_blue_green "$green"
    test "$(value status)" = PROVISIONING
    id=$(value id)
    seen done rds create_blue_green "$green"
    test "$(value id)" = "$id"
    ok rds create_blue_green "$green"
    test "$(value id)" = "$id"
    token=$other
    seen conflict rds create_blue_green "$green"
    fails conflict rds create_blue_green "$green"
    token=$mine
    ok rds describe_blue_green "{\"name\":\"up\"}"
    test "$(value id)" = "$id"
    seen absent rds switchover_blue_green "{\"id\":\"$id\"}"
    fails not_yet rds switchover_blue_green "{\"id\":\"$id\"}"
    later 40m
    ok rds describe_blue_green "{\"id\":\"$id\"}"
    test "$(value status)" = AVAILABLE
    test "$(value tasks 0 status)" = COMPLETED
    test "$(value tags cairn:step)" = $mine
    value target | grep -q "^$arn:cluster:shop-green-"
    perl "$SRC/t/look.pl" --count reply value members | grep -qx 3
    fails not_found rds describe_blue_green "{\"id\":\"bgd-nosuch\"}"
    fails not_found rds describe_blue_green "{\"name\":\"nosuch\"}"
'
it 'a switchover whose reply was lost is seen by the state, and started only once' '
    plug run rds describe_blue_green "{\"name\":\"up\"}"
    id=$(value id)
    before=$(changes)
    seen absent rds switchover_blue_green "{\"id\":\"$id\"}"
    later 1s
    fault "{\"match\":{\"action\":\"SwitchoverBlueGreenDeployment\"},\"do\":\"cut_after\"}"
    fault "{\"match\":{\"action\":\"DescribeBlueGreenDeployments\"},\"do\":\"stale\"}"
    fails in_doubt rds switchover_blue_green "{\"id\":\"$id\"}"
    seen done rds switchover_blue_green "{\"id\":\"$id\"}"
    test "$(value status)" = AVAILABLE # which is stale; the event tells
    seen done rds switchover_blue_green "{\"id\":\"$id\"}"
    test "$(value status)" = SWITCHOVER_IN_PROGRESS
    ok rds switchover_blue_green "{\"id\":\"$id\"}"
    test "$(($(changes) - before))" = 1
    later 3m
    seen done rds switchover_blue_green "{\"id\":\"$id\"}"
    test "$(value status)" = SWITCHOVER_COMPLETED
    ok rds describe_cluster "{\"id\":\"shop\"}"
    test "$(value engine_version)" = 15.5
    seen conflict rds switchover_blue_green "{\"id\":\"bgd-nosuch\"}"
'
it 'a name that moved to another database is refused for settings and deletion' '
    old=$(resource cluster shop-old1)
    member=$(resource instance shop-0-old1)
    fails conflict rds modify_cluster "{\"id\":\"shop\",\"resource_id\":\"$old\",\"deletion_protection\":false}"
    has "$old is called shop-old1 now"
    fails conflict rds delete_cluster "{\"id\":\"shop\",\"resource_id\":\"$old\",\"skip_final_snapshot\":true}"
    fails conflict rds delete_instance "{\"id\":\"shop-0\",\"resource_id\":\"$member\",\"skip_final_snapshot\":true}"
'
it 'a deployment is deleted, and that it is gone is fine' '
    plug run rds describe_blue_green "{\"name\":\"up\"}"
    id=$(value id)
    seen absent rds delete_blue_green "{\"id\":\"$id\"}"
    ok rds delete_blue_green "{\"id\":\"$id\"}"
    test "$(value status)" = DELETING
    seen done rds delete_blue_green "{\"id\":\"$id\"}"
    ok rds delete_blue_green "{\"id\":\"$id\"}"
    later 15m
    seen done rds delete_blue_green "{\"id\":\"$id\"}"
    ok rds delete_blue_green "{\"id\":\"$id\"}"
'

it 'an instance is deleted by its resource id, with a last snapshot' '
    id=$(resource instance spare)
    args="{\"id\":\"spare\",\"resource_id\":\"$id\",\"final_snapshot\":\"spare-last\"}"
    fails invalid rds delete_instance "{\"id\":\"spare\",\"resource_id\":\"$id\"}"
    fails invalid rds delete_instance "$(json id=spare resource_id=$id final_snapshot=x skip_final_snapshot:=true)"
    fails conflict rds delete_instance "{\"id\":\"books\",\"resource_id\":\"$id\",\"skip_final_snapshot\":true}"
    seen absent rds delete_instance "$args"
    before=$(changes)
    ok rds delete_instance "$args"
    seen done rds delete_instance "$args"
    ok rds delete_instance "$args"
    test "$(($(changes) - before))" = 1
    later 10m
    seen done rds delete_instance "$args"
    test "$(value final_snapshot)" = spare-last
    fails not_found rds describe_instance "{\"resource_id\":\"$id\"}"
    ok rds describe_snapshot "{\"name\":\"spare-last\"}"
    test "$(value status)" = available
'
it 'a protected instance is not deleted' '
    id=$(resource instance books)
    fails invalid rds delete_instance "$(json id=books resource_id=$id skip_final_snapshot:=true)"
    has InvalidParameterCombination
'
it 'a cluster is deleted by its resource id, after its members' '
    id=$(resource cluster shop-old1)
    args="{\"id\":\"shop-old1\",\"resource_id\":\"$id\",\"final_snapshot\":\"shop-last\"}"
    ok rds modify_cluster "{\"id\":\"shop-old1\",\"resource_id\":\"$id\",\"deletion_protection\":false}"
    for member in shop-0-old1 shop-1-old1; do
        ok rds delete_instance \
            "$(json id=$member resource_id=$(resource instance $member) skip_final_snapshot:=true)"
    done
    later 10m
    seen absent rds delete_cluster "$args"
    ok rds delete_cluster "$args"
    seen done rds delete_cluster "$args"
    later 10m
    seen done rds delete_cluster "$args"
    fails not_found rds describe_cluster "{\"resource_id\":\"$id\"}"
    ok rds describe_cluster_snapshot "{\"name\":\"shop-last\"}"
'
stop_sim
finish
