/*
 * store_runs.c: runs and their records in the SQLite store.
 * SPDX-License-Identifier: MIT
 */
#include "engine/store_sqlite.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

static void
fill_run(struct store_run *run, sqlite3_stmt *stmt)
{
    run->id = store_column(stmt, 0);
    run->flow = store_column(stmt, 1);
    run->state = store_column(stmt, 2);
    run->created = sqlite3_column_int64(stmt, 3);
    run->updated = sqlite3_column_int64(stmt, 4);
    run->wake = sqlite3_column_int64(stmt, 5);
    run->epoch = sqlite3_column_int64(stmt, 6);
    run->count = sqlite3_column_int64(stmt, 7);
    run->head = store_column(stmt, 8);
}

void
store_run_release(struct store_run *run)
{
    free(run->id);
    free(run->flow);
    free(run->state);
    free(run->head);
    memset(run, 0, sizeof(*run));
}

void
store_runs_free(struct store_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        store_run_release(&runs[i]);
    free(runs);
}

void
store_records_free(struct store_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(records[i].body);
        free(records[i].hash);
    }
    free(records);
}

int
store_add_run(struct store *store, const struct store_run *run, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_ADD_RUN, err);
    int rc;

    if (!stmt)
        return -1;
    store_bind(stmt, 1, run->id);
    store_bind(stmt, 2, run->flow);
    store_bind(stmt, 3, run->state);
    sqlite3_bind_int64(stmt, 4, run->created);
    sqlite3_bind_int64(stmt, 5, run->updated);
    sqlite3_bind_int64(stmt, 6, run->wake);
    sqlite3_bind_int64(stmt, 7, run->epoch);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_CONSTRAINT_PRIMARYKEY)
        cairn_fail(err, CAIRN_ERR_CONFLICT, "add run %s: there is one of that id", run->id);
    else if (rc != SQLITE_DONE)
        store_failed(store, "add a run to", err);
    store_done(stmt);
    return rc == SQLITE_DONE ? 0 : -1;
}

int
store_take(struct store *store, const char *run, int64_t *epoch, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_TAKE, err);
    int rc;

    if (!stmt)
        return -1;
    store_bind(stmt, 1, run);
    rc = store_step(store, stmt, "take a run of", err);
    if (rc == 1)
        *epoch = sqlite3_column_int64(stmt, 0);
    else if (rc == 0)
        cairn_fail(err, CAIRN_ERR_NOT_FOUND, "take run %s: there is none of that id", run);
    /* the rows of RETURNING must be read to the end for the statement to be complete */
    if (rc == 1 && store_step(store, stmt, "take a run of", err) < 0)
        rc = -1;
    store_done(stmt);
    return rc == 1 ? 0 : -1;
}

/* Why an update that names the epoch has changed nothing. */
static int
lost(struct store *store, const char *verb, const char *run, int64_t epoch, const struct store_record *record,
     struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_RUN, err);
    struct store_run now = { 0 };
    int rc;

    if (!stmt)
        return -1;
    store_bind(stmt, 1, run);
    rc = store_step(store, stmt, "look at", err);
    if (rc == 1)
        fill_run(&now, stmt);
    store_done(stmt);
    if (rc == 0)
        cairn_fail(err, CAIRN_ERR_NOT_FOUND, "%s run %s: there is none of that id", verb, run);
    else if (rc == 1 && now.epoch != epoch)
        cairn_fail(err, CAIRN_ERR_CONFLICT, "%s run %s: another process has taken it over (epoch %lld, ours is %lld)",
                   verb, run, (long long)now.epoch, (long long)epoch);
    else if (rc == 1)
        cairn_fail(err, CAIRN_ERR_INTERNAL, "%s run %s: record %lld does not follow record %lld", verb, run,
                   (long long)(record ? record->n : 0), (long long)now.count);
    store_run_release(&now);
    return -1;
}

static int
advance(struct store *store, const char *run, int64_t epoch, const struct store_record *record, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_ADVANCE, err);

    if (!stmt)
        return -1;
    store_bind(stmt, 1, run);
    sqlite3_bind_int64(stmt, 2, epoch);
    sqlite3_bind_int64(stmt, 3, record->n);
    store_bind(stmt, 4, record->hash);
    if (store_once(store, stmt, "append to", err) < 0)
        return -1;
    return sqlite3_changes(store->db) == 1 ? 0 : lost(store, "append to", run, epoch, record, err);
}

