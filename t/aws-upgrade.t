#!/bin/sh
# aws-upgrade.t: the plugin rds around an upgrade in place: logs, maintenance, and what became of a request in doubt.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2317
. "$(dirname "$0")/lib.sh"
. "$SRC/t/sim.sh"
. "$SRC/t/aws.sh"

sed -i 's/^rds:/&\n  maintenance: { books: [{ action: system-update, description: New OS }] }/' world.yaml

it 'the world starts' '
    start_sim world.yaml
    lib_clock
'
it 'a request for an upgrade is seen while it is only accepted, while it is at work, and when it is done' '
    id=$(resource instance spare)
    args=$(json id=spare resource_id=$id engine_version=15.7 allow_major:=true apply_immediately:=true \
        parameter_group=pg-15)
    seen absent rds modify_instance "$args"
    since=$started
    ok rds modify_instance "$args"
    test "$(value status)" = available
    test "$(value pending engine_version)" = 15.7
    advance 5s
    seen done rds modify_instance "$args"
    has "\"status\":\"upgrading\""
    fails not_yet rds modify_instance "$args"
    later 11m
    started=$since
    seen done rds modify_instance "$args"
    has "\"status\":\"available\""
'
it 'one that changed nothing is seen by its events and logs, and not for one that was never sent' '
    id=$(resource instance books)
    lib_clock
    since=$started
    args=$(json id=books resource_id=$id engine_version=15.7 allow_major:=true apply_immediately:=true)
    ok rds modify_instance "$args"
    later 11m
    ok rds describe_instance "{\"id\":\"books\"}"
    test "$(value engine_version)" = 13.15
    test "$(value status)" = available
    seen absent rds modify_instance "$args"
    started=$since
    seen done rds modify_instance "$args"
'
it 'log files are listed, and read from their end or from a marker on, within a bound' '
    ok rds log_files "{\"id\":\"books\",\"contains\":\"pg_upgrade\"}"
    file=$(value files 0 name)
    test "$(value files 0 size)" -gt 100
    ok rds log_text "{\"id\":\"books\",\"file\":\"$file\",\"max_bytes\":17}"
    test "$(value text)" = "Failure, exiting"
    test "$(value cut)" = true
    ok rds log_text "{\"id\":\"books\",\"file\":\"$file\",\"marker\":\"0\",\"lines\":1,\"max_bytes\":20}"
    test "$(value text)" = "Performing Consisten"
    ok rds log_text "{\"id\":\"books\",\"file\":\"$file\",\"marker\":\"0\",\"lines\":2}"
    value text | grep -q "pending maintenance actions: system-update"
    test "$(value more)" = false
    marker=$(value marker)
    ok rds log_text "{\"id\":\"books\",\"file\":\"$file\",\"marker\":\"$marker\"}"
    test -z "$(value text)"
    fails not_found rds log_text "{\"id\":\"books\",\"file\":\"error/none\"}"
    fails not_found rds log_files "{\"id\":\"nosuch\"}"
    fails invalid rds log_text "{\"id\":\"books\",\"file\":\"$file\",\"max_bytes\":2000000}"
    lib_clock
    ok rds log_files "{\"id\":\"books\",\"since\":$((started + 86400000))}"
    has "\"files\":[]"
'
it 'what else is pending refuses a change that is to be applied immediately, if the caller wants so' '
    id=$(resource instance books)
    ok rds modify_instance "$(json id=books resource_id=$id class=db.m5.large)"
    fails conflict rds modify_instance "$(json id=books resource_id=$id multi_az:=true apply_immediately:=true \
        allow_pending:={})"
    has OtherPendingValues
    fails conflict rds modify_instance "$(json id=books resource_id=$id multi_az:=true apply_immediately:=true \
        "allow_pending:={\"db_instance_class\":\"db.r5.large\"}")"
    ok rds modify_instance "$(json id=books resource_id=$id multi_az:=true apply_immediately:=true \
        "allow_pending:={\"db_instance_class\":\"db.m5.large\"}")"
    later 2m
    ok rds describe_instance "{\"id\":\"books\"}"
    test "$(value class)" = db.m5.large
'
it 'a queued change is seen as what it is, and taken back by the present value' '
    id=$(resource instance books)
    queued=$(json id=books resource_id=$id class=db.m6g.large)
    seen absent rds modify_instance "$queued"
    ok rds modify_instance "$queued"
    seen done rds modify_instance "$queued"
    back=$(json id=books resource_id=$id class=db.m5.large apply_immediately:=true)
    seen absent rds modify_instance "$back"
    ok rds modify_instance "$back"
    has "\"pending\":{}"
    seen done rds modify_instance "$back"
'
it 'pending maintenance is opted in to, and out again, and done at once' '
    args="\"arn\":\"$arn:db:books\",\"action\":\"system-update\""
    for opt_in in next-maintenance undo-opt-in immediate; do
        [ $opt_in = undo-opt-in ] || seen absent rds apply_maintenance "{$args,\"opt_in\":\"$opt_in\"}"
        ok rds apply_maintenance "{$args,\"opt_in\":\"$opt_in\"}"
        seen done rds apply_maintenance "{$args,\"opt_in\":\"$opt_in\"}"
    done
    later 11m
    ok rds pending_maintenance "{\"arn\":\"$arn:db:books\"}"
    has "\"actions\":[]"
    seen done rds apply_maintenance "{$args,\"opt_in\":\"immediate\"}"
    fails not_found rds apply_maintenance "{$args,\"opt_in\":\"immediate\"}"
    fails invalid rds apply_maintenance "{$args,\"opt_in\":\"now\"}"
'
stop_sim
finish
