/*
 * rds_proxy.c: the plugin rds_proxy: RDS Proxy, its targets, pool and endpoints.
 * SPDX-License-Identifier: MIT
 *
 * Only the tables are here. `capture` shows all that is needed to make the same proxy again: what its parts hold is
 * what `create`, `modify_pool`, `register_targets` and `create_endpoint` take.
 */
#include "identity.h"
#include "proxy.h"

#define END { 0 }
#define NEED(name, type, help) { name, type, CAIRN_REQUIRED, help, NULL }
#define MAY(name, type, help) { name, type, 0, help, NULL }
#define WITH(name, type, help, otherwise) { name, type, 0, help, otherwise }
#define HAS(name, type, help) { name, type, 0, help, NULL }

#define PROXY NEED("proxy", CAIRN_STR, "name of the proxy")
#define TAGS MAY("tags", CAIRN_MAP, "tags; cairn:run and cairn:step are added")
#define STATUS HAS("status", CAIRN_STR, "status as AWS gives it")

static const struct cairn_param name_params[] = { NEED("name", CAIRN_STR, "name of the proxy"), END };
static const struct cairn_param proxy_params[] = { PROXY, END };
static const struct cairn_param proxy_results[] = {
    HAS("name", CAIRN_STR, "name"),
    HAS("arn", CAIRN_STR, "ARN"),
    STATUS,
    HAS("endpoint", CAIRN_STR, "its address"),
    HAS("engine_family", CAIRN_STR, "POSTGRESQL"),
    HAS("vpc", CAIRN_STR, "id of its VPC"),
    HAS("subnets", CAIRN_LIST, "ids"),
    HAS("security_groups", CAIRN_LIST, "ids"),
    HAS("auth", CAIRN_LIST, "scheme, secret_arn, iam_auth, user, description, client_password_auth_type"),
    HAS("role_arn", CAIRN_STR, "role by which it reads the secrets"),
    HAS("require_tls", CAIRN_BOOL, "is TLS required?"),
    HAS("idle_timeout", CAIRN_INT, "seconds"),
    HAS("debug_logging", CAIRN_BOOL, "are statements logged?"),
    HAS("default_auth_scheme", CAIRN_STR, "NONE or IAM_AUTH"),
    HAS("endpoint_network_type", CAIRN_STR, "IPV4, IPV6 or DUAL"),
    HAS("target_network_type", CAIRN_STR, "IPV4 or IPV6"),
    HAS("tags", CAIRN_MAP, "its tags (of a describe)"),
    END,
};
static const struct cairn_param targets_results[] = {
    HAS("targets", CAIRN_LIST,
        "id, type (TRACKED_CLUSTER or RDS_INSTANCE), cluster, arn, endpoint, port, role, state, reason, description"),
    END,
};
static const struct cairn_param capture_results[] = {
    HAS("proxy", CAIRN_MAP, "as of describe"),
    HAS("pool", CAIRN_MAP,
        "max_connections_percent, max_idle_connections_percent, connection_borrow_timeout, "
        "session_pinning_filters, init_query"),
    HAS("targets", CAIRN_MAP, "names: instances, clusters"),
    HAS("endpoints", CAIRN_LIST, "as of describe_endpoint, the default one too"),
    END,
};
static const struct cairn_param change_targets_params[] = {
    PROXY,
    MAY("instances", CAIRN_LIST, "names of instances"),
    MAY("clusters", CAIRN_LIST, "names of clusters"),
    END,
};
static const struct cairn_param changed_results[] = { HAS("changed", CAIRN_BOOL, "was there anything to do?"), END };
static const struct cairn_param create_params[] = {
    NEED("name", CAIRN_STR, "name of the new proxy"),
    NEED("engine_family", CAIRN_STR, "POSTGRESQL"),
    NEED("role_arn", CAIRN_STR, "role by which it reads the secrets"),
    NEED("subnets", CAIRN_LIST, "ids"),
    MAY("security_groups", CAIRN_LIST, "ids"),
    MAY("auth", CAIRN_LIST, "scheme, secret_arn, iam_auth, user, description, client_password_auth_type"),
    MAY("require_tls", CAIRN_BOOL, "require TLS"),
    MAY("idle_timeout", CAIRN_INT, "seconds"),
    MAY("debug_logging", CAIRN_BOOL, "log statements"),
    MAY("default_auth_scheme", CAIRN_STR, "NONE or IAM_AUTH"),
    MAY("endpoint_network_type", CAIRN_STR, "IPV4, IPV6 or DUAL"),
    MAY("target_network_type", CAIRN_STR, "IPV4 or IPV6"),
    TAGS,
    END,
};
static const struct cairn_param modify_pool_params[] = {
    PROXY,
    NEED("pool", CAIRN_MAP, "settings to change, as of capture"),
    END,
};
static const struct cairn_param endpoint_params[] = { NEED("name", CAIRN_STR, "name of the endpoint"), END };
static const struct cairn_param endpoint_results[] = {
    HAS("name", CAIRN_STR, "name"),
    HAS("arn", CAIRN_STR, "ARN"),
    HAS("proxy", CAIRN_STR, "name of its proxy"),
    HAS("endpoint", CAIRN_STR, "its address"),
    HAS("role", CAIRN_STR, "READ_WRITE or READ_ONLY"),
    STATUS,
    HAS("vpc", CAIRN_STR, "id of its VPC"),
    HAS("is_default", CAIRN_BOOL, "is it the proxy's own?"),
    HAS("subnets", CAIRN_LIST, "ids"),
    HAS("security_groups", CAIRN_LIST, "ids"),
    HAS("tags", CAIRN_MAP, "its tags (of a describe)"),
    END,
};
static const struct cairn_param create_endpoint_params[] = {
    PROXY,
    NEED("name", CAIRN_STR, "name of the new endpoint"),
    WITH("role", CAIRN_STR, "READ_WRITE or READ_ONLY", "\"READ_WRITE\""),
    NEED("subnets", CAIRN_LIST, "ids"),
    MAY("security_groups", CAIRN_LIST, "ids"),
    TAGS,
    END,
};
static const struct cairn_param status_results[] = { STATUS, END };

