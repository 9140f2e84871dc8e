/*
 * gate.c: questions to people, signals, and the typed confirmation of destructive steps; called by command.c and
 * inbox.c.
 * SPDX-License-Identifier: MIT
 *
 * The confirmation of step ID is a gate of the engine's own, with the id "ID?": it is recorded like any other, and the
 * script knows nothing of it.
 */
#include "common/alloc.h"
#include "common/clock.h"
#include "common/crash.h"
#include "common/error.h"
#include "common/text.h"
#include "engine/live.h"

#include <stdlib.h>
#include <string.h>

static int
given_before(const struct engine *engine, const char *name)
{
    size_t i;
    json_t *given;

    if (engine->options.confirm_all)
        return 1;
    json_array_foreach(engine->options.confirm, i, given)
        if (strcmp(json_string_value(given), name) == 0)
            return 1;
    return 0;
}

/* Record the answer and go on: with the script, or with the step that waited for its confirmation. */
static void
settle(struct job *job, const json_t *message)
{
    struct live *live = job->live;
    char *id = alloc_str(job->command->id);
    int ok = !json_is_false(json_object_get(message, "ok"));
    const char *by = text_member(message, "by");
    const char *comment = text_member(message, "comment");
    json_t *asking;
    json_t *value;
    char *text;

    crash_point("engine.answered");
    if (ok) {
        value = json_pack("{s:s, s:I}", "by", by, "at", (json_int_t)clock_now());
        if (*comment)
            json_object_set_new(value, "comment", json_string(comment));
    } else {
        text = alloc_printf("%s: rejected by %s%s%s", text_member(job->command->intent, "title"), by,
                            *comment ? ": " : "", comment);
        value = json_pack("{s:s, s:s, s:s, s:s}", "kind", "denied", "code", "rejected", "text", text, "by", by);
        free(text);
    }
    job_free(job);
    if (!strchr(id, '?')) {
        command_outcome(live, id, ok, value, "answered", TURN_NOW);
    } else {
        turn_append(live,
                    json_pack("{s:s, s:s, s:b, s:s, s:o}", "kind", "outcome", "id", id, "ok", ok, "how", "answered",
                              ok ? "value" : "error", value),
                    TURN_NOW);
        *strchr(id, '?') = '\0';
        asking = json_incref(json_object_get(live->asking, id));
        json_object_del(live->asking, id);
        if (live->phase == LIVE_AWAY)
            live_wake(live); /* and the script gives the step again */
        else if (asking && live->phase == LIVE_RUNNING)
            command_take(live, asking);
        json_decref(asking);
    }
    free(id);
}

void
gate_begin(struct job *job)
{
    const char *confirm = text_member(job->command->intent, "confirm");
    json_t *message;

    if (job->kind == JOB_GATE && *confirm && given_before(job->live->engine, confirm)) {
        message = json_pack("{s:b, s:s, s:s}", "ok", 1, "by", job->live->engine->options.by, "comment",
                            "confirmed on the command line");
        settle(job, message);
        json_decref(message);
        return;
    }
    crash_point("engine.asking");
    job->live->engine->look = 1; /* a signal may have been sent before it was asked for */
    live_check(job->live);
}

/* Has a person typed a name at a question of the script's that said that `name` would be destroyed? */
static int
agreed_before(const struct live *live, const char *name)
{
    for (size_t i = 0; i < live->run->command_count; i++) {
        const struct run_command *question = live->run->commands[i];
        size_t k;
        json_t *destroyed;

        if (strcmp(text_member(question->intent, "op"), "gate") != 0 || strchr(question->id, '?') || question->voided)
            continue;
        if (!question->outcome || !json_is_true(json_object_get(question->outcome, "ok")))
            continue;
        json_array_foreach(json_object_get(question->intent, "destroys"), k, destroyed)
            if (json_is_string(destroyed) && strcmp(json_string_value(destroyed), name) == 0)
                return 1;
    }
    return 0;
}

int
gate_confirmed(struct live *live, const json_t *message, const char *target, struct cairn_error *err)
{
    const char *step = text_member(message, "id");
    const char *name = target ? text_member(json_object_get(message, "args"), target) : "";
    char *id = alloc_printf("%s?", step);
    const struct run_command *question = run_command(live->run, id);
    char digest[DIGEST_HEX];
    char *title;
    int rc = 0;

    if (question && question->outcome) {
        rc = json_is_true(json_object_get(question->outcome, "ok")) ? 1 : -1;
        if (rc < 0)
            error_from_json(err, json_object_get(question->outcome, "error"));
        free(id);
        return rc;
    }
    if (!question && agreed_before(live, name)) {
        free(id);
        return 1;
    }
    json_object_set(live->asking, step, (json_t *)message);
    if (!question) {
        command_digest(digest, message);
        title = alloc_printf("%s.%s destroys %s", text_member(message, "plugin"), text_member(message, "action"), name);
        turn_append(live,
                    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O*}", "kind", "intent", "id", id, "op", "gate", "title",
                              title, "confirm", name, "digest", digest, "stage", json_object_get(message, "stage")),
                    TURN_NOW);
        free(title);
    }
    if (!job_find(live, id))
        gate_begin(job_new(live, run_command(live->run, id), JOB_GATE));
    free(id);
    return 0;
}

static struct job *
open_gate(const struct live *live, const char *id)
{
    struct job *found = NULL;

    for (struct job *job = live->jobs; job; job = job->next) {
        if (job->kind != JOB_GATE)
            continue;
        if (*id && strcmp(job->command->id, id) == 0)
            return job;
        if (!*id && found)
            return NULL; /* more than one is open: which was meant? */
        if (!*id)
            found = job;
    }
    return found;
}

int
gate_answer(struct live *live, const json_t *message)
{
    struct job *job = open_gate(live, text_member(message, "id"));
    const char *confirm;

    if (!job) {
        live_log(live, "an answer was left aside: no such question is open");
        return 1;
    }
    confirm = text_member(job->command->intent, "confirm");
    if (*confirm && !json_is_false(json_object_get(message, "ok"))
        && strcmp(confirm, text_member(message, "typed")) != 0)
        live_log(live, "an answer was left aside: it did not bear the name that is to be typed");
    else
        settle(job, message);
    return 1;
}

int
gate_signal(struct live *live, const json_t *message)
{
    for (struct job *job = live->jobs; job; job = job->next) {
        char *id;
        json_t *value = json_object_get(message, "value");

        if (job->kind != JOB_SIGNAL
            || strcmp(text_member(job->command->intent, "name"), text_member(message, "name")) != 0)
            continue;
        crash_point("engine.signalled");
        id = alloc_str(job->command->id);
        job_free(job);
        command_outcome(live, id, 1, value ? json_incref(value) : json_null(), "answered", TURN_NOW);
        free(id);
        return 1;
    }
    return 0; /* it stays in the inbox until the script asks for it */
}
