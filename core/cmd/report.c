/*
 * report.c: fold a run's records into its report; called by `show` and at the end of `run` and `resume`.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/report.h"

#include "cmd/print.h"
#include "cmd/status.h"
#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static int64_t
time_of(const json_t *record)
{
    return json_integer_value(json_object_get(record, "t"));
}

static int
is_kind(const json_t *record, const char *kind)
{
    return strcmp(text_of(record, "kind"), kind) == 0;
}

static void
put_text(json_t *object, const char *key, char *owned)
{
    if (owned)
        json_object_set_new(object, key, json_string(owned));
    free(owned);
}

static void
put_time(json_t *object, const char *key, int64_t ms)
{
    char text[21];

    print_time(text, ms);
    json_object_set_new(object, key, json_string(text));
}

static void
copy_member(json_t *to, const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);

    if (value)
        json_object_set(to, key, value);
}

/* ---- stages, reports, checks: the notes ---- */

/* The titles of a note's open stages and its own, as one text to compare. */
static char *
path_of(const json_t *note)
{
    json_t *path = json_deep_copy(json_object_get(note, "stage"));
    char *text;

    if (!path)
        path = json_array();
    json_array_append(path, json_object_get(note, "title"));
    text = json_dumps(path, JSON_COMPACT);
    json_decref(path);
    return text;
}

static void
begin_stage(json_t *stages, const json_t *note)
{
    json_t *stage = json_object();

    copy_member(stage, note, "title");
    json_object_set_new(stage, "depth", json_integer((json_int_t)json_array_size(json_object_get(note, "stage"))));
    put_time(stage, "began", time_of(note));
    json_object_set_new(stage, "rollback", json_boolean(strncmp(text_of(note, "id"), "u/", 2) == 0));
    put_text(stage, "_path", path_of(note));
    json_object_set_new(stage, "_t", json_integer(time_of(note)));
    json_array_append_new(stages, stage);
}

static void
end_stage(json_t *stages, const json_t *note)
{
    char *path = path_of(note);

    for (size_t i = json_array_size(stages); i-- > 0;) {
        json_t *stage = json_array_get(stages, i);

        if (json_object_get(stage, "ended") || strcmp(text_of(stage, "_path"), path) != 0)
            continue;
        put_time(stage, "ended", time_of(note));
        json_object_set_new(stage, "ms",
                            json_integer(time_of(note) - json_integer_value(json_object_get(stage, "_t"))));
        copy_member(stage, note, "ok");
        break;
    }
    free(path);
}

static void
take_note(json_t *report, const json_t *note)
{
    const char *op = text_of(note, "op");
    json_t *stages = json_object_get(report, "stages");

    if (strcmp(op, "stage") == 0 && strcmp(text_of(note, "phase"), "begin") == 0)
        begin_stage(stages, note);
    else if (strcmp(op, "stage") == 0)
        end_stage(stages, note);
    else if (strcmp(op, "report") == 0)
        json_object_set(json_object_get(report, "reports"), text_of(note, "key"), json_object_get(note, "value"));
    else if (strcmp(op, "check") == 0)
        json_array_append(json_object_get(report, "checks"), json_object_get(note, "text"));
    else if (strcmp(op, "no_return") == 0)
        json_object_set(report, "no_return", json_object_get(note, "title"));
}

static void
add_notes(json_t *report, const struct run *run)
{
    const char *id;
    json_t *note;
    size_t i;
    json_t *stage;

    json_object_set_new(report, "stages", json_array());
    json_object_set_new(report, "reports", json_object());
    json_object_set_new(report, "checks", json_array());
    json_object_foreach(run->notes, id, note)
        take_note(report, note);
    json_array_foreach(json_object_get(report, "stages"), i, stage) {
        json_object_del(stage, "_path");
        json_object_del(stage, "_t");
    }
    json_object_foreach(json_object_get(report, "reports"), id, note)
        if (strncmp(id, "writes down", strlen("writes down")) == 0)
            json_object_set_new(report, "downtime", json_pack("{s:s, s:O}", "says", id, "span", note));
}

/* ---- commands and approvals ---- */

