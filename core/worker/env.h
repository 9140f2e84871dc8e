/*
 * env.h: the variables of the user that were handed to this worker; used by cairn_env and for proxies.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_ENV_H
#define CAIRN_ENV_H

#include "worker/call.h"

void env_take(struct cairn_call *call, const json_t *env); /* what looks like a secret by its name is known to mask.c */
const char *env_get(const struct cairn_call *call, const char *name); /* declared by the plugin or not; NULL if unset */

#endif
