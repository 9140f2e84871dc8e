/*
 * call.h: one call of a plugin's function, from its message to its reply; used by the worker's life cycle.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_CALL_H
#define CAIRN_CALL_H

#include "cairn/plugin.h"

#include <jansson.h>

struct cairn_call {
    const struct cairn_plugin *plugin;
    const char *token, *run, *step; /* "" while there is no step: in configure */
    int attempt;
    int64_t started; /* ms on the run's clock */
    json_t *config; /* the plugin's section, secrets in clear */
    json_t *env; /* variables of the user by name: the declared ones and those of proxies */
    int changes; /* a changing action is run: a request is a change unless it says otherwise */
    int sent_change; /* a changing request of this call has left, or a part of it */
    int guarded; /* the guard has said yes */
};

/* Both answer a message of the engine and give the answer as a new reference. */
json_t *call_configure(struct cairn_call *call, const json_t *message);
json_t *call_serve(struct cairn_call *call, const json_t *message);

#endif
