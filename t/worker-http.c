/*
 * worker-http.c: tests of the rules that keep one request one effect, against a server that misbehaves.
 * SPDX-License-Identifier: MIT
 */
#include "loopback.h"
#include "workerlib.h"

#include "common/alloc.h"
#include "common/clock.h"

#include <signal.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

static struct loopback server;
static struct worker worker;

static int
set_up(void **state)
{
    (void)state;
    loopback_start(&server);
    worker_start(&worker, WEB, NULL);
    json_decref(worker_configure(&worker, NULL, NULL));
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    worker_end(&worker);
    loopback_end(&server);
    return 0;
}

/* A request by its method, the end of its path, and options: pairs of a key and an owned value, ended by NULL. */
static json_t *
request(const char *method, const char *path, ...)
{
    char *url = strstr(path, "://") ? alloc_str(path) : alloc_printf("http://127.0.0.1:%d/%s", server.port, path);
    json_t *r = json_pack("{s:s,s:s}", "method", method, "url", url);
    const char *key;
    va_list ap;

    if (strcmp(method, "POST") == 0)
        json_object_set_new(r, "body", json_string("body"));
    va_start(ap, path);
    while ((key = va_arg(ap, const char *)))
        json_object_set_new(r, key, va_arg(ap, json_t *));
    va_end(ap);
    free(url);
    return r;
}

static json_t *
list(json_t *a, json_t *b)
{
    return b ? json_pack("{s:[o,o]}", "requests", a, b) : json_pack("{s:[o]}", "requests", a);
}

static json_t *
call(const char *action, json_t *a, json_t *b)
{
    return worker_call(&worker, "run", action, list(a, b));
}

static void
assert_log(const char *expected)
{
    char *log = loopback_log(&server);

    assert_string_equal(log, expected);
    free(log);
}

static const char *
reply_member(const json_t *reply, size_t i, const char *key)
{
    return json_string_value(
        json_object_get(json_array_get(json_object_get(json_object_get(reply, "value"), "replies"), i), key));
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

static void
reads_keep_their_connection(void **state)
{
    (void)state;
    assert_string_equal(outcome(call("read", request("GET", "ok", NULL), request("POST", "ok", NULL))), "ok");
    assert_string_equal(outcome(call("read", request("GET", "ok", NULL), NULL)), "ok");
    assert_log("1 GET /ok\n1 POST /ok\n1 GET /ok\n");
}

static void
each_change_has_a_connection_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(outcome(call("change", request("GET", "ok", NULL), request("POST", "ok", NULL))), "ok");
    assert_string_equal(
        outcome(call("change", request("DELETE", "ok", NULL), request("POST", "ok", "reads", json_true(), NULL))),
        "ok");
    assert_log("1 GET /ok\n2 POST /ok\n3 DELETE /ok\n1 POST /ok\n");
}

static void
a_read_on_a_connection_that_died_is_sent_again_and_a_change_is_not(void **state)
{
    (void)state;
    assert_string_equal(outcome(call("read", request("GET", "ok", NULL), request("POST", "die-once", NULL))), "ok");
    assert_log("1 GET /ok\n1 POST /die-once\n2 POST /die-once\n");
    assert_string_equal(outcome(call("change", request("GET", "ok", NULL), request("POST", "die", NULL))), "in_doubt");
    assert_log("2 GET /ok\n3 POST /die\n");
}

static void
observe_and_plan_of_a_change_only_read(void **state)
{
    static const char *const modes[] = { "observe", "plan" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        json_t *reply = worker_call(&worker, modes[i], "change", list(request("DELETE", "ok", NULL), NULL));

        assert_non_null(strstr(error_text(reply), "only run() of a changing action may change something"));
        assert_string_equal(outcome(reply), "invalid");
    }
    assert_string_equal(outcome(call("read", request("PATCH", "ok", NULL), NULL)), "invalid");
    assert_log("");
    assert_string_equal(outcome(worker_call(&worker, "observe", "change", list(request("POST", "ok", NULL), NULL))),
                        "done");
    assert_string_equal(outcome(worker_call(&worker, "plan", "change", list(request("POST", "ok", NULL), NULL))), "ok");
    assert_log("1 POST /ok\n1 POST /ok\n");
}

