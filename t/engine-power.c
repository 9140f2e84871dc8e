/*
 * engine-power.c: tests of what the store holds after the power failed, with unsynced writes dropped, torn and reordered.
 * SPDX-License-Identifier: MIT
 *
 * A history of the store is made once: two drivers' runs, messages of another process between them, and the log moved
 * into the file again and again. Then the power fails at a random instant of it, many times; CAIRN_TEST_STATES says how
 * often. A commit that had returned must be there, whole; what had not returned is there whole or not at all.
 */
#include "t/engine.h"
#include "t/power.h"

#include "common/canon.h"
#include "engine/record.h"
#include "engine/store.h"

#include <sqlite3.h>
#include <stdio.h>

#define RUNS 2
#define TURNS 120 /* transactions */
#define TURN_MAX 5 /* records in one */
#define STATES (SANITIZED ? 100 : 1000)
#define BROKEN_STATES (SANITIZED ? 40 : 200) /* for a store that loses something, which is soon found */

struct commit { /* one that has returned */
    size_t at; /* how much of the history lay behind it then */
    int64_t records[RUNS];
    size_t posted;
};

static struct commit commits[TURNS * 2];
static size_t commit_count;
static int64_t begun[RUNS]; /* how many records were given to the store at all */
static size_t posted;
static char *hashes[RUNS][TURNS * TURN_MAX + 1];
static const char *const ids[RUNS] = { "01a", "01b" };
static sqlite3 *last_opened;

/* The log is moved into the file after 8 pages instead of 1000. */
static int
checkpoint_often(sqlite3 *db, const char **error, const struct sqlite3_api_routines *api)
{
    (void)error;
    (void)api;
    last_opened = db;
    sqlite3_wal_autocheckpoint(db, 8);
    return SQLITE_OK;
}

static void
committed(void)
{
    struct commit *commit = &commits[commit_count++];

    commit->at = power_count();
    memcpy(commit->records, begun, sizeof(begun));
    commit->posted = posted;
}

static void
append(struct store *store, size_t run, int64_t epoch)
{
    struct cairn_error err = { 0 };
    int64_t n = ++begun[run];
    char *body = alloc_printf("{\"n\":%lld,\"text\":\"%0*d\"}", (long long)n, (int)(n * 37 % 3000) + 1, 0);
    char hash[DIGEST_HEX];
    struct store_record record = { n, body, hash };

    record_hash(hash, n > 1 ? hashes[run][n - 1] : RECORD_NO_HASH, body);
    hashes[run][n] = alloc_str(hash);
    assert_fine(store_append(store, ids[run], epoch, &record, &err), &err);
    free(body);
}

static void
one_turn(struct store *store, size_t turn)
{
    struct cairn_error err = { 0 };
    size_t run = turn % RUNS;
    int64_t now = (int64_t)turn;

    assert_fine(store_begin(store, &err), &err);
    for (size_t i = 0; i <= turn % TURN_MAX; i++)
        append(store, run, 1);
    assert_fine(store_set_state(store, ids[run], 1, turn % 7 ? "running" : "waiting", now, 0, &err), &err);
    assert_fine(store_commit(store, &err), &err);
    committed();
}

static void
one_post(struct store *other, size_t turn)
{
    struct cairn_error err = { 0 };
    json_t *message = json_pack("{s:i}", "number", (int)turn);

    assert_fine(store_post(other, ids[turn % RUNS], message, &err), &err);
    json_decref(message);
    posted++;
    committed();
}

static void
make_history(const char *path, const char *pragma)
{
    struct cairn_error err = { 0 };
    struct store *store = NULL, *other = NULL;
    int64_t epoch;

    assert_fine(store_open(&store, path, &err), &err);
    if (pragma)
        assert_int_equal(sqlite3_exec(last_opened, pragma, NULL, NULL, NULL), SQLITE_OK);
    assert_fine(store_open(&other, path, &err), &err);
    for (size_t i = 0; i < RUNS; i++) {
        struct store_run run = { .id = (char *)ids[i], .flow = (char *)"flow.lua", .state = (char *)"running" };

        assert_fine(store_add_run(store, &run, &err), &err);
        assert_fine(store_take(store, ids[i], &epoch, &err), &err);
    }
    committed();
    for (size_t turn = 0; turn < TURNS; turn++) {
        one_turn(store, turn);
        if (turn % 5 == 0)
            one_post(other, turn);
    }
    store_close(other);
    store_close(store);
}

/* What had been promised when the power failed behind the k-th entry; NULL: nothing yet. */
static const struct commit *
promised_at(size_t k)
{
    const struct commit *found = NULL;

    for (size_t i = 0; i < commit_count && commits[i].at <= k; i++)
        found = &commits[i];
    return found;
}

