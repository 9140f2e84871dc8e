/*
 * pool.c: a proxy's connection pool, and everything of a proxy in one; used by rds_proxy.c.
 * SPDX-License-Identifier: MIT
 */
#include "proxy.h"

#include "wanted.h"

#include <string.h>

#define CONFIG "ConnectionPoolConfig"

int
pool_put(struct cairn_call *call, const char *name, struct cairn_value *out, struct cairn_error *err)
{
    static const struct shape fields[] = {
        { CONFIG "/MaxConnectionsPercent", "max_connections_percent", CAIRN_INT },
        { CONFIG "/MaxIdleConnectionsPercent", "max_idle_connections_percent", CAIRN_INT },
        { CONFIG "/ConnectionBorrowTimeout", "connection_borrow_timeout", CAIRN_INT },
        { CONFIG "/InitQuery", "init_query", CAIRN_STR },
        { 0 },
    };
    struct rds_wanted wanted = { "DescribeDBProxyTargetGroups", "TargetGroups/member", "TargetGroupName", "default",
                                 NULL };
    struct cairn_value *params = cairn_map();
    struct xml_node *found;
    int rc;

    cairn_put(params, "DBProxyName", cairn_str(name));
    rc = rds_find(&found, call, &wanted, params, err);
    if (rc == 0)
        return cairn_fail(err, CAIRN_ERR_NOT_FOUND, "describe the pool of proxy %s: it has no default target group",
                          name);
    if (rc < 0)
        return -1;
    shape_copy(out, found, fields);
    cairn_put(out, "session_pinning_filters", shape_list(found, CONFIG "/SessionPinningFilters/member", NULL));
    xml_free(found);
    return 0;
}

int
pool_modify(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    static const struct query_field arguments[] = {
        { "max_connections_percent", CONFIG ".MaxConnectionsPercent" },
        { "max_idle_connections_percent", CONFIG ".MaxIdleConnectionsPercent" },
        { "connection_borrow_timeout", CONFIG ".ConnectionBorrowTimeout" },
        { "session_pinning_filters", CONFIG ".SessionPinningFilters.member" },
        { "init_query", CONFIG ".InitQuery" },
        { 0 },
    };
    const struct cairn_value *pool = cairn_get(args, "pool");
    struct cairn_value *params;

    for (size_t i = 0; i < cairn_count(pool); i++) {
        const struct query_field *field = arguments;

        while (field->arg && strcmp(field->arg, cairn_key(pool, i)) != 0)
            field++;
        if (!field->arg)
            return cairn_fail(err, CAIRN_ERR_INVALID, "modify the pool: there is no setting %s", cairn_key(pool, i));
    }
    params = cairn_map();
    query_put(params, "DBProxyName", cairn_get(args, "proxy"));
    cairn_put(params, "TargetGroupName", cairn_str("default"));
    query_fields(params, pool, arguments);
    (void)out;
    return rds_change(call, "ModifyDBProxyTargetGroup", params, NULL, err);
}

/* What the proxy isn't there for any more isn't set: the answer to asking again says so. */
int
pool_modify_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                    struct cairn_error *err)
{
    const struct cairn_value *pool = cairn_get(args, "pool");
    struct cairn_value *now = cairn_map();
    struct cairn_error problem = { 0 };
    int seen = CAIRN_SEEN_DONE;

    (void)out;
    if (pool_put(call, cairn_get_str(args, "proxy", ""), now, &problem) < 0) {
        seen = problem.kind == CAIRN_ERR_NOT_FOUND ? CAIRN_SEEN_ABSENT : -1;
        if (seen < 0)
            *err = problem;
    }
    for (size_t i = 0; seen == CAIRN_SEEN_DONE && i < cairn_count(pool); i++)
        if (!wanted_is_value(cairn_at(pool, i), cairn_get(now, cairn_key(pool, i))))
            seen = CAIRN_SEEN_ABSENT;
    cairn_free(now);
    return seen;
}

int
capture(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "proxy", "");
    struct cairn_value *proxy = cairn_map(), *pool = cairn_map(), *targets = cairn_map(), *endpoints = cairn_list();
    int rc = 0;

    if (proxy_put(call, name, proxy, err) < 0 || pool_put(call, name, pool, err) < 0
        || targets_put_ids(call, name, targets, err) < 0 || endpoint_put_all(call, name, endpoints, err) < 0)
        rc = -1;
    cairn_put(out, "proxy", proxy);
    cairn_put(out, "pool", pool);
    cairn_put(out, "targets", targets);
    cairn_put(out, "endpoints", endpoints);
    return rc;
}
