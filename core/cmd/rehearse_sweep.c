/*
 * rehearse_sweep.c: the same run many times, killed at each crash point that it passes; used by the command `rehearse`.
 * SPDX-License-Identifier: MIT
 */
#include "cmd/print.h"
#include "cmd/rehearse.h"
#include "common/alloc.h"
#include "common/clock.h"
#include "common/text.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_BASE_MS 60000
#define LIMIT_FACTOR 20  /* of the time that the undisturbed run took */
#define TELL_MS 200      /* between two lines of progress on a terminal */

/* ---- the run that nobody disturbs ---- */

static void
on_reference(struct trial *t)
{
    t->data = NULL;
}

/* Until at most so many of the two are under way; both are ended when the rehearsal can't go on. */
static void
await(struct rehearsal *r, struct trial *const *trials, int most)
{
    while ((trials[0]->data != NULL) + (trials[1]->data != NULL) > most) {
        for (size_t i = 0; i < 2; i++)
            if (trials[i]->data && (r->interrupted || r->err.kind != CAIRN_ERR_NONE))
                trial_stop(trials[i]);
        uv_run(&r->loop, UV_RUN_ONCE);
    }
}

static void
run_references(struct rehearsal *r, struct trial *const *trials)
{
    for (size_t i = 0; i < 2 && r->err.kind == CAIRN_ERR_NONE && !r->interrupted; i++) {
        trials[i]->done = on_reference;
        if (trial_start(trials[i], &r->err) == 0)
            trials[i]->data = r; /* it is under way */
        await(r, trials, r->jobs > 1);
    }
    await(r, trials, 0);
}

/* Two runs that nobody disturbs must do the same; where their worlds differ nothing can be compared. */
static int
judge_references(struct sweep *s, struct trial *const *trials, struct cairn_error *err)
{
    json_t *one = compare_lines(trials[0]->out.ledger);
    json_t *other = compare_lines(trials[1]->out.ledger);
    int same = json_equal(one, other);

    json_decref(one);
    json_decref(other);
    if (s->r->err.kind != CAIRN_ERR_NONE)
        return cairn_fail(err, s->r->err.kind, "%s", s->r->err.text);
    if (s->r->interrupted)
        return cairn_fail(err, CAIRN_ERR_CANCELLED, "rehearse: interrupted");
    for (size_t i = 0; i < 2; i++)
        if (trials[i]->out.why)
            return cairn_fail(err, CAIRN_ERR_FAILED, "rehearse %s: it doesn't come to its end when nobody disturbs it: %s",
                              s->r->flow, trials[i]->out.why);
    if (!same)
        return cairn_fail(err, CAIRN_ERR_FAILED,
                          "rehearse %s: two runs that nobody disturbed have not changed the same things in the same "
                          "order: nothing can be compared with them",
                          s->r->flow);
    s->noise = compare_noise(&trials[0]->out, &trials[1]->out);
    s->want = trials[0]->out;
    memset(&trials[0]->out, 0, sizeof(trials[0]->out)); /* handed over */
    return 0;
}

int
sweep_reference(struct sweep *s, struct cairn_error *err)
{
    struct trial *trials[2] = { trial_new(s->r, "undisturbed", NULL), trial_new(s->r, "undisturbed-too", NULL) };
    int rc;

    run_references(s->r, trials);
    rc = judge_references(s, trials, err);
    trial_free(trials[0]);
    trial_free(trials[1]);
    s->queue = json_array();
    s->crashes = json_array();
    s->cells = json_array();
    s->divergences = json_array();
    s->unknown = json_object();
    return rc;
}

/* ---- what is tried ---- */

/* The next number of a series that depends on the seed and a text alone; from 0, below 1. */
static double
draw(int64_t seed, const char *text, uint64_t n)
{
    uint64_t x = (uint64_t)seed * 0x9e3779b97f4a7c15u + n;

    for (; *text; text++)
        x = (x ^ (unsigned char)*text) * 0x100000001b3u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (double)((x ^ (x >> 31)) >> 11) / 9007199254740992.0;
}