/* ---- what a missing reply means ---------------------------------------------------------------------------------- */

static void
what_was_sent_decides_what_a_missing_reply_means(void **state)
{
    static const struct {
        const char *path, *change, *read;
    } table[] = {
        { "ok", "ok", "ok" },
        { "last", "ok", "ok" },
        { "500", "ok", "ok" },
        { "die", "in_doubt", "in_doubt" },
        { "reset", "in_doubt", "in_doubt" },
        { "cut", "in_doubt", "in_doubt" },
        { "cut-chunks", "in_doubt", "in_doubt" },
        { "garbage", "in_doubt", "in_doubt" },
        { "heads", "in_doubt", "in_doubt" },
        { "http://127.0.0.1:1/closed", "unavailable", "unavailable" },
        { "http://no-such-host.invalid/", "unavailable", "unavailable" },
        { "gopher://127.0.0.1/", "invalid", "invalid" },
        { "http://", "invalid", "invalid" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_string_equal(outcome(call("change", request("POST", table[i].path, NULL), NULL)), table[i].change);
        assert_string_equal(outcome(call("read", request("GET", table[i].path, NULL), NULL)), table[i].read);
    }
}

static void
a_change_is_sent_once_whatever_happens_to_its_reply(void **state)
{
    static const char *const paths[] = { "die", "reset", "cut", "cut-chunks", "garbage", "redirect", "500" };
    char *expected = alloc_str("");

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char *longer = alloc_printf("%s%zu POST /%s\n", expected, i + 1, paths[i]);

        free(expected);
        expected = longer;
        json_decref(call("change", request("POST", paths[i], NULL), NULL));
    }
    assert_log(expected);
    free(expected);
}

static void
no_answer_in_time_is_a_timeout_once_something_was_sent(void **state)
{
    (void)state;
    assert_string_equal(outcome(call("change", request("POST", "hang", "timeout_ms", json_integer(1000), NULL), NULL)),
                        "timeout");
    assert_string_equal(outcome(call("read", request("GET", "hang", "timeout_ms", json_integer(1000), NULL), NULL)),
                        "timeout");
    assert_log("1 POST /hang\n2 GET /hang\n");
}

static void
a_tls_handshake_that_fails_means_that_nothing_was_sent(void **state)
{
    char *url = alloc_printf("https://127.0.0.1:%d/ok", server.port);

    (void)state; /* the server waits for a request's end and finds none: */
    assert_string_equal(outcome(call("change", request("POST", url, "timeout_ms", json_integer(300), NULL), NULL)),
                        "unavailable");
    free(url);
}

static void
a_failed_look_before_the_change_is_no_doubt_and_one_after_it_is(void **state)
{
    (void)state;
    assert_string_equal(outcome(call("change", request("GET", "die", NULL), NULL)), "unavailable");
    assert_string_equal(
        outcome(
            call("change", request("POST", "hang", "reads", json_true(), "timeout_ms", json_integer(1000), NULL), NULL)),
        "unavailable");
    assert_string_equal(outcome(call("change", request("POST", "ok", NULL), request("GET", "die", NULL))), "in_doubt");
    assert_string_equal(
        outcome(call("change", request("POST", "ok", NULL), request("GET", "http://127.0.0.1:1/", NULL))), "in_doubt");
    assert_string_equal(
        outcome(call("change", request("POST", "ok", NULL), request("POST", "http://127.0.0.1:1/", NULL))), "in_doubt");
    assert_string_equal(outcome(call("change", request("POST", "http://127.0.0.1:1/", NULL), NULL)), "unavailable");
}

