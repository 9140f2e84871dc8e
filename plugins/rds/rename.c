/*
 * rename.c: new names for instances; used by rds.c.
 * SPDX-License-Identifier: MIT
 *
 * The instance is known by its resource id alone. A name that was given up stays taken for minutes: the refusal then is
 * one for a passing reason. The name that it has already is never sent: RDS would restart the instance for it.
 */
#include "rename.h"

#include "errors.h"
#include "instance.h"

#include <string.h>
#include <strings.h>

/* Has the instance the new name, or is it about to get it? */
static int
is_renamed(const struct xml_node *found, const char *new_id)
{
    return !strcasecmp(xml_text(found, "DBInstanceIdentifier", ""), new_id)
           || !strcasecmp(xml_text(found, "PendingModifiedValues/DBInstanceIdentifier", ""), new_id);
}

static void
put_renamed(struct cairn_value *out, const struct xml_node *found, const char *new_id)
{
    cairn_put(out, "id", cairn_str(new_id));
    cairn_put(out, "status", cairn_str(xml_text(found, "DBInstanceStatus", "")));
}

/* The name is taken: by another instance for good, or for a while yet by the one that gave it up (or by none that can
 * be seen). -1. */
static int
taken(struct cairn_call *call, const struct cairn_value *args, const struct cairn_error *refused,
      struct cairn_error *err)
{
    const char *new_id = cairn_get_str(args, "new_id", "");
    struct xml_node *holder;
    int rc = instance_find(&holder, call, new_id, NULL, err);

    if (rc < 0)
        return -1;
    if (rc > 0 && strcmp(xml_text(holder, "DbiResourceId", ""), cairn_get_str(args, "freed_by", "")) != 0) {
        cairn_fail_code(err, CAIRN_ERR_CONFLICT, refused->code, "rename instance %s: %s is the name of %s",
                        cairn_get_str(args, "id", ""), new_id, xml_text(holder, "DbiResourceId", ""));
        xml_free(holder);
        return -1;
    }
    xml_free(holder);
    return cairn_fail_code(err, CAIRN_ERR_NOT_YET, refused->code, "rename instance %s: the name %s is not free yet",
                           cairn_get_str(args, "id", ""), new_id);
}

static int
send(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out, struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();
    struct cairn_error refused = { 0 };
    struct xml_node *reply;

    query_put(params, "DBInstanceIdentifier", cairn_get(args, "id"));
    query_put(params, "NewDBInstanceIdentifier", cairn_get(args, "new_id"));
    cairn_put(params, "ApplyImmediately", cairn_str("true"));
    if (rds_change(call, "ModifyDBInstance", params, &reply, &refused) < 0) {
        if (errors_is(&refused, "DBInstanceAlreadyExists"))
            return taken(call, args, &refused, err);
        *err = refused;
        return -1;
    }
    put_renamed(out, xml_get(reply, "ModifyDBInstanceResult/DBInstance"), cairn_get_str(args, "new_id", ""));
    xml_free(reply);
    return 0;
}

/* The first attempt must not find the new name there: then it was somebody else's doing, or a mistake. */
int
rename_instance(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                struct cairn_error *err)
{
    const char *id = cairn_get_str(args, "id", "");
    const char *new_id = cairn_get_str(args, "new_id", "");
    struct xml_node *found;
    int rc = instance_find(&found, call, NULL, cairn_get_str(args, "resource_id", ""), err);

    if (rc <= 0)
        return rc < 0 ? -1 : rds_gone("rename instance", args, err);
    if (is_renamed(found, new_id)) {
        put_renamed(out, found, new_id);
        xml_free(found);
        if (cairn_call_attempt(call) > 1)
            return 0;
        return cairn_fail_code(err, CAIRN_ERR_CONFLICT, "SameName",
                               "rename instance %s: it is called %s already, and would only restart", id, new_id);
    }
    rc = rds_check_name(&found, "DBInstanceIdentifier", id, cairn_get_str(args, "resource_id", ""), err);
    xml_free(found);
    return rc < 0 ? -1 : send(call, args, out, err);
}

int
rename_instance_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                        struct cairn_error *err)
{
    const char *new_id = cairn_get_str(args, "new_id", "");
    struct xml_node *found;
    int rc = instance_find(&found, call, NULL, cairn_get_str(args, "resource_id", ""), err);

    if (rc < 0)
        return -1;
    if (rc == 0) {
        rds_gone("rename instance", args, err);
        return CAIRN_SEEN_CONFLICT;
    }
    if (is_renamed(found, new_id)) {
        put_renamed(out, found, new_id);
        rc = CAIRN_SEEN_DONE;
    } else {
        rc = rds_check_name(&found, "DBInstanceIdentifier", cairn_get_str(args, "id", ""),
                            cairn_get_str(args, "resource_id", ""), err);
        rc = rc < 0 ? CAIRN_SEEN_CONFLICT : CAIRN_SEEN_ABSENT;
    }
    xml_free(found);
    return rc;
}
