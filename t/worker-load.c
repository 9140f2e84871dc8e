/*
 * worker-load.c: tests of what a worker loads and what it refuses: trust, ABI, tables, symbols, the example.
 * SPDX-License-Identifier: MIT
 */
#include "workerlib.h"

#include "common/alloc.h"

#include <ctype.h>
#include <glob.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ABI SOURCE_DIR "/t/abi/"
#define INCLUDE "-I" SOURCE_DIR "/include"

/* The worker's first message for this file: NULL if it is hello, else the text of the error. Freed with free(). */
static char *
refusal(const char *path, char kind[32])
{
    struct worker w;
    json_t *first;
    char *text = NULL;

    worker_start(&w, path, NULL);
    first = worker_receive(&w);
    if (strcmp(json_string_value(json_object_get(first, "op")), "hello") != 0) {
        assert_string_equal(json_string_value(json_object_get(first, "op")), "refused");
        text = alloc_str(error_text(first));
        snprintf(kind, 32, "%s", json_string_value(json_object_get(json_object_get(first, "error"), "kind")));
        assert_null(worker_receive(&w));
        assert_int_equal(WEXITSTATUS(worker_wait(&w)), 1);
    } else {
        worker_end(&w);
    }
    json_decref(first);
    return text;
}

static void
assert_loads(const char *path)
{
    char kind[32] = "";
    char *text = refusal(path, kind);

    if (text)
        fail_msg("%s", text);
}

/* It is refused with `expected` behind "load PATH: ". */
static void
assert_refused(const char *path, const char *expected_kind, const char *expected)
{
    char kind[32] = "";
    char *text = refusal(path, kind);
    char *prefix = alloc_printf("load %s: ", path);

    if (!text)
        fail_msg("%s was loaded; expected: %s", path, expected);
    assert_int_equal(strncmp(text, prefix, strlen(prefix)), 0);
    if (strncmp(text + strlen(prefix), expected, strlen(expected)) != 0)
        fail_msg("got: %s\nexpected: %s", text + strlen(prefix), expected);
    assert_string_equal(kind, expected_kind);
    free(prefix);
    free(text);
}

/* ---- trust ------------------------------------------------------------------------------------------------------- */

static void
only_regular_files_that_nobody_else_can_write_are_loaded(void **state)
{
    char *so = build_plugin(ABI "plugin-1.0.c", "old.so", NULL);
    char *folder = scratch_file("links");
    char *link = scratch_file("links/old.so");
    char *fifo = scratch_file("fifo.so");

    (void)state;
    assert_loads(so);
    chmod(so, 0775);
    assert_refused(so, "denied", "others can write to it (mode 0775); run chmod go-w on it");
    chmod(so, 0757);
    assert_refused(so, "denied", "others can write to it (mode 0757); run chmod go-w on it");
    chmod(so, 0400);
    assert_loads(so);
    mkdir(folder, 0700);
    assert_int_equal(symlink(so, link), 0);
    assert_refused(link, "denied", "it is a symbolic link; name the file itself");
    assert_refused(folder, "denied", "not a regular file");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_refused(fifo, "denied", "not a regular file");
    assert_refused("/nowhere/old.so", "not_found", "No such file or directory");
    if (geteuid() == 0) {
        assert_int_equal(chown(so, 12345, 12345), 0);
        assert_refused(so, "denied", "it belongs to user 12345, and only root's and your own plugins are loaded");
    } else {
        print_message("# the owner can't be changed by this user: owners are tested when root runs this\n");
    }
    free(so);
    free(folder);
    free(link);
    free(fifo);
}

