#!/bin/sh
# blue-green-sql.t: an upgrade by blue/green that is given a connection looks by SQL too, at a real server behind tunnels.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/postgres.sh"
need_postgres
pg_start || exit 1

# The addresses of the simulated databases lead to the one real server.
tunnels() {
    pg_section | sed "s/, host: 127.0.0.1, port: $PG_PORT//" >>cairn.yaml
    sed -i "s/^postgres:/postgres:\n  through: { \"*.rds.amazonaws.com\": \"127.0.0.1:$PG_PORT\" }/" cairn.yaml
}
reports() { # a jq program over the reports of the last run
    cairn show @last -o json | jq -e ".reports | $1"
}
number=$(psql_do 'show server_version_num')
case $((number / 10000)) in
15) version=15.7 ;;
16) version=16.3 ;;
*) skip_all "the simulated world upgrades to no version like that of the server here" ;;
esac

it 'without a connection the report says that SQL was not looked at' '
    use_world instance
    answered run_flow -p ignore_windows=true >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    reports ".SQL | startswith(\"not looked at\")"
'
it 'with one, what was found in the database is asked about before anything is changed' '
    psql_do "create table orders (id serial primary key, note text); insert into orders (note) select chr(65) from generate_series(1, 1000)"
    psql_do "create table loose (a int)"
    use_world instance
    tunnels
    must_fail 3 run_flow -p ignore_windows=true -p target_version=$version -p connection=main >run.log 2>&1
    cairn show @last | grep -q "table public.loose has no primary key"
    test "$(ledger | wc -l)" = 0
    cairn reject @last >/dev/null
    must_fail any cairn resume @last --no-input
    psql_do "drop table loose"
'
it 'green is analyzed and compared, the switchover is measured by writes, and the new database takes them' '
    use_world instance
    tunnels
    answered run_flow -p ignore_windows=true -p target_version=$version -p connection=main \
        -p "queries=[{\"name\":\"by id\",\"sql\":\"select * from orders where id = 7\"}]" >run.log 2>&1 || { tail -n 30 run.log; exit 1; }
    cairn show @last -o json >shown.json
    reports ".[\"SQL findings before\"] | type == \"array\""
    reports ".[\"tables analyzed on green\"] > 10"
    reports ".[\"SQL on green\"].plans[0] | startswith(\"by id: \")"
    reports ".[\"writes down by a probe\"] | test(\"^[0-9hmins. ]* at most between two writes \\\\([0-9]+ tried, [0-9]+ failed\\\\)\")"
    reports ".[\"sequences behind their columns\"] == []"
    test -z "$(psql_do "select to_regclass(\$\$cairn.heartbeat\$\$)")"
    test "$(changed_twice)" = 0
'
it 'a rollback before the switchover takes the table of the probe away again' '
    use_world instance
    tunnels
    must_fail 3 run_flow -p ignore_windows=true -p target_version=$version -p connection=main >run.log 2>&1
    approve_open
    must_fail 3 cairn resume @last --no-input >run.log 2>&1
    test -n "$(psql_do "select to_regclass(\$\$cairn.heartbeat\$\$)")"
    answered cairn rollback @last --no-input >run.log 2>&1
    test -z "$(psql_do "select to_regclass(\$\$cairn.heartbeat\$\$)")"
'
finish
