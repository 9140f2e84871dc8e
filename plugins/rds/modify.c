/*
 * modify.c: settings of instances and clusters; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 *
 * The database is looked up by its resource id first: after a switchover a name belongs to another one.
 */
#include "modify.h"

#include "cluster.h"
#include "events.h"
#include "instance.h"
#include "logs.h"
#include "settings.h"

#include <stdlib.h>
#include <string.h>

#define PENDING "PendingModifiedValues"

static const struct setting instance_settings[] = {
    { "apply_immediately", "ApplyImmediately", NULL, NULL },
    { "deletion_protection", "DeletionProtection", "DeletionProtection", NULL },
    { "parameter_group", "DBParameterGroupName", "DBParameterGroups/DBParameterGroup", "DBParameterGroupName" },
    { "backup_retention", "BackupRetentionPeriod", "BackupRetentionPeriod", NULL },
    { "engine_version", "EngineVersion", "EngineVersion", NULL },
    { "allow_major", "AllowMajorVersionUpgrade", NULL, NULL },
    { "class", "DBInstanceClass", "DBInstanceClass", NULL },
    { "multi_az", "MultiAZ", "MultiAZ", NULL },
    { "storage_type", "StorageType", "StorageType", NULL },
    { "allocated_storage", "AllocatedStorage", "AllocatedStorage", NULL },
    { "maintenance_window", "PreferredMaintenanceWindow", "PreferredMaintenanceWindow", NULL },
    { "backup_window", "PreferredBackupWindow", "PreferredBackupWindow", NULL },
    { "auto_minor_upgrade", "AutoMinorVersionUpgrade", "AutoMinorVersionUpgrade", NULL },
    { "security_groups", "VpcSecurityGroupIds.VpcSecurityGroupId", "VpcSecurityGroups/VpcSecurityGroupMembership",
      "VpcSecurityGroupId" },
    { "iam_auth", "EnableIAMDatabaseAuthentication", "IAMDatabaseAuthenticationEnabled", NULL },
    { "iops", "Iops", "Iops", NULL },
    { "storage_throughput", "StorageThroughput", "StorageThroughput", NULL },
    { "max_allocated_storage", "MaxAllocatedStorage", "MaxAllocatedStorage", NULL },
    { "public", "PubliclyAccessible", "PubliclyAccessible", NULL },
    { "copy_tags", "CopyTagsToSnapshot", "CopyTagsToSnapshot", NULL },
    { "ca", "CACertificateIdentifier", "CACertificateIdentifier", NULL },
    { "option_group", "OptionGroupName", "OptionGroupMemberships/OptionGroupMembership", "OptionGroupName" },
    { "monitoring_interval", "MonitoringInterval", "MonitoringInterval", NULL },
    { "monitoring_role", "MonitoringRoleArn", "MonitoringRoleArn", NULL },
    { "performance_insights", "EnablePerformanceInsights", "PerformanceInsightsEnabled", NULL },
    { "performance_insights_key", "PerformanceInsightsKMSKeyId", "PerformanceInsightsKMSKeyId", NULL },
    { "performance_insights_retention", "PerformanceInsightsRetentionPeriod", "PerformanceInsightsRetentionPeriod",
      NULL },
    { "insights_mode", "DatabaseInsightsMode", "DatabaseInsightsMode", NULL },
    { "log_exports", NULL, "EnabledCloudwatchLogsExports/member", "" },
    { "managed_password", "ManageMasterUserPassword", NULL, NULL },
    { 0 },
};
static const struct setting cluster_settings[] = {
    { "apply_immediately", "ApplyImmediately", NULL, NULL },
    { "deletion_protection", "DeletionProtection", "DeletionProtection", NULL },
    { "parameter_group", "DBClusterParameterGroupName", "DBClusterParameterGroup", NULL },
    { "instance_parameter_group", "DBInstanceParameterGroupName", NULL, NULL }, /* its instances show it */
    { "backup_retention", "BackupRetentionPeriod", "BackupRetentionPeriod", NULL },
    { "engine_version", "EngineVersion", "EngineVersion", NULL },
    { "allow_major", "AllowMajorVersionUpgrade", NULL, NULL },
    { "maintenance_window", "PreferredMaintenanceWindow", "PreferredMaintenanceWindow", NULL },
    { "backup_window", "PreferredBackupWindow", "PreferredBackupWindow", NULL },
    { "security_groups", "VpcSecurityGroupIds.VpcSecurityGroupId", "VpcSecurityGroups/VpcSecurityGroupMembership",
      "VpcSecurityGroupId" },
    { "iam_auth", "EnableIAMDatabaseAuthentication", "IAMDatabaseAuthenticationEnabled", NULL },
    { 0 },
};

