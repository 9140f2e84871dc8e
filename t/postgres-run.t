#!/bin/sh
# postgres-run.t: workflows that use SQL, on a real server: exactly once over crashes, cairn.sql, the probe, no password.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/flow.sh"
. "$SRC/t/crash.sh"
. "$SRC/t/postgres.sh"
need_postgres
# The run's clock is fast: pauses between looks cost nothing.
fast=$(date +%s)000:$(date +%s)000:500
CAIRN_CONFIG=$T/cairn.yaml
export CAIRN_CONFIG

pg_start || exit 1
pg_section >cairn.yaml

fresh() {
    rm -rf "$XDG_STATE_HOME"
    mkdir -p "$XDG_STATE_HOME"
    psql_do 'set client_min_messages = warning; drop schema if exists cairn cascade; drop table if exists orders; create table orders (id int)'
}
flow() { # NAME; its `run` is on stdin
    {
        printf 'local sql = require "cairn.sql"\nlocal probe = require "cairn.probe"\n'
        printf 'local postgres = cairn.plugin "postgres"\nreturn cairn.workflow { summary = "%s", run = function ()\n' "$1"
        cat
        printf 'end }\n'
    } >"$T/$1.lua"
}
# A statement of that beginning is under way in the server; its process is in $at_work.
at_work() { # TEXT
    at_work=$(psql_do "select pid from pg_stat_activity where query like '$1%' and state = 'active' and pid <> pg_backend_pid()")
    test -n "$at_work"
}
# The worker at the other end of the connection that bears the name of the run.
worker() {
    pgrep -P "$engine" -f cairn-worker
}
start() { # FLOW: an engine in the background
    "$BUILD/run" cairn run "$T/$1.lua" --no-input >run.log 2>&1 &
    engine=$!
    end_with_test "$engine"
}