static json_t *
describe_command(const struct run_command *command)
{
    static const char *const members[] = { "op",    "plugin", "action",  "args",    "effect", "flags",
                                           "title", "name",   "details", "confirm", "every",  "stall",
                                           "ms",    "until",  "spec",    "stage",   "at" };
    static const char *const ends[] = { "ok", "how", "error", "by", "reason" };
    json_t *json = json_object();

    json_object_set_new(json, "id", json_string(command->id));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        copy_member(json, command->intent, members[i]);
    put_text(json, "what", print_command(command->intent));
    put_time(json, "began", command->first);
    json_object_set_new(json, "attempt", json_integer(command->attempt));
    json_object_set_new(json, "in_doubt", json_boolean(command->in_doubt));
    if (!command->outcome)
        return json;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        copy_member(json, command->outcome, ends[i]);
    put_time(json, "ended", time_of(command->outcome));
    json_object_set_new(json, "took_ms", json_integer(time_of(command->outcome) - command->first));
    return json;
}

static json_t *
describe_approval(const struct run_command *command)
{
    const json_t *outcome = command->outcome;
    int ok = json_is_true(json_object_get(outcome, "ok"));
    const json_t *answer = json_object_get(outcome, ok ? "value" : "error");
    json_t *json =
        json_pack("{s:s, s:O, s:b}", "id", command->id, "title", json_object_get(command->intent, "title"), "ok", ok);

    copy_member(json, answer, "by");
    copy_member(json, answer, "comment");
    copy_member(json, command->intent, "confirm");
    if (!ok)
        copy_member(json, answer, "text");
    put_time(json, "asked", command->first);
    put_time(json, "answered", time_of(outcome));
    json_object_set_new(json, "waited_ms", json_integer(time_of(outcome) - command->first));
    return json;
}

static void
add_commands(json_t *report, const struct run *run)
{
    json_t *commands = json_array();
    json_t *approvals = json_array();

    for (size_t i = 0; i < run->command_count; i++) {
        const struct run_command *command = run->commands[i];
        const char *op = text_of(command->intent, "op");

        if (!command->voided)
            json_array_append_new(commands, describe_command(command));
        if (strcmp(op, "gate") == 0 && command->outcome)
            json_array_append_new(approvals, describe_approval(command));
    }
    json_object_set_new(report, "commands", commands);
    json_object_set_new(report, "approvals", approvals);
}

/* ---- doubts: what nobody knew, and how it was settled ---- */

static json_t *
intent_of(const struct run *run, const char *id)
{
    for (size_t i = run->command_count; i-- > 0;)
        if (strcmp(run->commands[i]->id, id) == 0)
            return run->commands[i]->intent;
    return NULL;
}

static json_t *
open_doubt(json_t *doubts, const char *id)
{
    for (size_t i = json_array_size(doubts); i-- > 0;) {
        json_t *doubt = json_array_get(doubts, i);

        if (strcmp(text_of(doubt, "id"), id) == 0)
            return json_object_get(doubt, "settled") ? NULL : doubt;
    }
    return NULL;
}

static void
begin_doubt(json_t *doubts, const struct run *run, const json_t *record)
{
    json_t *doubt = json_object();

    copy_member(doubt, record, "id");
    put_text(doubt, "what", print_command(intent_of(run, text_of(record, "id"))));
    put_time(doubt, "at", time_of(record));
    json_object_set(doubt, "why", json_object_get(json_object_get(record, "error"), "text"));
    json_object_set_new(doubt, "looks", json_array());
    json_array_append_new(doubts, doubt);
}

static void
add_look(json_t *doubt, const json_t *record)
{
    json_t *look = json_object();

    copy_member(look, record, "seen");
    put_time(look, "at", time_of(record));
    json_object_set(look, "evidence", json_object_get(json_object_get(record, "error"), "text"));
    json_array_append_new(json_object_get(doubt, "looks"), look);
}

