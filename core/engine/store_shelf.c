/*
 * store_shelf.c: what else the SQLite store keeps: sources, locks, inboxes, and the cache.
 * SPDX-License-Identifier: MIT
 */
#include "engine/store_sqlite.h"

#include "common/alloc.h"
#include "common/canon.h"

#include <stdlib.h>
#include <string.h>

/* ---- sources by the hash of their content ---- */

int
store_put_blob(struct store *store, const char *hash, const char *text, size_t len, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_PUT_BLOB, err);

    if (!stmt)
        return -1;
    store_bind(stmt, 1, hash);
    sqlite3_bind_blob64(stmt, 2, text ? text : "", len, SQLITE_STATIC);
    return store_once(store, stmt, "put a source into", err);
}

int
store_get_blob(struct store *store, const char *hash, char **text, size_t *len, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_GET_BLOB, err);
    char real[DIGEST_HEX];
    char *copy = NULL;
    size_t size = 0;
    int rc;

    if (!stmt)
        return -1;
    store_bind(stmt, 1, hash);
    rc = store_step(store, stmt, "read", err);
    if (rc == 1) {
        const void *bytes = sqlite3_column_blob(stmt, 0);

        size = (size_t)sqlite3_column_bytes(stmt, 0);
        copy = alloc_zero(size + 1, 1);
        if (size)
            memcpy(copy, bytes, size);
    }
    store_done(stmt);
    if (rc == 0)
        return cairn_fail(err, CAIRN_ERR_NOT_FOUND, "read source %s: store %s doesn't have it", hash, store->path);
    if (rc < 0)
        return -1;
    digest_bytes(real, copy, size);
    if (strcmp(real, hash) != 0) {
        free(copy);
        return cairn_fail(err, CAIRN_ERR_FAILED, "read source %s: it was changed in store %s; its hash is now %s", hash,
                          store->path, real);
    }
    *text = copy;
    *len = size;
    return 0;
}

/* ---- locks on targets ---- */

static int
check_lock(struct store *store, const char *run, const json_t *key, char **holder, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_LOCK_HOLDER, err);
    const char *name = json_string_value(key);
    int rc;

    if (!stmt)
        return -1;
    if (!name || !*name)
        return cairn_fail(err, CAIRN_ERR_INVALID, "lock for run %s: a key is not a string, or empty", run);
    store_bind(stmt, 1, name);
    store_bind(stmt, 2, run);
    rc = store_step(store, stmt, "read", err);
    if (rc == 1) {
        char *other = store_column(stmt, 0);

        cairn_fail(err, CAIRN_ERR_CONFLICT, "lock %s: run %s holds it", name, other);
        if (holder)
            *holder = other;
        else
            free(other);
    }
    store_done(stmt);
    return rc == 0 ? 0 : -1;
}

static int
lock_all(struct store *store, const char *run, const json_t *keys, char **holder, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_LOCK, err);
    const json_t *key;
    size_t i;

    if (!stmt)
        return -1;
    json_array_foreach(keys, i, key)
        if (check_lock(store, run, key, holder, err) < 0)
            return -1;
    json_array_foreach(keys, i, key) {
        store_bind(stmt, 1, json_string_value(key));
        store_bind(stmt, 2, run);
        if (store_once(store, stmt, "lock in", err) < 0)
            return -1;
    }
    return 0;
}

int
store_lock(struct store *store, const char *run, const json_t *keys, char **holder, struct cairn_error *err)
{
    int entered;

    if (holder)
        *holder = NULL;
    if (store_enter(store, &entered, err) < 0)
        return -1;
    return store_leave(store, entered, lock_all(store, run, keys, holder, err), err);
}

int
store_unlock(struct store *store, const char *run, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_UNLOCK, err);

    if (!stmt)
        return -1;
    store_bind(stmt, 1, run);
    return store_once(store, stmt, "unlock in", err);
}

/* ---- inboxes ---- */

int
store_post(struct store *store, const char *run, const json_t *message, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_POST, err);
    char *text;
    int rc;

    if (!stmt)
        return -1;
    text = json_dumps(message, JSON_COMPACT);
    if (!text)
        alloc_failed();
    store_bind(stmt, 1, run);
    store_bind(stmt, 2, text);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
        cairn_fail(err, CAIRN_ERR_NOT_FOUND, "post to run %s: there is none of that id", run);
    else if (rc != SQLITE_DONE)
        store_failed(store, "post to", err);
    store_done(stmt);
    free(text);
    return rc == SQLITE_DONE ? 0 : -1;
}

/* The JSON text in a column, or NULL with err. */
static json_t *
parse_column(struct store *store, sqlite3_stmt *stmt, int at, const char *what, struct cairn_error *err)
{
    json_error_t why;
    json_t *value = json_loads((const char *)sqlite3_column_text(stmt, at), JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);

    if (!value)
        cairn_fail(err, CAIRN_ERR_FAILED, "read %s from store %s: not JSON: %s", what, store->path, why.text);
    return value;
}

int
store_inbox(struct store *store, const char *run, json_t **out, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_INBOX, err);
    json_t *list = json_array();
    int rc;

    if (!list)
        alloc_failed();
    if (!stmt) {
        json_decref(list);
        return -1;
    }
    store_bind(stmt, 1, run);
    while ((rc = store_step(store, stmt, "read", err)) == 1) {
        json_t *message = parse_column(store, stmt, 1, "a message", err);

        if (!message) {
            rc = -1;
            break;
        }
        json_array_append_new(
            list, json_pack("{s:I, s:o}", "id", (json_int_t)sqlite3_column_int64(stmt, 0), "message", message));
    }
    store_done(stmt);
    if (rc < 0) {
        json_decref(list);
        return -1;
    }
    *out = list;
    return 0;
}

int
store_take_post(struct store *store, int64_t id, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_TAKE_POST, err);

    if (!stmt)
        return -1;
    sqlite3_bind_int64(stmt, 1, id);
    return store_once(store, stmt, "take a message from", err);
}

/* ---- the cache ---- */

int
store_cache_get(struct store *store, const char *key, json_t **out, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_CACHE_GET, err);
    int rc;

    *out = NULL;
    if (!stmt)
        return -1;
    store_bind(stmt, 1, key);
    rc = store_step(store, stmt, "read", err);
    if (rc == 1) {
        *out = parse_column(store, stmt, 0, key, err);
        rc = *out ? 0 : -1;
    }
    store_done(stmt);
    return rc;
}

int
store_cache_put(struct store *store, const char *key, const json_t *value, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_CACHE_PUT, err);
    char *text;
    int rc;

    if (!stmt)
        return -1;
    text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        alloc_failed();
    store_bind(stmt, 1, key);
    store_bind(stmt, 2, text);
    rc = store_once(store, stmt, "cache in", err);
    free(text);
    return rc;
}
