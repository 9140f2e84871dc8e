/*
 * settings.h: settings of a database: as parameters of a request, and whether a describe shows them; used by modify.c.
 * SPDX-License-Identifier: MIT
 *
 * A setting that was accepted is in force at once, or it is pending: till the maintenance window, or, applied
 * immediately, till the work that has begun is done. The groups of an upgrade come into force with the upgrade, and are
 * not shown before.
 */
#ifndef RDS_SETTINGS_H
#define RDS_SETTINGS_H

#include "rds.h"

struct setting {
    const char *arg; /* NULL ends a table */
    const char *param; /* of the request; of a list, that of its members; NULL: the caller puts it */
    const char *shown; /* path in a describe, and in its PendingModifiedValues; NULL: it isn't shown there */
    const char *member; /* of each element at `shown`, for what is a list there; "": its own text; else NULL */
};

void settings_put(struct cairn_value *params, const struct cairn_value *args, const struct setting *table);
/* All logs that are to be exported are given as `log_exports`; RDS wants to know which begin and which end. */
void settings_put_logs(struct cairn_value *params, const struct cairn_value *args, const struct xml_node *instance);
/* Does the database show all that was given, in force or pending as it should be? `status`: path of its status. */
int settings_hold(const struct xml_node *database, const char *status, const struct cairn_value *args,
                  const struct setting *table);
/* Is the wanted upgrade accepted and not done yet? */
int settings_upgrade_waits(const struct xml_node *database, const char *status, const struct cairn_value *args);

#endif
