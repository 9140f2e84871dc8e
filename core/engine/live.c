/*
 * live.c: a run from its beginning to its rest, as far as it is not a single command; called from everywhere in the
 * engine.
 * SPDX-License-Identifier: MIT
 */
#include "engine/live.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/crash.h"
#include "common/error.h"
#include "engine/params.h"

#include <stdlib.h>
#include <string.h>

#define PUT_AWAY_MS 60000 /* wall time: a run that has nothing to do for so long needs no script host */

/* ---- what the one who watches is told ---- */

void
live_log(struct live *live, const char *text)
{
    const struct engine_watch *watch = &live->engine->options.watch;

    if (watch->log && !turn_note(live, NULL, text))
        watch->log(watch->data, live->run, text);
}

void
live_on_log(void *job, const char *text)
{
    live_log(((struct job *)job)->live, text);
}

void
live_on_progress(void *data, const char *text)
{
    struct job *job = data;
    const struct engine_watch *watch = &job->live->engine->options.watch;

    if (watch->progress && !turn_note(job->live, job->command->id, text))
        watch->progress(watch->data, job->live->run, job->command->id, text);
}

/* ---- beginning ---- */

struct live *
live_new(struct engine *engine, const char *id)
{
    struct live *live = alloc_zero(1, sizeof(*live));

    live->engine = engine;
    live->run = run_new(id);
    live->modules = json_object();
    live->todo = json_array();
    live->hold = json_object();
    live->early = json_array();
    live->asking = json_object();
    live->plugins = json_object();
    live->next = engine->lives;
    engine->lives = live;
    return live;
}

/* What the workflow uses must be there, and configured: better now than in the middle. */
static int
check_plugins(const struct live *live, struct cairn_error *err)
{
    size_t i;
    json_t *name;

    json_array_foreach(json_object_get(live->loaded, "plugins"), i, name) {
        const struct plugins_entry *plugin = plugins_find(live->engine->options.plugins, json_string_value(name));

        if (!plugin)
            return cairn_fail(
                err, CAIRN_ERR_INVALID,
                "run %s: it uses the plugin %s, and there is none on the plugin path; see: cairn plugin list",
                live->main_name, json_string_value(name));
        if (config_check_plugin(live->engine->options.config, plugin->description, err) < 0)
            return -1;
    }
    return 0;
}

/* A secret parameter is given as the name of a secret of the configuration: its value is on no command line and in no
 * record. */
static int
refer_secrets(struct live *live, const json_t *table, struct cairn_error *err)
{
    const struct config *config = live->engine->options.config;
    size_t i;
    json_t *param;

    json_array_foreach(table, i, param) {
        const char *name = json_string_value(json_object_get(param, "name"));
        const json_t *given = json_object_get(live->params, name);
        const char *secret = json_string_value(json_is_object(given) ? json_object_get(given, "$ref") : given);

        if (!json_is_true(json_object_get(param, "secret")) || !secret)
            continue;
        if (!json_object_get(config->secrets, secret))
            return cairn_fail(err, CAIRN_ERR_INVALID,
                              "params: %s: it is a secret: give the name of one of the configuration's secrets", name);
        json_object_set_new(live->params, name, json_pack("{s:s}", "$ref", secret));
    }
    return 0;
}

int
live_prepare(struct live *live, struct cairn_error *err)
{
    json_t *table = NULL;
    const char *name;
    json_t *text;
    int rc = -1;

    struct cairn_error spec = { 0 };

    if (check_plugins(live, err) < 0)
        return -1;
    if (params_from_spec(&table, json_object_get(live->loaded, "params"), &spec) < 0)
        return cairn_fail(err, spec.kind, "%s: %s", live->main_name, spec.text);
    live->params = json_object();
    json_object_foreach(live->given, name, text) {
        char *pair = alloc_printf("%s=%s", name, json_string_value(text));

        rc = params_from_text(live->params, table, pair, err);
        free(pair);
        if (rc < 0)
            goto out;
    }
    rc = params_check(live->params, table, "params", err);
    if (rc == 0)
        rc = refer_secrets(live, table, err);
out:
    json_decref(table);
    return rc;
}

/* ---- rest ---- */

void
live_rest(struct live *live, const char *state, json_t *owned_extra)
{
    json_t *record = owned_extra ? owned_extra : json_object();

    crash_point("engine.resting");
    json_object_set_new(record, "kind", json_string("stopped"));
    json_object_set_new(record, "state", json_string(state));
    turn_append(live, record, TURN_NOW);
    live->wake = strcmp(state, "waiting") == 0 ? turn_earliest(live) : 0;
    while (live->jobs)
        job_free(live->jobs);
    script_end(live);
    live->phase = LIVE_RESTED;
}

void
live_fail(struct live *live, const struct cairn_error *err, const char *step)
{
    json_t *error = error_to_json(err);

    if (step)
        json_object_set_new(error, "step", json_string(step));
    if (!live->begun && live->begin_err.kind == CAIRN_ERR_NONE)
        live->begin_err = *err;
    if (!live->ended)
        live->ended = json_pack("{s:s, s:{s:O}}", "state", "failed", "extra", "error", error);
    json_decref(error);
    script_end(live);
    live_check(live);
}

int
live_winds_up(const struct live *live)
{
    return live->cancel_wanted && !live->run->cancelling;
}

