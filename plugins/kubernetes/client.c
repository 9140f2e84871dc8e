/*
 * client.c: requests to the Kubernetes API and what their refusals mean; used by all actions of the plugin kubernetes.
 * SPDX-License-Identifier: MIT
 */
#include "client.h"

#include "exec.h"
#include "kubeconfig.h"
#include "text.h"

#include "common/alloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define EXEC_LIMIT 60000 /* ms for a program that gets credentials */
#define EXPIRY_MARGIN 10000 /* ms before its end a credential counts as expired */
#define MAX_TOKEN (64u * 1024)

/* This worker's connection data. */
static struct {
    int loaded; /* config is filled in */
    struct kubeconfig config;
    struct credential credential; /* of the exec program */
} client = { .credential.expires = -1 };

static int
open_client(struct cairn_call *call, struct cairn_error *err)
{
    const struct cairn_value *config = cairn_config(call);
    const char *wanted = cairn_get_str(config, "cluster", NULL);
    struct kubeconfig_where where = {
        .path = cairn_get_str(config, "kubeconfig", NULL),
        .context = cairn_get_str(config, "context", NULL),
        .list = cairn_env(call, "KUBECONFIG"),
        .home = cairn_env(call, "HOME"),
        .service_host = cairn_env(call, "KUBERNETES_SERVICE_HOST"),
        .service_port = cairn_env(call, "KUBERNETES_SERVICE_PORT"),
    };

    if (client.loaded)
        return 0;
    if (!wanted)
        return cairn_fail(
            err, CAIRN_ERR_INVALID,
            "find the cluster: the configuration doesn't say which is expected; set kubernetes.cluster to its name in the kubeconfig");
    kubeconfig_release(&client.config);
    if (kubeconfig_load(&client.config, &where, err) < 0)
        return -1;
    if (strcmp(client.config.cluster, wanted) != 0)
        return cairn_fail(
            err, CAIRN_ERR_DENIED,
            "find the cluster: the kubeconfig's context %s is of cluster %s, the configuration expects %s",
            client.config.context, client.config.cluster, wanted);
    client.loaded = 1;
    return 0;
}

static void
close_client(void)
{
    client.loaded = 0;
    credential_release(&client.credential);
}

/* The variables of the user for the exec program: a list ended by NULL. */
static char **
exec_env(struct cairn_call *call)
{
    const char *names = CLIENT_EXEC_ENV;
    char **env = NULL;
    size_t count = 0;

    while (*names) {
        size_t len = strcspn(names, " ");
        char *name = alloc_strn(names, len);
        const char *value = cairn_env(call, name);

        if (value) {
            env = alloc_grow(env, count + 2, sizeof(*env));
            env[count++] = alloc_printf("%s=%s", name, value);
            env[count] = NULL;
        }
        free(name);
        names += len + (names[len] == ' ');
    }
    return env;
}

static int
refresh_credential(struct cairn_call *call, struct cairn_error *err)
{
    int64_t expires = client.credential.expires;
    char **env;
    int rc;

    if (!client.config.exec.command || expires == 0 || (expires > 0 && cairn_wall(call) < expires - EXPIRY_MARGIN))
        return 0;
    env = exec_env(call);
    rc = exec_credential(&client.credential, &client.config.exec, env, EXEC_LIMIT, err);
    for (size_t i = 0; env && env[i]; i++)
        text_wipe(env[i]);
    free(env);
    return rc;
}

/* The header "Authorization: Bearer ...", or NULL when there is no token; freed with text_wipe(). */
static int
authorization(char **out, struct cairn_error *err)
{
    const struct kubeconfig *config = &client.config;
    char *text = NULL;

    *out = NULL;
    if (config->token_file) {
        if (text_read_file(&text, config->token_file, "token file", MAX_TOKEN, err) < 0)
            return -1;
        text[strcspn(text, "\r\n")] = '\0';
    } else if (config->token) {
        text = alloc_str(config->token);
    } else {
        text = alloc_str(client.credential.token);
    }
    if (text)
        *out = alloc_printf("Authorization: Bearer %s", text);
    text_wipe(text);
    return 0;
}

