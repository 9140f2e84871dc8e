/*
 * script.c: the script host of a run: start it with the stored source and the history, and take what it says.
 * SPDX-License-Identifier: MIT
 */
#include "common/alloc.h"
#include "common/clock.h"
#include "common/error.h"
#include "engine/live.h"
#include "script/limits.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Action names and classes of all plugins, for cairn.plugin. */
static json_t *
plugin_table(const struct plugins *plugins)
{
    json_t *table = json_object();

    for (size_t i = 0; i < plugins->count; i++) {
        json_t *actions = json_object();
        size_t j;
        json_t *action;

        json_array_foreach(json_object_get(plugins->entries[i].description, "actions"), j, action)
            json_object_set(actions, json_string_value(json_object_get(action, "name")),
                            json_object_get(action, "effect"));
        json_object_set_new(table, plugins->entries[i].name, actions);
    }
    return table;
}

static void
send_start(struct live *live)
{
    json_t *history = live->begun ? run_history(live->run) : json_array();
    json_t *seed = json_object_get(live->run->started, "seed");
    json_int_t now = json_integer_value(json_object_get(live->run->started, "t"));
    size_t i;
    json_t *event;

    json_object_clear(live->hold);
    json_array_foreach(history, i, event) {
        const char *op = json_string_value(json_object_get(event, "op"));
        const char *id = json_string_value(json_object_get(event, "id"));

        if (strcmp(op, "retry") == 0)
            json_object_set_new(live->hold, id, json_pack("{s:O}", "n", json_object_get(event, "n")));
        else if (strcmp(op, "outcome") == 0)
            json_object_del(live->hold, id);
    }
    script_send(live,
                json_pack("{s:s, s:s, s:O, s:O, s:I, s:o}", "op", "start", "run", live->run->id, "params", live->params,
                          "seed", seed ? seed : live->seed, "now", now ? now : live->now, "history", history));
    live->started = 1;
    live->unanswered = 0;
}

static void
give_module(struct live *live, const char *module)
{
    struct cairn_error err = { 0 };
    json_t *answer = json_pack("{s:s}", "op", "module");
    int found = module && live->open ? source_module(live, module, &err) : 0;

    if (found < 0) {
        live_fail(live, &err, NULL);
    } else if (found) {
        json_t *source = json_object_get(live->modules, module);

        json_object_set(answer, "name", json_object_get(source, "name"));
        json_object_set(answer, "text", json_object_get(source, "text"));
    }
    script_send(live, answer);
}

static void
on_loaded(struct live *live, json_t *message)
{
    struct cairn_error err = { 0 };

    json_decref(live->loaded);
    live->loaded = json_incref(message);
    if (!live->begun && live_prepare(live, &err) < 0)
        live_fail(live, &err, NULL);
    else
        send_start(live);
    live->phase = LIVE_REPLAYING;
}

static void
on_ended_word(struct live *live, const json_t *message)
{
    json_t *extra = json_object();
    json_t *error = json_object_get(message, "error");
    const char *kind = json_string_value(json_object_get(error, "kind"));
    int ok = json_is_true(json_object_get(message, "ok"));
    const char *state = ok ? live->run->rolling_back ? "rolled_back" : "done" : "failed";

    if (live->ended) {
        json_decref(extra);
        return;
    }
    if (!ok && live->run->cancelling && kind && strcmp(kind, "cancelled") == 0)
        state = "cancelled";
    if (ok && live->run->cancelling)
        state = "cancelled";
    if (ok && json_object_get(message, "value"))
        json_object_set(extra, "value", json_object_get(message, "value"));
    if (error)
        json_object_set(extra, "error", error);
    if (!ok)
        json_object_set_new(extra, "left", json_true());
    live->ended = json_pack("{s:s, s:o}", "state", state, "extra", extra);
}

static void
take_idle(struct live *live)
{
    live->unanswered -= live->unanswered > 0;
    command_idle(live);
}