static void
a_reply_that_is_too_large_is_in_doubt(void **state)
{
    json_t *reply = call("change", request("POST", "big", "max_reply", json_integer(999), NULL), NULL);

    (void)state;
    assert_non_null(strstr(error_text(reply), "the reply is larger than 999 bytes"));
    assert_string_equal(outcome(reply), "in_doubt");
    assert_string_equal(outcome(call("change", request("POST", "big", "max_reply", json_integer(1000), NULL), NULL)),
                        "ok");
}

/* ---- what is sent ------------------------------------------------------------------------------------------------ */

static void
redirects_are_shown_and_not_followed(void **state)
{
    json_t *reply = call("change", request("POST", "redirect", NULL), request("GET", "redirect", NULL));

    (void)state;
    assert_string_equal(reply_member(reply, 0, "location"), "/ok");
    assert_string_equal(reply_member(reply, 1, "location"), "/ok");
    assert_string_equal(outcome(reply), "ok");
    assert_log("1 POST /redirect\n2 GET /redirect\n");
}

static void
the_request_says_who_sends_it_and_no_more_than_it_was_told(void **state)
{
    char *expected = alloc_printf("POST /a/../b%%2f/echo HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                                  "User-Agent: cairn/" VERSION_TEXT " run/01abc step/7.2/1 token/" TOKEN "\r\n"
                                  "Accept: */*\r\nX-One: 1\r\nX-Empty:\r\nContent-Length: 2000000\r\n\r\n",
                                  server.port);
    json_t *headers = json_pack("[s,s]", "X-One: 1", "X-Empty: ");
    json_t *reply =
        call("change", request("POST", "a/../b%2f/echo", "body_bytes", json_integer(2000000), "headers", headers, NULL),
             NULL);

    (void)state;
    assert_string_equal(reply_member(reply, 0, "body"), expected);
    json_decref(reply);
    free(expected);
}

static void
a_header_of_two_lines_is_refused(void **state)
{
    static const char *const bad[] = { "X: 1\r\nY: 2", "no colon", ": no name" };

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(
            outcome(call("read", request("GET", "ok", "headers", json_pack("[s]", bad[i]), NULL), NULL)), "invalid");
    assert_log("");
}

static void
an_error_shows_no_credentials_of_the_url(void **state)
{
    json_t *reply = call("change", request("POST", "http://me:pass@127.0.0.1:1/a@b/c?token=x", NULL), NULL);

    (void)state;
    assert_int_equal(strncmp(error_text(reply), "send POST http://127.0.0.1:1/a@b/c: Failed to connect", 53), 0);
    json_decref(reply);
    reply = call("read", request("PUT", "http://127.0.0.1:1?a=me@b", NULL), NULL);
    assert_string_equal(error_text(reply),
                        "send PUT http://127.0.0.1:1: only run() of a changing action may change something");
    json_decref(reply);
}

/* ---- cancel and crash -------------------------------------------------------------------------------------------- */

static void
a_cancel_breaks_off_a_read(void **state)
{
    int64_t begun = clock_wall();

    (void)state;
    worker_send(&worker, worker_call_json("run", "read", list(request("GET", "hang", NULL), NULL)));
    loopback_await(&server);
    worker_send(&worker, json_pack("{s:s}", "op", "cancel"));
    assert_string_equal(outcome(worker_receive(&worker)), "cancelled");
    assert_true(clock_wall() - begun < 15000);
}

static void
a_cancel_does_not_break_off_a_change(void **state)
{
    (void)state;
    worker_send(&worker, worker_call_json("run", "change", list(request("POST", "wait", NULL), NULL)));
    loopback_await(&server);
    worker_send(&worker, json_pack("{s:s}", "op", "cancel"));
    loopback_release(&server);
    assert_string_equal(outcome(worker_receive(&worker)), "ok");
    assert_log("1 POST /wait\n");
}

