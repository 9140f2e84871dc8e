#!/bin/sh
# postgres-plugin.t: the plugin postgres against a real server: actions, refusals, doubts.
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"
. "$SRC/t/postgres.sh"
need_postgres
token=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1
CAIRN_LIBEXEC=$BUILD
export CAIRN_LIBEXEC

connection() { # PASSWORD [MORE]
    printf '{"user":"super","password":{"$secret":"%s"},"host":"localhost","port":%s,"sslrootcert":"%s"%s}' \
        "$1" "$PG_PORT" "$T/pg-ca.pem" "${2:-}"
}
config="{\"connections\":{\"main\":$(connection "$PG_PASSWORD")}}"

# One call; the reply is in the file `reply`, the log in `log`. What libpq would take from the environment must not count.
plug() { # MODE ACTION MEMBERS: of {"connection":"main",...}
    PGPASSWORD=not-this-one PGSSLMODE=disable PGOPTIONS=-cwork_mem=1 \
        "$BUILD/call-plugin" -m "$1" -t "$token" -r run-1 "$BUILD/plugins/.libs/postgres.so" "$config" \
        "$2" "{\"connection\":\"main\"${3:+,}${3:-}}" >reply 2>log
}
ok() { # ACTION [MEMBERS]
    plug run "$@" && return 0
    cat reply log >&2
    return 1
}
fails() { # KIND CODE ACTION [MEMBERS]; CODE may be empty
    lib_kind=$1 lib_code=$2
    shift 2
    if plug run "$@" || ! grep -q "\"kind\":\"$lib_kind\"" reply; then
        echo "expected the error $lib_kind:" >&2
        cat reply log >&2
        return 1
    fi
    [ -z "$lib_code" ] || has "\"code\":\"$lib_code\""
}
seen() { # done|absent|conflict|unknown ACTION [MEMBERS]
    lib_seen=$1
    shift
    plug observe "$@" && grep -q "\"seen\":\"$lib_seen\"" reply && return 0
    echo "expected to see $lib_seen:" >&2
    cat reply log >&2
    return 1
}
has() { # TEXT...: each is in the reply
    for lib_text; do
        grep -qF -- "$lib_text" reply || {
            echo "not in the reply: $lib_text" >&2
            cat reply >&2
            return 1
        }
    done
}
lacks() { # TEXT...
    for lib_text; do
        ! grep -qF -- "$lib_text" reply || {
            echo "in the reply: $lib_text" >&2
            cat reply >&2
            return 1
        }
    done
}

pg_start tls || exit 1

it 'a query gives rows with types, and what is not an exact number stays text' '
    psql_do "create table t (id int primary key, name text, n numeric, f float8, b bool)"
    psql_do "insert into t values (1, chr(233), 1.10, 0.5, true), (2, null, 12345678901234567890, float8 \$\$NaN\$\$, false)"
    ok query "\"sql\":\"select *, id from t order by id\""
    has "\"columns\":[\"id\",\"name\",\"n\",\"f\",\"b\",\"id_2\"]" "{\"b\":true,\"f\":0.5,\"id\":1,\"id_2\":1,\"n\":\"1.10\",\"name\":\"é\"}"
    has "{\"b\":false,\"f\":\"NaN\",\"id\":2,\"id_2\":2,\"n\":\"12345678901234567890\",\"name\":null}" "\"truncated\":false"
    ok query "\"sql\":\"select \$1::int + 1 as n, \$2::text is null as none, \$3::bool as yes\",\"params\":[41,null,true]"
    has "{\"n\":42,\"none\":true,\"yes\":true}"
    fails invalid "" query "\"sql\":\"select \$1\",\"params\":[[1]]"
'
it 'a result that is too large is cut, and says so' '
    ok query "\"sql\":\"select generate_series(1, 100000) as n\",\"max_rows\":3"
    has "\"count\":3" "\"truncated\":true" "[{\"n\":1},{\"n\":2},{\"n\":3}]"
    ok query "\"sql\":\"select repeat(chr(65), 600) as a from generate_series(1, 100000)\",\"max_bytes\":1000"
    has "\"count\":1" "\"truncated\":true" "\"columns\":[\"a\"]"
