/*
 * rename.h: new names for instances; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_RENAME_H
#define RDS_RENAME_H

#include "rds.h"

RDS_ACTION(rename_instance);
RDS_ACTION(rename_instance_observe);

#endif
