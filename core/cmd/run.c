/*
 * run.c: the commands that drive runs: `run`, `resume`, `rollback`, and the winding up of a cancelled run.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/command.h"
#include "cmd/logs.h"
#include "cmd/print.h"
#include "cmd/progress.h"
#include "cmd/report.h"
#include "cmd/status.h"
#include "cmd/terminal.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct drive { /* what the callbacks of the engine need */
    struct context *context;
    struct progress *progress;
    struct terminal *terminal; /* NULL: nobody is asked here */
    struct engine *engine;
    char **ids;              /* the runs of this invocation, in order */
    const struct run **runs; /* the same, as the engine has them */
    size_t count;
    int stopping; /* a person was told so */
};

/* ---- what the engine tells ---- */

static void
on_record(void *data, const struct run *run, const json_t *record)
{
    progress_record(((struct drive *)data)->progress, run, record);
}

static void
on_progress(void *data, const struct run *run, const char *id, const char *text)
{
    progress_note(((struct drive *)data)->progress, run, id, text);
}

static void
on_log(void *data, const struct run *run, const char *text)
{
    struct drive *drive = data;

    logs_append(drive->context->config->state, run->id, clock_now(), text);
    progress_log(drive->progress, text);
}

static void
on_tick(void *data)
{
    struct drive *drive = data;

    if (engine_stopping(drive->engine) && !drive->stopping) {
        drive->stopping = 1;
        progress_line(drive->progress, "interrupted: steps in flight are finished first; Ctrl-C again ends at once");
    }
    if (drive->terminal)
        terminal_tick(drive->terminal, drive->engine, drive->runs, drive->count);
    progress_tick(drive->progress, drive->runs, drive->count);
}

/* ---- begin and end ---- */

static int
open_drive(struct drive *drive, struct context *context, struct cairn_error *err)
{
    struct engine_options options = { 0 };
    int ask = terminal_there() && !context->no_input && !command_flag(context, "no-wait");

    drive->context = context;
    if (command_plugins(context, err) < 0)
        return -1;
    drive->progress = progress_new(context->config->heartbeat);
    if (ask)
        drive->terminal = terminal_new(drive->progress, context->by);
    else if (command_flag(context, "wait"))
        progress_elsewhere(drive->progress);
    options.config = context->config;
    options.store = context->store;
    options.plugins = context->plugins;
    options.watch = (struct engine_watch){ drive, on_record, on_progress, on_log, on_tick };
    options.by = context->by;
    options.wait_gates = ask || command_flag(context, "wait");
    options.no_wait = command_flag(context, "no-wait");
    options.flow = command_text(context, "flow");
    options.accept_plugins = command_flag(context, "accept-plugins");
    options.confirm = (json_t *)command_list(context, "confirm");
    return engine_new(&drive->engine, &options, err);
}

static void
close_drive(struct drive *drive)
{
    engine_free(drive->engine);
    terminal_free(drive->terminal);
    progress_free(drive->progress);
    for (size_t i = 0; i < drive->count; i++)
        free(drive->ids[i]);
    free(drive->ids);
    free(drive->runs);
}

static void
add_run(struct drive *drive, char *owned_id)
{
    drive->ids = alloc_grow(drive->ids, drive->count + 1, sizeof(*drive->ids));
    drive->runs = alloc_grow(drive->runs, drive->count + 1, sizeof(*drive->runs));
    drive->ids[drive->count] = owned_id;
    drive->runs[drive->count++] = engine_run(drive->engine, owned_id);
}

static void
show_rest(const struct context *context, const struct run *run)
{
    char *next = status_next(run, NULL);
    json_t *report = report_make(run, NULL);

    if (context->json)
        print_json(report);
    else
        report_print(report);
    fflush(stdout);
    status_print_run(run);
    status_print_next(next);
    json_decref(report);
    free(next);
}

