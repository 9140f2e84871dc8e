/*
 * engine.c: begin runs, take runs over, and drive them all by one event loop; called by the commands.
 * SPDX-License-Identifier: MIT
 */
#include "engine/engine.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/error.h"
#include "engine/live.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INBOX_MS 200
#define TICK_MS 200

/* ---- the loop ---- */

static void
on_prepare(uv_prepare_t *handle)
{
    turn_end(handle->data);
}

static void
on_check(uv_check_t *handle)
{
    turn_end(handle->data);
}

static void
on_inbox(uv_timer_t *timer)
{
    struct engine *engine = timer->data;

    if (store_changed(engine->options.store))
        inbox_look(engine);
}

static void
on_tick(uv_timer_t *timer)
{
    const struct engine_watch *watch = &((struct engine *)timer->data)->options.watch;

    if (watch->tick)
        watch->tick(watch->data);
}

static void
on_signal(uv_signal_t *handle, int number)
{
    struct engine *engine = handle->data;

    if (++engine->interrupts > 1 && number == SIGINT)
        _exit(130);
    engine_stop(engine);
}

static void
start_handles(struct engine *engine)
{
    static const int numbers[2] = { SIGINT, SIGTERM };

    uv_prepare_init(&engine->loop, &engine->before_poll);
    uv_check_init(&engine->loop, &engine->after_poll);
    uv_timer_init(&engine->loop, &engine->flush);
    uv_timer_init(&engine->loop, &engine->inbox);
    uv_timer_init(&engine->loop, &engine->tick);
    engine->before_poll.data = engine->after_poll.data = engine->flush.data = engine->inbox.data = engine->tick.data = engine;
    uv_prepare_start(&engine->before_poll, on_prepare);
    uv_check_start(&engine->after_poll, on_check);
    uv_timer_start(&engine->inbox, on_inbox, INBOX_MS, INBOX_MS);
    uv_timer_start(&engine->tick, on_tick, TICK_MS, TICK_MS);
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&engine->loop, &engine->signals[i]);
        engine->signals[i].data = engine;
        uv_signal_start(&engine->signals[i], on_signal, numbers[i]);
    }
}

int
engine_new(struct engine **out, const struct engine_options *options, struct cairn_error *err)
{
    struct engine *engine = alloc_zero(1, sizeof(*engine));

    engine->options = *options;
    engine->appended_end = &engine->appended;
    engine->outgoing_end = &engine->outgoing;
    if (seal_open(&engine->seal, options->config->state, err) < 0) {
        free(engine);
        return -1;
    }
    signal(SIGPIPE, SIG_IGN);
    engine->taken_posts = json_array();
    uv_loop_init(&engine->loop);
    start_handles(engine);
    engine->pool = pool_new(&engine->loop, options->config, options->plugins, engine->seal);
    *out = engine;
    return 0;
}

static void
close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle) && handle->type != UV_PROCESS && handle->type != UV_NAMED_PIPE)
        uv_close(handle, NULL);
}

void
engine_free(struct engine *engine)
{
    if (!engine)
        return;
    while (engine->lives) {
        struct live *live = engine->lives;

        engine->lives = live->next;
        live_free(live);
    }
    pool_free(engine->pool);
    uv_walk(&engine->loop, close_handle, NULL);
    uv_run(&engine->loop, UV_RUN_DEFAULT); /* until the last child is reaped */
    uv_loop_close(&engine->loop);
    json_decref(engine->taken_posts);
    seal_close(engine->seal);
    free(engine);
}

void
engine_stop(struct engine *engine)
{
    engine->stopping = 1;
    for (struct live *live = engine->lives; live; live = live->next)
        live_check(live);
}

/* ---- begin ---- */

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
        cairn_fail_code(err, CAIRN_ERR_CONFLICT, "locked", "run %s: run %s works on the same target; see: cairn show %s", live->main_name,
                        holder, holder);
    }
    free(holder);
    return rc;
}

/* The run comes into being: its row, locks, sources and first records are one transaction. */
static int
create(struct live *live, struct cairn_error *err)
{
    struct engine *engine = live->engine;
    struct store_run row = { .id = live->run->id, .flow = live->main_name, .state = (char *)(uintptr_t)"running",
                             .created = live->now, .updated = live->now, .epoch = 1, .head = (char *)(uintptr_t)"" };
    json_t *sources = NULL;

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
    turn_append(live, json_pack("{s:s, s:s, s:o, s:O, s:O, s:s, s:s, s:s}", "kind", "started", "flow", live->main_name, "sources",
                                sources, "params", live->params, "seed", live->seed, "by", engine->options.by, "environment",
                                engine->options.config->environment, "cairn", VERSION_TEXT), TURN_NOW);
    turn_append(live, json_pack("{s:s, s:O}", "kind", "locked", "keys", live->keys), TURN_NOW);
    turn_end(engine);
    if (engine->err.kind != CAIRN_ERR_NONE)
        return cairn_fail(err, engine->err.kind, "%s", engine->err.text);
    script_take_early(live);
    return 0;
}

