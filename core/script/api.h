/*
 * api.h: the primitives by which the Lua side of the script host reaches the engine; called by main.c.
 * SPDX-License-Identifier: MIT
 */
#ifndef CAIRN_API_H
#define CAIRN_API_H

#include "cairn/plugin.h"

#include <jansson.h>
#include <lua.h>

void api_add(lua_State *L); /* [-0, +0, m] put them into host */

/* Call the function host[name] with a message (NULL: nothing). [-0, +0, -] Errors are those that no fiber could catch.
 * */
int api_call(lua_State *L, const char *name, const json_t *message, struct cairn_error *err);

void api_say(const char *text); /* a line on stderr, which is the run's log */

#endif