static void
a_file_that_is_no_plugin_is_refused(void **state)
{
    char *text = scratch_file("text.so");
    char *other = build_plugin(ABI "plugin-unsound.c", "unsound.so", INCLUDE, "-DWITHOUT_TABLE", NULL);
    FILE *f = fopen(text, "we");

    (void)state;
    assert_non_null(f);
    fputs("this is not a shared object\n", f);
    fclose(f);
    chmod(text, 0600);
    assert_refused(text, "invalid", "it is not a shared object");
    assert_refused(other, "invalid", "it exports no cairn_plugin; a plugin ends with CAIRN_PLUGIN(...)");
    free(other);
    other = build_plugin(ABI "plugin-unsound.c", "unsound.so", INCLUDE, "-DFUNCTION", NULL);
    assert_refused(other, "invalid", "its cairn_plugin isn't a table");
    free(other);
    other = build_plugin(ABI "plugin-unsound.c", "unsound.so", INCLUDE, "-Dcairn_fail=cairn_of_tomorrow",
                         "-DACTION=.run = nothing", "-Wno-error", "-Wno-all",
                         "-DPARAM={ (const char *)cairn_fail, CAIRN_STR, 0, 0, 0 }", NULL);
    assert_refused(other, "invalid", "undefined symbol: cairn_of_tomorrow");
    free(other);
    free(text);
}

/* ---- ABI --------------------------------------------------------------------------------------------------------- */

static void
a_plugin_of_abi_1_0_loads_and_works(void **state)
{
    char *so = build_plugin(ABI "plugin-1.0.c", "old.so", NULL);
    struct worker w;
    json_t *reply;
    char *text;

    (void)state;
    worker_start(&w, so, NULL);
    json_decref(worker_configure(&w, NULL, NULL));
    reply = worker_call(&w, "run", "greet", json_pack("{s:s}", "name", "world"));
    text = json_dumps(json_object_get(reply, "value"), JSON_COMPACT);
    assert_string_equal(text, "{\"text\":\"hello world\",\"count\":3}");
    free(text);
    json_decref(reply);
    assert_string_equal(outcome(worker_call(&w, "run", "knock", json_object())), "unavailable");
    reply = worker_call(&w, "observe", "knock", json_object());
    assert_string_equal(error_text(reply), "knock: somebody else's");
    assert_string_equal(outcome(reply), "conflict");
    worker_end(&w);
    free(so);
}

static void
a_plugin_of_a_later_minor_version_is_read_with_its_own_strides(void **state)
{
    char *so = build_plugin(ABI "plugin-newer.c", "newer.so", INCLUDE, NULL);
    static const char *const names[] = { "add", "again" };
    struct worker w;

    (void)state;
    worker_start(&w, so, NULL);
    json_decref(worker_configure(&w, NULL, NULL));
    for (size_t i = 0; i < 2; i++) {
        json_t *reply = worker_call(&w, "run", names[i], json_pack("{s:i}", "a", 2));

        assert_int_equal(json_integer_value(json_object_get(json_object_get(reply, "value"), "sum")), 42);
        json_decref(reply);
    }
    worker_end(&w);
    free(so);
}