static void
settle_doubt(json_t *doubt, const json_t *record)
{
    const char *how = text_of(record, "how");
    const json_t *looks = json_object_get(doubt, "looks");
    const char *seen = text_of(json_array_get(looks, json_array_size(looks) - 1), "seen");
    const char *words = is_kind(record, "attempt") ? "sent again" : "answered";

    if (strcmp(how, "resolved") == 0 || *text_of(record, "by"))
        words = is_kind(record, "attempt") ? "a person said: not done" : "a person said: done";
    else if (strcmp(how, "observed") == 0)
        words = strcmp(seen, "done") == 0       ? "it was done: adopted"
                : strcmp(seen, "conflict") == 0 ? "it is somebody else's"
                                                : "not done";
    json_object_set_new(doubt, "settled", json_string(words));
    copy_member(doubt, record, "why");
    copy_member(doubt, record, "by");
    copy_member(doubt, record, "reason");
    put_time(doubt, "settled_at", time_of(record));
}

static void
add_doubts(json_t *report, const struct run *run)
{
    json_t *doubts = json_array();
    size_t i;
    json_t *record;

    json_array_foreach(run->records, i, record) {
        json_t *doubt = open_doubt(doubts, text_of(record, "id"));

        if (is_kind(record, "doubt") && !doubt)
            begin_doubt(doubts, run, record);
        else if (doubt && is_kind(record, "observed"))
            add_look(doubt, record);
        else if (doubt && (is_kind(record, "outcome") || is_kind(record, "attempt")))
            settle_doubt(doubt, record);
    }
    json_object_set_new(report, "doubts", doubts);
}

/* ---- the run itself ---- */

static void
add_history(json_t *report, const struct run *run)
{
    json_t *resumes = json_array();
    json_t *locks = json_array();
    json_t *plugins = json_array();
    size_t i;
    json_t *record;

    json_array_foreach(run->records, i, record) {
        json_t *entry;

        if (is_kind(record, "resumed") || is_kind(record, "rollback") || is_kind(record, "cancel")) {
            entry = json_object();
            copy_member(entry, record, "kind");
            copy_member(entry, record, "by");
            copy_member(entry, record, "reason");
            copy_member(entry, record, "pid");
            copy_member(entry, record, "epoch");
            put_time(entry, "at", time_of(record));
            json_array_append_new(resumes, entry);
        } else if (is_kind(record, "locked")) {
            json_array_extend(locks, json_object_get(record, "keys"));
        } else if (is_kind(record, "plugin")) {
            json_array_append_new(plugins, json_pack("{s:O, s:O, s:O}", "name", json_object_get(record, "name"),
                                                     "version", json_object_get(record, "version"), "sha256",
                                                     json_object_get(record, "sha256")));
        }
    }
    json_object_set_new(report, "resumes", resumes);
    json_object_set_new(report, "locks", locks);
    json_object_set_new(report, "plugins", plugins);
}

static void
add_times(json_t *report, const struct run *run)
{
    const json_t *last = json_array_get(run->records, json_array_size(run->records) - 1);

    put_time(report, "started", time_of(run->started));
    put_time(report, "updated", time_of(last));
    if (run_ended(run->state))
        put_time(report, "ended", time_of(last));
    json_object_set_new(report, "took_ms", json_integer(time_of(last) - time_of(run->started)));
}

json_t *
report_make(const struct run *run, const char *driver)
{
    json_t *report = json_pack("{s:s, s:s, s:s, s:s}", "schema", "cairn.run/1", "id", run->id, "flow", run->flow,
                               "state", run->state);

    put_text(report, "why", status_why(run, driver));
    put_text(report, "next", status_next(run, driver));
    json_object_set_new(report, "driver", driver ? json_string(driver) : json_null());
    copy_member(report, run->started, "environment");
    copy_member(report, run->started, "by");
    copy_member(report, run->started, "cairn");
    copy_member(report, run->started, "params");
    add_times(report, run);
    json_object_set_new(report, "epoch", json_integer(run->epoch));
    json_object_set_new(report, "records", json_integer(run->count));
    json_object_set_new(report, "head", json_string(run->head));
    copy_member(report, run->stopped, "error");
    copy_member(report, run->stopped, "value");
    add_history(report, run);
    add_notes(report, run);
    add_commands(report, run);
    add_doubts(report, run);
    return report;
}
