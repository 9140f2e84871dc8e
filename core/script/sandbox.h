/*
 * sandbox.h: the Lua state in which foreign text runs; called by main.c.
 * SPDX-License-Identifier: MIT
 *
 * sandbox_new() gives a state with a bounded allocator, the standard libraries, and one table `host` of C primitives
 * for the Lua files of this folder; those make of it what a workflow sees (base.lua, errors.lua), run fibers
 * (fibers.lua, blocks.lua, polls.lua) and hold the functions of workflow authors (prelude.lua). The table stays private
 * to them: no foreign chunk gets it.
 */
#ifndef CAIRN_SANDBOX_H
#define CAIRN_SANDBOX_H

#include "cairn/plugin.h"

#include <lua.h>

lua_State *sandbox_new(void);

/* Load the embedded Lua files. [-0, +0, -] `host` stays in the registry. */
int sandbox_load(lua_State *L, struct cairn_error *err);

void sandbox_push_host(lua_State *L); /* [-0, +1, m] */
void sandbox_add(lua_State *L); /* [-0, +0, m] put the primitives of sandbox.c into host */

#endif
