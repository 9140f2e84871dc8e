/*
 * worker-protocol.c: tests of the messages between engine and worker, with the probe as the plugin.
 * SPDX-License-Identifier: MIT
 */
#include "workerlib.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/frame.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *dir; /* of the probe's ledger, fresh for each test */

static int
fresh_dir(void **state)
{
    static int n;

    (void)state;
    free(dir);
    dir = alloc_printf("%s/world-%d", scratch(), n++);
    return mkdir(dir, 0700);
}

static json_t *
probe_config(void)
{
    return json_pack("{s:s}", "dir", dir);
}

static void
start(struct worker *w, const char *const *variables)
{
    json_t *answer;

    worker_start(w, PROBE, variables);
    answer = worker_configure(w, probe_config(), NULL);
    assert_null(json_object_get(answer, "error"));
    json_decref(answer);
}

static char *
ledger(void)
{
    char *path = alloc_printf("%s/ledger", dir);
    char *text = read_text(path);

    free(path);
    return text;
}

static void
assert_ledger(const char *expected)
{
    char *text = ledger();

    assert_string_equal(text, expected);
    free(text);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static void
bad_calls_are_invalid_and_say_why(void **state)
{
    static const struct {
        const char *mode, *action, *args, *text;
    } table[] = {
        { "run", "nothing", "{}", "probe.nothing: plugin probe has no such action" },
        { "run", "create", "[]", "probe.create: its arguments must be a map" },
        { "run", "create", "{}", "probe.create: name is missing: what is acted on" },
        { "run", "create", "{\"name\":null}", "probe.create: name is missing: what is acted on" },
        { "run", "create", "{\"name\":5}", "probe.create: name must be of type string" },
        { "run", "create", "{\"name\":\"a\",\"nme\":1}", "probe.create: it has no parameter nme" },
        { "run", "create", "{\"name\":\"a\\u0000b\"}", "probe.create: a string with a NUL character inside" },
        { "run", "say", "{\"text\":\"a\",\"fail\":0}", "probe.say: fail must be of type boolean" },
        { "walk", "create", "{\"name\":\"a\"}", "probe.create: a call has no mode walk" },
        { "observe", "trigger", "{\"name\":\"a\"}", "probe.trigger: it has no observe function" },
        { "plan", "create", "{\"name\":\"a\"}", "probe.create: it has no plan function" },
    };
    struct worker w;

    (void)state;
    start(&w, NULL);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        json_t *args = json_loads(table[i].args, JSON_ALLOW_NUL, NULL);
        json_t *reply = worker_call(&w, table[i].mode, table[i].action, args);

        assert_string_equal(error_text(reply), table[i].text);
        assert_string_equal(outcome(reply), "invalid");
    }
    assert_int_equal(worker_end(&w), 0);
    assert_ledger("");
}

static void
null_for_an_optional_parameter_leaves_it_out_and_defaults_are_filled_in(void **state)
{
    struct worker w;

    (void)state;
    start(&w, NULL);
    assert_string_equal(outcome(worker_call(&w, "run", "create", json_pack("{s:s,s:n}", "name", "a", "trouble"))),
                        "ok");
    assert_string_equal(outcome(worker_call(&w, "run", "say", json_pack("{s:s,s:n}", "text", "hi", "fail"))), "ok");
    worker_end(&w);
}

static void
a_call_before_configure_is_invalid(void **state)
{
    struct worker w;

    (void)state;
    worker_start(&w, PROBE, NULL);
    json_decref(worker_receive(&w));
    assert_string_equal(outcome(worker_call(&w, "run", "create", json_pack("{s:s}", "name", "a"))), "invalid");
    worker_end(&w);
    assert_ledger("");
}

static void
values_keep_their_types_and_order(void **state)
{
    static const char text[] = "{\"value\":{\"z\":1,\"a\":1.0,\"n\":null,\"t\":true,\"l\":[],\"m\":{},"
                               "\"big\":9007199254740993,\"u\":\"\xc3\xa9\xf0\x9f\x98\x80\"}}";
    struct worker w;
    json_t *reply;
    char *got;

    (void)state;
    start(&w, NULL);
    reply = worker_call(&w, "run", "echo", json_loads(text, 0, NULL));
    got = json_dumps(json_object_get(reply, "value"), JSON_COMPACT);
    assert_string_equal(got, text);
    free(got);
    json_decref(reply);
    worker_end(&w);
}

