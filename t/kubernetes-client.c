/*
 * kubernetes-client.c: tests of what the plugin kubernetes sends and of what it makes of the answers.
 * SPDX-License-Identifier: MIT
 */
#include "kubernetes-host.h"

#include "kubernetes/client.h"
#include "kubernetes/rollout.h"
#include "kubernetes/secret.h"

#include <stdio.h>

#define SERVER_VERSION "{\"gitVersion\":\"v1.32.0\"}"

struct bench {
    char *dir;
    char *file; /* the kubeconfig */
    struct cairn_call call;
    const char *env[3];
};

static int
set_up(void **state)
{
    static struct bench bench;
    void *dir;

    memset(&bench, 0, sizeof(bench));
    assert_int_equal(make_dir(&dir), 0);
    bench.dir = dir;
    bench.call.wall = 1000000;
    bench.call.env = bench.env;
    bench.env[0] = "KUBECONFIG";
    host_reset();
    *state = &bench;
    return 0;
}

static int
tear_down(void **state)
{
    struct bench *bench = *state;
    void *dir = bench->dir;

    cairn_free(bench->call.config);
    free(bench->file);
    host_reset();
    return drop_dir(&dir);
}

/* A kubeconfig with these members of cluster and user, and a guard that has looked. */
static void
open_world(struct bench *bench, const char *cluster, const char *user)
{
    char *text = alloc_printf("contexts: [{name: c, context: {cluster: prod, user: u}}]\ncurrent-context: c\n"
                              "clusters: [{name: prod, cluster: {%s}}]\nusers: [{name: u, user: {%s}}]\n",
                              cluster, user);
    struct cairn_error err = { 0 };

    free(bench->file);
    bench->file = host_write(bench->dir, "config", text);
    free(text);
    bench->env[1] = bench->file;
    cairn_free(bench->call.config);
    bench->call.config = host_json("{'cluster':'prod','namespace':'ns'}");
    host_http.statuses[0] = 200;
    host_http.bodies[0] = SERVER_VERSION;
    if (client_guard(&bench->call, &err) < 0)
        fail_msg("%s", err.text);
}

static void
certificates_and_the_rest_of_the_cluster_are_handed_to_http(void **state)
{
    struct bench *bench = *state;

    open_world(bench,
               "server: 'https://k.example:6443', certificate-authority-data: Q0E=, tls-server-name: inner, proxy-url: 'http://p:1'",
               "client-certificate-data: Q0VSVA==, client-key-data: S0VZ");
    assert_string_equal(host_http.url, "https://k.example:6443/version");
    assert_string_equal(host_http.method, "GET");
    assert_string_equal(host_http.ca_pem, "CA");
    assert_string_equal(host_http.cert_pem, "CERT");
    assert_string_equal(host_http.key_pem, "KEY");
    assert_string_equal(host_http.server_name, "inner");
    assert_string_equal(host_http.proxy, "http://p:1");
    assert_int_equal(host_http.insecure, 0);
    assert_int_equal(host_http.reads, 1);
    assert_null(strstr(host_http.headers, "Authorization"));
    open_world(bench, "server: 'https://k.example:6443', insecure-skip-tls-verify: true, certificate-authority: ''", "token: T");
    assert_int_equal(host_http.insecure, 1);
    assert_non_null(strstr(host_http.headers, "Authorization: Bearer T\n"));
}

static void
another_cluster_is_refused_before_anything_is_sent(void **state)
{
    struct bench *bench = *state;
    struct cairn_error err = { 0 };
    int sent;

    open_world(bench, "server: 'https://k.example'", "token: T");
    sent = host_http.count;
    cairn_free(bench->call.config);
    bench->call.config = host_json("{'cluster':'staging'}");
    assert_error(client_guard(&bench->call, &err), &err, CAIRN_ERR_DENIED,
                 "context c is of cluster prod, the configuration expects staging");
    cairn_free(bench->call.config);
    bench->call.config = host_json("{}");
    assert_error(client_guard(&bench->call, &err), &err, CAIRN_ERR_INVALID, "set kubernetes.cluster");
    assert_int_equal(host_http.count, sent);
}

static void
a_server_that_is_not_kubernetes_is_refused(void **state)
{
    struct bench *bench = *state;
    struct cairn_error err = { 0 };

    open_world(bench, "server: 'https://k.example'", "token: T");
    host_http.bodies[0] = "{}";
    assert_error(client_guard(&bench->call, &err), &err, CAIRN_ERR_DENIED, "answers, but not as Kubernetes does");
    host_http.bodies[0] = "<html>sign in</html>";
    assert_error(client_guard(&bench->call, &err), &err, CAIRN_ERR_UNAVAILABLE, "with a body that isn't JSON");
}