static void
a_foreign_major_version_is_refused_with_both_numbers(void **state)
{
    char *so = build_plugin(ABI "plugin-1.0.c", "old.so", "-DMAJOR=2", "-DMINOR=3", NULL);

    (void)state;
    assert_refused(so, "invalid", "it was built for plugin ABI 2.3, and this cairn has 1.0; build it again");
    free(so);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static void
a_table_that_lacks_what_its_classes_need_is_refused(void **state)
{
    static const struct {
        const char *option, *text;
    } table[] = {
        { "-DACTION=.effect = CAIRN_CREATE, .run = nothing",
          "action act needs an observe function, because its class is create" },
        { "-DACTION=.effect = CAIRN_GUARDED, .run = nothing",
          "action act needs an observe function, because its class is guarded" },
        { "-DACTION=.effect = CAIRN_READ", "action act has no run function" },
        { "-DACTION=.run = nothing", "action act has no effect class" },
        { "-DACTION=.run = nothing, .effect = 6", "action act has no effect class" },
        { "-DACTION=.effect = CAIRN_SET, .run = nothing, .flags = CAIRN_DESTRUCTIVE",
          "action act is destructive and names no target" },
        { "-DACTION=.effect = CAIRN_SET, .run = nothing, .target = \"nme\"",
          "action act: its target nme is not one of its parameters" },
        { "-DACTION=.effect = CAIRN_SET, .run = nothing, .target = \"count\"",
          "action act: its target count is not a string" },
        { "-DACTION=.effect = CAIRN_READ, .run = nothing, .flags = CAIRN_DESTRUCTIVE, .target = \"name\"",
          "action act reads, and can't be destructive or irreversible" },
        { "-DACTION=.effect = CAIRN_SET, .run = nothing, .flags = 64", "action act has unknown flags" },
        { "-DACTION_NAME=\"last\"", "action last is there twice" },
        { "-DACTION_NAME=\"Act\"", "action Act is not a name of lower case letters, digits and _" },
        { "-DPARAM={ \"count\", CAIRN_STR, 0, \"x\", 0 }", "action act: parameter count is there twice" },
        { "-DPARAM={ \"a-b\", CAIRN_STR, 0, \"x\", 0 }",
          "action act: parameter a-b is not a name of lower case letters, digits and _" },
        { "-DPARAM={ \"a\", CAIRN_STR, 0, 0, 0 }", "action act: parameter a has no help" },
        { "-DPARAM={ \"a\", CAIRN_NULL, 0, \"x\", 0 }", "action act: parameter a has no type" },
        { "-DPARAM={ \"a\", CAIRN_INT, CAIRN_SECRET, \"x\", 0 }",
          "action act: parameter a is secret and not a string" },
        { "-DPARAM={ \"a\", CAIRN_STR, 0, \"x\", \"keep\" }",
          "action act: parameter a has a default that isn't JSON of its type: keep" },
        { "-DPARAM={ \"a\", CAIRN_INT, 0, \"x\", \"1.5\" }",
          "action act: parameter a has a default that isn't JSON of its type: 1.5" },
        { "-DPARAM={ \"a\", CAIRN_INT, CAIRN_REQUIRED, \"x\", \"1\" }",
          "action act: parameter a is required and has a default" },
        { "-DPLUGIN=.name = \"other\"", "it calls itself other, so its file must be other.so" },
        { "-DPLUGIN=.name = \"../x\"", "its name \"../x\" is not one of lower case letters, digits and _" },
        { "-DPLUGIN=.section = \"s\"", "its name \"\" is not one of lower case letters, digits and _" },
        { "-DPLUGIN=.name = \"unsound\", .config = params", "it has configuration and no section with a proper name" },
        { "-DPLUGIN=.name = \"unsound\", .env = \"AWS_* *\"",
          "env names \"*\", which is neither a variable nor a prefix with a *" },
        { "-DPLUGIN=.name = \"unsound\", .env = \"A-B\"",
          "env names \"A-B\", which is neither a variable nor a prefix with a *" },
        { "-DPLUGIN=.name = \"unsound\", .env = \"@names\"",
          "env names \"@names\", and the configuration has no list of that name" },
        { "-DPLUGIN=.name = \"unsound\", .plugin_size = 4000",
          "its tables have sizes that ABI 1.0 doesn't have (4000, " },
        { "-DPLUGIN=.name = \"unsound\", .action_size = 8",
          "its tables have sizes that ABI 1.0 doesn't have (104, 8, " },
        { "-DPLUGIN=.name = \"unsound\", .actions = 0", "it has no actions" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char *so =
            build_plugin(ABI "plugin-unsound.c", "unsound.so", INCLUDE, "-Wno-error", "-w", table[i].option, NULL);

        assert_refused(so, "invalid", table[i].text);
        free(so);
    }
}

static void
the_description_says_what_the_table_says(void **state)
{
    static const char expected[] =
        "{\"name\":\"old\",\"version\":\"1.0\",\"help\":\"A plugin of ABI 1.0.\",\"section\":\"greetings\",\"env\":[\"OLD_*\"],"
        "\"abi\":[1,0],\"guard\":false,\"config\":[{\"name\":\"word\",\"type\":\"string\",\"required\":false,\"secret\":false,"
        "\"help\":\"the greeting\",\"default\":\"hello\"}],\"actions\":[{\"name\":\"greet\",\"help\":\"Say hello: text, count.\","
        "\"effect\":\"read\",\"flags\":[],\"params\":[{\"name\":\"name\",\"type\":\"string\",\"required\":true,\"secret\":false,"
        "\"help\":\"whom to greet\"},{\"name\":\"count\",\"type\":\"integer\",\"required\":false,\"secret\":false,"
        "\"help\":\"how often\",\"default\":3}],\"results\":[],\"observe\":false,\"plan\":false},{\"name\":\"knock\","
        "\"help\":\"Knock.\",\"effect\":\"create\",\"flags\":[\"irreversible\"],\"params\":[],\"results\":[],\"observe\":true,"
        "\"plan\":false}]}";
    char *so = build_plugin(ABI "plugin-1.0.c", "old.so", NULL);
    struct worker w;
    json_t *hello;
    char *text;

    (void)state;
    worker_start(&w, so, NULL);
    hello = worker_receive(&w);
    text = json_dumps(json_object_get(hello, "plugin"), JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
    json_decref(hello);
    worker_end(&w);
    free(so);
}

/* ---- header and symbols ------------------------------------------------------------------------------------------ */

static void
the_header_compiles_as_c99_and_as_c17_plus_plus(void **state)
{
    static const char *const options[] = { "-pedantic-errors", "-Wall", "-Wextra", "-Werror",
                                           "-Wno-missing-field-initializers" };
    static const struct {
        const char *compiler, *standard, *source, *name;
    } table[] = { { "cc", "-std=c99", ABI "header.c", "plain.so" },
                  { "c++", "-std=c++17", ABI "header.cc", "plus.so" } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *so = scratch_file(table[i].name);
        const char *const argv[] = { table[i].compiler,
                                     table[i].standard,
                                     options[0],
                                     options[1],
                                     options[2],
                                     options[3],
                                     options[4],
                                     INCLUDE,
                                     "-shared",
                                     "-fPIC",
                                     "-fvisibility=hidden",
                                     "-o",
                                     so,
                                     table[i].source,
                                     NULL };

        assert_int_equal(run_program(argv, NULL), 0);
        chmod(so, 0755);
        assert_loads(so);
        free(so);
    }
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names, one on a line, sorted; freed with free(). */
static char *
sorted(char **names, size_t count)
{
    char *text = alloc_str("");

    qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 0; i < count; i++) {
        char *longer = alloc_printf("%s%s\n", text, names[i]);

        free(text);
        free(names[i]);
        text = longer;
    }
    return text;
}

/* What `nm -D --defined-only` shows; under sanitizers only our own, since their runtime has thousands of names. */
static char *
exported(const char *object)
{
    char *output = scratch_file("nm.out");
    const char *const argv[] = { "nm", "-D", "--defined-only", object, NULL };
    char *names[1024];
    size_t count = 0;
    char *all, *line, *rest;

    assert_int_equal(run_program(argv, output), 0);
    all = read_text(output);
    for (rest = all; (line = strsep(&rest, "\n"));) {
        const char *name = strrchr(line, ' ');

        if (name && (!SANITIZED || strncmp(name, " cairn_", 7) == 0) && count < 1024)
            names[count++] = alloc_str(name + 1);
    }
    free(all);
    free(output);
    return sorted(names, count);
}

/* The names behind CAIRN_API in the header. */
static char *
declared(void)
{
    char *all = read_text(SOURCE_DIR "/include/cairn/plugin.h");
    char *names[256];
    size_t count = 0;

    for (char *line = all; (line = strstr(line, "\nCAIRN_API ")); line++) {
        char *open = strchr(line, '(');
        char *start = open;

        assert_non_null(open);
        while (isalnum((unsigned char)start[-1]) || start[-1] == '_')
            start--;
        names[count++] = alloc_strn(start, (size_t)(open - start));
    }
    free(all);
    assert_true(count > 40);
    return sorted(names, count);
}

static void
the_worker_exports_what_the_header_declares_and_nothing_else(void **state)
{
    char *is = exported(BUILD_DIR "/cairn-worker");
    char *should = declared();

    (void)state;
    assert_string_equal(is, should);
    free(is);
    free(should);
}

static void
all_plugins_load_and_export_their_table_and_nothing_else(void **state)
{
    glob_t found;

    (void)state;
    assert_int_equal(glob(PROBE, 0, NULL, &found), 0);
    assert_int_equal(glob(BUILD_DIR "/plugins/.libs/*.so", GLOB_APPEND, NULL, &found), 0);
    assert_true(found.gl_pathc > 1);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *is = exported(found.gl_pathv[i]);

        assert_loads(found.gl_pathv[i]);
        assert_string_equal(is, "cairn_plugin\n");
        free(is);
    }
    globfree(&found);
}

/* ---- the example ------------------------------------------------------------------------------------------------- */

static void
the_example_is_built_by_the_documented_command_and_keeps_its_promise(void **state)
{
    char *so = build_plugin(SOURCE_DIR "/examples/plugin/hello.c", "hello.so", INCLUDE, NULL);
    char *note = scratch_file("note");
    json_t *reply;
    struct worker w;

    (void)state;
    worker_start(&w, so, NULL);
    json_decref(worker_configure(&w, NULL, NULL));
#define NOTE json_pack("{s:s}", "path", note)
    assert_string_equal(outcome(worker_call(&w, "run", "read", NOTE)), "not_found");
    assert_string_equal(outcome(worker_call(&w, "observe", "create", NOTE)), "absent");
    assert_string_equal(outcome(worker_call(&w, "run", "create", NOTE)), "ok");
    assert_string_equal(outcome(worker_call(&w, "observe", "create", NOTE)), "done");
    assert_string_equal(outcome(worker_call(&w, "run", "create", NOTE)), "conflict");
    reply = worker_call(&w, "run", "read", NOTE);
    assert_string_equal(json_string_value(json_object_get(json_object_get(reply, "value"), "text")), TOKEN "\nhello\n");
    json_decref(reply);
    {
        FILE *f = fopen(note, "we");

        assert_non_null(f);
        fputs("mine\n", f);
        fclose(f);
    }
    assert_string_equal(outcome(worker_call(&w, "observe", "create", NOTE)), "conflict");
    worker_end(&w);
    free(so);
    free(note);
}

static void
a_plugin_that_crashes_while_it_is_loaded_takes_only_the_worker_along(void **state)
{
    char *source = scratch_file("crash.c");
    FILE *f = fopen(source, "we");
    struct worker w;
    char *so;

    (void)state;
    assert_non_null(f);
    fputs("#include <stdlib.h>\n__attribute__((constructor)) static void start(void) { abort(); }\n", f);
    fclose(f);
    so = build_plugin(source, "crash.so", NULL);
    worker_start(&w, so, NULL);
    assert_null(worker_receive(&w));
    assert_int_equal(WTERMSIG(worker_wait(&w)), SIGABRT);
    free(so);
    free(source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_regular_files_that_nobody_else_can_write_are_loaded),
        cmocka_unit_test(a_file_that_is_no_plugin_is_refused),
        cmocka_unit_test(a_plugin_of_abi_1_0_loads_and_works),
        cmocka_unit_test(a_plugin_of_a_later_minor_version_is_read_with_its_own_strides),
        cmocka_unit_test(a_foreign_major_version_is_refused_with_both_numbers),
        cmocka_unit_test(a_table_that_lacks_what_its_classes_need_is_refused),
        cmocka_unit_test(the_description_says_what_the_table_says),
        cmocka_unit_test(the_header_compiles_as_c99_and_as_c17_plus_plus),
        cmocka_unit_test(the_worker_exports_what_the_header_declares_and_nothing_else),
        cmocka_unit_test(all_plugins_load_and_export_their_table_and_nothing_else),
        cmocka_unit_test(the_example_is_built_by_the_documented_command_and_keeps_its_promise),
        cmocka_unit_test(a_plugin_that_crashes_while_it_is_loaded_takes_only_the_worker_along),
    };

    return cmocka_run_group_tests_name("worker: loading", tests, NULL, NULL);
}