'
it 'a query changes nothing, however it is written' '
    fails invalid 25006 query "\"sql\":\"delete from t\""
    fails invalid 25006 query "\"sql\":\"with gone as (delete from t returning 1) select * from gone\""
    fails invalid 42601 query "\"sql\":\"commit; delete from t\""
    fails invalid 42601 query "\"sql\":\"selec 1\""
    fails not_found 42P01 query "\"sql\":\"select * from nowhere\""
    fails failed 57014 query "\"sql\":\"select pg_sleep(30)\",\"timeout\":1"
    has "statement timeout"
    fails invalid "" query "\"sql\":\"copy t to stdout\""
    test "$(psql_do "select count(*) from t")" = 2
'
it 'the session bears the name of the run and of the step' '
    ok query "\"sql\":\"select application_name from pg_stat_activity where pid = pg_backend_pid()\""
    has "cairn/run-1/"
'
it 'a wrong password is denied, with its code, and appears nowhere' '
    config="{\"connections\":{\"main\":$(connection wrong-Sn0wy0wl)}}"
    fails denied 28P01 query "\"sql\":\"select 1\""
    has "localhost:$PG_PORT/postgres" "password authentication failed"
    must_fail any grep -F wrong-Sn0wy0wl reply log
    config="{\"connections\":{\"main\":{\"user\":\"super\",\"host\":\"localhost\",\"port\":$PG_PORT,\"sslmode\":\"require\"}}}"
    fails denied "" query "\"sql\":\"select 1\""
    has "no password supplied"
'
it 'a server that is not there, and a database that is not there' '
    fails unavailable "" query "\"sql\":\"select 1\",\"port\":1"
    has "Connection refused"
    fails unavailable "" query "\"sql\":\"select 1\",\"host\":\"nowhere.invalid\""
    fails not_found 3D000 query "\"sql\":\"select 1\",\"database\":\"nowhere\""
    fails invalid "" query "\"sql\":\"select 1\",\"host\":\"localhost,192.0.2.1\""
    fails invalid "" query "\"sql\":\"select 1\",\"port\":0"
'
it 'a certificate of another authority, or for another host, is denied before the password is sent' '
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other -keyout k.pem -out other.pem 2>/dev/null
    config="{\"connections\":{\"main\":$(connection "$PG_PASSWORD" | sed "s,pg-ca.pem,other.pem,")}}"
    fails denied "" query "\"sql\":\"select 1\""
    has "certificate verify failed"
    config="{\"connections\":{\"main\":$(connection "$PG_PASSWORD")}}"
    fails denied "" query "\"sql\":\"select 1\",\"host\":\"127.0.0.1\""
    has "does not match host name"
    config="{\"connections\":{\"main\":$(connection "$PG_PASSWORD" | sed "s,pg-ca.pem,nothing.pem,")}}"
    fails denied "" query "\"sql\":\"select 1\""
    has "root certificate file"
'
it 'a tunnel leads elsewhere, and the certificate is still that of the server' '
    config="{\"connections\":{\"main\":$(connection "$PG_PASSWORD")},\"through\":{\"a.db.example:5432\":\"127.0.0.1:$PG_PORT\",\"b.other.example\":\"127.0.0.1:$PG_PORT\"}}"
    ok query "\"sql\":\"select 1\",\"host\":\"a.db.example\",\"port\":5432"
    fails denied "" query "\"sql\":\"select 1\",\"host\":\"b.other.example\""
    has "does not match host name"
'
it 'a server that gives no answer is not waited for any longer than was said' '
    plug run query "\"sql\":\"select pg_sleep(61)\",\"timeout\":1" &
    asleep() { frozen=$(psql_do "select pid from pg_stat_activity where query = \$\$select pg_sleep(61)\$\$ and state = \$\$active\$\$") && test -n "$frozen"; }
    until_true 400 asleep
    kill -STOP "$frozen"
    wait $! && exit 1
    kill -CONT "$frozen"
    has "\"kind\":\"timeout\"" "no answer in time"
