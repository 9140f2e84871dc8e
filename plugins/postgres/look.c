/*
 * look.c: actions that look at a database: query, writable, databases, counts, sequences, lag; used by postgres.c.
 * SPDX-License-Identifier: MIT
 */
#include "actions.h"

#include "rows.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

int64_t
timeout_of(const struct cairn_value *args, int64_t otherwise, int64_t most)
{
    int64_t ms = cairn_get_int(args, "timeout", 0) * 1000;

    if (ms <= 0)
        ms = otherwise;
    return ms < most ? ms : most;
}

/* Open a connection for reading, within its transaction. */
static int
open_reading(struct connection *c, struct cairn_call *call, const struct cairn_value *args, const char *what,
             struct cairn_error *err)
{
    int64_t ms = timeout_of(args, READ_MS, READ_MAX_MS);
    struct connection_options options = {
        .what = what, .reads = 1, .timeout_ms = ms + 10000, .statement_ms = ms, .lock_ms = 10000
    };

    if (connection_open(c, call, args, &options, err) < 0)
        return -1;
    if (connection_begin(c, err) == 0)
        return 0;
    connection_close(c);
    return -1;
}

int
look_query(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct rows rows = { .max_rows = cairn_get_int(args, "max_rows", 0),
                         .max_bytes = cairn_get_int(args, "max_bytes", 0) };
    struct cairn_value *columns = NULL;
    struct connection c = { 0 };
    char **params = NULL;
    int count = 0;
    int rc = -1;

    if (rows_params(&params, &count, cairn_get(args, "params"), err) < 0)
        return -1;
    if (open_reading(&c, call, args, "query", err) == 0)
        rc = rows_gather(&rows, &c, cairn_get_str(args, "sql", ""), count, (const char *const *)params, &columns, err);
    if (rc == 0) {
        cairn_put(out, "count", cairn_int((int64_t)cairn_count(rows.list)));
        cairn_put(out, "truncated", cairn_bool(rows.truncated));
        cairn_put(out, "columns", columns);
        cairn_put(out, "rows", rows.list);
    }
    connection_close(&c);
    rows_free_params(params, count);
    return rc;
}

/* One statement of ours; its rows become the member `name` of the result. */
static int
list(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, const char *name,
     const char *sql, struct cairn_error *err)
{
    struct connection c = { 0 };
    struct cairn_value *rows = NULL;

    if (open_reading(&c, call, args, name, err) < 0)
        return -1;
    rows = rows_all(&c, sql, 0, NULL, err);
    connection_close(&c);
    if (!rows)
        return -1;
    cairn_put(out, name, rows);
    return 0;
}

const char look_server[] =
    "select not pg_is_in_recovery() and reset_val <> 'on' as writable, pg_is_in_recovery() as in_recovery, "
    "reset_val = 'on' as read_only, current_setting('server_version') as version, "
    "current_setting('server_version_num')::int as version_num, "
    "(extract(epoch from pg_postmaster_start_time()) * 1000)::bigint as started, "
    "current_database()::text as database, current_user::text as user "
    "from pg_settings where name = 'default_transaction_read_only'";

int
look_writable(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct connection c = { 0 };
    struct cairn_value *rows;
    const struct cairn_value *row;

    if (open_reading(&c, call, args, "writable", err) < 0)
        return -1;
    rows = rows_all(&c, look_server, 0, NULL, err);
    connection_close(&c);
    if (!rows)
        return -1;
    row = cairn_at(rows, 0);
    for (size_t i = 0; i < cairn_count(row); i++)
        cairn_put(out, cairn_key(row, i), cairn_copy(cairn_at(row, i)));
    cairn_free(rows);
    return 0;
}

int
look_databases(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    /* rdsadmin is RDS' own: nobody else may connect to it */
    return list(call, args, out, "databases",
                "select datname::text as name, pg_encoding_to_char(encoding)::text as encoding, "
                "pg_database_size(oid) as bytes from pg_database "
                "where datallowconn and not datistemplate and datname <> 'rdsadmin' order by datname",
                err);
}

int
look_lag(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    int64_t most = 0;
    int rc =
        list(call, args, out, "slots",
             "select slot_name::text as name, slot_type as type, database::text, active, "
             "pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(confirmed_flush_lsn, restart_lsn))::bigint as lag_bytes, "
             "to_jsonb(s) ->> 'wal_status' as wal_status " /* version 12 has none */
             "from pg_replication_slots s order by slot_name",
             err);
    const struct cairn_value *slots = cairn_get(out, "slots");

    for (size_t i = 0; rc == 0 && i < cairn_count(slots); i++) {
        int64_t bytes = cairn_get_int(cairn_at(slots, i), "lag_bytes", 0);

        if (strcmp(cairn_get_str(cairn_at(slots, i), "type", ""), "logical") == 0 && bytes > most)
            most = bytes;
    }
    if (rc == 0)
        cairn_put(out, "max_lag_bytes", cairn_int(most));
    return rc;
}

/* ---- counts ------------------------------------------------------------------------------------------------------ */

static const char list_tables[] =
    "select n.nspname::text as schema, c.relname::text as table, greatest(c.reltuples, 0)::bigint as rows "
    "from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' "
    "and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'cairn') "
    "and ($1::text is null or n.nspname || '.' || c.relname = any (string_to_array($1, chr(10)))) "
    "order by c.reltuples desc, 1, 2 limit $2::bigint";

