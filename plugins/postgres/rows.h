/*
 * rows.h: results of PostgreSQL as values; used by the actions that read.
 * SPDX-License-Identifier: MIT
 *
 * bool, int2, int4, int8 and oid, float4 and float8 become booleans, integers and floats; everything else is text as
 * PostgreSQL writes it, numeric included, whose digits a float would lose. NaN and the infinities stay text. null is
 * null.
 */
#ifndef POSTGRES_ROWS_H
#define POSTGRES_ROWS_H

#include "connection.h"

struct rows { /* what is gathered of one statement; zeroed but for the limits */
    int64_t max_rows;
    int64_t max_bytes;
    int64_t bytes;
    struct cairn_value *list; /* maps of column -> value */
    int truncated;            /* there were more */
};

/* Run a statement and gather its rows; r->list is owned by the caller. */
int rows_gather(struct rows *r, struct connection *c, const char *sql, int count, const char *const *values,
                struct cairn_value **columns, struct cairn_error *err);

/* All rows of a statement of our own, which has few: a list of maps. */
struct cairn_value *rows_all(struct connection *c, const char *sql, int count, const char *const *values,
                             struct cairn_error *err);

struct cairn_value *rows_cell(const PGresult *result, int row, int column);

/* Values of an action's argument as texts for PQexecParams(); free with rows_free_params(). -1: not a plain value. */
int rows_params(char ***out, int *count, const struct cairn_value *list, struct cairn_error *err);
void rows_free_params(char **params, int count);

#endif
