/*
 * analyze.c: statistics for the planner, table by table; used by postgres.c.
 * SPDX-License-Identifier: MIT
 *
 * A major upgrade leaves a database without statistics (before version 18). Autovacuum makes new ones in its own time,
 * and never those of the parents of partitions.
 */
#include "actions.h"

#include "rows.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define PROGRESS_MS 5000 /* between two lines of progress */

/* Leaf tables first: what a parent samples is then known. $1: when; what was analyzed since is left out. */
static const char list_tables[] =
    "select n.nspname::text as schema, c.relname::text as table from pg_class c join pg_namespace n on n.oid = c.relnamespace "
    "left join pg_stat_all_tables s on s.relid = c.oid where c.relkind in ('r', 'm', 'p') "
    "and n.nspname !~ '^pg_t' and n.nspname <> 'information_schema' and c.relpersistence <> 't' and c.oid <> 'pg_statistic'::regclass "
    "and ($1::text is null or greatest(s.last_analyze, s.last_autoanalyze) is null "
    "or greatest(s.last_analyze, s.last_autoanalyze) < $1::timestamptz) "
    "and pg_has_role(c.relowner, 'usage') order by c.relkind = 'p', c.relpages desc, 1, 2";

static int
analyze_table(struct connection *c, const struct cairn_value *entry, struct cairn_error *err)
{
    const char *schema = cairn_get_str(entry, "schema", "");
    const char *table = cairn_get_str(entry, "table", "");
    char *quoted_schema = PQescapeIdentifier(c->pg, schema, strlen(schema));
    char *quoted_table = PQescapeIdentifier(c->pg, table, strlen(table));
    char *sql = alloc_printf("analyze %s.%s", quoted_schema, quoted_table);
    int rc = connection_do(c, sql, err);

    free(sql);
    PQfreemem(quoted_table);
    PQfreemem(quoted_schema);
    return rc;
}

/* A table that was dropped meanwhile isn't missed. */
static int
analyze_tables(struct connection *c, const struct cairn_value *tables, size_t *done, struct cairn_error *err)
{
    int64_t end = c->deadline - 60000; /* a large table isn't begun at the last minute */
    int64_t told = cairn_wall(c->call);

    for (*done = 0; *done < cairn_count(tables); (*done)++) {
        const struct cairn_value *entry = cairn_at(tables, *done);
        struct cairn_error why = { 0 };

        if (cairn_cancelled(c->call) || cairn_wall(c->call) > end)
            return 0;
        if (cairn_wall(c->call) - told > PROGRESS_MS) {
            told = cairn_wall(c->call);
            cairn_progress(c->call, "analyze %s.%s, %zu of %zu", cairn_get_str(entry, "schema", ""),
                           cairn_get_str(entry, "table", ""), *done + 1, cairn_count(tables));
        }
        if (analyze_table(c, entry, &why) < 0 && why.kind != CAIRN_ERR_NOT_FOUND)
            return cairn_fail_code(err, why.kind, why.code, "%s", why.text);
    }
    return 0;
}

int
analyze_run(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct connection_options options = { .what = "analyze", .timeout_ms = SLOW_MS };
    const char *since = cairn_get_str(args, "since", NULL);
    struct cairn_value *tables = NULL;
    struct connection c = { 0 };
    char *began = NULL;
    size_t done = 0;
    int rc = -1;

    if (connection_open(&c, call, args, &options, err) < 0)
        return -1;
    if (connection_text(&c, &began, "select clock_timestamp()::text", 0, NULL, err) == 0
        && (tables = rows_all(&c, list_tables, 1, &since, err)))
        rc = analyze_tables(&c, tables, &done, err);
    if (rc == 0) {
        cairn_put(out, "analyzed", cairn_int((int64_t)done));
        cairn_put(out, "left", cairn_int((int64_t)(cairn_count(tables) - done)));
        cairn_put(out, "since", cairn_str(since ? since : began));
    }
    cairn_free(tables);
    free(began);
    connection_close(&c);
    return rc;
}
