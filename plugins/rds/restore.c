/*
 * restore.c: instances that come out of snapshots and automated backups; used by rds.c.
 * SPDX-License-Identifier: MIT
 *
 * What a restore is not told, RDS doesn't take from the database of old: it takes its own defaults. And some settings it
 * doesn't take at all: modify_instance sets those afterwards.
 */
#include "restore.h"

#include "instance.h"

#include <string.h>

static const struct query_field settings[] = {
    { "class", "DBInstanceClass" },
    { "port", "Port" },
    { "zone", "AvailabilityZone" },
    { "multi_az", "MultiAZ" },
    { "subnet_group", "DBSubnetGroupName" },
    { "public", "PubliclyAccessible" },
    { "auto_minor_upgrade", "AutoMinorVersionUpgrade" },
    { "license", "LicenseModel" },
    { "iops", "Iops" },
    { "storage_type", "StorageType" },
    { "storage_throughput", "StorageThroughput" },
    { "allocated_storage", "AllocatedStorage" },
    { "option_group", "OptionGroupName" },
    { "parameter_group", "DBParameterGroupName" },
    { "security_groups", "VpcSecurityGroupIds.VpcSecurityGroupId" },
    { "iam_auth", "EnableIAMDatabaseAuthentication" },
    { "log_exports", "EnableCloudwatchLogsExports.member" },
    { "copy_tags", "CopyTagsToSnapshot" },
    { "deletion_protection", "DeletionProtection" },
    { "network_type", "NetworkType" },
    { "backup_retention", "BackupRetentionPeriod" },
    { "backup_window", "PreferredBackupWindow" },
    { "ca", "CACertificateIdentifier" },
    { "dedicated_log_volume", "DedicatedLogVolume" },
    { "lifecycle_support", "EngineLifecycleSupport" },
    { 0 },
};
static const struct shape begun[] = {
    { "DBInstanceIdentifier", "id", CAIRN_STR },
    { "DBInstanceArn", "arn", CAIRN_STR },
    { "DbiResourceId", "resource_id", CAIRN_STR },
    { "DBInstanceStatus", "status", CAIRN_STR },
    { 0 },
};

int
restore_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", "");
    struct xml_node *found;
    int rc = instance_find(&found, call, id, NULL, err);

    if (rc <= 0)
        return rc < 0 ? -1 : CAIRN_SEEN_ABSENT;
    rc = rds_judge(call, tags_read(xml_get(found, "TagList/Tag")), "instance", id, err);
    if (rc == CAIRN_SEEN_DONE)
        shape_copy(out, found, begun);
    xml_free(found);
    return rc;
}

static int
restore(struct cairn_call *call, const char *action, struct cairn_value *owned_params, const char *made,
        const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_error refused = { 0 };
    struct xml_node *reply;

    query_fields(owned_params, args, settings);
    tags_put_marked(owned_params, "Tags.Tag", cairn_get(args, "tags"), call);
    if (rds_change(call, action, owned_params, &reply, &refused) < 0)
        return rds_adopt(call, args, out, &refused, restore_observe, err);
    shape_copy(out, xml_get(reply, made), begun);
    xml_free(reply);
    return 0;
}

int
restore_snapshot(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                 struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();

    query_put(params, "DBInstanceIdentifier", cairn_get(args, "id"));
    query_put(params, "DBSnapshotIdentifier", cairn_get(args, "snapshot"));
    return restore(call, "RestoreDBInstanceFromDBSnapshot", params, "RestoreDBInstanceFromDBSnapshotResult/DBInstance",
                   args, out, err);
}

int
restore_point_in_time(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                      struct cairn_error *err)
{
    const char *time = cairn_get_str(args, "time", "");
    struct cairn_value *params = cairn_map();

    query_put(params, "TargetDBInstanceIdentifier", cairn_get(args, "id"));
    query_put(params, "SourceDbiResourceId", cairn_get(args, "source_resource_id"));
    query_put(params, "MaxAllocatedStorage", cairn_get(args, "max_allocated_storage"));
    if (!strcmp(time, "latest"))
        cairn_put(params, "UseLatestRestorableTime", cairn_str("true"));
    else
        cairn_put(params, "RestoreTime", cairn_str(time));
    return restore(call, "RestoreDBInstanceToPointInTime", params, "RestoreDBInstanceToPointInTimeResult/DBInstance",
                   args, out, err);
}

static int
backups_page(const struct xml_node *result, void *context, struct cairn_error *err)
{
    static const struct shape fields[] = {
        { "DBInstanceIdentifier", "id", CAIRN_STR },
        { "DbiResourceId", "resource_id", CAIRN_STR },
        { "Status", "status", CAIRN_STR },
        { "RestoreWindow/EarliestTime", "earliest", CAIRN_STR },
        { "RestoreWindow/LatestTime", "latest", CAIRN_STR },
        { "EngineVersion", "engine_version", CAIRN_STR },
        { "AllocatedStorage", "allocated_storage", CAIRN_INT },
        { "StorageType", "storage_type", CAIRN_STR },
        { "Port", "port", CAIRN_INT },
        { "Encrypted", "encrypted", CAIRN_BOOL },
        { "KmsKeyId", "kms_key", CAIRN_STR },
        { "OptionGroupName", "option_group", CAIRN_STR },
        { "BackupRetentionPeriod", "backup_retention", CAIRN_INT },
        { 0 },
    };
    struct cairn_value *list = context;

    (void)err;
    for (const struct xml_node *at = xml_get(result, "DBInstanceAutomatedBackups/DBInstanceAutomatedBackup"); at;
         at = xml_next(at)) {
        struct cairn_value *backup = cairn_map();

        shape_copy(backup, at, fields);
        cairn_add(list, backup);
    }
    return 0;
}

int
restore_backups(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct cairn_value *params = cairn_map(), *list = cairn_list();
    struct cairn_error problem = { 0 };

    query_put(params, "DBInstanceIdentifier", cairn_get(args, "instance"));
    query_put(params, "DbiResourceId", cairn_get(args, "resource_id"));
    if (rds_pages(call, "DescribeDBInstanceAutomatedBackups", params, backups_page, list, &problem) < 0
        && problem.kind != CAIRN_ERR_NOT_FOUND) {
        cairn_free(list);
        *err = problem;
        return -1;
    }
    cairn_put(out, "backups", list);
    return 0;
}
