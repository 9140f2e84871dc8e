/*
 * tables.h: parameters and results of the actions of the plugin rds; included by rds.c alone.
 * SPDX-License-Identifier: MIT
 *
 * Times are texts as AWS gives them, statuses are AWS' own; what AWS leaves out is left out, but lists and maps are
 * always there.
 */
#ifndef RDS_TABLES_H
#define RDS_TABLES_H

#include "cairn/plugin.h"

#define END { 0 }
#define NEED(name, type, help) { name, type, CAIRN_REQUIRED, help, NULL }
#define MAY(name, type, help) { name, type, 0, help, NULL }
#define WITH(name, type, help, otherwise) { name, type, 0, help, otherwise }
#define HAS(name, type, help) { name, type, 0, help, NULL }

#define ID(what) NEED("id", CAIRN_STR, "name of the " what)
#define RESOURCE_ID NEED("resource_id", CAIRN_STR, "its resource id, which stays when names move")
#define NAME(what) NEED("name", CAIRN_STR, "name of the " what)
#define TAGS MAY("tags", CAIRN_MAP, "tags; cairn:run and cairn:step are added")
#define CLUSTER(what) WITH("cluster", CAIRN_BOOL, "is it " what " of a cluster?", "false")
#define ARN NEED("arn", CAIRN_STR, "ARN of the thing")
#define STATUS HAS("status", CAIRN_STR, "status as AWS gives it")

/* ---- looking ------------------------------------------------------------------------------------------------ */

