/*
 * command.c: what the script host gives: compare with the journal, record what is new, and start to work on it.
 * SPDX-License-Identifier: MIT
 *
 * In a replay the script gives its recorded commands again. Each is compared with its record; those without an outcome wait in
 * `todo` until the script has caught up and every recorded command was seen. Only then is anything sent.
 */
#include "common/alloc.h"
#include "common/canon.h"
#include "common/clock.h"
#include "common/error.h"
#include "engine/live.h"
#include "engine/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const command_names[] = { "step", "wait", "sleep", "window", "gate", "signal" }; /* by enum job_kind */

static int
kind_of(const char *op)
{
    for (int i = 0; i < (int)(sizeof(command_names) / sizeof(command_names[0])); i++)
        if (op && strcmp(op, command_names[i]) == 0)
            return i;
    return -1;
}

static const char *
member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
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
    const char *op = member(command, "op");
    const char *at = member(command, "at");
    json_t *args = json_object_get(command, "args");
    char *detail = args ? canon_text(args) : alloc_str(member(command, "title"));
    char *text = strcmp(op, "step") == 0
        ? alloc_printf("%s.%s %.300s (%s)", member(command, "plugin"), member(command, "action"), detail, at)
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

    cairn_fail_code(&err, CAIRN_ERR_FAILED, "mismatch", "replay command %s: the journal has %s; the script gives %s; nothing was sent", id,
                    was, is);
    free(was);
    free(is);
    live_fail(live, &err, NULL);
}

/* ---- notes ---- */

static void
take_note(struct live *live, json_t *message)
{
    const char *id = member(message, "id");
    json_t *record;

    if (json_object_get(live->run->notes, id))
        return;
    record = json_copy(message);
    json_object_set_new(record, "kind", json_string("note"));
    if (strcmp(member(message, "op"), "log") == 0)
        live_log(live, member(message, "text"));
    turn_append(live, record, strcmp(member(message, "op"), "no_return") == 0 ? TURN_NOW : TURN_LATER);
}

/* ---- new commands ---- */

static void
record_plugin(struct live *live, const struct plugins_entry *plugin)
{
    if (json_object_get(live->plugins, plugin->name))
        return;
    json_object_set_new(live->plugins, plugin->name, json_true());
    turn_append(live, json_pack("{s:s, s:s, s:O, s:s}", "kind", "plugin", "name", plugin->name, "version",
                                json_object_get(plugin->description, "version"), "sha256", plugin->sha256), TURN_LATER);
}

/* The token: the same over every attempt of one step, different for every other step of every store. */
static void
token_of(char token[33], const struct live *live, const char *id)
{
    char *text = alloc_printf("%s|%s|%s", store_lineage(live->engine->options.store), live->run->id, id);
    char hex[DIGEST_HEX];

    digest_bytes(hex, text, strlen(text));
    free(text);
    memcpy(token, hex, 32);
    token[32] = '\0';
}

static int
has_flag(const json_t *action, const char *name)
{
    size_t i;
    json_t *flag;

    json_array_foreach(json_object_get(action, "flags"), i, flag)
        if (strcmp(json_string_value(flag), name) == 0)
            return 1;
    return 0;
}

/* What is secret must not be in the journal in clear: a script passes a handle, and has nothing else to pass. */
static int
check_secrets(const json_t *args, const json_t *params, const char *where, struct cairn_error *err)
{
    size_t i;
    json_t *param;

    json_array_foreach(params, i, param) {
        const char *name = member(param, "name");

        if (json_is_true(json_object_get(param, "secret")) && json_is_string(json_object_get(args, name)))
            return cairn_fail(err, CAIRN_ERR_INVALID,
                              "%s: %s: it is a secret: pass cairn.secret(NAME), or a secret that an action returned", where, name);
    }
    return 0;
}

