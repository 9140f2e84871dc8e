/*
 * engine-plugins.c: tests of finding, trusting and describing plugins.
 * SPDX-License-Identifier: MIT
 */
#include "t/engine.h"

#include "common/canon.h"
#include "common/file.h"
#include "engine/plugins.h"

/* The test's folder is the only one on the plugin path. */
static int
load(void **state, struct store *store, struct plugins **out, struct cairn_error *err)
{
    struct config config = { .plugin_path = json_pack("[s]", *state) };
    int rc = plugins_load(out, &config, store, err);

    json_decref(config.plugin_path);
    return rc;
}

/* A test plugin of the build under a name in the test's folder; its path as a new text. */
static char *
install(void **state, const char *plugin, const char *name)
{
    char *from = alloc_printf("%s/t/plugins/%s.so", BUILD_DIR, plugin);
    char *to = alloc_printf("%s/%s", (char *)*state, name);
    struct cairn_error err = { 0 };
    char *bytes = NULL;
    size_t len = 0;
    int fd;

    assert_fine(file_read(&bytes, &len, from, 100u << 20, &err), &err);
    fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(fchmod(fd, 0755), 0);
    close(fd);
    free(bytes);
    free(from);
    return to;
}

static void
describes_a_plugin_by_asking_a_worker(void **state)
{
    struct cairn_error err = { 0 };
    struct plugins *plugins = NULL;
    const struct plugins_entry *probe;
    const json_t *action;
    char *path = install(state, ".libs/probe", "probe.so");
    char *bytes = NULL;
    size_t len = 0;
    char hash[DIGEST_HEX];
    json_t *list;

    assert_fine(load(state, NULL, &plugins, &err), &err);
    assert_int_equal(plugins->count, 1);
    probe = plugins_find(plugins, "probe");
    assert_non_null(probe);
    assert_null(plugins_find(plugins, "prob"));
    assert_string_equal(probe->path, path);
    assert_fine(file_read(&bytes, &len, path, 100u << 20, &err), &err);
    digest_bytes(hash, bytes, len);
    assert_string_equal(probe->sha256, hash);
    assert_string_equal(json_string_value(json_object_get(probe->description, "section")), "probe");
    action = plugins_action(probe, "create");
    assert_string_equal(json_string_value(json_object_get(action, "effect")), "create");
    assert_null(plugins_action(probe, "creat"));
    list = plugins_descriptions(plugins);
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    plugins_free(plugins);
    free(bytes);
    free(path);
}

static void
orders_by_name_and_takes_the_first_folder_that_has_one(void **state)
{
    char *first = alloc_printf("%s/first", (char *)*state);
    char *nowhere = alloc_printf("%s/nowhere", (char *)*state);
    struct config config = { .plugin_path = json_pack("[s, s, s]", nowhere, first, *state) };
    struct cairn_error err = { 0 };
    struct plugins *plugins = NULL;
    void *first_state = first;
    char *paths[4];

    assert_int_equal(mkdir(first, 0700), 0);
    paths[0] = install(&first_state, ".libs/web", "web.so");
    paths[1] = install(state, "bad/.libs/rude", "web.so"); /* never looked at */
    paths[2] = install(state, ".libs/probe", "probe.so");
    paths[3] = install(state, "bad/.libs/rude", "README.txt"); /* not a plugin's name */
    assert_fine(plugins_load(&plugins, &config, NULL, &err), &err);
    assert_int_equal(plugins->count, 2);
    assert_string_equal(plugins->entries[0].name, "probe");
    assert_string_equal(plugins->entries[1].path, paths[0]);
    plugins_free(plugins);
    for (size_t i = 0; i < 4; i++)
        free(paths[i]);
    json_decref(config.plugin_path);
    free(first);
    free(nowhere);
}

static void
none(const char *dir, const char *file)
{
    (void)dir;
    (void)file;
}

static void
file_of_group(const char *dir, const char *file)
{
    (void)dir;
    assert_int_equal(chmod(file, 0775), 0);
}

static void
file_of_all(const char *dir, const char *file)
{
    (void)dir;
    assert_int_equal(chmod(file, 0757), 0);
}

static void
folder_of_group(const char *dir, const char *file)
{
    (void)file;
    assert_int_equal(chmod(dir, 0770), 0);
}

static void
folder_of_all_sticky(const char *dir, const char *file)
{
    (void)file;
    assert_int_equal(chmod(dir, 01777), 0);
}

static void
file_is_link(const char *dir, const char *file)
{
    char *real = alloc_printf("%s/real", dir);

    assert_int_equal(rename(file, real), 0);
    assert_int_equal(symlink(real, file), 0);
    free(real);
}

static void
file_is_folder(const char *dir, const char *file)
{
    (void)dir;
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkdir(file, 0700), 0);
}

static void
file_is_pipe(const char *dir, const char *file)
{
    (void)dir;
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
}