static const struct cairn_param which_params[] = {
    MAY("id", CAIRN_STR, "its name; this or resource_id"),
    MAY("resource_id", CAIRN_STR, "its resource id, which stays when names move"),
    END,
};
static const struct cairn_param instance_results[] = {
    HAS("id", CAIRN_STR, "name"),
    HAS("arn", CAIRN_STR, "ARN"),
    HAS("resource_id", CAIRN_STR, "DbiResourceId"),
    STATUS,
    HAS("engine", CAIRN_STR, "postgres, aurora-postgresql, ..."),
    HAS("engine_version", CAIRN_STR, "version it runs"),
    HAS("class", CAIRN_STR, "instance class"),
    HAS("endpoint", CAIRN_MAP, "address, port; left out while there is none"),
    HAS("cluster", CAIRN_STR, "name of the cluster it is in"),
    HAS("parameter_group", CAIRN_STR, "name of its parameter group"),
    HAS("parameter_status", CAIRN_STR, "in-sync, applying, pending-reboot, ..."),
    HAS("pending", CAIRN_MAP, "pending modified values; empty when there are none"),
    HAS("deletion_protection", CAIRN_BOOL, "is it protected?"),
    HAS("backup_retention", CAIRN_INT, "days"),
    HAS("storage_type", CAIRN_STR, "gp3, io1, aurora, ..."),
    HAS("allocated_storage", CAIRN_INT, "GiB"),
    HAS("multi_az", CAIRN_BOOL, "does it have a standby?"),
    HAS("master_secret", CAIRN_BOOL, "is the master password managed by Secrets Manager?"),
    HAS("replicas", CAIRN_LIST, "names of its read replicas"),
    HAS("replica_of", CAIRN_STR, "name or ARN of what it replicates"),
    HAS("maintenance_window", CAIRN_STR, "ddd:hh:mm-ddd:hh:mm, UTC"),
    HAS("backup_window", CAIRN_STR, "hh:mm-hh:mm, UTC"),
    HAS("subnet_group", CAIRN_STR, "name of its subnet group"),
    HAS("security_groups", CAIRN_LIST, "ids of its security groups"),
    HAS("option_group", CAIRN_STR, "name of its option group"),
    HAS("iam_auth", CAIRN_BOOL, "is IAM authentication on?"),
    HAS("kms_key", CAIRN_STR, "ARN of its key"),
    HAS("encrypted", CAIRN_BOOL, "is its storage encrypted?"),
    HAS("created", CAIRN_STR, "when it was created"),
    HAS("zone", CAIRN_STR, "availability zone"),
    HAS("iops", CAIRN_INT, "provisioned operations per second"),
    HAS("storage_throughput", CAIRN_INT, "MiB per second"),
    HAS("max_allocated_storage", CAIRN_INT, "GiB up to which storage grows by itself"),
    HAS("public", CAIRN_BOOL, "has it a public address?"),
    HAS("auto_minor_upgrade", CAIRN_BOOL, "may AWS upgrade minor versions?"),
    HAS("license", CAIRN_STR, "licence model"),
    HAS("copy_tags", CAIRN_BOOL, "do snapshots get its tags?"),
    HAS("network_type", CAIRN_STR, "IPV4, DUAL"),
    HAS("ca", CAIRN_STR, "certificate authority"),
    HAS("dedicated_log_volume", CAIRN_BOOL, "has the log a volume of its own?"),
    HAS("lifecycle_support", CAIRN_STR, "what happens after the end of standard support"),
    HAS("monitoring_interval", CAIRN_INT, "seconds; 0 when enhanced monitoring is off"),
    HAS("monitoring_role", CAIRN_STR, "ARN of the role of enhanced monitoring"),
    HAS("performance_insights", CAIRN_BOOL, "is Performance Insights on?"),
    HAS("performance_insights_key", CAIRN_STR, "ARN of its key"),
    HAS("performance_insights_retention", CAIRN_INT, "days"),
    HAS("insights_mode", CAIRN_STR, "standard, advanced"),
    HAS("latest_restorable", CAIRN_STR, "the latest time that it can be restored to"),
    HAS("log_exports", CAIRN_LIST, "logs that go to CloudWatch"),
    HAS("roles", CAIRN_LIST, "role, feature, status"),
    HAS("tags", CAIRN_MAP, "its tags"),
    END,
};
static const struct cairn_param cluster_results[] = {
    HAS("id", CAIRN_STR, "name"),
    HAS("arn", CAIRN_STR, "ARN"),
    HAS("resource_id", CAIRN_STR, "DbClusterResourceId"),
    STATUS,
    HAS("engine", CAIRN_STR, "aurora-postgresql, ..."),
    HAS("engine_version", CAIRN_STR, "version it runs"),
    HAS("engine_mode", CAIRN_STR, "provisioned, serverless"),
    HAS("endpoint", CAIRN_STR, "address of the writer"),
    HAS("reader_endpoint", CAIRN_STR, "address of the readers"),
    HAS("port", CAIRN_INT, "port of both"),
    HAS("members", CAIRN_LIST, "instances: id, writer, parameter_status"),
    HAS("parameter_group", CAIRN_STR, "name of its cluster parameter group"),
    HAS("deletion_protection", CAIRN_BOOL, "is it protected?"),
    HAS("backup_retention", CAIRN_INT, "days"),
    HAS("pending", CAIRN_MAP, "pending modified values; empty when there are none"),
    HAS("master_secret", CAIRN_BOOL, "is the master password managed by Secrets Manager?"),
    HAS("maintenance_window", CAIRN_STR, "ddd:hh:mm-ddd:hh:mm, UTC"),
    HAS("backup_window", CAIRN_STR, "hh:mm-hh:mm, UTC"),
    HAS("subnet_group", CAIRN_STR, "name of its subnet group"),
    HAS("security_groups", CAIRN_LIST, "ids of its security groups"),
    HAS("iam_auth", CAIRN_BOOL, "is IAM authentication on?"),
    HAS("kms_key", CAIRN_STR, "ARN of its key"),
    HAS("encrypted", CAIRN_BOOL, "is its storage encrypted?"),
    HAS("created", CAIRN_STR, "when it was created"),
    HAS("tags", CAIRN_MAP, "its tags"),
    END,
};
static const struct cairn_param version_params[] = {
    NEED("engine", CAIRN_STR, "postgres, aurora-postgresql, ..."),
    NEED("version", CAIRN_STR, "the whole version, 15.5"),
    END,
};
static const struct cairn_param version_results[] = {
    HAS("family", CAIRN_STR, "family of its parameter groups"),
    HAS("status", CAIRN_STR, "available or deprecated"),
    HAS("targets", CAIRN_LIST, "what it can be upgraded to: version, major, auto"),
    END,
};
static const struct cairn_param orderable_params[] = {
    NEED("engine", CAIRN_STR, "postgres, aurora-postgresql, ..."),
    NEED("version", CAIRN_STR, "the whole version, 15.5"),
    NEED("class", CAIRN_STR, "instance class"),
    END,
};
static const struct cairn_param orderable_results[] = {
    HAS("offered", CAIRN_BOOL, "is that class offered with that version?"), END
};
static const struct cairn_param arn_params[] = { ARN, END };
static const struct cairn_param maintenance_results[] = {
    HAS("actions", CAIRN_LIST, "action, opt_in, current_apply, auto_apply, forced_apply, description"),
    END,
};
static const struct cairn_param apply_maintenance_params[] = {
    ARN,
    NEED("action", CAIRN_STR, "system-update, db-upgrade, os-upgrade, hardware-maintenance, ..."),
    NEED("opt_in", CAIRN_STR, "immediate (can't be undone; it may restart), next-maintenance, undo-opt-in"),
    END,
};
static const struct cairn_param opt_in_results[] = { HAS("opt_in", CAIRN_STR, "as asked for"), END };
static const struct cairn_param log_files_params[] = {
    ID("instance"),
    MAY("contains", CAIRN_STR, "a part of the files' names"),
    MAY("since", CAIRN_INT, "only files written since then, ms since 1970"),
    END,
};
static const struct cairn_param log_files_results[] = {
    HAS("files", CAIRN_LIST, "name, written (ms since 1970), size (bytes)"),
    END,
};
static const struct cairn_param log_text_params[] = {
    ID("instance"),
    NEED("file", CAIRN_STR, "name of the file"),
    MAY("marker", CAIRN_STR, "from where on: 0, or what an earlier call returned; left out: the end of the file"),
    MAY("lines", CAIRN_INT, "lines of one portion; AWS' default is 10000, or 1 MB"),
    WITH("max_bytes", CAIRN_INT, "of the text, 1 to 1048576", "65536"),
    END,
};
static const struct cairn_param log_text_results[] = {
    HAS("text", CAIRN_STR, "what is written there"),
    HAS("marker", CAIRN_STR, "where what was read ends"),
    HAS("more", CAIRN_BOOL, "does the file go on there?"),
    HAS("cut", CAIRN_BOOL, "was more read than max_bytes allows to return?"),
    END,
};
static const struct cairn_param events_params[] = {
    NEED("source", CAIRN_STR, "name or id of what the events are about"),
    NEED("source_type", CAIRN_STR, "db-instance, db-cluster, db-proxy, db-snapshot, blue-green-deployment, ..."),
    NEED("since", CAIRN_INT, "from when on, ms since 1970; not more than 14 days ago"),
    MAY("minutes", CAIRN_INT, "for how long from then on; default: until now"),
    END,
};
static const struct cairn_param events_results[] = {
    HAS("events", CAIRN_LIST, "date, at (ms since 1970), message, categories"),
    END,
};

