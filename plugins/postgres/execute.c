/*
 * execute.c: SQL that changes something, exactly once; used by postgres.c.
 * SPDX-License-Identifier: MIT
 *
 * In a transaction, a row of the table cairn.applied is written before the statements and committed with them: they ran
 * if and only if the row is there. The row's key is the name, so a second one with it waits for the first to end, and
 * then sees its row. As long as COMMIT was not sent, a lost connection has changed nothing.
 *
 * A statement that can't be in a transaction has a row of state `begun` before it, and `done` after it. When that is
 * missing, an index shows whether CREATE INDEX CONCURRENTLY got to its end; about all else a person is asked.
 *
 * While an attempt is under way its session holds an advisory lock, so that one that looks knows that it isn't over: a
 * server notices only at the end of a statement that its client has died.
 */
#include "actions.h"

#include "checksum.h"
#include "index.h"
#include "rows.h"
#include "script.h"

#include "common/alloc.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_MS 5000
#define POLL_MS 200

struct task { /* what an execute step is about */
    struct connection c;
    const struct cairn_value *args;
    const char *name;
    const char *token;
    char *sql;
    char checksum[CHECKSUM_SIZE];
    struct script script;
    int transaction;
    char *index, *table; /* of CREATE INDEX CONCURRENTLY; NULL: another statement */
    char *dropped;       /* of DROP INDEX CONCURRENTLY */
};

struct applied { /* a row of cairn.applied */
    int there;
    int done;
    int mine; /* of this step */
    char *checksum, *at, *run, *step;
};

/* The key of the advisory lock of a step. */
#define LOCK_KEY "hashtextextended('cairn:' || $1, 0)"

static const char create_table[] =
    "create table if not exists cairn.applied (name text primary key, token text not null, checksum text not null, "
    "state text not null, run text not null, step text not null, at timestamptz not null default clock_timestamp())";

static const char find_row[] =
    "select state, token, checksum, to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), run, step "
    "from cairn.applied where name = $1";

/* ---- the task ---------------------------------------------------------------------------------------------------- */

static int
read_sql(struct task *t, struct cairn_call *call, struct cairn_error *err)
{
    const char *sql = cairn_get_str(t->args, "sql", NULL);
    const char *file = cairn_get_str(t->args, "file", NULL);
    size_t len = 0;

    if (!sql == !file)
        return cairn_fail(err, CAIRN_ERR_INVALID, "execute %s: give either sql or file", t->name);
    if (sql)
        t->sql = alloc_str(sql);
    else if (checksum_read(&t->sql, &len, call, file, err) < 0)
        return -1;
    if (file && strlen(t->sql) != len)
        return cairn_fail(err, CAIRN_ERR_INVALID, "execute %s: %s has a NUL byte in it", t->name, file);
    checksum_hex(t->checksum, t->sql, strlen(t->sql));
    return 0;
}

static int
task_init(struct task *t, struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err)
{
    const char *expected = cairn_get_str(args, "checksum", NULL);

    memset(t, 0, sizeof(*t));
    t->args = args;
    t->name = cairn_get_str(args, "name", "");
    t->token = cairn_call_token(call);
    t->transaction = cairn_get_bool(args, "transaction", 1);
    if (!*t->name)
        return cairn_fail(err, CAIRN_ERR_INVALID, "execute: name is empty");
    if (read_sql(t, call, err) < 0)
        return -1;
    if (expected && strcmp(expected, t->checksum) != 0)
        return cairn_fail_code(err, CAIRN_ERR_CONFLICT, "CHECKSUM",
                               "execute %s: the SQL has the checksum %s, not %s: it was changed", t->name, t->checksum,
                               expected);
    if (script_cut(&t->script, t->sql, t->transaction, err) < 0)
        return -1;
    if (!t->transaction && !script_index(t->script.statements[0], &t->index, &t->table))
        script_drop_index(t->script.statements[0], &t->dropped);
    return 0;
}

static void
task_release(struct task *t)
{
    connection_close(&t->c);
    script_release(&t->script);
    free(t->sql);
    free(t->index);
    free(t->table);
    free(t->dropped);
}

