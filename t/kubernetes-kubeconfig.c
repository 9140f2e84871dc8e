/*
 * kubernetes-kubeconfig.c: tests of how the plugin kubernetes finds its cluster and its credentials.
 * SPDX-License-Identifier: MIT
 */
#include "kubernetes-host.h"

#include "kubernetes/exec.h"
#include "kubernetes/kubeconfig.h"
#include "kubernetes/text.h"
#include "urlhost.h"

#include <stdio.h>

#define CONTEXT(name, cluster, user) "contexts: [{name: " name ", context: {cluster: " cluster ", user: " user "}}]\n"
#define CLUSTER(name, server) "clusters: [{name: " name ", cluster: {server: '" server "'}}]\n"
#define TOKEN(name, token) "users: [{name: " name ", user: {token: " token "}}]\n"
#define ONE CONTEXT("c", "k", "u") CLUSTER("k", "https://k.example")

static void
assert_loads(struct kubeconfig *config, const struct kubeconfig_where *where)
{
    struct cairn_error err = { 0 };

    if (kubeconfig_load(config, where, &err) < 0)
        fail_msg("%s", err.text);
}

/* It must be refused, in words that hold `says`. */
static void
assert_refused(const struct kubeconfig_where *where, const char *says)
{
    struct cairn_error err = { 0 };
    struct kubeconfig config;

    if (kubeconfig_load(&config, where, &err) == 0)
        fail_msg("not refused: %s", says);
    if (!strstr(err.text, says))
        fail_msg("\"%s\" doesn't say \"%s\"", err.text, says);
    assert_int_equal(err.kind, CAIRN_ERR_INVALID);
    kubeconfig_release(&config);
}

static void
the_first_definition_of_a_name_wins_and_missing_files_are_skipped(void **state)
{
    const char *dir = *state;
    char *a = host_write(dir, "a", "current-context: ''\n" CLUSTER("k", "https://first.example/"));
    char *b = host_write(dir, "b", ONE "current-context: c\n" TOKEN("u", "second"));
    char *c = host_write(dir, "c", "current-context: other\n" TOKEN("u", "third") "extra: 1\n");
    char *empty = host_write(dir, "empty", "\n");
    char *list = alloc_printf("%s/missing:%s::%s:%s:%s", dir, a, empty, b, c);
    struct kubeconfig_where where = { .list = list };
    struct kubeconfig config;

    assert_loads(&config, &where);
    assert_string_equal(config.context, "c");
    assert_string_equal(config.cluster, "k");
    assert_string_equal(config.server, "https://first.example");
    assert_string_equal(config.token, "second");
    kubeconfig_release(&config);
    free(a);
    free(b);
    free(c);
    free(empty);
    free(list);
}

static void
the_configured_file_goes_before_kubeconfig_and_that_before_home(void **state)
{
    const char *dir = *state;
    char *given = host_write(dir, "given", ONE TOKEN("u", "given") "current-context: c\n");
    char *listed = host_write(dir, "listed", ONE TOKEN("u", "listed") "current-context: c\n");
    char *kube = alloc_printf("%s/.kube", dir);
    struct kubeconfig_where where = { .path = given, .list = listed, .home = dir };
    struct kubeconfig config;
    char *home;

    assert_int_equal(mkdir(kube, 0700), 0);
    home = host_write(kube, "config", ONE TOKEN("u", "home") "current-context: c\n");
    assert_loads(&config, &where);
    assert_string_equal(config.token, "given");
    kubeconfig_release(&config);
    where.path = "~/given";
    assert_loads(&config, &where);
    assert_string_equal(config.token, "given");
    kubeconfig_release(&config);
    where.path = "";
    assert_loads(&config, &where);
    assert_string_equal(config.token, "listed");
    kubeconfig_release(&config);
    where.list = NULL;
    assert_loads(&config, &where);
    assert_string_equal(config.token, "home");
    kubeconfig_release(&config);
    where.path = "/nonexistent/kubeconfig";
    assert_refused(&where, "read kubeconfig /nonexistent/kubeconfig: No such file");
    free(given);
    free(listed);
    free(kube);
    free(home);
}