static const struct cairn_action actions[] = {
    { .name = "describe",
      .help = "Look at a proxy: its settings, status and tags.",
      .params = name_params,
      .results = proxy_results,
      .effect = CAIRN_READ,
      .run = proxy_describe },
    { .name = "describe_targets",
      .help = "List the databases behind a proxy: targets.",
      .params = proxy_params,
      .results = targets_results,
      .effect = CAIRN_READ,
      .run = targets_describe },
    { .name = "describe_endpoint",
      .help = "Look at an endpoint: its settings, status and tags.",
      .params = endpoint_params,
      .results = endpoint_results,
      .effect = CAIRN_READ,
      .run = endpoint_describe },
    { .name = "capture",
      .help = "Read everything of a proxy: proxy, pool, targets, endpoints.",
      .params = proxy_params,
      .results = capture_results,
      .effect = CAIRN_READ,
      .run = capture },
    { .name = "register_targets",
      .help = "Put databases behind a proxy: changed.",
      .params = change_targets_params,
      .results = changed_results,
      .effect = CAIRN_GUARDED,
      .run = targets_register,
      .observe = targets_register_observe },
    { .name = "deregister_targets",
      .help = "Take databases from behind a proxy: changed.",
      .params = change_targets_params,
      .results = changed_results,
      .effect = CAIRN_GUARDED,
      .run = targets_deregister,
      .observe = targets_deregister_observe },
    { .name = "create",
      .help = "Create a proxy: its settings and status.",
      .params = create_params,
      .results = proxy_results,
      .effect = CAIRN_CREATE,
      .run = proxy_create,
      .observe = proxy_create_observe },
    { .name = "modify_pool",
      .help = "Change the connection pool of a proxy.",
      .params = modify_pool_params,
      .effect = CAIRN_SET,
      .run = pool_modify,
      .observe = pool_modify_observe },
    { .name = "delete",
      .help = "Delete a proxy: status.",
      .params = name_params,
      .results = status_results,
      .effect = CAIRN_GUARDED,
      .flags = CAIRN_DESTRUCTIVE,
      .target = "name",
      .run = proxy_delete,
      .observe = proxy_delete_observe },
    { .name = "create_endpoint",
      .help = "Create an endpoint of a proxy: its settings and status.",
      .params = create_endpoint_params,
      .results = endpoint_results,
      .effect = CAIRN_CREATE,
      .run = endpoint_create,
      .observe = endpoint_create_observe },
    { .name = "delete_endpoint",
      .help = "Delete an endpoint: status.",
      .params = endpoint_params,
      .results = status_results,
      .effect = CAIRN_GUARDED,
      .flags = CAIRN_DESTRUCTIVE,
      .target = "name",
      .run = endpoint_delete,
      .observe = endpoint_delete_observe },
    END,
};

CAIRN_PLUGIN(.name = "rds_proxy", .version = "1", .help = "AWS RDS Proxy: proxies, their targets, pool and endpoints.",
             .actions = actions, .section = CLIENT_SECTION, .config = client_config, .env = CLIENT_ENV,
             .guard = identity_guard);