static void
observe_tells_absent_done_conflict_and_unknown(void **state)
{
    struct worker w;
    json_t *call;
    json_t *reply;

    (void)state;
    start(&w, NULL);
    assert_string_equal(outcome(worker_call(&w, "observe", "create", json_pack("{s:s}", "name", "a"))), "absent");
    assert_string_equal(
        outcome(worker_call(&w, "run", "create", json_pack("{s:s,s:s}", "name", "a", "trouble", "doubt-after"))),
        "in_doubt");
    assert_string_equal(outcome(worker_call(&w, "observe", "create", json_pack("{s:s}", "name", "a"))), "done");
    call = worker_call_json("observe", "create", json_pack("{s:s}", "name", "a"));
    json_object_set_new(call, "token", json_string("ffffffffffffffffffffffffffffffff"));
    worker_send(&w, call);
    reply = worker_receive(&w);
    assert_string_equal(error_text(reply), "create a: somebody else did it (" TOKEN ")");
    assert_string_equal(outcome(reply), "conflict");
    reply = worker_call(&w, "observe", "evident", json_pack("{s:s}", "name", "a"));
    assert_string_equal(error_text(reply), "evident a: the ledger shows nothing of it");
    assert_string_equal(outcome(reply), "unknown");
    worker_end(&w);
    assert_ledger("create a " TOKEN " 1\n");
}

