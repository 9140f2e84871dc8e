/*
 * rds.h: what the files of the plugin rds share: its service, small helpers, and the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_H
#define RDS_H

#include "query.h"
#include "shape.h"
#include "tags.h"

#define RDS_ACTION(name) \
    int name(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)

extern const struct aws_service rds_service;

/* common.c */
int rds_change(struct cairn_call *call, const char *action, struct cairn_value *owned_params, struct xml_node **reply,
               struct cairn_error *err); /* reply may be NULL */
int rds_pages(struct cairn_call *call, const char *action, struct cairn_value *owned_params,
              int (*page)(const struct xml_node *result, void *context, struct cairn_error *err), void *context,
              struct cairn_error *err);
/* The one element at `path` ("DBInstances/DBInstance") whose text at `key` is `value`, on any page; a copy of it in *out.
 * 1, 0 when there is none (also when AWS says so by `not_found`), -1. */
struct rds_wanted {
    const char *action; /* "DescribeDBInstances" */
    const char *path; /* of the elements in the result */
    const char *key; /* path in the element; NULL: the first one will do */
    const char *value;
    const char *not_found; /* the code that says that there is none */
};
int rds_find(struct xml_node **found, struct cairn_call *call, const struct rds_wanted *wanted, struct cairn_value *owned_params,
             struct cairn_error *err);
int rds_tags_of(struct cairn_value **tags, struct cairn_call *call, const char *arn, struct cairn_error *err);

#endif
