/*
 * task.c: what an execute step is about: its statements, their digest, and its connection; used by execute.c and
 * doubt.c. SPDX-License-Identifier: MIT
 */
#include "task.h"

#include "actions.h"

#include "common/alloc.h"

#include <stdlib.h>
#include <string.h>

#define LOCK_MS 5000

static int
read_sql(struct task *t, struct cairn_call *call, struct cairn_error *err)
{
    const char *sql = cairn_get_str(t->args, "sql", NULL);
    const char *file = cairn_get_str(t->args, "file", NULL);
    size_t len = 0;

    if (!sql == !file)
        return cairn_fail(err, CAIRN_ERR_INVALID, "execute %s: give either sql or file", t->name);
    if (sql)
        t->sql = alloc_str(sql);
    else if (checksum_read(&t->sql, &len, call, file, err) < 0)
        return -1;
    if (file && strlen(t->sql) != len)
        return cairn_fail(err, CAIRN_ERR_INVALID, "execute %s: %s has a NUL byte in it", t->name, file);
    checksum_hex(t->checksum, t->sql, strlen(t->sql));
    return 0;
}

int
task_init(struct task *t, struct cairn_call *call, const struct cairn_value *args, struct cairn_error *err)
{
    const char *expected = cairn_get_str(args, "checksum", NULL);

    memset(t, 0, sizeof(*t));
    t->args = args;
    t->name = cairn_get_str(args, "name", "");
    t->token = cairn_call_token(call);
    t->transaction = cairn_get_bool(args, "transaction", 1);
    if (!*t->name)
        return cairn_fail(err, CAIRN_ERR_INVALID, "execute: name is empty");
    if (read_sql(t, call, err) < 0)
        return -1;
    if (expected && strcmp(expected, t->checksum) != 0)
        return cairn_fail_code(err, CAIRN_ERR_CONFLICT, "CHECKSUM",
                               "execute %s: the SQL has the checksum %s, not %s: it was changed", t->name, t->checksum,
                               expected);
    if (script_cut(&t->script, t->sql, t->transaction, err) < 0)
        return -1;
    if (!t->transaction && !script_index(t->script.statements[0], &t->index, &t->table))
        script_drop_index(t->script.statements[0], &t->dropped);
    return 0;
}

void
task_release(struct task *t)
{
    connection_close(&t->c);
    script_release(&t->script);
    free(t->sql);
    free(t->index);
    free(t->table);
    free(t->dropped);
}

int
task_open(struct task *t, struct cairn_call *call, int reads, struct cairn_error *err)
{
    int64_t ms = timeout_of(t->args, SLOW_MS, SLOW_MS);
    struct connection_options options = {
        .what = "execute",
        .reads = reads,
        .timeout_ms = (ms < SLOW_MS ? ms + 10000 : SLOW_MS),
        /* Outside of a transaction only the argument ends a statement: an index of a large table takes hours. */
        .statement_ms = t->transaction || cairn_get_int(t->args, "timeout", 0) > 0 ? ms : 0,
        .lock_ms =
            cairn_get_int(t->args, "lock_timeout", 0) > 0 ? cairn_get_int(t->args, "lock_timeout", 0) * 1000 : LOCK_MS,
    };

    return connection_open(&t->c, call, t->args, &options, err);
}
