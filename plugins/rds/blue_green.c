/*
 * blue_green.c: blue/green deployments; used by rds.c.
 * SPDX-License-Identifier: MIT
 *
 * A name is taken once in account and region, and can be used again after a deletion; the id never moves.
 */
#include "blue_green.h"

#include "common/alloc.h"
#include "errors.h"
#include "events.h"

#include <string.h>

#define NOT_FOUND "BlueGreenDeploymentNotFound"

static const struct shape fields[] = {
    { "BlueGreenDeploymentIdentifier", "id", CAIRN_STR },
    { "BlueGreenDeploymentName", "name", CAIRN_STR },
    { "Source", "source", CAIRN_STR },
    { "Target", "target", CAIRN_STR },
    { "Status", "status", CAIRN_STR },
    { "StatusDetails", "status_details", CAIRN_STR },
    { "CreateTime", "created", CAIRN_STR },
    { 0 },
};
static const struct shape task_fields[] = { { "Name", "name", CAIRN_STR }, { "Status", "status", CAIRN_STR }, { 0 } };
static const struct shape member_fields[] = {
    { "SourceMember", "source", CAIRN_STR },
    { "TargetMember", "target", CAIRN_STR },
    { "Status", "status", CAIRN_STR },
    { 0 },
};

static void
put_deployment(struct cairn_value *out, const struct xml_node *node)
{
    shape_copy(out, node, fields);
    cairn_put(out, "tasks", shape_maps(node, "Tasks/member", task_fields));
    cairn_put(out, "members", shape_maps(node, "SwitchoverDetails/member", member_fields));
    cairn_put(out, "tags", tags_read(xml_get(node, "TagList/Tag")));
}

/* By id, or by name when that is NULL. 1, 0, -1. */
static int
find(struct xml_node **found, struct cairn_call *call, const char *id, const char *name, struct cairn_error *err)
{
    struct rds_wanted wanted = { "DescribeBlueGreenDeployments", "BlueGreenDeployments/member",
                                 "BlueGreenDeploymentIdentifier", id, NOT_FOUND };
    struct cairn_value *params = cairn_map();

    if (id) {
        cairn_put(params, "BlueGreenDeploymentIdentifier", cairn_str(id));
    } else {
        wanted.key = "BlueGreenDeploymentName";
        wanted.value = name;
        query_filter(params, 1, "blue-green-deployment-name", name);
    }
    return rds_find(found, call, &wanted, params, err);
}

int
blue_green_describe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                    struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", NULL);
    const char *name = cairn_get_str(args, "name", NULL);
    struct xml_node *found;
    int rc;

    if (!id == !name)
        return cairn_fail(err, CAIRN_ERR_INVALID, "describe blue/green deployment: give either id or name");
    rc = find(&found, call, id, name, err);
    if (rc == 0)
        return cairn_fail_code(err, CAIRN_ERR_NOT_FOUND, NOT_FOUND "Fault",
                               "describe blue/green deployment %s: there is none", id ? id : name);
    if (rc < 0)
        return -1;
    put_deployment(out, found);
    xml_free(found);
    return 0;
}

int
blue_green_create(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    static const struct query_field arguments[] = {
        { "name", "BlueGreenDeploymentName" },
        { "source", "Source" },
        { "target_version", "TargetEngineVersion" },
        { "parameter_group", "TargetDBParameterGroupName" },
        { "cluster_parameter_group", "TargetDBClusterParameterGroupName" },
        { "class", "TargetDBInstanceClass" },
        { 0 },
    };
    struct cairn_value *params = cairn_map();
    struct cairn_error refused = { 0 };
    struct xml_node *reply;

    query_fields(params, args, arguments);
    tags_put_marked(params, "Tags.Tag", cairn_get(args, "tags"), call);
    if (rds_change(call, "CreateBlueGreenDeployment", params, &reply, &refused) < 0)
        return rds_adopt(call, args, out, &refused, blue_green_create_observe, err);
    put_deployment(out, xml_get(reply, "CreateBlueGreenDeploymentResult/BlueGreenDeployment"));
    xml_free(reply);
    return 0;
}

int
blue_green_create_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                          struct cairn_error *err)
{
    const char *name = cairn_get_str(args, "name", "");
    struct xml_node *found;
    int rc = find(&found, call, NULL, name, err);

    if (rc <= 0)
        return rc < 0 ? -1 : CAIRN_SEEN_ABSENT;
    rc = rds_judge(call, tags_read(xml_get(found, "TagList/Tag")), "blue/green deployment", name, err);
    if (rc == CAIRN_SEEN_DONE)
        put_deployment(out, found);
    xml_free(found);
    return rc;
}