/* ---- parameter groups --------------------------------------------------------------------------------------- */

static const struct cairn_param group_params[] = { NAME("group"), CLUSTER("a group"), END };
static const struct cairn_param group_results[] = {
    HAS("name", CAIRN_STR, "name"),
    HAS("family", CAIRN_STR, "family, aurora-postgresql15"),
    HAS("description", CAIRN_STR, "description"),
    HAS("arn", CAIRN_STR, "ARN"),
    HAS("parameters", CAIRN_MAP, "what differs from the defaults: name to {value, apply_method}"),
    END,
};
static const struct cairn_param create_group_params[] = {
    NAME("new group"),
    NEED("family", CAIRN_STR, "family, aurora-postgresql15"),
    NEED("description", CAIRN_STR, "description"),
    CLUSTER("a group"),
    TAGS,
    END,
};
static const struct cairn_param create_group_results[] = {
    HAS("name", CAIRN_STR, "name"),
    HAS("family", CAIRN_STR, "family"),
    HAS("description", CAIRN_STR, "description"),
    HAS("arn", CAIRN_STR, "ARN"),
    END,
};
static const struct cairn_param modify_group_params[] = {
    NAME("group"),
    CLUSTER("a group"),
    NEED("parameters", CAIRN_MAP, "name to value"),
    WITH("apply", CAIRN_STR, "pending-reboot, or immediate (for dynamic parameters only)", "\"pending-reboot\""),
    END,
};
static const struct cairn_param name_results[] = { HAS("name", CAIRN_STR, "name"), END };
static const struct cairn_param status_results[] = { STATUS, END };

