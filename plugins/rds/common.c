/*
 * common.c: requests to RDS and looking for one thing; used by every file of the plugins rds and rds_proxy.
 * SPDX-License-Identifier: MIT
 */
#include "rds.h"

#include "common/alloc.h"
#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

const struct aws_service rds_service = { "rds", "RDS", "2014-10-31" };

int
rds_change(struct cairn_call *call, const char *action, struct cairn_value *owned_params, struct xml_node **reply,
           struct cairn_error *err)
{
    struct query query = { .service = &rds_service, .action = action, .params = owned_params };
    struct xml_node *got = NULL;
    int rc = query_send(&got, call, &query, err);

    cairn_free(owned_params);
    if (reply)
        *reply = got;
    else
        xml_free(got);
    return rc;
}

int
rds_pages(struct cairn_call *call, const char *action, struct cairn_value *owned_params,
          int (*page)(const struct xml_node *result, void *context, struct cairn_error *err), void *context,
          struct cairn_error *err)
{
    struct query query = { .service = &rds_service, .action = action, .params = owned_params, .reads = 1 };
    int rc = query_pages(call, &query, page, context, err);

    cairn_free(owned_params);
    return rc;
}

struct search {
    const struct rds_wanted *wanted;
    struct xml_node *found;
};

static int
search_page(const struct xml_node *result, void *context, struct cairn_error *err)
{
    struct search *s = context;
    const char *key = s->wanted->key;

    (void)err;
    for (const struct xml_node *at = xml_get(result, s->wanted->path); at && !s->found; at = xml_next(at))
        if (!key || !strcasecmp(xml_text(at, key, ""), s->wanted->value))
            s->found = xml_copy(at);
    return 0;
}

int
rds_find(struct xml_node **found, struct cairn_call *call, const struct rds_wanted *wanted,
         struct cairn_value *owned_params, struct cairn_error *err)
{
    struct search search = { .wanted = wanted };
    struct cairn_error problem = { 0 };
    int rc = rds_pages(call, wanted->action, owned_params, search_page, &search, &problem);

    *found = search.found;
    if (rc == 0)
        return search.found != NULL;
    xml_free(search.found);
    *found = NULL;
    if (wanted->not_found && problem.kind == CAIRN_ERR_NOT_FOUND && strstr(problem.code, wanted->not_found))
        return 0;
    if (err->kind == CAIRN_ERR_NONE)
        *err = problem;
    return -1;
}

static int
tags_page(const struct xml_node *result, void *context, struct cairn_error *err)
{
    struct cairn_value **tags = context;

    (void)err;
    cairn_free(*tags);
    *tags = tags_read(xml_get(result, "TagList/Tag"));
    return 0;
}

int
rds_tags_of(struct cairn_value **tags, struct cairn_call *call, const char *arn, struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();

    *tags = NULL;
    cairn_put(params, "ResourceName", cairn_str(arn));
    if (rds_pages(call, "ListTagsForResource", params, tags_page, tags, err) == 0)
        return 0;
    cairn_free(*tags);
    *tags = NULL;
    return -1;
}

int
rds_check_name(struct xml_node **found, const char *key, const char *id, const char *resource_id,
               struct cairn_error *err)
{
    const char *name = xml_text(*found, key, "");

    if (!strcasecmp(name, id))
        return 1;
    cairn_fail_code(err, CAIRN_ERR_CONFLICT, "NameMoved", "check the name %s: %s is called %s now", id, resource_id,
                    name);
    xml_free(*found);
    *found = NULL;
    return -1;
}

int
rds_gone(const char *what, const struct cairn_value *args, struct cairn_error *err)
{
    return cairn_fail(err, CAIRN_ERR_NOT_FOUND, "%s %s: %s doesn't exist", what, cairn_get_str(args, "id", ""),
                      cairn_get_str(args, "resource_id", ""));
}

int
rds_adopt(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
          const struct cairn_error *refused, cairn_run_fn *look, struct cairn_error *err)
{
    int seen;

    if (!strstr(refused->code, "AlreadyExists")) {
        *err = *refused;
        return -1;
    }
    seen = look(call, args, out, err);
    if (seen == CAIRN_SEEN_DONE)
        return 0;
    if (seen == CAIRN_SEEN_ABSENT) /* it will be seen in a moment */
        return cairn_fail_code(err, CAIRN_ERR_NOT_YET, refused->code, "%s; it can't be seen yet", refused->text);
    return -1;
}

int64_t
rds_time(const char *text)
{
    return clock_parse(text);
}

int
rds_judge(struct cairn_call *call, struct cairn_value *owned_tags, const char *kind, const char *name,
          struct cairn_error *err)
{
    char *what = alloc_printf("%s %s", kind, name);
    int rc = tags_judge(owned_tags, what, call, err);

    free(what);
    cairn_free(owned_tags);
    return rc;
}

int
rds_judge_arn(struct cairn_call *call, const char *arn, const char *kind, const char *name, struct cairn_error *err)
{
    struct cairn_value *tags;

    return rds_tags_of(&tags, call, arn, err) < 0 ? -1 : rds_judge(call, tags, kind, name, err);
}
