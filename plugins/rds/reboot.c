/*
 * reboot.c: restarts of instances; used by rds.c.
 * SPDX-License-Identifier: MIT
 *
 * A restart can't be named or counted, and a second one is a second outage. That parameters wait for one is a state
 * that a restart ends: reboot_to_apply is guarded by it.
 */
#include "reboot.h"

#include "cluster.h"
#include "events.h"
#include "instance.h"

#include <string.h>

#define WAITING "pending-reboot"

/* Do parameters of the instance or of its cluster wait for a restart? 1, 0, -1. */
static int
is_waiting(struct cairn_call *call, const struct xml_node *instance, struct cairn_error *err)
{
    const char *cluster = xml_text(instance, "DBClusterIdentifier", "");
    const struct xml_node *group = xml_get(instance, "DBParameterGroups/DBParameterGroup");
    struct xml_node *found;
    int rc;

    for (; group; group = xml_next(group))
        if (!strcmp(xml_text(group, "ParameterApplyStatus", ""), WAITING))
            return 1;
    if (!*cluster)
        return 0;
    rc = cluster_find(&found, call, cluster, NULL, err);
    if (rc > 0)
        rc = !strcmp(cluster_member_status(found, xml_text(instance, "DBInstanceIdentifier", "")), WAITING);
    xml_free(found);
    return rc;
}

static int
is_rebooting(const struct xml_node *instance)
{
    return !strcmp(xml_text(instance, "DBInstanceStatus", ""), "rebooting");
}

static int
reboot(struct cairn_call *call, const char *id, int failover, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();
    struct xml_node *reply;

    cairn_put(params, "DBInstanceIdentifier", cairn_str(id));
    if (failover)
        cairn_put(params, "ForceFailover", cairn_str("true"));
    if (rds_change(call, "RebootDBInstance", params, &reply, err) < 0)
        return -1;
    cairn_put(out, "status",
              cairn_str(xml_text(reply, "RebootDBInstanceResult/DBInstance/DBInstanceStatus", "rebooting")));
    xml_free(reply);
    return 0;
}

int
reboot_to_apply(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", "");
    struct xml_node *found;
    int rc = instance_current(&found, call, args, err);
    int rebooting, waiting;

    if (rc <= 0)
        return rc < 0 ? -1 : rds_gone("reboot instance", args, err);
    rebooting = is_rebooting(found);
    waiting = rebooting ? 1 : is_waiting(call, found, err);
    xml_free(found);
    if (waiting < 0)
        return -1;
    if (!waiting)
        return cairn_fail(err, CAIRN_ERR_CONFLICT, "reboot instance %s: nothing pending: its parameters are in sync",
                          id);
    if (rebooting) {
        cairn_put(out, "status", cairn_str("rebooting"));
        return 0;
    }
    return reboot(call, id, 0, out, err);
}

int
reboot_to_apply_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    struct xml_node *found;
    int rc = instance_find(&found, call, NULL, cairn_get_str(args, "resource_id", ""), err);
    int waiting;

    if (rc == 0) {
        rds_gone("reboot instance", args, err);
        return CAIRN_SEEN_CONFLICT;
    }
    if (rc < 0)
        return -1;
    waiting = is_rebooting(found) ? 0 : is_waiting(call, found, err);
    if (waiting > 0) {
        rc = events_has(call, xml_text(found, "DBInstanceIdentifier", ""), "db-instance", cairn_call_started(call),
                        "restarted", err);
        waiting = rc < 0 ? -1 : !rc;
    }
    if (waiting == 0)
        cairn_put(out, "status", cairn_str(xml_text(found, "DBInstanceStatus", "")));
    xml_free(found);
    return waiting < 0 ? -1 : waiting ? CAIRN_SEEN_ABSENT : CAIRN_SEEN_DONE;
}

int
reboot_instance(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    struct xml_node *found;
    int rc = instance_current(&found, call, args, err);

    if (rc <= 0)
        return rc < 0 ? -1 : rds_gone("reboot instance", args, err);
    xml_free(found);
    return reboot(call, cairn_get_str(args, "id", ""), cairn_get_bool(args, "failover", 0), out, err);
}

int
reboot_instance_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    struct xml_node *found;
    int rc = instance_find(&found, call, NULL, cairn_get_str(args, "resource_id", ""), err);
    int done;

    if (rc < 0)
        return -1;
    if (rc == 0) {
        rds_gone("reboot instance", args, err);
        return CAIRN_SEEN_UNKNOWN;
    }
    done = is_rebooting(found);
    if (!done)
        done = events_has(call, xml_text(found, "DBInstanceIdentifier", ""), "db-instance", cairn_call_started(call),
                          "restarted", err);
    if (done > 0)
        cairn_put(out, "status", cairn_str(xml_text(found, "DBInstanceStatus", "")));
    else if (done == 0)
        cairn_fail(err, CAIRN_ERR_IN_DOUBT, "reboot instance %s: it is %s, and no event says that it was restarted",
                   cairn_get_str(args, "id", ""), xml_text(found, "DBInstanceStatus", ""));
    xml_free(found);
    return done < 0 ? -1 : done ? CAIRN_SEEN_DONE : CAIRN_SEEN_UNKNOWN;
}