/* Find the action and check the arguments; defaults stay out of the record and are filled in by the worker. */
static const json_t *
find_action(const struct live *live, const json_t *message, const struct plugins_entry **plugin, struct cairn_error *err)
{
    const json_t *action = NULL;
    json_t *args = json_object_get(message, "args");
    json_t *copy;
    char *where;
    int rc;

    *plugin = plugins_find(live->engine->options.plugins, member(message, "plugin"));
    if (*plugin)
        action = plugins_action(*plugin, member(message, "action"));
    if (!action) {
        cairn_fail(err, CAIRN_ERR_INVALID, "call %s.%s: there is no such action; see: cairn plugin list", member(message, "plugin"),
                   member(message, "action"));
        return NULL;
    }
    copy = args ? json_deep_copy(args) : json_object();
    where = alloc_printf("%s%s%s.%s", member(message, "at"), *member(message, "at") ? ": " : "", member(message, "plugin"),
                         member(message, "action"));
    rc = params_check(copy, json_object_get(action, "params"), where, err);
    if (rc == 0)
        rc = check_secrets(copy, json_object_get(action, "params"), where, err);
    if (rc < 0)
        snprintf(err->code, sizeof(err->code), "arguments");
    free(where);
    json_decref(copy);
    return rc < 0 ? NULL : action;
}

static struct run_command *
append_intent(struct live *live, json_t *owned_record, const char *id, enum turn_need need)
{
    json_object_set_new(owned_record, "kind", json_string("intent"));
    turn_append(live, owned_record, need);
    return run_command(live->run, id);
}

/* A step that can't be given to a plugin: its intent and its error are recorded, like those of any other. */
static void
refuse_step(struct live *live, json_t *owned_record, const char *id, const struct cairn_error *err)
{
    json_object_set_new(owned_record, "effect", json_string("read"));
    append_intent(live, owned_record, id, TURN_LATER);
    command_outcome(live, id, 0, error_to_json(err), "replied", TURN_LATER);
}

static void
begin_step(struct live *live, const json_t *message, json_t *owned_record)
{
    const char *id = member(message, "id");
    const struct plugins_entry *plugin;
    struct cairn_error err = { 0 };
    const json_t *action = find_action(live, message, &plugin, &err);
    struct run_command *command;
    int changes, confirmed = 1;
    char token[33];

    if (action && has_flag(action, "destructive"))
        confirmed = gate_confirmed(live, message, json_string_value(json_object_get(action, "target")), &err);
    if (!action || confirmed < 0) {
        refuse_step(live, owned_record, id, &err);
        return;
    }
    if (confirmed == 0) {
        json_decref(owned_record);
        return;
    }
    changes = strcmp(member(action, "effect"), "read") != 0;
    token_of(token, live, id);
    record_plugin(live, plugin);
    json_object_set(owned_record, "effect", json_object_get(action, "effect"));
    json_object_set(owned_record, "flags", json_object_get(action, "flags"));
    json_object_set_new(owned_record, "token", json_string(token));
    command = append_intent(live, owned_record, id, changes ? TURN_NOW : TURN_LATER);
    step_begin(job_new(live, command, JOB_STEP), 1);
}

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
    const char *id = member(message, "id");
    struct run_command *command = run_command(live->run, id);
    int kind = kind_of(member(message, "op"));
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
        begin_step(live, message, record);
    else
        begin_job(live, append_intent(live, record, id, TURN_LATER), (enum job_kind)kind);
}

/* ---- the stream ---- */

/* Was the typed confirmation, which was asked for under this id, that of another step? */
static int
asked_of_another(struct live *live, json_t *message)
{
    char *id = alloc_printf("%s?", member(message, "id"));
    const struct run_command *question = run_command(live->run, id);
    char digest[DIGEST_HEX];
    int other = 0;

    command_digest(digest, message);
    if (question && strcmp(digest, member(question->intent, "digest")) != 0) {
        mismatch(live, id, question->intent, message);
        other = 1;
    }
    free(id);
    return other;
}

static void
take_command(struct live *live, json_t *message)
{
    const char *id = member(message, "id");
    struct run_command *command = run_command(live->run, id);
    char digest[DIGEST_HEX];

    if (command) {
        command_digest(digest, message);
        if (strcmp(digest, member(command->intent, "digest")) != 0) {
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
    if (kind_of(member(message, "op")) >= 0)
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
    turn_append(live, json_pack("{s:s, s:o, s:s}", "kind", "source", "sources", sources, "by", live->engine->options.by), TURN_NOW);
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
        if (strcmp(member(json_array_get(live->todo, i), "id"), id) == 0)
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
    script_send_outcome(live, record);
    json_decref(record);
    live_check(live);
}
