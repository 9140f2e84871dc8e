/*
 * ask.c: ask plugins something outside of any run; used by the command `doctor`.
 * SPDX-License-Identifier: MIT
 */
#include "engine/ask.h"

#include "common/alloc.h"
#include "common/clock.h"
#include "engine/pool.h"

#include <signal.h>
#include <stdlib.h>

struct question { /* an ask on its way */
    struct asking *asking;
    struct ask *ask;
    struct pool_call *call; /* NULL once it is answered */
};

struct asking {
    uv_loop_t loop;
    uv_timer_t limit;
    struct pool *pool;
    struct seal *seal;
    struct question *questions;
    size_t count;
    int64_t began, limit_ms;
    int late; /* the time is over */
};

static void
on_reply(void *data, json_t *reply)
{
    struct question *q = data;
    struct cairn_error ignored = { 0 };

    q->call = NULL;
    q->ask->ms = clock_wall() - q->asking->began;
    q->ask->reply = json_deep_copy(reply);
    if (seal_value(q->asking->seal, &q->ask->reply, &ignored) < 0) {
        json_decref(q->ask->reply);
        q->ask->reply = json_pack("{s:b, s:{s:s, s:s}}", "ok", 0, "error", "kind", "internal", "text",
                                  "what it answered holds a secret that can't be sealed");
    }
}

static void
on_log(void *data, const char *text)
{
    const struct question *q = data;

    if (q->ask->log)
        q->ask->log(q->ask->data, text);
}

static void
on_limit(uv_timer_t *timer)
{
    ((struct asking *)timer->data)->late = 1;
}

static void
put_question(struct question *q, struct asking *asking, struct ask *ask)
{
    struct pool_events events = { .data = q, .reply = on_reply, .log = on_log };
    json_t *request = json_pack("{s:s, s:s, s:{}, s:s, s:s, s:s, s:i, s:I}", "mode", "run", "action", ask->action,
                                "args", "token", "", "run", "", "step", "", "attempt", 1, "started",
                                (json_int_t)clock_now());

    q->asking = asking;
    q->ask = ask;
    q->call = pool_call(asking->pool, ask->plugin, request, 0, &events);
}

static int
is_open(const struct asking *asking)
{
    for (size_t i = 0; i < asking->count; i++)
        if (asking->questions[i].call)
            return 1;
    return 0;
}

static void
give_up_on(struct question *q)
{
    char *text = alloc_printf("there was no answer within %lld s", (long long)q->asking->limit_ms / 1000);

    pool_drop(q->call);
    q->ask->ms = q->asking->limit_ms;
    q->ask->reply = json_pack("{s:b, s:{s:s, s:s}}", "ok", 0, "error", "kind", "timeout", "text", text);
    free(text);
}

int
ask_all(struct ask *asks, size_t count, struct config *config, struct plugins *plugins, int64_t limit_ms,
        struct cairn_error *err)
{
    struct asking asking = { .count = count, .began = clock_wall(), .limit_ms = limit_ms };

    if (seal_open(&asking.seal, config->state, err) < 0)
        return -1;
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&asking.loop);
    uv_timer_init(&asking.loop, &asking.limit);
    asking.limit.data = &asking;
    uv_timer_start(&asking.limit, on_limit, (uint64_t)limit_ms, 0);
    asking.pool = pool_new(&asking.loop, config, plugins, asking.seal);
    asking.questions = alloc_zero(count + 1, sizeof(*asking.questions));
    for (size_t i = 0; i < count; i++)
        put_question(&asking.questions[i], &asking, &asks[i]);
    while (is_open(&asking) && !asking.late)
        uv_run(&asking.loop, UV_RUN_ONCE);
    for (size_t i = 0; i < count; i++)
        if (asking.questions[i].call)
            give_up_on(&asking.questions[i]);
    pool_free(asking.pool);
    uv_close((uv_handle_t *)&asking.limit, NULL);
    uv_run(&asking.loop, UV_RUN_DEFAULT); /* until the last worker is reaped */
    uv_loop_close(&asking.loop);
    seal_close(asking.seal);
    free(asking.questions);
    return 0;
}
