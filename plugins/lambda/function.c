/*
 * function.c: requests about a function, and its invocation; used by the plugin lambda.
 * SPDX-License-Identifier: MIT
 */
#include "function.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define INVOKE_MS (15 * 60 * 1000) /* no function runs longer */

const struct aws_service lambda_service = { "lambda", "LAMBDA", "2015-03-31" };

char *
function_path(const struct cairn_value *args, const char *rest, const char *last)
{
    char *name = cairn_url_encode(cairn_get_str(args, "function", ""), NULL);
    char *end = last ? cairn_url_encode(last, NULL) : alloc_str("");
    char *path = alloc_printf("/%s/functions/%s%s%s", lambda_service.version, name, rest, end);

    free(name);
    free(end);
    return path;
}

char *
function_query(const struct cairn_value *args)
{
    const char *qualifier = cairn_get_str(args, "qualifier", NULL);
    char *encoded, *query;

    if (!qualifier)
        return NULL;
    encoded = cairn_url_encode(qualifier, NULL);
    query = alloc_printf("Qualifier=%s", encoded);
    free(encoded);
    return query;
}

int
function_send(struct cairn_value **reply, struct cairn_call *call, const char *action, const char *method,
              char *owned_path, const char *query, struct cairn_value *owned_body, struct cairn_error *err)
{
    struct rest_request request = {
        .service = &lambda_service,
        .action = action,
        .method = method,
        .path = owned_path,
        .query = query,
        .body = owned_body,
        .reads = !strcmp(method, "GET"),
    };
    int rc = rest_send(reply, call, &request, err);

    free(owned_path);
    cairn_free(owned_body);
    return rc;
}

/* JSON, or the text as it is. */
static struct cairn_value *
payload_of(const struct cairn_http_reply *reply)
{
    struct cairn_error ignored = { 0 };
    struct cairn_value *json;
    const char *body;
    size_t len;

    body = cairn_http_body(reply, &len);
    json = len ? cairn_parse_json(body, len, &ignored) : cairn_null();
    return json ? json : cairn_strn(body, len);
}

int
function_invoke(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    char *path = function_path(args, "/invocations", NULL);
    char *query = function_query(args);
    struct rest_request request = {
        .service = &lambda_service,
        .action = "Invoke",
        .method = "POST",
        .path = path,
        .query = query,
        .body = cairn_get(args, "payload"),
        .extra = "X-Amz-Invocation-Type: RequestResponse",
        .timeout_ms = INVOKE_MS,
    };
    struct cairn_http_reply *reply;
    int rc = rest_send_raw(&reply, call, &request, err);

    if (rc == 0) {
        const char *function_error = cairn_http_header(reply, "X-Amz-Function-Error");

        cairn_put(out, "status", cairn_int(cairn_http_status(reply)));
        cairn_put(out, "payload", payload_of(reply));
        if (function_error)
            cairn_put(out, "function_error", cairn_str(function_error));
        cairn_http_free(reply);
    }
    free(path);
    free(query);
    return rc;
}
