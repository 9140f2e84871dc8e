/*
 * pool.c: the workers of each plugin and the calls that wait for one; used by the engine.
 * SPDX-License-Identifier: MIT
 */
#include "engine/pool.h"

#include "common/alloc.h"
#include "common/crash.h"
#include "common/error.h"
#include "engine/process.h"

#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 120000
#define SLOW_DEADLINE_MS 900000
#define START_DEADLINE_MS 30000

struct pool_call {
    struct pool *pool;
    const struct plugins_entry *plugin;
    json_t *request;
    int slow;
    struct pool_events events;
    struct worker *worker;  /* who serves it; NULL while it waits */
    struct pool_call *next; /* in the queue */
};

enum worker_state { WORKER_STARTING, WORKER_CONFIGURING, WORKER_IDLE, WORKER_BUSY };

struct worker {
    struct pool *pool;
    const struct plugins_entry *plugin;
    struct process *process;
    enum worker_state state;
    struct pool_call *call; /* the one being served */
    int64_t call_id;
    uv_timer_t deadline;
    int overdue;            /* the deadline has passed, and it was killed */
    struct cairn_error err; /* why it could not be used: its own word */
    struct worker *next;
};

struct pool {
    uv_loop_t *loop;
    struct config *config;
    struct plugins *plugins;
    struct seal *seal;
    struct worker *workers;
    struct pool_call *queue; /* oldest first */
    int64_t next_id;
    uv_timer_t kick; /* makes dispatch happen */
};

static void dispatch(struct pool *pool);

/* ---- answers ---- */

static void
answer(struct pool_call *call, json_t *reply)
{
    struct pool_events events = call->events;

    if (call->worker)
        call->worker->call = NULL;
    json_decref(call->request);
    free(call);
    if (events.reply)
        events.reply(events.data, reply);
}

static void
answer_error(struct pool_call *call, const struct cairn_error *err)
{
    json_t *reply = json_pack("{s:s, s:b, s:o}", "op", "reply", "ok", 0, "error", error_to_json(err));

    answer(call, reply);
    json_decref(reply);
}

static void
unqueue(struct pool *pool, struct pool_call *call)
{
    struct pool_call **at = &pool->queue;

    while (*at && *at != call)
        at = &(*at)->next;
    if (*at)
        *at = call->next;
    call->next = NULL;
}

/* An error of a call that no worker had: whatever went wrong, nothing was sent. */
static struct cairn_error
not_sent(const struct cairn_error *err)
{
    struct cairn_error sure = *err;

    if (sure.kind == CAIRN_ERR_TIMEOUT || sure.kind == CAIRN_ERR_IN_DOUBT || sure.kind == CAIRN_ERR_INTERNAL)
        sure.kind = CAIRN_ERR_UNAVAILABLE;
    return sure;
}

/* No worker of this plugin can be had: all calls that wait for one are answered. */
static void
answer_queue(struct pool *pool, const struct plugins_entry *plugin, const struct cairn_error *why)
{
    const struct cairn_error err = not_sent(why);
    struct pool_call *call = pool->queue;

    while (call) {
        struct pool_call *next = call->next;

        if (call->plugin == plugin) {
            unqueue(pool, call);
            answer_error(call, &err);
            next = pool->queue; /* the answer may have changed the queue */
        }
        call = next;
    }
}

/* ---- one worker ---- */

static void
on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void
worker_remove(struct worker *w)
{
    struct worker **at = &w->pool->workers;

    while (*at && *at != w)
        at = &(*at)->next;
    if (*at)
        *at = w->next;
    uv_close((uv_handle_t *)&w->deadline, on_timer_closed);
}

static void
on_deadline(uv_timer_t *timer)
{
    struct worker *w = timer->data;

    w->overdue = 1;
    process_kill(w->process);
}

static void
set_deadline(struct worker *w, uint64_t ms)
{
    uv_timer_start(&w->deadline, on_deadline, ms, 0);
}

/* What a plugin declares ("@KEY": the names in that list of its section), and the variables of proxies, which the worker
 * needs itself. A new reference. */
static json_t *
wanted_variables(const json_t *description, const json_t *section)
{
    json_t *patterns = json_pack("[s, s, s, s, s, s]", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy",
                                 "http_proxy", "no_proxy");
    json_t *pattern;
    size_t i;

    json_array_foreach(json_object_get(description, "env"), i, pattern) {
        const char *name = json_string_value(pattern);
        const json_t *member;
        size_t k;

        if (name && *name != '@')
            json_array_append(patterns, pattern);
        else if (name)
            json_array_foreach(json_object_get(section, name + 1), k, member)
                if (json_is_string(member) && !strchr(json_string_value(member), '*'))
                    json_array_append(patterns, (json_t *)(uintptr_t)member);
    }
    return patterns;
}

