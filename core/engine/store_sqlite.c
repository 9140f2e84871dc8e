/*
 * store_sqlite.c: the store in a SQLite file: opening, transactions, and the queries' life; runs are in store_runs.c,
 * the rest in store_shelf.c.
 * SPDX-License-Identifier: MIT
 *
 * WAL with synchronous=FULL: a commit appends to the log and syncs it once. SQLite moves the log into the file now and
 * then, within a commit; that syncs more.
 */
#include "engine/store_sqlite.h"

#include "common/alloc.h"
#include "engine/private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 10000 /* commits of others are short; a process that was stopped in the middle of one is not */

#define RUN_COLUMNS "id, flow, state, created, updated, wake, epoch, count, head"

static const char *const sql[Q_COUNT] = {
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
    [Q_DATA_VERSION] = "PRAGMA data_version",
    [Q_ADD_RUN] = "INSERT INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, '')",
    [Q_TAKE] = "UPDATE runs SET epoch = epoch + 1 WHERE id = ?1 RETURNING epoch",
    [Q_ADVANCE] = "UPDATE runs SET count = ?3, head = ?4 WHERE id = ?1 AND epoch = ?2 AND count = ?3 - 1",
    [Q_ADD_RECORD] = "INSERT INTO records VALUES (?1, ?2, ?3, ?4)",
    [Q_SET_STATE] = "UPDATE runs SET state = ?3, updated = ?4, wake = ?5 WHERE id = ?1 AND epoch = ?2",
    [Q_RUN] = "SELECT " RUN_COLUMNS " FROM runs WHERE id = ?1",
    [Q_RUNS] = "SELECT " RUN_COLUMNS " FROM runs ORDER BY id",
    [Q_LAST] = "SELECT " RUN_COLUMNS " FROM runs ORDER BY id DESC LIMIT 1",
    [Q_MATCH] =
        "SELECT " RUN_COLUMNS " FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id = ?1 DESC, id LIMIT 5",
    [Q_RECORDS] = "SELECT n, body, hash FROM records WHERE run = ?1 ORDER BY n",
    [Q_PUT_BLOB] = "INSERT OR IGNORE INTO blobs VALUES (?1, ?2)",
    [Q_GET_BLOB] = "SELECT content FROM blobs WHERE hash = ?1",
    [Q_LOCK_HOLDER] = "SELECT run FROM locks WHERE key = ?1 AND run <> ?2",
    [Q_LOCK] = "INSERT OR IGNORE INTO locks VALUES (?1, ?2)",
    [Q_UNLOCK] = "DELETE FROM locks WHERE run = ?1",
    [Q_POST] = "INSERT INTO inbox (run, message) VALUES (?1, ?2)",
    [Q_INBOX] = "SELECT id, message FROM inbox WHERE run = ?1 ORDER BY id",
    [Q_TAKE_POST] = "DELETE FROM inbox WHERE id = ?1",
    [Q_CACHE_GET] = "SELECT value FROM cache WHERE key = ?1",
    [Q_CACHE_PUT] = "INSERT OR REPLACE INTO cache VALUES (?1, ?2)",
};

int
store_failed(struct store *store, const char *what, struct cairn_error *err)
{
    int rc = sqlite3_extended_errcode(store->db);
    int os = sqlite3_system_errno(store->db);

    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        alloc_failed();
    case SQLITE_FULL:
        return cairn_fail(err, CAIRN_ERR_FAILED, "%s store %s: the disk is full", what, store->path);
    case SQLITE_READONLY:
        return cairn_fail(err, CAIRN_ERR_DENIED, "%s store %s: it can't be written to: read-only file, folder or disk",
                          what, store->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "%s store %s: another process has kept it locked for %d s", what,
                          store->path, BUSY_MS / 1000);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return cairn_fail(err, CAIRN_ERR_FAILED, "%s store %s: the file is damaged or not a store: %s", what,
                          store->path, sqlite3_errmsg(store->db));
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return cairn_fail(err, CAIRN_ERR_FAILED, "%s store %s: %s: %s", what, store->path, sqlite3_errmsg(store->db),
                          os ? strerror(os) : "no reason given");
    default:
        return cairn_fail(err, CAIRN_ERR_INTERNAL, "%s store %s: %s", what, store->path, sqlite3_errmsg(store->db));
    }
}

sqlite3_stmt *
store_query(struct store *store, enum store_query query, struct cairn_error *err)
{
    sqlite3_stmt **stmt = &store->queries[query];

    if (!*stmt && sqlite3_prepare_v3(store->db, sql[query], -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) != SQLITE_OK) {
        store_failed(store, "prepare a query of", err);
        return NULL;
    }
    return *stmt;
}

int
store_step(struct store *store, sqlite3_stmt *stmt, const char *what, struct cairn_error *err)
{
    switch (sqlite3_step(stmt)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return store_failed(store, what, err);
    }
}

void
store_done(sqlite3_stmt *stmt)
{
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
}

