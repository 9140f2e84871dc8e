/*
 * targets.c: the databases behind a proxy; used by rds_proxy.c.
 * SPDX-License-Identifier: MIT
 *
 * A registered cluster shows as one TRACKED_CLUSTER and an RDS_INSTANCE for each of its instances.
 */
#include "proxy.h"

#include "errors.h"

#include <string.h>

#define CLUSTER "TRACKED_CLUSTER"

static int
list_page(const struct xml_node *result, void *context, struct cairn_error *err)
{
    static const struct shape fields[] = {
        { "RdsResourceId", "id", CAIRN_STR },
        { "Type", "type", CAIRN_STR },
        { "TrackedClusterId", "cluster", CAIRN_STR },
        { "TargetArn", "arn", CAIRN_STR },
        { "Endpoint", "endpoint", CAIRN_STR },
        { "Port", "port", CAIRN_INT },
        { "Role", "role", CAIRN_STR },
        { "TargetHealth/State", "state", CAIRN_STR },
        { "TargetHealth/Reason", "reason", CAIRN_STR },
        { "TargetHealth/Description", "description", CAIRN_STR },
        { 0 },
    };
    struct cairn_value *list = context;

    (void)err;
    for (const struct xml_node *at = xml_get(result, "Targets/member"); at; at = xml_next(at)) {
        struct cairn_value *target = cairn_map();

        shape_copy(target, at, fields);
        cairn_add(list, target);
    }
    return 0;
}

/* All targets as a list of maps; the caller frees it. NULL: -1. */
static struct cairn_value *
list_targets(struct cairn_call *call, const char *proxy, struct cairn_error *err)
{
    struct cairn_value *list = cairn_list();
    struct cairn_value *params = cairn_map();

    cairn_put(params, "DBProxyName", cairn_str(proxy));
    if (rds_pages(call, "DescribeDBProxyTargets", params, list_page, list, err) == 0)
        return list;
    cairn_free(list);
    return NULL;
}

int
targets_describe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                 struct cairn_error *err)
{
    struct cairn_value *list = list_targets(call, cairn_get_str(args, "proxy", ""), err);

    if (!list)
        return -1;
    cairn_put(out, "targets", list);
    return 0;
}

/* The name under which a target was registered, or NULL for an instance that came with its cluster. */
static const char *
registered_as(const struct cairn_value *target, int clusters)
{
    int is_cluster = !strcmp(cairn_get_str(target, "type", ""), CLUSTER);

    if (is_cluster != clusters)
        return NULL;
    if (is_cluster)
        return cairn_get_str(target, "cluster", cairn_get_str(target, "id", NULL));
    return cairn_get_str(target, "cluster", NULL) ? NULL : cairn_get_str(target, "id", NULL);
}

int
targets_put_ids(struct cairn_call *call, const char *name, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *list = list_targets(call, name, err);
    struct cairn_value *found[2] = { cairn_list(), cairn_list() }; /* instances, clusters */

    for (size_t i = 0; i < cairn_count(list); i++)
        for (int clusters = 0; clusters < 2; clusters++)
            if (registered_as(cairn_at(list, i), clusters))
                cairn_add(found[clusters], cairn_str(registered_as(cairn_at(list, i), clusters)));
    cairn_put(out, "instances", found[0]);
    cairn_put(out, "clusters", found[1]);
    cairn_free(list);
    return list ? 0 : -1;
}

static int
is_target(const struct cairn_value *targets, const char *id, int clusters)
{
    for (size_t i = 0; i < cairn_count(targets); i++) {
        const char *name = registered_as(cairn_at(targets, i), clusters);

        if (name && !strcasecmp(name, id))
            return 1;
    }
    return 0;
}

/* Those of the wanted ones that are (`there` 1) or aren't (0) targets, as parameters of a request. The number of them.
 */
