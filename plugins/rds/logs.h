/*
 * logs.h: log files of instances; the actions that rds.c lists, and evidence for looking back.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_LOGS_H
#define RDS_LOGS_H

#include "rds.h"

RDS_ACTION(logs_list);
RDS_ACTION(logs_text);

/* Has a file whose name has `part` in it been written at or after `since` (ms)? 1, 0, -1. */
int logs_has(struct cairn_call *call, const char *instance, const char *part, int64_t since, struct cairn_error *err);

#endif
