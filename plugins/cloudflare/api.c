/*
 * api.c: requests to the Cloudflare API and what its envelope means; used by cloudflare.c.
 * SPDX-License-Identifier: MIT
 */
#include "api.h"

#include "common/alloc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE_URL "https://api.cloudflare.com/client/v4"

/* Codes whose HTTP status doesn't tell their kind. */
static const struct {
    const char *code;
    enum cairn_error_kind kind;
} kinds[] = {
    { "1000", CAIRN_ERR_DENIED }, /* invalid API token */
    { "6003", CAIRN_ERR_DENIED }, /* invalid request headers: a malformed token */
    { "6111", CAIRN_ERR_DENIED }, /* invalid format for the Authorization header */
    { "9103", CAIRN_ERR_DENIED }, /* unknown key or address */
    { "9106", CAIRN_ERR_DENIED }, /* no credentials */
    { "9109", CAIRN_ERR_DENIED }, /* invalid access token, or not for this zone */
    { "10000", CAIRN_ERR_DENIED }, /* authentication error */
    { "7003", CAIRN_ERR_NOT_FOUND }, /* no such object */
    { API_SCRIPT_MISSING, CAIRN_ERR_NOT_FOUND },
    { API_DUPLICATE_ROUTE, CAIRN_ERR_CONFLICT },
};

static enum cairn_error_kind
kind_of(int status, const char *code)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (strcmp(kinds[i].code, code) == 0)
            return kinds[i].kind;
    switch (status) {
    case 400:
    case 405:
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
    default:
        return CAIRN_ERR_FAILED;
    }
}

int
api_judge(int status, const struct cairn_value *envelope, const char *retry_after, const char *what, int reads,
          struct cairn_error *err)
{
    const struct cairn_value *first = cairn_at(cairn_get(envelope, "errors"), 0);
    const char *message = cairn_get_str(first, "message", "no reason given");
    int spoken = cairn_type(cairn_get(envelope, "success")) == CAIRN_BOOL;
    char code[24] = "";

    if (cairn_type(cairn_get(first, "code")) == CAIRN_INT)
        snprintf(code, sizeof(code), "%lld", (long long)cairn_get_int(first, "code", 0));
    if (status == 429)
        return cairn_fail_code(err, CAIRN_ERR_THROTTLED, code, "%s: too many requests (retry after %s s)", what,
                               retry_after ? retry_after : "some");
    if (status >= 500)
        return cairn_fail_code(err, reads ? CAIRN_ERR_UNAVAILABLE : CAIRN_ERR_IN_DOUBT, code, "%s: HTTP %d: %s", what,
                               status, message);
    if (!spoken)
        return cairn_fail(err, reads ? CAIRN_ERR_UNAVAILABLE : CAIRN_ERR_IN_DOUBT,
                          "%s: HTTP %d with a body that isn't an answer of Cloudflare; is there a proxy in between?", what, status);
    if (cairn_get_bool(envelope, "success", 0) && status < 300)
        return 0;
    return cairn_fail_code(err, kind_of(status, code), code, "%s: HTTP %d: %s%s%s%s", what, status, message,
                           *code ? " (code " : "", code, *code ? ")" : "");
}

static const char *
base_url(struct cairn_call *call)
{
    const char *url = cairn_get_str(cairn_config(call), "base_url", NULL);

    if (!url || !*url)
        url = cairn_env(call, "CLOUDFLARE_API_BASE_URL");
    return url && *url ? url : BASE_URL;
}

static const char *
token_of(struct cairn_call *call)
{
    const char *token = cairn_get_str(cairn_config(call), "token", NULL);

    if (!token || !*token)
        token = cairn_env(call, "CLOUDFLARE_API_TOKEN");
    return token && *token ? token : NULL;
}

int
api_uses_token(struct cairn_call *call)
{
    return token_of(call) != NULL;
}

static void
wipe(char *owned)
{
    if (owned)
        explicit_bzero(owned, strlen(owned));
    free(owned);
}

/* The one or two lines that say who we are. */
static int
authorize(struct cairn_call *call, char *lines[2], struct cairn_error *err)
{
    const char *token = token_of(call);
    const char *key = cairn_env(call, "CLOUDFLARE_API_KEY");
    const char *email = cairn_env(call, "CLOUDFLARE_EMAIL");

    if (token) {
        lines[0] = alloc_printf("Authorization: Bearer %s", token);
    } else if (key && *key && email && *email) {
        lines[0] = alloc_printf("X-Auth-Key: %s", key);
        lines[1] = alloc_printf("X-Auth-Email: %s", email);
    } else {
        return cairn_fail(err, CAIRN_ERR_DENIED,
                          "find a Cloudflare token: there is none; set cloudflare.token or CLOUDFLARE_API_TOKEN");
    }
    for (int i = 0; i < 2; i++)
        if (lines[i] && strpbrk(lines[i], "\r\n"))
            return cairn_fail(err, CAIRN_ERR_DENIED, "find a Cloudflare token: it has a line break in it");
    return 0;
}

static int
send_request(struct cairn_call *call, const struct cairn_http_request *http, const char *what,
             struct cairn_value **envelope, struct cairn_error *err)
{
    struct cairn_http_reply *reply = NULL;
    struct cairn_error ignored = { 0 };
    const char *text;
    size_t len;
    int rc;

    *envelope = NULL;
    if (cairn_http(call, http, &reply, err) < 0)
        return -1;
    text = cairn_http_body(reply, &len);
    *envelope = cairn_parse_json(text, len, &ignored);
    rc =
        api_judge(cairn_http_status(reply), *envelope, cairn_http_header(reply, "Retry-After"), what, http->reads, err);
    if (rc < 0) {
        cairn_free(*envelope);
        *envelope = NULL;
    }
    cairn_http_free(reply);
    return rc;
}

int
api_request(struct cairn_call *call, const char *method, const char *path, const struct cairn_value *body,
            struct cairn_value **envelope, struct cairn_error *err)
{
    const char *base = base_url(call);
    size_t len = strlen(base);
    char *lines[2] = { NULL, NULL };
    char *text = body ? cairn_format_json(body) : NULL;
    char *what = alloc_printf("%s %.*s", method, (int)strcspn(path, "?"), path);
    char *url;
    int rc;

    while (len && base[len - 1] == '/')
        len--;
    url = alloc_printf("%.*s%s", (int)len, base, path);
    rc = authorize(call, lines, err);
    if (rc == 0) {
        const char *headers[] = { "Accept: application/json", "Content-Type: application/json", lines[0], lines[1],
                                  NULL };
        struct cairn_http_request http =
            CAIRN_HTTP_REQUEST(.method = method, .url = url, .headers = headers, .body = text,
                               .body_len = text ? strlen(text) : 0, .reads = strcmp(method, "GET") == 0);

        rc = send_request(call, &http, what, envelope, err);
    }
    wipe(lines[0]);
    wipe(lines[1]);
    free(url);
    free(what);
    free(text);
    return rc;
}

char *
api_zone_path(struct cairn_call *call, const char *rest, struct cairn_error *err)
{
    const char *zone = cairn_get_str(cairn_config(call), "zone", "");
    size_t len = strlen(zone);

    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)zone[i]) && zone[i] != '-' && zone[i] != '_')
            len = 0;
    if (!len) {
        cairn_fail(err, CAIRN_ERR_INVALID,
                   "find the zone: the configuration names none; set cloudflare.zone to the zone's id (32 hex digits)");
        return NULL;
    }
    return alloc_printf("/zones/%s%s", zone, rest);
}
