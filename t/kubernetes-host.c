/*
 * kubernetes-host.c: a small host for pieces of the plugin kubernetes: a folder, a call, and an HTTP that is scripted.
 * SPDX-License-Identifier: MIT
 */
#include "kubernetes-host.h"

#include <stdio.h>

struct host_http host_http;

struct cairn_http_reply {
    int status;
    const char *body;
};

const struct cairn_value *
cairn_config(const struct cairn_call *call)
{
    return call->config;
}

const char *
cairn_env(const struct cairn_call *call, const char *name)
{
    for (const char *const *p = call->env; p && *p; p += 2)
        if (strcmp(p[0], name) == 0)
            return p[1];
    return NULL;
}

int64_t
cairn_call_started(const struct cairn_call *call)
{
    return call->started;
}

int64_t
cairn_wall(const struct cairn_call *call)
{
    return call->wall;
}

static void
keep(char **to, const char *text)
{
    free(*to);
    *to = alloc_str(text);
}

int
cairn_http(struct cairn_call *call, const struct cairn_http_request *request, struct cairn_http_reply **reply,
           struct cairn_error *err)
{
    struct host_http *h = &host_http;
    int n = h->count < 8 ? h->count : 7;
    char *lines = alloc_str("");

    (void)call;
    (void)err;
    while (n > 0 && h->statuses[n] == 0)
        n--;
    for (size_t i = 0; request->headers && request->headers[i]; i++) {
        char *longer = alloc_printf("%s%s\n", lines, request->headers[i]);

        free(lines);
        lines = longer;
    }
    keep(&h->headers, lines);
    free(lines);
    keep(&h->method, request->method ? request->method : "GET");
    keep(&h->url, request->url);
    keep(&h->body, request->body);
    keep(&h->ca_file, request->ca_file);
    keep(&h->ca_pem, request->ca_pem);
    keep(&h->cert_pem, request->cert_pem);
    keep(&h->key_pem, request->key_pem);
    keep(&h->server_name, request->server_name);
    keep(&h->proxy, request->proxy);
    h->insecure = request->insecure;
    h->reads = request->reads;
    h->count++;
    *reply = alloc_zero(1, sizeof(**reply));
    (*reply)->status = h->statuses[n];
    (*reply)->body = h->bodies[n] ? h->bodies[n] : "{}";
    return 0;
}

int
cairn_http_status(const struct cairn_http_reply *reply)
{
    return reply->status;
}

const char *
cairn_http_body(const struct cairn_http_reply *reply, size_t *len)
{
    if (len)
        *len = strlen(reply->body);
    return reply->body;
}

void
cairn_http_free(struct cairn_http_reply *owned)
{
    free(owned);
}

/* Only for the masks of the worker's values, which no test here looks at. */
char *
cairn_url_encode(const char *text, const char *more)
{
    (void)more;
    return alloc_str(text);
}

void
host_reset(void)
{
    struct host_http *h = &host_http;
    char **texts[] = { &h->method, &h->url, &h->body, &h->headers, &h->ca_file, &h->ca_pem, &h->cert_pem, &h->key_pem,
                       &h->server_name, &h->proxy };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        free(*texts[i]);
    memset(h, 0, sizeof(*h));
}

char *
host_write(const char *dir, const char *name, const char *text)
{
    char *path = alloc_printf("%s/%s", dir, name);
    FILE *f = fopen(path, "wbe");

    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
    return path;
}

struct cairn_value *
host_json(const char *text)
{
    char *copy = alloc_str(text);
    struct cairn_error err = { 0 };
    struct cairn_value *value;

    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    value = cairn_parse_json(copy, strlen(copy), &err);
    if (!value)
        fail_msg("%s in %s", err.text, text);
    free(copy);
    return value;
}