json_t *
sweep_points(const struct sweep *s)
{
    json_t *counts = json_object();
    size_t i;
    json_t *point;

    json_array_foreach(s->want.points, i, point) {
        const char *name = json_string_value(point);

        json_object_set_new(counts, name, json_integer(json_integer_value(json_object_get(counts, name)) + 1));
    }
    return counts;
}

void
sweep_add(struct sweep *s, json_t *owned_item)
{
    json_array_append_new(s->queue, owned_item);
    s->planned++;
}

/* The i-th of n numbers from 0 on and below `all`, one out of each of n equal parts. */
static json_int_t
pick(const struct sweep *s, const char *what, json_int_t i, json_int_t n, json_int_t all)
{
    double part = (double)i + (n == all ? 0 : draw(s->r->seed, what, (uint64_t)i));

    return (json_int_t)(part * (double)all / (double)n);
}

static json_int_t
samples(const struct sweep *s, json_int_t all)
{
    return s->r->sample && s->r->sample < all ? s->r->sample : all;
}

/* All passings, or as many samples of each point. */
void
sweep_plan(struct sweep *s)
{
    json_t *counts = sweep_points(s);
    const char *name;
    json_t *count;

    json_object_foreach(counts, name, count) {
        json_int_t all = json_integer_value(count);
        json_int_t n = samples(s, all);

        for (json_int_t i = 0; i < n && (!s->r->points || fnmatch(s->r->points, name, 0) == 0); i++)
            sweep_add(s, json_pack("{s:o}", "crash",
                                   json_sprintf("%s:%lld", name, (long long)pick(s, name, i, n, all) + 1)));
    }
    json_decref(counts);
}

/* A second death at each point that was passed after the first, or at as many samples of them all. */
static void
plan_pairs(struct sweep *s, const struct trial *t)
{
    const json_t *points = t->out.points;
    size_t from = trial_behind(t, 1);
    json_int_t all = (json_int_t)(json_array_size(points) - from);
    json_int_t n = samples(s, all);
    json_t *counts = json_object(); /* of those before the one that was picked last */
    size_t at = from;

    for (json_int_t i = 0; i < n; i++) {
        size_t picked = from + (size_t)pick(s, t->crash, i, n, all);
        const char *name = json_string_value(json_array_get(points, picked));

        for (; at <= picked; at++) {
            const char *passed = json_string_value(json_array_get(points, at));

            json_object_set_new(counts, passed,
                                json_integer(json_integer_value(json_object_get(counts, passed)) + 1));
        }
        sweep_add(s, json_pack("{s:o}", "crash",
                               json_sprintf("%s,%s:%lld", t->crash, name,
                                            (long long)json_integer_value(json_object_get(counts, name)))));
    }
    json_decref(counts);
}

/* ---- what came of a trial ---- */

static void
forget(struct sweep *s, const struct trial *t)
{
    struct trial **at = &s->running;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    s->count--;
}

static void
note_divergence(struct sweep *s, struct trial *t, json_t *owned_differences)
{
    json_t *divergence = json_pack("{s:o, s:I}", "differences", owned_differences, "took_ms", (json_int_t)t->out.took);
    char *repeat = rehearse_repeat(s->r, t);

    json_object_update(divergence, t->item);
    json_object_set_new(divergence, "repeat", json_string(repeat));
    if (s->r->keep)
        json_object_set_new(divergence, "folder", json_string(t->folder));
    json_array_append_new(s->divergences, divergence);
    if (!isatty(STDERR_FILENO))
        fprintf(stderr, "it does not end the same: %s\n", repeat);
    free(repeat);
}

