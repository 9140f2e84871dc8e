/*
 * modify.c: settings of instances and clusters; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 *
 * The database is looked up by its resource id first: after a switchover a name belongs to another one.
 */
#include "modify.h"

#include "cluster.h"
#include "instance.h"

#include <string.h>

static const struct query_field instance_fields[] = {
    { "apply_immediately", "ApplyImmediately" },
    { "deletion_protection", "DeletionProtection" },
    { "parameter_group", "DBParameterGroupName" },
    { "backup_retention", "BackupRetentionPeriod" },
    { "engine_version", "EngineVersion" },
    { "allow_major", "AllowMajorVersionUpgrade" },
    { "class", "DBInstanceClass" },
    { "multi_az", "MultiAZ" },
    { "storage_type", "StorageType" },
    { "allocated_storage", "AllocatedStorage" },
    { "maintenance_window", "PreferredMaintenanceWindow" },
    { "backup_window", "PreferredBackupWindow" },
    { "auto_minor_upgrade", "AutoMinorVersionUpgrade" },
    { "security_groups", "VpcSecurityGroupIds.VpcSecurityGroupId" },
    { "iam_auth", "EnableIAMDatabaseAuthentication" },
    { 0 },
};
static const struct query_field cluster_fields[] = {
    { "apply_immediately", "ApplyImmediately" },
    { "deletion_protection", "DeletionProtection" },
    { "parameter_group", "DBClusterParameterGroupName" },
    { "instance_parameter_group", "DBInstanceParameterGroupName" },
    { "backup_retention", "BackupRetentionPeriod" },
    { "engine_version", "EngineVersion" },
    { "allow_major", "AllowMajorVersionUpgrade" },
    { "maintenance_window", "PreferredMaintenanceWindow" },
    { "backup_window", "PreferredBackupWindow" },
    { "security_groups", "VpcSecurityGroupIds.VpcSecurityGroupId" },
    { "iam_auth", "EnableIAMDatabaseAuthentication" },
    { 0 },
};

/* Without a setting the request would only flush the queue of pending ones. */
static int
check_settings(const struct cairn_value *params, struct cairn_error *err)
{
    if (cairn_count(params) == (cairn_get(params, "ApplyImmediately") != NULL))
        return cairn_fail(err, CAIRN_ERR_INVALID, "modify: give at least one setting");
    return 0;
}

static int
modify(struct cairn_call *call, const char *action, struct cairn_value *owned_params, const char *status_path,
       struct cairn_value *out, struct cairn_error *err)
{
    struct xml_node *reply;
    const char *status;

    if (rds_change(call, action, owned_params, &reply, err) < 0)
        return -1;
    status = xml_text(reply, status_path, NULL);
    if (status)
        cairn_put(out, "status", cairn_str(status));
    xml_free(reply);
    return 0;
}

int
modify_instance(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();
    struct xml_node *found = NULL;
    int rc;

    query_fields(params, args, instance_fields);
    rc = check_settings(params, err);
    if (rc == 0)
        rc = instance_current(&found, call, args, err);
    if (rc == 0)
        rc = rds_gone("modify instance", args, err);
    if (rc < 0) {
        cairn_free(params);
        return -1;
    }
    xml_free(found);
    cairn_put(params, "DBInstanceIdentifier", cairn_str(cairn_get_str(args, "id", "")));
    return modify(call, "ModifyDBInstance", params, "ModifyDBInstanceResult/DBInstance/DBInstanceStatus", out, err);
}

int
modify_cluster(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();
    struct xml_node *found = NULL;
    int rc;

    query_fields(params, args, cluster_fields);
    rc = check_settings(params, err);
    if (rc == 0)
        rc = cluster_current(&found, call, args, err);
    if (rc == 0)
        rc = rds_gone("modify cluster", args, err);
    if (rc < 0) {
        cairn_free(params);
        return -1;
    }
    xml_free(found);
    cairn_put(params, "DBClusterIdentifier", cairn_str(cairn_get_str(args, "id", "")));
    return modify(call, "ModifyDBCluster", params, "ModifyDBClusterResult/DBCluster/Status", out, err);
}
