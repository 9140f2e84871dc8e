/*
 * web.c: a request to any web address and what its status means; used by the plugins http and notify.
 * SPDX-License-Identifier: MIT
 */
#include "web.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define EXCERPT 200 /* bytes */

static int
has_header(const struct cairn_value *headers, const char *line)
{
    size_t len = strcspn(line, ":");

    for (size_t i = 0; i < cairn_count(headers); i++)
        if (strlen(cairn_key(headers, i)) == len && strncasecmp(cairn_key(headers, i), line, len) == 0)
            return 1;
    return 0;
}

static void
free_lines(char **lines)
{
    for (size_t i = 0; lines[i]; i++) {
        explicit_bzero(lines[i], strlen(lines[i]));
        free(lines[i]);
    }
    free(lines);
}

static char **
build_lines(const struct web_request *request)
{
    size_t given = cairn_count(request->headers), more = 0, n = 0;
    char **lines;

    while (request->more && request->more[more])
        more++;
    lines = alloc_zero(given + more + 1, sizeof(*lines));
    for (size_t i = 0; i < given; i++)
        lines[n++] = alloc_printf("%s: %s", cairn_key(request->headers, i),
                                  cairn_as_str(cairn_at(request->headers, i), ""));
    for (size_t i = 0; i < more; i++)
        if (!has_header(request->headers, request->more[i]))
            lines[n++] = alloc_str(request->more[i]);
    return lines;
}

int
web_send(struct cairn_call *call, const struct web_request *request, struct cairn_http_reply **reply,
         struct cairn_error *err)
{
    char **lines = build_lines(request);
    struct cairn_http_request http = CAIRN_HTTP_REQUEST(
        .method = request->method, .url = request->url, .headers = (const char *const *)lines, .body = request->body,
        .body_len = request->body ? strlen(request->body) : 0, .timeout_ms = request->timeout_s * 1000,
        .max_reply = request->reply_max, .ca_file = request->ca_file);
    int rc = cairn_http(call, &http, reply, err);

    free_lines(lines);
    return rc;
}

int
web_is_expected(int status, const struct cairn_value *expected)
{
    for (size_t i = 0; i < cairn_count(expected); i++)
        if (cairn_as_int(cairn_at(expected, i), 0) == status)
            return 1;
    return cairn_count(expected) == 0 && status >= 200 && status < 300;
}

char *
web_excerpt(const struct cairn_http_reply *reply)
{
    size_t len;
    const char *body = cairn_http_body(reply, &len);
    char *text = alloc_strn(body, len > EXCERPT ? EXCERPT : len);

    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
    return text;
}

static enum cairn_error_kind
kind_of(int status)
{
    switch (status) {
    case 401:
    case 403: return CAIRN_ERR_DENIED;
    case 404:
    case 410: return CAIRN_ERR_NOT_FOUND;
    case 409:
    case 412: return CAIRN_ERR_CONFLICT;
    case 429: return CAIRN_ERR_THROTTLED;
    case 408: return CAIRN_ERR_IN_DOUBT;
    default: break;
    }
    return status >= 500 ? CAIRN_ERR_IN_DOUBT : status >= 400 ? CAIRN_ERR_INVALID : CAIRN_ERR_FAILED;
}

int
web_judge(const struct web_request *request, const struct cairn_http_reply *reply, const struct cairn_value *expected,
          struct cairn_error *err)
{
    int status = cairn_http_status(reply);
    char code[16];
    char *excerpt;

    if (web_is_expected(status, expected))
        return 0;
    snprintf(code, sizeof(code), "%d", status);
    excerpt = web_excerpt(reply);
    cairn_fail_code(err, kind_of(status), code, "%s %s: HTTP %d%s%s", request->method, request->url, status,
                    *excerpt ? ": " : "", excerpt);
    free(excerpt);
    return -1;
}
