#!/bin/sh
# postgres-workflows.t: each workflow once on real servers behind the simulated RDS, with what it is there to notice.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2086
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/restore.sh"
. "$SRC/t/postgres.sh"
. "$SRC/t/rows.sh"
need_postgres

# The world of an example, with rows: 500 of them.
rows="create table flows (id serial primary key, name text);
insert into flows (name) select md5(n::text) from generate_series(1, 500) n; analyze flows;"
planted() { # EXAMPLE INSTANCE [SQL]
    rm -f world.yaml
    awk -v instance="    $2:" -v sql="$rows ${3:-}" '
        { print }
        $0 == instance && !done++ { gsub("\n", " ", sql); print "      sql: \"" sql "\"" }
    ' "$SRC/examples/$1/world.yaml" >planted.yaml
    mv planted.yaml world.yaml
    real_world "$1"
    grep -q "^secrets:" cairn.yaml || connect >>cairn.yaml
}
reports() { # a jq program over the reports of the last run
    cairn show @last -o json | jq -e ".reports | $1"
}
PGUSER=dbuser PGDATABASE=postgres

it 'an upgrade in place is a real one: rows and plans are compared, statistics made anew, writes measured' '
    PGDATABASE=app
    planted planx-staging app5ec7032
    sed -i "s/^target_version=.*/target_version=15.7/" arguments
    answered run_flow -p ignore_windows=true -p connection=main -p probe=true \
        -p "queries=[\"select * from flows where id = 7\"]" >run.log 2>&1 || { tail -n 40 run.log; exit 1; }
    test "$(at app5ec7032 "select count(*) from flows")" = 500
    test "$(at app5ec7032 "select reltuples from pg_class where relname = \$\$flows\$\$")" = 500
    reports ".[\"writes down, measured\"] != null"
'
it 'what pg_upgrade refuses is found before anything is changed' '
    PGDATABASE=app
    planted planx-staging app5ec7032 "create table odd (f regproc);"
    sed -i "s/^target_version=.*/target_version=15.7/" arguments
    answered run_flow -p ignore_windows=true -p pending_maintenance=leave -p connection=main >run.log 2>&1 || :
    test "$(shown state)" = failed
    shown why | grep "pg_upgrade would refuse"
    test "$(sim_get /_sim/ledger)" = "[]"
'
it 'a restore beside the live database brings the rows of the snapshot, and tells how many are other ones' '
    planted restore app5ec7032
    at app5ec7032 "delete from flows where id > 400; analyze flows"
    answered run_flow -p connection=main >run.log 2>&1 || { tail -n 40 run.log; exit 1; }
    reports ".[\"tables with other numbers of rows than in the live database\"] | tostring | test(\"flows: 500, live 400\")"
    reports ".[\"in the restored database\"] | tostring | test(\"500\")"
'
it 'a restore by two renames that dies between them ends with the rows of the snapshot under the old name' '
    planted restore-swap appfb2a31c
    at appfb2a31c "delete from flows"
    killed_at engine.sending:8 run_flow -p connection=main -p delete_old=false >run.log 2>&1
    world >now.json
    test -z "$(look now.json rds instances appfb2a31c status)"
    must_fail any at appfb2a31c "select 1"
    answered cairn resume @last --no-input >run.log 2>&1 || { tail -n 40 run.log; exit 1; }
    test "$(at appfb2a31c "select count(*) from flows")" = 500
    test "$(changed_twice)" = 0
'
it 'a minor version that a stage does not take leaves it with its rows, and is brought there when that is mended' '
    PGUSER=postgres SPEED=60000 # it takes weeks
    planted minor-rollout production
    cairn sim fault upgrade_fails target=production times=1 reason="it is not sound"
    until_asked "production: 16.4 was not reached" run_flow
    world >now.json
    test "$(look now.json rds instances production version)" = 16.3
    at production "insert into flows (name) values (\$\$between\$\$)"
    answered cairn resume @last --no-input >run.log 2>&1 || { tail -n 40 run.log; exit 1; }
    world >now.json
    test "$(look now.json rds instances production version)" = 16.4
    test "$(at production "select count(*) from flows")" = 501
