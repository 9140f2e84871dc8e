/*
 * answer.c: the commands that tell a run something: `approve`, `reject`, `cancel`, `resolve`, `signal`.
 * SPDX-License-Identifier: MIT
 *
 * What is said goes into the run's inbox; its driver takes it up at once, the next one when it begins. What can't be
 * right is refused here, before it is written down.
 */
#include "cmd/command.h"
#include "cmd/print.h"
#include "cmd/status.h"
#include "common/alloc.h"
#include "engine/inbox.h"
#include "engine/lock.h"

#include <stdlib.h>
#include <string.h>

struct told { /* a run that is told something */
    struct run *run;
    char *driver; /* NULL: nobody drives it */
};

static int
open_run(struct told *told, struct context *context, const char *prefix, struct cairn_error *err)
{
    if (command_open(context, err) < 0 || run_load(&told->run, context->store, prefix, err) < 0
        || lock_holder(&told->driver, context->config->state, told->run->id, err) < 0)
        return -1;
    if (run_ended(told->run->state))
        return cairn_fail(err, CAIRN_ERR_INVALID, "%s run %s: it is %s; see: cairn show %s", context->command->name,
                          told->run->id, told->run->state, told->run->id);
    return 0;
}

static void
close_run(struct told *told)
{
    free(told->driver);
    run_free(told->run);
}

static int
post(const struct told *told, struct context *context, json_t *message, struct cairn_error *err)
{
    json_object_set_new(message, "by", json_string(context->by));
    return store_post(context->store, told->run->id, message, err);
}

static void
put_text(json_t *message, const char *key, const char *text)
{
    if (text)
        json_object_set_new(message, key, json_string(text));
}

/* Said on stdout, for a person or as JSON; and the next command when nobody drives the run. */
static void
confirm_post(const struct told *told, const struct context *context, const char *what)
{
    json_t *json = json_pack("{s:s, s:s, s:s, s:o}", "schema", "cairn.told/1", "run", told->run->id, "told", what,
                             "driver", told->driver ? json_string(told->driver) : json_null());
    char *next = told->driver ? NULL : alloc_printf("cairn resume %s", told->run->id);

    if (context->json)
        print_json(json);
    else
        printf("run %s: %s; %s%s\n", told->run->id, what, told->driver ? "taken up by " : "recorded when it is resumed",
               told->driver ? told->driver : "");
    fflush(stdout);
    status_print_next(next);
    free(next);
    json_decref(json);
}

/* ---- approve and reject ---- */

static const char *
op_of(const struct run_command *command)
{
    return json_string_value(json_object_get(command->intent, "op"));
}

static int
is_open_gate(const struct run_command *command)
{
    return !command->voided && !command->outcome && strcmp(op_of(command), "gate") == 0;
}

static int
too_many(const struct run *run, struct cairn_error *err)
{
    char *list = alloc_str("");
    int rc;

    for (size_t i = 0; i < run->command_count; i++) {
        char *what, *longer;

        if (!is_open_gate(run->commands[i]))
            continue;
        what = print_command(run->commands[i]->intent);
        longer = alloc_printf("%s%s%s (%s)", list, *list ? ", " : "", run->commands[i]->id, what);
        free(what);
        free(list);
        list = longer;
    }
    rc = cairn_fail(err, CAIRN_ERR_INVALID, "answer run %s: several questions are open: %s; say which by --gate",
                    run->id, list);
    free(list);
    return rc;
}

/* The question that is meant; NULL with err. */
static const struct run_command *
find_gate(const struct run *run, const char *id, struct cairn_error *err)
{
    const struct run_command *found = NULL;

    for (size_t i = 0; i < run->command_count; i++) {
        const struct run_command *command = run->commands[i];

        if (!is_open_gate(command) || (id && strcmp(command->id, id) != 0))
            continue;
        if (found) {
            too_many(run, err);
            return NULL;
        }
        found = command;
    }
    if (!found)
        cairn_fail(err, CAIRN_ERR_INVALID, "answer run %s: %s%s%s; see: cairn show %s", run->id,
                   id ? "question " : "it asks nothing now", id ? id : "", id ? " is not open" : "", run->id);
    return found;
}

static int
check_typed(const struct told *told, const struct run_command *gate, const char *typed, struct cairn_error *err)
{
    const char *confirm = json_string_value(json_object_get(gate->intent, "confirm"));
    const char *id = told->run->id;

    if (!confirm || !*confirm || (typed && strcmp(typed, confirm) == 0))
        return 0;
    return cairn_fail(err, CAIRN_ERR_INVALID,
                      "approve run %s: the name %s has to be typed%s%s; go on with: "
                      "cairn approve %s --gate %s --typed %s",
                      id, confirm, typed ? ", not " : "", typed ? typed : "", id, gate->id, confirm);
}