/* ---- the record -------------------------------------------------------------------------------------------------- */

static void
applied_release(struct applied *row)
{
    free(row->checksum);
    free(row->at);
    free(row->run);
    free(row->step);
    memset(row, 0, sizeof(*row));
}

/* The row of the task's name; none while there is no table. */
static int
find_applied(struct task *t, struct applied *row, struct cairn_error *err)
{
    PGresult *result = NULL;
    char *table = NULL;
    int rc;

    memset(row, 0, sizeof(*row));
    if (connection_text(&t->c, &table, "select to_regclass('cairn.applied')::text", 0, NULL, err) < 0)
        return -1;
    if (!table)
        return 0;
    free(table);
    rc = connection_exec(&t->c, &result, find_row, 1, &t->name, err);
    if (rc == 0 && PQntuples(result) > 0) {
        row->there = 1;
        row->done = strcmp(PQgetvalue(result, 0, 0), "done") == 0;
        row->mine = strcmp(PQgetvalue(result, 0, 1), t->token) == 0;
        row->checksum = alloc_str(PQgetvalue(result, 0, 2));
        row->at = alloc_str(PQgetvalue(result, 0, 3));
        row->run = alloc_str(PQgetvalue(result, 0, 4));
        row->step = alloc_str(PQgetvalue(result, 0, 5));
    }
    PQclear(result);
    return rc;
}

/* Only one session may make the table at a time: IF NOT EXISTS doesn't see what another has not committed. */
static int
make_table(struct connection *c, struct cairn_error *err)
{
    char *table = NULL;
    int rc = connection_text(c, &table, "select to_regclass('cairn.applied')::text", 0, NULL, err);

    if (rc == 0 && !table) {
        rc = connection_do(c, "select pg_advisory_xact_lock(hashtextextended('cairn.applied', 0))", err);
        if (rc == 0)
            rc = connection_do(c, "create schema if not exists cairn", err);
        if (rc == 0)
            rc = connection_do(c, create_table, err);
    }
    free(table);
    return rc;
}

static int
write_row(struct task *t, const char *state, int *written, struct cairn_error *err)
{
    const char *values[] = {
        t->name, t->token, t->checksum, state, cairn_call_run(t->c.call), cairn_call_step(t->c.call)
    };
    char *one = NULL;
    int rc = connection_text(&t->c, &one,
                             "insert into cairn.applied (name, token, checksum, state, run, step) "
                             "values ($1, $2, $3, $4, $5, $6) on conflict (name) do nothing returning 1",
                             6, values, err);

    *written = one != NULL;
    free(one);
    return rc;
}

static int
other_checksum(const struct task *t, const struct applied *row, struct cairn_error *err)
{
    return cairn_fail_code(
        err, CAIRN_ERR_CONFLICT, "CHECKSUM",
        "execute %s: run %s applied that name at %s with other SQL (checksum %s, now %s): take another name", t->name,
        row->run, row->at, row->checksum, t->checksum);
}

static void
fill(const struct task *t, const struct applied *row, int64_t rows, struct cairn_value *out)
{
    cairn_put(out, "name", cairn_str(t->name));
    cairn_put(out, "checksum", cairn_str(t->checksum));
    cairn_put(out, "already", cairn_bool(row && !row->mine));
    cairn_put(out, "statements", cairn_int((int64_t)t->script.count));
    if (rows >= 0)
        cairn_put(out, "rows", cairn_int(rows));
    if (row && row->at)
        cairn_put(out, "at", cairn_str(row->at));
}