/* ---- changing databases ------------------------------------------------------------------------------------- */

static const struct cairn_param modify_results[] = {
    STATUS,
    HAS("pending", CAIRN_MAP, "pending modified values then; empty when there are none"),
    END,
};
static const struct cairn_param modify_instance_params[] = {
    ID("instance"),
    RESOURCE_ID,
    WITH("apply_immediately", CAIRN_BOOL, "also applies everything else that is pending", "false"),
    MAY("allow_pending", CAIRN_MAP, "pending modified values that may come with it; refused if others are pending"),
    MAY("deletion_protection", CAIRN_BOOL, "protect it or not"),
    MAY("parameter_group", CAIRN_STR, "name of a parameter group"),
    MAY("backup_retention", CAIRN_INT, "days; 0 switches backups off"),
    MAY("engine_version", CAIRN_STR, "version to upgrade to"),
    MAY("allow_major", CAIRN_BOOL, "may the upgrade be a major one?"),
    MAY("class", CAIRN_STR, "instance class"),
    MAY("multi_az", CAIRN_BOOL, "with a standby?"),
    MAY("storage_type", CAIRN_STR, "gp3, io1, ..."),
    MAY("allocated_storage", CAIRN_INT, "GiB"),
    MAY("maintenance_window", CAIRN_STR, "ddd:hh:mm-ddd:hh:mm, UTC"),
    MAY("backup_window", CAIRN_STR, "hh:mm-hh:mm, UTC"),
    MAY("auto_minor_upgrade", CAIRN_BOOL, "may AWS upgrade minor versions?"),
    MAY("security_groups", CAIRN_LIST, "ids of all its security groups"),
    MAY("iam_auth", CAIRN_BOOL, "IAM authentication on or off"),
    MAY("iops", CAIRN_INT, "provisioned operations per second"),
    MAY("storage_throughput", CAIRN_INT, "MiB per second"),
    MAY("max_allocated_storage", CAIRN_INT, "GiB up to which storage grows by itself"),
    MAY("public", CAIRN_BOOL, "with a public address?"),
    MAY("copy_tags", CAIRN_BOOL, "do snapshots get its tags?"),
    MAY("ca", CAIRN_STR, "certificate authority"),
    MAY("option_group", CAIRN_STR, "name of an option group"),
    MAY("monitoring_interval", CAIRN_INT, "seconds of enhanced monitoring; 0 switches it off"),
    MAY("monitoring_role", CAIRN_STR, "ARN of the role of enhanced monitoring"),
    MAY("performance_insights", CAIRN_BOOL, "Performance Insights on or off"),
    MAY("performance_insights_key", CAIRN_STR, "ARN of its key"),
    MAY("performance_insights_retention", CAIRN_INT, "days"),
    MAY("insights_mode", CAIRN_STR, "standard, advanced"),
    MAY("log_exports", CAIRN_LIST, "all logs that are to go to CloudWatch"),
    MAY("managed_password", CAIRN_BOOL, "master password managed by Secrets Manager?"),
    END,
};
static const struct cairn_param modify_cluster_params[] = {
    ID("cluster"),
    RESOURCE_ID,
    WITH("apply_immediately", CAIRN_BOOL, "also applies everything else that is pending", "false"),
    MAY("deletion_protection", CAIRN_BOOL, "protect it or not"),
    MAY("parameter_group", CAIRN_STR, "name of a cluster parameter group"),
    MAY("instance_parameter_group", CAIRN_STR, "name of a parameter group for all its instances, with a major upgrade"),
    MAY("backup_retention", CAIRN_INT, "days"),
    MAY("engine_version", CAIRN_STR, "version to upgrade to"),
    MAY("allow_major", CAIRN_BOOL, "may the upgrade be a major one?"),
    MAY("maintenance_window", CAIRN_STR, "ddd:hh:mm-ddd:hh:mm, UTC"),
    MAY("backup_window", CAIRN_STR, "hh:mm-hh:mm, UTC"),
    MAY("security_groups", CAIRN_LIST, "ids of all its security groups"),
    MAY("iam_auth", CAIRN_BOOL, "IAM authentication on or off"),
    END,
};
static const struct cairn_param reboot_apply_params[] = { ID("instance"), RESOURCE_ID, END };
static const struct cairn_param reboot_params[] = {
    ID("instance"),
    RESOURCE_ID,
    WITH("failover", CAIRN_BOOL, "by a failover to the standby", "false"),
    END,
};
static const struct cairn_param delete_instance_params[] = {
    ID("instance"),
    RESOURCE_ID,
    MAY("final_snapshot", CAIRN_STR, "name of the last snapshot; this or skip_final_snapshot"),
    WITH("skip_final_snapshot", CAIRN_BOOL, "without a last snapshot; so an instance of a cluster", "false"),
    WITH("delete_automated_backups", CAIRN_BOOL, "delete its automated backups too", "false"),
    END,
};
static const struct cairn_param delete_cluster_params[] = {
    ID("cluster"),
    RESOURCE_ID,
    MAY("final_snapshot", CAIRN_STR, "name of the last snapshot; this or skip_final_snapshot"),
    WITH("skip_final_snapshot", CAIRN_BOOL, "without a last snapshot", "false"),
    WITH("delete_automated_backups", CAIRN_BOOL, "delete its automated backups too", "false"),
    END,
};
static const struct cairn_param delete_results[] = {
    STATUS,
    HAS("final_snapshot", CAIRN_STR, "name of the last snapshot, if there is one"),
    END,
};

