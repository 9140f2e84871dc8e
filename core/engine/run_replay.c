/*
 * run_replay.c: what a script host is told of a run's past, and what a resume takes back of it; used by the engine.
 * SPDX-License-Identifier: MIT
 *
 * Ids (doc/PROTOCOL.md): a fiber and a count, "7", "7.2/1", "u/3"; a leave detour of command X is "X!N/...", the enter
 * functions run again after its N-th failure are "X!Nr/...".
 */
#include "engine/run.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

static const char *
text_of(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));

    return text ? text : "";
}

static int64_t
number_of(const json_t *record)
{
    return json_integer_value(json_object_get(record, "n"));
}

int
run_looks_only(const struct run_command *command)
{
    const char *op = text_of(command->intent, "op");

    if (strcmp(op, "step") == 0)
        return strcmp(text_of(command->intent, "effect"), "read") == 0;
    return strcmp(op, "wait") == 0;
}

/* ---- ids ---- */

/* The first detour in an id of the wanted sort ("12!1/..." is a leave's, "12!1r/..." an enter's): its '!', or NULL. */
static const char *
find_detour(const char *id, int enters)
{
    for (const char *mark = strchr(id, '!'); mark; mark = strchr(mark + 1, '!')) {
        const char *end = mark + 1 + strspn(mark + 1, "0123456789");

        if (*end == (enters ? 'r' : '/'))
            return mark;
    }
    return NULL;
}

/* Is `id` in a leave detour of command `owner`? */
static int
leaves_of(const char *id, const char *owner)
{
    size_t len = strlen(owner);

    return *owner && strncmp(id, owner, len) == 0 && id[len] == '!' && find_detour(id + len, 0) == id + len;
}

/* How much of an id is its fiber: "7.2/4" -> "7.2", "7" -> "". */
static size_t
fiber_of(const char *id, size_t len)
{
    while (len && id[len - 1] != '/')
        len--;
    return len ? len - 1 : 0;
}

/* Does the fiber of `id` wait, at least in the end, for that of `other`, or is it the same? "7.2/4.1/3" is in
 * "7.2/4.1", that in "7.2", that in "". */
static int
in_line(const char *id, const char *other)
{
    size_t want = fiber_of(id, strlen(id));
    size_t len = fiber_of(other, strlen(other));

    for (;;) {
        if (len == want && strncmp(id, other, len) == 0)
            return 1;
        if (len == 0)
            return 0;
        len = fiber_of(other, len); /* the fiber in which the owner of this one was given */
    }
}

/* The command or note whose detour or branch `id` lies in: "7.2/1" -> "7", "12!1r/2" -> "12"; a new text, or NULL. */
static char *
owner_of(const char *id)
{
    size_t len = fiber_of(id, strlen(id));

    while (len && id[len - 1] != '.' && id[len - 1] != '!' && id[len - 1] != '/')
        len--;
    return len && id[len - 1] != '/' ? alloc_strn(id, len - 1) : NULL;
}

/* ---- the history ---- */

/* Did this retry take back a detour with commands in it? If not, no enter function has to run again. */
static int
has_detour(const struct run *run, const json_t *record)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(record, "void"), i, item) {
        const char *id = json_string_value(item);

        for (size_t k = 0; find_detour(id, 0) && k < run->command_count; k++)
            if (strcmp(run->commands[k]->id, id) == 0 && number_of(run->commands[k]->intent) < number_of(record))
                return 1;
    }
    return 0;
}

static json_t *
outcome_event(const struct run *run, const json_t *record)
{
    const struct run_command *command = run_command(run, text_of(record, "id"));
    int ok = json_is_true(json_object_get(record, "ok"));
    json_t *event;

    if (!command || command->outcome != record || strchr(command->id, '?'))
        return NULL; /* void, or the answer to the engine's own question */
    event = json_pack("{s:s, s:s, s:b, s:O}", "op", "outcome", "id", command->id, "ok", ok, "t",
                      json_object_get(record, "t"));
    if (ok)
        json_object_set_new(event, "value",
                            json_object_get(record, "value") ? json_incref(json_object_get(record, "value"))
                                                             : json_null());
    else
        json_object_set(event, "error", json_object_get(record, "error"));
    return event;
}

