/*
 * web.c: a plugin for tests that makes the requests it is told to make.
 * SPDX-License-Identifier: MIT
 */
#include <cairn/plugin.h>

#include <stdlib.h>

#define HEADERS_MAX 8

/* One of `requests`: {method, url, body, headers, reads, timeout_ms, max_reply, ca_pem, cert_pem, key_pem, server_name,
 * insecure, proxy} */
static int
request_one(struct cairn_call *call, const struct cairn_value *r, struct cairn_value *replies, struct cairn_error *err)
{
    const struct cairn_value *lines = cairn_get(r, "headers");
    const char *headers[HEADERS_MAX + 1] = { NULL };
    size_t filler = (size_t)cairn_get_int(r, "body_bytes", 0);
    char *long_body = filler ? calloc(filler, 1) : NULL;
    struct cairn_http_request request =
        CAIRN_HTTP_REQUEST(.method = cairn_get_str(r, "method", NULL), .headers = headers);
    struct cairn_http_reply *reply;
    struct cairn_value *said;
    int rc;

    for (size_t i = 0; i < HEADERS_MAX && i < cairn_count(lines); i++)
        headers[i] = cairn_as_str(cairn_at(lines, i), "");
    request.url = cairn_get_str(r, "url", NULL);
    request.body = long_body ? long_body : cairn_get_str(r, "body", NULL);
    for (const char *c = request.body; !filler && c && *c; c++)
        request.body_len++;
    if (filler)
        request.body_len = filler;
    request.reads = cairn_get_bool(r, "reads", 0);
    request.timeout_ms = cairn_get_int(r, "timeout_ms", 20000);
    request.max_reply = cairn_get_int(r, "max_reply", 0);
    request.ca_pem = cairn_get_str(r, "ca_pem", NULL);
    request.ca_file = cairn_get_str(r, "ca_file", NULL);
    request.cert_pem = cairn_get_str(r, "cert_pem", NULL);
    request.key_pem = cairn_get_str(r, "key_pem", NULL);
    request.server_name = cairn_get_str(r, "server_name", NULL);
    request.insecure = cairn_get_bool(r, "insecure", 0);
    request.proxy = cairn_get_str(r, "proxy", NULL);
    rc = cairn_http(call, &request, &reply, err);
    free(long_body);
    if (rc < 0)
        return -1;
    said = cairn_map();
    cairn_put(said, "status", cairn_int(cairn_http_status(reply)));
    cairn_put(said, "body", cairn_str(cairn_http_body(reply, NULL)));
    cairn_put(said, "location", cairn_str(cairn_http_header(reply, "LOCATION")));
    cairn_add(replies, said);
    cairn_http_free(reply);
    return 0;
}

static int
web_request(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const struct cairn_value *requests = cairn_get(args, "requests");
    struct cairn_value *replies = cairn_list();
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < cairn_count(requests); i++)
        rc = request_one(call, cairn_at(requests, i), replies, err);
    cairn_put(out, "replies", replies);
    return rc;
}

static int
web_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    return web_request(call, args, out, err) < 0 ? -1 : CAIRN_SEEN_DONE;
}

static const struct cairn_param params[] = {
    { "requests", CAIRN_LIST, CAIRN_REQUIRED, "one after the other, until one fails", 0 },
    { 0 },
};
static const struct cairn_action actions[] = {
    { .name = "read", .help = "Requests: replies.", .params = params, .effect = CAIRN_READ, .run = web_request },
    { .name = "change", .help = "Requests: replies.", .params = params, .effect = CAIRN_TRIGGER, .run = web_request,
      .observe = web_observe, .plan = web_request },
    { 0 },
};

CAIRN_PLUGIN(.name = "web", .version = "1", .help = "Requests, for tests.", .actions = actions);