'
# Two databases of the world, and a release whose second file builds an index outside of a transaction.
release_world() {
    PGUSER=postgres PGDATABASE=events
    rm -f world.yaml
    awk '
        /^    event-store:/ { inside = 1 }
        inside && /^ *$/ { inside = 0 }
        inside { kept = kept $0 "\n"; next }
        kept != "" {
            sql = "      sql: \"create table events (id serial primary key, kind text); insert into events (kind) "
            sql = sql "select md5(g::text) from generate_series(1, 2000) g;\"\n"
            printf "%s%s", kept, sql
            gsub("event-store:", "event-store-staging:", kept)
            printf "%s%s", kept, sql
            kept = ""
        }
        { print }
    ' "$SRC/examples/event-recorder/world.yaml" >planted.yaml
    mv planted.yaml world.yaml
    real_world event-recorder
    {
        echo "postgres:"
        echo "  connections:"
        for name in event-store event-store-staging; do
            echo "    $name: { user: postgres, password: { secret: master }, database: events, sslmode: prefer, host: $(full_name "$name") }"
        done
        connect | sed -n "/^secrets:/,\$p"
    } >>cairn.yaml
    echo "alter table events add region text; update events set region = \$\$eu\$\$;" >migrations/0043-region.sql
    echo "create index concurrently events_kind on events (kind);" >migrations/0043-kind.sql
    cat >arguments <<END
release=0043
files=["migrations/0043-region.sql",{"file":"migrations/0043-kind.sql","transaction":false}]
staging=event-store-staging
production=event-store
database=event-store
functions=["event-recorder"]
estimate_minutes=20
END
}
built() { # HOST
    test "$(at "$1" "select indisvalid from pg_index where indexrelid = to_regclass(\$\$events_kind\$\$)")" = t
}
building() {
    at event-store "select query from pg_stat_activity where state = \$\$active\$\$" | grep -q "^create index concurrently"
}
it 'a release whose CREATE INDEX CONCURRENTLY is killed in the middle is finished by a resume, once' '
    release_world
    to=$(leads event-store)
    # An index that is built this way waits for everybody who may still read what was before.
    background holder "$PG_BIN/psql" -Xq "host=127.0.0.1 port=${to#*:}" -c "select pg_sleep(600)"
    begin_flow
    until building; do
        alive "$engine" || { tail -n 40 run.log; exit 1; }
        approve_open >/dev/null 2>&1 || :
    done
    kill -KILL "$engine"
    until_true 200 not_there "$engine"
    kill "$(cat holder.pid)"
    at event-store "select pg_terminate_backend(pid) from pg_stat_activity where query like \$\$create index%\$\$"
    at event-store "select pg_terminate_backend(pid) from pg_stat_activity where query like \$\$select pg_sleep%\$\$"
    test "$(at event-store "select indisvalid from pg_index where indexrelid = to_regclass(\$\$events_kind\$\$)")" = f
    "$BUILD/run" cairn resume @last --wait --no-input >resumed.log 2>&1 &
    engine=$!
    end_with_test "$engine"
    began=$(now_ms)
    answer_until 120000
    wait "$engine" || { tail -n 40 resumed.log; exit 1; }
    built event-store
    built event-store-staging
    test "$(at event-store "select string_agg(distinct state, \$\$,\$\$) from cairn.applied")" = done
    test "$(at event-store "select count(*) from events where region = \$\$eu\$\$")" = 2000
'
it 'when the simulator ends, nothing is left' '
    test -n "$(servers_left)" # the look does see them
    kill "$(cat sim.pid)"
    ends_with_nothing_left
'
finish