/* Without a setting the request would only flush the queue of pending ones. */
static int
is_nothing(const struct cairn_value *params)
{
    return cairn_count(params) == (cairn_get(params, "ApplyImmediately") != NULL);
}

static int
check_settings(const struct cairn_value *params, struct cairn_error *err)
{
    if (is_nothing(params))
        return cairn_fail(err, CAIRN_ERR_INVALID, "modify: give at least one setting");
    return 0;
}

static void
put_result(struct cairn_value *out, const struct xml_node *database, const char *status)
{
    cairn_put(out, "status", cairn_str(xml_text(database, status, "")));
    cairn_put(out, "pending", shape_any(xml_get(database, PENDING)));
}

/* `path`: of the database in the reply; `status`: of its status in it. */
static int
modify(struct cairn_call *call, const char *action, struct cairn_value *owned_params, const char *path,
       const char *status, struct cairn_value *out, struct cairn_error *err)
{
    struct xml_node *reply;

    if (rds_change(call, action, owned_params, &reply, err) < 0)
        return -1;
    put_result(out, xml_get(reply, path), status);
    xml_free(reply);
    return 0;
}

static int
same(const struct cairn_value *a, const struct cairn_value *b)
{
    char *x = cairn_format_json(a);
    char *y = cairn_format_json(b);
    int equal = !strcmp(x, y);

    free(x);
    free(y);
    return equal;
}

/* What is applied immediately takes all along that is pending. The upgrade itself may be, after an attempt in doubt. */
static int
check_pending(const struct xml_node *instance, const struct cairn_value *args, struct cairn_error *err)
{
    const struct cairn_value *allowed = cairn_get(args, "allow_pending");
    struct cairn_value *pending = shape_any(xml_get(instance, PENDING));
    int rc = 0;

    for (size_t i = 0; allowed && rc == 0 && i < cairn_count(pending); i++) {
        const char *name = cairn_key(pending, i);
        const struct cairn_value *value = cairn_at(pending, i);

        if (!same(value, cairn_get(allowed, name)) && !same(value, cairn_get(args, name)))
            rc = cairn_fail_code(err, CAIRN_ERR_CONFLICT, "OtherPendingValues",
                                 "modify instance %s: %s is pending too, and would come with it",
                                 cairn_get_str(args, "id", ""), name);
    }
    cairn_free(pending);
    return rc;
}

int
modify_instance(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();
    struct xml_node *found = NULL;
    int rc;

    settings_put(params, args, instance_settings);
    rc = cairn_get(args, "log_exports") ? 0 : check_settings(params, err);
    if (rc == 0)
        rc = instance_current(&found, call, args, err);
    if (rc == 0)
        rc = rds_gone("modify instance", args, err);
    if (rc > 0)
        settings_put_logs(params, args, found);
    if (rc > 0 && is_nothing(params)) { /* the logs are as they should be */
        put_result(out, found, "DBInstanceStatus");
        xml_free(found);
        cairn_free(params);
        return 0;
    }
    if (rc > 0)
        rc = check_pending(found, args, err);
    xml_free(found);
    if (rc < 0) {
        cairn_free(params);
        return -1;
    }
    cairn_put(params, "DBInstanceIdentifier", cairn_str(cairn_get_str(args, "id", "")));
    return modify(call, "ModifyDBInstance", params, "ModifyDBInstanceResult/DBInstance", "DBInstanceStatus", out, err);
}