static void
a_reply_longer_than_a_frame_is_an_internal_error_and_the_worker_goes_on(void **state)
{
    struct worker w;

    (void)state;
    start(&w, NULL);
    assert_string_equal(
        outcome(worker_call(&w, "run", "trigger", json_pack("{s:s,s:s}", "name", "a", "trouble", "big"))), "internal");
    assert_string_equal(outcome(worker_call(&w, "run", "trigger", json_pack("{s:s}", "name", "b"))), "ok");
    worker_end(&w);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void
end_of_file_ends_the_worker_with_status_0(void **state)
{
    struct worker w;

    (void)state;
    start(&w, NULL);
    assert_int_equal(worker_end(&w), 0);
}

static void
an_unknown_message_ends_the_worker_with_status_1(void **state)
{
    struct worker w;

    (void)state;
    start(&w, NULL);
    worker_send(&w, json_pack("{s:s}", "op", "dance"));
    assert_null(worker_receive(&w));
    assert_int_equal(WEXITSTATUS(worker_end(&w)), 1);
}

static void
a_cancel_after_the_reply_is_nothing(void **state)
{
    struct worker w;

    (void)state;
    start(&w, NULL);
    worker_send(&w, json_pack("{s:s}", "op", "cancel"));
    assert_string_equal(
        outcome(worker_call(&w, "run", "create", json_pack("{s:s,s:s}", "name", "a", "trouble", "slow:1"))), "ok");
    worker_end(&w);
    assert_ledger("create a " TOKEN " 1\n");
}

/* In one write, so that the worker finds all of them at once. */
static void
send_together(struct worker *w, json_t *a, json_t *b, json_t *c)
{
    json_t *all[] = { a, b, c };
    struct frame_buffer bytes = { 0 };
    struct cairn_error err = { 0 };

    for (size_t i = 0; i < 3; i++) {
        char *frame;
        size_t len;

        assert_int_equal(frame_pack(all[i], &frame, &len, &err), 0);
        frame_feed(&bytes, frame, len);
        free(frame);
        json_decref(all[i]);
    }
    assert_int_equal(write(w->fd, bytes.bytes, bytes.len), (ssize_t)bytes.len);
    frame_release(&bytes);
}

static void
a_cancel_ends_a_sleep_and_what_came_with_it_is_not_lost(void **state)
{
    int64_t begun = clock_wall();
    struct worker w;
    json_t *reply;

    (void)state;
    start(&w, NULL);
    send_together(&w, worker_call_json("run", "create", json_pack("{s:s,s:s}", "name", "a", "trouble", "slow:3600000")),
                  json_pack("{s:s}", "op", "cancel"),
                  worker_call_json("run", "create", json_pack("{s:s}", "name", "b")));
    reply = worker_receive(&w);
    assert_string_equal(outcome(reply), "ok");
    reply = worker_receive(&w);
    assert_string_equal(outcome(reply), "ok");
    worker_end(&w);
    assert_true(clock_wall() - begun < 60000);
    assert_ledger("create a " TOKEN " 1\ncreate b " TOKEN " 1\n");
}

static void
a_sleep_is_on_the_clock_of_the_run(void **state)
{
    static const char *const fast[] = { "CAIRN_CLOCK=0:0:100000", NULL };
    int64_t begun = clock_wall();
    struct worker w;

    (void)state;
    start(&w, fast);
    assert_string_equal(
        outcome(worker_call(&w, "run", "create", json_pack("{s:s,s:s}", "name", "a", "trouble", "slow:3600000"))),
        "ok");
    worker_end(&w);
    assert_true(clock_wall() - begun < 20000);
}

static void
crash_points_kill_where_they_say(void **state)
{
    static const struct {
        const char *at;
        int effect, replied;
    } table[] = {
        { "CAIRN_CRASH_AT=worker.called", 0, 0 },
        { "CAIRN_CRASH_AT=worker.replying", 1, 0 },
        { "CAIRN_CRASH_AT=worker.replied", 1, 1 },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *const variables[] = { table[i].at, NULL };
        struct worker w;
        json_t *reply;

        fresh_dir(state);
        start(&w, variables);
        reply = worker_call(&w, "run", "create", json_pack("{s:s}", "name", "a"));
        assert_int_equal(reply != NULL, table[i].replied);
        json_decref(reply);
        assert_int_equal(WTERMSIG(worker_wait(&w)), SIGKILL);
        assert_ledger(table[i].effect ? "create a " TOKEN " 1\n" : "");
    }
}

static void
a_worker_leaves_no_core(void **state)
{
    struct worker w;
    char *path;
    char limits[4096] = "";
    FILE *f;

    (void)state;
    start(&w, NULL);
    path = alloc_printf("/proc/%d/limits", (int)w.pid);
    f = fopen(path, "re");
    assert_non_null(f);
    assert_true(fread(limits, 1, sizeof(limits) - 1, f) > 0);
    fclose(f);
    assert_non_null(strstr(limits, "Max core file size        0                    0"));
    free(path);
    worker_end(&w);
}

/* The kernel gives the files of a process that isn't dumpable to root. When root tests, the worker must be somebody
 * else's. */
static void
others_of_the_same_user_can_not_read_the_memory_of_a_worker(void **state)
{
    uid_t nobody = geteuid() ? geteuid() : 65534;
    char *program = copy_program(BUILD_DIR "/cairn-worker", "cairn-worker");
    char *plugin = copy_program(PROBE, "probe.so");
    struct worker w;
    struct stat st;
    char *path;

    (void)state;
    worker_uid = geteuid() ? 0 : nobody;
    worker_start(&w, plugin, NULL);
    worker_uid = 0;
    json_decref(worker_configure(&w, probe_config(), NULL));
    path = alloc_printf("/proc/%d/mem", (int)w.pid);
    assert_int_equal(stat(path, &st), 0);
#if !SANITIZED
    assert_int_equal(st.st_uid, 0);
#endif
    assert_int_equal(worker_end(&w), 0);
    free(path);
    free(plugin);
    free(program);
}

static void
the_terminal_can_not_interrupt_a_worker(void **state)
{
    struct worker w;

    (void)state;
    start(&w, NULL);
    kill(w.pid, SIGINT);
    kill(w.pid, SIGHUP);
    assert_string_equal(outcome(worker_call(&w, "run", "create", json_pack("{s:s}", "name", "a"))), "ok");
    assert_int_equal(worker_end(&w), 0);
}

/* ---- configuration ----------------------------------------------------------------------------------------------- */

static void
a_bad_section_is_refused(void **state)
{
    static const char *const table[][2] = {
        { "{}", "section probe: dir is missing: folder of the ledger" },
        { "{\"dir\":[]}", "section probe: dir must be of type string" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct worker w;
        json_t *answer;

        worker_start(&w, PROBE, NULL);
        answer = worker_configure(&w, json_loads(table[i][0], 0, NULL), NULL);
        assert_string_equal(error_text(answer), table[i][1]);
        json_decref(answer);
        worker_end(&w);
    }
}

static void
keys_of_other_plugins_in_a_shared_section_are_left_alone(void **state)
{
    struct worker w;
    json_t *answer;

    (void)state;
    worker_start(&w, PROBE, NULL);
    answer = worker_configure(&w, json_pack("{s:s,s:i}", "dir", dir, "other", 5), NULL);
    assert_null(json_object_get(answer, "error"));
    json_decref(answer);
    worker_end(&w);
}

static void
the_guard_is_asked_until_it_says_yes_and_nothing_happens_before(void **state)
{
    struct worker w;
    char *path = alloc_printf("%s/world", dir);
    json_t *reply;
    FILE *f;

    (void)state;
    worker_start(&w, PROBE, NULL);
    json_decref(worker_configure(&w, json_pack("{s:s,s:s}", "dir", dir, "world", "staging"), NULL));
    for (int i = 0; i < 2; i++) {
        reply = worker_call(&w, "run", "create", json_pack("{s:s}", "name", "a"));
        assert_string_equal(error_text(reply), "guard world: it is \"\", and the configuration expects \"staging\"");
        assert_string_equal(outcome(reply), "denied");
    }
    assert_ledger("");
    f = fopen(path, "we");
    assert_non_null(f);
    fputs("staging\n", f);
    fclose(f);
    assert_string_equal(outcome(worker_call(&w, "run", "create", json_pack("{s:s}", "name", "a"))), "ok");
    assert_int_equal(unlink(path), 0);
    assert_string_equal(outcome(worker_call(&w, "run", "create", json_pack("{s:s}", "name", "b"))), "ok");
    worker_end(&w);
    free(path);
}

static void
a_plugin_sees_the_variables_that_it_declares_and_no_others(void **state)
{
    static const char *const own[] = { "PROBE_OWN=of-the-process", NULL };
    static const char *const table[][2] = {
        { "PROBE_ONE", "one" }, { "OTHER", NULL }, { "PROBE_OWN", NULL }, { "PROBE_", NULL }, { "HTTPS_PROXY", NULL },
    };
    struct worker w;

    (void)state;
    worker_start(&w, PROBE, own);
    json_decref(worker_configure(&w, probe_config(),
                                 json_pack("{s:s,s:s,s:s}", "PROBE_ONE", "one", "OTHER", "two", "HTTPS_PROXY", "x")));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        json_t *reply = worker_call(&w, "run", "env", json_pack("{s:s}", "name", table[i][0]));
        const char *value = json_string_value(json_object_get(json_object_get(reply, "value"), "value"));

        if (table[i][1])
            assert_string_equal(value, table[i][1]);
        else
            assert_null(value);
        json_decref(reply);
    }
    worker_end(&w);
}

/* ---- secrets ----------------------------------------------------------------------------------------------------- */

static json_t *
secret(const char *text)
{
    return json_pack("{s:s}", "$secret", text);
}

static char *
dump(const json_t *json)
{
    return json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
}

static void
a_secret_arrives_in_clear_and_leaves_as_a_secret(void **state)
{
    struct worker w;
    json_t *reply;
    char *text;

    (void)state;
    worker_start(&w, PROBE, NULL);
    json_decref(worker_configure(&w, json_pack("{s:s,s:o}", "dir", dir, "secret", secret("of the config")), NULL));
    reply = worker_call(&w, "run", "secret", json_object());
    text = dump(json_object_get(reply, "value"));
    assert_string_equal(text, "{\"value\":{\"$secret\":\"of the config\"}}");
    free(text);
    json_decref(reply);
    reply = worker_call(&w, "run", "say", json_pack("{s:o}", "text", secret("twelve bytes")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(reply, "value"), "length")), 12);
    json_decref(reply);
    worker_end(&w);
}

