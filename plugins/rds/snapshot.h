/*
 * snapshot.h: snapshots of instances and clusters; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_SNAPSHOT_H
#define RDS_SNAPSHOT_H

#include "rds.h"

RDS_ACTION(snapshot_create);
RDS_ACTION(snapshot_create_observe);
RDS_ACTION(snapshot_create_cluster);
RDS_ACTION(snapshot_create_cluster_observe);
RDS_ACTION(snapshot_list);
RDS_ACTION(snapshot_describe);
RDS_ACTION(snapshot_describe_cluster);
RDS_ACTION(snapshot_delete);
RDS_ACTION(snapshot_delete_observe);

#endif
