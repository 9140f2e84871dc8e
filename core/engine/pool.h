/*
 * pool.h: the workers of each plugin and the calls that wait for one; used by the engine.
 * SPDX-License-Identifier: MIT
 *
 * A call is put in with pool_call and answered once, from the event loop. Workers start on demand, up to the configured
 * number per plugin, and stay. A call that passes its deadline costs its worker the life. Answers that no worker gave
 * are made here, in the shape of a worker's reply (doc/PROTOCOL.md):
 *   unavailable  the call was not sent: no worker could be started, or it died before it had the call
 *   timeout      the deadline passed
 *   internal     the worker died during the call
 */
#ifndef CAIRN_POOL_H
#define CAIRN_POOL_H

#include "engine/config.h"
#include "engine/plugins.h"
#include "engine/seal.h"

#include <uv.h>

struct pool;
struct pool_call;

struct pool_events {
    void *data;
    void (*reply)(void *data, json_t *reply); /* borrowed; at most once, and then never anything again */
    void (*progress)(void *data, const char *text);
    void (*log)(void *data, const char *text);
};

struct pool *pool_new(uv_loop_t *loop, struct config *config, struct plugins *plugins, struct seal *seal);
void pool_free(struct pool *pool); /* ends all workers; calls are dropped */

/* `request` has the members of a call message but `op` and `id`; secrets in it are sealed or references and are
 * revealed only when it is sent. Never fails: what goes wrong is a reply. */
struct pool_call *pool_call(struct pool *pool, const char *plugin, json_t *owned_request, int slow,
                            const struct pool_events *events);
/* the answer isn't wanted: no more callbacks; what runs is left to run out, what waits is never sent */
void pool_drop(struct pool_call *call);

#endif
