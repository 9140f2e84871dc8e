/*
 * ending.h: pods of a workload that were told to end and still run; used by rollout.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef KUBERNETES_ENDING_H
#define KUBERNETES_ENDING_H

#include "cairn/plugin.h"

/* How many of the pods that the workload selects were told to end and have not yet. A workload's own status doesn't
 * count them, but they serve on, with the addresses they know. *count is -1 when this user may not list pods. */
int ending_count(int64_t *count, struct cairn_call *call, const struct cairn_value *workload, struct cairn_error *err);

#endif
