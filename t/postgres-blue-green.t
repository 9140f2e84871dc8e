#!/bin/sh
# postgres-blue-green.t: an upgrade by blue/green of a real server under load loses no row, also when the engine is killed.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2086
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/postgres.sh"
. "$SRC/t/rows.sh"
. "$SRC/t/sim.sh"
KEY=AKIAEXAMPLE1 SECRET=example-secret-key-for-the-simulator
need_postgres
[ -x /usr/sbin/pgbouncer ] || command -v pgbouncer >/dev/null || skip_all 'there is no pgbouncer here (package pgbouncer)'

# make check-postgres-majors gives other versions: CAIRN_TEST_MAJORS is what `cairn sim --postgres` takes.
from=${CAIRN_TEST_FROM:-14.12} to=${CAIRN_TEST_TO:-15.7} majors=${CAIRN_TEST_MAJORS:-}

{
    cat <<EOF2
account: "239043911459"
region: ca-central-1
credentials: [{ access_key: AKIAEXAMPLE1, secret: example-secret-key-for-the-simulator, user: operator }]
rds:
  blue_green_with_proxy: kept
  parameter_groups:
    orders-old: { family: postgres${from%%.*}, parameters: { work_mem: 16384, rds.logical_replication: 1 } }
EOF2
    world_orders "$from" orders-old "select lo_from_bytea(4711, 'a large object');"
} >world.yaml

upgraded_world() {
    real_world instance $majors
    connect >>cairn.yaml
    rm -f rows.log
    writers orders orders-proxy
}
upgrade="-p target_version=$to -p connection=main -p proxy=orders-proxy"
written() { # POOL
    at orders "select count(*) from workload where client like '$1/%'"
}
lost_nothing() {
    for pool in orders orders-proxy; do
        was=$(written "$pool")
        goes_on() { test "$(written "$pool")" -gt "$was"; }
        until_true 400 goes_on
    done
    writers_end || { cat rows.report; return 1; }
    sed 's/^/# /' rows.report >&3
    grep -qx "rows lost 0" rows.report
    grep -qx "rows twice 0" rows.report
    grep -q "longest gap of orders-proxy" rows.report
}
# What the new database holds, besides the rows of the writers.
all_came_over() {
    test "$(at orders "show server_version_num" | cut -c1-2)" = "${to%%.*}"
    test "$(at orders "select count(*) from orders")" = 1000
    test "$(at orders "select convert_from(lo_get(4711), \$\$UTF8\$\$)")" = "a large object"
    test "$(at orders "insert into orders (note) values (\$\$next\$\$) returning id > 1000")" = t
    test "$(at orders "show default_transaction_read_only")" = off
    test "$(at orders "select count(*) from pg_subscription" postgres 2>/dev/null || echo 0)" = 0
    test "$(at orders "select count(*) from pg_publication")" = 0
    # While rows are written, the column is looked at a little later than the sequence.
    cairn show @last -o json | jq -e "[.reports[\"sequences behind their columns\"][] |
        capture(\"is at (?<at>[0-9]+), .* has (?<has>[0-9]+)\") | (.has | tonumber) - (.at | tonumber)] | all(. < 300)"
}
exec 3>&1

it 'an upgrade under load loses no row and writes none twice, through the proxy and beside it' '
    upgraded_world
    answered run_flow $upgrade >run.log 2>&1 || { tail -n 40 run.log; exit 1; }
    lost_nothing
    all_came_over
    cairn show @last -o json | jq -e ".reports[\"writes down by a probe\"] | test(\"at most between two writes\")"
    test "$(changed_twice)" = 0
'
it 'nor does one whose engine is killed in the switchover' '
    upgraded_world
    begin_flow $upgrade
    switching() { sim_get /_sim/ledger | grep -q "\"action\":\"SwitchoverBlueGreenDeployment\""; }
    until switching; do
        alive "$engine" || { tail -n 40 run.log; exit 1; }
        approve_open >/dev/null 2>&1 || :
    done
    kill -KILL "$engine"
    until_true 200 not_there "$engine"
    answered cairn resume @last --no-input >resumed.log 2>&1 || { tail -n 40 resumed.log; exit 1; }
    lost_nothing
    all_came_over
    test "$(changed_twice)" = 0
    cairn verify @last
'
# Green is there and current.
green() {
    real_world instance $majors
    connect >>cairn.yaml
    must_fail 3 run_flow $upgrade >run.log 2>&1
    ready() { sim_get /_sim/world | grep -q "\"status\":\"AVAILABLE\""; }
    until ready; do
        approve_open >/dev/null 2>&1 || :
        cairn resume @last --no-input >run.log 2>&1 || test $? = 3
    done
}
switched() { # STATUS
    sim_get /_sim/world | grep -q "\"status\":\"SWITCHOVER_$1\""
}
it 'a switchover for which green does not catch up in time is taken back, and blue goes on' '
    green
    green=$(awk "/^orders-green/ { split(\$1, part, \".\"); print part[1] }" "$CAIRN_POSTGRES_THROUGH")
    # What holds the table in green holds up the replication.
    to=$(leads "$green")
    background holder "$PG_BIN/psql" -Xq "host=127.0.0.1 port=${to#*:}" -v ON_ERROR_STOP=1 \
        -c "begin read write; lock table orders; select pg_sleep(600)"
    held() { test "$(at "$green" "select count(*) from pg_locks where relation = \$\$orders\$\$::regclass and mode like \$\$AccessEx%\$\$")" = 1; }
    until_true 400 held
    at orders "insert into orders (note) values (\$\$on the way\$\$)"
    id=$(rds DescribeBlueGreenDeployments | text BlueGreenDeploymentIdentifier)
    rds SwitchoverBlueGreenDeployment BlueGreenDeploymentIdentifier="$id" SwitchoverTimeout=30 >/dev/null
    until_true 1200 switched FAILED
    at orders "insert into orders (note) values (\$\$afterwards\$\$)"
    at "$green" "select pg_terminate_backend(pid) from pg_stat_activity where query like \$\$begin read write%\$\$"
    caught_up() { test "$(at "$green" "select count(*) from orders where note in (\$\$on the way\$\$, \$\$afterwards\$\$)")" = 2; }
    until_true 1200 caught_up
'
it 'a change of the schema breaks the replication, and an event says why' '
    at orders "alter table orders add column late int; insert into orders (note, late) values (\$\$x\$\$, 1)"
    degraded() { sim_get /_sim/world | grep -q "Replication degraded on blue/green deployment: replication error"; }
    until_true 1200 degraded
'
it 'when the simulator ends, nothing is left' '
    test -n "$(servers_left)" # the look does see them
    kill "$(cat sim.pid)"
    ends_with_nothing_left
'
finish