static void
file_of_somebody(const char *dir, const char *file)
{
    (void)dir;
    assert_int_equal(chown(file, 65534, 65534), 0);
}

static void
folder_of_somebody(const char *dir, const char *file)
{
    (void)file;
    assert_int_equal(chown(dir, 65534, 65534), 0);
}

static void
text_in_file(const char *dir, const char *file)
{
    (void)dir;
    write_file(file, "this is no shared object\n", 0644);
}

static void
trusts_only_files_and_folders_that_nobody_else_can_change(void **state)
{
    static const struct {
        const char *plugin;
        void (*harm)(const char *dir, const char *file);
        enum cairn_error_kind kind;
        const char *says; /* beside the file's or folder's name */
        int root;         /* only root can make it so */
    } table[] = {
        { ".libs/probe", file_of_group, CAIRN_ERR_DENIED, "probe.so: others may write to it (mode 0775)", 0 },
        { ".libs/probe", file_of_all, CAIRN_ERR_DENIED, "probe.so: others may write to it (mode 0757)", 0 },
        { ".libs/probe", folder_of_group, CAIRN_ERR_DENIED, "trust plugin folder", 0 },
        { ".libs/probe", folder_of_all_sticky, CAIRN_ERR_DENIED, "(mode 1777)", 0 },
        { ".libs/probe", file_is_link, CAIRN_ERR_DENIED, "probe.so: it is not a regular file but a link", 0 },
        { ".libs/probe", file_is_folder, CAIRN_ERR_DENIED, "probe.so: it is not a regular file", 0 },
        { ".libs/probe", file_is_pipe, CAIRN_ERR_DENIED, "probe.so: it is not a regular file", 0 },
        { ".libs/probe", file_of_somebody, CAIRN_ERR_DENIED, "probe.so: it belongs to user 65534", 1 },
        { ".libs/probe", folder_of_somebody, CAIRN_ERR_DENIED, "it belongs to user 65534", 1 },
        { ".libs/probe", text_in_file, CAIRN_ERR_INVALID, "probe.so", 0 },
        { ".libs/web", none, CAIRN_ERR_INVALID, "it calls itself web", 0 },
        { "bad/.libs/foreign", none, CAIRN_ERR_INVALID, "ABI 2.5", 0 },
        { "bad/.libs/rude", none, CAIRN_ERR_FAILED, "probe.so: its worker was ended by signal 6", 0 },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct cairn_error err = { 0 };
        struct plugins *plugins = NULL;
        char *dir = alloc_printf("%s/%zu", (char *)*state, i);
        void *dir_state = dir;
        char *file;

        if (table[i].root && getuid() != 0) {
            free(dir);
            continue;
        }
        assert_int_equal(mkdir(dir, 0700), 0);
        file = install(&dir_state, table[i].plugin, "probe.so");
        table[i].harm(dir, file);
        if (load(&dir_state, NULL, &plugins, &err) == 0)
            fail_msg("row %zu is trusted", i);
        if (!strstr(err.text, dir))
            fail_msg("\"%s\" does not name the file", err.text);
        assert_error(-1, &err, table[i].kind, table[i].says);
        free(file);
        free(dir);
    }
}

static void
asks_only_once_for_a_file_that_stays_the_same(void **state)
{
    char *db = alloc_printf("%s/state/cairn.db", (char *)*state);
    char *libexec = alloc_str(getenv("CAIRN_LIBEXEC"));
    struct cairn_error err = { 0 };
    struct plugins *plugins = NULL;
    struct store *store = NULL;
    char *path = install(state, ".libs/probe", "probe.so");

    assert_fine(store_open(&store, db, &err), &err);
    assert_fine(load(state, store, &plugins, &err), &err);
    plugins_free(plugins);
    setenv("CAIRN_LIBEXEC", "/nowhere", 1); /* no worker can be asked now */
    assert_fine(load(state, store, &plugins, &err), &err);
    assert_non_null(plugins_action(plugins_find(plugins, "probe"), "create"));
    plugins_free(plugins);
    free(path);
    path = install(state, ".libs/web", "probe.so");
    assert_error(load(state, store, &plugins, &err), &err, CAIRN_ERR_FAILED,
                 "start /nowhere/cairn-worker: No such file");
    setenv("CAIRN_LIBEXEC", libexec, 1);
    store_close(store);
    free(libexec);
    free(path);
    free(db);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_DIR(describes_a_plugin_by_asking_a_worker),
        TEST_IN_DIR(orders_by_name_and_takes_the_first_folder_that_has_one),
        TEST_IN_DIR(trusts_only_files_and_folders_that_nobody_else_can_change),
        TEST_IN_DIR(asks_only_once_for_a_file_that_stays_the_same),
    };

    setenv("CAIRN_LIBEXEC", BUILD_DIR, 1);
    return cmocka_run_group_tests_name("plugins", tests, NULL, NULL);
}