flow release <<'END'
    sql.apply("main", nil, { name = "1-column", sql = "alter table orders add note text; insert into orders values (1, 'one')" })
    sql.apply("main", nil, { name = "2-row", sql = "insert into orders values (2, 'two')" })
    sql.apply("main", nil, { name = "3-index", sql = "create index concurrently orders_id on orders (id)", transaction = false })
    return { applied = #postgres.applied({ connection = "main" }).applied }
END
as_it_should_be() {
    test "$(psql_do "select string_agg(id || note, ',' order by id) from orders")" = 1one,2two &&
        test "$(psql_do "select string_agg(name || ' ' || state, ',' order by name) from cairn.applied")" = '1-column done,2-row done,3-index done' &&
        test "$(psql_do "select indisvalid from pg_index where indexrelid = 'orders_id'::regclass")" = t &&
        cairn verify @last >verified
}
crash() { # POINT:N
    fresh
    rc=0
    CAIRN_CLOCK=$fast CAIRN_CRASH_AT=$1 CAIRN_CRASH_LOG=$T/passed cairn run "$T/release.lua" --no-input >run.log 2>&1 || rc=$?
    tries=4
    while [ "$rc" -ne 0 ] && [ "$tries" -gt 0 ]; do
        tries=$((tries - 1))
        rc=0
        if cairn show @last >shown.txt 2>&1; then
            CAIRN_CLOCK=$fast cairn resume @last --no-input >run.log 2>&1 || rc=$?
        else
            CAIRN_CLOCK=$fast cairn run "$T/release.lua" --no-input >run.log 2>&1 || rc=$?
        fi
    done
    [ "$rc" -eq 0 ] || { cat run.log; return 1; }
    as_it_should_be
}

it 'a release of three migrations goes through, each recorded' '
    fresh
    CAIRN_CLOCK=$fast CAIRN_CRASH_LOG=$T/points cairn run "$T/release.lua" --no-input >run.log 2>&1 || { cat run.log; exit 1; }
    as_it_should_be
    shown value | grep -q 3
'
CRASH_POINTS='^(engine.(committed|sending|replied)|worker.(called|replied))$'
for pick in $(crash_picks); do
    it "killed at $pick each migration is applied once" "crash $pick"
done

it 'a worker that is killed in the middle of a transaction has applied nothing, and it is applied once' '
    fresh
    flow slow <<END
        return postgres.execute { connection = "main", name = "slow", sql = "insert into orders select 7 from pg_sleep(5)" }
END
    CAIRN_CLOCK=$fast start slow
    until_true 400 at_work "insert into orders"
    kill -9 "$(worker)"
    wait "$engine" || { cat run.log; exit 1; }
    test "$(psql_do "select count(*) from orders where id = 7")" = 1
    cairn show @last --records -o json | jq -r ".records[] | select(.kind == \"observed\") | .seen" | sort | uniq -c | grep -q "3 absent"
'
it 'an engine that is killed leaves the server to it, and a resume waits for what it is still doing' '
    fresh
    flow index <<END
        return postgres.execute { connection = "main", name = "i", transaction = false, lock_timeout = 60,
            sql = "create index concurrently orders_id on orders (id)" }
END
    background locker psql_do "begin; insert into orders values (5); select pg_sleep(60)"
    until_true 400 at_work "begin; insert"
    locker=$at_work
    CAIRN_CLOCK=$fast start index
    until_true 400 at_work "create index concurrently"
    pids="$engine $(worker)"
    kill -9 $pids
    wait "$engine" || :
    background resumed env CAIRN_CLOCK=$fast "$BUILD/run" cairn resume @last --no-input
    looking() { test "$(grep -c "with k as (select hashtextextended" "$PG_LOG")" -ge 2; }
    until_true 400 looking
    psql_do "select pg_terminate_backend($locker)"
    wait_for resumed || { cat resumed.err; exit 1; }
    test "$(psql_do "select indisvalid from pg_index where indexrelid = \$\$orders_id\$\$::regclass")" = t
    grep -q "create index concurrently" "$PG_LOG"
    test "$(cairn show @last --records -o json | jq -r ".records[] | select(.kind == \"outcome\") | .how")" = observed
'
it 'an index that was left INVALID by a dead server is dropped and made again' '
    fresh
    flow again <<END
        return sql.apply("main", nil, { name = "i", transaction = false, lock_timeout = 60,
            sql = "create index concurrently orders_id on orders (id)" })
END
    background locker psql_do "begin; insert into orders values (5); select pg_sleep(60)"
    until_true 400 at_work "begin; insert"
    CAIRN_CLOCK=$fast start again
    until_true 400 at_work "create index concurrently"
    pg_kill
    pg_again
    wait "$engine" || CAIRN_CLOCK=$fast cairn resume @last --no-input >run.log 2>&1 || { cat run.log; exit 1; }
    test "$(psql_do "select indisvalid from pg_index where indexrelid = \$\$orders_id\$\$::regclass")" = t
    test "$(cairn show @last --records -o json | jq -r ".records[] | select(.kind == \"intent\" and .op == \"step\") | .action" |
        tr "\n" " ")" = "execute invalid_indexes drop_invalid_index execute "
'
it 'checks, a baseline, statistics, extensions and the comparison afterwards are a few lines of a workflow' '
    fresh
    psql_do "drop table if exists big; create table big as select g as id, repeat(chr(65), 20) as t from generate_series(1, 30000) g"
    psql_do "create index big_id on big (id)"
    psql_do "drop extension if exists pg_stat_statements; create extension pg_stat_statements version \$\$1.9\$\$"
    psql_do "create database second" ; psql_do "create table without_key (a int)" second
    flow upgrade <<END
        local queries = { { name = "one", sql = "select * from big where id = 77" }, "select count(*) from big" }
        local findings = sql.checks("main", nil, "blue_green")
        cairn.report("findings", sql.lines(findings))
        local before = sql.baseline("main", nil, queries, { analyze = false, exact = true })
        cairn.check(before.counts["public.big"] == 30000, "all rows are counted")
        sql.apply("main", nil, { name = "worse", sql = "drop index big_id" })
        cairn.check(sql.analyze("main") > 10, "tables were analyzed")
        local updated = sql.update_extensions("main")
        local after = sql.baseline("main", nil, queries, { analyze = false })
        local compared = sql.compare(before, after)
        return { errors = sql.errors(findings), updated = updated, worse = compared.worse, ok = compared.ok,
            missing = compared.missing, behind = sql.sequences("main"), lag = sql.lag("main"), state = sql.state("main").writable }
END
    cairn run "$T/upgrade.lua" --no-input >run.log 2>&1 || { cat run.log; exit 1; }
    cairn show @last -o json | jq -c .value >result
    cat result
    jq -e ".errors >= 2 and .updated == [{database: \"postgres\", from: \"1.9\", name: \"pg_stat_statements\", version: \"1.10\"}]" result
    jq -e "(.worse | length) == 1 and (.worse[0] | startswith(\"one cost\")) and .ok == false and .missing == [] and .state" result
    cairn show @last | grep -q "error: second: table public.without_key has no primary key"
'
it 'a probe beside a restart of the server measures for how long writes were down' '
    fresh
    flow down <<END
        probe.prepare("main")
        local value, seen = probe.during("main", nil, function ()
            cairn.sleep(1)
            cairn.signal("restarted")
            return 42
        end)
        cairn.report("writes down", probe.line(seen))
        probe.drop("main")
        return { value = value, seen = seen }
END
    "$BUILD/run" cairn run "$T/down.lua" --no-input --wait >run.log 2>&1 &
    engine=$!
    end_with_test "$engine"
    until_true 400 grep -q "statement: insert into cairn.heartbeat\|execute <unnamed>: insert into cairn.heartbeat" "$PG_LOG"
    beats() { test "$(psql_do "select beats from cairn.heartbeat")" -gt 5; }
    until_true 400 beats
    pg_stop immediate
    sleep 1
    pg_again
    cairn signal @last restarted >/dev/null
    wait "$engine" || { cat run.log; exit 1; }
    cairn show @last -o json | jq -c .value >result
    cat result
    jq -e ".value == 42 and .seen.failed > 0 and .seen.gap_ms + .seen.blind_ms >= 1000 and (.seen.down | not)" result
    test -z "$(psql_do "select to_regclass(\$\$cairn.heartbeat\$\$)")"
'
it 'the probe ends with an error of what it stands beside, and goes on when that is resumed' '
    fresh
    flow broken <<END
        probe.prepare("main")
        local value, seen = probe.during("main", nil, function ()
            return postgres.execute { connection = "main", name = "b", sql = "insert into later values (1)" }.rows
        end)
        return { value = value, attempts = seen.attempts }
END
    must_fail 1 cairn run "$T/broken.lua" --no-input >run.log 2>&1
    grep -q "relation .later. does not exist" run.log
    psql_do "create table later (a int)"
    cairn resume @last --no-input >run.log 2>&1 || { cat run.log; exit 1; }
    cairn show @last -o json | jq -e ".value.value == 1 and .value.attempts > 1"
    psql_do "drop table later"
'
it 'the password is in no state, log, output, command line or environment' '
    fresh
    flow secret <<END
        sql.apply("main", nil, { name = "s", sql = "insert into orders select 9 from pg_sleep(5)" })
        local ok, err = pcall(postgres.query, { connection = "main", sql = "select \$1::int", params = { "no number" } })
        cairn.report("error", err)
        return postgres.query { connection = "main", sql = "select current_setting(\$\$application_name\$\$) as name" }
END
    start secret
    until_true 400 at_work "insert into orders select 9"
    cat /proc/$engine/cmdline >watched
    for pid in $(pgrep -P "$engine"); do
        cat "/proc/$pid/cmdline" "/proc/$pid/environ" >>watched
    done
    grep -qa cairn-worker watched
    wait "$engine" || { cat run.log; exit 1; }
    cairn show @last --records -o json >records.json
    cairn logs @last >logs.txt
    grep -q "cairn/" records.json
    for text in "$PG_PASSWORD" "$(printf %s "$PG_PASSWORD" | base64)"; do
        must_fail any grep -rqaF -- "$text" "$XDG_STATE_HOME" run.log records.json logs.txt watched
    done
'
finish