static void
note_crash(struct sweep *s, const struct trial *t)
{
    int pair = strchr(t->crash, ',') != NULL;

    json_array_append_new(s->crashes, json_string(t->crash));
    s->pairs += (size_t)pair;
    s->missed += trial_kills(t) < 1u + (size_t)pair;
    if (s->doubled && !pair && trial_kills(t) == 1)
        plan_pairs(s, t);
}

static void
note_unknown(struct sweep *s, const struct trial *t)
{
    size_t i;
    json_t *text;

    json_array_foreach(t->out.unknown, i, text) {
        const char *what = json_string_value(text);

        json_object_set_new(s->unknown, what, json_integer(json_integer_value(json_object_get(s->unknown, what)) + 1));
    }
}

static void
on_tried(struct trial *t)
{
    struct sweep *s = t->data;
    json_t *differences;

    forget(s, t);
    if (!s->r->interrupted && s->r->err.kind == CAIRN_ERR_NONE) {
        differences = compare_outcomes(&s->want, &t->out, s->noise);
        s->tried++;
        note_unknown(s, t);
        if (t->crash)
            note_crash(s, t);
        else
            faults_note(s, t, differences);
        if (json_array_size(differences))
            note_divergence(s, t, differences);
        else
            json_decref(differences);
    }
    trial_free(t);
}

/* ---- all of them ---- */

static int
begin_next(struct sweep *s, struct cairn_error *err)
{
    json_t *item = json_incref(json_array_get(s->queue, 0));
    char name[32];
    struct trial *t;

    snprintf(name, sizeof(name), "trial-%lld", (long long)++s->number);
    t = trial_new(s->r, name, json_string_value(json_object_get(item, "crash")));
    t->item = item;
    t->fault = json_incref(json_object_get(item, "fault"));
    json_array_remove(s->queue, 0);
    t->limit = LIMIT_BASE_MS + LIMIT_FACTOR * s->want.took;
    t->done = on_tried;
    t->data = s;
    if (trial_start(t, err) < 0) {
        trial_free(t);
        return -1;
    }
    t->next = s->running;
    s->running = t;
    s->count++;
    return 0;
}

static void
tell(struct sweep *s, int last)
{
    int64_t now = clock_wall();
    int64_t spent = now - s->r->began;
    size_t left = json_array_size(s->queue) + s->count;
    char *span;

    if (!isatty(STDERR_FILENO) || (!last && now - s->shown_at < TELL_MS))
        return;
    s->shown_at = now;
    span = print_span(s->tried ? spent / (int64_t)s->tried * (int64_t)left : 0);
    if (last)
        fprintf(stderr, "\r\033[K");
    else
        fprintf(stderr, "\r\033[K%zu of %zu tried, %zu do not end the same, %s left", s->tried, s->planned,
                json_array_size(s->divergences), s->tried ? span : "?");
    fflush(stderr);
    free(span);
}

static int
over(const struct sweep *s)
{
    return s->r->interrupted || s->r->err.kind != CAIRN_ERR_NONE;
}

int
sweep_all(struct sweep *s, struct cairn_error *err)
{
    int rc = 0;

    while (rc == 0 && !over(s) && (s->count || json_array_size(s->queue))) {
        while (rc == 0 && s->count < s->r->jobs && json_array_size(s->queue))
            rc = begin_next(s, err);
        if (rc == 0)
            uv_run(&s->r->loop, UV_RUN_ONCE);
        tell(s, 0);
    }
    for (struct trial *t = s->running; t; t = t->next)
        trial_stop(t);
    while (s->running)
        uv_run(&s->r->loop, UV_RUN_ONCE);
    tell(s, 1);
    if (s->r->err.kind != CAIRN_ERR_NONE)
        return cairn_fail(err, s->r->err.kind, "%s", s->r->err.text);
    return rc;
}

void
sweep_release(struct sweep *s)
{
    outcome_release(&s->want);
    json_decref(s->noise);
    json_decref(s->queue);
    json_decref(s->crashes);
    json_decref(s->cells);
    json_decref(s->divergences);
    json_decref(s->unknown);
}
