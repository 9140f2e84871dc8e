/*
 * retry.h: whether and when a call that was refused for a passing reason is made again; used by step.c.
 * SPDX-License-Identifier: MIT
 *
 * As the standard mode of the AWS tools does it. Pauses grow from 1 s to 20 s by doubling, and each is any part of that
 * (full jitter). Each plugin has a bucket of tokens: another try takes some, and success gives them back, so that many
 * branches don't keep hitting a service that is down. When the bucket is empty the first refusal is the last. How often
 * one call is tried is the configuration's `attempts`.
 */
#ifndef CAIRN_RETRY_H
#define CAIRN_RETRY_H

#include "cairn/plugin.h"

struct retry; /* the buckets of an engine; NULL: all are full */

/* What the try costs, or 0 when the bucket hasn't as much. */
int retry_take(struct retry **list, const char *plugin, enum cairn_error_kind kind);
void retry_give_back(struct retry **list, const char *plugin, int cost); /* a success; cost 0: at the first try */
int64_t retry_pause(int tries); /* ms before the next one, after so many */
void retry_free(struct retry **list);

#endif