'
it 'what is wrong in the configuration is said with its place' '
    config="{\"connections\":{\"main\":{\"user\":\"a\",\"pasword\":\"b\"}}}"
    fails invalid "" query "\"sql\":\"select 1\""
    has "postgres.connections.main.pasword: unknown key"
    config="{\"connections\":{\"main\":{\"user\":\"a\",\"host\":\"h\"}}}"
    fails invalid "" query "\"sql\":\"select 1\""
    has "postgres.connections.main.sslrootcert: verify-full needs it"
    config="{\"connections\":{\"main\":{\"user\":\"a\",\"sslmode\":\"yes\"}}}"
    fails invalid "" query "\"sql\":\"select 1\""
    has "sslmode: it is verify-full"
    config="{\"connections\":{\"other\":{\"user\":\"a\",\"sslmode\":\"require\"}}}"
    fails invalid "" query "\"sql\":\"select 1\""
    has "no postgres.connections.main; there are other"
    config="{\"connections\":{\"main\":{\"user\":\"a\",\"sslmode\":\"require\"}}}"
    fails invalid "" query "\"sql\":\"select 1\""
    has "neither the call nor postgres.connections.main has a host"
'
it 'what a server is, its databases, the rows of its tables' '
    ok writable
    has "\"writable\":true" "\"in_recovery\":false" "\"read_only\":false" "\"version_num\":1" "\"user\":\"super\""
    psql_do "alter database postgres set default_transaction_read_only = on"
    ok writable
    has "\"writable\":false" "\"read_only\":true"
    fails failed 25006 execute "\"name\":\"a\",\"sql\":\"create table no (a int)\""
    PGOPTIONS="-c default_transaction_read_only=off" psql_do "alter database postgres reset default_transaction_read_only"
    ok databases
    has "\"name\":\"postgres\""
    lacks template
    ok counts "\"exact\":true"
    has "{\"rows\":2,\"schema\":\"public\",\"table\":\"t\"}"
    ok counts "\"tables\":[\"public.nothing\"]"
    has "\"tables\":[]"
'
it 'a sequence that is behind its column is found' '
    psql_do "create table s (id serial primary key); create table u (id int generated always as identity)"
    psql_do "insert into s values (7)"
    ok sequences
    has "\"behind\":1" "\"sequence\":\"s_id_seq\"" "{\"behind\":true,\"column\":\"id\",\"last_value\":null,\"max\":7," "\"sequence\":\"u_id_seq\""
'
it 'statistics are made of each table, of parents of partitions too, and of fresh ones not again' '
    psql_do "create table p (a int) partition by range (a); create table p1 partition of p for values from (0) to (9)"
    ok analyze
    has "\"left\":0"
    test "$(psql_do "select count(*) from pg_stat_user_tables where last_analyze is null")" = 0
    since=$(perl "$SRC/t/look.pl" reply value since)
    nothing_left() { ok analyze "\"since\":\"$since\"" && has "\"analyzed\":0"; } # a session tells what it did when it ends
    until_true 20 nothing_left
'
it 'plans are summed up, and a query that fails or changes something is an entry with an error' '
    ok explain "\"queries\":[\"select * from t where id = 1\",{\"name\":\"bad\",\"sql\":\"delete from t\"},\"selec\"]"
    has "\"name\":\"query 1\"" "\"total_cost\":" "\"rows\":1" "\"time_ms\":" "\"nodes\":{" "\"code\":\"25006\"" "\"code\":\"42601\""
    ok explain "\"queries\":[\"select pg_sleep(20)\",\"select 1\"],\"timeout\":1"
    has "\"code\":\"57014\"" "\"name\":\"query 2\""
    ok explain "\"queries\":[\"select pg_sleep(20)\"],\"analyze\":false"
    lacks time_ms
