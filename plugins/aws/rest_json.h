/*
 * rest_json.h: the REST protocol with JSON bodies; used by the plugin lambda.
 * SPDX-License-Identifier: MIT
 */
#ifndef AWS_REST_JSON_H
#define AWS_REST_JSON_H

#include "client.h"

struct rest_request {
    const struct aws_service *service;
    const char *action;             /* stands in messages: "UpdateAlias" */
    const char *method;             /* "GET" */
    const char *path;               /* percent-encoded */
    const char *query;              /* or NULL */
    const struct cairn_value *body; /* or NULL */
    const char *extra;              /* one more header line, or NULL */
    int64_t timeout_ms;             /* 0: the host's default */
    int reads;                      /* changes nothing */
};

/* The reply as a map, which the caller frees. A reply without a body is an empty map. */
int rest_send(struct cairn_value **out, struct cairn_call *call, const struct rest_request *request,
              struct cairn_error *err);
int rest_send_raw(struct cairn_http_reply **out, struct cairn_call *call, const struct rest_request *request,
                  struct cairn_error *err); /* whatever body a 2xx reply has */

#endif