/* The name is taken: by this same SQL, or by other. */
static int
adopt(struct task *t, const struct applied *row, struct cairn_value *out, struct cairn_error *err)
{
    if (strcmp(row->checksum, t->checksum) != 0)
        return other_checksum(t, row, err);
    fill(t, row, -1, out);
    return 0;
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

/* `function` is pg_try_advisory_xact_lock or pg_try_advisory_lock. */
static int
take_lock(struct task *t, const char *function, struct cairn_error *err)
{
    char *sql = alloc_printf("select case when %s(" LOCK_KEY ") then 'taken' end", function);
    char *taken = NULL;
    int rc = connection_text(&t->c, &taken, sql, 1, &t->token, err);

    if (rc == 0 && !taken)
        rc =
            cairn_fail(err, CAIRN_ERR_NOT_YET, "execute %s: an earlier attempt of this step is still at work", t->name);
    free(taken);
    free(sql);
    return rc;
}

static int
run_statement(struct task *t, size_t i, int64_t *rows, struct cairn_error *err)
{
    struct cairn_error why = { 0 };
    PGresult *result = NULL;

    if (t->script.count > 1)
        cairn_progress(t->c.call, "statement %zu of %zu", i + 1, t->script.count);
    if (connection_exec(&t->c, &result, t->script.statements[i], 0, NULL, &why) < 0) {
        const char *advice = strcmp(why.code, "25001") == 0 && t->transaction ? "; set transaction = false" : "";

        return cairn_fail_code(err, why.kind, why.code, "statement %zu of %zu: %s%s", i + 1, t->script.count, why.text,
                               advice);
    }
    *rows += strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return 0;
}

static int
run_in_transaction(struct task *t, struct cairn_value *out, struct cairn_error *err)
{
    struct applied row = { 0 };
    int64_t rows = 0;
    int written = 0;
    int rc = -1;

    if (connection_begin(&t->c, err) < 0 || take_lock(t, "pg_try_advisory_xact_lock", err) < 0
        || make_table(&t->c, err) < 0 || write_row(t, "done", &written, err) < 0)
        return -1;
    if (!written) {
        if (find_applied(t, &row, err) == 0 && row.there)
            rc = adopt(t, &row, out, err);
        else
            cairn_fail(err, CAIRN_ERR_NOT_YET, "execute %s: its record in cairn.applied is being changed", t->name);
        applied_release(&row);
        return rc;
    }
    for (size_t i = 0; i < t->script.count; i++)
        if (run_statement(t, i, &rows, err) < 0)
            return -1;
    t->c.changing = 1;
    if (connection_do(&t->c, "commit", err) < 0)
        return -1;
    fill(t, NULL, rows, out);
    return 0;
}

/* ---- without a transaction --------------------------------------------------------------------------------------- */

static int
set_session(struct task *t, struct cairn_error *err)
{
    char *sql =
        alloc_printf("select set_config('statement_timeout', '%lld', false), set_config('lock_timeout', '%lld', false)",
                     (long long)t->c.statement_ms, (long long)t->c.lock_ms);
    int rc = connection_do(&t->c, sql, err);

    free(sql);
    return rc;
}

static int
change_row(struct task *t, const char *sql, struct cairn_error *err)
{
    const char *values[] = { t->name, t->token, t->checksum, cairn_call_run(t->c.call), cairn_call_step(t->c.call) };

    return connection_exec(&t->c, NULL, sql, 5, values, err);
}

/* The row says that it was begun, and not that it ended; this step is to do it. */
static int
begin_again(struct task *t, const struct applied *row, struct cairn_error *err)
{
    if (!row->mine && !t->index && !t->dropped)
        return cairn_fail(
            err, CAIRN_ERR_CONFLICT,
            "execute %s: run %s began it at %s, and whether it ended is not known: look, then delete its row from "
            "cairn.applied",
            t->name, row->run, row->at);
    return change_row(t,
                      "update cairn.applied set token = $2, checksum = $3, run = $4, step = $5, state = 'begun', "
                      "at = clock_timestamp() where name = $1",
                      err);
}

/* 1: go on; 0: there is nothing to do; -1. */
static int
prepare(struct task *t, struct cairn_value *out, struct cairn_error *err)
{
    struct index_state state = { 0 };
    struct applied row = { 0 };
    int written = 0;
    int rc = -1;

    if (connection_do(&t->c, "begin", err) < 0 || make_table(&t->c, err) < 0 || connection_do(&t->c, "commit", err) < 0)
        return -1;
    if (find_applied(t, &row, err) < 0)
        goto out;
    if (row.done) {
        rc = adopt(t, &row, out, err);
        goto out;
    }
    if (t->index && index_find(&state, &t->c, t->index, t->table, err) < 0)
        goto out;
    if (state.there && !state.valid)
        index_fail(&state, CAIRN_ERR_FAILED, "left by an earlier attempt", err);
    else if (row.there ? begin_again(t, &row, err) == 0 : write_row(t, "begun", &written, err) == 0)
        rc = 1;
out:
    index_release(&state);
    applied_release(&row);
    return rc;
}

/* The server refused the statement, or it failed half-way. What it left behind decides what is said. */
static int
refused(struct task *t, const struct cairn_error *why, struct cairn_error *err)
{
    struct index_state state = { 0 };
    struct cairn_error ignored = { 0 };

    if (why->kind == CAIRN_ERR_IN_DOUBT)
        return cairn_fail_code(err, why->kind, why->code, "%s", why->text);
    t->c.changing = 0;
    if (t->index && index_find(&state, &t->c, t->index, t->table, &ignored) == 0 && state.there && !state.valid)
        index_fail(&state, CAIRN_ERR_FAILED, why->text, err);
    else
        change_row(t, "delete from cairn.applied where name = $1 and token = $2 and $3 || $4 || $5 is not null",
                   &ignored);
    index_release(&state);
    return cairn_fail_code(err, why->kind, why->code, "%s", why->text);
}

/* CREATE INDEX CONCURRENTLY IF NOT EXISTS succeeds although there is an INVALID index of that name. */
static int
check_index(struct task *t, struct cairn_error *err)
{
    struct index_state state = { 0 };
    int rc = t->index ? index_find(&state, &t->c, t->index, t->table, err) : 0;

    if (rc == 0 && state.there && !state.valid)
        rc = index_fail(&state, CAIRN_ERR_FAILED, NULL, err);
    index_release(&state);
    return rc;
}

static int
run_alone(struct task *t, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_error why = { 0 };
    int64_t rows = 0;
    int go;

    if (set_session(t, err) < 0 || take_lock(t, "pg_try_advisory_lock", err) < 0)
        return -1;
    go = prepare(t, out, err);
    if (go <= 0)
        return go;
    t->c.changing = 1;
    if (run_statement(t, 0, &rows, &why) < 0)
        return refused(t, &why, err);
    if (check_index(t, err) < 0
        || change_row(
               t,
               "update cairn.applied set state = 'done', at = clock_timestamp() where name = $1 and token = $2 and "
               "$3 || $4 || $5 is not null",
               err)
               < 0)
        return -1;
    fill(t, NULL, rows, out);
    return 0;
}

static int
open_task(struct task *t, struct cairn_call *call, int reads, struct cairn_error *err)
{
    int64_t ms = timeout_of(t->args, SLOW_MS, SLOW_MS);
    struct connection_options options = {
        .what = "execute",
        .reads = reads,
        .timeout_ms = (ms < SLOW_MS ? ms + 10000 : SLOW_MS),
        /* Outside of a transaction only the argument ends a statement: an index of a large table takes hours. */
        .statement_ms = t->transaction || cairn_get_int(t->args, "timeout", 0) > 0 ? ms : 0,
        .lock_ms =
            cairn_get_int(t->args, "lock_timeout", 0) > 0 ? cairn_get_int(t->args, "lock_timeout", 0) * 1000 : LOCK_MS,
    };

    return connection_open(&t->c, call, t->args, &options, err);
}

int
execute_run(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct task t;
    int rc = -1;

    if (task_init(&t, call, args, err) == 0 && open_task(&t, call, 0, err) == 0)
        rc = t.transaction ? run_in_transaction(&t, out, err) : run_alone(&t, out, err);
    task_release(&t);
    return rc;
}

/* ---- in doubt ---------------------------------------------------------------------------------------------------- */

/* Wait until no session of this step is at work any more. */
static int
wait_lock(struct task *t, struct cairn_error *err)
{
    static const char held[] =
        "with k as (select " LOCK_KEY
        " as key) select l.pid::text from pg_locks l, k where l.locktype = 'advisory' and l.granted "
        "and l.database = (select oid from pg_database where datname = current_database()) and l.objsubid = 1 "
        "and l.classid::bigint = (k.key >> 32) & 4294967295 and l.objid::bigint = k.key & 4294967295 limit 1";

    for (;;) {
        char *pid = NULL;

        if (connection_text(&t->c, &pid, held, 1, &t->token, err) < 0)
            return -1;
        if (!pid)
            return 0;
        cairn_progress(t->c.call, "the server process %s is still at work on it", pid);
        if (cairn_wall(t->c.call) > t->c.deadline - 10000) {
            cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "execute %s: the server process %s is still at work on it", t->name,
                       pid);
            free(pid);
            return -1;
        }
        free(pid);
        if (cairn_cancelled(t->c.call))
            return cairn_fail(err, CAIRN_ERR_CANCELLED, "execute %s: the answer isn't wanted any more", t->name);
        poll(NULL, 0, POLL_MS);
    }
}

