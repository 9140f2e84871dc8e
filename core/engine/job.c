/*
 * job.c: what the engine is doing about a command: made when the command is begun, gone with its outcome.
 * SPDX-License-Identifier: MIT
 */
#include "common/alloc.h"
#include "common/clock.h"
#include "common/crash.h"
#include "engine/live.h"

#include <stdlib.h>
#include <string.h>

#define TIMER_MAX_MS 30000 /* the loop's time stands still while the machine sleeps: look at the clock now and then */

struct job *
job_new(struct live *live, struct run_command *command, enum job_kind kind)
{
    struct job *job = alloc_zero(1, sizeof(*job));

    job->live = live;
    job->command = command;
    job->kind = kind;
    job->began = clock_now();
    job->doubted = command->in_doubt;
    uv_timer_init(&live->engine->loop, &job->timer);
    job->timer.data = job;
    job->next = live->jobs;
    live->jobs = job;
    return job;
}

static void
on_job_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
job_free(struct job *job)
{
    struct job **at = &job->live->jobs;

    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    turn_forget_job(job->live->engine, job);
    if (job->call)
        pool_drop(job->call);
    json_decref(job->refusal);
    json_decref(job->lost);
    free(job->note);
    uv_close((uv_handle_t *)&job->timer, on_job_closed);
}

static void on_job_timer(uv_timer_t *timer);

static void
set_timer(struct job *job)
{
    int64_t wall = clock_nap(job->due - clock_now());

    uv_timer_start(&job->timer, on_job_timer, (uint64_t)(wall < TIMER_MAX_MS ? wall : TIMER_MAX_MS), 0);
}

static void
on_job_timer(uv_timer_t *timer)
{
    struct job *job = timer->data;

    if (job->due > clock_now()) {
        set_timer(job);
        return;
    }
    crash_point("engine.due");
    job->due = 0;
    job->then(job);
}

void
job_after(struct job *job, int64_t ms, void (*then)(struct job *job))
{
    job->then = then;
    job->due = clock_now() + (ms > 0 ? ms : 0);
    set_timer(job);
}

struct job *
job_find(const struct live *live, const char *id)
{
    for (struct job *job = live->jobs; job; job = job->next)
        if (strcmp(job->command->id, id) == 0)
            return job;
    return NULL;
}

/* A step that waits to be sent once more isn't in flight: its last attempt was refused. */
int
job_steps(const struct live *live)
{
    int n = 0;

    for (const struct job *job = live->jobs; job; job = job->next)
        n += job->kind == JOB_STEP && !job->due;
    return n;
}

/* Steps that a cancel has to wait for: what is in doubt must be known before the script gives it up. */
int
job_unsettled(const struct live *live)
{
    int n = job_steps(live);

    for (const struct job *job = live->jobs; job; job = job->next)
        n += job->kind == JOB_STEP && job->due && (job->command->in_doubt || job->refusal);
    return n;
}
