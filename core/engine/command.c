/*
 * command.c: what the script host gives: compare with the journal, record what is new, and start to work on it.
 * SPDX-License-Identifier: MIT
 *
 * In a replay the script gives its recorded commands again. Each is compared with its record; those without an outcome
 * wait in `todo` until the script has caught up and every recorded command was seen. Only then is anything sent.
 */
#include "common/alloc.h"
#include "common/canon.h"
#include "common/clock.h"
#include "common/crash.h"
#include "common/error.h"
#include "common/text.h"
#include "engine/live.h"
#include "engine/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* by enum job_kind */
static const char *const command_names[] = { "step", "wait", "sleep", "window", "gate", "signal" };

static int
kind_of(const char *op)
{
    for (int i = 0; i < (int)(sizeof(command_names) / sizeof(command_names[0])); i++)
        if (op && strcmp(op, command_names[i]) == 0)
            return i;
    return -1;
}

/* What makes a command the same one: all it says but where it stands in the source and in which stage. */
void
command_digest(char hex[DIGEST_HEX], const json_t *message)
{
    json_t *copy = json_copy((json_t *)message);

    json_object_del(copy, "at");
    json_object_del(copy, "stage");
    digest_json(hex, copy);
    json_decref(copy);
}

/* "rds.create_snapshot {...} (flow.lua:12)", for a person who compares two of them. */
static char *
describe(const json_t *command)
{
    const char *op = text_member(command, "op");
    const char *at = text_member(command, "at");
    json_t *args = json_object_get(command, "args");
    char *detail = args ? canon_text(args) : alloc_str(text_member(command, "title"));
    char *text = strcmp(op, "step") == 0 ? alloc_printf("%s.%s %.300s (%s)", text_member(command, "plugin"),
                                                        text_member(command, "action"), detail, at)
                                         : alloc_printf("%s \"%.300s\" (%s)", op, detail, at);

    free(detail);
    return text;
}

static void
mismatch(struct live *live, const char *id, const json_t *recorded, const json_t *given)
{
    char *was = recorded ? describe(recorded) : alloc_str("nothing");
    char *is = given ? describe(given) : alloc_str("nothing");
    struct cairn_error err = { 0 };

    cairn_fail_code(&err, CAIRN_ERR_FAILED, "mismatch",
                    "replay command %s: the journal has %s; the script gives %s; nothing was sent", id, was, is);
    free(was);
    free(is);
    live_fail(live, &err, NULL);
}

/* ---- notes ---- */

static void
take_note(struct live *live, json_t *message)
{
    const char *id = text_member(message, "id");
    json_t *record;

    if (json_object_get(live->run->notes, id))
        return;
    record = json_copy(message);
    json_object_set_new(record, "kind", json_string("note"));
    if (strcmp(text_member(message, "op"), "log") == 0)
        live_log(live, text_member(message, "text"));
    turn_append(live, record, strcmp(text_member(message, "op"), "no_return") == 0 ? TURN_NOW : TURN_LATER);
}

/* ---- begin ---- */

static void
begin_job(struct live *live, struct run_command *command, enum job_kind kind)
{
    struct job *job = job_new(live, command, kind);

    if (kind == JOB_STEP)
        step_begin(job, 0);
    else if (kind == JOB_GATE || kind == JOB_SIGNAL)
        gate_begin(job);
    else
        timer_begin(job);
}

static void
begin(struct live *live, const json_t *message)
{
    const char *id = text_member(message, "id");
    struct run_command *command = run_command(live->run, id);
    int kind = kind_of(text_member(message, "op"));
    char digest[DIGEST_HEX];
    json_t *record;

    if (json_object_get(live->hold, id)) { /* until the script says "again" */
        json_object_set(json_object_get(live->hold, id), "message", (json_t *)message);
        return;
    }
    if (command) {
        if (!command->outcome && !job_find(live, id))
            begin_job(live, command, (enum job_kind)kind);
        return;
    }
    if (live->engine->stopping)
        return;
    if (live_winds_up(live)) { /* a leave function at work goes on after the cancel, the others drop theirs */
        json_array_append(live->todo, (json_t *)message);
        return;
    }
    command_digest(digest, message);
    record = json_copy((json_t *)message);
    json_object_set_new(record, "digest", json_string(digest));
    if (kind == JOB_STEP)
        intent_step(live, message, record);
    else
        begin_job(live, intent_append(live, record, id, TURN_LATER), (enum job_kind)kind);
}

/* ---- the stream ---- */

/* Was the typed confirmation, which was asked for under this id, that of another step? */
static int
asked_of_another(struct live *live, json_t *message)
{
    char *id = alloc_printf("%s?", text_member(message, "id"));
    const struct run_command *question = run_command(live->run, id);
    char digest[DIGEST_HEX];
    int other = 0;

    command_digest(digest, message);
    if (question && strcmp(digest, text_member(question->intent, "digest")) != 0) {
        mismatch(live, id, question->intent, message);
        other = 1;
    }
    free(id);
    return other;
}

