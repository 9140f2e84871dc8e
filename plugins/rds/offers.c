/*
 * offers.c: what RDS offers: versions and classes; used by rds.c.
 * SPDX-License-Identifier: MIT
 */
#include "offers.h"

int
offers_version(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    static const struct shape fields[] = { { "DBParameterGroupFamily", "family", CAIRN_STR },
                                           { "Status", "status", CAIRN_STR },
                                           { 0 } };
    static const struct shape target_fields[] = {
        { "EngineVersion", "version", CAIRN_STR },
        { "IsMajorVersionUpgrade", "major", CAIRN_BOOL },
        { "AutoUpgrade", "auto", CAIRN_BOOL },
        { 0 },
    };
    const char *version = cairn_get_str(args, "version", "");
    struct rds_wanted wanted = { "DescribeDBEngineVersions", "DBEngineVersions/DBEngineVersion", "EngineVersion",
                                 version, NULL };
    struct cairn_value *params = cairn_map();
    struct xml_node *found;
    int rc;

    query_put(params, "Engine", cairn_get(args, "engine"));
    cairn_put(params, "EngineVersion", cairn_str(version));
    cairn_put(params, "IncludeAll", cairn_str("true")); /* a version in use may not be offered any more */
    rc = rds_find(&found, call, &wanted, params, err);
    if (rc < 0)
        return -1;
    if (rc == 0)
        return cairn_fail(err, CAIRN_ERR_NOT_FOUND, "describe engine version: %s has no version %s",
                          cairn_get_str(args, "engine", ""), version);
    shape_copy(out, found, fields);
    cairn_put(out, "targets", shape_maps(found, "ValidUpgradeTarget/UpgradeTarget", target_fields));
    xml_free(found);
    return 0;
}

int
offers_orderable(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                 struct cairn_error *err)
{
    static const struct query_field arguments[] = {
        { "engine", "Engine" },
        { "version", "EngineVersion" },
        { "class", "DBInstanceClass" },
        { 0 },
    };
    struct rds_wanted wanted = { "DescribeOrderableDBInstanceOptions",
                                 "OrderableDBInstanceOptions/OrderableDBInstanceOption", "DBInstanceClass",
                                 cairn_get_str(args, "class", ""), NULL };
    struct cairn_value *params = cairn_map();
    struct xml_node *found;
    int rc;

    query_fields(params, args, arguments);
    rc = rds_find(&found, call, &wanted, params, err);
    xml_free(found);
    if (rc < 0)
        return -1;
    cairn_put(out, "offered", cairn_bool(rc));
    return 0;
}
