/*
 * sandbox.c: the Lua state in which foreign text runs; called by main.c.
 * SPDX-License-Identifier: MIT
 */
#include "script/sandbox.h"

#include "common/alloc.h"
#include "script/keys.h"
#include "script/limits.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#define HOST "cairn.host" /* in the registry */
#define OUR_NAME "=cairn" /* of all embedded chunks: the Lua side knows its own frames by it */

static const char base_text[] = {
#include "core/script/base.inc"
};
static const char errors_text[] = {
#include "core/script/errors.inc"
};
static const char fibers_text[] = {
#include "core/script/fibers.inc"
};
static const char blocks_text[] = {
#include "core/script/blocks.inc"
};
static const char polls_text[] = {
#include "core/script/polls.inc"
};
static const char prelude_text[] = {
#include "core/script/prelude.inc"
};

static const struct {
    const char *text;
    size_t len;
} files[] = { /* in the order in which they need each other */
    { base_text, sizeof(base_text) },     { errors_text, sizeof(errors_text) }, { fibers_text, sizeof(fibers_text) },
    { blocks_text, sizeof(blocks_text) }, { polls_text, sizeof(polls_text) },   { prelude_text, sizeof(prelude_text) },
};

static size_t held; /* bytes that Lua holds */

/* Growth beyond the bound fails, which Lua answers with a full collection and then an error. Shrinking never fails. */
static void *
allocate(void *data, void *block, size_t old, size_t size)
{
    void *fresh;

    (void)data;
    if (!block)
        old = 0; /* it is the kind of object then */
    if (size == 0) {
        free(block);
        held -= old;
        return NULL;
    }
    if (size > old && held - old + size > LIMITS_LUA_BYTES)
        return NULL;
    fresh = realloc(block, size);
    if (fresh)
        held += size - old;
    return fresh;
}

static const luaL_Reg libraries[] = {
    { LUA_GNAME, luaopen_base },      { LUA_TABLIBNAME, luaopen_table },   { LUA_STRLIBNAME, luaopen_string },
    { LUA_MATHLIBNAME, luaopen_math }, { LUA_UTF8LIBNAME, luaopen_utf8 }, { LUA_COLIBNAME, luaopen_coroutine },
    { LUA_DBLIBNAME, luaopen_debug },
};

lua_State *
sandbox_new(void)
{
    lua_State *L = lua_newstate(allocate, NULL);

    if (!L)
        alloc_failed();
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    lua_newtable(L);
    lua_setfield(L, LUA_REGISTRYINDEX, HOST);
    return L;
}

void
sandbox_push_host(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, HOST);
}

static int
load_text(lua_State *L, const char *text, size_t len, const char *name, struct cairn_error *err)
{
    int rc = luaL_loadbufferx(L, text, len, name, "t");

    if (rc == LUA_OK) {
        sandbox_push_host(L);
        rc = lua_pcall(L, 1, 0, 0);
    }
    if (rc == LUA_OK)
        return 0;
    cairn_fail(err, CAIRN_ERR_INTERNAL, "load %s: %s", name + 1, lua_tostring(L, -1));
    lua_pop(L, 1);
    return -1;
}

int
sandbox_load(lua_State *L, struct cairn_error *err)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (load_text(L, files[i].text, files[i].len, OUR_NAME, err) < 0)
            return -1;
    return 0;
}

/* keys(t) -> list of the keys in order, or nil and the type of a key that has no order */
static int
list_keys(lua_State *L)
{
    struct key *keys;
    size_t count;

    luaL_checktype(L, 1, LUA_TTABLE);
    count = keys_collect(L, 1, &keys);
    if (count && keys[count - 1].rank == KEY_OTHER) {
        lua_pushnil(L);
        lua_pushstring(L, lua_typename(L, keys[count - 1].integer));
        return 2;
    }
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        keys_push(L, &keys[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* next_key(t, key) -> the key after it, or nil; false when a key has no order */
static int
next_key(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (keys_next(L, 1, lua_isnil(L, 2) ? 0 : 2) < 0)
        lua_pushboolean(L, 0);
    return 1;
}

/* barrier(f, ...) -> f(...), in which no command can wait: a call from C can't be yielded across */
static int
call_unyieldable(lua_State *L)
{
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

void
sandbox_add(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "keys", list_keys },
        { "next_key", next_key },
        { "barrier", call_unyieldable },
        { NULL, NULL },
    };

    sandbox_push_host(L);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}
