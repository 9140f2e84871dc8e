/*
 * secret.h: actions on the values of a Kubernetes secret; used by kubernetes.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_KUBERNETES_SECRET_H
#define CAIRN_KUBERNETES_SECRET_H

#include "cairn/plugin.h"

cairn_run_fn secret_read;
cairn_run_fn secret_get_value;
cairn_run_fn secret_set_value;
cairn_run_fn secret_observe_value;
cairn_run_fn secret_plan_value;
cairn_run_fn secret_replace_host;
cairn_run_fn secret_observe_host;
cairn_run_fn secret_plan_host;

/* Who may revert an edit of this object: field managers other than us, kinds of owners, known tools. Appends names. */
void managers_list(struct cairn_value *list, const struct cairn_value *metadata);

#endif
