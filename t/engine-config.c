/*
 * engine-config.c: tests of reading cairn.yaml.
 * SPDX-License-Identifier: MIT
 */
#include "t/engine.h"

#include "common/canon.h"
#include "engine/config.h"

#define PARAMS                                                                                                         \
    "[{\"name\":\"region\",\"type\":\"string\",\"required\":true,\"help\":\"where\"},"                                 \
    "{\"name\":\"account\",\"type\":\"string\"},{\"name\":\"retries\",\"type\":\"integer\",\"default\":3},"            \
    "{\"name\":\"token\",\"type\":\"string\",\"secret\":true},{\"name\":\"doors\",\"type\":\"map\"}]"

/* The file in the test's folder; a new text. */
static char *
write_config(void **state, const char *text)
{
    char *path = alloc_printf("%s/cairn.yaml", (char *)*state);

    write_file(path, text, 0600);
    return path;
}

static struct config *
load(void **state, const char *text)
{
    char *path = write_config(state, text);
    struct cairn_error err = { 0 };
    struct config *config = NULL;

    assert_fine(config_load(&config, path, &err), &err);
    free(path);
    return config;
}

static void
says_what_is_wrong_and_where(void **state)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        { "workers: 4\nwrokers: 5\n", "cairn.yaml:2: wrokers: unknown key, did you mean workers?" },
        { "workers: many\n", "cairn.yaml:1: workers: it must be a number from 1 to 64" },
        { "workers: 0\n", "from 1 to 64" },
        { "heartbeat: -1\n", "cairn.yaml:1: heartbeat: it must be a number of seconds" },
        { "\n\nenvironment: ../../etc\n", "cairn.yaml:3: environment: it must be a name" },
        { "environment: 7\n", "cairn.yaml:1: environment: it must be a name" },
        { "state: []\n", "cairn.yaml:1: state: it must be a folder" },
        { "plugin_path: here\n", "cairn.yaml:1: plugin_path: it must be a list of folders" },
        { "plugin_path:\n  - .\n  - nowhere\n", "cairn.yaml:3: plugin_path.1: there is no folder /" },
        { "lua_path: [7]\n", "cairn.yaml:1: lua_path.0: it must be a folder" },
        { "secrets: 7\n", "cairn.yaml:1: secrets: it must be a map" },
        { "secrets:\n  db: hunter2\n", "cairn.yaml:2: secrets.db: it must be one of {env: VARIABLE}" },
        { "secrets:\n  db: {evn: X}\n", "secrets.db: unknown source evn" },
        { "secrets:\n  db: {env: X, file: y}\n", "secrets.db: it must be one of" },
        { "secrets:\n  db: {value: 1234}\n",
          "secrets.db: its value must be a string that is not empty; put it in quotes" },
        { "secrets: {db: {value: x}}\naws:\n  token: {secret: bd}\n",
          "cairn.yaml:3: aws.token: secret bd is not among `secrets`; did you mean db?" },
        { "- a\n- b\n", "cairn.yaml:1: it must be a map of keys" },
        { "aws:\n  region: [a\nb: 1\n", "cairn.yaml:3" },
        { "aws:\n\tregion: a\n", "cairn.yaml:2" },
        { "aws: {region: a}\naws: {region: b}\n", "cairn.yaml:2:1: a second key aws" },
        { "a: &x 1\nb: *x\n", "anchors, aliases and tags are not supported" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char *path = write_config(state, table[i].text);
        struct cairn_error err = { 0 };
        struct config *config = NULL;

        assert_error(config_load(&config, path, &err), &err, CAIRN_ERR_INVALID, table[i].says);
        free(path);
    }
}

static void
names_a_file_that_is_missing_or_unreadable(void **state)
{
    char *missing = alloc_printf("%s/missing.yaml", (char *)*state);
    struct cairn_error err = { 0 };
    struct config *config = NULL;

    assert_error(config_load(&config, missing, &err), &err, CAIRN_ERR_INVALID, "missing.yaml: No such file");
    assert_error(config_load(&config, *state, &err), &err, CAIRN_ERR_INVALID, "not a regular file");
    setenv("CAIRN_CONFIG", missing, 1);
    assert_error(config_load(&config, NULL, &err), &err, CAIRN_ERR_INVALID, "named by CAIRN_CONFIG");
    unsetenv("CAIRN_CONFIG");
    free(missing);
}

