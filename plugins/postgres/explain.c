/*
 * explain.c: how queries are planned and how long they take, as a baseline to compare with; used by postgres.c.
 * SPDX-License-Identifier: MIT
 *
 * Each query runs in a read-only transaction of its own. One that fails or takes too long is an entry with an error:
 * that is what one wants to know of it.
 */
#include "actions.h"

#include "rows.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

struct summary {                 /* of a plan's tree */
    struct cairn_value *nodes;   /* kind of node -> how many */
    struct cairn_value *scanned; /* tables that are read as a whole */
};

static void
walk(struct summary *s, const struct cairn_value *node)
{
    const char *type = cairn_get_str(node, "Node Type", "?");
    const char *relation = cairn_get_str(node, "Relation Name", NULL);
    const struct cairn_value *plans = cairn_get(node, "Plans");

    cairn_put(s->nodes, type, cairn_int(cairn_get_int(s->nodes, type, 0) + 1));
    if (relation && strcmp(type, "Seq Scan") == 0)
        cairn_add(s->scanned, cairn_str(relation));
    for (size_t i = 0; i < cairn_count(plans); i++)
        walk(s, cairn_at(plans, i));
}

static void
put_number(struct cairn_value *entry, const char *name, const struct cairn_value *from, const char *key)
{
    if (cairn_get(from, key))
        cairn_put(entry, name, cairn_copy(cairn_get(from, key)));
}

static int
summarize(struct cairn_value *entry, const char *json, struct cairn_error *err)
{
    struct summary s = { cairn_map(), cairn_list() };
    struct cairn_value *plans = cairn_parse_json(json, strlen(json), err);
    const struct cairn_value *top = cairn_at(plans, 0);
    const struct cairn_value *plan = cairn_get(top, "Plan");

    if (plan) {
        walk(&s, plan);
        put_number(entry, "total_cost", plan, "Total Cost");
        put_number(entry, "plan_rows", plan, "Plan Rows");
        put_number(entry, "rows", plan, "Actual Rows");
        put_number(entry, "time_ms", top, "Execution Time");
        put_number(entry, "planning_ms", top, "Planning Time");
        put_number(entry, "hit_blocks", plan, "Shared Hit Blocks");
        put_number(entry, "read_blocks", plan, "Shared Read Blocks");
    }
    cairn_put(entry, "nodes", s.nodes);
    cairn_put(entry, "seq_scans", s.scanned);
    cairn_free(plans);
    return plans ? 0 : -1;
}

static int
explain(struct connection *c, struct cairn_value *entry, const char *query, int analyze, struct cairn_error *err)
{
    char *sql = alloc_printf("explain (%sformat json) %s", analyze ? "analyze, buffers, " : "", query);
    char *json = NULL;
    int rc = connection_begin(c, err);

    if (rc == 0)
        rc = connection_text(c, &json, sql, 0, NULL, err);
    if (rc == 0)
        rc = summarize(entry, json ? json : "", err);
    free(json);
    free(sql);
    return rc;
}

static struct cairn_value *
error_value(const struct cairn_error *err)
{
    struct cairn_value *value = cairn_map();

    cairn_put(value, "code", cairn_str(err->code));
    cairn_put(value, "text", cairn_str(err->text));
    return value;
}

/* -1 when the connection is gone, so that there is no use in going on. */
static int
take_query(struct connection *c, struct cairn_value *list, const struct cairn_value *query, size_t number, int analyze,
           struct cairn_error *err)
{
    const char *sql = cairn_as_str(query, cairn_get_str(query, "sql", NULL));
    struct cairn_value *entry = cairn_map();
    struct cairn_error why = { 0 };
    int rc = 0;

    if (!sql) {
        cairn_free(entry);
        return cairn_fail(err, CAIRN_ERR_INVALID, "explain: query %zu must be a text or {name, sql}", number);
    }
    cairn_put(entry, "name",
              cairn_get_str(query, "name", NULL) ? cairn_str(cairn_get_str(query, "name", ""))
                                                 : cairn_strf("query %zu", number));
    cairn_progress(c->call, "explain %s", cairn_get_str(entry, "name", ""));
    if (explain(c, entry, sql, analyze, &why) < 0) {
        cairn_put(entry, "error", error_value(&why));
        if (PQstatus(c->pg) != CONNECTION_OK || why.kind == CAIRN_ERR_CANCELLED || why.kind == CAIRN_ERR_TIMEOUT)
            rc = cairn_fail_code(err, why.kind, why.code, "%s", why.text);
    }
    cairn_add(list, entry);
    return rc == 0 ? connection_do(c, "rollback", err) : rc;
}

int
explain_run(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const struct cairn_value *queries = cairn_get(args, "queries");
    struct connection_options options = { .what = "explain",
                                          .reads = 1,
                                          .timeout_ms = SLOW_MS,
                                          .statement_ms = timeout_of(args, 30000, SLOW_MS),
                                          .lock_ms = 10000 };
    int analyze = cairn_get_bool(args, "analyze", 1);
    struct cairn_value *list = cairn_list();
    struct connection c = { 0 };
    int rc = connection_open(&c, call, args, &options, err);

    for (size_t i = 0; rc == 0 && i < cairn_count(queries); i++)
        rc = take_query(&c, list, cairn_at(queries, i), i + 1, analyze, err);
    if (rc == 0) {
        cairn_put(out, "plans", list);
        list = NULL;
    }
    cairn_free(list);
    connection_close(&c);
    return rc;
}
