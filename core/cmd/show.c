/*
 * show.c: the commands `runs` and `show`.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/command.h"
#include "cmd/print.h"
#include "cmd/report.h"
#include "cmd/status.h"
#include "common/alloc.h"
#include "engine/lock.h"
#include "engine/record.h"

#include <stdlib.h>
#include <string.h>

/* ---- runs ---- */

static json_t *
describe_row(const struct context *context, const struct store_run *row)
{
    char started[21], updated[21], wake[21];
    struct cairn_error err = { 0 };
    char *driver = NULL;
    json_t *json;

    print_time(started, row->created);
    print_time(updated, row->updated);
    print_time(wake, row->wake);
    lock_holder(&driver, context->config->state, row->id, &err);
    json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s*, s:s*}", "id", row->id, "state", row->state, "flow",
                     row->flow, "started", started, "updated", updated, "epoch", (json_int_t)row->epoch, "records",
                     (json_int_t)row->count, "wake", row->wake ? wake : NULL, "driver", driver);
    free(driver);
    return json;
}

/* "running" is said of a run whose driver died, too: people want to know which. */
static json_t *
table_rows(const json_t *runs)
{
    json_t *rows = json_array();
    size_t i;
    json_t *run;

    json_array_foreach(runs, i, run) {
        json_t *row = json_copy(run);
        const char *state = json_string_value(json_object_get(run, "state"));

        if (strcmp(state, "running") == 0 && !json_object_get(run, "driver"))
            json_object_set_new(row, "state", json_string("interrupted"));
        json_array_append_new(rows, row);
    }
    return rows;
}

int
show_runs(struct context *context, struct cairn_error *err)
{
    static const char *const columns[] = { "id", "state", "started", "updated", "flow", NULL };
    struct store_run *rows = NULL;
    size_t count = 0;
    json_t *json;
    json_t *runs;
    json_t *table;

    if (command_open(context, err) < 0 || store_runs(context->store, &rows, &count, err) < 0)
        return -1;
    runs = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(runs, describe_row(context, &rows[i]));
    store_runs_free(rows, count);
    json = json_pack("{s:s, s:o}", "schema", "cairn.runs/1", "runs", runs);
    if (context->json) {
        print_json(json);
    } else {
        table = table_rows(runs);
        print_table(table, columns);
        json_decref(table);
    }
    json_decref(json);
    return STATUS_DONE;
}

/* ---- show ---- */

static void
print_record(const json_t *record, const char *hash)
{
    char when[21];
    char *body;
    json_t *rest = json_copy((json_t *)record);

    print_time(when, json_integer_value(json_object_get(record, "t")));
    json_object_del(rest, "n");
    json_object_del(rest, "t");
    json_object_del(rest, "epoch");
    json_object_del(rest, "kind");
    body = print_value(rest);
    printf("%5lld  %s  %3lld  %-8s  %.12s  %s\n", (long long)json_integer_value(json_object_get(record, "n")), when,
           (long long)json_integer_value(json_object_get(record, "epoch")),
           json_string_value(json_object_get(record, "kind")), hash, body);
    free(body);
    json_decref(rest);
}

static int
show_records(struct context *context, const struct run *run, struct cairn_error *err)
{
    struct store_record *records = NULL;
    size_t count = 0;
    json_t *list = json_array();
    json_t *json;

    if (store_records(context->store, run->id, &records, &count, err) < 0) {
        json_decref(list);
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        json_t *record = json_loads(records[i].body, JSON_ALLOW_NUL, NULL);

        if (!context->json)
            print_record(record, records[i].hash);
        json_object_set_new(record, "hash", json_string(records[i].hash));
        json_array_append_new(list, record);
    }
    json = json_pack("{s:s, s:s, s:o}", "schema", "cairn.records/1", "run", run->id, "records", list);
    if (context->json)
        print_json(json);
    json_decref(json);
    store_records_free(records, count);
    return 0;
}

int
show_run(struct context *context, struct cairn_error *err)
{
    struct run *run = NULL;
    char *driver = NULL;
    json_t *report;
    int rc = -1;

    if (command_open(context, err) < 0 || run_load(&run, context->store, command_word(context, 0), err) < 0
        || lock_holder(&driver, context->config->state, run->id, err) < 0)
        goto out;
    if (command_flag(context, "records")) {
        rc = show_records(context, run, err);
        goto out;
    }
    report = report_make(run, driver);
    if (context->json)
        print_json(report);
    else
        report_print(report);
    json_decref(report);
    rc = STATUS_DONE;
out:
    free(driver);
    run_free(run);
    return rc;
}