/* Those variables of ours whose names match. A new reference. */
static json_t *
variables(const json_t *patterns)
{
    json_t *env = json_object();
    const json_t *pattern;
    size_t i;

    json_array_foreach(patterns, i, pattern)
        for (char **e = environ; *e; e++) {
            const char *name = json_string_value(pattern);
            size_t name_len = strcspn(*e, "=");
            size_t len = strlen(name);
            int prefix = len && name[len - 1] == '*';

            if ((*e)[name_len] == '=' && (prefix ? name_len >= len - 1 : name_len == len)
                && strncmp(*e, name, prefix ? len - 1 : len) == 0) {
                char *key = alloc_strn(*e, name_len);

                json_object_set_new(env, key, json_string(*e + name_len + 1));
                free(key);
            }
        }
    return env;
}

static void
configure(struct worker *w)
{
    const json_t *description = w->plugin->description;
    const char *section = json_string_value(json_object_get(description, "section"));
    json_t *values = NULL;
    json_t *env;
    json_t *patterns;

    if (!section)
        values = json_object();
    else if (config_section(w->pool->config, section, json_object_get(description, "config"), &values, &w->err) < 0) {
        process_kill(w->process);
        return;
    }
    patterns = wanted_variables(description, values);
    env = variables(patterns);
    json_object_set_new(env, "CAIRN_FOLDER", json_string(w->pool->config->folder));
    json_decref(patterns);
    values = json_pack("{s:s, s:o, s:o}", "op", "configure", "config", values, "env", env);
    process_send(w->process, values);
    json_decref(values);
    w->state = WORKER_CONFIGURING;
}

static void
on_reply(struct worker *w, json_t *message)
{
    struct pool_call *call = w->call;

    if (json_integer_value(json_object_get(message, "id")) != w->call_id || w->state != WORKER_BUSY) {
        cairn_fail(&w->err, CAIRN_ERR_INTERNAL, "worker of %s answered a call it was not asked", w->plugin->name);
        process_kill(w->process);
        return;
    }
    uv_timer_stop(&w->deadline);
    w->state = WORKER_IDLE;
    if (call)
        answer(call, message);
    dispatch(w->pool);
}

static void
on_text(struct worker *w, const char *op, const char *text)
{
    const struct pool_events *events = w->call ? &w->call->events : NULL;

    if (!events || !text)
        return;
    if (strcmp(op, "log") == 0 && events->log)
        events->log(events->data, text);
    if (strcmp(op, "progress") == 0 && events->progress)
        events->progress(events->data, text);
}

static void
on_message(void *data, json_t *message)
{
    struct worker *w = data;
    const char *op = json_string_value(json_object_get(message, "op"));
    json_t *error = json_object_get(message, "error");

    if (!op)
        op = "";
    if (strcmp(op, "reply") == 0) {
        on_reply(w, message);
    } else if (strcmp(op, "hello") == 0 && w->state == WORKER_STARTING) {
        configure(w);
    } else if (strcmp(op, "configured") == 0 && w->state == WORKER_CONFIGURING && !error) {
        uv_timer_stop(&w->deadline);
        w->state = WORKER_IDLE;
        dispatch(w->pool);
    } else if (strcmp(op, "refused") == 0 || strcmp(op, "configured") == 0) {
        error_from_json(&w->err, error);
        process_kill(w->process);
    } else {
        on_text(w, op, json_string_value(json_object_get(message, "text")));
    }
}

static void
on_line(void *data, const char *line)
{
    on_text(data, "log", line);
}

/* Why a worker ended, for the call that it served or for those that wait for it. */
static void
explain(struct worker *w, int64_t status, int sig, const struct cairn_error *channel, struct cairn_error *err)
{
    const char *action = w->call ? json_string_value(json_object_get(w->call->request, "action")) : NULL;
    const char *what = action ? action : "its start";

    if (w->err.kind != CAIRN_ERR_NONE && !w->call)
        *err = w->err;
    else if (w->overdue)
        cairn_fail(err, w->call ? CAIRN_ERR_TIMEOUT : CAIRN_ERR_UNAVAILABLE, "worker of %s: no answer in time to %s",
                   w->plugin->name, what);
    else if (channel->kind != CAIRN_ERR_NONE)
        cairn_fail(err, CAIRN_ERR_INTERNAL, "worker of %s: unreadable answer to %s: %s", w->plugin->name, what,
                   channel->text);
    else if (sig)
        cairn_fail_code(err, w->call ? CAIRN_ERR_INTERNAL : CAIRN_ERR_UNAVAILABLE, "crashed",
                        "worker of %s: ended by signal %d during %s", w->plugin->name, sig, what);
    else
        cairn_fail_code(err, w->call ? CAIRN_ERR_INTERNAL : CAIRN_ERR_UNAVAILABLE, "crashed",
                        "worker of %s: ended with status %d during %s", w->plugin->name, (int)status, what);
}

static void
on_ended(void *data, int64_t status, int sig, const struct cairn_error *channel)
{
    struct worker *w = data;
    struct pool *pool = w->pool;
    const struct plugins_entry *plugin = w->plugin;
    struct pool_call *call = w->call;
    int was_ready = w->state == WORKER_IDLE || w->state == WORKER_BUSY;
    struct cairn_error err = { 0 };

    explain(w, status, sig, channel, &err);
    w->process = NULL;
    worker_remove(w);
    if (call)
        answer_error(call, &err);
    else if (!was_ready)
        answer_queue(pool, plugin, &err);
    dispatch(pool);
}