static json_t *
event_of(const struct run *run, const json_t *record, json_t *retries)
{
    const char *kind = text_of(record, "kind");
    const char *id = text_of(record, "id");
    json_t *t = json_object_get(record, "t");
    json_t *event;
    json_int_t n;

    if (strcmp(kind, "outcome") == 0)
        return outcome_event(run, record);
    if (strcmp(kind, "rollback") == 0 || strcmp(kind, "cancel") == 0)
        return json_pack("{s:s, s:O}", "op", kind, "t", t);
    if (strcmp(kind, "retry") != 0)
        return NULL;
    n = json_integer_value(json_object_get(retries, id)) + 1;
    json_object_set_new(retries, id, json_integer(n));
    if (!has_detour(run, record))
        return NULL;
    event = json_pack("{s:s, s:s, s:I, s:O}", "op", "retry", "id", id, "n", n, "t", t);
    if (json_object_get(record, "failed"))
        json_object_set(event, "failed", json_object_get(record, "failed"));
    return event;
}

json_t *
run_history(const struct run *run)
{
    json_t *events = json_array();
    json_t *retries = json_object();
    const json_t *record;
    size_t i;

    if (!events || !retries)
        alloc_failed();
    json_array_foreach(run->records, i, record) {
        json_t *event = event_of(run, record, retries);

        if (event)
            json_array_append_new(events, event);
    }
    json_decref(retries);
    return events;
}

/* ---- what a resume takes back ---- */

struct back {
    const struct run *run;
    const char *failed; /* id of the failed command, or of the one before an error that came from none; "" */
    int64_t failed_at;  /* the number of its failed outcome; 0 when the error came from no command */
    int64_t limit;      /* the record's number after which reads are void */
};

/* What the detour of an error that came from no command is numbered under: the last thing that was recorded tells. */
static char *
owner_of_detour(const struct run *run)
{
    for (size_t i = json_array_size(run->records); i-- > 0;) {
        const json_t *record = json_array_get(run->records, i);
        const char *kind = text_of(record, "kind");
        const char *id = text_of(record, "id");
        const char *mark;

        if (strcmp(kind, "retry") == 0 || strcmp(kind, "rollback") == 0)
            break;
        if (strcmp(kind, "intent") != 0 && strcmp(kind, "note") != 0)
            continue;
        mark = find_detour(id, 0);
        return mark ? alloc_strn(id, (size_t)(mark - id)) : alloc_str(strcmp(kind, "intent") == 0 ? id : "");
    }
    return alloc_str("");
}

/* The record after which the run goes its last way; what is before it stays. */
static int64_t
last_turn(const struct run *run)
{
    for (size_t i = json_array_size(run->records); i-- > 0;) {
        const json_t *record = json_array_get(run->records, i);
        const char *kind = text_of(record, "kind");

        if (strcmp(kind, "rollback") == 0 || strcmp(kind, "cancel") == 0)
            return number_of(record);
    }
    return 0;
}

static int64_t
recorded_at(const struct run *run, const char *id)
{
    const struct run_command *command = run_command(run, id);

    return number_of(command ? command->intent : json_object_get(run->notes, id));
}

/* Did the script come to `id` because the command failed: in its detour, or after the error was caught and before it
 * was raised again? */
static int
follows(const struct back *back, const char *id)
{
    char *at = alloc_str(id);
    int yes = leaves_of(id, back->failed);

    while (!yes && back->failed_at && at) {
        char *owner = owner_of(at);

        if (in_line(at, back->failed)) {
            yes = recorded_at(back->run, at) > back->failed_at;
            free(owner);
            break;
        }
        free(at);
        at = owner;
    }
    free(at);
    return yes;
}

