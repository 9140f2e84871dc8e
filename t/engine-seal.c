/*
 * engine-seal.c: tests of sealed secrets.
 * SPDX-License-Identifier: MIT
 */
#include "t/engine.h"

#include "common/file.h"
#include "engine/config.h"
#include "engine/seal.h"

#define PLANTED "hunter2-\xc3\xa4-planted"

static struct seal *
open_in(void **state)
{
    struct cairn_error err = { 0 };
    struct seal *seal = NULL;

    assert_fine(seal_open(&seal, *state, &err), &err);
    return seal;
}

/* {"$secret": text} sealed. */
static json_t *
sealed(struct seal *seal, const char *text)
{
    json_t *value = json_pack("{s:s}", "$secret", text);
    struct cairn_error err = { 0 };

    assert_fine(seal_value(seal, &value, &err), &err);
    return value;
}

static void
seals_every_secret_in_a_tree_and_opens_it_again(void **state)
{
    struct seal *seal = open_in(state);
    struct cairn_error err = { 0 };
    json_t *tree = json_pack("{s:i, s:[s, {s:s}, {s:{s:s}}], s:{s:s}, s:{}}", "n", 1, "list", "plain", "$secret",
                             PLANTED, "deep", "$secret", "", "top", "$secret", "x", "empty");
    json_t *before = json_deep_copy(tree);
    json_t *after = NULL;
    char *text;

    assert_fine(seal_value(seal, &tree, &err), &err);
    text = json_dumps(tree, 0);
    assert_null(strstr(text, "hunter2"));
    assert_null(strstr(text, "$secret"));
    assert_non_null(strstr(text, "plain"));
    free(text);
    assert_fine(seal_reveal(seal, NULL, tree, &after, &err), &err);
    assert_true(json_equal(after, before));
    json_decref(tree);
    json_decref(before);
    json_decref(after);
    seal_close(seal);
}

static void
seals_one_text_differently_each_time(void **state)
{
    struct seal *seal = open_in(state);
    json_t *one = sealed(seal, PLANTED);
    json_t *two = sealed(seal, PLANTED);

    assert_false(json_equal(one, two));
    json_decref(one);
    json_decref(two);
    seal_close(seal);
}

static void
notices_every_changed_character(void **state)
{
    struct seal *seal = open_in(state);
    json_t *value = sealed(seal, "some secret");
    const char *text = json_string_value(json_object_get(value, "$sealed"));
    static const char *const rubbish[] = { "",     "A",           "AAAA",
                                           "====", "not base64!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
    struct cairn_error err = { 0 };
    json_t *out = NULL;

    for (size_t i = 0; text[i] && text[i] != '='; i++) {
        char *copy = alloc_str(text);
        json_t *bad;

        copy[i] = copy[i] == 'A' ? 'Q' : 'A';
        bad = json_pack("{s:s}", "$sealed", copy);
        assert_error(seal_reveal(seal, NULL, bad, &out, &err), &err, CAIRN_ERR_DENIED,
                     "it was changed, or was not sealed under the key");
        json_decref(bad);
        free(copy);
    }
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
        json_t *bad = json_pack("{s:s}", "$sealed", rubbish[i]);

        assert_error(seal_reveal(seal, NULL, bad, &out, &err), &err, CAIRN_ERR_DENIED, "it was changed");
        json_decref(bad);
    }
    json_decref(value);
    seal_close(seal);
}

static void
refuses_a_secret_with_neighbours(void **state)
{
    struct seal *seal = open_in(state);
    struct cairn_error err = { 0 };
    json_t *value = json_pack("[{s:s, s:i}]", "$secret", PLANTED, "note", 1);

    assert_error(seal_value(seal, &value, &err), &err, CAIRN_ERR_INVALID, "$secret has neighbours");
    json_decref(value);
    seal_close(seal);
}

static void
keeps_its_key_in_a_file_that_only_its_owner_reads(void **state)
{
    char *path = alloc_printf("%s/seal.key", (char *)*state);
    mode_t mask = umask(0);
    struct seal *seal = open_in(state);
    json_t *value = sealed(seal, PLANTED);
    struct cairn_error err = { 0 };
    json_t *out = NULL;
    struct stat st;

    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 32);
    seal_close(seal);
    seal = open_in(state); /* the same key */
    assert_fine(seal_reveal(seal, NULL, value, &out, &err), &err);
    assert_string_equal(json_string_value(json_object_get(out, "$secret")), PLANTED);
    json_decref(out);
    seal_close(seal);

    chmod(path, 0640);
    assert_error(seal_open(&seal, *state, &err), &err, CAIRN_ERR_DENIED, "chmod 600");
    write_file(path, "too short", 0600);
    assert_error(seal_open(&seal, *state, &err), &err, CAIRN_ERR_INVALID, "not a key of 32 bytes");
    unlink(path);
    seal = open_in(state); /* another key */
    assert_error(seal_reveal(seal, NULL, value, &out, &err), &err, CAIRN_ERR_DENIED, path);
    seal_close(seal);
    json_decref(value);
    free(path);
}

static void
has_one_key_although_several_processes_make_it(void **state)
{
    int results[2];
    char line[100];
    char first[sizeof(line)] = "";

    assert_int_equal(pipe(results), 0);
    for (int i = 0; i < 6; i++) {
        if (fork() == 0) {
            struct cairn_error err = { 0 };
            char *path = alloc_printf("%s/seal.key", (char *)*state);
            struct seal *seal = NULL;
            char *key = NULL;
            size_t len = 0;

            if (seal_open(&seal, *state, &err) < 0 || file_read(&key, &len, path, 100, &err) < 0 || len != 32)
                _exit(1);
            _exit(write(results[1], key, 32) == 32 ? 0 : 1);
        }
    }
    for (int i = 0; i < 6; i++) {
        int status = -1;

        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
        assert_int_equal(read(results[0], line, 32), 32);
        if (i == 0)
            memcpy(first, line, 32);
        assert_memory_equal(line, first, 32);
    }
}

static void
reveals_what_the_config_names(void **state)
{
    char *path = alloc_printf("%s/cairn.yaml", (char *)*state);
    struct seal *seal = open_in(state);
    struct cairn_error err = { 0 };
    struct config *config = NULL;
    json_t *value = json_pack("[{s:s}]", "$ref", "db");
    json_t *missing = json_pack("{s:s}", "$ref", "bd");
    json_t *out = NULL;

    write_file(path, "secrets:\n  db: {value: " PLANTED "}\n", 0600);
    assert_fine(config_load(&config, path, &err), &err);
    assert_fine(seal_reveal(seal, config, value, &out, &err), &err);
    assert_string_equal(json_string_value(json_object_get(json_array_get(out, 0), "$secret")), PLANTED);
    json_decref(out);
    assert_error(seal_reveal(seal, config, missing, &out, &err), &err, CAIRN_ERR_INVALID, "did you mean db?");
    json_decref(value);
    json_decref(missing);
    config_free(config);
    seal_close(seal);
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_DIR(seals_every_secret_in_a_tree_and_opens_it_again),
        TEST_IN_DIR(seals_one_text_differently_each_time),
        TEST_IN_DIR(notices_every_changed_character),
        TEST_IN_DIR(refuses_a_secret_with_neighbours),
        TEST_IN_DIR(keeps_its_key_in_a_file_that_only_its_owner_reads),
        TEST_IN_DIR(has_one_key_although_several_processes_make_it),
        TEST_IN_DIR(reveals_what_the_config_names),
    };

    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
