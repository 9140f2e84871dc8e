/*
 * store_schema.c: the tables of the SQLite store, and the steps that lead from an older schema to this one.
 * SPDX-License-Identifier: MIT
 *
 * The file says what it is by application_id, and which schema it has by user_version. steps[i] leads from schema i to
 * i + 1; a step that was released is never changed.
 */
#include "engine/store_sqlite.h"

#include "common/alloc.h"

#include <stdlib.h>

#define APPLICATION_ID 0x6361726e /* "carn" */

static const char *const steps[] = {
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES ('lineage', lower(hex(randomblob(16))));"
    "CREATE TABLE runs ("
    "    id TEXT PRIMARY KEY, flow TEXT NOT NULL, state TEXT NOT NULL,"
    "    created INTEGER NOT NULL, updated INTEGER NOT NULL, wake INTEGER NOT NULL,"
    "    epoch INTEGER NOT NULL, count INTEGER NOT NULL, head TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE records ("
    "    run TEXT NOT NULL REFERENCES runs (id), n INTEGER NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL,"
    "    PRIMARY KEY (run, n)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE blobs (hash TEXT NOT NULL UNIQUE, content BLOB NOT NULL) STRICT;"
    "CREATE TABLE locks ("
    "    key TEXT PRIMARY KEY, run TEXT NOT NULL REFERENCES runs (id) DEFERRABLE INITIALLY DEFERRED"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX locks_by_run ON locks (run);"
    "CREATE TABLE inbox ("
    "    id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL REFERENCES runs (id), message TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX inbox_by_run ON inbox (run, id);"
    "CREATE TABLE cache (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;",
};

#define SCHEMA ((int64_t)(sizeof(steps) / sizeof(steps[0])))

static int
number(struct store *store, const char *sql, int64_t *out, struct cairn_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = -1;

    if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        *out = sqlite3_column_int64(stmt, 0);
        rc = 0;
    } else {
        store_failed(store, "open", err);
    }
    sqlite3_finalize(stmt);
    return rc;
}

static int
execute(struct store *store, const char *sql, struct cairn_error *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_failed(store, "open", err);
}

/* Which schema the file has: 0 for a new file. Somebody else's database and a newer schema are refused. */
static int
inspect(struct store *store, int64_t *schema, struct cairn_error *err)
{
    int64_t application, tables;

    /* one view of all three: another process may be making the tables */
    if (execute(store, "SAVEPOINT inspect", err) < 0 || number(store, "PRAGMA application_id", &application, err) < 0
        || number(store, "PRAGMA user_version", schema, err) < 0
        || number(store, "SELECT count(*) FROM sqlite_schema", &tables, err) < 0
        || execute(store, "RELEASE inspect", err) < 0)
        return -1;
    if (application == 0 && *schema == 0 && tables == 0)
        return 0;
    if (application != APPLICATION_ID)
        return cairn_fail(err, CAIRN_ERR_INVALID, "open store %s: the file is not a store of cairn", store->path);
    if (*schema > SCHEMA)
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "open store %s: it has schema %d and this cairn knows schemas up to %d; use the newer cairn",
                          store->path, (int)*schema, (int)SCHEMA);
    return 0;
}

/* Two processes may meet here: the second one finds the work done when it gets the write lock. */
static int
upgrade(struct store *store, struct cairn_error *err)
{
    int64_t schema;
    char *mark;
    int rc = -1;

    if (execute(store, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    if (inspect(store, &schema, err) < 0)
        goto out;
    for (int64_t at = schema; at < SCHEMA; at++)
        if (execute(store, steps[at], err) < 0)
            goto out;
    mark = alloc_printf("PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID, (int)SCHEMA);
    rc = execute(store, mark, err);
    free(mark);
    if (rc == 0)
        rc = execute(store, "COMMIT", err);
out:
    if (rc < 0)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

int
store_migrate(struct store *store, struct cairn_error *err)
{
    int64_t schema;

    if (inspect(store, &schema, err) < 0)
        return -1;
    /* only now, so that a database that isn't ours stays as it is */
    if (execute(store,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY",
                err)
        < 0)
        return -1;
    return schema == SCHEMA ? 0 : upgrade(store, err);
}