static void
crash_points_are_before_and_after_a_change_only(void **state)
{
    static const char *const before[] = { "CAIRN_CRASH_AT=worker.http.sending", NULL };
    static const char *const after[] = { "CAIRN_CRASH_AT=worker.http.sent", NULL };
    static const char *const *const variables[] = { before, after };
    static const char *const logs[] = { "1 GET /ok\n", "2 GET /ok\n3 POST /ok\n" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct worker w;

        worker_start(&w, WEB, variables[i]);
        json_decref(worker_configure(&w, NULL, NULL));
        assert_null(worker_call(&w, "run", "change", list(request("GET", "ok", NULL), request("POST", "ok", NULL))));
        assert_int_equal(WTERMSIG(worker_wait(&w)), SIGKILL);
        assert_log(logs[i]);
    }
}

/* ---- proxies ----------------------------------------------------------------------------------------------------- */

/* What becomes of a request when the user's variables are these; the server plays the proxy. */
static const char *
through(const char *variable, const char *no_proxy, json_t *r)
{
    char *proxy = alloc_printf("http://127.0.0.1:%d", server.port);
    json_t *env = json_pack("{s:s}", variable, proxy);
    struct worker w;
    const char *word;

    if (no_proxy)
        json_object_set_new(env, "NO_PROXY", json_string(no_proxy));
    free(proxy);
    worker_start(&w, WEB, NULL);
    json_decref(worker_configure(&w, NULL, env));
    word = outcome(worker_call(&w, "run", "change", list(r, NULL)));
    worker_end(&w);
    return word;
}

static void
the_users_proxy_is_used_but_for_loopback_and_its_exceptions(void **state)
{
    char *log;

    (void)state;
    assert_string_equal(through("HTTP_PROXY", NULL, request("POST", "http://outside.invalid/ok", NULL)), "ok");
    assert_string_equal(through("http_proxy", NULL, request("POST", "http://outside.invalid/ok", NULL)), "ok");
    assert_log("1 POST http://outside.invalid/ok\n2 POST http://outside.invalid/ok\n");
    assert_string_equal(through("HTTPS_PROXY", NULL, request("POST", "ok", NULL)), "ok");
    assert_string_equal(through("HTTP_PROXY", NULL, request("POST", "ok", NULL)), "ok");
    assert_log("3 POST /ok\n4 POST /ok\n");
    assert_string_equal(
        through("HTTP_PROXY", "elsewhere,outside.invalid", request("POST", "http://outside.invalid/ok", NULL)),
        "unavailable");
    assert_string_equal(
        through("HTTP_PROXY", NULL, request("POST", "http://outside.invalid/ok", "proxy", json_string(""), NULL)),
        "unavailable");
    log = loopback_log(&server);
    assert_string_equal(log, "");
    free(log);
}

static void
what_a_proxy_says_before_there_is_a_way_to_the_server_is_not_the_request(void **state)
{
    (void)state;
    assert_string_equal(through("HTTPS_PROXY", NULL, request("POST", "https://refused.invalid/ok", NULL)),
                        "unavailable");
    assert_string_equal(through("HTTPS_PROXY", NULL, request("POST", "https://closes.invalid/ok", NULL)),
                        "unavailable");
    assert_log("1 CONNECT refused.invalid:443\n2 CONNECT closes.invalid:443\n");
}

static void
the_variables_of_the_process_itself_are_not_asked(void **state)
{
    static const char *const own[] = { "http_proxy=http://127.0.0.1:1", "ALL_PROXY=http://127.0.0.1:1",
                                       "all_proxy=http://127.0.0.1:1", NULL };
    struct worker w;
    char *url = alloc_printf("http://0.0.0.0:%d/ok", server.port); /* an address that isn't loopback by its name */

    (void)state;
    worker_start(&w, WEB, own);
    json_decref(worker_configure(&w, NULL, NULL));
    assert_string_equal(outcome(worker_call(&w, "run", "read", list(request("GET", url, NULL), NULL))), "ok");
    worker_end(&w);
    free(url);
}