static void
a_secret_that_a_plugin_gives_back_as_text_is_sealed_with_all_around_it(void **state)
{
    struct worker w;
    json_t *reply;
    char *text;

    (void)state;
    start(&w, NULL);
    reply = worker_call(&w, "run", "echo", json_pack("{s:{s:o,s:[s,s]}}", "value", "a", secret("correct horse"), "b",
                                                     "postgres://app:correct horse@db", "plain"));
    text = dump(json_object_get(reply, "value"));
    assert_string_equal(text, "{\"value\":{\"a\":{\"$secret\":\"correct horse\"},"
                              "\"b\":[{\"$secret\":\"postgres://app:correct horse@db\"},\"plain\"]}}");
    free(text);
    json_decref(reply);
    reply = worker_call(&w, "run", "echo", json_pack("{s:s}", "value", "correct horse"));
    text = dump(json_object_get(reply, "value"));
    assert_string_equal(text, "{\"value\":\"correct horse\"}"); /* a later call that wasn't given the secret */
    free(text);
    json_decref(reply);
    worker_end(&w);
}

/* Say `text` and fail with it; no part of it that people see may hold `never`. */
static void
assert_said(struct worker *w, json_t *text, const char *never, const char *said)
{
    json_t *reply = worker_call(w, "run", "say", json_pack("{s:o,s:b}", "text", text, "fail", 1));
    char *all;

    assert_int_equal(json_array_size(w->said), 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(w->said, i), "text")), said);
    all = dump(reply);
    assert_null(strstr(all, never));
    assert_non_null(strstr(all, said));
    free(all);
    json_decref(reply);
}

