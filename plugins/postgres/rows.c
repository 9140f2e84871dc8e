/*
 * rows.c: results of PostgreSQL as values; used by the actions that read.
 * SPDX-License-Identifier: MIT
 */
#include "rows.h"

#include "common/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { /* of the catalog pg_type; they never change */
       OID_BOOL = 16,
       OID_INT8 = 20,
       OID_INT2 = 21,
       OID_INT4 = 23,
       OID_OID = 26,
       OID_FLOAT4 = 700,
       OID_FLOAT8 = 701
};

struct cairn_value *
rows_cell(const PGresult *result, int row, int column)
{
    const char *text = PQgetvalue(result, row, column);
    double x;

    if (PQgetisnull(result, row, column))
        return cairn_null();
    switch (PQftype(result, column)) {
    case OID_BOOL:
        return cairn_bool(*text == 't');
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
    case OID_OID:
        return cairn_int(strtoll(text, NULL, 10));
    case OID_FLOAT4:
    case OID_FLOAT8:
        x = strtod(text, NULL);
        return isfinite(x) ? cairn_float(x) : cairn_str(text);
    default:
        return cairn_strn(text, (size_t)PQgetlength(result, row, column));
    }
}

/* A column's name, made unique: a join has "id" twice. free() it. */
static char *
column_name(const PGresult *result, int column)
{
    const char *name = PQfname(result, column);
    int same = 1;

    for (int i = 0; i < column; i++)
        same += strcmp(PQfname(result, i), name) == 0;
    return same > 1 ? alloc_printf("%s_%d", name, same) : alloc_str(name);
}

static struct cairn_value *
row_map(const PGresult *result, int row)
{
    struct cairn_value *map = cairn_map();

    for (int i = 0; i < PQnfields(result); i++) {
        char *name = column_name(result, i);

        cairn_put(map, name, rows_cell(result, row, i));
        free(name);
    }
    return map;
}

static int
take_row(void *data, const PGresult *result)
{
    struct rows *r = data;

    for (int i = 0; i < PQnfields(result); i++)
        r->bytes += PQgetlength(result, 0, i) + 8;
    if ((int64_t)cairn_count(r->list) >= r->max_rows || r->bytes > r->max_bytes) {
        r->truncated = 1;
        return 1;
    }
    cairn_add(r->list, row_map(result, 0));
    return 0;
}

int
rows_gather(struct rows *r, struct connection *c, const char *sql, int count, const char *const *values,
            struct cairn_value **columns, struct cairn_error *err)
{
    PGresult *last = NULL;

    r->list = cairn_list();
    if (connection_each(c, sql, count, values, take_row, r, &last, err) < 0) {
        cairn_free(r->list);
        r->list = NULL;
        return -1;
    }
    *columns = cairn_list();
    for (int i = 0; i < PQnfields(last); i++) {
        char *name = column_name(last, i);

        cairn_add(*columns, cairn_str(name));
        free(name);
    }
    PQclear(last);
    return 0;
}

struct cairn_value *
rows_all(struct connection *c, const char *sql, int count, const char *const *values, struct cairn_error *err)
{
    PGresult *result = NULL;
    struct cairn_value *list;

    if (connection_exec(c, &result, sql, count, values, err) < 0)
        return NULL;
    list = cairn_list();
    for (int i = 0; i < PQntuples(result); i++)
        cairn_add(list, row_map(result, i));
    PQclear(result);
    return list;
}

int
rows_params(char ***out, int *count, const struct cairn_value *list, struct cairn_error *err)
{
    size_t n = cairn_count(list);
    char **params = alloc_zero(n + 1, sizeof(*params));

    *count = (int)n;
    *out = params;
    for (size_t i = 0; i < n; i++) {
        const struct cairn_value *value = cairn_at(list, i);

        switch (cairn_type(value)) {
        case CAIRN_NULL:
            break;
        case CAIRN_STR:
            params[i] = alloc_str(cairn_as_str(value, ""));
            break;
        case CAIRN_BOOL:
        case CAIRN_INT:
        case CAIRN_FLOAT:
            params[i] = cairn_format_json(value);
            break;
        default:
            rows_free_params(params, *count);
            *out = NULL;
            return cairn_fail(err, CAIRN_ERR_INVALID, "parameter $%zu: it must be a text, a number, a boolean or null",
                              i + 1);
        }
    }
    return 0;
}

void
rows_free_params(char **params, int count)
{
    for (int i = 0; params && i < count; i++)
        free(params[i]);
    free(params);
}