static size_t
put_wanted(struct cairn_value *params, const struct cairn_value *args, const struct cairn_value *targets, int there)
{
    static const char *const keys[] = { "instances", "clusters" };
    static const char *const names[] = { "DBInstanceIdentifiers.member", "DBClusterIdentifiers.member" };
    size_t count = 0;

    for (int clusters = 0; clusters < 2; clusters++) {
        const struct cairn_value *wanted = cairn_get(args, keys[clusters]);
        struct cairn_value *list = cairn_list();

        for (size_t i = 0; i < cairn_count(wanted); i++)
            if (is_target(targets, cairn_as_str(cairn_at(wanted, i), ""), clusters) == there)
                cairn_add(list, cairn_copy(cairn_at(wanted, i)));
        count += cairn_count(list);
        query_put(params, names[clusters], list);
        cairn_free(list);
    }
    return count;
}

static int
check_wanted(const struct cairn_value *args, struct cairn_error *err)
{
    if (cairn_count(cairn_get(args, "instances")) + cairn_count(cairn_get(args, "clusters")) == 0)
        return cairn_fail(err, CAIRN_ERR_INVALID, "change targets of proxy %s: give instances or clusters",
                          cairn_get_str(args, "proxy", ""));
    return 0;
}

static int
observe(struct cairn_call *call, const struct cairn_value *args, int there, struct cairn_value *out,
        struct cairn_error *err)
{
    struct cairn_value *targets = list_targets(call, cairn_get_str(args, "proxy", ""), err);
    struct cairn_value *params;
    size_t count;

    if (!targets)
        return -1;
    params = cairn_map();
    count = put_wanted(params, args, targets, there);
    cairn_free(params);
    cairn_free(targets);
    if (count > 0)
        return CAIRN_SEEN_ABSENT;
    cairn_put(out, "changed", cairn_bool(1));
    return CAIRN_SEEN_DONE;
}

/* RDS says that one of them is there (or isn't) already: our look was stale. Another look tells whether that is all. */
static int
look_after_refusal(struct cairn_call *call, const struct cairn_value *args, int there, struct cairn_value *out,
                   const struct cairn_error *refused, struct cairn_error *err)
{
    int stale = errors_is(refused, there ? "DBProxyTargetNotFound" : "DBProxyTargetAlreadyRegistered");
    int seen = stale ? observe(call, args, there, out, err) : -1;

    if (seen == CAIRN_SEEN_DONE)
        return 0;
    if (stale)
        return cairn_fail_code(err, CAIRN_ERR_NOT_YET, refused->code, "%s", refused->text);
    *err = *refused;
    return -1;
}

/* Only what still lacks is asked for, so that one that is there already doesn't make RDS refuse the rest. */
static int
change(struct cairn_call *call, const char *action, const struct cairn_value *args, int there, struct cairn_value *out,
       struct cairn_error *err)
{
    const char *proxy = cairn_get_str(args, "proxy", "");
    struct cairn_error refused = { 0 };
    struct cairn_value *targets, *params;
    size_t count;

    if (check_wanted(args, err) < 0)
        return -1;
    targets = list_targets(call, proxy, err);
    if (!targets)
        return -1;
    params = cairn_map();
    count = put_wanted(params, args, targets, there);
    cairn_free(targets);
    cairn_put(out, "changed", cairn_bool(count > 0));
    if (count == 0) {
        cairn_free(params);
        return 0;
    }
    cairn_put(params, "DBProxyName", cairn_str(proxy));
    cairn_put(params, "TargetGroupName", cairn_str("default"));
    if (rds_change(call, action, params, NULL, &refused) == 0)
        return 0;
    return look_after_refusal(call, args, there, out, &refused, err);
}

int
targets_register(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                 struct cairn_error *err)
{
    return change(call, "RegisterDBProxyTargets", args, 0, out, err);
}

int
targets_register_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                         struct cairn_error *err)
{
    return observe(call, args, 0, out, err);
}

int
targets_deregister(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                   struct cairn_error *err)
{
    return change(call, "DeregisterDBProxyTargets", args, 1, out, err);
}

int
targets_deregister_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                           struct cairn_error *err)
{
    return observe(call, args, 1, out, err);
}