static void
relative_paths_are_relative_to_their_file(void **state)
{
    const char *dir = *state;
    char *sub = alloc_printf("%s/sub", dir);
    struct kubeconfig_where where = { 0 };
    struct kubeconfig config;
    char *want, *pem, *key, *file;

    assert_int_equal(mkdir(sub, 0700), 0);
    pem = host_write(sub, "cert.pem", "CERTIFICATE");
    key = host_write(dir, "key.pem", "KEY");
    file = host_write(sub, "config",
                      "contexts: [{name: c, context: {cluster: k, user: u, namespace: n}}]\ncurrent-context: c\n"
                      "clusters: [{name: k, cluster: {server: 'https://k.example:6443/base/', certificate-authority: ca.pem,\n"
                      "  tls-server-name: api.internal, proxy-url: 'http://proxy.example:3128'}}]\n"
                      "users: [{name: u, user: {tokenFile: token, client-certificate: cert.pem, client-key: ../key.pem,\n"
                      "  exec: {apiVersion: client.authentication.k8s.io/v1, command: ./get-token, interactiveMode: Never}}}]\n");
    where.path = file;
    assert_loads(&config, &where);
    want = alloc_printf("%s/ca.pem", sub);
    assert_string_equal(config.ca_file, want);
    free(want);
    want = alloc_printf("%s/token", sub);
    assert_string_equal(config.token_file, want);
    free(want);
    want = alloc_printf("%s/./get-token", sub);
    assert_string_equal(config.exec.command, want);
    free(want);
    assert_string_equal(config.cert_pem, "CERTIFICATE");
    assert_string_equal(config.key_pem, "KEY");
    assert_string_equal(config.server, "https://k.example:6443/base");
    assert_string_equal(config.server_name, "api.internal");
    assert_string_equal(config.proxy, "http://proxy.example:3128");
    assert_string_equal(config.name_space, "n");
    kubeconfig_release(&config);
    free(sub);
    free(pem);
    free(key);
    free(file);
}

static void
data_goes_before_files_and_numbers_are_not_strings(void **state)
{
    char *file = host_write(*state, "config",
                            "contexts: [{name: c, context: {cluster: k, user: u}}]\ncurrent-context: c\n"
                            "clusters: [{name: k, cluster: {server: 'https://k.example', certificate-authority: /nonexistent,\n"
                            "  certificate-authority-data: Q0E=}}]\n"
                            "users: [{name: u, user: {client-certificate: /nonexistent, client-certificate-data: Q0VSVA==,\n"
                            "  client-key: /nonexistent, client-key-data: S0VZ}}]\n");
    struct kubeconfig_where where = { .path = file };
    struct kubeconfig config;

    assert_loads(&config, &where);
    assert_string_equal(config.ca_pem, "CA");
    assert_null(config.ca_file);
    assert_string_equal(config.cert_pem, "CERT");
    assert_string_equal(config.key_pem, "KEY");
    kubeconfig_release(&config);
    free(file);
}

