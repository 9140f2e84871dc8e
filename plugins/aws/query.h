/*
 * query.h: the Query protocol: a form goes there, XML comes back; used by the plugins of RDS and STS.
 * SPDX-License-Identifier: MIT
 *
 * Parameters are a map from the flattened name, "Tags.Tag.1.Key", to a text. The names of lists aren't uniform in AWS:
 * the caller gives them.
 */
#ifndef AWS_QUERY_H
#define AWS_QUERY_H

#include "client.h"
#include "xml.h"

struct query {
    const struct aws_service *service;
    const char *action;               /* "DescribeDBInstances" */
    const struct cairn_value *params; /* flattened; may be NULL */
    int reads;                        /* changes nothing */
};

/* An argument and the parameter it becomes. A list's name is that of its members: "VpcSubnetIds.member". */
struct query_field {
    const char *arg;
    const char *name; /* NULL ends a table */
};

/* The whole reply, <ActionResponse>; freed with xml_free(). */
int query_send(struct xml_node **reply, struct cairn_call *call, const struct query *query, struct cairn_error *err);
int query_exchange(struct xml_node **reply, struct cairn_call *call, struct client_session *session,
                   const struct query *query, struct cairn_error *err);
/* All pages of a Describe: `page` gets each <ActionResult>; -1 of it ends the walk. */
int query_pages(struct cairn_call *call, const struct query *query,
                int (*page)(const struct xml_node *result, void *context, struct cairn_error *err), void *context,
                struct cairn_error *err);

struct cairn_value *query_text(const struct cairn_value *value); /* as it is sent: "300", "true" */
/* Flatten. What is missing in `args` is left out. */
void query_put(struct cairn_value *params, const char *name,
               const struct cairn_value *value); /* a scalar or a list of them */
void query_fields(struct cairn_value *params, const struct cairn_value *args, const struct query_field *table);
void query_filter(struct cairn_value *params, int n, const char *name, const char *value); /* Filters.Filter.N */

#endif
