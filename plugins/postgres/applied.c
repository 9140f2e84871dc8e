/*
 * applied.c: the record of what was applied to a database, the table cairn.applied; used by execute.c, doubt.c and as
 * an action. SPDX-License-Identifier: MIT
 */
#include "actions.h"

#include "rows.h"
#include "task.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

static const char create_table[] =
    "create table if not exists cairn.applied (name text primary key, token text not null, checksum text not null, "
    "state text not null, run text not null, step text not null, at timestamptz not null default clock_timestamp())";

static const char find_row[] =
    "select state, token, checksum, to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), run, step "
    "from cairn.applied where name = $1";

void
applied_release(struct applied *row)
{
    free(row->checksum);
    free(row->at);
    free(row->run);
    free(row->step);
    memset(row, 0, sizeof(*row));
}

int
applied_find(struct task *t, struct applied *row, struct cairn_error *err)
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
int
applied_make_table(struct connection *c, struct cairn_error *err)
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

int
applied_write(struct task *t, const char *state, int *written, struct cairn_error *err)
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

void
applied_fill(const struct task *t, const struct applied *row, int64_t rows, struct cairn_value *out)
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

int
applied_adopt(struct task *t, const struct applied *row, struct cairn_value *out, struct cairn_error *err)
{
    if (strcmp(row->checksum, t->checksum) != 0)
        return other_checksum(t, row, err);
    applied_fill(t, row, -1, out);
    return 0;
}

int
applied_change(struct task *t, const char *sql, struct cairn_error *err)
{
    const char *values[] = { t->name, t->token, t->checksum, cairn_call_run(t->c.call), cairn_call_step(t->c.call) };

    return connection_exec(&t->c, NULL, sql, 5, values, err);
}

int
applied_list(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
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
