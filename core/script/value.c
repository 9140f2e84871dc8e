/*
 * value.c: Lua values as JSON and back; used by api.c and main.c.
 * SPDX-License-Identifier: MIT
 */
#include "script/value.h"

#include "common/alloc.h"
#include "script/keys.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY "cairn.array"
#define SECRET "cairn.secret"
#define SOURCE "__source" /* in a metatable of sandbox.c's: the table behind a read-only view */

static char null_address; /* cairn.null is the light userdata with this address */

struct walk {
    struct value_refusal *why;
    size_t path_len;
    size_t count;
    int depth;
    const void *open[VALUE_DEPTH]; /* the tables on the way from the root */
};

static int convert(lua_State *L, int index, json_t **out, struct walk *walk);

static int
refuse(struct walk *walk, const char *why)
{
    snprintf(walk->why->why, sizeof(walk->why->why), "%s", why);
    return -1;
}

/* Go one level down in the path; the caller sets path_len back. After a refusal the path stays as it is. */
static void
enter_path(struct walk *walk, const struct key *key)
{
    char *end = walk->why->path + walk->path_len;
    size_t room = sizeof(walk->why->path) - walk->path_len;
    int n;

    if (key->rank == KEY_STRING)
        n = snprintf(end, room, "%s%.*s", walk->path_len ? "." : "", (int)(key->len < 200 ? key->len : 200), key->text);
    else
        n = snprintf(end, room, "[%lld]", (long long)key->i);
    walk->path_len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
}

static void
leave_path(struct walk *walk, size_t len)
{
    walk->path_len = len;
    walk->why->path[len] = '\0';
}

static json_t *
must(json_t *value)
{
    if (!value)
        alloc_failed();
    return value;
}

static int
convert_text(lua_State *L, int index, json_t **out, struct walk *walk)
{
    size_t len;
    const char *text = lua_tolstring(L, index, &len);

    if (memchr(text, '\0', len))
        return refuse(walk, "a string with a NUL byte");
    *out = json_stringn(text, len);
    return *out ? 0 : refuse(walk, "a string that isn't UTF-8");
}

static int
convert_number(lua_State *L, int index, json_t **out, struct walk *walk)
{
    lua_Number x = lua_tonumber(L, index);

    if (lua_isinteger(L, index)) {
        *out = must(json_integer(lua_tointeger(L, index)));
        return 0;
    }
    if (isnan(x))
        return refuse(walk, "not a number (NaN)");
    if (isinf(x))
        return refuse(walk, "an infinite number");
    *out = must(json_real(x));
    return 0;
}

static int
convert_member(lua_State *L, int table, const struct key *key, json_t *into, struct walk *walk)
{
    size_t len = walk->path_len;
    json_t *item = NULL;
    int rc;

    enter_path(walk, key);
    if (key->rank == KEY_STRING && memchr(key->text, '\0', key->len))
        return refuse(walk, "a name with a NUL byte");
    keys_push(L, key);
    lua_rawget(L, table);
    rc = convert(L, lua_gettop(L), &item, walk);
    lua_pop(L, 1);
    if (rc < 0)
        return -1;
    if (key->rank == KEY_STRING) {
        if (json_object_set_new(into, key->text, item) < 0)
            return refuse(walk, "a name that isn't UTF-8");
    } else if (json_array_append_new(into, item) < 0) {
        alloc_failed();
    }
    leave_path(walk, len);
    return 0;
}

/* List or object? The keys are sorted, so the first and the last tell whether they are mixed. */
static int
check_keys(const struct key *keys, size_t count, int is_array, struct walk *walk)
{
    enum key_rank first = keys[0].rank;

    if (keys[count - 1].rank >= KEY_BOOLEAN)
        return refuse(walk, keys[count - 1].rank == KEY_BOOLEAN ? "a boolean as a key" : "a key that isn't a string");
    if (keys[count - 1].rank != first)
        return refuse(walk, "both list items and named members");
    if (is_array && first == KEY_STRING)
        return refuse(walk, "a named member in a list made by cairn.array");
    for (size_t i = 0; first == KEY_NUMBER && i < count; i++) {
        if (!keys[i].integer)
            return refuse(walk, "a number as a key that isn't an index");
        if (keys[i].i != (lua_Integer)i + 1) {
            struct key hole = { .rank = KEY_NUMBER, .integer = 1, .i = keys[i].i < 1 ? keys[i].i : (lua_Integer)i + 1 };

            enter_path(walk, &hole);
            return refuse(walk, keys[i].i < 1 ? "a list begins at 1" : "a hole in a list");
        }
    }
    return 0;
}