/* ---- snapshots ---------------------------------------------------------------------------------------------- */

static const struct cairn_param create_snapshot_params[] = {
    NEED("instance", CAIRN_STR, "name of the instance"),
    NAME("new snapshot"),
    TAGS,
    END,
};
static const struct cairn_param create_cluster_snapshot_params[] = {
    NEED("cluster", CAIRN_STR, "name of the cluster"),
    NAME("new snapshot"),
    TAGS,
    END,
};
static const struct cairn_param snapshot_params[] = { NAME("snapshot"), END };
static const struct cairn_param delete_snapshot_params[] = { NAME("snapshot"), CLUSTER("a snapshot"), END };
static const struct cairn_param snapshot_results[] = {
    HAS("name", CAIRN_STR, "name"),
    HAS("arn", CAIRN_STR, "ARN"),
    STATUS,
    HAS("progress", CAIRN_INT, "per cent"),
    HAS("created", CAIRN_STR, "when it was taken"),
    HAS("engine_version", CAIRN_STR, "version of the database"),
    HAS("source", CAIRN_STR, "name of the database"),
    HAS("resource_id", CAIRN_STR, "resource id of the database"),
    HAS("type", CAIRN_STR, "manual, automated, shared, ..."),
    HAS("encrypted", CAIRN_BOOL, "is it encrypted?"),
    HAS("kms_key", CAIRN_STR, "ARN of its key"),
    HAS("allocated_storage", CAIRN_INT, "GiB; not of a cluster's"),
    HAS("storage_type", CAIRN_STR, "storage type; not of a cluster's"),
    HAS("iops", CAIRN_INT, "provisioned operations per second; not of a cluster's"),
    HAS("port", CAIRN_INT, "port of the database; not of a cluster's"),
    HAS("option_group", CAIRN_STR, "option group of the database; not of a cluster's"),
    HAS("tags", CAIRN_MAP, "its tags (of a describe)"),
    END,
};
static const struct cairn_param snapshots_params[] = {
    MAY("resource_id", CAIRN_STR, "resource id of the database, which may be gone; all databases if left out"),
    MAY("instance", CAIRN_STR, "name that the database had when the snapshot was taken"),
    MAY("type", CAIRN_STR, "automated, manual, shared, awsbackup; all but shared if left out"),
    END,
};
static const struct cairn_param snapshots_results[] = {
    HAS("snapshots", CAIRN_LIST, "as of describe_snapshot, and at (ms since 1970); the newest first"),
    END,
};

