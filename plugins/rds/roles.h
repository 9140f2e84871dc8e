/*
 * roles.h: roles by which an instance uses other services; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_ROLES_H
#define RDS_ROLES_H

#include "rds.h"

RDS_ACTION(roles_add);
RDS_ACTION(roles_add_observe);
RDS_ACTION(roles_remove);
RDS_ACTION(roles_remove_observe);

#endif
