/*
 * cluster.h: Aurora clusters and Multi-AZ clusters: looking at them.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_CLUSTER_H
#define RDS_CLUSTER_H

#include "rds.h"

RDS_ACTION(cluster_describe);

/* As instance_find(). */
int cluster_find(struct xml_node **found, struct cairn_call *call, const char *id, const char *resource_id,
                 struct cairn_error *err);
/* As instance_current(). */
int cluster_current(struct xml_node **found, struct cairn_call *call, const struct cairn_value *args,
                    struct cairn_error *err);
/* The state of the cluster's parameter group on one of its instances: "pending-reboot"; "" when the instance isn't in
 * it. */
const char *cluster_member_status(const struct xml_node *cluster, const char *instance);

#endif
