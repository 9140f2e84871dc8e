/*
 * tagging.h: tags of anything that has an ARN; the actions that rds.c lists.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_TAGGING_H
#define RDS_TAGGING_H

#include "rds.h"

RDS_ACTION(tagging_add);
RDS_ACTION(tagging_add_observe);
RDS_ACTION(tagging_remove);
RDS_ACTION(tagging_remove_observe);
RDS_ACTION(tagging_list);

#endif
