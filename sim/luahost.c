/*
 * luahost.c: the Lua state that holds the simulated world; used by the simulator's main.
 * SPDX-License-Identifier: MIT
 */
#include "luahost.h"

#include "common/alloc.h"
#include "hostlib.h"
#include "keeperlib.h"
#include "luajson.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

struct luahost {
    lua_State *L; /* its registry holds what boot returned under BOOT */
    struct hostlib *lib; /* what the models may do outside Lua */
    struct keeper *keeper; /* of the real servers; NULL: there are none */
};

#define BOOT "sim.boot"

static int
traceback(lua_State *L)
{
    const char *text = lua_tostring(L, 1);

    if (text && strncmp(text, "world: ", 7) == 0)
        return 1; /* a refusal of the world file, for its author */
    luaL_traceback(L, L, text ? text : luaL_tolstring(L, 1, NULL), 1);
    return 1;
}

static int
call(lua_State *L, int nargs, int nresults, struct cairn_error *err)
{
    int base = lua_gettop(L) - nargs;
    const char *text;
    int status;

    lua_pushcfunction(L, traceback);
    lua_insert(L, base);
    status = lua_pcall(L, nargs, nresults, base);
    lua_remove(L, base);
    if (status == LUA_OK)
        return 0;
    text = lua_tostring(L, -1);
    if (status == LUA_ERRMEM)
        alloc_failed();
    if (text && strncmp(text, "world: ", 7) == 0)
        cairn_fail(err, CAIRN_ERR_INVALID, "%s", text + 7);
    else
        cairn_fail(err, CAIRN_ERR_INTERNAL, "run the simulator's models: %s", text ? text : "an error without text");
    lua_pop(L, 1);
    return -1;
}

static void
set_paths(lua_State *L, const char *folder)
{
    lua_getglobal(L, "package"); /* package */
    lua_pushfstring(L, "%s/lib/?.lua;%s/models/?.lua", folder, folder); /* package path */
    lua_setfield(L, -2, "path"); /* package */
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "cpath"); /* package */
    lua_pop(L, 1);
}

/* Leaves nothing on the stack; what boot returned is in the registry. */
static int
boot(struct luahost *host, const char *folder, const json_t *options, struct cairn_error *err)
{
    lua_State *L = host->L;
    char *path = alloc_printf("%s/lib/boot.lua", folder);
    int status = luaL_loadfilex(L, path, "t"); /* chunk */

    free(path);
    if (status != LUA_OK) {
        cairn_fail(err, CAIRN_ERR_FAILED, "load the simulator's models: %s; CAIRN_SIM_MODELS names their folder",
                   lua_tostring(L, -1));
        return -1;
    }
    luajson_push(L, options); /* chunk options */
    if (call(L, 1, 1, err) < 0)
        return -1;
    lua_setfield(L, LUA_REGISTRYINDEX, BOOT);
    return 0;
}

int
luahost_open(struct luahost **out, const char *folder, const json_t *options, struct keeper *keeper,
             struct cairn_error *err)
{
    struct luahost *host = alloc_zero(1, sizeof(*host));
    int rc = -1;

    host->L = luaL_newstate();
    if (!host->L)
        alloc_failed();
    luaL_openlibs(host->L);
    luajson_open(host->L);
    set_paths(host->L, folder);
    if (hostlib_open(&host->lib, host->L, options, err) < 0)
        goto out;
    host->keeper = keeper;
    if (keeper)
        keeperlib_open(host->L, keeper);
    if (boot(host, folder, options, err) < 0)
        goto out;
    *out = host;
    host = NULL; /* handed over */
    rc = 0;
out:
    luahost_close(host);
    return rc;
}

static void
push_boot(lua_State *L, const char *name)
{
    lua_getfield(L, LUA_REGISTRYINDEX, BOOT); /* boot */
    lua_getfield(L, -1, name); /* boot function */
    lua_remove(L, -2); /* function */
}

int
luahost_ready(struct luahost *host, unsigned port, struct cairn_error *err)
{
    push_boot(host->L, "ready"); /* function */
    lua_pushinteger(host->L, (lua_Integer)port); /* function port */
    return call(host->L, 1, 0, err);
}

int
luahost_turn(struct luahost *host, struct cairn_error *err)
{
    json_t *message = NULL;
    int rc;

    while ((rc = keeper_read(host->keeper, &message, err)) == 1) {
        push_boot(host->L, "told"); /* function */
        luajson_push(host->L, message); /* function message */
        json_decref(message);
        if (call(host->L, 1, 0, err) < 0)
            return -1;
    }
    if (rc < 0)
        return -1;
    push_boot(host->L, "turn"); /* function */
    return call(host->L, 0, 0, err);
}

int
luahost_finish(struct luahost *host, struct cairn_error *err)
{
    push_boot(host->L, "finish"); /* function */
    return call(host->L, 0, 0, err);
}

/* [-1, +0] takes the reply table from the stack. */
static void
take_reply(lua_State *L, struct http_reply *reply)
{
    const char *why;
    const char *body;
    const char *way;

    lua_getfield(L, -1, "status"); /* reply status */
    reply->status = (unsigned)lua_tointeger(L, -1);
    lua_getfield(L, -2, "headers"); /* reply status headers */
    reply->headers = lua_istable(L, -1) ? luajson_get(L, -1, &why) : NULL;
    lua_getfield(L, -3, "body"); /* reply status headers body */
    body = lua_tolstring(L, -1, &reply->body_len);
    reply->body = body ? alloc_strn(body, reply->body_len) : NULL;
    lua_getfield(L, -4, "way"); /* reply status headers body way */
    way = lua_tostring(L, -1);
    reply->way = !way ? HTTP_SEND : strcmp(way, "cut") == 0 ? HTTP_CUT : HTTP_TRUNCATE;
    lua_getfield(L, -5, "delay"); /* reply status headers body way delay */
    reply->delay = (int64_t)lua_tonumber(L, -1);
    lua_getfield(L, -6, "more"); /* reply status headers body way delay more */
    reply->more = (int64_t)lua_tonumber(L, -1);
    lua_getfield(L, -7, "cursor"); /* reply status headers body way delay more cursor */
    reply->cursor = (int64_t)lua_tonumber(L, -1);
    lua_pop(L, 8);
}

void
luahost_handle(void *context, const struct http_request *request, struct http_reply *reply)
{
    struct luahost *host = context;
    lua_State *L = host->L;
    struct cairn_error err = { 0 };

    push_boot(L, "handle"); /* function */
    lua_pushstring(L, request->method);
    lua_pushstring(L, request->target);
    luajson_push(L, request->headers);
    lua_pushlstring(L, request->body, request->body_len);
    lua_pushinteger(L, request->waited);
    lua_pushinteger(L, request->cursor); /* function method target headers body waited cursor */
    if (call(L, 6, 1, &err) == 0) {
        take_reply(L, reply);
        return;
    }
    hostlib_log(host->lib, err.text);
    reply->status = 500;
    reply->body = alloc_printf("%s\n", err.text);
    reply->body_len = strlen(reply->body);
}

void
luahost_close(struct luahost *host)
{
    if (!host)
        return;
    lua_close(host->L);
    hostlib_close(host->lib);
    free(host);
}