/* ---- TLS --------------------------------------------------------------------------------------------------------- */

static void
a_certificate_must_be_trusted_and_bear_the_name(void **state)
{
    struct loopback tls;
    char *cert, *key, *url;

    (void)state;
    loopback_start_tls(&tls, "db.example", &cert, &key, NULL);
    url = alloc_printf("https://127.0.0.1:%d/echo", tls.port);
#define TLS(...) outcome(call("change", request("POST", url, __VA_ARGS__, NULL), NULL))
    assert_string_equal(TLS("reads", json_false()), "denied");
    assert_string_equal(TLS("ca_pem", json_string(cert)), "denied");
    assert_string_equal(TLS("server_name", json_string("db.example")), "denied");
    assert_string_equal(TLS("ca_pem", json_string(cert), "server_name", json_string("other.example")), "denied");
    assert_string_equal(TLS("ca_pem", json_string(cert), "server_name", json_string("db.example")), "ok");
    assert_string_equal(TLS("insecure", json_true()), "ok");
    {
        json_t *reply = call(
            "read", request("GET", url, "ca_pem", json_string(cert), "server_name", json_string("db.example"), NULL),
            NULL);
        char *host = alloc_printf("\r\nHost: 127.0.0.1:%d\r\n", tls.port);

        assert_non_null(strstr(reply_member(reply, 0, "body"), host));
        json_decref(reply);
        free(host);
    }
    assert_string_equal(outcome(call("read", request("GET", url, NULL), NULL)),
                        "denied"); /* the kept connection isn't for it */
    loopback_end(&tls);
    free(cert);
    free(key);
    free(url);
}

static void
a_client_certificate_is_shown(void **state)
{
    struct loopback other, tls;
    char *client, *client_key, *cert, *key, *url;

    (void)state;
    loopback_start_tls(&other, "client", &client, &client_key, NULL);
    loopback_end(&other);
    loopback_start_tls(&tls, "127.0.0.1", &cert, &key, client);
    url = alloc_printf("https://127.0.0.1:%d/ok", tls.port);
    assert_string_equal(TLS("insecure", json_true()), "unavailable");
    assert_string_equal(
        TLS("insecure", json_true(), "cert_pem", json_string(client), "key_pem", json_string(client_key)), "ok");
    loopback_end(&tls);
    free(client);
    free(client_key);
    free(cert);
    free(key);
    free(url);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(reads_keep_their_connection),
        T(each_change_has_a_connection_of_its_own),
        T(a_read_on_a_connection_that_died_is_sent_again_and_a_change_is_not),
        T(observe_and_plan_of_a_change_only_read),
        T(what_was_sent_decides_what_a_missing_reply_means),
        T(a_change_is_sent_once_whatever_happens_to_its_reply),
        T(no_answer_in_time_is_a_timeout_once_something_was_sent),
        T(a_tls_handshake_that_fails_means_that_nothing_was_sent),
        T(a_failed_look_before_the_change_is_no_doubt_and_one_after_it_is),
        T(a_reply_that_is_too_large_is_in_doubt),
        T(redirects_are_shown_and_not_followed),
        T(the_request_says_who_sends_it_and_no_more_than_it_was_told),
        T(a_header_of_two_lines_is_refused),
        T(an_error_shows_no_credentials_of_the_url),
        T(a_cancel_breaks_off_a_read),
        T(a_cancel_does_not_break_off_a_change),
        T(crash_points_are_before_and_after_a_change_only),
        T(the_users_proxy_is_used_but_for_loopback_and_its_exceptions),
        T(what_a_proxy_says_before_there_is_a_way_to_the_server_is_not_the_request),
        T(the_variables_of_the_process_itself_are_not_asked),
        T(a_certificate_must_be_trusted_and_bear_the_name),
        T(a_client_certificate_is_shown),
    };

    return cmocka_run_group_tests_name("worker: HTTP", tests, NULL, NULL);
}
