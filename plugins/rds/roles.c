/*
 * roles.c: roles by which an instance uses other services; used by rds.c.
 * SPDX-License-Identifier: MIT
 *
 * A role is of a feature, "s3Import"; an instance has one for each.
 */
#include "roles.h"

#include "errors.h"
#include "instance.h"

#include <string.h>

static struct cairn_value *
request(const struct cairn_value *args)
{
    static const struct query_field fields[] = {
        { "id", "DBInstanceIdentifier" }, { "role", "RoleArn" }, { "feature", "FeatureName" }, { 0 },
    };
    struct cairn_value *params = cairn_map();

    query_fields(params, args, fields);
    return params;
}

/* Has the instance this role for this feature? 1, 0, -1. */
static int
has(struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err)
{
    struct xml_node *found;
    int rc = instance_current(&found, call, args, err);

    if (rc <= 0)
        return rc < 0 ? -1 : rds_gone("look at roles of", args, err);
    rc = 0;
    for (const struct xml_node *at = xml_get(found, "AssociatedRoles/DBInstanceRole"); at && !rc; at = xml_next(at))
        rc = !strcmp(xml_text(at, "RoleArn", ""), cairn_get_str(args, "role", ""))
             && !strcmp(xml_text(at, "FeatureName", ""), cairn_get_str(args, "feature", ""));
    xml_free(found);
    return rc;
}

static int
change(struct cairn_call *call, const struct cairn_value *args, int there, struct cairn_error *err)
{
    int rc = has(call, args, err);

    if (rc < 0 || rc == there)
        return rc < 0 ? -1 : 0;
    return rds_change(call, there ? "AddRoleToDBInstance" : "RemoveRoleFromDBInstance", request(args), NULL, err);
}

int
roles_add(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    (void)out;
    return change(call, args, 1, err);
}

int
roles_add_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    int rc = has(call, args, err);

    (void)out;
    return rc < 0 ? -1 : rc ? CAIRN_SEEN_DONE : CAIRN_SEEN_ABSENT;
}

int
roles_remove(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
             struct cairn_error *err)
{
    (void)out;
    return change(call, args, 0, err);
}

int
roles_remove_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                     struct cairn_error *err)
{
    int rc = has(call, args, err);

    (void)out;
    return rc < 0 ? -1 : rc ? CAIRN_SEEN_ABSENT : CAIRN_SEEN_DONE;
}
