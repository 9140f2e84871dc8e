/*
 * verify.c: the command `verify`: prove that nobody has edited a run's journal, nor the sources it ran with.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/command.h"
#include "cmd/print.h"
#include "cmd/status.h"
#include "common/alloc.h"
#include "engine/record.h"

#include <stdlib.h>

/* The store checks a blob against its hash when it is read. */
static int
check_record(struct store *store, const struct store_record *record, size_t *checked, struct cairn_error *err)
{
    json_t *json = json_loads(record->body, JSON_ALLOW_NUL, NULL);
    const char *module;
    json_t *source;
    int rc = 0;

    json_object_foreach(json_object_get(json, "sources"), module, source) {
        char *text = NULL;
        size_t len = 0;

        if (rc == 0)
            rc = store_get_blob(store, json_string_value(json_object_get(source, "hash")), &text, &len, err);
        free(text);
        *checked += 1;
    }
    json_decref(json);
    return rc;
}

static int
check_sources(struct store *store, const struct store_record *records, size_t count, size_t *checked,
              struct cairn_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (check_record(store, &records[i], checked, err) < 0)
            return -1;
    return 0;
}

static void
print_verdict(const struct context *context, const struct store_run *row, size_t sources, const struct cairn_error *err)
{
    int ok = err->kind == CAIRN_ERR_NONE;
    json_t *json = json_pack("{s:s, s:s, s:b, s:I, s:I, s:s, s:s*}", "schema", "cairn.verify/1", "run", row->id, "ok",
                             ok, "records", (json_int_t)row->count, "sources", (json_int_t)sources, "head", row->head,
                             "error", ok ? NULL : err->text);

    if (context->json)
        print_json(json);
    else if (ok)
        printf("run %s: %lld records and %zu source%s are as they were written; the last hash is %s\n", row->id,
               (long long)row->count, sources, sources == 1 ? "" : "s", row->head);
    json_decref(json);
}

int
verify_run(struct context *context, struct cairn_error *err)
{
    struct store_run row = { 0 };
    struct store_record *records = NULL;
    size_t count = 0;
    size_t sources = 0;
    int rc = -1;

    if (command_open(context, err) < 0 || store_find(context->store, command_word(context, 0), &row, err) < 0)
        return -1;
    if (store_records(context->store, row.id, &records, &count, err) == 0) {
        if (record_verify(&row, records, count, err) == 0
            && check_sources(context->store, records, count, &sources, err) == 0)
            rc = STATUS_DONE;
        print_verdict(context, &row, sources, err);
    }
    if (rc < 0 && err->kind != CAIRN_ERR_NONE)
        err->kind = CAIRN_ERR_FAILED; /* whatever it was: the record is not what it was */
    store_records_free(records, count);
    store_run_release(&row);
    return rc;
}