static void
worker_start(struct pool *pool, const struct plugins_entry *plugin)
{
    struct worker *w = alloc_zero(1, sizeof(*w));
    struct process_events events = { w, on_message, on_line, on_ended };
    char *program = process_helper("cairn-worker");
    struct cairn_error err = { 0 };

    w->pool = pool;
    w->plugin = plugin;
    uv_timer_init(pool->loop, &w->deadline);
    w->deadline.data = w;
    w->next = pool->workers;
    pool->workers = w;
    if (process_start(&w->process, pool->loop, program, plugin->path, &events, &err) < 0) {
        worker_remove(w);
        answer_queue(pool, plugin, &err);
    } else {
        set_deadline(w, START_DEADLINE_MS);
    }
    free(program);
}

/* ---- calls ---- */

static void
send_call(struct worker *w, struct pool_call *call)
{
    struct pool *pool = w->pool;
    struct cairn_error err = { 0 };
    json_t *args = NULL;
    json_t *message;

    unqueue(pool, call);
    if (seal_reveal(pool->seal, pool->config, json_object_get(call->request, "args"), &args, &err) < 0) {
        err = not_sent(&err);
        answer_error(call, &err);
        return;
    }
    message = json_copy(call->request);
    json_object_set_new(message, "args", args);
    json_object_set_new(message, "op", json_string("call"));
    json_object_set_new(message, "id", json_integer(++pool->next_id));
    w->call = call;
    w->call_id = pool->next_id;
    w->state = WORKER_BUSY;
    call->worker = w;
    set_deadline(w, call->slow ? SLOW_DEADLINE_MS : DEADLINE_MS);
    crash_point("engine.calling");
    process_send(w->process, message);
    crash_point("engine.called");
    json_decref(message);
}

/* A worker for this plugin that has nothing to do; *starting counts those that will soon be one, *all those there are.
 */
static struct worker *
idle_worker(struct pool *pool, const struct plugins_entry *plugin, int *starting, int *all)
{
    *starting = *all = 0;
    for (struct worker *w = pool->workers; w; w = w->next) {
        if (w->plugin != plugin)
            continue;
        if (w->state == WORKER_IDLE)
            return w;
        *all += 1;
        *starting += w->state != WORKER_BUSY;
    }
    return NULL;
}

static int
waiting(const struct pool *pool, const struct plugins_entry *plugin)
{
    int n = 0;

    for (const struct pool_call *call = pool->queue; call; call = call->next)
        n += call->plugin == plugin;
    return n;
}

/* One step forward for one call that waits: 1, or 0 when nothing can be done now. */
static int
dispatch_one(struct pool *pool)
{
    for (struct pool_call *call = pool->queue; call; call = call->next) {
        int starting, all;
        struct worker *w = idle_worker(pool, call->plugin, &starting, &all);

        if (w) {
            send_call(w, call);
            return 1;
        }
        if (starting < waiting(pool, call->plugin) && all < pool->config->workers) {
            worker_start(pool, call->plugin);
            return 1;
        }
    }
    return 0;
}

static void
on_kick(uv_timer_t *timer)
{
    struct pool *pool = timer->data;

    while (dispatch_one(pool))
        continue;
}

/* Soon, from the event loop: whoever gives a call has its handle before the answer. */
static void
dispatch(struct pool *pool)
{
    uv_timer_start(&pool->kick, on_kick, 0, 0);
}

struct pool_call *
pool_call(struct pool *pool, const char *plugin, json_t *owned_request, int slow, const struct pool_events *events)
{
    struct pool_call *call = alloc_zero(1, sizeof(*call));
    struct pool_call **at = &pool->queue;

    call->pool = pool;
    call->plugin = plugins_find(pool->plugins, plugin);
    call->request = owned_request;
    call->slow = slow;
    call->events = *events;
    while (*at)
        at = &(*at)->next;
    *at = call;
    dispatch(pool);
    return call;
}

void
pool_drop(struct pool_call *call)
{
    memset(&call->events, 0, sizeof(call->events));
    if (call->worker)
        return;
    unqueue(call->pool, call);
    json_decref(call->request);
    free(call);
}

struct pool *
pool_new(uv_loop_t *loop, struct config *config, struct plugins *plugins, struct seal *seal)
{
    struct pool *pool = alloc_zero(1, sizeof(*pool));

    pool->loop = loop;
    pool->config = config;
    pool->plugins = plugins;
    pool->seal = seal;
    uv_timer_init(loop, &pool->kick);
    pool->kick.data = pool;
    return pool;
}

void
pool_free(struct pool *pool)
{
    if (!pool)
        return;
    while (pool->workers) {
        struct worker *w = pool->workers;

        process_forget(w->process);
        if (w->call) {
            json_decref(w->call->request);
            free(w->call);
        }
        worker_remove(w);
    }
    while (pool->queue) {
        struct pool_call *call = pool->queue;

        unqueue(pool, call);
        json_decref(call->request);
        free(call);
    }
    uv_close((uv_handle_t *)&pool->kick, on_timer_closed);
}
