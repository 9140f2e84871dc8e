/*
 * main.c: the life of a script host, which runs one workflow's Lua; started by the engine as `cairn-script`.
 * SPDX-License-Identifier: MIT
 *
 * See doc/PROTOCOL.md, "Engine and script host". The recorded history and what happens live go the same way: one event
 * after the other into host.on_event.
 */
#include "common/crash.h"
#include "common/error.h"
#include "common/frame.h"
#include "script/api.h"
#include "script/limits.h"
#include "script/sandbox.h"

#include <string.h>
#include <unistd.h>

static lua_State *
prepare(struct cairn_error *err)
{
    lua_State *L = sandbox_new();

    sandbox_add(L);
    api_add(L);
    return sandbox_load(L, err) < 0 ? NULL : L;
}

/* `history` is taken out of the message, so that it isn't in memory twice: in JSON and in Lua. */
static int
start(lua_State *L, json_t *message, struct cairn_error *err)
{
    json_t *history = json_incref(json_object_get(message, "history"));
    size_t count = json_array_size(history);
    int rc;

    json_object_del(message, "history");
    rc = api_call(L, "on_start", message, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        limits_turn();
        rc = api_call(L, "on_event", json_array_get(history, i), err);
        json_array_set_new(history, i, json_null());
    }
    json_decref(history);
    return rc < 0 ? -1 : api_call(L, "on_caught_up", NULL, err);
}

/* A live event was digested: the engine may take it that nothing more follows from it. */
static int
say_idle(struct cairn_error *err)
{
    json_t *idle = json_pack("{s:s}", "op", "idle");
    int rc = frame_write(FRAME_FD, idle, err);

    json_decref(idle);
    return rc;
}

static int
handle(lua_State *L, json_t *message, struct cairn_error *err)
{
    const char *op = json_string_value(json_object_get(message, "op"));

    limits_turn();
    if (op && strcmp(op, "load") == 0)
        return api_call(L, "on_load", message, err);
    if (op && strcmp(op, "start") == 0)
        return start(L, message, err);
    return api_call(L, "on_event", message, err) < 0 ? -1 : say_idle(err);
}

/* What no fiber could catch, above all memory that ran out while a message was worked on. */
static void
give_up(const struct cairn_error *err)
{
    struct cairn_error ignored = { 0 };
    json_t *ended = json_pack("{s:s, s:b, s:o, s:s}", "op", "ended", "ok", 0, "error", error_to_json(err), "trace", "");

    if (ended)
        frame_write(FRAME_FD, ended, &ignored);
    json_decref(ended);
    api_say(err->text);
}

static int
serve(lua_State *L)
{
    for (;;) {
        struct cairn_error err = { 0 };
        json_t *message;

        if (frame_read(FRAME_FD, &message, &err) < 0) {
            api_say(err.text);
            return LIMITS_EXIT_FAULT;
        }
        if (!message)
            return 0;
        if (handle(L, message, &err) < 0) {
            give_up(&err);
            return strstr(err.text, "not enough memory") ? LIMITS_EXIT_MEMORY : LIMITS_EXIT_FAULT;
        }
        json_decref(message);
    }
}

int
main(void)
{
    struct cairn_error err = { 0 };
    lua_State *L = NULL;

    json_object_seed(1); /* a seed of its own choice would need a file; the texts come from the engine alone */
    if (limits_begin(&err) == 0) {
        crash_init();
        L = prepare(&err);
    }
    if (!L || limits_seal(&err) < 0) {
        api_say(err.text);
        return LIMITS_EXIT_FAULT;
    }
    _exit(serve(L));
}
