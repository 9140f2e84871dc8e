/*
 * index.h: whether an index is there, and whether it can be used; used by execute.c and index.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef POSTGRES_INDEX_H
#define POSTGRES_INDEX_H

#include "connection.h"

#define INDEX_INVALID "INVALID_INDEX" /* the code of errors about one */

struct index_state {
    int there;
    int valid; /* queries may use it */
    char *oid;
    char *name;  /* schema.index */
    char *table; /* schema.table */
};

/* Look for an index as it is written in SQL, on that table; with `table` NULL on any. index_release() in any case. */
int index_find(struct index_state *state, struct connection *c, const char *index, const char *table,
               struct cairn_error *err);
void index_release(struct index_state *state);

/* Record that it is INVALID, and what to do about that; -1. */
int index_fail(const struct index_state *state, enum cairn_error_kind kind, const char *why, struct cairn_error *err);

#endif