static void
secrets_are_masked_in_log_progress_and_errors(void **state)
{
    struct worker w;

    (void)state;
    worker_start(&w, PROBE, NULL);
    json_decref(worker_configure(&w, json_pack("{s:s,s:o}", "dir", dir, "secret", secret("hush-hush")),
                                 json_pack("{s:s,s:s}", "AWS_SECRET_ACCESS_KEY", "key-of-the-user", "https_proxy",
                                           "http://me:proxy-word@proxy")));
    assert_said(&w, json_string("it is hush-hush, hush-hush"), "hush-hush", "it is ***, ***");
    assert_said(&w, json_string("base64 aHVzaC1odXNo"), "aHVzaC1odXNo", "base64 ***");
    assert_said(&w, json_string("with key-of-the-user"), "key-of-the-user", "with ***");
    assert_said(&w, json_string("by proxy-word"), "proxy-word", "by ***");
    assert_said(&w, secret("a&b=c&d"), "a&b=c&d", "***");
    assert_said(&w, json_string("sent a%26b%3Dc%26d of a call before"), "a%26b", "sent *** of a call before");
    assert_said(&w, secret("of-a-file\n"), "of-a-file", "*** ");
    assert_said(&w, json_string("as of-a-file"), "of-a-file", "as ***");
    assert_said(&w, secret("two\nlines"), "lines", "***");
    assert_said(&w, json_string("{two\\nlines}"), "lines", "{***}");
    assert_said(&w, json_string("line one\nline two"), "\\n", "line one line two");
    worker_end(&w);
}

static void
a_secret_that_was_cut_off_in_an_error_is_masked_too(void **state)
{
    char text[1200];
    struct worker w;
    json_t *reply;

    (void)state;
    memset(text, '.', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    memcpy(text + 915, "correct-horse-battery-staple", 28);
    start(&w, NULL);
    json_decref(worker_call(&w, "run", "say", json_pack("{s:o}", "text", secret("correct-horse-battery-staple"))));
    reply = worker_call(&w, "run", "say", json_pack("{s:s,s:b}", "text", text, "fail", 1));
    assert_non_null(strstr(error_text(reply), "say ..."));
    assert_null(strstr(error_text(reply), "cor"));
    json_decref(reply);
    worker_end(&w);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, fresh_dir)
    const struct CMUnitTest tests[] = {
        T(bad_calls_are_invalid_and_say_why),
        T(null_for_an_optional_parameter_leaves_it_out_and_defaults_are_filled_in),
        T(a_call_before_configure_is_invalid),
        T(values_keep_their_types_and_order),
        T(observe_tells_absent_done_conflict_and_unknown),
        T(a_reply_longer_than_a_frame_is_an_internal_error_and_the_worker_goes_on),
        T(end_of_file_ends_the_worker_with_status_0),
        T(an_unknown_message_ends_the_worker_with_status_1),
        T(a_cancel_after_the_reply_is_nothing),
        T(a_cancel_ends_a_sleep_and_what_came_with_it_is_not_lost),
        T(a_sleep_is_on_the_clock_of_the_run),
        T(crash_points_kill_where_they_say),
        T(a_worker_leaves_no_core),
        T(others_of_the_same_user_can_not_read_the_memory_of_a_worker),
        T(the_terminal_can_not_interrupt_a_worker),
        T(a_bad_section_is_refused),
        T(keys_of_other_plugins_in_a_shared_section_are_left_alone),
        T(the_guard_is_asked_until_it_says_yes_and_nothing_happens_before),
        T(a_plugin_sees_the_variables_that_it_declares_and_no_others),
        T(a_secret_arrives_in_clear_and_leaves_as_a_secret),
        T(a_secret_that_a_plugin_gives_back_as_text_is_sealed_with_all_around_it),
        T(secrets_are_masked_in_log_progress_and_errors),
        T(a_secret_that_was_cut_off_in_an_error_is_masked_too),
    };

    return cmocka_run_group_tests_name("worker: messages", tests, NULL, NULL);
}
