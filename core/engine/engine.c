/*
 * engine.c: one event loop that drives all runs of this process; called by the commands. Runs come from begin.c and
 * take.c.
 * SPDX-License-Identifier: MIT
 */
#include "engine/engine.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "common/error.h"
#include "engine/live.h"
#include "engine/retry.h"

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

    if (store_changed(engine->options.store) || engine->look)
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
    engine->before_poll.data = engine->after_poll.data = engine->flush.data = engine->inbox.data = engine->tick.data =
        engine;
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
    retry_free(&engine->retries);
    uv_walk(&engine->loop, close_handle, NULL);
    uv_run(&engine->loop, UV_RUN_DEFAULT); /* until the last child is reaped */
    uv_loop_close(&engine->loop);
    json_decref(engine->taken_posts);
    seal_close(engine->seal);
    free(engine);
}

int
engine_stopping(const struct engine *engine)
{
    return engine->stopping;
}

void
engine_stop(struct engine *engine)
{
    engine->stopping = 1;
    for (struct live *live = engine->lives; live; live = live->next)
        live_check(live);
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