/* One exchange over HTTP. */
static int
exchange(struct cairn_call *call, const struct client_request *request, struct cairn_http_reply **reply,
         struct cairn_error *err)
{
    const struct kubeconfig *config = &client.config;
    const struct credential *credential = &client.credential;
    char *url = alloc_printf("%s%s", config->server, request->path);
    char *type = request->type ? alloc_printf("Content-Type: %s", request->type) : NULL;
    char *bearer = NULL;
    const char *headers[4] = { "Accept: application/json" };
    struct cairn_http_request http =
        CAIRN_HTTP_REQUEST(.method = request->method, .url = url, .headers = headers, .body = request->body,
                           .body_len = request->body ? strlen(request->body) : 0,
                           .reads = request->reads || !request->method || strcmp(request->method, "GET") == 0,
                           .ca_file = config->ca_file, .ca_pem = config->ca_pem,
                           .cert_pem = config->cert_pem ? config->cert_pem : credential->cert_pem,
                           .key_pem = config->key_pem ? config->key_pem : credential->key_pem,
                           .server_name = config->server_name, .insecure = config->insecure, .proxy = config->proxy);
    size_t n = 1;
    int rc;

    rc = authorization(&bearer, err);
    if (type)
        headers[n++] = type;
    if (bearer)
        headers[n++] = bearer;
    if (rc == 0)
        rc = cairn_http(call, &http, reply, err);
    text_wipe(bearer);
    free(type);
    free(url);
    return rc;
}

/* Reason or status -> kind, for refusals that say that nothing was done. */
static enum cairn_error_kind
kind_of(int status)
{
    switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
        return CAIRN_ERR_INVALID;
    case 401:
    case 403:
        return CAIRN_ERR_DENIED;
    case 404:
        return CAIRN_ERR_NOT_FOUND;
    case 409:
        return CAIRN_ERR_CONFLICT;
    case 429:
        return CAIRN_ERR_THROTTLED;
    default:
        return CAIRN_ERR_FAILED;
    }
}

int
client_judge(int status, const struct cairn_value *body, const char *what, int reads, struct cairn_error *err)
{
    int spoken = strcmp(cairn_get_str(body, "kind", ""), "Status") == 0;
    const char *reason = spoken ? cairn_get_str(body, "reason", "") : "";
    int64_t wait = cairn_get_int(cairn_get(body, "details"), "retryAfterSeconds", 0);

    if (status >= 200 && status < 300)
        return 0;
    if (status >= 500)
        return cairn_fail_code(err, reads ? CAIRN_ERR_UNAVAILABLE : CAIRN_ERR_IN_DOUBT, reason, "%s: HTTP %d: %s", what,
                               status, cairn_get_str(body, "message", "the cluster has trouble"));
    if (!spoken && !reads && status != 401 && status != 429)
        return cairn_fail(err, CAIRN_ERR_IN_DOUBT, "%s: HTTP %d without a Kubernetes Status: who answered isn't known",
                          what, status);
    if (status == 429 && wait > 0)
        return cairn_fail_code(err, CAIRN_ERR_THROTTLED, reason, "%s: %s (retry after %lld s)", what,
                               cairn_get_str(body, "message", "too many requests"), (long long)wait);
    return cairn_fail_code(err, kind_of(status), reason, "%s: HTTP %d: %s", what, status,
                           cairn_get_str(body, "message", "no reason given"));
}

static int
read_reply(const struct cairn_http_reply *http, const struct client_request *request, struct cairn_value **reply,
           struct cairn_error *err)
{
    const char *method = request->method ? request->method : "GET";
    int reads = request->reads || strcmp(method, "GET") == 0;
    char *what = alloc_printf("%s %.*s", method, (int)strcspn(request->path, "?"), request->path);
    struct cairn_error ignored = { 0 };
    size_t len;
    const char *text = cairn_http_body(http, &len);
    struct cairn_value *body = cairn_parse_json(text, len, &ignored);
    int rc = client_judge(cairn_http_status(http), body, what, reads, err);

