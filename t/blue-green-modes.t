#!/bin/sh
# blue-green-modes.t: the other ways of an upgrade: a proxy that stays, one that only loses its target, no proxy at all.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"

cluster=notification-canada-ca-staging-cluster
proxy=notification-canada-ca-staging-proxy

# The addresses that the consumers have.
addresses() { # FILE
    for name in POSTGRES_SQL SQLALCHEMY_DATABASE_READER_URI; do
        look --find "$name" "$1" kubernetes
    done
    look --find SQLALCHEMY_DATABASE_URI "$1" lambda functions api-lambda latest
}

it 'with proxy_mode=deregister the proxy stays, and has its target again' '
    use_world gc-notify
    world >before.json
    answered run_flow -p proxy_mode=deregister >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    world >after.json
    test "$(look after.json rds clusters "$cluster" version)" = 15.5
    test "$(look after.json rds proxies "$proxy" id)" = "$(look before.json rds proxies "$proxy" id)"
    look after.json rds clusters "$cluster" resource_id >want
    look after.json rds proxies "$proxy" targets 0 id >got
    diff -u want got
    addresses before.json >want
    addresses after.json >got
    diff -u want got
    test "$(changed_twice)" = 0
    ledger | must_fail any grep DeleteDBProxy
'
it 'with proxy_mode=keep nobody is led elsewhere' '
    sed "s/blue_green_with_proxy: refused/blue_green_with_proxy: kept/" "$SRC/examples/gc-notify/world.yaml" >world.yaml
    use_world gc-notify
    world >before.json
    answered run_flow -p proxy_mode=keep >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    world >after.json
    test "$(look after.json rds clusters "$cluster" version)" = 15.5
    addresses before.json >want
    addresses after.json >got
    diff -u want got
    look after.json rds clusters "$cluster" resource_id >want
    look after.json rds proxies "$proxy" targets 0 id >got
    diff -u want got
    ledger | must_fail any grep -E "DBProxyTargets|UpdateAlias|secrets"
'
it 'where RDS does not support it, proxy_mode=keep fails at the creation and can be taken back' '
    rm -f world.yaml
    use_world gc-notify
    world >before.json
    must_fail 1 answered run_flow -p proxy_mode=keep >run.log 2>&1
    shown why | grep -i proxy
    answered cairn rollback @last --no-input >run.log 2>&1
    world >after.json
    test "$(look after.json rds clusters)" = "$(look before.json rds clusters)"
    test "$(look after.json rds cluster_groups)" = "$(look before.json rds cluster_groups)"
'
it 'a single instance goes from 12 to 16, with its settings' '
    rm -f world.yaml
    use_world instance
    world >before.json
    answered run_flow >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    world >after.json
    test "$(look --keys after.json rds instances)" = orders
    test "$(look after.json rds instances orders version)" = 16.3
    test "$(look after.json rds instances orders group)" = orders-postgres16
    test "$(look after.json rds groups orders-postgres16 parameters work_mem value)" = 16384
    test "$(look after.json rds instances orders deletion_protection)" = true
    test "$(look --keys after.json rds snapshots)" = "orders-cairn-RUN-before orders-old1-cairn-RUN-final"
    test "$(changed_twice)" = 0
'
it 'the replica of an instance comes along, and the old one goes with it' '
    awk "{ print } /^  instances:/ {
        print \"    orders-reader:\"
        print \"      { replica_of: orders, engine: postgres, version: \\\"12.19\\\", class: db.m6g.large,\"
        print \"        parameter_group: orders-postgres12 }\"
    }" "$SRC/examples/instance/world.yaml" >world.yaml
    use_world instance
    answered run_flow >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    world >after.json
    test "$(look --keys after.json rds instances)" = "orders orders-reader"
    test "$(look after.json rds instances orders-reader version)" = 16.3
    test "$(changed_twice)" = 0
'
it 'a switchover that is refused for good is no dead end: everything can be put back' '
    { cat "$SRC/examples/instance/world.yaml"; cat <<-EOF
	faults:
	  - { match: { action: SwitchoverBlueGreenDeployment }, do: expired, times: 9 }
	EOF
    } >world.yaml
    use_world instance
    world >before.json
    lib_status=0
    run_flow >run.log 2>&1 || lib_status=$?
    lib_left=9
    while [ "$lib_status" -eq 3 ] && [ "$lib_left" -gt 0 ] && ! shown why | grep "try again"; do
        lib_left=$((lib_left - 1))
        approve_open
        lib_status=0
        cairn resume @last --no-input >>run.log 2>&1 || lib_status=$?
    done
    shown why | grep "try again" || { tail -n 30 run.log; exit 1; }
    shown reports "switchover taken back by RDS" | grep Expired
    cairn reject @last
    must_fail 1 answered cairn resume @last --no-input
    shown why | grep "put back"
    world >after.json
    test "$(look after.json rds instances)" = "$(look before.json rds instances)"
    test "$(look after.json rds groups)" = "$(look before.json rds groups)"
    rm world.yaml
'
it 'a switchover that RDS takes back is tried again when a person wants it' '
    {
        cat "$SRC/examples/instance/world.yaml"
        echo "faults: [{ do: fail_switchover }, { do: refuse_switchover }]"
    } >world.yaml
    use_world instance
    answered run_flow >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    world >after.json
    test "$(look after.json rds instances orders version)" = 16.3
    test "$(ledger | grep -c SwitchoverBlueGreenDeployment)" = 2
    shown reports "switchover taken back by RDS"
'
it 'and when nobody wants it, everything is put back by the run itself' '
    use_world instance
    world >before.json
    lib_status=0
    run_flow >run.log 2>&1 || lib_status=$?
    lib_left=9
    while [ "$lib_status" -eq 3 ] && [ "$lib_left" -gt 0 ] && ! shown why | grep "try again"; do
        lib_left=$((lib_left - 1))
        approve_open
        lib_status=0
        cairn resume @last --no-input >>run.log 2>&1 || lib_status=$?
    done
    shown why | grep "try again"
    cairn reject @last
    must_fail 1 answered cairn resume @last --no-input
    shown why | grep "put back"
    world >after.json
    test "$(look after.json rds instances)" = "$(look before.json rds instances)"
    test "$(look after.json rds groups)" = "$(look before.json rds groups)"
    test "$(look --count after.json rds deployments)" = 0
'
finish