static void
remove_live(struct live *live)
{
    struct live **at = &live->engine->lives;

    while (*at != live)
        at = &(*at)->next;
    *at = live->next;
    live_free(live);
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
    if (source_read(live, flow, err) < 0 || lock_take(&live->lock, engine->options.config->state, new, engine->options.by, err) < 0
        || script_start(live, err) < 0 || await_keys(live, err) < 0 || create(live, err) < 0) {
        remove_live(live);
        return -1;
    }
    *id = alloc_str(new);
    return 0;
}

/* ---- take over ---- */

static int
check_state(const struct run *run, enum engine_mode mode, struct cairn_error *err)
{
    if (run_ended(run->state))
        return cairn_fail_code(err, CAIRN_ERR_INVALID, "ended", "%s %s: it is %s; see: cairn show %s",
                               mode == ENGINE_ROLLBACK ? "roll back" : "resume", run->id, run->state, run->id);
    if (mode == ENGINE_ROLLBACK && run->no_return)
        return cairn_fail_code(err, CAIRN_ERR_INVALID, "no_return",
                               "roll back %s: it has passed its point of no return; go on with: cairn resume %s", run->id, run->id);
    return 0;
}

static int
check_plugin(struct live *live, const json_t *record, struct cairn_error *err)
{
    const char *name = json_string_value(json_object_get(record, "name"));
    const char *hash = json_string_value(json_object_get(record, "sha256"));
    const struct plugins_entry *plugin = plugins_find(live->engine->options.plugins, name);

    if (!plugin)
        return cairn_fail(err, CAIRN_ERR_INVALID, "resume %s: its plugin %s is not on the plugin path any more", live->run->id, name);
    if (strcmp(hash, plugin->sha256) == 0)
        json_object_set_new(live->plugins, name, json_true());
    else if (live->engine->options.accept_plugins)
        json_object_del(live->plugins, name);
    else
        return cairn_fail_code(err, CAIRN_ERR_INVALID, "plugin",
                               "resume %s: plugin %s is not the one that the run used (version %s then, %s now); put the old one back, or go on with: cairn resume --accept-plugins %s",
                               live->run->id, name, json_string_value(json_object_get(record, "version")),
                               json_string_value(json_object_get(plugin->description, "version")), live->run->id);
    return 0;
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

    if (store_begin(store, err) < 0)
        return -1;
    if (store_take(store, live->run->id, &epoch, err) < 0) {
        store_abort(store);
        return -1;
    }
    live->engine->in_transaction = 1;
    live->run->epoch = epoch;
    turn_append(live, json_pack("{s:s, s:s, s:i}", "kind", "resumed", "by", live->engine->options.by, "pid", (int)getpid()), TURN_NOW);
    return 0;
}

/* A person's word about steps in state unknown comes before anything else. */
static void
take_resolutions(struct live *live)
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

        if (!op || strcmp(op, "resolve") != 0)
            continue;
        step_resolve(live, body);
        json_array_append(engine->taken_posts, json_object_get(message, "id"));
    }
    json_decref(messages);
}

static int
start(struct live *live, enum engine_mode mode, int was_failed, struct cairn_error *err)
{
    const json_t *error = json_object_get(live->run->stopped, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    json_t *retry = NULL;

    if (was_failed && (mode == ENGINE_RESUME || live->run->rolling_back) && !(code && strcmp(code, "mismatch") == 0))
        retry = run_retry(live->run);
    if (raise_epoch(live, err) < 0) {
        json_decref(retry);
        return -1;
    }
    take_resolutions(live);
    if (retry)
        turn_append(live, retry, TURN_NOW);
    turn_end(live->engine);
    if (live->engine->err.kind != CAIRN_ERR_NONE)
        return cairn_fail(err, live->engine->err.kind, "%s", live->engine->err.text);
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
    if (check_state(run, mode, err) < 0 || source_restore(live, err) < 0 || check_plugin_records(live, err) < 0
        || start(live, mode, strcmp(run->state, "failed") == 0, err) < 0)
        goto out;
    *id = alloc_str(row.id);
    live = NULL;
    rc = 0;
out:
    if (live)
        remove_live(live);
    store_run_release(&row);
    return rc;
}

/* ---- drive ---- */

static int
all_rest(struct engine *engine)
{
    int rest = 1;

    for (struct live *live = engine->lives; live; live = live->next) {
        if (live->phase != LIVE_RESTED) {
            rest = 0;
        } else if (!engine->appended) {
            lock_drop(live->lock);
            live->lock = NULL;
        }
    }
    return rest && !engine->appended;
}

int
engine_drive(struct engine *engine, struct cairn_error *err)
{
    while (engine->err.kind == CAIRN_ERR_NONE && !all_rest(engine))
        uv_run(&engine->loop, UV_RUN_ONCE);
    if (engine->err.kind != CAIRN_ERR_NONE)
        return cairn_fail_code(err, engine->err.kind, engine->err.code, "%s", engine->err.text);
    return 0;
}

const struct run *
engine_run(const struct engine *engine, const char *id)
{
    for (const struct live *live = engine->lives; live; live = live->next)
        if (strcmp(live->run->id, id) == 0)
            return live->run;
    return NULL;
}

int
engine_answer(struct engine *engine, const char *run, const json_t *message)
{
    for (struct live *live = engine->lives; live; live = live->next)
        if (strcmp(live->run->id, run) == 0 && live->phase != LIVE_RESTED)
            return inbox_take(live, message);
    return 0;
}
