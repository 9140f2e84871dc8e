/*
 * parameter_group.h: parameter groups of instances and of clusters; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_PARAMETER_GROUP_H
#define RDS_PARAMETER_GROUP_H

#include "rds.h"

RDS_ACTION(parameter_group_describe);
RDS_ACTION(parameter_group_create);
RDS_ACTION(parameter_group_create_observe);
RDS_ACTION(parameter_group_modify);
RDS_ACTION(parameter_group_modify_observe);
RDS_ACTION(parameter_group_delete);
RDS_ACTION(parameter_group_delete_observe);

#endif
