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

int
tagging_list(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *tags;

    if (rds_tags_of(&tags, call, cairn_get_str(args, "arn", ""), err) < 0)
        return -1;
    cairn_put(out, "tags", tags);
    return 0;
}