static void
a_token_file_is_read_for_each_request(void **state)
{
    struct bench *bench = *state;
    struct client_request request = { .path = "/x" };
    struct cairn_value *reply;
    struct cairn_error err = { 0 };

    free(host_write(bench->dir, "token", "first\n"));
    open_world(bench, "server: 'https://k.example'", "tokenFile: token");
    assert_non_null(strstr(host_http.headers, "Bearer first\n"));
    free(host_write(bench->dir, "token", "second\n"));
    assert_fine(client_request(&bench->call, &request, &reply, &err), &err);
    cairn_free(reply);
    assert_non_null(strstr(host_http.headers, "Bearer second\n"));
}

/* A program whose tokens are numbered. */
static void
write_program(struct bench *bench, const char *status)
{
    char *text = alloc_printf("#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho x >>runs\n"
                              "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{'\n"
                              "echo \"\\\"token\\\":\\\"T$(grep -c x runs)\\\"%s}}\"\n",
                              status);
    char *path = host_write(bench->dir, "get", text);

    assert_int_equal(chmod(path, 0700), 0);
    free(text);
    free(path);
}

static void
a_credential_is_kept_until_it_expires(void **state)
{
    struct bench *bench = *state;
    struct client_request request = { .path = "/x" };
    struct cairn_value *reply;
    struct cairn_error err = { 0 };
    static const struct {
        int64_t wall;
        const char *token;
    } table[] = { { 1000000, "Bearer T1\n" },
                  { 3580000, "Bearer T1\n" },
                  { 3595000, "Bearer T2\n" },
                  { 3596000, "Bearer T3\n" } };

    write_program(bench, ",\\\"expirationTimestamp\\\":\\\"1970-01-01T01:00:00Z\\\"");
    open_world(bench, "server: 'https://k.example'", "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./get}");
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        bench->call.wall = table[i].wall;
        assert_fine(client_request(&bench->call, &request, &reply, &err), &err);
        cairn_free(reply);
        if (!strstr(host_http.headers, table[i].token))
            fail_msg("at %lld: %s", (long long)table[i].wall, host_http.headers);
    }
}

static void
a_refused_credential_is_renewed_once(void **state)
{
    struct bench *bench = *state;
    struct client_request request = { "PATCH", "/x", "application/merge-patch+json", "{}", 0 };
    struct cairn_value *reply;
    struct cairn_error err = { 0 };

    write_program(bench, "");
    open_world(bench, "server: 'https://k.example'", "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./get}");
    host_http.statuses[1] = 401;
    host_http.statuses[2] = 200;
    host_http.bodies[2] = "{\"kind\":\"Secret\"}";
    assert_fine(client_request(&bench->call, &request, &reply, &err), &err);
    cairn_free(reply);
    assert_int_equal(host_http.count, 3);
    assert_non_null(strstr(host_http.headers, "Bearer T2\n"));
    assert_non_null(strstr(host_http.headers, "Content-Type: application/merge-patch+json\n"));
    host_http.statuses[3] = 401;
    host_http.bodies[3] = "{\"kind\":\"Status\",\"reason\":\"Unauthorized\",\"message\":\"Unauthorized\"}";
    assert_error(client_request(&bench->call, &request, &reply, &err), &err, CAIRN_ERR_DENIED, "HTTP 401: Unauthorized");
    assert_int_equal(host_http.count, 5);
}

