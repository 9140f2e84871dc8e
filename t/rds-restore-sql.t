#!/bin/sh
# rds-restore-sql.t: before anybody is led over, a real PostgreSQL server is asked what is in the restored database.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/restore.sh"
. "$SRC/t/postgres.sh"
need_postgres

EXAMPLE=restore
use_world restore
it 'a server with a table stands in for what is restored, none for the live database' '
    pg_start
    psql_do "create table flows (id serial primary key, name text); insert into flows (name) select md5(n::text)
        from generate_series(1, 120) n; analyze; select setval(\$\$flows_id_seq\$\$, 7)"
    zone=c5planxexample.eu-west-2.rds.amazonaws.com
    pg_section | sed "/^secrets:/i\\  through: { \"*.$zone\": \"127.0.0.1:$PG_PORT\", \"app5ec7032.$zone\": \"127.0.0.1:1\" }" \
        >>cairn.yaml
'
it 'the number of its rows is told, and a sequence that is behind; that the live one can not be asked is no error' '
    until_asked "Lead everybody over" run_flow -p connection=main
    reported "in the restored database" | grep -q "\"rows\":120"
    reported "sequences that are behind their column" | grep -q "flows_id_seq is at 7"
    reported "tables with other numbers of rows than in the live database" | grep -q "can.t be asked"
'
it 'credentials that the restored database refuses stop the run before anybody is led over' '
    answered cairn rollback @last --no-input >run.log 2>&1
    psql_do "alter user $PG_USER password \$\$another\$\$"
    must_fail 4 answered run_flow -p connection=main >run.log 2>&1
    grep -qi "password authentication failed" run.log
'
pg_stop
stop_sim
finish
