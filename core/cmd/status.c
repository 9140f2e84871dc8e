/*
 * status.c: the exit statuses, how failures are told, and the command that comes next; used by the commands.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/status.h"

#include "cmd/print.h"
#include "common/alloc.h"
#include "common/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- statuses ---- */

static int
has_code(const struct cairn_error *err, const char *code)
{
    return strcmp(err->code, code) == 0;
}

enum status
status_of_error(const struct cairn_error *err)
{
    if (has_code(err, "mismatch"))
        return STATUS_MISMATCH;
    switch (err->kind) {
    case CAIRN_ERR_INVALID:
    case CAIRN_ERR_NOT_FOUND:
        return STATUS_USAGE;
    case CAIRN_ERR_DENIED:
        return STATUS_DENIED;
    case CAIRN_ERR_CONFLICT:
        return STATUS_LOCKED;
    case CAIRN_ERR_CANCELLED:
        return STATUS_CANCELLED;
    default:
        return STATUS_FAILED;
    }
}

enum status
status_of_run(const struct run *run)
{
    struct cairn_error err = { 0 };

    if (strcmp(run->state, "done") == 0 || strcmp(run->state, "rolled_back") == 0)
        return STATUS_DONE;
    if (strcmp(run->state, "waiting") == 0 || strcmp(run->state, "running") == 0)
        return STATUS_WAITING;
    if (strcmp(run->state, "unknown") == 0)
        return STATUS_UNKNOWN;
    if (strcmp(run->state, "cancelled") == 0)
        return STATUS_CANCELLED;
    error_from_json(&err, json_object_get(run->stopped, "error"));
    if (has_code(&err, "mismatch"))
        return STATUS_MISMATCH;
    return err.kind == CAIRN_ERR_DENIED ? STATUS_DENIED : STATUS_FAILED;
}

/* ---- failures ---- */

void
status_print_next(const char *next)
{
    if (next)
        fprintf(stderr, "next: %s\n", next);
}

/* Where "; see: COMMAND" begins, and the command; NULL when the text doesn't end so. */
static const char *
split(const char *text, const char **command)
{
    static const char *const marks[] = { "; see: ", "; go on with: ", ", or go on with: " };

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        const char *at = strstr(text, marks[i]);

        if (at && strncmp(at + strlen(marks[i]), "cairn ", 6) == 0) {
            *command = at + strlen(marks[i]);
            return at;
        }
    }
    return NULL;
}

#define USAGE "read the command line: "

void
status_print_error(const struct cairn_error *err, const char *command)
{
    const char *next = NULL;
    char *text = print_clean(err->text);
    const char *end = split(text, &next);

    fprintf(stderr, "cairn: %.*s\n", end ? (int)(end - text) : (int)strlen(text), text);
    if (next)
        fprintf(stderr, "next: %s\n", next);
    else if (!command || strncmp(text, USAGE, strlen(USAGE)) == 0)
        fprintf(stderr, "next: cairn %s%s--help\n", command ? command : "", command ? " " : "");
    else
        fprintf(stderr, "next: mend the cause, then once more: cairn %s\n", command);
    free(text);
}

/* ---- why, and what next ---- */

static int
is_open(const struct run_command *command, const char *op)
{
    return !command->voided && !command->outcome
           && strcmp(json_string_value(json_object_get(command->intent, "op")), op) == 0;
}

static const struct run_command *
first_open(const struct run *run, const char *op)
{
    for (size_t i = 0; i < run->command_count; i++)
        if (is_open(run->commands[i], op))
            return run->commands[i];
    return NULL;
}

static size_t
count_open(const struct run *run, const char *op)
{
    size_t n = 0;

    for (size_t i = 0; i < run->command_count; i++)
        n += (size_t)is_open(run->commands[i], op);
    return n;
}

static char *
approve_command(const struct run *run)
{
    const struct run_command *gate = first_open(run, "gate");
    const char *confirm = gate ? json_string_value(json_object_get(gate->intent, "confirm")) : NULL;
    char *which;
    char *text;

    if (!gate)
        return NULL;
    which = count_open(run, "gate") > 1 ? alloc_printf(" --gate %s", gate->id) : alloc_str("");
    text = confirm ? alloc_printf("cairn approve %s%s --typed %s (or: cairn reject %s%s)", run->id, which, confirm,
                                  run->id, which)
                   : alloc_printf("cairn approve %s%s (or: cairn reject %s%s)", run->id, which, run->id, which);
    free(which);
    return text;
}