'
it 'extensions are listed, and updated to the version of the server' '
    psql_do "create extension pg_stat_statements version \"1.9\""
    ok extensions
    has "\"outdated\":1" "\"name\":\"pg_stat_statements\",\"outdated\":true" "\"version\":\"1.9\""
    seen absent update_extension "\"name\":\"pg_stat_statements\""
    ok update_extension "\"name\":\"pg_stat_statements\""
    has "\"from\":\"1.9\"" "\"changed\":true"
    seen done update_extension "\"name\":\"pg_stat_statements\""
    ok update_extension "\"name\":\"pg_stat_statements\""
    has "\"changed\":false"
    fails not_found "" update_extension "\"name\":\"nothing\""
'
it 'SQL runs once: what has its name in the record is not run again' '
    seen absent execute "\"name\":\"m1\",\"sql\":\"create table m (a int); insert into m values (1), (2);\""
    ok execute "\"name\":\"m1\",\"sql\":\"create table m (a int); insert into m values (1), (2);\""
    has "\"already\":false" "\"statements\":2" "\"rows\":2"
    seen done execute "\"name\":\"m1\",\"sql\":\"create table m (a int); insert into m values (1), (2);\""
    ok execute "\"name\":\"m1\",\"sql\":\"create table m (a int); insert into m values (1), (2);\""
    token=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2
    ok execute "\"name\":\"m1\",\"sql\":\"create table m (a int); insert into m values (1), (2);\""
    has "\"already\":true"
    fails conflict CHECKSUM execute "\"name\":\"m1\",\"sql\":\"select 1\""
    seen conflict execute "\"name\":\"m1\",\"sql\":\"select 1\""
    test "$(psql_do "select count(*) from m")" = 2
    ok applied "\"name\":\"m1\""
    has "\"run\":\"run-1\",\"state\":\"done\""
'
it 'statements that fail leave nothing behind, and say which' '
    fails failed 23505 execute "\"name\":\"m2\",\"sql\":\"insert into t (id) values (9); insert into t (id) values (1)\""
    has "statement 2 of 2" "already exists"
    test "$(psql_do "select count(*) from t where id = 9")" = 0
    seen absent execute "\"name\":\"m2\",\"sql\":\"insert into t (id) values (9); insert into t (id) values (1)\""
    fails invalid "" execute "\"name\":\"m2\",\"sql\":\"select 1; commit; select 2\""
    has "statement 2: take commit out"
    fails invalid 25001 execute "\"name\":\"m2\",\"sql\":\"vacuum t\""
    has "set transaction = false"
    fails invalid "" execute "\"name\":\"m2\",\"sql\":\"select 1; select 2\",\"transaction\":false"
    fails invalid "" execute "\"name\":\"m2\""
    fails conflict CHECKSUM execute "\"name\":\"m2\",\"sql\":\"select 1\",\"checksum\":\"00\""
'
it 'SQL comes from a file, whose digest can be held against an earlier one' '
    printf "create table of_file (a int); -- an end; of nothing\ndo \$x\$ begin perform 1; end \$x\$;\n" >m.sql
    ok checksum_files "\"files\":[\"$T/m.sql\"]" || :
    "$BUILD/call-plugin" "$BUILD/plugins/.libs/postgres.so" "{}" checksum_files "{\"files\":[\"$T/m.sql\"]}" >reply
    sum=$(sha256sum m.sql | cut -d" " -f1)
    has "\"checksum\":\"$sum\""
    ok execute "\"name\":\"m3\",\"file\":\"$T/m.sql\",\"checksum\":\"$sum\""
    has "\"statements\":2"
    fails not_found "" execute "\"name\":\"m4\",\"file\":\"$T/none.sql\""
