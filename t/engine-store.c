/*
 * engine-store.c: tests of the store.
 * SPDX-License-Identifier: MIT
 */
#include "t/engine.h"

#include "common/canon.h"
#include "engine/store.h"

#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>

static struct store *
open_in(void **state)
{
    struct cairn_error err = { 0 };
    char *path = alloc_printf("%s/state/cairn.db", (char *)*state);
    struct store *store = NULL;

    assert_fine(store_open(&store, path, &err), &err);
    free(path);
    return store;
}

static void
add_run(struct store *store, const char *id)
{
    struct store_run run = {
        .id = (char *)id, .flow = (char *)"flow.lua", .state = (char *)"running", .created = 5, .updated = 5
    };
    struct cairn_error err = { 0 };

    assert_fine(store_add_run(store, &run, &err), &err);
}

static int
append(struct store *store, const char *run, int64_t epoch, int64_t n, struct cairn_error *err)
{
    char *body = alloc_printf("{\"n\":%d}", (int)n);
    char *hash = alloc_printf("hash-%d", (int)n);
    struct store_record record = { n, body, hash };
    int rc = store_append(store, run, epoch, &record, err);

    free(body);
    free(hash);
    return rc;
}

static size_t
count_records(struct store *store, const char *run)
{
    struct cairn_error err = { 0 };
    struct store_record *records = NULL;
    size_t count = 0;

    assert_fine(store_records(store, run, &records, &count, &err), &err);
    store_records_free(records, count);
    return count;
}

