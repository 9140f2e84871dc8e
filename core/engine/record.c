/*
 * record.c: the hash chain of a journal; used by the engine, `cairn verify` and `cairn show`.
 * SPDX-License-Identifier: MIT
 */
#include "engine/record.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

void
record_hash(char out[DIGEST_HEX], const char *previous, const char *body)
{
    char *text = alloc_printf("%s\n%s", previous, body);

    digest_bytes(out, text, strlen(text));
    free(text);
}

/* The record that should be number n, after a record with the hash `previous`. */
static int
check(const char *run, const struct store_record *record, int64_t n, const char *previous, struct cairn_error *err)
{
    char hash[DIGEST_HEX];
    json_error_t why;
    json_t *json;
    int64_t own_n;

    if (record->n != n)
        return cairn_fail(err, CAIRN_ERR_FAILED,
                          "verify run %s: record %lld is missing: number %lld stands in its place", run, (long long)n,
                          (long long)record->n);
    json = json_loads(record->body, JSON_ALLOW_NUL, &why);
    if (!json_is_object(json)) {
        json_decref(json);
        return cairn_fail(err, CAIRN_ERR_FAILED, "verify run %s: record %lld is not JSON", run, (long long)n);
    }
    own_n = json_integer_value(json_object_get(json, "n"));
    json_decref(json);
    record_hash(hash, previous, record->body);
    if (strcmp(hash, record->hash) != 0)
        return cairn_fail(err, CAIRN_ERR_FAILED, "verify run %s: record %lld was changed: its hash differs", run,
                          (long long)n);
    if (own_n != n)
        return cairn_fail(err, CAIRN_ERR_FAILED, "verify run %s: record %lld says that its number is %lld", run,
                          (long long)n, (long long)own_n);
    return 0;
}

int
record_verify(const struct store_run *run, const struct store_record *records, size_t count, struct cairn_error *err)
{
    const char *previous = RECORD_NO_HASH;

    for (size_t i = 0; i < count; i++) {
        if (check(run->id, &records[i], (int64_t)i + 1, previous, err) < 0)
            return -1;
        previous = records[i].hash;
    }
    if ((int64_t)count < run->count)
        return cairn_fail(err, CAIRN_ERR_FAILED,
                          "verify run %s: record %zu is missing: the journal was cut off; it had %lld records", run->id,
                          count + 1, (long long)run->count);
    if ((int64_t)count > run->count)
        return cairn_fail(err, CAIRN_ERR_FAILED, "verify run %s: record %lld was added: the run has %lld records",
                          run->id, (long long)run->count + 1, (long long)run->count);
    if (strcmp(run->head, count ? previous : "") != 0)
        return cairn_fail(err, CAIRN_ERR_FAILED,
                          "verify run %s: record %zu is not the last one that was written: the run's head differs",
                          run->id, count);
    return 0;
}
