/*
 * keeperlib.c: what the simulator's Lua files can do with its keeper and its clock, as the module "keeper"; used by its
 * Lua host.
 * SPDX-License-Identifier: MIT
 */
#include "keeperlib.h"

#include "common/clock.h"
#include "luajson.h"

#include <lauxlib.h>

static int
lib_send(lua_State *L)
{
    struct keeper *keeper = lua_touserdata(L, lua_upvalueindex(1));
    struct cairn_error err = { 0 };
    const char *why = NULL;
    json_t *message = luajson_get(L, 1, &why);

    if (!message)
        return luaL_error(L, "tell the keeper: %s", why);
    keeper_send(keeper, message, &err);
    json_decref(message);
    if (err.kind != CAIRN_ERR_NONE)
        return luaL_error(L, "tell the keeper: %s", err.text);
    return 0;
}

static int
lib_publish(lua_State *L)
{
    struct cairn_error err = { 0 };

    if (clock_publish(luaL_checkstring(L, 1), &err) < 0)
        return luaL_error(L, "%s", err.text);
    return 0;
}

static int
lib_set_speed(lua_State *L)
{
    clock_set_speed(luaL_checknumber(L, 1));
    return 0;
}

static const luaL_Reg functions[] = {
    { "send", lib_send }, { "publish", lib_publish }, { "set_speed", lib_set_speed }, { NULL, NULL }
};

void
keeperlib_open(lua_State *L, struct keeper *keeper)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE); /* loaded */
    luaL_newlibtable(L, functions); /* loaded keeper */
    lua_pushlightuserdata(L, keeper); /* loaded keeper it */
    luaL_setfuncs(L, functions, 1); /* loaded keeper */
    lua_pushstring(L, keeper_folder(keeper)); /* loaded keeper folder */
    lua_setfield(L, -2, "folder"); /* loaded keeper */
    lua_setfield(L, -2, "keeper"); /* loaded */
    lua_pop(L, 1);
}
