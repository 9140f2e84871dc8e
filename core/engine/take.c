/*
 * take.c: take over a run that stopped or whose driver died, to resume it or to roll it back.
 * SPDX-License-Identifier: MIT
 */
#include "common/alloc.h"
#include "common/crash.h"
#include "common/error.h"
#include "engine/live.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
check_state(const struct run *run, enum engine_mode mode, struct cairn_error *err)
{
    if (run_ended(run->state))
        return cairn_fail_code(err, CAIRN_ERR_INVALID, "ended", "%s %s: it is %s; see: cairn show %s",
                               mode == ENGINE_ROLLBACK ? "roll back" : "resume", run->id, run->state, run->id);
    if (mode == ENGINE_ROLLBACK && run->no_return)
        return cairn_fail_code(err, CAIRN_ERR_INVALID, "no_return",
                               "roll back %s: it has passed its point of no return; go on with: cairn resume %s",
                               run->id, run->id);
    return 0;
}

static int
check_plugin(struct live *live, const json_t *record, struct cairn_error *err)
{
    const char *name = json_string_value(json_object_get(record, "name"));
    const char *hash = json_string_value(json_object_get(record, "sha256"));
    const struct plugins_entry *plugin = plugins_find(live->engine->options.plugins, name);

    if (!plugin)
        return cairn_fail(err, CAIRN_ERR_INVALID, "resume %s: its plugin %s is not on the plugin path any more",
                          live->run->id, name);
    if (strcmp(hash, plugin->sha256) == 0)
        json_object_set_new(live->plugins, name, json_true());
    else if (live->engine->options.accept_plugins)
        json_object_del(live->plugins, name);
    else
        return cairn_fail_code(
            err, CAIRN_ERR_INVALID, "plugin",
            "resume %s: plugin %s is not the one that the run used (version %s then, %s now); put the old one back, or go on with: cairn resume --accept-plugins %s",
            live->run->id, name, json_string_value(json_object_get(record, "version")),
            json_string_value(json_object_get(plugin->description, "version")), live->run->id);
    return config_check_plugin(live->engine->options.config, plugin->description, err);
}

static int
check_plugin_records(struct live *live, struct cairn_error *err)
{
    json_t *latest = json_object();
    const char *name;
    size_t i;
    json_t *record;
    int rc = 0;

    json_array_foreach(live->run->records, i, record)
        if (strcmp(json_string_value(json_object_get(record, "kind")), "plugin") == 0)
            json_object_set(latest, json_string_value(json_object_get(record, "name")), record);
    json_object_foreach(latest, name, record)
        if (rc == 0)
            rc = check_plugin(live, record, err);
    json_decref(latest);
    return rc;
}

static int
raise_epoch(struct live *live, struct cairn_error *err)
{
    struct store *store = live->engine->options.store;
    int64_t epoch = 0;

    crash_point("engine.taking");
    if (store_begin(store, err) < 0)
        return -1;
    if (store_take(store, live->run->id, &epoch, err) < 0) {
        store_abort(store);
        return -1;
    }
    live->engine->in_transaction = 1;
    live->run->epoch = epoch;
    turn_append(live,
                json_pack("{s:s, s:s, s:i}", "kind", "resumed", "by", live->engine->options.by, "pid", (int)getpid()),
                TURN_NOW);
    return 0;
}

/* What people said while nobody drove the run comes before anything else. */
static void
take_posts(struct live *live, enum engine_mode mode)
{
    struct engine *engine = live->engine;
    struct cairn_error err = { 0 };
    json_t *messages = NULL;
    size_t i;
    json_t *message;

    if (store_inbox(engine->options.store, live->run->id, &messages, &err) < 0)
        return;
    json_array_foreach(messages, i, message) {
        const json_t *body = json_object_get(message, "message");
        const char *op = json_string_value(json_object_get(body, "op"));

        if (op && strcmp(op, "resolve") == 0)
            step_resolve(live, body);
        else if (op && strcmp(op, "cancel") == 0 && mode == ENGINE_RESUME)
            inbox_take(live, body);
        else
            continue;
        json_array_append(engine->taken_posts, json_object_get(message, "id"));
    }
    json_decref(messages);
}

static int
start(struct live *live, enum engine_mode mode, int was_failed, struct cairn_error *err)
{
    const json_t *error = json_object_get(live->run->stopped, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    int mismatch = code && strcmp(code, "mismatch") == 0; /* no replay can come to an end */
    int left = json_is_true(json_object_get(live->run->stopped, "left"));
    json_t *retry = NULL;

    if (was_failed && (mode == ENGINE_RESUME || live->run->rolling_back) && !mismatch)
        retry = run_retry(live->run);
    if (raise_epoch(live, err) < 0) {
        json_decref(retry);
        return -1;
    }
    take_posts(live, mode);
    if (was_failed && live->cancel_wanted) {
        json_decref(retry);
        if (left || mismatch)
            live_end_cancelled(live);
    } else if (retry) {
        turn_append(live, retry, TURN_NOW);
    }
    turn_end(live->engine);
    if (live->engine->err.kind != CAIRN_ERR_NONE)
        return cairn_fail(err, live->engine->err.kind, "%s", live->engine->err.text);
    if (live->phase == LIVE_RESTED)
        return 0;
    if (mode == ENGINE_ROLLBACK && !live->run->rolling_back) {
        live_settle(live);
        return 0;
    }
    return script_start(live, err);
}

int
engine_take(struct engine *engine, const char *prefix, enum engine_mode mode, char **id, struct cairn_error *err)
{
    struct store_run row = { 0 };
    struct run *run = NULL;
    struct live *live;
    int rc = -1;

    if (store_find(engine->options.store, prefix, &row, err) < 0)
        return -1;
    live = live_new(engine, row.id);
    if (lock_take(&live->lock, engine->options.config->state, row.id, engine->options.by, err) < 0
        || run_load(&run, engine->options.store, row.id, err) < 0)
        goto out;
    run_free(live->run);
    live->run = run;
    live->begun = 1;
    live->params = json_incref(json_object_get(run->started, "params"));
    live->open = engine->options.flow != NULL;
    if (check_state(run, mode, err) < 0
        || (live->open ? source_read(live, engine->options.flow, err) : source_restore(live, err)) < 0
        || check_plugin_records(live, err) < 0 || start(live, mode, strcmp(run->state, "failed") == 0, err) < 0)
        goto out;
    *id = alloc_str(row.id);
    live = NULL;
    rc = 0;
out:
    if (live)
        live_remove(live);
    store_run_release(&row);
    return rc;
}
