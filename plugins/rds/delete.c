/*
 * delete.c: deletion of instances and clusters; used by rds.c.
 * SPDX-License-Identifier: MIT
 *
 * By resource id alone: after a switchover the name may be that of the live database.
 */
#include "delete.h"

#include "cluster.h"
#include "instance.h"

#include <string.h>

static int
check_snapshot(const struct cairn_value *args, struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", "");
    int named = cairn_get_str(args, "final_snapshot", NULL) != NULL;
    int skipped = cairn_get_bool(args, "skip_final_snapshot", 0);

    if (named == skipped)
        return cairn_fail(err, CAIRN_ERR_INVALID, "delete %s: give either final_snapshot or skip_final_snapshot = true",
                          id);
    return 0;
}

static struct cairn_value *
request(const struct cairn_value *args, const char *name)
{
    static const struct query_field fields[] = {
        { "final_snapshot", "FinalDBSnapshotIdentifier" },
        { "skip_final_snapshot", "SkipFinalSnapshot" },
        { 0 },
    };
    struct cairn_value *params = cairn_map();

    query_put(params, name, cairn_get(args, "id"));
    query_fields(params, args, fields);
    return params;
}

static int
done(struct cairn_value *out, const struct cairn_value *args, const char *status)
{
    const char *snapshot = cairn_get_str(args, "final_snapshot", NULL);

    cairn_put(out, "status", cairn_str(status));
    if (snapshot)
        cairn_put(out, "final_snapshot", cairn_str(snapshot));
    return 0;
}

int
delete_instance(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct xml_node *found = NULL;
    struct cairn_value *params;
    int deleting, in_cluster, rc;

    if (check_snapshot(args, err) < 0)
        return -1;
    rc = instance_current(&found, call, args, err);
    if (rc <= 0)
        return rc < 0 ? -1 : done(out, args, "deleted");
    deleting = !strcmp(xml_text(found, "DBInstanceStatus", ""), "deleting");
    in_cluster = *xml_text(found, "DBClusterIdentifier", "") != '\0';
    xml_free(found);
    if (deleting)
        return done(out, args, "deleting");
    params = request(args, "DBInstanceIdentifier");
    if (!in_cluster) /* the backups of a cluster aren't its instances' */
        cairn_put(params, "DeleteAutomatedBackups",
                  cairn_str(cairn_get_bool(args, "delete_automated_backups", 0) ? "true" : "false"));
    if (rds_change(call, "DeleteDBInstance", params, NULL, err) < 0)
        return -1;
    return done(out, args, "deleting");
}

int
delete_instance_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    struct xml_node *found;
    int rc = instance_find(&found, call, NULL, cairn_get_str(args, "resource_id", ""), err);
    int gone;

    if (rc < 0)
        return -1;
    gone = rc == 0 || !strcmp(xml_text(found, "DBInstanceStatus", ""), "deleting");
    if (gone)
        done(out, args, rc == 0 ? "deleted" : "deleting");
    xml_free(found);
    return gone ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}

int
delete_cluster(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
               struct cairn_error *err)
{
    struct xml_node *found = NULL;
    struct cairn_value *params;
    int deleting, rc;

    if (check_snapshot(args, err) < 0)
        return -1;
    rc = cluster_current(&found, call, args, err);
    if (rc <= 0)
        return rc < 0 ? -1 : done(out, args, "deleted");
    deleting = !strcmp(xml_text(found, "Status", ""), "deleting");
    xml_free(found);
    if (deleting)
        return done(out, args, "deleting");
    params = request(args, "DBClusterIdentifier");
    cairn_put(params, "DeleteAutomatedBackups",
              cairn_str(cairn_get_bool(args, "delete_automated_backups", 0) ? "true" : "false"));
    if (rds_change(call, "DeleteDBCluster", params, NULL, err) < 0)
        return -1;
    return done(out, args, "deleting");
}

int
delete_cluster_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                       struct cairn_error *err)
{
    struct xml_node *found;
    int rc = cluster_find(&found, call, NULL, cairn_get_str(args, "resource_id", ""), err);
    int gone;

    if (rc < 0)
        return -1;
    gone = rc == 0 || !strcmp(xml_text(found, "Status", ""), "deleting");
    if (gone)
        done(out, args, rc == 0 ? "deleted" : "deleting");
    xml_free(found);
    return gone ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}
