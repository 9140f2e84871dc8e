/*
 * cluster.c: Aurora clusters and Multi-AZ clusters: looking at them; used by rds.c and by all that acts on a cluster.
 * SPDX-License-Identifier: MIT
 */
#include "cluster.h"

#include <string.h>

static const struct shape fields[] = {
    { "DBClusterIdentifier", "id", CAIRN_STR },
    { "DBClusterArn", "arn", CAIRN_STR },
    { "DbClusterResourceId", "resource_id", CAIRN_STR },
    { "Status", "status", CAIRN_STR },
    { "Engine", "engine", CAIRN_STR },
    { "EngineVersion", "engine_version", CAIRN_STR },
    { "EngineMode", "engine_mode", CAIRN_STR },
    { "Endpoint", "endpoint", CAIRN_STR },
    { "ReaderEndpoint", "reader_endpoint", CAIRN_STR },
    { "Port", "port", CAIRN_INT },
    { "DBClusterParameterGroup", "parameter_group", CAIRN_STR },
    { "DeletionProtection", "deletion_protection", CAIRN_BOOL },
    { "BackupRetentionPeriod", "backup_retention", CAIRN_INT },
    { "PreferredMaintenanceWindow", "maintenance_window", CAIRN_STR },
    { "PreferredBackupWindow", "backup_window", CAIRN_STR },
    { "DBSubnetGroup", "subnet_group", CAIRN_STR },
    { "IAMDatabaseAuthenticationEnabled", "iam_auth", CAIRN_BOOL },
    { "KmsKeyId", "kms_key", CAIRN_STR },
    { "StorageEncrypted", "encrypted", CAIRN_BOOL },
    { "ClusterCreateTime", "created", CAIRN_STR },
    { 0 },
};
static const struct shape member_fields[] = {
    { "DBInstanceIdentifier", "id", CAIRN_STR },
    { "IsClusterWriter", "writer", CAIRN_BOOL },
    { "DBClusterParameterGroupStatus", "parameter_status", CAIRN_STR },
    { 0 },
};

int
cluster_find(struct xml_node **found, struct cairn_call *call, const char *id, const char *resource_id,
             struct cairn_error *err)
{
    struct rds_wanted wanted = { "DescribeDBClusters", "DBClusters/DBCluster", "DBClusterIdentifier", id,
                                 "DBClusterNotFound" };
    struct cairn_value *params = cairn_map();

    if (resource_id) {
        wanted.key = "DbClusterResourceId";
        wanted.value = resource_id;
        query_filter(params, 1, "db-cluster-resource-id", resource_id);
    } else {
        cairn_put(params, "DBClusterIdentifier", cairn_str(id));
    }
    return rds_find(found, call, &wanted, params, err);
}

int
cluster_current(struct xml_node **found, struct cairn_call *call, const struct cairn_value *args,
                struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", "");
    const char *resource_id = cairn_get_str(args, "resource_id", "");
    int rc = cluster_find(found, call, NULL, resource_id, err);

    return rc <= 0 ? rc : rds_check_name(found, "DBClusterIdentifier", id, resource_id, err);
}

const char *
cluster_member_status(const struct xml_node *cluster, const char *instance)
{
    for (const struct xml_node *at = xml_get(cluster, "DBClusterMembers/DBClusterMember"); at; at = xml_next(at))
        if (!strcasecmp(xml_text(at, "DBInstanceIdentifier", ""), instance))
            return xml_text(at, "DBClusterParameterGroupStatus", "");
    return "";
}

int
cluster_describe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                 struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", NULL);
    const char *resource_id = cairn_get_str(args, "resource_id", NULL);
    struct xml_node *found;
    int rc;

    if (!id == !resource_id)
        return cairn_fail(err, CAIRN_ERR_INVALID, "describe cluster: give either id or resource_id");
    rc = cluster_find(&found, call, id, resource_id, err);
    if (rc == 0)
        return cairn_fail_code(err, CAIRN_ERR_NOT_FOUND, "DBClusterNotFoundFault", "describe cluster %s: there is none",
                               id ? id : resource_id);
    if (rc < 0)
        return -1;
    shape_copy(out, found, fields);
    cairn_put(out, "members", shape_maps(found, "DBClusterMembers/DBClusterMember", member_fields));
    cairn_put(out, "pending", shape_any(xml_get(found, "PendingModifiedValues")));
    cairn_put(out, "master_secret", cairn_bool(xml_get(found, "MasterUserSecret/SecretArn") != NULL));
    cairn_put(out, "security_groups",
              shape_list(found, "VpcSecurityGroups/VpcSecurityGroupMembership", "VpcSecurityGroupId"));
    cairn_put(out, "tags", tags_read(xml_get(found, "TagList/Tag")));
    xml_free(found);
    return 0;
}