/* Drive what was begun or taken, and say what became of it: the status of the first run that isn't done. */
static int
drive_all(struct drive *drive, struct cairn_error *err)
{
    int status = STATUS_DONE;
    int rc = engine_drive(drive->engine, err);

    progress_end(drive->progress);
    if (rc < 0) {
        fprintf(stderr, "cairn: %s\n", err->text);
        for (size_t i = 0; i < drive->count; i++)
            fprintf(stderr, "next: mend the cause, then: cairn resume %s\n", drive->ids[i]);
        drive->context->told = 1;
        return -1;
    }
    for (size_t i = 0; i < drive->count; i++) {
        show_rest(drive->context, drive->runs[i]);
        if (status == STATUS_DONE)
            status = (int)status_of_run(drive->runs[i]);
    }
    return status;
}

/* ---- run ---- */

static int
read_params(const struct context *context, json_t *params, struct cairn_error *err)
{
    size_t i;
    json_t *item;

    json_array_foreach(command_list(context, "param"), i, item) {
        const char *text = json_string_value(item);
        const char *equals = strchr(text, '=');
        char *name;

        if (!equals || equals == text)
            return cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: a parameter is NAME=VALUE, not %s", text);
        name = alloc_strn(text, (size_t)(equals - text));
        if (json_object_get(params, name)) {
            cairn_fail(err, CAIRN_ERR_INVALID, "read the command line: parameter %s is given twice", name);
            free(name);
            return -1;
        }
        json_object_set_new(params, name, json_string(equals + 1));
        free(name);
    }
    return 0;
}

/* A bare name that is no file here is one of the workflows that came with cairn. */
static char *
find_flow(const char *word)
{
    char *path;

    if (strchr(word, '/') || access(word, F_OK) == 0)
        return alloc_str(word);
    path = alloc_printf("%s/%s%s", WORKFLOW_DIR, word, strstr(word, ".lua") ? "" : ".lua");
    if (access(path, F_OK) == 0)
        return path;
    free(path);
    return alloc_str(word);
}

int
run_begin(struct context *context, struct cairn_error *err)
{
    struct drive drive = { 0 };
    json_t *params = json_object();
    char *flow = find_flow(command_word(context, 0));
    char *id = NULL;
    int rc = -1;

    if (read_params(context, params, err) == 0 && open_drive(&drive, context, err) == 0
        && engine_begin(drive.engine, flow, params, &id, err) == 0) {
        add_run(&drive, id);
        rc = drive_all(&drive, err);
    }
    close_drive(&drive);
    free(flow);
    json_decref(params);
    return rc;
}

/* ---- resume and rollback ---- */

static int
take_runs(struct drive *drive, enum engine_mode mode, struct cairn_error *err)
{
    size_t i;
    json_t *word;
    int status = STATUS_DONE;

    json_array_foreach(drive->context->words, i, word) {
        struct cairn_error own = { 0 };
        char *id = NULL;

        if (engine_take(drive->engine, json_string_value(word), mode, &id, &own) == 0) {
            add_run(drive, id);
            continue;
        }
        if (json_array_size(drive->context->words) == 1) {
            *err = own;
            return -1;
        }
        status_print_error(&own, drive->context->command->name);
        if (status == STATUS_DONE)
            status = (int)status_of_error(&own);
    }
    return status;
}

static int
take_and_drive(struct context *context, enum engine_mode mode, struct cairn_error *err)
{
    struct drive drive = { 0 };
    int refused = -1;
    int rc = -1;

    if (open_drive(&drive, context, err) == 0)
        refused = take_runs(&drive, mode, err);
    if (refused >= 0)
        rc = drive_all(&drive, err);
    if (rc == STATUS_DONE)
        rc = refused;
    close_drive(&drive);
    return rc;
}

int
run_resume(struct context *context, struct cairn_error *err)
{
    return take_and_drive(context, ENGINE_RESUME, err);
}

int
run_rollback(struct context *context, struct cairn_error *err)
{
    return take_and_drive(context, ENGINE_ROLLBACK, err);
}

int
run_wind_up(struct context *context, const char *id, struct cairn_error *err)
{
    int rc;

    json_array_clear(context->words);
    json_array_append_new(context->words, json_string(id));
    rc = take_and_drive(context, ENGINE_RESUME, err);
    return rc == STATUS_CANCELLED ? STATUS_DONE : rc; /* this is what was asked for */
}
