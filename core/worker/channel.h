/*
 * channel.h: the worker's end of the socket to the engine; used by the life cycle and during a call.
 * SPDX-License-Identifier: MIT
 *
 * Reading is buffered, so that a call in progress can look for a cancel without waiting. What else arrives during a
 * call is kept for channel_read.
 */
#ifndef CAIRN_CHANNEL_H
#define CAIRN_CHANNEL_H

#include "cairn/plugin.h"

#include <jansson.h>
#include <stdint.h>

/* Wait for the next message. 0 with a new reference, or with NULL at end-of-file; -1 with err. */
int channel_read(json_t **out, struct cairn_error *err);
int channel_send(json_t *owned_message, struct cairn_error *err);

/* Look, waiting at most `ms` (0: not at all), whether a cancel came or the engine is gone. */
int channel_cancelled(int64_t ms);
void channel_forget_cancel(void); /* a new call begins */

#endif