static void
keeps_runs_and_records_over_a_reopening(void **state)
{
    struct cairn_error err = { 0 };
    struct store *store = open_in(state);
    struct store_record *records = NULL;
    struct store_run run;
    int64_t epoch = 0;
    size_t count = 0;

    add_run(store, "01a");
    assert_fine(store_take(store, "01a", &epoch, &err), &err);
    assert_int_equal(epoch, 1);
    assert_fine(store_begin(store, &err), &err);
    assert_fine(append(store, "01a", 1, 1, &err), &err);
    assert_fine(append(store, "01a", 1, 2, &err), &err);
    assert_fine(store_set_state(store, "01a", 1, "waiting", 77, 99, &err), &err);
    assert_fine(store_commit(store, &err), &err);
    store_close(store);

    store = open_in(state);
    assert_fine(store_find(store, "01a", &run, &err), &err);
    assert_string_equal(run.state, "waiting");
    assert_string_equal(run.flow, "flow.lua");
    assert_string_equal(run.head, "hash-2");
    assert_int_equal(run.created, 5);
    assert_int_equal(run.updated, 77);
    assert_int_equal(run.wake, 99);
    assert_int_equal(run.epoch, 1);
    assert_int_equal(run.count, 2);
    store_run_release(&run);
    assert_fine(store_records(store, "01a", &records, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_string_equal(records[1].body, "{\"n\":2}");
    store_records_free(records, count);
    store_close(store);
}

static void
has_one_lineage_for_ever_and_another_in_another_store(void **state)
{
    char *path = alloc_printf("%s/other.db", (char *)*state);
    struct cairn_error err = { 0 };
    struct store *store = open_in(state);
    struct store *other = NULL;
    char *first = alloc_str(store_lineage(store));

    store_close(store);
    store = open_in(state);
    assert_string_equal(store_lineage(store), first);
    assert_int_equal(strlen(first), 32);
    assert_fine(store_open(&other, path, &err), &err);
    assert_string_not_equal(store_lineage(other), first);
    store_close(other);
    store_close(store);
    free(first);
    free(path);
}

static void
refuses_who_lost_the_run(void **state)
{
    struct cairn_error err = { 0 };
    struct store *ours = open_in(state);
    struct store *theirs = open_in(state);
    int64_t epoch = 0;

    add_run(ours, "01a");
    assert_fine(store_take(ours, "01a", &epoch, &err), &err);
    assert_fine(append(ours, "01a", 1, 1, &err), &err);
    assert_fine(store_take(theirs, "01a", &epoch, &err), &err);
    assert_int_equal(epoch, 2);
    assert_error(append(ours, "01a", 1, 2, &err), &err, CAIRN_ERR_CONFLICT, "epoch 2, ours is 1");
    assert_error(store_set_state(ours, "01a", 1, "done", 1, 0, &err), &err, CAIRN_ERR_CONFLICT, "taken it over");
    assert_fine(append(theirs, "01a", 2, 2, &err), &err);
    assert_int_equal(count_records(ours, "01a"), 2);
    store_close(ours);
    store_close(theirs);
}

static void
refuses_a_record_out_of_its_place_and_unknown_runs(void **state)
{
    struct cairn_error err = { 0 };
    struct store *store = open_in(state);
    struct store_run again = { .id = (char *)"01a", .flow = (char *)"f", .state = (char *)"running" };
    int64_t epoch;

    add_run(store, "01a");
    assert_error(append(store, "01a", 0, 2, &err), &err, CAIRN_ERR_INTERNAL, "record 2 does not follow record 0");
    assert_fine(append(store, "01a", 0, 1, &err), &err);
    assert_error(append(store, "01a", 0, 1, &err), &err, CAIRN_ERR_INTERNAL, "record 1 does not follow record 1");
    assert_error(append(store, "01b", 0, 1, &err), &err, CAIRN_ERR_NOT_FOUND, "01b");
    assert_error(store_take(store, "01b", &epoch, &err), &err, CAIRN_ERR_NOT_FOUND, "01b");
    assert_error(store_add_run(store, &again, &err), &err, CAIRN_ERR_CONFLICT, "01a");
    assert_int_equal(count_records(store, "01a"), 1);
    store_close(store);
}

static void
takes_back_a_transaction_that_is_aborted(void **state)
{
    struct cairn_error err = { 0 };
    struct store *store = open_in(state);
    struct store_run *runs = NULL;
    size_t count = 9;

    assert_fine(store_begin(store, &err), &err);
    add_run(store, "01a");
    assert_fine(append(store, "01a", 0, 1, &err), &err);
    store_abort(store);
    store_abort(store); /* harmless */
    assert_fine(store_runs(store, &runs, &count, &err), &err);
    assert_int_equal(count, 0);
    store_runs_free(runs, count);
    store_close(store);
}

static void
finds_a_run_by_prefix_and_the_last_one(void **state)
{
    struct cairn_error err = { 0 };
    struct store *store = open_in(state);
    struct store_run run = { 0 };
    static const struct {
        const char *prefix, *id;
        enum cairn_error_kind kind;
        const char *says;
    } table[] = {
        { "01ab", "01ab", 0, NULL }, /* whole, although another begins with it */
        { "01abc", "01abc", 0, NULL },
        { "02", "02xy", 0, NULL },
        { "@last", "02xy", 0, NULL },
        { "01a", NULL, CAIRN_ERR_INVALID, "01ab, 01abc" },
        { "03", NULL, CAIRN_ERR_NOT_FOUND, "03" },
        { "", NULL, CAIRN_ERR_INVALID, "no id" },
        { "0%", NULL, CAIRN_ERR_NOT_FOUND, "0%" },
    };

    assert_error(store_find(store, "@last", &run, &err), &err, CAIRN_ERR_NOT_FOUND, "no runs");
    add_run(store, "02xy");
    add_run(store, "01abc");
    add_run(store, "01ab");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int rc = store_find(store, table[i].prefix, &run, &err);

        if (!table[i].id) {
            assert_error(rc, &err, table[i].kind, table[i].says);
            continue;
        }
        assert_fine(rc, &err);
        assert_string_equal(run.id, table[i].id);
        store_run_release(&run);
    }
    store_close(store);
}

static int
lock(struct store *store, const char *run, const char *keys, char **holder, struct cairn_error *err)
{
    json_t *list = json_loads(keys, 0, NULL);
    int rc = store_lock(store, run, list, holder, err);

    json_decref(list);
    return rc;
}

static void
locks_all_keys_or_none(void **state)
{
    struct cairn_error err = { 0 };
    struct store *store = open_in(state);
    char *holder = NULL;

    add_run(store, "01a");
    add_run(store, "01b");
    assert_fine(lock(store, "01a", "[\"rds:prod\", \"zone:x\", \"rds:prod\"]", &holder, &err), &err);
    assert_fine(lock(store, "01a", "[\"rds:prod\", \"rds:two\"]", &holder, &err), &err);
    assert_null(holder);
    assert_error(lock(store, "01b", "[\"free\", \"zone:x\"]", &holder, &err), &err, CAIRN_ERR_CONFLICT,
                 "run 01a holds it");
    assert_string_equal(holder, "01a");
    free(holder);
    assert_fine(lock(store, "01a", "[\"free\"]", &holder, &err), &err); /* 01b did not get half of it */
    assert_error(lock(store, "01b", "[\"new\", 7]", &holder, &err), &err, CAIRN_ERR_INVALID, "not a string");
    assert_fine(store_unlock(store, "01a", &err), &err);
    assert_fine(lock(store, "01b", "[\"rds:prod\", \"zone:x\", \"free\", \"rds:two\"]", &holder, &err), &err);
    store_close(store);
}

static void
keeps_sources_by_their_hash_and_notices_a_change(void **state)
{
    struct cairn_error err = { 0 };
    struct store *store = open_in(state);
    const char content[] = "return 1\0binary";
    char hash[DIGEST_HEX];
    char *text = NULL;
    size_t len = 0;

    digest_bytes(hash, content, sizeof(content));
    assert_fine(store_put_blob(store, hash, content, sizeof(content), &err), &err);
    assert_fine(store_put_blob(store, hash, content, sizeof(content), &err), &err);
    assert_fine(store_get_blob(store, hash, &text, &len, &err), &err);
    assert_int_equal(len, sizeof(content));
    assert_memory_equal(text, content, len);
    free(text);
    hash[0] = hash[0] == 'a' ? 'b' : 'a';
    assert_error(store_get_blob(store, hash, &text, &len, &err), &err, CAIRN_ERR_NOT_FOUND, hash);
    assert_fine(store_put_blob(store, hash, "other", 5, &err), &err);
    assert_error(store_get_blob(store, hash, &text, &len, &err), &err, CAIRN_ERR_FAILED, "was changed");
    store_close(store);
}

static void
hands_messages_from_one_connection_to_the_other(void **state)
{
    struct cairn_error err = { 0 };
    struct store *driver = open_in(state);
    struct store *command = open_in(state);
    json_t *message = json_pack("{s:s}", "op", "cancel");
    json_t *inbox = NULL;
    int64_t id;

    add_run(driver, "01a");
    store_changed(driver);
    assert_int_equal(store_changed(driver), 0);
    assert_fine(store_post(command, "01a", message, &err), &err);
    assert_fine(store_post(command, "01a", message, &err), &err);
    assert_int_equal(store_changed(driver), 1);
    assert_int_equal(store_changed(driver), 0);
    assert_fine(store_inbox(driver, "01a", &inbox, &err), &err);
    assert_int_equal(json_array_size(inbox), 2);
    assert_true(json_equal(json_object_get(json_array_get(inbox, 0), "message"), message));
    id = json_integer_value(json_object_get(json_array_get(inbox, 0), "id"));
    json_decref(inbox);
    assert_fine(store_take_post(driver, id, &err), &err);
    assert_int_equal(store_changed(driver), 0); /* its own commit */
    assert_fine(store_inbox(driver, "01a", &inbox, &err), &err);
    assert_int_equal(json_array_size(inbox), 1);
    json_decref(inbox);
    assert_error(store_post(command, "nope", message, &err), &err, CAIRN_ERR_NOT_FOUND, "nope");
    json_decref(message);
    store_close(command);
    store_close(driver);
}

static void
caches_values(void **state)
{
    struct cairn_error err = { 0 };
    struct store *store = open_in(state);
    json_t *value = json_pack("{s:[i,s]}", "a", 1, "x");
    json_t *got = NULL;

    assert_fine(store_cache_get(store, "k", &got, &err), &err);
    assert_null(got);
    assert_fine(store_cache_put(store, "k", json_true(), &err), &err);
    assert_fine(store_cache_put(store, "k", value, &err), &err);
    assert_fine(store_cache_get(store, "k", &got, &err), &err);
    assert_true(json_equal(got, value));
    json_decref(got);
    json_decref(value);
    store_close(store);
}

/* A child that is killed in the middle of a transaction, when it says that it is there. */
static void
loses_only_what_was_not_committed_when_its_process_is_killed(void **state)
{
    struct cairn_error err = { 0 };
    struct store *store = open_in(state);
    int said[2];
    char byte;
    pid_t pid;
    int status;

    add_run(store, "01a");
    store_close(store);
    assert_int_equal(pipe(said), 0);
    pid = fork();
    if (pid == 0) {
        store = open_in(state);
        if (store_begin(store, &err) == 0 && append(store, "01a", 0, 1, &err) == 0 && store_commit(store, &err) == 0
            && store_begin(store, &err) == 0 && append(store, "01a", 0, 2, &err) == 0 && write(said[1], "x", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(said[1]);
    assert_int_equal(read(said[0], &byte, 1), 1);
    close(said[0]);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    store = open_in(state);
    assert_int_equal(count_records(store, "01a"), 1);
    assert_fine(append(store, "01a", 0, 2, &err), &err);
    store_close(store);
}

static void
is_made_by_several_processes_at_once(void **state)
{
    struct cairn_error err = { 0 };
    pid_t pids[6];

    for (size_t i = 0; i < 6; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            char *path = alloc_printf("%s/state/cairn.db", (char *)*state);
            struct store *store = NULL;

            if (store_open(&store, path, &err) < 0) {
                printf("# %s\n", err.text);
                fflush(stdout);
                _exit(1);
            }
            store_close(store);
            free(path);
            _exit(0);
        }
    }
    for (size_t i = 0; i < 6; i++) {
        int status = -1;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
}

static void
is_readable_by_its_owner_only(void **state)
{
    char *folder = alloc_printf("%s/state", (char *)*state);
    mode_t mask = umask(0);
    struct store *store = open_in(state);
    DIR *dir = opendir(folder);
    struct dirent *entry;
    struct stat st;
    int files = 0;

    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        assert_int_equal(fstatat(dirfd(dir), entry->d_name, &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        files++;
    }
    assert_true(files >= 2); /* the log too */
    closedir(dir);
    umask(mask);
    store_close(store);
    free(folder);
}

static void
takes_rights_of_others_away_from_an_existing_file_and_refuses_an_open_folder(void **state)
{
    struct cairn_error err = { 0 };
    char *folder = alloc_printf("%s/state", (char *)*state);
    char *path = alloc_printf("%s/cairn.db", folder);
    struct store *store = open_in(state);
    struct stat st;

    store_close(store);
    chmod(path, 0644);
    store_close(open_in(state));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    chmod(folder, 0777);
    assert_error(store_open(&store, path, &err), &err, CAIRN_ERR_DENIED, "others may write to it");
    free(folder);
    free(path);
}

/* Root may write anywhere, so somebody else tries. */
static void
says_so_when_it_may_not_write(void **state)
{
    char *path = alloc_printf("%s/state/cairn.db", (char *)*state);
    int said[2];
    char text[1000] = "";
    pid_t pid;
    int status;

    store_close(open_in(state));
    if (getuid() == 0) {
        assert_int_equal(chmod(*state, 0755), 0);
        assert_int_equal(chown(path, 65534, 65534), 0);
    }
    assert_int_equal(pipe(said), 0);
    pid = fork();
    if (pid == 0) {
        char *folder = alloc_printf("%s/state", (char *)*state);
        struct cairn_error err = { 0 };
        struct store *store = NULL;
        int rc;

        chmod(folder, 0555);
        if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(2);
        rc = store_open(&store, path, &err);
        if (write(said[1], err.text, strlen(err.text)) < 0)
            _exit(3);
        _exit(rc == -1 ? 0 : 1);
    }
    close(said[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(read(said[0], text, sizeof(text) - 1) > 0);
    close(said[0]);
    assert_int_equal(status, 0);
    if (!strstr(text, path))
        fail_msg("%s", text);
    free(path);
}

static void
execute(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void
refuses_newer_schemas_other_databases_and_rubbish(void **state)
{
    struct cairn_error err = { 0 };
    char *path = alloc_printf("%s/cairn.db", (char *)*state);
    char *other = alloc_printf("%s/other.db", (char *)*state);
    char *rubbish = alloc_printf("%s/rubbish.db", (char *)*state);
    char *link_path = alloc_printf("%s/link.db", (char *)*state);
    struct store *store = NULL;

    assert_fine(store_open(&store, path, &err), &err);
    store_close(store);
    assert_int_equal(symlink(path, link_path), 0);
    assert_error(store_open(&store, link_path, &err), &err, CAIRN_ERR_DENIED, "link");
    execute(path, "PRAGMA user_version = 99");
    assert_error(store_open(&store, path, &err), &err, CAIRN_ERR_INVALID,
                 "schema 99 and this cairn knows schemas up to 1");
    execute(other, "CREATE TABLE t (x)");
    assert_error(store_open(&store, other, &err), &err, CAIRN_ERR_INVALID, "not a store of cairn");
    write_file(rubbish,
               "this is no database, and it is long enough to have a header of some kind in it, if it were one. "
               "It goes on a little, so that nobody takes it for an empty one.",
               0600);
    assert_error(store_open(&store, rubbish, &err), &err, CAIRN_ERR_FAILED, "damaged or not a store");
    free(path);
    free(other);
    free(rubbish);
    free(link_path);
}

/* A limit on the size of files is how a full disk looks to one process. */
static void
fails_clearly_on_a_full_disk_and_writes_nothing_after_it(void **state)
{
    struct cairn_error err = { 0 };
    struct store *store = open_in(state);
    char *path = alloc_printf("%s/state/cairn.db", (char *)*state);
    char *big = alloc_zero(1, 200001);
    pid_t pid;
    int status;

    add_run(store, "01a");
    store_close(store);
    memset(big, 'x', 200000);
    pid = fork();
    if (pid == 0) {
        struct store_record record = { 1, big, (char *)"h" };
        int failed = 0;

        signal(SIGXFSZ, SIG_IGN);
        store = open_in(state);
        if (store_begin(store, &err) == 0) {
            struct rlimit limit = { 150000, 150000 };

            setrlimit(RLIMIT_FSIZE, &limit);
            failed = store_append(store, "01a", 0, &record, &err) < 0 || store_commit(store, &err) < 0;
        }
        store_abort(store);
        _exit(failed && strstr(err.text, path) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    store = open_in(state);
    assert_int_equal(count_records(store, "01a"), 0);
    store_close(store);
    free(big);
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_DIR(keeps_runs_and_records_over_a_reopening),
        TEST_IN_DIR(has_one_lineage_for_ever_and_another_in_another_store),
        TEST_IN_DIR(refuses_who_lost_the_run),
        TEST_IN_DIR(refuses_a_record_out_of_its_place_and_unknown_runs),
        TEST_IN_DIR(takes_back_a_transaction_that_is_aborted),
        TEST_IN_DIR(finds_a_run_by_prefix_and_the_last_one),
        TEST_IN_DIR(locks_all_keys_or_none),
        TEST_IN_DIR(keeps_sources_by_their_hash_and_notices_a_change),
        TEST_IN_DIR(hands_messages_from_one_connection_to_the_other),
        TEST_IN_DIR(caches_values),
        TEST_IN_DIR(loses_only_what_was_not_committed_when_its_process_is_killed),
        TEST_IN_DIR(is_made_by_several_processes_at_once),
        TEST_IN_DIR(is_readable_by_its_owner_only),
        TEST_IN_DIR(takes_rights_of_others_away_from_an_existing_file_and_refuses_an_open_folder),
        TEST_IN_DIR(says_so_when_it_may_not_write),
        TEST_IN_DIR(refuses_newer_schemas_other_databases_and_rubbish),
        TEST_IN_DIR(fails_clearly_on_a_full_disk_and_writes_nothing_after_it),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