static int
is_switching(const char *status)
{
    return !strcmp(status, "SWITCHOVER_IN_PROGRESS") || !strcmp(status, "SWITCHOVER_COMPLETED");
}

static void
put_status(struct cairn_value *out, const char *id, const char *status)
{
    cairn_put(out, "id", cairn_str(id));
    cairn_put(out, "status", cairn_str(status));
}

/* A refused switchover that is under way all the same was asked for before: that is what was wanted. */
static int
look_after_refusal(struct cairn_call *call, const char *id, struct cairn_value *out, const struct cairn_error *refused,
                   struct cairn_error *err)
{
    struct cairn_error ignored = { 0 };
    struct xml_node *found = NULL;
    int fine = errors_is(refused, "InvalidBlueGreenDeploymentState") && find(&found, call, id, NULL, &ignored) > 0
               && is_switching(xml_text(found, "Status", ""));

    if (fine)
        put_status(out, id, xml_text(found, "Status", ""));
    else
        *err = *refused;
    xml_free(found);
    return fine ? 0 : -1;
}

int
blue_green_switchover(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                      struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", "");
    struct cairn_value *params = cairn_map();
    struct cairn_error refused = { 0 };
    struct xml_node *reply;

    cairn_put(params, "BlueGreenDeploymentIdentifier", cairn_str(id));
    query_put(params, "SwitchoverTimeout", cairn_get(args, "timeout_s"));
    if (rds_change(call, "SwitchoverBlueGreenDeployment", params, &reply, &refused) < 0)
        return look_after_refusal(call, id, out, &refused, err);
    put_status(
        out, id,
        xml_text(reply, "SwitchoverBlueGreenDeploymentResult/BlueGreenDeployment/Status", "SWITCHOVER_IN_PROGRESS"));
    xml_free(reply);
    return 0;
}

/* It is not under way (any more). Was it? A state of rest may be stale, or that of a switchover which RDS took back;
 * an event after the intent tells. */
static int
judge_by_events(struct cairn_call *call, const char *id, const char *status, struct cairn_value *out,
                struct cairn_error *err)
{
    int rc = events_has(call, id, "blue-green-deployment", cairn_call_started(call), "switchover", err);

    if (rc < 0)
        return -1;
    if (rc == 0)
        return CAIRN_SEEN_ABSENT;
    put_status(out, id, status);
    return CAIRN_SEEN_DONE;
}

int
blue_green_switchover_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                              struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", "");
    struct xml_node *found;
    int rc = find(&found, call, id, NULL, err);
    const char *status = xml_text(found, "Status", "");

    if (rc < 0)
        return -1;
    if (rc == 0) {
        cairn_fail(err, CAIRN_ERR_CONFLICT, "switch over %s: the deployment doesn't exist any more", id);
        return CAIRN_SEEN_CONFLICT;
    }
    if (is_switching(status)) {
        put_status(out, id, status);
        rc = CAIRN_SEEN_DONE;
    } else if (!strcmp(status, "SWITCHOVER_FAILED") || !strcmp(status, "AVAILABLE")) {
        rc = judge_by_events(call, id, status, out, err);
    } else if (!strcmp(status, "PROVISIONING")) {
        rc = CAIRN_SEEN_ABSENT;
    } else {
        cairn_fail(err, CAIRN_ERR_CONFLICT, "switch over %s: the deployment is %s", id, status);
        rc = CAIRN_SEEN_CONFLICT;
    }
    xml_free(found);
    return rc;
}

int
blue_green_delete(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", "");
    struct cairn_value *params = cairn_map();
    struct cairn_error refused = { 0 };
    int seen;

    cairn_put(params, "BlueGreenDeploymentIdentifier", cairn_str(id));
    if (cairn_get_bool(args, "delete_target", 0)) /* not even "false" is taken after a switchover */
        cairn_put(params, "DeleteTarget", cairn_str("true"));
    if (rds_change(call, "DeleteBlueGreenDeployment", params, NULL, &refused) == 0) {
        put_status(out, id, "DELETING");
        return 0;
    }
    if (errors_is(&refused, NOT_FOUND) || errors_is(&refused, "InvalidBlueGreenDeploymentState")) {
        struct cairn_error ignored = { 0 };

        seen = blue_green_delete_observe(call, args, out, &ignored);
        if (seen == CAIRN_SEEN_DONE)
            return 0;
    }
    *err = refused;
    return -1;
}

int
blue_green_delete_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                          struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", "");
    struct xml_node *found;
    int rc = find(&found, call, id, NULL, err);
    int gone;

    if (rc < 0)
        return -1;
    gone = rc == 0 || !strcmp(xml_text(found, "Status", ""), "DELETING");
    if (gone)
        put_status(out, id, rc == 0 ? "DELETED" : "DELETING");
    xml_free(found);
    return gone ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}
