/*
 * luajson.h: JSON values on the Lua stack; used by the simulator's Lua host.
 * SPDX-License-Identifier: MIT
 *
 * Lists are tables with the metatable of luajson_list, or tables whose only keys are 1..n with n > 0; every other table
 * is an object. null is the light userdata NULL.
 */
#ifndef SIM_LUAJSON_H
#define SIM_LUAJSON_H

#include <jansson.h>
#include <lua.h>

void luajson_open(lua_State *L); /* [-0, +0] makes the list metatable */
void luajson_list(lua_State *L); /* [-0, +0] marks the table on top as a list */
void luajson_push(lua_State *L, const json_t *value); /* [-0, +1] */

/* A new reference, or NULL with *why when the value has no JSON form (functions, cycles, NaN, strings that aren't UTF-8). */
json_t *luajson_get(lua_State *L, int index, const char **why);

#endif
