/*
 * run.c: fold records into a run; used by the engine, and by `cairn show` through run_load.
 * SPDX-License-Identifier: MIT
 *
 * Each kind of record has a function that checks whether the record fits and only then changes the run: a record that
 * is refused leaves the run as it was.
 */
#include "engine/run.h"

#include "common/alloc.h"
#include "engine/record.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const command_ops[] = { "step", "wait", "sleep", "window", "gate", "signal" };
static const char *const states[] = { "running", "waiting", "failed", "unknown", "done", "rolled_back", "cancelled" };

static int
is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; word && i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return 1;
    return 0;
}

static const char *
text_of(const json_t *record, const char *key)
{
    return json_string_value(json_object_get(record, key));
}

static int __attribute__((format(printf, 4, 5)))
misfit(const struct run *run, const json_t *record, struct cairn_error *err, const char *fmt, ...)
{
    const char *kind = text_of(record, "kind");
    char why[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    return cairn_fail(err, CAIRN_ERR_INVALID, "read run %s: record %lld (%s) does not fit: %s", run->id,
                      (long long)(run->count + 1), kind ? kind : "no kind", why);
}

/* ---- make and free ---- */

struct run *
run_new(const char *id)
{
    struct run *run = alloc_zero(1, sizeof(*run));

    run->id = alloc_str(id);
    run->flow = alloc_str("");
    run->state = alloc_str("running");
    run->records = json_array();
    run->index = json_object();
    run->notes = json_object();
    run->failures = json_object();
    if (!run->records || !run->index || !run->notes || !run->failures)
        alloc_failed();
    return run;
}

static void
free_command(struct run_command *command)
{
    json_decref(command->intent);
    json_decref(command->outcome);
    free(command->id);
    free(command);
}

void
run_free(struct run *run)
{
    if (!run)
        return;
    for (size_t i = 0; i < run->command_count; i++)
        free_command(run->commands[i]);
    free(run->commands);
    json_decref(run->records);
    json_decref(run->index);
    json_decref(run->notes);
    json_decref(run->failures);
    free(run->id);
    free(run->flow);
    free(run->state);
    free(run);
}

struct run_command *
run_command(const struct run *run, const char *id)
{
    const json_t *at = id ? json_object_get(run->index, id) : NULL;

    return at ? run->commands[json_integer_value(at)] : NULL;
}

int
run_ended(const char *state)
{
    return strcmp(state, "done") == 0 || strcmp(state, "rolled_back") == 0 || strcmp(state, "cancelled") == 0;
}

static void
set_text(char **text, const char *value)
{
    free(*text);
    *text = alloc_str(value);
}

/* ---- one function for each kind ---- */

static int
apply_started(struct run *run, json_t *record, struct cairn_error *err)
{
    if (!text_of(record, "flow"))
        return misfit(run, record, err, "it names no flow");
    run->started = record;
    run->sources = json_object_get(record, "sources");
    set_text(&run->flow, text_of(record, "flow"));
    return 0;
}

static int
apply_intent(struct run *run, json_t *record, struct cairn_error *err)
{
    const char *id = text_of(record, "id");
    struct run_command *command;

    if (!id || !*id)
        return misfit(run, record, err, "it has no id");
    if (run_command(run, id))
        return misfit(run, record, err, "command %s has an intent already", id);
    if (!is_one_of(text_of(record, "op"), command_ops, COUNT(command_ops)))
        return misfit(run, record, err, "command %s has an op that is not known", id);
    command = alloc_zero(1, sizeof(*command));
    command->id = alloc_str(id);
    command->intent = json_incref(record);
    command->attempt = 1;
    command->first = json_integer_value(json_object_get(record, "t"));
    command->attempt_epoch = run->epoch;
    command->failures = (int)json_integer_value(json_object_get(run->failures, id));
    run->commands = alloc_grow(run->commands, run->command_count + 1, sizeof(*run->commands));
    json_object_set_new(run->index, id, json_integer((json_int_t)run->command_count));
    run->commands[run->command_count++] = command;
    return 0;
}

/* The command without an outcome that the record is about; NULL with err. */
static struct run_command *
open_command(struct run *run, const json_t *record, struct cairn_error *err)
{
    const char *id = text_of(record, "id");
    struct run_command *command = run_command(run, id);

    if (!command)
        misfit(run, record, err, "command %s has no intent", id ? id : "(none)");
    else if (command->outcome)
        misfit(run, record, err, "command %s has an outcome already", id);
    else
        return command;
    return NULL;
}

static int
apply_attempt(struct run *run, json_t *record, struct cairn_error *err)
{
    const json_t *attempt = json_object_get(record, "attempt");
    struct run_command *command = open_command(run, record, err);

    if (!command)
        return -1;
    if (!json_is_integer(attempt) || json_integer_value(attempt) < command->attempt)
        return misfit(run, record, err, "command %s is at attempt %d", command->id, command->attempt);
    command->attempt = (int)json_integer_value(attempt);
    command->attempt_epoch = run->epoch;
    command->in_doubt = 0;
    return 0;
}

static int
apply_doubt(struct run *run, json_t *record, struct cairn_error *err)
{
    struct run_command *command = open_command(run, record, err);

    if (!command)
        return -1;
    command->in_doubt = 1;
    return 0;
}

static int
apply_observed(struct run *run, json_t *record, struct cairn_error *err)
{
    return open_command(run, record, err) ? 0 : -1;
}

static int
apply_outcome(struct run *run, json_t *record, struct cairn_error *err)
{
    struct run_command *command = open_command(run, record, err);

    if (!command)
        return -1;
    if (!json_is_boolean(json_object_get(record, "ok")))
        return misfit(run, record, err, "it says neither ok nor failed");
    command->outcome = json_incref(record);
    command->in_doubt = 0;
    return 0;
}

static int
apply_note(struct run *run, json_t *record, struct cairn_error *err)
{
    const char *id = text_of(record, "id");
    const char *op = text_of(record, "op");

    if (!id || !op)
        return misfit(run, record, err, "it has no id or no op");
    json_object_set(run->notes, id, record);
    if (strcmp(op, "no_return") == 0)
        run->no_return = 1;
    return 0;
}

/* A success of something that changes the world stays a success. */
static int
may_take_back(const struct run_command *command)
{
    return !command->outcome || json_is_false(json_object_get(command->outcome, "ok")) || run_looks_only(command);
}

static int
check_retry(struct run *run, const json_t *record, struct cairn_error *err)
{
    const char *id = text_of(record, "id");
    const json_t *list = json_object_get(record, "void");
    const struct run_command *command = run_command(run, id);
    const json_t *item;
    size_t i;

    if (!id || !json_is_array(list))
        return misfit(run, record, err, "it has no id or no list of what is void");
    if (*id && !command)
        return misfit(run, record, err, "command %s has no intent", id);
    if (command && !may_take_back(command))
        return misfit(run, record, err, "command %s has changed something: its success can't be taken back", id);
    json_array_foreach(list, i, item) {
        const char *name = json_string_value(item);

        if (!name || (!run_command(run, name) && !json_object_get(run->notes, name)))
            return misfit(run, record, err, "%s can't be void: it is not recorded",
                          name ? name : "what is not a string");
    }
    return 0;
}

static void
void_command(struct run *run, const char *id)
{
    struct run_command *command = run_command(run, id);

    if (command) {
        command->voided = 1;
        command->in_doubt = 0;
        json_object_del(run->index, id);
    }
    json_object_del(run->notes, id);
}

static int
apply_retry(struct run *run, json_t *record, struct cairn_error *err)
{
    const char *id = text_of(record, "id");
    struct run_command *command = run_command(run, id);
    const json_t *item;
    size_t i;

    if (check_retry(run, record, err) < 0)
        return -1;
    if (command) {
        json_decref(command->outcome);
        command->outcome = NULL;
        command->in_doubt = 0;
        command->failures++;
        json_object_set_new(run->failures, id, json_integer(command->failures));
        if (strcmp(text_of(command->intent, "op"), "step") == 0)
            command->attempt++;
        /* it was answered, so it is not in doubt: it may be sent under the epoch that records this */
        command->attempt_epoch = run->epoch;
    }
    json_array_foreach(json_object_get(record, "void"), i, item)
        void_command(run, json_string_value(item));
    return 0;
}

static int
apply_cancel(struct run *run, json_t *record, struct cairn_error *err)
{
    (void)record;
    (void)err;
    run->cancelling = 1;
    return 0;
}

static int
apply_rollback(struct run *run, json_t *record, struct cairn_error *err)
{
    if (run->rolling_back)
        return misfit(run, record, err, "the run is being rolled back already");
    run->rolling_back = 1;
    return 0;
}

static int
apply_source(struct run *run, json_t *record, struct cairn_error *err)
{
    if (!json_is_object(json_object_get(record, "sources")))
        return misfit(run, record, err, "it names no sources");
    run->sources = json_object_get(record, "sources");
    return 0;
}

static int
apply_stopped(struct run *run, json_t *record, struct cairn_error *err)
{
    if (!is_one_of(text_of(record, "state"), states, COUNT(states)))
        return misfit(run, record, err, "its state is not known");
    return 0;
}

static int
apply_nothing(struct run *run, json_t *record, struct cairn_error *err)
{
    (void)run;
    (void)record;
    (void)err;
    return 0;
}

static const struct kind {
    const char *name;
    int (*apply)(struct run *run, json_t *record, struct cairn_error *err);
} kinds[] = {
    { "started", apply_started }, { "locked", apply_nothing },    { "plugin", apply_nothing },
    { "resumed", apply_nothing }, { "source", apply_source },     { "intent", apply_intent },
    { "attempt", apply_attempt }, { "doubt", apply_doubt },       { "observed", apply_observed },
    { "outcome", apply_outcome }, { "note", apply_note },         { "retry", apply_retry },
    { "cancel", apply_cancel },   { "rollback", apply_rollback }, { "stopped", apply_stopped },
};

static const struct kind *
find_kind(const char *name)
{
    for (size_t i = 0; name && i < COUNT(kinds); i++)
        if (strcmp(name, kinds[i].name) == 0)
            return &kinds[i];
    return NULL;
}

/* ---- apply and load ---- */

/* What holds for all kinds. */
static int
check_frame(const struct run *run, const json_t *record, struct cairn_error *err)
{
    const json_t *epoch = json_object_get(record, "epoch");
    const struct kind *kind = find_kind(text_of(record, "kind"));

    if (!kind)
        return misfit(run, record, err, "its kind is not known");
    if (json_integer_value(json_object_get(record, "n")) != run->count + 1)
        return misfit(run, record, err, "its number is %lld",
                      (long long)json_integer_value(json_object_get(record, "n")));
    if (!json_is_integer(json_object_get(record, "t")) || !json_is_integer(epoch))
        return misfit(run, record, err, "it has no time or no epoch");
    if (json_integer_value(epoch) < run->epoch)
        return misfit(run, record, err, "it is of epoch %lld, and the run is in epoch %lld",
                      (long long)json_integer_value(epoch), (long long)run->epoch);
    if ((run->count == 0) != (kind->apply == apply_started))
        return misfit(run, record, err, "a run begins with one record of kind started");
    if (run_ended(run->state))
        return misfit(run, record, err, "the run has ended (%s)", run->state);
    return 0;
}

int
run_apply(struct run *run, json_t *owned_record, const char *hash, struct cairn_error *err)
{
    const struct kind *kind = find_kind(text_of(owned_record, "kind"));
    int64_t before = run->epoch;

    if (check_frame(run, owned_record, err) < 0)
        goto refused;
    run->epoch = json_integer_value(json_object_get(owned_record, "epoch"));
    if (kind->apply(run, owned_record, err) < 0) {
        run->epoch = before;
        goto refused;
    }
    run->stopped = kind->apply == apply_stopped ? owned_record : NULL;
    set_text(&run->state, run->stopped ? text_of(run->stopped, "state") : "running");
    run->count++;
    snprintf(run->head, sizeof(run->head), "%s", hash);
    json_array_append_new(run->records, owned_record);
    return 0;
refused:
    json_decref(owned_record);
    return -1;
}

int
run_load(struct run **out, struct store *store, const char *prefix, struct cairn_error *err)
{
    struct store_run row = { 0 };
    struct store_record *records = NULL;
    struct run *run = NULL;
    size_t count = 0;
    size_t known;
    int rc = -1;

    if (store_find(store, prefix, &row, err) < 0)
        return -1;
    if (store_records(store, row.id, &records, &count, err) < 0)
        goto out;
    /* its driver may have appended since the row was read: what we show is the run as of the row */
    known = (int64_t)count > row.count ? (size_t)row.count : count;
    if (record_verify(&row, records, known, err) < 0)
        goto out;
    run = run_new(row.id);
    set_text(&run->flow, row.flow);
    for (size_t i = 0; i < known; i++)
        if (run_apply(run, json_loads(records[i].body, JSON_ALLOW_NUL, NULL), records[i].hash, err) < 0)
            goto out;
    run->epoch = row.epoch;
    *out = run;
    run = NULL; /* handed over */
    rc = 0;
out:
    run_free(run);
    store_records_free(records, count);
    store_run_release(&row);
    return rc;
}
