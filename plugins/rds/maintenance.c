/*
 * maintenance.c: pending maintenance of databases: which there is, and when it shall be done; used by rds.c.
 * SPDX-License-Identifier: MIT
 */
#include "maintenance.h"

#include <string.h>

static int
maintenance_page(const struct xml_node *result, void *context, struct cairn_error *err)
{
    static const struct shape fields[] = {
        { "Action", "action", CAIRN_STR },
        { "OptInStatus", "opt_in", CAIRN_STR },
        { "CurrentApplyDate", "current_apply", CAIRN_STR },
        { "AutoAppliedAfterDate", "auto_apply", CAIRN_STR },
        { "ForcedApplyDate", "forced_apply", CAIRN_STR },
        { "Description", "description", CAIRN_STR },
        { 0 },
    };
    const struct xml_node *resource = xml_get(result, "PendingMaintenanceActions/ResourcePendingMaintenanceActions");
    struct cairn_value *list = context;

    (void)err;
    for (; resource; resource = xml_next(resource)) {
        const struct xml_node *at = xml_get(resource, "PendingMaintenanceActionDetails/PendingMaintenanceAction");

        for (; at; at = xml_next(at)) {
            struct cairn_value *action = cairn_map();

            shape_copy(action, at, fields);
            cairn_add(list, action);
        }
    }
    return 0;
}

int
maintenance_pending(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                   struct cairn_error *err)
{
    struct cairn_value *params = cairn_map();
    struct cairn_value *list = cairn_list();
    int rc;

    query_put(params, "ResourceIdentifier", cairn_get(args, "arn"));
    rc = rds_pages(call, "DescribePendingMaintenanceActions", params, maintenance_page, list, err);
    cairn_put(out, "actions", list);
    return rc;
}

#define IMMEDIATE "immediate"
#define UNDO "undo-opt-in"

static int
check_opt_in(const char *opt_in, struct cairn_error *err)
{
    if (!strcmp(opt_in, IMMEDIATE) || !strcmp(opt_in, "next-maintenance") || !strcmp(opt_in, UNDO))
        return 0;
    return cairn_fail(err, CAIRN_ERR_INVALID,
                      "apply maintenance: opt_in must be immediate, next-maintenance or undo-opt-in, not %s", opt_in);
}

int
maintenance_apply(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                  struct cairn_error *err)
{
    static const struct query_field arguments[] = {
        { "arn", "ResourceIdentifier" },
        { "action", "ApplyAction" },
        { "opt_in", "OptInType" },
        { 0 },
    };
    struct cairn_value *params;

    if (check_opt_in(cairn_get_str(args, "opt_in", ""), err) < 0)
        return -1;
    params = cairn_map();
    query_fields(params, args, arguments);
    if (rds_change(call, "ApplyPendingMaintenanceAction", params, NULL, err) < 0)
        return -1;
    cairn_put(out, "opt_in", cairn_copy(cairn_get(args, "opt_in")));
    return 0;
}

/* Does the status say that the request was taken? One that begins at once may say so in place of a later one. */
static int
shows(const char *status, const char *opt_in)
{
    if (!strcmp(opt_in, UNDO))
        return !*status || !strcmp(status, UNDO);
    return !strcmp(status, opt_in) || !strcmp(status, IMMEDIATE);
}

/* An action that isn't pending any more was done, or withdrawn: there is nothing to ask for. */
int
maintenance_apply_observe(struct cairn_call *call, const struct cairn_value *args, struct cairn_value *out,
                          struct cairn_error *err)
{
    struct cairn_value *pending = cairn_map();
    int rc = maintenance_pending(call, args, pending, err);
    const struct cairn_value *list = cairn_get(pending, "actions");
    int seen = CAIRN_SEEN_DONE;

    for (size_t i = 0; rc == 0 && i < cairn_count(list); i++) {
        const struct cairn_value *action = cairn_at(list, i);

        if (!strcmp(cairn_get_str(action, "action", ""), cairn_get_str(args, "action", ""))
            && !shows(cairn_get_str(action, "opt_in", ""), cairn_get_str(args, "opt_in", "")))
            seen = CAIRN_SEEN_ABSENT;
    }
    cairn_free(pending);
    if (rc == 0 && seen == CAIRN_SEEN_DONE)
        cairn_put(out, "opt_in", cairn_copy(cairn_get(args, "opt_in")));
    return rc < 0 ? -1 : seen;
}
