/*
 * snapshot.c: snapshots of instances and clusters; used by rds.c.
 * SPDX-License-Identifier: MIT
 *
 * The two kinds differ in nothing but names.
 */
#include "snapshot.h"

#include "common/alloc.h"
#include "errors.h"

#include <stdlib.h>
#include <string.h>

struct kind {
    const char *create, *describe, *delete; /* operations */
    const char *name, *source;              /* parameters */
    const char *arg;                        /* the argument that names the source */
    const char *created;                    /* path of the snapshot in the reply to create */
    struct rds_wanted wanted;
    const struct shape *fields;
};

static const struct shape instance_fields[] = {
    { "DBSnapshotIdentifier", "name", CAIRN_STR },
    { "DBSnapshotArn", "arn", CAIRN_STR },
    { "Status", "status", CAIRN_STR },
    { "PercentProgress", "progress", CAIRN_INT },
    { "SnapshotCreateTime", "created", CAIRN_STR },
    { "EngineVersion", "engine_version", CAIRN_STR },
    { "DBInstanceIdentifier", "source", CAIRN_STR },
    { "DbiResourceId", "resource_id", CAIRN_STR },
    { "SnapshotType", "type", CAIRN_STR },
    { "Encrypted", "encrypted", CAIRN_BOOL },
    { "KmsKeyId", "kms_key", CAIRN_STR },
    { "AllocatedStorage", "allocated_storage", CAIRN_INT },
    { "StorageType", "storage_type", CAIRN_STR },
    { "Iops", "iops", CAIRN_INT },
    { "Port", "port", CAIRN_INT },
    { "OptionGroupName", "option_group", CAIRN_STR },
    { 0 },
};
static const struct shape cluster_fields[] = {
    { "DBClusterSnapshotIdentifier", "name", CAIRN_STR },
    { "DBClusterSnapshotArn", "arn", CAIRN_STR },
    { "Status", "status", CAIRN_STR },
    { "PercentProgress", "progress", CAIRN_INT },
    { "SnapshotCreateTime", "created", CAIRN_STR },
    { "EngineVersion", "engine_version", CAIRN_STR },
    { "DBClusterIdentifier", "source", CAIRN_STR },
    { "DbClusterResourceId", "resource_id", CAIRN_STR },
    { "SnapshotType", "type", CAIRN_STR },
    { "StorageEncrypted", "encrypted", CAIRN_BOOL },
    { "KmsKeyId", "kms_key", CAIRN_STR },
    { 0 },
};

static const struct kind of_instance = {
    "CreateDBSnapshot",
    "DescribeDBSnapshots",
    "DeleteDBSnapshot",
    "DBSnapshotIdentifier",
    "DBInstanceIdentifier",
    "instance",
    "CreateDBSnapshotResult/DBSnapshot",
    { "DescribeDBSnapshots", "DBSnapshots/DBSnapshot", "DBSnapshotIdentifier", NULL, "DBSnapshotNotFound" },
    instance_fields,
};
static const struct kind of_cluster = {
    "CreateDBClusterSnapshot",
    "DescribeDBClusterSnapshots",
    "DeleteDBClusterSnapshot",
    "DBClusterSnapshotIdentifier",
    "DBClusterIdentifier",
    "cluster",
    "CreateDBClusterSnapshotResult/DBClusterSnapshot",
    { "DescribeDBClusterSnapshots", "DBClusterSnapshots/DBClusterSnapshot", "DBClusterSnapshotIdentifier", NULL,
      "DBClusterSnapshotNotFound" },
    cluster_fields,
};

static int
find(struct xml_node **found, struct cairn_call *call, const struct kind *kind, const char *name,
     struct cairn_error *err)
{
    struct rds_wanted wanted = kind->wanted;
    struct cairn_value *params = cairn_map();
    const char *of_arn = strncmp(name, "arn:", 4) ? NULL : strstr(name, "snapshot:");

    wanted.value = of_arn ? of_arn + strlen("snapshot:") : name;
    cairn_put(params, kind->name, cairn_str(name));
    if (of_arn) /* another account's goes by its ARN */
        cairn_put(params, "IncludeShared", cairn_str("true"));
    return rds_find(found, call, &wanted, params, err);
}

static int
describe(struct cairn_call *call, const struct kind *kind, const struct cairn_value *args, struct cairn_value *out,
         struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "name", "");
    struct xml_node *found;
    int rc = find(&found, call, kind, name, err);

    if (rc < 0)
        return -1;
    if (rc == 0)
        return cairn_fail_code(err, CAIRN_ERR_NOT_FOUND, kind->wanted.not_found, "describe snapshot %s: there is none",
                               name);
    shape_copy(out, found, kind->fields);
    cairn_put(out, "tags", tags_read(xml_get(found, "TagList/Tag")));
    xml_free(found);
    return 0;
}

