/*
 * step.c: the way of one step from its durable intent to its outcome, and what is done when nobody knows; called by
 * command.c, and by turn.c when a step may leave.
 * SPDX-License-Identifier: MIT
 *
 *            intent durable
 *                  |
 *   READ ----> run() ------ answer ----------------------------> outcome
 *                  |------- refused for a passing reason ------> run() again, later
 *                  `------- nobody knows (a change) -----> doubt
 *                                                            |
 *              .--------- observe() <------------------------'<--- a resume finds an intent without an outcome
 *              |   done     -> outcome: adopted
 *              |   absent   -> looked again, ABSENT_LOOKS times; then, recorded and durable, run() again
 *              |   conflict -> outcome: an error
 *              `   unknown  -> the run stops in state unknown; a person resolves
 */
#include "common/alloc.h"
#include "common/clock.h"
#include "common/crash.h"
#include "common/error.h"
#include "engine/live.h"
#include "engine/retry.h"

#include <stdlib.h>
#include <string.h>

#define ABSENT_LOOKS 3       /* looks in a row that must see nothing: reads are eventually consistent */
#define ABSENT_PAUSE_MS 5000 /* between them, on the run's clock */
#define CRASH_TRIES 3        /* a read that crashes its worker */
#define NOT_YET_PAUSE_MS 10000
#define NOT_YET_LIMIT_MS 900000 /* how long "not in this state yet" is waited for */
#define SENDS_MAX 8 /* sent, in doubt, absent, sent again, before the run stops */

static void look(struct job *job);
static void send_now(struct job *job);

static const char *
text_of(const struct job *job, const char *member)
{
    const char *text = json_string_value(json_object_get(job->command->intent, member));

    return text ? text : "";
}

static enum cairn_effect
effect(const struct job *job)
{
    return effect_of(text_of(job, "effect"));
}

static int
can_observe(const struct job *job)
{
    const struct plugins_entry *plugin = plugins_find(job->live->engine->options.plugins, text_of(job, "plugin"));
    const json_t *action = plugin ? plugins_action(plugin, text_of(job, "action")) : NULL;

    return json_is_true(json_object_get(action, "observe"));
}

/* May the call be made again, after so many refusals in a row? */
static int
may_again(struct job *job, enum cairn_error_kind kind)
{
    struct engine *engine = job->live->engine;

    if (++job->tries >= engine->options.config->attempts)
        return 0;
    job->cost = retry_take(&engine->retries, text_of(job, "plugin"), kind);
    return job->cost > 0;
}

static void
succeeded(struct job *job)
{
    retry_give_back(&job->live->engine->retries, text_of(job, "plugin"), job->tries ? job->cost : 0);
    job->tries = job->cost = 0;
}

static void
finish(struct job *job, int ok, json_t *owned_value, const char *how)
{
    struct live *live = job->live;
    char *id = alloc_str(job->command->id);
    /* A trigger's effect can't be seen afterwards: its outcome doesn't wait. */
    enum turn_need need = effect(job) == CAIRN_TRIGGER ? TURN_NOW : TURN_LATER;

    job_free(job);
    command_outcome(live, id, ok, owned_value, how, need);
    free(id);
}

/* The step stays in doubt and the run comes to rest; `state` is "unknown" or "failed". */
static void
give_up(struct job *job, const char *state, const json_t *error)
{
    struct live *live = job->live;
    json_t *none =
        error ? NULL
              : json_pack("{s:s, s:s}", "kind", "in_doubt", "text", "it was looked for, and no reason was given");

    if (!live->ended)
        live->ended = json_pack("{s:s, s:{s:O, s:s}}", "state", state, "extra", "error", error ? error : none, "id",
                                job->command->id);
    json_decref(none);
    job_free(job);
    live_check(live);
}

static struct pool_call *
call(struct job *job, const char *mode, void (*reply)(void *data, json_t *reply))
{
    struct live *live = job->live;
    const struct plugins_entry *plugin = plugins_find(live->engine->options.plugins, text_of(job, "plugin"));
    const json_t *action = plugin ? plugins_action(plugin, text_of(job, "action")) : NULL;
    struct pool_events events = { .data = job, .reply = reply };
    json_t *request;
    int slow = 0;
    size_t i;
    json_t *flag;

    json_array_foreach(json_object_get(action, "flags"), i, flag)
        slow |= strcmp(json_string_value(flag), "slow") == 0;
    request = json_pack("{s:s, s:s, s:O, s:s, s:s, s:s, s:i, s:I}", "mode", mode, "action", text_of(job, "action"),
                        "args", json_object_get(job->command->intent, "args"), "token", text_of(job, "token"), "run",
                        live->run->id, "step", job->command->id, "attempt", job->command->attempt, "started",
                        (json_int_t)job->command->first);
    events.log = live_on_log;
    events.progress = live_on_progress;
    return pool_call(live->engine->pool, text_of(job, "plugin"), request, slow, &events);
}

/* ---- sent ---- */