int
modify_cluster(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();
    struct xml_node *found = NULL;
    int rc;

    settings_put(params, args, cluster_settings);
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
    return modify(call, "ModifyDBCluster", params, "ModifyDBClusterResult/DBCluster", "Status", out, err);
}

/* What the lookup by the resource id says when there is nothing to compare. What has gone since isn't changed: the
 * answer to asking again says so. */
static int
seen_without(int rc, const struct cairn_error *err)
{
    if (rc == 0)
        return CAIRN_SEEN_ABSENT;
    return err->kind == CAIRN_ERR_CONFLICT ? CAIRN_SEEN_CONFLICT : -1;
}

static int
judge(const struct xml_node *found, const char *status, int holds, struct cairn_value *out)
{
    if (holds > 0)
        put_result(out, found, status);
    return holds < 0 ? -1 : holds ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}

/* Was an upgrade begun since this step was recorded? One that changed nothing leaves only events and logs behind, and
 * asking again would mean another outage for nothing. */
static int
upgrade_began(struct cairn_call *call, const struct xml_node *instance, const char *status, const char *type,
              const char *id, struct cairn_error *err)
{
    static const char *const words[] = { "cannot be upgraded", "can't be upgraded", "version upgrade" };
    int64_t since = cairn_call_started(call);
    int began = !strcmp(xml_text(instance, status, ""), "upgrading");

    for (size_t i = 0; began == 0 && i < sizeof(words) / sizeof(words[0]); i++)
        began = events_has(call, id, type, since, words[i], err);
    if (began == 0 && !strcmp(type, "db-instance"))
        began = logs_has(call, id, "pg_upgrade", since, err);
    return began;
}

int
modify_instance_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    static const char status[] = "DBInstanceStatus";
    struct xml_node *found;
    int rc = instance_current(&found, call, args, err);
    int holds;

    if (rc <= 0)
        return seen_without(rc, err);
    holds = settings_hold(found, status, args, instance_settings);
    if (!holds && cairn_get(args, "engine_version"))
        holds = upgrade_began(call, found, status, "db-instance", cairn_get_str(args, "id", ""), err);
    rc = judge(found, status, holds, out);
    xml_free(found);
    return rc;
}

/* Do all instances of the cluster have the group? 1, 0, -1. */
static int
members_have_group(struct cairn_call *call, const struct xml_node *cluster, const char *group, struct cairn_error *err)
{
    const struct xml_node *member = xml_get(cluster, "DBClusterMembers/DBClusterMember");
    int rc = 1;

    for (; member && rc > 0; member = xml_next(member)) {
        struct xml_node *found;

        rc = instance_find(&found, call, xml_text(member, "DBInstanceIdentifier", ""), NULL, err);
        if (rc > 0)
            rc = !strcasecmp(xml_text(found, "DBParameterGroups/DBParameterGroup/DBParameterGroupName", ""), group);
        xml_free(found);
    }
    return rc;
}

int
modify_cluster_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                       struct cairn_error *err)
{
    const char *group = cairn_get_str(args, "instance_parameter_group", NULL);
    struct xml_node *found;
    int rc = cluster_current(&found, call, args, err);
    int holds;

    if (rc <= 0)
        return seen_without(rc, err);
    holds = settings_hold(found, "Status", args, cluster_settings);
    if (holds && group && !settings_upgrade_waits(found, "Status", args))
        holds = members_have_group(call, found, group, err);
    if (!holds && cairn_get(args, "engine_version"))
        holds = upgrade_began(call, found, "Status", "db-cluster", cairn_get_str(args, "id", ""), err);
    rc = judge(found, "Status", holds, out);
    xml_free(found);
    return rc;
}