'
it 'a lock that is not given in time is a matter of later' '
    background locker psql_do "begin; lock table t; select pg_sleep(60)"
    locked() { test "$(psql_do "select count(*) from pg_locks where granted and relation = \$\$t\$\$::regclass")" -gt 0; }
    until_true 400 locked
    fails not_yet 55P03 execute "\"name\":\"m5\",\"sql\":\"alter table t add x int\",\"lock_timeout\":1"
    psql_do "select pg_terminate_backend(pid) from pg_locks where granted and relation = \$\$t\$\$::regclass"
    ok execute "\"name\":\"m5\",\"sql\":\"alter table t add x int\""
'
# The server through a connection that breaks; without TLS, so that it can be seen what is sent.
through() { # before|after TEXT
    rm -f cut.port
    background cut perl "$SRC/t/pg-cut.pl" "$PG_PORT" "$1" "$2" "$T/cut.port"
    until_true 400 test -s cut.port
    plain="{\"user\":\"super\",\"password\":{\"\$secret\":\"$PG_PASSWORD\"},\"host\":\"127.0.0.1\",\"port\":$(cat cut.port),\"sslmode\":\"disable\"}"
    config="{\"connections\":{\"main\":$plain}}"
}
CHANGE='"name":"NAME","sql":"insert into t (id) values (NUMBER)"'
change() { # NAME NUMBER
    echo "$CHANGE" | sed "s/NAME/$1/; s/NUMBER/$2/"
}
rows_of() { # NUMBER
    psql_do "select count(*) from t where id = $1"
}

it 'a connection that breaks before COMMIT is sent has changed nothing, and that is said' '
    through before "insert into t"
    fails unavailable "" execute "$(change c1 101)"
    test "$(rows_of 101)" = 0
    seen absent execute "$(change c1 101)"
    ok execute "$(change c1 101)"
    test "$(rows_of 101)" = 1
'
it 'one that breaks as COMMIT is sent leaves a doubt, which the record settles: it did not arrive' '
    through before commit
    fails in_doubt "" execute "$(change c2 102)"
    seen absent execute "$(change c2 102)"
    test "$(rows_of 102)" = 0
    ok execute "$(change c2 102)"
    test "$(rows_of 102)" = 1
'
it 'or it did, and only the answer was lost' '
    through after commit
    fails in_doubt "" execute "$(change c3 103)"
    seen done execute "$(change c3 103)"
    has "\"already\":false"
    ok execute "$(change c3 103)"
    test "$(rows_of 103)" = 1
'
it 'while a statement of the lost attempt is still at work nothing is said about it' '
    psql_do "create table gate (a int)"
    background locker psql_do "begin; lock table gate; select pg_sleep(300)"
    locked() { test "$(psql_do "select count(*) from pg_locks where granted and relation = \$\$gate\$\$::regclass")" -gt 0; }
    until_true 400 locked
    slow="\"name\":\"c4\",\"sql\":\"insert into t (id) values (104); lock gate\",\"lock_timeout\":300"
    through after "lock gate"
    fails unavailable "" execute "$slow"
    fails not_yet "" execute "$slow"
    has "still at work"
    plug observe execute "$slow" &
    until_true 400 grep -q "is still at work on it" log
    psql_do "select pg_terminate_backend(pid) from pg_locks where granted and relation = \$\$gate\$\$::regclass"
    wait $!
    has "\"seen\":\"absent\""
    test "$(rows_of 104)" = 0
    ok execute "$slow"
    test "$(rows_of 104)" = 1
'
it 'the password is in no statement, error or log that went through' '
    test -s cut.out
    grep -qa "insert into t" cut.out
    must_fail any grep -qaF "$PG_PASSWORD" cut.out reply log "$PG_LOG"
'
it 'a server that is killed in the middle of a statement is unavailable for reads, and has changed nothing' '
    plug run query "\"sql\":\"select pg_sleep(30)\"" &
    asleep() { test "$(psql_do "select count(*) from pg_stat_activity where query like \$\$%pg_sleep(30)%\$\$ and state = \$\$active\$\$ and pid <> pg_backend_pid()")" = 1; }
    until_true 400 asleep
    pg_stop immediate
    wait $! && exit 1
    has "\"kind\":\"unavailable\""
    fails unavailable "" query "\"sql\":\"select 1\""
    pg_again
    ok query "\"sql\":\"select 1\""