static void
record_cancel(struct live *live)
{
    json_t *reason = json_object_get(live->cancel, "reason");

    turn_append(
        live,
        json_pack("{s:s, s:O, s:O*}", "kind", "cancel", "by", json_object_get(live->cancel, "by"), "reason", reason),
        TURN_NOW);
}

void
live_end_cancelled(struct live *live)
{
    record_cancel(live);
    live_rest(live, "cancelled", NULL);
}

static void
take_cancel(struct live *live)
{
    record_cancel(live);
    if (live->phase == LIVE_AWAY)
        live_wake(live);
    else
        script_send(live, json_pack("{s:s, s:I}", "op", "cancel", "t", (json_int_t)clock_now()));
}

static void
take_rollback(struct live *live)
{
    struct cairn_error err = { 0 };

    live->settling = 0;
    turn_append(live, json_pack("{s:s, s:s}", "kind", "rollback", "by", live->engine->options.by), TURN_NOW);
    if (script_start(live, &err) < 0)
        live_fail(live, &err, NULL);
}

void
live_settle(struct live *live)
{
    live->settling = 1;
    live->resuming = 1;
    for (size_t i = 0; i < live->run->command_count; i++) {
        struct run_command *command = live->run->commands[i];
        const char *op = json_string_value(json_object_get(command->intent, "op"));
        const char *effect = json_string_value(json_object_get(command->intent, "effect"));

        if (!command->voided && !command->outcome && strcmp(op, "step") == 0 && effect && strcmp(effect, "read") != 0)
            step_begin(job_new(live, command, JOB_STEP), 0);
    }
    live->resuming = 0;
    live_check(live);
}

void
live_wake(struct live *live)
{
    struct cairn_error err = { 0 };

    if (script_start(live, &err) < 0)
        live_fail(live, &err, NULL);
}

enum left { LEFT_WORK, LEFT_TIMERS, LEFT_PEOPLE }; /* what a run that waits waits for */

static enum left
what_is_left(const struct live *live, int64_t *due)
{
    enum left left = LEFT_PEOPLE;

    *due = INT64_MAX;
    for (const struct job *job = live->jobs; job; job = job->next) {
        if (job->kind == JOB_STEP || job->polling || (job->kind == JOB_WAIT && !job->due))
            return LEFT_WORK;
        if (job->kind == JOB_GATE || job->kind == JOB_SIGNAL)
            continue;
        left = LEFT_TIMERS;
        if (job->due && job->due < *due)
            *due = job->due;
    }
    return left;
}

/* Nothing can be done at once: rest, or put the script host away until there is something to do. */
static void
check_waiting(struct live *live)
{
    const struct engine_options *options = &live->engine->options;
    int64_t due;
    enum left left = what_is_left(live, &due);

    if (left == LEFT_WORK)
        return;
    if ((left == LEFT_PEOPLE && !options->wait_gates) || options->no_wait) {
        if (inbox_look_at(live))
            live_check(live); /* an answer was there already, or a cancel, or what is of no use */
        else
            live_rest(live, "waiting", json_pack("{s:s}", "why", left == LEFT_PEOPLE ? "an answer" : "a timer"));
    } else if (live->phase == LIVE_RUNNING && (left == LEFT_PEOPLE || clock_to_wall(due - clock_now()) > PUT_AWAY_MS)) {
        script_end(live);
        live->phase = LIVE_AWAY;
    }
}

void
live_check(struct live *live)
{
    if (live->phase == LIVE_RESTED || !live->begun || live->resuming || live->engine->err.kind != CAIRN_ERR_NONE)
        return;
    if (live->ended) {
        if (job_steps(live) == 0 && live_winds_up(live)
            && json_is_true(json_object_get(json_object_get(live->ended, "extra"), "left")))
            live_end_cancelled(live);
        else if (job_steps(live) == 0)
            live_rest(live, json_string_value(json_object_get(live->ended, "state")),
                      json_incref(json_object_get(live->ended, "extra")));
    } else if (live->engine->stopping) {
        if (job_steps(live) == 0)
            live_rest(live, "waiting", json_pack("{s:s}", "why", "interrupted"));
    } else if (live->settling) {
        if (!live->jobs)
            take_rollback(live);
    } else if (live_winds_up(live)) {
        if (job_unsettled(live) == 0
            && ((live->phase == LIVE_RUNNING && live->unanswered == 0) || live->phase == LIVE_AWAY))
            take_cancel(live);
    } else if ((live->phase == LIVE_RUNNING && live->unanswered == 0 && live->jobs) || live->phase == LIVE_AWAY) {
        check_waiting(live);
    }
}

void
live_free(struct live *live)
{
    while (live->jobs)
        job_free(live->jobs);
    timer_forget_reads(live);
    script_end(live);
    lock_drop(live->lock);
    json_decref(live->loaded);
    json_decref(live->modules);
    json_decref(live->keys);
    json_decref(live->todo);
    json_decref(live->hold);
    json_decref(live->early);
    json_decref(live->asking);
    json_decref(live->plugins);
    json_decref(live->given);
    json_decref(live->params);
    json_decref(live->seed);
    json_decref(live->cancel);
    json_decref(live->ended);
    free(live->main_name);
    free(live->main_text);
    run_free(live->run);
    free(live);
}

void
live_remove(struct live *live)
{
    struct live **at = &live->engine->lives;

    while (*at != live)
        at = &(*at)->next;
    *at = live->next;
    turn_forget_live(live);
    live_free(live);
}
