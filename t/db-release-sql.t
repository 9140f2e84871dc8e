#!/bin/sh
# db-release-sql.t: schema releases whose SQL files cairn applies itself, to two databases of a real PostgreSQL.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2034,SC2317
. "$(dirname "$0")/lib.sh"
# The points next to an effect, once each: t/db-release-crash.t and t/postgres-run.t try the others.
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"
. "$SRC/t/postgres.sh"
need_postgres
pg_start || exit 1

EXAMPLE=event-recorder
EVENTS=11111111-1111-4111-a111-111111111111

in_both() { # SQL
    psql_do "$1" staging && psql_do "$1" production
}
for name in staging production; do
    psql_do "create database $name"
    psql_do "create table events (id bigint primary key, kind text); insert into events select g, 'k' || g % 7 from generate_series(1, 2000) g" $name
done

# The release: a column and its values in a transaction, an index outside of one.
fresh() {
    in_both "set client_min_messages = warning; drop schema if exists cairn cascade; drop index if exists events_kind; alter table events drop column if exists region"
    rm -f world.yaml
    use_world event-recorder
    {
        sed '/^postgres:/,/^  connections:/d; /^secrets:/,$d' cairn.yaml
        echo 'postgres:'
        echo '  connections:'
        for name in staging production; do
            pg_section "$name" | sed -n '3,4p' | sed "s/database: postgres/database: $name/"
        done
        pg_section | sed -n '/^secrets:/,$p'
    } >cairn.yaml.new && mv cairn.yaml.new cairn.yaml
    echo "alter table events add region text; update events set region = 'eu';" >migrations/0043-region.sql
    echo "create index concurrently events_kind on events (kind);" >migrations/0043-kind.sql
    echo "drop index concurrently events_kind;" >migrations/0043-kind.down.sql
    echo "alter table events drop column region;" >migrations/0043-region.down.sql
    cat >arguments <<END
release=0043
files=["migrations/0043-region.sql",{"file":"migrations/0043-kind.sql","transaction":false}]
down=[{"file":"migrations/0043-kind.down.sql","transaction":false},"migrations/0043-region.down.sql"]
staging=staging
production=production
functions=["event-recorder"]
estimate_minutes=20
END
}
# What a database shows of the release.
shape() { # DATABASE
    psql_do "select coalesce((select indisvalid::text from pg_index where indexrelid = to_regclass('events_kind')), 'none'),
        (select count(*) from pg_attribute where attrelid = 'events'::regclass and attname = 'region' and not attisdropped)" "$1"
}
files_of() { # DATABASE: what is recorded there
    psql_do "select name || ' ' || state from cairn.applied order by name" "$1" 2>/dev/null | tr '\n' ,
}
RELEASED='true|1'
UNTOUCHED='none|0'
UP='0043/0043-kind.sql done,0043/0043-region.sql done,'

# The databases are part of the world, and what is in them of the ledger.
crash_world() {
    fresh
}
ledger() {
    sim_get /_sim/ledger | jq -r '.[] | "\(.service) \(.action) \(.note // .target)"'
    for name in staging production; do
        echo "$name $(shape "$name") $(files_of "$name")"
        psql_do "select count(*) || ' of ' || region from events group by region" "$name"
    done
}
it 'a release of SQL files goes to staging, then to production, each file once and on record' '
    reference
    test "$(shape staging) $(shape production)" = "$RELEASED $RELEASED"
    test "$(files_of staging)" = "$UP"
    test "$(files_of production)" = "$UP"
    sim_get /_sim/world | jq -e ".lambda.mappings[\"$EVENTS\"].state == \"Enabled\""
    test "$(changed_twice)" = 0
    test "$(shown --count approvals)" = 2
    cairn verify @last
'
it 'rolled back, it is taken out of both by its down files, and the same release is refused afterwards' '
    fresh
    must_fail 1 answered run_flow -p "smoke=[{\"environment\":\"production\",\"function\":\"nobody\"}]" >run.log 2>&1
    test "$(shape production)" = "$RELEASED"
    answered cairn rollback @last --no-input >run.log 2>&1
    test "$(shape staging) $(shape production)" = "$UNTOUCHED $UNTOUCHED"
    must_fail 1 answered run_flow >run.log 2>&1
    cairn show @last -o json | jq -r .error.text | grep -F "was not taken back in staging"
'

# ---- staging before production ---------------------------------------------------------------------------------------

