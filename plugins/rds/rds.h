/*
 * rds.h: what the files of the plugin rds share: its service, small helpers, and the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_H
#define RDS_H

#include "query.h"
#include "shape.h"
#include "tags.h"

#define RDS_ACTION(name)                                                                                               \
    int name(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)

extern const struct aws_service rds_service;

/* common.c */
int rds_change(struct cairn_call *call, const char *action, struct cairn_value *owned_params, struct xml_node **reply,
               struct cairn_error *err); /* reply may be NULL */
int rds_pages(struct cairn_call *call, const char *action, struct cairn_value *owned_params,
              int (*page)(const struct xml_node *result, void *context, struct cairn_error *err), void *context,
              struct cairn_error *err);
/* The one element at `path` ("DBInstances/DBInstance") whose text at `key` is `value`, on any page; a copy of it in
 * *out. 1, 0 when there is none (also when AWS says so by `not_found`), -1. */
struct rds_wanted {
    const char *action; /* "DescribeDBInstances" */
    const char *path;   /* of the elements in the result */
    const char *key;    /* path in the element; NULL: the first one will do */
    const char *value;
    const char *not_found; /* a part of the code that says that there is none */
};
int rds_find(struct xml_node **found, struct cairn_call *call, const struct rds_wanted *wanted,
             struct cairn_value *owned_params, struct cairn_error *err);
/* Does what was found by its resource id still bear the name? 1, or -1 and CONFLICT; then *found is freed. */
int rds_check_name(struct xml_node **found, const char *key, const char *id, const char *resource_id,
                   struct cairn_error *err);
int rds_gone(const char *what, const struct cairn_value *args, struct cairn_error *err); /* -1, NOT_FOUND */
/* A create was refused. If that is because the thing exists and `look`, the action's observe, says that this very step
 * made it, `out` is filled and all is well: 0. */
int rds_adopt(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
              const struct cairn_error *refused, cairn_run_fn *look, struct cairn_error *err);
/* The ms of "2026-11-20T13:36:57.123Z", -1 if it isn't one. */
int64_t rds_time(const char *text);
/* Did this very step make what bears these tags? An enum cairn_seen, or -1; `kind` and `name` are for the evidence. */
int rds_judge(struct cairn_call *call, struct cairn_value *owned_tags, const char *kind, const char *name,
              struct cairn_error *err);
int rds_judge_arn(struct cairn_call *call, const char *arn, const char *kind, const char *name, struct cairn_error *err);
int rds_tags_of(struct cairn_value **tags, struct cairn_call *call, const char *arn, struct cairn_error *err);

#endif
