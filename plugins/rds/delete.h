/*
 * delete.h: deletion of instances and clusters; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_DELETE_H
#define RDS_DELETE_H

#include "rds.h"

RDS_ACTION(delete_instance);
RDS_ACTION(delete_instance_observe);
RDS_ACTION(delete_cluster);
RDS_ACTION(delete_cluster_observe);

#endif