static void
each_refusal_has_its_kind(void **state)
{
    static const struct {
        int status;
        const char *body;
        int reads;
        const char *kind, *says;
    } table[] = {
        { 201, "{}", 0, "", "" },
        { 404, "{'kind':'Status','reason':'NotFound','message':'no such secret'}", 0, "not_found", "no such secret" },
        { 401, "{'kind':'Status','reason':'Unauthorized'}", 0, "denied", "HTTP 401" },
        { 403, "{'kind':'Status','reason':'Forbidden','message':'cannot patch'}", 0, "denied", "cannot patch" },
        { 409, "{'kind':'Status','reason':'Conflict'}", 0, "conflict", "HTTP 409" },
        { 409, "{'kind':'Status','reason':'AlreadyExists'}", 0, "conflict", "HTTP 409" },
        { 422, "{'kind':'Status','reason':'Invalid'}", 0, "invalid", "HTTP 422" },
        { 415, "{'kind':'Status','reason':'UnsupportedMediaType'}", 0, "invalid", "HTTP 415" },
        { 429, "{'kind':'Status','reason':'TooManyRequests','details':{'retryAfterSeconds':7}}", 0, "throttled", "retry after 7 s" },
        { 429, "{}", 0, "throttled", "HTTP 429" },
        { 410, "{'kind':'Status','reason':'Gone'}", 0, "failed", "HTTP 410" },
        { 500, "{'kind':'Status','reason':'InternalError'}", 0, "in_doubt", "HTTP 500" },
        { 500, "{'kind':'Status','reason':'InternalError'}", 1, "unavailable", "HTTP 500" },
        { 504, "{'kind':'Status','reason':'Timeout'}", 0, "in_doubt", "HTTP 504" },
        { 404, "{'error':'nginx'}", 0, "in_doubt", "who answered isn't known" },
        { 404, "{'error':'nginx'}", 1, "not_found", "HTTP 404" },
        { 302, "{}", 1, "failed", "HTTP 302" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct cairn_value *body = host_json(table[i].body);
        struct cairn_error err = { 0 };
        int rc = client_judge(table[i].status, body, "PATCH /x", table[i].reads, &err);

        if (*table[i].kind)
            assert_int_equal(rc, -1);
        if (*table[i].kind && (strcmp(error_kind_name(err.kind), table[i].kind) != 0 || !strstr(err.text, table[i].says)))
            fail_msg("%d %s: %s: %s", table[i].status, table[i].body, error_kind_name(err.kind), err.text);
        if (!*table[i].kind)
            assert_int_equal(rc, 0);
        cairn_free(body);
    }
}

#define SPEC "'metadata':{'generation':2},'spec':{'replicas':3"

static void
a_rollout_is_done_when_every_pod_is_new_and_serves(void **state)
{
    static const struct {
        const char *kind, *object, *note; /* NULL: an error */
    } table[] = {
        { "deployment", "{" SPEC "},'status':{'observedGeneration':2,'replicas':3,'updatedReplicas':3,'availableReplicas':3}}", "done" },
        { "deployment", "{" SPEC "},'status':{'observedGeneration':1,'replicas':3,'updatedReplicas':3,'availableReplicas':3}}", "the change has not been noticed yet" },
        { "deployment", "{" SPEC "},'status':{'observedGeneration':2,'replicas':4,'updatedReplicas':2,'availableReplicas':3}}", "2 of 3 pods are new" },
        { "deployment", "{" SPEC "},'status':{'observedGeneration':2,'replicas':4,'updatedReplicas':3,'availableReplicas':4}}", "1 old pods have not ended" },
        { "deployment", "{" SPEC "},'status':{'observedGeneration':2,'replicas':3,'updatedReplicas':3,'availableReplicas':2}}", "2 of 3 new pods are available" },
        { "deployment", "{" SPEC ",'paused':true},'status':{'observedGeneration':2}}", "its rollouts are paused" },
        { "deployment", "{" SPEC "},'status':{'observedGeneration':2,'conditions':[{'type':'Progressing','reason':'ProgressDeadlineExceeded','message':'timed out'}]}}", NULL },
        { "deployment", "{" SPEC "},'status':{'observedGeneration':1,'conditions':[{'type':'Progressing','reason':'ProgressDeadlineExceeded'}]}}", "the change has not been noticed yet" },
        { "deployment", "{'metadata':{'generation':1},'spec':{'replicas':0},'status':{'observedGeneration':1}}", "done" },
        { "deployment", "{'metadata':{'generation':1},'spec':{}}", "the change has not been noticed yet" },
        { "statefulset", "{" SPEC "},'status':{'observedGeneration':2,'readyReplicas':3,'updatedReplicas':3,'currentRevision':'a','updateRevision':'a'}}", "done" },
        { "statefulset", "{" SPEC "},'status':{'observedGeneration':2,'readyReplicas':3,'updatedReplicas':1,'currentRevision':'a','updateRevision':'b'}}", "1 of 3 pods are new" },
        { "statefulset", "{" SPEC "},'status':{'observedGeneration':2,'readyReplicas':2,'updatedReplicas':3,'currentRevision':'a','updateRevision':'b'}}", "2 of 3 pods are available" },
        { "statefulset", "{" SPEC ",'updateStrategy':{'rollingUpdate':{'partition':2}}},'status':{'observedGeneration':2,'readyReplicas':3,'updatedReplicas':1,'currentRevision':'a','updateRevision':'b'}}", "done" },
        { "statefulset", "{" SPEC ",'updateStrategy':{'type':'OnDelete'}},'status':{'observedGeneration':2}}", NULL },
        { "daemonset", "{" SPEC "},'status':{'observedGeneration':2,'desiredNumberScheduled':2,'updatedNumberScheduled':2,'numberAvailable':2}}", "done" },
        { "daemonset", "{" SPEC "},'status':{'observedGeneration':2,'desiredNumberScheduled':2,'updatedNumberScheduled':1,'numberAvailable':2}}", "1 of 2 pods are new" },
        { "daemonset", "{" SPEC "},'status':{'observedGeneration':2,'desiredNumberScheduled':2,'updatedNumberScheduled':2,'numberAvailable':1}}", "1 of 2 new pods are available" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct cairn_value *object = host_json(table[i].object);
        struct cairn_value *out = cairn_map();
        struct cairn_error err = { 0 };
        int rc = rollout_judge(object, table[i].kind, out, &err);

        if (!table[i].note) {
            assert_int_equal(rc, -1);
            assert_int_equal(err.kind, CAIRN_ERR_FAILED);
        } else if (rc < 0 || strcmp(cairn_get_str(out, "note", ""), table[i].note) != 0) {
            fail_msg("%s: \"%s\" isn't \"%s\" %s", table[i].object, cairn_get_str(out, "note", ""), table[i].note, err.text);
        } else {
            assert_int_equal(cairn_get_bool(out, "done", -1), strcmp(table[i].note, "done") == 0);
        }
        cairn_free(out);
        cairn_free(object);
    }
}

static void
those_who_may_revert_an_edit_are_named_once(void **state)
{
    struct cairn_value *metadata = host_json("{'managedFields':[{'manager':'cairn'},{'manager':'kubectl-edit'},{'manager':'kubectl-edit'}],"
                                             "'ownerReferences':[{'kind':'SealedSecret'},{'kind':'App'}],"
                                             "'labels':{'kustomize.toolkit.fluxcd.io/name':'x','app':'y'},"
                                             "'annotations':{'argocd.argoproj.io/tracking-id':'x','argocd.argoproj.io/sync':'y'}}");
    static const char *const want[] = { "kubectl-edit", "sealed-secrets", "SealedSecret", "App", "argocd", "flux" };
    struct cairn_value *list = cairn_list();

    (void)state;
    managers_list(list, metadata);
    assert_int_equal(cairn_count(list), sizeof(want) / sizeof(*want));
    for (size_t i = 0; i < cairn_count(list); i++)
        assert_string_equal(cairn_as_str(cairn_at(list, i), ""), want[i]);
    cairn_free(list);
    cairn_free(metadata);
}

static void
names_that_could_lead_elsewhere_are_refused(void **state)
{
    static const char *const bad[] = { "", "..", "a/b", "A", "a b", "a?x", "%2e", "-a" };
    struct bench *bench = *state;
    struct cairn_error err = { 0 };
    struct cairn_value *args;
    char *path;

    open_world(bench, "server: 'https://k.example'", "token: T");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        args = cairn_map();
        cairn_put(args, "name", cairn_str(bad[i]));
        assert_null(client_path(&bench->call, args, "/api/v1", "secrets", &err));
        assert_error(-1, &err, CAIRN_ERR_INVALID, "is not a name that Kubernetes can have");
        cairn_free(args);
    }
    args = host_json("{'name':'a.b-c','namespace':'other'}");
    path = client_path(&bench->call, args, "/api/v1", "secrets", &err);
    assert_string_equal(path, "/api/v1/namespaces/other/secrets/a.b-c");
    free(path);
    cairn_free(args);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(certificates_and_the_rest_of_the_cluster_are_handed_to_http),
        TEST(another_cluster_is_refused_before_anything_is_sent),
        TEST(a_server_that_is_not_kubernetes_is_refused),
        TEST(a_token_file_is_read_for_each_request),
        TEST(a_credential_is_kept_until_it_expires),
        TEST(a_refused_credential_is_renewed_once),
        TEST(each_refusal_has_its_kind),
        TEST(a_rollout_is_done_when_every_pod_is_new_and_serves),
        TEST(those_who_may_revert_an_edit_are_named_once),
        TEST(names_that_could_lead_elsewhere_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