static int
has_metatable(lua_State *L, int index, const char *name)
{
    int same;

    if (!lua_getmetatable(L, index))
        return 0;
    luaL_getmetatable(L, name);
    same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

/* A read-only view stands for the table behind it. Pushes the table that is meant. */
static void
push_source(lua_State *L, int index)
{
    int top = lua_gettop(L);

    if (luaL_getmetafield(L, index, SOURCE) == LUA_TTABLE)
        return;
    lua_settop(L, top);
    lua_pushvalue(L, index);
}

static int
convert_members(lua_State *L, int table, json_t **out, struct walk *walk)
{
    int is_array = has_metatable(L, table, ARRAY);
    struct key *keys;
    size_t count = keys_collect(L, table, &keys);
    int rc = 0;

    if (count && check_keys(keys, count, is_array, walk) < 0)
        return -1;
    if (count)
        is_array = keys[0].rank == KEY_NUMBER;
    *out = must(is_array ? json_array() : json_object());
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = convert_member(L, table, &keys[i], *out, walk);
    if (rc < 0) {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}

static int
convert_table(lua_State *L, int index, json_t **out, struct walk *walk)
{
    const void *self = lua_topointer(L, index);
    int top = lua_gettop(L);
    int rc;

    for (int i = 0; i < walk->depth; i++)
        if (walk->open[i] == self)
            return refuse(walk, "a table that holds itself");
    if (walk->depth == VALUE_DEPTH)
        return refuse(walk, "more than 64 levels");
    if (!lua_checkstack(L, 12))
        return refuse(walk, "no stack left");
    walk->open[walk->depth++] = self;
    push_source(L, index);
    rc = convert_members(L, top + 1, out, walk);
    lua_settop(L, top);
    walk->depth--;
    return rc;
}

static int
convert_userdata(lua_State *L, int index, json_t **out, struct walk *walk)
{
    const char *text;

    if (!has_metatable(L, index, SECRET))
        return refuse(walk, "a userdata");
    text = lua_touserdata(L, index);
    *out = must(json_loadb(text, lua_rawlen(L, index), 0, NULL));
    return 0;
}

static int
convert(lua_State *L, int index, json_t **out, struct walk *walk)
{
    if (++walk->count > VALUE_COUNT)
        return refuse(walk, "more than 1000000 values");
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        *out = json_null();
        return 0;
    case LUA_TBOOLEAN:
        *out = json_boolean(lua_toboolean(L, index));
        return 0;
    case LUA_TNUMBER:
        return convert_number(L, index, out, walk);
    case LUA_TSTRING:
        return convert_text(L, index, out, walk);
    case LUA_TTABLE:
        return convert_table(L, index, out, walk);
    case LUA_TUSERDATA:
        return convert_userdata(L, index, out, walk);
    case LUA_TLIGHTUSERDATA:
        *out = json_null();
        return lua_touserdata(L, index) == &null_address ? 0 : refuse(walk, "a userdata");
    case LUA_TFUNCTION:
        return refuse(walk, "a function");
    default:
        return refuse(walk, "a thread");
    }
}

int
value_from_lua(lua_State *L, int index, json_t **out, struct value_refusal *why)
{
    struct walk walk = { .why = why };

    why->path[0] = '\0';
    why->why[0] = '\0';
    return convert(L, lua_absindex(L, index), out, &walk);
}

static int
is_secret(const json_t *object)
{
    static const char *const names[] = { "$secret", "$sealed", "$ref" };

    if (json_object_size(object) != 1)
        return 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (json_is_string(json_object_get(object, names[i])))
            return 1;
    return 0;
}

static void
push_secret(lua_State *L, const json_t *object)
{
    size_t len = json_dumpb(object, NULL, 0, JSON_COMPACT);
    char *bytes = lua_newuserdatauv(L, len, 0);

    json_dumpb(object, bytes, len, JSON_COMPACT);
    luaL_setmetatable(L, SECRET);
}

static void
push_object(lua_State *L, const json_t *object)
{
    const char *key;
    json_t *item;

    if (is_secret(object)) {
        push_secret(L, object);
        return;
    }
    lua_createtable(L, 0, (int)json_object_size(object));
    json_object_foreach((json_t *)object, key, item) {
        value_push(L, item);
        lua_setfield(L, -2, key);
    }
}

static void
push_array(lua_State *L, const json_t *array)
{
    lua_createtable(L, (int)json_array_size(array), 0);
    for (size_t i = 0; i < json_array_size(array); i++) {
        value_push(L, json_array_get(array, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    value_mark_array(L, -1);
}

void
value_push(lua_State *L, const json_t *value)
{
    luaL_checkstack(L, 8, "value too deep");
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        push_object(L, value);
        break;
    case JSON_ARRAY:
        push_array(L, value);
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
        value_push_null(L);
        break;
    }
}

void
value_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, &null_address);
}

void
value_mark_array(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    luaL_getmetatable(L, ARRAY);
    lua_setmetatable(L, index);
}

static int
show_secret(lua_State *L)
{
    lua_pushliteral(L, "<secret>");
    return 1;
}

static int
show_null(lua_State *L)
{
    lua_pushliteral(L, "null");
    return 1;
}

/* [-1, +0, m] The metatable on the top gets what hides it, and how its bearer shows itself. */
static void
finish_metatable(lua_State *L, const char *name, lua_CFunction show)
{
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name"); /* what Lua's messages call it: "attempt to concatenate a secret value" */
    if (show) {
        lua_pushcfunction(L, show);
        lua_setfield(L, -2, "__tostring");
    }
    lua_pop(L, 1);
}

void
value_open(lua_State *L)
{
    luaL_newmetatable(L, ARRAY);
    finish_metatable(L, "table", NULL);
    luaL_newmetatable(L, SECRET);
    finish_metatable(L, "secret", show_secret);
    value_push_null(L);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setmetatable(L, -3); /* all light userdata: there is only this one */
    finish_metatable(L, "null", show_null);
    lua_pop(L, 1);
}
