/*
 * timer.c: waits, sleeps and maintenance windows; called by command.c and, for polls, by script.c.
 * SPDX-License-Identifier: MIT
 *
 * A poll is the script's own function with reads that leave no record; only how the wait ended is recorded. When the
 * run was put away meanwhile, its script host is started again for the poll.
 */
#include "common/alloc.h"
#include "common/clock.h"
#include "common/crash.h"
#include "common/error.h"
#include "engine/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CRASH_TRIES 3 /* polls whose worker crashes */
#define MINUTE_MS 60000
#define DAY_MS (24 * 60 * (int64_t)MINUTE_MS)
#define WEEK_MS (7 * DAY_MS)
#define TIME_MAX 8e15   /* ms; later than any calendar goes */
#define EPOCH_WEEKDAY 4 /* 1970-01-01 was a Thursday; Sunday is 0 */

static int64_t
number(const struct job *job, const char *name)
{
    double value = json_number_value(json_object_get(job->command->intent, name));

    return value > TIME_MAX ? (int64_t)TIME_MAX : value > 0 ? (int64_t)value : 0;
}

static void
finish(struct job *job, int ok, json_t *owned_value, const char *how)
{
    struct live *live = job->live;
    char *id = alloc_str(job->command->id);

    job_free(job);
    command_outcome(live, id, ok, owned_value, how, TURN_LATER);
    free(id);
}

/* ---- sleep and window ---- */

static void
slept(struct job *job)
{
    finish(job, 1, json_null(), "elapsed");
}

/* "Sun:03:00-Sun:04:00" as minutes of the week from Sunday 00:00 UTC; -1 when it isn't one. */
static int
parse_window(const char *spec, int64_t *from, int64_t *to)
{
    static const char days[] = "sunmontuewedthufrisat";
    char day[2][4];
    int hour[2], minute[2];
    char end;
    int64_t *out[2] = { from, to };

    if (sscanf(spec, "%3[A-Za-z]:%2d:%2d-%3[A-Za-z]:%2d:%2d%c", day[0], &hour[0], &minute[0], day[1], &hour[1],
               &minute[1], &end)
        != 6)
        return -1;
    for (int i = 0; i < 2; i++) {
        const char *at;

        for (char *c = day[i]; *c; c++)
            *c |= 0x20;
        at = strstr(days, day[i]);
        if (!at || strlen(day[i]) != 3 || (at - days) % 3 != 0 || hour[i] < 0 || hour[i] > 23 || minute[i] < 0
            || minute[i] > 59)
            return -1;
        *out[i] = ((at - days) / 3) * (DAY_MS / MINUTE_MS) + hour[i] * 60 + minute[i];
    }
    return 0;
}

static void
window(struct job *job)
{
    const char *spec = json_string_value(json_object_get(job->command->intent, "spec"));
    int64_t now = clock_now();
    int64_t week = now - (now + EPOCH_WEEKDAY * DAY_MS) % WEEK_MS; /* Sunday 00:00 */
    int64_t from, to, opens, length;

    if (!spec || parse_window(spec, &from, &to) < 0) {
        finish(job, 0,
               json_pack("{s:s, s:s}", "kind", "invalid", "text",
                         "read window: not of the form Sun:03:00-Sun:04:00 (UTC)"),
               "elapsed");
        return;
    }
    length = ((to - from + WEEK_MS / MINUTE_MS) % (WEEK_MS / MINUTE_MS)) * MINUTE_MS;
    opens = week + from * MINUTE_MS;
    if (opens > now && opens + length - WEEK_MS > now)
        opens -= WEEK_MS; /* a window that wraps the week, and began in the last one */
    if (opens + length <= now)
        opens += WEEK_MS;
    if (opens <= now)
        finish(job, 1, json_pack("{s:I, s:I}", "opens", (json_int_t)opens, "closes", (json_int_t)(opens + length)),
               "elapsed");
    else
        job_after(job, opens - now, window);
}

/* ---- wait ---- */

static void
poll_now(struct job *job)
{
    struct live *live = job->live;

    if (live->phase == LIVE_AWAY)
        live_wake(live); /* and timer_poll_again comes back here */
    if (live->phase != LIVE_RUNNING || live->ended)
        return;
    job->polling = 1;
    script_send(live, json_pack("{s:s, s:s, s:I}", "op", "poll", "id", job->command->id, "t", (json_int_t)clock_now()));
}

static void
poll_later(struct job *job, const char *note)
{
    int64_t every = number(job, "every");
    int64_t stall = number(job, "stall");
    int64_t now = clock_now();

    job->polling = 0;
    if (!job->note || strcmp(job->note, note) != 0) {
        free(job->note);
        job->note = alloc_str(note);
        job->moved = now;
        job->stalled = 0;
        live_on_progress(job, note);
    } else if (stall > 0 && !job->stalled && now - job->moved >= stall) {
        char *text = alloc_printf("alert: %s: nothing has moved for %lld s: %s",
                                  json_string_value(json_object_get(job->command->intent, "title")),
                                  (long long)((now - job->moved) / 1000), note);

        job->stalled = 1;
        live_log(job->live, text);
        live_on_progress(job, text);
        free(text);
    }
    job_after(job, every > 0 ? every : 1000, poll_now);
    live_check(job->live);
}

