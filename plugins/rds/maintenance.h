/*
 * maintenance.h: pending maintenance of databases; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_MAINTENANCE_H
#define RDS_MAINTENANCE_H

#include "rds.h"

RDS_ACTION(maintenance_pending);
RDS_ACTION(maintenance_apply);
RDS_ACTION(maintenance_apply_observe);

#endif
