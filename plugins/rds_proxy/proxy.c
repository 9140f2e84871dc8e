/*
 * proxy.c: proxies themselves: look, create, delete; used by rds_proxy.c.
 * SPDX-License-Identifier: MIT
 */
#include "proxy.h"

#include "common/alloc.h"
#include "errors.h"

#include <stdlib.h>
#include <string.h>

#define NOT_FOUND "DBProxyNotFound"

static const struct shape fields[] = {
    { "DBProxyName", "name", CAIRN_STR },
    { "DBProxyArn", "arn", CAIRN_STR },
    { "Status", "status", CAIRN_STR },
    { "Endpoint", "endpoint", CAIRN_STR },
    { "EngineFamily", "engine_family", CAIRN_STR },
    { "VpcId", "vpc", CAIRN_STR },
    { "RoleArn", "role_arn", CAIRN_STR },
    { "RequireTLS", "require_tls", CAIRN_BOOL },
    { "IdleClientTimeout", "idle_timeout", CAIRN_INT },
    { "DebugLogging", "debug_logging", CAIRN_BOOL },
    { "DefaultAuthScheme", "default_auth_scheme", CAIRN_STR },
    { "EndpointNetworkType", "endpoint_network_type", CAIRN_STR },
    { "TargetConnectionNetworkType", "target_network_type", CAIRN_STR },
    { 0 },
};
static const struct shape auth_fields[] = {
    { "AuthScheme", "scheme", CAIRN_STR },
    { "SecretArn", "secret_arn", CAIRN_STR },
    { "IAMAuth", "iam_auth", CAIRN_STR },
    { "UserName", "user", CAIRN_STR },
    { "Description", "description", CAIRN_STR },
    { "ClientPasswordAuthType", "client_password_auth_type", CAIRN_STR },
    { 0 },
};

static void
put_fields(struct cairn_value *out, const struct xml_node *node)
{
    shape_copy(out, node, fields);
    cairn_put(out, "subnets", shape_list(node, "VpcSubnetIds/member", NULL));
    cairn_put(out, "security_groups", shape_list(node, "VpcSecurityGroupIds/member", NULL));
    cairn_put(out, "auth", shape_maps(node, "Auth/member", auth_fields));
}

static int
find(struct xml_node **found, struct cairn_call *call, const char *name, struct cairn_error *err)
{
    struct rds_wanted wanted = { "DescribeDBProxies", "DBProxies/member", "DBProxyName", name, NOT_FOUND };
    struct cairn_value *params = cairn_map();

    cairn_put(params, "DBProxyName", cairn_str(name));
    return rds_find(found, call, &wanted, params, err);
}

int
proxy_put(struct cairn_call *call, const char *name, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *tags;
    struct xml_node *found;
    int rc = find(&found, call, name, err);

    if (rc == 0)
        return cairn_fail_code(err, CAIRN_ERR_NOT_FOUND, NOT_FOUND "Fault", "describe proxy %s: there is none", name);
    if (rc < 0)
        return -1;
    put_fields(out, found);
    rc = rds_tags_of(&tags, call, xml_text(found, "DBProxyArn", ""), err);
    cairn_put(out, "tags", rc == 0 ? tags : cairn_map());
    xml_free(found);
    return rc;
}

int
proxy_describe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    return proxy_put(call, cairn_get_str(args, "name", ""), out, err);
}

/* Of each way to sign in, what a describe has shown. */
static int
put_auth(struct cairn_value *params, const struct cairn_value *auth, struct cairn_error *err)
{
    for (size_t i = 0; i < cairn_count(auth); i++) {
        const struct cairn_value *way = cairn_at(auth, i);

        if (cairn_type(way) != CAIRN_MAP)
            return cairn_fail(err, CAIRN_ERR_INVALID, "create proxy: auth is a list of maps");
        for (size_t k = 0; k < cairn_count(way); k++) {
            const struct shape *field = auth_fields;
            char *name;

            while (field->to && strcmp(field->to, cairn_key(way, k)) != 0)
                field++;
            if (!field->to)
                return cairn_fail(err, CAIRN_ERR_INVALID, "create proxy: auth has no member %s", cairn_key(way, k));
            name = alloc_printf("Auth.member.%zu.%s", i + 1, field->from);
            query_put(params, name, cairn_at(way, k));
            free(name);
        }
    }
    return 0;
}

int
proxy_create(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    static const struct query_field arguments[] = {
        { "name", "DBProxyName" },
        { "engine_family", "EngineFamily" },
        { "role_arn", "RoleArn" },
        { "subnets", "VpcSubnetIds.member" },
        { "security_groups", "VpcSecurityGroupIds.member" },
        { "require_tls", "RequireTLS" },
        { "idle_timeout", "IdleClientTimeout" },
        { "debug_logging", "DebugLogging" },
        { "default_auth_scheme", "DefaultAuthScheme" },
        { "endpoint_network_type", "EndpointNetworkType" },
        { "target_network_type", "TargetConnectionNetworkType" },
        { 0 },
    };
    struct cairn_value *params = cairn_map();
    struct cairn_error refused = { 0 };
    struct xml_node *reply;

    query_fields(params, args, arguments);
    if (put_auth(params, cairn_get(args, "auth"), err) < 0) {
        cairn_free(params);
        return -1;
    }
    tags_put_marked(params, "Tags.Tag", cairn_get(args, "tags"), call);
    if (rds_change(call, "CreateDBProxy", params, &reply, &refused) < 0)
        return rds_adopt(call, args, out, &refused, proxy_create_observe, err);
    put_fields(out, xml_get(reply, "CreateDBProxyResult/DBProxy"));
    xml_free(reply);
    return 0;
}

int
proxy_create_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                     struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "name", "");
    struct xml_node *found;
    int rc = find(&found, call, name, err);

    if (rc <= 0)
        return rc < 0 ? -1 : CAIRN_SEEN_ABSENT;
    rc = rds_judge_arn(call, xml_text(found, "DBProxyArn", ""), "proxy", name, err);
    if (rc == CAIRN_SEEN_DONE)
        put_fields(out, found);
    xml_free(found);
    return rc;
}

int
proxy_delete(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();
    struct cairn_error refused = { 0 };

    query_put(params, "DBProxyName", cairn_get(args, "name"));
    if (rds_change(call, "DeleteDBProxy", params, NULL, &refused) < 0) {
        struct cairn_error ignored = { 0 };

        if (errors_is(&refused, NOT_FOUND)
            || (errors_is(&refused, "InvalidDBProxyState")
                && proxy_delete_observe(call, args, out, &ignored) == CAIRN_SEEN_DONE)) {
            cairn_put(out, "status", cairn_str("deleting"));
            return 0;
        }
        *err = refused;
        return -1;
    }
    cairn_put(out, "status", cairn_str("deleting"));
    return 0;
}

int
proxy_delete_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
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
