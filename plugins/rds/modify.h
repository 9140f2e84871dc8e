/*
 * modify.h: settings of instances and clusters; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_MODIFY_H
#define RDS_MODIFY_H

#include "rds.h"

RDS_ACTION(modify_instance);
RDS_ACTION(modify_instance_observe);
RDS_ACTION(modify_cluster);
RDS_ACTION(modify_cluster_observe);

#endif
