/*
 * index.c: indexes that a CREATE INDEX CONCURRENTLY left behind unfinished; used by postgres.c and execute.c.
 * SPDX-License-Identifier: MIT
 *
 * CREATE INDEX CONCURRENTLY can't be in a transaction. When it fails or dies it leaves an index that is INVALID: kept
 * up to date at the cost of each write, used by no query, and in the way of the next attempt.
 */
#include "index.h"

#include "actions.h"
#include "rows.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

static const char find_sql[] =
    "select x.indexrelid::text, x.indisvalid, n.nspname || '.' || i.relname, tn.nspname || '.' || t.relname "
    "from pg_index x join pg_class i on i.oid = x.indexrelid join pg_namespace n on n.oid = i.relnamespace "
    "join pg_class t on t.oid = x.indrelid join pg_namespace tn on tn.oid = t.relnamespace "
    "where case when $2::text is null then x.indexrelid = to_regclass($1) or x.indexrelid::text = $1 "
    "else t.oid = to_regclass($2) and i.relname = (parse_ident($1))[array_upper(parse_ident($1), 1)] end";

int
index_find(struct index_state *state, struct connection *c, const char *index, const char *table,
           struct cairn_error *err)
{
    const char *values[] = { index, table };
    PGresult *result = NULL;

    memset(state, 0, sizeof(*state));
    if (connection_exec(c, &result, find_sql, 2, values, err) < 0)
        return -1;
    if (PQntuples(result) > 0) {
        state->there = 1;
        state->oid = alloc_str(PQgetvalue(result, 0, 0));
        state->valid = *PQgetvalue(result, 0, 1) == 't';
        state->name = alloc_str(PQgetvalue(result, 0, 2));
        state->table = alloc_str(PQgetvalue(result, 0, 3));
    }
    PQclear(result);
    return 0;
}

void
index_release(struct index_state *state)
{
    free(state->oid);
    free(state->name);
    free(state->table);
    memset(state, 0, sizeof(*state));
}

int
index_fail(const struct index_state *state, enum cairn_error_kind kind, const char *why, struct cairn_error *err)
{
    return cairn_fail_code(
        err, kind, INDEX_INVALID,
        "index %s on %s is INVALID (oid %s)%s%s; no query uses it: drop it by drop_invalid_index, then "
        "run the statement again",
        state->name, state->table, state->oid, why ? ": " : "", why ? why : "");
}

/* ---- actions ----------------------------------------------------------------------------------------------------- */

int
index_invalid(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct connection_options options = {
        .what = "invalid_indexes", .reads = 1, .timeout_ms = READ_MS, .statement_ms = READ_MS
    };
    struct cairn_value *list = NULL;
    struct connection c = { 0 };

    if (connection_open(&c, call, args, &options, err) < 0)
        return -1;
    if (connection_begin(&c, err) == 0)
        list = rows_all(&c,
                        "select n.nspname::text as schema, i.relname::text as name, x.indexrelid as oid, "
                        "x.indrelid::regclass::text as table, exists (select from pg_stat_progress_create_index p "
                        "where p.index_relid = x.indexrelid) as building from pg_index x "
                        "join pg_class i on i.oid = x.indexrelid join pg_namespace n on n.oid = i.relnamespace "
                        "where not x.indisvalid and i.relkind = 'i' order by 1, 2",
                        0, NULL, err);
    connection_close(&c);
    if (!list)
        return -1;
    cairn_put(out, "indexes", list);
    return 0;
}

/* The index of that oid: a name may stand for another one by now. */
static int
look(struct connection *c, const struct cairn_value *args, struct index_state *state, struct cairn_error *err)
{
    char *oid = alloc_printf("%lld", (long long)cairn_get_int(args, "oid", 0));
    int rc = index_find(state, c, oid, NULL, err);

    free(oid);
    return rc;
}

static int
drop(struct connection *c, const struct index_state *state, struct cairn_error *err)
{
    char *dot = strchr(state->name, '.');
    char *schema = PQescapeIdentifier(c->pg, state->name, (size_t)(dot - state->name));
    char *index = PQescapeIdentifier(c->pg, dot + 1, strlen(dot + 1));
    char *sql = alloc_printf("drop index concurrently %s.%s", schema, index);
    int rc;

    c->changing = 1;
    rc = connection_do(c, sql, err);
    free(sql);
    PQfreemem(index);
    PQfreemem(schema);
    return rc;
}

int
index_drop(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct connection_options options = { .what = "drop_invalid_index", .timeout_ms = SLOW_MS };
    struct index_state state = { 0 };
    struct connection c = { 0 };
    int rc = -1;

    if (connection_open(&c, call, args, &options, err) < 0)
        return -1;
    if (look(&c, args, &state, err) < 0)
        goto out;
    if (!state.there)
        cairn_fail(err, CAIRN_ERR_NOT_FOUND, "drop_invalid_index: there is no index with oid %lld",
                   (long long)cairn_get_int(args, "oid", 0));
    else if (state.valid)
        cairn_fail(err, CAIRN_ERR_CONFLICT, "drop_invalid_index: index %s is valid, queries use it", state.name);
    else
        rc = drop(&c, &state, err);
    if (rc == 0)
        cairn_put(out, "name", cairn_str(state.name));
out:
    index_release(&state);
    connection_close(&c);
    return rc;
}

int
index_observe_drop(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                   struct cairn_error *err)
{
    struct connection_options options = { .what = "drop_invalid_index", .reads = 1, .timeout_ms = READ_MS };
    struct index_state state = { 0 };
    struct connection c = { 0 };
    int seen = -1;

    if (connection_open(&c, call, args, &options, err) < 0)
        return -1;
    if (look(&c, args, &state, err) == 0)
        seen = state.there ? CAIRN_SEEN_ABSENT : CAIRN_SEEN_DONE;
    if (seen == CAIRN_SEEN_DONE)
        cairn_put(out, "name", cairn_str(cairn_get_str(args, "name", "")));
    index_release(&state);
    connection_close(&c);
    return seen;
}
