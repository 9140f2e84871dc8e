/*
 * json.c: the JSON protocol: an operation in X-Amz-Target, JSON goes there and comes back.
 * SPDX-License-Identifier: MIT
 */
#include "json.h"

#include "common/alloc.h"
#include "errors.h"

#include <stdlib.h>
#include <string.h>

int
json_reply(struct cairn_value **out, struct cairn_http_reply *owned, const char *action, int reads,
           struct cairn_error *err)
{
    struct cairn_error problem = { 0 };
    struct cairn_value *json;
    const char *body;
    size_t len;

    *out = NULL;
    body = cairn_http_body(owned, &len);
    json = len ? cairn_parse_json(body, len, &problem) : cairn_map();
    if (!json)
        errors_unreadable(err, action, reads, errors_page(body, len, problem.text));
    cairn_http_free(owned);
    if (!json)
        return -1;
    if (cairn_type(json) != CAIRN_MAP) {
        cairn_free(json);
        return errors_unreadable(err, action, reads, "it isn't an object");
    }
    *out = json;
    return 0;
}

int
json_send(struct cairn_value **out, struct cairn_call *call, const struct json_request *request,
          struct cairn_error *err)
{
    const struct json_service *service = request->service;
    char *body = request->body ? cairn_format_json(request->body) : alloc_str("{}");
    char *type = alloc_printf("application/x-amz-json-%s", service->protocol);
    char *target = alloc_printf("X-Amz-Target: %s.%s", service->target, request->action);
    struct client_request signed_request = {
        .service = &service->aws,
        .action = request->action,
        .method = "POST",
        .path = "/",
        .content_type = type,
        .body = body,
        .extra = target,
        .reads = request->reads,
    };
    struct cairn_http_reply *reply;
    int rc = client_send(call, &signed_request, &reply, err);

    explicit_bzero(body, strlen(body));
    free(body);
    free(type);
    free(target);
    *out = NULL;
    return rc < 0 ? -1 : json_reply(out, reply, request->action, request->reads, err);
}

int
json_pages(struct cairn_call *call, const struct json_request *request,
           int (*page)(const struct cairn_value *reply, void *context, struct cairn_error *err), void *context,
           struct cairn_error *err)
{
    struct cairn_value *body = request->body ? cairn_copy(request->body) : cairn_map();
    struct json_request next = *request;
    int rc = -1, more = 1;

    next.body = body;
    while (more) {
        struct cairn_value *reply;
        const char *token;

        if (json_send(&reply, call, &next, err) < 0)
            goto out;
        rc = page(reply, context, err);
        token = cairn_get_str(reply, "NextToken", "");
        more = rc == 0 && *token;
        if (more && !strcmp(token, cairn_get_str(body, "NextToken", ""))) {
            cairn_fail(err, CAIRN_ERR_UNAVAILABLE, "%s: page after page leads to the same one", request->action);
            more = 0;
            rc = -1;
        }
        if (more)
            cairn_put(body, "NextToken", cairn_str(token));
        cairn_free(reply);
    }
out:
    cairn_free(body);
    return rc;
}

void
json_copy(struct cairn_value *out, const struct cairn_value *reply, const struct json_member *table)
{
    for (; table->from; table++) {
        const struct cairn_value *value = cairn_get(reply, table->from);

        if (cairn_type(value) == table->type && cairn_type(value) != CAIRN_NULL)
            cairn_put(out, table->to, cairn_copy(value));
    }
}