static char *
waiting_next(const struct run *run, const char *driver)
{
    char *approve = approve_command(run);
    const struct run_command *signal = first_open(run, "signal");
    char *first = approve ? approve : NULL;
    char *text;

    if (!first && signal)
        first = alloc_printf("cairn signal %s %s", run->id, json_string_value(json_object_get(signal->intent, "name")));
    if (driver)
        return first ? first : alloc_printf("cairn logs -f %s", run->id);
    text = first ? alloc_printf("%s, then: cairn resume %s", first, run->id) : alloc_printf("cairn resume %s", run->id);
    free(first);
    return text;
}

/* Codes that cairn itself gives: the text says it all. */
static int
is_own_code(const char *code)
{
    static const char *const codes[] = { "script", "arguments", "mismatch" };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(code, codes[i]) == 0)
            return 1;
    return 0;
}

static char *
failed_next(const struct run *run)
{
    const char *id = run->id;

    const char *code = json_string_value(json_object_get(json_object_get(run->stopped, "error"), "code"));
    int own = code && is_own_code(code) && strcmp(code, "mismatch") != 0;
    char *resume = own ? alloc_printf("mend the workflow, then: cairn resume --flow %s %s", run->flow, id)
                       : alloc_printf("mend the cause, then: cairn resume %s", id);
    char *text;

    if (run->no_return || run->rolling_back)
        return resume;
    text = alloc_printf("%s (or take back what was done: cairn rollback %s)", resume, id);
    free(resume);
    return text;
}

char *
status_next(const struct run *run, const char *driver)
{
    const char *step = json_string_value(json_object_get(run->stopped, "id"));

    if (run_ended(run->state))
        return NULL;
    if (strcmp(run->state, "unknown") == 0)
        return alloc_printf(
            "look at the target, then: cairn resolve %s:%s --done|--not-done --reason TEXT, then: cairn resume %s",
            run->id, step ? step : "STEP", run->id);
    if (strcmp(run->state, "failed") == 0)
        return failed_next(run);
    return waiting_next(run, driver);
}

static char *
why_waiting(const struct run *run, const char *driver)
{
    static const char *const ops[] = { "gate", "signal", "wait", "window", "sleep", "step" };
    static const char *const words[] = { "it asks",   "it waits for the signal",
                                         "it waits",  "it waits for a window",
                                         "it sleeps", "it is at" };
    const char *why = json_string_value(json_object_get(run->stopped, "why"));

    if (why && strcmp(why, "interrupted") == 0)
        return alloc_str("it was interrupted");
    if (!driver && strcmp(run->state, "running") == 0)
        return alloc_str("its driver ended before the run did");
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        const struct run_command *command = first_open(run, ops[i]);
        char *what;
        char *text;

        if (!command)
            continue;
        what = print_command(command->intent);
        text = alloc_printf("%s: %s", words[i], what);
        free(what);
        return text;
    }
    return why ? alloc_printf("it waits for %s", why) : NULL;
}

char *
status_why(const struct run *run, const char *driver)
{
    const json_t *error = json_object_get(run->stopped, "error");
    const char *text = json_string_value(json_object_get(error, "text"));
    const char *code = json_string_value(json_object_get(error, "code"));

    if (run_ended(run->state))
        return NULL;
    if (text)
        return code && *code && !is_own_code(code) && !strstr(text, code) ? alloc_printf("%s (%s)", text, code)
                                                                          : alloc_str(text);
    return why_waiting(run, driver);
}

/* "flow.lua:12: rds.create_snapshot x: ", if a step is to blame and the text doesn't begin with the place. */
static char *
place_of(const struct run *run, const char *text)
{
    const json_t *error = json_object_get(run->stopped, "error");
    const char *id = json_string_value(json_object_get(error, "step"));
    const struct run_command *command;
    const char *at;
    char *what;
    char *place;

    if (!id)
        id = json_string_value(json_object_get(run->stopped, "id"));
    command = id ? run_command(run, id) : NULL;
    if (!command)
        return alloc_str("");
    at = json_string_value(json_object_get(command->intent, "at"));
    if (at && strncmp(text, at, strlen(at)) == 0)
        return alloc_str("");
    what = print_command(command->intent);
    place = alloc_printf("%s%s%s: ", at ? at : "", at ? ": " : "", what);
    free(what);
    return place;
}

void
status_print_run(const struct run *run)
{
    int unknown = strcmp(run->state, "unknown") == 0;
    char *why = status_why(run, NULL);
    char *place = why ? place_of(run, why) : NULL;
    char *text = why ? alloc_printf("run %s %s: %s%s", run->id, unknown ? "is in doubt" : "failed", place, why) : NULL;
    char *clean = text ? print_clean(text) : NULL;

    if (clean && (unknown || strcmp(run->state, "failed") == 0))
        fprintf(stderr, "cairn: %s\n", clean);
    free(clean);
    free(text);
    free(place);
    free(why);
}
