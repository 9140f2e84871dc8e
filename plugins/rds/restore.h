/*
 * restore.h: instances that come out of snapshots and automated backups; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_RESTORE_H
#define RDS_RESTORE_H

#include "rds.h"

RDS_ACTION(restore_snapshot);
RDS_ACTION(restore_point_in_time);
RDS_ACTION(restore_observe);
RDS_ACTION(restore_backups);

#endif