/* ---- restores ------------------------------------------------------------------------------------------------- */

#define RESTORE_SETTINGS                                                                                               \
    MAY("class", CAIRN_STR, "instance class; that of the source if left out"),                                         \
        MAY("port", CAIRN_INT, "port; that of the source if left out"),                                                \
        MAY("zone", CAIRN_STR, "availability zone; not with multi_az"),                                                \
        MAY("multi_az", CAIRN_BOOL, "with a standby? no if left out"),                                                 \
        MAY("subnet_group", CAIRN_STR, "subnet group; the default one if left out"),                                   \
        MAY("public", CAIRN_BOOL, "with a public address?"),                                                           \
        MAY("auto_minor_upgrade", CAIRN_BOOL, "may AWS upgrade minor versions? yes if left out"),                      \
        MAY("license", CAIRN_STR, "licence model"), MAY("iops", CAIRN_INT, "provisioned operations per second"),       \
        MAY("storage_type", CAIRN_STR, "gp3, or io1 with iops, if left out"),                                          \
        MAY("storage_throughput", CAIRN_INT, "MiB per second"),                                                        \
        MAY("allocated_storage", CAIRN_INT, "GiB; not less than the source has"),                                      \
        MAY("option_group", CAIRN_STR, "option group"),                                                                \
        MAY("parameter_group", CAIRN_STR, "parameter group; the engine's default one if left out"),                    \
        MAY("security_groups", CAIRN_LIST, "ids of security groups; the VPC's default one if left out"),               \
        MAY("iam_auth", CAIRN_BOOL, "IAM authentication? no if left out"),                                             \
        MAY("log_exports", CAIRN_LIST, "logs that go to CloudWatch; none if left out"),                                \
        MAY("copy_tags", CAIRN_BOOL, "do snapshots get its tags? no if left out"),                                     \
        MAY("deletion_protection", CAIRN_BOOL, "protect it? no if left out"),                                          \
        MAY("network_type", CAIRN_STR, "IPV4, DUAL"),                                                                  \
        MAY("backup_retention", CAIRN_INT, "days; that of the source if left out"),                                    \
        MAY("backup_window", CAIRN_STR, "hh:mm-hh:mm, UTC; that of the source if left out"),                           \
        MAY("ca", CAIRN_STR, "certificate authority"),                                                                 \
        MAY("dedicated_log_volume", CAIRN_BOOL, "a volume for the log alone?"),                                        \
        MAY("lifecycle_support", CAIRN_STR, "what happens after the end of standard support"), TAGS

static const struct cairn_param restore_snapshot_params[] = {
    ID("new instance"),
    NEED("snapshot", CAIRN_STR, "name of the snapshot, or its ARN if another account shares it"),
    RESTORE_SETTINGS,
    END,
};
static const struct cairn_param restore_time_params[] = {
    ID("new instance"),
    NEED("source_resource_id", CAIRN_STR, "resource id of the database, which may be gone if its backups were kept"),
    NEED("time", CAIRN_STR, "2026-11-20T13:36:57Z, or latest"),
    MAY("max_allocated_storage", CAIRN_INT, "GiB up to which storage grows by itself"),
    RESTORE_SETTINGS,
    END,
};
static const struct cairn_param restored_results[] = {
    HAS("id", CAIRN_STR, "name"),
    HAS("arn", CAIRN_STR, "ARN"),
    HAS("resource_id", CAIRN_STR, "DbiResourceId"),
    STATUS,
    END,
};
static const struct cairn_param backups_params[] = {
    MAY("resource_id", CAIRN_STR, "resource id of the database, which may be gone"),
    MAY("instance", CAIRN_STR, "name of the database"),
    END,
};
static const struct cairn_param backups_results[] = {
    HAS("backups", CAIRN_LIST, "id, resource_id, status (active, retained), earliest, latest, engine_version, ..."),
    END,
};