static int
answer(struct context *context, int ok, struct cairn_error *err)
{
    struct told told = { 0 };
    const char *id = command_text(context, "gate") ? command_text(context, "gate") : command_word(context, 1);
    const char *typed = command_text(context, "typed");
    json_t *message = json_pack("{s:s, s:b}", "op", "answer", "ok", ok);
    const struct run_command *gate;
    int rc = -1;

    if (open_run(&told, context, command_word(context, 0), err) < 0 || !(gate = find_gate(told.run, id, err))
        || (ok && check_typed(&told, gate, typed, err) < 0))
        goto out;
    put_text(message, "id", gate->id);
    put_text(message, "comment", command_text(context, "comment"));
    put_text(message, "typed", typed);
    if (post(&told, context, message, err) < 0)
        goto out;
    confirm_post(&told, context, ok ? "approved" : "rejected");
    rc = STATUS_DONE;
out:
    json_decref(message);
    close_run(&told);
    return rc;
}

int
answer_approve(struct context *context, struct cairn_error *err)
{
    return answer(context, 1, err);
}

int
answer_reject(struct context *context, struct cairn_error *err)
{
    return answer(context, 0, err);
}

/* ---- cancel ---- */

int
answer_cancel(struct context *context, struct cairn_error *err)
{
    struct told told = { 0 };
    json_t *message = json_pack("{s:s}", "op", "cancel");
    int rc = -1;

    put_text(message, "reason", command_text(context, "reason"));
    if (open_run(&told, context, command_word(context, 0), err) < 0 || post(&told, context, message, err) < 0)
        goto out;
    if (told.driver) {
        confirm_post(&told, context, "cancelled");
        rc = STATUS_DONE;
    } else {
        rc = run_wind_up(context, told.run->id, err);
    }
out:
    json_decref(message);
    close_run(&told);
    return rc;
}

/* ---- resolve ---- */

static int
parse_value(const char *text, json_t **out, struct cairn_error *err)
{
    json_error_t why;

    *out = text ? json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why) : NULL;
    if (text && !*out)
        return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: the value is not JSON: %s", why.text);
    return 0;
}

static int
check_doubt(const struct told *told, const char *step, struct cairn_error *err)
{
    const char *id = told->run->id;
    const char *stopped_at = json_string_value(json_object_get(told->run->stopped, "id"));
    const struct run_command *command = run_command(told->run, step);

    if (told->driver)
        return cairn_fail(err, CAIRN_ERR_CONFLICT,
                          "resolve %s:%s: the run is being driven by %s; see: cairn logs -f %s", id, step, told->driver,
                          id);
    if (!command || strcmp(op_of(command), "step") != 0)
        return cairn_fail(err, CAIRN_ERR_INVALID, "resolve %s:%s: the run has no such step; see: cairn show %s", id,
                          step, id);
    if (command->outcome || !(command->in_doubt || (stopped_at && strcmp(stopped_at, step) == 0)))
        return cairn_fail(err, CAIRN_ERR_INVALID, "resolve %s:%s: the step is not in doubt; see: cairn show %s", id,
                          step, id);
    return 0;
}

static int
check_words(const struct context *context, struct cairn_error *err)
{
    const char *reason = command_text(context, "reason");

    if (command_flag(context, "done") == command_flag(context, "not-done"))
        return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: say either --done or --not-done");
    if (!reason || !*reason)
        return cairn_fail(err, CAIRN_ERR_INVALID,
                          "read the command line: say how you know, by --reason TEXT; it is recorded");
    if (command_text(context, "value") && !command_flag(context, "done"))
        return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: --value belongs to --done");
    return 0;
}

int
answer_resolve(struct context *context, struct cairn_error *err)
{
    struct told told = { 0 };
    char *prefix = alloc_str(command_word(context, 0));
    char *colon = strchr(prefix, ':');
    int done = command_flag(context, "done");
    json_t *message = json_pack("{s:s, s:b}", "op", "resolve", "done", done);
    json_t *value = NULL;
    int rc = -1;

    if (!colon || !colon[1]) {
        cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: it is RUN:STEP, not %s", prefix);
        goto out;
    }
    *colon = '\0';
    if (check_words(context, err) < 0 || parse_value(command_text(context, "value"), &value, err) < 0
        || open_run(&told, context, prefix, err) < 0 || check_doubt(&told, colon + 1, err) < 0)
        goto out;
    put_text(message, "id", colon + 1);
    put_text(message, "reason", command_text(context, "reason"));
    if (value)
        json_object_set(message, "value", value);
    if (post(&told, context, message, err) < 0)
        goto out;
    confirm_post(&told, context, done ? "the step was done" : "the step was not done");
    rc = STATUS_DONE;
out:
    json_decref(message);
    close_run(&told);
    json_decref(value);
    free(prefix);
    return rc;
}

/* ---- signal ---- */

int
answer_signal(struct context *context, struct cairn_error *err)
{
    struct told told = { 0 };
    json_t *message = json_pack("{s:s, s:s}", "op", "signal", "name", command_word(context, 1));
    json_t *value = NULL;
    int rc = -1;

    if (parse_value(command_word(context, 2), &value, err) < 0
        || open_run(&told, context, command_word(context, 0), err) < 0)
        goto out;
    json_object_set(message, "value", value ? value : json_null());
    if (post(&told, context, message, err) < 0)
        goto out;
    confirm_post(&told, context, "signalled");
    rc = STATUS_DONE;
out:
    json_decref(message);
    close_run(&told);
    json_decref(value);
    return rc;
}