static void
take_command(struct live *live, json_t *message)
{
    const char *id = text_member(message, "id");
    struct run_command *command = run_command(live->run, id);
    char digest[DIGEST_HEX];

    if (command) {
        command_digest(digest, message);
        if (strcmp(digest, text_member(command->intent, "digest")) != 0) {
            mismatch(live, id, command->intent, message);
            return;
        }
        command->seen_again = 1;
        if (command->outcome)
            return;
    } else if (asked_of_another(live, message)) {
        return;
    }
    if (live->phase == LIVE_RUNNING)
        begin(live, message);
    else
        json_array_append(live->todo, message);
}

void
command_take(struct live *live, json_t *message)
{
    if (live->ended)
        return;
    crash_point("engine.heard");
    if (kind_of(text_member(message, "op")) >= 0)
        take_command(live, message);
    else
        take_note(live, message);
}

/* The first recorded command that the script has not given again; the engine's own questions don't count. */
static const struct run_command *
missing(const struct run *run)
{
    for (size_t i = 0; i < run->command_count; i++) {
        const struct run_command *command = run->commands[i];

        if (!command->voided && !command->seen_again && !strchr(command->id, '?'))
            return command;
    }
    return NULL;
}

/* Another source was given at the resume, and the replay agrees with it: it is the run's from here on. */
static int
adopt_source(struct live *live)
{
    struct cairn_error err = { 0 };
    json_t *sources = source_store(live, &err);

    live->open = 0;
    if (!sources) {
        live_fail(live, &err, NULL);
        return -1;
    }
    turn_append(live,
                json_pack("{s:s, s:o, s:s}", "kind", "source", "sources", sources, "by", live->engine->options.by),
                TURN_NOW);
    return 0;
}

static void
begin_all(struct live *live)
{
    json_t *todo = live->todo;
    size_t i;
    json_t *message;

    live->todo = json_array();
    live->resuming = 1;
    json_array_foreach(todo, i, message)
        begin(live, message);
    live->resuming = 0;
    json_decref(todo);
}

/* The script has digested all it was told: what a cancel held up and left is begun. */
void
command_idle(struct live *live)
{
    if (live->phase == LIVE_RUNNING && live->unanswered == 0 && !live->ended && !live_winds_up(live)
        && json_array_size(live->todo) > 0)
        begin_all(live);
}

void
command_caught_up(struct live *live)
{
    const struct run_command *lost = live->ended ? NULL : missing(live->run);

    if (live->ended)
        return;
    if (lost) {
        mismatch(live, lost->id, lost->intent, NULL);
        return;
    }
    if (live->open && adopt_source(live) < 0)
        return;
    crash_point("engine.caught_up");
    live->phase = LIVE_RUNNING;
    begin_all(live);
    timer_poll_again(live);
    live->engine->look = 1; /* at what was said meanwhile */
}

/* A command that failed more than once is held by each retry: only the last one's "again" lets it go. */
void
command_again(struct live *live, const char *id, int64_t n)
{
    struct run_command *command = run_command(live->run, id);
    json_t *held = json_incref(json_object_get(live->hold, id ? id : ""));
    const json_t *message = json_object_get(held, "message");

    if (held && json_integer_value(json_object_get(held, "n")) <= n) {
        json_object_del(live->hold, id);
        if (message && live->phase == LIVE_RUNNING && !(command && command->outcome) && !job_find(live, id))
            begin(live, message);
    }
    json_decref(held);
}

static void
drop(struct live *live, const char *id)
{
    struct job *job = job_find(live, id);
    size_t i = json_array_size(live->todo);

    if (job)
        job_free(job);
    json_object_del(live->asking, id);
    while (i-- > 0)
        if (strcmp(text_member(json_array_get(live->todo, i), "id"), id) == 0)
            json_array_remove(live->todo, i);
}

/* The script gave these commands, so they aren't missing; but nobody waits for them. */
void
command_drop(struct live *live, const json_t *ids)
{
    size_t i;
    json_t *id;

    json_array_foreach(ids, i, id) {
        char *question = alloc_printf("%s?", json_string_value(id));

        drop(live, json_string_value(id));
        drop(live, question);
        free(question);
    }
}

void
command_outcome(struct live *live, const char *id, int ok, json_t *owned_value, const char *how, enum turn_need need)
{
    struct cairn_error err = { 0 };
    json_t *record;

    if (ok && !owned_value)
        owned_value = json_null();
    if (ok && seal_value(live->engine->seal, &owned_value, &err) < 0) {
        json_decref(owned_value);
        owned_value = error_to_json(&err);
        ok = 0;
    }
    record = json_pack("{s:s, s:s, s:b, s:s}", "kind", "outcome", "id", id, "ok", ok, "how", how);
    json_object_set_new(record, ok ? "value" : "error", owned_value);
    json_incref(record);
    turn_append(live, record, need);
    crash_point("engine.telling");
    script_send_outcome(live, record);
    crash_point("engine.told");
    json_decref(record);
    live_check(live);
}