/* ---- names and roles ---------------------------------------------------------------------------------------- */

static const struct cairn_param rename_params[] = {
    ID("instance now"),
    RESOURCE_ID,
    NEED("new_id", CAIRN_STR, "its new name"),
    MAY("freed_by", CAIRN_STR, "resource id of the database that gave the new name up: while it is still seen under it, "
                               "the rename waits"),
    END,
};
static const struct cairn_param rename_results[] = { HAS("id", CAIRN_STR, "the new name"), STATUS, END };
static const struct cairn_param role_params[] = {
    ID("instance"),
    RESOURCE_ID,
    NEED("role", CAIRN_STR, "ARN of the role"),
    NEED("feature", CAIRN_STR, "what it is for: s3Import, Lambda, ..."),
    END,
};

/* ---- blue/green deployments --------------------------------------------------------------------------------- */

static const struct cairn_param create_blue_green_params[] = {
    NAME("new deployment, unique in account and region"),
    NEED("source", CAIRN_STR, "ARN of the instance or cluster"),
    NEED("target_version", CAIRN_STR, "version of the green side"),
    MAY("parameter_group", CAIRN_STR, "parameter group of the green side; AWS takes the default group if left out"),
    MAY("cluster_parameter_group", CAIRN_STR, "cluster parameter group of the green side; likewise"),
    MAY("class", CAIRN_STR, "instance class of the green side; not for Aurora"),
    TAGS,
    END,
};
static const struct cairn_param which_blue_green_params[] = {
    MAY("id", CAIRN_STR, "bgd-...; this or name"),
    MAY("name", CAIRN_STR, "its name"),
    END,
};
static const struct cairn_param blue_green_results[] = {
    HAS("id", CAIRN_STR, "bgd-..."),
    HAS("name", CAIRN_STR, "name"),
    HAS("source", CAIRN_STR, "ARN of the blue side"),
    HAS("target", CAIRN_STR, "ARN of the green side, once there is one"),
    STATUS,
    HAS("status_details", CAIRN_STR, "more about the status"),
    HAS("created", CAIRN_STR, "when it was created"),
    HAS("tasks", CAIRN_LIST, "name, status"),
    HAS("members", CAIRN_LIST, "source, target, status"),
    HAS("tags", CAIRN_MAP, "its tags"),
    END,
};
static const struct cairn_param switchover_params[] = {
    NEED("id", CAIRN_STR, "bgd-..."),
    WITH("timeout_s", CAIRN_INT, "30 to 3600; when it is over, AWS puts everything back", "300"),
    END,
};
static const struct cairn_param delete_blue_green_params[] = {
    NEED("id", CAIRN_STR, "bgd-..."),
    WITH("delete_target", CAIRN_BOOL, "delete the green side too; only before a switchover", "false"),
    END,
};
static const struct cairn_param blue_green_status_results[] = { HAS("id", CAIRN_STR, "bgd-..."), STATUS, END };

/* ---- tags --------------------------------------------------------------------------------------------------- */

static const struct cairn_param add_tags_params[] = { ARN, NEED("tags", CAIRN_MAP, "tags to add or to change"), END };
static const struct cairn_param remove_tags_params[] = { ARN, NEED("keys", CAIRN_LIST, "keys of the tags to remove"),
                                                         END };
static const struct cairn_param tags_results[] = { HAS("tags", CAIRN_MAP, "its tags"), END };

#endif
