/*
 * instance.c: database instances: looking at them; used by rds.c and by all that acts on an instance.
 * SPDX-License-Identifier: MIT
 */
#include "instance.h"

#include <string.h>

static const struct shape fields[] = {
    { "DBInstanceIdentifier", "id", CAIRN_STR },
    { "DBInstanceArn", "arn", CAIRN_STR },
    { "DbiResourceId", "resource_id", CAIRN_STR },
    { "DBInstanceStatus", "status", CAIRN_STR },
    { "Engine", "engine", CAIRN_STR },
    { "EngineVersion", "engine_version", CAIRN_STR },
    { "DBInstanceClass", "class", CAIRN_STR },
    { "DBClusterIdentifier", "cluster", CAIRN_STR },
    { "DBParameterGroups/DBParameterGroup/DBParameterGroupName", "parameter_group", CAIRN_STR },
    { "DBParameterGroups/DBParameterGroup/ParameterApplyStatus", "parameter_status", CAIRN_STR },
    { "DeletionProtection", "deletion_protection", CAIRN_BOOL },
    { "BackupRetentionPeriod", "backup_retention", CAIRN_INT },
    { "StorageType", "storage_type", CAIRN_STR },
    { "AllocatedStorage", "allocated_storage", CAIRN_INT },
    { "MultiAZ", "multi_az", CAIRN_BOOL },
    { "AvailabilityZone", "zone", CAIRN_STR },
    { "Iops", "iops", CAIRN_INT },
    { "StorageThroughput", "storage_throughput", CAIRN_INT },
    { "MaxAllocatedStorage", "max_allocated_storage", CAIRN_INT },
    { "PubliclyAccessible", "public", CAIRN_BOOL },
    { "AutoMinorVersionUpgrade", "auto_minor_upgrade", CAIRN_BOOL },
    { "LicenseModel", "license", CAIRN_STR },
    { "CopyTagsToSnapshot", "copy_tags", CAIRN_BOOL },
    { "NetworkType", "network_type", CAIRN_STR },
    { "CACertificateIdentifier", "ca", CAIRN_STR },
    { "DedicatedLogVolume", "dedicated_log_volume", CAIRN_BOOL },
    { "EngineLifecycleSupport", "lifecycle_support", CAIRN_STR },
    { "MonitoringInterval", "monitoring_interval", CAIRN_INT },
    { "MonitoringRoleArn", "monitoring_role", CAIRN_STR },
    { "PerformanceInsightsEnabled", "performance_insights", CAIRN_BOOL },
    { "PerformanceInsightsKMSKeyId", "performance_insights_key", CAIRN_STR },
    { "PerformanceInsightsRetentionPeriod", "performance_insights_retention", CAIRN_INT },
    { "DatabaseInsightsMode", "insights_mode", CAIRN_STR },
    { "LatestRestorableTime", "latest_restorable", CAIRN_STR },
    { "ReadReplicaSourceDBInstanceIdentifier", "replica_of", CAIRN_STR },
    { "PreferredMaintenanceWindow", "maintenance_window", CAIRN_STR },
    { "PreferredBackupWindow", "backup_window", CAIRN_STR },
    { "DBSubnetGroup/DBSubnetGroupName", "subnet_group", CAIRN_STR },
    { "OptionGroupMemberships/OptionGroupMembership/OptionGroupName", "option_group", CAIRN_STR },
    { "IAMDatabaseAuthenticationEnabled", "iam_auth", CAIRN_BOOL },
    { "KmsKeyId", "kms_key", CAIRN_STR },
    { "StorageEncrypted", "encrypted", CAIRN_BOOL },
    { "InstanceCreateTime", "created", CAIRN_STR },
    { 0 },
};
static const struct shape address[] = {
    { "Address", "address", CAIRN_STR },
    { "Port", "port", CAIRN_INT },
    { 0 },
};

static const struct shape role[] = {
    { "RoleArn", "role", CAIRN_STR },
    { "FeatureName", "feature", CAIRN_STR },
    { "Status", "status", CAIRN_STR },
    { 0 },
};

static void
put_instance(struct cairn_value *out, const struct xml_node *node)
{
    shape_copy(out, node, fields);
    if (xml_get(node, "Endpoint/Address")) {
        struct cairn_value *endpoint = cairn_map();

        shape_copy(endpoint, xml_get(node, "Endpoint"), address);
        cairn_put(out, "endpoint", endpoint);
    }
    cairn_put(out, "pending", shape_any(xml_get(node, "PendingModifiedValues")));
    cairn_put(out, "master_secret", cairn_bool(xml_get(node, "MasterUserSecret/SecretArn") != NULL));
    cairn_put(out, "replicas",
              shape_list(node, "ReadReplicaDBInstanceIdentifiers/ReadReplicaDBInstanceIdentifier", NULL));
    cairn_put(out, "security_groups",
              shape_list(node, "VpcSecurityGroups/VpcSecurityGroupMembership", "VpcSecurityGroupId"));
    cairn_put(out, "log_exports", shape_list(node, "EnabledCloudwatchLogsExports/member", NULL));
    cairn_put(out, "roles", shape_maps(node, "AssociatedRoles/DBInstanceRole", role));
    cairn_put(out, "tags", tags_read(xml_get(node, "TagList/Tag")));
}

int
instance_find(struct xml_node **found, struct cairn_call *call, const char *id, const char *resource_id,
              struct cairn_error *err)
{
    struct rds_wanted wanted = { "DescribeDBInstances", "DBInstances/DBInstance", "DBInstanceIdentifier", id,
                                 "DBInstanceNotFound" };
    struct cairn_value *params = cairn_map();

    if (resource_id) {
        wanted.key = "DbiResourceId";
        wanted.value = resource_id;
        query_filter(params, 1, "dbi-resource-id", resource_id);
    } else {
        cairn_put(params, "DBInstanceIdentifier", cairn_str(id));
    }
    return rds_find(found, call, &wanted, params, err);
}

int
instance_current(struct xml_node **found, struct cairn_call *call, const struct cairn_value *args,
                 struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", "");
    const char *resource_id = cairn_get_str(args, "resource_id", "");
    int rc = instance_find(found, call, NULL, resource_id, err);

    return rc <= 0 ? rc : rds_check_name(found, "DBInstanceIdentifier", id, resource_id, err);
}

int
instance_describe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", NULL);
    const char *resource_id = cairn_get_str(args, "resource_id", NULL);
    struct xml_node *found;
    int rc;

    if (!id == !resource_id)
        return cairn_fail(err, CAIRN_ERR_INVALID, "describe instance: give either id or resource_id");
    rc = instance_find(&found, call, id, resource_id, err);
    if (rc == 0)
        return cairn_fail_code(err, CAIRN_ERR_NOT_FOUND, "DBInstanceNotFound", "describe instance %s: there is none",
                               id ? id : resource_id);
    if (rc > 0)
        put_instance(out, found);
    xml_free(found);
    return rc < 0 ? -1 : 0;
}