int
store_once(struct store *store, sqlite3_stmt *stmt, const char *what, struct cairn_error *err)
{
    int rc = store_step(store, stmt, what, err);

    store_done(stmt);
    return rc < 0 ? -1 : 0;
}

void
store_bind(sqlite3_stmt *stmt, int at, const char *text)
{
    sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

char *
store_column(sqlite3_stmt *stmt, int at)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);

    return alloc_str(text ? text : "");
}

/* ---- transactions ---- */

int
store_begin(struct store *store, struct cairn_error *err)
{
    sqlite3_stmt *stmt;

    if (store->broken)
        return cairn_fail(err, CAIRN_ERR_FAILED,
                          "write to store %s: an earlier commit failed, so its state is unknown; end and resume",
                          store->path);
    stmt = store_query(store, Q_BEGIN, err);
    return stmt ? store_once(store, stmt, "write to", err) : -1;
}

int
store_commit(struct store *store, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_COMMIT, err);

    if (stmt && store_once(store, stmt, "commit to", err) == 0)
        return 0;
    store->broken = 1;
    return -1;
}

void
store_abort(struct store *store)
{
    struct cairn_error ignored = { 0 };
    sqlite3_stmt *stmt;

    if (sqlite3_get_autocommit(store->db))
        return; /* a full disk has ended the transaction already */
    stmt = store_query(store, Q_ROLLBACK, &ignored);
    if (stmt)
        store_once(store, stmt, "roll back", &ignored);
}

int
store_enter(struct store *store, int *entered, struct cairn_error *err)
{
    *entered = sqlite3_get_autocommit(store->db);
    return *entered ? store_begin(store, err) : 0;
}

int
store_leave(struct store *store, int entered, int rc, struct cairn_error *err)
{
    if (!entered)
        return rc;
    if (rc == 0)
        return store_commit(store, err);
    store_abort(store);
    return rc;
}

/* ---- open and close ---- */

/* SQLite would make the file readable for all. *lock keeps others from opening the store until it is closed: SQLite
 * copes with two who make one file, but not with two who turn it to WAL at once. */
static int
make_file(const char *path, int *lock, struct cairn_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? alloc_strn(path, (size_t)(slash - path)) : alloc_str(".");
    const char *name = *folder ? folder : "/";
    int fd = -1;

    if (private_folder(name, err) == 0)
        *lock = private_lock(name, err);
    if (*lock >= 0)
        fd = private_file(path, err);
    if (fd >= 0)
        close(fd);
    free(folder);
    return fd < 0 ? -1 : 0;
}

static int
read_lineage(struct store *store, struct cairn_error *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = -1;

    if (sqlite3_prepare_v2(store->db, "SELECT value FROM meta WHERE key = 'lineage'", -1, &stmt, NULL) != SQLITE_OK)
        store_failed(store, "open", err);
    else if (store_step(store, stmt, "open", err) != 1)
        cairn_fail(err, CAIRN_ERR_FAILED, "open store %s: it has no lineage", store->path);
    else
        rc = 0;
    if (rc == 0)
        snprintf(store->lineage, sizeof(store->lineage), "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return rc;
}

int
store_open(struct store **out, const char *path, struct cairn_error *err)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    struct store *store = alloc_zero(1, sizeof(*store));
    int lock = -1;
    int rc = -1;

    store->path = alloc_str(path);
    if (make_file(path, &lock, err) < 0)
        goto out;
    if (sqlite3_open_v2(path, &store->db, flags, NULL) != SQLITE_OK) {
        store_failed(store, "open", err);
        goto out;
    }
    sqlite3_busy_timeout(store->db, BUSY_MS);
    if (sqlite3_db_readonly(store->db, "main")) {
        cairn_fail(err, CAIRN_ERR_DENIED, "open store %s: it can't be written to: read-only file, folder or disk",
                   path);
        goto out;
    }
    if (store_migrate(store, err) < 0 || read_lineage(store, err) < 0)
        goto out;
    store_changed(store);
    *out = store;
    store = NULL; /* handed over */
    rc = 0;
out:
    store_close(store);
    if (lock >= 0)
        close(lock);
    return rc;
}

void
store_close(struct store *store)
{
    if (!store)
        return;
    for (int i = 0; i < Q_COUNT; i++)
        sqlite3_finalize(store->queries[i]);
    sqlite3_close(store->db);
    free(store->path);
    free(store);
}

const char *
store_lineage(const struct store *store)
{
    return store->lineage;
}

int
store_changed(struct store *store)
{
    struct cairn_error ignored = { 0 };
    sqlite3_stmt *stmt = store_query(store, Q_DATA_VERSION, &ignored);
    int64_t version = -1;
    int changed;

    if (stmt && store_step(store, stmt, "look at", &ignored) == 1)
        version = sqlite3_column_int64(stmt, 0);
    if (stmt)
        store_done(stmt);
    /* who can't tell says yes: the caller looks and gets the error itself */
    changed = version < 0 || version != store->data_version;
    store->data_version = version;
    return changed;
}