static void
what_is_wrong_in_a_file_is_refused_in_its_own_words(void **state)
{
    static const struct {
        const char *text, *says;
    } table[] = {
        { "a: [", "read kubeconfig " },
        { "- a\n", "it must be a map" },
        { "kind: Deployment\n", "its kind is Deployment, not Config" },
        { "clusters: {}\n", "clusters must be a list" },
        { "clusters: [{cluster: {}}]\n", "clusters[0] has no name" },
        { "users: [{name: 1}]\n", "users[0] has no name" },
        { "users: [{name: u, user: x}]\n", "user of u must be a map" },
        { "a: 1\n", "no current-context" },
        { "current-context: 7\n", "current-context must be a string" },
        { "current-context: c\n", "there is no context c in the kubeconfig (it has: none)" },
        { CONTEXT("c", "k", "u") "current-context: c\n", "names the cluster k, which isn't defined" },
        { "contexts: [{name: c, context: {user: u}}]\ncurrent-context: c\n", "names no cluster" },
        { "contexts: [{name: c}]\ncurrent-context: c\n", "context c is empty" },
        { ONE "current-context: c\n", "names the user u, who isn't defined" },
        { CONTEXT("c", "k", "u") CLUSTER("k", "k.example") "current-context: c\n", "must be an http or https URL" },
        { ONE "current-context: c\nusers: [{name: u, user: {token: 12345}}]\n", "token must be a string" },
        { ONE "current-context: c\nusers: [{name: u, user: {username: a, password: b}}]\n", "username and password" },
        { ONE "current-context: c\nusers: [{name: u, user: {auth-provider: {name: gcp}}}]\n", "auth-provider" },
        { ONE "current-context: c\nusers: [{name: u, user: {client-key-data: S0VZ}}]\n", "a client-key without a client-certificate" },
        { ONE "current-context: c\nusers: [{name: u, user: {client-key-data: '?'}}]\n", "client-key-data is not base64" },
        { ONE "current-context: c\nusers: [{name: u, user: {client-certificate: /nonexistent}}]\n", "read client-certificate /nonexistent" },
        { ONE "current-context: c\nusers: [{name: u, user: {exec: {command: x}}}]\n", "exec apiVersion is missing" },
        { ONE "current-context: c\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}}]\n", "v1alpha1; client.authentication.k8s.io/v1 and v1beta1 are known" },
        { ONE "current-context: c\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1}}}]\n", "exec has no command" },
        { ONE "current-context: c\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}}}]\n", "needs a terminal" },
        { ONE "current-context: c\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: x, args: [1]}}}]\n", "exec args[0] must be a string" },
        { ONE "current-context: c\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: x, env: [{name: A}]}}}]\n", "exec env[0] needs a name and a value" },
        { CONTEXT("c", "k", "u") TOKEN("u", "t") CLUSTER("k", "http://k.example") "current-context: c\n", "credentials are not sent without TLS" },
        { CONTEXT("c", "k", "u") TOKEN("u", "t") CLUSTER("k", "http://localhost.example") "current-context: c\n", "credentials are not sent without TLS" },
        { CONTEXT("c", "k", "u") "clusters: [{name: k, cluster: {server: 'https://k', insecure-skip-tls-verify: true, certificate-authority: x}}]\ncurrent-context: c\n", "both insecure-skip-tls-verify and a certificate authority" },
        { CONTEXT("c", "k", "u") "clusters: [{name: k, cluster: {server: 'https://k', insecure-skip-tls-verify: 'yes'}}]\ncurrent-context: c\n", "must be true or false" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        char *file = host_write(*state, "config", table[i].text);
        struct kubeconfig_where where = { .path = file };

        assert_refused(&where, table[i].says);
        free(file);
    }
}

static void
a_context_must_be_named_where_there_are_several(void **state)
{
    char *file = host_write(*state, "config",
                            "contexts: [{name: prod, context: {cluster: k}}, {name: test, context: {cluster: k}}]\n"
                            CLUSTER("k", "https://k.example") "current-context: prod\n");
    struct kubeconfig_where where = { .path = file };
    struct kubeconfig config;

    assert_refused(&where, "the kubeconfig has several (prod, test); set kubernetes.context");
    where.context = "staging";
    assert_refused(&where, "there is no context staging in the kubeconfig (it has: prod, test)");
    where.context = "test";
    assert_loads(&config, &where);
    assert_string_equal(config.context, "test");
    kubeconfig_release(&config);
    free(file);
}

static void
without_a_file_the_account_of_the_pod_is_used(void **state)
{
    const char *dir = *state;
    struct kubeconfig_where where = { .home = dir, .service_host = "fd00::1", .service_port = "6443", .account = dir };
    char *list = alloc_printf("%s/x:%s/y", dir, dir);
    struct kubeconfig config;
    struct cairn_error err = { 0 };
    char *token, *space, *want;

    assert_int_equal(kubeconfig_load(&config, &where, &err), -1);
    assert_non_null(strstr(err.text, "service account token"));
    kubeconfig_release(&config);
    token = host_write(dir, "token", "pod-token\n");
    space = host_write(dir, "namespace", "mine");
    assert_loads(&config, &where);
    assert_string_equal(config.server, "https://[fd00::1]:6443");
    assert_string_equal(config.cluster, "in-cluster");
    assert_string_equal(config.name_space, "mine");
    assert_string_equal(config.token_file, token);
    want = alloc_printf("%s/ca.crt", dir);
    assert_string_equal(config.ca_file, want);
    kubeconfig_release(&config);
    where.service_host = NULL;
    where.list = list;
    assert_refused(&where, "find a kubeconfig: there is none at");
    free(list);
    free(token);
    free(space);
    free(want);
}

static const struct kubeconfig_exec *
exec_of(char *command, char **args, char **env)
{
    static char version[] = "client.authentication.k8s.io/v1", hint[] = "install it with apt";
    static struct kubeconfig_exec exec;

    exec = (struct kubeconfig_exec){ version, command, args, env, NULL, hint };
    return &exec;
}

static char *
write_script(const char *dir, const char *text)
{
    char *path = host_write(dir, "get-token", text);

    assert_int_equal(chmod(path, 0700), 0);
    return path;
}

static void
a_credential_program_gets_its_arguments_as_they_are(void **state)
{
    static char odd[] = "a b;$(id)'\"", variable[] = "VAR=of the file", extra[] = "OTHER=of the user";
    char *args[] = { odd, NULL }, *env[] = { variable, NULL }, *more[] = { extra, NULL };
    char *seen = alloc_printf("%s/seen", (char *)*state);
    char *script = write_script(*state,
                                "#!/bin/sh\nprintf '%s|%s|%s|%s\\n' \"$1\" \"$VAR\" \"$OTHER\" \"$KUBERNETES_EXEC_INFO\" >\"$(dirname \"$0\")/seen\"\n"
                                "ls /proc/self/fd >>\"$(dirname \"$0\")/seen\"\n"
                                "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"T\",\"expirationTimestamp\":\"2026-01-01T01:00:00+01:00\"}}'\n");
    struct credential credential = { .expires = -1 };
    struct cairn_error err = { 0 };
    char *text = NULL;

    if (exec_credential(&credential, exec_of(script, args, env), more, 20000, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(credential.token, "T");
    assert_int_equal(credential.expires, text_time("2026-01-01T00:00:00Z"));
    assert_int_equal(text_read_file(&text, seen, "file", 65536, &err), 0);
    assert_memory_equal(text, "a b;$(id)'\"|of the file|of the user|{", 37);
    assert_non_null(strstr(text, "\"interactive\":false"));
    assert_null(strstr(text, "\n4\n")); /* nothing of ours is open in it but 0, 1, 2, and 3 for the folder */
    free(text);
    free(seen);
    free(script);
    credential_release(&credential);
}

static void
a_credential_program_that_fails_is_a_refusal(void **state)
{
    static const struct {
        const char *script, *says;
        int limit;
    } table[] = {
        { "#!/bin/sh\nexit 3\n", "ended with status 3", 20000 },
        { "#!/bin/sh\nkill -9 $$\n", "ended with signal 9", 20000 },
        { "#!/bin/sh\nexec sleep 600\n", "didn't end in time", 50 },
        { "#!/bin/sh\nexec yes\n", "never stopped writing", 20000 },
        { "#!/bin/sh\necho '<html>'\n", "isn't JSON", 20000 },
        { NULL, "can't be run; install it with apt", 20000 },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        char *script = table[i].script ? write_script(*state, table[i].script) : alloc_str("/nonexistent/program");
        struct credential credential = { .expires = -1 };
        struct cairn_error err = { 0 };

        assert_int_equal(exec_credential(&credential, exec_of(script, NULL, NULL), NULL, table[i].limit, &err), -1);
        assert_int_equal(err.kind, CAIRN_ERR_DENIED);
        if (!strstr(err.text, table[i].says))
            fail_msg("\"%s\" doesn't say \"%s\"", err.text, table[i].says);
        free(script);
    }
}

#define HEAD "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":"

static void
only_a_whole_credential_is_taken(void **state)
{
    static const struct {
        const char *answer, *says;
    } table[] = {
        { HEAD "{\"token\":\"x\"}}", NULL },
        { HEAD "{\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\"}}", NULL },
        { HEAD "{\"clientCertificateData\":\"c\"}}", "without the other" },
        { HEAD "{\"token\":\"t\",\"clientKeyData\":\"k\"}}", "without the other" },
        { HEAD "{}}", "neither a token nor" },
        { HEAD "{\"token\":\"t\",\"expirationTimestamp\":\"soon\"}}", "isn't a time" },
        { "{\"kind\":\"Status\"}", "isn't an ExecCredential" },
        { "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"x\"}}", "another apiVersion" },
        { "", "isn't JSON" },
    };

    static char command[] = "x";

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct credential credential = { .expires = -1 };
        struct cairn_error err = { 0 };
        int rc = exec_parse(&credential, exec_of(command, NULL, NULL), table[i].answer, &err);

        if (table[i].says && (rc == 0 || !strstr(err.text, table[i].says)))
            fail_msg("%s: \"%s\" doesn't say \"%s\"", table[i].answer, err.text, table[i].says);
        if (!table[i].says && rc < 0)
            fail_msg("%s: %s", table[i].answer, err.text);
        credential_release(&credential);
    }
}

static void
times_and_base64_are_read_strictly(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } times[] = {
        { "1970-01-01T00:00:01Z", 1000 }, { "1970-01-01T00:00:01.25Z", 1250 }, { "1970-01-01T02:00:00+02:00", 0 },
        { "1969-12-31T23:30:00-00:30", 0 }, { "1970-01-01T00:00:01", -1 }, { "yesterday", -1 }, { "", -1 },
        { "1970-01-01T00:00:00.123456789Z", 123 },
    };
    static const char *const wrong[] = { "a", "abc", "a===", "!!!!", "YQ= =" };
    size_t len;
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
        assert_int_equal(text_time(times[i].text), times[i].ms);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_null(text_unbase64(wrong[i], &len));
    for (size_t n = 0; n < 5; n++) {
        char *encoded = text_base64("\xff\x00zy", n);

        text = text_unbase64(encoded, &len);
        assert_non_null(text);
        assert_int_equal(len, n);
        assert_memory_equal(text, "\xff\x00zy", n);
        free(text);
        free(encoded);
    }
}

static void
only_the_host_of_a_url_is_exchanged(void **state)
{
    static const struct {
        const char *url, *from, *to, *becomes; /* NULL: it is at neither place */
    } table[] = {
        { "postgresql://u:p@a:5432/db?x=1#y", "a", "b", "postgresql://u:p@b:5432/db?x=1#y" },
        { "postgresql://u:p@a:5432/db", "a:5432", "b:6432", "postgresql://u:p@b:6432/db" },
        { "postgresql://u:p@a:5432/db", "a", "b:6432", "postgresql://u:p@b:6432/db" },
        { "postgresql://u:p@a:5432/db", "a:5432", "b", "postgresql://u:p@b/db" },
        { "postgresql://u:p@a:5432/db", "a:5433", "b", NULL },
        { "postgresql://u:p%40a@a/a@a", "a", "b", "postgresql://u:p%40a@b/a@a" },
        { "postgresql://u:p@w@a/", "a", "b", "postgresql://u:p@w@b/" },
        { "postgresql+psycopg2://a", "A", "b", "postgresql+psycopg2://b" },
        { "jdbc:postgresql://a:1/x", "a", "b", "jdbc:postgresql://b:1/x" },
        { "http://[::1]:80/", "[::1]", "[fd00::2]", "http://[fd00::2]:80/" },
        { "postgresql://u@a:1,b:2/x", "a:1,b:2", "c:3,d:4", "postgresql://u@c:3,d:4/x" },
        { "postgresql://u:p@b/", "a", "b", "postgresql://u:p@b/" },
        { "postgresql://u:p@b:1/", "a:1", "b:1", "postgresql://u:p@b:1/" },
        { "postgresql://u:p@b:1/", "b:1", "b:2", "postgresql://u:p@b:2/" },
        { "postgresql://u:p@ab/", "a", "b", NULL },
        { "postgresql://u:12/x@a/", "u", "b", NULL },
        { "postgresql://u:a?b@a/", "a", "b", NULL },
        { "postgresql:///db", "a", "b", NULL },
        { "a:5432", "a", "b", NULL },
        { "", "a", "b", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        enum urlhost_state where = urlhost_state(table[i].url, table[i].from, table[i].to);
        char *text = where == URLHOST_FROM ? urlhost_replace(table[i].url, table[i].from, table[i].to)
                     : where == URLHOST_TO ? alloc_str(table[i].url)
                                           : NULL;

        if (!text != !table[i].becomes || (text && strcmp(text, table[i].becomes) != 0))
            fail_msg("%s: %s -> %s gives %s", table[i].url, table[i].from, table[i].to, text ? text : "nothing");
        free(text);
    }
}

static void
a_host_is_a_host_and_nothing_else(void **state)
{
    static const char *const good[] = { "a", "a.b-c_d", "a:1", "10.0.0.1", "[::1]", "[::1]:5", "a:1,b:2" };
    static const char *const bad[] = { "", "a/b", "a:", "a:b", "u@a", "a b", "[::1", "a,", "a?b", "a#" };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!urlhost_valid(good[i]))
            fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (urlhost_valid(bad[i]))
            fail_msg("%s is taken", bad[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_DIR(the_first_definition_of_a_name_wins_and_missing_files_are_skipped),
        TEST_IN_DIR(the_configured_file_goes_before_kubeconfig_and_that_before_home),
        TEST_IN_DIR(relative_paths_are_relative_to_their_file),
        TEST_IN_DIR(data_goes_before_files_and_numbers_are_not_strings),
        TEST_IN_DIR(what_is_wrong_in_a_file_is_refused_in_its_own_words),
        TEST_IN_DIR(a_context_must_be_named_where_there_are_several),
        TEST_IN_DIR(without_a_file_the_account_of_the_pod_is_used),
        TEST_IN_DIR(a_credential_program_gets_its_arguments_as_they_are),
        TEST_IN_DIR(a_credential_program_that_fails_is_a_refusal),
        TEST_IN_DIR(only_a_whole_credential_is_taken),
        TEST_IN_DIR(times_and_base64_are_read_strictly),
        TEST_IN_DIR(only_the_host_of_a_url_is_exchanged),
        TEST_IN_DIR(a_host_is_a_host_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