'

CIC='"name":"i1","sql":"create index concurrently t_name on t (name)","transaction":false'
it 'an index is made without a transaction, once' '
    seen absent execute "$CIC"
    ok execute "$CIC"
    seen done execute "$CIC"
    ok execute "$CIC"
    test "$(psql_do "select indisvalid from pg_index where indexrelid = \$\$t_name\$\$::regclass")" = t
'
it 'a unique index that can not be made leaves an INVALID one, and that is said' '
    psql_do "create table dup (a int); insert into dup values (1), (1)"
    unique="\"name\":\"i2\",\"sql\":\"create unique index concurrently if not exists dup_a on public.dup (a)\",\"transaction\":false"
    fails failed INVALID_INDEX execute "$unique"
    has "index public.dup_a on public.dup is INVALID" "could not create unique index"
    seen conflict execute "$unique"
    fails failed INVALID_INDEX execute "$unique"
    ok invalid_indexes
    has "\"name\":\"dup_a\"" "\"building\":false"
    oid=$(psql_do "select \$\$dup_a\$\$::regclass::oid")
    seen absent drop_invalid_index "\"name\":\"dup_a\",\"oid\":$oid"
    ok drop_invalid_index "\"name\":\"dup_a\",\"oid\":$oid"
    seen done drop_invalid_index "\"name\":\"dup_a\",\"oid\":$oid"
    fails not_found "" drop_invalid_index "\"name\":\"dup_a\",\"oid\":$oid"
    psql_do "delete from dup where ctid = (select min(ctid) from dup)"
    seen absent execute "$unique"
    ok execute "$unique"
    fails conflict "" drop_invalid_index "\"name\":\"dup_a\",\"oid\":$(psql_do "select \$\$dup_a\$\$::regclass::oid")"
'
it 'an index whose session dies on the way is found INVALID' '
    background locker psql_do "begin; insert into dup values (5); select pg_sleep(60)"
    holding() { test "$(psql_do "select count(*) from pg_locks where granted and relation = \$\$dup\$\$::regclass")" -gt 0; }
    until_true 400 holding
    cic="\"name\":\"i3\",\"sql\":\"create index concurrently dup_b on dup (a)\",\"transaction\":false,\"lock_timeout\":60"
    plug run execute "$cic" &
    there() { test "$(psql_do "select count(*) from pg_class where relname = \$\$dup_b\$\$")" = 1; }
    until_true 400 there
    psql_do "select pg_terminate_backend(pid) from pg_stat_activity where query like \$\$create index%\$\$"
    wait $! && exit 1
    has "\"kind\":\"in_doubt\""
    seen conflict execute "$cic"
    has "\"code\":\"INVALID_INDEX\"" "index public.dup_b on public.dup is INVALID"
    psql_do "select pg_terminate_backend(pid) from pg_locks where granted and relation = \$\$dup\$\$::regclass"
'
it 'about a statement that leaves no trace a person is asked' '
    through after vacuum
    vacuum="\"name\":\"v1\",\"sql\":\"vacuum t\",\"transaction\":false"
    fails in_doubt "" execute "$vacuum"
    seen unknown execute "$vacuum"
    has "it was begun at" "vacuum t"
    ok applied "\"name\":\"v1\""
    has "\"state\":\"begun\""
    token=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2
    fails conflict "" execute "$vacuum"
'
it 'slots show how far they are behind' '
    psql_do "select pg_create_logical_replication_slot(\$\$s1\$\$, \$\$pgoutput\$\$)"
    psql_do "insert into t (id) select generate_series(1000, 3000)"
    ok lag
    has "\"name\":\"s1\"" "\"active\":false"
    test "$(perl "$SRC/t/look.pl" reply value max_lag_bytes)" -gt 10000
