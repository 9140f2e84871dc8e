/*
 * skew.h: the services' clock, as far as their own Date headers have taught it; used for signatures and for when keys
 * end.
 * SPDX-License-Identifier: MIT
 */
#ifndef AWS_SKEW_H
#define AWS_SKEW_H

#include "cairn/plugin.h"

int64_t skew_now(struct cairn_call *call); /* ms since 1970 */
/* A request was refused, and its reply has this Date (or NULL). 1 when ours was wrong: it is set right now. */
int skew_learn(struct cairn_call *call, const char *date);

#endif
