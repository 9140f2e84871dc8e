/*
 * api.c: the primitives by which the Lua side of the script host reaches the engine; called by main.c.
 * SPDX-License-Identifier: MIT
 */
#include "script/api.h"

#include "common/alloc.h"
#include "common/crash.h"
#include "common/frame.h"
#include "script/limits.h"
#include "script/sandbox.h"
#include "script/value.h"

#include <lauxlib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* stdio would make system calls that aren't allowed any more. */
void
api_say(const char *text)
{
    char *line = alloc_printf("%s\n", text);
    size_t left = strlen(line);

    for (const char *at = line; left > 0;) {
        ssize_t n = write(STDERR_FILENO, at, left);

        if (n <= 0)
            break;
        at += n;
        left -= (size_t)n;
    }
    free(line);
}

/* send(message) -> true, or nil and why it can't be said in JSON: "args.tags[2]: a function" */
static int
send_message(lua_State *L)
{
    struct cairn_error err = { 0 };
    struct value_refusal why;
    json_t *message;
    int rc;

    if (value_from_lua(L, 1, &message, &why) < 0) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", why.path, why.why);
        return 2;
    }
    rc = frame_write(FRAME_FD, message, &err);
    json_decref(message);
    if (rc < 0 && err.kind != CAIRN_ERR_INVALID)
        _exit(0); /* the engine is gone */
    if (rc < 0) {
        lua_pushnil(L);
        lua_pushstring(L, err.text);
        return 2;
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* ask(message) -> the engine's answer; for modules while a file is loaded */
static int
ask_engine(lua_State *L)
{
    struct cairn_error err = { 0 };
    json_t *answer;

    if (send_message(L) != 1)
        return 2;
    if (frame_read(FRAME_FD, &answer, &err) < 0) {
        api_say(err.text);
        _exit(LIMITS_EXIT_FAULT);
    }
    if (!answer)
        _exit(0);
    value_push(L, answer);
    json_decref(answer);
    return 1;
}

/* say(text): a line on stderr, which is the run's log */
static int
say_line(lua_State *L)
{
    api_say(luaL_checkstring(L, 1));
    return 0;
}

static int
pass_crash_point(lua_State *L)
{
    crash_point(luaL_checkstring(L, 1));
    return 0;
}

/* array(t) -> t, marked as a list */
static int
mark_array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    value_mark_array(L, 1);
    lua_settop(L, 1);
    return 1;
}

/* value(v) -> a copy as it comes back from JSON; secret{["$ref"]=NAME} becomes a handle */
static int
copy_value(lua_State *L)
{
    struct value_refusal why;
    json_t *value;

    if (value_from_lua(L, 1, &value, &why) < 0) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", why.path, why.why);
        return 2;
    }
    value_push(L, value);
    json_decref(value);
    return 1;
}

void
api_add(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "send", send_message },       { "ask", ask_engine },    { "say", say_line },
        { "crash", pass_crash_point }, { "array", mark_array }, { "value", copy_value },
        { NULL, NULL },
    };

    value_open(L);
    sandbox_push_host(L);
    luaL_setfuncs(L, functions, 0);
    value_push_null(L);
    lua_setfield(L, -2, "null");
    lua_pop(L, 1);
}

/* [-2, +0, e] called with host's function and the message as light userdata: the conversion may need memory, too */
static int
convert_and_call(lua_State *L)
{
    const json_t *message = lua_touserdata(L, 2);

    lua_settop(L, 1);
    if (message)
        value_push(L, message);
    lua_call(L, lua_gettop(L) - 1, 0);
    return 0;
}

int
api_call(lua_State *L, const char *name, const json_t *message, struct cairn_error *err)
{
    int top = lua_gettop(L);
    int rc = 0;

    lua_pushcfunction(L, convert_and_call);
    sandbox_push_host(L);
    lua_getfield(L, -1, name);
    lua_remove(L, -2); /* host */
    lua_pushlightuserdata(L, (void *)(uintptr_t)message);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        const char *text = lua_tostring(L, -1);

        rc = cairn_fail_code(err, CAIRN_ERR_FAILED, "script", "%s", text ? text : "an error that isn't text");
    }
    lua_settop(L, top);
    return rc;
}
