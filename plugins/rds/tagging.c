/*
 * tagging.c: tags of anything that has an ARN; used by rds.c.
 * SPDX-License-Identifier: MIT
 */
#include "tagging.h"

static struct cairn_value *
resource(const struct cairn_value *args)
{
    struct cairn_value *params = cairn_map();

    query_put(params, "ResourceName", cairn_get(args, "arn"));
    return params;
}

int
tagging_add(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *params = resource(args);

    (void)out;
    tags_put(params, "Tags.Tag", cairn_get(args, "tags"));
    return rds_change(call, "AddTagsToResource", params, NULL, err);
}

int
tagging_remove(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    struct cairn_value *params = resource(args);

    (void)out;
    query_put(params, "TagKeys.member", cairn_get(args, "keys"));
    return rds_change(call, "RemoveTagsFromResource", params, NULL, err);
}

/* What has gone since bears no tags: the answer to asking again says so. */
static int
tags_now(struct cairn_value **tags, struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err)
{
    struct cairn_error problem = { 0 };

    if (rds_tags_of(tags, call, cairn_get_str(args, "arn", ""), &problem) == 0)
        return 1;
    if (problem.kind == CAIRN_ERR_NOT_FOUND)
        return 0;
    *err = problem;
    return -1;
}

int
tagging_add_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                    struct cairn_error *err)
{
    struct cairn_value *tags;
    int rc = tags_now(&tags, call, args, err);

    (void)out;
    if (rc > 0)
        rc = tags_hold(tags, cairn_get(args, "tags")) ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
    cairn_free(tags);
    return rc;
}

int
tagging_remove_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                       struct cairn_error *err)
{
    const struct cairn_value *keys = cairn_get(args, "keys");
    struct cairn_value *tags;
    int rc = tags_now(&tags, call, args, err);

    (void)out;
    if (rc > 0)
        rc = CAIRN_SEEN_DONE;
    for (size_t i = 0; rc > 0 && i < cairn_count(keys); i++)
        if (cairn_get(tags, cairn_as_str(cairn_at(keys, i), "")))
            rc = CAIRN_SEEN_ABSENT;
    cairn_free(tags);
    return rc;
}

int
tagging_list(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *tags;

    if (rds_tags_of(&tags, call, cairn_get_str(args, "arn", ""), err) < 0)
        return -1;
    cairn_put(out, "tags", tags);
    return 0;
}
