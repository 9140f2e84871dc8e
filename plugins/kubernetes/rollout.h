/*
 * rollout.h: restarting workloads and following their rollouts; used by kubernetes.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_KUBERNETES_ROLLOUT_H
#define CAIRN_KUBERNETES_ROLLOUT_H

#include "cairn/plugin.h"

cairn_run_fn rollout_restart;
cairn_run_fn rollout_observe_restart;
cairn_run_fn rollout_plan_restart;
cairn_run_fn rollout_status;

/* What the status of a workload says: fills done, replicas, updated, available, note. -1 when the rollout has failed.
 */
int rollout_judge(const struct cairn_value *workload, const char *kind, struct cairn_value *out,
                  struct cairn_error *err);

#endif