int
store_append(struct store *store, const char *run, int64_t epoch, const struct store_record *record,
             struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_ADD_RECORD, err);
    int entered;
    int rc;

    if (!stmt || store_enter(store, &entered, err) < 0)
        return -1;
    rc = advance(store, run, epoch, record, err);
    if (rc == 0) {
        store_bind(stmt, 1, run);
        sqlite3_bind_int64(stmt, 2, record->n);
        store_bind(stmt, 3, record->body);
        store_bind(stmt, 4, record->hash);
        rc = store_once(store, stmt, "append to", err);
    }
    return store_leave(store, entered, rc, err);
}

int
store_set_state(struct store *store, const char *run, int64_t epoch, const char *state, int64_t now, int64_t wake,
                struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_SET_STATE, err);

    if (!stmt)
        return -1;
    store_bind(stmt, 1, run);
    sqlite3_bind_int64(stmt, 2, epoch);
    store_bind(stmt, 3, state);
    sqlite3_bind_int64(stmt, 4, now);
    sqlite3_bind_int64(stmt, 5, wake);
    if (store_once(store, stmt, "set a state in", err) < 0)
        return -1;
    return sqlite3_changes(store->db) == 1 ? 0 : lost(store, "set the state of", run, epoch, NULL, err);
}

int
store_runs(struct store *store, struct store_run **out, size_t *count, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_RUNS, err);
    struct store_run *runs = NULL;
    size_t got = 0;
    size_t size = 0;
    int rc;

    if (!stmt)
        return -1;
    while ((rc = store_step(store, stmt, "read", err)) == 1) {
        if (got == size) {
            size = size ? size * 2 : 16;
            runs = alloc_grow(runs, size, sizeof(*runs));
        }
        fill_run(&runs[got++], stmt);
    }
    store_done(stmt);
    if (rc < 0) {
        store_runs_free(runs, got);
        return -1;
    }
    *out = runs;
    *count = got;
    return 0;
}

static int
find_last(struct store *store, struct store_run *out, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_LAST, err);
    int rc;

    if (!stmt)
        return -1;
    rc = store_step(store, stmt, "read", err);
    if (rc == 1)
        fill_run(out, stmt);
    store_done(stmt);
    if (rc == 0)
        cairn_fail(err, CAIRN_ERR_NOT_FOUND, "find run @last: there are no runs in %s", store->path);
    return rc == 1 ? 0 : -1;
}

int
store_find(struct store *store, const char *prefix, struct store_run *out, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_MATCH, err);
    char *names = NULL;
    size_t count = 0;
    int rc;

    if (!stmt)
        return -1;
    if (strcmp(prefix, "@last") == 0)
        return find_last(store, out, err);
    if (!*prefix)
        return cairn_fail(err, CAIRN_ERR_INVALID, "find run: no id is given; see: cairn runs");
    memset(out, 0, sizeof(*out));
    store_bind(stmt, 1, prefix);
    while ((rc = store_step(store, stmt, "read", err)) == 1) {
        char *longer =
            alloc_printf("%s%s%s", count ? names : "", count ? ", " : "", (const char *)sqlite3_column_text(stmt, 0));

        free(names);
        names = longer;
        if (count++ == 0)
            fill_run(out, stmt);
        if (strcmp(out->id, prefix) == 0)
            break; /* a whole id, whatever else begins with it */
    }
    store_done(stmt);
    if (rc == 0 && count == 0)
        rc = cairn_fail(err, CAIRN_ERR_NOT_FOUND, "find run %s: no run's id begins so; see: cairn runs", prefix);
    else if (rc == 0 && count > 1)
        rc = cairn_fail(err, CAIRN_ERR_INVALID, "find run %s: several runs' ids begin so: %s%s", prefix, names,
                        count == 5 ? ", ..." : "");
    if (rc < 0)
        store_run_release(out);
    free(names);
    return rc < 0 ? -1 : 0;
}

int
store_records(struct store *store, const char *run, struct store_record **out, size_t *count, struct cairn_error *err)
{
    sqlite3_stmt *stmt = store_query(store, Q_RECORDS, err);
    struct store_record *records = NULL;
    size_t got = 0;
    size_t size = 0;
    int rc;

    if (!stmt)
        return -1;
    store_bind(stmt, 1, run);
    while ((rc = store_step(store, stmt, "read", err)) == 1) {
        if (got == size) {
            size = size ? size * 2 : 64;
            records = alloc_grow(records, size, sizeof(*records));
        }
        records[got].n = sqlite3_column_int64(stmt, 0);
        records[got].body = store_column(stmt, 1);
        records[got++].hash = store_column(stmt, 2);
    }
    store_done(stmt);
    if (rc < 0) {
        store_records_free(records, got);
        return -1;
    }
    *out = records;
    *count = got;
    return 0;
}