/* Count the rows of one table for certain; the name is quoted by PostgreSQL's own client library. */
static int
count_rows(struct connection *c, struct cairn_value *entry, struct cairn_error *err)
{
    const char *schema = cairn_get_str(entry, "schema", "");
    const char *table = cairn_get_str(entry, "table", "");
    char *quoted_schema = PQescapeIdentifier(c->pg, schema, strlen(schema));
    char *quoted_table = PQescapeIdentifier(c->pg, table, strlen(table));
    char *sql = alloc_printf("select count(*) from %s.%s", quoted_schema, quoted_table);
    char *rows = NULL;
    int rc = connection_text(c, &rows, sql, 0, NULL, err);

    if (rc == 0)
        cairn_put(entry, "rows", cairn_int(strtoll(rows, NULL, 10)));
    free(rows);
    free(sql);
    PQfreemem(quoted_table);
    PQfreemem(quoted_schema);
    return rc;
}

/* Lines, for string_to_array(); NULL when none are given. free() it. */
static char *
joined(const struct cairn_value *names)
{
    char *text = NULL;

    for (size_t i = 0; i < cairn_count(names); i++) {
        char *longer = alloc_printf("%s%s%s", text ? text : "", text ? "\n" : "", cairn_as_str(cairn_at(names, i), ""));

        free(text);
        text = longer;
    }
    return text;
}

int
look_counts(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    int exact = cairn_get_bool(args, "exact", 0);
    char *names = joined(cairn_get(args, "tables"));
    char *limit = alloc_printf("%lld", (long long)cairn_get_int(args, "max_tables", 0));
    const char *values[] = { names, limit };
    struct cairn_value *tables = NULL;
    struct cairn_value *counted = cairn_list();
    struct connection c = { 0 };
    int rc = -1;

    if (open_reading(&c, call, args, "counts", err) == 0 && (tables = rows_all(&c, list_tables, 2, values, err)))
        rc = 0;
    for (size_t i = 0; rc == 0 && i < cairn_count(tables); i++) {
        struct cairn_value *entry = cairn_copy(cairn_at(tables, i));

        if (exact)
            rc = count_rows(&c, entry, err);
        cairn_add(counted, entry);
    }
    if (rc == 0) {
        cairn_put(out, "exact", cairn_bool(exact));
        cairn_put(out, "tables", counted);
        counted = NULL;
    }
    cairn_free(counted);
    cairn_free(tables);
    connection_close(&c);
    free(limit);
    free(names);
    return rc;
}

/* ---- sequences --------------------------------------------------------------------------------------------------- */

/* Sequences that feed a column. A sequence that was never used has no last_value. */
static const char list_sequences[] =
    "select sn.nspname::text as schema, s.relname::text as sequence, tn.nspname::text as table_schema, "
    "t.relname::text as table, a.attname::text as column, p.last_value as last_value, p.increment_by as step "
    "from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S' join pg_namespace sn on sn.oid = s.relnamespace "
    "join pg_class t on t.oid = d.refobjid join pg_namespace tn on tn.oid = t.relnamespace "
    "join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid "
    "join pg_sequences p on p.schemaname = sn.nspname and p.sequencename = s.relname "
    "where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') "
    "order by 1, 2";

static int
look_behind(struct connection *c, struct cairn_value *entry, struct cairn_error *err)
{
    const char *names[] = { cairn_get_str(entry, "column", ""), cairn_get_str(entry, "table_schema", ""),
                            cairn_get_str(entry, "table", "") };
    char *quoted[3];
    char *most = NULL;
    char *sql;
    int rc;

    for (int i = 0; i < 3; i++)
        quoted[i] = PQescapeIdentifier(c->pg, names[i], strlen(names[i]));
    sql = alloc_printf("select max(%s)::bigint from %s.%s", quoted[0], quoted[1], quoted[2]);
    rc = connection_text(c, &most, sql, 0, NULL, err);
    if (rc == 0) {
        int64_t max = most ? strtoll(most, NULL, 10) : 0;
        int rising = cairn_get_int(entry, "step", 1) > 0;

        cairn_put(entry, "max", most ? cairn_int(max) : cairn_null());
        cairn_put(entry, "behind", cairn_bool(most && rising && cairn_get_int(entry, "last_value", 0) < max));
    }
    free(most);
    free(sql);
    for (int i = 0; i < 3; i++)
        PQfreemem(quoted[i]);
    return rc;
}

int
look_sequences(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    struct cairn_value *found = NULL;
    struct cairn_value *looked = cairn_list();
    struct connection c = { 0 };
    int64_t behind = 0;
    int rc = -1;

    if (open_reading(&c, call, args, "sequences", err) == 0 && (found = rows_all(&c, list_sequences, 0, NULL, err)))
        rc = 0;
    for (size_t i = 0; rc == 0 && i < cairn_count(found); i++) {
        struct cairn_value *entry = cairn_copy(cairn_at(found, i));

        rc = look_behind(&c, entry, err);
        behind += cairn_get_bool(entry, "behind", 0);
        cairn_add(looked, entry);
    }
    if (rc == 0) {
        cairn_put(out, "behind", cairn_int(behind));
        cairn_put(out, "sequences", looked);
        looked = NULL;
    }
    cairn_free(looked);
    cairn_free(found);
    connection_close(&c);
    return rc;
}
