/*
 * luahost.h: the Lua state that holds the simulated world; used by the simulator's main.
 * SPDX-License-Identifier: MIT
 */
#ifndef SIM_LUAHOST_H
#define SIM_LUAHOST_H

#include "http.h"
#include "keeper.h"

struct luahost;

/* Load lib/boot.lua below `folder` and let it make the world that `options` name; with real servers if `keeper` isn't NULL. */
int luahost_open(struct luahost **out, const char *folder, const json_t *options, struct keeper *keeper,
                 struct cairn_error *err);
int luahost_ready(struct luahost *host, unsigned port, struct cairn_error *err); /* the server listens */
int luahost_turn(struct luahost *host, struct cairn_error *err); /* take what the keeper says; the world's time goes on */
int luahost_finish(struct luahost *host, struct cairn_error *err); /* it won't be asked any more */
void luahost_handle(void *host, const struct http_request *request, struct http_reply *reply); /* an http_handler */
void luahost_close(struct luahost *host);

#endif