static int
run_is_whole(struct store *store, size_t i, const struct commit *promised, struct cairn_error *err)
{
    struct store_run run;
    struct store_record *records = NULL;
    size_t n = 0;
    int rc;

    if (store_find(store, ids[i], &run, err) < 0)
        return -1;
    rc = store_records(store, ids[i], &records, &n, err);
    if (rc == 0)
        rc = record_verify(&run, records, n, err);
    if (rc == 0 && ((int64_t)n < promised->records[i] || (n > 0 && strcmp(records[n - 1].hash, hashes[i][n]) != 0)))
        rc = cairn_fail(err, CAIRN_ERR_FAILED, "run %s has %d records, and %d were committed", ids[i], (int)n,
                        (int)promised->records[i]);
    store_records_free(records, n);
    store_run_release(&run);
    return rc;
}

static int
posts_are_there(struct store *store, const struct commit *promised, struct cairn_error *err)
{
    size_t found = 0;

    for (size_t i = 0; i < RUNS; i++) {
        json_t *messages = NULL;

        if (store_inbox(store, ids[i], &messages, err) < 0)
            return -1;
        found += json_array_size(messages);
        json_decref(messages);
    }
    return found >= promised->posted ? 0
                                     : cairn_fail(err, CAIRN_ERR_FAILED, "%d messages, and %d were committed", (int)found,
                                                  (int)promised->posted);
}

/* SQLite itself finds nothing wrong, and the store can be written to. */
static int
is_sound(struct store *store, struct cairn_error *err)
{
    sqlite3_stmt *stmt = NULL;
    char *says;

    assert_int_equal(sqlite3_prepare_v2(last_opened, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    says = sqlite3_step(stmt) == SQLITE_ROW ? alloc_str((const char *)sqlite3_column_text(stmt, 0)) : alloc_str("none");
    sqlite3_finalize(stmt);
    if (strcmp(says, "ok") != 0)
        cairn_fail(err, CAIRN_ERR_FAILED, "integrity_check: %s", says);
    free(says);
    return err->text[0] ? -1 : store_cache_put(store, "key", json_null(), err);
}

static int
state_holds(const char *path, const struct commit *promised, struct cairn_error *err)
{
    struct store *store = NULL;
    int rc = store_open(&store, path, err);

    if (rc == 0)
        rc = is_sound(store, err);
    for (size_t i = 0; rc == 0 && promised && i < RUNS; i++)
        rc = run_is_whole(store, i, promised, err);
    if (rc == 0 && promised)
        rc = posts_are_there(store, promised, err);
    store_close(store);
    return rc;
}

static void
forget_history(void)
{
    for (size_t i = 0; i < RUNS; i++) {
        for (int64_t n = 1; n <= begun[i]; n++)
            free(hashes[i][n]);
        begun[i] = 0;
    }
    posted = 0;
    commit_count = 0;
    power_free();
}

/* In how many of so many states something is wrong; the first one is told. */
static size_t
count_bad(const char *folder, const char *pragma, size_t states)
{
    char *path = alloc_printf("%s/live/cairn.db", folder);
    char *after = alloc_printf("%s/after", folder);
    char *after_path = alloc_printf("%s/cairn.db", after);
    size_t bad = 0;

    assert_int_equal(mkdir(after, 0700), 0);
    sqlite3_auto_extension((void (*)(void))checkpoint_often);
    power_on();
    make_history(path, pragma);
    power_off();
    for (uint64_t i = 0; i < states; i++) {
        struct cairn_error err = { 0 };
        size_t k = (size_t)((i * 2654435761u) % (power_count() + 1));

        power_state(k, i, after);
        if (state_holds(after_path, promised_at(k), &err) == 0)
            continue;
        if (bad++ == 0 && !pragma)
            print_error("state %d, power lost behind entry %d of %d: %s\n", (int)i, (int)k, (int)power_count(), err.text);
    }
    print_message("# %d states of %d entries and %d commits: %d bad\n", (int)states, (int)power_count(),
                  (int)commit_count, (int)bad);
    forget_history();
    sqlite3_reset_auto_extension();
    free(after_path);
    free(after);
    free(path);
    return bad;
}

static void
what_was_committed_outlives_a_power_failure(void **state)
{
    const char *states = getenv("CAIRN_TEST_STATES");

    assert_int_equal(count_bad(*state, NULL, states ? (size_t)atol(states) : STATES), 0);
}

/* The check itself: a store that doesn't sync at each commit is found out. */
static void
without_a_sync_at_each_commit_records_are_lost(void **state)
{
    assert_int_not_equal(count_bad(*state, "PRAGMA synchronous = NORMAL", BROKEN_STATES), 0);
}

static void
without_any_sync_the_file_breaks(void **state)
{
    assert_int_not_equal(count_bad(*state, "PRAGMA synchronous = OFF", BROKEN_STATES), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_DIR(what_was_committed_outlives_a_power_failure),
        TEST_IN_DIR(without_a_sync_at_each_commit_records_are_lost),
        TEST_IN_DIR(without_any_sync_the_file_breaks),
    };

    return cmocka_run_group_tests_name("store: power failure", tests, NULL, NULL);
}
