/*
 * blue_green.h: blue/green deployments; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_BLUE_GREEN_H
#define RDS_BLUE_GREEN_H

#include "rds.h"

RDS_ACTION(blue_green_create);
RDS_ACTION(blue_green_create_observe);
RDS_ACTION(blue_green_describe);
RDS_ACTION(blue_green_switchover);
RDS_ACTION(blue_green_switchover_observe);
RDS_ACTION(blue_green_delete);
RDS_ACTION(blue_green_delete_observe);

#endif