    if (rc == 0 && cairn_type(body) != CAIRN_MAP)
        rc = cairn_fail(err, reads ? CAIRN_ERR_UNAVAILABLE : CAIRN_ERR_IN_DOUBT,
                        "%s: HTTP %d with a body that isn't JSON; is there a proxy or a sign-in in between?", what, cairn_http_status(http));
    if (rc == 0) {
        *reply = body;
        body = NULL; /* handed over */
    }
    cairn_free(body);
    free(what);
    return rc;
}

/* A token that was refused may have been renewed meanwhile: read everything anew, once. */
static int
reopen(struct cairn_call *call, struct cairn_error *err)
{
    close_client();
    return open_client(call, err) < 0 || refresh_credential(call, err) < 0 ? -1 : 0;
}

int
client_request(struct cairn_call *call, const struct client_request *request, struct cairn_value **reply,
               struct cairn_error *err)
{
    struct cairn_http_reply *http = NULL;
    int rc;

    *reply = NULL;
    if (open_client(call, err) < 0 || refresh_credential(call, err) < 0 || exchange(call, request, &http, err) < 0)
        return -1;
    if (cairn_http_status(http) == 401) {
        cairn_http_free(http);
        http = NULL;
        if (reopen(call, err) < 0 || exchange(call, request, &http, err) < 0)
            return -1;
    }
    rc = read_reply(http, request, reply, err);
    cairn_http_free(http);
    return rc;
}

int
client_guard(struct cairn_call *call, struct cairn_error *err)
{
    struct client_request request = { .path = "/version" };
    struct cairn_value *reply;
    int rc;

    close_client();
    if (client_request(call, &request, &reply, err) < 0)
        return -1;
    rc = cairn_get_str(reply, "gitVersion", NULL)
             ? 0
             : cairn_fail(err, CAIRN_ERR_DENIED, "find the cluster: %s answers, but not as Kubernetes does",
                          client.config.server);
    cairn_free(reply);
    return rc;
}

/* Clusters before 1.28 don't have the question, and a user may not be allowed to ask it: then it stays open. */
static void
put_user(struct cairn_call *call, struct cairn_value *out)
{
    struct client_request request = {
        .method = "POST",
        .path = "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        .type = "application/json",
        .body = "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"SelfSubjectReview\"}",
        .reads = 1,
    };
    struct cairn_error ignored = { 0 };
    struct cairn_value *reply = NULL;
    const char *user = NULL;

    if (client_request(call, &request, &reply, &ignored) == 0)
        user = cairn_get_str(cairn_get(cairn_get(reply, "status"), "userInfo"), "username", NULL);
    if (user)
        cairn_put(out, "user", cairn_str(user));
    cairn_free(reply);
}

int
client_whoami(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct client_request request = { .path = "/version" };
    struct cairn_value *reply;

    (void)args;
    if (client_request(call, &request, &reply, err) < 0)
        return -1;
    cairn_put(out, "cluster", cairn_str(client.config.cluster));
    cairn_put(out, "context", cairn_str(client.config.context));
    cairn_put(out, "server", cairn_str(client.config.server));
    cairn_put(out, "version", cairn_str(cairn_get_str(reply, "gitVersion", NULL)));
    put_user(call, out);
    cairn_free(reply);
    return 0;
}

/* A name that may stand in a path: of a resource (DNS subdomain). */
static int
check_name(const char *name, const char *what, struct cairn_error *err)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) && (!strchr("-.", name[i]) || i == 0))
            len = 0;
    if (len == 0 || len > 253)
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s \"%.60s\" is not a name that Kubernetes can have", what, name);
    return 0;
}

char *
client_path(struct cairn_call *call, const struct cairn_value *args, const char *prefix, const char *kind,
            struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "name", "");
    const char *space = cairn_get_str(args, "namespace", NULL);

    if (open_client(call, err) < 0)
        return NULL;
    if (!space)
        space = cairn_get_str(cairn_config(call), "namespace", NULL);
    if (!space)
        space = client.config.name_space ? client.config.name_space : "default";
    if (check_name(space, "namespace", err) < 0 || check_name(name, "name", err) < 0)
        return NULL;
    return alloc_printf("%s/namespaces/%s/%s/%s", prefix, space, kind, name);
}
