/*
 * events.h: what RDS says happened; the action that rds.c lists, and evidence for looking back.
 * SPDX-License-Identifier: MIT
 */
#ifndef RDS_EVENTS_H
#define RDS_EVENTS_H

#include "rds.h"

RDS_ACTION(events_list);

/* Is there an event at or after `since` (ms) whose message has `word` in it, in any case? 1, 0, -1. */
int events_has(struct cairn_call *call, const char *source, const char *type, int64_t since, const char *word,
               struct cairn_error *err);

#endif
