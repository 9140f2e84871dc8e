/*
 * keys.h: the keys of a Lua table in an order that is the same in every process; used by value.c and sandbox.c.
 * SPDX-License-Identifier: MIT
 *
 * Numbers by value, then strings by their bytes, then false and true. Keys of all other types have no order.
 */
#ifndef CAIRN_KEYS_H
#define CAIRN_KEYS_H

#include <lua.h>
#include <stddef.h>

enum key_rank { KEY_NUMBER, KEY_STRING, KEY_BOOLEAN, KEY_OTHER };

struct key {
    enum key_rank rank;
    int integer; /* of KEY_NUMBER: whether `i` holds it; of KEY_OTHER: its Lua type */
    lua_Integer i; /* of an integer; of KEY_BOOLEAN 0 or 1 */
    lua_Number x; /* of another number */
    const char *text; /* of KEY_STRING; borrowed from the table that has the key */
    size_t len;
};

/* [-0, +1, m] All keys of the table at `index`, sorted; *keys lives in the userdata that is pushed. */
size_t keys_collect(lua_State *L, int index, struct key **keys);

/* [-0, +1, m] The first key of the table at `index` that comes after the one at `after` (0: the very first), or nil.
 * -1 and nothing pushed when a key has no order. */
int keys_next(lua_State *L, int index, int after);

void keys_push(lua_State *L, const struct key *key); /* [-0, +1, m] not for KEY_OTHER */

#endif
