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

#include "index.h"
#include "task.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

/* ---- statements -------------------------------------------------------------------------------------------------- */

/* `function` is pg_try_advisory_xact_lock or pg_try_advisory_lock. */
static int
take_lock(struct task *t, const char *function, struct cairn_error *err)
{
    char *sql = alloc_printf("select case when %s(" TASK_LOCK_KEY ") then 'taken' end", function);
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
        || applied_make_table(&t->c, err) < 0 || applied_write(t, "done", &written, err) < 0)
        return -1;
    if (!written) {
        if (applied_find(t, &row, err) == 0 && row.there)
            rc = applied_adopt(t, &row, out, err);
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
    applied_fill(t, NULL, rows, out);
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
    return applied_change(t,
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

    if (connection_do(&t->c, "begin", err) < 0 || applied_make_table(&t->c, err) < 0
        || connection_do(&t->c, "commit", err) < 0)
        return -1;
    if (applied_find(t, &row, err) < 0)
        goto out;
    if (row.done) {
        rc = applied_adopt(t, &row, out, err);
        goto out;
    }
    if (t->index && index_find(&state, &t->c, t->index, t->table, err) < 0)
        goto out;
    if (state.there && !state.valid)
        index_fail(&state, CAIRN_ERR_FAILED, "left by an earlier attempt", err);
    else if (row.there ? begin_again(t, &row, err) == 0 : applied_write(t, "begun", &written, err) == 0)
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
        applied_change(t, "delete from cairn.applied where name = $1 and token = $2 and $3 || $4 || $5 is not null",
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
        || applied_change(
               t,
               "update cairn.applied set state = 'done', at = clock_timestamp() where name = $1 and token = $2 and "
               "$3 || $4 || $5 is not null",
               err)
               < 0)
        return -1;
    applied_fill(t, NULL, rows, out);
    return 0;
}

int
execute_run(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct task t;
    int rc = -1;

    if (task_init(&t, call, args, err) == 0 && task_open(&t, call, 0, err) == 0)
        rc = t.transaction ? run_in_transaction(&t, out, err) : run_alone(&t, out, err);
    task_release(&t);
    return rc;
}
