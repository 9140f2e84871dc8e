/*
 * begin.c: a run comes into being: load the workflow, check its parameters, take its locks, and record all that at
 * once.
 * SPDX-License-Identifier: MIT
 */
#include "common/alloc.h"
#include "common/clock.h"
#include "common/crash.h"
#include "common/error.h"
#include "engine/live.h"

#include <stdlib.h>
#include <string.h>

/* Sortable by time, and short: 45 bits of wall time in ms and 15 of chance, in base 32 without i, l, o and u. */
static void
new_id(char id[13])
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint64_t n = ((uint64_t)clock_wall() << 15) | arc4random_uniform(1u << 15);

    for (int i = 11; i >= 0; i--, n >>= 5)
        id[i] = digits[n & 31];
    id[12] = '\0';
}

static json_t *
new_seed(void)
{
    char seed[33];

    for (int i = 0; i < 32; i++)
        seed[i] = "0123456789abcdef"[arc4random_uniform(16)];
    seed[32] = '\0';
    return json_string(seed);
}

/* Turn the loop until the script host has asked for its locks, or it won't come to that. */
static int
await_keys(struct live *live, struct cairn_error *err)
{
    struct engine *engine = live->engine;

    while (!live->keys && live->begin_err.kind == CAIRN_ERR_NONE && !live->ended && !engine->stopping)
        uv_run(&engine->loop, UV_RUN_ONCE);
    if (live->begin_err.kind == CAIRN_ERR_NONE && live->ended && !live->keys)
        error_from_json(&live->begin_err, json_object_get(json_object_get(live->ended, "extra"), "error"));
    if (live->begin_err.kind == CAIRN_ERR_NONE && !live->keys)
        cairn_fail(&live->begin_err, CAIRN_ERR_CANCELLED, "run %s: interrupted before it began", live->main_name);
    if (live->begin_err.kind == CAIRN_ERR_NONE)
        return 0;
    return cairn_fail_code(err, CAIRN_ERR_INVALID, live->begin_err.code, "%s", live->begin_err.text);
}

static int
lock_targets(struct live *live, struct cairn_error *err)
{
    char *holder = NULL;
    int rc = store_lock(live->engine->options.store, live->run->id, live->keys, &holder, err);

    if (rc < 0 && holder) {
        memset(err, 0, sizeof(*err));
        cairn_fail_code(err, CAIRN_ERR_CONFLICT, "locked",
                        "run %s: run %s works on the same target; see: cairn show %s", live->main_name, holder, holder);
    }
    free(holder);
    return rc;
}

/* The run comes into being: its row, locks, sources and first records are one transaction. */
static int
create(struct live *live, struct cairn_error *err)
{
    struct engine *engine = live->engine;
    struct store_run row = { .id = live->run->id,
                             .flow = live->main_name,
                             .state = (char *)(uintptr_t) "running",
                             .created = live->now,
                             .updated = live->now,
                             .epoch = 1,
                             .head = (char *)(uintptr_t) "" };
    json_t *sources = NULL;

    crash_point("engine.beginning");
    if (store_begin(engine->options.store, err) < 0)
        return -1;
    if (store_add_run(engine->options.store, &row, err) < 0 || lock_targets(live, err) < 0
        || !(sources = source_store(live, err))) {
        store_abort(engine->options.store);
        return -1;
    }
    engine->in_transaction = 1;
    live->run->epoch = 1;
    live->begun = 1;
    live->open = 0;
    turn_append(live,
                json_pack("{s:s, s:s, s:o, s:O, s:O, s:s, s:s, s:s}", "kind", "started", "flow", live->main_name,
                          "sources", sources, "params", live->params, "seed", live->seed, "by", engine->options.by,
                          "environment", engine->options.config->environment, "cairn", VERSION_TEXT),
                TURN_NOW);
    turn_append(live, json_pack("{s:s, s:O}", "kind", "locked", "keys", live->keys), TURN_NOW);
    turn_end(engine);
    if (engine->err.kind != CAIRN_ERR_NONE)
        return cairn_fail(err, engine->err.kind, "%s", engine->err.text);
    script_take_early(live);
    return 0;
}

int
engine_begin(struct engine *engine, const char *flow, const json_t *params, char **id, struct cairn_error *err)
{
    struct live *live;
    char new[13];

    new_id(new);
    live = live_new(engine, new);
    live->given = params ? json_deep_copy(params) : json_object();
    live->seed = new_seed();
    live->now = clock_now();
    live->open = 1;
    if (source_read(live, flow, err) < 0
        || lock_take(&live->lock, engine->options.config->state, new, engine->options.by, err) < 0
        || script_start(live, err) < 0 || await_keys(live, err) < 0 || create(live, err) < 0) {
        live_remove(live);
        return -1;
    }
    *id = alloc_str(new);
    return 0;
}