/* The statement was begun, and no session is at work on it. */
static int
judge_begun(struct task *t, const struct applied *row, struct cairn_value *out, struct cairn_error *err)
{
    const char *index = t->index ? t->index : t->dropped;
    struct index_state state = { 0 };
    int seen = CAIRN_SEEN_UNKNOWN;

    if (!index) {
        cairn_fail(err, CAIRN_ERR_IN_DOUBT,
                   "execute %s: it was begun at %s, and nothing in the database shows whether it ended: %.200s",
                   t->name, row->at, t->script.statements[0]);
        return seen;
    }
    if (index_find(&state, &t->c, index, t->table, err) < 0)
        return -1;
    if (state.there && !state.valid) {
        index_fail(&state, CAIRN_ERR_CONFLICT, "the statement died on its way", err);
        seen = CAIRN_SEEN_CONFLICT;
    } else {
        seen = state.there == (t->index != NULL) ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
    }
    if (seen == CAIRN_SEEN_DONE)
        fill(t, row, -1, out);
    index_release(&state);
    return seen;
}

int
execute_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct applied row = { 0 };
    struct task t;
    int seen = -1;

    if (task_init(&t, call, args, err) < 0 || open_task(&t, call, 1, err) < 0)
        goto out;
    t.c.deadline = cairn_wall(call) + SLOW_MS;
    if (wait_lock(&t, err) < 0 || find_applied(&t, &row, err) < 0)
        goto out;
    if (!row.there)
        seen = CAIRN_SEEN_ABSENT;
    else if (row.done)
        seen = adopt(&t, &row, out, err) == 0 ? CAIRN_SEEN_DONE : CAIRN_SEEN_CONFLICT;
    else if (row.mine)
        seen = judge_begun(&t, &row, out, err);
    else
        seen = CAIRN_SEEN_ABSENT; /* another step's: to be told by run() */
out:
    applied_release(&row);
    task_release(&t);
    return seen;
}

int
execute_applied(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct connection_options options = {
        .what = "applied", .reads = 1, .timeout_ms = READ_MS, .statement_ms = READ_MS
    };
    const char *name = cairn_get_str(args, "name", NULL);
    struct cairn_value *rows = NULL;
    struct connection c = { 0 };
    char *table = NULL;

    if (connection_open(&c, call, args, &options, err) < 0)
        return -1;
    if (connection_begin(&c, err) == 0
        && connection_text(&c, &table, "select to_regclass('cairn.applied')::text", 0, NULL, err) == 0)
        rows = !table
                   ? cairn_list()
                   : rows_all(&c,
                              "select name, checksum, state, run, step, (extract(epoch from at) * 1000)::bigint as at "
                              "from cairn.applied where $1::text is null or name = $1 order by cairn.applied.at, name",
                              1, &name, err);
    free(table);
    connection_close(&c);
    if (!rows)
        return -1;
    cairn_put(out, "applied", rows);
    return 0;
}