/* Nobody could be asked, or each answer was lost: the run stops, and a resume looks and sends again. */
static void
stop_sending(struct job *job)
{
    const char *last = json_string_value(json_object_get(job->lost, "text"));
    json_t *error = json_object();
    char *text = alloc_printf("sent again %d times, each time without an answer%s%s", job->sends,
                              last ? "; the last time: " : "", last ? last : "");

    json_object_update(error, job->lost);
    json_object_set_new(error, "kind", json_string("in_doubt"));
    json_object_set_new(error, "text", json_string(text));
    give_up(job, "failed", error);
    json_decref(error);
    free(text);
}

/* Send the step once more, when that is durable. */
static void
send_again(struct job *job, const char *why)
{
    if (job->sends == SENDS_MAX) {
        stop_sending(job);
        return;
    }
    job->sends++;
    turn_append(job->live,
                json_pack("{s:s, s:s, s:i, s:s}", "kind", "attempt", "id", job->command->id, "attempt",
                          job->command->attempt + 1, "why", why),
                TURN_NOW);
    job->doubted = 1;
    job->absent = 0;
    turn_send_step(job);
}

static void
doubt(struct job *job, const json_t *error)
{
    turn_append(job->live, json_pack("{s:s, s:s, s:O}", "kind", "doubt", "id", job->command->id, "error", error),
                TURN_LATER);
    json_decref(job->lost);
    job->lost = json_incref((json_t *)error);
    job->absent = 0;
    job->tries = 0;
    look(job);
}

static int
kind_is_passing(enum cairn_error_kind kind)
{
    return kind == CAIRN_ERR_THROTTLED || kind == CAIRN_ERR_UNAVAILABLE;
}

static int
kind_is_doubtful(enum cairn_error_kind kind)
{
    return kind == CAIRN_ERR_TIMEOUT || kind == CAIRN_ERR_IN_DOUBT || kind == CAIRN_ERR_INTERNAL;
}

static void
send_if_wanted(struct job *job)
{
    const struct live *live = job->live;

    if (live->engine->stopping || live->ended || live_winds_up(live))
        job_after(job, 1000, send_if_wanted); /* until the others have ended, too */
    else
        send_now(job);
}

/* Nothing is in flight meanwhile, so a run that is to stop, or is cancelled, need not wait for the next attempt. */
static void
try_later(struct job *job, int64_t ms, const json_t *error)
{
    const char *why = json_string_value(json_object_get(error, "text"));
    char *note = alloc_printf("%s; it is tried again", why ? why : "refused");

    live_on_progress(job, note);
    free(note);
    job_after(job, ms, send_if_wanted);
    live_check(job->live);
}

static void
read_refused(struct job *job, enum cairn_error_kind kind, json_t *error)
{
    int crashes = kind == CAIRN_ERR_INTERNAL && job->tries + 1 >= CRASH_TRIES;

    if ((kind_is_passing(kind) || kind_is_doubtful(kind)) && !crashes && may_again(job, kind))
        try_later(job, retry_pause(job->tries), error);
    else
        finish(job, 0, json_incref(error), "replied");
}

static void
change_refused(struct job *job, enum cairn_error_kind kind, json_t *error)
{
    int again = kind_is_passing(kind) && may_again(job, kind);
    int not_yet = kind == CAIRN_ERR_NOT_YET && clock_now() - job->began < NOT_YET_LIMIT_MS;

    if (kind_is_doubtful(kind)) {
        doubt(job, error);
    } else if (again || not_yet) {
        try_later(job, not_yet ? NOT_YET_PAUSE_MS : retry_pause(job->tries), error);
    } else if (job->doubted && can_observe(job)) {
        /* The refusal may be the echo of the attempt that nobody knows about: look before it is believed. */
        job->refusal = json_incref(error);
        job->tries = 0;
        look(job);
    } else {
        finish(job, 0, json_incref(error), "replied");
    }
}

static void
on_answer(void *data, json_t *reply)
{
    struct job *job = data;
    json_t *error = json_object_get(reply, "error");
    struct cairn_error err = { 0 };

    crash_point("engine.replied");
    job->call = NULL;
    if (json_is_true(json_object_get(reply, "ok"))) {
        succeeded(job);
        finish(job, 1, json_incref(json_object_get(reply, "value")), "replied");
        return;
    }
    error_from_json(&err, error);
    if (effect(job) == CAIRN_READ)
        read_refused(job, err.kind, error);
    else
        change_refused(job, err.kind, error);
}

static void
send_now(struct job *job)
{
    job->call = call(job, "run", on_answer);
}

void
step_send(struct job *job)
{
    crash_point("engine.sending");
    send_now(job);
}

/* ---- in doubt ---- */

static void
seen_nothing(struct job *job)
{
    const struct live *live = job->live;

    if (++job->absent < ABSENT_LOOKS)
        job_after(job, ABSENT_PAUSE_MS, look);
    else if (job->refusal)
        finish(job, 0, json_incref(job->refusal), "replied");
    else if (live->settling || live_winds_up(live))
        finish(job, 0, json_pack("{s:s, s:s}", "kind", "cancelled", "text", "was not done, and is not wanted any more"),
               "observed");
    else
        send_again(job, "the world shows no trace of it");
}

