/*
 * provider_http.c: keys that the machine has: those of its container, then those of the instance; called by
 * credentials.c.
 * SPDX-License-Identifier: MIT
 *
 * The addresses are the machine's own: no proxy is asked for them, and a container's may be elsewhere only by TLS.
 */
#include "cache.h"
#include "common/alloc.h"
#include "common/file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONTAINER_HOST "http://169.254.170.2"
#define CONTAINER_MS 2000
#define CONTAINER_TRIES 3
#define INSTANCE_HOST "http://169.254.169.254"
#define INSTANCE_HOST_6 "http://[fd00:ec2::254]"
#define INSTANCE_MS 1000
#define ROLES "latest/meta-data/iam/security-credentials/"
#define TOKEN_MAX (64u << 10)

static int
get(struct cairn_call *call, const char *method, const char *url, const char *header, int64_t limit,
    struct cairn_http_reply **reply, struct cairn_error *err)
{
    const char *const headers[] = { header, NULL };
    struct cairn_http_request request = CAIRN_HTTP_REQUEST(
            .method = method, .url = url, .headers = headers, .reads = 1, .timeout_ms = limit, .max_reply = 1 << 16,
            .proxy = "");

    return cairn_http(call, &request, reply, err);
}

/* ---- the container ---- */

static int
is_local(const char *host, size_t len)
{
    static const char *const hosts[] = { "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "[::1]" };

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (strlen(hosts[i]) == len && !strncasecmp(host, hosts[i], len))
            return 1;
    return !strncmp(host, "127.", 4) && strspn(host, "0123456789.") >= len;
}

/* With keys in the reply and a token in the request, only this machine may be spoken to in clear. */
static int
check_uri(const char *uri, struct cairn_error *err)
{
    const char *host = uri + 7;
    size_t len;

    if (!strncmp(uri, "https://", 8))
        return 0;
    if (strncmp(uri, "http://", 7) != 0)
        return cairn_fail(err, CAIRN_ERR_DENIED,
                          "find credentials: AWS_CONTAINER_CREDENTIALS_FULL_URI begins neither with https:// nor with http://");
    len = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
    if (host[strcspn(host, "@/?#")] != '@' && is_local(host, len))
        return 0;
    return cairn_fail(
        err, CAIRN_ERR_DENIED,
        "find credentials: AWS_CONTAINER_CREDENTIALS_FULL_URI must begin with https:// unless its host is this machine");
}

/* The header with the token that the container's endpoint wants, or NULL with 0. */
static int
authorization(char **out, const struct search *search, struct cairn_error *err)
{
    const char *path = provider_variable(search, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    struct cairn_error why = { 0 };
    char *token = NULL;
    size_t len = 0;

    *out = NULL;
    if (path && file_read(&token, &len, path, TOKEN_MAX, &why) < 0)
        return cairn_fail(err, CAIRN_ERR_DENIED, "find credentials: %s", why.text);
    if (!path)
        token = alloc_str(provider_variable(search, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    if (token && strpbrk(token, "\r\n"))
        cairn_fail(err, CAIRN_ERR_DENIED, "find credentials: the container's authorization token has a line break in it");
    else if (token)
        *out = alloc_printf("Authorization: %s", token);
    if (token)
        explicit_bzero(token, strlen(token));
    free(token);
    return err->kind ? -1 : 0;
}

static char *
container_url(const struct search *search)
{
    const char *path = provider_variable(search, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");

    return path ? alloc_printf("%s%s%s", CONTAINER_HOST, *path == '/' ? "" : "/", path)
                : alloc_str(provider_variable(search, "AWS_CONTAINER_CREDENTIALS_FULL_URI"));
}

static int
judge(struct credentials *out, const char *source, const struct cairn_http_reply *reply, struct cairn_error *err)
{
    int status = cairn_http_status(reply);
    size_t len;
    const char *body = cairn_http_body(reply, &len);

    if (status >= 500)
        return cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "get credentials from %s: HTTP %d", source, status);
    if (status != 200)
        return cairn_fail(err, CAIRN_ERR_DENIED, "get credentials from %s: HTTP %d", source, status);
    return provider_read_json(out, source, body, len, "Token", err);
}

static int
fetch_container(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    char *url = container_url(search);
    char *header = NULL;
    int rc = check_uri(url, err) < 0 || authorization(&header, search, err) < 0 ? -1 : 0;

    for (int n = 1; rc == 0; n++) {
        struct cairn_http_reply *reply = NULL;
        struct cairn_error why = { 0 };

        if (get(search->call, "GET", url, header, CONTAINER_MS, &reply, &why) == 0
            && judge(out, "the container's endpoint", reply, &why) == 0)
            rc = 1;
        cairn_http_free(reply);
        if (rc == 0 && (n == CONTAINER_TRIES || why.kind == CAIRN_ERR_DENIED))
            rc = cairn_fail(err, why.kind == CAIRN_ERR_DENIED ? why.kind : CAIRN_ERR_UNAVAILABLE,
                            "find credentials: %s", why.text);
    }
    if (header)
        explicit_bzero(header, strlen(header));
    free(header);
    free(url);
    return rc;
}

int
provider_container(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    char *url = container_url(search);
    char *key;
    int rc;

    if (!url)
        return 0;
    key = alloc_printf("container\n%s", url);
    rc = cache_through(out, key, search, fetch_container, err);
    free(key);
    free(url);
    return rc;
}

/* ---- the instance ---- */

static int
is_on(const struct search *search, const char *variable)
{
    const char *value = provider_variable(search, variable);

    return value && !strcasecmp(value, "true");
}

/* With a slash at its end; freed with free(). */
static char *
instance_base(const struct search *search)
{
    const char *given = provider_variable(search, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = provider_variable(search, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    const char *base = given ? given : mode && !strcasecmp(mode, "ipv6") ? INSTANCE_HOST_6 : INSTANCE_HOST;

    return alloc_printf("%s%s", base, base[strlen(base) - 1] == '/' ? "" : "/");
}

/* The header with the session's token; NULL with 0 where the service is of version 1 and may be. -1 without `err` where
 * there is no such service. */
static int
open_session(char **header, const struct search *search, const char *base, struct cairn_error *err)
{
    char *url = alloc_printf("%slatest/api/token", base);
    struct cairn_http_reply *reply = NULL;
    struct cairn_error ignored = { 0 };
    int status = 0;
    int rc = -1;

    *header = NULL;
    if (get(search->call, "PUT", url, "X-aws-ec2-metadata-token-ttl-seconds: 21600", INSTANCE_MS, &reply, &ignored) == 0)
        status = cairn_http_status(reply);
    if (status == 200) {
        *header = alloc_printf("X-aws-ec2-metadata-token: %s", cairn_http_body(reply, NULL));
        rc = 0;
    } else if (status == 403 || status == 404 || status == 405) {
        rc = is_on(search, "AWS_EC2_METADATA_V1_DISABLED")
                 ? cairn_fail(err, CAIRN_ERR_DENIED,
                              "find credentials: the instance's metadata are only to be had by version 1, which "
                              "AWS_EC2_METADATA_V1_DISABLED forbids")
                 : 0;
    } else if (status) {
        cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "find credentials: the instance's metadata: HTTP %d", status);
    }
    cairn_http_free(reply);
    free(url);
    return rc;
}

/* The name of the instance's role as a new text; NULL when it has none. */
static char *
instance_role(const struct search *search, const char *base, const char *header)
{
    char *url = alloc_printf("%s" ROLES, base);
    struct cairn_http_reply *reply = NULL;
    struct cairn_error ignored = { 0 };
    char *role = NULL;

    if (get(search->call, "GET", url, header, INSTANCE_MS, &reply, &ignored) == 0 && cairn_http_status(reply) == 200) {
        const char *body = cairn_http_body(reply, NULL);

        if (*body && strcspn(body, "\r\n") > 0)
            role = alloc_strn(body, strcspn(body, "\r\n"));
    }
    cairn_http_free(reply);
    free(url);
    return role;
}

static int
fetch_role_keys(struct credentials *out, const struct search *search, const char *base, const char *header,
                const char *role, struct cairn_error *err)
{
    char *name = cairn_url_encode(role, "");
    char *url = alloc_printf("%s" ROLES "%s", base, name);
    char *source = alloc_printf("the instance's role %s", role);
    struct cairn_http_reply *reply = NULL;
    int rc = get(search->call, "GET", url, header, INSTANCE_MS, &reply, err);

    if (rc == 0)
        rc = judge(out, source, reply, err);
    cairn_http_free(reply);
    free(source);
    free(url);
    free(name);
    return rc == 0 ? 1 : -1;
}

static int
fetch_instance(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    char *base = instance_base(search);
    char *header = NULL, *role = NULL;
    int rc = open_session(&header, search, base, err);

    if (rc == 0)
        role = instance_role(search, base, header);
    if (role)
        rc = fetch_role_keys(out, search, base, header, role, err);
    else if (!err->kind)
        rc = 0; /* nobody is there, or it has no role */
    if (header)
        explicit_bzero(header, strlen(header));
    free(header);
    free(role);
    free(base);
    return rc;
}

int
provider_instance(struct credentials *out, const struct search *search, struct cairn_error *err)
{
    char *base, *key;
    int rc;

    if (is_on(search, "AWS_EC2_METADATA_DISABLED"))
        return 0;
    base = instance_base(search);
    key = alloc_printf("instance\n%s", base);
    rc = cache_through(out, key, search, fetch_instance, err);
    free(key);
    free(base);
    return rc;
}
