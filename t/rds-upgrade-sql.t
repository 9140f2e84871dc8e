#!/bin/sh
# rds-upgrade-sql.t: what an upgrade in place does by SQL, on a real PostgreSQL behind the simulated instance.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/upgrade.sh"
. "$SRC/t/postgres.sh"
need_postgres
pg_start

host=app5ec7032.cplanxexample.eu-west-2.rds.amazonaws.com
queries='queries=["select count(*) from flows where id < 100"]'

# A run whose instance is the server.
run_with_sql() { # ARG...
    rm -f world.yaml
    use_world planx-staging
    pg_section app >section
    sed "s/^postgres:/&\n  through: { \"$host\": \"127.0.0.1:$PG_PORT\" }/" section >>cairn.yaml
    status=0
    run_flow -p ignore_windows=true -p connection=app -p "$queries" "$@" >run.log 2>&1 || status=$?
    [ "$status" != 3 ] || answered go_on_plain
}

it 'an upgrade with a connection analyzes, compares plans, and measures for how long writes are down' '
    psql_do "create table flows as select g as id, md5(g::text) as data from generate_series(1, 2000) g" postgres
    run_with_sql -p probe=true || { tail -n 30 run.log; exit 1; }
    test "$(shown state)" = done
    test "$(shown reports "tables analyzed")" -ge 1
    shown reports "compared with before" queries | grep "query 1: .* -> "
    test "$(shown --count reports "compared with before" missing)" = 0
    test -n "$(shown reports "writes down, measured")"
    psql_do "select reltuples from pg_class where relname = \$\$flows\$\$" postgres | grep -qx 2000
    test -z "$(psql_do "select 1 from pg_class where relname = \$\$heartbeat\$\$" postgres)"
'
it 'what pg_upgrade would stumble over stops it before anything is changed' '
    psql_do "create table odd (f regproc)" postgres
    run_with_sql -p pending_maintenance=leave || :
    test "$(shown state)" = failed
    shown why | grep "pg_upgrade would refuse"
    test "$(sim_get /_sim/ledger)" = "[]"
'
it 'without a connection the report says that SQL was left out' '
    begin planx-staging -p pending_maintenance=leave
    asked "Upgrade app5ec7032"
    shown reports SQL | grep "not looked at"
'
pg_stop
finish
