/*
 * luajson.c: JSON values on the Lua stack; used by the simulator's Lua host.
 * SPDX-License-Identifier: MIT
 */
#include "luajson.h"

#include <lauxlib.h>
#include <stdint.h>

#define DEPTH_MAX 100
#define LIST_META "sim.list"

void
luajson_open(lua_State *L)
{
    luaL_newmetatable(L, LIST_META); /* meta */
    lua_pushliteral(L, "list");
    lua_setfield(L, -2, "__name"); /* meta */
    lua_pop(L, 1);
}

void
luajson_list(lua_State *L)
{
    luaL_setmetatable(L, LIST_META);
}

void
luajson_push(lua_State *L, const json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;

    luaL_checkstack(L, 4, "nested too deeply");
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        lua_createtable(L, 0, (int)json_object_size(value));
        json_object_foreach((json_t *)(uintptr_t)value, key, member) {
            luajson_push(L, member); /* object member */
            lua_setfield(L, -2, key); /* object */
        }
        break;
    case JSON_ARRAY:
        lua_createtable(L, (int)json_array_size(value), 0);
        json_array_foreach(value, i, member) {
            luajson_push(L, member); /* list item */
            lua_rawseti(L, -2, (lua_Integer)i + 1); /* list */
        }
        luajson_list(L);
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(value));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(value));
        break;
    case JSON_NULL:
        lua_pushlightuserdata(L, NULL);
        break;
    }
}

static json_t *value_at(lua_State *L, int index, int depth, const char **why);

static int
is_list(lua_State *L, int index)
{
    int marked = luaL_getmetafield(L, index, "__name");

    if (marked != LUA_TNIL)
        lua_pop(L, 1);
    return marked != LUA_TNIL || lua_rawlen(L, index) > 0;
}

static json_t *
list_at(lua_State *L, int index, int depth, const char **why)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, index);
    json_t *list = json_array();

    for (lua_Integer i = 1; i <= n; i++) {
        json_t *item;

        lua_rawgeti(L, index, i); /* item */
        item = value_at(L, lua_gettop(L), depth + 1, why);
        lua_pop(L, 1);
        if (!item) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *
object_at(lua_State *L, int index, int depth, const char **why)
{
    json_t *object = json_object();

    lua_pushnil(L); /* key */
    while (lua_next(L, index)) { /* key value */
        json_t *member = NULL;

        if (lua_type(L, -2) != LUA_TSTRING)
            *why = "a key that is not a string";
        else
            member = value_at(L, lua_gettop(L), depth + 1, why);
        if (!member || json_object_set_new(object, lua_tostring(L, -2), member) < 0) {
            if (!*why)
                *why = "a key that is not UTF-8";
            lua_pop(L, 2);
            json_decref(object);
            return NULL;
        }
        lua_pop(L, 1); /* key */
    }
    return object;
}

static json_t *
value_at(lua_State *L, int index, int depth, const char **why)
{
    json_t *value = NULL;
    const char *text;
    size_t len;

    if (depth > DEPTH_MAX || !lua_checkstack(L, 8)) {
        *why = "nested too deeply";
        return NULL;
    }
    switch (lua_type(L, index)) {
    case LUA_TTABLE:
        return is_list(L, index) ? list_at(L, index, depth, why) : object_at(L, index, depth, why);
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &len);
        value = json_stringn(text, len);
        break;
    case LUA_TNUMBER:
        value = lua_isinteger(L, index) ? json_integer(lua_tointeger(L, index)) : json_real(lua_tonumber(L, index));
        break;
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TNIL:
        return json_null();
    case LUA_TLIGHTUSERDATA:
        return json_null();
    default:
        *why = "a value that JSON does not have";
        return NULL;
    }
    if (!value)
        *why = "a string that is not UTF-8, or a number that is not finite";
    return value;
}

json_t *
luajson_get(lua_State *L, int index, const char **why)
{
    *why = NULL;
    return value_at(L, lua_absindex(L, index), 0, why);
}
