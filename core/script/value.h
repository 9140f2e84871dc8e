/*
 * value.h: Lua values as JSON and back; used by api.c and main.c.
 * SPDX-License-Identifier: MIT
 *
 * Integers and floats stay what they are. A table is a list when its keys are 1 to n, else an object with string keys;
 * an empty one is an object unless cairn.array made it, and JSON lists come in as such arrays. JSON null within a tree
 * is cairn.null. {"$secret"|"$sealed"|"$ref": TEXT} comes in as an opaque handle that can only be passed on.
 * Refused: NaN and infinities, holes, mixed and other keys, functions, threads, foreign userdata, tables that hold
 * themselves, more than VALUE_DEPTH levels or VALUE_COUNT values, strings that aren't UTF-8 or hold a NUL.
 */
#ifndef CAIRN_VALUE_H
#define CAIRN_VALUE_H

#include <jansson.h>
#include <lua.h>

#define VALUE_DEPTH 64
#define VALUE_COUNT 1000000

struct value_refusal {
    char path[256]; /* "args.tags[2].key"; cut when it is long */
    char why[128];
};

void value_open(lua_State *L); /* [-0, +0, m] once for each state */

/* [-0, +0, m] 0 and a new reference, or -1 and why not. */
int value_from_lua(lua_State *L, int index, json_t **out, struct value_refusal *why);
void value_push(lua_State *L, const json_t *value); /* [-0, +1, m] */
void value_push_null(lua_State *L); /* [-0, +1, -] cairn.null */
void value_mark_array(lua_State *L, int index); /* [-0, +0, -] */

#endif
