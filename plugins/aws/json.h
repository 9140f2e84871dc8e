/*
 * json.h: the JSON protocol: an operation in X-Amz-Target, JSON goes there and comes back; used by the plugins sqs,
 * events, secretsmanager and cloudwatch. How a JSON reply is read is the REST protocol's as well.
 * SPDX-License-Identifier: MIT
 */
#ifndef AWS_JSON_H
#define AWS_JSON_H

#include "client.h"

struct json_service {
    struct aws_service aws;
    const char *protocol; /* "1.0" or "1.1" */
    const char *target;   /* what stands before the operation: "AmazonSQS" */
};

struct json_request {
    const struct json_service *service;
    const char *action;             /* "GetQueueAttributes" */
    const struct cairn_value *body; /* a map; NULL: an empty one */
    int reads;                      /* changes nothing */
};

/* The reply as a map, which the caller frees. A reply without a body is an empty map. */
int json_send(struct cairn_value **out, struct cairn_call *call, const struct json_request *request,
              struct cairn_error *err);
/* All pages of a list: `page` gets each reply; -1 of it ends the walk. */
int json_pages(struct cairn_call *call, const struct json_request *request,
               int (*page)(const struct cairn_value *reply, void *context, struct cairn_error *err), void *context,
               struct cairn_error *err);

/* The body of a reply of success as a map; frees the reply. */
int json_reply(struct cairn_value **out, struct cairn_http_reply *owned, const char *action, int reads,
               struct cairn_error *err);

/* A member of a reply, its name in the result, its type; where it is missing or of another type it is left out. */
struct json_member {
    const char *from, *to; /* from NULL ends a table */
    enum cairn_type type;
};

void json_copy(struct cairn_value *out, const struct cairn_value *reply, const struct json_member *table);

#endif
