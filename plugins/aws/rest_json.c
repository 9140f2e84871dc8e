/*
 * rest_json.c: the REST protocol with JSON bodies; used by the plugin lambda.
 * SPDX-License-Identifier: MIT
 */
#include "rest_json.h"

#include "errors.h"

#include <stdlib.h>
#include <string.h>

int
rest_send_raw(struct cairn_http_reply **out, struct cairn_call *call, const struct rest_request *request,
              struct cairn_error *err)
{
    char *body = request->body ? cairn_format_json(request->body) : NULL;
    struct client_request signed_request = {
        .service = request->service,
        .action = request->action,
        .method = request->method,
        .path = request->path,
        .query = request->query,
        .content_type = body ? "application/json" : NULL,
        .body = body,
        .extra = request->extra,
        .timeout_ms = request->timeout_ms,
        .reads = request->reads,
    };
    int rc = client_send(call, &signed_request, out, err);

    if (body)
        explicit_bzero(body, strlen(body));
    free(body);
    return rc;
}

int
rest_send(struct cairn_value **out, struct cairn_call *call, const struct rest_request *request,
          struct cairn_error *err)
{
    struct cairn_error problem = { 0 };
    struct cairn_http_reply *reply;
    struct cairn_value *json;
    const char *body;
    size_t len;

    *out = NULL;
    if (rest_send_raw(&reply, call, request, err) < 0)
        return -1;
    body = cairn_http_body(reply, &len);
    json = len ? cairn_parse_json(body, len, &problem) : cairn_map();
    if (!json)
        errors_unreadable(err, request->action, request->reads, errors_page(body, len, problem.text));
    cairn_http_free(reply);
    if (!json)
        return -1;
    if (cairn_type(json) != CAIRN_MAP) {
        cairn_free(json);
        return errors_unreadable(err, request->action, request->reads, "it isn't an object");
    }
    *out = json;
    return 0;
}