only() { # ENVIRONMENT [ARG...]
    environment=$1
    shift
    rm -rf "$XDG_STATE_HOME" && mkdir -p "$XDG_STATE_HOME" # those who were refused hold their locks
    answered run_flow -p "environments=[\"$environment\"]" "$@" >run.log 2>&1
}
refused() { # TEXT
    cairn show @last -o json | jq -r .error.text | grep -F "$1" || { tail -n 20 run.log; return 1; }
    test "$(shape production)" = "$UNTOUCHED"
    test "$(sim_get /_sim/ledger)" = "[]"
}
it 'production alone is refused until the very same SQL has passed staging, where other SQL of that name is refused' '
    fresh
    must_fail 1 only production
    refused "staging has 0043/0043-region.sql"
    only staging
    echo "update events set region = upper(region);" >>migrations/0043-region.sql
    must_fail 1 only production
    refused "staging has 0043/0043-region.sql with the same SQL"
    must_fail 1 only staging
    refused "staging has no 0043/0043-region.sql of other SQL"
    sed -i "\$d" migrations/0043-region.sql
    only production
    test "$(shape production)" = "$RELEASED"
'
# A statement of that beginning is under way in the server; its process is in $at_work.
at_work() { # TEXT
    at_work=$(psql_do "select pid from pg_stat_activity where query like '$1%' and state = 'active' and pid <> pg_backend_pid()")
    test -n "$at_work"
}
it 'a transaction that is open for long stops it before anything is changed' '
    fresh
    background open psql_do "begin; select 1; select pg_sleep(60)" staging
    until_true 400 at_work "begin; select 1"
    sleep 1.1
    must_fail 1 answered run_flow -p max_transaction_seconds=1 >run.log 2>&1
    refused "no transaction open for more than 1 s"
    psql_do "select pg_terminate_backend($at_work)"
'
# ---- CREATE INDEX CONCURRENTLY that dies ------------------------------------------------------------------------------

# The run is killed while production builds the index, and the server's process with it.
killed_while_building() {
    fresh
    must_fail 3 run_flow >run.log 2>&1
    approve_open
    must_fail 3 cairn resume @last --no-input >run.log 2>&1
    # An index that is built this way waits for everybody who may still read what was before.
    background reader psql_do "select pg_sleep(60)" production
    until_true 400 at_work "select pg_sleep"
    reader=$at_work
    approve_open
    "$BUILD/run" cairn resume @last --no-input >run.log 2>&1 &
    engine=$!
    end_with_test "$engine"
    until_true 400 at_work "create index concurrently events_kind"
    kill -KILL "$engine" $(pgrep -P "$engine" -f cairn-worker)
    psql_do "select pg_terminate_backend($at_work)"
    must_crash wait "$engine"
    psql_do "select pg_terminate_backend($reader)"
    test "$(shape production)" = "false|1"
    test "$(files_of production)" = "0043/0043-kind.sql begun,0043/0043-region.sql done,"
}
# The consumers stand still meanwhile, so the engine stays to watch over the time.
resume_until_asked() {
    "$BUILD/run" cairn resume @last --no-input >run.log 2>&1 &
    engine=$!
    end_with_test "$engine"
    began=$(now_ms)
    until_true 400 asks_for_index
}
asks_for_index() {
    cairn show @last | grep -F "Drop the INVALID index events_kind and build it again?"
}
it 'an index that a crash left INVALID is found on resume, and after a yes dropped and built again' '
    killed_while_building
    oid=$(psql_do "select to_regclass(\$\$events_kind\$\$)::oid" production)
    resume_until_asked
    test "$(shape production)" = "false|1"
    answer_until 60000
    wait "$engine"
    test "$(shape production) $(files_of production)" = "$RELEASED $UP"
    test "$(psql_do "select to_regclass(\$\$events_kind\$\$)::oid" production)" != "$oid"
    test "$(changed_twice)" = 0
    sim_get /_sim/world | jq -e ".lambda.mappings[\"$EVENTS\"].state == \"Enabled\""
    cairn verify @last
'
it 'a no leaves the INVALID index alone, leads the consumers back, and a rollback takes it out' '
    killed_while_building
    resume_until_asked
    cairn reject @last --comment "not now"
    must_fail any wait "$engine"
    test "$(shape production)" = "false|1"
    sim_get /_sim/world | jq -e ".lambda.mappings[\"$EVENTS\"].state == \"Enabled\""
    answered cairn rollback @last --no-input >run.log 2>&1
    test "$(shape staging) $(shape production)" = "$UNTOUCHED $UNTOUCHED"
'

# ---- killed on its way ------------------------------------------------------------------------------------------------

CRASH_POINTS='^(engine.committed|engine.sending|worker.called)$'
for pick in $(crash_picks); do
    it "killed at $pick it ends the same" "crash_at $pick"
done
stop_sim
finish