static void
has_defaults_for_everything(void **state)
{
    struct cairn_error err = { 0 };
    struct config *config = NULL;
    char *state_dir = alloc_printf("%s/cairn/default", (char *)*state);
    char *old = getcwd(NULL, 0);

    assert_int_equal(chdir(*state), 0);
    setenv("XDG_STATE_HOME", *state, 1);
    assert_fine(config_load(&config, NULL, &err), &err);
    assert_null(config->path);
    assert_string_equal(config->environment, "default");
    assert_string_equal(config->state, state_dir);
    assert_int_equal(config->workers, 4);
    assert_int_equal(config->heartbeat, 60000);
    assert_int_equal(json_array_size(config->plugin_path), 1);
    config_free(config);
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", *state, 1);
    assert_fine(config_load(&config, NULL, &err), &err);
    assert_non_null(strstr(config->state, "/.local/state/cairn/default"));
    config_free(config);
    assert_int_equal(chdir(old), 0);
    free(old);
    free(state_dir);
}

static void
takes_what_the_file_says(void **state)
{
    struct config *config = load(state, "environment: production\nstate: var/state\nworkers: 2\nheartbeat: 0.5\n"
                                        "plugin_path: [.]\naws:\n  region: eu-west-1\nkubernetes:\n");
    char *state_dir = alloc_printf("%s/var/state", (char *)*state);

    assert_string_equal(config->environment, "production");
    assert_string_equal(config->state, state_dir);
    assert_int_equal(config->workers, 2);
    assert_int_equal(config->heartbeat, 500);
    assert_int_equal(json_object_size(config->sections), 2);
    assert_int_equal(json_object_size(json_object_get(config->sections, "kubernetes")), 0);
    free(state_dir);
    config_free(config);
    config = load(state, "# nothing yet\n");
    assert_string_equal(config->environment, "default");
    config_free(config);
}

static void
takes_folders_of_the_environment_if_they_are_absolute(void **state)
{
    struct cairn_error err = { 0 };
    char *path = write_config(state, "plugin_path: [.]\n");
    struct config *config = NULL;

    setenv("CAIRN_PLUGIN_PATH", "/a::/b", 1);
    assert_fine(config_load(&config, path, &err), &err);
    assert_int_equal(json_array_size(config->plugin_path), 3);
    assert_string_equal(json_string_value(json_array_get(config->plugin_path, 2)), "/b");
    config_free(config);
    setenv("CAIRN_PLUGIN_PATH", "/a:.", 1);
    assert_error(config_load(&config, path, &err), &err, CAIRN_ERR_INVALID,
                 "CAIRN_PLUGIN_PATH: . is not an absolute path");
    unsetenv("CAIRN_PLUGIN_PATH");
    free(path);
}

static void
reads_secrets_from_their_sources(void **state)
{
    struct config *config =
        load(state, "secrets:\n  env: {env: TEST_SECRET}\n  unset: {env: TEST_UNSET}\n  file: {file: pw}\n"
                    "  gone: {file: gone}\n  value: {value: \"12 34\"}\n  empty: {file: none}\n");
    static const struct {
        const char *name, *text, *says;
    } table[] = {
        { "env", "from env", NULL },
        { "file", "from file\n", NULL }, /* one newline is the editor's */
        { "value", "12 34", NULL },
        { "unset", NULL, "secrets.unset: the environment variable TEST_UNSET is not set" },
        { "gone", NULL, "secrets.gone: open /" },
        { "empty", NULL, "secrets.empty: it is empty" },
        { "flie", NULL, "did you mean file?" },
    };
    char *pw = alloc_printf("%s/pw", (char *)*state);
    char *none = alloc_printf("%s/none", (char *)*state);

    write_file(pw, "from file\n\n", 0600);
    write_file(none, "\n", 0600);
    setenv("TEST_SECRET", "from env", 1);
    unsetenv("TEST_UNSET");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct cairn_error err = { 0 };
        char *text = NULL;
        int rc = config_secret(config, table[i].name, &text, &err);

        if (table[i].says) {
            assert_error(rc, &err, CAIRN_ERR_INVALID, table[i].says);
            continue;
        }
        assert_fine(rc, &err);
        assert_string_equal(text, table[i].text);
        config_wipe(text);
    }
    config_free(config);
    free(pw);
    free(none);
}

