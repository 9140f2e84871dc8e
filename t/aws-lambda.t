#!/bin/sh
# aws-lambda.t: actions of the plugin lambda: before, done, and after.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2317
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws.sh"

it 'the world starts' 'start_sim world.yaml'

it 'a function is looked at without its secrets' '
    ok lambda get_configuration "{\"function\":\"api\"}"
    test "$(value hosts)" = "{\"URI\":\"old.example:5432\"}"
    has "\"variables\":[" "\"MODE\"" "\"last_update_status\":\"Successful\""
    lacks planted
    fails not_found lambda get_configuration "{\"function\":\"nosuch\"}"
'
it 'the host in a variable is exchanged, all else stays' '
    args="{\"function\":\"api\",\"variable\":\"URI\",\"from\":\"old.example\",\"to\":\"new.example\"}"
    seen absent lambda replace_host "$args"
    fault "{\"match\":{\"service\":\"lambda\",\"action\":\"UpdateFunctionConfiguration\"},\"do\":\"cut_after\"}"
    fails in_doubt lambda replace_host "$args"
    seen done lambda replace_host "$args"
    ok lambda replace_host "$args"
    test "$(value changed)" = false
    later 10s
    seen conflict lambda replace_host "$(json function=api variable=URI from=a.example to=b.example)"
    has "it is at new.example:5432"
    fails conflict lambda replace_host "$(json function=api variable=URI from=a.example to=b.example)"
    fails conflict lambda replace_host "{\"function\":\"api\",\"variable\":\"MODE\",\"from\":\"a\",\"to\":\"b\"}"
    fails not_found lambda replace_host "{\"function\":\"api\",\"variable\":\"NOSUCH\",\"from\":\"a\",\"to\":\"b\"}"
    fails invalid lambda replace_host "{\"function\":\"api\",\"variable\":\"URI\",\"from\":\"a b\",\"to\":\"c\"}"
    lacks planted
    sim_get /_sim/world | grep -q "postgresql://app:planted-Sn0wy0wl@new.example:5432/app?x=1"
'
it 'a version is published once and known by the mark in its description' '
    args="{\"function\":\"api\",\"description\":\"for new.example\"}"
    seen absent lambda publish_version "$args"
    fault "{\"match\":{\"service\":\"lambda\",\"action\":\"PublishVersion\"},\"do\":\"cut_after\"}"
    fails in_doubt lambda publish_version "$args"
    seen done lambda publish_version "$args"
    test "$(value version)" = 8
    test "$(value description)" = "for new.example [cairn $mine]"
    token=$other
    ok lambda publish_version "$args"
    test "$(value version)" = 8
    test "$(value published)" = false
    later 10s
'
it 'an alias is led to another version only from the expected one' '
    args="{\"function\":\"api\",\"alias\":\"live\",\"version\":\"8\",\"expect\":\"7\"}"
    ok lambda get_alias "{\"function\":\"api\",\"alias\":\"live\"}"
    test "$(value version)" = 7
    fails conflict lambda update_alias "{\"function\":\"api\",\"alias\":\"live\",\"version\":\"8\",\"expect\":\"3\"}"
    seen absent lambda update_alias "$args"
    ok lambda update_alias "$args"
    test "$(value version)" = 8
    seen done lambda update_alias "$args"
    ok lambda update_alias "$args"
    seen conflict lambda update_alias "{\"function\":\"api\",\"alias\":\"live\",\"version\":\"7\",\"expect\":\"6\"}"
    fails not_found lambda get_alias "{\"function\":\"api\",\"alias\":\"nosuch\"}"
'
it 'a function is called' '
    ok lambda invoke "{\"function\":\"api\",\"qualifier\":\"live\",\"payload\":{\"x\":1}}"
    test "$(value status)" = 200
    test "$(value payload ok)" = true
'
it 'Lambda throttles and refuses in its own way' '
    fault "{\"match\":{\"service\":\"lambda\"},\"do\":\"throttle\"}"
    fails throttled lambda publish_version "{\"function\":\"api\"}"
    fault "{\"match\":{\"service\":\"lambda\"},\"do\":\"expired\"}"
    fails denied lambda get_alias "{\"function\":\"api\",\"alias\":\"live\"}"
'
stop_sim
finish
