/*
 * keys.c: the keys of a Lua table in an order that is the same in every process; used by value.c and sandbox.c.
 * SPDX-License-Identifier: MIT
 */
#include "script/keys.h"

#include <string.h>

static void
read_key(lua_State *L, int index, struct key *key)
{
    memset(key, 0, sizeof(*key));
    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
        key->rank = KEY_NUMBER;
        key->integer = lua_isinteger(L, index);
        if (key->integer)
            key->i = lua_tointeger(L, index);
        else
            key->x = lua_tonumber(L, index);
        break;
    case LUA_TSTRING:
        key->rank = KEY_STRING;
        key->text = lua_tolstring(L, index, &key->len);
        break;
    case LUA_TBOOLEAN:
        key->rank = KEY_BOOLEAN;
        key->i = lua_toboolean(L, index);
        break;
    default:
        key->rank = KEY_OTHER;
        key->integer = lua_type(L, index);
        break;
    }
}

static int
compare_numbers(const struct key *a, const struct key *b)
{
    long double x, y;

    if (a->integer && b->integer)
        return (a->i > b->i) - (a->i < b->i);
    x = a->integer ? (long double)a->i : (long double)a->x;
    y = b->integer ? (long double)b->i : (long double)b->x;
    return (x > y) - (x < y);
}

static int
compare(const struct key *a, const struct key *b)
{
    int order;

    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->rank == KEY_NUMBER)
        return compare_numbers(a, b);
    if (a->rank != KEY_STRING)
        return (a->i > b->i) - (a->i < b->i);
    order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static void
sink(struct key *keys, size_t root, size_t count)
{
    for (;;) {
        size_t child = 2 * root + 1;
        struct key held = keys[root];

        if (child >= count)
            return;
        if (child + 1 < count && compare(&keys[child], &keys[child + 1]) < 0)
            child++;
        if (compare(&held, &keys[child]) >= 0)
            return;
        keys[root] = keys[child];
        keys[child] = held;
        root = child;
    }
}

/* Heap sort: libc's qsort asks the system for the size of memory, which isn't allowed any more. */
static void
sort(struct key *keys, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sink(keys, i, count);
    for (size_t end = count; end-- > 1;) {
        struct key first = keys[0];

        keys[0] = keys[end];
        keys[end] = first;
        sink(keys, 0, end);
    }
}

size_t
keys_collect(lua_State *L, int index, struct key **keys)
{
    size_t count = 0;
    size_t n = 0;

    index = lua_absindex(L, index);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        count++;
    *keys = lua_newuserdatauv(L, (count ? count : 1) * sizeof(**keys), 0);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        read_key(L, -2, &(*keys)[n++]);
    sort(*keys, count);
    return count;
}

int
keys_next(lua_State *L, int index, int after)
{
    struct key best, key, last;
    int found = 0;

    index = lua_absindex(L, index);
    if (after)
        read_key(L, after, &last);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        read_key(L, -2, &key);
        if (key.rank == KEY_OTHER) {
            lua_pop(L, 2);
            return -1;
        }
        if ((!after || compare(&key, &last) > 0) && (!found || compare(&key, &best) < 0)) {
            best = key;
            found = 1;
        }
    }
    if (found)
        keys_push(L, &best);
    else
        lua_pushnil(L);
    return 0;
}

void
keys_push(lua_State *L, const struct key *key)
{
    if (key->rank == KEY_STRING)
        lua_pushlstring(L, key->text, key->len);
    else if (key->rank == KEY_BOOLEAN)
        lua_pushboolean(L, (int)key->i);
    else if (key->integer)
        lua_pushinteger(L, key->i);
    else
        lua_pushnumber(L, key->x);
}
