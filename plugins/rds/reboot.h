/*
 * reboot.h: restarts of instances; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_REBOOT_H
#define RDS_REBOOT_H

#include "rds.h"

RDS_ACTION(reboot_to_apply);
RDS_ACTION(reboot_to_apply_observe);
RDS_ACTION(reboot_instance);
RDS_ACTION(reboot_instance_observe);

#endif