static int64_t
limit_of(const struct back *back)
{
    int64_t limit = last_turn(back->run);
    const json_t *record;
    size_t i;

    json_array_foreach(back->run->records, i, record) {
        const char *kind = text_of(record, "kind");
        const struct run_command *command;

        if (strcmp(kind, "intent") != 0)
            continue;
        command = run_command(back->run, text_of(record, "id"));
        if (command && command->intent == record && !run_looks_only(command) && !follows(back, command->id)
            && number_of(record) > limit)
            limit = number_of(record);
    }
    return limit;
}

/* Reads of enter functions that ran again stay: after the next failure they run under another number. */
static int
is_stale(const struct back *back, const struct run_command *command)
{
    const char *enter = find_detour(command->id, 1);

    if (command->voided || !run_looks_only(command) || follows(back, command->id))
        return 0;
    if (enter && strncmp(command->id, back->failed, (size_t)(enter - command->id) + 1) != 0)
        return 0;
    return number_of(command->outcome ? command->outcome : command->intent) > back->limit;
}

/* The command at which the failed fiber stands when the history is used up: the first stale one it will come to. */
static const struct run_command *
find_anchor(const struct back *back)
{
    const struct run_command *failed = back->failed_at ? run_command(back->run, back->failed) : NULL;
    const struct run_command *first = NULL; /* of any fiber */

    if (failed && !is_stale(back, failed))
        return failed;
    for (size_t i = 0; i < back->run->command_count; i++) {
        const struct run_command *command = back->run->commands[i];

        if (!is_stale(back, command))
            continue;
        if (in_line(command->id, back->failed))
            return command;
        if (!first)
            first = command;
    }
    return first;
}

static void
add_void(const struct back *back, const char *id, json_t *list)
{
    char *question = alloc_printf("%s?", id); /* whether to do it; asked again with it */

    json_array_append_new(list, json_string(id));
    if (run_command(back->run, question))
        json_array_append_new(list, json_string(question));
    free(question);
}

static json_t *
list_void(const struct back *back, const struct run_command *anchor)
{
    json_t *list = json_array();
    int stale = 0;
    const char *id;
    json_t *note;

    for (size_t i = 0; i < back->run->command_count; i++) {
        const struct run_command *command = back->run->commands[i];
        int looks = is_stale(back, command) || (command == anchor && run_looks_only(command));

        stale |= looks;
        if (!command->voided && !strchr(command->id, '?') && (looks || follows(back, command->id)))
            add_void(back, command->id, list);
    }
    json_object_foreach(back->run->notes, id, note)
        if (follows(back, id) || (stale && number_of(note) > back->limit && !find_detour(id, 1)))
            json_array_append_new(list, json_string(id));
    return list;
}

json_t *
run_retry(const struct run *run)
{
    const char *step = text_of(json_object_get(run->stopped, "error"), "step");
    const struct run_command *command = run_command(run, step);
    struct back back = { .run = run };
    const struct run_command *anchor;
    char *owner = NULL;
    json_t *list;
    json_t *record;

    if (command && json_is_false(json_object_get(command->outcome, "ok"))
        && number_of(command->outcome) > last_turn(run))
        back.failed_at = number_of(command->outcome);
    if (!*step)
        owner = owner_of_detour(run);
    back.failed = owner ? owner : step;
    back.limit = limit_of(&back);
    anchor = find_anchor(&back);
    list = anchor ? list_void(&back, anchor) : json_array();
    record = json_pack("{s:s, s:s, s:o}", "kind", "retry", "id", anchor ? anchor->id : "", "void", list);
    if (!record)
        alloc_failed();
    if (anchor && *back.failed && strcmp(anchor->id, back.failed) != 0)
        json_object_set_new(record, "failed", json_string(back.failed));
    free(owner);
    return record;
}