/* The run stops; a resume looks again. */
static void
stop_looking(struct job *job, const json_t *error)
{
    const char *why = json_string_value(json_object_get(error, "text"));
    const char *lost = json_string_value(json_object_get(job->lost, "text"));
    char *text = alloc_printf("in doubt%s%s, and the look at it failed: %s", lost ? ": " : "", lost ? lost : "",
                              why ? why : "no reason given");
    json_t *told = json_object();

    json_object_update(told, (json_t *)error);
    json_object_set_new(told, "text", json_string(text));
    give_up(job, "failed", told);
    json_decref(told);
    free(text);
}

static void
look_failed(struct job *job, const json_t *error)
{
    struct cairn_error err = { 0 };

    error_from_json(&err, error);
    if ((kind_is_passing(err.kind) || kind_is_doubtful(err.kind)) && may_again(job, err.kind))
        job_after(job, retry_pause(job->tries), look);
    else
        stop_looking(job, error);
}

static void
on_look(void *data, json_t *reply)
{
    struct job *job = data;
    const char *seen = json_string_value(json_object_get(reply, "seen"));
    json_t *error = json_object_get(reply, "error");

    crash_point("engine.looked");
    job->call = NULL;
    if (!json_is_true(json_object_get(reply, "ok")) || !seen) {
        look_failed(job, error);
        return;
    }
    succeeded(job);
    turn_append(job->live,
                json_pack("{s:s, s:s, s:s, s:i, s:O*}", "kind", "observed", "id", job->command->id, "seen", seen,
                          "look", job->absent + 1, "error", error),
                TURN_LATER);
    if (strcmp(seen, "done") == 0)
        finish(job, 1, json_incref(json_object_get(reply, "value")), "observed");
    else if (strcmp(seen, "absent") == 0)
        seen_nothing(job);
    else if (strcmp(seen, "conflict") == 0 && !job->refusal)
        finish(job, 0,
               error ? json_incref(error)
                     : json_pack("{s:s, s:s}", "kind", "conflict", "text", "somebody else's is there"),
               "observed");
    else
        give_up(job, "unknown", error);
}

static void
set_again(struct job *job)
{
    const struct live *live = job->live;

    if (live->settling || live_winds_up(live) || live->run->cancelling)
        finish(job, 0,
               json_pack("{s:s, s:s}", "kind", "cancelled", "text", "may have been done, and is not wanted any more"),
               "observed");
    else
        send_again(job, "setting the same value twice is the same state");
}

static void
look(struct job *job)
{
    crash_point("engine.looking");
    if (can_observe(job)) {
        job->call = call(job, "observe", on_look);
    } else if (effect(job) == CAIRN_SET) {
        if (job->sends == 0)
            set_again(job);
        else
            job_after(job, retry_pause(job->sends + 1), set_again);
    } else {
        const char *lost = json_string_value(json_object_get(job->lost, "text"));
        char *text = alloc_printf("%s%ssent, and this action leaves no trace that could be looked for",
                                  lost ? lost : "", lost ? "; " : "");
        json_t *error = json_pack("{s:s, s:s}", "kind", "in_doubt", "text", text);

        give_up(job, "unknown", error);
        json_decref(error);
        free(text);
    }
}

void
step_begin(struct job *job, int fresh)
{
    const struct run_command *command = job->command;
    json_t *error;

    if (effect(job) == CAIRN_READ) {
        send_now(job);
    } else if (job->live->settling && !command->in_doubt && command->attempt_epoch == job->live->run->epoch) {
        finish(job, 0, json_pack("{s:s, s:s}", "kind", "cancelled", "text", "was not done, and is not wanted any more"),
               "observed");
    } else if (fresh || (!command->in_doubt && command->attempt_epoch == job->live->run->epoch)) {
        turn_send_step(job);
    } else if (command->in_doubt) {
        look(job);
    } else {
        error = json_pack("{s:s, s:s}", "kind", "in_doubt", "text", "its driver ended before an answer was recorded");
        doubt(job, error);
        json_decref(error);
    }
}

int
step_resolve(struct live *live, const json_t *message)
{
    const char *id = json_string_value(json_object_get(message, "id"));
    struct run_command *command = id ? run_command(live->run, id) : NULL;
    json_t *value = json_object_get(message, "value");
    json_t *record;

    if (!command || command->outcome || strcmp(json_string_value(json_object_get(command->intent, "op")), "step") != 0)
        return 0;
    if (json_is_true(json_object_get(message, "done"))) {
        record = json_pack("{s:s, s:s, s:b, s:s, s:O}", "kind", "outcome", "id", id, "ok", 1, "how", "resolved", "by",
                           json_object_get(message, "by"));
        json_object_set_new(record, "value", value ? json_incref(value) : json_object());
    } else {
        record = json_pack("{s:s, s:s, s:i, s:s, s:O}", "kind", "attempt", "id", id, "attempt", command->attempt + 1,
                           "why", "resolved: not done", "by", json_object_get(message, "by"));
    }
    if (json_object_get(message, "reason"))
        json_object_set(record, "reason", json_object_get(message, "reason"));
    turn_append(live, record, TURN_NOW);
    return 1;
}