'
it 'the checks find each thing that stands in the way of a blue/green deployment, and of an upgrade in place' '
    psql_do "select pg_drop_replication_slot(\$\$s1\$\$)"
    ok checks "\"upgrade\":\"in_place\""
    has "\"findings\":[]"
    psql_do "select pg_create_logical_replication_slot(\$\$s1\$\$, \$\$pgoutput\$\$)"
    psql_do "create unlogged table ul (a int primary key); create materialized view mv as select 1 as a"
    psql_do "select lo_create(0); create extension postgres_fdw; create server far foreign data wrapper postgres_fdw"
    psql_do "create publication pub; create table rg (p regproc, ok regclass)"
    psql_do "create function tf() returns trigger language plpgsql as \$\$ begin return new; end \$\$"
    psql_do "create trigger tr before insert on t for each row execute function tf(); alter table t enable always trigger tr"
    psql_do "create function ef() returns event_trigger language plpgsql as \$\$ begin end \$\$"
    psql_do "create role other superuser; set role other; create event trigger et on ddl_command_end execute function ef()"
    psql_do "create view act as select * from pg_stat_activity"
    psql_do "begin; insert into dup values (3); prepare transaction \$\$pt\$\$"
    psql_do "alter extension pg_stat_statements update to \"1.9\"" || psql_do "drop extension pg_stat_statements; create extension pg_stat_statements version \"1.9\""
    ok checks "\"upgrade\":\"blue_green\""
    for check in prepared_transactions logical_slots large_objects no_primary_key unlogged_tables materialized_views \
        foreign_servers always_triggers event_triggers publications; do
        has "\"check\":\"$check\"" || exit 1
    done
    has "table public.m has no primary key" "\"severity\":\"error\""
    lacks "table public.t has no" "could not look" "table pg_"
    ok checks "\"upgrade\":\"in_place\""
    for check in prepared_transactions logical_slots reg_columns views_of_statistics extensions_outdated; do
        has "\"check\":\"$check\"" || exit 1
    done
    has "column public.rg.p has type regproc"
    lacks "rg.ok" "could not look"
    ok checks "\"upgrade\":\"in_place\",\"cluster\":false"
    lacks prepared_transactions
    fails invalid "" checks "\"upgrade\":\"sideways\""
'
it 'a check that is refused is a finding, and the others are made' '
    psql_do "create role weak login password \$\$weak-Sn0wy0wl\$\$; revoke select on pg_largeobject_metadata from public"
    config="{\"connections\":{\"main\":{\"user\":\"weak\",\"password\":{\"\$secret\":\"weak-Sn0wy0wl\"},\"host\":\"127.0.0.1\",\"port\":$PG_PORT,\"sslmode\":\"disable\"}}}"
    ok checks "\"upgrade\":\"blue_green\""
    has "could not look: checks" "permission denied" "\"check\":\"unlogged_tables\""
    fails denied 42501 execute "\"name\":\"w1\",\"sql\":\"select 1\""
'
it 'a probe writes, sees a gap, and goes on from the probe before it' '
    fails not_found 42P01 probe
    ok prepare_probe
    ok prepare_probe
    ok probe "\"seconds\":2,\"every_ms\":50"
    test "$(perl "$SRC/t/look.pl" reply value ok)" -gt 1
    last=$(perl "$SRC/t/look.pl" reply value last_success)
    pg_stop immediate
    ok probe "\"seconds\":1,\"every_ms\":50,\"last_success\":$last"
    has "\"ok\":0" "\"last_success\":$last" "\"last_error\":"
    pg_again
    ok probe "\"seconds\":0,\"last_success\":$last"
    has "\"attempts\":1" "\"gap_began\":$last"
    test "$(perl "$SRC/t/look.pl" reply value longest_gap_ms)" -gt 1000
    ok probe "\"seconds\":0,\"last_success\":$((last - 50000)),\"looked_until\":$((last - 50000))"
    test "$(perl "$SRC/t/look.pl" reply value blind_ms)" -gt 50000
    test "$(perl "$SRC/t/look.pl" reply value longest_gap_ms)" -lt 40000
    ok drop_probe
'
finish