void
timer_begin(struct job *job)
{
    int64_t now = clock_now();
    int64_t until;

    if (job->kind == JOB_WAIT) {
        job->moved = now;
        poll_now(job);
    } else if (job->kind == JOB_WINDOW) {
        window(job);
    } else {
        until = json_object_get(job->command->intent, "until") ? number(job, "until")
                                                               : job->command->first + number(job, "ms");
        job_after(job, until - now, slept);
        live_check(job->live);
    }
}

void
timer_poll_again(struct live *live)
{
    for (struct job *job = live->jobs; job; job = job->next)
        if (job->kind == JOB_WAIT && !job->due && !job->polling)
            job_after(job, 0, poll_now);
}

static struct job *
wait_of(const struct live *live, const json_t *message)
{
    const char *id = json_string_value(json_object_get(message, "id"));
    struct job *job = id ? job_find(live, id) : NULL;

    return job && job->kind == JOB_WAIT && job->polling ? job : NULL;
}

void
timer_polled(struct live *live, const json_t *message)
{
    struct job *job = wait_of(live, message);
    json_t *error = json_object_get(message, "error");
    const char *note = json_string_value(json_object_get(message, "note"));
    struct cairn_error err = { 0 };

    if (!job)
        return;
    crash_point("engine.polled");
    if (error) {
        error_from_json(&err, error);
        if (err.kind == CAIRN_ERR_THROTTLED || err.kind == CAIRN_ERR_UNAVAILABLE || err.kind == CAIRN_ERR_TIMEOUT
            || err.kind == CAIRN_ERR_IN_DOUBT || err.kind == CAIRN_ERR_NOT_YET
            || (strcmp(err.code, "crashed") == 0 && ++job->tries < CRASH_TRIES))
            poll_later(job, err.text);
        else
            finish(job, 0, json_incref(error), "polled");
    } else if (json_is_true(json_object_get(message, "done"))) {
        finish(job, 1, json_incref(json_object_get(message, "value")), "polled");
    } else {
        poll_later(job, note ? note : "");
    }
}

/* ---- reads of a poll ---- */

struct poll_read {
    struct live *live;
    char *id; /* of the wait */
    json_t *n;
    int generation; /* of the script host that asked */
    struct poll_read *next;
};

static void
drop_read(struct poll_read *read)
{
    struct poll_read **at = &read->live->reads;

    while (*at != read)
        at = &(*at)->next;
    *at = read->next;
    json_decref(read->n);
    free(read->id);
    free(read);
}

void
timer_forget_reads(struct live *live)
{
    while (live->reads)
        drop_read(live->reads);
}

static void
on_read(void *data, json_t *reply)
{
    struct poll_read *read = data;
    int ok = json_is_true(json_object_get(reply, "ok"));
    json_t *answer = json_deep_copy(json_object_get(reply, ok ? "value" : "error"));
    struct cairn_error err = { 0 };

    crash_point("engine.read");
    if (ok && seal_value(read->live->engine->seal, &answer, &err) < 0) {
        ok = 0;
        json_decref(answer);
        answer = error_to_json(&err);
    }
    if (read->live->phase == LIVE_RUNNING && read->generation == read->live->generation)
        script_send(read->live, json_pack("{s:s, s:s, s:O, s:b, s:o}", "op", "read", "id", read->id, "n", read->n, "ok",
                                          ok, ok ? "value" : "error", answer));
    else
        json_decref(answer);
    drop_read(read);
}

void
timer_read(struct live *live, const json_t *message)
{
    struct engine *engine = live->engine;
    const char *name = json_string_value(json_object_get(message, "plugin"));
    const char *action_name = json_string_value(json_object_get(message, "action"));
    const struct plugins_entry *plugin = name ? plugins_find(engine->options.plugins, name) : NULL;
    const json_t *action = plugin && action_name ? plugins_action(plugin, action_name) : NULL;
    const char *effect = json_string_value(json_object_get(action, "effect"));
    struct job *job = wait_of(live, message);
    struct poll_read *read;
    struct pool_events events = { 0 };
    json_t *error;
    json_t *args = json_object_get(message, "args");

    if (!job)
        return;
    if (!effect || strcmp(effect, "read") != 0) {
        error =
            json_pack("{s:s, s:s}", "kind", "invalid", "text", "poll: only actions that read are allowed in a wait");
        script_send(live, json_pack("{s:s, s:s, s:O, s:b, s:o}", "op", "read", "id", job->command->id, "n",
                                    json_object_get(message, "n"), "ok", 0, "error", error));
        return;
    }
    read = alloc_zero(1, sizeof(*read));
    read->live = live;
    read->id = alloc_str(job->command->id);
    read->n = json_incref(json_object_get(message, "n"));
    read->generation = live->generation;
    read->next = live->reads;
    live->reads = read;
    events.data = read;
    events.reply = on_read;
    pool_call(engine->pool, name,
              json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:i, s:I}", "mode", "run", "action", action_name, "args",
                        args ? json_incref(args) : json_object(), "token", "", "run", live->run->id, "step",
                        job->command->id, "attempt", 1, "started", (json_int_t)clock_now()),
              0, &events);
}
