/*
 * endpoint_of_proxy.c: further addresses of a proxy; used by rds_proxy.c.
 * SPDX-License-Identifier: MIT
 */
#include "proxy.h"

#include "common/alloc.h"
#include "errors.h"

#include <string.h>

#define NOT_FOUND "DBProxyEndpointNotFound"

static const struct shape fields[] = {
    { "DBProxyEndpointName", "name", CAIRN_STR },
    { "DBProxyEndpointArn", "arn", CAIRN_STR },
    { "DBProxyName", "proxy", CAIRN_STR },
    { "Endpoint", "endpoint", CAIRN_STR },
    { "TargetRole", "role", CAIRN_STR },
    { "Status", "status", CAIRN_STR },
    { "VpcId", "vpc", CAIRN_STR },
    { "IsDefault", "is_default", CAIRN_BOOL },
    { 0 },
};

static void
put_fields(struct cairn_value *out, const struct xml_node *node)
{
    shape_copy(out, node, fields);
    if (!xml_get(node, "IsDefault"))
        cairn_put(out, "is_default", cairn_bool(0));
    cairn_put(out, "subnets", shape_list(node, "VpcSubnetIds/member", NULL));
    cairn_put(out, "security_groups", shape_list(node, "VpcSecurityGroupIds/member", NULL));
}

static int
put_tags(struct cairn_value *out, struct cairn_call *call, const char *arn, struct cairn_error *err)
{
    struct cairn_value *tags = NULL;
    int rc = *arn ? rds_tags_of(&tags, call, arn, err) : 0;

    cairn_put(out, "tags", tags ? tags : cairn_map());
    return rc;
}

static int
find(struct xml_node **found, struct cairn_call *call, const char *name, struct cairn_error *err)
{
    struct rds_wanted wanted = { "DescribeDBProxyEndpoints", "DBProxyEndpoints/member", "DBProxyEndpointName", name,
                                 NOT_FOUND };
    struct cairn_value *params = cairn_map();

    cairn_put(params, "DBProxyEndpointName", cairn_str(name));
    return rds_find(found, call, &wanted, params, err);
}

static int
list_page(const struct xml_node *result, void *context, struct cairn_error *err)
{
    struct cairn_value *list = context;

    (void)err;
    for (const struct xml_node *at = xml_get(result, "DBProxyEndpoints/member"); at; at = xml_next(at)) {
        struct cairn_value *endpoint = cairn_map();

        put_fields(endpoint, at);
        cairn_add(list, endpoint);
    }
    return 0;
}

/* The default one is the proxy's own address and bears the proxy's tags. */
int
endpoint_put_all(struct cairn_call *call, const char *name, struct cairn_value *list, struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();
    struct cairn_value *found = cairn_list();
    int rc;

    cairn_put(params, "DBProxyName", cairn_str(name));
    rc = rds_pages(call, "DescribeDBProxyEndpoints", params, list_page, found, err);
    for (size_t i = 0; rc == 0 && i < cairn_count(found); i++) {
        struct cairn_value *endpoint = cairn_copy(cairn_at(found, i));
        int own = cairn_get_bool(endpoint, "is_default", 0);

        rc = put_tags(endpoint, call, own ? "" : cairn_get_str(endpoint, "arn", ""), err);
        cairn_add(list, endpoint);
    }
    cairn_free(found);
    return rc;
}

int
endpoint_describe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "name", "");
    struct xml_node *found;
    int rc = find(&found, call, name, err);

    if (rc == 0)
        return cairn_fail_code(err, CAIRN_ERR_NOT_FOUND, NOT_FOUND "Fault", "describe proxy endpoint %s: there is none",
                               name);
    if (rc < 0)
        return -1;
    put_fields(out, found);
    rc =
        put_tags(out, call, cairn_get_bool(out, "is_default", 0) ? "" : xml_text(found, "DBProxyEndpointArn", ""), err);
    xml_free(found);
    return rc;
}

int
endpoint_create(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    static const struct query_field arguments[] = {
        { "proxy", "DBProxyName" },
        { "name", "DBProxyEndpointName" },
        { "role", "TargetRole" },
        { "subnets", "VpcSubnetIds.member" },
        { "security_groups", "VpcSecurityGroupIds.member" },
        { 0 },
    };
    struct cairn_value *params = cairn_map();
    struct cairn_error refused = { 0 };
    struct xml_node *reply;

    query_fields(params, args, arguments);
    tags_put_marked(params, "Tags.Tag", cairn_get(args, "tags"), call);
    if (rds_change(call, "CreateDBProxyEndpoint", params, &reply, &refused) < 0)
        return rds_adopt(call, args, out, &refused, endpoint_create_observe, err);
    put_fields(out, xml_get(reply, "CreateDBProxyEndpointResult/DBProxyEndpoint"));
    xml_free(reply);
    return 0;
}

int
endpoint_create_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "name", "");
    struct xml_node *found;
    int rc = find(&found, call, name, err);

    if (rc <= 0)
        return rc < 0 ? -1 : CAIRN_SEEN_ABSENT;
    rc = rds_judge_arn(call, xml_text(found, "DBProxyEndpointArn", ""), "proxy endpoint", name, err);
    if (rc == CAIRN_SEEN_DONE)
        put_fields(out, found);
    xml_free(found);
    return rc;
}

int
endpoint_delete(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();
    struct cairn_error refused = { 0 };

    query_put(params, "DBProxyEndpointName", cairn_get(args, "name"));
    if (rds_change(call, "DeleteDBProxyEndpoint", params, NULL, &refused) < 0) {
        struct cairn_error ignored = { 0 };

        if (!errors_is(&refused, NOT_FOUND)
            && (!errors_is(&refused, "InvalidDBProxyEndpointState")
                || endpoint_delete_observe(call, args, out, &ignored) != CAIRN_SEEN_DONE)) {
            *err = refused;
            return -1;
        }
    }
    cairn_put(out, "status", cairn_str("deleting"));
    return 0;
}

int
endpoint_delete_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    struct xml_node *found;
    int rc = find(&found, call, cairn_get_str(args, "name", ""), err);
    int gone;

    if (rc < 0)
        return -1;
    gone = rc == 0 || !strcmp(xml_text(found, "Status", ""), "deleting");
    if (gone)
        cairn_put(out, "status", cairn_str("deleting"));
    xml_free(found);
    return gone ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}
