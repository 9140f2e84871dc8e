/*
 * rest_json.c: the REST protocol with JSON bodies; used by the plugin lambda.
 * SPDX-License-Identifier: MIT
 */
#include "rest_json.h"

#include "json.h"

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
    struct cairn_http_reply *reply;

    *out = NULL;
    if (rest_send_raw(&reply, call, request, err) < 0)
        return -1;
    return json_reply(out, reply, request->action, request->reads, err);
}