static int
observe(struct cairn_call *call, const struct kind *kind, const struct cairn_value *args, struct cairn_value *out,
        struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "name", "");
    struct xml_node *found;
    int rc = find(&found, call, kind, name, err);

    if (rc <= 0)
        return rc < 0 ? -1 : CAIRN_SEEN_ABSENT;
    rc = rds_judge(call, tags_read(xml_get(found, "TagList/Tag")), "snapshot", name, err);
    if (rc == CAIRN_SEEN_DONE)
        shape_copy(out, found, kind->fields);
    xml_free(found);
    return rc;
}

static int
create(struct cairn_call *call, const struct kind *kind, const struct cairn_value *args, struct cairn_value *out,
       cairn_run_fn *look, struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();
    struct cairn_error refused = { 0 };
    struct xml_node *reply;

    cairn_put(params, kind->name, cairn_str(cairn_get_str(args, "name", "")));
    cairn_put(params, kind->source, cairn_str(cairn_get_str(args, kind->arg, "")));
    tags_put_marked(params, "Tags.Tag", cairn_get(args, "tags"), call);
    if (rds_change(call, kind->create, params, &reply, &refused) < 0)
        return rds_adopt(call, args, out, &refused, look, err);
    shape_copy(out, xml_get(reply, kind->created), kind->fields);
    xml_free(reply);
    return 0;
}

int
snapshot_create(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    return create(call, &of_instance, args, out, snapshot_create_observe, err);
}

int
snapshot_create_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    return observe(call, &of_instance, args, out, err);
}

int
snapshot_create_cluster(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    return create(call, &of_cluster, args, out, snapshot_create_cluster_observe, err);
}

int
snapshot_create_cluster_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                                struct cairn_error *err)
{
    return observe(call, &of_cluster, args, out, err);
}

int
snapshot_describe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    return describe(call, &of_instance, args, out, err);
}

int
snapshot_describe_cluster(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                          struct cairn_error *err)
{
    return describe(call, &of_cluster, args, out, err);
}

static int
list_page(const struct xml_node *result, void *context, struct cairn_error *err)
{
    struct cairn_value *list = context;

    (void)err;
    for (const struct xml_node *at = xml_get(result, of_instance.wanted.path); at; at = xml_next(at)) {
        struct cairn_value *snapshot = cairn_map();

        shape_copy(snapshot, at, instance_fields);
        cairn_put(snapshot, "at", cairn_int(rds_time(xml_text(at, "SnapshotCreateTime", ""))));
        cairn_add(list, snapshot);
    }
    return 0;
}

static int
newer(const void *a, const void *b)
{
    int64_t x = cairn_get_int(*(const struct cairn_value *const *)a, "at", 0);
    int64_t y = cairn_get_int(*(const struct cairn_value *const *)b, "at", 0);

    return x < y ? 1 : x > y ? -1 : 0;
}

static struct cairn_value *
newest_first(const struct cairn_value *list)
{
    size_t count = cairn_count(list);
    const struct cairn_value **items = alloc_zero(count + 1, sizeof(*items));
    struct cairn_value *sorted = cairn_list();

    for (size_t i = 0; i < count; i++)
        items[i] = cairn_at(list, i);
    qsort(items, count, sizeof(*items), newer);
    for (size_t i = 0; i < count; i++)
        cairn_add(sorted, cairn_copy(items[i]));
    free(items);
    return sorted;
}

/* By resource id: of a database that is gone as well, and not of another that has its name now. */
int
snapshot_list(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
              struct cairn_error *err)
{
    struct cairn_value *params = cairn_map(), *list = cairn_list();
    int rc;

    query_put(params, "DBInstanceIdentifier", cairn_get(args, "instance"));
    query_put(params, "SnapshotType", cairn_get(args, "type"));
    query_put(params, "DbiResourceId", cairn_get(args, "resource_id"));
    rc = rds_pages(call, "DescribeDBSnapshots", params, list_page, list, err);
    if (rc == 0)
        cairn_put(out, "snapshots", newest_first(list));
    cairn_free(list);
    return rc;
}

static const struct kind *
kind_of(const struct cairn_value *args)
{
    return cairn_get_bool(args, "cluster", 0) ? &of_cluster : &of_instance;
}

int
snapshot_delete(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    const struct kind *kind = kind_of(args);
    struct cairn_value *params = cairn_map();
    struct cairn_error refused = { 0 };

    cairn_put(params, kind->name, cairn_str(cairn_get_str(args, "name", "")));
    if (rds_change(call, kind->delete, params, NULL, &refused) < 0 && !errors_is(&refused, kind->wanted.not_found)) {
        *err = refused;
        return -1;
    }
    cairn_put(out, "status", cairn_str("deleted"));
    return 0;
}

int
snapshot_delete_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    struct xml_node *found;
    int rc = find(&found, call, kind_of(args), cairn_get_str(args, "name", ""), err);
    int gone;

    if (rc < 0)
        return -1;
    gone = rc == 0 || !strcmp(xml_text(found, "Status", ""), "deleting");
    if (gone)
        cairn_put(out, "status", cairn_str("deleted"));
    xml_free(found);
    return gone ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}
