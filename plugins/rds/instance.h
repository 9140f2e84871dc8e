/*
 * instance.h: database instances; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_INSTANCE_H
#define RDS_INSTANCE_H

#include "rds.h"

RDS_ACTION(instance_describe);

/* Look for an instance by its resource id, which never moves, or by its name. 1, 0, -1. */
int instance_find(struct xml_node **found, struct cairn_call *call, const char *id, const char *resource_id,
                  struct cairn_error *err);
/* The instance that args' resource_id names, if args' id is still its name. 1, 0 when it is gone, -1: CONFLICT. */
int instance_current(struct xml_node **found, struct cairn_call *call, const struct cairn_value *args,
                     struct cairn_error *err);

#endif