static void
on_message(void *data, json_t *message)
{
    struct live *live = data;
    const char *op = json_string_value(json_object_get(message, "op"));

    if (!live->begun && live->keys) {
        json_array_append(live->early, message); /* the run has to exist first */
        return;
    }
    if (!op)
        op = "";
    if (strcmp(op, "need") == 0)
        give_module(live, json_string_value(json_object_get(message, "module")));
    else if (strcmp(op, "loaded") == 0)
        on_loaded(live, message);
    else if (strcmp(op, "locks") == 0)
        live->keys = live->keys ? live->keys : json_incref(json_object_get(message, "keys"));
    else if (strcmp(op, "caught_up") == 0)
        command_caught_up(live);
    else if (strcmp(op, "dropped") == 0)
        command_drop(live, json_object_get(message, "ids"));
    else if (strcmp(op, "again") == 0)
        command_again(live, json_string_value(json_object_get(message, "id")),
                      json_integer_value(json_object_get(message, "n")));
    else if (strcmp(op, "idle") == 0)
        take_idle(live);
    else if (strcmp(op, "ended") == 0)
        on_ended_word(live, message);
    else if (strcmp(op, "polled") == 0)
        timer_polled(live, message);
    else if (strcmp(op, "read") == 0)
        timer_read(live, message);
    else
        command_take(live, message);
    live_check(live);
}

void
script_take_early(struct live *live)
{
    json_t *early = live->early;
    size_t i;
    json_t *message;

    live->early = json_array();
    json_array_foreach(early, i, message)
        on_message(live, message);
    json_decref(early);
}

static void
on_line(void *data, const char *line)
{
    live_log(data, line);
}

static const char *
reason(int64_t status, int sig)
{
    if (sig == SIGXCPU || sig == SIGKILL)
        return "ended by the system: too much CPU time or memory, or killed by hand";
    if (sig == SIGSYS)
        return "ended by the sandbox: it asked the system for something that no script may have";
    if (sig)
        return "crashed";
    if (status == LIMITS_EXIT_CPU)
        return "ended: the script used too much processor time without waiting for anything";
    if (status == LIMITS_EXIT_MEMORY || status == 1)
        return "ended: the script used too much memory";
    return status ? "ended with an error" : "ended without a word";
}

static void
on_ended(void *data, int64_t status, int sig, const struct cairn_error *channel)
{
    struct live *live = data;
    struct cairn_error err = { 0 };

    live->script = NULL;
    if (!live->ended) {
        if (channel->kind != CAIRN_ERR_NONE)
            cairn_fail_code(&err, CAIRN_ERR_INTERNAL, "script", "run script: its host sent what can't be read: %s",
                            channel->text);
        else
            cairn_fail_code(&err, CAIRN_ERR_INTERNAL, "script", "run script: its host %s (status %d, signal %d)",
                            reason(status, sig), (int)status, sig);
        live_fail(live, &err, NULL);
    }
    live_check(live);
}

int
script_start(struct live *live, struct cairn_error *err)
{
    struct process_events events = { live, on_message, on_line, on_ended };
    char *program = process_helper("cairn-script");
    int rc = process_start(&live->script, &live->engine->loop, program, NULL, &events, err);

    free(program);
    if (rc < 0)
        return -1;
    live->phase = LIVE_LOADING;
    live->started = 0;
    live->generation++;
    json_array_clear(live->todo);
    for (size_t i = 0; i < live->run->command_count; i++)
        live->run->commands[i]->seen_again = 0;
    script_send(live, json_pack("{s:s, s:s, s:s, s:O, s:b, s:o}", "op", "load", "name", live->main_name, "text",
                                live->main_text, "modules", live->modules, "open", live->open, "plugins",
                                plugin_table(live->engine->options.plugins)));
    return 0;
}

void
script_send(struct live *live, json_t *owned_message)
{
    if (live->script) {
        live->unanswered++;
        process_send(live->script, owned_message);
    }
    json_decref(owned_message);
}

void
script_send_outcome(struct live *live, const json_t *outcome)
{
    int ok = json_is_true(json_object_get(outcome, "ok"));

    if (live->phase == LIVE_AWAY)
        live_wake(live);
    else if (live->started)
        script_send(live, json_pack("{s:s, s:O, s:b, s:O, s:O}", "op", "outcome", "id", json_object_get(outcome, "id"),
                                    "ok", ok, ok ? "value" : "error", json_object_get(outcome, ok ? "value" : "error"),
                                    "t", json_object_get(outcome, "t")));
}

void
script_end(struct live *live)
{
    process_forget(live->script);
    live->script = NULL;
    live->started = 0;
    live->unanswered = 0;
}
