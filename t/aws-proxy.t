#!/bin/sh
# aws-proxy.t: actions of the plugin rds_proxy: before, done, and after.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2317
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws.sh"

it 'the world starts' 'start_sim world.yaml'

it 'a proxy is described, with its targets and all of it in one' '
    ok rds_proxy describe "{\"name\":\"door\"}"
    test "$(value status)" = available
    test "$(value engine_family)" = POSTGRESQL
    test "$(value subnets)" = "[\"subnet-1\",\"subnet-2\"]"
    test "$(value auth 0 description)" = "of the app"
    test "$(value tags team)" = shop
    ok rds_proxy describe_targets "{\"proxy\":\"door\"}"
    test "$(value targets 0 type)" = TRACKED_CLUSTER
    has "\"type\":\"RDS_INSTANCE\"" "\"state\":\"AVAILABLE\""
    ok rds_proxy capture "{\"proxy\":\"door\"}"
    cp reply captured
    test "$(value pool max_connections_percent)" = 90
    test "$(value pool session_pinning_filters)" = "[\"EXCLUDE_VARIABLE_SETS\"]"
    test "$(value pool init_query)" = "SET x=1"
    test "$(value targets)" = "{\"clusters\":[\"shop\"],\"instances\":[]}"
    has "\"name\":\"door-ro\"" "\"role\":\"READ_ONLY\""
    fails not_found rds_proxy describe "{\"name\":\"nosuch\"}"
    fails not_found rds_proxy capture "{\"proxy\":\"nosuch\"}"
'
it 'targets are taken out and put back, each only if it lacks' '
    args="{\"proxy\":\"door\",\"clusters\":[\"shop\"]}"
    seen done rds_proxy register_targets "$args"
    seen absent rds_proxy deregister_targets "$args"
    ok rds_proxy deregister_targets "$args"
    test "$(value changed)" = true
    seen done rds_proxy deregister_targets "$args"
    ok rds_proxy deregister_targets "$args"
    test "$(value changed)" = false
    seen absent rds_proxy register_targets "$args"
    fault "{\"match\":{\"action\":\"RegisterDBProxyTargets\"},\"do\":\"cut_after\"}"
    fails in_doubt rds_proxy register_targets "$args"
    seen done rds_proxy register_targets "$args"
    fails invalid rds_proxy register_targets "{\"proxy\":\"door\"}"
'
it 'an endpoint is deleted and created again' '
    seen absent rds_proxy delete_endpoint "{\"name\":\"door-ro\"}"
    ok rds_proxy delete_endpoint "{\"name\":\"door-ro\"}"
    seen done rds_proxy delete_endpoint "{\"name\":\"door-ro\"}"
    later 5m
    ok rds_proxy delete_endpoint "{\"name\":\"door-ro\"}"
    fails not_found rds_proxy describe_endpoint "{\"name\":\"door-ro\"}"
    args=$(json proxy=door name=door-ro role=READ_ONLY "subnets:=[\"subnet-1\",\"subnet-2\"]" \
        "tags:={\"team\":\"shop\",\"cairn:step\":\"old\"}")
    seen absent rds_proxy create_endpoint "$args"
    ok rds_proxy create_endpoint "$args"
    seen done rds_proxy create_endpoint "$args"
    ok rds_proxy create_endpoint "$args"
    token=$other
    seen conflict rds_proxy create_endpoint "$args"
    fails conflict rds_proxy create_endpoint "$args"
    later 5m
    ok rds_proxy describe_endpoint "{\"name\":\"door-ro\"}"
    test "$(value status)" = available
    test "$(value role)" = READ_ONLY
    test "$(value tags team)" = shop
    test "$(value tags cairn:step)" = $mine
'
it 'a proxy is deleted and made again from what was captured' '
    ok rds_proxy delete_endpoint "{\"name\":\"door-ro\"}"
    later 5m
    seen absent rds_proxy delete "{\"name\":\"door\"}"
    ok rds_proxy delete "{\"name\":\"door\"}"
    seen done rds_proxy delete "{\"name\":\"door\"}"
    later 25m
    ok rds_proxy delete "{\"name\":\"door\"}"
    fails not_found rds_proxy describe "{\"name\":\"door\"}"
    of() { perl "$SRC/t/look.pl" captured value "$@"; }
    args=$(json name=door engine_family=POSTGRESQL "role_arn=$(of proxy role_arn)" "subnets:=$(of proxy subnets)" \
        "security_groups:=$(of proxy security_groups)" "auth:=$(of proxy auth)" "require_tls:=$(of proxy require_tls)" \
        "idle_timeout:=$(of proxy idle_timeout)" "debug_logging:=$(of proxy debug_logging)" "tags:=$(of proxy tags)")
    seen absent rds_proxy create "$args"
    ok rds_proxy create "$args"
    test "$(value status)" = creating
    seen done rds_proxy create "$args"
    ok rds_proxy create "$args"
    token=$other
    seen conflict rds_proxy create "$args"
    fails conflict rds_proxy create "$args"
    later 30m
    ok rds_proxy modify_pool "{\"proxy\":\"door\",\"pool\":$(of pool)}"
    ok rds_proxy register_targets "{\"proxy\":\"door\",\"clusters\":[\"shop\"]}"
    later 3m
    ok rds_proxy capture "{\"proxy\":\"door\"}"
    for part in "pool" "targets" "proxy auth" "proxy subnets" "proxy require_tls" "proxy security_groups"; do
        test "$(value $part)" = "$(of $part)"
    done
    fails invalid rds_proxy modify_pool "{\"proxy\":\"door\",\"pool\":{\"nosuch\":1}}"
'
stop_sim
finish