static void
gives_a_plugin_its_section(void **state)
{
    static const struct {
        const char *text, *result, *says;
    } table[] = {
        { "aws: {region: r, other: 1}\n", "{\"region\":\"r\",\"retries\":3}", NULL },
        { "aws: {region: r, retries: 5, token: plain}\n",
          "{\"region\":\"r\",\"retries\":5,\"token\":{\"$secret\":\"plain\"}}", NULL },
        { "secrets: {t: {value: sealed}}\naws: {region: {secret: t}, token: {secret: t}}\n",
          "{\"region\":{\"$secret\":\"sealed\"},\"retries\":3,\"token\":{\"$secret\":\"sealed\"}}", NULL },
        { "secrets: {t: {value: sealed}}\naws: {region: r, doors: {a: {user: u, keys: [{secret: t}], password: p}}}\n",
          "{\"doors\":{\"a\":{\"keys\":[{\"$secret\":\"sealed\"}],\"password\":{\"$secret\":\"p\"},\"user\":\"u\"}},"
          "\"region\":\"r\",\"retries\":3}",
          NULL },
        { "aws: {region: r, doors: {a: [{secret: nothing}]}}\n", NULL, "read secret nothing: it is not among" },
        { "\naws:\n  account: \"1\"\n", NULL, "cairn.yaml:2: aws.region: it is missing: where" },
        { "workers: 1\n", NULL, "aws.region: it is missing" },
        { "aws:\n  region: r\n  account: 012345678901\n", NULL,
          "cairn.yaml:3: aws.account: it must be of type string; put it in quotes" },
        { "aws:\n  region: r\n  retries: often\n", NULL, "cairn.yaml:3: aws.retries: it must be of type integer" },
        { "aws:\n  region: null\n", NULL, "cairn.yaml:2: aws.region: it is missing" },
        { "secrets: {t: {env: TEST_UNSET}}\naws: {region: r, token: {secret: t}}\n", NULL, "TEST_UNSET is not set" },
    };
    json_t *params = json_loads(PARAMS, 0, NULL);

    unsetenv("TEST_UNSET");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct config *config = load(state, table[i].text);
        struct cairn_error err = { 0 };
        json_t *out = NULL;
        int rc = config_section(config, "aws", params, &out, &err);

        if (table[i].says) {
            assert_error(rc, &err, CAIRN_ERR_INVALID, table[i].says);
        } else {
            char *text;

            assert_fine(rc, &err);
            text = canon_text(out);
            assert_string_equal(text, table[i].result);
            free(text);
            json_decref(out);
        }
        config_free(config);
    }
    json_decref(params);
}

static void
knows_the_keys_of_all_plugins_together(void **state)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        { "aws: {region: r, zone: z}\nworkers: 1\n", NULL },
        { "\naws:\n  regoin: r\n", "cairn.yaml:3: aws.regoin: unknown key, did you mean region?" },
        { "asw:\n  region: r\n",
          "cairn.yaml:1: asw: unknown key, and no plugin has a section of that name; did you mean aws?" },
        { "secret:\n  a: {value: x}\n", "did you mean secrets?" },
    };
    json_t *params = json_loads(PARAMS, 0, NULL);
    json_t *descriptions =
        json_pack("[{s:s, s:s, s:O}, {s:s, s:s, s:[{s:s}]}, {s:s}]", "name", "rds", "section", "aws", "config", params,
                  "name", "zones", "section", "aws", "config", "name", "zone", "name", "none");

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct config *config = load(state, table[i].text);
        struct cairn_error err = { 0 };
        int rc = config_check(config, descriptions, &err);

        if (table[i].says)
            assert_error(rc, &err, CAIRN_ERR_INVALID, table[i].says);
        else
            assert_fine(rc, &err);
        config_free(config);
    }
    json_decref(descriptions);
    json_decref(params);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_DIR(says_what_is_wrong_and_where),
        TEST_IN_DIR(names_a_file_that_is_missing_or_unreadable),
        TEST_IN_DIR(has_defaults_for_everything),
        TEST_IN_DIR(takes_what_the_file_says),
        TEST_IN_DIR(takes_folders_of_the_environment_if_they_are_absolute),
        TEST_IN_DIR(reads_secrets_from_their_sources),
        TEST_IN_DIR(gives_a_plugin_its_section),
        TEST_IN_DIR(knows_the_keys_of_all_plugins_together),
    };

    unsetenv("CAIRN_CONFIG");
    unsetenv("CAIRN_PLUGIN_PATH");
    unsetenv("CAIRN_LUA_PATH");
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
