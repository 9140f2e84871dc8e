/*
 * http.c: the plugin http: web addresses of any kind: smoke tests that look, and requests that change something.
 * SPDX-License-Identifier: MIT
 */
#include "prune.h"
#include "web.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_MOST (8 << 20)
#define TIMEOUT_MOST 110 /* s; the engine gives an action two minutes */

/* ---- requests ------------------------------------------------------------------------------------------------------- */

/* The host of a URL and its length; NULL when it isn't http or https. */
static const char *
host_of(const char *url, size_t *len)
{
    const char *host = strncmp(url, "http://", 7) == 0 ? url + 7 : strncmp(url, "https://", 8) == 0 ? url + 8 : NULL;
    const char *at;

    if (!host)
        return NULL;
    *len = strcspn(host, "/?#");
    at = memrchr(host, '@', *len);
    if (at) {
        *len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    return host;
}

/* Hosts are listed with their port, if the URL has one. */
static int
check_url(struct cairn_call *call, const char *url, struct cairn_error *err)
{
    const struct cairn_value *hosts = cairn_get(cairn_config(call), "hosts");
    size_t len = 0;
    const char *host = host_of(url, &len);

    if (!host || !len)
        return cairn_fail(err, CAIRN_ERR_INVALID, "ask %s: it isn't an address of the form https://host/path", url);
    for (size_t i = 0; i < cairn_count(hosts); i++) {
        const char *listed = cairn_as_str(cairn_at(hosts, i), "");

        if (strlen(listed) == len && strncasecmp(listed, host, len) == 0)
            return 0;
    }
    if (cairn_count(hosts))
        return cairn_fail(err, CAIRN_ERR_DENIED,
                          "ask %.*s: the configuration doesn't allow it; if it should, add it to the list http.hosts",
                          (int)len, host);
    return 0;
}

static int64_t
number(struct cairn_call *call, const struct cairn_value *args, const char *key, int64_t most)
{
    int64_t n = cairn_get_int(args, key, cairn_get_int(cairn_config(call), key, 1));

    return n < 1 ? 1 : n > most ? most : n;
}

static int
prepare(struct cairn_call *call, const struct cairn_value *args, const char *method, struct web_request *request,
        struct cairn_error *err)
{
    *request = (struct web_request){
        .method = method,
        .url = cairn_get_str(args, "url", ""),
        .headers = cairn_get(args, "headers"),
        .timeout_s = number(call, args, "timeout_s", TIMEOUT_MOST),
        .reply_max = number(call, args, "body_max", BODY_MOST),
        .ca_file = cairn_get_str(args, "ca_file", cairn_get_str(cairn_config(call), "ca_file", NULL)),
    };
    return check_url(call, request->url, err);
}

/* ---- replies -------------------------------------------------------------------------------------------------------- */

static struct cairn_value *
body_result(struct cairn_call *call, const struct cairn_http_reply *reply)
{
    size_t len;
    const char *body = cairn_http_body(reply, &len);
    struct cairn_value *text;
    char *copy = alloc_strn(body, len);
    char *masked;

    for (size_t i = 0; i < len; i++)
        if (copy[i] == '\0')
            copy[i] = '?';
    masked = cairn_mask(call, copy);
    text = cairn_str(masked);
    free(masked);
    free(copy);
    return text;
}

static int
fill(struct cairn_call *call, const struct cairn_value *args, const struct cairn_http_reply *reply,
     struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_error why = { 0 };
    struct cairn_value *value;
    const char *body;
    size_t len;

    cairn_put(out, "status", cairn_int(cairn_http_status(reply)));
    cairn_put(out, "type", cairn_str(cairn_http_header(reply, "Content-Type")));
    if (!cairn_get_bool(args, "json", 0)) {
        cairn_put(out, "body", body_result(call, reply));
        return 0;
    }
    body = cairn_http_body(reply, &len);
    value = cairn_parse_json(body, len, &why);
    if (!value)
        return cairn_fail(err, CAIRN_ERR_FAILED, "read the reply of %s: %s", cairn_get_str(args, "url", ""), why.text);
    cairn_put(out, "value", prune(value, cairn_get(args, "keep")));
    cairn_free(value);
    return 0;
}

/* Is the page what was expected? Why not goes to err, kind FAILED: whoever waits for it asks again. */
static int
meets(const struct cairn_value *args, const struct cairn_http_reply *reply, struct cairn_error *err)
{
    const char *url = cairn_get_str(args, "url", "");
    const char *text = cairn_get_str(args, "expect_text", NULL);
    const struct cairn_value *headers = cairn_get(args, "expect_header");
    int status = cairn_http_status(reply);
    char code[16];
    char *excerpt = web_excerpt(reply);
    int rc = 0;

    snprintf(code, sizeof(code), "%d", status);
    if (!web_is_expected(status, cairn_get(args, "expect_status")))
        rc = cairn_fail_code(err, CAIRN_ERR_FAILED, code, "GET %s: HTTP %d%s%s", url, status, *excerpt ? ": " : "", excerpt);
    else if (text && !strstr(cairn_http_body(reply, NULL), text))
        rc = cairn_fail_code(err, CAIRN_ERR_FAILED, code, "GET %s: the text \"%s\" isn't on the page: %s", url, text, excerpt);
    for (size_t i = 0; rc == 0 && i < cairn_count(headers); i++) {
        const char *have = cairn_http_header(reply, cairn_key(headers, i));
        const char *want = cairn_as_str(cairn_at(headers, i), "");

        if (!have || !strstr(have, want))
            rc = cairn_fail_code(err, CAIRN_ERR_FAILED, code, "GET %s: the header %s is %s, not %s", url,
                                 cairn_key(headers, i), have ? have : "missing", want);
    }
    free(excerpt);
    return rc;
}

/* ---- actions -------------------------------------------------------------------------------------------------------- */

static int
http_get(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_http_reply *reply = NULL;
    struct web_request request;
    int rc = prepare(call, args, "GET", &request, err);

    if (rc == 0)
        rc = web_send(call, &request, &reply, err);
    if (rc == 0)
        rc = meets(args, reply, err);
    if (rc == 0)
        rc = fill(call, args, reply, out, err);
    cairn_http_free(reply);
    return rc;
}

/* The body: a text as it is, or a value as JSON. A new text; NULL for none. */
static char *
body_of(const struct cairn_value *args)
{
    const struct cairn_value *value = cairn_get(args, "value");

    return value ? cairn_format_json(value) : alloc_str(cairn_get_str(args, "body", NULL));
}

static int
send_change(struct cairn_call *call, const struct cairn_value *args, const char *method, struct cairn_value *out,
            struct cairn_error *err)
{
    struct cairn_http_reply *reply = NULL;
    struct web_request request;
    char *key = alloc_printf("Idempotency-Key: %s", cairn_call_token(call));
    const char *more[] = { key, cairn_get(args, "value") ? "Content-Type: application/json" : NULL, NULL };
    char *body = body_of(args);
    int rc = prepare(call, args, method, &request, err);

    request.more = more;
    request.body = body ? body : "";
    if (rc == 0)
        rc = web_send(call, &request, &reply, err);
    if (rc == 0)
        rc = web_judge(&request, reply, cairn_get(args, "expect_status"), err);
    if (rc == 0)
        rc = fill(call, args, reply, out, err);
    cairn_http_free(reply);
    if (body)
        explicit_bzero(body, strlen(body));
    free(body);
    free(key);
    return rc;
}

static int
http_post(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    return send_change(call, args, "POST", out, err);
}

static int
http_request(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const char *method = cairn_get_str(args, "method", "POST");

    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || !*method
        || method[strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
        return cairn_fail(err, CAIRN_ERR_INVALID, "send request: method %s doesn't change anything, or is none", method);
    return send_change(call, args, method, out, err);
}

static int
http_put(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    return send_change(call, args, "PUT", out, err);
}

/* What `check` (the arguments of get) says is the only evidence. */
static int
observe_change(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    const struct cairn_value *check = cairn_get(args, "check");
    struct cairn_http_reply *reply = NULL;
    struct web_request request;
    int rc;

    if (!check) {
        cairn_fail(err, CAIRN_ERR_IN_DOUBT, "look for the request to %s: it has no check by which it can be seen",
                   cairn_get_str(args, "url", ""));
        return CAIRN_SEEN_UNKNOWN;
    }
    rc = prepare(call, check, "GET", &request, err);
    if (rc == 0)
        rc = web_send(call, &request, &reply, err);
    if (rc < 0)
        return -1;
    if (meets(check, reply, err) == 0) {
        cairn_put(out, "status", cairn_int(cairn_http_status(reply)));
        cairn_put(out, "seen", cairn_bool(1));
        rc = CAIRN_SEEN_DONE;
    } else {
        rc = CAIRN_SEEN_UNKNOWN;
    }
    cairn_http_free(reply);
    return rc;
}

#define ADDRESS \
    { "url", CAIRN_STR, CAIRN_REQUIRED, "http or https", 0 }, \
    { "headers", CAIRN_MAP, 0, "name to text; secrets are fine", 0 }, \
    { "expect_status", CAIRN_LIST, 0, "statuses that are fine; 200 to 299 if left out", 0 }, \
    { "json", CAIRN_BOOL, 0, "read the reply as JSON: `value` instead of `body`", "false" }, \
    { "keep", CAIRN_LIST, 0, "names of the JSON's members to keep, at any depth; all others are left out", 0 }, \
    { "body_max", CAIRN_INT, 0, "bytes that a reply may have; http.body_max if left out", 0 }, \
    { "timeout_s", CAIRN_INT, 0, "seconds of wall time, up to 110; http.timeout_s if left out", 0 }, \
    { "ca_file", CAIRN_STR, 0, "certificates to trust, PEM; http.ca_file if left out, else the system's", 0 }
#define CHANGE \
    ADDRESS, \
    { "body", CAIRN_STR, 0, "what is sent", 0 }, \
    { "value", CAIRN_ANY, 0, "what is sent, as JSON", 0 }

static const struct cairn_param get_params[] = {
    ADDRESS,
    { "expect_text", CAIRN_STR, 0, "text that must be on the page", 0 },
    { "expect_header", CAIRN_MAP, 0, "name to a text that the reply's header must contain", 0 },
    { 0 },
};
#define CHECK { "check", CAIRN_MAP, 0, "arguments of get: what can be seen there once it was done", 0 }
static const struct cairn_param post_params[] = { CHANGE, CHECK, { 0 } };
static const struct cairn_param request_params[] = {
    CHANGE,
    CHECK,
    { "method", CAIRN_STR, 0, "POST, PUT, PATCH, DELETE, ...", "\"POST\"" },
    { 0 },
};
static const struct cairn_param put_params[] = { CHANGE, { 0 } };

#define REPLY \
    { "status", CAIRN_INT, CAIRN_REQUIRED, "the reply's status", 0 }, \
    { "type", CAIRN_STR, 0, "its content type", 0 }, \
    { "body", CAIRN_STR, 0, "its body", 0 }, \
    { "value", CAIRN_ANY, 0, "with json: what the body says", 0 }
static const struct cairn_param results[] = { REPLY, { 0 } };
static const struct cairn_param change_results[] = {
    REPLY,
    { "seen", CAIRN_BOOL, 0, "true: the reply was lost, and the check showed that it was done; the status is the check's", 0 },
    { 0 },
};

static const struct cairn_action actions[] = {
    { .name = "get",
      .help = "Ask for a page and look whether it is as expected: status, type, body, value.",
      .params = get_params,
      .results = results,
      .effect = CAIRN_READ,
      .run = http_get },
    { .name = "post",
      .help = "Send something, with an Idempotency-Key; in doubt the check is asked, or a person: status, type, body, value.",
      .params = post_params,
      .results = change_results,
      .effect = CAIRN_TRIGGER,
      .run = http_post,
      .observe = observe_change },
    { .name = "request",
      .help = "The same with any method: status, type, body, value.",
      .params = request_params,
      .results = change_results,
      .effect = CAIRN_TRIGGER,
      .run = http_request,
      .observe = observe_change },
    { .name = "put",
      .help = "Put a document in its place; in doubt it is put again: status, type, body, value.",
      .params = put_params,
      .results = results,
      .effect = CAIRN_SET,
      .run = http_put },
    { 0 },
};

static const struct cairn_param config[] = {
    { "hosts", CAIRN_LIST, 0, "hosts that may be asked, HOST or HOST:PORT; any if left out or empty", "[]" },
    { "timeout_s", CAIRN_INT, 0, "seconds of wall time for a request, up to 110", "30" },
    { "body_max", CAIRN_INT, 0, "bytes that a reply may have, up to 8 MiB", "65536" },
    { "ca_file", CAIRN_STR, 0, "certificates to trust, PEM; the system's if left out", 0 },
    { 0 },
};

CAIRN_PLUGIN(.name = "http", .version = "1", .help = "Web addresses.", .actions = actions, .section = "http",
             .config = config);
