/*
 * hostlib.h: what the simulator's Lua files can do outside Lua, as the module "host"; used by its Lua host.
 * SPDX-License-Identifier: MIT
 *
 * The functions are described in sim/README.md.
 */
#ifndef SIM_HOSTLIB_H
#define SIM_HOSTLIB_H

#include "cairn/plugin.h"

#include <jansson.h>
#include <lua.h>

struct hostlib;

/* The options "ledger" and "log" name the files that are written. */
int hostlib_open(struct hostlib **out, lua_State *L, const json_t *options, struct cairn_error *err);
void hostlib_log(struct hostlib *lib, const char *text); /* one line, or nothing when no log is wanted */
void hostlib_close(struct hostlib *lib);

#endif
