/*
 * turn.c: the end of the engine's turn: append, one commit, then send what the commit allows; called by the event loop.
 * SPDX-License-Identifier: MIT
 *
 * Whatever arrives is handled by appending records, which changes the run in memory at once. A changing step is sent
 * only from here, after the commit that holds its intent. Outcomes are given to the script host before they are
 * durable: nothing outside can depend on them without a later commit, and that commit holds them too. So one commit
 * serves the outcome of a step and the intent of the next, and reads cost none.
 */
#include "common/alloc.h"
#include "common/clock.h"
#include "common/crash.h"
#include "engine/live.h"
#include "engine/record.h"

#include <stdlib.h>
#include <string.h>

#define FLUSH_MS 50 /* wall time that records wait for company */

struct appended {
    struct live *live;
    struct store_record record;
    int64_t epoch;
    struct appended *next;
};

static struct outgoing *
push_outgoing(struct engine *engine, struct live *live)
{
    struct outgoing *out = alloc_zero(1, sizeof(*out));

    out->live = live;
    *engine->outgoing_end = out;
    engine->outgoing_end = &out->next;
    return out;
}

static void
on_flush(uv_timer_t *timer)
{
    struct engine *engine = timer->data;

    engine->must_commit = 1;
}

void
turn_append(struct live *live, json_t *owned_record, enum turn_need need)
{
    struct engine *engine = live->engine;
    struct run *run = live->run;
    struct appended *a = alloc_zero(1, sizeof(*a));
    char hash[DIGEST_HEX];

    json_object_set_new(owned_record, "n", json_integer(run->count + 1));
    json_object_set_new(owned_record, "t", json_integer(clock_now()));
    json_object_set_new(owned_record, "epoch", json_integer(run->epoch));
    a->live = live;
    a->epoch = run->epoch;
    a->record.n = run->count + 1;
    a->record.body = json_dumps(owned_record, JSON_COMPACT);
    if (!a->record.body)
        alloc_failed();
    record_hash(hash, run->head[0] ? run->head : RECORD_NO_HASH, a->record.body);
    a->record.hash = alloc_str(hash);
    push_outgoing(engine, live)->record = json_incref(owned_record);
    *engine->appended_end = a;
    engine->appended_end = &a->next;
    run_apply(run, owned_record, hash, &engine->err);
    if (need == TURN_NOW)
        engine->must_commit = 1;
    else if (!uv_is_active((uv_handle_t *)&engine->flush))
        uv_timer_start(&engine->flush, on_flush, FLUSH_MS, 0);
}

void
turn_send_step(struct job *job)
{
    push_outgoing(job->live->engine, job->live)->job = job;
    job->live->engine->must_commit = 1;
}

int
turn_note(struct live *live, const char *id, const char *text)
{
    struct outgoing *out;

    if (!live->engine->appended)
        return 0;
    out = push_outgoing(live->engine, live);
    out->note = alloc_str(text);
    out->note_of = id ? alloc_str(id) : NULL;
    return 1;
}

void
turn_forget_job(struct engine *engine, const struct job *job)
{
    for (struct outgoing *out = engine->outgoing; out; out = out->next)
        if (out->job == job)
            out->job = NULL;
}

void
turn_forget_live(const struct live *live)
{
    for (struct outgoing *out = live->engine->outgoing; out; out = out->next)
        if (out->live == live)
            out->live = NULL;
}

int64_t
turn_earliest(const struct live *live)
{
    int64_t wake = 0;

    for (const struct job *job = live->jobs; job; job = job->next)
        if (job->due && (!wake || job->due < wake))
            wake = job->due;
    return wake;
}

/* "waiting" while nothing but gates and timers is left, although the run is being driven. */
static const char *
shown_state(const struct live *live)
{
    if (strcmp(live->run->state, "running") != 0 || !live->jobs)
        return live->run->state;
    for (const struct job *job = live->jobs; job; job = job->next)
        if (job->kind == JOB_STEP || job->kind == JOB_WAIT)
            return live->run->state;
    return "waiting";
}

static int
write_appended(struct engine *engine)
{
    for (const struct appended *a = engine->appended; a; a = a->next) {
        const struct live *live = a->live;

        if (store_append(engine->options.store, live->run->id, a->epoch, &a->record, &engine->err) < 0)
            return -1;
        if (a->next && a->next->live == live)
            continue;
        if (store_set_state(engine->options.store, live->run->id, live->run->epoch, shown_state(live), clock_now(),
                            live->phase == LIVE_RESTED ? live->wake : turn_earliest(live), &engine->err)
            < 0)
            return -1;
        if (run_ended(live->run->state) && store_unlock(engine->options.store, live->run->id, &engine->err) < 0)
            return -1;
    }
    return 0;
}

static int
commit(struct engine *engine)
{
    struct store *store = engine->options.store;
    size_t i;
    json_t *id;

    crash_point("engine.committing");
    if (!engine->in_transaction && store_begin(store, &engine->err) < 0)
        return -1;
    engine->in_transaction = 1;
    if (write_appended(engine) < 0)
        return -1;
    json_array_foreach(engine->taken_posts, i, id)
        if (store_take_post(store, json_integer_value(id), &engine->err) < 0)
            return -1;
    json_array_clear(engine->taken_posts);
    crash_point("engine.written");
    if (store_commit(store, &engine->err) < 0)
        return -1;
    engine->in_transaction = 0;
    crash_point("engine.committed");
    return 0;
}

static void
drop_appended(struct engine *engine)
{
    while (engine->appended) {
        struct appended *a = engine->appended;

        engine->appended = a->next;
        free(a->record.body);
        free(a->record.hash);
        free(a);
    }
    engine->appended_end = &engine->appended;
}

static void
show(const struct engine_watch *watch, const struct outgoing *out)
{
    const struct run *run = out->live->run;

    if (out->record && watch->record)
        watch->record(watch->data, run, out->record);
    if (out->note && out->note_of && watch->progress)
        watch->progress(watch->data, run, out->note_of, out->note);
    else if (out->note && !out->note_of && watch->log)
        watch->log(watch->data, run, out->note);
}

static void
send_outgoing(struct engine *engine, int durable)
{
    while (engine->outgoing) {
        struct outgoing *out = engine->outgoing;

        engine->outgoing = out->next;
        if (!engine->outgoing)
            engine->outgoing_end = &engine->outgoing;
        if (durable && out->job)
            step_send(out->job);
        if (durable && out->live)
            show(&engine->options.watch, out);
        json_decref(out->record);
        free(out->note);
        free(out->note_of);
        free(out);
    }
}

void
turn_end(struct engine *engine)
{
    int durable;

    if (!engine->must_commit || (!engine->appended && !engine->outgoing && json_array_size(engine->taken_posts) == 0))
        return;
    engine->must_commit = 0;
    uv_timer_stop(&engine->flush);
    durable = engine->err.kind == CAIRN_ERR_NONE && commit(engine) == 0;
    if (!durable)
        store_abort(engine->options.store);
    drop_appended(engine);
    send_outgoing(engine, durable);
    if (!durable)
        uv_stop(&engine->loop);
}
