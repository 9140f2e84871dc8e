/*
 * store_sqlite.h: what the files of the SQLite store share; included by store_*.c only.
 * SPDX-License-Identifier: MIT
 *
 * A query is named by its place in store_queries and prepared on first use. Its life: store_query, bind, store_step
 * while it gives rows, store_done. Strings that are bound must live until store_done.
 */
#ifndef CAIRN_STORE_SQLITE_H
#define CAIRN_STORE_SQLITE_H

#include "engine/store.h"

#include <sqlite3.h>

enum store_query {
    Q_BEGIN,
    Q_COMMIT,
    Q_ROLLBACK,
    Q_DATA_VERSION,
    Q_ADD_RUN,
    Q_TAKE,
    Q_ADVANCE,
    Q_ADD_RECORD,
    Q_SET_STATE,
    Q_RUN,
    Q_RUNS,
    Q_LAST,
    Q_MATCH,
    Q_RECORDS,
    Q_PUT_BLOB,
    Q_GET_BLOB,
    Q_LOCK_HOLDER,
    Q_LOCK,
    Q_UNLOCK,
    Q_POST,
    Q_INBOX,
    Q_TAKE_POST,
    Q_CACHE_GET,
    Q_CACHE_PUT,
    Q_COUNT
};

struct store {
    sqlite3 *db;
    char *path;
    char lineage[33];
    sqlite3_stmt *queries[Q_COUNT]; /* prepared ones */
    int64_t data_version;           /* as of the last store_changed */
    int broken;                     /* a commit failed: nothing may be written any more */
};

/* store_schema.c */
int store_migrate(struct store *store, struct cairn_error *err);

/* store_sqlite.c */
/* -1, with what the connection's last error says. */
int store_failed(struct store *store, const char *what, struct cairn_error *err);
/* NULL with err. */
sqlite3_stmt *store_query(struct store *store, enum store_query query, struct cairn_error *err);
/* 1: a row. 0: the end. -1: an error. */
int store_step(struct store *store, sqlite3_stmt *stmt, const char *what, struct cairn_error *err);
void store_done(sqlite3_stmt *stmt);
/* A query without rows, from step to done. */
int store_once(struct store *store, sqlite3_stmt *stmt, const char *what, struct cairn_error *err);
void store_bind(sqlite3_stmt *stmt, int at, const char *text);
char *store_column(sqlite3_stmt *stmt, int at); /* a new text; "" for null */

/* For functions of several statements that may be called inside of a transaction or without one. store_leave gives rc,
 * or -1 when the commit fails. */
int store_enter(struct store *store, int *entered, struct cairn_error *err);
int store_leave(struct store *store, int entered, int rc, struct cairn_error *err);

#endif
